"""The backtests that are kept, the newest first: to open, to compare those that are marked, to run again, to delete."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.containers import Horizontal
from textual.widget import Widget

from console.screens.backtests.report import BacktestPage, draw_curve, draws_holding, in_short, read_report
from console.screens.beside import Beside
from console.screens.page import BACK, Page
from console.screens.questions import Typed, TypedWord, listed
from engine.model import Level, View
from storage.backtests import BacktestRow, BacktestsError, backtest_rows
from widgets import numbers
from widgets.cells import Cell
from widgets.columns import Column
from widgets.table import LiveTable

if TYPE_CHECKING:
    from console.actions.backtests import BacktestActions
    from console.actions.stage import Stage

MOST_BESIDE = 6
"""More do not fit beside each other on any screen."""


def _return(row: BacktestRow) -> Cell:
    return Cell(numbers.change(row.total_return), numbers.change_direction(row.total_return))


def _fall(row: BacktestRow) -> Cell:
    return Cell(numbers.NONE if row.drawdown is None else numbers.percent(-row.drawdown))


def _sharpe(row: BacktestRow) -> Cell:
    return Cell(numbers.NONE if row.sharpe is None else f"{row.sharpe:.2f}")


def _days(row: BacktestRow) -> Cell:
    return Cell(" to ".join(numbers.market_time(at, "%Y-%m-%d") for at in (row.first_at, row.last_at)), "muted")


class BacktestTable(LiveTable[BacktestRow], inherit_bindings=False):
    """One row a backtest."""

    TITLE: ClassVar[str] = "Backtests"
    EMPTY = "No backtest is kept yet. {new_backtest} begins one here, and `tradeconsole backtest` one from a shell."
    COLUMNS = (
        Column[BacktestRow]("#", lambda row: Cell(f"{row.number}", "muted"), 3, "right", grow=7, sort=lambda row: row.number),
        Column[BacktestRow](
            "Run", lambda row: Cell(numbers.wall_time(row.made_at, "%m-%d %H:%M"), "muted"), 11, priority=3, sort=lambda row: row.made_at
        ),
        Column[BacktestRow]("Strategy", lambda row: Cell(row.strategies), 12, grow=24, sort=lambda row: row.strategies),
        Column[BacktestRow]("Symbols", lambda row: Cell(row.symbols), 9, grow=40, sort=lambda row: row.symbols),
        Column[BacktestRow]("Days", _days, 24, priority=5, sort=lambda row: row.first_at),
        Column[BacktestRow]("Trips", lambda row: Cell(f"{row.trades:,}"), 5, "right", grow=9, priority=2, sort=lambda row: row.trades),
        Column[BacktestRow]("Return", _return, 9, "right", grow=13, sort=lambda row: row.total_return),
        Column[BacktestRow]("Drawdown", _fall, 8, "right", grow=9, priority=1, sort=lambda row: row.drawdown),
        Column[BacktestRow]("Sharpe", _sharpe, 6, "right", grow=8, priority=4, sort=lambda row: row.sharpe),
        Column[BacktestRow](
            "Final value",
            lambda row: Cell(numbers.money(row.final_value)),
            11,
            "right",
            grow=18,
            priority=6,
            sort=lambda row: row.final_value,
        ),
        Column[BacktestRow]("Data", lambda row: Cell(row.source, "muted"), 6, grow=20, priority=7, sort=lambda row: row.source),
    )

    def key_of(self, row: BacktestRow) -> str:
        return str(row.number)

    def can_mark(self, row: BacktestRow) -> bool:
        return True

    def show(self, view: View) -> None:
        """A backtest is no part of the View."""


_READING: Final = "Reading the backtests …"


class BacktestsPage(Page):
    """Enter opens a report, Space marks, `c` compares those marked, `n` begins a new one, `d` deletes after a word."""

    DEFAULT_CSS = """
    BacktestsPage BacktestTable { width: 3fr; }
    """

    def __init__(self, stage: Stage, actions: BacktestActions, path: Path) -> None:
        super().__init__(stage)
        self._actions, self._path = actions, path
        self._table = BacktestTable(clock=stage.clock)
        self._table.name_keys(stage.keys.names)
        self._table.empty_text = _READING
        self._seen = -1
        self._beside = Beside()
        self._told = -1
        """The number of the backtest that stands beside the list; 0 where it is said that there is none."""
        self._reads = False

    def content(self) -> Iterable[Widget]:
        with Horizontal():
            yield self._table
            yield self._beside

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self._table)

    def frame(self) -> None:
        if self._seen != self._actions.changes:
            self._seen = self._actions.changes
            self.run_worker(self._read(), exclusive=True)
        self._table.set_summary(
            Cell(self._actions.running_text or f"{self._table.total} kept", "accent" if self._actions.running_text else "")
        )
        if self._beside.takes_room():
            self._look_beside()

    # ---- the one under the cursor, where there is room for it

    def _look_beside(self) -> None:
        row = self._table.cursor_row
        if row is None:
            if self._told:
                self._told = 0
                self._beside.say("Report", "The figures and the curve of the backtest under the cursor stand here.")
        elif row.number != self._told and not self._reads:
            # One at a time: who runs through the list does not have each read on the way.
            self._reads = True
            self.run_worker(self._read_beside(row))

    async def _read_beside(self, row: BacktestRow) -> None:
        try:
            kept = await asyncio.to_thread(read_report, self._path, row.number)
        except BacktestsError as error:
            self._beside.say(f"#{row.number}", str(error), "warning")
        else:
            self._beside.tell(f"#{row.number} {row.strategies}", f"on {row.symbols}", lambda width: in_short(kept, width))
            self._beside.curve.display = True
            draw_curve(self._beside.curve, kept, hold=draws_holding(kept))
        self._told, self._reads = row.number, False

    async def _read(self) -> None:
        try:
            rows = await asyncio.to_thread(backtest_rows, self._path)
        except BacktestsError as error:
            self._table.empty_text = str(error)
            self._table.refresh()
        else:
            self._table.empty_text = self._table.with_keys(self._table.EMPTY)
            self._table.show_rows(rows)
            self._table.refresh()

    @on(LiveTable.RowChosen)
    def _row_chosen(self, event: LiveTable.RowChosen) -> None:
        self._open()

    # ---- keys

    def hints(self) -> Sequence[tuple[str, str]]:
        return (BACK, *self.stage.keys.hints("backtests"))

    def key(self, key: str, character: str | None) -> None:
        match key:
            case "enter":
                self._open()
            case "space":
                self._table.action_mark()
            case "n":
                self._actions.new()
            case "c":
                self._compare()
            case "d":
                self._delete()
            case "R":
                self._repeat()
            case "r":
                self._replay()
            case "o":
                self._table.sort_next()
            case "O":
                self._table.sort_other_way()
            case _:
                self._table.move_key(key)

    def _row(self) -> BacktestRow | None:
        row = self._table.cursor_row
        if row is None:
            is_read = self._table.empty_text != _READING
            self.say("There is no backtest here yet." if is_read else "The backtests are still being read.", Level.WARNING)
        return row

    def _open(self) -> None:
        row = self._row()
        if row is not None:
            self.stage.read(BacktestPage(self.stage, self._actions, self._path, row.number))

    def _replay(self) -> None:
        row = self._row()
        if row is not None:
            self._actions.replay(row.number)

    def _compare(self) -> None:
        rows = self._table.marks.rows
        if not 2 <= len(rows) <= MOST_BESIDE:
            mark = self.stage.keys.names["mark_backtest"]
            self.say(f"Mark two to {MOST_BESIDE} backtests with {mark}; {len(rows)} are marked.", Level.WARNING)
            return
        from console.screens.backtests.comparison import ComparisonPage

        self.stage.read(ComparisonPage(self.stage, self._path, sorted(row.number for row in rows)))

    def _repeat(self) -> None:
        row = self._row()
        if row is not None:
            self._actions.repeat(row.number)

    def _delete(self) -> None:
        rows = self._table.marks.rows or [row for row in (self._row(),) if row is not None]
        if not rows:
            return

        def typed(answer: Typed | None) -> None:
            if answer is not None:
                self.run_worker(self._deleted([row.number for row in rows]))

        named = listed([f"#{row.number} {row.strategies} on {row.symbols}" for row in rows])
        title = "Delete the backtest" if len(rows) == 1 else f"Delete {len(rows)} backtests"
        self.stage.ask(TypedWord(title, f"{named}\nTheir curves and trades go with them.", "DELETE", self.stage.clock), typed)

    async def _deleted(self, numbers_: Sequence[int]) -> None:
        try:
            count = await asyncio.to_thread(_delete, self._path, numbers_)
        except BacktestsError as error:
            self.say(str(error), Level.ERROR)
        else:
            self._table.clear_marks()
            self.say(f"Deleted: {count}.", Level.INFO)
        self._actions.changes += 1


def _delete(path: Path, numbers_: Sequence[int]) -> int:
    from console.backtest.kept import delete

    return delete(path, numbers_)
