"""Following another symbol while a feed runs: it joins at that moment, its history ends there, and nothing is told twice or left out."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from engine.feeds.bars import BarFeed
from engine.feeds.base import FeedError, FollowsMore
from engine.feeds.new_york import SECOND, to_ns
from engine.feeds.open import open_feed
from engine.feeds.simulated import SimulatedFeed
from engine.feeds.simulated.walk import SymbolWalk
from engine.model.market import Bar, Halt, MarketEvent, Quote
from engine.model.settings import FeedSettings
from tests.engine.feeds.fake_time import FakeTime, OverError

NOON = to_ns(datetime(2024, 5, 14, 16, 0, 2, 345_678, tzinfo=UTC))


class Acting(FakeTime):
    """A clock that does something at one of its sleeps."""

    def __init__(self, now: int, until: int, at: int, act: Callable[[], Awaitable[object]]) -> None:
        super().__init__(now, until)
        self._at = at
        self._act = act

    async def sleep(self, seconds: float) -> None:
        if len(self.sleeps) == self._at:
            await self._act()
        await super().sleep(seconds)


async def played(feed: SimulatedFeed | BarFeed) -> list[MarketEvent]:
    told: list[MarketEvent] = []
    with contextlib.suppress(OverError):
        await feed.run(told.append)
    return told


def simulated(act: Callable[[SimulatedFeed], Awaitable[object]], *, lasting_s: int = 40) -> SimulatedFeed:
    feeds: list[SimulatedFeed] = []
    time = Acting(NOON, NOON + lasting_s * SECOND, 100, lambda: act(feeds[0]))
    feeds.append(SimulatedFeed(("AAPL", "MSFT"), FeedSettings(), clock=time.nanoseconds, sleep=time.sleep))
    return feeds[0]


def of(events: list[MarketEvent], symbol: str) -> list[MarketEvent]:
    return [event for event in events if isinstance(event, Quote | Bar) and event.symbol == symbol]


async def test_the_simulated_market_quotes_a_symbol_from_the_moment_it_is_followed() -> None:
    histories: list[list[Bar]] = []

    async def act(feed: SimulatedFeed) -> None:
        await feed.follow("TSLA")
        histories.append(list(feed.history("TSLA", 50)))

    feed = simulated(act)
    events = await played(feed)
    tesla = of(events, "TSLA")
    assert tesla
    assert not any(isinstance(event, Halt) for event in events)
    (history,) = histories
    assert len(history) == 50
    assert NOON < history[-1].at < tesla[0].at < history[-1].at + 7 * SECOND
    assert abs(tesla[0].last / history[-1].close - 1) < 0.01  # type: ignore[union-attr]
    assert "TSLA" in [instrument.symbol for instrument in feed.instruments()]


async def test_nobody_elses_quotes_change_when_a_symbol_joins_or_leaves() -> None:
    async def join(feed: SimulatedFeed) -> None:
        await feed.follow("XOM")  # of a sector that had no symbol
        feed.drop("MSFT")

    async def nothing(feed: SimulatedFeed) -> None:
        pass

    with_others, alone = await played(simulated(join)), await played(simulated(nothing))
    assert of(with_others, "AAPL") == of(alone, "AAPL")
    assert len(of(with_others, "MSFT")) < len(of(alone, "MSFT"))


async def test_a_symbol_that_comes_back_goes_on_from_where_it_stood() -> None:
    lasts: list[float] = []

    async def act(feed: SimulatedFeed) -> None:
        lasts.append(feed._walks["MSFT"].price)
        feed.drop("MSFT")
        await feed.follow("MSFT")
        lasts.append(feed.history("MSFT", 1)[-1].close)

    events = of(await played(simulated(act)), "MSFT")
    assert lasts[1] == lasts[0] != SymbolWalk(7, "MSFT", 0.25).price
    times = [event.at for event in events if isinstance(event, Quote)]
    assert times == sorted(set(times))


async def test_a_halt_ends_with_the_quotes_and_is_not_there_when_the_symbol_comes_back() -> None:
    async def act(feed: SimulatedFeed) -> None:
        (maker,) = (maker for maker in feed._script._makers if maker.symbol == "MSFT")
        maker._least = maker._most = 0.0

    feed = simulated(act)
    events: list[MarketEvent] = []

    def tell(event: MarketEvent) -> None:
        events.append(event)
        if isinstance(event, Halt) and event.halted:
            feed.drop("MSFT")

    with contextlib.suppress(OverError):
        await feed.run(tell)
    assert [event.halted for event in events if isinstance(event, Halt) and event.symbol == "MSFT"] == [True, False]


async def test_a_symbol_followed_before_the_market_begins_is_like_one_named_at_the_start() -> None:
    def feed_of(*symbols: str) -> SimulatedFeed:
        time = FakeTime(NOON, NOON + 20 * SECOND)
        return SimulatedFeed(symbols, FeedSettings(), clock=time.nanoseconds, sleep=time.sleep)

    later, at_once = feed_of("AAPL"), feed_of("AAPL", "TSLA")
    await later.follow("TSLA")
    assert of(await played(later), "TSLA") == of(await played(at_once), "TSLA")


async def test_the_simulated_market_offers_the_eight_and_the_invented_ones_by_name() -> None:
    offers = await SimulatedFeed(("XOM",), FeedSettings()).offers()
    assert offers[0].symbol == "XOM"
    assert {"AAPL": "Apple"}.items() <= {offer.symbol: offer.name for offer in offers}.items()
    assert len({offer.symbol for offer in offers}) == len(offers) > 5_000


# ---- recorded bars


def playing(settings: FeedSettings, symbols: tuple[str, ...], act: Callable[[BarFeed], Awaitable[object]], at: int) -> BarFeed:
    feed = open_feed(settings, symbols)
    assert isinstance(feed, BarFeed)
    time = Acting(0, 30 * SECOND, at, lambda: act(feed))
    feed._clock, feed._sleep = time.seconds, time.sleep
    return feed


async def test_the_sample_plays_another_symbol_along_and_its_history_ends_where_it_joined() -> None:
    histories: list[list[Bar]] = []

    async def act(feed: BarFeed) -> None:
        await feed.follow("IBM")
        histories.append(list(feed.history("IBM", 1_000)))

    feed = playing(FeedSettings(source="sample", start="2004-01-02"), ("AAPL",), act, 5)
    events = await played(feed)
    apple, ibm = of(events, "AAPL"), of(events, "IBM")
    assert isinstance(feed, FollowsMore)
    # It trades each day that Apple does: none is missing, and none comes twice.
    assert [bar.at for bar in [*histories[0], *ibm] if bar.at >= apple[0].at] == [bar.at for bar in apple]
    assert ibm
    assert [offer.symbol for offer in await feed.offers()] == ["AAPL", "IBM", "MSFT", "GOOG", "FB"]


async def test_a_symbol_let_go_is_told_no_more() -> None:
    async def act(feed: BarFeed) -> None:
        feed.drop("MSFT")

    events = await played(playing(FeedSettings(source="sample", start="2004-01-02"), ("AAPL", "MSFT"), act, 5))
    assert 0 < len(of(events, "MSFT")) < len(of(events, "AAPL"))


async def test_the_last_symbol_is_not_let_go() -> None:
    feed = open_feed(FeedSettings(source="sample"), ("AAPL",))
    feed.drop("AAPL")
    assert feed.history("AAPL", 1)


def write(folder: Path, symbol: str, days: int, step: timedelta = timedelta(days=1)) -> None:
    begin = datetime(2024, 1, 2, 15, tzinfo=UTC) if step < timedelta(days=1) else datetime(2024, 1, 2, tzinfo=UTC)
    rows = ["date,open,high,low,close,volume"]
    when = begin
    while len(rows) <= days:
        if when.weekday() < 5 and when.date() != date(2024, 1, 15):
            text = when.date().isoformat() if step >= timedelta(days=1) else when.isoformat()
            rows.append(f"{text},10,11,9,{10 + len(rows) / 100},1000")
        when += step
    (folder / f"{symbol}.csv").write_text("\n".join(rows))


async def test_files_play_another_symbol_of_their_folder(tmp_path: Path) -> None:
    for symbol in ("AAA", "BBB", "CCC"):
        write(tmp_path, symbol, 20)

    async def act(feed: BarFeed) -> None:
        await feed.follow("BBB")

    feed = playing(FeedSettings(source=str(tmp_path), start="2024-01-02"), ("AAA",), act, 5)
    assert [offer.symbol for offer in await feed.offers()] == ["AAA", "BBB", "CCC"]
    events = await played(feed)
    assert len(of(events, "AAA")) == 20
    assert 0 < len(of(events, "BBB")) < 20
    with pytest.raises(FeedError, match="has no DDD"):
        await feed.follow("DDD")


async def test_bars_of_another_length_are_refused_in_words(tmp_path: Path) -> None:
    write(tmp_path, "AAA", 20)
    write(tmp_path, "BBB", 60, timedelta(minutes=1))
    feed = open_feed(FeedSettings(source=str(tmp_path)), ("AAA",))
    with pytest.raises(FeedError, match="BBB are of 1m, those that are played of 1d"):
        await feed.follow("BBB")
