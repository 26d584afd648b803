"""The rows of a table apart from their drawing: which are shown, in which order.

Sorted rows hold still. A new row takes its place at once, but the others are ordered anew at most once in `RESORT_S`, and not while the
table says that somebody is about to act. No update costs more than looking once at each row.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from widgets.words import Words

RowT = TypeVar("RowT")
RowT_co = TypeVar("RowT_co", covariant=True)
Holds = Callable[[RowT], bool]

RESORT_S = 1.0
"""Seconds between two orders of the same rows: a table that jumps with every price cannot be read."""

RECHECKED = 150
"""Changed rows a filter looks at again in one update; the others keep their answer until the next. A new row is looked at at once."""


class RowModel(Protocol[RowT_co]):
    """What a table needs of its rows. `shown` are those to draw."""

    @property
    def all(self) -> Sequence[RowT_co]: ...

    @property
    def shown(self) -> Sequence[RowT_co]: ...

    @property
    def unsettled(self) -> bool:
        """Whether something is still to be looked at again, although no row changes any more."""

    def key(self, index: int) -> str:
        """The key of a shown row."""

    def index(self, key: str) -> int | None:
        """Where the row of this key is shown."""

    def living(self, keys: Iterable[str], holds: Holds[RowT_co]) -> set[str]:
        """Those of `keys` whose row is there, shown or not, and `holds`."""

    def narrow(self, words: Words, subset: Holds[RowT_co] | None) -> None:
        """Show only rows in which `words` hold and which are in the `subset`."""

    def sort(self, rank: Callable[[RowT_co], Any] | None, descending: bool) -> None:
        """Order by what `rank` answers, None at the end; without it as the rows come."""

    def arrange(self, now: float, hold: bool) -> bool:
        """Bring `shown` up to date at `now`, in monotonic seconds; with `hold` no row changes its place for its value. Answers whether
        other keys are shown, or in another order."""


class Rows(Generic[RowT]):
    """Rows that are given whole, again and again. A row that did not change must be the same object as before; keys must be unique.

    `text_of` is what a filter looks at, folded; `section_of` keeps kinds of rows apart whatever they are sorted by.
    """

    def __init__(self, key_of: Callable[[RowT], str], text_of: Callable[[RowT], str], section_of: Callable[[RowT], int] | None) -> None:
        self._key_of = key_of
        self._text_of = text_of
        self._section_of = section_of
        self._words = Words()
        self._subset: Holds[RowT] | None = None
        self._rank: Callable[[RowT], Any] | None = None
        self._descending = False
        self.all: Sequence[RowT] = ()
        self.shown: Sequence[RowT] = ()
        self._all_keys: list[str] = []
        self._keys: list[str] = []
        self._texts: dict[str, tuple[RowT, str]] = {}
        self._unchecked = False
        self._ranks: dict[str, Any] = {}
        self._ranked: Sequence[RowT] = ()
        self._ranked_at = -math.inf
        self._ordered: tuple[list[str], list[int]] = ([], [])
        self._order: list[int] = []

    @property
    def unsettled(self) -> bool:
        return self._unchecked or (self._rank is not None and self._ranked is not self.all)

    def put(self, rows: Sequence[RowT]) -> None:
        """All the rows there are now; `arrange` shows them."""
        self.all = rows
        self._all_keys = list(map(self._key_of, rows))

    def key(self, index: int) -> str:
        return self._keys[index]

    def index(self, key: str) -> int | None:
        return self._keys.index(key) if key in self._keys else None

    def living(self, keys: Iterable[str], holds: Holds[RowT]) -> set[str]:
        wanted = set(keys)
        return {key for row, key in zip(self.all, self._all_keys, strict=True) if key in wanted and holds(row)}

    def narrow(self, words: Words, subset: Holds[RowT] | None) -> None:
        self._words, self._subset = words, subset
        if not words:
            self._texts.clear()

    def sort(self, rank: Callable[[RowT], Any] | None, descending: bool) -> None:
        self._rank, self._descending = rank, descending
        self._ranks.clear()
        self._ranked_at = -math.inf
        self._ordered = ([], [])

    def arrange(self, now: float, hold: bool) -> bool:
        rows, keys = self._narrowed()
        if self._rank is not None or self._section_of is not None:
            rows, keys = self._sorted(rows, keys, now, hold)
        moved = keys != self._keys
        self.shown, self._keys = rows, keys
        return moved

    # ---- filtering

    def _narrowed(self) -> tuple[Sequence[RowT], list[str]]:
        words, subset = self._words, self._subset
        self._unchecked = False
        if not words and subset is None:
            return self.all, self._all_keys
        if len(self._texts) > 2 * len(self.all) + RECHECKED:
            there = set(self._all_keys)
            self._texts = {key: text for key, text in self._texts.items() if key in there}
        left = RECHECKED
        rows: list[RowT] = []
        keys: list[str] = []
        for row, key in zip(self.all, self._all_keys, strict=True):
            if subset is not None and not subset(row):
                continue
            if words:
                known = self._texts.get(key)
                if known is None or known[0] is not row:
                    if known is not None and not left:
                        self._unchecked = True
                    else:
                        left -= known is not None
                        known = self._texts[key] = row, self._text_of(row)
                if not words.hold_in(known[1]):
                    continue
            rows.append(row)
            keys.append(key)
        return rows, keys

    # ---- sorting

    def _sorted(self, rows: Sequence[RowT], keys: list[str], now: float, hold: bool) -> tuple[Sequence[RowT], list[str]]:
        sections = list(map(self._section_of, rows)) if self._section_of is not None else []
        changed = self._rank_rows(rows, keys, now, hold)
        if changed or self._ordered != (keys, sections):
            self._order = self._order_of(keys, sections)
            self._ordered = keys, sections
        return [rows[place] for place in self._order], [keys[place] for place in self._order]

    def _rank_rows(self, rows: Sequence[RowT], keys: list[str], now: float, hold: bool) -> bool:
        """What each row is sorted by: as it was, unless it is time to look again. Answers whether that of a known row changed."""
        rank = self._rank
        if rank is None:
            return False
        if (now - self._ranked_at >= RESORT_S and not hold) or self._ranked_at == -math.inf:
            ranks = {key: _comparable(rank(row)) for row, key in zip(rows, keys, strict=True)}
            changed = ranks != self._ranks
            self._ranks, self._ranked_at, self._ranked = ranks, now, self.all
            return changed
        for row, key in zip(rows, keys, strict=True):
            if key not in self._ranks:
                self._ranks[key] = _comparable(rank(row))
        return False

    def _order_of(self, keys: list[str], sections: list[int]) -> list[int]:
        order = list(range(len(keys)))
        if self._rank is not None:
            ranks = [self._ranks[key] for key in keys]
            known = [place for place in order if ranks[place] is not None]
            known.sort(key=ranks.__getitem__, reverse=self._descending)
            order = known + [place for place in order if ranks[place] is None]
        if sections:
            order.sort(key=sections.__getitem__)
        return order


class Ring(Generic[RowT]):
    """Rows that only come at the end: the newest `kept`, by a number that grows. A row costs as much as itself, not as all before it."""

    def __init__(self, kept: int, number_of: Callable[[RowT], int], text_of: Callable[[RowT], str]) -> None:
        self._kept = kept
        self._number_of = number_of
        self._text_of = text_of
        self._words = Words()
        self._subset: Holds[RowT] | None = None
        self._lines: list[RowT] = []
        self._texts: list[str] = []
        self._found: list[RowT] = []
        self._moved = False

    @property
    def shown(self) -> Sequence[RowT]:
        return self._found if self._narrows else self._lines

    @property
    def all(self) -> Sequence[RowT]:
        return self._lines

    @property
    def unsettled(self) -> bool:
        return False

    @property
    def newest(self) -> int:
        """The number of the newest row, -1 before there is one."""
        return self._number_of(self._lines[-1]) if self._lines else -1

    @property
    def _narrows(self) -> bool:
        return bool(self._words) or self._subset is not None

    def append(self, rows: Sequence[RowT]) -> tuple[int, int, Sequence[RowT]]:
        """Answers how many more are shown at the end, how many fewer at the beginning, and all that are kept no more."""
        before = len(self.shown)
        texts = list(map(self._text_of, rows))
        self._lines += rows
        self._texts += texts
        if self._narrows:
            self._found += [row for row, text in zip(rows, texts, strict=True) if self._holds(row, text)]
        added = len(self.shown) - before
        gone = self._lines[: max(len(self._lines) - self._kept, 0)]
        dropped = self._forget(len(gone)) if gone else 0
        self._moved = self._moved or bool(added or dropped)
        return added, dropped, gone

    def _forget(self, count: int) -> int:
        """Keep the first `count` no more. Answers how many of them were shown."""
        del self._lines[:count]
        del self._texts[:count]
        if not self._narrows:
            return count
        first = self._number_of(self._lines[0])
        dropped = bisect_left(self._found, first, key=self._number_of)
        del self._found[:dropped]
        return dropped

    def key(self, index: int) -> str:
        return str(self._number_of(self.shown[index]))

    def index(self, key: str) -> int | None:
        return self._place(self.shown, key)

    def _place(self, rows: Sequence[RowT], key: str) -> int | None:
        number = int(key)
        place = bisect_left(rows, number, key=self._number_of)
        return place if place < len(rows) and self._number_of(rows[place]) == number else None

    def living(self, keys: Iterable[str], holds: Holds[RowT]) -> set[str]:
        places = ((key, self._place(self._lines, key)) for key in keys)
        return {key for key, place in places if place is not None and holds(self._lines[place])}

    def narrow(self, words: Words, subset: Holds[RowT] | None) -> None:
        self._words, self._subset = words, subset
        self._found = []
        if self._narrows:
            self._found = [row for row, text in zip(self._lines, self._texts, strict=True) if self._holds(row, text)]
        self._moved = True

    def _holds(self, row: RowT, text: str) -> bool:
        return (self._subset is None or self._subset(row)) and self._words.hold_in(text)

    def sort(self, rank: Callable[[RowT], Any] | None, descending: bool) -> None:
        """They stay as they came."""

    def arrange(self, now: float, hold: bool) -> bool:
        moved, self._moved = self._moved, False
        return moved


def _comparable(value: Any) -> Any:
    """None for what is not a number: it would be neither more nor less than the others."""
    return value if value == value else None
