"""The engine over Alpaca's broker and prices at once, by the real client library: what a strategy may do while the prices are cut off."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.brokers.alpaca.broker import AlpacaBroker
from engine.feeds.alpaca import feed as feed_module
from engine.feeds.alpaca.feed import AlpacaFeed
from engine.feeds.alpaca.history import AlpacaHistory
from engine.feeds.alpaca.rest import Access
from engine.feeds.alpaca.stream import PriceStream
from engine.feeds.base import Feed
from engine.feeds.cache import BarCache
from engine.feeds.cached import CachedHistory
from engine.feeds.calendar import Calendar
from engine.live import Engine
from engine.model.modes import Mode
from engine.model.orders import OrderState
from engine.model.settings import Settings, StrategySettings
from engine.model.signals import SignalState
from engine.model.views import View
from tests.engine.brokers.alpaca_engine import agree, posts
from tests.engine.brokers.alpaca_rig import PATIENT
from tests.engine.engines import SETTINGS, limit, make, until
from tests.engine.feeds.fake_history import at
from tests.servers.alpaca.data import AlpacaDataServer
from tests.servers.alpaca.streams import KEY, SECRET
from tests.servers.yahoo import Share

BEGIN = at("2024-06-18T16:00:30")
THINKING = """
import time
from pathlib import Path
from tradeconsole import Strategy

HERE = Path({folder!r})

class Thinking(Strategy):
    def on_quote(self, ctx, quote):
        (HERE / "asked").touch()
        while not (HERE / "go").exists():
            time.sleep(0.01)
        (HERE / "go").unlink()
        (HERE / "asked").unlink()
        ctx.buy("AAPL", 10, reason="it thought for long")
"""
"""Makes up its mind when it is told to, however long that takes."""


class Market:
    """An engine, its broker and its prices. Market time begins at BEGIN and runs as the clock does."""

    def __init__(self, folder: Path, server: AlpacaDataServer, mode: Mode) -> None:
        self._began = time.monotonic_ns()
        self.folder, self.server = folder, server
        server.tape.now = self.wall
        (folder / "thinking.py").write_text(THINKING.format(folder=str(folder)), encoding="utf-8")
        strategy = StrategySettings(str(folder / "thinking.py"), deadline_s=120)
        settings = replace(SETTINGS, mode=mode, strategies=(strategy,), limits=replace(SETTINGS.limits, stale_after_s=0.5))
        self.engine = self._engine(replace(settings, symbols=("AAPL",)))

    def _engine(self, settings: Settings) -> Engine:
        access = Access(KEY, SECRET, url=self.server.url)

        def feed() -> Feed:
            history = AlpacaHistory(Calendar(), access, now=self.wall)
            cached = CachedHistory(history, BarCache(self.folder / "cache"), Calendar(), now=self.wall)
            make_stream = partial(PriceStream, access)
            return AlpacaFeed(cached, ("AAPL",), "1m", history=history, make=make_stream, wall=self.wall)

        broker = AlpacaBroker(KEY, SECRET, url=self.server.url, timings=PATIENT)
        return make(self.folder, broker, settings=settings, feed=feed)

    def wall(self) -> int:
        return BEGIN + time.monotonic_ns() - self._began

    def quoted(self, view: View) -> bool:
        """Quotes once more; whether the strategy thinks about one."""
        self.server.trade_at(self.wall(), "AAPL", 100.0)
        self.server.quote_at(self.wall(), "AAPL", 99.99, 100.01)
        return (self.folder / "asked").exists()

    def decide(self) -> None:
        (self.folder / "go").touch()

    def decided(self, view: View) -> bool:
        """The same, and has it buy where it does."""
        if thinks := self.quoted(view):
            self.decide()
        return not thinks

    def cut_off(self) -> View:
        """Prices are cut, and nobody gets them back; answers once they are stale."""
        self.server.do(lambda: self.server.faults.set(refuse_streams=503))
        self.server.cut_prices()
        return until(self.engine, lambda view: view.health.links[1].reason and view.watch[0].stale_s is not None)

    def bring_back(self) -> None:
        self.server.do(lambda: self.server.faults.set(refuse_streams=0))


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_PAUSES_S", (0.05,))


@pytest.fixture
def server() -> Iterator[AlpacaDataServer]:
    with AlpacaDataServer([Share("AAPL", price=100.0)]) as server:
        yield server


def waiting(view: View) -> list[str]:
    return [row.id for row in view.signals if row.state is SignalState.WAITING]


def started(folder: Path, server: AlpacaDataServer, mode: Mode) -> Market:
    market = Market(folder, server, mode)
    market.engine.start()
    assert not market.engine.wait_ready().health.problem
    until(market.engine, market.quoted)
    return market


def test_what_a_strategy_wants_while_its_prices_are_cut_off_is_refused_as_stale(tmp_path: Path, server: AlpacaDataServer) -> None:
    market = started(tmp_path, server, Mode.FULL_AUTO)
    try:
        view = market.cut_off()
        assert view.watch[0].last is not None, "what there was stays to be seen"
        market.decide()
        view = until(market.engine, lambda view: view.signals and view.signals[0].state is not SignalState.WAITING)
        assert view.signals[0].state is SignalState.DENIED
        assert re.fullmatch(r"AAPL's last price is [\d.]+ s old, the limit is 0\.5 s: no entries\.", view.signals[0].decided_reason)
        refused = market.engine.answer(market.engine.submit(limit()))
        assert (refused.ok, posts(server)) == (False, 0)
        market.bring_back()
        until(market.engine, lambda view: market.decided(view) and view.positions)
        agree(market.engine, server)
    finally:
        market.decide()
        market.engine.shutdown()


def test_a_signal_that_waits_while_prices_are_cut_off_is_not_sent_by_a_yes(tmp_path: Path, server: AlpacaDataServer) -> None:
    market = started(tmp_path, server, Mode.MANUAL)
    try:
        view = until(market.engine, lambda view: market.decided(view) and waiting(view))
        market.cut_off()
        answer = market.engine.answer(market.engine.approve(waiting(view)[0]))
        assert (answer.ok, posts(server)) == (False, 0)
        assert "old" in answer.text or "stale" in answer.text
        assert not [row for row in market.engine.status().orders if row.state is not OrderState.REJECTED]
    finally:
        market.decide()
        market.engine.shutdown()
