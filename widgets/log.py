"""Log: what happened, newest at the bottom. It follows the end unless somebody scrolled up to read."""

from __future__ import annotations

from engine.model.modes import Level
from engine.model.views import LogLine, View
from widgets import numbers
from widgets.cells import Cell, Content
from widgets.table import Column, LiveTable

KEPT = 10_000
"""Lines kept; the journal has them all."""


def _text(line: LogLine) -> Content:
    """What happened, and behind it who says so: where room is short the edge takes the name, never the news.

    An error is about who made it, so the name comes first; it also says the word, for a mark can be overlooked.
    """
    if line.level is Level.ERROR:
        return Cell(f"✗ {line.source} error: {line.text}", "error")
    what = Cell(f"! {line.text}", "warning") if line.level is Level.WARNING else Cell(line.text)
    return (what, Cell(f"  {line.source}", "muted"))


class Log(LiveTable[LogLine]):
    DIGIT = "6"
    TITLE = "Log"
    HEADER = False
    GAP = 1
    EMPTY = "Nothing has happened yet."
    COLUMNS = (
        Column[LogLine]("Time", lambda line: Cell(numbers.wall_time(line.wall), "muted"), 8, priority=1),
        Column[LogLine]("", _text, 10, flex=1),
    )

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, classes=classes)
        self._ring: tuple[LogLine, ...] = ()
        self._unread = 0
        self._follows = True

    def key_of(self, row: LogLine) -> str:
        return str(row.number)

    def show(self, view: View) -> None:
        newest = self._ring[-1].number if self._ring else -1
        if not view.log or view.log[-1].number <= newest:
            return
        new = tuple(line for line in view.log if line.number > newest)
        on_last = not self._ring or self.cursor_key == self.key_of(self._ring[-1])
        dropped = max(0, len(self._ring) + len(new) - KEPT)
        self._ring = (*self._ring, *new)[-KEPT:]
        self.show_rows(self._ring)
        if self._follows:
            if on_last:
                self.select(self.key_of(self._ring[-1]))
            self._to_end()
        else:
            self._unread += len(new)
            self.scroll_to(y=max(0, self.scroll_target_y - dropped), animate=False, force=True)
        self._summarise()

    def on_resize(self) -> None:
        super().on_resize()
        if self._follows:
            self._to_end()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.shown_rows and self._ring:
            self._follows = round(new_value) >= len(self._ring) - self.shown_rows
            self._summarise()

    def _to_end(self) -> None:
        if self.shown_rows:
            self.scroll_to(y=max(0, len(self._ring) - self.shown_rows), animate=False, force=True)

    def _summarise(self) -> None:
        if self._follows:
            self._unread = 0
            self.set_summary(Cell(f"{len(self._ring):,} line{'' if len(self._ring) == 1 else 's'}"))
        else:
            self.set_summary(
                Cell(
                    self.with_keys(f"{self._unread:,} new below, {{last_row}} shows them" if self._unread else "{last_row} to the end"),
                    "accent",
                )
            )
