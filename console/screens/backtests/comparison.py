"""Backtests side by side on a page: what is not the same in all is marked, their curves lie over one another, their years beside each
other."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.containers import Container, Vertical
from textual.widget import Widget

from console.backtest.comparing import Group, compare
from console.screens.backtests.drawings import signed
from console.screens.dialog import HasKeys, Line, paragraph
from console.screens.page import BACK, Page
from storage.backtests import BacktestsError
from widgets import numbers
from widgets.cells import Cell, fit_cells, length
from widgets.curves import CurveLine, Curves
from widgets.document import Document
from widgets.text import cut

if TYPE_CHECKING:
    from console.actions.stage import Stage
    from console.backtest.kept import Kept

NAMES, LEAST, MOST, GAP = 20, 12, 30, 2
"""Cells of the names, of each backtest's column at least and at most, and between columns where there is room for more than the least."""
CURVES_WIDTH, ABOVE_FROM = 76, 48
"""Cells that the curves have at least beside the figures; lines of a screen on which they stand above where there is no such room."""
STRATEGY = 16
"""Characters of a strategy's name at its curve."""
SEEN = 0.0005
"""A return that is written as more than nothing."""
_ARRANGED = ("-beside", "-above", "-curves", "-figures")


class ComparisonPage(Page):
    """The backtests of these `numbers`. Where there is room the curves stand beside the figures or above them; else `v` goes from the one
    to the other."""

    DEFAULT_CSS = """
    ComparisonPage #both { height: 1fr; layout: vertical; }
    ComparisonPage Document { height: 1fr; }
    ComparisonPage #drawn { height: 1fr; }
    ComparisonPage #drawn Curves { height: 1fr; min-height: 7; }
    ComparisonPage #both.-beside { layout: horizontal; }
    ComparisonPage #both.-above #drawn { height: 16; }
    ComparisonPage .-above #years, ComparisonPage .-curves #years { display: none; }
    ComparisonPage .-figures #drawn, ComparisonPage .-curves #figures { display: none; }
    """

    def __init__(self, stage: Stage, path: Path, numbers: Sequence[int]) -> None:
        super().__init__(stage)
        self._path, self._numbers = path, numbers
        self._figures = Document("Side by side", id="figures")
        self._figures.show_text(lambda width: paragraph("Reading the backtests …", width, "muted"))
        self._curves = Curves("Equity, as a return from its beginning on")
        self._years = Document("Year by year", id="years")
        self._curves.can_focus = self._years.can_focus = False
        self._both = Container(self._figures, Vertical(self._curves, self._years, id="drawn"), id="both", classes="-figures")
        self._needs = 0
        """Cells that the figures take when nothing of them is cut."""
        self._drawn = False
        """Whether the curves have the screen, where it has no room for both."""

    def content(self) -> Iterable[Widget]:
        yield self._both

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self._figures)
        self.run_worker(self._read())

    async def _read(self) -> None:
        try:
            kept = await asyncio.to_thread(_all, self._path, self._numbers)
        except BacktestsError as error:
            problem = str(error)
            self._figures.show_text(lambda width: paragraph(problem, width, "warning"))
            return
        groups = compare([each.summary for each in kept])
        self._needs = natural_width(groups)
        self._figures.set_summary(Cell("≠ is not the same in all", "accent"))
        self._figures.show_text(lambda width: beside(kept, groups, width))
        self._curves.show_lines([line_of(each) for each in kept], "None of them has bars to draw.")
        years = by_year(kept)
        self._years.show_text(lambda width: years)
        self._years.styles.height = min(len(years) + 2, 24)
        self.frame()

    def frame(self) -> None:
        self._arrange(self._arrangement())

    # ---- what stands where

    def _arrangement(self) -> str:
        """One of _ARRANGED."""
        width, height = self.app.size
        plain = cast(HasKeys, self.app).plain
        if self._needs and not plain and width - self._needs - 4 >= CURVES_WIDTH:
            return "-beside"
        if self._needs and not plain and height >= ABOVE_FROM:
            return "-above"
        return "-curves" if self._drawn else "-figures"

    def _arrange(self, wanted: str) -> None:
        if self._both.has_class(wanted) and (wanted != "-beside" or self._figures.styles.width is not None):
            return
        for each in _ARRANGED:
            self._both.set_class(each == wanted, each)
        self._figures.styles.width = self._needs + 4 if wanted == "-beside" else "1fr"

    # ---- keys

    def hints(self) -> Sequence[tuple[str, str]]:
        hints = self.stage.keys.hints("comparison")
        turns = self._arrangement() in ("-curves", "-figures")
        return (BACK, *((key, does) for key, does in hints if turns or key != self.stage.keys.names["compare_curves"]))

    def key(self, key: str, character: str | None) -> None:
        if key == "v":
            self._drawn = not self._drawn
            self.frame()
        else:
            self._figures.scroll_key(key)


def _all(path: Path, numbers: Sequence[int]) -> list[Kept]:
    from console.backtest.kept import read_kept

    return [read_kept(path, number) for number in numbers]


# ---- what is told


def natural_width(groups: Sequence[Group]) -> int:
    """Cells of a line in which every value has its whole room."""
    values = [value for group in groups for line in group.lines for value in line.values]
    count = len(groups[0].lines[0].values)
    return NAMES + 2 + count * (GAP + min(MOST, max(LEAST, *(length([Cell(value)]) for value in values))))


def beside(kept: Sequence[Kept], groups: Sequence[Group], width: int) -> list[Line]:
    """A line for each thing that is told of them, in groups."""
    each_has = (width - NAMES - 2) // len(kept)
    gap = GAP if each_has >= LEAST + GAP else 1
    room = min(MOST, max(LEAST, each_has - gap))
    blank = Cell(" " * gap)
    head: Line = [Cell(" " * (NAMES + 2))]
    for each in kept:
        head += [blank, *fit_cells([Cell(f"#{each.row.number}", "title")], room, right=True)]
    lines: list[Line] = [head]
    for group in groups:
        lines += [[], [Cell(f"  {group.title}", "title")]]
        for line in group.lines:
            mark = Cell("  ") if line.same else Cell("≠ ", "accent")
            drawn: Line = [mark, *fit_cells([Cell(line.name, "muted")], NAMES)]
            for value in line.values:
                drawn += [blank, *fit_cells([Cell(value, "muted" if line.same else "")], room, right=True)]
            lines.append(drawn)
    return lines


def line_of(kept: Kept) -> CurveLine:
    """Its equity as a part of the cash that it began with."""
    cash = float(kept.summary.job.profile.paper.cash)
    return CurveLine(
        f"#{kept.row.number}", kept.points.at, [equity / cash - 1 for equity in kept.points.equity], cut(kept.row.strategies, STRATEGY)
    )


def by_year(kept: Sequence[Kept]) -> list[Line]:
    """What each made in each calendar year, in per cent; the best of the year is marked where several traded in it."""
    made: list[dict[int, float | None]] = []
    for each in kept:
        years: dict[int, float | None] = {}
        for year, _, gain in each.summary.figures.monthly:
            before = years.get(year, 0.0)
            years[year] = None if before is None or gain is None else (1 + before) * (1 + gain) - 1
        made.append(years)
    head: Line = [Cell("%    ", "muted"), *(Cell(f"{f'#{each.row.number}':>9} ", "title") for each in kept)]
    lines: list[Line] = [head]
    for year in sorted({year for years in made for year in years}):
        known = [gain for years in made if (gain := years.get(year)) is not None and math.isfinite(gain)]
        best = max(known) if len(known) > 1 and max(known) > min(known) else None
        line: Line = [Cell(f"{year:<5}", "muted")]
        for years in made:
            gain = years.get(year)
            role = numbers.direction(None if gain is None or abs(gain) < SEEN else gain)
            line.append(Cell(f"{signed(gain) if year in years else '':>9}", role))
            line.append(Cell("◂" if best is not None and gain == best else " ", "accent"))
        lines.append(line)
    return [*lines, [], [Cell("◂ is the best of that year.", "muted")]]
