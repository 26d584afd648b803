"""A dossier: all that is known of an order, a position or a signal, as sections that change as the View and the history tell more.

It draws lines and no widget: a page shows it, or a list has it beside its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.actions.stage import Stage
from console.screens.details.writing import Section, arranged
from console.screens.dialog import Line
from console.screens.standing import Standing
from engine.model import View
from widgets.cells import Cell

EVERY_S = 1.0
"""How often the history is asked again while a dossier is read."""


class Dossier:
    """`row` is what keys act on, by the actions of `PANEL`. A subclass names its questions and draws its sections."""

    PANEL = ""

    def __init__(self, stage: Stage, title: str, more: str = "") -> None:
        """`more` stands behind the title where there is room for it."""
        self.stage = stage
        self.title = title
        self.more = more
        self.summary: tuple[Cell, ...] = ()
        """What stands at the right of the frame's top."""
        self.questions: list[Standing[Any]] = []
        self._looked_at: View | None = None

    # ---- what a subclass gives

    @property
    def row(self) -> Any:
        """The row as it stands now."""
        raise NotImplementedError

    def look(self, view: View) -> None:
        """The View is another one, or the history answered: take what is to be drawn from them."""

    def left(self) -> Sequence[Section]:
        raise NotImplementedError

    def right(self) -> Sequence[Section]:
        raise NotImplementedError

    def read_on(self, near_end: bool) -> bool:
        """Called with each frame of a page; where a list goes on, and its end is nearly in view, more of it can be asked for. Whether
        more of it came."""
        return False

    # ---- for whoever shows it

    def news(self) -> bool:
        """Whether it is to be drawn anew. To be called with each frame."""
        now, view = self.stage.clock(), self.stage.view
        answered = [question.look(now) for question in self.questions]
        if not any(answered) and view is self._looked_at:
            return False
        self._looked_at = view
        self.look(view)
        return True

    def lines(self, width: int) -> list[Line]:
        return arranged(self.left(), self.right(), width)

    def close(self) -> None:
        """Nobody reads it any more."""
        for question in self.questions:
            question.drop()

    def summarise(self, *cells: Cell) -> None:
        self.summary = cells

    @property
    def problem(self) -> str:
        """Why the history says nothing, if it does not."""
        return next((question.problem for question in self.questions if question.problem), "")
