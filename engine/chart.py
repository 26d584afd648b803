"""Builds the chart's part of the View: bars of the symbol that somebody looks at, in the time frame they chose, and what is marked there.

Only what is looked at is built. The first bars are there at once; the longer past is asked for when the eye has come to rest, so that
running down a watchlist costs the engine's loop no more than a row's worth of work a symbol.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import suppress

from engine.chart_series import ChartSeries
from engine.core.core import Core
from engine.feeds.actions import restated
from engine.feeds.aggregate import Aggregator
from engine.feeds.base import Feed, FeedError
from engine.feeds.new_york import SECOND
from engine.feeds.timeframe import DAY_S, seconds_of
from engine.kept_bars import KeptBars
from engine.model.market import Bar, Quote, Split
from engine.model.money import CENT, is_price
from engine.model.orders import Order, OrderType, Side
from engine.model.settings import TIMEFRAMES
from engine.model.views import ChartMark, ChartView
from engine.strategies.history import History

FIRST, LONG, LONG_DAYS = 300, 1_000, 500
"""Bars of the past that are shown at once, and those that are asked for after `REST_NS`, fewer of days: they cost more."""
REST_NS = 1_000_000_000
_SERIES_KEPT = 16
"""Charts that go on while nobody looks, so that coming back costs nothing."""


class ChartBuilder:
    """Lives on the engine's loop. What it shows changes by `focus` alone."""

    def __init__(self, core: Core, feed: Feed) -> None:
        self.kept = KeptBars(core.desk.instruments, feed.timeframe, feed.hours)
        self.history = History(feed, self.kept.newest)
        self._core = core
        self._feed = feed
        self._symbol = next(iter(core.desk.instruments), "")
        self._timeframe = feed.timeframe
        self._since = 0
        self._offers: dict[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = {}
        self._series: OrderedDict[tuple[str, str], ChartSeries] = OrderedDict()
        # What was quoted since the last bar of the symbol on the chart, in a bar of the feed's own length.
        self._quoted = Aggregator(feed.timeframe, feed.hours)

    def focus(self, symbol: str, timeframe: str = "") -> None:
        """From now on this symbol, in that time frame where one is named. One that the feed cannot serve shows the feed's own bars."""
        if symbol != self._symbol:
            self._symbol = symbol
            self._quoted = Aggregator(self._feed.timeframe, self._feed.hours)
        self._timeframe = timeframe or self._timeframe
        self._since = 0

    def add(self, symbol: str) -> None:
        """One more symbol that may be looked at."""
        self.kept.begin(symbol)
        self._symbol = self._symbol or symbol

    def remove(self, symbol: str) -> None:
        self.kept.forget(symbol)
        self._forget_series(symbol)
        if symbol == self._symbol:
            self.focus(next(iter(self.kept), ""))

    # ---- what the market tells

    def on_bar(self, bar: Bar) -> None:
        if not self.kept.add(bar):
            return
        if bar.symbol == self._symbol:
            self._quoted.until(bar.at)
        for key in [key for key in self._series if key[0] == bar.symbol]:
            try:
                self._series[key].add(bar)
            except FeedError:
                self._refuse(*key)

    def on_quote(self, quote: Quote) -> None:
        """Grows the candle that is still forming, of the symbol on the chart alone."""
        if quote.symbol == self._symbol and is_price(quote.last):
            # Where the calendar does not reach, no candle forms: nobody's order depends on it.
            with suppress(FeedError):
                self._quoted.trade(quote.symbol, quote.at, quote.last, 0.0)

    def on_split(self, split: Split) -> None:
        if not self.kept.split(split):
            return
        self._forget_series(split.symbol)
        if split.symbol == self._symbol:
            self._quoted = Aggregator(self._feed.timeframe, self._feed.hours)

    # ---- the view

    def view(self, orders: Sequence[Order], mono: int) -> ChartView | None:
        """The chart now; None without bars of its symbol. `orders` are those that may be marked, `mono` is monotonic nanoseconds."""
        symbol = self._symbol
        if symbol not in self.kept:
            return None
        offered, _ = self._offer(symbol)
        timeframe = self._timeframe if self._timeframe in offered else self._feed.timeframe
        try:
            series = self._get(symbol, timeframe, mono)
            series.settle(self._core.desk.now)
            bars, forming = series.bars(self._quoted.unfinished(symbol))
            sessions = series.sessions()
        except FeedError:
            if timeframe != self._feed.timeframe:
                self._refuse(symbol, timeframe)
                return self.view(orders, mono)
            bars, forming, sessions = self.kept.newest(symbol, FIRST), False, ()
        offered, refused = self._offer(symbol)
        instrument = self._core.desk.instruments.get(symbol)
        tick = instrument.tick if instrument else CENT
        marks = (*self._average(symbol), *_marks(order for order in orders if order.symbol == symbol))
        return ChartView(symbol, bars, marks, timeframe, tick, offered, refused, sessions, forming)

    def _get(self, symbol: str, timeframe: str, mono: int) -> ChartSeries:
        series = self._series.get((symbol, timeframe))
        if not self._since:
            self._since = mono
        rested = mono - self._since >= REST_NS
        if series is None or (rested and series.count == FIRST):
            count = FIRST if not rested else LONG if seconds_of(timeframe) < DAY_S else LONG_DAYS
            series = self._new_series(symbol, timeframe, count)
            self._series[symbol, timeframe] = series
            if len(self._series) > _SERIES_KEPT:
                self._series.popitem(last=False)
        self._series.move_to_end((symbol, timeframe))
        return series

    def _new_series(self, symbol: str, timeframe: str, count: int) -> ChartSeries:
        own, seconds = timeframe == self._feed.timeframe, seconds_of(timeframe)
        before = self._feed.history(symbol, count, "" if own else timeframe)
        until, ratio = self.kept.primed(symbol)
        since, whole = self.kept.since(symbol, seconds)
        if not whole and since and since[0].at - until > seconds * SECOND:
            # Too much is forgotten: what came before would have a hole after it.
            before = ()
        # A split since then changed what was told, and not what the feed remembers.
        return ChartSeries(symbol, timeframe, self._feed.hours, count, restated(before, ratio), until, since, own=own)

    def _forget_series(self, symbol: str) -> None:
        for key in [key for key in self._series if key[0] == symbol]:
            del self._series[key]

    def _refuse(self, symbol: str, timeframe: str) -> None:
        """What was promised cannot be kept: the calendar does not reach that far."""
        self._series.pop((symbol, timeframe), None)
        offered, refused = self._offer(symbol)
        if timeframe != self._feed.timeframe:
            left = tuple(name for name in offered if name != timeframe)
            self._offers[symbol] = left, (*refused, (timeframe, "the hours of its exchange are not known that far"))

    def _offer(self, symbol: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        """The time frames that the feed can serve of `symbol`, the shortest first, and those it cannot, each with the reason."""
        if symbol not in self._offers:
            own, offered, refused = self._feed.timeframe, [self._feed.timeframe], []
            for timeframe in TIMEFRAMES:
                if timeframe == own:
                    continue
                try:
                    self._feed.history(symbol, 1, timeframe)
                    offered.append(timeframe)
                except FeedError:
                    shorter = TIMEFRAMES[timeframe] < seconds_of(own)
                    why = "those cannot be taken apart" if shorter else "that is no multiple of it"
                    refused.append((timeframe, f"{self._feed.name} has bars of {own}: {why}"))
            self._offers[symbol] = tuple(sorted(offered, key=seconds_of)), tuple(refused)
        return self._offers[symbol]

    def _average(self, symbol: str) -> Iterable[ChartMark]:
        held = self._core.state.portfolio.holdings.get(symbol)
        if held is not None and held.quantity:
            side = Side.BUY if held.quantity > 0 else Side.SELL
            yield ChartMark(0, side, float(held.average), abs(held.quantity), "average")


def _marks(orders: Iterable[Order]) -> Iterable[ChartMark]:
    for order in orders:
        if order.average is not None:
            yield ChartMark(order.changed_at, order.side, float(order.average), order.filled, "fill")
        price = order.stop if order.type.is_stop else order.limit
        if price is not None and not order.state.is_final and order.released:
            yield ChartMark(order.created_at, order.side, float(price), order.remaining, _kind(order))


def _kind(order: Order) -> str:
    if order.type is not OrderType.LIMIT:
        return "stop"
    return "target" if order.parent else "limit"
