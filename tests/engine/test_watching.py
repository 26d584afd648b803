"""Watching another symbol while the engine runs, on the real feeds, and again after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from console.build import create_engine
from engine import watching
from engine.chart import ChartBuilder
from engine.core.core import Core
from engine.feeds.open import open_feed
from engine.live import Engine
from engine.model.inputs import AcceptPosition, BrokerSnapshot, Input, OrderUpdate
from engine.model.modes import TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Intent, OrderState, OrderType, Side
from engine.model.settings import FeedSettings, Settings, StrategySettings
from engine.model.views import View
from engine.view_builder import ViewBuilder
from tests.engine.engines import running, said, until

SIM = FeedSettings(quotes_per_second=20)
SAMPLE = FeedSettings(source="sample", start="2004-01-02", pace=20)


@contextmanager
def trading(folder: Path, feed: FeedSettings = SIM, symbols: tuple[str, ...] = ("AAPL",), **more: object) -> Iterator[Engine]:
    engine = create_engine(Settings(database=folder / "paper.db", symbols=symbols, feed=feed, **more))  # type: ignore[arg-type]
    engine.start()
    try:
        engine.wait_ready()
        yield engine
    finally:
        engine.shutdown()


def ask(engine: Engine, command_id: str) -> tuple[bool, str]:
    reply = engine.answer(command_id)
    return reply.ok, reply.text


def watched(view: View) -> list[str]:
    return [row.symbol for row in view.watch]


def fresh(view: View, symbol: str) -> bool:
    return any(row.symbol == symbol and row.last is not None and row.stale_s is None for row in view.watch)


@pytest.mark.parametrize("feed", [SIM, SAMPLE], ids=["sim", "sample"])
def test_a_watched_symbol_has_history_prices_a_chart_and_can_be_traded(tmp_path: Path, feed: FeedSettings) -> None:
    with trading(tmp_path, feed) as engine:
        assert ask(engine, engine.watch("MSFT")) == (True, "MSFT is watched")
        until(engine, lambda view: fresh(view, "MSFT"))
        engine.focus("MSFT")
        view = until(engine, lambda view: view.chart is not None and view.chart.symbol == "MSFT" and len(view.chart.bars) > 50)
        assert view.chart is not None
        times = [bar.at for bar in view.chart.bars]
        assert times == sorted(set(times))
        ok, _ = ask(engine, engine.submit(Intent("MSFT", Side.BUY, Decimal(2))))
        assert ok
        until(engine, lambda view: [row.symbol for row in view.positions] == ["MSFT"])
        assert ask(engine, engine.unwatch("MSFT"))[0] is False


def test_a_restart_follows_again_what_was_watched_and_what_is_held(tmp_path: Path) -> None:
    with trading(tmp_path) as engine:
        for symbol in ("TSLA", "JPM", "NVDA"):
            assert ask(engine, engine.watch(symbol))[0]
        assert ask(engine, engine.unwatch("NVDA")) == (True, "NVDA is watched no longer")
        assert watched(engine.status()) == ["AAPL", "TSLA", "JPM"]
    with trading(tmp_path) as engine:
        assert watched(engine.status()) == ["AAPL", "TSLA", "JPM"]
        until(engine, lambda view: fresh(view, "TSLA") and fresh(view, "JPM"))
    with trading(tmp_path, symbols=("XOM",)) as engine:
        until(engine, lambda view: fresh(view, "XOM"))
        assert ask(engine, engine.submit(Intent("XOM", Side.BUY, Decimal(1))))[0]
        until(engine, lambda view: view.positions)
    with trading(tmp_path) as engine:
        until(engine, lambda view: fresh(view, "XOM"))


def test_a_restart_on_a_feed_without_the_symbol_starts_and_says_so(tmp_path: Path) -> None:
    with trading(tmp_path) as engine:
        assert ask(engine, engine.watch("TSLA"))[0]
    with trading(tmp_path, SAMPLE) as engine:
        view = engine.status()
        assert (view.health.ready, watched(view)) == (True, ["AAPL"])
        assert said(view, "TSLA has no price in this run")


def test_a_symbol_that_the_feed_does_not_know_is_refused_with_near_ones(tmp_path: Path) -> None:
    with trading(tmp_path, SAMPLE) as engine:
        assert ask(engine, engine.watch("MFST")) == (False, "sample has no MFST: did you mean MSFT?")
        assert ask(engine, engine.watch("ZZZZZZ")) == (False, "sample has no ZZZZZZ: it has AAPL, MSFT, IBM, GOOG and FB")
        ok, text = ask(engine, engine.watch("\x1b[31mAAPL"))
        assert not ok
        assert "\x1b" not in text
        assert watched(engine.status()) == ["AAPL"]


def test_a_feed_that_takes_no_more_says_what_to_do(tmp_path: Path) -> None:
    with running(tmp_path) as engine:
        ok, text = ask(engine, engine.watch("TSLA"))
        assert (ok, "name TSLA among the symbols at the next start" in text) == (False, True)
        assert ask(engine, engine.watch("AAPL")) == (True, "AAPL is watched already")


def test_there_may_be_so_many_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST", 2)
    with trading(tmp_path) as engine:
        answers = [ask(engine, engine.watch(symbol)) for symbol in ("TSLA", "JPM", "NVDA")]
        assert [ok for ok, _ in answers] == [True, True, False]
        assert "let one go first" in answers[2][1]


def test_a_strategys_symbol_stays_and_a_strategy_trades_no_symbol_that_is_only_looked_at(tmp_path: Path) -> None:
    strategies = (StrategySettings("sma_cross"),)
    with trading(tmp_path, strategies=strategies) as engine:
        assert ask(engine, engine.watch("TSLA"))[0]
        assert "sma_cross trades AAPL" in ask(engine, engine.unwatch("AAPL"))[1]
    with trading(tmp_path, strategies=strategies) as engine:
        assert ask(engine, engine.unwatch("TSLA")) == (True, "TSLA is watched no longer")


def test_what_a_feed_offers_is_there_once_it_was_asked_for(tmp_path: Path) -> None:
    with trading(tmp_path, SAMPLE) as engine:
        engine.offers()
        until(engine, lambda view: engine.offers() is not None)
        assert [(offer.symbol, offer.name) for offer in engine.offers() or ()][:2] == [("AAPL", "Apple"), ("MSFT", "Microsoft")]


def test_a_file_that_breaks_its_reader_in_a_search_stops_no_trading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(source: object) -> list[str]:
        raise ValueError("not a file of bars at all")

    monkeypatch.setattr("engine.feeds.open._SampleSource.symbols", broken)
    with trading(tmp_path, SAMPLE) as engine:
        engine.offers()
        view = until(engine, lambda view: said(view, "what it offers cannot be looked up: not a file of bars at all"))
        assert [offer.symbol for offer in engine.offers() or ()] == ["AAPL"]
        assert view.account.state is TradingState.ACTIVE


async def test_a_list_of_many_symbols_holds_up_the_loop_for_one_of_them_at_a_time() -> None:
    feed = open_feed(SIM, ("AAPL",))
    core = Core(Settings(), feed.instruments(), run_id="r")
    views = ViewBuilder(core, "PAPER", ChartBuilder(core, feed))

    def handle(event: Input) -> None:
        core.handle(event, 0)

    follower = watching.Watching(feed, core, views, handle=handle, history=10, prime=lambda symbol, bars, closes: None)
    await follower.look_up()
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    symbols = [listing.symbol for listing in (follower.offers or ())[1:21]]
    await asyncio.gather(*(follower.watch(symbol, symbol) for symbol in symbols))
    counting.cancel()
    assert turns >= len(symbols)
    assert set(symbols) < set(core.desk.instruments)


def test_a_fill_after_the_cancel_has_its_symbol_followed_again(tmp_path: Path) -> None:
    with trading(tmp_path) as engine:
        assert ask(engine, engine.watch("MSFT"))[0]
        row = until(engine, lambda view: fresh(view, "MSFT")).watch[1]
        far = Decimal(str(row.bid)).quantize(Decimal(1)) / 2
        assert ask(engine, engine.submit(Intent("MSFT", Side.BUY, Decimal(2), OrderType.LIMIT, limit=far)))[0]
        order = until(engine, lambda view: view.orders and view.orders[0].state is OrderState.WORKING).orders[0]
        assert ask(engine, engine.cancel(order.id))[0]
        until(engine, lambda view: view.orders[0].state is OrderState.CANCELED)
        assert ask(engine, engine.unwatch("MSFT"))[0]
        shell, loop = engine._shell, engine._loop
        assert shell is not None
        assert loop is not None
        late = OrderUpdate(order.id, OrderEvent.FILL_ALL, "", Decimal(2), 2 * far)
        loop.call_soon_threadsafe(shell.handle, late)
        until(engine, lambda view: view.positions and fresh(view, "MSFT"))
        assert ask(engine, engine.submit(Intent("MSFT", Side.SELL, Decimal(2), reduce_only=True)))[0]


def test_what_is_held_of_a_symbol_that_the_feed_does_not_have_is_said(tmp_path: Path) -> None:
    with trading(tmp_path, SAMPLE) as engine:
        shell, loop = engine._shell, engine._loop
        assert shell is not None
        assert loop is not None
        loop.call_soon_threadsafe(shell.handle, BrokerSnapshot(Decimal(100_000), (("TSLA", Decimal(3), Decimal(240)),), ()))
        loop.call_soon_threadsafe(shell.handle, AcceptPosition("", "TSLA", "bought elsewhere"))
        view = until(engine, lambda view: said(view, "what is held has no price"))
        assert said(view, "sample has no TSLA")


def test_a_note_is_a_line_of_the_log(tmp_path: Path) -> None:
    from engine.model.modes import Level

    with trading(tmp_path) as engine:
        engine.note(Level.WARNING, "alert", "AAPL 190.00 is above 189")
        until(engine, lambda view: said(view, "AAPL 190.00 is above 189"))
