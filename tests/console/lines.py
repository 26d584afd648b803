"""What the tests of the order line read their lines against, and words to make lines of."""

from __future__ import annotations

from decimal import Decimal

from console.meanings import Context, Known, Parsed, ParseError
from console.order_line import parse
from engine.model import OrderType
from tests.views import order

CONTEXT = Context(
    symbols={
        "AAPL": Known(bid=187.51, ask=187.53, last=187.52, position=Decimal(101)),
        "MSFT": Known(bid=402.08, ask=402.12, last=402.10),
        "IBM": Known(bid=184.31, ask=184.36, last=184.33, position=Decimal(-200)),
        "ALL": Known(last=190.0),
        "DAY": Known(bid=59.9, ask=60.1, last=60.0),
        "NEW": Known(),
        "ES": Known(tick=Decimal("0.25"), bid=5000.25, ask=5000.5, last=5000.5),
        "BRK.B": Known(bid=480.0, ask=480.2, last=480.1),
    },
    working={
        12: order(12),
        14: order(14, type=OrderType.TRAILING_STOP, limit=None, stop=Decimal("184.00"), trail_pct=Decimal(2), filled=Decimal(30)),
        15: order(15, oco="g"),
        16: order(16, type=OrderType.STOP_LIMIT, stop=Decimal("184.00"), limit=Decimal("183.00"), symbol="ES", tick=Decimal("0.25")),
    },
    equity=Decimal(100_000),
)
VOCABULARY = """
oco replace sync kill #14 #16
buy sell close cancel flatten mode preview BUY SELL DAY GTC day gtc all half reduce mkt market limit stop bid ask last
50% 100 1,000 0.5 $5k $2.5m $1 @ @187.50 @bid+0.02 187.50 402.05 -5 1e9 ² ١٢ * #12 #99 # % $ . ,
AAPL MSFT IBM $ALL ALL DAY $DAY ES aapl tp sl trail risk ext ioc fok opg open cls CLS +4% -2% 1.5% semi FULL_AUTO 🚀 \x1b[2J
"""


def read(text: str) -> Parsed | ParseError:
    return parse(text, CONTEXT)
