"""What the details of orders, positions and signals share: a page that is drawn anew as the View and the history tell more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual.widget import Widget

from console.actions.stage import Stage
from console.screens.details.writing import Section, arranged
from console.screens.dialog import Line
from console.screens.page import BACK, Page
from console.screens.standing import Standing
from engine.model import View
from widgets.cells import Cell
from widgets.document import Document

EVERY_S = 1.0
"""How often the history is asked again while a detail is open."""


class Detail(Page):
    """`row` is what keys act on, by the actions of `PANEL`. A subclass names its questions and draws its sections."""

    PANEL = ""

    def __init__(self, stage: Stage, title: str, more: str = "") -> None:
        super().__init__(stage)
        self._document = Document(title, more)
        self._drawn_of: View | None = None
        self.questions: list[Standing[Any]] = []

    # ---- what a subclass gives

    @property
    def row(self) -> Any:
        """The row as it stands now."""
        raise NotImplementedError

    @property
    def acted_on(self) -> Any:
        return self.row

    def look(self, view: View) -> None:
        """The View is another one, or the history answered: take what is to be drawn from them."""

    def left(self) -> Sequence[Section]:
        raise NotImplementedError

    def right(self) -> Sequence[Section]:
        raise NotImplementedError

    def scrolled(self) -> None:
        """Called with each frame; where a list goes on, more of it can be asked for."""

    # ---- the page

    def content(self) -> Iterable[Widget]:
        yield self._document

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self._document)

    def frame(self) -> None:
        now, view = self.stage.clock(), self.stage.view
        news = [question.look(now) for question in self.questions]
        if any(news) or view is not self._drawn_of:
            self._drawn_of = view
            self.look(view)
            self._document.show_text(self._lines)
        self.scrolled()

    def closed(self) -> None:
        for question in self.questions:
            question.drop()

    @property
    def near_end(self) -> bool:
        return self._document.near_end

    def summarise(self, *cells: Cell) -> None:
        """What stands at the right of the frame's top."""
        self._document.set_summary(*cells)

    def _lines(self, width: int) -> list[Line]:
        return arranged(self.left(), self.right(), width)

    @property
    def problem(self) -> str:
        """Why the history says nothing, if it does not."""
        return next((question.problem for question in self.questions if question.problem), "")

    # ---- keys

    def hints(self) -> Sequence[tuple[str, str]]:
        return (BACK, *self.stage.subject.row_hints(self.PANEL), *self.stage.keys.hints("detail"))

    def key(self, key: str, character: str | None) -> None:
        if not self._document.scroll_key(key):
            self.stage.subject.act_on_row(self.PANEL, key)
