"""One strategy in this process: the same class and the same context as live, called in line, its drafts made into proposals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import repeat
from typing import NoReturn, TypeAlias

from msgspec import Struct

from engine.backtest.account import Account
from engine.backtest.errors import BacktestError
from engine.backtest.history import BacktestContext
from engine.backtest.indicator_columns import AverageColumn
from engine.feeds.bar_columns import BarColumns
from engine.model.inputs import Proposal
from engine.model.market import Bar
from engine.model.orders import Fill
from engine.model.settings import StrategySettings
from engine.own_file import line_in
from engine.strategies.base import Draft, Strategy
from engine.strategies.host import traceback_of, wants_of, words
from engine.strategies.indicators import SMA
from engine.strategies.loader import find, load
from engine.strategies.params import StrategyError
from engine.strategies.proposals import to_proposal
from engine.strategies.wire import MAX_DRAFTS

Pair: TypeAlias = tuple[SMA, SMA, Iterator[tuple[float | None, float | None]]]
"""Two averages with their values to come: what most strategies have, and told by one line."""
Adds: TypeAlias = dict[str, list[Callable[[float], object]]]
"""By symbol, what is to be told each close."""


class Orders(Struct, frozen=True, gc=False):
    """What `player` asked for in one callback, at the market time `at`: at a bar of `symbol`, or about to be told one. `last` is when the
    bars before closed."""

    player: Player
    drafts: list[Draft]
    callback: str
    symbol: str
    at: int
    last: int


class Player:
    """Calls one strategy. Whatever it raises ends the run, as a BacktestError that says where."""

    __slots__ = ("_columns", "_due", "_made", "_path", "_settings", "adds", "context", "name", "pairs", "strategy", "symbols", "wants")

    def __init__(self, settings: StrategySettings, name: str, symbols: tuple[str, ...], account: Account) -> None:
        """Loads the file and starts the strategy, which sees `account`. Raises BacktestError."""
        self.name = name
        self.symbols = settings.symbols or symbols
        if missing := [symbol for symbol in self.symbols if symbol not in symbols]:
            raise BacktestError(f"{name} is to trade {', '.join(missing)}, and the data has no such symbol.")
        self._settings = settings
        self._made = 0
        self._due = 0
        self.pairs: dict[str, Pair] = {}
        """By symbol, where there are averages that are told by column: the first two."""
        self.adds: Adds = {}
        self._columns: list[tuple[str, AverageColumn]] = []
        try:
            self._path = find(settings.file)
        except StrategyError as error:
            raise BacktestError(str(error)) from error
        self.begin(account)

    def begin(self, account: Account) -> None:
        """Loads the file and starts the strategy, the first time or anew. Raises BacktestError."""
        self.context = BacktestContext(self.symbols, account)
        try:
            self.strategy = load(str(self._path), self._settings.params)
        except StrategyError as error:
            raise BacktestError(str(error), traceback_of(error.__cause__) if error.__cause__ else "") from error
        try:
            self.strategy.on_start(self.context)
            self.wants = wants_of(self.strategy)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - told in words
            self.fail(error, "on_start")
        self.context.start(self.wants.warmup)

    @property
    def params(self) -> dict[str, object]:
        """Its declared parameters with their values, and those it was given."""
        return {**{param: getattr(self.strategy, param) for param in self.strategy.declared}, **self._settings.params}

    @property
    def hears_fills(self) -> bool:
        return type(self.strategy).on_fill is not Strategy.on_fill

    def warm(self, bars: Sequence[Bar], series: Mapping[str, BarColumns], until: int) -> None:
        """Tells the past, oldest first. What is ordered in it is dropped. Then come those of `series` that close after `until`."""
        bar = None
        self.context.play(series, until)
        try:
            for bar in bars:
                self.context.reveal(bar)
                self.strategy.on_bar(self.context, bar)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - told in words
            self.fail(error, "on_bar, while warming up", None if bar is None else (bar.symbol, bar.at))
        self.context.warming = False
        self._keep(series, until)

    def _keep(self, series: Mapping[str, BarColumns], until: int) -> None:
        """From now on its indicators are told the bars that close after `until`: averages by column, where nobody else shares them."""
        named = {symbol: self.context.indicators.get(symbol, []) for symbol in self.symbols if symbol in series}
        times = Counter(id(each) for indicators in named.values() for each in indicators)
        pairs: dict[str, Pair] = {}
        adds: Adds = {}
        self._columns = []
        for symbol, indicators in named.items():
            columns = series[symbol].columns
            begin = int(columns.at.searchsorted(until, "right"))
            alone = [each for each in indicators if type(each) is SMA and times[id(each)] == 1]
            own = [AverageColumn(each, columns.close, begin) for each in alone]
            self._columns += [(symbol, column) for column in own]
            pairs[symbol] = _pair(own)
            adds[symbol] = [column.tell for column in own[2:]]
            adds[symbol] += [each.add for each in indicators if not any(each is known for known in alone)]
        # Where there is nothing of a kind, nobody looks for it at each bar.
        self.pairs = pairs if self._columns else {}
        self.adds = adds if any(adds.values()) else {}

    def bring_indicators(self) -> None:
        """To where the strategy was told last, whole, and not their values alone."""
        for symbol, column in self._columns:
            try:
                column.bring_to(self.context.told(symbol))
            except StrategyError as error:
                self.fail(error, "on_bar")

    def fill(self, fill: Fill) -> bool:
        """Answers whether it orders something."""
        try:
            self.strategy.on_fill(self.context, fill)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - told in words
            self.fail(error, "on_fill")
        return bool(self.context.drafts)

    def update(self, at: int) -> bool:
        """Market time is about to come to `at`: the update that fell due before it, of several the last. Answers whether it orders
        something."""
        step = self.wants.update_ns
        due = (at - 1) // step * step if self._due and at > self._due else None
        self._due = max(self._due, -(-at // step) * step)
        if due is None:
            return False
        self.context.now = due
        try:
            self.strategy.on_update(self.context)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - told in words
            self.fail(error, "on_update")
        return bool(self.context.drafts)

    def stop(self) -> None:
        """What is ordered here is dropped."""
        try:
            self.strategy.on_stop(self.context)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - told in words
            self.fail(error, "on_stop")
        self.context.take()

    def take(self, callback: str, symbol: str, at: int, last: int) -> Orders:
        """What the callback that has just ended asked for."""
        context = self.context
        drafts, context.drafts = context.drafts, []
        if len(drafts) > MAX_DRAFTS:
            error = StrategyError(f"it ordered {len(drafts):,} times in one callback; {MAX_DRAFTS} are allowed")
            self.fail(error, callback, (symbol, at))
        return Orders(self, drafts, callback, symbol, at, last)

    def proposals(self, orders: Orders) -> Sequence[Proposal]:
        """The same for the core: each order once, in the order in which they were made."""
        made = []
        for draft in orders.drafts:
            self._made += 1
            try:
                made.append(to_proposal(draft, f"{self.name}:{self._made}", self.name, self.symbols))
            except StrategyError as error:
                self.fail(error, orders.callback, (orders.symbol, orders.at))
        return made

    def fail(self, error: BaseException, callback: str, at: tuple[str, int] | None = None) -> NoReturn:
        """Ends the run in words: `at` the bar of which symbol and time. An error that no line of the strategy's had a part in is ours, and
        stays what it is."""
        line = line_in(self._path, error)
        if not line and not isinstance(error, StrategyError):
            raise error
        where = f" at the bar of {at[0]} that closed {_moment(at[1])}" if at is not None else ""
        detail = "" if isinstance(error, StrategyError) else traceback_of(error)
        raise BacktestError(f"{self._path}{line}, {callback}{where}: {words(error).rstrip('.')}.", detail) from error


def _pair(columns: Sequence[AverageColumn]) -> Pair:
    """The first two of them. For one that is not there comes one that nobody has."""
    first, second = [*(column.indicator for column in columns[:2]), SMA(1), SMA(1)][:2]
    values: list[Iterator[float | None]] = [*(column.values for column in columns[:2]), repeat(None), repeat(None)]
    return first, second, zip(values[0], values[1], strict=False)


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at // 1_000_000_000, UTC):%Y-%m-%d %H:%M} UTC"
