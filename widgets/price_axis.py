"""Prices against rows: the scale of a plot, round numbers on it, and labels beside it that never cover each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

LARGEST = 1e15


def is_price(value: float) -> bool:
    """Whether it can stand on an axis: a number, and none so large that the differences of two overflow."""
    return abs(value) < LARGEST


class Scale(Struct, frozen=True):
    """Prices against the rows of a plot, row 0 on top."""

    low: float
    high: float
    rows: int

    def level(self, price: float, parts: int = 2) -> int:
        """Of so many levels a row, the one of this price; the top one is 0, and what lies outside is at the edge."""
        most = parts * self.rows - 1
        level = round((self.high - price) / (self.high - self.low) * most)
        return 0 if level < 0 else most if level > most else level

    def row(self, price: float) -> int:
        return self.level(price) // 2

    def price(self, row: int) -> float:
        """In the middle of a row."""
        return self.high - (self.high - self.low) * (row + 0.5) / self.rows

    def shows(self, price: float) -> bool:
        return self.low <= price <= self.high


def scale_for(low: float, high: float, near: Sequence[float], rows: int, tick: Decimal, margin: int = 0) -> Scale:
    """From `low` to `high`, with room for those prices that are not too far away to be worth flattening everything else for. Above and
    below are `margin` rows more, and one for each of those that are too far away, as long as most rows are left."""
    reach = (high - low) * 0.4
    least, most = low - reach, high + reach
    prices = [price for price in near if least <= price <= most]
    low, high = min([low, *prices]), max([high, *prices])
    above = min(rows // 4, margin + sum(price > most for price in near))
    below = min(rows // 4, margin + sum(price < least for price in near))
    least = max(float(tick) * 4, max(abs(low), abs(high)) * 1e-9)
    if high - low < least:
        middle = (high + low) / 2
        low, high = middle - least / 2, middle + least / 2
    row = (high - low) / (rows - above - below)
    return Scale(low - row * below, high + row * above, rows)


def nice_step(least: float, tick: float) -> float:
    """The smallest 1, 2, 2.5 or 5 times a power of ten that is at least `least` and that the tick's decimals can write."""
    least = max(least, tick, 1e-12)
    power = 10.0 ** math.floor(math.log10(least))
    factors = (1, 2, 2.5, 5, 10) if power >= 10 * tick * (1 - 1e-9) else (1, 2, 5, 10)
    return next(factor * power for factor in factors if factor * power >= least * (1 - 1e-9))


def round_prices(scale: Scale, tick: Decimal) -> list[float]:
    """Round prices on the scale, lowest first, about three rows apart."""
    step = nice_step((scale.high - scale.low) / max(1, scale.rows / 3), float(tick))
    first = math.ceil(scale.low / step)
    prices = ((first + number) * step for number in range(scale.rows + 1))
    return [price for price in prices if price <= scale.high]


def places(prices: Sequence[float], scale: Scale, taken: float) -> list[int | None]:
    """A row for the label of each of `prices`: its own, or the nearest one away from `taken`, which keeps its row. Each row has one label
    and a higher price stands higher; None where the rows have run out."""
    found: list[int | None] = [None] * len(prices)
    middle = scale.row(taken)
    order = sorted(range(len(prices)), key=lambda i: prices[i])
    # Counted away from the price whose row is taken: what is nearest to it comes first, and is left out last.
    above = [i for i in order if prices[i] >= taken][:middle]
    for place, row in zip(above, _apart([middle - scale.row(prices[i]) for i in above], middle), strict=True):
        found[place] = middle - row
    below = [i for i in reversed(order) if prices[i] < taken][: scale.rows - 1 - middle]
    for place, row in zip(below, _apart([scale.row(prices[i]) - middle for i in below], scale.rows - 1 - middle), strict=True):
        found[place] = middle + row
    return found


def _apart(wanted: Sequence[int], most: int) -> list[int]:
    """Rising numbers from 1 to `most`, each as near to the wanted one as those before it and room for those after it allow."""
    rows: list[int] = []
    for number, row in enumerate(wanted):
        least = rows[-1] + 1 if rows else 1
        rows.append(min(max(row, least), most - (len(wanted) - 1 - number)))
    return rows
