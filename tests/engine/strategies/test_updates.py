"""A strategy's regular updates: at whole multiples of its interval, in market time, after all that came before."""

from __future__ import annotations

import pytest

from engine.model.inputs import Note, StrategyFailed
from engine.strategies.inbox import QUEUE
from tests.engine.strategies.desk import Desk, make_bar, make_quote

SECOND = 1_000_000_000

EVERY_MINUTE = """
class Regular(Strategy):
    update_interval = 60

    def on_bar(self, ctx, bar):
        print("bar", bar.at // 10**9)

    def on_update(self, ctx):
        print("update", ctx.now // 10**9, "after", len(ctx.bars("AAPL")))
"""


def at(desk: Desk, second: int, *, bar: bool = True) -> None:
    """The market comes to `second`, with a bar that closes then or with nothing for this strategy."""
    desk.runner.on_time(second * SECOND)
    if bar:
        desk.runner.on_bar(make_bar(second * SECOND))


def lines(desk: Desk) -> list[str]:
    return [note.text for note in desk.heard(Note)]


async def test_updates_come_at_whole_intervals_after_the_bars_that_closed_by_then(desk: Desk) -> None:
    assert await desk.run(desk.write(EVERY_MINUTE))
    for second in (30, 60, 90, 120, 150):
        at(desk, second)
    await desk.hears(Note, lambda note: note.text == "bar 150")
    assert lines(desk) == ["bar 30", "bar 60", "update 60 after 2", "bar 90", "bar 120", "update 120 after 4", "bar 150"]


async def test_an_update_needs_no_bar_of_its_own_and_a_long_silence_is_told_once(desk: Desk) -> None:
    assert await desk.run(desk.write(EVERY_MINUTE))
    at(desk, 10)
    at(desk, 61, bar=False)
    at(desk, 6_000, bar=False)
    await desk.hears(Note, lambda note: note.text.startswith("update 5940"))
    assert [line for line in lines(desk) if line.startswith("update")] == ["update 60 after 1", "update 5940 after 1"]


async def test_a_quote_heard_before_an_update_is_told_before_it(desk: Desk) -> None:
    source = EVERY_MINUTE + "\n    def on_quote(self, ctx, quote):\n        print('quote', quote.at // 10**9)\n"
    assert await desk.run(desk.write(source))
    desk.runner.on_time(59 * SECOND)
    desk.runner.on_quote(make_quote(59 * SECOND))
    at(desk, 61, bar=False)
    desk.runner.on_quote(make_quote(61 * SECOND))
    await desk.hears(Note, lambda note: note.text == "quote 61")
    assert lines(desk)[-2:] == ["update 60 after 0", "quote 61"]


async def test_updates_that_pile_up_cost_a_slow_strategy_no_bar(desk: Desk) -> None:
    silent = EVERY_MINUTE.replace('print("update", ctx.now // 10**9, "after", len(ctx.bars("AAPL")))', "pass")
    assert await desk.run(desk.write(silent))
    for minute in range(2 * QUEUE):
        at(desk, 60 * minute + 1, bar=False)
    for second in range(QUEUE // 2):
        desk.runner.on_bar(make_bar((120 * QUEUE + second) * SECOND))
    await desk.hears(Note, lambda note: note.text == f"bar {120 * QUEUE}")
    assert not desk.heard(StrategyFailed)


async def test_a_strategy_that_wants_none_gets_none(desk: Desk) -> None:
    assert await desk.run(desk.write(EVERY_MINUTE.replace("update_interval = 60", "")))
    for second in (30, 90, 150):
        at(desk, second)
    await desk.hears(Note, lambda note: note.text == "bar 150")
    assert not [line for line in lines(desk) if line.startswith("update")]


@pytest.mark.parametrize("interval", ["-1", "0.001", "'a minute'", "float('nan')"])
async def test_an_interval_that_is_none_is_refused_in_words(desk: Desk, interval: str) -> None:
    assert not await desk.run(desk.write(EVERY_MINUTE.replace("update_interval = 60", f"update_interval = {interval}")))
    (failed,) = desk.heard(StrategyFailed)
    assert "update_interval must be 0.1 to 86400 seconds, or 0" in failed.error
