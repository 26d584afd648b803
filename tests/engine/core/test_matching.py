"""Every matching rule by hand, for buys and for sales, on bars and on quotes, and what fills nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.core import matching
from engine.core.matching import Moved
from engine.model.market import Bar, Quote
from engine.model.orders import Order
from tests.engine.core.floor import facts
from tests.engine.core.orders_and_bars import BAR, BUY, IOC, OPG, SELL, bar, fills, matcher, only, order, quote

D = Decimal
FALLING = bar(100, 105, 95, 96)
RISING = bar(100, 105, 95, 104)
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
