"""What a strategy sees of the past in a backtest: views of the columns that end where it was told last. A bar costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, overload

from engine.backtest.account import Account
from engine.feeds.bar_columns import BarColumns, Columns
from engine.model.market import Bar
from engine.strategies.base import FLAT, Bars, Column, Context, Position

if TYPE_CHECKING:
    from engine.feeds.bar_columns import Times

_STEPS = 8
"""So many bars further the end is looked for one by one; beyond that by halves."""


class PlayedBars(Bars):
    """The bars of one symbol so far: those it was warmed up with, and of the columns what was told since.

    All of them stay within reach. A bar is made when it is asked for, a value of its own.
    """

    __slots__ = ("_at", "_begin", "_columns", "_context", "_end", "_place", "_seen", "_symbol")

    def __init__(self, context: BacktestContext, series: BarColumns, place: int, begin: int) -> None:
        """`series` are all bars of the symbol, of which those from the row `begin` on are told. `place` is where in the order of the
        symbols its bar comes within one moment."""
        super().__init__()
        self._context = context
        self._symbol, self._place = series.symbol, place
        self._columns: Columns = series.columns
        self._at: Times = series.columns.at
        self._begin = self._end = begin
        self._seen: Bar | None = None

    def append(self, bar: Bar) -> None:
        """One that warms up."""
        self._bars.append(bar)

    def told(self) -> int:
        """The row of the columns that comes after the last that was told."""
        bar = self._context.bar
        if bar is self._seen or bar is None:
            return self._end
        self._seen = bar
        at, end, times = bar.at, self._end, self._at
        for _ in range(_STEPS):
            if end == len(times) or times[end] > at:
                break
            end += 1
        else:
            end = int(times.searchsorted(at, "right"))
        if end > self._begin and times[end - 1] == at and self._place > self._context.places[bar.symbol]:
            # Its bar of this moment has closed, and is told after the one that is told now.
            end -= 1
        self._end = max(end, self._end)
        return self._end

    def __len__(self) -> int:
        return len(self._bars) + self.told() - self._begin

    @overload
    def __getitem__(self, index: int) -> Bar: ...
    @overload
    def __getitem__(self, index: slice) -> list[Bar]: ...
    def __getitem__(self, index: int | slice) -> Bar | list[Bar]:
        if isinstance(index, slice):
            parts = [self._part(column, name, index) for name, column in zip(Columns._fields, self._columns, strict=True)]
            return [Bar(self._symbol, *values) for values in zip(*parts, strict=True)]
        row = self._row(index)
        if row < self._begin:
            return self._bars[row - self._begin + len(self._bars)]
        return Bar(self._symbol, *(column[row].item() for column in self._columns))

    def __iter__(self) -> Iterator[Bar]:
        yield from self._bars
        yield from BarColumns(self._symbol, self._columns.rows(slice(self._begin, self.told())))

    def _row(self, index: int) -> int:
        """Of the bar at `index`; of one that warmed it up, so many rows before the first that was told."""
        end = self.told()
        row = end + index if index < 0 else self._begin - len(self._bars) + index
        if not self._begin - len(self._bars) <= row < end:
            raise IndexError("there are not so many bars yet")
        return row

    def value(self, name: str, index: int) -> Any:
        row = self._row(index)
        if row < self._begin:
            return getattr(self._bars[row - self._begin + len(self._bars)], name)
        return getattr(self._columns, name)[row].item()

    def values(self, name: str, index: slice) -> list[Any]:
        return self._part(getattr(self._columns, name), name, index)

    def _part(self, column: Any, name: str, index: slice) -> list[Any]:
        end, warm = self.told(), self._bars
        start, stop, step = index.indices(len(warm) + end - self._begin)
        ahead = self._begin - len(warm)
        if step == 1 and start >= len(warm):
            values: list[Any] = column[ahead + start : max(ahead + stop, ahead + start)].tolist()
            return values
        told: list[Any] = column[self._begin : end].tolist()
        return [*(getattr(bar, name) for bar in warm), *told][index]

    @property
    def times(self) -> Column:
        return PlayedColumn(self, "at")

    @property
    def opens(self) -> Column:
        return PlayedColumn(self, "open")

    @property
    def highs(self) -> Column:
        return PlayedColumn(self, "high")

    @property
    def lows(self) -> Column:
        return PlayedColumn(self, "low")

    @property
    def closes(self) -> Column:
        return PlayedColumn(self, "close")

    @property
    def volumes(self) -> Column:
        return PlayedColumn(self, "volume")


class PlayedColumn(Column):
    """One field of them."""

    __slots__ = ("_name", "_played")

    def __init__(self, bars: PlayedBars, name: str) -> None:
        self._played, self._name = bars, name

    def __len__(self) -> int:
        return len(self._played)

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> list[float]: ...
    def __getitem__(self, index: int | slice) -> float | list[float]:
        if isinstance(index, slice):
            return self._played.values(self._name, index)
        value: float = self._played.value(self._name, index)
        return value

    def __iter__(self) -> Iterator[float]:
        return iter(self._played.values(self._name, slice(None)))


class BacktestContext(Context):
    """A context that costs nothing by the bar: it is told which one is the newest, and works out the rest where somebody reads it.

    `account` is what it sees, which nothing changes while a callback runs. `bar` is the newest that was told, None before the first;
    `due` the time of the newest update. `places` is where in one moment each symbol's bar comes.
    """

    __slots__ = ("account", "bar", "due", "places")

    def __init__(self, symbols: tuple[str, ...], account: Account) -> None:
        self.account = account
        self.bar: Bar | None = None
        self.due = 0
        self.places: Mapping[str, int] = {}
        super().__init__(symbols)

    def play(self, series: Mapping[str, BarColumns], until: int) -> None:
        """After `start`. What is revealed from now on warms up; then it sees each symbol's bars of `series` that close after `until`, as
        they are told."""
        self.places = {symbol: place for place, symbol in enumerate(series)}
        for symbol in self.symbols:
            if symbol in series:
                begin = int(series[symbol].columns.at.searchsorted(until, "right"))
                self._bars[symbol] = PlayedBars(self, series[symbol], self.places[symbol], begin)
        self.bar = None

    def told(self, symbol: str) -> int:
        """The row of the symbol's columns that comes after the last that was told."""
        bars = self._bars[symbol]
        assert isinstance(bars, PlayedBars)
        return bars.told()

    @property
    def equity(self) -> float:
        return self.account.equity()

    @equity.setter
    def equity(self, _: float) -> None:
        """It is the account's."""

    @property
    def cash(self) -> float:
        return self.account.cash

    @cash.setter
    def cash(self, _: float) -> None:
        """It is the account's."""

    def position(self, symbol: str) -> Position:
        held = self.account.positions.get(symbol)
        if held is None and symbol not in self._bars:
            raise self._unknown(symbol)
        return FLAT if held is None else held

    @property
    def positions(self) -> Mapping[str, Position]:
        """As they are now: what is held may change with the next bar, and this does not."""
        return self.account.positions.copy()

    @positions.setter
    def positions(self, _: Mapping[str, Position]) -> None:
        """They are the account's."""

    @property
    def now(self) -> int:
        bar = self.bar
        return self.due if bar is None or bar.at < self.due else bar.at

    @now.setter
    def now(self, at: int) -> None:
        self.due = at
