"""Backtests side by side on a page; what is not the same in all is marked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.widget import Widget

from console.backtest.comparing import compare
from console.screens.dialog import Line, paragraph
from console.screens.page import BACK, Page
from storage.backtests import BacktestsError
from widgets.cells import Cell, fit_cells
from widgets.document import Document

if TYPE_CHECKING:
    from console.actions.stage import Stage
    from console.backtest.kept import Kept

NAMES, LEAST, MOST = 20, 12, 30
"""Cells of the names, and of each backtest's column at least and at most."""


class ComparisonPage(Page):
    """The backtests of these `numbers`."""

    DEFAULT_CSS = """
    ComparisonPage Document { height: 1fr; }
    """

    def __init__(self, stage: Stage, path: Path, numbers: Sequence[int]) -> None:
        super().__init__(stage)
        self._path, self._numbers = path, numbers
        self._document = Document("Side by side")
        self._document.show_text(lambda width: paragraph("Reading the backtests …", width, "muted"))

    def content(self) -> Iterable[Widget]:
        yield self._document

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self._document)
        self.run_worker(self._read())

    async def _read(self) -> None:
        try:
            kept = await asyncio.to_thread(_all, self._path, self._numbers)
        except BacktestsError as error:
            problem = str(error)
            self._document.show_text(lambda width: paragraph(problem, width, "warning"))
        else:
            self._document.set_summary(Cell("≠ is not the same in all", "accent"))
            self._document.show_text(lambda width: beside(kept, width))

    def hints(self) -> Sequence[tuple[str, str]]:
        return (BACK, *self.stage.keys.hints("comparison"))

    def key(self, key: str, character: str | None) -> None:
        self._document.scroll_key(key)


def _all(path: Path, numbers: Sequence[int]) -> list[Kept]:
    from console.backtest.kept import read_kept

    return [read_kept(path, number) for number in numbers]


def beside(kept: Sequence[Kept], width: int) -> list[Line]:
    """A line for each thing that is told of them, in groups."""
    room = min(MOST, max(LEAST, (width - NAMES - 2) // len(kept) - 1))
    head: Line = [Cell(" " * (NAMES + 2))]
    for each in kept:
        head += [Cell(" "), *fit_cells([Cell(f"#{each.row.number}", "title")], room, right=True)]
    lines: list[Line] = [head]
    for group in compare([each.summary for each in kept]):
        lines += [[], [Cell(f"  {group.title}", "title")]]
        for line in group.lines:
            mark = Cell("  ") if line.same else Cell("≠ ", "accent")
            drawn: Line = [mark, *fit_cells([Cell(line.name, "muted")], NAMES)]
            for value in line.values:
                drawn += [Cell(" "), *fit_cells([Cell(value, "muted" if line.same else "")], room, right=True)]
            lines.append(drawn)
    return lines
