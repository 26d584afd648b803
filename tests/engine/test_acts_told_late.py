"""A split and a dividend that a polled source did not tell in time: it was away at the start, or said nothing on the ex-date."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from engine.feeds.actions import Action
from engine.feeds.base import FeedLostError
from engine.feeds.cache import BarCache
from engine.feeds.cached import CachedHistory
from engine.feeds.calendar import Calendar
from engine.feeds.history import Fetched
from engine.feeds.new_york import SECOND
from engine.feeds.polling import PollingFeed
from engine.live import Engine
from engine.model.market import Bar
from engine.model.modes import TradingState
from engine.model.records import DividendBooked, SessionOpened, SplitBooked
from engine.model.settings import Settings
from tests.acting import FRIDAY, MONDAY, THURSDAY
from tests.engine.engines import SETTINGS, make, market, said, until
from tests.engine.feeds.fake_history import FakeHistory, at
from tests.engine.test_missed_acts import DIVIDEND, TIGHT, left_on_thursday

ACTS = [Action("AAPL", FRIDAY, "dividend", Decimal("0.5")), Action("AAPL", FRIDAY, "split", Decimal(2))]
"""Of one day a source's dividend comes first: it is paid on the shares of before."""
DAWN, MORNING, MONDAYS = at("2005-03-11T13:30:00"), at("2005-03-11T15:00:30"), at("2005-03-14T15:00:30")
"""Friday 8:30 in New York, before the open; Friday 10:00 and Monday 10:00 (New York's winter: five hours)."""


class Acting(FakeHistory):
    """AAPL at 100, and from Friday on at 50. It does not answer the first `away` questions."""

    def __init__(self, now: int, acts: Sequence[Action], away: int = 0) -> None:
        super().__init__(now)
        self.actions = list(acts)
        self.away = away

    def history(self, symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        if self.away:
            self.away -= 1
            raise FeedLostError("It hung up.", 0.001)
        told = super().history(symbol, timeframe, start, end)
        bars = [(bar.at, 100.0 if Calendar().day_of(bar.at) < FRIDAY else 50.0) for bar in told.bars]
        return Fetched([Bar(symbol, when, price, price, price, price, 1e6) for when, price in bars], told.actions)


def feed_at(now: int, folder: Path, acts: Sequence[Action] = ACTS, away: int = 0, minutes: int = 2) -> Callable[[], PollingFeed]:
    """One that begins at `now`, tells of so many minutes more, and rests."""
    history = Acting(now, acts, away)

    async def sleep(seconds: float) -> None:
        if history.now >= now + minutes * 60 * SECOND:
            await asyncio.Event().wait()
        await asyncio.sleep(0.02)
        history.now += 60 * SECOND

    def opened() -> PollingFeed:
        source = CachedHistory(history, BarCache(folder / "bars"), Calendar(), now=history.clock)
        return PollingFeed(source, ["AAPL"], "1m", wall=history.clock, sleep=sleep)

    return opened


def started(folder: Path, feed: Callable[[], PollingFeed], settings: Settings = TIGHT) -> tuple[Engine, list[object]]:
    engine = make(folder, settings=settings, feed=feed)
    heard: list[object] = []
    for kind in (SplitBooked, DividendBooked, SessionOpened):
        engine.subscribe(kind, heard.append)
    engine.start()
    engine.wait_ready()
    return engine, heard


def kept_on_thursday(folder: Path) -> None:
    """What an earlier run left in the cache: all of Thursday, and nothing of Friday."""
    source = CachedHistory(Acting(DAWN, ()), BarCache(folder / "bars"), Calendar(), now=lambda: DAWN)
    for timeframe, days in (("1m", 10), ("1d", 400)):
        source.bars("AAPL", timeframe, THURSDAY - timedelta(days=days), THURSDAY)


@pytest.mark.parametrize("kept", [True, False])
def test_acts_of_a_day_that_nobody_saw_are_booked_though_the_source_was_away_at_the_start(tmp_path: Path, kept: bool) -> None:
    before = left_on_thursday(tmp_path, shares=100)
    if kept:
        kept_on_thursday(tmp_path)
    engine, heard = started(tmp_path, feed_at(MONDAYS, tmp_path, away=3))
    after = until(engine, lambda view: view.positions and view.positions[0].last == 50)
    engine.shutdown()
    assert [type(record) for record in heard[:2]] == [DividendBooked, SplitBooked]
    assert {type(record) for record in heard[2:]} == {SessionOpened}
    assert after.positions[0].quantity == 200
    assert not [breaker for breaker in after.breakers if breaker.tripped]
    assert after.account.state is TradingState.ACTIVE
    assert (after.account.cash, after.account.equity) == (before.account.cash + DIVIDEND, before.account.equity + DIVIDEND)
    engine, heard = started(tmp_path, feed_at(MONDAYS, tmp_path))
    again = until(engine, lambda view: view.positions and view.positions[0].last == 50)
    engine.shutdown()
    assert not heard
    assert (again.positions[0].quantity, again.account.cash) == (Decimal(200), after.account.cash)


def test_no_session_begins_while_the_acts_since_the_last_one_are_not_known(tmp_path: Path) -> None:
    left_on_thursday(tmp_path, shares=100)
    engine, heard = started(tmp_path, feed_at(MONDAYS, tmp_path, away=1_000_000))
    view = until(engine, lambda view: said(view, "It hung up."))
    engine.shutdown()
    assert not heard
    assert view.positions[0].quantity == 100


def test_acts_that_were_not_told_on_their_day_are_booked_at_the_next_start(tmp_path: Path) -> None:
    before = left_on_thursday(tmp_path, shares=100)
    engine, heard = started(tmp_path, feed_at(DAWN, tmp_path, acts=()))
    until(engine, lambda view: [record for record in heard if isinstance(record, SessionOpened) and record.session == FRIDAY.isoformat()])
    engine.shutdown()
    engine, heard = started(tmp_path, feed_at(MONDAYS, tmp_path))
    after = until(engine, lambda view: view.positions and view.positions[0].quantity == 200 and len(heard) == 3)
    engine.shutdown()
    assert after.account.cash == before.account.cash + DIVIDEND
    assert [type(record) for record in heard] == [DividendBooked, SplitBooked, SessionOpened]
    assert MONDAY.isoformat() == heard[2].session  # type: ignore[attr-defined]


@pytest.mark.parametrize("held", [0, 10])
def test_shares_that_were_bought_on_the_day_of_an_act_are_not_split_and_those_of_before_are_told_of(tmp_path: Path, held: int) -> None:
    left_on_thursday(tmp_path, shares=held)
    engine, _ = started(tmp_path, feed_at(MORNING, tmp_path, acts=(), minutes=300), SETTINGS)
    heard_bar = threading.Event()
    engine.subscribe(Bar, lambda bar: heard_bar.set())
    assert heard_bar.wait(20)
    assert engine.answer(engine.submit(market(5))).ok
    until(engine, lambda view: view.positions and view.positions[0].quantity == held + 5)
    engine.shutdown()
    engine, heard = started(tmp_path, feed_at(MONDAYS, tmp_path), SETTINGS)
    after = until(engine, lambda view: view.positions and len(heard) > 0)
    engine.shutdown()
    assert after.positions[0].quantity == held + 5
    assert {type(record) for record in heard} == {SessionOpened}
    assert said(after, "AAPL: the split of 2005-03-11 is not booked") == bool(held)
