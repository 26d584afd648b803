"""Moving and marking in the table with the focus."""

from __future__ import annotations

from typing import Any

from console.actions.stage import Stage
from engine.model import Level
from widgets.table import LiveTable


class RowActions:
    """A movement is carried out at once: the next key may act on the row it leads to."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def do_row_up(self) -> None:
        if table := self._table():
            table.action_cursor(-1)

    def do_row_down(self) -> None:
        if table := self._table():
            table.action_cursor(1)

    def do_page_up(self) -> None:
        if table := self._table():
            table.action_page(-1)

    def do_page_down(self) -> None:
        if table := self._table():
            table.action_page(1)

    def do_first_row(self) -> None:
        if table := self._table():
            table.action_first()

    def do_last_row(self) -> None:
        if table := self._table():
            table.action_last()

    def do_mark(self) -> None:
        # What is marked is acted on without another look, so it must have been seen when it is marked.
        table = self._table()
        if table is None or table.cursor_row is None or not self._stage.subject.seen():
            return
        if table.can_mark(table.cursor_row):
            table.action_mark()
        else:
            self._stage.say(f"Only {table.MARKABLE} can be marked.", Level.INFO)

    def _table(self) -> LiveTable[Any] | None:
        panel = self._stage.panels[self._stage.panel]
        return panel if isinstance(panel, LiveTable) else None
