"""A replace that crosses a fill: at Alpaca it makes another order, and what the first one filled comes on top."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine import waits
from engine.brokers.alpaca.broker import AlpacaBroker
from engine.live import Engine
from engine.model.modes import Level
from engine.model.orders import Bracket, Exit, Intent, OrderState, OrderType, Side, Terms
from engine.model.views import View
from tests.engine.brokers.alpaca_engine import SOON, agree, ended, trading
from tests.engine.brokers.alpaca_rig import IMPATIENT, PATIENT
from tests.engine.core.floor import facts
from tests.engine.engines import SETTINGS, limit, order_of, running, until
from tests.servers.alpaca.orders import Order
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET

D = Decimal


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "ASK_AGAIN_S", SOON)
    monkeypatch.setattr(waits, "CANCEL_AGAIN_S", SOON)


def crosses(server: AlpacaServer, first: int, after: int = 0) -> None:
    """The next replace finds `first` shares filled of which nobody knew, and `after` fill of the order that takes its place at once."""
    carry_out: Callable[[str, Mapping[str, Any]], Order] = server.book.replace

    def crossed(order_id: str, given: Mapping[str, Any]) -> Order:
        old = server.book.find(order_id)
        price = server.book.prices[old.symbol]
        server.book.fill(old, D(first), price)
        new = carry_out(order_id, given)
        if after:
            server.book.fill(new, D(after), price)
        server.book.replace = carry_out  # type: ignore[assignment,method-assign]
        return new

    server.book.replace = crossed  # type: ignore[method-assign]


def works(server: AlpacaServer) -> list[tuple[str, Decimal]]:
    return server.do(lambda: [(order.side, order.left) for order in server.book.orders.values() if order.works])


def errors(view: View) -> list[str]:
    return [line.text for line in view.log if line.level is Level.ERROR]


def replaced(engine: Engine, terms: Terms) -> None:
    engine.submit(limit(10, 99))
    view = until(engine, ended(1, OrderState.WORKING))
    engine.replace(order_of(view, 1).id, terms)


def test_what_filled_unseen_before_a_replace_counts(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server, replace(PATIENT, poll_s=60.0)) as engine:
        engine.submit(limit(10, 99))
        view = until(engine, ended(1, OrderState.WORKING))
        server.faults.arm("update", "drop")
        server.trade("AAPL", 99, 6)
        engine.replace(order_of(view, 1).id, Terms(D(10), D(100)))
        until(engine, lambda view: order_of(view, 1).limit == 100)
        server.trade("AAPL", 100, 50)
        view = until(engine, ended(1, OrderState.FILLED))
        assert facts(order_of(view, 1).filled, order_of(view, 1).quantity) == (10, 10)
        agree(engine, server)


def test_a_replace_is_not_sent_where_alpaca_does_not_tell_what_has_filled(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit(10, 99))
        view = until(engine, ended(1, OrderState.WORKING))
        theirs = server.order(order_of(view, 1).id).id
        server.faults.arm(f"GET /v2/orders/{theirs}", "503")
        engine.replace(order_of(view, 1).id, Terms(D(10), D(100)))
        view = until(engine, lambda view: "does not tell what has filled" in order_of(view, 1).reason)
        assert facts(order_of(view, 1).limit, order_of(view, 1).state) == (99, OrderState.WORKING)
        assert not any(asked.startswith("PATCH") for asked in server.requests)


@pytest.mark.parametrize("unheard", [0, 20])
def test_the_surplus_of_a_replace_that_crossed_a_fill_is_cancelled_at_once(tmp_path: Path, unheard: int) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        crosses(server, 6)
        engine.submit(limit(10, 99))
        view = until(engine, ended(1, OrderState.WORKING))
        if unheard:
            server.faults.arm("update", "drop", times=unheard)
        engine.replace(order_of(view, 1).id, Terms(D(10), D("99.5")))
        view = until(engine, ended(1, OrderState.CANCELED))
        assert works(server) == []
        first, last = errors(view)
        assert "#1 BUY AAPL: 10 asked for, and 16 may be bought, for 6 had filled before its replace" in first
        assert "#1 BUY AAPL: 10 asked for, 6 bought" in last
        assert "order what is missing again" in last
        server.do(server.faults.armed.clear)
        agree(engine, server)


@pytest.mark.parametrize(("after", "state"), [(7, OrderState.CANCELED), (10, OrderState.FILLED)])
def test_what_was_bought_too_much_is_told_and_is_the_persons_to_decide_about(tmp_path: Path, after: int, state: OrderState) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        crosses(server, 6, after)
        replaced(engine, Terms(D(10), D("99.5")))
        view = until(engine, ended(1, state))
        assert f"#1 BUY AAPL: 10 asked for, {6 + after} bought" in errors(view)[-1]
        assert "yours to decide" in errors(view)[-1]
        assert order_of(view, 1).filled == 6 + after
        agree(engine, server)


def test_a_replace_to_less_than_had_filled_meanwhile_ends_the_order(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        crosses(server, 6)
        replaced(engine, Terms(D(5), D(99)))
        view = until(engine, ended(1, OrderState.CANCELED))
        assert "#1 BUY AAPL: 5 asked for, 6 bought" in errors(view)[-1]
        assert works(server) == []
        agree(engine, server)


def test_an_exit_whose_replace_crossed_a_fill_is_followed_by_one_for_what_is_held(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(Intent("AAPL", Side.BUY, D(10), OrderType.LIMIT, D(100), bracket=Bracket(take_profit=Exit(D(110)))))
        until(engine, ended(1, OrderState.WORKING))
        server.trade("AAPL", 100)
        view = until(engine, ended(2, OrderState.WORKING))
        crosses(server, 6)
        engine.replace(order_of(view, 2).id, Terms(D(10), D(109)))
        until(engine, ended(2, OrderState.CANCELED))
        until(engine, ended(3, OrderState.WORKING))
        assert works(server) == [("sell", D(4))]
        agree(engine, server)


def test_the_surplus_of_a_replace_whose_answer_was_lost_is_found_after_a_restart(tmp_path: Path) -> None:
    settings = replace(SETTINGS, on_exit="keep")
    with AlpacaServer() as server:
        with running(tmp_path, AlpacaBroker(KEY, SECRET, url=server.url, timings=IMPATIENT), settings=settings) as engine:
            crosses(server, 6)
            engine.submit(limit(10, 99))
            view = until(engine, ended(1, OrderState.WORKING))
            server.do(lambda: setattr(server.faults, "mute", True))
            server.faults.arm("PATCH /v2/orders", "after_hang")
            engine.replace(order_of(view, 1).id, Terms(D(10), D("99.5")))
            until(engine, lambda view: "PATCH" in str(server.requests))
            server.faults.arm("GET /v2/", "503", times=10_000)
        server.do(server.faults.armed.clear)
        server.faults.mute = False
        with running(tmp_path, AlpacaBroker(KEY, SECRET, url=server.url, timings=PATIENT), settings=settings) as engine:
            view = until(engine, ended(1, OrderState.CANCELED))
            assert works(server) == []
            assert "#1 BUY AAPL: 10 asked for, 6 bought" in errors(view)[-1]
            agree(engine, server)
