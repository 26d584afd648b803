"""A market of a few bars written out by hand, and a run over it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from engine.backtest.data import Data
from engine.backtest.profile import Profile
from engine.backtest.result import Result
from engine.backtest.runner import run
from engine.feeds.actions import Action
from engine.feeds.calendar import Calendar
from engine.model.settings import CommissionSettings, PaperSettings, SlippageSettings, StrategySettings
from tests.engine.backtest.workloads import columns

SECOND = 1_000_000_000
FREE = PaperSettings(
    cash=Decimal(100_000),
    commission=CommissionSettings("fixed", rate=Decimal(0)),
    slippage=SlippageSettings(bps=0),
    latency_ms=0,
    volume_cap_pct=100,
)
"""Nothing costs anything."""
Row = tuple[float, ...]
"""Open, high, low, close and, where it matters, volume; an empty one is a bar that is missing."""


def day(number: int) -> int:
    """The close of day `number` of March 2024 on a market that never closes."""
    return int((datetime(2024, 3, 1, tzinfo=UTC) + timedelta(days=number)).timestamp()) * SECOND


def days(rows: Mapping[str, list[Row]], *, first: int = 1, actions: tuple[Action, ...] = ()) -> Data:
    """Daily bars from 1 March 2024 on; those before day `first` are history."""
    bars = {
        symbol: [(day(number), *row, *([1e6] if len(row) == 4 else [])) for number, row in enumerate(told, 1) if row]
        for symbol, told in rows.items()
    }
    return Data("by hand", columns(bars), Calendar("24/7"), first=day(first), actions=actions)  # type: ignore[arg-type]


def flat(*closes: float) -> list[Row]:
    """Bars that open, trade and close at one price each."""
    return [(close, close, close, close) for close in closes]


def strategy(folder: Path, body: str, name: str = "mine") -> str:
    """A file whose class `Mine` has this body; `orders` is what it ordered so far, a number."""
    file = folder / f"{name}.py"
    file.write_text(
        "from tradeconsole import Bar, Context, Strategy, param\n\n\nclass Mine(Strategy):\n    bar = 0\n\n"
        + textwrap.indent(textwrap.dedent(body).strip(), "    ")
        + "\n"
    )
    return str(file)


def played(data: Data, file: str, *, paper: PaperSettings = FREE, **profile: Any) -> Result:
    return run(data, Profile((StrategySettings(file),), paper, **profile))


def costs(**settings: Any) -> PaperSettings:
    return replace(FREE, **settings)


def fills(result: Result) -> list[tuple[int, str, int, float, str]]:
    """Day, side, quantity, price and rule of each."""
    return [
        (round((fill.at - day(0)) / (day(1) - day(0))), str(fill.side), int(fill.quantity), float(fill.price), fill.rule)
        for fill in result.fills
    ]
