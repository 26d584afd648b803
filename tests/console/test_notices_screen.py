"""What matters is told under the header until it was read, leads to what it is about, and takes neither focus nor keys."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from textual import events

from console.notify import BEL
from engine.model import Level, TradingState
from engine.model.modes import LinkState, Mode
from engine.model.settings import NotifySettings
from engine.model.views import LinkView, LogLine, StopView
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.fake_engine import FakeEngine
from tests.views import sample_account, sample_health
from widgets import numbers
from widgets.notices import NoticeLine
from widgets.table import LiveTable

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.change(log=())
    return engine


def line_of(console: Console) -> str:
    return console.screen.query_one(NoticeLine).text


def cursor(console: Console) -> Any:
    panel = console.screen.panels[console.screen.panel]
    assert isinstance(panel, LiveTable)
    return panel.cursor_row


@BOTH
async def test_what_the_banner_says_is_not_said_once_more_below_it(engine: FakeEngine, size: tuple[int, int]) -> None:
    links = (LinkView("ib", LinkState.DOWN, None, "Nobody listens at 127.0.0.1:7497. See whether TWS runs.", is_broker=True),)
    async with running(engine, size) as console:
        engine.change(health=sample_health(ready=False, links=links))
        engine.note(Level.WARNING, "alert", "MSFT 402.00 is above 401")
        engine.note(Level.ERROR, "ib", "link down: Nobody listens at 127.0.0.1:7497. See whether TWS runs")
        await console.until(lambda: "2 notices" in line_of(console))
        assert "MSFT 402.00 is above 401" in line_of(console)
        assert "Nobody listens" not in line_of(console)
        await console.press("i")
        await console.let_pass(1)
        await console.press("down", "r", "escape")
        await console.until(lambda: "1 notice " in line_of(console))
        assert "as told above" in line_of(console)
        engine.change(health=sample_health(links=(replace(links[0], state=LinkState.UP),)))
        await console.until(lambda: "link was down from " in line_of(console))
        assert console.screen.query_one(NoticeLine).size.height == 1
        assert "Nobody listens" not in console.picture.split("Log")[0]


@pytest.mark.parametrize("size", [(40, 10), (40, 12), (60, 16), (80, 20)], ids=lambda size: "x".join(map(str, size)))
async def test_on_a_low_screen_that_is_halted_banner_and_notices_leave_the_order_line_and_the_hints_their_rows(
    engine: FakeEngine, size: tuple[int, int]
) -> None:
    async with running(engine, size) as console:
        engine.change(
            account=sample_account(mode=Mode.EMERGENCY, state=TradingState.HALTED, reason="stop key"),
            stop=StopView(False, False, ("#4 BUY 1 IBM is UNKNOWN",), 1, late=True),
        )
        for number in range(3):
            engine.note(Level.ERROR, "ib", f"{number} was refused by the broker, with more words than a line of a low screen has room for")
        await console.until(lambda: "HALTED: stop key" in console.picture and "3 notices" in console.picture)
        *_, typed, _, _, hints = console.picture.split("\n")
        assert typed.strip() == ">"
        assert "help" in hints
        assert hints.rstrip().endswith("STOP")


async def test_of_an_account_that_is_called_as_its_broker_the_name_stands_once_in_the_list(engine: FakeEngine) -> None:
    async with running(engine, WIDE) as console:
        line = LogLine(7, 1_800_000_000_000_000_000, Level.ERROR, "ib", "Nobody listens at 127.0.0.1:7497", account="ib")
        engine.change(log=(line,))
        await console.until(lambda: "1 notice " in line_of(console))
        await console.press("i")
        await console.shows("✗ ib: Nobody listens")


async def test_a_notice_of_another_day_says_which(engine: FakeEngine) -> None:
    async with running(engine, WIDE) as console:
        then = engine.current.health.market_time - 3 * 86_400 * 1_000_000_000
        engine.change(log=(LogLine(7, then, Level.WARNING, "alert", "MSFT 402.00 is above 401"),))
        await console.until(lambda: "1 notice " in line_of(console))
        day = numbers.market_time(then, "%m-%d %H:%M")
        assert f"1 notice  {day} MSFT" in line_of(console)
        await console.press("i")
        await console.shows(f"{day} ! MSFT 402.00 is above 401")


@BOTH
async def test_a_notice_stays_until_it_is_read_and_leads_to_its_row(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        assert line_of(console) == ""
        engine.note(Level.ERROR, "order", "#12 AAPL rejected: no shares to borrow")
        engine.note(Level.WARNING, "alert", "MSFT 402.00 is above 401")
        await console.until(lambda: "2 notices" in console.picture and "MSFT 402.00 is above 401" in console.picture)
        await console.press("down", "tab", "1")
        await console.let_pass(100)
        assert "2 notices" in line_of(console)
        await console.press("i")
        await console.shows("2 not read yet")
        await console.let_pass(1)
        await console.press("enter")
        assert (console.screen.panel, cursor(console).symbol) == ("watch", "MSFT")
        await console.until(lambda: "1 notice " in line_of(console))
        await console.press("i", "down")
        await console.let_pass(1)
        await console.press("enter")
        assert (console.screen.panel, cursor(console).number) == ("orders", 12)
        await console.until(lambda: line_of(console) == "")
        assert engine.sent() == []


async def test_a_notice_whose_row_is_gone_leads_to_its_line_of_the_log(engine: FakeEngine) -> None:
    async with running(engine) as console:
        engine.note(Level.INFO, "engine", "started")
        engine.note(Level.ERROR, "order", "#999 AAPL rejected")
        engine.note(Level.INFO, "engine", "later")
        await console.until(lambda: line_of(console))
        await console.press("i")
        await console.let_pass(1)
        await console.press("enter")
        assert (console.screen.panel, cursor(console).text) == ("log", "#999 AAPL rejected")


async def test_an_alert_leads_to_its_symbol_also_where_another_list_is_shown(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("w", "n")
        await console.type("Empty")
        await console.press("enter", "escape", "5")
        engine.note(Level.WARNING, "alert", "IBM 184.00 is below 185")
        await console.until(lambda: line_of(console))
        await console.press("i")
        await console.let_pass(1)
        await console.press("enter")
        await console.until(lambda: (console.screen.panel, getattr(cursor(console), "symbol", "")) == ("watch", "IBM"))


async def test_all_are_read_by_a_key(engine: FakeEngine) -> None:
    async with running(engine) as console:
        for number in range(5):
            engine.note(Level.ERROR, "order", f"#{number} AAPL rejected")
        await console.until(lambda: "5 notices" in line_of(console))
        await console.press("i", "r")
        await console.shows("4 not read yet")
        await console.press("a", "escape")
        await console.until(lambda: line_of(console) == "")


async def test_a_notice_takes_neither_the_focus_nor_a_key_and_covers_no_line(engine: FakeEngine) -> None:
    async with running(engine, SMALL) as console:
        await console.press("colon")
        await console.type("buy 10 ")
        engine.note(Level.ERROR, "order", "#12 AAPL rejected")
        await console.until(lambda: line_of(console))
        await console.type("AAPL")
        assert console.line.text == "buy 10 AAPL"
        engine.change(account=sample_account(state=TradingState.HALTED, reason="stop key"))
        await console.shows("HALTED: stop key")
        lines = console.picture.split("\n")
        banner = next(y for y, text in enumerate(lines) if "HALTED: stop key" in text)
        notice = next(y for y, text in enumerate(lines) if "✗ 1 notice" in text)
        assert banner < notice < next(y for y, text in enumerate(lines) if "buy 10 AAPL" in text)


async def test_a_click_on_the_line_opens_the_list(engine: FakeEngine) -> None:
    async with running(engine) as console:
        engine.note(Level.ERROR, "order", "#12 AAPL rejected")
        await console.until(lambda: line_of(console) and console.screen.query_one(NoticeLine).region.height)
        await console.pilot.click(NoticeLine)
        await console.shows("1 not read yet")


async def test_a_fill_is_a_notice_where_nobody_was_watching_alone(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("down")
        engine.note(Level.INFO, "fill", "#1 filled BUY 1 AAPL @ 187.20")
        await console.until(lambda: "#1 filled" in console.picture)
        assert line_of(console) == ""
        console.app.post_message(events.AppBlur())
        await console.pilot.pause()
        engine.note(Level.INFO, "fill", "#2 filled BUY 1 AAPL @ 187.20")
        await console.until(lambda: "#2 filled" in line_of(console))
        await console.press("i", "a", "escape")
        engine.note(Level.INFO, "fill", "#3 filled BUY 1 AAPL @ 187.20")
        await console.until(lambda: "#3 filled" in console.picture)
        assert line_of(console) == ""
        await console.let_pass(61)
        engine.note(Level.INFO, "fill", "#4 filled BUY 1 AAPL @ 187.20")
        await console.until(lambda: "#4 filled" in line_of(console))


async def test_hostile_text_is_shown_as_text(engine: FakeEngine) -> None:
    async with running(engine) as console:
        engine.note(Level.ERROR, "a[/]b\x1b]0;x\x07", "AAPL[/] \x1b[2J\u202e reversed \n next")
        await console.until(lambda: line_of(console))
        await console.press("i")
        await console.shows("1 not read yet")
        assert not any(character in console.picture.replace("\n", "") for character in "\x1b\x07\u202e")
        assert "AAPL[/]" in console.picture


async def test_the_bell_rings_for_whoever_chose_it(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(engine, notify=NotifySettings(bell=True)) as console:
        written: list[str] = []
        monkeypatch.setattr(console.app, "_write", written.append)
        console.screen.notices._notifier._write = written.append
        engine.note(Level.WARNING, "alert", "AAPL 190.02 is above 190")
        await console.until(lambda: written)
        engine.note(Level.WARNING, "alert", "MSFT 190.02 is above 190")
        await console.until(lambda: "2 notices" in line_of(console))
        assert written == [BEL]
        await console.let_pass(1)
        await console.until(lambda: len(written) == 2)
