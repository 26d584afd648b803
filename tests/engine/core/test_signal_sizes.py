"""How large a signal is that names no quantity."""

from __future__ import annotations

from msgspec.structs import replace

from engine.model.modes import Mode
from engine.model.orders import Side
from tests.engine.core.floor import OPEN_LIMITS, facts
from tests.engine.core.signal_floor import floor


def test_a_buy_without_a_quantity_is_sized_by_equity_and_strength() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.propose("s", strength=0.5)
    assert the_floor.sent[0].quantity == 25


def test_a_buy_is_sized_to_the_target_less_what_is_held_or_works() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.hold(20, 100)
    the_floor.buy(10, limit=90)
    the_floor.propose("s1")
    assert the_floor.last_order.quantity == 20
    the_floor.propose("s2")
    assert "s2" not in the_floor.core.state.approvals.cases


def test_a_sale_without_a_quantity_sells_what_is_held_and_free() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.hold(20, 100)
    the_floor.sell(5, limit=120)
    the_floor.propose("s", Side.SELL, strength=0.1)
    assert facts(the_floor.last_order.side, the_floor.last_order.requested) == (Side.SELL, 15)


def test_a_sale_of_nothing_is_no_signal() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.propose("s", Side.SELL)
    assert the_floor.core.state.approvals.cases == {}


def test_with_short_selling_a_sale_aims_at_the_target_below_zero() -> None:
    the_floor = floor(Mode.FULL_AUTO, limits=replace(OPEN_LIMITS, short_selling=True))
    the_floor.hold(20, 100)
    the_floor.propose("s", Side.SELL)
    assert the_floor.last_order.quantity == 70
