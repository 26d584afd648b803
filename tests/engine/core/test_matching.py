"""Every matching rule by hand, for buys and for sales, and what none of them may ever do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import matching
from engine.core.matching import Execution, Matcher, basis_points
from engine.model.market import Bar, Quote
from engine.model.orders import Order, OrderType, Side, Source, TimeInForce
from tests.engine.core.floor import facts, wish

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def order(side: Side, quantity: object = 100, *, limit: object = None, stop: object = None, name: str = "o", filled: int = 0) -> Order:
    intent = wish(side, quantity, limit=limit, stop=stop)
    return Order(
        name, 1, "AAPL", side, intent.quantity, intent.type, intent.limit, intent.stop, TimeInForce.GTC, Source.PERSON, 0, D(100),
        intent.quantity, filled=D(filled),
    )  # fmt: skip


def matcher(*orders: Order, cap: float = 1.0, bps: float = 0.0) -> Matcher:
    made = Matcher(volume_cap=cap, slip=basis_points(bps))
    for each in orders:
        made.add(each, eligible_at=0)
    return made


def bar(open: float, high: float, low: float, close: float, volume: float = 1e6, at: int = 10) -> Bar:  # noqa: A002
    return Bar("AAPL", at, open, high, low, close, volume)


def quote(bid: float, ask: float, size: float = 1e6, at: int = 10) -> Quote:
    return Quote("AAPL", at, bid, ask, size, size, (bid + ask) / 2)


def only(executions: list[Execution]) -> tuple[object, ...]:
    assert len(executions) <= 1
    return facts(executions[0].rule, executions[0].price) if executions else ()


BAR = bar(100, 105, 95, 102)

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
]

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
]


@pytest.mark.parametrize(("made", "event", "expected"), [case[1:] for case in ON_BARS], ids=[case[0] for case in ON_BARS])
def test_on_a_bar(made: Order, event: Bar, expected: tuple[object, ...]) -> None:
    assert only(matcher(made, bps=1).on_bar(event)) == expected


@pytest.mark.parametrize(("made", "expected"), [case[1:] for case in ON_QUOTES], ids=[case[0] for case in ON_QUOTES])
def test_on_a_quote(made: Order, expected: tuple[object, ...]) -> None:
    assert only(matcher(made, bps=1).on_quote(quote(99, 101))) == expected


def test_every_rule_that_the_table_names_was_seen_and_no_other() -> None:
    answers = [case[3] for case in ON_BARS] + [case[2] for case in ON_QUOTES]
    seen = {answer[0] for answer in answers if answer} | {"stop-open"}
    documented = {line.split("`")[1] for line in (matching.__doc__ or "").splitlines() if line.startswith("| `")}
    assert seen == documented


def test_a_triggered_stop_that_was_filled_in_part_goes_on_at_the_next_open_whatever_the_price() -> None:
    market = matcher(order(SELL, 100, stop=97), cap=0.1)
    assert [facts(e.rule, e.quantity) for e in market.on_bar(bar(100, 100, 96, 99, volume=600))] == [("stop-price", 60)]
    assert [facts(e.rule, e.price, e.quantity) for e in market.on_bar(bar(110, 112, 109, 111, at=20))] == [("stop-open", 110, 40)]


def test_a_stop_that_was_filled_in_part_before_a_restart_is_triggered_already() -> None:
    market = matcher(order(SELL, 100, stop=97, filled=60))
    assert [facts(e.rule, e.quantity) for e in market.on_bar(bar(110, 112, 109, 111))] == [("stop-open", 40)]


def test_a_touched_limit_gets_a_quarter_of_the_cap() -> None:
    market = matcher(order(BUY, 1000, limit=95), cap=0.1)
    assert [e.quantity for e in market.on_bar(bar(100, 105, 95, 102, volume=8000))] == [200]


def test_all_orders_of_a_symbol_share_one_cap_and_the_rest_goes_on_working() -> None:
    market = matcher(order(BUY, 70, name="first"), order(BUY, 70, name="second"), order(SELL, 70, name="third"), cap=0.1)
    assert [facts(e.order_id, e.quantity) for e in market.on_bar(bar(100, 105, 95, 102, volume=1000))] == [("first", 70), ("second", 30)]
    assert [facts(e.order_id, e.quantity) for e in market.on_bar(bar(100, 105, 95, 102, volume=1000, at=20))] == [
        ("second", 40),
        ("third", 60),
    ]
    assert [r.remaining for r in market.resting()] == [10]


def test_a_quotes_size_is_shared_by_side() -> None:
    market = matcher(order(BUY, 70, name="b1"), order(BUY, 70, name="b2"), order(SELL, 70, name="s1"))
    assert [facts(e.order_id, e.quantity) for e in market.on_quote(quote(99, 101, size=100))] == [("b1", 70), ("b2", 30), ("s1", 70)]


def test_a_large_order_is_filled_over_several_bars() -> None:
    market = matcher(order(BUY, 250), cap=0.1)
    filled = [sum(e.quantity for e in market.on_bar(bar(100, 101, 99, 100, volume=1000, at=at))) for at in (10, 20, 30, 40)]
    assert filled == [100, 100, 50, 0]


def test_of_a_stop_and_a_target_in_one_bar_the_stop_trades_first() -> None:
    market = matcher(order(SELL, 100, limit=104, name="target"), order(SELL, 100, stop=96, name="stop"), cap=0.1)
    assert [e.order_id for e in market.on_bar(bar(100, 105, 95, 102, volume=1000))] == ["stop"]


def test_an_order_takes_no_part_in_the_bar_during_which_it_was_made() -> None:
    market = Matcher(volume_cap=1, slip=basis_points(0))
    market.add(order(BUY), eligible_at=10)
    assert market.on_bar(bar(100, 105, 95, 102, at=10)) == []
    assert len(market.on_bar(bar(100, 105, 95, 102, at=20))) == 1


def test_an_order_meets_no_quote_before_its_latency_is_over() -> None:
    market = Matcher(volume_cap=1, slip=basis_points(0))
    market.add(order(BUY), eligible_at=11)
    assert market.on_quote(quote(99, 101, at=10)) == []
    assert len(market.on_quote(quote(99, 101, at=11))) == 1


def test_the_bars_of_a_symbol_with_quotes_fill_nothing() -> None:
    market = matcher()
    market.on_quote(quote(99, 101))
    market.add(order(BUY), eligible_at=0)
    assert market.on_bar(bar(100, 105, 95, 102, at=20)) == []


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
    assert matcher(order(BUY), order(SELL, name="p", limit=1), order(BUY, name="q", stop=1)).on_bar(broken) == []


@pytest.mark.parametrize("volume", [0.0, -100.0, 0.9])
def test_a_bar_without_volume_fills_nothing(volume: float) -> None:
    assert matcher(order(BUY)).on_bar(bar(100, 105, 95, 102, volume)) == []


@pytest.mark.parametrize(
    "broken", [quote(NAN, 101), quote(99, NAN), quote(99, INF), quote(102, 101), quote(0, 101), quote(99, 101, NAN), quote(99, 101, -5)]
)
def test_a_quote_that_is_none_fills_nothing(broken: Quote) -> None:
    assert matcher(order(BUY), order(SELL, name="p")).on_quote(broken) == []


def test_a_limit_at_the_very_price_of_a_float_is_met() -> None:
    assert only(matcher(order(BUY, limit="187.49")).on_quote(quote(187.48, 187.49))) == ("limit-quote", D("187.49"))


prices = st.floats(0.5, 5000).map(lambda p: round(p, 6))
bars = st.tuples(prices, prices, prices, prices).map(lambda p: bar(p[0], max(p), min(p), p[3]))
sides = st.sampled_from(Side)


@given(sides, st.floats(1e-6, 1e6), st.floats(0, 1000))
def test_slippage_never_improves_a_price(side: Side, price: float, bps: float) -> None:
    slipped = basis_points(bps)(side, price)
    assert slipped >= price if side is BUY else 0 < slipped <= price


@given(sides, prices, bars, st.floats(0, 100))
def test_a_limit_is_never_filled_at_a_worse_price(side: Side, limit: float, event: Bar, bps: float) -> None:
    made = order(side, limit=repr(limit))
    assert made.limit is not None
    for execution in matcher(made, bps=bps).on_bar(event):
        assert (made.limit - execution.price) * side.sign >= 0


@given(sides, prices, bars, st.floats(0, 100))
def test_a_stop_never_fills_better_than_its_price(side: Side, stop: float, event: Bar, bps: float) -> None:
    made = order(side, stop=repr(stop))
    assert made.stop is not None
    for execution in matcher(made, bps=bps).on_bar(event):
        assert (execution.price - made.stop) * side.sign >= 0


orders = st.lists(
    st.builds(
        lambda side, quantity, kind, price: order(
            side, quantity, limit=price if kind is OrderType.LIMIT else None, stop=price if kind is OrderType.STOP else None
        ),
        sides,
        st.integers(1, 500),
        st.sampled_from(OrderType),
        st.integers(90, 110),
    ),
    max_size=6,
)


@given(orders, st.lists(st.tuples(*[st.integers(90, 110)] * 4, st.integers(0, 3000)), max_size=6))
def test_fills_never_exceed_the_cap_or_the_order_and_are_the_same_every_time(made: list[Order], days: list[tuple[int, ...]]) -> None:
    for number, each in enumerate(made):
        each.id = f"o{number}"
    tape = [bar(p[0], max(p[:4]), min(p[:4]), p[3], p[4], at=10 * (i + 1)) for i, p in enumerate(days)]

    def play() -> list[list[Execution]]:
        market = matcher(*made, cap=0.1, bps=1)
        return [market.on_bar(each) for each in tape]

    played = play()
    assert played == play()
    for event, executions in zip(tape, played, strict=True):
        assert sum(e.quantity for e in executions) <= event.volume * 0.1
    for each in made:
        assert sum(e.quantity for executions in played for e in executions if e.order_id == each.id) <= each.quantity
