"""What the gate said of an order, in the words that the order line and the ticket share."""

from __future__ import annotations

from engine.model import Outcome
from engine.model.effects import Reply
from widgets import numbers
from widgets.cells import Cell
from widgets.text import clean


def gate_words(reply: Reply) -> Cell:
    """`passes`, or what is cut or denied with rule, limit and actual."""
    verdict = reply.verdict
    if verdict is None:
        return Cell(clean(reply.text), "muted" if reply.ok else "error")
    if verdict.outcome is Outcome.PASS:
        # What is to be known although it passes: that it waits for the open, or that less is left to close.
        return Cell(clean(f"passes. {verdict.text}") if verdict.text else "passes", "success")
    measured = clean(f"{verdict.rule}: limit {verdict.limit}, actual {verdict.actual}" if verdict.limit else verdict.text)
    if verdict.outcome is Outcome.RESIZE:
        return Cell(f"cuts it to {numbers.quantity(reply.quantity)}  {measured}", "warning")
    return Cell(f"denies  {measured}", "error")


def distance_words(distance: float | None) -> str:
    """How far from the market, as a fraction: `0.01% under the market`."""
    if distance is None:
        return numbers.NONE
    if abs(distance) < 0.00005:
        return "at the market"
    return f"{abs(distance):.2%} {'over' if distance > 0 else 'under'} the market"
