"""Lots: which fills make up what is held of a symbol, the oldest taken first to have gone first out (FIFO).

They are for display, and say nothing of cost: that is average cost, see `engine.model.average_cost`. What is left under FIFO is always the
newest that was traded in the position's direction, until it adds up to what is held; so a walk back from the newest finds it, and reads
no more fills than there are lots.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, TypeAlias

from msgspec import Struct

from engine.model.money import WIDE, ZERO
from storage.rows import AdjustmentRow, FillRow

MOST: Final = 500
"""Lots told apart; what is older stands in one."""

_PART_OF_A_SHARE: Final = Decimal("1e-10")


class Lot(Struct, frozen=True):
    """A part of what is held, `quantity` signed, in today's shares. `price` and `at` are its fill's, the price of today's share too.

    `order_id` is empty for what no fill here explains: it was taken over, at that price where one is known, or is older than the `MOST`
    newest lots.
    """

    quantity: Decimal
    price: Decimal | None
    at: int
    order_id: str = ""


Change: TypeAlias = FillRow | AdjustmentRow


class Walk:
    """Gathers the lots of `held` shares (signed) from `changes` handed over newest first: the fills on the position's side, and every
    adjustment."""

    def __init__(self, held: Decimal) -> None:
        self.lots: list[Lot] = []
        self._sign = -1 if held < 0 else 1
        self._left = abs(held)
        self._ratio = Decimal(1)
        self._taken_back: dict[str, Decimal] = {}

    @property
    def done(self) -> bool:
        return not self._left or len(self.lots) >= MOST

    def take(self, change: Change) -> None:
        if isinstance(change, AdjustmentRow):
            if change.quantity * self._sign > 0:
                self._add(change.quantity * self._sign, change.price, change.at, "")
            elif change.ratio > 0:
                self._ratio = WIDE.multiply(self._ratio, change.ratio)
            return
        shares = change.shares + self._taken_back.pop(change.order_id, ZERO)
        if shares > 0:
            self._add(shares, change.price, change.at, change.order_id)
        elif shares < 0:
            # The broker took back more than this fill: the rest of it comes off an older fill of the same order.
            self._taken_back[change.order_id] = shares

    def whole(self) -> tuple[Lot, ...]:
        """The lots, newest first; with the last one they always add up to what is held."""
        if not self._left:
            return tuple(self.lots)
        return (*self.lots, Lot(self._sign * self._left, None, 0))

    def _add(self, shares: Decimal, price: Decimal, at: int, order_id: str) -> None:
        if self.done:
            return
        if self._ratio != 1:
            shares = WIDE.multiply(shares, self._ratio).quantize(_PART_OF_A_SHARE, context=WIDE)
            price = WIDE.divide(price, self._ratio)
        taken = min(shares, self._left)
        if taken > 0:
            self._left -= taken
            self.lots.append(Lot(self._sign * taken, price, at, order_id))
