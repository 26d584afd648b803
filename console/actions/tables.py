"""How a table is looked at: sorted, filtered, which rows and columns; and its rows as text for the clipboard."""

from __future__ import annotations

import asyncio
from typing import Any

from console.actions.stage import Stage
from engine.model import Level
from widgets.columns import Arrangement
from widgets.table import LiveTable

KEPT = "tables"
"""Under this name each panel's columns and order are kept."""


class TableActions:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def restore(self) -> None:
        """Show the tables as they were left, unless a person was faster."""
        kept = await asyncio.to_thread(self._stage.kept.load, KEPT, dict[str, Arrangement], {})
        for name, table in self._tables().items():
            if name in kept and table.arrangement == Arrangement():
                table.rearrange(kept[name])

    def keep(self) -> None:
        """Remember how each table is arranged."""
        arranged = {name: table.arrangement for name, table in self._tables().items()}
        self._stage.kept.save(KEPT, {name: arrangement for name, arrangement in arranged.items() if arrangement != Arrangement()})

    def _tables(self) -> dict[str, LiveTable[Any]]:
        return {name: panel for name, panel in self._stage.panels.items() if isinstance(panel, LiveTable)}

    def _table(self) -> LiveTable[Any]:
        """The one with the focus: the keys of these actions work in tables alone."""
        return self._tables()[self._stage.panel]

    def do_sort(self) -> None:
        self._table().sort_next()

    def do_sort_other_way(self) -> None:
        self._table().sort_other_way()

    def do_filter(self) -> None:
        self._table().open_filter()

    def do_clear(self) -> None:
        if not self._table().clear_filter():
            self._table().clear_marks()

    def do_subset(self) -> None:
        self._table().next_subset()

    def do_columns(self) -> None:
        from console.screens.columns import ColumnChoice

        table = self._table()

        def answered(choice: tuple[tuple[str, bool], ...] | None) -> None:
            if choice is not None:
                now = table.arrangement
                titles, hidden = [title for title, _ in choice], [title for title, shown in choice if not shown]
                table.rearrange(Arrangement(titles, hidden, now.sort, now.descending))
                self.keep()

        self._stage.ask(
            ColumnChoice(f"Columns of {table.TITLE}", table.column_choice(), table.default_choice(), self._stage.clock), answered
        )

    def do_copy(self) -> None:
        table = self._table()
        rows = self._stage.subject.marked()
        if rows is None:
            return
        if not rows and table.cursor_row is not None:
            rows = [table.cursor_row]
        if not rows:
            self._stage.say("There is no row to copy.", Level.WARNING)
            return
        lines = [table.texts_of(row) for row in rows]
        self._stage.copy("\n".join("\t".join(line) for line in lines))
        what = " ".join(filter(None, lines[0])) if len(lines) == 1 else f"{len(lines)} rows of {table.TITLE}"
        self._stage.say(f"Copied to the clipboard: {what}", Level.INFO)
