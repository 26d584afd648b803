"""Closing a position that its own exits hold back: they go first, and nothing is sold twice."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core.closer import PATIENCE_S
from engine.model.inputs import ClosePosition, OrderUpdate
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, OrderState, OrderType, Side
from tests.engine.core.floor import Floor, settings, wish

D = Decimal


@pytest.fixture
def floor() -> Floor:
    """100 AAPL are held at 100, with a stop at 90 for all of them."""
    the_floor = Floor(settings(), prices={"AAPL": 100.0, "MSFT": 400.0})
    the_floor.hold(100, 100)
    the_floor.submit(wish(Side.SELL, 100, stop=90, reduce_only=True))
    return the_floor


def close(floor: Floor, quantity: int = 100, symbol: str = "AAPL", side: Side = Side.SELL) -> None:
    floor.handle(ClosePosition(floor.command_id(), symbol, side, D(quantity)))


def let_news_through(floor: Floor) -> None:
    news, floor.held_news = floor.held_news or deque(), None
    for event in news:
        floor.handle(event)


def test_the_exits_are_cancelled_and_then_what_is_held_is_sold(floor: Floor) -> None:
    close(floor)
    floor.quote("AAPL", 100)
    assert floor.position() == 0
    assert floor.open_states() == {}
    exit_, closing = list(floor.core.state.book.orders.values())[-2:]
    assert (exit_.state, closing.type, closing.quantity) == (OrderState.CANCELED, OrderType.MARKET, D(100))
    assert floor.replies[-1].text == f"#{closing.number} SELL 100 AAPL market DAY sent"


def test_both_legs_of_a_pair_are_cancelled_first(floor: Floor) -> None:
    floor.cancel()
    floor.submit(wish(Side.SELL, 60, limit=110, reduce_only=True))
    floor.submit(wish(Side.SELL, 40, stop=95, reduce_only=True))
    close(floor)
    floor.quote("AAPL", 100)
    assert floor.position() == 0
    assert floor.open_states() == {}


def test_an_entry_that_still_works_is_cancelled_with_its_exits_and_opens_nothing_anew() -> None:
    floor = Floor(settings(), prices={"AAPL": 100.0, "MSFT": 400.0})
    floor.submit(replace(wish(Side.BUY, 100, limit=100), bracket=Bracket(stop_loss=Exit(price=D(90)))))
    entry = next(order for order in floor.core.state.book.orders.values() if order.side is Side.BUY)
    floor.quote("AAPL", 99.9, size=10)
    held = floor.position()
    assert 0 < held < 100
    close(floor, int(held))
    for price in (100, 99, 99):
        floor.quote("AAPL", price)
    assert entry.state is OrderState.CANCELED
    assert floor.position() == 0
    assert floor.open_states() == {}


def test_nothing_is_sold_before_the_cancel_is_confirmed(floor: Floor) -> None:
    exit_, before = floor.last_order, len(floor.sent)
    floor.held_news = deque()
    close(floor)
    floor.tick()
    assert exit_.state is OrderState.PENDING_CANCEL
    assert len(floor.sent) == before
    let_news_through(floor)
    assert len(floor.sent) == before + 1


def test_an_exit_that_fills_before_it_is_cancelled_leaves_only_the_rest_to_sell(floor: Floor) -> None:
    exit_ = floor.last_order
    floor.held_news = deque()
    close(floor)
    floor.held_news.clear()
    floor.handle(OrderUpdate(exit_.id, OrderEvent.FILL_PART, exit_.broker_id, D(30), D(2700)))
    floor.handle(OrderUpdate(exit_.id, OrderEvent.CANCEL, exit_.broker_id))
    assert floor.sent[-1].quantity == 70


def test_an_exit_that_filled_whole_leaves_nothing_to_sell(floor: Floor) -> None:
    exit_, before = floor.last_order, len(floor.sent)
    floor.held_news = deque()
    close(floor)
    floor.handle(OrderUpdate(exit_.id, OrderEvent.FILL_ALL, exit_.broker_id, D(100), D(9000)))
    assert len(floor.sent) == before
    assert (floor.replies[-1].ok, floor.replies[-1].text) == (True, "AAPL is closed: an exit filled before it was cancelled")


def test_a_cancel_that_is_not_confirmed_in_time_gives_the_close_up(floor: Floor) -> None:
    exit_, before = floor.last_order, len(floor.sent)
    floor.held_news = deque()
    close(floor)
    floor.tick(PATIENCE_S)
    assert floor.replies[-1].text == (f"AAPL was not closed: after 5 s #{exit_.number} is PENDING_CANCEL. No closing order was sent")
    let_news_through(floor)
    assert len(floor.sent) == before
    close(floor)
    assert len(floor.sent) == before + 1


def test_the_stop_ends_a_close_that_waits(floor: Floor) -> None:
    before = len(floor.sent)
    floor.held_news = deque()
    close(floor)
    floor.stop()
    let_news_through(floor)
    assert "AAPL was not closed: trading was halted meanwhile" in [reply.text for reply in floor.replies]
    assert len(floor.sent) == before


def test_a_close_that_would_be_refused_anyway_costs_the_position_no_stop(floor: Floor) -> None:
    exit_ = floor.last_order
    floor.core.gate.link_down = "unplugged"
    close(floor)
    assert exit_.state is OrderState.WORKING
    assert floor.replies[-1].text == "The link to the broker is down, so nothing is sent: unplugged."


def test_never_more_is_sold_than_was_asked_for(floor: Floor) -> None:
    close(floor, 40)
    floor.quote("AAPL", 100)
    assert floor.position() == 60


def test_a_position_that_has_changed_sides_is_not_closed(floor: Floor) -> None:
    close(floor, side=Side.BUY)
    assert floor.replies[-1].text == "AAPL was not closed: it is not held any more"


def test_a_second_press_closes_nothing_twice(floor: Floor) -> None:
    before = len(floor.sent)
    floor.held_news = deque()
    close(floor)
    close(floor)
    assert floor.replies[-1].text == "AAPL is being closed already: its exits are being cancelled"
    let_news_through(floor)
    assert len(floor.sent) == before + 1
