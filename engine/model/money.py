"""The one crossing between exact money and market data.

Orders, fills, cash and positions are `Decimal`; quotes, bars and indicators are floats. A float never meets a Decimal in a comparison:
`187.49 <= Decimal("187.49")` is False, because the float is a hair above the decimal. So a price becomes a float once, on the way into
matching, and comes back by its shortest representation, on the way out.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from typing import Final

ZERO = Decimal(0)
CENT = Decimal("0.01")
HUNDRED = Decimal(100)
_ONE = Decimal(1)
LARGEST = Decimal(10) ** 12
SMALLEST = Decimal("1e-12")
"""No price and no quantity is larger or smaller; a longer number is a slip or malice, and would overflow what is computed from it."""


WIDE: Final = Context(prec=64)
"""For sums and shares that must not lose a digit: the usual 28 are too few where a price has 17 and a total 12 before the point."""


LEAST_PRICE: Final = 1e-6
MOST_PRICE: Final = 1e12


def is_price(value: float) -> bool:
    """Whether market data may count as a price: a NaN, a zero and what no market ever showed may not."""
    return LEAST_PRICE <= value <= MOST_PRICE


def is_amount(value: Decimal) -> bool:
    """Whether an order's price or quantity is one: finite, above zero, and of a size that can be computed with and printed."""
    return value.is_finite() and SMALLEST <= value <= LARGEST


def exact(price: float) -> Decimal:
    """The decimal a person would read off this float: 187.49, not 187.490000000000009094947."""
    return Decimal(repr(price))


def after_split(price: float, ratio: Decimal) -> float:
    """What one share costs where `ratio` shares have taken one's place."""
    return float(exact(price) / ratio)


def after_dividend(price: float, amount: Decimal) -> float:
    """What a share costs without a dividend of `amount` that it carried until now. One that would leave nothing is no dividend on it."""
    left = exact(price) - amount
    return float(left) if left > 0 else price


def to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """`price` on the nearest multiple of `tick`, ties to even."""
    return (price / tick).quantize(Decimal(1), rounding=ROUND_HALF_EVEN) * tick


def to_lot(quantity: Decimal, lot: Decimal) -> Decimal:
    """`quantity` cut down to a whole number of lots; never rounded up, for nobody asked to trade more. No more decimals than it needs."""
    whole = (quantity / lot).quantize(_ONE, rounding=ROUND_DOWN) * lot
    if lot >= _ONE:
        return whole
    return whole.quantize(_ONE) if whole == whole.to_integral_value() else whole.normalize()


def cents(amount: Decimal) -> Decimal:
    """An amount of money to the cent, ties to even."""
    return amount.quantize(CENT, ROUND_HALF_EVEN)
