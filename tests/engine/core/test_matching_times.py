"""When an order is matched: its time in force, the session, a halt, and the bar during which it was placed or replaced."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.core.matching import Matcher
from engine.core.slippage import basis_points
from engine.model.market import Auction, AuctionKind, Halt, Phase
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, Terms, TimeInForce
from tests.engine.core.floor import facts
from tests.engine.core.orders_and_bars import BUY, CLS, FOK, IOC, OPG, SELL, bar, ends, fills, matcher, only, order, quote, status

D = Decimal


# ---- time in force


def test_immediate_or_cancel_fills_what_it_can_and_the_rest_ends() -> None:
    market = matcher(order(BUY, 100, limit=101, tif=IOC))
    outcomes = market.on_quote(quote(99, 101, size=40))
    assert [e.quantity for e in fills(outcomes)] == [40]
    assert ends(outcomes) == [("o", OrderEvent.CANCEL)]


def test_fill_or_kill_takes_all_or_nothing() -> None:
    market = matcher(order(BUY, 100, tif=FOK, name="too large"), order(BUY, 40, tif=FOK, name="fits"))
    outcomes = market.on_quote(quote(99, 101, size=40))
    assert [facts(e.order_id, e.quantity) for e in fills(outcomes)] == [("fits", 40)]
    assert ends(outcomes) == [("too large", OrderEvent.CANCEL)]


def test_an_auction_fills_up_to_the_cap_at_its_own_price_and_the_rest_is_cancelled() -> None:
    market = matcher(order(BUY, 70, tif=OPG, name="a"), order(BUY, 70, limit=100, tif=OPG, name="b"), order(BUY, 10, tif=CLS, name="c"),
                     order(SELL, 5, limit=101, tif=OPG, name="d"), cap=0.1, bps=10)  # fmt: skip
    outcomes = market.on_auction(Auction("AAPL", 10, AuctionKind.OPEN, 100.0, 1000))
    assert [facts(e.order_id, e.quantity, e.price, e.rule) for e in fills(outcomes)] == [
        ("a", 70, 100, "auction-open"),
        ("b", 30, 100, "auction-open"),
    ]
    assert ends(outcomes) == [("b", OrderEvent.CANCEL), ("d", OrderEvent.CANCEL)]
    closing = market.on_auction(Auction("AAPL", 20, AuctionKind.CLOSE, 99.0, 1000))
    assert [facts(e.order_id, e.price, e.rule) for e in fills(closing)] == [("c", 99, "auction-close")]


def test_on_bars_an_order_at_the_close_takes_the_sessions_last_close() -> None:
    market = Matcher(volume_cap=1, slip=basis_points(0))
    market.on_status(status(Phase.REGULAR, "monday", 0))
    market.on_bar(bar(100, 101, 99, 100, at=10))
    market.add(order(SELL, tif=CLS), placed_at=10)
    assert market.on_bar(bar(100, 101, 99, 100.5, at=20)) == []
    assert only(market.on_status(status(Phase.CLOSED, "monday", 21))) == ("auction-close", D("100.5"))


def test_an_order_at_the_close_that_came_after_the_last_bar_is_for_the_next_session() -> None:
    market = Matcher(volume_cap=1, slip=basis_points(0))
    market.on_status(status(Phase.REGULAR, "monday", 0))
    market.on_bar(bar(100, 101, 99, 100, at=10))
    market.add(order(SELL, tif=CLS), placed_at=10)
    assert market.on_status(status(Phase.REGULAR, "tuesday", 20)) == []
    market.on_bar(bar(100, 103, 99, 102, at=30))
    assert only(market.on_status(status(Phase.REGULAR, "wednesday", 40))) == ("auction-close", D(102))


def test_on_bars_an_order_at_the_open_waits_for_the_next_session() -> None:
    market = Matcher(volume_cap=1, slip=basis_points(0))
    market.on_status(status(Phase.REGULAR, "monday", 0))
    market.on_bar(bar(100, 101, 99, 100, at=10))
    market.add(order(BUY, tif=OPG), placed_at=10)
    assert market.on_bar(bar(100, 101, 99, 100, at=20)) == []
    market.on_status(status(Phase.REGULAR, "tuesday", 30))
    assert only(market.on_bar(bar(98, 101, 97, 100, at=40))) == ("auction-open", D(98))


# ---- when a market trades


def test_an_order_takes_no_part_in_the_bar_during_which_it_was_placed() -> None:
    market = matcher()
    market.on_bar(bar(100, 105, 95, 102, at=10))
    market.add(order(BUY), placed_at=15)
    assert fills(market.on_bar(bar(100, 105, 95, 102, at=20))) == []
    assert len(fills(market.on_bar(bar(100, 105, 95, 102, at=30)))) == 1


@pytest.mark.parametrize(
    ("made", "terms"),
    [
        (order(BUY, limit=90), Terms(D(100), D(100))),
        (order(BUY, limit=100), Terms(D(200), D(100))),
        (order(SELL, stop=90), Terms(D(100), stop=D(101))),
        (order(SELL, trail=50), Terms(D(100), trail=D(1))),
    ],
)
def test_a_bar_that_had_begun_knows_nothing_of_new_terms(made: Order, terms: Terms) -> None:
    market = matcher(made)
    market.on_bar(bar(102, 103, 101.5, 102, at=10))
    market.replace("o", terms, D(0), at=15)
    assert fills(market.on_bar(bar(102, 105, 95, 102, at=20))) == []
    assert len(fills(market.on_bar(bar(102, 105, 95, 98, at=30)))) == 1


def test_less_of_the_same_goes_on_in_the_bar_that_had_begun() -> None:
    market = matcher(order(BUY, limit=100))
    market.on_bar(bar(102, 103, 101.5, 102, at=10))
    market.replace("o", Terms(D(40), D(100)), D(0), at=15)
    assert [e.quantity for e in fills(market.on_bar(bar(102, 105, 95, 102, at=20)))] == [40]


@pytest.mark.parametrize("at", [15, 1000])
def test_what_rested_before_a_restart_rests_from_the_first_event_on_at_the_latest(at: int) -> None:
    market = Matcher(volume_cap=1, slip=basis_points(0))
    market.add(order(BUY, limit=100), placed_at=at)
    market.begin(20)
    market.on_status(status(Phase.REGULAR, "monday", 10))
    assert fills(market.on_bar(bar(102, 105, 95, 102, at=20))) == []
    assert len(fills(market.on_bar(bar(102, 105, 95, 98, at=30)))) == 1


def test_a_bar_after_the_regular_session_is_no_closing_auction() -> None:
    market = Matcher(volume_cap=1, slip=basis_points(0))
    market.on_status(status(Phase.REGULAR, "monday", 0))
    market.on_bar(bar(100, 101, 99, 100, at=10))
    market.on_status(status(Phase.POST, "monday", 20))
    market.add(order(SELL, tif=CLS), placed_at=20)
    market.on_bar(bar(98, 99, 97, 98, at=30))
    assert market.on_status(status(Phase.CLOSED, "monday", 40)) == []


def test_an_order_placed_at_the_close_of_a_bar_takes_part_in_the_next() -> None:
    market = matcher()
    market.on_bar(bar(100, 105, 95, 102, at=10))
    market.add(order(BUY), placed_at=10)
    assert len(fills(market.on_bar(bar(100, 105, 95, 102, at=20)))) == 1


def test_an_order_placed_before_the_session_takes_part_in_its_first_bar() -> None:
    market = matcher()
    market.on_bar(bar(100, 105, 95, 102, at=10))
    market.add(order(BUY), placed_at=15)
    market.on_status(status(Phase.REGULAR, "tuesday", 20))
    assert len(fills(market.on_bar(bar(100, 105, 95, 102, at=30)))) == 1


def test_an_order_meets_no_quote_before_its_latency_is_over() -> None:
    market = matcher()
    market.add(order(BUY), placed_at=10, eligible_at=11)
    assert fills(market.on_quote(quote(99, 101, at=10))) == []
    assert len(fills(market.on_quote(quote(99, 101, at=11)))) == 1


def test_the_bars_of_a_symbol_with_quotes_fill_nothing() -> None:
    market = matcher()
    market.on_quote(quote(99, 101))
    market.add(order(BUY), placed_at=0)
    assert list(market.on_bar(bar(100, 105, 95, 102, at=20))) == []


def test_in_a_halt_orders_wait_and_those_that_trade_at_once_end() -> None:
    market = matcher(order(BUY, name="waits"), order(BUY, tif=IOC, name="ends"))
    assert ends(market.on_halt(Halt("AAPL", 5, True))) == [("ends", OrderEvent.CANCEL)]
    assert fills(market.on_quote(quote(99, 101, at=10))) == []
    assert fills(market.on_bar(bar(100, 105, 95, 102, at=11))) == []
    market.on_halt(Halt("AAPL", 12, False))
    assert [e.order_id for e in fills(market.on_quote(quote(99, 101, at=13)))] == ["waits"]


@pytest.mark.parametrize("phase", [Phase.PRE, Phase.POST])
def test_outside_the_regular_session_only_limits_that_ask_for_it_trade(phase: Phase) -> None:
    market = matcher(order(BUY, name="market"), order(BUY, limit=102, name="plain"), order(BUY, limit=102, name="extended", extended=True))
    market.on_status(status(phase, "monday"))
    assert [e.order_id for e in fills(market.on_quote(quote(99, 101)))] == ["extended"]
    market.on_status(status(Phase.REGULAR, "monday"))
    assert [e.order_id for e in fills(market.on_quote(quote(99, 101, at=20)))] == ["market", "plain"]


def test_nothing_trades_while_the_market_is_closed() -> None:
    market = matcher(order(BUY, limit=102, extended=True))
    market.on_status(status(Phase.CLOSED, "monday"))
    assert fills(market.on_quote(quote(99, 101))) == []


def test_a_day_order_ends_with_the_regular_session_and_an_extended_one_after_hours() -> None:
    market = matcher()
    market.on_quote(quote(99, 101))
    for name, extended, tif in (("day", False, TimeInForce.DAY), ("extended", True, TimeInForce.DAY), ("gtc", False, TimeInForce.GTC)):
        market.add(order(BUY, limit=90, name=name, extended=extended, tif=tif), placed_at=10)
    assert ends(market.on_status(status(Phase.POST, "monday"))) == [("day", OrderEvent.EXPIRE)]
    assert ends(market.on_status(status(Phase.CLOSED, "monday"))) == [("extended", OrderEvent.EXPIRE)]
    assert ends(market.on_status(status(Phase.REGULAR, "tuesday"))) == []
    assert [r.order_id for r in market.resting()] == ["gtc"]
