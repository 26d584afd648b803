"""The values everything else speaks in. Imports nothing of ours but itself; anybody may import it. No I/O."""

from engine.model.market import Bar, Instrument, MarketStatus, Quote
from engine.model.modes import Level, Mode, TradingState
from engine.model.orders import Fill, Intent, Order, OrderState, OrderType, Side, Source, TimeInForce
from engine.model.settings import Settings
from engine.model.signals import Signal, SignalState, Vote
from engine.model.verdicts import Outcome, Verdict
from engine.model.views import View

__all__ = [
    "Bar",
    "Fill",
    "Instrument",
    "Intent",
    "Level",
    "MarketStatus",
    "Mode",
    "Order",
    "OrderState",
    "OrderType",
    "Outcome",
    "Quote",
    "Settings",
    "Side",
    "Signal",
    "SignalState",
    "Source",
    "TimeInForce",
    "TradingState",
    "Verdict",
    "View",
    "Vote",
]
