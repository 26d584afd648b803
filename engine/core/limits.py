"""A person changes limits while it runs: tighter ones hold at once, looser ones only at a word that was meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from engine.core.breakers import Breakers
from engine.core.desk import Desk
from engine.model.inputs import SetLimits
from engine.model.limit_changes import changes, copied
from engine.model.ranges import problems
from engine.model.records import LimitsChanged
from engine.model.settings import Limits


class LimitChanges:
    """The settings' limits hold at every start: what is changed here is for this run, and for the record."""

    __slots__ = ("_breakers", "_desk", "_own_price_life", "_strategies")

    def __init__(self, desk: Desk, breakers: Breakers, strategies: Iterable[str], *, own_price_life: bool) -> None:
        """`strategies` are the run's; `own_price_life` says that the feed tells how long its prices are fresh, whatever the limit is."""
        self._desk = desk
        self._breakers = breakers
        self._strategies = frozenset(strategies)
        self._own_price_life = own_price_life

    def on_set_limits(self, command: SetLimits) -> bool:
        """Answers the command; True where it changed something."""
        desk, after = self._desk, command.limits
        if wrong := self._wrong(after):
            desk.reply(command.id, False, f"no limit was changed: {'; '.join(wrong)}")
            return False
        if command.seen is not None and command.seen != desk.settings.limits:
            others = "" if self._wrong(command.seen) else f" ({', '.join(map(str, changes(command.seen, desk.settings.limits)))})"
            desk.reply(command.id, False, f"no limit was changed: others hold by now than those it was made from{others}")
            return False
        found = changes(desk.settings.limits, after)
        looser = [str(change) for change in found if change.looser]
        if not found:
            desk.reply(command.id, True, "the limits are as they were")
            return False
        if looser and not command.reason.strip():
            desk.reply(command.id, False, f"no limit was changed: to loosen {', '.join(looser)} takes a reason")
            return False
        desk.settings = replace(desk.settings, limits=copied(after))
        desk.gate.take_limits(desk.settings.limits)
        self._breakers.take_limits()
        if not self._own_price_life:
            desk.prices.keep_fresh_for(after.stale_after_s)
        told = ", ".join(map(str, found))
        desk.record(LimitsChanged(told, bool(looser), command.reason, desk.now))
        desk.reply(command.id, True, told)
        return True

    def _wrong(self, limits: Any) -> list[str]:
        """What is wrong with limits that come from anywhere. Names are looked at once the rest is what it should be."""
        if not isinstance(limits, Limits):
            return [f"{type(limits).__name__} is given where Limits belong"]
        return [*problems(limits, "limits.")] or [*self._nobodys(limits)]

    def _nobodys(self, limits: Limits) -> Iterator[str]:
        """A limit of a strategy or a symbol that this run does not have would hold nobody. One that was given while the symbol was still
        watched may stay."""
        before = self._desk.settings.limits
        for place, given, known in (
            ("strategies", limits.strategies, {*self._strategies, *before.strategies}),
            ("symbols", limits.symbols, {*self._desk.instruments, *before.symbols}),
        ):
            yield from (f"limits.{place}.{name}: this run has no such name" for name in given if name not in known)
