"""What an Alpaca account may be marked with, what may lie in it, and which assets it has: said in words, counted as what it is."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from engine import waits
from engine.brokers.alpaca.words import seen
from engine.live import Engine
from engine.model.modes import Level
from engine.model.orders import OrderState, Side
from engine.model.views import View
from tests.engine.brokers.alpaca_engine import SOON, agree, ended, trading
from tests.engine.engines import limit, market, order_of, said, until
from tests.servers.alpaca.server import AlpacaServer

D = Decimal


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASK_AGAIN_S", "CANCEL_AGAIN_S", "BUSY_AGAIN_S"):
        monkeypatch.setattr(waits, name, SOON)


def compare(server: AlpacaServer) -> None:
    """Has the account compared: the link comes up anew."""
    server.cut()


# ---- marks


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("account_blocked", "Alpaca has the account blocked (account_blocked)"),
        ("trading_blocked", "Alpaca has trading blocked for the account (trading_blocked)"),
        ("trade_suspended_by_user", "Trading is suspended in the account's own settings at Alpaca (trade_suspended_by_user)"),
    ],
)
def test_a_blocked_account_is_said_and_enters_nothing_while_its_exits_go_out(tmp_path: Path, flag: str, words: str) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(market(10))
        until(engine, ended(1, OrderState.FILLED))
        agree(engine, server)
        server.book.flags = {flag}
        compare(server)
        view = until(engine, lambda view: view.health.ready and said(view, f"{words}: no entries"))
        assert [line.level for line in view.log if words in line.text] == [Level.ERROR], "said once"
        refused = engine.answer(engine.submit(limit()))
        assert (refused.ok, refused.text) == (False, f"{words}: no entries until that has ended; exits go out as the broker takes them.")
        engine.submit(market(10, side=Side.SELL))
        until(engine, ended(2, OrderState.FILLED))
        server.book.flags = set()
        compare(server)
        until(engine, lambda view: view.health.ready and said(view, "The broker takes entries for this account again"))
        assert engine.answer(engine.submit(limit())).ok
        agree(engine, server)


def test_an_account_that_is_blocked_at_the_start_is_said_so(tmp_path: Path) -> None:
    with AlpacaServer() as server:
        server.book.flags = {"trading_blocked"}
        with trading(tmp_path, server) as engine:
            assert said(engine.status(), "Alpaca has trading blocked for the account (trading_blocked): no entries")
            assert not engine.answer(engine.submit(limit())).ok


def test_what_alpaca_says_to_an_exit_of_a_blocked_account_is_told_in_its_words(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(market(10))
        until(engine, ended(1, OrderState.FILLED))
        agree(engine, server)
        server.book.flags = {"account_blocked"}
        server.do(lambda: server.book.positions.clear())
        engine.submit(market(10, side=Side.SELL))
        view = until(engine, ended(2, OrderState.REJECTED))
        assert order_of(view, 2).reason == "account is restricted from opening positions"


def test_without_buying_power_alpaca_says_so_and_an_exit_goes_out_all_the_same(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(market(10))
        until(engine, ended(1, OrderState.FILLED))
        server.book.power = D(0)
        engine.submit(limit(1, 90, "MSFT"))
        view = until(engine, ended(2, OrderState.REJECTED))
        assert order_of(view, 2).reason == "insufficient buying power"
        engine.submit(market(10, side=Side.SELL))
        until(engine, ended(3, OrderState.FILLED))
        agree(engine, server)


# ---- orders by their value


BY_VALUE = {"symbol": "MSFT", "notional": "5000", "side": "buy", "type": "market", "time_in_force": "day"}


def by_value(server: AlpacaServer, **more: str) -> None:
    """Placed elsewhere while the market is closed, so that it waits."""
    server.book.open = False
    server.do(partial(server.book.submit, {**BY_VALUE, **more}))


def taken_over(engine: Engine) -> View:
    return until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.ACCEPTED)


def test_an_order_placed_elsewhere_by_its_value_counts_for_its_money(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        ask = until(engine, lambda view: view.watch[1].ask).watch[1].ask
        assert ask is not None
        by_value(server)
        view = taken_over(engine)
        row = order_of(view, 1)
        assert row.quantity == pytest.approx(D(5000) / D(str(ask)), abs=D("0.5"))
        assert abs(view.account.exposure - 5000) < 1, "what it is worth, and not nothing"
        assert row.reason == "placed elsewhere by its value, 5,000.00"
        assert said(view, "MSFT was placed elsewhere by its value, 5,000.00 and is taken over; its shares are reckoned at")
        looked = server.requests.count("GET /v2/positions")
        compare(server)
        until(engine, lambda view: view.health.ready and server.requests.count("GET /v2/positions") > looked)
        assert order_of(engine.status(), 1).quantity == row.quantity, "a second look changes nothing"


def test_an_order_by_its_value_that_fills_in_parts_is_filled_when_its_money_is_spent(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        by_value(server)
        taken_over(engine)
        server.book.immediate = False
        server.do(server.book.open_market)
        server.trade("MSFT", 80, 20)
        view = until(engine, lambda view: order_of(view, 1).filled == 20)
        assert (order_of(view, 1).state, order_of(view, 1).quantity) == (OrderState.PARTIAL, D("62.5")), (
            "cheaper: more shares for the money"
        )
        server.trade("MSFT", 125)
        view = until(engine, ended(1, OrderState.FILLED))
        assert (order_of(view, 1).filled, order_of(view, 1).quantity) == (D("47.2"), D("47.2"))
        assert not [line.text for line in view.log if line.level is Level.ERROR]
        agree(engine, server)


def test_the_stop_cancels_an_order_by_its_value(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        by_value(server)
        taken_over(engine)
        engine.emergency_stop()
        view = until(engine, lambda view: view.stop is not None and view.stop.verified)
        assert order_of(view, 1).state is OrderState.CANCELED
        assert not [line.text for line in view.log if "none" in line.text], "no figure of it made no sense"


def test_an_order_by_its_value_in_a_symbol_without_a_price_counts_for_its_money_all_the_same(tmp_path: Path) -> None:
    with AlpacaServer() as server:
        server.book.prices["GE"] = D(50)
        with trading(tmp_path, server) as engine:
            by_value(server, symbol="GE")
            view = taken_over(engine)
            assert view.account.exposure == 5000
            assert said(view, "as long as it has no price its money counts, and not its shares")


@pytest.mark.parametrize(
    ("told", "quantity"),
    [
        ({"status": "accepted"}, "0"),
        ({"status": "partially_filled", "filled_qty": "10", "filled_avg_price": "99"}, "50.505050506"),
        ({"status": "partially_filled", "filled_qty": "51", "filled_avg_price": "100"}, "51.000000001"),
        ({"status": "filled", "filled_qty": "49.9", "filled_avg_price": "100.2"}, "49.9"),
        ({"status": "canceled", "filled_qty": "10", "filled_avg_price": "100"}, "50"),
        ({"status": "canceled"}, "0"),
    ],
)
def test_how_many_shares_an_order_by_its_value_is(told: dict[str, str], quantity: str) -> None:
    order = seen({"id": "1", "symbol": "AAPL", "side": "buy", "qty": None, "notional": "5000", **told})
    assert order is not None
    assert (order.quantity, order.notional) == (D(quantity), D(5000))
