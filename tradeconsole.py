"""The public face for people who write strategies and scripts: `from tradeconsole import Strategy, param`.

Everything a strategy needs is here and light: this module is imported in every strategy's process. A script that runs an engine of
its own takes `create_engine`, `Settings` and `Intent` from here. `python -m tradeconsole` is the command.
"""

import os
import sys

if __name__ == "__main__" and sys.path[0] == os.getcwd() != os.path.dirname(os.path.abspath(__file__)):
    # `python -m` looks into the current folder first. An engine.py of the user's own there must not be taken for ours.
    del sys.path[0]

from typing import TYPE_CHECKING, Any

from engine.model.market import Bar, Quote
from engine.model.modes import Mode
from engine.model.orders import Fill, Intent, OrderType, Side
from engine.model.settings import Settings
from engine.strategies.base import Bars, Context, Position, Strategy
from engine.strategies.indicators import RSI, SMA
from engine.strategies.params import StrategyError, param

if TYPE_CHECKING:
    from console.build import create_engine

__all__ = [
    "RSI",
    "SMA",
    "Bar",
    "Bars",
    "Context",
    "Fill",
    "Intent",
    "Mode",
    "OrderType",
    "Position",
    "Quote",
    "Settings",
    "Side",
    "Strategy",
    "StrategyError",
    "create_engine",
    "param",
]


def __getattr__(name: str) -> Any:
    # The engine is more than a strategy needs, so it is imported for who asks for it.
    if name == "create_engine":
        from console.build import create_engine

        return create_engine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    from console.cli import main

    main()
