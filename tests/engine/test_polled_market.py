"""The engine over a source that is asked for its bars: how a start waits for it, and what may be traded while it is away or late."""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from datetime import date
from pathlib import Path
from typing import NoReturn

import pytest

from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.cache import BarCache
from engine.feeds.cached import CachedHistory
from engine.feeds.calendar import Calendar
from engine.feeds.history import Fetched
from engine.feeds.polling import PollingFeed
from engine.live import Engine
from engine.model.modes import LinkState
from engine.model.views import View
from tests.engine.engines import ToldBroker, limit, make, said, until
from tests.engine.feeds.fake_history import FakeHistory, at

BEGIN = at("2024-06-18T16:00:30")
SPEED = 100


class FastTime:
    """A hundred times as fast as the machine's own."""

    def __init__(self) -> None:
        self._began = time.monotonic_ns()

    def wall(self) -> int:
        return BEGIN + (time.monotonic_ns() - self._began) * SPEED

    def mono(self) -> float:
        return (time.monotonic_ns() - self._began) * SPEED / 1e9

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)


class Source(FakeHistory):
    """Hangs while `open` is not set. Its bars come `late` ns after their close."""

    def __init__(self, clock: FastTime) -> None:
        self._clock = clock
        self.late = 0
        self.open = threading.Event()
        self.open.set()
        super().__init__(0)

    @property
    def now(self) -> int:
        return self._clock.wall() - self.late

    @now.setter
    def now(self, now: int) -> None:
        pass

    def history(self, symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        self.open.wait(30)
        return super().history(symbol, timeframe, start, end)


class Desk:
    def __init__(self, folder: Path) -> None:
        clock = FastTime()
        self.source = Source(clock)
        cached = CachedHistory(self.source, BarCache(folder / "cache"), Calendar(), now=clock.wall)
        self.feed = PollingFeed(cached, ("AAPL",), "1m", wall=clock.wall, mono=clock.mono, sleep=clock.sleep)
        self.feed.quote_life_s = 130.0
        self.engine: Engine = make(folder, ToldBroker(), feed=lambda: self.feed)


@pytest.fixture
def desk(tmp_path: Path):  # type: ignore[no-untyped-def]
    desk = Desk(tmp_path)
    yield desk
    desk.source.open.set()
    desk.engine.shutdown()


def fresh(view: View) -> bool:
    return view.watch[0].last is not None and view.watch[0].stale_s is None


def feed_link(view: View) -> str:
    return view.health.links[1].reason


def test_prices_come_and_are_traded_on(desk: Desk) -> None:
    desk.engine.start()
    assert not desk.engine.wait_ready().health.problem
    view = until(desk.engine, fresh)
    assert view.health.market_text == "NYSE open, closes 16:00"
    assert desk.engine.answer(desk.engine.submit(limit())).ok


@pytest.mark.parametrize("content", [b"", b"no cache" * 1000])
def test_a_start_without_a_cache_that_can_be_used_says_so_and_trades(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """On a disk without room, or with a file that is none of ours and cannot be put aside."""

    def refuse(*given: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "cache").mkdir()
    if content:
        (tmp_path / "cache" / "bars.sqlite").write_bytes(content)
        monkeypatch.setattr(Path, "rename", refuse)
    else:
        monkeypatch.setattr(BarCache, "_connect", refuse)
    desk.engine.start()
    assert not desk.engine.wait_ready().health.problem
    view = until(desk.engine, lambda view: fresh(view) and desk.engine.answer(desk.engine.submit(limit())).ok)
    assert said(view, "No space left on device")


def test_a_source_that_goes_away_is_told_with_when_it_is_asked_again_and_comes_back(desk: Desk) -> None:
    desk.engine.start()
    desk.engine.wait_ready()
    until(desk.engine, fresh)
    desk.source.error = FeedLostError("It hung up.", 0.05)
    view = until(desk.engine, feed_link)
    assert feed_link(view) == "It hung up. It is tried again in 0.05 s."
    assert view.watch[0].last is not None  # what there was stays to be seen
    desk.source.error = None
    until(desk.engine, lambda view: not feed_link(view) and said(view, "the feed speaks again"))


def test_a_source_that_will_never_do_is_fatal_and_not_asked_again(desk: Desk) -> None:
    desk.engine.start()
    desk.engine.wait_ready()
    until(desk.engine, fresh)
    desk.feed._poll = _refused  # type: ignore[method-assign]
    view = until(desk.engine, feed_link)
    assert view.health.links[1].state is LinkState.FATAL
    assert feed_link(view) == "The key is refused."
    assert view.watch[0].last is not None


async def _refused(tell: object, first: bool) -> int:
    raise FeedError("The key is refused.")


def test_what_comes_late_is_shown_and_not_traded_on(desk: Desk) -> None:
    """As from an exchange whose prices are free after a quarter of an hour."""
    desk.source.late = 15 * 60 * 1_000_000_000
    desk.engine.start()
    desk.engine.wait_ready()
    view = until(desk.engine, lambda view: view.watch[0].stale_s)
    assert view.watch[0].stale_s is not None
    assert view.watch[0].stale_s >= 14 * 60
    answer = desk.engine.answer(desk.engine.submit(limit()))
    assert not answer.ok
    assert "old" in answer.text or "stale" in answer.text


def test_a_start_says_what_it_waits_for_and_an_end_does_not_wait_for_it(desk: Desk) -> None:
    desk.source.open.clear()
    desk.engine.start()
    pause = threading.Event()
    while not desk.engine.view().health.problem.startswith("fetching"):
        pause.wait(0.005)
    assert desk.engine.view().health.problem == "fetching AAPL from fake, 1 of 1"
    desk.engine.shutdown(5)
    assert not desk.source.asked


def test_a_symbol_that_nobody_knows_ends_the_start_in_words(desk: Desk) -> None:
    desk.source.error = FeedError("fake does not know AAPL.")
    desk.engine.start()
    view = desk.engine.wait_ready()
    assert (view.health.failed, view.health.problem) == (True, "fake does not know AAPL.")


def test_any_symbol_can_be_watched_although_the_source_lists_few(desk: Desk) -> None:
    desk.engine.start()
    desk.engine.wait_ready()
    assert desk.engine.answer(desk.engine.watch("ZZZZ")).ok
    until(desk.engine, lambda view: [row.symbol for row in view.watch] == ["AAPL", "ZZZZ"])
    desk.source.error = FeedError("fake does not know NOPE.")
    answer = desk.engine.answer(desk.engine.watch("NOPE"))
    assert (answer.ok, answer.text) == (False, "fake does not know NOPE.")


def test_the_markets_clock_goes_on_while_the_source_says_nothing(desk: Desk) -> None:
    desk.engine.start()
    desk.engine.wait_ready()
    until(desk.engine, fresh)
    desk.source.open.clear()
    before = time.time_ns()
    until(desk.engine, lambda view: view.health.market_time >= before)
