"""The form that begins a backtest: its fields, what is wrong under the field it is about, and how far the run is.

The run goes on when the form is left; whoever stays sees its report at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.containers import Horizontal
from textual.widget import Widget

from console.backtest.entries import ENTRIES, Entry, Mistake, completed, explained, known, read
from console.screens.backtests.form_beside import FormBeside
from console.screens.dialog import Line, paragraph
from console.screens.page import Page
from engine.model import Level
from widgets import numbers
from widgets.cells import Cell, Gauge, fit_cells, gauge, length
from widgets.line_editor import LineEditor
from widgets.lines import Lines
from widgets.text import clean

if TYPE_CHECKING:
    from console.actions.backtests import BacktestActions
    from console.actions.stage import Stage
    from console.backtest.running import Running
    from console.backtest.worker import Told

LABELS, VALUES = 14, 22
RUN = "run"
"""Stands for the button behind the fields."""
_CHOICES = 6
STILL = 2
"""Frames in which nothing is typed before what the fields come to is looked at: files are read for it."""
TOLD_AFTER_S = 0.5
"""Before so long a rate is a guess."""


class FormPage(Page):
    """Tab and Enter go from field to field, Tab completes first where there is something to complete, F5 runs. While it runs Escape
    cancels it, and q leaves it running."""

    DEFAULT_CSS = """
    FormPage FormLines { width: 3fr; height: 1fr; padding: 0 1; }
    """

    def __init__(self, stage: Stage, actions: BacktestActions) -> None:
        super().__init__(stage)
        self._actions = actions
        begun = {**explained(actions.settings), **actions.entered}
        self._editors = {entry.name: LineEditor(longest=400) for entry in ENTRIES}
        for name, editor in self._editors.items():
            editor.put(begun.get(name, ""))
        self._at = 0
        self._mistake: Mistake | None = None
        self._said: tuple[str, str] | None = None
        self._checking = False
        self._known: dict[str, tuple[str, ...]] = {}
        self._lines = FormLines(self)
        self._beside = FormBeside()
        self._is_beside = False
        self._looked: dict[str, str] = {}
        """The texts that stand beside the form, or are looked at for it."""
        self._before: dict[str, str] = {}
        """Those of the last frame, and for how many frames nothing was typed."""
        self._still = 0
        self._looks = False

    def content(self) -> Iterable[Widget]:
        with Horizontal():
            yield self._lines
            yield self._beside

    def on_mount(self) -> None:
        super().on_mount()
        self.run_worker(self._find_out())

    async def _find_out(self) -> None:
        self._known = await asyncio.to_thread(known, self._actions.settings)
        self.frame()

    def frame(self) -> None:
        self._is_beside = self._beside.takes_room()
        if self._is_beside:
            self._look_beside()
        self._lines.redraw()

    def _look_beside(self) -> None:
        """What the fields come to, once nothing is typed for a moment; one look at a time."""
        texts = self._texts
        self._still = self._still + 1 if texts == self._before else 0
        self._before = texts
        if texts != self._looked and not self._looks and (self._still >= STILL or not self._looked):
            self._looked, self._looks = texts, True
            self.run_worker(self._look(texts))

    async def _look(self, texts: dict[str, str]) -> None:
        from console.backtest.at_hand import look

        found = await asyncio.to_thread(look, texts, self._actions.settings)
        self._looks = False
        self._beside.tell(found)

    def closed(self) -> None:
        self._actions.entered = self._texts

    @property
    def _texts(self) -> dict[str, str]:
        return {name: editor.text for name, editor in self._editors.items()}

    @property
    def _entry(self) -> Entry | None:
        """The field with the keys; None on the button."""
        return ENTRIES[self._at] if self._at < len(ENTRIES) else None

    # ---- the run

    def _begin(self) -> None:
        if self._actions.running is not None or self._checking:
            self.say(f"{self._actions.running_text or 'It is being looked at'}: one runs at a time.", Level.WARNING)
            return
        self._mistake, self._said, self._checking = None, None, True
        self._actions.entered = self._texts
        self.run_worker(self._check(self._texts))

    async def _check(self, texts: dict[str, str]) -> None:
        """The strategy's file is read for it: away from the screen's thread."""
        found = await asyncio.to_thread(read, texts, self._actions.settings)
        self._checking = False
        if isinstance(found, Mistake):
            self._wrong(found)
        else:
            self._actions.begin(found, texts["strategy"].strip())
        self.frame()

    def _wrong(self, mistake: Mistake) -> None:
        self._mistake = mistake
        self._at = next((place for place, entry in enumerate(ENTRIES) if entry.name == mistake.field), self._at)

    def ended(self, told: Told) -> None:
        """The run is over while the form is on top."""
        if told.number:
            from console.screens.backtests.report import BacktestPage

            assert self._actions.path is not None
            self._said = (told.text, "")
            self.stage.read(BacktestPage(self.stage, self._actions, self._actions.path, told.number))
        elif told.about:
            self._wrong(Mistake(told.about, told.problem))
        else:
            self._said = (told.problem, "error") if told.problem else (told.text, "")
        self.frame()

    # ---- keys

    def hints(self) -> Sequence[tuple[str, str]]:
        return self.stage.keys.hints("backtest_run" if self._actions.running is not None else "backtest_form")

    def take_key(self, key: str, character: str | None, time: float) -> None:
        if time < self._pushed or self.reads_cut(key):
            return
        self._notice.hush()
        if self._actions.running is not None:
            if key in ("escape", "ctrl+c"):
                self._actions.cancel()
            elif key == "q":
                self.leave()
        elif key in ("escape", "ctrl+c"):
            self.leave()
        else:
            self._type(key, character)
        if self.is_attached:
            self.frame()

    def take_paste(self, text: str) -> None:
        if self._entry is not None and self._actions.running is None and not self._entry.options:
            self._editors[self._entry.name].paste(text)
            self.frame()

    def _type(self, key: str, character: str | None) -> None:
        entry = self._entry
        if key == "f5" or (key == "enter" and entry is None):
            self._begin()
        elif key == "tab" and entry is not None and self._complete(entry):
            pass
        elif key in ("tab", "enter", "down"):
            self._step(1)
        elif key in ("shift+tab", "up"):
            self._step(-1)
        elif entry is not None and entry.options:
            self._choose(entry, -1 if key == "left" else 1 if key in ("right", "space") else 0)
        elif entry is not None and self._editors[entry.name].key(key, character):
            self._said = None
            if self._mistake is not None and self._mistake.field == entry.name:
                self._mistake = None

    def _step(self, step: int) -> None:
        self._at = (self._at + step) % (len(ENTRIES) + 1)

    def _choose(self, entry: Entry, step: int) -> None:
        editor = self._editors[entry.name]
        place = entry.options.index(editor.text) if editor.text in entry.options else 0
        editor.put(entry.options[(place + step) % len(entry.options)])

    def _complete(self, entry: Entry) -> bool:
        """Whether Tab put something in."""
        editor = self._editors[entry.name]
        text = completed(entry, editor.text, self._known.get(entry.name, ()))
        if text == editor.text:
            return False
        editor.put(text)
        return True

    # ---- what is drawn

    def lines(self, width: int) -> list[Line]:
        running = self._actions.running
        drawn: list[Line] = [[Cell("New backtest", "title"), Cell("  the same gate, orders and matching as on paper", "muted")], []]
        for place, entry in enumerate(ENTRIES):
            drawn += self._field(entry, running is None and place == self._at, width)
        here = running is None and self._entry is None
        if running is not None:
            return [*drawn, [], *_progress(running, self.stage.clock(), width)]
        button = Cell("[ Run ]", "title-focus" if here else "key")
        text, role = self._said or (("Looking at it …", "muted") if self._checking else ("", ""))
        return [*drawn, [Cell(" " * (LABELS + 2)), button], *(paragraph(text, width, role) if text else [])]

    def _field(self, entry: Entry, active: bool, width: int) -> list[Line]:
        wrong = self._mistake if self._mistake is not None and self._mistake.field == entry.name else None
        label = Cell(f"{entry.label:<{LABELS}}  ", "error" if wrong else "key" if active else "muted")
        editor = self._editors[entry.name]
        if entry.options:
            value = [
                Cell(
                    f"‹{option}›" if option == editor.text else f" {option} ",
                    "title-focus" if active and option == editor.text else "muted",
                )
                for option in entry.options
            ]
        elif active:
            value = _in_view(editor, width - LABELS - 2)
        else:
            value = [Cell(clean(editor.text) or "-", "" if editor.text else "muted")]
        if self._is_beside:
            # Where every field says what it may be, that stands in a column.
            value.append(Cell(" " * (VALUES - length(value))))
        room = width - LABELS - 2 - length(value) - 3
        note = "" if wrong else self._note(entry, editor.text, active)
        line = [label, *value, Cell("   "), Cell(note, "muted")] if note and len(note) <= room else [label, *value]
        lines = [fit_cells(line, width)]
        indent = Cell(" " * (LABELS + 2))
        if wrong is not None:
            lines += paragraph(f"✗ {wrong.message}", width, "error", indent)
        elif active and note and len(note) > room:
            lines += paragraph(note, width, "muted", indent)
        return lines

    def _note(self, entry: Entry, text: str, active: bool) -> str:
        """What may stand there; while it is typed, what Tab would put in."""
        if not active:
            return entry.about if self._is_beside and self._actions.running is None else ""
        found = [word for word in self._known.get(entry.name, ()) if word.startswith(text.rpartition(",")[2])]
        if found and found != [text]:
            more = f" and {len(found) - _CHOICES} more" if len(found) > _CHOICES else ""
            return f"Tab: {', '.join(clean(word) for word in found[:_CHOICES])}{more}"
        return entry.about

    def clicked(self, line: int) -> None:
        """A click gives a field the keys, and runs on the button."""
        if self._actions.running is not None:
            return
        top = 2
        for place, entry in enumerate(ENTRIES):
            height = len(self._field(entry, place == self._at, self._lines.size.width))
            if top <= line < top + height:
                self._at = place
            top += height
        if line == top:
            self._at = len(ENTRIES)
            self._begin()
        self.frame()


def _in_view(editor: LineEditor, room: int) -> list[Cell]:
    """The line around its cursor."""
    before, under, after = editor.cells
    return [Cell(before.text[-max(room - 2, 1) :]), under, Cell(after.text[: max(room - len(before.text) - 1, 0)])]


def _progress(running: Running, now: float, width: int) -> list[Line]:
    told, seconds = running.progress, max(now - running.began, 1e-9)
    if not told.total:
        return [[Cell(f"{clean(running.name)} is being loaded", "accent"), Cell(f"  {numbers.age(seconds)}", "muted")]]
    share = told.done / told.total
    text = f" {share:4.0%}  {told.done:,} of {told.total:,} bars"
    if seconds >= TOLD_AFTER_S and told.done:
        rate = told.done / seconds
        text += f"  {rate:,.0f}/s  {numbers.age((told.total - told.done) / rate)} left"
    return [[Cell(f"{clean(running.name)} runs", "accent")], gauge(Gauge(share, "accent"), max(10, width)), [Cell(text)]]


class FormLines(Lines):
    """Draws the form."""

    def __init__(self, page: FormPage) -> None:
        super().__init__()
        self._page = page

    def draw(self, width: int) -> list[tuple[str, Line]]:
        lines = self._page.lines(width)
        return [("", line) for line in [*lines, *[[]] * (self.size.height - len(lines))]]

    def on_click(self, event: events.Click) -> None:
        self._page.clicked(event.y)
