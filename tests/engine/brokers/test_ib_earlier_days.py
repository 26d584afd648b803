"""What an order filled and paid on earlier days, of which TWS tells no executions and no fees any more: no restart loses or doubles it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.brokers.ib.facts import FeeTold
from engine.brokers.ib.ledger import Ledger
from engine.live import Engine
from engine.model.orders import Intent, OrderState, OrderType, Side, TimeInForce
from engine.model.views import View
from tests.engine.brokers.ib_engine import agree, is_in, soon, trading
from tests.engine.brokers.test_ib_ledger import OURS, executed, status, told
from tests.engine.core.floor import facts
from tests.engine.engines import order_of, said, until
from tests.servers.tws.driver import TwsProcess

D = Decimal
__all__ = ["soon"]


def begun(engine: Engine, tws: TwsProcess) -> str:
    """An order that works until it is cancelled, of which 400 are filled and paid for."""
    engine.submit(Intent("AAPL", Side.BUY, D(1000), OrderType.LIMIT, D(90), tif=TimeInForce.GTC))
    order = order_of(until(engine, is_in(1, OrderState.WORKING)), 1).id
    traded(engine, tws, order, "fill", 400, 90)
    return order


def traded(engine: Engine, tws: TwsProcess, order: str, how: str, shares: int, price: int) -> View:
    """TWS fills or corrects it, and all of it is in the books."""
    tws.do(f"{how} {order} {shares} {price}")
    return pays(engine, tws, order)


def pays(engine: Engine, tws: TwsProcess, order_id: str) -> View:
    """Waits until shares and fees are TWS's own, of the order's whole life, and cash and position with them."""
    until(engine, lambda view: paid(view) == there(tws, order_id))
    for _ in range(2):
        engine.answer(engine.sync())
    view = agree(engine, tws)
    assert paid(view) == there(tws, order_id)
    assert not said(view, "no trade explains it")
    return view


def paid(view: View) -> tuple[Decimal, Decimal]:
    """Shares and fees of the one order there is."""
    return order_of(view, 1).filled, sum((row.fees for row in view.exposure_by_symbol), D(0))


def there(tws: TwsProcess, order_id: str) -> tuple[Decimal, Decimal]:
    row: dict[str, Any] = tws.order(order_id)
    return D(row["filled"]), D(row["fees"])


def test_fees_of_an_earlier_day_are_kept_by_a_restart_and_those_of_today_are_added_to_them(tmp_path: Path) -> None:
    with TwsProcess() as tws:
        with trading(tmp_path, tws, on_exit="keep") as engine:
            order = begun(engine, tws)
        tws.do("midnight")
        with trading(tmp_path, tws, on_exit="keep") as engine:
            pays(engine, tws, order)
            traded(engine, tws, order, "fill", 300, 89)
            tws.do("away")
            tws.do(f"fill {order} 100 89 silent")
            tws.do("back")
            pays(engine, tws, order)
        with trading(tmp_path, tws, on_exit="keep") as engine:
            pays(engine, tws, order)
            traded(engine, tws, order, "correct", 60, 88)
        tws.do("midnight")
        with trading(tmp_path, tws) as engine:
            pays(engine, tws, order)
            assert order_of(traded(engine, tws, order, "fill", 240, 90), 1).state is OrderState.FILLED


def test_a_fee_that_was_lost_before_a_restart_is_added_once_to_those_of_an_earlier_day(tmp_path: Path) -> None:
    with TwsProcess() as tws:
        with trading(tmp_path, tws, on_exit="keep") as engine:
            order = begun(engine, tws)
            tws.do("midnight")
            tws.do("arm commission drop")
            tws.do(f"fill {order} 300 89")
            until(engine, lambda view: order_of(view, 1).filled == 700)
            assert paid(engine.view())[1] < there(tws, order)[1]
        with trading(tmp_path, tws) as engine:
            pays(engine, tws, order)


def test_a_correction_while_nobody_was_connected_is_booked_with_its_fee_after_the_restart(tmp_path: Path) -> None:
    with TwsProcess() as tws:
        with trading(tmp_path, tws, on_exit="keep") as engine:
            order = begun(engine, tws)
            tws.do("midnight")
            traded(engine, tws, order, "fill", 300, 89)
        tws.do(f"correct {order} 250 88")
        with trading(tmp_path, tws) as engine:
            pays(engine, tws, order)


# ---- by the ledger alone


@pytest.mark.parametrize("booked", [[(D(6), D(3)), (D(2), D(1))], [(D(8), D(4))]])
def test_fees_that_the_books_have_and_tws_tells_again_count_once(booked: list[tuple[Decimal, Decimal]]) -> None:
    ledger = Ledger({OURS: booked})
    entry = ledger.on_order(told())
    ledger.on_status(status("Submitted", 8, "89.25"))
    assert facts(entry.figures()) == ((8, 714, 4),)
    ledger.on_execution(executed("b.01", 2, 90, before=6, before_at=89))
    assert facts(entry.figures()) == ((8, 714, 4),)
    ledger.on_fee(FeeTold("b.01", D(1)))
    assert facts(entry.figures()) == ((8, 714, 4),)
    ledger.on_execution(executed("c.01", 2, 90, before=8, before_at="89.25"))
    ledger.on_fee(FeeTold("c.01", D(2)))
    assert facts(entry.figures()) == ((10, 894, 6),)


def test_until_the_fee_of_a_correction_is_told_that_of_what_it_corrects_stands() -> None:
    ledger = Ledger()
    entry = ledger.on_order(told())
    ledger.on_execution(executed("x.a.01.01", 10, 90))
    ledger.on_fee(FeeTold("x.a.01.01", D(2)))
    ledger.on_execution(executed("x.a.01.02", 8, 90))
    assert facts(entry.figures()) == ((8, 720, 2),)
    ledger.on_fee(FeeTold("x.a.01.02", D(1)))
    ledger.on_fee(FeeTold("x.a.01.01", D(2)))
    assert facts(entry.figures()) == ((8, 720, 1),)
