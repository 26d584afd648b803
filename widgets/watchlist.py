"""Watchlist: what is watched, with its last price, change of the day, spread and volume."""

from __future__ import annotations

from engine.model.views import View, WatchRow
from widgets import numbers
from widgets.cells import Cell, Content
from widgets.table import Column, LiveTable


def _last(row: WatchRow) -> Content:
    return Cell(numbers.price(row.last, row.tick), "stale" if row.stale_s is not None else "")


def _change(row: WatchRow) -> Content:
    """A stale price says so where its change would stand: a change that is not known any more is not shown."""
    if row.stale_s is not None:
        return Cell(f"stale {numbers.age(row.stale_s)}", "stale")
    return Cell(numbers.change(row.change), numbers.direction(row.change))


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
    EMPTY = "Nothing is watched yet. Start with --symbols AAPL,MSFT."
    COLUMNS = (
        Column[WatchRow]("Symbol", lambda row: Cell(row.symbol), 6, grow=10),
        Column[WatchRow]("Last", _last, 7, "right", grow=14),
        Column[WatchRow]("Change", _change, 8, "right", grow=10),
        Column[WatchRow]("Bid × ask", _spread, 15, "right", grow=27, priority=1),
        Column[WatchRow]("Volume", lambda row: Cell(numbers.volume(row.volume), "muted"), 6, "right", grow=8, priority=2),
    )

    def key_of(self, row: WatchRow) -> str:
        return row.symbol

    def show(self, view: View) -> None:
        stale = sum(row.stale_s is not None for row in view.watch)
        self.set_summary(Cell(f"{stale} stale" if stale else f"{len(view.watch)} watched", "warning" if stale else ""))
        self.show_rows(view.watch)
