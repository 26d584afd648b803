"""Changes in a running engine: whenever it is started they count from the close of the session before, and a replay shows the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from console.replay.sessions import open_session
from engine.feeds.actions import Action
from engine.feeds.bars import BarFeed
from engine.feeds.base import Feed
from engine.feeds.cache import BarCache
from engine.feeds.cached import CachedHistory, sessions_between
from engine.feeds.calendar import ALWAYS, Calendar
from engine.feeds.history import Fetched, Reach
from engine.feeds.new_york import SECOND
from engine.feeds.polling import PollingFeed
from engine.feeds.simulated.feed import SimulatedFeed
from engine.feeds.timeframe import DAY_S, seconds_of
from engine.live import Engine
from engine.model.market import Bar, Close, MarketEvent, MarketStatus, Phase, SessionClose
from engine.model.settings import FeedSettings
from engine.model.views import View, WatchRow
from tests.engine.engines import SETTINGS, ToldBroker, make, until
from tests.engine.feeds.fake_history import at

FIRST = date(2024, 6, 3)
TUESDAY = date(2024, 6, 18)


class Source:
    """Bars that fall by a tenth in each session before noon and rise by a fifth of that low after it: a day's close is another price than
    any other of the day."""

    def __init__(self, calendar: Calendar, now: int, timeframes: Sequence[str] = ("1m", "1d"), first: date = FIRST) -> None:
        self.name = self.kept_as = "fake"
        self.timeframes = timeframes
        self.adjusted = False
        self.actions: tuple[Action, ...] = ()
        self._calendar = calendar
        self._now = now
        self._first = first

    def reach(self, timeframe: str) -> Reach:
        return Reach()

    def close(self, day: date) -> float:
        """Of the session of `day`."""
        return 100.0 + (day - FIRST).days

    def history(self, symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        length = seconds_of(timeframe) * SECOND
        bars = []
        for session in sessions_between(self._calendar, max(start, self._first), end):
            edges = [*range(session.opens, session.closes, length), session.closes]
            for _, to in [(0, session.closes)] if length == DAY_S * SECOND else pairwise(edges):
                past = (to - session.opens) / (session.closes - session.opens)
                price = self.close(session.day) * (1 - 0.1 * (1 - abs(2 * past - 1)))
                bars.append(Bar(symbol, to, price, price, price, price, 100.0))
        told = tuple(action for action in self.actions if start <= action.day <= end)
        return Fetched([bar for bar in bars if bar.at <= self._now], told)


def polled(folder: Path, now: int, source: Source, calendar: Calendar) -> Feed:
    began = time.monotonic_ns()

    def wall() -> int:
        return now + time.monotonic_ns() - began

    timeframe = source.timeframes[0]
    return PollingFeed(CachedHistory(source, BarCache(folder / "cache"), calendar, now=wall), ("AAPL",), timeframe, wall=wall)


@contextmanager
def watched(folder: Path, feed: Feed) -> Iterator[tuple[Engine, View]]:
    """An engine over `feed`, once the market has told its session."""
    engine = make(folder, ToldBroker(), feed=lambda: feed, settings=replace(SETTINGS, symbols=("AAPL",)), recorded=True)
    engine.start()
    try:
        engine.wait_ready()
        yield engine, until(engine, lambda view: view.health.market_text != "no market time yet" and view.watch[0].last)
    finally:
        engine.shutdown()


def started(folder: Path, moment: str, source: Source | None = None, calendar: Calendar | None = None) -> WatchRow:
    calendar = calendar or Calendar()
    feed = polled(folder, at(moment), source or Source(calendar, at(moment)), calendar)
    with watched(folder, feed) as (_, view):
        return view.watch[0]


@pytest.mark.parametrize("moment", ["2024-06-18T13:45:30", "2024-06-18T16:00:30", "2024-06-18T19:50:30"])
def test_at_whatever_hour_it_is_started_a_change_counts_from_the_close_of_the_day_before(tmp_path: Path, moment: str) -> None:
    row = started(tmp_path, moment)
    assert row.last is not None
    assert row.previous == 114.0
    assert row.change == row.last / 114.0 - 1


@pytest.mark.parametrize(
    ("moment", "last", "previous"),
    [
        ("2024-06-18T07:00:00", 114.0, 111.0),  # closed, before Tuesday's pre-market: still Monday's change, from Friday
        ("2024-06-18T12:00:00", 114.0, 114.0),  # before the open of Tuesday
        ("2024-06-18T22:00:00", 115.0, 114.0),  # after its close
        ("2024-06-19T01:00:00", 115.0, 114.0),  # over midnight by UTC
        ("2024-06-19T15:00:00", 115.0, 114.0),  # on a holiday
        ("2024-06-22T15:00:00", 118.0, 117.0),  # on a Saturday
        ("2024-06-24T09:00:00", 118.0, 118.0),  # before the open of Monday
    ],
)
def test_between_two_sessions_the_change_is_that_of_the_one_that_was_told_last(
    tmp_path: Path, moment: str, last: float, previous: float
) -> None:
    row = started(tmp_path, moment)
    assert (row.last, row.previous, row.change) == (last, previous, last / previous - 1)


def test_a_source_without_days_of_its_own_counts_from_its_last_bar_of_the_session_before(tmp_path: Path) -> None:
    moment = at("2024-06-18T19:50:30")
    assert started(tmp_path, "2024-06-18T19:50:30", Source(Calendar(), moment, timeframes=("1m",))).previous == 114.0


def test_a_feed_of_days_counts_from_the_day_before_the_one_that_closed_last(tmp_path: Path) -> None:
    moment = at("2024-06-18T22:00:00")
    row = started(tmp_path, "2024-06-18T22:00:00", Source(Calendar(), moment, timeframes=("1d",)))
    assert (row.last, row.previous) == (115.0, 114.0)


def test_in_the_first_session_there_is_no_change_is_shown_rather_than_a_wrong_one(tmp_path: Path) -> None:
    row = started(tmp_path, "2024-06-18T16:00:30", Source(Calendar(), at("2024-06-18T16:00:30"), first=TUESDAY))
    assert (row.last is not None, row.change, row.previous) == (True, None, None)


def test_a_market_that_never_closes_counts_from_midnight_by_utc(tmp_path: Path) -> None:
    always = Calendar(ALWAYS)
    row = started(tmp_path, "2024-06-16T16:00:30", Source(always, at("2024-06-16T16:00:30")), always)
    assert row.previous == 112.0


def test_on_the_day_of_a_split_a_change_counts_from_the_close_in_new_shares(tmp_path: Path) -> None:
    source = Source(Calendar(), at("2024-06-18T16:00:30"))
    source.actions = (Action("AAPL", TUESDAY, "split", Decimal(2)),)
    assert started(tmp_path, "2024-06-18T16:00:30", source).previous == 57.0


def test_a_symbol_that_is_added_counts_as_those_do_that_it_was_started_with(tmp_path: Path) -> None:
    moment = at("2024-06-18T16:00:30")
    with watched(tmp_path, polled(tmp_path, moment, Source(Calendar(), moment), Calendar())) as (engine, _):
        assert engine.answer(engine.watch("MSFT")).ok
        assert [row.previous for row in until(engine, lambda view: len(view.watch) == 2).watch] == [114.0, 114.0]


def test_played_days_count_from_the_bar_before(tmp_path: Path) -> None:
    source = Source(Calendar(), at("2024-07-31T22:00:00"))
    days = source.history("AAPL", "1d", FIRST, date(2024, 7, 31)).bars
    before = {bar.close: earlier.close for earlier, bar in pairwise(days)}
    with watched(tmp_path, BarFeed("file", {"AAPL": days}, pace=50.0, start=TUESDAY)) as (engine, view):
        at_the_end = until(engine, lambda view: view.watch[0].last == days[-1].close)
        for row in (view.watch[0], at_the_end.watch[0]):
            assert row.last is not None
            assert row.previous == before[row.last]


def test_the_simulated_market_counts_from_the_close_of_the_day_before(tmp_path: Path) -> None:
    moment = at("2024-06-18T16:00:30")
    began = time.monotonic_ns()
    feed = SimulatedFeed(("AAPL",), FeedSettings(), clock=lambda: moment + time.monotonic_ns() - began)
    before = feed.history("AAPL", 1, "1d")[-1]
    assert Calendar().day_of(before.at) == TUESDAY - timedelta(days=1)
    with watched(tmp_path, feed) as (_, view):
        assert view.watch[0].previous == before.close


def test_a_replay_shows_the_change_that_was_on_the_screen(tmp_path: Path) -> None:
    moment = at("2024-06-18T19:50:30")
    with watched(tmp_path, polled(tmp_path, moment, Source(Calendar(), moment), Calendar())) as (engine, view):
        pass
    replay = open_session(tmp_path / "paper.db", engine.run_id, "a session")
    replay.seek(replay.steps)
    assert (replay.view().watch[0].previous, replay.view().watch[0].change) == (114.0, view.watch[0].change)


def test_a_close_that_is_told_overnight_is_that_of_the_next_day_and_of_its_replay(tmp_path: Path) -> None:
    moment = at("2024-06-18T19:50:30")
    feed = polled(tmp_path, moment, Source(Calendar(), moment), Calendar())
    evening, morning = at("2024-06-18T20:00:00"), at("2024-06-20T08:00:00")

    async def overnight(tell: Callable[[MarketEvent], None]) -> None:
        tell(MarketStatus(Phase.REGULAR, "open", "2024-06-18", moment))
        tell(Bar("AAPL", evening, 115.0, 115.0, 115.0, 115.0, 1.0))
        tell(MarketStatus(Phase.PRE, "pre-market", "2024-06-20", morning))
        tell(SessionClose("AAPL", morning, Close("2024-06-18", 116.0)))
        await asyncio.sleep(3600)

    feed.run = overnight  # type: ignore[method-assign]
    with watched(tmp_path, feed) as (engine, _):
        row = until(engine, lambda view: view.watch[0].previous == 116.0).watch[0]
    replay = open_session(tmp_path / "paper.db", engine.run_id, "a session")
    replay.seek(replay.steps)
    assert (replay.view().watch[0].previous, replay.view().watch[0].change) == (116.0, row.change)
