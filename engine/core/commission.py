"""What an order pays its broker. A model sees the whole order so far, so that one filled in parts pays its minimum once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from engine.model.money import HUNDRED, cents


class Commission(Protocol):
    """A commission model."""

    def __call__(self, quantity: Decimal, cost: Decimal) -> Decimal:
        """What an order owes in all, to the cent, after trading `quantity` shares for `cost` (the sum of price x quantity)."""


def fixed(rate: Decimal) -> Commission:
    """`rate` an order, whatever its size."""

    def owed(quantity: Decimal, cost: Decimal) -> Decimal:
        return cents(rate)

    return owed


def per_cent(rate: Decimal, minimum: Decimal, maximum_pct: Decimal) -> Commission:
    """`rate` per cent of the traded value."""
    part, most = rate / HUNDRED, maximum_pct / HUNDRED

    def owed(quantity: Decimal, cost: Decimal) -> Decimal:
        return _bounded(cost * part, cost * most, minimum)

    return owed


def tiered(rate: Decimal, tiers: Sequence[tuple[Decimal, Decimal]], minimum: Decimal, maximum_pct: Decimal) -> Commission:
    """`rate` a share, and from each tier (shares, rate) on that tier's rate for the shares beyond it.

    Without tiers it is a rate per share. At Interactive Brokers (US stocks, fixed pricing) it is 0.005 a share, at least 1.00 an order
    and at most 1 % of the value, and there, as here, the maximum wins over the minimum.
    """
    steps = [(Decimal(0), rate), *sorted(tiers)]
    most = maximum_pct / HUNDRED

    def owed(quantity: Decimal, cost: Decimal) -> Decimal:
        ends = [above for above, _ in steps[1:]] + [quantity]
        charged = sum(
            ((min(quantity, end) - above) * each for (above, each), end in zip(steps, ends, strict=True) if quantity > above), Decimal(0)
        )
        return _bounded(charged, cost * most, minimum)

    return owed


def _bounded(charged: Decimal, most: Decimal, minimum: Decimal) -> Decimal:
    if charged < minimum:
        charged = minimum
    return cents(most if charged > most else charged)
