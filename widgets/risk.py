"""Risk: how much of each limit is used, which limits deny entries now, and what releases a breaker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from engine.model.views import BreakerRow, RiskRow, View
from widgets import numbers
from widgets.cells import Cell, Content, Gauge
from widgets.table import Column, LiveTable

Row: TypeAlias = RiskRow | BreakerRow
"""A limit, or in its place the breaker that watched it and tripped."""

CLOSE = 0.8
"""Share of a limit from which its bar warns."""


def _role(row: Row) -> str:
    if row.tripped or isinstance(row, BreakerRow):
        return "error"
    return "warning" if numbers.fraction_of(row.used, row.limit) >= CLOSE else ""


def _gauge(row: Row) -> Content:
    fraction = 1.0 if isinstance(row, BreakerRow) else numbers.fraction_of(row.used, row.limit)
    return Gauge(fraction, _role(row) or "accent")


def _used(row: Row) -> Content:
    """6% / 10%, or 12.3K / 80.0K: a bar's label is read at a glance, the exact sum is in the header."""
    if isinstance(row, BreakerRow):
        return Cell("TRIPPED", "error")
    if row.unit == "%":
        used, limit = (f"{numbers.quantity(round(float(value), 1))}%" for value in (row.used, row.limit))
    else:
        used, limit = (numbers.volume(value) if value else "0" for value in (row.used, row.limit))
    return (Cell(f"{used} ", _role(row)), Cell(f"/ {limit}", "muted"))


def _note(row: Row) -> Content:
    if isinstance(row, BreakerRow):
        return Cell("")
    if row.tripped:
        return (Cell("TRIPPED ", "error"), Cell(row.note, "muted"))
    return Cell(row.note, "muted")


class Risk(LiveTable[Row]):
    DIGIT = "5"
    TITLE = "Risk"
    HEADER = False
    EMPTY = "No limits are known yet. They appear once the engine is up."
    COLUMNS = (
        Column[Row]("Limit", lambda row: Cell(f"! {row.name}" if row.tripped else row.name, _role(row)), 8, grow=14),
        Column[Row]("Share", _gauge, 4, flex=1, priority=1),
        Column[Row]("Used", _used, 10, "right", grow=18),
        Column[Row]("", _note, 7, grow=16, priority=2),
    )

    def key_of(self, row: Row) -> str:
        return row.name

    def sentence(self, row: Row) -> tuple[str, Sequence[Cell], Sequence[Cell]] | None:
        """Of a breaker that tripped, where there is room: until what it holds, and why. Its detail shows the whole of it."""
        if not isinstance(row, BreakerRow):
            return None
        return "Share", [Cell(f"until {row.unlocks}: ", "error"), Cell(row.reason, "muted")], ()

    def show(self, view: View) -> None:
        held = {row.name: row for row in view.breakers if row.tripped}
        rows: list[Row] = [held.pop(row.name, row) for row in view.risk]
        rows += held.values()
        tripped = sum(row.tripped for row in rows)
        self.set_summary(Cell(f"{tripped} tripped", "error") if tripped else Cell("within limits" if rows else ""))
        self.show_rows(rows)
