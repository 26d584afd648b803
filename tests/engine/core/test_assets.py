"""How the broker trades a symbol, where it told: what it would refuse is refused here, exits go out, and the unknown denies nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core.risk.rules import Rule
from engine.model.inputs import AssetTold, Proposal
from engine.model.modes import Mode
from engine.model.orders import Intent, Side
from engine.model.records import Noted, SignalRaised
from engine.model.verdicts import Outcome
from tests.engine.core.floor import OPEN_LIMITS, Floor, settings, wish

D = Decimal
CLOSED = AssetTold("AAPL", "AAPL is not tradable at Alpaca")
WHOLE = AssetTold("AAPL", fractionable=False)
NOT_LENT = AssetTold("AAPL", shortable=False)


def floor(*, short_selling: bool = True) -> Floor:
    the_floor = Floor(
        settings(limits=replace(OPEN_LIMITS, short_selling=short_selling)), mode=Mode.FULL_AUTO, prices={"AAPL": 100, "MSFT": 100}
    )
    assert the_floor.core.gate.capabilities.fraction
    return the_floor


def refused(the_floor: Floor, intent: Intent) -> tuple[str, str]:
    sent = len(the_floor.sent)
    reply = the_floor.submit(intent)
    assert reply.verdict is not None
    assert (reply.ok, len(the_floor.sent)) == (False, sent)
    return str(reply.verdict.rule), reply.text


def test_of_what_nobody_told_nothing_is_held_against_an_order() -> None:
    the_floor = floor()
    the_floor.handle(AssetTold("MSFT", "MSFT is not tradable at Alpaca", fractionable=False, shortable=False))
    the_floor.buy("0.5")
    the_floor.quote("AAPL", 100)
    the_floor.sell("10.5")


def test_a_symbol_that_the_broker_does_not_trade_is_not_entered_and_is_left() -> None:
    the_floor = floor()
    the_floor.hold(10, 100)
    the_floor.handle(CLOSED)
    rule, text = refused(the_floor, wish(Side.BUY, 1))
    assert (rule, text) == (
        Rule.BROKER,
        "AAPL is not tradable at Alpaca: no entries in AAPL. Exits go out as the broker takes them.",
    )
    the_floor.sell(10)
    the_floor.buy(1, "MSFT")


def test_that_a_symbol_is_not_traded_is_said_once_and_so_is_its_end() -> None:
    the_floor = floor()
    for _ in range(2):
        the_floor.handle(CLOSED)
    for _ in range(2):
        the_floor.handle(AssetTold("AAPL"))
    assert [(note.level, note.text) for note in the_floor.of(Noted) if note.source == "broker"] == [
        ("WARNING", "AAPL is not tradable at Alpaca: no entries in AAPL; exits go out as the broker takes them"),
        ("INFO", "The broker takes orders in AAPL again"),
    ]
    the_floor.buy(1)


def test_where_no_parts_of_a_share_trade_they_are_refused_or_cut_off() -> None:
    the_floor = floor()
    the_floor.handle(WHOLE)
    rule, text = refused(the_floor, wish(Side.BUY, "0.5"))
    assert (rule, text) == (Rule.LOT_SIZE, "0.5 is less than one lot of 1. The broker trades AAPL in whole shares alone.")
    assert the_floor.submit(wish(Side.BUY, "1.5")).text.endswith("(1.5 cut to whole lots)")
    money = Intent("AAPL", Side.BUY, D(0), notional=D(250))
    assert the_floor.submit(money).ok
    assert [order.quantity for order in the_floor.sent] == [1, 2]


def test_a_strategys_money_is_whole_shares_there() -> None:
    the_floor = floor()
    the_floor.handle(WHOLE)
    the_floor.handle(Proposal("s1", "sma", "AAPL", Side.BUY, D("2.5")))
    assert [order.quantity for order in the_floor.sent] == [2]


def test_a_part_that_is_held_is_closed_all_the_same() -> None:
    the_floor = floor()
    the_floor.buy("10.5")
    the_floor.quote("AAPL", 100)
    the_floor.handle(WHOLE)
    the_floor.sell("10.5")
    the_floor.quote("AAPL", 100)
    assert the_floor.position() == 0


def test_what_the_broker_does_not_lend_is_not_sold_short() -> None:
    the_floor = floor()
    the_floor.hold(4, 100)
    the_floor.handle(NOT_LENT)
    rule, text = refused(the_floor, wish(Side.SELL, 10))
    assert rule == Rule.SHORT_SALE
    assert text == "Selling 10 would be short: 4 AAPL are free to sell, and the broker does not lend it for a short sale. 4 would pass."
    the_floor.sell(4)
    the_floor.buy(1)


def test_a_strategys_short_sale_of_what_is_not_lent_is_cut_to_what_is_held() -> None:
    the_floor = floor()
    the_floor.hold(4, 100)
    the_floor.handle(NOT_LENT)
    the_floor.handle(Proposal("s1", "sma", "AAPL", Side.SELL, D(10)))
    assert the_floor.of(SignalRaised)[-1].verdict.outcome is Outcome.RESIZE
    assert the_floor.sent[-1].quantity == 4


def test_a_short_position_of_what_is_not_lent_any_more_is_bought_back() -> None:
    the_floor = floor()
    the_floor.hold(-4, 100)
    the_floor.handle(NOT_LENT)
    the_floor.buy(4)


@pytest.mark.parametrize("told", [NOT_LENT, AssetTold("AAPL")])
def test_where_the_settings_forbid_short_sales_they_are_what_is_named(told: AssetTold) -> None:
    the_floor = floor(short_selling=False)
    the_floor.handle(told)
    _, text = refused(the_floor, wish(Side.SELL, 1))
    assert text == "Selling 1 would be short: 0 AAPL are free to sell, and limits.short_selling is off."
