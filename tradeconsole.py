"""The public face for people who write strategies and scripts: `from tradeconsole import Strategy, param`.

Everything a strategy needs is here and light: this module is imported in every strategy's process. A script that runs an engine of
its own takes the rest:

    settings = Settings(symbols=("AAPL",))           and its parts: FeedSettings, StrategySettings, Limits, Approvals, PaperSettings
    engine = create_engine(settings)                 raises ValueError, naming each setting that is wrong
    engine.subscribe(FillBooked, print)              or another record: OrderPlaced, OrderDenied, SignalRaised, StrategyErrored, ...
    engine.start()
    engine.wait_ready().health                       `ready`, or `problem` says in words why not; TimeoutError
    engine.submit(Intent("AAPL", Side.BUY, Decimal(10)))
                                                     answers the command's id at once; Intent raises TypeError for what is no Decimal
    engine.submit_group(GroupKind.OCO, one, two)     one cancels the other; OTO: the first triggers the second
    engine.replace(order_id, Terms(...))             new terms for a working order
    engine.answer(id)                                waits for its Reply: `ok`, and `text` to read; TimeoutError
    engine.view()                                    account, positions, orders as of now; status() where it must be of this moment
    engine.emergency_stop("why")                     nothing more is sent, all is cancelled; engine.view().stop tells how far it has come
    engine.liquidate_all()                           the same, and closes every position
    engine.resume("why")                             leaves HALTED, into MANUAL
    EngineFactory.auto_create_engine("mine.py").run(EngineRun(strategy="mine.py", days=900)).total_return
                                                     backtest, replay or paper by one interface; EngineError, StrategyError
    engine.shutdown()                                cancels what only opens positions, and ends; TimeoutError

Money, prices and quantities of orders are Decimal, quantities in shares; market data and all that a strategy sees are floats; times are
integer nanoseconds UTC. `python -m tradeconsole` is the command.
"""

import os
import sys

if __name__ == "__main__":
    if sys.path[0] == os.getcwd() != os.path.dirname(os.path.abspath(__file__)):
        # `python -m` looks into the current folder first. An engine.py of the user's own there must not be taken for ours.
        del sys.path[0]
    from console.cli import main

    # It ends the process, so that neither a stop nor the first picture waits for what strategies and scripts are offered.
    main()

from typing import TYPE_CHECKING, Any

from engine.model.inputs import GroupKind
from engine.model.market import Bar, Quote
from engine.model.modes import Mode
from engine.model.orders import Bracket, Exit, Fill, Intent, OrderState, OrderType, Side, Terms, TimeInForce
from engine.model.records import FillBooked, OrderChanged, OrderDenied, OrderPlaced, SignalDecided, SignalRaised, StrategyErrored
from engine.model.settings import Approvals, FeedSettings, Limits, PaperSettings, Settings, StrategySettings
from engine.model.signals import SignalEdit
from engine.strategies.base import Bars, Context, Position, Strategy
from engine.strategies.indicators import RSI, SMA
from engine.strategies.params import StrategyError, param

if TYPE_CHECKING:
    from console.build import create_engine
    from console.engines.factory import EngineFactory
    from engine.engine_types import EngineError, EngineInfo, EngineResult, EngineRun
    from engine.feeds.actions import Action
    from engine.feeds.history import Fetched, Reach

__all__ = [
    "RSI",
    "SMA",
    "Action",
    "Approvals",
    "Bar",
    "Bars",
    "Bracket",
    "Context",
    "EngineError",
    "EngineFactory",
    "EngineInfo",
    "EngineResult",
    "EngineRun",
    "Exit",
    "FeedSettings",
    "Fetched",
    "Fill",
    "FillBooked",
    "GroupKind",
    "Intent",
    "Limits",
    "Mode",
    "OrderChanged",
    "OrderDenied",
    "OrderPlaced",
    "OrderState",
    "OrderType",
    "PaperSettings",
    "Position",
    "Quote",
    "Reach",
    "Settings",
    "Side",
    "SignalDecided",
    "SignalEdit",
    "SignalRaised",
    "Strategy",
    "StrategyError",
    "StrategyErrored",
    "StrategySettings",
    "Terms",
    "TimeInForce",
    "create_engine",
    "param",
]


_LATER = {
    "create_engine": "console.build",
    "EngineFactory": "console.engines.factory",
    "Action": "engine.feeds.actions",
    "Fetched": "engine.feeds.history",
    "Reach": "engine.feeds.history",
    **dict.fromkeys(("EngineError", "EngineInfo", "EngineResult", "EngineRun"), "engine.engine_types"),
}


def __getattr__(name: str) -> Any:
    # The engine is more than a strategy needs, so it is imported for who asks for it.
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
