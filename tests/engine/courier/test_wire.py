"""The courier over a real wire on which requests, answers and news are lost, doubled and late."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine import waits
from engine.model.orders import OrderState
from tests.engine.courier.waiting import state, terms
from tests.engine.engines import limit, market, order_of, running, until
from tests.servers.driver import VenueProcess
from tests.servers.venue_broker import VenueBroker


@pytest.mark.parametrize(("what", "quantity"), [("unseen", 10), ("unanswered", 20), ("cut", 20)])
def test_a_replace_that_is_lost_on_the_wire_ends_as_the_venue_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, quantity: int
) -> None:
    monkeypatch.setattr(waits, "ANSWER_S", 0.2)
    with VenueProcess("later") as venue, running(tmp_path, VenueBroker(venue.port)) as engine:
        engine.submit(limit())
        order = order_of(until(engine, state(OrderState.WORKING)), 1)
        venue.fault("replace", what)
        if what == "unanswered":
            venue.fault("update", "drop")
        engine.replace(order.id, terms())
        until(engine, lambda view: order_of(view, 1).state in (OrderState.UNKNOWN, OrderState.PENDING_REPLACE))
        view = until(engine, state(OrderState.WORKING))
        assert order_of(view, 1).quantity == quantity == Decimal(venue.orders()[order.id]["quantity"])


@pytest.mark.parametrize(("what", "end"), [("unseen", OrderState.REJECTED), ("unanswered", OrderState.FILLED), ("cut", OrderState.FILLED)])
def test_a_submit_that_is_lost_on_the_wire_ends_as_the_venue_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, end: OrderState
) -> None:
    monkeypatch.setattr(waits, "ANSWER_S", 0.2)
    with VenueProcess("later") as venue, running(tmp_path, VenueBroker(venue.port)) as engine:
        venue.fault("submit", what)
        if what == "unanswered":
            venue.fault("update", "drop")
        engine.submit(market())
        view = until(engine, state(end))
        assert order_of(view, 1).filled == (10 if end is OrderState.FILLED else 0)
        assert [order["copies"] for order in venue.orders().values()] == ([] if what == "unseen" else [0])


@pytest.mark.parametrize("what", ["drop", "twice", "late"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_news_that_is_dropped_doubled_or_out_of_order_books_each_share_once(tmp_path: Path, what: str, nth: int) -> None:
    with VenueProcess("parts") as venue, running(tmp_path, VenueBroker(venue.port)) as engine:
        venue.fault("update", what, nth)
        engine.submit(market(7))
        engine.submit(market(3, "MSFT"))
        until(engine, lambda view: len(venue.orders()) == 2 and all(order["fills"] == 2 for order in venue.orders().values()))
        venue.ask("cut", away=False)
        view = until(
            engine, lambda view: view.health.ready and len(view.orders) == 2 and {o.state for o in view.orders} == {OrderState.FILLED}
        )
        assert {row.symbol: row.quantity for row in view.positions} == {"AAPL": 7, "MSFT": 3}
        assert view.account.cash == Decimal(venue.ask("book")["cash"])


def test_a_link_that_stays_down_shuts_the_gate_and_the_fills_of_that_time_are_booked_when_it_is_back(tmp_path: Path) -> None:
    with VenueProcess("never") as venue, running(tmp_path, VenueBroker(venue.port)) as engine:
        engine.submit(limit())
        order = order_of(until(engine, state(OrderState.WORKING)), 1)
        venue.ask("cut", away=True)
        until(engine, lambda view: not view.health.links[0].up)
        assert not engine.answer(engine.submit(limit())).ok
        venue.ask("fill_order", id=order.id, upto="10", price="90.005")
        venue.ask("back")
        view = until(engine, lambda view: view.health.ready)
        assert order_of(view, 1).state is OrderState.FILLED
        assert view.account.cash == Decimal(venue.ask("book")["cash"])
