"""The normal form: what an order may be in itself, whatever the account may have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.core.normal_form import normal_form
from engine.model.capabilities import Capabilities
from engine.model.market import Instrument
from engine.model.orders import Bracket, Exit, Intent, OrderType, Side, TimeInForce

D = Decimal
MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING = OrderType
ANY = Capabilities(extended_hours=True)
AAPL = Instrument("AAPL")


def intent(kind: OrderType = MARKET, side: Side = Side.BUY, quantity: str = "10", **more: Any) -> Intent:
    prices: dict[str, Any] = {name: D(more.pop(name)) for name in ("limit", "stop", "trail", "trail_pct", "notional") if name in more}
    return Intent("AAPL", side, D(quantity), kind, **prices, **more)


def exits(take_profit: str = "", stop_loss: str = "") -> Bracket:
    """Each as a price or, with a %, in per cent."""

    def leave(text: str) -> Exit | None:
        if not text:
            return None
        return Exit(pct=D(text[:-1])) if text.endswith("%") else Exit(D(text))

    return Bracket(leave(take_profit), leave(stop_loss))


def refusal(wish: Intent, can: Capabilities = ANY, market: str | None = "100") -> str:
    """The sentence that refuses it, or nothing."""
    _, verdict = normal_form(wish, AAPL, can, None if market is None else D(market))
    return verdict.text if verdict else ""


@pytest.mark.parametrize(
    "wish",
    [
        intent(MARKET),
        intent(LIMIT, limit="99"),
        intent(STOP, stop="101"),
        intent(STOP_LIMIT, stop="101", limit="102"),
        intent(TRAILING, trail="2"),
        intent(TRAILING, trail_pct="2.5"),
        intent(MARKET, tif=TimeInForce.OPG),
        intent(LIMIT, limit="99", tif=TimeInForce.FOK),
        intent(LIMIT, limit="99", extended_hours=True),
        intent(MARKET, bracket=exits("110", "95")),
        intent(MARKET, bracket=exits("5%", "2%")),
        intent(MARKET, bracket=exits(stop_loss="1%")),
        intent(LIMIT, limit="90", bracket=exits("95", "89")),
        intent(MARKET, Side.SELL, bracket=exits("95", "105")),
    ],
)
def test_an_order_that_a_broker_would_take_is_left_as_it_is(wish: Intent) -> None:
    assert normal_form(wish, AAPL, ANY, D(100)) == (wish, None)


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (intent(STOP_LIMIT, stop="101"), "A stop-limit order needs a limit price."),
        (intent(STOP_LIMIT, limit="101"), "A stop-limit order needs a stop price."),
        (intent(MARKET, limit="101"), "A market order takes no limit price."),
        (intent(TRAILING), "A trailing-stop order needs its trail as a price or in per cent, one of the two."),
        (intent(TRAILING, trail="1", trail_pct="1"), "A trailing-stop order needs its trail as a price or in per cent, one of the two."),
        (intent(TRAILING, trail="1", stop="99"), "A trailing-stop order takes no stop price."),
        (intent(LIMIT, limit="99", trail="1"), "A limit order has no trail: that is a trailing stop's."),
        (intent(TRAILING, trail_pct="100"), "The trail of 100 % is not between 0 and 100."),
        (intent(TRAILING, trail="NaN"), "The trail price NaN is not a price above zero."),
        (intent(STOP, stop="101", tif=TimeInForce.IOC), "A stop order cannot be IOC: only market and limit orders can."),
        (intent(TRAILING, trail="1", tif=TimeInForce.CLS), "A trailing-stop order cannot be CLS: only market and limit orders can."),
        (intent(MARKET, extended_hours=True), "Extended hours take limit orders for the day alone."),
        (intent(LIMIT, limit="9", extended_hours=True, tif=TimeInForce.GTC), "Extended hours take limit orders for the day alone."),
        (intent(notional="100"), "An order has a quantity or a notional, not both."),
        (intent(quantity="NaN", notional="100"), "An order has a quantity or a notional, not both."),
        (intent(quantity="0", notional="sNaN"), "The notional sNaN is not an amount of money above zero."),
        (intent(quantity="0", notional="99"), "99 buys less than one lot of 1 AAPL at 100."),
        (intent(side=Side.SELL, quantity="0", notional="99"), "99 is less than one lot of 1 AAPL at 100."),
        (intent(quantity="0.9"), "0.9 is less than one lot of 1."),
        (intent(LIMIT, limit="0.004"), "The price is less than one tick of 0.01."),
        (intent(bracket=Bracket()), "A bracket needs a take profit, a stop loss, or both."),
        (intent(bracket=Bracket(Exit())), "The take profit needs a price or per cent, one of them."),
        (intent(bracket=Bracket(Exit(D(110), D(5)))), "The take profit needs a price or per cent, one of them."),
        (intent(bracket=Bracket(None, Exit(D(90), trail=D(1)))), "The stop loss needs a price or per cent or a trail, one of them."),
        (intent(bracket=Bracket(Exit(trail=D(1)))), "A take profit does not trail: a stop loss does."),
        (intent(bracket=Bracket(None, Exit(trail=D("sNaN")))), "The stop loss price sNaN is not a price above zero."),
        (intent(bracket=Bracket(None, Exit(trail_pct=D(100)))), "The stop loss of 100 % is not between 0 and 100."),
        (intent(bracket=exits("NaN")), "The take profit price NaN is not a price above zero."),
        (intent(bracket=exits("", "100%")), "The stop loss of 100 % is not between 0 and 100."),
        (intent(bracket=exits("99")), "The take profit at 99.00 must be above the entry at 100."),
        (intent(bracket=exits("", "100")), "The stop loss at 100.00 must be below the entry at 100."),
        (intent(LIMIT, limit="90", bracket=exits("", "95")), "The stop loss at 95.00 must be below the entry at 90.00."),
        (intent(STOP, stop="110", bracket=exits("105")), "The take profit at 105.00 must be above the entry at 110.00."),
        (intent(side=Side.SELL, bracket=exits("101")), "The take profit at 101.00 must be below the entry at 100."),
        (intent(side=Side.SELL, bracket=exits("", "99")), "The stop loss at 99.00 must be above the entry at 100."),
        (
            intent(reduce_only=True, bracket=exits("110")),
            "An order that only closes has no position of its own to leave: it takes no bracket.",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused_in_a_sentence(wish: Intent, sentence: str) -> None:
    assert refusal(wish) == sentence


@pytest.mark.parametrize(
    ("wish", "can", "sentence"),
    [
        (intent(TRAILING, trail="1"), replace(ANY, types=frozenset({MARKET})), "This broker takes no trailing-stop orders."),
        (intent(tif=TimeInForce.FOK), replace(ANY, tifs=frozenset({TimeInForce.DAY})), "This broker takes no FOK orders."),
        (intent(LIMIT, limit="9", extended_hours=True), Capabilities(), "This broker does not trade in extended hours."),
        (intent(bracket=exits("", "90")), replace(ANY, types=frozenset({MARKET, LIMIT})), "This broker takes no stop orders."),
        (
            intent(bracket=Bracket(None, Exit(trail=D(1)))),
            replace(ANY, types=frozenset({MARKET, LIMIT, STOP})),
            "This broker takes no trailing-stop orders.",
        ),
        (
            intent(bracket=exits("", "90")),
            replace(ANY, tifs=frozenset({TimeInForce.DAY})),
            "This broker takes no GTC orders: the exits of a bracket are.",
        ),
    ],
)
def test_what_the_broker_cannot_do_is_refused_before_anything_is_sent(wish: Intent, can: Capabilities, sentence: str) -> None:
    assert refusal(wish, can) == sentence


@pytest.mark.parametrize(("lot", "quantity"), [("1", "19"), ("0.001", "19.801"), ("10", "10")])
def test_a_notional_is_turned_into_as_many_lots_as_it_pays_for(lot: str, quantity: str) -> None:
    wish = intent(quantity="0", notional="2000")
    normal, verdict = normal_form(wish, Instrument("AAPL", lot=D(lot)), ANY, D(101))
    assert (normal.quantity, normal.notional, verdict) == (D(quantity), None, None)


def test_a_notional_without_a_price_is_no_number_of_shares() -> None:
    assert refusal(intent(quantity="0", notional="100"), market=None) == "AAPL has no price yet, so 100 of it is no number of shares."
