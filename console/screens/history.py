"""The history: orders, fills, signals, sessions, runs and the audit, a tab each, read page by page as somebody scrolls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on
from textual.containers import Container, Horizontal
from textual.widget import Widget

from console.actions.stage import Stage
from console.archive import Question
from console.day_filter import HOW, Narrowed, read
from console.pager import NEAR, Pager
from console.screens.beside import Beside
from console.screens.details.detail import Detail
from console.screens.details.order import OrderDetail
from console.screens.details.signal import SignalDetail
from console.screens.history_beside import FillDossier, HistoryBeside, dossier_of
from console.screens.history_tables import TABS, FillsTab, HistoryTable, OrdersTab, RunsTab, SignalsTab
from console.screens.page import BACK, Page
from console.screens.standing import Standing
from engine.model import Level
from widgets.cells import Cell
from widgets.line_editor import LineEditor
from widgets.lines import Lines
from widgets.tab_line import TabLine
from widgets.table import LiveTable
from widgets.text import clean

if TYPE_CHECKING:
    from storage.history import History
    from storage.rows import FillRow, OrderRow

REFRESH_S = 2.0
"""How often the newest page is asked for again while it is in sight."""


class HistoryPage(Page):
    """Digits, Tab and the arrows go from tab to tab; `/` narrows by symbol and days; Enter tells all about a row, `y` copies it."""

    DEFAULT_CSS = """
    HistoryPage #tabs-of-history { width: 3fr; height: 1fr; }
    HistoryPage HistoryTable { display: none; height: 1fr; }
    HistoryPage HistoryTable.-front { display: block; }
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._tables = tuple(kind(id=f"history-{kind.NAME.lower()}", clock=stage.clock) for kind in TABS)
        for table in self._tables:
            table.name_keys(stage.keys.names)
        self._front = 0
        self._tabs = TabLine(tuple((str(place), kind.NAME) for place, kind in enumerate(TABS)))
        self._filter = FilterLine()
        self._behind = BehindLine()
        self._narrowed = Narrowed()
        self._pagers: list[Pager[Any]] = [Pager() for _ in TABS]
        self._asked: list[tuple[int, Question[Sequence[Any]]] | None] = [None for _ in TABS]
        self._due = [0.0 for _ in TABS]
        self._problem = ""
        self._opening: Question[OrderRow | None] | None = None
        self._opening_fill: FillRow | None = None
        self._beside = Beside()
        self._told_beside = HistoryBeside(stage, self._beside)
        self._catching_up = Standing(stage.archive, _catching_up, REFRESH_S)

    @property
    def table(self) -> HistoryTable:
        """The tab in front."""
        return self._tables[self._front]

    def content(self) -> Iterable[Widget]:
        yield self._tabs
        yield self._behind
        with Horizontal():
            with Container(id="tabs-of-history"):
                yield from self._tables
            yield self._beside
        yield self._filter

    def on_mount(self) -> None:
        self._go(0)
        super().on_mount()

    # ---- tabs

    def _go(self, front: int) -> None:
        self._front = front % len(TABS)
        for table in self._tables:
            table.set_class(table is self.table, "-front")
        self.set_focus(self.table)
        self._tabs.show(str(self._front), frozenset())
        self._due[self._front], self._problem = 0.0, ""

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self._go(int(event.tab))

    @on(LiveTable.RowChosen)
    def _row_chosen(self, event: LiveTable.RowChosen) -> None:
        self._tell_all(event.row)

    # ---- frames

    def frame(self) -> None:
        if self._catching_up.look(self.stage.clock()):
            self._behind.show(self._catching_up.answer or "")
        self._take()
        self._ask()
        self._open_order()
        self._title()
        if self._beside.takes_room():
            self._told_beside.look(self.table)
        else:
            self._told_beside.close()

    def _take(self) -> None:
        """The answer for the tab in front, if it is there."""
        front, asked = self._front, self._asked[self._front]
        if asked is None or not asked[1].done:
            return
        self._asked[front] = None
        page, question = asked
        pager, table = self._pagers[front], self._tables[front]
        self._problem = question.problem
        if question.problem:
            self._due[front] = self.stage.clock() + REFRESH_S
            table.empty_text = question.problem
            table.refresh()
            return
        rows = question.answer or ()
        narrowed = f"Nothing here for {self._narrowed}. / and Enter on an empty line show everything." if str(self._narrowed) else ""
        table.empty_text = narrowed or table.EMPTY
        if page < 0:
            self._due[front] = self.stage.clock() + REFRESH_S
            pager.refresh(rows)
            table.show_rows(pager.rows)
            if not pager.rows:
                table.refresh()
            return
        top = int(table.scroll_target_y)
        moved = pager.take(page, rows)
        table.show_rows(pager.rows)
        if moved:
            table.scroll_to_line(max(0, top + moved))

    def _ask(self) -> None:
        """The page that is missing for the tab in front; where none is, the newest again."""
        front = self._front
        if self._asked[front] is not None or (self._problem and self.stage.clock() < self._due[front]):
            return
        pager, table, narrowed = self._pagers[front], self._tables[front], self._narrowed
        top = table.scroll_offset.y
        page = pager.wanted(top, top + table.shown_rows) if pager.rows else None
        if page is None:
            # Whoever reads further down is not disturbed by what comes in on top.
            if not pager.at_top or top > NEAR or self.stage.clock() < self._due[front]:
                return
            page, before = -1, None
        else:
            before = pager.before(page)
        self._asked[front] = page, self.stage.archive.ask(lambda history: _page(table, history, narrowed, before))

    def _title(self) -> None:
        table, pager = self.table, self._pagers[self._front]
        narrowed = self._narrowed
        said = str(narrowed)
        if narrowed.symbol and not table.BY_SYMBOL:
            said = " ".join(filter(None, (str(Narrowed("", narrowed.first, narrowed.last)), "every symbol")))
        table.set_title(Cell(table.NAME), Cell(f"  {said}" if said else "", "accent"))
        if self._problem:
            table.set_summary(Cell("cannot be read now", "warning"))
        else:
            table.set_summary(Cell(f"{pager.count} row{'' if pager.count == '1' else 's'}" if pager.rows else ""))

    def closed(self) -> None:
        self._catching_up.drop()
        self._told_beside.close()
        for asked in self._asked:
            if asked is not None:
                asked[1].drop()

    # ---- one row

    def _tell_all(self, row: Any) -> None:
        table = self.table
        if isinstance(table, OrdersTab):
            self.stage.read(OrderDetail(self.stage, row))
        elif isinstance(table, SignalsTab):
            self.stage.read(SignalDetail(self.stage, row))
        elif isinstance(table, FillsTab):
            self._opening_fill = row
            self._opening = self.stage.archive.ask(lambda history: history.order(row.order_id))
        else:
            self.stage.read(Detail(self.stage, dossier_of(self.stage, table, row)))

    def _open_order(self) -> None:
        """Enter on a fill tells of its order, once the history has said which one that is."""
        opening, fill = self._opening, self._opening_fill
        if opening is None or not opening.done or fill is None or not self.is_current:
            return
        self._opening = None
        if opening.problem:
            self.say(opening.problem, Level.WARNING)
        elif opening.answer is None:
            self.stage.read(Detail(self.stage, FillDossier(self.stage, fill)))
        else:
            self.stage.read(OrderDetail(self.stage, opening.answer))

    def _copy(self) -> None:
        row = self.table.cursor_row
        if row is None:
            self.say("There is no row to copy.", Level.WARNING)
            return
        text = "\t".join(clean(part) for part in self.table.line(row).split("\t"))
        self.stage.copy(text)
        self.say(f"Copied: {'  '.join(text.split(chr(9)))}", Level.INFO)

    # ---- keys

    def hints(self) -> Sequence[tuple[str, str]]:
        if self._filter.editing:
            return self.stage.keys.hints("narrowing")
        hints, replay = self.stage.keys.hints("history"), self.stage.keys.names["replay_run"]
        return (BACK, *(hint for hint in hints if hint[0] != replay or isinstance(self.table, RunsTab)))

    def take_key(self, key: str, character: str | None, time: float) -> None:
        if self._filter.editing and key in ("escape", "q", "ctrl+c"):
            if key == "q":
                self._filter.key(key, character)
            else:
                self._filter.leave()
            return
        super().take_key(key, character, time)

    def take_paste(self, text: str) -> None:
        if self._filter.editing:
            self._filter.paste(text)

    def _cut(self) -> str:
        return super()._cut() or (self._filter.cut if self._filter.editing else "") or (self._behind.cut if self._behind.display else "")

    def key(self, key: str, character: str | None) -> None:
        if self._filter.editing:
            if key == "enter":
                self._narrow()
            else:
                self._filter.key(key, character)
            return
        table = self.table
        match key:
            case "space":
                table.action_page(1)
            case "right" | "tab":
                self._go(self._front + 1)
            case "left" | "shift+tab":
                self._go(self._front - 1)
            case "slash":
                self._filter.begin(str_of(self._narrowed))
            case "y":
                self._copy()
            case "r":
                self._replay()
            case "enter":
                if table.cursor_row is not None:
                    self._tell_all(table.cursor_row)
            case _ if key.isdigit() and 1 <= int(key) <= len(TABS):
                self._go(int(key) - 1)
            case _:
                table.move_key(key)

    def _replay(self) -> None:
        """The run under the cursor, up to what is written of it by now."""
        row = self.table.cursor_row if isinstance(self.table, RunsTab) else None
        if row is None or self.stage.archive.path is None:
            place = [tab.NAME for tab in TABS].index(RunsTab.NAME) + 1
            self.say(f"A run is what can be replayed: {place} shows them.", Level.WARNING)
        else:
            from console.replay.sessions import open_session

            title = f"{row.account} session, prices from {row.feed}"
            self.stage.backtests.watch(partial(open_session, self.stage.archive.path, row.run_id, title), title=title)

    def _narrow(self) -> None:
        try:
            narrowed = read(self._filter.text)
        except ValueError as error:
            self._filter.complain(f"{error}.")
            return
        self._filter.leave()
        if narrowed == self._narrowed:
            return
        self._narrowed = narrowed
        for place, asked in enumerate(self._asked):
            if asked is not None:
                asked[1].drop()
            self._asked[place], self._pagers[place], self._due[place] = None, Pager(), 0.0
            self._tables[place].show_rows(())
            self._tables[place].empty_text = "Reading the history …"


async def _catching_up(history: History) -> str:
    return await history.catching_up()


async def _page(table: HistoryTable, history: History, narrowed: Narrowed, before: int | None) -> Sequence[Any]:
    return await table.ask(history, narrowed, before)


def str_of(narrowed: Narrowed) -> str:
    """What one would type for it."""
    if narrowed.first is not None and narrowed.first == narrowed.last:
        days = narrowed.first.isoformat()
    elif narrowed.first is None and narrowed.last is None:
        days = ""
    else:
        days = "..".join(day.isoformat() if day is not None else "" for day in (narrowed.first, narrowed.last))
    return " ".join(filter(None, (narrowed.symbol, days)))


class FilterLine(Lines):
    """One line to type what to narrow to. Takes no room while nobody types."""

    DEFAULT_CSS = """
    FilterLine { display: none; height: 2; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.editing = False
        self._editor = LineEditor(longest=60)
        self._complaint = ""

    @property
    def text(self) -> str:
        return self._editor.text

    def begin(self, text: str) -> None:
        self._editor.put(text)
        self._show(True)

    def leave(self) -> None:
        self._show(False)

    def _show(self, editing: bool) -> None:
        self.editing, self._complaint = editing, ""
        self.display = editing
        self.redraw()

    def complain(self, text: str) -> None:
        self._complaint = text
        self.redraw()

    def key(self, key: str, character: str | None) -> None:
        self._complaint = ""
        self._editor.key(key, character)
        self.redraw()

    def paste(self, text: str) -> None:
        self._editor.paste(text)
        self.redraw()

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        line = [Cell(" / ", "key"), *self._editor.cells]
        below = Cell(f"   {HOW}; empty: everything", "muted")
        if self._complaint:
            below = Cell(f"   {clean(self._complaint)}", "error")
        return [("", line), ("", [below])]


class BehindLine(Lines):
    """One line that says how far behind the history is. Takes no room while it is not."""

    DEFAULT_CSS = """
    BehindLine { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._text = ""

    def show(self, text: str) -> None:
        self._text = clean(text)
        self.display = bool(text)
        self.redraw()

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        return [("", [Cell(f" … {self._text}", "warning")])]
