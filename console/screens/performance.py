"""The performance: equity and drawdown over a period, its figures, what each symbol and strategy brought, and the run's own metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from textual import on
from textual.widget import Widget

from console.actions.stage import Stage
from console.performance import Account, Figures, Mark, Period, Results, ask, curve, figures, results, together
from console.screens.details.writing import Head, Section, Value, arranged, facts, profit, table
from console.screens.dialog import Line, paragraph
from console.screens.page import BACK, Page
from console.screens.standing import Standing
from engine.model import View
from engine.model.metrics import Percentiles
from engine.model.views import ExposureRow
from widgets import numbers
from widgets.cells import Cell
from widgets.curve import Curve, Point
from widgets.document import Document
from widgets.tab_line import TabLine

if TYPE_CHECKING:
    from storage.history import History

EVERY_S = 5.0
PERIODS = tuple(Period)
EMPTY = "Nothing to draw yet. Equity is noted each minute while the engine runs; results come with the first fill: {buy} buys."


class PerformancePage(Page):
    """Digits, Tab and the arrows choose the period."""

    DEFAULT_CSS = """
    PerformancePage Curve { height: 2fr; min-height: 7; }
    PerformancePage Document { height: 3fr; }
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._tabs = TabLine(tuple((str(place), period.value) for place, period in enumerate(PERIODS)))
        self._curve = Curve("Equity")
        self._curve.name_keys(stage.keys.names)
        self._document = Document("Figures")
        self._period = Period.DAY
        self._asked = self._question(Period.DAY)
        self._drawn_of: View | None = None

    def _question(self, period: Period) -> Standing[Account]:
        async def of_period(history: History) -> Account:
            return await ask(history, period)

        return Standing(self.stage.archive, of_period, EVERY_S)

    def content(self) -> Iterable[Widget]:
        yield self._tabs
        yield self._curve
        yield self._document

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self._document)
        self._tabs.show("0", frozenset())

    def closed(self) -> None:
        self._asked.drop()

    def _go(self, place: int) -> None:
        place %= len(PERIODS)
        if PERIODS[place] is not self._period:
            self._period = PERIODS[place]
            self._asked.drop()
            self._asked = self._question(self._period)
            self._drawn_of = None
        self._tabs.show(str(place), frozenset())

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self._go(int(event.tab))

    # ---- frames

    def frame(self) -> None:
        news = self._asked.look(self.stage.clock())
        if news or self.stage.view is not self._drawn_of:
            self._drawn_of = self.stage.view
            self._draw_curve()
            self._document.show_text(self._lines)

    @property
    def _equity(self) -> Decimal | None:
        """What the account is worth now, once the engine knows."""
        view = self.stage.view
        return view.account.equity if view.health.ready else None

    def _draw_curve(self) -> None:
        account = self._asked.answer
        points = points_of(curve(account, self._equity)) if account is not None else ()
        empty = self._asked.problem or (EMPTY if account is not None else "Reading the history …")
        self._curve.show_points(points, empty, "%m-%d %H:%M" if self._period in (Period.DAY, Period.WEEK) else "%Y-%m-%d")
        figures_now = figures(account, self._equity) if account is not None else None
        if figures_now is not None and figures_now.profit is not None:
            self._curve.set_summary(profit(figures_now.profit), Cell(f"  {numbers.percent(figures_now.total)}", "muted"))
        else:
            self._curve.set_summary()

    def _lines(self, width: int) -> list[Line]:
        account = self._asked.answer
        left = [Section("This run", self._metrics), Section("Milliseconds", self._latencies)]
        if account is None:
            problem = self._asked.problem or "Reading the history …"
            return arranged([Section(self._period.value, lambda room: paragraph(problem, room, "warning"))], left, width)
        view, now = self.stage.view, figures(account, self._equity)
        left.insert(0, Section(self._period.value, lambda room: _figures(now, together(account.earned), view, room)))
        by_symbol = results(account.earned, "symbol", _open(view.exposure_by_symbol))
        by_strategy = results(account.earned, "strategy", _open(view.exposure_by_strategy))
        right = [
            Section("By symbol, best first", lambda room: results_lines(by_symbol, "Symbol", room)),
            Section("By strategy, best first", lambda room: results_lines(by_strategy, "Strategy", room)),
        ]
        if self._period is not Period.ALL:
            note = "Realised is of this period; open is all that is held now, whenever it was bought."
            right.append(Section("", lambda room: paragraph(note, room, "muted")))
        return arranged(left, right, width)

    def _metrics(self, width: int) -> list[Line]:
        metrics = self.stage.view.metrics
        bps = f"  {metrics.slippage_bps:+.1f} bps" if metrics.slippage_bps is not None else ""
        pairs: list[tuple[str, Value]] = [
            ("orders sent", f"{metrics.submitted:,}"),
            ("filled", f"{metrics.filled:,}"),
            ("cancelled", f"{metrics.cancelled:,}"),
            ("rejected", Cell(f"{metrics.rejected:,}", "error" if metrics.rejected else "")),
            ("denied by gate", f"{metrics.denied:,}"),
            ("fill rate", numbers.NONE if metrics.fill_rate is None else f"{metrics.fill_rate:.1%}"),
            ("slippage", f"{numbers.signed(metrics.slippage)}{bps}"),
            ("market events", f"{metrics.market_events:,}"),
        ]
        return facts(pairs, width)

    def _latencies(self, width: int) -> list[Line]:
        metrics = self.stage.view.metrics
        named = (
            ("key to broker", metrics.order_path),
            ("quote to broker", metrics.signal_path),
            ("broker's answer", metrics.answer),
            ("first fill", metrics.execution),
            ("engine's lag", metrics.lag),
        )
        return table(_LATENCIES, [_percentiles(name, window) for name, window in named], width)

    # ---- keys

    def hints(self) -> Sequence[tuple[str, str]]:
        return (BACK, *self.stage.keys.hints("performance"))

    def key(self, key: str, character: str | None) -> None:
        place = PERIODS.index(self._period)
        match key:
            case "right" | "tab":
                self._go(place + 1)
            case "left" | "shift+tab":
                self._go(place - 1)
            case _ if key.isdigit() and 1 <= int(key) <= len(PERIODS):
                self._go(int(key) - 1)
            case _:
                self._document.scroll_key(key)


_LATENCIES = (Head(""), Head("p50", right=True), Head("p95", right=True), Head("p99", right=True), Head("of", right=True, priority=1))


def _percentiles(name: str, window: Percentiles | None) -> list[Cell]:
    values = [numbers.NONE] * 3 if window is None else [f"{value:,.1f}" for value in (window.p50, window.p95, window.p99)]
    return [Cell(name, "muted"), *(Cell(value) for value in values), Cell("" if window is None else f"{window.count:,}", "muted")]


def _open(rows: Iterable[ExposureRow]) -> dict[str, Decimal]:
    return {row.name: row.unrealised for row in rows}


def points_of(marks: Iterable[Mark]) -> tuple[Point, ...]:
    """What a curve draws of the points of equity."""
    highest, drawn = Decimal(0), []
    for mark in marks:
        highest = max(highest, mark.equity)
        share = numbers.fraction_of(highest - mark.equity, highest) if highest > 0 else 0.0
        drawn.append(Point(mark.at, float(mark.equity), share))
    return tuple(drawn)


def _figures(now: Figures, whole: Results, view: View, width: int) -> list[Line]:
    realised, *others = traded(whole)
    pairs: list[tuple[str, Value]] = [
        ("equity", numbers.money(now.equity)),
        ("profit", profit(now.profit)),
        ("return", Cell(numbers.change(now.total), numbers.change_direction(now.total))),
        ("max drawdown", f"{now.drawdown:.2%}  {numbers.money(now.fell)}" if now.fell else "none"),
        ("best day", _day(now.best)),
        ("worst day", _day(now.worst)),
        realised,
        ("open now", profit(sum((row.unrealised for row in view.exposure_by_symbol), Decimal(0)))),
        *others,
    ]
    return facts(pairs, width)


def traded(whole: Results) -> list[tuple[str, Value]]:
    """What trading brought, as facts; the first is the profit taken."""
    rate, factor = whole.win_rate, whole.profit_factor
    decided = whole.wins + whole.losses
    return [
        ("realised", [profit(whole.realised), Cell("  less commissions", "muted")]),
        ("commissions", numbers.money(whole.fees)),
        ("win rate", numbers.NONE if rate is None else f"{rate:.1%}: {whole.wins:,} of {decided:,} trades"),
        ("profit factor", f"{factor:,.2f}" if factor is not None else "no trade lost yet" if whole.wins else numbers.NONE),
        ("fills", f"{whole.fills:,}"),
    ]


def _day(day: tuple[str, Decimal] | None) -> Value:
    return numbers.NONE if day is None else [profit(day[1]), Cell(f"  {day[0]}", "muted")]


def results_lines(found: Sequence[Results], title: str, width: int, *, past: bool = False) -> list[Line]:
    """A line for each. Of a time that is `past` nothing is told of what is open now."""
    if not found:
        return paragraph("Nothing was traded in this time. Each fill adds to it.", width, "muted")
    heads = (
        *(Head(title), Head("P&L", right=True), Head("Realised", right=True, priority=2), Head("Open", right=True, priority=3)),
        *(Head("Fees", right=True, priority=5), Head("Won", right=True, priority=1), Head("Factor", right=True, priority=4)),
    )
    rows = []
    for each in found:
        won = f"{each.wins}/{each.wins + each.losses}" if each.wins + each.losses else numbers.NONE
        factor = each.profit_factor
        rows.append(
            [
                Cell(each.name or ("by hand" if title == "Strategy" else numbers.NONE)),
                profit(each.profit),
                profit(each.realised),
                profit(each.unrealised),
                Cell(numbers.money(each.fees), "muted"),
                Cell(won),
                Cell(numbers.NONE if factor is None else f"{factor:,.2f}"),
            ]
        )
    kept = [place for place in range(len(heads)) if not past or heads[place].title not in ("Realised", "Open")]
    return table([heads[place] for place in kept], [[row[place] for place in kept] for row in rows], width)
