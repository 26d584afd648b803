"""What is money in the books: fees once they are known, and dollars alone, whatever else the account is kept in."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from engine.live import Engine
from engine.model.orders import OrderState
from engine.model.views import View
from tests.engine.brokers.ib_engine import agree, is_in, soon, there, trading
from tests.engine.engines import market, order_of, said, until
from tests.servers.tws.driver import TwsProcess

D = Decimal
__all__ = ["soon"]


def fees(view: View) -> Decimal:
    return sum((row.fees for row in view.exposure_by_symbol), D(0))


def bought_without_a_fee(engine: Engine, tws: TwsProcess) -> str:
    """Ten shares, for whose price alone cash went down; the order's id."""
    before = tws.cash
    engine.submit(market())
    view = until(engine, is_in(1, OrderState.FILLED))
    row = there(tws, view)
    assert (fees(view), before - view.account.cash) == (D(0), D(row["cost"]))
    assert D(row["fees"]) > 0
    return order_of(view, 1).id


def test_a_fee_that_tws_leaves_unset_is_none_and_booked_once_when_it_is_told(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("fees unset")
        order = bought_without_a_fee(engine, tws)
        tws.do(f"fee {order}")
        engine.answer(engine.sync())
        view = engine.status()
        assert (fees(view), view.positions[0].realised) == (D(0), D(0))
        assert not said(view, "not understood")
        tws.do("fees USD")
        for _ in range(2):
            tws.do(f"fee {order}")
        view = agree(engine, tws)
        assert fees(view) == D(there(tws, view)["fees"])
        tws.do("cut")
        assert fees(agree(engine, tws)) == D(there(tws, view)["fees"])
        assert not said(engine.status(), "no trade explains it")


def test_a_fee_in_another_currency_is_said_once_and_not_booked_as_dollars(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("fees EUR")
        order = bought_without_a_fee(engine, tws)
        tws.do(f"fee {order}")
        engine.answer(engine.sync())
        view = until(engine, lambda view: said(view, "EUR: it is not in the books, which are in USD"))
        assert fees(view) == 0
        assert sum("EUR: it is not in the books" in line.text for line in view.log) == 1
