"""Log: what happened, newest at the bottom. It follows the end unless somebody scrolled up to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Unpack

from textual import events
from textual.geometry import Size

from engine.model.modes import Level
from engine.model.views import LogLine, View
from widgets import numbers
from widgets.cells import Cell
from widgets.columns import Column, drawn_by
from widgets.row_painter import Sentence
from widgets.row_table import TableOptions
from widgets.rows import Ring, RowModel
from widgets.table import Subset
from widgets.tall_table import TallTable
from widgets.text import clean

KEPT = 100_000
"""Lines kept; the journal has them all."""


def words_of(line: LogLine) -> Cell:
    """What happened. An error is about who made it, so the name comes first; it also says the word, for a mark can be overlooked."""
    text = f"{line.account}: {line.text}" if line.account else line.text
    if line.level is Level.ERROR:
        return Cell(f"✗ {line.source} error: {text}", "error")
    return Cell(f"! {text}", "warning") if line.level is Level.WARNING else Cell(text)


def sentence_of(line: LogLine) -> Sentence:
    """What happened, and behind it who says so: where room is short the name goes, never the news."""
    what = words_of(line)
    if line.level is Level.ERROR:
        return Sentence("What", (([what], ()),))
    return Sentence("What", (([what, Cell(f"  {line.source}", "muted")], ()), ([what], ())))


class Log(TallTable[LogLine]):
    DIGIT = "6"
    TITLE = "Log"
    GAP = 1
    EMPTY = "Nothing has happened yet."
    SUBSETS = (
        Subset[LogLine]("all"),
        Subset[LogLine]("warnings", lambda line: line.level is not Level.INFO),
        Subset[LogLine]("errors", lambda line: line.level is Level.ERROR),
    )
    COLUMNS = (
        Column[LogLine]("Time", lambda line: Cell(numbers.market_time(line.time), "muted"), 8, grow=11, priority=1),
        Column[LogLine]("What", words_of, 10, flex=1),
    )

    def __init__(self, **options: Unpack[TableOptions]) -> None:
        self._ring: Ring[LogLine] = Ring(KEPT, lambda line: line.number, self.text_of)
        self._levels: Counter[Level] = Counter()
        super().__init__(**options)
        self._unread = 0
        self._follows = True
        self._settled = Size(0, 0)
        """The room that it last found its place in."""

    def make_model(self) -> RowModel[LogLine]:
        return self._ring

    def key_of(self, row: LogLine) -> str:
        return str(row.number)

    def text_of(self, row: LogLine) -> str:
        # Every line is read as it comes, filter or not: made here by hand, for drawing it would cost ten times as much.
        at = numbers.market_time(row.time, "%Y-%m-%d %H:%M:%S")
        return clean(f"{at} {row.account} {row.text} {row.source} {row.level}").casefold()

    def sentence(self, row: LogLine) -> Sentence | None:
        return sentence_of(row)

    def can_mark(self, row: LogLine) -> bool:
        return True

    def columns_on(self, today: str) -> Sequence[Column[LogLine]]:
        return drawn_by(self.COLUMNS, "Time", lambda line: Cell(numbers.moment(line.time, today), "muted"))

    def show(self, view: View) -> None:
        self.show_day(view.health.market_time)
        newest = self._ring.newest
        if not view.log or view.log[-1].number <= newest:
            return
        before = self._window()
        on_last = self._cursor >= len(self.rows) - 1
        new = [line for line in view.log if line.number > newest]
        added, dropped, gone = self._ring.append(new)
        self._levels.update(line.level for line in new)
        self._levels.subtract(line.level for line in gone)
        self._arrange(*before)
        if self._follows:
            if on_last:
                self._move_to(len(self.rows) - 1)
            self._to_end()
        else:
            self._unread += added
            if dropped:
                self.scroll_to_line(max(0, self.scroll_target_y - dropped))
        self._summarise()

    def rows_changed(self) -> None:
        errors = self._levels[Level.ERROR]
        self._summarise()
        self.show_subsets({"all": self.total, "warnings": self._levels[Level.WARNING] + errors, "errors": errors})

    def _filtered(self, changed: bool) -> None:
        on_last = self._cursor >= len(self.rows) - 1
        super()._filtered(changed)
        if changed and self._follows and on_last:
            self._move_to(len(self.rows) - 1)
            self._to_end()
        elif changed and self.rows:
            # Whoever went to a line reads on around it.
            self._follows = self.scroll_offset.y >= self.last_top
            self._summarise()

    def on_resize(self) -> None:
        super().on_resize()
        if self._follows:
            self._to_end()
        self._settled = self.size

    def on_click(self, event: events.Click) -> None:
        """Where the frame says that there is more below, a click leads there."""
        if event.y == 0 and not self._follows and event.x >= self.size.width - len(self.summary_text) - 4:
            self.action_last()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        # Another room moves what is in view by itself: nobody scrolled.
        if self.shown_rows and self.rows and self.size == self._settled:
            self._follows = round(new_value) >= self.last_top
            self._summarise()

    def _to_end(self) -> None:
        if self.shown_rows:
            self.scroll_to_line(self.last_top)

    def _summarise(self) -> None:
        if self._follows:
            self._unread = 0
            self.set_summary(Cell("follows"))
        else:
            self.set_summary(
                Cell(
                    self.with_keys(f"{self._unread:,} new below, {{last_row}} shows them" if self._unread else "{last_row} to the end"),
                    "accent",
                )
            )
