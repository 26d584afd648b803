"""Watchlist: one of a person's lists, or all that is watched, with last price, change of the day, spread and volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Unpack

from textual import events
from textual.message import Message

from engine.model.views import View, WatchRow
from widgets import numbers
from widgets.cells import Cell, Content
from widgets.columns import Column
from widgets.panel import DIGIT_END
from widgets.row_table import TableOptions
from widgets.table import LiveTable

MARKS = {"armed": Cell(" ◇", "muted"), "fired": Cell(" ◆", "accent")}
"""Behind a symbol with price alerts: all of them wait, or one has fired."""


class WatchedRow(WatchRow, frozen=True):
    """A row with what the list knows of it: `alert` is armed, fired or nothing; `watched` says whether the engine follows the symbol."""

    alert: str = ""
    watched: bool = True


_FIELDS = WatchRow.__struct_fields__


def _symbol(row: WatchRow) -> Content:
    mark = MARKS.get(row.alert) if isinstance(row, WatchedRow) else None
    return (Cell(row.symbol), mark) if mark else Cell(row.symbol)


def _last(row: WatchRow) -> Content:
    return Cell(numbers.price(row.last, row.tick), "stale" if row.stale_s is not None else "")


def _change(row: WatchRow) -> Content:
    """A stale price says so where its change would stand: a change that is not known any more is not shown."""
    if isinstance(row, WatchedRow) and not row.watched:
        return Cell("no price", "stale")
    if row.stale_s is not None:
        return Cell(numbers.stale(row.stale_s), "stale")
    return Cell(numbers.change(row.change), numbers.change_direction(row.change))


def _spread(row: WatchRow) -> Content:
    bid, ask = numbers.price(row.bid, row.tick), numbers.price(row.ask, row.tick)
    if row.bid is None and row.ask is None:
        return Cell(numbers.NONE)
    if row.stale_s is not None:
        return Cell(f"{bid} × {ask}", "stale")
    return (Cell(f"{bid} "), Cell("× ", "muted"), Cell(ask))


class Watchlist(LiveTable[WatchRow]):
    DIGIT = "1"
    TITLE = "Watchlist"
    EMPTY = "Nothing is watched yet. {add_symbol} adds a symbol."
    STARTING = "The feed is being asked. What is watched stands here as soon as it has answered."
    FAILED = "The engine did not start: nothing is watched."
    EMPTY_LIST = "This list is empty. {add_symbol} adds a symbol, {next_list} shows the next list."
    COLUMNS = (
        Column[WatchRow]("Symbol", _symbol, 6, grow=14, sort=lambda row: row.symbol),
        Column[WatchRow]("Last", _last, 6, "right", grow=14, sort=lambda row: row.last, volatile=True),
        Column[WatchRow]("Change", _change, 8, "right", grow=12, sort=lambda row: row.change, volatile=True),
        Column[WatchRow]("Bid × ask", _spread, 15, "right", grow=27, priority=1, volatile=True),
        Column[WatchRow](
            "Bar vol",
            lambda row: Cell(numbers.volume(row.volume), "muted"),
            7,
            "right",
            grow=8,
            priority=2,
            sort=lambda row: row.volume,
            volatile=True,
        ),
    )

    class NextAsked(Message):
        """The list's name was clicked."""

    def __init__(self, **options: Unpack[TableOptions]) -> None:
        super().__init__(**options)
        self._symbols: Sequence[str] | None = None
        self._marks: Mapping[str, str] = {}
        self._view: View | None = None
        self._made: dict[str, tuple[WatchRow | None, str, WatchRow]] = {}

    def key_of(self, row: WatchRow) -> str:
        return row.symbol

    def show_list(self, name: str, place: int, count: int, symbols: Sequence[str] | None, marks: Mapping[str, str]) -> None:
        """Show the list `name`, the `place`th of `count`: these `symbols` in their order, or all that is watched where they are None.
        `marks` says of symbols with alerts whether they are armed or have fired."""
        self._symbols, self._marks = symbols, marks
        if count > 1:
            self.set_title(Cell(name), Cell(f"{place}/{count}", "muted"))
        else:
            self.set_title(Cell(self.TITLE))
        self.empty_text = self._empty_text()
        if self._view is not None:
            self.show(self._view)

    def show(self, view: View) -> None:
        self._view = view
        self.say_when_empty(self._empty_text())
        rows = self._listed(view)
        stale = sum(row.stale_s is not None for row in rows)
        watched = sum(not isinstance(row, WatchedRow) or row.watched for row in rows)
        self.set_summary(Cell(f"{stale} stale" if stale else f"{watched} watched", "warning" if stale else ""))
        self.show_rows(rows)

    def _empty_text(self) -> str:
        if self._symbols is not None:
            return self.EMPTY_LIST
        health = self._view.health if self._view is not None else None
        if health is None or health.ready:
            return self.EMPTY
        return self.FAILED if health.failed else self.STARTING

    def _listed(self, view: View) -> Sequence[WatchRow]:
        if self._symbols is None and not self._marks:
            return view.watch
        rows = {row.symbol: row for row in view.watch}
        wanted = rows if self._symbols is None else self._symbols
        return tuple(self._row(symbol, rows.get(symbol)) for symbol in wanted)

    def _row(self, symbol: str, row: WatchRow | None) -> WatchRow:
        """The view's own row, or one that says more; the same one again where nothing changed."""
        mark = self._marks.get(symbol, "")
        if row is not None and not mark:
            return row
        before = self._made.get(symbol)
        if before is not None and before[0] is row and before[1] == mark:
            return before[2]
        if row is None:
            made = WatchedRow(symbol, None, None, None, None, 0.0, None, Decimal("0.01"), alert=mark, watched=False)
        else:
            values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
            made = WatchedRow(**values, alert=mark)
        self._made[symbol] = row, mark, made
        return made

    def on_click(self, event: events.Click) -> None:
        if event.y == 0 and event.x >= DIGIT_END:
            self.post_message(self.NextAsked())
