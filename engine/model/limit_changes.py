"""What differs between two sets of limits, and whether it lets more through than before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine.model.settings import CombinedLimits, Limits, StrategyLimits, SymbolLimits

_LOWER_IS_LOOSER = frozenset({"repetition_s", "circuit_breaker_minutes"})
"""A shorter look back sees less. Of every other number the higher lets more through."""
_OUTSIDE_HOURS = ("deny", "queue")


class LimitChange(Struct, frozen=True):
    """One limit by its `key`, as `max_order_pct` or `symbols.AAPL.collar_pct`, its values in words, and whether it is `looser` now."""

    key: str
    before: str
    after: str
    looser: bool

    def __str__(self) -> str:
        return f"{self.key} {self.before} → {self.after}"


def changes(before: Limits, after: Limits) -> tuple[LimitChange, ...]:
    """What differs, in the order of the settings."""
    found = [*_between(before, after, "")]
    for place in ("strategies", "symbols"):
        was, now = getattr(before, place), getattr(after, place)
        nothing = StrategyLimits() if place == "strategies" else SymbolLimits()
        for name in dict.fromkeys((*was, *now)):
            found += _between(was.get(name, nothing), now.get(name, nothing), f"{place}.{name}.")
    return tuple(found)


def combined_changes(before: CombinedLimits, after: CombinedLimits) -> tuple[LimitChange, ...]:
    """What differs in the limits on all accounts together."""
    return tuple(_between(before, after, "combined."))


def copied(limits: Limits) -> Limits:
    """`limits` with mappings of its own: what somebody else does to theirs changes nothing that the gate judges by."""
    return replace(limits, strategies=dict(limits.strategies), symbols=dict(limits.symbols))


def _between(before: Any, after: Any, path: str) -> Iterator[LimitChange]:
    for name in (name for name in before.__struct_fields__ if name not in ("strategies", "symbols")):
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            yield LimitChange(f"{path}{name}", _words(was), _words(now), _is_looser(name, was, now))


def _is_looser(name: str, was: Any, now: Any) -> bool:
    if was is None or now is None:
        return now is None
    if name == "outside_hours":
        return _OUTSIDE_HOURS.index(now) > _OUTSIDE_HOURS.index(was)
    return bool(now < was) if name in _LOWER_IS_LOOSER else bool(now > was)


def _words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) else f"{value:f}" if not isinstance(value, int | float) else f"{value:g}"
