"""A position at average cost: the one place where fills become quantity, cost and profit, for the portfolio and for the history.

Whatever happens to a position, `basis - realised` changes by exactly the money that went into it. So cash, cost and profit always add up,
and what a rule here decides is only how much of a result counts as taken already and how much as still open.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from engine.model.money import WIDE, ZERO
from engine.model.orders import Fill, Side

_SELL: Final = Side.SELL
_DUST = Decimal("1e-10")
"""A share of a cost is rounded to this once, so that what leaves one side arrives on the other to the last digit."""


class AverageCost(Struct, frozen=True, gc=False):
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
        quantity, moved, money, fees = self.quantity, fill.shares, fill.cost, fill.fees
        if fill.side is _SELL:
            moved, money = -moved, -money
        realised = self.realised - fees
        basis = self.basis + money
        held = quantity + moved
        if quantity and not held:
            # All of it is taken: what the shares below come to, at once.
            realised -= basis
            basis -= basis
        elif quantity and (quantity > 0) != (moved > 0):
            closing = min(abs(moved), abs(quantity))
            released = share(self.basis, closing, abs(quantity))
            proceeds = share(money, closing, abs(moved))
            realised -= proceeds + released
            basis -= proceeds + released
        return AverageCost(held, basis, realised, self.fees + fees)

    def corrected(self, side: Side, quantity: Decimal, cost: Decimal, fees: Decimal, realised: Decimal | None = None) -> AverageCost:
        """After a broker changed what it had told of fills on `side` by these differences.

        `realised` is what that changes of the profit taken, fees counted, where it is known. Where it is not: a flat position has all of
        it realised; a position on the fills' side carries their money in its cost; one on the other side, which they had reduced, keeps
        its average; and what the correction itself opens costs what the correction says.
        """
        change, money = side.sign * quantity, side.sign * cost
        held = self.quantity + change
        if realised is not None:
            basis = self.basis + money + fees + realised
        elif not held:
            basis = ZERO
        elif not self.quantity or (held > 0) != (self.quantity > 0):
            basis = share(money, abs(held), abs(change))
        elif (held > 0) == (side.sign > 0):
            basis = self.basis + money
        else:
            basis = share(self.basis, abs(held), abs(self.quantity))
        return AverageCost(held, basis, self.realised + basis - self.basis - money - fees, self.fees + fees)

    def split(self, quantity: Decimal, cash: Decimal) -> AverageCost:
        """After a split that left `quantity` and paid `cash` for the fraction of a share, which takes that much off the cost."""
        if not quantity:
            return replace(self, quantity=quantity, basis=ZERO, realised=self.realised + cash - self.basis)
        return replace(self, quantity=quantity, basis=self.basis - cash)

    def paid(self, cash: Decimal) -> AverageCost:
        """After a dividend: `cash` came in, or went out for a short position."""
        return replace(self, realised=self.realised + cash)

    def adopted(self, change: Decimal, average: Decimal) -> AverageCost:
        """After taking over `change` (signed) that was traded elsewhere at `average`."""
        quantity = self.quantity + change
        basis = self.basis + WIDE.multiply(change, average).quantize(_DUST, context=WIDE)
        if quantity:
            return replace(self, quantity=quantity, basis=basis)
        return replace(self, quantity=quantity, basis=ZERO, realised=self.realised - basis)


NOTHING: Final = AverageCost()


def share(money: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """What `part` of `whole` is of `money`."""
    return money if part == whole else WIDE.divide(WIDE.multiply(money, part), whole).quantize(_DUST, context=WIDE)
