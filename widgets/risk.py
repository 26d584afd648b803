"""Risk: how much of each limit is used, and which limits deny entries now."""

from __future__ import annotations

from engine.model.views import RiskRow, View
from widgets import numbers
from widgets.cells import Cell, Content, Gauge
from widgets.table import Column, LiveTable

CLOSE = 0.8
"""Share of a limit from which its bar warns."""


def _role(row: RiskRow) -> str:
    if row.tripped:
        return "error"
    return "warning" if numbers.fraction_of(row.used, row.limit) >= CLOSE else ""


def _used(row: RiskRow) -> Content:
    """6% / 10%, or 12.3K / 80.0K: a bar's label is read at a glance, the exact sum is in the header."""
    if row.unit == "%":
        used, limit = (f"{numbers.quantity(round(float(value), 1))}%" for value in (row.used, row.limit))
    else:
        used, limit = (numbers.volume(value) if value else "0" for value in (row.used, row.limit))
    return (Cell(f"{used} ", _role(row)), Cell(f"/ {limit}", "muted"))


def _note(row: RiskRow) -> Content:
    if row.tripped:
        return (Cell("TRIPPED ", "error"), Cell(row.note, "muted"))
    return Cell(row.note, "muted")


class Risk(LiveTable[RiskRow]):
    DIGIT = "5"
    TITLE = "Risk"
    HEADER = False
    EMPTY = "No limits are known yet. They appear once the engine is up."
    COLUMNS = (
        Column[RiskRow]("Limit", lambda row: Cell(f"! {row.name}" if row.tripped else row.name, _role(row)), 8, grow=14),
        Column[RiskRow]("", lambda row: Gauge(numbers.fraction_of(row.used, row.limit), _role(row) or "accent"), 4, flex=1, priority=1),
        Column[RiskRow]("Used", _used, 10, "right", grow=18),
        Column[RiskRow]("", _note, 7, grow=16, priority=2),
    )

    def key_of(self, row: RiskRow) -> str:
        return row.name

    def show(self, view: View) -> None:
        tripped = sum(row.tripped for row in view.risk)
        self.set_summary(Cell(f"{tripped} tripped", "error") if tripped else Cell("within limits" if view.risk else ""))
        self.show_rows(view.risk)
