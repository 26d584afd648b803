"""Alpaca's prices live, by the real client: what its stream tells, and what becomes of it when the stream breaks, hangs or refuses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from engine.feeds.alpaca import feed as feed_module
from engine.feeds.alpaca import stream as stream_module
from engine.feeds.alpaca.feed import AlpacaFeed
from engine.feeds.alpaca.history import AlpacaHistory
from engine.feeds.alpaca.rest import Access
from engine.feeds.alpaca.stream import PriceStream
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.cache import BarCache
from engine.feeds.cached import CachedHistory
from engine.feeds.calendar import Calendar
from engine.feeds.new_york import SECOND
from engine.model.market import Bar, Close, Halt, MarketEvent, MarketStatus, Phase, Quote, SessionClose, Split
from tests.engine.feeds.fake_history import at
from tests.servers.alpaca.data import AlpacaDataServer
from tests.servers.alpaca.streams import KEY, SECRET
from tests.servers.yahoo import Share

BEGIN = at("2024-06-18T16:00:30")
TUESDAY = date(2024, 6, 18)
E = TypeVar("E", bound=MarketEvent)


class Desk:
    """A feed over a server, whose market time begins at BEGIN and may be moved on by `skip` ns."""

    def __init__(self, server: AlpacaDataServer, folder: Path, symbols: tuple[str, ...] = ("AAPL",), timeframe: str = "1m") -> None:
        self.server = server
        self.skip = 0
        self._began = time.monotonic_ns()
        server.tape.now = self.wall
        access = Access(KEY, SECRET, url=server.url)
        history = AlpacaHistory(Calendar(), access, now=self.wall)
        cached = CachedHistory(history, BarCache(folder), Calendar(), now=self.wall)
        self.feed = AlpacaFeed(
            cached, symbols, timeframe, history=history, make=partial(PriceStream, access), wall=self.wall, mono=self.mono
        )
        self.told: list[MarketEvent] = []
        self.running: asyncio.Task[None] | None = None

    def wall(self) -> int:
        return BEGIN + time.monotonic_ns() - self._began + self.skip

    def mono(self) -> float:
        return (time.monotonic_ns() - self._began + self.skip) / SECOND

    def hear(self, event: MarketEvent) -> None:
        self.told.append(event)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        await self.feed.prepare(lambda text: None)
        self.running = asyncio.create_task(self.feed.run(self.hear))
        try:
            await self.until(lambda: self.server.listening() >= {"AAPL"})
            # It listens once it has asked what closed while it connected.
            self.server.quote_at(self.wall(), "AAPL", 1.0, 1.5)
            await self.until(lambda: self.of(Quote))
            self.told = [event for event in self.told if not isinstance(event, Quote)]
            yield
        finally:
            self.running.cancel()
            with suppress(asyncio.CancelledError, FeedError):
                await self.running

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                if self.running is not None and self.running.done():
                    self.running.result()
                await asyncio.sleep(0.005)

    async def lost(self) -> FeedError:
        """What the run ends with."""
        assert self.running is not None
        async with asyncio.timeout(20):
            with pytest.raises(FeedError) as told:
                await asyncio.shield(self.running)
        return told.value

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.told if isinstance(event, kind)]


@pytest.fixture
def server() -> object:
    with AlpacaDataServer([Share("AAPL", price=190.0), Share("MSFT", price=420.0)]) as server:
        yield server


async def test_quotes_come_with_their_sizes_and_the_last_trade(server: AlpacaDataServer, tmp_path: Path) -> None:
    desk = Desk(server, tmp_path)
    async with desk.listening():
        server.trade_at(desk.wall(), "AAPL", 187.5)
        stamp = desk.wall()
        server.quote_at(stamp, "AAPL", 187.49, 187.51)
        await desk.until(lambda: desk.of(Quote))
        assert desk.of(Quote)[-1] == Quote("AAPL", stamp, 187.49, 187.51, 5.0, 7.0, 187.5)
        assert desk.of(MarketStatus)[-1].phase is Phase.REGULAR


async def test_a_symbol_with_a_dot_has_its_past_its_quotes_and_its_bars(tmp_path: Path) -> None:
    with AlpacaDataServer([Share("AAPL", price=190.0), Share("BRK.B", price=410.0)]) as server:
        desk = Desk(server, tmp_path, ("AAPL", "BRK.B"))
        async with desk.listening():
            assert {bar.symbol for bar in desk.feed.history("BRK.B", 5)} == {"BRK.B"}
            stamp = desk.wall()
            server.quote_at(stamp, "BRK.B", 410.1, 410.3)
            await desk.until(lambda: desk.of(Quote))
            assert (desk.of(Quote)[-1].symbol, desk.of(Quote)[-1].at) == ("BRK.B", stamp)
            server.bar_at(at("2024-06-18T16:00:00"), "BRK.B", 410.2)
            await desk.until(lambda: [bar for bar in desk.of(Bar) if bar.symbol == "BRK.B"])


async def test_many_quotes_at_once_are_told_as_the_newest(server: AlpacaDataServer, tmp_path: Path) -> None:
    desk = Desk(server, tmp_path)
    async with desk.listening():
        for number in range(200):
            server.quote_at(desk.wall(), "AAPL", 100 + number / 100, 103.0)
        await desk.until(lambda: desk.of(Quote) and desk.of(Quote)[-1].bid == 101.99)
        assert len(desk.of(Quote)) < 100


async def test_a_minutes_bar_is_told_once_at_its_close(server: AlpacaDataServer, tmp_path: Path) -> None:
    desk = Desk(server, tmp_path)
    async with desk.listening():
        past = len(desk.of(Bar))
        for _ in range(2):
            server.bar_at(at("2024-06-18T16:00:00"), "AAPL", 150.0)
        server.bar_at(at("2024-06-18T12:00:00"), "AAPL", 150.0)  # before the session
        server.bar_at(at("2024-06-18T16:01:00"), "AAPL", 151.0)
        await desk.until(lambda: len(desk.of(Bar)) >= past + 2)
        assert [(bar.at, bar.close) for bar in desk.of(Bar)[past:]] == [
            (at("2024-06-18T16:01:00"), 150.0),
            (at("2024-06-18T16:02:00"), 151.0),
        ]


async def test_larger_bars_are_asked_for_when_they_have_closed(server: AlpacaDataServer, tmp_path: Path) -> None:
    desk = Desk(server, tmp_path, timeframe="5m")
    async with desk.listening():
        desk.skip = 275 * SECOND
        await desk.until(lambda: desk.of(Bar))
        assert desk.of(Bar)[0].at == at("2024-06-18T16:05:00")


async def test_when_the_session_is_over_what_it_closed_at_is_told_by_its_day(server: AlpacaDataServer, tmp_path: Path) -> None:
    desk = Desk(server, tmp_path)
    async with desk.listening():
        desk.skip = (8 * 3600 + 60) * SECOND  # after hours are over
        await desk.until(lambda: desk.of(SessionClose))
        assert [told.close for told in desk.of(SessionClose)] == [Close("2024-06-18", server.tape.shares["AAPL"].traded(TUESDAY, 1.0))]


async def test_a_halt_and_its_end_are_told_with_the_venues_words(server: AlpacaDataServer, tmp_path: Path) -> None:
    desk = Desk(server, tmp_path)
    async with desk.listening():
        server.status_at(desk.wall(), "AAPL", "H", "Trading Halt", "News pending")
        server.status_at(desk.wall(), "AAPL", "Q", "Quotation Resumption")
        server.status_at(desk.wall(), "AAPL", "T", "Trading Resumption")
        await desk.until(lambda: len(desk.of(Halt)) == 2)
        assert [(halt.halted, halt.reason) for halt in desk.of(Halt)] == [
            (True, "Trading Halt, News pending"),
            (False, "Trading Resumption"),
        ]


async def test_what_is_no_price_is_no_news(server: AlpacaDataServer, tmp_path: Path) -> None:
    desk = Desk(server, tmp_path)
    async with desk.listening():
        server.quote_at(desk.wall(), "AAPL", 0.0, 187.5)
        server.quote_at(desk.wall(), "AAPL", float("nan"), 187.5)
        server.trade_at(desk.wall(), "AAPL", -1.0)
        server.say({"T": "q", "S": "AAPL"})
        server.say({"T": "pondering"})
        server.quote_at(desk.wall(), "AAPL", 187.4, 187.5)
        await desk.until(lambda: desk.of(Quote))
        assert [quote.bid for quote in desk.of(Quote)] == [187.4]
        assert desk.of(Quote)[0].last > 0


async def test_a_symbol_that_is_followed_later_is_subscribed_and_one_that_is_dropped_is_not(
    server: AlpacaDataServer, tmp_path: Path
) -> None:
    desk = Desk(server, tmp_path)
    async with desk.listening():
        await desk.feed.follow("MSFT")
        await desk.until(lambda: server.listening() == {"AAPL", "MSFT"})
        server.quote_at(desk.wall(), "MSFT", 420.0, 420.1)
        await desk.until(lambda: [quote for quote in desk.of(Quote) if quote.symbol == "MSFT"])
        desk.feed.drop("AAPL")
        await desk.until(lambda: server.listening() == {"MSFT"})


async def test_a_stream_that_breaks_is_told_and_what_closed_meanwhile_comes_by_rest(server: AlpacaDataServer, tmp_path: Path) -> None:
    desk = Desk(server, tmp_path)
    async with desk.listening():
        server.cut_prices()
        error = await desk.lost()
        assert isinstance(error, FeedLostError)
        assert str(error).startswith("Alpaca's stream of prices broke")
        assert 1.0 <= (error.again_s or 0) <= 1.2
    past = len(desk.of(Bar))
    desk.skip = 180 * SECOND
    desk.running = asyncio.create_task(desk.feed.run(desk.hear))
    await desk.until(lambda: len(desk.of(Bar)) >= past + 3)
    assert [bar.at for bar in desk.of(Bar)[past:]] == [at(f"2024-06-18T16:0{minute}:00") for minute in (1, 2, 3)]
    await desk.until(lambda: server.listening() >= {"AAPL"})
    desk.running.cancel()
    with suppress(asyncio.CancelledError):
        await desk.running


async def test_a_stream_that_is_open_and_mute_is_given_up_where_something_traded(
    server: AlpacaDataServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "QUIET_S", 40.0)
    desk = Desk(server, tmp_path)
    async with desk.listening():
        server.do(lambda: server.faults.set(mute=True))
        desk.skip = 61 * SECOND
        error = await desk.lost()
        assert str(error) == "Alpaca's stream of prices is open and says nothing."
        assert desk.of(Bar)[-1].at == at("2024-06-18T16:01:00")


async def test_a_quiet_market_is_no_mute_stream(server: AlpacaDataServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "QUIET_S", 0.05)
    desk = Desk(server, tmp_path)
    async with desk.listening():
        asked = len(server.tape.asked)
        await desk.until(lambda: len(server.tape.asked) > asked + 1)
        assert desk.running is not None
        assert not desk.running.done()


async def test_a_wrong_key_ends_it_and_says_what_to_do(server: AlpacaDataServer, tmp_path: Path) -> None:
    desk = Desk(server, tmp_path)
    await desk.feed.prepare(lambda text: None)
    server.do(lambda: server.faults.arm("GET /v2/stocks", "401", 0, 0))
    stream = PriceStream(Access(KEY, "another", url=server.url), lambda raw: None)
    with pytest.raises(FeedError, match="check ALPACA_API_KEY and ALPACA_SECRET_KEY, then start again") as told:
        await stream.open({"AAPL"})
    assert not isinstance(told.value, FeedLostError)
    await stream.close()


@pytest.mark.parametrize(
    ("fault", "words", "again_s"),
    [
        ({"one_data_stream": True}, "connection limit exceeded; one that broke is held for 90 s", 90.0),
        ({"refuse_streams": 429}, "refused with 429; too many connections", 90.0),
        ({"refuse_streams": 503}, "refused with 503", None),
    ],
)
async def test_a_stream_that_is_refused_is_tried_again_when_it_makes_sense(
    server: AlpacaDataServer, fault: dict[str, object], words: str, again_s: float | None
) -> None:
    access = Access(KEY, SECRET, url=server.url)
    first = PriceStream(access, lambda raw: None)
    await first.open({"AAPL"})
    server.do(lambda: server.faults.set(**fault))
    second = PriceStream(access, lambda raw: None)
    with pytest.raises(FeedLostError, match=words) as told:
        await second.open({"AAPL"})
    assert told.value.again_s == again_s
    await second.close()
    await first.close()


@pytest.mark.parametrize(("status", "first", "longest"), [(503, 1.0, 60.0), (429, 90.0, 90.0)])
async def test_a_stream_that_is_refused_fifty_times_is_tried_with_longer_pauses_and_tells_prices_after(
    server: AlpacaDataServer, tmp_path: Path, status: int, first: float, longest: float
) -> None:
    desk = Desk(server, tmp_path)
    await desk.feed.prepare(lambda text: None)
    server.do(lambda: server.faults.set(refuse_streams=status))
    pauses: list[float] = []
    for _ in range(50):
        with pytest.raises(FeedLostError, match=f"refused with {status}") as told:
            await desk.feed.run(desk.hear)
        assert told.value.again_s is not None
        pauses.append(told.value.again_s)
    assert first <= pauses[0] <= 1.2 * first
    assert all(longest <= pause <= 1.2 * longest for pause in pauses[5:])
    assert len(set(pauses[5:])) > 1, "not all consoles come back together"
    assert (len(server.shakes), server.most_streams) == (50, 1)
    server.do(lambda: server.faults.set(refuse_streams=0))
    async with desk.listening():
        assert server.most_streams == 1


async def test_a_stream_that_does_not_answer_is_given_up_in_time(server: AlpacaDataServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "CONNECT_S", 0.2)
    server.do(lambda: server.faults.set(deaf=True))
    stream = PriceStream(Access(KEY, SECRET, url=server.url), lambda raw: None)
    with pytest.raises(FeedLostError, match="does not come up: no answer in time"):
        await stream.open({"AAPL"})
    await stream.close()
    server.do(lambda: server.faults.set(deaf=False))


async def test_what_the_stream_refuses_while_it_runs_is_said(server: AlpacaDataServer, tmp_path: Path) -> None:
    desk = Desk(server, tmp_path)
    async with desk.listening():
        server.say({"T": "error", "code": 409, "msg": "insufficient subscription"})
        error = await desk.lost()
        assert str(error) == "Alpaca's stream says: insufficient subscription (409). Your plan has not this feed.tape."
        assert not isinstance(error, FeedLostError)


async def test_a_plan_without_room_for_all_quotes_the_first_and_has_bars_of_the_others(
    server: AlpacaDataServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "_ROOM", (1,))
    desk = Desk(server, tmp_path, ("AAPL", "MSFT"))
    complaints: list[str] = []
    desk.feed.complain = complaints.append
    async with desk.listening():
        server.say({"T": "error", "code": 405, "msg": "symbol limit exceeded"})
        assert isinstance(await desk.lost(), FeedLostError)
        assert "symbol limit exceeded (405). Its plan has no room for the quotes of so many: MSFT have bars alone" in complaints[0]
        desk.running = asyncio.create_task(desk.feed.run(desk.hear))
        await desk.until(lambda: (server.listening("bars"), server.listening("quotes")) == ({"AAPL", "MSFT"}, {"AAPL"}))


async def test_todays_split_is_told_before_its_first_price(tmp_path: Path) -> None:
    with AlpacaDataServer([Share("AAPL", price=190.0, splits={TUESDAY: (4, 1)})]) as server:
        desk = Desk(server, tmp_path)
        async with desk.listening():
            server.quote_at(desk.wall(), "AAPL", 40.0, 40.1)
            await desk.until(lambda: desk.of(Quote))
            kinds = [type(event) for event in desk.told]
            assert kinds.count(Split) == 1
            assert kinds.index(Split) < min(kinds.index(kind) for kind in (Bar, Quote) if kind in kinds)
