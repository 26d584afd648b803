"""A backtest's report on a page: its curve against buying and holding, figures, months, round trips, their distribution, and how it was
run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal
from textual.widget import Widget

from console.actions.stage import Stage
from console.screens.backtests.trades import Trip, TripTable, trip_dialog, trip_lines, trip_title, trips_of
from console.screens.beside import Beside
from console.screens.details.writing import Value, facts, profit
from console.screens.dialog import Line, paragraph
from console.screens.page import BACK, Page
from engine.model import Level
from widgets import numbers
from widgets.cells import Cell
from widgets.curve import Curve, Point
from widgets.document import Document
from widgets.tab_line import TabLine
from widgets.table import LiveTable

if TYPE_CHECKING:
    from console.actions.backtests import BacktestActions
    from console.backtest.kept import Kept
    from engine.backtest.trades import Trade

TABS = ("Report", "Figures", "Months", "Trades", "Distribution", "Setup")
LEFT = 38
"""Cells of the figures, where something stands beside them."""
READING = "Reading the backtest …"
DWARFED = 3.0
"""Buying and holding is not drawn at first where its line is so much taller that the strategy's would be flat."""


class BacktestPage(Page):
    """The backtest `number` of the database at `path`. Digits, Tab and the arrows go from tab to tab; `b` draws buying and holding, `o`
    sorts the round trips and Enter tells all about one."""

    DEFAULT_CSS = """
    BacktestPage Curve { height: 2fr; min-height: 7; }
    BacktestPage Document { height: 3fr; }
    BacktestPage #trips { height: 1fr; }
    BacktestPage TripTable { width: 3fr; }
    BacktestPage .-away { display: none; }
    """

    def __init__(self, stage: Stage, actions: BacktestActions, path: Path, number: int) -> None:
        super().__init__(stage)
        self._actions, self._path, self._number = actions, path, number
        self._kept: Kept | None = None
        self._problem = ""
        self._front = 0
        self._hold = True
        self._told: Trip | None = None
        """The round trip that stands beside the list."""
        self._tabs = TabLine(tuple((str(place), name) for place, name in enumerate(TABS)))
        self._curve = Curve("Equity")
        self._document = Document("Figures")
        self._table = TripTable(clock=stage.clock)
        self._table.name_keys(stage.keys.names)
        self._beside = Beside()
        self._trips = Horizontal(self._table, self._beside, id="trips")

    def content(self) -> Iterable[Widget]:
        yield self._tabs
        yield self._curve
        yield self._document
        yield self._trips

    def on_mount(self) -> None:
        self._go(0)
        super().on_mount()
        self.run_worker(self._read())

    async def _read(self) -> None:
        from storage.backtests import BacktestsError

        try:
            # Away from the screen's thread: a year of trades takes a moment.
            kept = await asyncio.to_thread(read_report, self._path, self._number)
            trips = await asyncio.to_thread(trips_of, kept.trades)
        except BacktestsError as error:
            self._problem = str(error)
        else:
            self._kept = kept
            self._hold = draws_holding(kept)
            self._table.show_rows(trips)
            if not kept.trades:
                self._beside.say("Round trip", "None ended: there is nothing to tell of.")
        self._show()

    def frame(self) -> None:
        if TABS[self._front] == "Trades" and self._beside.takes_room() and self._kept is not None:
            self._tell_beside(self._kept)

    # ---- tabs

    def _go(self, front: int) -> None:
        self._front = front % len(TABS)
        trades = TABS[self._front] == "Trades"
        self._curve.set_class(self._front != 0, "-away")
        self._document.set_class(trades, "-away")
        self._trips.set_class(not trades, "-away")
        self.set_focus(self._table if trades else self._document)
        self._tabs.show(str(self._front), frozenset())
        self._document.to_top()
        self._show()

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self._go(int(event.tab))

    @on(LiveTable.RowChosen)
    def _row_chosen(self, event: LiveTable.RowChosen) -> None:
        self._tell_all()

    # ---- what is shown

    def _show(self) -> None:
        kept = self._kept
        if kept is None:
            text = self._problem or READING
            self._curve.show_points((), text, "%Y-%m-%d")
            self._document.show_text(lambda width: paragraph(text, width, "warning" if self._problem else "muted"))
            return
        name = f"#{kept.row.number} {kept.row.strategies} on {kept.row.symbols}"
        self._document.set_title(Cell(TABS[self._front] if self._front else "Figures"), Cell(f"  {name}", "muted"))
        self._table.set_title(Cell("Round trips"), Cell(f"  {name}", "muted"))
        self._table.set_summary(Cell(f"{len(kept.trades):,} of them"))
        draw_curve(self._curve, kept, "" if self._hold else f"  {self._hold_key} draws it", hold=self._hold)
        self._document.show_text(_parts(kept, TABS[self._front]))

    @property
    def _hold_key(self) -> str:
        return self.stage.keys.names["draw_holding"]

    # ---- keys

    def hints(self) -> Sequence[tuple[str, str]]:
        place = "backtest_trades" if TABS[self._front] == "Trades" else "backtest"
        return (BACK, *self.stage.keys.hints(place))

    def key(self, key: str, character: str | None) -> None:
        table = self._table
        in_table = TABS[self._front] == "Trades"
        match key:
            case "right" | "tab":
                self._go(self._front + 1)
            case "left" | "shift+tab":
                self._go(self._front - 1)
            case "b" if not in_table:
                self._hold = not self._hold
                self._show()
            case _ if key.isdigit() and 1 <= int(key) <= len(TABS):
                self._go(int(key) - 1)
            case "r":
                trip = table.cursor_row if in_table else None
                self._actions.replay(self._number, trip.trade.entry_at if trip is not None else 0)
            case "enter" if in_table:
                self._tell_all()
            case "o" if in_table:
                table.sort_next()
            case "O" if in_table:
                table.sort_other_way()
            case _ if in_table:
                table.move_key(key)
            case _:
                self._document.scroll_key(key)

    def _tell_all(self) -> None:
        trip = self._table.cursor_row
        if trip is None:
            self.say("There is no round trip here.", Level.WARNING)
        else:
            self.stage.read(trip_dialog(trip, self.stage.clock))

    def _tell_beside(self, kept: Kept) -> None:
        """The round trip under the cursor, and what it is among all."""
        trip = self._table.cursor_row
        if trip is None or trip is self._told:
            return
        self._told = trip
        placed = _placed(kept, trip.trade)
        self._beside.tell(trip_title(trip), "", lambda width: [*trip_lines(trip, width), [], *facts(placed, width)])


def read_report(path: Path, number: int) -> Kept:
    """The backtest `number`: takes a moment. Raises BacktestsError."""
    from console.backtest.kept import read_kept

    return read_kept(path, number)


def draws_holding(kept: Kept) -> bool:
    """Whether buying and holding is drawn at first."""
    reached, held = [*kept.points.equity, float(kept.summary.job.profile.paper.cash)], kept.points.held
    return not held or max(held) - min(held) <= DWARFED * max(max(reached) - min(reached), 1e-9)


def draw_curve(curve: Curve, kept: Kept, more: str = "", *, hold: bool) -> None:
    """The equity of `kept`, and where `hold` says so that of buying and holding; `more` stands behind what both returned."""
    points, highest, drawn = kept.points, float(kept.summary.job.profile.paper.cash), []
    for at, equity in zip(points.at, points.equity, strict=True):
        highest = max(highest, equity)
        drawn.append(Point(at, equity, 1 - equity / highest if highest > 0 else 0.0))
    total, held = kept.summary.figures.total_return, kept.summary.figures.buy_and_hold
    legend = [Cell(numbers.change(total), numbers.change_direction(total)), Cell("  held ", "muted"), Cell(numbers.change(held), "muted")]
    curve.show_points(drawn, "One bar is no curve yet.", "%Y-%m-%d", points.held if hold else ())
    curve.set_summary(*legend, Cell(more, "muted"))


def in_short(kept: Kept, width: int) -> list[Line]:
    """The report for half a screen: figures, months, and what each symbol brought."""
    from console.backtest.figures import RETURNS, TRADES
    from console.screens.backtests.drawings import apart, figures, months
    from console.screens.details.writing import Section, arranged, sections

    run = kept.summary
    returns = Section("Returns", lambda room: figures(run, RETURNS, room))
    trips = Section("Round trips", lambda room: figures(run, TRADES, room))
    below = [
        Section("Months", lambda room: months(run, room)),
        Section("By symbol, best first", lambda room: apart("Symbol", run.figures.by_symbol, room)),
    ]
    return [*arranged([returns], [trips], width, (LEFT, LEFT - 4)), [], *sections(below, width)]


def _placed(kept: Kept, trip: Trade) -> list[tuple[str, Value]]:
    """What a round trip is among all, and what had been made when it ended."""
    better, made, in_symbol = 0, 0.0, 0.0
    for other in kept.trades:
        better += other.profit > trip.profit
        if other.exit_at <= trip.exit_at:
            made += other.profit
            in_symbol += other.profit if other.symbol == trip.symbol else 0.0
    return [
        ("by profit", f"{better + 1:,} of {len(kept.trades):,}, the best first"),
        ("made by then", [profit(made), Cell("  in all", "muted")]),
        ("", [profit(in_symbol), Cell(f"  in {trip.symbol}", "muted")]),
    ]


def _parts(kept: Kept, tab: str) -> Callable[[int], list[Line]]:
    """What stands under the curve, or alone."""
    from console.backtest.figures import RETURNS, TRADES
    from console.backtest.report import report
    from console.screens.backtests.drawings import WIDTH, apart, distribution, explained, figures, months
    from console.screens.details.writing import Section, arranged, sections

    run, gains = kept.summary, [trade.gain for trade in kept.trades]
    by_month = Section("Months", lambda room: months(run, room))
    spread = Section("Results of the round trips", lambda room: distribution(gains, room))
    by_symbol = Section("By symbol, best first", lambda room: apart("Symbol", run.figures.by_symbol, room))
    by_strategy = Section("By strategy, best first", lambda room: apart("Strategy", run.figures.by_strategy, room))

    def whole(width: int) -> list[Line]:
        left = [
            Section("Returns", lambda room: figures(run, RETURNS, room)),
            Section("Round trips", lambda room: figures(run, TRADES, room)),
        ]
        right = [by_month, spread, by_symbol, by_strategy]
        return arranged(left, right, width, (LEFT, WIDTH))

    def meant(width: int) -> list[Line]:
        return sections(
            [
                Section("Returns", lambda room: explained(run, RETURNS, room)),
                Section("Round trips", lambda room: explained(run, TRADES, room)),
                by_symbol,
                by_strategy,
            ],
            width,
        )

    def setup(width: int) -> list[Line]:
        row = kept.row
        made = numbers.wall_time(row.made_at, "%Y-%m-%d %H:%M:%S")
        pairs = [
            ("run", f"{made}, in {row.took_s:,.2f} s, by version {run.version}"),
            *((f"file of {each.name}", each.file) for each in run.strategies),
            ("data", row.data),
            ("code", row.code),
            ("profile", row.profile),
            ("result", row.outcome),
        ]
        told = list(report(run, figures=False))
        return [*facts(pairs, width), [], *(line for text in told for line in (paragraph(text, width) if text else [[]]))]

    drawn: dict[str, Callable[[int], list[Line]]] = {
        "Report": whole,
        "Figures": meant,
        "Months": lambda width: months(run, width),
        "Distribution": lambda width: distribution(gains, width, 30),
        "Setup": setup,
    }
    return drawn.get(tab, lambda width: [])
