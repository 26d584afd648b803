"""What the details of orders, positions and signals share: a page that draws a dossier, and keys that act on its row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual.widget import Widget

from console.actions.stage import Stage
from console.screens.details.dossier import Dossier
from console.screens.page import BACK, Page
from widgets.document import Document


class Detail(Page):
    """The page of a `dossier`."""

    def __init__(self, stage: Stage, dossier: Dossier) -> None:
        super().__init__(stage)
        self.dossier = dossier
        self._document = Document(dossier.title, dossier.more)

    @property
    def acted_on(self) -> Any:
        return self.dossier.row

    def content(self) -> Iterable[Widget]:
        yield self._document

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self._document)

    def frame(self) -> None:
        if self.dossier.news():
            self._document.set_summary(*self.dossier.summary)
            self._document.show_text(self.dossier.lines)
        if self.dossier.read_on(self._document.near_end):
            self._document.show_text(self.dossier.lines)

    def closed(self) -> None:
        self.dossier.close()

    # ---- keys

    def hints(self) -> Sequence[tuple[str, str]]:
        return (BACK, *self.stage.subject.row_hints(self.dossier.PANEL), *self.stage.keys.hints("detail"))

    def key(self, key: str, character: str | None) -> None:
        if not self._document.scroll_key(key):
            self.stage.subject.act_on_row(self.dossier.PANEL, key)
