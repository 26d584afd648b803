"""The columns of a table: what each draws and sorts by, which of them a person wants, and which find room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from widgets.cells import Content

RowT = TypeVar("RowT")


GIVES_WAY = 4
"""The least priority of a column that others are not said shorter for."""


class Column(Struct, Generic[RowT], frozen=True):
    """One column: `cell` turns a row into what is drawn.

    `width` is in cells and a minimum where `flex` shares out what is left over, or where `grow` lets it follow its widest cell so far, up
    to that width: a number is worth more room than a name. Where the panel is too narrow, whole columns go, highest `priority` first:
    from `GIVES_WAY` on so that the others can say all at length, below that only where what can be said shorter is, and those of priority 0
    never. What grows and flexes is free text, and may be cut down to its `width`.

    `sort` answers what rows are sorted by, None where this row has nothing to compare; a column without one sorts nothing. What is
    `volatile` follows the market, and no filter looks at it: rows would come and go with every price.
    """

    title: str
    cell: Callable[[RowT], Content]
    width: int
    justify: Literal["left", "right"] = "left"
    flex: int = 0
    grow: int = 0
    priority: int = 0
    sort: Callable[[RowT], Any] | None = None
    volatile: bool = False


class Placed(Struct, Generic[RowT], frozen=True):
    """A column that found room: its index among all, and its width now."""

    index: int
    column: Column[RowT]
    width: int


class Arrangement(Struct):
    """How a person wants a table: its columns by title in this order, without those `hidden`, sorted by `sort` or, where that is empty,
    as the rows come. What the table does not have is ignored, what is not named keeps its place."""

    columns: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    sort: str = ""
    descending: bool = False


def ordered(columns: Sequence[Column[RowT]], wanted: Sequence[str]) -> tuple[Column[RowT], ...]:
    """`columns` in the order `wanted`; one that is not in it stands behind the one it follows by itself."""
    by_title = {column.title: column for column in columns}
    titles = [title for title in dict.fromkeys(wanted) if title in by_title]
    for place, column in enumerate(columns):
        if column.title not in titles:
            before = columns[place - 1].title if place else ""
            titles.insert(titles.index(before) + 1 if before in titles else 0, column.title)
    return tuple(by_title[title] for title in titles)


def shown(columns: Sequence[Column[RowT]], arrangement: Arrangement) -> tuple[Column[RowT], ...]:
    """The columns to draw: as arranged, without those hidden; all of them where none would be left."""
    inorder = ordered(columns, arrangement.columns)
    return tuple(column for column in inorder if column.title not in arrangement.hidden) or inorder


def drawn_by(columns: Sequence[Column[RowT]], title: str, cell: Callable[[RowT], Content], /, **changes: Any) -> tuple[Column[RowT], ...]:
    """`columns` with the one of this `title` drawn by `cell`, and changed otherwise where that is given."""
    return tuple(replace(column, cell=cell, **changes) if column.title == title else column for column in columns)


def place(
    columns: Sequence[Column[RowT]], widths: Sequence[int], least: Sequence[int], room: int, most_gap: int = 2
) -> tuple[tuple[Placed[RowT], ...], int]:
    """Which columns are shown in `room` cells, how wide, and how many blanks between them. `widths` are what they need to say all at
    length, `least` what they need where all is said as shortly as it can be.

    A blank at the right end is kept where that costs nothing. What stays and has no room gives up what it grew by, text before numbers.
    """
    kept = _without_the_last(columns, list(range(len(columns))), widths, room, GIVES_WAY)
    kept = _without_the_last(columns, kept, least, room, 1)
    # A wide one that went may have left room for narrow ones that went before it, or for what it says shortly.
    for i in sorted(set(range(len(columns))) - set(kept), key=lambda i: columns[i].priority):
        if sum(widths[j] for j in kept) + len(kept) + least[i] <= room:
            kept = sorted((*kept, i))
    gaps = len(kept) - 1
    widths = list(widths)
    over = sum(widths[i] for i in kept) + gaps - room
    # Said shortly first. Only a panel that is too narrow even for that cuts.
    for down_to in (least, [column.width for column in columns]):
        for i in sorted(kept, key=lambda i: (columns[i].justify == "right", -i)):
            given = max(0, min(over, widths[i] - down_to[i]))
            widths[i] -= given
            over -= given
    needed = sum(widths[i] for i in kept)
    gap = most_gap if needed + most_gap * gaps < room else 1
    spare = room - 1 - needed - gap * gaps
    flexes = sum(columns[i].flex for i in kept)
    placed: list[Placed[RowT]] = []
    for i in kept:
        extra = 0
        if spare > 0 and columns[i].flex:
            extra = spare * columns[i].flex // flexes
            spare -= extra
            flexes -= columns[i].flex
        placed.append(Placed(i, columns[i], widths[i] + extra))
    return tuple(placed), gap


def _without_the_last(columns: Sequence[Column[RowT]], kept: list[int], widths: Sequence[int], room: int, least_priority: int) -> list[int]:
    """`kept` without as many of the highest priorities, down to `least_priority`, as have no room."""
    kept = list(kept)
    while len(kept) > 1 and sum(widths[i] for i in kept) + len(kept) - 1 > room:
        last = max(reversed(kept), key=lambda i: columns[i].priority)
        if columns[last].priority < least_priority:
            break
        kept.remove(last)
    return kept
