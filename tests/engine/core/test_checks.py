"""Every risk rule by itself: where it passes, what it says when it does not, and how much it would let through."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core.risk.bounds import Bounds
from engine.core.risk.case import RiskCase
from engine.core.risk.checks import judge
from engine.model.market import Instrument, Phase
from engine.model.modes import TradingState
from engine.model.orders import Order, OrderType, Side, Source, TimeInForce
from engine.model.settings import Limits
from engine.model.verdicts import Outcome
from tests.engine.core.floor import facts, wish

D = Decimal
WIDE = Limits(max_position_pct=D(100), max_order_pct=D(100), max_exposure_pct=D(400), max_daily_loss_pct=D(100))
CASE = RiskCase(
    intent=wish(Side.BUY, 100),
    instrument=Instrument("AAPL"),
    bounds=Bounds(WIDE),
    price=D(100),
    market=D(100),
    crossing=None,
    strategy_sent=lambda window: 0,
    symbol_sent=lambda window: 0,
    account_sent=lambda window: 0,
    fresh=True,
    doubt="",
    price_age_s=1.0,
    price_life_s=5.0,
    phase=Phase.REGULAR,
    halt=None,
    equity=D(100_000),
    buying_power=D(100_000),
    exposure=D(0),
    net=D(0),
    position=D(0),
    working_buys=D(0),
    working_sells=D(0),
    day_loss=D(0),
    session_equity=D(100_000),
    strategy_loss=D(0),
    strategy_tripped=False,
    strategy_trip="",
    strategy_exposure=D(0),
    symbol_loss=D(0),
    symbol_tripped=False,
    trading=TradingState.ACTIVE,
    trading_reason="",
)
"""A hundred shares at 100 into an empty account of 100,000: 10 % of it."""


OURS = Order(
    "r-7", 7, "AAPL", Side.SELL, D(40), OrderType.LIMIT, D(100), None, TimeInForce.DAY, Source.PERSON, 0, D(100), D(40), filled=D(10)
)


def limits(**given: int) -> Bounds:
    return Bounds(replace(WIDE, **{name: D(value) if name.endswith("_pct") else value for name, value in given.items()}))


def test_an_order_within_every_limit_passes() -> None:
    assert judge(CASE).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "at_the_limit",
    [
        replace(CASE, bounds=limits(max_order_pct=10)),
        replace(CASE, bounds=limits(max_position_pct=10)),
        replace(CASE, bounds=limits(max_position_pct=20), position=D(60), working_buys=D(40)),
        replace(CASE, bounds=limits(max_exposure_pct=80), exposure=D(70_000)),
        replace(CASE, buying_power=D(10_000)),
        replace(CASE, bounds=limits(max_daily_loss_pct=2), day_loss=D("1999.99")),
        replace(CASE, intent=wish(Side.SELL, 100), position=D(160), working_sells=D(60)),
        replace(CASE, intent=wish(Side.BUY, 10, limit=105), price=D(105)),
        replace(CASE, intent=wish(Side.BUY, 10, limit="99.99"), crossing=OURS),
        replace(CASE, intent=wish(Side.BUY, 10, limit=1), price=D(1)),
    ],
    ids=[
        "order",
        "position",
        "position, working orders",
        "exposure",
        "buying power",
        "a cent short of the loss limit",
        "all that is free",
        "collar",
        "a tick beside our own order",
        "a limit far on the patient side",
    ],
)
def test_exactly_the_limit_passes(at_the_limit: RiskCase) -> None:
    assert judge(at_the_limit).outcome is Outcome.PASS


ONE_MORE = wish(Side.BUY, 101)

BEYOND = {
    "order size": (
        replace(CASE, intent=ONE_MORE, bounds=limits(max_order_pct=10)),
        100,
        "10 % of equity (10,000.00)",
        "10.10 % (10,100.00)",
        "The order would be 10.10 % (10,100.00), the limit is 10 % of equity (10,000.00). 100 would pass.",
    ),
    "position size": (
        replace(CASE, intent=ONE_MORE, bounds=limits(max_position_pct=20), position=D(60), working_buys=D(40)),
        100,
        "20 % of equity (20,000.00)",
        "20.10 % (20,100.00)",
        "The AAPL position would be 20.10 % (20,100.00), the limit is 20 % of equity (20,000.00). 100 would pass.",
    ),
    "total exposure": (
        replace(CASE, intent=ONE_MORE, bounds=limits(max_exposure_pct=80), exposure=D(70_000)),
        100,
        "80 % of equity (80,000.00)",
        "80.10 % (80,100.00)",
        "The total exposure would be 80.10 % (80,100.00), the limit is 80 % of equity (80,000.00). 100 would pass.",
    ),
    "buying power": (
        replace(CASE, intent=ONE_MORE, buying_power=D("10099.99")),
        100,
        "10,099.99",
        "10,100.00",
        "The order needs 10,100.00, the buying power is 10,099.99. 100 would pass.",
    ),
    "short sale": (
        replace(CASE, intent=wish(Side.SELL, 101), position=D(160), working_sells=D(60)),
        100,
        "100 shares (short selling is off)",
        "101 shares",
        "Selling 101 would be short: 100 AAPL are free to sell, and limits.short_selling is off. 100 would pass.",
    ),
}


@pytest.mark.parametrize("rule", BEYOND)
def test_one_share_more_is_cut_to_what_would_pass_and_says_why(rule: str) -> None:
    case, most, limit, actual, text = BEYOND[rule]
    verdict = judge(case)
    assert facts(verdict.outcome, verdict.rule, verdict.quantity) == (Outcome.RESIZE, rule, most)
    assert (verdict.limit, verdict.actual, verdict.text) == (limit, actual, text)


@pytest.mark.parametrize("rule", BEYOND)
def test_what_was_said_to_pass_does_pass(rule: str) -> None:
    case = BEYOND[rule][0]
    quantity = judge(case).quantity
    assert quantity is not None
    assert judge(replace(case, intent=replace(case.intent, quantity=quantity))).outcome is Outcome.PASS


REFUSED = {
    "reducing": (
        replace(CASE, trading=TradingState.REDUCING, trading_reason="today's loss limit"),
        "only orders that shrink a position",
        "100 would open",
        "Only orders that shrink a position are let through: today's loss limit.",
    ),
    "price": (replace(CASE, price=None), "a price", "none", "AAPL has no price yet, so the order's size cannot be judged."),
    "stale price": (
        replace(CASE, fresh=False, price_age_s=7.4),
        "5 s",
        "7 s",
        "AAPL's last price is 7 s old, the limit is 5 s: no entries.",
    ),
    "collar": (
        replace(CASE, intent=wish(Side.BUY, 10, limit="105.01"), price=D("105.01")),
        "5 %",
        "5.01 %",
        "The limit 105.01 is 5.01 % above the market's 100, the collar is 5 %.",
    ),
    "self-trade": (
        replace(CASE, crossing=OURS),
        "#7 at 100",
        "100",
        "It would trade with our own #7, SELL 30 at 100: cancel that first.",
    ),
    "short sale": (
        replace(CASE, intent=wish(Side.SELL, 100)),
        "0 shares (short selling is off)",
        "100 shares",
        "Selling 100 would be short: 0 AAPL are free to sell, and limits.short_selling is off.",
    ),
    "daily loss": (
        replace(CASE, bounds=limits(max_daily_loss_pct=2), day_loss=D(2000)),
        "2 %",
        "2.00 %",
        "Today's loss is 2.00 % of equity, the limit is 2 %: no entries.",
    ),
    "order size": (
        replace(CASE, price=D(20_000), market=D(20_000), bounds=limits(max_order_pct=10)),
        "10 % of equity (10,000.00)",
        "2000.00 % (2,000,000.00)",
        "The order would be 2000.00 % (2,000,000.00), the limit is 10 % of equity (10,000.00).",
    ),
    "buying power": (replace(CASE, buying_power=D(-5)), "-5.00", "10,000.00", "The order needs 10,000.00, the buying power is -5.00."),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_what_cannot_be_cut_down_is_refused_in_words(rule: str) -> None:
    case, limit, actual, text = REFUSED[rule]
    verdict = judge(case)
    assert (verdict.outcome, verdict.rule, verdict.quantity) == (Outcome.DENY, rule, None)
    assert (verdict.limit, verdict.actual, verdict.text) == (limit, actual, text)


def test_no_price_since_the_start_is_said_as_such() -> None:
    verdict = judge(replace(CASE, fresh=False, price_age_s=None))
    assert verdict.text == "AAPL has had no live price since the start: no entries until one comes."


def test_the_smallest_of_several_cuts_wins() -> None:
    case = replace(CASE, bounds=limits(max_order_pct=5, max_exposure_pct=3), buying_power=D(4_000))
    assert facts(judge(case).rule, judge(case).quantity) == ("total exposure", 30)


WORST = replace(
    CASE,
    bounds=limits(max_order_pct=1, max_position_pct=1, max_exposure_pct=1, max_daily_loss_pct=1),
    price=None,
    market=None,
    fresh=False,
    exposure=D(10**9),
    buying_power=D(-(10**9)),
    day_loss=D(10**9),
    trading=TradingState.REDUCING,
)


@pytest.mark.parametrize(
    "way_out",
    [
        replace(WORST, intent=wish(Side.SELL, 100), position=D(100)),
        replace(WORST, intent=wish(Side.SELL, 60), position=D(100), working_sells=D(40)),
        replace(WORST, intent=wish(Side.BUY, 100), position=D(-100)),
    ],
)
def test_an_order_that_only_reduces_passes_whatever_the_limits_say(way_out: RiskCase) -> None:
    assert judge(way_out).outcome is Outcome.PASS


def test_no_more_may_be_closed_than_working_orders_leave() -> None:
    case = replace(WORST, intent=wish(Side.SELL, 61), position=D(100), working_sells=D(40))
    assert judge(case).outcome is Outcome.DENY


def test_only_what_opens_counts_of_an_order_through_zero() -> None:
    case = replace(CASE, intent=wish(Side.SELL, 200), bounds=limits(max_order_pct=10, short_selling=True), position=D(100))
    assert judge(case).outcome is Outcome.PASS
    assert judge(replace(case, intent=wish(Side.SELL, 201))).quantity == 200


def test_a_limit_far_below_the_market_makes_the_position_held_no_smaller() -> None:
    case = replace(CASE, intent=wish(Side.BUY, 100, limit=50), price=D(50), position=D(100), bounds=limits(max_position_pct=10))
    assert judge(case).outcome is Outcome.DENY


def test_what_would_pass_is_a_whole_number_of_lots() -> None:
    tens = replace(CASE, instrument=Instrument("AAPL", lot=D(10)), intent=wish(Side.BUY, 100), bounds=limits(max_order_pct=6), price=D(101))
    assert judge(tens).quantity == 50
    assert judge(replace(tens, intent=wish(Side.SELL, 100), position=D("25.5"))).quantity == 20


def test_an_account_below_zero_opens_nothing() -> None:
    broke = replace(CASE, equity=D(-500), session_equity=D(0), buying_power=D(-500))
    assert judge(broke).outcome is Outcome.DENY
