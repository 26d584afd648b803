"""Which rows of a table cannot be trusted, and why. Sentences are made for those alone that are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from engine.feeds.base import FeedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask: TypeAlias = NDArray[np.bool_]

_TOLD = 20
"""A file that is bad throughout must not bury the log."""


class Faults:
    """Of the rows of `file`. A row counts for the first check that it fails. `where` says which row one is: `line 3`."""

    def __init__(self, file: str, rows: int, where: Callable[[int], str]) -> None:
        import numpy as np

        self._file = file
        self._where = where
        self._check = np.full(rows, -1)
        self._reasons: list[Callable[[int], str]] = []

    @property
    def good(self) -> Mask:
        return self._check < 0

    def add(self, mask: Mask, reason: Callable[[int], str]) -> None:
        """The rows in `mask` are bad; `reason` says why one is, by its place."""
        self._check[mask & (self._check < 0)] = len(self._reasons)
        self._reasons.append(reason)

    def skipped(self) -> tuple[str, ...]:
        """The first of them in full, the rest as a count."""
        bad = self._bad()
        told = [f"{self._file} {self._where(place)} skipped: {self._reason(place)}" for place in bad[:_TOLD]]
        if len(bad) > _TOLD:
            told.append(f"{self._file}: {len(bad) - _TOLD} more rows skipped, the last in {self._where(bad[-1])}")
        return tuple(told)

    def refuse(self) -> None:
        """Raises FeedError where there are any."""
        if bad := self._bad():
            count = "a bad row" if len(bad) == 1 else f"{len(bad):,} bad rows"
            said = f"{self._file} has {count}, and feed.bad_rows says refuse. {self._first(bad)}."
            raise FeedError(f"{said} Correct the file, or set feed.bad_rows to skip.")

    def nothing_left(self) -> FeedError:
        bad = self._bad()
        return FeedError(f"{self._file} has no bar to play. {f'{self._first(bad)}.' if bad else 'It has no rows.'}")

    def _first(self, bad: list[int]) -> str:
        return f"The first is {self._where(bad[0])}: {self._reason(bad[0])}"

    def _reason(self, place: int) -> str:
        return self._reasons[int(self._check[place])](place)

    def _bad(self) -> list[int]:
        bad: list[int] = (~self.good).nonzero()[0].tolist()
        return bad
