"""Scrubber: where in a recording the playhead stands, and where something was traded. A click or a drag goes there."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from textual import events
from textual.message import Message

from engine.model.orders import Side
from widgets.cells import Cell
from widgets.lines import Lines
from widgets.numbers import DOWN, UP

_BUY, _SELL = 1, 2
_SIGNS = {_BUY: (UP, "buy"), _SELL: (DOWN, "sell"), _BUY | _SELL: ("◆", "accent")}
_ENDS = 4
"""Cells around the track besides the times at its ends."""


class Traded(Struct, frozen=True):
    """That something was bought or sold in `step`."""

    step: int
    side: Side


class Scrubber(Lines):
    """Two lines: the trades, and the track under them. Those after the playhead are dots: that there are some, and no more.

    Posts `Sought`.
    """

    DEFAULT_CSS = """
    Scrubber { height: 2; }
    """

    class Sought(Message):
        """The person points at the moment after `step`; -1 is before the first."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, classes=classes)
        self._steps, self._step = 0, -1
        self._trades: Sequence[Traded] = ()
        self._ends = ("", "")
        self._columns: dict[int, int] = {}
        self._columns_for = 0
        self._dragged = False

    def show_trades(self, steps: int, trades: Sequence[Traded], first: str, last: str) -> None:
        """A recording of so many `steps`; `first` and `last` are the times of its ends in words."""
        self._steps, self._trades, self._ends = steps, trades, (first, last)
        self._columns_for = 0
        self.redraw()

    def show_step(self, step: int) -> None:
        self._step = step
        self.redraw()

    # ---- places

    def _track(self, width: int) -> tuple[int, int]:
        """The first cell of the track, and how many there are. Where room is short, the times go."""
        first, last = self._ends
        if width < len(first) + len(last) + _ENDS + 20:
            return 2, max(1, width - 4)
        return len(first) + 3, width - len(first) - len(last) - _ENDS - 2

    def _column(self, step: int, room: int) -> int:
        return min(room - 1, max(0, round((step + 1) / max(1, self._steps) * (room - 1))))

    def _of_columns(self, room: int) -> dict[int, int]:
        if self._columns_for != room:
            found: dict[int, int] = {}
            for trade in self._trades:
                column = self._column(trade.step, room)
                found[column] = found.get(column, 0) | (_BUY if trade.side is Side.BUY else _SELL)
            self._columns, self._columns_for = found, room
        return self._columns

    # ---- the mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._dragged = True
        self.capture_mouse()
        self._point_at(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged:
            self._point_at(event.x)

    def on_mouse_up(self) -> None:
        self._dragged = False
        self.release_mouse()

    def _point_at(self, x: int) -> None:
        start, room = self._track(self.size.width)
        if self._steps:
            place = min(room - 1, max(0, x - start))
            self.post_message(self.Sought(round(place / max(1, room - 1) * self._steps) - 1))

    # ---- drawing

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        if not self._steps:
            return [("", []), ("", [])]
        if self.palette.plain:
            behind = sum(trade.step <= self._step for trade in self._trades)
            return [("", [Cell(f" bar {self._step + 1:,} of {self._steps:,}, {behind:,} of {len(self._trades):,} trades so far")])]
        start, room = self._track(width)
        head, columns = self._column(self._step, room), self._of_columns(room)
        marks = [Cell(" " * start)]
        for column in range(room):
            kinds = columns.get(column, 0)
            if not kinds:
                marks.append(Cell(" "))
            elif column <= head and (column < head or self._traded_by(column, room)):
                marks.append(Cell(*_SIGNS[kinds]))
            else:
                marks.append(Cell("·", "muted"))
        first, last = self._ends if start > 2 else ("", "")
        track = [
            Cell(f" {first} " if first else " ", "muted"),
            Cell("├", "line"),
            Cell("━" * head, "accent"),
            Cell("●", "key"),
            Cell("╌" * (room - head - 1), "line"),
            Cell("┤", "line"),
            Cell(f" {last}" if last else "", "muted"),
        ]
        return [("", marks), ("", track)]

    def _traded_by(self, column: int, room: int) -> bool:
        """Whether all that was traded in the playhead's own column lies behind it."""
        return all(trade.step <= self._step for trade in self._trades if self._column(trade.step, room) == column)
