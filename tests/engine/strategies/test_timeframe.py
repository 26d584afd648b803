"""A strategy's own timeframe: what it is told live and as history, however it begins, and what cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

import pytest

from engine.feeds.actions import restated
from engine.feeds.bars import BarFeed
from engine.feeds.new_york import NEW_YORK, SECOND, to_ns
from engine.model.inputs import Note, Proposal, StrategyFailed
from engine.model.market import Bar, Split
from engine.strategies import supervisor
from engine.strategies.history import History
from tests.engine.strategies.desk import Desk

MINUTE = 60 * SECOND
NINE_THIRTY = to_ns(datetime(2005, 3, 7, 9, 30, tzinfo=NEW_YORK))
SAYS_BARS = """
    class Says(Strategy):
        timeframe = "5m"
        warmup = 3

        def on_bar(self, ctx, bar):
            closes = ",".join(f"{one.close:g}" for one in ctx.bars(bar.symbol))
            ctx.buy(bar.symbol, 1, reason=f"{closes} {bar.open:g} {bar.high:g} {bar.low:g} {bar.volume:g}")
"""


def minute(number: int, close: float | None = None) -> Bar:
    """The session's minute bar of that number, counted from 1, by default priced by its number."""
    price = float(number) if close is None else close
    return Bar("AAPL", NINE_THIRTY + number * MINUTE, price, price, price, price, 10.0)


def feed_from(number: int, bars: Sequence[Bar]) -> BarFeed:
    """A feed that begins to play with the bar of that number."""
    feed = BarFeed("prices", {"AAPL": bars}, pace=0)
    # A day is the least that can be asked for.
    feed._first = minute(number).at
    return feed


def played(feed: BarFeed, live: Sequence[Bar]) -> History:
    """The history after `live` was told."""
    told = [*feed.history("AAPL", 300), *live]
    return History(feed, lambda _, count: told[-count:])


async def test_it_is_told_bars_of_its_own_timeframe(desk: Desk) -> None:
    assert await desk.run(desk.write(SAYS_BARS))
    for number in range(1, 12):
        desk.bar(float(number), at=minute(number).at)
    told = [one.reason for one in await desk.hears(Proposal, count=2)]
    assert told == ["5 1 5 1 5000", "5,10 6 10 6 5000"]


async def test_a_bar_that_no_other_bar_finishes_is_told_when_its_time_is_over(desk: Desk) -> None:
    assert await desk.run(desk.write(SAYS_BARS))
    desk.bar(7.0, at=minute(1).at)
    desk.runner.on_time(minute(5).at)
    assert desk.runner.queue == 0
    desk.runner.on_time(minute(5).at + 1)
    assert (await desk.hears(Proposal))[0].reason == "7 7 7 7 1000"


async def test_what_was_told_before_it_ran_is_its_history_and_the_bar_it_falls_into_is_whole(desk: Desk) -> None:
    for number in range(1, 13):
        desk.bars.append(minute(number))
    assert await desk.run(desk.write(SAYS_BARS))
    for number in range(13, 16):
        desk.bar(float(number), at=minute(number).at)
    assert (await desk.hears(Proposal))[0].reason.startswith("5,10,15 11 15 11 ")


async def test_a_strategy_that_died_begins_again_with_its_own_bars(desk: Desk) -> None:
    dies = (
        SAYS_BARS
        + """
            if ctx.warming:
                print(f"warm {bar.close:g}")
            elif bar.close == 15:
                os._exit(1)
    """
    )
    assert await desk.run(desk.write(dies))
    for number in range(1, 11):
        desk.bar(float(number), at=minute(number).at)
    await desk.hears(Proposal, count=2)
    desk.bars.clear()  # more was told since than is kept
    for number in range(11, 16):
        desk.bar(float(number), at=minute(number).at)
    await desk.hears(StrategyFailed, lambda one: one.died)
    await desk.hears(Note, lambda note: note.text == "warm 15")
    for number in range(16, 21):
        desk.bar(float(number), at=minute(number).at)
    assert (await desk.hears(Proposal, lambda one: one.reason.startswith("5,10,15,20 16 20 16 ")))[0]


async def test_a_split_restates_its_bars_and_the_one_that_is_being_made(desk: Desk) -> None:
    assert await desk.run(desk.write(SAYS_BARS))
    for number in range(1, 8):
        desk.bar(float(number) * 2, at=minute(number).at)
    await desk.hears(Proposal)
    desk.runner.on_split(Split("AAPL", minute(7).at, Decimal(2)))
    await desk.hears(Note, lambda note: "split" in note.text)
    assert await desk.runner.settled()
    for number in range(8, 11):
        desk.bar(float(number), at=minute(number).at)
    assert (await desk.hears(Proposal, count=2))[1].reason == f"5,10 6 10 6 {2 * 2000 + 3 * 1000}"


async def test_an_edit_of_the_timeframe_begins_again_with_the_history_in_the_new_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "POLL_S", 0.02)
    assert await desk.run(desk.write(SAYS_BARS))
    for number in range(1, 31):
        desk.bar(float(number), at=minute(number).at)
    await desk.hears(Proposal, count=6)
    desk.write(SAYS_BARS.replace("5m", "15m"))
    await desk.hears(Note, lambda note: note.text == "its file changed and wants bars of another timeframe, so it begins again")
    assert await desk.runner.settled()
    for number in range(31, 46):
        desk.bar(float(number), at=minute(number).at)
    assert (await desk.hears(Proposal, lambda one: one.reason.startswith("15,30,45 31 45 31 ")))[0]


async def test_a_function_declares_its_timeframe_beside_it(desk: Desk) -> None:
    function = """
    timeframe = "5m"

    def strategy(data, symbol, current_price):
        return "BUY", 1.0, {"rows": len(data), "high": data["High"].iloc[-1]}
    """
    assert await desk.run(desk.write(function))
    for number in range(1, 6):
        desk.bar(float(number), at=minute(number).at)
    assert dict((await desk.hears(Proposal))[0].votes[0].indicators) == {"rows": 1.0, "high": 5.0}


@pytest.mark.parametrize("timeframe", ["'2h'", "5", "None"])
async def test_a_timeframe_that_there_is_not_is_refused_in_words(desk: Desk, timeframe: str) -> None:
    assert not await desk.run(desk.write(SAYS_BARS.replace('"5m"', timeframe)))
    said = f"on_start: timeframe must be 1s, 1m, 5m, 15m, 1h or 1d, or empty for the feed's own; it is {timeframe}"
    assert desk.heard(StrategyFailed)[0].error == said


async def test_a_timeframe_that_the_feed_is_too_coarse_for_is_refused_in_words(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = BarFeed("prices", {"AAPL": [minute(number) for number in range(0, 300, 15)]}, pace=0)
    monkeypatch.setattr(desk, "feed", feed)
    assert not await desk.run(desk.write(SAYS_BARS))
    said = "its timeframe is 5m and prices has 15m bars of AAPL: those cannot be taken apart. Choose 15m or a multiple of it."
    assert (desk.heard(StrategyFailed)[0].error, desk.runner.row().state) == (said, "disabled")


def larger(history: History, count: int = 3, timeframe: str = "5m") -> tuple[list[float], Callable[[Bar], list[Bar]]]:
    bars = history.larger(timeframe, ["AAPL"], count)
    return [bar.close for bar in bars.bars("AAPL", count)], bars.add


def test_history_before_the_first_event_is_aggregated_and_goes_on() -> None:
    feed = feed_from(353, [minute(number) for number in range(1, 391)])
    closes, add = larger(played(feed, []))
    assert closes == [340.0, 345.0, 350.0]
    made = [bar for number in range(353, 356) for bar in add(minute(number))]
    assert [(bar.open, bar.close, bar.volume) for bar in made] == [(351.0, 355.0, 50.0)]


def test_history_and_what_was_told_since_meet_without_a_seam() -> None:
    bars = [minute(number) for number in range(1, 391)]
    feed = feed_from(353, bars)
    for told in range(353, 391):
        closes, _ = larger(played(feed, bars[352:told]))
        assert closes == [float(number) for number in range(1, told + 1) if number % 5 == 0][-3:]


def test_history_is_in_the_shares_of_today_though_a_split_came_since() -> None:
    bars = [minute(number) for number in range(1, 391)]
    feed = feed_from(353, bars)
    history = History(feed, lambda _, count: restated(bars[52:360], 2.0)[-count:])
    assert [bar.close for bar in history.bars("AAPL", 310)] == [number / 2 for number in range(51, 361)]
    assert larger(history)[0] == [175.0, 177.5, 180.0]


def test_history_has_no_hole_where_more_was_told_than_is_kept() -> None:
    bars = [minute(number) for number in range(1, 391)]
    history = History(feed_from(100, bars), lambda _, count: bars[380:][-count:])
    assert [bar.close for bar in history.bars("AAPL", 300)] == [float(number) for number in range(381, 391)]
    assert larger(history)[0] == [385.0, 390.0]


def test_a_long_warm_up_reaches_further_back_than_the_screen_does() -> None:
    feed = feed_from(380, [minute(number) for number in range(1, 391)])
    history = History(feed, lambda _, count: feed.history("AAPL", 20)[-count:])
    assert [bar.close for bar in history.bars("AAPL", 370)] == [float(number) for number in range(10, 380)]
