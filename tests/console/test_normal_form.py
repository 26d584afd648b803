"""Every order that can be sent has a normal form, and the order line reads that as the very same order."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.meanings import Context, Known, Parsed, PlaceOrder, normal_form
from console.order_line import parse
from engine.core.normal_form import normal_form as at_the_gate
from engine.model import Intent, OrderType, Side, TimeInForce
from engine.model.capabilities import Capabilities
from engine.model.market import Instrument
from engine.model.orders import Bracket, Exit

CENT = Decimal("0.01")
SYMBOLS = ("AAPL", "BRK.B", "ALL", "DAY", "CLS", "OPEN", "TP", "STOP", "CANCEL")
KNOWN = Known(bid=187.51, ask=187.53, last=187.52, fraction=Decimal("0.0001"))
CONTEXT = Context(symbols=dict.fromkeys(SYMBOLS, KNOWN))
MARKET = Decimal("187.53")


def prices(least: str = "0.01", most: str = "9999") -> st.SearchStrategy[Decimal]:
    return st.decimals(least, most, places=2)


per_cents = st.decimals("0.01", "99.99", places=2)


@st.composite
def exits(draw: st.DrawFn, entry: Decimal, side: Side) -> Bracket | None:
    def leave(*, profit: bool) -> Exit:
        above = (side is Side.BUY) == profit
        kinds = ["price", "pct"] if profit else ["price", "pct", "trail", "trail_pct"]
        match draw(st.sampled_from(kinds)):
            case "price":
                return Exit(price=draw(prices(str(entry + CENT), str(entry + 500)) if above else prices("0.01", str(entry - CENT))))
            case "pct":
                return Exit(pct=draw(per_cents))
            case "trail":
                return Exit(trail=draw(prices()))
            case _:
                return Exit(trail_pct=draw(per_cents))

    which = draw(st.sampled_from(["none", "profit", "loss", "both"]))
    if which == "none":
        return None
    return Bracket(leave(profit=True) if which in ("profit", "both") else None, leave(profit=False) if which in ("loss", "both") else None)


@st.composite
def intents(draw: st.DrawFn) -> Intent:
    """Any order that the gate finds nothing wrong with, of every type and with every property."""
    side, kind = draw(st.sampled_from(Side)), draw(st.sampled_from(OrderType))
    limit = draw(prices("1")) if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None
    stop = draw(prices("1")) if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None
    trails = draw(st.sampled_from(["trail", "trail_pct"])) if kind is OrderType.TRAILING_STOP else ""
    simple = kind in (OrderType.MARKET, OrderType.LIMIT)
    tif = draw(st.sampled_from(TimeInForce if simple else (TimeInForce.DAY, TimeInForce.GTC)))
    reduce = draw(st.booleans())
    bracket = None if reduce else draw(exits(limit or stop or MARKET, side))
    in_parts = simple and tif is TimeInForce.DAY and bracket is None
    notional = draw(st.none() | st.decimals("20000", "90000000", places=2))
    quantity = draw(st.decimals("0.0001", "999999", places=4) if in_parts else st.integers(1, 999_999).map(Decimal))
    return Intent(
        symbol=draw(st.sampled_from(SYMBOLS)),
        side=side,
        quantity=Decimal(0) if notional is not None else quantity,
        type=kind,
        limit=limit,
        stop=stop,
        tif=tif,
        reduce_only=reduce,
        trail=draw(prices()) if trails == "trail" else None,
        trail_pct=draw(per_cents) if trails == "trail_pct" else None,
        notional=notional,
        extended_hours=kind is OrderType.LIMIT and tif is TimeInForce.DAY and draw(st.booleans()),
        bracket=bracket,
    )


@given(intents())
@settings(max_examples=1_000, deadline=None)
def test_the_normal_form_of_every_order_is_a_line_that_means_that_order(intent: Intent) -> None:
    instrument = Instrument(intent.symbol, lot=Decimal("0.0001"))
    complaint = at_the_gate(intent, instrument, Capabilities(extended_hours=True, fraction=Decimal("0.0001")), MARKET)[1]
    assert complaint is None, complaint
    written = normal_form(intent)
    found = parse(written, CONTEXT)
    assert isinstance(found, Parsed), (written, found)
    assert found.meaning == PlaceOrder(intent), written
    assert found.normal == written


@pytest.mark.parametrize(
    ("intent", "written"),
    [
        (Intent("AAPL", Side.BUY, Decimal(0), notional=Decimal("500.50")), "BUY $500.5 AAPL market DAY"),
        (
            Intent("AAPL", Side.SELL, Decimal(5), OrderType.STOP_LIMIT, limit=Decimal("183.50"), stop=Decimal("184.00")),
            "SELL 5 AAPL stop 184.00 limit 183.50 DAY",
        ),
        (
            Intent("CLS", Side.SELL, Decimal(5), OrderType.TRAILING_STOP, trail_pct=Decimal("1.50"), reduce_only=True),
            "SELL 5 $CLS trail 1.5% DAY reduce",
        ),
        (
            Intent(
                "AAPL",
                Side.SELL,
                Decimal(5),
                OrderType.LIMIT,
                limit=Decimal("190.00"),
                extended_hours=True,
                bracket=Bracket(Exit(pct=Decimal(4)), Exit(trail=Decimal("2.50"))),
            ),
            "SELL 5 AAPL limit 190.00 DAY ext tp -4% sl trail 2.50",
        ),
    ],
)
def test_an_order_is_written_out_in_one_way(intent: Intent, written: str) -> None:
    assert normal_form(intent) == written
