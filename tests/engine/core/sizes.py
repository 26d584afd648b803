"""How much something remembers: every item of every container that can be reached from it, told by the way to it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any


def sizes(root: object) -> Counter[str]:
    """Items of containers below `root`, summed by the path of attributes to them (`.state.book.orders`)."""
    counts: Counter[str] = Counter()
    seen: set[int] = set()
    waiting: deque[tuple[str, Any]] = deque([("", root)])
    while waiting:
        path, value = waiting.pop()
        if id(value) in seen or isinstance(value, Enum | type):
            continue
        seen.add(id(value))
        if isinstance(value, Mapping):
            counts[path] += len(value)
            waiting.extend((path, item) for item in value.values())
        elif isinstance(value, list | tuple | set | frozenset | deque):
            counts[path] += len(value)
            waiting.extend((path, item) for item in value)
        elif type(value).__module__.startswith(("engine.", "storage.")):
            waiting.extend((f"{path}.{name}", item) for name, item in _attributes(value))
    return counts


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    yield from getattr(value, "__dict__", {}).items()
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                yield name, getattr(value, name)
