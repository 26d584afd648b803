"""A window on a list that is asked for page by page: however long the list, no more than the window is held, and a page costs the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

PAGE = 100
WINDOW = 8
"""Pages that are held at once."""
NEAR = 40
"""Rows from the window's edge from which on the next page is asked for."""


class Numbered(Protocol):
    @property
    def seq(self) -> int: ...


RowT = TypeVar("RowT", bound=Numbered)


class Pager(Generic[RowT]):
    """Pages count from 0, the newest. Page n is the newest `PAGE` rows before the row `before(n)`, which is remembered: so a page that left
    the window at the top is found again."""

    def __init__(self) -> None:
        self.rows: tuple[RowT, ...] = ()
        self._pages: list[tuple[RowT, ...]] = []
        self._first = 0
        self._before: list[int | None] = [None]
        self._total: int | None = None

    @property
    def at_top(self) -> bool:
        """Whether the newest page is held."""
        return self._first == 0

    @property
    def whole(self) -> bool:
        """Whether the oldest row is held."""
        return self._total is not None and self._first + len(self._pages) >= self._total

    @property
    def count(self) -> str:
        """How many rows are known, for a person: `300+`, and without the plus once the oldest was seen."""
        above = self._first * PAGE
        return f"{above + len(self.rows):,}{'' if self.whole else '+'}"

    def before(self, page: int) -> int | None:
        """The key to ask for `page` with."""
        return self._before[page]

    def wanted(self, top: int, bottom: int) -> int | None:
        """The page to ask for while rows `top` to `bottom` of the window are in sight; None where nothing is missing."""
        if not self.whole and bottom >= len(self.rows) - NEAR:
            return self._first + len(self._pages)
        return self._first - 1 if self._first and top < NEAR else None

    def take(self, page: int, rows: Sequence[RowT]) -> int:
        """`rows` are the answer for `page`. Answers by how many lines what was in the window moved down; negative is up."""
        moved = 0
        if page == self._first + len(self._pages):
            if rows:
                self._pages.append(tuple(rows))
                self._before[page + 1 :] = [rows[-1].seq]
            if len(rows) < PAGE:
                self._total = page + 1 if rows else page
            if len(self._pages) > WINDOW:
                moved = -len(self._pages.pop(0))
                self._first += 1
        elif page == self._first - 1:
            kept = self._joined(page, rows)
            if kept is None:
                self.begin_with(rows)
                return 0
            self._pages.insert(0, kept)
            self._first -= 1
            moved = len(kept)
            del self._pages[WINDOW:]
        self.rows = tuple(row for each in self._pages for row in each)
        return moved

    def refresh(self, rows: Sequence[RowT]) -> None:
        """`rows` are the newest page as it is now, while it is held: news come in on top, and what changed is replaced."""
        if not self._pages or not rows:
            self.begin_with(rows)
            return
        known = {row.seq: row for row in self._pages[0]}
        if rows[-1].seq not in known or len(known) > 3 * PAGE:
            self.begin_with(rows)
            return
        end = list(known).index(rows[-1].seq) + 1
        # A row that did not change stays the same object, so that it is not drawn anew.
        same = (known[row.seq] if known.get(row.seq) == row else row for row in rows)
        self._pages[0] = (*same, *self._pages[0][end:])
        fresh = tuple(row for each in self._pages for row in each)
        if len(fresh) != len(self.rows) or any(new is not old for new, old in zip(fresh, self.rows, strict=True)):
            self.rows = fresh

    def begin_with(self, rows: Sequence[RowT]) -> None:
        """Forget what was held: these are the newest."""
        self._pages, self._first = ([tuple(rows)] if rows else []), 0
        self._before = [None, rows[-1].seq] if rows else [None]
        self._total = len(self._pages) if len(rows) < PAGE else None
        self.rows = tuple(rows)

    def _joined(self, page: int, rows: Sequence[RowT]) -> tuple[RowT, ...] | None:
        """`rows` down to where the page below begins; None where so much came in that there is a gap."""
        end = self._before[page + 1]
        for place, row in enumerate(rows):
            if row.seq == end:
                return tuple(rows[: place + 1])
        return None
