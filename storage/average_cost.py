"""Positions at average cost, as the history keeps them. A twin of the engine's portfolio, to the last digit: a test holds them together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from engine.model.money import ZERO
from engine.model.orders import Fill
from engine.model.records import PositionAdopted

_DUST = Decimal("1e-10")


@dataclass(frozen=True, slots=True)
class Lot:
    """`quantity` is signed, `basis` the signed money it was opened for without fees, `realised` the profit taken so far less all fees."""

    quantity: Decimal = ZERO
    basis: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO

    @property
    def average(self) -> Decimal:
        return self.basis / self.quantity if self.quantity else ZERO

    def booked(self, fill: Fill) -> Lot:
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
        return Lot(self.quantity + moved, basis, realised, self.fees + fill.fees)

    def adopted(self, record: PositionAdopted) -> Lot:
        """After taking over what was traded elsewhere."""
        quantity = self.quantity + record.quantity
        basis = self.basis + record.quantity * record.average
        if quantity:
            return replace(self, quantity=quantity, basis=basis)
        return replace(self, quantity=quantity, basis=ZERO, realised=self.realised - basis)


def _share(money: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """What `part` of `whole` is of `money`, rounded once, so that what leaves one side arrives on the other."""
    return money if part == whole else (money * part / whole).quantize(_DUST)
