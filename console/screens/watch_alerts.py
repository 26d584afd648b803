"""The dialog of the price alerts: one line sets or edits one, and below it stand all there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from console.alerts import HOW, Alert, AlertBook, AlertError, read
from console.screens.dialog import Line, paragraph
from console.screens.listing import ListDialog
from engine.model.views import WatchRow
from widgets import numbers
from widgets.cells import Cell

Row = Callable[[str], WatchRow | None]
"""The newest row of a symbol."""


class AlertsDialog(ListDialog[str, Alert]):
    """Sets and edits at once, deletes after a question. `symbol` is what a new alert is on, and its own stand first; without one nothing
    new is set."""

    PLACE = "alerts"
    TYPES = True
    PROMPT = "alert: "

    def __init__(self, symbol: str, row: Row, book: AlertBook, changed: Callable[[], None], clock: Callable[[], float]) -> None:
        super().__init__("Price alerts", clock)
        self._symbol = symbol
        self._row = row
        self._book = book
        self._changed = changed
        self._edited: Alert | None = None
        self.marked = -1

    def empty(self) -> str:
        return "No alert is set yet. An alert tells you; it never trades."

    def intro(self, width: int) -> list[Line]:
        symbol = self._edited.symbol if self._edited else self._symbol
        row = self._row(symbol)
        at = f", now {numbers.price(row.last, row.tick)}" if row is not None and row.last is not None else ""
        if self._edited:
            lead = f"Edit the alert {self._edited.text} on {symbol}{at}"
        else:
            lead = f"Alert on {symbol}{at}" if symbol else "Go to a symbol's row to set an alert on it"
        return [*paragraph(lead, width, "title"), *paragraph(f"{HOW}.", width, "muted")]

    def items(self) -> Sequence[Alert]:
        return sorted(self._book.alerts, key=lambda alert: (alert.symbol != self._symbol, alert.symbol, alert.id))

    def cells(self, item: Alert, marked: bool) -> list[Cell]:
        if item.fired_at:
            state = Cell(f"◆ fired {numbers.market_time(item.fired_at)}{', armed' if item.armed else ''}", "accent")
        else:
            state = Cell("◇ armed", "muted")
        level = "" if item.reference is None else f"at {self._level(item)}"
        return [
            Cell(f" {item.symbol:<12} ", "title-focus" if marked else "title"),
            Cell(f"  {item.text:<18} "),
            Cell(f"{level:<13} ", "muted"),
            state,
        ]

    def _level(self, item: Alert) -> str:
        row = self._row(item.symbol)
        if row is None:
            return f"{round(item.level, 4).normalize():f}"
        return numbers.price(item.seen_at(row.tick), row.tick)

    def enter(self) -> None:
        if not self.editor.text.strip():
            self._begin_edit()
            return
        symbol = self._edited.symbol if self._edited else self._symbol
        row = self._row(symbol)
        if not symbol:
            self.say("There is no symbol to set it on: choose an alert with the arrows to edit it.")
            return
        try:
            alert = read(self.editor.text, symbol, row.last if row else None, row.previous if row else None)
            self._book.set(replace(alert, id=self._edited.id) if self._edited else alert, row.last if row else None)
        except AlertError as error:
            self.say(str(error))
            return
        once = "each time it comes there, once a minute at most" if alert.repeat else "once"
        self.say(f"Set: {symbol} {alert.text}, {once}.", "accent")
        self._edited = None
        self.editor.put("")
        self._changed()

    def _begin_edit(self) -> None:
        item = self.marked_item
        if item is not None:
            self._edited = item
            self.editor.put(item.text)

    def take_key(self, key: str, character: str | None, time: float) -> None:
        if key == "escape" and not self._asked and (self._edited or self.editor.text):
            self._edited = None
            self.editor.put("")
            self.say("")
            self.draw()
        else:
            super().take_key(key, character, time)

    def other_key(self, key: str, character: str | None) -> None:
        item = self.marked_item
        if key in ("delete", "ctrl+d") and item is not None:
            self.ask_to_delete(f"the alert {item.text} on {item.symbol}", lambda: self._delete(item))

    def _delete(self, item: Alert) -> None:
        self._book.delete(item.id)
        self.say(f"Deleted: {item.symbol} {item.text}.", "accent")
        self.marked = min(self.marked, len(self.items()) - 1)
        self._changed()
