"""A position at average cost: the one place where fills become quantity, cost and profit, for the portfolio and for the history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from engine.model.money import ZERO
from engine.model.orders import Fill, Side

_DUST = Decimal("1e-10")
"""A share of a cost is rounded to this once, so that what leaves one side arrives on the other to the last digit."""


@dataclass(frozen=True, slots=True)
class AverageCost:
    """What is held of one symbol, exact. `quantity` is signed, `basis` the signed money it was bought (or sold short) for without fees,
    `realised` the profit taken so far less all `fees`.
    """

    quantity: Decimal = ZERO
    basis: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO

    @property
    def average(self) -> Decimal:
        return self.basis / self.quantity if self.quantity else ZERO

    def booked(self, fill: Fill) -> AverageCost:
        """After `fill`. Adding moves the average; reducing realises; through zero closes what was held and opens the rest."""
        moved = fill.side.sign * fill.quantity
        money = fill.side.sign * fill.cost
        realised = self.realised - fill.fees
        basis = self.basis + money
        if self.quantity and (self.quantity > 0) != (moved > 0):
            closing = min(abs(moved), abs(self.quantity))
            released = _share(self.basis, closing, abs(self.quantity))
            proceeds = _share(money, closing, abs(moved))
            realised -= proceeds + released
            basis -= proceeds + released
        return AverageCost(self.quantity + moved, basis, realised, self.fees + fill.fees)

    def corrected(self, side: Side, quantity: Decimal, cost: Decimal, fees: Decimal) -> AverageCost:
        """After a broker changed what it had told of a fill on `side` by these differences. What is still held of it carries them in its
        basis; where nothing of it is held any more they are realised."""
        change, money = side.sign * quantity, side.sign * cost
        held = self.quantity + change
        realised = self.realised - fees
        if held and (held > 0) == (side.sign > 0):
            return AverageCost(held, self.basis + money, realised, self.fees + fees)
        basis = held * self.average
        return AverageCost(held, basis, realised - (self.basis + money - basis), self.fees + fees)

    def split(self, quantity: Decimal, cash: Decimal) -> AverageCost:
        """After a split that left `quantity` and paid `cash` for the fraction of a share."""
        if not quantity:
            return replace(self, quantity=quantity, basis=ZERO, realised=self.realised + cash - self.basis)
        return replace(self, quantity=quantity, basis=self.basis - cash)

    def paid(self, cash: Decimal) -> AverageCost:
        """After a dividend."""
        return replace(self, realised=self.realised + cash)

    def adopted(self, change: Decimal, average: Decimal) -> AverageCost:
        """After taking over `change` (signed) that was traded elsewhere at `average`."""
        quantity = self.quantity + change
        basis = self.basis + change * average
        if quantity:
            return replace(self, quantity=quantity, basis=basis)
        return replace(self, quantity=quantity, basis=ZERO, realised=self.realised - basis)


NOTHING: Final = AverageCost()


def _share(money: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """What `part` of `whole` is of `money`."""
    return money if part == whole else (money * part / whole).quantize(_DUST)
