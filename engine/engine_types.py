"""What an engine type is: a way to run a strategy, that says what it supports and answers with the same result as the others.

An installed package adds one by an entry point of the group `tradeconsole.engines`: a class with these methods, made without arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from engine.model.settings import Settings

if TYPE_CHECKING:
    from engine.backtest.trades import Trade
    from engine.strategies.analysis import Requirements

ENTRY_POINTS = "tradeconsole.engines"
ALL_ORDERS = ("market", "limit", "stop", "stop-limit", "trailing stop", "bracket")


class EngineError(Exception):
    """There is no such engine, or it cannot be used: a sentence for a person."""


class EngineInfo(Struct, frozen=True):
    """`tells` are the data that it has for a strategy, `orders` the kinds that it carries out. `sends` says to whom orders go. `why_not` is
    empty where it can be used here and now."""

    name: str
    summary: str
    tells: tuple[str, ...]
    orders: tuple[str, ...]
    sends: str
    real_time: bool = False
    why_not: str = ""

    @property
    def usable(self) -> bool:
        return not self.why_not


class EngineRun(Struct, frozen=True, kw_only=True):
    """What is to be run. `data` is `sample`, a file, a folder, or `sim` where the engine has one; of it `symbols`, or all, from `start`
    or the last `days` days on, through `end`, in bars of `granularity`, or as they are.

    `settings` say the rest: costs, margin, limits. Without `enable_trading` no order leaves for a broker whose money is real. `seconds` is
    how long an engine runs whose data do not end, `pace` how many moments a second it plays of those that do, 0 as
    fast as the strategy answers.
    """

    strategy: str
    params: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    symbols: tuple[str, ...] = ()
    data: str = "sample"
    start: date | None = None
    end: date | None = None
    days: int | None = None
    granularity: str = ""
    settings: Settings = field(default_factory=Settings)
    enable_trading: bool = False
    seconds: float = 60.0
    pace: float = 0.0


class EngineResult(Struct, frozen=True, kw_only=True):
    """`total_return` is a fraction, `execution_time` seconds. `metrics` are those that the engine can tell, None where one has no value.
    Where `error` is not empty the run did not come to its end, and the rest is what was known by then."""

    engine_type: str
    strategy: str
    total_return: float | None = None
    final_value: Decimal | None = None
    trades: tuple[Trade, ...] = ()
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    execution_time: float = 0.0
    error: str = ""


class EngineType(Protocol):
    def info(self) -> EngineInfo:
        """Says at once whether it can be used here, and asks nobody on the network."""

    def misfits(self, needs: Requirements) -> tuple[str, ...]:
        """Why a strategy that needs this cannot run here, in sentences; none where it can."""

    def run(self, run: EngineRun) -> EngineResult:
        """Blocks until it is over. What goes wrong is told in the result."""


def misfits_of(info: EngineInfo, needs: Requirements) -> tuple[str, ...]:
    """What follows from what an engine says of itself."""
    found = []
    if needs.is_real_time and not info.real_time:
        found.append(f"it trades on quotes alone, and {info.name} has only bars")
    found += [f"it sends {kind} orders, and {info.name} has none" for kind in needs.orders if kind not in info.orders]
    return tuple(found)
