"""What a drawn line is made of: pieces of text that each name a style role. No colours here, no markup, no escape sequences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, chop_cells
from rich.segment import Segment

from widgets.palette import Palette
from widgets.plain import plain
from widgets.text import clean, cut

_BLANKS = re.compile(r"( +)")


class Cell(NamedTuple):
    """A piece of text and the style role it is drawn in; an empty role is plain text."""

    text: str
    role: str = ""


class Gauge(NamedTuple):
    """A bar as wide as its column: `fraction` of it is full. Outside 0 to 1 it is shown full or empty; nan is empty."""

    fraction: float
    role: str


class Forms(NamedTuple):
    """The same, said at length and shortly, and, where there is such a form, in a word: what must not be cut is said shorter where room is
    short."""

    long: Cell
    short: Cell
    word: Cell | None = None

    @property
    def shortest(self) -> Cell:
        return self.word or self.short

    def said_in(self, width: int) -> Cell:
        """The longest that `width` cells hold, else the shortest there is."""
        fitting = (form for form in (self.long, self.short) if cell_len(clean(form.text)) <= width)
        return next(fitting, self.shortest)


Content: TypeAlias = Cell | Gauge | Forms | Sequence[Cell]
"""What a column's function may answer: one piece, several, a bar, or a piece that can be said shorter."""

UNLIMITED = 10_000
"""A width in which everything is said at length."""


def pieces(content: Content, width: int, *, plain: bool = False) -> list[Cell]:
    """`content` as clean pieces of text; a gauge is drawn `width` cells wide, or, in plain text, written as per cent."""
    if isinstance(content, Forms):
        content = content.said_in(width)
    if isinstance(content, Gauge):
        if plain:
            return [Cell(f"{content.fraction:.0%} used" if content.fraction >= 0 else "", content.role)]
        return gauge(content, width)
    if isinstance(content, Cell):
        return [Cell(clean(content.text), content.role)]
    return [Cell(clean(text), role) for text, role in content]


def gauge(bar: Gauge, width: int) -> list[Cell]:
    """Heavy for what is used, light for what is left, in half cells; something used is never drawn as nothing."""
    fraction = min(1.0, bar.fraction) if bar.fraction > 0 else 0.0
    halves = min(2 * width, max(1, round(fraction * 2 * width))) if fraction else 0
    full, half = divmod(halves, 2)
    return [Cell("━" * full + "╸" * half, bar.role), Cell("─" * (width - full - half), "line")]


def length(cells: Iterable[Cell]) -> int:
    """Cells of the screen they take together."""
    return sum(cell_len(cell.text) for cell in cells)


def fit_cells(cells: Sequence[Cell], width: int, *, right: bool = False) -> list[Cell]:
    """The same pieces in exactly `width` cells: padded, or cut with an ellipsis."""
    missing = width - length(cells)
    if missing == 0:
        return list(cells)
    if missing > 0:
        padding = Cell(" " * missing)
        return [padding, *cells] if right else [*cells, padding]
    text = "".join(cell.text for cell in cells)
    if len(text) - len(text.rstrip(" ")) >= -missing:
        # Blanks that are cut off are nothing to tell of.
        return _without_end(cells, -missing)
    fitted: list[Cell] = []
    left = width
    for cell in cells:
        size = cell_len(cell.text)
        if size < left:
            fitted.append(cell)
            left -= size
            continue
        # The pieces are too long together, so the one that reaches the edge gives way even where it would just fit.
        text = cut(cell.text, left) if size > left else cut(cell.text + " ", left)
        fitted.append(Cell(text, cell.role))
        left -= cell_len(text)
        break
    if left > 0:
        fitted.append(Cell(" " * left))
    return fitted


def wrap_cells(cells: Sequence[Cell], width: int, indent: int = 0) -> list[list[Cell]]:
    """The same pieces as lines of at most `width` cells, all but the first with so many blanks before them, broken between words where
    that is possible. Always at least one line.
    """
    if length(cells) <= width:
        return [list(cells)]
    lines: list[list[Cell]] = [[]]
    left = width

    def new_line() -> int:
        lines.append([Cell(" " * indent)] if indent else [])
        return width - indent

    for blanks, word in _words(cells):
        size = length(word)
        if length(blanks) + size <= left:
            lines[-1] += blanks
            left -= length(blanks)
        else:
            left = new_line()
        for cell in word:
            for number, part in enumerate(chop_cells(cell.text, max(2, width - indent)) if size > left else [cell.text]):
                left = new_line() if number else left
                lines[-1].append(Cell(part, cell.role))
                left -= cell_len(part)
    return lines


def _words(cells: Iterable[Cell]) -> Iterator[tuple[list[Cell], list[Cell]]]:
    """Each word, which may be of several pieces, and the blanks before it."""
    blanks, word = list[Cell](), list[Cell]()
    for text, role in cells:
        for part in _BLANKS.split(text):
            if part.isspace():
                if word:
                    yield blanks, word
                    blanks, word = [], []
                blanks.append(Cell(part, role))
            elif part:
                word.append(Cell(part, role))
    if word:
        yield blanks, word


def _without_end(cells: Sequence[Cell], count: int) -> list[Cell]:
    """The same pieces without so many characters at their end."""
    left = sum(len(cell.text) for cell in cells) - count
    fitted: list[Cell] = []
    for text, role in cells:
        fitted.append(Cell(text[: max(left, 0)], role))
        left -= len(text)
    return fitted


def segments(cells: Iterable[Cell], palette: Palette, *base: str) -> list[Segment]:
    """`cells` in the palette's styles, on top of the roles in `base`; neighbours of one style are one segment, for the terminal's sake."""
    merged: list[Segment] = []
    pending, pending_style = "", None
    style_of = palette.style
    for text, role in cells:
        if not text:
            continue
        if palette.plain:
            text = plain(text)
        style = style_of(*base, role)
        if pending_style is None:
            pending, pending_style = text, style
        elif style is pending_style or (text.isspace() and palette.blank_alike(style, pending_style)):
            pending += text
        else:
            merged.append(Segment(pending, pending_style))
            pending, pending_style = text, style
    if pending:
        merged.append(Segment(pending, pending_style))
    return merged
