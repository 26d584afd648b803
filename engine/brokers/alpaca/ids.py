"""What our orders are called at Alpaca. A client id can be used once for ever, and only one order of a group has one of ours, so it tells
the whole of it: `FIRST`, `FIRST+SECOND` for a group, and behind it `~1=10`, `~2=8` for what took its place, with the quantity that was
asked for in all: whatever its predecessors filled, no more may come of it."""

from __future__ import annotations

import re
from decimal import Decimal

from msgspec import Struct

from engine.model.money import ZERO

_FORM = re.compile(r"(?P<order>[^+~]+)(?:\+(?P<second>[^+~]+))?(?:~(?P<attempt>\d{1,9})(?:=(?P<quantity>\d{1,12}(?:\.\d{1,9})?))?)?")


class ClientId(Struct, frozen=True):
    """`order` is our own id, `second` that of the other order of its group, `attempt` how often it was replaced, `quantity` what was asked
    for then, zero where it does not say."""

    order: str
    second: str = ""
    attempt: int = 0
    quantity: Decimal = ZERO

    def __str__(self) -> str:
        asked = f"={self.quantity:f}" if self.quantity else ""
        return f"{self.order}{'+' if self.second else ''}{self.second}{f'~{self.attempt}{asked}' if self.attempt else ''}"


def read(text: str) -> ClientId:
    """What a client id tells. One that somebody else chose is an order's own id as it is."""
    found = _FORM.fullmatch(text)
    if found is None:
        return ClientId(text)
    return ClientId(found["order"], found["second"] or "", int(found["attempt"] or 0), Decimal(found["quantity"] or 0))
