"""Runs a class of another common shape as a Strategy, so that it runs in every engine. What it may answer is told in `answers`.

`on_data(timestamp, data)` is called once for each moment at which bars closed. `timestamp` is that time, a pandas.Timestamp in UTC, and
`data` a DataFrame of the bars so far, this moment's included, by closing time: columns Open, High, Low, Close, Volume of one symbol, or
pairs (symbol, field) of several; in small letters where the file writes them so. It waits until each symbol that had a bar at the moment
before has one, and at the first moment for all. That a symbol has none is known when the next bar comes, so the orders of that moment are
that much later; from then on nobody waits for that symbol until it has a bar again.

`generate_signals(bar, portfolio)` is called for each bar: `bar` has symbol, timestamp (a datetime in UTC), open, high, low, close and
volume, `portfolio` has cash, equity and positions, a dict of what is held by symbol, each with quantity and average_price. Both can be
read as `bar.close` and as `bar["close"]`.

Either may be `async`. Past bars fill the frame, and the class is not called with them. `initialize` is called before the first bar;
parameters are what `__init__` and `initialize` have defaults for. `warmup` and `timeframe` in the class are as in a Strategy.
"""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.model.market import Bar
from engine.strategies.answers import Answers
from engine.strategies.base import Context, Strategy
from engine.strategies.params import Param, StrategyError, Value, check_params
from engine.strategies.shapes import ON_DATA, Shape

WARMUP = 250
"""Bars told before the first live one, where the class says nothing: a trading year of daily bars."""


class AdaptedStrategy(Strategy):
    """A Strategy around an object of the class `made`, found in the file at `path`."""

    def __init__(self, made: type, path: Path, shape: Shape, declared: Mapping[str, Param], params: Mapping[str, Value]) -> None:
        """`declared` are the parameters that it declares itself. Raises StrategyError for an unknown one, and what the class raises."""
        super().__init__()
        known = {**declared, **shape.made_with, **shape.begun_with}
        given = dict(params) if shape.any_keyword else check_params(made.__name__, known, params)
        begun = {name: value for name, value in given.items() if name in shape.begun_with}
        ours = issubclass(made, Strategy)
        late = {name: value for name, value in given.items() if name in declared and name not in shape.made_with and not ours}
        self._inner: Any = made(**{name: value for name, value in given.items() if name not in begun and name not in late})
        for name, value in late.items():
            setattr(self._inner, name, value)
        self._begun_with = begun
        self._params = given
        self._shape = shape
        self._where = f"{path.name}, line {shape.line}, {shape.method}"
        self._method: Any = getattr(self._inner, shape.method)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.timeframe = getattr(self._inner, "timeframe", "")
        self.warmup = self._warmup()

    def _warmup(self) -> int:
        """What the object asks for; a base class of ours asks for none."""
        asked = getattr(self._inner, "warmup", None)
        return WARMUP if asked is None or (asked == 0 and isinstance(self._inner, Strategy)) else asked

    def on_start(self, ctx: Context) -> None:
        self._answers = Answers(self._where, ctx.symbols)
        if self._shape.has_initialize:
            handed = {"symbols": list(ctx.symbols), "params": dict(self._params)}
            self._finish(self._inner.initialize(**{name: handed[name] for name in self._shape.handed}, **self._begun_with))
        self.warmup = self._warmup()
        self.timeframe = getattr(self._inner, "timeframe", "")
        if self._shape.method == ON_DATA:
            from engine.strategies.frames import Frames

            pairs = self._shape.pairs or len(ctx.symbols) > 1
            self._frames = Frames(ctx.symbols, pairs=pairs, lower=self._shape.lower)
            self._moment = _Moment(ctx.symbols)

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        if self._shape.method != ON_DATA:
            if not ctx.warming:
                self._answers.order(ctx, self._finish(self._method(SeenBar(bar), Portfolio(ctx))), bar.symbol)
            return
        if left := self._moment.before(bar):
            self._tell(ctx, left)
        self._frames.add(bar)
        if self._moment.add(bar):
            self._tell(ctx, bar.at)

    def on_stop(self, ctx: Context) -> None:
        if self._loop is not None:
            self._loop.close()

    def _tell(self, ctx: Context, at: int) -> None:
        if not ctx.warming:
            self._answers.order(ctx, self._finish(self._method(self._frames.stamp(at), self._frames.frame())))

    def _finish(self, answer: Any) -> Any:
        """What a coroutine comes to; anything else as it is."""
        if not inspect.iscoroutine(answer):
            if inspect.isasyncgen(answer):
                raise StrategyError(f"{self._where} yields its orders; return a list of them")
            return answer
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            # A run that fails stops nothing; its loop must not stay open. Closing it runs nothing, so it may come at any moment.
            weakref.finalize(self, self._loop.close)
        return self._loop.run_until_complete(answer)


class _Moment:
    """Which symbols have a bar at this time, and whether all that are waited for do."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self._at = 0
        self._here = set(symbols)
        self._waited: set[str] = set()
        self._told = True

    def before(self, bar: Bar) -> int:
        """The time of the moment that `bar` ends and which was not told for want of a symbol, else 0."""
        if bar.at == self._at:
            return 0
        at, told = self._at, self._told
        self._at, self._waited, self._here, self._told = bar.at, self._here, set(), False
        return 0 if told else at

    def add(self, bar: Bar) -> bool:
        """Whether the moment is complete with `bar`."""
        self._here.add(bar.symbol)
        if self._told or not self._waited <= self._here:
            return False
        self._told = True
        return True


class _Read:
    """Reads as `x.name` and as `x["name"]`."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None


class SeenBar(_Read):
    """A bar that has closed at `timestamp`."""

    __slots__ = ("close", "high", "low", "open", "symbol", "timestamp", "volume")

    def __init__(self, bar: Bar) -> None:
        self.symbol, self.timestamp = bar.symbol, datetime.fromtimestamp(bar.at / 1e9, UTC)
        self.open, self.high, self.low, self.close, self.volume = bar.open, bar.high, bar.low, bar.close, bar.volume


class Held(_Read):
    """`quantity` shares, negative when short, at an average price of `average_price`."""

    __slots__ = ("average_price", "quantity")

    def __init__(self, quantity: float, average_price: float) -> None:
        self.quantity, self.average_price = quantity, average_price


class Portfolio(_Read):
    """The account as of a bar. `positions` holds what is held alone."""

    __slots__ = ("cash", "equity", "positions")

    def __init__(self, ctx: Context) -> None:
        self.cash, self.equity = ctx.cash, ctx.equity
        self.positions = {symbol: Held(held.quantity, held.average) for symbol, held in ctx.positions.items() if held}
