"""The plain-function form of a strategy: `(data, symbol, current_price, **kw) -> ("BUY" | "SELL" | "HOLD", strength, indicators)`.

`data` is a pandas DataFrame of the symbol's bars so far, columns Open, High, Low, Close, Volume, indexed by closing time in UTC. pandas is
imported when such a strategy is loaded and not before.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from typing import Any

from engine.model.market import Bar
from engine.strategies.base import Context, Strategy
from engine.strategies.params import Param, StrategyError, Value, check_params

WARMUP = 250
"""Bars told before the first live one: a trading year of daily bars."""
ROWS = 1_000
"""The most rows a function is handed: a DataFrame is built for every bar, and its cost grows with them."""


class FunctionStrategy(Strategy):
    """A Strategy around a function. It acts when the answer changes: a second BUY in a row says nothing new.

    BUY buys the size in the settings unless the symbol is held already; SELL closes what is held, and does nothing when flat; HOLD does
    nothing.
    """

    warmup = WARMUP

    def __init__(
        self, function: Callable[..., object], declared: Mapping[str, Param], any_keyword: bool, params: Mapping[str, Value]
    ) -> None:
        super().__init__()
        self._pd: Any = importlib.import_module("pandas")
        self._function = function
        self._name = getattr(function, "__name__", "the function")
        self._params = dict(params) if any_keyword else check_params(self._name, declared, params)
        self._last: dict[str, str] = {}
        self.told: Callable[[str, int, str, float, Mapping[str, float]], None] | None = None
        """Is told each answer, with its symbol and the time of its bar, where somebody writes them down."""

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        if ctx.warming:
            return
        answer = self._function(self._frame(ctx, bar.symbol), bar.symbol, bar.close, **self._params)
        action, strength, indicators = self._read(answer)
        if self.told is not None:
            self.told(bar.symbol, bar.at, action, strength, indicators)
        last, self._last[bar.symbol] = self._last.get(bar.symbol), action
        if action == last:
            return
        held = ctx.position(bar.symbol).quantity
        if action == "BUY" and held <= 0:
            ctx.buy(bar.symbol, reason=f"{self._name} says BUY", strength=strength, indicators=indicators)
        elif action == "SELL" and held > 0:
            ctx.close(bar.symbol, reason=f"{self._name} says SELL", strength=strength, indicators=indicators)

    def _frame(self, ctx: Context, symbol: str) -> Any:
        bars = ctx.bars(symbol)
        columns = {
            "Open": bars.opens[-ROWS:],
            "High": bars.highs[-ROWS:],
            "Low": bars.lows[-ROWS:],
            "Close": bars.closes[-ROWS:],
            "Volume": bars.volumes[-ROWS:],
        }
        index = self._pd.DatetimeIndex(self._pd.to_datetime(bars.times[-ROWS:], unit="ns", utc=True), name="Time")
        return self._pd.DataFrame(columns, index=index)

    def _read(self, answer: object) -> tuple[str, float, dict[str, float]]:
        shape = f'{self._name} must answer ("BUY", "SELL" or "HOLD", strength from 0 to 1, a dict of indicators); it answered '
        if not isinstance(answer, tuple) or len(answer) != 3:
            raise StrategyError(f"{shape}{_brief(answer)}")
        action, strength, indicators = answer
        if action not in ("BUY", "SELL", "HOLD") or not isinstance(indicators, Mapping | None):
            raise StrategyError(f"{shape}{_brief(answer)}")
        try:
            strength = float(strength)
            numbers = {str(name): float(value) for name, value in (indicators or {}).items()}
        except (TypeError, ValueError):
            raise StrategyError(f"{shape}{_brief(answer)}") from None
        if not (math.isfinite(strength) and 0.0 <= strength <= 1.0):
            raise StrategyError(f"{shape}a strength of {strength}")
        return action, strength, numbers


def _brief(answer: object) -> str:
    text = repr(answer)
    return text if len(text) <= 120 else text[:120] + "…"
