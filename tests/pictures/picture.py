"""A picture of the screen as text that a person can read and a diff can show: its lines, and of each line which cells look how.

A stored picture holds the text once and the looks in every theme it was taken in, for a theme changes colours and never a word:

    120x36 dark monochrome
     PAPER  SEMI_AUTO   engine 2ms          the text, as many lines as the screen has
    ---
    a #0b0f14 on #2fb8c6 bold | #000000 on #d0d0d0 bold
    ---
    1 a7 b32 c81                            line 1: seven cells look like `a`, then 32 like `b`; `3-9` are seven lines alike
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, zip_longest

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

RULE = "---"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

_ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse", "strike")


@dataclass(frozen=True, slots=True)
class Shot:
    """The screen in one theme: its lines, and for each the look of every cell."""

    lines: tuple[str, ...]
    looks: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """The same screen in several themes. `looks[line][cell]` are the looks in each, joined by ` | `."""

    size: tuple[int, int]
    themes: tuple[str, ...]
    lines: tuple[str, ...]
    looks: tuple[tuple[str, ...], ...]


def shot(rows: Iterable[Iterable[Segment]], width: int) -> Shot:
    """Of what the screen is made of, row by row."""
    lines, looks = [], []
    for row in rows:
        segments = [segment for segment in row if not segment.control]
        lines.append("".join(segment.text for segment in segments).rstrip())
        cells = chain.from_iterable([look(segment.style)] * cell_len(segment.text) for segment in segments)
        looks.append(tuple(cells)[:width])
    return Shot(tuple(lines), tuple(looks))


def look(style: Style | None) -> str:
    """`#rrggbb on #rrggbb bold`."""
    if style is None:
        return "-"
    colours = [colour.name if colour is not None else "-" for colour in (style.color, style.bgcolor)]
    return " ".join((f"{colours[0]} on {colours[1]}", *(name for name in _ATTRIBUTES if getattr(style, name))))


def together(shots: dict[str, Shot], size: tuple[int, int]) -> Picture:
    """One picture of the same screen in these themes. Raises AssertionError where a theme changes the text."""
    (first, base), *others = shots.items()
    for theme, other in others:
        assert other.lines == base.lines, f"{theme} changes the text that {first} shows:\n" + "\n".join(_text(base.lines, other.lines))
    looks = tuple(
        tuple(" | ".join(cell) for cell in zip(*rows, strict=True)) for rows in zip(*(each.looks for each in shots.values()), strict=True)
    )
    return Picture(size, tuple(shots), base.lines, looks)


# ---- on disk


def write(picture: Picture) -> str:
    names: dict[str, str] = {}
    for cell in chain.from_iterable(picture.looks):
        names.setdefault(cell, _letters(len(names)))
    runs = [" ".join(f"{names[cell]}{len(list(run))}" for cell, run in groupby(line)) for line in picture.looks]
    alike, place = [], 0
    for run, lines in groupby(runs):
        count = len(list(lines))
        alike.append(f"{place + 1}-{place + count} {run}" if count > 1 else f"{place + 1} {run}")
        place += count
    head = " ".join((f"{picture.size[0]}x{picture.size[1]}", *picture.themes))
    legend = [f"{name} {cell}" for cell, name in names.items()]
    return "\n".join((head, *picture.lines, RULE, *legend, RULE, *alike, ""))


def read(text: str) -> Picture:
    """Of what `write` wrote. Raises ValueError for what it did not."""
    head, *rest = text.splitlines()
    size, *themes = head.split(" ")
    width, height = map(int, size.split("x"))
    lines, legend, alike = rest[:height], rest[height + 1 : rest.index(RULE, height + 1)], rest[rest.index(RULE, height + 1) + 1 :]
    cells = dict(line.split(" ", 1) for line in legend)
    looks: list[tuple[str, ...]] = []
    for line in alike:
        span, *runs = line.split(" ")
        first, _, last = span.partition("-")
        row = chain.from_iterable([cells[run.rstrip("0123456789")]] * int(run.lstrip(LETTERS)) for run in runs)
        looks += [tuple(row)] * (int(last or first) - int(first) + 1)
    return Picture((width, height), tuple(themes), tuple(lines), tuple(looks))


def _letters(number: int) -> str:
    more, last = divmod(number, len(LETTERS))
    return (_letters(more - 1) if more else "") + LETTERS[last]


# ---- what differs


def differences(old: Picture, new: Picture) -> Iterator[str]:
    """What a person wants to know of two pictures that are not the same: lines that read otherwise, then cells that look otherwise."""
    if (old.size, old.themes) != (new.size, new.themes):
        yield f"size and themes: {old.size} {old.themes} became {new.size} {new.themes}"
        return
    yield from _text(old.lines, new.lines)
    for number, (before, after) in enumerate(zip(old.looks, new.looks, strict=True), 1):
        if old.lines[number - 1] == new.lines[number - 1] and before != after:
            yield from _looks(number, new.lines[number - 1], before, after)


def _text(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    for number, (before, after) in enumerate(zip_longest(old, new, fillvalue=""), 1):
        if before != after:
            yield f"{number:>3} - {before}"
            yield f"    + {after}"
            marks = "".join("^" if one != other else " " for one, other in zip_longest(before, after))
            yield f"      {marks.rstrip()}"


def _looks(number: int, line: str, before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    start = 0
    for pair, run in groupby(zip_longest(before, after, fillvalue="nothing")):
        end = start + len(list(run))
        if pair[0] != pair[1]:
            yield f"{number:>3} cells {start + 1} to {end} {line[start:end]!r}: {pair[0]} became {pair[1]}"
        start = end
