"""What the gate's checks answer."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct


class Outcome(StrEnum):
    PASS = "PASS"
    RESIZE = "RESIZE"
    DENY = "DENY"


class Verdict(Struct, frozen=True):
    """One check's answer. `rule` names the check, `limit` and `actual` are in words with units, `text` is a sentence a trader understands.

    `quantity` is the most that would pass, in shares, where the outcome is RESIZE.
    """

    outcome: Outcome
    rule: str
    limit: str = ""
    actual: str = ""
    text: str = ""
    quantity: Decimal | None = None


PASSED = Verdict(Outcome.PASS, "all")
