"""Why an order that was confirmed in a ticket was not sent, and which of its fields that is about."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.risk.rules import Rule
from engine.model.effects import Reply
from engine.model.verdicts import Verdict
from widgets.ticket_fields import Field

PRICES = ("limit", "stop", "trail")
EXITS = ("take_profit", "stop_loss")
FIELDS: dict[str, tuple[str, ...]] = {
    Rule.SYMBOL: ("symbol",),
    Rule.HALTED_SYMBOL: ("symbol",),
    Rule.MISMATCH: ("symbol",),
    Rule.PRICE: ("symbol",),
    Rule.TICK_SIZE: PRICES,
    Rule.COLLAR: ("limit",),
    Rule.SELF_TRADE: ("limit",),
    Rule.BRACKET: EXITS,
    Rule.LOT_SIZE: ("quantity",),
    Rule.REDUCE_ONLY: ("quantity",),
    Rule.SHORT_SALE: ("quantity",),
    Rule.ORDER_SIZE: ("quantity",),
    Rule.ORDER_NOTIONAL: ("quantity",),
    Rule.ORDER_QUANTITY: ("quantity",),
    Rule.POSITION_SIZE: ("quantity",),
    Rule.TOTAL_EXPOSURE: ("quantity",),
    Rule.NET_EXPOSURE: ("quantity",),
    Rule.BUYING_POWER: ("quantity",),
}
"""What a person changes to have the rule let the order pass. What no field can change has none."""


def concerned(verdict: Verdict | None, fields: Sequence[Field]) -> str:
    """The name of the one field that the refusal is about, or empty where that is none, or one of several."""
    names = () if verdict is None else FIELDS.get(verdict.rule, ())
    found = [field.name for field in fields if field.name in names and field.text]
    return found[0] if len(found) == 1 else ""


def why(reply: Reply) -> str:
    """In a sentence."""
    verdict = reply.verdict
    if verdict is not None and verdict.rule == Rule.REPETITION:
        return f"Not sent: the same order went {verdict.actual} ago. Sent once more, it goes."
    return f"Not sent: {reply.text}"
