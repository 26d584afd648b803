"""The stop works in every place of the console, and takes no other key with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual import events

from engine.model.views import View
from tests.console.driving import SMALL, Console, running
from tests.console.everywhere import PLACES, backtests_beside, go, history
from tests.console.fake_engine import FakeEngine
from tests.views import empty_view, sample_health

STOP = ("emergency_stop", "stop key")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return history(tmp_path_factory.mktemp("history"))


def stops(engine: FakeEngine) -> int:
    return engine.calls.count(STOP)


async def written(console: Console, *events_: events.Event) -> None:
    """Events in one write of the terminal."""
    for event in events_:
        event.set_sender(console.app)
        console.app.post_message(event)
    await console.pilot.pause()


def key(name: str, character: str | None = None) -> events.Key:
    return events.Key(name, character)


def test_every_place_where_keys_are_taken_is_gone_to() -> None:
    """A new screen comes into the list: by its keys, a place of the table each."""
    from console.keys import PLACES as NAMED

    reached = {"choice", "word", "text"}  # mode and quit, flatten and reject, a row of the log
    reached |= {"line", "help", "palette", "themes", "jump", "ticket", "confirm", "symbols", "lists", "alerts", "notices", "detail"}
    reached |= {"history", "narrowing", "performance", "filter", "columns", "preferences", "preference"}
    reached |= {"backtests", "backtest", "backtest_trades", "comparison", "backtest_form", "backtest_run", "replay"}
    assert set(NAMED) <= reached


@pytest.mark.parametrize("place", PLACES)
async def test_the_stop_works_everywhere_by_both_keys_and_changes_nothing_there(place: str, database: Path) -> None:
    engine = FakeEngine()
    async with running(engine, database=database, backtests=backtests_beside(database)) as console:
        await go(console, place)
        top, focused = console.app.screen, console.screen.focused
        sent, line = engine.sent(), console.line.text
        await console.press("f12")
        await console.press("ctrl+g")
        assert stops(engine) == 2
        assert engine.sent() == [*sent, STOP, STOP]
        assert (console.app.screen, console.screen.focused, console.line.text) == (top, focused, line)


@pytest.mark.parametrize("place", PLACES)
async def test_the_stop_in_the_middle_of_a_burst_swallows_no_key_of_it(place: str, database: Path) -> None:
    """What the keys around it do is done as without it."""
    seen: list[tuple[Any, ...]] = []
    for with_stop in (False, True):
        engine = FakeEngine()
        async with running(engine, database=database, backtests=backtests_beside(database)) as console:
            await go(console, place)
            burst = [key("b", "b"), key("f12"), key("1", "1"), key("ctrl+g"), key("0", "0")]
            await written(console, *(event for event in burst if with_stop or event.character))
            asked = [call for call in engine.sent() if call != STOP]
            seen.append((type(console.app.screen), console.screen.panel, console.line.text, asked))
            assert stops(engine) == 2 * with_stop
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    "place", ["order line", "ticket", "alerts", "history narrowed", "filter", "palette", "search for a symbol", "panel 3"]
)
async def test_the_stop_behind_a_paste_and_a_new_size_works_at_once(place: str, database: Path) -> None:
    engine = FakeEngine()
    async with running(engine, database=database, backtests=backtests_beside(database)) as console:
        await go(console, place)
        console.app._driver._size = SMALL  # type: ignore[union-attr]
        await written(console, events.Paste("x" * 100_000 + "\n" + "y" * 100_000), key("f12"))
        await console.pilot.resize_terminal(*SMALL)
        await console.press("f12")
        assert stops(engine) == 2


@pytest.mark.parametrize("opens", sorted({keys[0] for keys in PLACES.values()} | {"b", "s", "e", "x"}))
async def test_the_stop_in_the_same_write_as_the_key_that_opens_something(opens: str) -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        await written(console, key(opens, opens if len(opens) == 1 else None), key("f12"), key("escape"), key("f12"))
        assert stops(engine) == 2


@pytest.mark.parametrize(
    "view",
    [empty_view(), empty_view(health=sample_health(ready=False, problem="the disk is full", failed=True))],
    ids=["starting", "failed"],
)
async def test_the_stop_works_while_the_engine_starts_and_when_it_failed(view: View) -> None:
    engine = FakeEngine(view)
    async with running(engine) as console:
        for keys in ((), ("f2",), ("b",), ("h",), ("m",)):
            await console.press(*keys, "f12", "escape")
        assert stops(engine) == 5
