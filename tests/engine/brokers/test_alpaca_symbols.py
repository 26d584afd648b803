"""Symbols with a dot, and assets that may not be traded in every way: what goes out, what comes back, and what Alpaca says to it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine import waits
from engine.brokers.alpaca import kill as killer
from engine.brokers.alpaca.broker import AlpacaBroker
from engine.brokers.alpaca.config import AlpacaConfig
from engine.brokers.base import AmbiguousError
from engine.model.inputs import AssetTold
from engine.model.orders import Bracket, Exit, Intent, OrderState, OrderType, Side, Terms
from tests.engine.brokers.alpaca_engine import SOON, agree, ended, posts, trading
from tests.engine.brokers.alpaca_rig import PATIENT
from tests.engine.engines import limit, market, order_of, said, until
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET

D = Decimal
DOTTED = "BRK.B"


@pytest.fixture(autouse=True)
def dotted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.quotes.SYMBOLS", (DOTTED, "AAPL"))
    for name in ("ASK_AGAIN_S", "CANCEL_AGAIN_S", "BUSY_AGAIN_S"):
        monkeypatch.setattr(waits, name, SOON)


@pytest.fixture
def server() -> object:
    with AlpacaServer() as server:
        server.book.prices[DOTTED] = D(100)
        yield server


def test_a_symbol_with_a_dot_is_ordered_replaced_cancelled_filled_and_held(tmp_path: Path, server: AlpacaServer) -> None:
    with trading(tmp_path, server) as engine:
        engine.submit(limit(10, 90, DOTTED))
        view = until(engine, ended(1, OrderState.WORKING))
        engine.replace(order_of(view, 1).id, Terms(D(10), D(91)))
        until(engine, lambda view: order_of(view, 1).limit == 91)
        engine.cancel(order_of(view, 1).id)
        until(engine, ended(1, OrderState.CANCELED))
        engine.submit(Intent(DOTTED, Side.BUY, D(10), bracket=Bracket(Exit(D(110)), Exit(D(90)))))
        until(engine, lambda view: len(view.orders) == 4 and order_of(view, 3).state is OrderState.WORKING)
        view = agree(engine, server)
        assert [(row.symbol, row.quantity) for row in view.positions] == [(DOTTED, D(10))]
        server.trade(DOTTED, 110)
        until(engine, ended(3, OrderState.FILLED))
        agree(engine, server)


def test_a_symbol_with_a_dot_is_taken_over_at_the_start_and_closed_by_a_flatten(tmp_path: Path, server: AlpacaServer) -> None:
    wish = {"symbol": DOTTED, "qty": "7", "side": "buy", "type": "market", "time_in_force": "day"}
    server.do(lambda: server.book.submit(wish))
    with trading(tmp_path, server) as engine:
        assert [(row.symbol, row.quantity) for row in agree(engine, server).positions] == [(DOTTED, D(7))]
        engine.liquidate_all()
        until(engine, lambda view: view.stop is not None and view.stop.verified)
        assert server.do(lambda: dict(server.book.positions)) == {}
        agree(engine, server)


def test_the_stop_without_an_engine_closes_a_symbol_with_a_dot(server: AlpacaServer) -> None:
    wish = {"symbol": DOTTED, "qty": "7", "side": "buy", "type": "market", "time_in_force": "day"}
    server.do(lambda: server.book.submit(wish))
    config = AlpacaConfig(KEY, SECRET, url=server.url, account=server.book.account_number)
    left = killer.kill(config, flatten=True, tell=lambda text: None)
    assert (left.orders, left.held, server.do(lambda: dict(server.book.positions))) == ((), (), {})


@pytest.mark.parametrize(
    ("asset", "wish", "words"),
    [
        ({"tradable": False}, limit(1, 90, DOTTED), "asset BRK.B is not tradable"),
        ({"shortable": False}, market(1, DOTTED, Side.SELL), 'asset "BRK.B" cannot be sold short'),
        ({"fractionable": False}, Intent(DOTTED, Side.BUY, D("0.5"), OrderType.LIMIT, D(90)), 'asset "BRK.B" is not fractionable'),
    ],
)
def test_what_an_asset_may_not_be_is_told_in_alpacas_words_where_it_is_not_known_before(
    tmp_path: Path, server: AlpacaServer, asset: dict[str, bool], wish: Intent, words: str
) -> None:
    server.book.assets[DOTTED] = asset
    server.faults.arm("GET /v2/assets", "503", times=10_000)
    with trading(tmp_path, server) as engine:
        engine.submit(wish)
        view = until(engine, ended(1, OrderState.REJECTED))
        assert order_of(view, 1).reason == words
        engine.submit(limit(1, 90, "AAPL"))
        until(engine, ended(2, OrderState.WORKING))
        agree(engine, server)


@pytest.mark.parametrize(
    ("asset", "wish", "words"),
    [
        ({"tradable": False}, limit(1, 90, DOTTED), "BRK.B is not tradable at Alpaca: no entries in BRK.B."),
        ({"shortable": False}, market(1, DOTTED, Side.SELL), "the broker does not lend it for a short sale"),
        ({"fractionable": False}, Intent(DOTTED, Side.BUY, D("0.5"), OrderType.LIMIT, D(90)), "in whole shares alone"),
    ],
)
def test_what_is_known_of_an_asset_is_said_before_anything_is_sent(
    tmp_path: Path, server: AlpacaServer, asset: dict[str, bool], wish: Intent, words: str
) -> None:
    server.book.assets[DOTTED] = asset
    with trading(tmp_path, server) as engine:
        until(engine, lambda view: words in engine.answer(engine.preview(wish)).text)
        reply = engine.answer(engine.submit(wish))
        assert (reply.ok, words in reply.text) == (False, True)
        assert posts(server) == 0
        server.do(server.book.assets.clear)
        engine.submit(limit(1, 90, "AAPL"))
        until(engine, ended(1, OrderState.WORKING))
        agree(engine, server)


def test_an_asset_that_alpaca_has_not_is_not_ordered(tmp_path: Path, server: AlpacaServer) -> None:
    server.do(lambda: server.book.prices.pop(DOTTED))
    with trading(tmp_path, server) as engine:
        until(engine, lambda view: said(view, "Alpaca has no BRK.B: no entries in BRK.B"))
        assert "Alpaca has no BRK.B" in engine.answer(engine.submit(limit(1, 90, DOTTED))).text
        assert posts(server) == 0


async def test_a_page_that_is_not_there_says_nothing_about_an_asset_and_a_pair_is_not_asked_for(server: AlpacaServer) -> None:
    broker = AlpacaBroker(KEY, SECRET, url=server.url, timings=PATIENT)
    await broker.connect(lambda event: None)
    assert await broker.asset(DOTTED) == AssetTold(DOTTED)
    server.faults.arm("GET /v2/assets", "404")
    with pytest.raises(AmbiguousError):
        await broker.asset(DOTTED)
    asked = len(server.requests)
    assert await broker.asset("BTC/USD") is None
    assert not any("BTC" in request for request in server.requests[asked:])
    await broker.close()
