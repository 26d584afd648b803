"""Which rows of a table are marked, by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from widgets.rows import RowModel

RowT = TypeVar("RowT")


class Marks(Generic[RowT]):
    """Marks on the rows of `model`. A row that a filter hides keeps its mark, and nothing acts on it."""

    def __init__(self, model: RowModel[RowT]) -> None:
        self._model = model
        self.all: set[str] = set()
        """The keys of hidden rows, too."""

    def __contains__(self, key: str) -> bool:
        return key in self.all

    @property
    def keys(self) -> tuple[str, ...]:
        """Of the marked rows that are shown, from top to bottom."""
        return tuple(self._model.key(place) for place in self._places(self.all))

    @property
    def rows(self) -> list[RowT]:
        """Those of `keys`."""
        return [self._model.shown[place] for place in self._places(self.all)]

    @property
    def hidden(self) -> int:
        """How many marked rows are not shown."""
        return len(self.all) - len(self._places(self.all))

    def turn(self, key: str) -> None:
        """Mark it, or take its mark."""
        self.all ^= {key}

    def take(self, keys: Iterable[str]) -> Sequence[int]:
        """These lose their marks; answers where they stand, as far as they are shown."""
        gone = set(keys)
        self.all -= gone
        return self._places(gone)

    def keep(self, keeps: Callable[[RowT], bool]) -> bool:
        """Only what is still there and `keeps` its mark has one from now on; answers whether one went."""
        before, self.all = self.all, self._model.living(self.all, keeps)
        return before != self.all

    def _places(self, keys: Iterable[str]) -> Sequence[int]:
        return sorted(place for key in keys if (place := self._model.index(key)) is not None)
