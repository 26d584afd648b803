"""The limits that hold one order: of the account's, its strategy's and its symbol's the tightest each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from engine.model.settings import Limits, StrategyLimits, SymbolLimits

_APART = {
    StrategyLimits: frozenset({"max_daily_loss_pct", "max_exposure_pct", "max_drawdown_pct", "circuit_breaker_pct"}),
    SymbolLimits: frozenset({"max_daily_loss_pct", "max_orders_second", "max_orders_minute", "max_orders_day"}),
}
"""Of what a strategy holds and loses itself, and of what is lost and sent in one symbol: no tighter forms of the account's, but limits of
their own."""


class Bounds(Struct, frozen=True):
    """`limits` as they hold for one order; `whose` names the strategy or the symbol whose limit is tighter than the account's."""

    limits: Limits
    whose: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """For a sentence: ` for AAPL` where the limit `name` is not the account's, else nothing."""
        owner = self.whose.get(name)
        return f" for {owner}" if owner else ""


class BoundsBook:
    """The bounds of every strategy and symbol, each worked out once."""

    __slots__ = ("_known", "_limits")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[tuple[str, str], Bounds] = {}

    def of(self, strategy: str, symbol: str) -> Bounds:
        known = self._known.get((strategy, symbol))
        if known is None:
            known = self._known[strategy, symbol] = self._tightest(strategy, symbol)
        return known

    def _tightest(self, strategy: str, symbol: str) -> Bounds:
        limits, whose = self._limits, {}
        own: tuple[tuple[str, StrategyLimits | SymbolLimits | None], ...] = (
            (strategy, self._limits.strategies.get(strategy)),
            (symbol, self._limits.symbols.get(symbol)),
        )
        for owner, section in own:
            if section is None:
                continue
            for name in (name for name in section.__struct_fields__ if name not in _APART[type(section)]):
                value = getattr(section, name)
                if value is not None and _is_tighter(value, getattr(limits, name)):
                    limits = replace(limits, **{name: value})
                    whose[name] = owner
        return Bounds(limits, whose)


def _is_tighter(value: Any, than: Any) -> bool:
    """Of numbers the lower is; of what may be allowed, not to be."""
    return than is None or value < than
