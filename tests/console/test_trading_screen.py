"""What each key on a row sends to the engine and what never reaches it, which panels there are room for, and what they show."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from msgspec.structs import replace
from textual import events

from console.screens.reading import Reading
from console.screens.trading import TradingScreen
from engine.feeds.simulated.universe import LEVELS
from engine.model import Level, TradingState
from engine.model.signals import SignalState
from engine.model.views import BreakerRow, SignalRow, WatchRow
from tests.console.driving import SMALL, WIDE, Console, go_to, running
from tests.console.fake_engine import FakeEngine
from tests.views import sample_view
from widgets.cells import Cell
from widgets.risk import Heading
from widgets.signals import Signals

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])
WAITING = next(row for row in sample_view().signals if row.state is SignalState.WAITING)
WORKING = [row for row in sample_view().orders if not row.state.is_final]


def signals_of(console: Console) -> Signals:
    panel = console.screen.panels["signals"]
    assert isinstance(panel, Signals)
    return panel


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@BOTH
async def test_a_approves_the_signal_under_the_cursor(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await go_to(console, "4")
        await console.press("a")
        assert engine.sent() == [("approve", WAITING.id)]
        await console.shows("approve BUY MSFT: done")


@BOTH
async def test_x_rejects_the_signal_with_the_reason_that_was_typed(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await console.press("4", "x")
        await console.let_pass(1)
        await console.type("earnings tonight")
        await console.press("enter")
        assert engine.sent() == [("reject", WAITING.id, "earnings tonight")]


async def test_what_is_typed_at_once_into_a_reason_is_all_there_and_enter_waits(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("4", "x")
        await console.type("my own way")
        await console.press("enter")
        assert engine.sent() == []
        await console.let_pass(1)
        await console.press("enter")
        assert engine.sent() == [("reject", WAITING.id, "my own way")]


async def test_escape_from_the_question_lets_the_signal_wait(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("4", "x", "escape")
        assert isinstance(console.app.screen, TradingScreen)
        assert engine.sent() == []


async def test_a_decided_signal_cannot_be_approved(engine: FakeEngine) -> None:
    engine.change(signals=tuple(row for row in engine.current.signals if row.state is SignalState.REJECTED))
    async with running(engine) as console:
        await console.press("4", "a")
        assert engine.sent() == []
        await console.shows("waits no more: rejected")


async def test_all_marked_signals_are_approved_and_no_other(engine: FakeEngine) -> None:
    engine.change(signals=tuple(replace(WAITING, id=f"s{n}", number=n) for n in range(3)))
    async with running(engine) as console:
        await console.press("4", "space", "down", "space", "A")
        assert engine.sent() == [("approve", "s0"), ("approve", "s2")]


@BOTH
async def test_c_cancels_the_order_and_capital_c_all_of_its_symbol(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await go_to(console, "3")
        await console.press("c", "C")
        assert engine.sent() == [("cancel", WORKING[0].id, ""), ("cancel", "", "AAPL")]


async def test_an_order_that_has_ended_is_not_cancelled(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("3", "G", "c")
        assert engine.sent() == []
        await console.shows("has ended: filled")


def waiting(*numbers: int) -> tuple[SignalRow, ...]:
    return tuple(replace(WAITING, id=f"s{n}", number=n) for n in numbers)


async def test_a_row_that_came_under_the_cursor_by_itself_takes_no_yes_until_it_was_seen(engine: FakeEngine) -> None:
    engine.change(signals=waiting(1, 2))
    async with running(engine) as console:
        await console.press("4")
        engine.change(signals=waiting(2))
        await console.until(lambda: [row.id for row in signals_of(console).rows] == ["s2"])
        await console.press("a")
        assert engine.sent() == []
        await console.shows("just come under the cursor")
        await console.let_pass(1)
        await console.press("a")
        assert engine.sent() == [("approve", "s2")]


async def test_a_held_a_approves_none_of_those_that_come(engine: FakeEngine) -> None:
    engine.change(signals=())
    async with running(engine) as console:
        await console.press("4", "a")
        for number in range(1, 4):
            engine.change(signals=waiting(number))
            await console.until(lambda: signals_of(console).rows)
            for _ in range(30):
                await console.let_pass(0.03)
                await console.press("a")
        assert engine.sent() == []


async def test_a_movement_among_rows_that_just_moved_takes_no_yes(engine: FakeEngine) -> None:
    engine.change(signals=waiting(1, 2))
    async with running(engine) as console:
        await console.press("4")
        engine.change(signals=waiting(1, 3, 2))
        await console.until(lambda: len(signals_of(console).rows) == 3)
        await console.burst("j", "a")
        assert engine.sent() == []


async def test_a_row_scrolled_out_of_sight_is_shown_before_it_is_acted_on(engine: FakeEngine) -> None:
    engine.change(signals=waiting(*range(40)))
    async with running(engine) as console:
        await console.press("4")
        signals_of(console).scroll_to(y=30, animate=False, force=True)
        await console.press("a")
        assert engine.sent() == []
        assert signals_of(console).scroll_offset.y == 0


async def test_a_panel_that_was_not_on_the_screen_takes_no_yes_before_it_was_read(engine: FakeEngine) -> None:
    async with running(engine, SMALL) as console:
        await console.burst("4", "a")
        await console.until(lambda: signals_of(console).size.height)
        await console.press("a")
        assert engine.sent() == []


async def test_a_cancelling_key_waits_for_a_row_that_was_seen(engine: FakeEngine) -> None:
    engine.change(orders=tuple(WORKING[:2]))
    async with running(engine) as console:
        await console.press("3")
        engine.change(orders=tuple(WORKING[1:2]))
        await console.until(lambda: len(console.screen.panels["orders"].rows) == 1)  # type: ignore[attr-defined]
        await console.press("c", "C")
        assert engine.sent() == []


async def test_keys_that_come_to_a_terminal_in_the_background_stay_text(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("4", "colon")
        console.app.post_message(events.AppBlur())
        await console.pilot.pause()
        await console.type("a")
        assert (engine.sent(), console.line.text) == ([], "a")


async def test_a_letter_that_belongs_to_another_panel_does_nothing(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("1", "a", "x", "c", "A", "2", "a", "x", "c")
        assert engine.sent() == []


async def test_cancelling_a_symbol_without_a_row_cancels_nothing(engine: FakeEngine) -> None:
    engine.change(orders=())
    async with running(engine) as console:
        await console.press("3", "C", "c")
        assert engine.sent() == []


async def test_the_chart_follows_the_row(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("down")
        await console.until(lambda: ("focus", "MSFT") in engine.calls)


async def test_the_chart_follows_into_another_panel(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("4")
        assert ("focus", WAITING.symbol) in engine.calls


async def test_a_panel_that_comes_out_is_up_to_date_even_if_nothing_changes_any_more(engine: FakeEngine) -> None:
    async with running(engine, SMALL) as console:
        engine.change(orders=(replace(WORKING[0], symbol="NVDA"),))
        await console.pilot.pause(0.2)
        await console.press("3")
        assert "NVDA" in console.picture


# ---- layout


async def test_a_resize_keeps_text_cursor_and_focus(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("4", "colon")
        await console.type("buy 100 AAPL")
        await console.press("left", "left")
        for size in [(80, 24), (104, 28), (60, 20), (200, 60), (120, 36)]:
            await console.pilot.resize_terminal(*size)
            await console.pilot.pause()
            assert console.app.focused is console.line
            assert (console.line.text, console.line.cursor, console.screen.panel) == ("buy 100 AAPL", 10, "signals")


async def test_the_focused_panel_survives_a_resize_to_one_panel_and_back(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("7")
        await console.pilot.resize_terminal(80, 24)
        await console.pilot.pause()
        assert [name for name, panel in console.screen.panels.items() if panel.display] == ["chart"]
        await console.pilot.resize_terminal(104, 28)
        await console.pilot.pause()
        assert console.app.focused is console.screen.panels["chart"]
        await console.pilot.resize_terminal(120, 36)
        await console.pilot.pause()
        assert all(panel.display for panel in console.screen.panels.values())
        assert console.app.focused is console.screen.panels["chart"]


async def test_a_panel_maximises_and_comes_back(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("2", "z")
        assert [name for name, panel in console.screen.panels.items() if panel.display] == ["positions"]
        await console.press("3")
        assert [name for name, panel in console.screen.panels.items() if panel.display] == ["orders"]
        await console.press("z")
        assert all(panel.display for panel in console.screen.panels.values())


@BOTH
async def test_digits_and_tab_go_round_all_panels(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        seen = []
        for _ in range(7):
            await console.press("tab")
            seen.append(console.screen.panel)
            assert console.app.focused is console.screen.panels[console.screen.panel]
        assert seen == ["positions", "orders", "signals", "risk", "log", "chart", "watch"]
        for digit in "7654321":
            await console.press(digit)
            assert console.app.focused is console.screen.panels[console.screen.panel]


@pytest.mark.parametrize("digit", ["1", "2", "5", "6", "7"])
async def test_a_screen_with_room_for_them_names_the_keys_of_all_that_can_be_opened_or_arranged(engine: FakeEngine, digit: str) -> None:
    async with running(engine, (300, 60)) as console:
        await console.press(digit)
        table = digit != "7"
        for hint in ("B backtests", "' jump", "F9 flatten", *["v columns", "y copy"] * table, "t theme", ", preferences", "i notices"):
            await console.shows(f"  {hint}  ")


async def test_the_small_screen_has_header_one_panel_order_line_and_hints(engine: FakeEngine) -> None:
    engine.change(log=())
    async with running(engine, SMALL) as console:
        picture = console.picture.split("\n")
        assert "PAPER" in picture[0]
        assert "3 Orders" in picture[2]
        assert picture[-4].strip() == ">"
        assert "F12 / ^G STOP" in picture[-1]


# ---- what is shown


@pytest.mark.parametrize("noticed", [False, True], ids=["quiet", "a notice"])
async def test_a_usual_screen_shows_all_symbols_that_are_watched_by_default(engine: FakeEngine, noticed: bool) -> None:
    row = engine.current.watch[0]
    engine.change(watch=tuple(replace(row, symbol=symbol) for symbol in LEVELS), log=())
    async with running(engine, WIDE) as console:
        if noticed:
            engine.note(Level.ERROR, "order", "#12 AAPL rejected: too much")
            await console.shows("1 notice")
        await console.until(lambda: all(f" {symbol} " in console.picture for symbol in LEVELS))


async def test_the_first_picture_does_not_wait_for_the_engine(engine: FakeEngine) -> None:
    engine.change(health=replace(engine.current.health, ready=False), watch=(), positions=(), orders=(), signals=(), log=())
    async with running(engine) as console:
        await console.shows("not ready")
        await console.until(lambda: ("start",) in engine.calls)


async def test_text_from_outside_is_data_in_every_panel_and_dialog(engine: FakeEngine) -> None:
    evil = "[bold]AAPL[/] [/] \x1b]0;owned\x07\x9b2J"
    engine.change(
        signals=(replace(WAITING, symbol=evil, reason=evil, verdict=evil),),
        orders=(replace(WORKING[0], symbol=evil, reason=evil),),
        log=(replace(engine.current.log[-1], text=evil, detail=evil),),
        account=replace(engine.current.account, state=TradingState.HALTED, reason=evil),
    )
    async with running(engine, SMALL) as console:
        for way in (["4", "enter"], ["3", "enter"], ["6", "enter"], ["4", "x"], ["q"], ["m"], ["2", "b"]):
            await console.press(*way)
            picture = console.picture
            assert "\x1b" not in picture
            assert "\x9b" not in picture
            assert "\x07" not in picture
            await console.press("escape", "escape")
            assert isinstance(console.app.screen, TradingScreen)


def dialog_text(console: Console) -> str:
    dialog = console.app.screen
    assert isinstance(dialog, Reading)
    return " ".join("".join(cell.text for line in dialog.body(70) for cell in [*line, Cell(" ")]).split())


@BOTH
async def test_enter_on_a_limit_says_what_it_is_how_much_is_left_and_what_happens_at_it(engine: FakeEngine, size: tuple[int, int]) -> None:
    account = engine.current.account
    held = replace(engine.current.positions[0], symbol="IBM", value=account.equity * 6 / 100, last=180.0)
    engine.change(positions=(held,))
    shares = int(account.equity * 4 / 100 / 180)
    async with running(engine, size) as console:
        await console.press("5", "enter")
        text = dialog_text(console)
        assert "used 6% of 10%, IBM" in text
        assert f"left 4%: {account.equity * 4 / 100:,.2f}, {shares} shares of IBM at 180.00" in text
        assert "if a strategy did" in text
        assert "holds until less is held" in text


async def test_enter_on_a_heading_says_that_its_rows_tell_more(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("5")
        table = console.screen.subject.table
        assert table is not None
        while not isinstance(table.cursor_row, Heading):
            await console.press("j")
        await console.press("enter")
        await console.shows("is a heading. Enter tells everything about a row under it.")


async def test_enter_on_a_breaker_that_tripped_says_why_and_what_releases_it(engine: FakeEngine) -> None:
    fell = BreakerRow("drawdown of sma_cross", True, "its profit fell by 3.1% of equity, limit 3%", "your word", 1, True)
    engine.change(breakers=(fell,))
    async with running(engine) as console:
        await console.press("5", "enter")
        text = dialog_text(console)
        assert "No more entries of sma_cross" in text
        assert "its profit fell by 3.1% of equity" in text
        assert "your word m opens the modes, where you release it and say why" in text


@BOTH
async def test_enter_on_a_watched_symbol_says_its_market_as_a_person_reads_it(engine: FakeEngine, size: tuple[int, int]) -> None:
    row = WatchRow("AAPL", 187.16, -5.34274e-05, 187.14, 187.16, 6607.0, None, Decimal("0.01"), 187.17)
    engine.change(watch=(row,))
    async with running(engine, size) as console:
        await console.press("1", "enter")
        text = dialog_text(console)
        assert "change ▼ -0.01% since the close before this session, 187.17" in text
        assert "bid × ask 187.14 × 187.16 spread 0.02 0.01% of the ask" in text
        assert "volume 6,607 in the newest bar" in text
        await console.press("escape")
        engine.change(watch=(replace(row, stale_s=7),))
        await console.shows("stale 7s")
        await console.press("enter")
        assert "last 187.16, stale 7s: no entry is made on it" in dialog_text(console)


async def test_a_log_line_shows_its_traceback_whole_and_as_far_in_as_it_stands(engine: FakeEngine) -> None:
    source = f"    raise ValueError({' + '.join(f'part_{number}' for number in range(12))})"
    detail = f"Traceback (most recent call last):\n  File 's.py', line 3\n{source}\nZeroDivisionError: no"
    engine.change(log=(replace(engine.current.log[-1], detail=detail),))
    async with running(engine) as console:
        await console.press("6", "enter")
        assert "ZeroDivisionError: no" in console.picture
        lines = re.findall(r"│([^│]*part_[^│]*)│", console.picture)
        assert " ".join(" ".join(lines).split()) == source.strip()
        assert {len(line) - len(line.lstrip()) for line in lines} == {2 + 4}
        assert "level" in console.picture
        assert "wall" not in console.picture


async def test_a_console_told_to_go_on_that_did_not_stand_still_says_nothing_of_it() -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        await console.until(lambda: console.screen.since_frame() == 0)
        console.app.resumed(suspended=False)
        await console.pilot.pause()
        assert ("sync",) not in engine.sent()
        console.clock.now += 2
        console.app.resumed(suspended=False)
        await console.until(lambda: ("sync",) in engine.sent())
