"""PastLog: what had happened by one moment of a recording, with the market's own days. It goes back as well as on."""

from __future__ import annotations

from engine.model.views import LogLine, View
from widgets import numbers
from widgets.cells import Cell, Content
from widgets.columns import Column
from widgets.log import Log, sentence_of, words_of
from widgets.past_rows import with_times
from widgets.row_painter import Sentence
from widgets.tall_table import TallTable


class PastLog(TallTable[LogLine], inherit_bindings=False):
    """The newest lines there are in the View, at the bottom the last."""

    DIGIT = Log.DIGIT
    TITLE = Log.TITLE
    GAP = 1
    EMPTY = "Nothing has happened yet."
    COLUMNS = (
        Column[LogLine]("Time", lambda line: Cell(numbers.market_time(line.time, "%Y-%m-%d %H:%M"), "muted"), 8, grow=16, priority=1),
        Column[LogLine]("What", words_of, 10, flex=1),
    )

    def write_times(self, pattern: str) -> None:
        """As `past_rows.pattern_for` answers it."""

        def time(line: LogLine) -> Content:
            return Cell(numbers.market_time(line.time, pattern), "muted")

        self.columns = with_times(self.COLUMNS, "Time", time, pattern)
        self.rearrange(self.arrangement)

    def key_of(self, row: LogLine) -> str:
        return str(row.number)

    def sentence(self, row: LogLine) -> Sentence | None:
        return sentence_of(row)

    def show(self, view: View) -> None:
        follows = self._cursor >= len(self.rows) - 1
        self.show_rows(view.log)
        if follows and view.log:
            self._move_to(len(self.rows) - 1)
