"""What a key acts on: the rows that are marked, the row under the cursor, or the one whose page is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from console.keys import ROW_ACTIONS, KeyMap
from console.screens.page import Page
from engine.model import Level
from widgets.table import LiveTable

if TYPE_CHECKING:
    from console.screens.trading import TradingScreen


class Subject:
    """`performers` are the actions by name, for the keys that a page of one row takes."""

    def __init__(self, screen: TradingScreen, keys: KeyMap, performers: Callable[[], Mapping[str, Callable[..., None]]]) -> None:
        self._screen = screen
        self._keys = keys
        self._performers = performers

    @property
    def table(self) -> LiveTable[Any] | None:
        """The table with the focus, or None for what has no rows."""
        panel = self._screen.panels[self._screen.panel]
        return panel if isinstance(panel, LiveTable) else None

    def symbol(self) -> str:
        """The symbol of the row or of the chart, or nothing."""
        return self._of_the_row() or (self._charted() if self._screen.panel == "chart" else "")

    def symbol_at_first(self) -> str:
        """What a new order or alert is about until its person says otherwise: where no row is, what the chart shows."""
        return self._of_the_row() or self._charted()

    def _of_the_row(self) -> str:
        return str(getattr(self.row(), "symbol", ""))

    def _charted(self) -> str:
        chart = self._screen.view.chart
        return chart.symbol if chart is not None else ""

    def row(self) -> Any:
        """The one whose page is open, else the one under the cursor; None where there is none."""
        page = self._page()
        if page is not None:
            return page.acted_on
        table = self.table
        return table.cursor_row if table is not None else None

    def marked(self) -> Sequence[Any] | None:
        """The marked rows that are shown, which a key acts on together; none in the page of one row, where it acts on that.

        What is hidden is never acted on, and the row under the cursor is not meant where others are marked: None where all marked
        rows are hidden, and that is said.
        """
        table = self.table
        if table is None or self._page() is not None:
            return ()
        rows, hidden = table.marks.rows, table.marks.hidden
        if rows or not hidden:
            return rows
        counted, shows = ("1 marked row", "it") if hidden == 1 else (f"{hidden} marked rows", "them")
        what = f"{counted} of {table.TITLE} {'is' if hidden == 1 else 'are'}"
        if table.filter_text:
            text = f"{what} hidden by the filter: {self._keys.names['clear']} shows {shows}."
        else:
            text = f"{what} not among those shown: {self._keys.names['subset']} shows the others."
        self._screen.say(f"{text} Nothing was done.", Level.WARNING)
        return None

    def rows(self) -> Sequence[Any] | None:
        """The marked rows, else the row, if there is one. None where nothing is to be acted on, and that is said: the marked ones are
        hidden, or another row has just come under the cursor."""
        rows = self.marked()
        if rows is None or rows or self.row() is None:
            return rows
        return [self.row()] if self.seen() else None

    def acted_on_marks(self) -> None:
        """What was marked is done: its marks go, and the same key, held on, does not reach the row under the cursor."""
        table = self.table
        if table is not None and table.marks.keys:
            table.acted_on_marks()

    def seen(self) -> bool:
        """Whether a person has seen which row a key acts on: rows come, expire and go by themselves. Where not, it is said."""
        table = self.table
        if self._page() is not None or table is None or table.cursor_row is None or table.reveal():
            return True
        self._screen.say("Another row has just come under the cursor. Nothing was done; look at it, then press again.", Level.WARNING)
        return False

    def _page(self) -> Page | None:
        """The page of one row that is open on top."""
        top = self._screen.app.screen
        return top if isinstance(top, Page) and top.acted_on is not None else None

    # ---- the page of one row

    def act_on_row(self, panel: str, key: str) -> None:
        """A key typed in the page of a row of `panel`: what it does to the row under the panel's cursor, it does to that one."""
        action = self._keys.find(key, panel)
        if action is not None and action.name in ROW_ACTIONS:
            self._performers()[action.name]()

    def row_hints(self, panel: str) -> tuple[tuple[str, str], ...]:
        """The keys that `act_on_row` takes, as (key, what it does)."""
        acting = (action for action in self._keys.actions if action.name in ROW_ACTIONS and action.works_in(panel))
        return tuple((self._keys.names[action.id], action.hint) for action in acting if action.hint and action.keys)
