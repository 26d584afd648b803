"""The whole state as one record, so that a start reads what came after it and not all that ever happened.

`save` walks every slot of the state, whatever it is called, so that nothing new can be forgotten; a value it does not know how to keep is
an error that names where it stands. A record of a state of another shape (another version's) is not read: the journal has all it lacks.

The text is JSON, deflated and in base 64, for names that come again with each order and fill would make up most of it. A value that JSON
has no word for is a list that begins with its kind: `["D", "1.50"]` is a Decimal, `["E", "Side", "BUY"]` one of an enum, `["V", "Fill",
{…}]` a value that nothing else refers to (an order that ended is one, too), `["O", 7, "Order", {…}]` an object, and `["R", 7]` the same
one again; `L`, `T`, `Q`, `S` and `M` are a list, a tuple, a deque with its length, a set and a mapping as pairs.
"""

from __future__ import annotations

import base64
import hashlib
import math
import zlib
from collections import deque
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import msgspec
from msgspec.structs import force_setattr

from engine.core.approvals import Approvals, Case
from engine.core.attribution import Attribution, Book
from engine.core.order_book import OrderBook
from engine.core.pace import Pace
from engine.core.peak import RollingPeak
from engine.core.portfolio import Holding, Portfolio
from engine.core.state import State, Trip
from engine.model.average_cost import AverageCost
from engine.model.journal import JournalError
from engine.model.modes import Mode, TradingState
from engine.model.orders import Bracket, Exit, Fill, Order, OrderState, OrderType, Side, Source, Terms, TimeInForce
from engine.model.records import Checkpoint, Record
from engine.model.signals import Signal, SignalState, Vote

VERSION: Final = 5
"""Raise it with every change of what the state makes of a record, or of how it is written here: a start then reads the whole journal."""

_DERIVED: Final[dict[type, tuple[str, ...]]] = {
    State: ("_apply",),
    OrderBook: ("_working", "stale"),
    Portfolio: ("_changed", "_net", "_gross", "_basis", "_realised"),
    Holding: ("mark", "counted", "counted_value", "changed"),
}
"""What is not kept: it follows from the rest, or from prices, which are the market's and old by the next start."""

_ENUMS: Final = {kind.__name__: kind for kind in (Mode, TradingState, OrderState, OrderType, Side, Source, TimeInForce, SignalState)}
_VALUES: Final = {kind.__name__: kind for kind in (AverageCost, Fill, Terms, Trip)}
_OBJECTS: Final = {
    kind.__name__: kind
    for kind in (
        *(State, Portfolio, Holding, Attribution, Book, OrderBook, Order, Approvals, Case, Signal, Vote, Bracket, Exit),
        *(RollingPeak, Pace),
    )
}


def save(state: State, at: int) -> Checkpoint:
    """All of the state. Raises TypeError naming the place of what cannot be kept."""
    text = msgspec.json.encode(_Writer().node(state, "state"))
    return Checkpoint(SHAPE, base64.b64encode(zlib.compress(text, 1)).decode(), at)


def take_over(state: State, record: Record) -> None:
    """A record of an earlier run, in the journal's order. Where the first is a checkpoint, it is the whole state. Raises JournalError where
    that was damaged."""
    if isinstance(record, Checkpoint) and not state.runs and record.shape == SHAPE:
        _restore(state, record)
    else:
        state.apply(record)


def _restore(state: State, checkpoint: Checkpoint) -> None:
    """Makes the new `state` what it was when `checkpoint` was saved. Prices are not known, as after any start."""
    try:
        text = zlib.decompress(base64.b64decode(checkpoint.state, validate=True))
    except (ValueError, zlib.error) as error:
        raise JournalError(
            f"The journal's newest checkpoint is damaged: {error}. Nothing was changed. Restore the database from a backup."
        ) from error
    saved = _Reader().node(msgspec.json.decode(text))
    for name in _kept(State):
        value, ours = getattr(saved, name), getattr(state, name)
        if type(value) in _PARTS:
            for part in _kept(type(value)):
                setattr(ours, part, getattr(value, part))
        else:
            setattr(state, name, value)
    state.portfolio.value_anew()
    state.book.stale.update(dict.fromkeys(state.book.symbols()))


_PARTS: Final = frozenset({Portfolio, Attribution, OrderBook, Approvals})
"""Others hold on to these objects of the state: they are filled, not replaced."""


class _Writer:
    """Makes nodes of values. An object that comes a second time is told by its number."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}

    def node(self, value: Any, place: str) -> Any:
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if math.isfinite(value) else ["F", str(value)]
        if kind is Decimal:
            return ["D", str(value)]
        if isinstance(value, Enum) and kind.__name__ in _ENUMS:
            return ["E", kind.__name__, value.value]
        if _VALUES.get(kind.__name__) is kind or (kind is Order and value.state.is_final and not value.family):
            return ["V", kind.__name__, value]
        if _OBJECTS.get(kind.__name__) is kind:
            return self._object(value, kind, place)
        if kind in (list, tuple):
            return ["L" if kind is list else "T", *(self.node(item, f"{place}[]") for item in value)]
        if kind is deque:
            return ["Q", value.maxlen, *(self.node(item, f"{place}[]") for item in value)]
        if kind is set:
            return ["S", *sorted(self.node(item, f"{place}[]") for item in value)]
        if kind is dict:
            return ["M", *([self.node(key, f"{place} key"), self.node(item, f"{place}[{key}]")] for key, item in value.items())]
        raise TypeError(f"a checkpoint cannot keep {place}, a {kind.__qualname__}")

    def _object(self, value: Any, kind: type, place: str) -> Any:
        number = self._numbers.get(id(value))
        if number is not None:
            return ["R", number]
        number = self._numbers[id(value)] = len(self._numbers)
        return ["O", number, kind.__name__, {name: self.node(getattr(value, name), f"{place}.{name}") for name in _kept(kind)}]


class _Reader:
    """Makes values of nodes again."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}

    def node(self, node: Any) -> Any:
        if not isinstance(node, list):
            return node
        match node:
            case ["V", name, value]:
                return msgspec.convert(value, _VALUES.get(name, Order), strict=False)
            case ["T", *items]:
                return tuple(self.node(item) for item in items)
            case ["D", text]:
                return Decimal(text)
            case ["F", text]:
                return float(text)
            case ["E", name, value]:
                return _ENUMS[name](value)
            case ["R", number]:
                return self._objects[number]
            case ["O", number, name, values]:
                made = self._objects[number] = _empty(_OBJECTS[name])
                put = force_setattr if isinstance(made, msgspec.Struct) else setattr
                for slot, value in values.items():
                    put(made, slot, self.node(value))
                return made
            case ["L", *items]:
                return [self.node(item) for item in items]
            case ["Q", maxlen, *items]:
                return deque((self.node(item) for item in items), maxlen)
            case ["S", *items]:
                return {self.node(item) for item in items}
            case ["M", *pairs]:
                return {self.node(key): self.node(item) for key, item in pairs}
        raise ValueError(f"no part of a checkpoint: {node!r}")


def _kept(kind: type) -> tuple[str, ...]:
    names: tuple[str, ...] = kind.__struct_fields__ if issubclass(kind, msgspec.Struct) else getattr(kind, "__slots__", ())
    return tuple(name for name in names if name not in _DERIVED.get(kind, ()))


def _empty(kind: type) -> Any:
    """An object of `kind` whose kept slots are yet to be filled."""
    if issubclass(kind, msgspec.Struct):
        return kind(*[None] * (len(kind.__struct_fields__) - len(kind.__struct_defaults__)))
    return object.__new__(kind)


def _shape() -> str:
    """Changes with the names and types of all that is kept, and with VERSION."""
    text = [f"version {VERSION}", *(f"{kind.__module__}.{kind.__qualname__}{_kept(kind)}" for kind in _OBJECTS.values())]
    text += [f"{kind.__qualname__}{list(kind.__annotations__.items())}" for kind in _VALUES.values()]
    return hashlib.sha256("\n".join(text).encode()).hexdigest()[:16]


SHAPE: Final = _shape()
