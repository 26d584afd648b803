"""What is money in the books: fees once they are known, and dollars alone, whatever else the account is kept in."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.brokers.ib import hearing
from engine.brokers.ib.broker import IbBroker
from engine.brokers.ib.config import IbConfig
from engine.live import Engine
from engine.model.orders import OrderState, Side
from engine.model.views import View
from tests.engine.brokers.ib_engine import agree, is_in, soon, there, trading, until_problem
from tests.engine.brokers.ib_rig import at_noon
from tests.engine.engines import make, market, order_of, said, until
from tests.servers.tws.driver import TwsProcess

D = Decimal
__all__ = ["soon"]


def fees(view: View) -> Decimal:
    return sum((row.fees for row in view.exposure_by_symbol), D(0))


def moved_without_a_trade(view: View) -> list[str]:
    return [line.text for line in view.log if "no trade explains it" in line.text]


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


def test_a_fee_that_is_unset_over_comparisons_in_a_row_is_waited_for_and_moves_no_cash(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("fees unset")
        order = bought_without_a_fee(engine, tws)
        for _ in range(4):
            engine.answer(engine.sync())
        assert moved_without_a_trade(engine.status()) == []
        tws.do("fees USD")
        tws.do(f"fee {order}")
        view = agree(engine, tws)
        tws.do("cash 50")
        for _ in range(3):
            engine.answer(engine.sync())
        view = agree(engine, tws)
        assert moved_without_a_trade(view) == ["cash changed by +50.00 without a trade: no trade explains it"]
        assert fees(view) == D(there(tws, view)["fees"]) == D(1)


def test_a_fee_that_is_unset_for_long_moves_cash_to_tws_own_and_counts_once_when_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cash that stays off without a trade is taken for money that went out. The fee that explains it brings it back, and is a cost once."""
    monkeypatch.setattr(hearing, "FEE_S", 0.0)
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("fees unset")
        order = bought_without_a_fee(engine, tws)
        for _ in range(3):
            engine.answer(engine.sync())
        assert fees(agree(engine, tws)) == 0
        assert moved_without_a_trade(engine.status()) == ["cash changed by -1.00 without a trade: no trade explains it"]
        tws.do("fees USD")
        tws.do(f"fee {order}")
        until(engine, lambda view: fees(view) == D(1))
        for _ in range(3):
            engine.answer(engine.sync())
        view = agree(engine, tws)
        assert moved_without_a_trade(view)[1:] == ["cash changed by +1.00 without a trade: no trade explains it"]
        assert fees(view) == D(there(tws, view)["fees"]) == D(1)


def test_a_fee_in_another_currency_is_said_once_and_not_booked_as_dollars(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("fees EUR")
        order = bought_without_a_fee(engine, tws)
        tws.do(f"fee {order}")
        engine.answer(engine.sync())
        view = until(engine, lambda view: said(view, "EUR: it is not in the books, which are in USD"))
        assert fees(view) == 0
        assert sum("EUR: it is not in the books" in line.text for line in view.log) == 1


# ---- an account that is not all in dollars


def test_of_an_account_that_is_kept_in_another_currency_the_dollars_alone_count_and_that_is_said(tmp_path: Path) -> None:
    with TwsProcess() as tws:
        for line in ("kept EUR", "has 500000 EUR", "cash -998000"):
            tws.do(line)
        with trading(tmp_path, tws) as engine:
            view = agree(engine, tws)
            assert (view.account.cash, view.account.equity) == (D(2000), D(2000))
            assert said(view, "Account DU1234567 is kept in EUR and has 500,000.00 EUR: its dollars alone, 2,000.00 now, are traded")
            refused = engine.answer(engine.submit(market(30)))
            assert not refused.ok
            assert "of equity (2,000.00). 19 would pass" in refused.text
            engine.submit(market(10))
            until(engine, is_in(1, OrderState.FILLED))
            view = agree(engine, tws)
            assert sum("is kept in EUR" in line.text for line in view.log) == 1


def test_an_account_without_a_dollar_starts_with_none_and_may_sell_what_it_has(tmp_path: Path) -> None:
    with TwsProcess() as tws:
        tws.do("place 99 BUY 10 AAPL MKT 100 theirs")
        for line in ("kept EUR", "has 500000 EUR", f"cash {-tws.cash}"):
            tws.do(line)
        with trading(tmp_path, tws) as engine:
            view = agree(engine, tws)
            assert view.account.cash == 0
            refused = engine.answer(engine.submit(market(1, "MSFT")))
            assert not refused.ok
            engine.submit(market(10, side=Side.SELL))
            until(engine, is_in(1, OrderState.FILLED))
            agree(engine, tws)


def test_an_account_of_which_no_dollars_are_told_does_not_trade_and_says_so(tmp_path: Path) -> None:
    """As where TWS tells its total alone: a million euros are no million dollars."""
    with TwsProcess() as tws:
        tws.do("kept EUR")
        tws.do("ledgers off")
        engine = make(tmp_path, IbBroker(IbConfig(port=tws.port, client_id=7), at_noon))
        engine.start()
        try:
            until_problem(engine, "TWS told no cash of DU1234567 in USD, and keeps it in EUR: nothing else is traded here")
            tws.do("ledgers on")
            assert engine.wait_ready().account.cash == tws.cash
        finally:
            engine.shutdown()


def test_money_in_another_currency_beside_dollars_is_said_and_not_counted(tmp_path: Path) -> None:
    with TwsProcess() as tws:
        tws.do("has 700 EUR")
        with trading(tmp_path, tws) as engine:
            view = agree(engine, tws)
            assert view.account.cash == D(1_000_000)
            assert said(view, "is kept in USD and has 700.00 EUR: its dollars alone, 1,000,000.00 now")
