"""What a strategy is: the class people derive from, and the context its callbacks are handed.

The same class runs live, on paper and in a backtest, so nothing here waits, allocates by the bar, or knows who calls it. Whoever runs a
strategy owns its `Context`: sets the state of the account, reveals the bar, calls the callback, takes the drafts.

Prices, quantities and money are floats in here: sizing is arithmetic on indicators. What a strategy asks for becomes an exact decimal
once, on its way to the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, ClassVar, Protocol, TypeVar, overload

from msgspec import Struct

from engine.model.market import Bar, Quote
from engine.model.orders import Fill, Side, TimeInForce
from engine.strategies.params import Param, StrategyError, check_params, did_you_mean

BARS_KEPT = 5_000
"""Bars of a symbol that stay within reach of `Context.bars`, at the least; a longer warm-up keeps more."""

REASON_LENGTH = 200

_BUY, _SELL, _DAY = Side.BUY, Side.SELL, TimeInForce.DAY
"""Looked up once: in Python 3.11 a member of an enum costs as much as the draft it goes into."""


class Position(Struct, frozen=True, gc=False):
    """What is held of a symbol: shares (negative when short) and their average cost. False when flat."""

    quantity: float = 0.0
    average: float = 0.0

    def __bool__(self) -> bool:
        return self.quantity != 0.0


FLAT = Position()


class Indicator(Protocol):
    """What `Context.indicator` keeps up to date."""

    def add(self, value: float, /) -> object:
        """Takes in one more value."""


Kept = TypeVar("Kept", bound=Indicator)


class Draft(Struct, frozen=True, gc=False):
    """What a callback asked for, not yet checked. `quantity` is in shares; None asks for the size in the settings.

    `trail` is a distance in price, what ends in `_pct` is in per cent; `take_profit` and `stop_loss` are prices.
    """

    symbol: str
    side: Side
    quantity: float | None
    strength: float
    reason: str
    indicators: dict[str, float]
    tif: TimeInForce = TimeInForce.DAY
    limit: float | None = None
    stop: float | None = None
    trail: float | None = None
    trail_pct: float | None = None
    take_profit: float | None = None
    stop_loss: float | None = None
    take_profit_pct: float | None = None
    stop_loss_pct: float | None = None


class AtMarket(Draft, frozen=True, gc=False):
    """One without a price, a trail or exits."""


class Column(Sequence[float]):
    """One field of the bars, read where it is asked for: `closes[-1]`, `closes[-20:]`. A slice is a list and costs its own length."""

    __slots__ = ("_bars", "_field")

    def __init__(self, bars: list[Bar], field: Callable[[Bar], float]) -> None:
        self._bars, self._field = bars, field

    def __len__(self) -> int:
        return len(self._bars)

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> list[float]: ...
    def __getitem__(self, index: int | slice) -> float | list[float]:
        if isinstance(index, slice):
            return list(map(self._field, self._bars[index]))
        return self._field(self._bars[index])

    def __iter__(self) -> Iterator[float]:
        return map(self._field, self._bars)


_AT, _OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = map(attrgetter, ("at", "open", "high", "low", "close", "volume"))


class Bars(Sequence[Bar]):
    """The bars of one symbol so far, oldest first; the last one is the newest that closed."""

    __slots__ = ("_bars", "_keep")

    def __init__(self, keep: int = BARS_KEPT) -> None:
        self._bars: list[Bar] = []
        self._keep = keep

    def append(self, bar: Bar) -> None:
        bars = self._bars
        bars.append(bar)
        # In one go when twice as long as promised, so that the cost is the same for every bar, however long the run.
        if len(bars) >= 2 * self._keep:
            del bars[: -self._keep]

    def __len__(self) -> int:
        return len(self._bars)

    @overload
    def __getitem__(self, index: int) -> Bar: ...
    @overload
    def __getitem__(self, index: slice) -> list[Bar]: ...
    def __getitem__(self, index: int | slice) -> Bar | list[Bar]:
        return self._bars[index]

    def __iter__(self) -> Iterator[Bar]:
        return iter(self._bars)

    @property
    def times(self) -> Column:
        """Closing times, nanoseconds UTC."""
        return Column(self._bars, _AT)

    @property
    def opens(self) -> Column:
        return Column(self._bars, _OPEN)

    @property
    def highs(self) -> Column:
        return Column(self._bars, _HIGH)

    @property
    def lows(self) -> Column:
        return Column(self._bars, _LOW)

    @property
    def closes(self) -> Column:
        return Column(self._bars, _CLOSE)

    @property
    def volumes(self) -> Column:
        return Column(self._bars, _VOLUME)


class Context:
    """The market as of one event, and the account as it stood when its callback began. Nothing in it changes while the callback runs,
    orders made in it included.

    `now` is market time in nanoseconds UTC, `cash` and `equity` are money, `symbols` what this strategy may trade. `warming` is true while
    past bars are told to fill indicators: what is ordered then is dropped.

    Orders are proposals: risk, the mode and perhaps a person decide. So an order may never come to be, and `position` tells what is held
    now, not what was asked for.
    """

    __slots__ = ("_bars", "_keep", "cash", "drafts", "equity", "indicators", "now", "positions", "started", "symbols", "warming")

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self.symbols = symbols
        self.now = 0
        self.cash = 0.0
        self.equity = 0.0
        self.positions: Mapping[str, Position] = {}
        self.warming = True
        self.started = False
        self.drafts: list[Draft] = []
        self.indicators: dict[str, list[Indicator]] = {}
        self._keep = BARS_KEPT
        self._bars = {symbol: Bars() for symbol in symbols}

    # ---- for whoever runs the strategy

    def start(self, warmup: int) -> None:
        """on_start is over: from now on there are prices, and orders may be made. Keeps at least `warmup` bars."""
        self._bars = {symbol: Bars(max(BARS_KEPT, warmup)) for symbol in self.symbols}
        self.started = True

    def reveal(self, bar: Bar) -> None:
        """Add `bar` to its symbol's history and to its indicators, and move `now` to its close."""
        self.now = bar.at
        self._bars[bar.symbol].append(bar)
        for indicator in self.indicators.get(bar.symbol, ()):
            indicator.add(bar.close)

    def take(self) -> list[Draft]:
        """What was ordered since the last call, and forget it."""
        drafts = self.drafts
        if drafts:
            self.drafts = []
        return drafts

    # ---- for the strategy

    def indicator(self, symbol: str, indicator: Kept) -> Kept:
        """Has `indicator` told each close of `symbol` before `on_bar` is told the bar, where its `value` is read. Answers the indicator.

        To be called in `on_start`. Anything with a method `add` will do; an SMA costs a backtest a fraction of what adding to it does.
        """
        if symbol not in self._bars:
            raise self._unknown(symbol)
        if self.started:
            raise StrategyError("ctx.indicator belongs in on_start: an indicator is told the past before the first price")
        self.indicators.setdefault(symbol, []).append(indicator)
        return indicator

    def bars(self, symbol: str) -> Bars:
        """The symbol's bars so far, this event's included."""
        try:
            return self._bars[symbol]
        except KeyError:
            raise self._unknown(symbol) from None

    def position(self, symbol: str) -> Position:
        """What is held of `symbol`; false when flat."""
        if symbol not in self._bars:
            raise self._unknown(symbol)
        return self.positions.get(symbol, FLAT)

    def buy(
        self,
        symbol: str,
        quantity: float | None = None,
        *,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        trail_pct: float | None = None,
        tif: TimeInForce | str = TimeInForce.DAY,
        take_profit: float | None = None,
        stop_loss: float | None = None,
        take_profit_pct: float | None = None,
        stop_loss_pct: float | None = None,
        reason: str = "",
        strength: float = 1.0,
        indicators: Mapping[str, float] | None = None,
    ) -> None:
        """Propose to buy `quantity` shares, or the size in the settings where none is given.

        At the market; or at `limit` or better; or once the price trades through `stop`, with both only at `limit` or better from then on;
        or once it has risen by `trail` (in price) or `trail_pct` (in per cent) from its lowest. `tif` is how long the order stands.

        `take_profit` and `stop_loss` are prices, `take_profit_pct` and `stop_loss_pct` per cent from the fill: the orders that close what
        this one opens come along, held until it fills, and each ends with the other. `reason`, `strength` (0 to 1) and `indicators` are
        what a person sees when asked to approve.
        """
        if limit is stop is trail is trail_pct is take_profit is stop_loss is take_profit_pct is stop_loss_pct is None:
            self._draft(symbol, _BUY, quantity, reason, strength, indicators, tif)
            return
        prices = (limit, stop, trail, trail_pct, take_profit, stop_loss, take_profit_pct, stop_loss_pct)
        self._draft(symbol, _BUY, quantity, reason, strength, indicators, tif, prices)

    def sell(
        self,
        symbol: str,
        quantity: float | None = None,
        *,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        trail_pct: float | None = None,
        tif: TimeInForce | str = TimeInForce.DAY,
        take_profit: float | None = None,
        stop_loss: float | None = None,
        take_profit_pct: float | None = None,
        stop_loss_pct: float | None = None,
        reason: str = "",
        strength: float = 1.0,
        indicators: Mapping[str, float] | None = None,
    ) -> None:
        """Propose to sell; as `buy`, the other way round. To sell all that is held, `close`."""
        if limit is stop is trail is trail_pct is take_profit is stop_loss is take_profit_pct is stop_loss_pct is None:
            self._draft(symbol, _SELL, quantity, reason, strength, indicators, tif)
            return
        prices = (limit, stop, trail, trail_pct, take_profit, stop_loss, take_profit_pct, stop_loss_pct)
        self._draft(symbol, _SELL, quantity, reason, strength, indicators, tif, prices)

    def close(self, symbol: str, *, reason: str = "", strength: float = 1.0, indicators: Mapping[str, float] | None = None) -> None:
        """Propose to sell what is held of `symbol`, or to buy back what is short. Does nothing when flat."""
        held = self.position(symbol).quantity
        if held != 0.0:
            self._draft(symbol, _SELL if held > 0.0 else _BUY, abs(held), reason, strength, indicators)

    def target(
        self, symbol: str, quantity: float, *, reason: str = "", strength: float = 1.0, indicators: Mapping[str, float] | None = None
    ) -> None:
        """Propose the order at the market that takes the position to `quantity` shares (negative is short). Working orders do not count."""
        change = float(quantity) - self.position(symbol).quantity
        if change != 0.0:
            self._draft(symbol, _BUY if change > 0.0 else _SELL, abs(change), reason, strength, indicators)

    def _draft(
        self,
        symbol: str,
        side: Side,
        quantity: float | None,
        reason: str,
        strength: float,
        indicators: Mapping[str, float] | None,
        tif: TimeInForce | str = _DAY,
        prices: tuple[float | None, ...] = (),
    ) -> None:
        """`prices` are those of a draft in their order, of an order at the market none."""
        if symbol not in self._bars:
            raise self._unknown(symbol)
        if self.warming:
            if not self.started:
                raise StrategyError("on_start comes before the first price, so nothing can be ordered there; order in on_bar or on_quote")
            return
        quantity = None if quantity is None else float(quantity)
        strength = float(strength)
        reason = str(reason)[:REASON_LENGTH] if reason != "" else ""
        seen = {str(name): float(value) for name, value in indicators.items()} if indicators else {}
        if type(tif) is not TimeInForce:
            tif = _time_in_force(tif)
        if prices:
            self.drafts.append(Draft(symbol, side, quantity, strength, reason, seen, tif, *map(_number, prices)))
        else:
            self.drafts.append(AtMarket(symbol, side, quantity, strength, reason, seen, tif))

    def _unknown(self, symbol: str) -> StrategyError:
        near = did_you_mean(str(symbol), self.symbols)
        return StrategyError(f"{symbol!r} is not one of this strategy's symbols ({', '.join(self.symbols)}).{near}")


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _time_in_force(tif: TimeInForce | str) -> TimeInForce:
    try:
        return TimeInForce(tif)
    except ValueError:
        raise StrategyError(f"tif must be one of {', '.join(TimeInForce)}; it is {tif!r}") from None


class Strategy:
    """Derive from this and write `on_bar`, `on_quote` or `on_update`. The other callbacks may be left out.

        class Breakout(Strategy):
            days = param(20, low=2, high=250)

            def on_start(self, ctx):
                self.warmup = self.days + 1

            def on_bar(self, ctx, bar):
                highs = ctx.bars(bar.symbol).highs[-self.days - 1 : -1]
                if len(highs) == self.days and bar.close > max(highs) and not ctx.position(bar.symbol):
                    ctx.buy(bar.symbol, reason=f"above its {self.days}-day high")

    Each callback runs to its end before the next event; one that takes longer than the strategy's deadline is killed, and the strategy is
    started again with its history. Keep state on `self`; set it up in `on_start`. It runs in a process of its own, without the environment
    variables that look like secrets (KEY, TOKEN, PASSWORD and such in their names).
    """

    warmup: int = 0
    """Bars of each symbol told before the first live one, so that indicators are full. `on_start` may set it from the parameters."""

    timeframe: str = ""
    """Of the bars it is told, live ones and past ones: 1s, 1m, 5m, 15m, 1h or 1d, made of the feed's and aligned to its sessions; empty
    for the feed's own. `on_start` may set it."""

    update_interval: float = 0.0
    """Seconds of market time between two calls of `on_update`, at whole multiples of it; 0 calls it never. `on_start` may set it."""

    declared: ClassVar[dict[str, Param]] = {}
    """The parameters by name; collected, not written."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        # The class that comes first in the lookup order wins, as with any attribute.
        cls.declared = {name: value for base in reversed(cls.__mro__) for name, value in vars(base).items() if isinstance(value, Param)}

    def __init__(self, **params: object) -> None:
        """Parameters by name. Raises StrategyError for an unknown name or a value out of its range."""
        vars(self).update(check_params(type(self).__name__, self.declared, params))

    def on_start(self, ctx: Context) -> None:
        """Before anything else: set up state. There are no prices yet."""

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        """A bar closed."""

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        """Bid or offer moved. Quotes that pile up while a callback runs are told as their newest."""

    def on_update(self, ctx: Context) -> None:
        """`update_interval` has passed: `ctx.now` is when it was due, and every bar and quote up to then has been told."""

    def on_fill(self, ctx: Context, fill: Fill) -> None:
        """An order of this strategy filled, in whole or in part."""

    def on_stop(self, ctx: Context) -> None:
        """The strategy is being stopped: what is ordered here is dropped."""
