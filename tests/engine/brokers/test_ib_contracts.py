"""What a symbol is at IB is asked before an order goes out: where it is no one stock in dollars, nothing is sent, and words say why."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model.order_states import OrderEvent
from engine.model.orders import Side
from tests.engine.brokers.ib_rig import IbRig, ib_rig

D = Decimal
LONDON = 5443


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


# ---- what is held is another stock than its symbol means


async def held_elsewhere(rig: IbRig, quantity: int = 10) -> None:
    """ARB at London, priced in dollars, which IB's own routing does not take; the ARB that it takes is one of New York."""
    await rig.do(f"place 99 BUY {quantity} ARB@LSE MKT 70 theirs")
    assert [(symbol, held) for symbol, held, _ in (await rig.snapshot()).positions] == [("ARB", D(quantity))]


async def test_what_is_held_of_another_stock_with_the_same_symbol_is_closed_as_what_it_is() -> None:
    async with ib_rig() as rig:
        await held_elsewhere(rig)
        order = rig.order(symbol="ARB", side=Side.SELL)
        await rig.broker.submit(order)
        await rig.told(order, OrderEvent.FILL_ALL)
        assert rig.tws.positions == {}
        assert rig.tws.orders()[-1]["con_id"] == LONDON


async def test_a_short_position_in_another_stock_with_the_same_symbol_is_bought_back_as_what_it_is() -> None:
    async with ib_rig() as rig:
        await rig.do("place 99 SELL 10 ARB@LSE MKT 70 theirs")
        await rig.snapshot()
        order = rig.order(symbol="ARB", side=Side.BUY)
        await rig.broker.submit(order)
        await rig.told(order, OrderEvent.FILL_ALL)
        assert rig.tws.positions == {}


@pytest.mark.parametrize(("side", "quantity"), [(Side.BUY, 10), (Side.SELL, 11)])
async def test_nothing_else_is_traded_by_the_name_of_a_held_stock_that_means_another(side: Side, quantity: int) -> None:
    async with ib_rig() as rig:
        await held_elsewhere(rig)
        order = rig.order(side, quantity, symbol="ARB")
        await rig.broker.submit(order)
        assert (await rig.told(order, OrderEvent.REJECT)).reason == (
            "The ARB that is held is the one at LSE, another stock than ARB at NYSE: it can be closed here, and nothing else is traded by "
            "that name until then"
        )
        assert rig.tws.positions == {"ARB@LSE": D(10)}


async def test_once_it_is_sold_the_symbol_is_the_one_that_it_means_again() -> None:
    """Also where the sale was not compared yet."""
    async with ib_rig() as rig:
        await held_elsewhere(rig)
        await rig.do("place 99 SELL 10 ARB@LSE MKT 70 theirs2")
        order = rig.order(symbol="ARB")
        await rig.broker.submit(order)
        await rig.told(order, OrderEvent.FILL_ALL)
        assert rig.tws.positions == {"ARB": D(10)}


async def test_a_held_stock_whose_price_is_another_ones_is_said_once() -> None:
    async with ib_rig() as rig:
        await held_elsewhere(rig)
        words = "The ARB that is held is the one at LSE, another stock than ARB at NYSE, whose price is shown and counted here"
        await rig.until(lambda: any(words in note for note in rig.notes))
        await rig.snapshot()
        await rig.snapshot()
        assert sum(words in note for note in rig.notes) == 1


async def test_of_two_stocks_of_one_symbol_the_one_that_it_means_is_in_the_books_and_the_other_is_named() -> None:
    async with ib_rig() as rig:
        for each, quantity in (("ARB@LSE", 3), ("ARB", 5)):
            await rig.do(f"place 99 BUY {quantity} {each} MKT 70 {each}")
        for _ in range(2):
            assert [(symbol, held) for symbol, held, _ in (await rig.snapshot()).positions] == [("ARB", D(5))]
        assert sum("ARB (STK, USD) beside another stock of that name at IB is not followed" in note for note in rig.notes) == 1
        order = rig.order(Side.SELL, 5, symbol="ARB")
        await rig.broker.submit(order)
        await rig.told(order, OrderEvent.FILL_ALL)
        assert rig.tws.positions == {"ARB@LSE": D(3)}


async def test_what_is_held_of_a_symbol_that_means_several_stocks_is_closed_and_no_more_is_bought() -> None:
    async with ib_rig() as rig:
        await rig.do("place 99 BUY 10 TWO@AMEX MKT 60 theirs")
        await rig.snapshot()
        bought = rig.order(symbol="TWO")
        await rig.broker.submit(bought)
        assert "IB knows several stocks TWO" in (await rig.told(bought, OrderEvent.REJECT)).reason
        sold = rig.order(Side.SELL, symbol="TWO")
        await rig.broker.submit(sold)
        await rig.told(sold, OrderEvent.FILL_ALL)
        assert rig.tws.positions == {}


async def test_a_stock_that_is_what_its_symbol_means_is_closed_without_another_question() -> None:
    async with ib_rig() as rig:
        bought = rig.order()
        await rig.broker.submit(bought)
        await rig.told(bought, OrderEvent.FILL_ALL)
        await rig.snapshot()
        asked = rig.tws.do("book")["asked"]
        sold = rig.order(Side.SELL)
        await rig.broker.submit(sold)
        await rig.told(sold, OrderEvent.FILL_ALL)
        now = rig.tws.do("book")["asked"]
        assert (now.get("positions"), now.get("details")) == (asked.get("positions"), asked.get("details"))
