"""What each key and each line sends to the engine, and what never reaches it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from textual import events

from console.actions.groups import performers
from console.keys import ACTIONS, KeyMap
from console.screens.trading import TradingScreen
from engine.model import Intent, Mode, OrderType, Outcome, Side, TimeInForce, TradingState, Verdict
from engine.model.signals import SignalState
from engine.model.views import BreakerRow, SignalRow
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.fake_engine import FakeEngine, orders
from tests.views import position, sample_view
from widgets.signals import Signals

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])
STOPPED = ("emergency_stop", "stop key")
WAITING = next(row for row in sample_view().signals if row.state is SignalState.WAITING)
WORKING = [row for row in sample_view().orders if not row.state.is_final]


async def go_to(console: Console, digit: str) -> None:
    """To a panel, and long enough there to read it."""
    await console.press(digit)
    await console.until(lambda: console.screen.panels[console.screen.panel].size.height)
    await console.let_pass(1)


def signals_of(console: Console) -> Signals:
    panel = console.screen.panels["signals"]
    assert isinstance(panel, Signals)
    return panel


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


# ---- panels and rows


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


# ---- the order line


@BOTH
@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("buy 100 AAPL", Intent("AAPL", Side.BUY, Decimal(100))),
        ("buy 100 AAPL @ 187.50 day", Intent("AAPL", Side.BUY, Decimal(100), OrderType.LIMIT, limit=Decimal("187.50"))),
        ("sell half AAPL mkt", Intent("AAPL", Side.SELL, Decimal(50), reduce_only=True)),
        ("sell 100 AAPL stop 184 gtc", Intent("AAPL", Side.SELL, Decimal(100), OrderType.STOP, stop=Decimal(184), tif=TimeInForce.GTC)),
        ("close IBM 50%", Intent("IBM", Side.BUY, Decimal(100), reduce_only=True)),
    ],
)
async def test_a_line_is_submitted_as_it_reads(engine: FakeEngine, size: tuple[int, int], text: str, intent: Intent) -> None:
    async with running(engine, size) as console:
        await console.press("colon")
        await console.type(text)
        await console.press("enter")
        assert engine.sent() == [("submit", intent)]
        assert console.line.text == ""


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("cancel *", ("cancel", "", "")),
        ("cancel AAPL", ("cancel", "", "AAPL")),
        ("cancel #12", ("cancel", WORKING[0].id, "")),
        ("mode manual", ("set_mode", Mode.MANUAL)),
    ],
)
async def test_a_command_of_the_line_is_carried_out(engine: FakeEngine, text: str, call: tuple[object, ...]) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type(text)
        await console.press("enter")
        assert engine.sent() == [call]


async def test_a_held_enter_submits_once(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst(":", "buy 100 AAPL", *["enter"] * 30)
        assert engine.sent() == [("submit", Intent("AAPL", Side.BUY, Decimal(100)))]
        assert "still missing" not in console.picture


@BOTH
async def test_a_burst_in_one_write_keeps_the_order_of_its_keys(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        # From the panel where single letters approve, reject and mark.
        await console.press("4")
        await console.burst(":", "buy 100 AAPL @ 55.5", "enter", "sell 7 MSFT", "enter", "cancel #12", "enter")
        await console.until(lambda: len(engine.sent()) == 3)
        assert engine.sent() == [
            ("submit", Intent("AAPL", Side.BUY, Decimal(100), OrderType.LIMIT, limit=Decimal("55.50"))),
            ("submit", Intent("MSFT", Side.SELL, Decimal(7))),
            ("cancel", WORKING[0].id, ""),
        ]


async def test_a_row_is_acted_on_after_the_movement_before_it(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("3")
        await console.burst("j", "c")
        assert engine.sent() == [("cancel", WORKING[1].id, "")]


async def test_enter_on_a_mistake_sends_nothing_and_keeps_the_text(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type("buy 100 aapl")
        await console.press("enter", "enter")
        assert engine.sent() == []
        assert console.line.text == "buy 100 aapl"
        await console.shows("^ symbols are upper case. Right: AAPL")


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
async def test_a_paste_of_several_lines_keeps_the_first_and_presses_nothing(engine: FakeEngine, end: str) -> None:
    async with running(engine) as console:
        await console.press("colon")
        console.screen.take_paste(f"buy 10 AAPL{end}buy 999 MSFT{end}")
        await console.pilot.pause()
        assert console.line.text == "buy 10 AAPL"
        assert engine.sent() == []


async def test_the_line_shows_normal_form_cost_and_verdict_while_it_is_typed(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type("buy 50 MSFT @ 402.05")
        await console.shows("BUY 50 MSFT limit 402.05 DAY")
        await console.shows("gate: passes")
        await console.shows("cost 20,102.50")
        await console.shows("0.01% under the market")
        assert engine.sent() == []


async def test_the_verdict_names_rule_limit_and_actual(engine: FakeEngine) -> None:
    engine.verdict = Verdict(Outcome.DENY, "exposure", "80%", "84.1%", "too much")
    async with running(engine) as console:
        await console.press("colon")
        await console.type("buy 500 MSFT")
        await console.shows("gate: denies  exposure: limit 80%, actual 84.1%")


async def test_a_verdict_is_never_shown_for_an_order_it_is_not_about(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type("buy MSFT 50")
        await console.shows("buying power after")
        engine.silent = True
        await console.type("0")
        assert "BUY 500 MSFT" in console.picture
        assert "buying power after" not in console.picture


async def test_history_completion_and_the_ways_out(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type("buy 1 AAPL")
        await console.press("enter", "up")
        assert console.line.text == "buy 1 AAPL"
        await console.press("escape")
        assert console.line.text == ""
        await console.type("sell 5 MS")
        await console.press("tab")
        assert console.line.text == "sell 5 MSFT "
        await console.press("ctrl+u", "backspace")
        assert console.app.focused is console.screen.panels["watch"]
        await console.press("colon", "tab")
        assert console.app.focused is console.screen.panels["positions"]


async def test_letters_typed_into_the_line_are_text_and_nothing_else(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type("qzmtabsxcC?1234567")
        assert console.line.text == "qzmtabsxcC?1234567"
        assert engine.sent() == []
        assert isinstance(console.app.screen, TradingScreen)


# ---- answers


async def test_a_refusal_stays_in_sight_until_the_next_key(engine: FakeEngine) -> None:
    engine.refuses = "exposure would be 84% of 80%"
    async with running(engine) as console:
        await console.press("colon")
        await console.type("buy 500 MSFT")
        await console.press("enter")
        await console.shows("BUY 500 MSFT market DAY: exposure would be 84% of 80%")
        await console.let_pass(2)
        await console.press("b")
        assert "exposure would be" not in console.picture


async def test_a_command_without_an_answer_is_called_so(engine: FakeEngine) -> None:
    engine.silent = True
    async with running(engine) as console:
        await console.press("3", "c")
        await console.let_pass(3.5)
        await console.shows("No answer from the engine yet to: cancel #12")


# ---- the stop


@BOTH
@pytest.mark.parametrize("key", ["f12", "ctrl+g"])
async def test_the_stop_works_in_the_middle_of_typing_and_keeps_the_text(engine: FakeEngine, size: tuple[int, int], key: str) -> None:
    async with running(engine, size) as console:
        await console.press("colon")
        await console.type("buy 100 AA")
        await console.press(key)
        assert engine.sent() == [STOPPED]
        assert console.line.text == "buy 100 AA"
        await console.shows("EMERGENCY STOP")


@BOTH
@pytest.mark.parametrize("way", [["m"], ["q"], ["f9"], ["question_mark"], ["4", "x"], ["enter"], ["4", "x", "r", "i"]], ids=" ".join)
async def test_the_stop_works_in_every_dialog_and_asks_nothing(engine: FakeEngine, size: tuple[int, int], way: list[str]) -> None:
    async with running(engine, size) as console:
        await console.press(*way)
        assert not isinstance(console.app.screen, TradingScreen)
        await console.press("f12")
        assert engine.sent() == [STOPPED]


async def test_a_stop_in_a_burst_is_not_lost(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst(":", "buy 100 AAPL", "f12", "enter")
        assert STOPPED in engine.sent()


# ---- mode, resume, flatten


async def test_mode_is_chosen_and_full_auto_takes_its_word(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("m")
        await console.let_pass(1)
        await console.press("m", "enter")
        assert engine.sent() == [("set_mode", Mode.MANUAL)]
        await console.press("m")
        await console.let_pass(1)
        await console.press("f", "enter")
        await console.let_pass(1)
        await console.type("full_auto")
        await console.press("enter")
        await console.shows("not the word FULL_AUTO")
        assert len(engine.sent()) == 1
        await console.press("ctrl+u")
        await console.type("FULL_AUTO")
        await console.press("enter")
        assert engine.sent()[1:] == [("set_mode", Mode.FULL_AUTO)]


async def test_full_auto_by_the_order_line_takes_the_word_as_well(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type("mode full")
        await console.press("enter")
        await console.shows("Type FULL_AUTO")
        assert engine.sent() == []


async def test_enter_on_the_mode_dialog_changes_nothing(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("m")
        await console.let_pass(1)
        await console.press("enter")
        assert engine.sent() == []


async def test_leaving_halted_takes_the_word_and_a_reason(engine: FakeEngine) -> None:
    account = replace(engine.current.account, state=TradingState.HALTED, mode=Mode.EMERGENCY, reason="stop key")
    engine.change(account=account)
    async with running(engine) as console:
        await console.press("m")
        await console.let_pass(1)
        await console.type("RESUME")
        await console.press("enter", "enter")
        await console.shows("A reason is needed")
        assert engine.sent() == []
        await console.type("false alarm")
        await console.press("enter")
        assert engine.sent() == [("resume", "false alarm")]


@BOTH
async def test_flatten_takes_its_word(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await console.press("f9")
        await console.let_pass(1)
        await console.press("enter")
        assert engine.sent() == []
        await console.type("FLATTEN")
        await console.press("enter")
        assert engine.sent() == [("liquidate_all",)]


async def test_what_a_flatten_closes_is_told_with_its_thousands(engine: FakeEngine) -> None:
    engine.change(positions=(position("SNDL", -1_250_000),))
    async with running(engine) as console:
        await console.press("f9")
        await console.shows("reduce-only: -1,250,000 SNDL.")


async def test_an_order_that_looks_like_a_repetition_is_sent_once_it_is_recalled(engine: FakeEngine) -> None:
    async with running(engine) as console:
        engine.refuses, engine.refused_by = "the same again", Verdict(Outcome.DENY, "repetition", "2 s", "0.8 s")
        await console.press("colon")
        await console.type("buy 100 AAPL")
        await console.press("enter")
        await console.shows("the same order went 0.8 s ago. Again? Up in the order line recalls it, and Enter")
        await console.press("enter", "enter")
        assert [call[2:] for call in engine.sent()] == [()]
        await console.press("up", "enter")
        assert [call[2:] for call in engine.sent()] == [(), ("confirmed",)]
        assert orders(engine.sent())[0] == orders(engine.sent())[1]


async def test_a_yes_to_a_repetition_is_for_that_order_alone(engine: FakeEngine) -> None:
    async with running(engine) as console:
        engine.refuses, engine.refused_by = "the same again", Verdict(Outcome.DENY, "repetition", "2 s", "0.8 s")
        await console.press("colon")
        await console.type("buy 100 AAPL")
        await console.press("enter")
        await console.shows("Again?")
        await console.type("buy 200 AAPL")
        await console.press("enter")
        await console.press("up", "up", "enter")
        assert [call[2:] for call in engine.sent()] == [(), (), ()]


TRIPPED = (
    BreakerRow("daily loss", True, "the loss reached 2,000.00", "the next session and your word", 1),
    BreakerRow("circuit breaker", True, "1,500.00 were lost within 10 minutes", "your word", 1, True),
)


async def test_a_strategys_breaker_is_reset_while_the_account_trades_on(engine: FakeEngine) -> None:
    engine.change(breakers=(BreakerRow("drawdown of sma", True, "its profit is 500.00 under its highest", "your word", 1, True),))
    async with running(engine) as console:
        await console.press("m")
        await console.shows("RESET drawdown of sma")


@BOTH
async def test_a_breaker_is_reset_by_name_with_the_word_and_a_reason(engine: FakeEngine, size: tuple[int, int]) -> None:
    account = replace(engine.current.account, state=TradingState.REDUCING, reason="1,500.00 were lost within 10 minutes")
    engine.change(account=account, breakers=TRIPPED)
    async with running(engine, size) as console:
        await console.press("m")
        await console.shows("Not to be reset now: daily loss holds until the next session")
        assert "RESET daily loss" not in console.picture
        await console.let_pass(1)
        await console.press("1", "enter")
        await console.let_pass(1)
        await console.shows("It tripped: 1,500.00 were lost within 10 minutes")
        await console.type("RESET")
        await console.press("enter")
        await console.type("looked at it")
        await console.press("enter")
        assert engine.sent() == [("reset_breaker", "circuit breaker", "looked at it")]


# ---- dialogs take no key that was meant for something else


async def test_a_held_enter_answers_no_dialog_that_just_opened(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("4", "x")
        await console.press(*["enter"] * 10)
        assert engine.sent() == []
        await console.let_pass(0.3)
        await console.press("enter")
        assert engine.sent() == [("reject", WAITING.id, "")]


async def test_keys_typed_before_the_dialog_opened_do_not_reach_it(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("q", "y", "enter", "y", "enter")
        await console.let_pass(1)
        await console.press("enter")
        assert console.app.is_running
        assert isinstance(console.app.screen, TradingScreen)


async def test_a_word_typed_before_its_dialog_opened_is_not_the_answer(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("f9", "FLATTEN")
        await console.let_pass(1)
        await console.press("enter")
        await console.shows("not the word FLATTEN")
        assert engine.sent() == []


# ---- quit


async def test_quit_says_what_still_works_and_stays_by_default(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("q")
        await console.shows("2 orders working")
        await console.shows("#12 SELL 100 AAPL limit")
        await console.shows("Quitting cancels working entries and keeps protective orders")
        await console.let_pass(1)
        await console.press("enter")
        assert isinstance(console.app.screen, TradingScreen)
        assert console.app.is_running


@BOTH
@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_quit_ends_after_a_yes(engine: FakeEngine, size: tuple[int, int], key: str) -> None:
    async with running(engine, size) as console:
        await console.press(key)
        await console.let_pass(1)
        await console.press("y", "enter")
        await console.until(lambda: console.app.return_value is not None)
        assert console.app.return_value == 0


async def test_ctrl_c_asks_from_the_order_line_too_and_keys_of_textual_do_nothing(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("ctrl+q", "ctrl+backslash")
        assert console.app.is_running
        assert isinstance(console.app.screen, TradingScreen)
        await console.press("colon", "ctrl+c")
        await console.shows("Quit?")


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


async def test_the_small_screen_has_header_one_panel_order_line_and_hints(engine: FakeEngine) -> None:
    engine.change(log=())
    async with running(engine, SMALL) as console:
        picture = console.picture.split("\n")
        assert "PAPER" in picture[0]
        assert "3 Orders" in picture[2]
        assert picture[-4].strip() == ">"
        assert "F12 / ^G STOP" in picture[-1]


# ---- what is shown


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


async def test_enter_shows_every_field_of_the_row(engine: FakeEngine) -> None:
    async with running(engine, (120, 50)) as console:
        await console.press("5", "enter")
        for label in ("name", "used", "limit", "unit", "tripped", "note"):
            assert label in console.picture


async def test_a_log_line_shows_its_traceback(engine: FakeEngine) -> None:
    line = replace(engine.current.log[-1], detail="Traceback (most recent call last):\n  File 's.py', line 3\nZeroDivisionError: no")
    engine.change(log=(line,))
    async with running(engine) as console:
        await console.press("6", "enter")
        assert "ZeroDivisionError: no" in console.picture


# ---- the table of keys


async def test_every_action_of_the_table_has_its_method_and_every_method_its_action(engine: FakeEngine) -> None:
    async with running(engine) as console:
        assert set(console.screen.performers) == {action.name for action in ACTIONS}


def test_an_action_that_two_methods_carry_out_is_refused() -> None:
    class Loud:
        def do_shout(self) -> None: ...

    with pytest.raises(ValueError, match="The action shout is carried out twice"):
        performers(Loud(), Loud())


def test_a_key_that_means_two_things_is_refused_naming_both() -> None:
    twice = replace(ACTIONS[1], name="other", keys=("b",), does="something else")
    with pytest.raises(ValueError, match=r"The key b means both other \(something else\) and buy"):
        KeyMap((twice, *[replace(a, panels=frozenset()) for a in ACTIONS if a.name == "buy"]))


def test_the_same_key_may_mean_different_things_in_different_panels() -> None:
    one, other = (replace(ACTIONS[1], name=name, keys=("k",), panels=frozenset({name})) for name in ("risk", "log"))
    found = KeyMap((one, other)).find("k", "log")
    assert found is not None
    assert found.name == "log"


async def test_the_help_lists_every_key_of_the_table(engine: FakeEngine) -> None:
    async with running(engine, (120, 200)) as console:
        await console.press("question_mark")
        for action in ACTIONS:
            if action.name != "panel":
                assert action.does[:40] in console.picture, action
