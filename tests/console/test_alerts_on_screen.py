"""Price alerts on the screen: set on a row, fired, edited, deleted, and there again after a restart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.model.market import Quote
from tests.console.driving import SMALL, running
from tests.console.fake_engine import FakeEngine
from tests.console.watchlist_driving import BOTH, begin_list


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@BOTH
async def test_an_alert_is_set_on_the_row_fires_on_a_quote_and_is_marked(engine: FakeEngine, size: tuple[int, int]) -> None:
    engine.change(log=())
    async with running(engine, size) as console:
        await console.press("exclamation_mark")
        await console.type("> 190")
        await console.press("enter")
        await console.shows("Set: AAPL > 190, once.")
        await console.press("escape")
        await console.shows("AAPL ◇")
        engine.tell(Quote("AAPL", 1, 188.0, 188.1, 1, 1, 188.0))
        engine.tell(Quote("AAPL", 2, 190.0, 190.1, 1, 1, 190.02))
        engine.tell(Quote("AAPL", 3, 190.0, 190.1, 1, 1, 190.05))
        assert [(line.source, line.text) for line in engine.current.log] == [("alert", "AAPL 190.02 is above 190")]
        await console.shows("1 notice ")
        await console.shows("AAPL ◆")
        assert engine.sent() == []


async def test_the_chart_draws_a_move_in_per_cent_where_the_list_says_it(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("exclamation_mark")
        await console.type("+0.05%")
        await console.press("enter")
        level = re.search(r"\+0\.05% +at ([\d.]+)", console.picture)
        assert level is not None
        await console.press("escape")
        await console.shows(f"{level[1]} alert")


async def test_a_complaint_is_read_below_however_many_alerts_there_are(engine: FakeEngine) -> None:
    async with running(engine, SMALL) as console:
        await console.press("exclamation_mark")
        for number in range(15):
            await console.type(f"> {1000 + number}")
            await console.press("enter")
        await console.type("> 1")
        await console.press("enter")
        await console.shows("Write a level it has not reached")
        assert "alert: > 1 " in console.picture


async def test_an_alert_beyond_the_price_is_refused_and_one_is_edited_and_deleted(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("exclamation_mark")
        await console.type("> 100")
        await console.press("enter")
        await console.shows("AAPL is at 187.52, above 100 already.")
        await console.press("ctrl+u")
        await console.type("-3% repeat")
        await console.press("enter")
        await console.shows("Set: AAPL -3% repeat, each time it comes there, once a minute at most.")
        # 181.8944 is reached by the first price on the tick below it.
        await console.shows("at 181.89 ")
        await console.press("down", "enter", "ctrl+u")
        await console.shows("Edit the alert -3% repeat on AAPL")
        await console.type("< 150")
        await console.press("enter")
        await console.until(lambda: "-3% repeat" not in console.picture)
        await console.press("down", "delete", "y")
        await console.shows("Too soon after another key. Delete the alert < 150 on AAPL?")
        await console.press("n")
        await console.until(lambda: "Delete the alert" not in console.picture)
        await console.press("delete")
        await console.let_pass(1)
        await console.press("y")
        await console.shows("Deleted: AAPL < 150.")


async def test_alerts_and_lists_are_there_again_after_a_restart(engine: FakeEngine, tmp_path: Path) -> None:
    async with running(engine, kept=tmp_path) as console:
        await begin_list(console, "Tech")
        await console.burst("+", "MSFT", "enter")
        await console.burst("!", "< 100", "enter", "escape")
        console.app.kept.close()
    again = FakeEngine()
    async with running(again, kept=tmp_path) as console:
        await console.shows("Tech 2/2")
        await console.shows("MSFT ◇")
        again.tell(Quote("MSFT", 2, 98, 99, 1, 1, 99.0))
        await console.shows("MSFT 99.00 is below 100")
