"""Who gets how much: orders share one volume, those of a group one quantity, and at the quote there is a queue."""

from __future__ import annotations

from decimal import Decimal

from engine.core.matching import Execution, Matcher, Reduced
from engine.model.order_states import OrderEvent
from engine.model.orders import Terms
from tests.engine.core.floor import facts
from tests.engine.core.orders_and_bars import BAR, BUY, SELL, bar, ends, fills, matcher, order, quote

D = Decimal


# ---- shares of the volume


def test_a_touched_limit_gets_a_quarter_of_the_cap() -> None:
    market = matcher(order(BUY, 1000, limit=95), cap=0.1)
    assert [e.quantity for e in fills(market.on_bar(bar(100, 105, 95, 102, volume=8000)))] == [200]


def test_all_orders_of_a_symbol_share_one_cap_and_the_rest_goes_on_working() -> None:
    market = matcher(order(BUY, 70, name="first"), order(BUY, 70, name="second"), order(SELL, 70, name="third"), cap=0.1)
    first = fills(market.on_bar(bar(100, 105, 95, 102, volume=1000)))
    second = fills(market.on_bar(bar(100, 105, 95, 102, volume=1000, at=20)))
    assert [facts(e.order_id, e.quantity) for e in first] == [("first", 70), ("second", 30)]
    assert [facts(e.order_id, e.quantity) for e in second] == [("second", 40), ("third", 60)]
    assert [r.remaining for r in market.resting()] == [10]


def test_a_quotes_size_is_shared_by_side() -> None:
    market = matcher(order(BUY, 70, name="b1"), order(BUY, 70, name="b2"), order(SELL, 70, name="s1"))
    told = fills(market.on_quote(quote(99, 101, size=100)))
    assert [facts(e.order_id, e.quantity) for e in told] == [("b1", 70), ("b2", 30), ("s1", 70)]


def test_what_was_filled_at_a_quotes_price_is_not_there_again_while_it_stands() -> None:
    market = matcher(order(BUY, 100))
    sizes = [(100, 30), (100, 30), (100, 50), (100, 40), (100.01, 40), (100, 5)]
    filled = [fills(market.on_quote(quote(99, ask, size, at=10 + number))) for number, (ask, size) in enumerate(sizes)]
    assert [int(sum(e.quantity for e in each)) for each in filled] == [30, 0, 20, 0, 40, 5]


def test_a_large_order_is_filled_over_several_bars() -> None:
    market = matcher(order(BUY, 250), cap=0.1)
    filled = [sum(e.quantity for e in fills(market.on_bar(bar(100, 101, 99, 100, volume=1000, at=at)))) for at in (10, 20, 30, 40)]
    assert filled == [100, 100, 50, 0]


def test_of_a_stop_and_a_target_in_one_bar_the_stop_trades_first() -> None:
    market = matcher(order(SELL, 100, limit=104, name="target"), order(SELL, 100, stop=96, name="stop"), cap=0.1)
    assert [e.order_id for e in fills(market.on_bar(bar(100, 105, 95, 102, volume=1000)))] == ["stop"]


# ---- one cancels others


def test_a_fill_ends_the_other_order_of_its_group_in_the_same_bar() -> None:
    market = matcher(order(SELL, 100, limit=104, name="target", oco="g"), order(SELL, 100, stop=96, name="stop", oco="g"))
    outcomes = market.on_bar(BAR)
    assert [e.order_id for e in fills(outcomes)] == ["stop"]
    assert ends(outcomes) == [("target", OrderEvent.CANCEL)]
    assert list(market.resting()) == []


def test_a_part_fill_takes_its_quantity_from_the_others_of_its_group() -> None:
    market = matcher(order(SELL, 100, limit=104, name="target", oco="g"), order(SELL, 100, stop=96, name="stop", oco="g"), cap=0.1)
    outcomes = market.on_bar(bar(100, 105, 99, 102, volume=600))
    assert [o for o in outcomes if isinstance(o, Reduced)] == [Reduced("stop", D(60))]
    assert [facts(r.order_id, r.remaining) for r in market.resting()] == [("target", 40), ("stop", 40)]


# ---- the queue at the quote


def resting_at(limit: object = 99, quantity: int = 100) -> Matcher:
    """A buy limit that joined a bid of 500 shares."""
    market = matcher(order(BUY, quantity, limit=limit))
    market.on_quote(quote(99, 101, bid_size=500, last=100))
    return market


def bid(market: Matcher, size: float, *, price: float = 99, last: float = 99, at: int = 20) -> list[Execution]:
    return fills(market.on_quote(quote(price, 101, bid_size=size, last=last, at=at)))


def test_whoever_is_displayed_at_the_limit_is_ahead_of_us() -> None:
    market = resting_at()
    assert bid(market, 300) == []
    assert [facts(e.rule, e.price, e.quantity) for e in bid(market, 0, at=30)] == []
    assert [facts(e.rule, e.price, e.quantity) for e in bid(resting_at(), 0)] == []


def test_what_trades_after_those_ahead_fills_us() -> None:
    market = resting_at()
    bid(market, 100)  # 400 of the 500 ahead of us are gone.
    bid(market, 900, at=30)  # 800 more came, behind us.
    assert [facts(e.rule, e.price, e.quantity) for e in bid(market, 760, at=40)] == [("limit-queue", 99, 40)]
    assert [facts(e.rule, e.price, e.quantity) for e in bid(market, 100, at=50)] == [("limit-queue", 99, 60)]


def test_what_is_taken_back_at_the_limit_moves_us_forward_and_fills_nothing() -> None:
    market = resting_at()
    assert bid(market, 100, last=101) == []
    bid(market, 900, last=101, at=30)
    assert [facts(e.quantity) for e in bid(market, 760, at=40)] == [facts(40)]


def test_two_of_our_own_at_one_price_share_what_reaches_them() -> None:
    market = matcher(order(BUY, 50, limit=99, name="a"), order(BUY, 50, limit=99, name="b"))
    market.on_quote(quote(99, 101, bid_size=0, last=100))
    market.on_quote(quote(99, 101, bid_size=70, last=100, at=11))
    assert [facts(e.order_id, e.quantity) for e in bid(market, 0)] == [("a", 50), ("b", 20)]


def test_a_new_trade_beyond_the_limit_fills_it() -> None:
    assert [facts(e.rule, e.price, e.quantity) for e in bid(resting_at(), 60, price=98, last=98)] == [("limit-last", 99, 60)]
    assert bid(resting_at(), 60, price=98, last=100) == []


def test_an_old_trade_beyond_the_limit_proves_nothing() -> None:
    market = matcher(order(BUY, limit=99))
    market.on_quote(quote(99, 101, bid_size=500, last=98))
    assert bid(market, 400, last=98) == []


# ---- replacing


def test_a_smaller_quantity_keeps_its_place_in_the_queue_and_a_larger_one_loses_it() -> None:
    for quantity, reached in ((80, 40), (200, 0)):
        market = resting_at()
        bid(market, 100)
        market.replace("o", Terms(D(quantity), D(99)), D(0), at=0)
        bid(market, 900, at=30)
        assert sum(e.quantity for e in bid(market, 760, at=40)) == reached


def test_another_trail_follows_the_same_best_price() -> None:
    market = matcher(order(SELL, trail=5))
    market.on_bar(bar(100, 102, 99, 101))
    market.replace("o", Terms(D(100), trail=D(2)), D(0), at=0)
    found = market.find("o")
    assert found is not None
    assert found.stop == 100
