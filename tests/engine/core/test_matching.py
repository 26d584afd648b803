"""Every matching rule by hand, for buys and for sales, and what none of them may ever do."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from engine.core import matching
from engine.core.matching import Ended, Execution, Matcher, Moved, Outcome, Reduced
from engine.core.slippage import basis_points
from engine.model.market import Auction, AuctionKind, Bar, Halt, MarketStatus, Phase, Quote
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderType, Side, Source, Terms, TimeInForce
from tests.engine.core.floor import facts

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def order(
    side: Side,
    quantity: object = 100,
    *,
    limit: object = None,
    stop: object = None,
    trail: object = None,
    trail_pct: object = None,
    tif: TimeInForce = TimeInForce.GTC,
    name: str = "o",
    filled: int = 0,
    extended: bool = False,
    oco: str = "",
    parent: str = "",
) -> Order:
    """An order whose type follows from its prices."""
    trails, limits, stops = trail is not None or trail_pct is not None, limit is not None, stop is not None
    kind = OrderType.STOP_LIMIT if limits and stops else OrderType.LIMIT if limits else OrderType.STOP if stops else OrderType.MARKET
    limit, stop, trail, trail_pct = (None if each is None else D(str(each)) for each in (limit, stop, trail, trail_pct))
    shares = D(str(quantity))
    return Order(
        name, 1, "AAPL", side, shares, OrderType.TRAILING_STOP if trails else kind, limit, stop, tif, Source.PERSON, 0, D(100), shares,
        filled=D(filled), trail=trail, trail_pct=trail_pct, extended_hours=extended, oco=oco, parent=parent,
    )  # fmt: skip


def matcher(*orders: Order, cap: float = 1.0, bps: float = 0.0) -> Matcher:
    made = Matcher(volume_cap=cap, slip=basis_points(bps))
    for each in orders:
        made.add(each, placed_at=0)
    return made


def bar(open: float, high: float, low: float, close: float, volume: float = 1e6, at: int = 10) -> Bar:  # noqa: A002
    return Bar("AAPL", at, open, high, low, close, volume)


def quote(bid: float, ask: float, size: float = 1e6, at: int = 10, *, last: float = 0.0, bid_size: float | None = None) -> Quote:
    return Quote("AAPL", at, bid, ask, size if bid_size is None else bid_size, size, last or (bid + ask) / 2)


def status(phase: Phase, session: str, at: int = 0) -> MarketStatus:
    return MarketStatus(phase, phase.lower(), session, at)


def fills(outcomes: Sequence[Outcome]) -> list[Execution]:
    return [outcome for outcome in outcomes if isinstance(outcome, Execution)]


def only(outcomes: Sequence[Outcome]) -> tuple[object, ...]:
    executions = fills(outcomes)
    assert len(executions) <= 1
    return facts(executions[0].rule, executions[0].price) if executions else ()


def ends(outcomes: Sequence[Outcome]) -> list[tuple[str, OrderEvent]]:
    return [(outcome.order_id, outcome.event) for outcome in outcomes if isinstance(outcome, Ended)]


BAR = bar(100, 105, 95, 102)
FALLING = bar(100, 105, 95, 96)
RISING = bar(100, 105, 95, 104)
IOC, FOK, OPG, CLS = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG, TimeInForce.CLS

ON_BARS: list[tuple[str, Order, Bar, tuple[Any, ...]]] = [
    ("a market order buys at the open", order(BUY), BAR, ("market-open", D("100.01"))),
    ("a market order sells at the open", order(SELL), BAR, ("market-open", D("99.99"))),
    ("a buy limit above the open gets the better open", order(BUY, limit=101), BAR, ("limit-gap", D(100))),
    ("a sell limit below the open gets the better open", order(SELL, limit=99), BAR, ("limit-gap", D(100))),
    ("a buy limit traded through fills at the limit", order(BUY, limit=96), BAR, ("limit-through", D(96))),
    ("a sell limit traded through fills at the limit", order(SELL, limit=104), BAR, ("limit-through", D(104))),
    ("a buy limit at the open that trades below fills at the limit", order(BUY, limit=100), BAR, ("limit-through", D(100))),
    ("a buy limit only touched is touched", order(BUY, limit=95), BAR, ("limit-touch", D(95))),
    ("a sell limit only touched is touched", order(SELL, limit=105), BAR, ("limit-touch", D(105))),
    ("a buy limit below the low waits", order(BUY, limit="94.99"), BAR, ()),
    ("a sell limit above the high waits", order(SELL, limit="105.01"), BAR, ()),
    ("a buy stop traded through fills at the stop", order(BUY, stop=103), BAR, ("stop-price", D("103.0103"))),
    ("a sell stop traded through fills at the stop", order(SELL, stop=97), BAR, ("stop-price", D("96.9903"))),
    ("a buy stop exactly at the high triggers", order(BUY, stop=105), BAR, ("stop-price", D("105.0105"))),
    ("a sell stop exactly at the low triggers", order(SELL, stop=95), BAR, ("stop-price", D("94.9905"))),
    ("a buy stop below the open pays the gap", order(BUY, stop=99), BAR, ("stop-gap", D("100.01"))),
    ("a sell stop above the open pays the gap", order(SELL, stop=101), BAR, ("stop-gap", D("99.99"))),
    ("a buy stop above the high waits", order(BUY, stop="105.01"), BAR, ()),
    ("a sell stop below the low waits", order(SELL, stop="94.99"), BAR, ()),
    ("a buy stop-limit fills at its stop", order(BUY, stop=103, limit=104), BAR, ("stop-limit-price", D("103.0103"))),
    ("a sell stop-limit fills at its stop", order(SELL, stop=97, limit=96), BAR, ("stop-limit-price", D("96.9903"))),
    ("slippage takes no buy stop-limit beyond its limit", order(BUY, stop=103, limit=103), BAR, ("stop-limit-price", D(103))),
    ("slippage takes no sell stop-limit beyond its limit", order(SELL, stop=97, limit=97), BAR, ("stop-limit-price", D(97))),
    ("a gap within the limit fills a buy stop-limit", order(BUY, stop=99, limit=101), BAR, ("stop-limit-gap", D("100.01"))),
    ("a gap within the limit fills a sell stop-limit", order(SELL, stop=101, limit=99), BAR, ("stop-limit-gap", D("99.99"))),
    ("a gap beyond the limit waits for it to come back", order(BUY, stop=99, limit=98), BAR, ("limit-through", D(98))),
    ("a gap beyond the limit that only touches it again is a touch", order(BUY, stop=99, limit=95), BAR, ("limit-touch", D(95))),
    ("a gap beyond the limit that never comes back waits", order(SELL, stop=101, limit="105.5"), BAR, ()),
    ("a low before the trigger proves no fill after it", order(BUY, stop=103, limit=96), BAR, ()),
    ("a close through the limit proves the price came back, to buy", order(BUY, stop=103, limit=97), FALLING, ("stop-limit-close", D(97))),
    ("a close through the limit proves it, to sell", order(SELL, stop=97, limit=103), RISING, ("stop-limit-close", D(103))),
    ("a close at the limit proves nothing", order(BUY, stop=103, limit=96), FALLING, ()),
    ("a buy stop-limit above the high waits", order(BUY, stop=106, limit=107), BAR, ()),
    ("a trailing stop that stood in the bar fills there", order(SELL, stop=96, trail=6), BAR, ("trail-price", D("95.9904"))),
    ("a trailing stop to buy fills there", order(BUY, stop=104, trail=6), BAR, ("trail-price", D("104.0104"))),
    ("the open moves a trailing stop first", order(SELL, stop=90, trail=5), BAR, ("trail-price", D("94.9905"))),
    ("the open sets a new trailing stop", order(SELL, trail=4), BAR, ("trail-price", D("95.9904"))),
    ("the open sets one in per cent", order(SELL, trail_pct=4), BAR, ("trail-price", D("95.9904"))),
    ("a bar that opens through a trailing stop pays the gap", order(SELL, stop=101, trail=2), BAR, ("stop-gap", D("99.99"))),
    ("the high may have come before the low, so it stops nobody out", order(SELL, trail=6), BAR, ()),
    ("a close under where the high moved it proves the fall", order(SELL, trail=6), FALLING, ("trail-close", D("98.9901"))),
    ("a close over where the low moved it proves the rise", order(BUY, trail=6), RISING, ("trail-close", D("101.0101"))),
    ("immediate or cancel takes the open", order(BUY, limit=101, tif=IOC), BAR, ("limit-gap", D(100))),
    ("immediate or cancel waits for nothing after the open", order(BUY, limit=96, tif=IOC), BAR, ()),
    ("an order at the open takes the session's first open", order(BUY, tif=OPG), BAR, ("auction-open", D(100))),
    ("a limit at the open the open does not meet gets nothing", order(BUY, limit=99, tif=OPG), BAR, ()),
]  # fmt: skip

ON_QUOTES: list[tuple[str, Order, tuple[Any, ...]]] = [
    ("a market order buys at the ask", order(BUY), ("market-quote", D("101.0101"))),
    ("a market order sells at the bid", order(SELL), ("market-quote", D("98.9901"))),
    ("a buy limit at the ask fills at the ask", order(BUY, limit=101), ("limit-quote", D(101))),
    ("a buy limit above the ask fills at the better ask", order(BUY, limit=103), ("limit-quote", D(101))),
    ("a sell limit below the bid fills at the better bid", order(SELL, limit=90), ("limit-quote", D(99))),
    ("a buy limit inside the spread waits", order(BUY, limit=100), ()),
    ("a sell limit inside the spread waits", order(SELL, limit=100), ()),
    ("a buy stop reached by the ask fills at the ask", order(BUY, stop=101), ("stop-quote", D("101.0101"))),
    ("a sell stop reached by the bid fills at the bid", order(SELL, stop=99), ("stop-quote", D("98.9901"))),
    ("a buy stop above the ask waits", order(BUY, stop="101.01"), ()),
    ("a sell stop below the bid waits", order(SELL, stop="98.99"), ()),
    ("a stop-limit that is reached is a limit", order(BUY, stop=100, limit=101), ("limit-quote", D(101))),
    ("a stop-limit that is reached beyond its limit waits", order(BUY, stop=100, limit="100.5"), ()),
    ("a stop-limit that is not reached is none", order(BUY, stop=102, limit=110), ()),
    ("a trailing stop the bid has reached fills at the bid", order(SELL, stop="99.5", trail=1), ("stop-quote", D("98.9901"))),
    ("a trailing stop follows the bid", order(SELL, trail=1), ()),
]


@pytest.mark.parametrize(("made", "event", "expected"), [case[1:] for case in ON_BARS], ids=[case[0] for case in ON_BARS])
def test_on_a_bar(made: Order, event: Bar, expected: tuple[object, ...]) -> None:
    assert only(matcher(made, bps=1).on_bar(event)) == expected


@pytest.mark.parametrize(("made", "expected"), [case[1:] for case in ON_QUOTES], ids=[case[0] for case in ON_QUOTES])
def test_on_a_quote(made: Order, expected: tuple[object, ...]) -> None:
    assert only(matcher(made, bps=1).on_quote(quote(99, 101))) == expected


def test_every_rule_that_the_table_names_was_seen_and_no_other() -> None:
    answers = [case[3] for case in ON_BARS] + [case[2] for case in ON_QUOTES]
    by_hand = {"stop-open", "limit-queue", "limit-last", "auction-close"}
    """Each has tests of its own below."""
    documented = {line.split("`")[1] for line in (matching.__doc__ or "").splitlines() if line.startswith("| `")}
    assert {answer[0] for answer in answers if answer} | by_hand == documented


# ---- stops that were triggered


def test_a_triggered_stop_that_was_filled_in_part_goes_on_at_the_next_open_whatever_the_price() -> None:
    market = matcher(order(SELL, 100, stop=97), cap=0.1)
    assert [facts(e.rule, e.quantity) for e in fills(market.on_bar(bar(100, 100, 96, 99, volume=600)))] == [("stop-price", 60)]
    again = fills(market.on_bar(bar(110, 112, 109, 111, at=20)))
    assert [facts(e.rule, e.price, e.quantity) for e in again] == [("stop-open", 110, 40)]


def test_a_stop_that_was_triggered_before_a_restart_is_triggered_after_it() -> None:
    market = matcher()
    market.add(order(SELL, 100, stop=97, filled=60), placed_at=0, triggered=True)
    assert [facts(e.rule, e.quantity) for e in fills(market.on_bar(bar(110, 112, 109, 111)))] == [("stop-open", 40)]


def test_a_stop_limit_that_was_triggered_is_a_limit_on_the_next_bar() -> None:
    market = matcher(order(BUY, stop=103, limit=96))
    assert [facts(o) for o in market.on_bar(BAR) if isinstance(o, Moved)] == [facts(Moved("o", D("103.00"), triggered=True))]
    assert only(market.on_bar(bar(98, 99, 95, 97, at=20))) == ("limit-through", D(96))


def test_a_trailing_stop_follows_the_market_and_never_goes_back() -> None:
    market = matcher(order(SELL, trail=5))
    tape = [bar(100, 102, 99, 101, at=10), bar(101, 103, 100, 101, at=20), bar(100, 101, 99, 100, at=30), bar(100, 100, 99, 99, at=40)]
    told = [[o.stop for o in market.on_bar(each) if isinstance(o, Moved)] for each in tape]
    assert told == [[D(97)], [D(98)], [], []]
    assert only(market.on_bar(bar(99, 99, 97, 98, at=50))) == ("trail-price", D(98))


def test_on_quotes_a_trailing_stop_is_told_in_tenths_of_its_trail() -> None:
    market = matcher(order(SELL, trail=1))
    told: list[Decimal] = []
    for step in range(31):
        price = 100 + step / 100
        told += [o.stop for o in market.on_quote(quote(price, price + 0.01, at=10 + step)) if isinstance(o, Moved)]
    assert told == [D("99.00"), D("99.10"), D("99.20"), D("99.30")]
    assert only(market.on_quote(quote(99.3, 99.31, at=50))) == ("stop-quote", D("99.3"))


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


# ---- what is no market


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "broken",
    [
        bar(NAN, 105, 95, 102),
        bar(100, NAN, 95, 102),
        bar(100, 105, NAN, 102),
        bar(100, 105, 95, NAN),
        bar(100, 105, 95, 102, NAN),
        bar(100, INF, 95, 102),
        bar(100, 94, 105, 102),
        bar(106, 105, 95, 102),
        bar(100, 105, 0, 102),
        bar(100, 105, -5, 102),
        bar(1e300, 1e300, 1e300, 1e300),
    ],
)
def test_a_bar_that_is_none_fills_nothing(broken: Bar) -> None:
    assert list(matcher(order(BUY), order(SELL, name="p", limit=1), order(BUY, name="q", stop=1)).on_bar(broken)) == []


@pytest.mark.parametrize("volume", [0.0, -100.0, 0.9])
def test_a_bar_without_volume_fills_nothing(volume: float) -> None:
    assert fills(matcher(order(BUY)).on_bar(bar(100, 105, 95, 102, volume))) == []


@pytest.mark.parametrize(
    "broken", [quote(NAN, 101), quote(99, NAN), quote(99, INF), quote(102, 101), quote(0, 101), quote(99, 101, NAN), quote(99, 101, -5)]
)
def test_a_quote_that_is_none_fills_nothing(broken: Quote) -> None:
    assert fills(matcher(order(BUY), order(SELL, name="p")).on_quote(broken)) == []


def test_a_locked_market_trades_and_a_crossed_one_does_not() -> None:
    market = matcher(order(BUY))
    assert fills(market.on_quote(quote(100.01, 100))) == []
    assert only(market.on_quote(quote(100, 100, at=11))) == ("market-quote", D(100))


def test_a_limit_at_the_very_price_of_a_float_is_met() -> None:
    assert only(matcher(order(BUY, limit="187.49")).on_quote(quote(187.48, 187.49))) == ("limit-quote", D("187.49"))
