"""What a symbol is at IB is asked before an order goes out: where it is no one stock in dollars, nothing is sent, and words say why."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model.order_states import OrderEvent
from engine.model.orders import Side
from tests.engine.brokers.ib_rig import ib_rig

D = Decimal


@pytest.mark.parametrize(
    ("symbol", "words"),
    [
        ("TWO", "IB knows several stocks TWO: TWO at NYSE, TWO at AMEX. It cannot be told which is meant"),
        ("SAP", "IB knows SAP in CAD, EUR and not in USD, in which alone is traded here"),
        ("ZZZZ", "IB knows no stock ZZZZ in USD: look up how it spells it, and whether it is listed"),
        ("GONE", "IB knows no stock GONE in USD: look up how it spells it, and whether it is listed"),
        ("BRK B", "IB knows no stock BRK B by that name here: write BRK.B, with a dot for its blank"),
    ],
)
async def test_what_is_no_one_stock_is_refused_in_words_and_never_sent(symbol: str, words: str) -> None:
    async with ib_rig() as rig:
        for _ in range(2):
            order = rig.order(symbol=symbol)
            await rig.broker.submit(order)
            assert (await rig.told(order, OrderEvent.REJECT)).reason == words
        assert rig.tws.orders() == []
        assert "submit" not in rig.tws.do("book")["asked"]


async def test_a_symbol_with_a_dot_is_ibs_with_a_blank() -> None:
    async with ib_rig() as rig:
        order = rig.order(symbol="BRK.B")
        await rig.broker.submit(order)
        await rig.told(order, OrderEvent.FILL_ALL)
        assert [row["symbol"] for row in rig.tws.orders()] == ["BRK B"]
        assert [symbol for symbol, *_ in (await rig.snapshot()).positions] == ["BRK.B"]


async def test_what_is_held_of_a_stock_that_is_listed_no_more_is_in_the_books_and_its_exit_says_why_it_cannot_go() -> None:
    async with ib_rig() as rig:
        await rig.do("place 99 BUY 10 GONE MKT 5 theirs")
        assert [(symbol, quantity) for symbol, quantity, _ in (await rig.snapshot()).positions] == [("GONE", D(10))]
        order = rig.order(symbol="GONE", side=Side.SELL)
        await rig.broker.submit(order)
        assert "whether it is listed" in (await rig.told(order, OrderEvent.REJECT)).reason


async def test_where_the_question_for_other_currencies_fails_the_order_is_refused_all_the_same() -> None:
    async with ib_rig() as rig:
        await rig.do("arm details 162 2 1 : pacing violation")
        order = rig.order(symbol="SAP")
        await rig.broker.submit(order)
        assert "IB knows no stock SAP in USD" in (await rig.told(order, OrderEvent.REJECT)).reason
