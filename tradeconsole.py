"""The public face for people who write strategies and scripts: `from tradeconsole import Strategy, param`.

Everything a strategy needs is here and light: this module is imported in every strategy's process.
"""

from engine.model.market import Bar, Quote
from engine.model.orders import Fill, Side
from engine.strategies.base import Bars, Context, Position, Strategy
from engine.strategies.indicators import RSI, SMA
from engine.strategies.params import StrategyError, param

__all__ = ["RSI", "SMA", "Bar", "Bars", "Context", "Fill", "Position", "Quote", "Side", "Strategy", "StrategyError", "param"]
