"""States of the core, pickled to stand at again. What they have in common is kept once: most of a state are orders that ended long ago, and
fills and signals that nothing changes."""

from __future__ import annotations

import io
import pickle
import zlib
from copy import copy
from typing import Any, Final

from engine.model.average_cost import AverageCost
from engine.model.orders import Fill, Order
from engine.model.signals import Signal

_FROZEN: Final = frozenset({AverageCost, Fill, Signal})


class Shared:
    """What several states have in common. All of it stays in this process: no file has it."""

    def __init__(self) -> None:
        self._values: list[Any] = []
        self._places: dict[int, int] = {}
        """Of frozen values, by their identity: `_values` keeps them alive."""
        self._orders: dict[str, int] = {}
        """Where each order stands as it was seen last."""

    def dump(self, state: dict[str, Any]) -> bytes:
        file = io.BytesIO()
        _Pickler(file, self).dump(state)
        return zlib.compress(file.getbuffer(), 1)

    def load(self, packed: bytes) -> Any:
        """An equal state, of which nothing that changes is part of another."""
        return _Unpickler(io.BytesIO(zlib.decompress(packed)), self._values).load()

    def place(self, value: Any) -> int | None:
        """Where `value` stands among what is shared; None where it may still change."""
        kind = type(value)
        if kind is Order:
            return self._place_order(value) if value.state.is_final else None
        if kind in _FROZEN:
            place = self._places.get(id(value))
            if place is None:
                place = self._places[id(value)] = self._add(value)
            return place
        return None

    def _place_order(self, order: Order) -> int:
        place = self._orders.get(order.id)
        # A broker may correct even what ended.
        if place is None or self._values[place] != order:
            place = self._orders[order.id] = self._add(copy(order))
        return place

    def _add(self, value: Any) -> int:
        self._values.append(value)
        return len(self._values) - 1


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, shared: Shared) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.persistent_id = shared.place  # type: ignore[method-assign]


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, values: list[Any]) -> None:
        super().__init__(file)
        self._values = values
        self._loaded: dict[int, Any] = {}

    def persistent_load(self, place: int) -> Any:
        value = self._values[place]
        if type(value) is not Order:
            return value
        loaded = self._loaded.get(place)
        if loaded is None:
            # One object wherever this state refers to it, and another than in any other state.
            loaded = self._loaded[place] = copy(value)
        return loaded
