"""Lets the market in: plays the feed, brings its line back where it breaks, and shows each event to everybody who must see it."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from engine.chart import ChartBuilder
from engine.clock import Clock
from engine.feeds.base import Delays, Feed, FeedError, FeedLostError, Lags, Plays
from engine.metrics import Metrics
from engine.model.inputs import Input, Note, PriceLag
from engine.model.market import Bar, Dividend, MarketEvent, Quote, Split
from engine.model.modes import Level, LinkState
from engine.model.recording import MarketLog
from engine.parts import Venue
from engine.strategies.supervisor import StrategyRunner
from engine.view_builder import Health

STRATEGIES_S = 5.0
"""How long the market is held back for strategies that are still loading."""
AGAIN_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""When a feed whose line broke is tried again; the last one repeats."""


class FeedRunner:
    """Lives on the engine's loop. `failed` is told, in words, of what broke on our side of an event, and `sent` returns when
    all orders that are to go are at the broker."""

    def __init__(
        self,
        feed: Feed,
        clock: Clock,
        *,
        health: Health,
        metrics: Metrics,
        strategies: Sequence[StrategyRunner],
        chart: ChartBuilder,
        venue: Venue | None,
        handle: Callable[[Input], None],
        publish: Callable[[MarketEvent], None],
        failed: Callable[[str, BaseException], None],
        sent: Callable[[], Awaitable[None]],
        market_log: MarketLog | None = None,
    ) -> None:
        self._feed = feed
        self._clock = clock
        self._health = health
        self._metrics = metrics
        self._strategies = strategies
        self._chart = chart
        self._venue = venue
        self._handle = handle
        self._publish = publish
        self._failed = failed
        self._sent = sent
        self._market_log = market_log
        self._down: tuple[LinkState, str] | None = None
        """How the feed stands and what is the matter with it, as the log has it last, until it speaks again."""
        self._delays = feed if isinstance(feed, Delays) else None
        self._delayed: dict[str, int] = {}
        """How old each symbol's quotes are, as the core was told."""
        self._acts: set[tuple[type, str, str, Decimal]] = set()
        """Splits and dividends that were told in this run, with their ex-date."""

    async def run(self) -> None:
        """Lets the market in, for as long as it speaks; strategies that are nearly loaded are waited for, so as not to miss the start."""
        await self._wait_for_strategies()
        if isinstance(self._feed, Lags):
            self._feed.complain = lambda text: self._handle(Note(Level.WARNING, self._feed.name, text))
        if isinstance(self._feed, Plays):
            self._feed.taken = self._taken
        attempt = 0
        while True:
            began = self._health.feed_heard
            try:
                await self._feed.run(self.on_market)
                return
            except FeedLostError as error:
                attempt = attempt if self._health.feed_heard == began else 0
                pause = AGAIN_S[min(attempt, len(AGAIN_S) - 1)] if error.again_s is None else error.again_s
                self._feed_is_down(error.state, _sentence(error), again=f" It is tried again in {_spoken(pause)}.")
            except FeedError as error:
                self._feed_is_down(LinkState.FATAL, _sentence(error))
                return
            except Exception as error:  # noqa: BLE001 - without prices entries are denied by themselves; orders, exits and the stop live on
                detail = "".join(traceback.format_exception(error))
                self._feed_is_down(LinkState.FATAL, f"It broke ({type(error).__name__}: {error}).", detail=detail)
                return
            await asyncio.sleep(pause)
            attempt += 1

    async def _wait_for_strategies(self) -> None:
        loading = {asyncio.create_task(strategy.settled()): strategy.name for strategy in self._strategies}
        try:
            late = (await asyncio.wait(loading, timeout=STRATEGIES_S))[1] if loading else ()
        finally:
            for task in loading:
                task.cancel()
        for name in (name for task, name in loading.items() if task in late):
            text = f"{name} is still loading after {_spoken(STRATEGIES_S)}, and prices go on without it"
            self._handle(Note(Level.WARNING, self._feed.name, f"{text}: it is told of them, late, once it is loaded."))

    async def _taken(self) -> None:
        """Of bars that are played as fast as they are taken none comes before each strategy has answered, and its orders are sent."""
        for strategy in self._strategies:
            await strategy.answered()
        await self._sent()

    def _feed_is_down(self, state: LinkState, problem: str, *, again: str = "", detail: str = "") -> None:
        """The link shows each try; the log has a line for what is the matter, and not one for each try in a night that it lasts."""
        self._health.feed_state, self._health.feed_problem = state, f"{problem}{again}"
        # What has a name of its own is the same matter however it shows: in a reset TWS loses IB, then hangs up, then is not there.
        matter = state, "" if state in (LinkState.RESET, LinkState.LOGIN) else problem
        if matter != self._down:
            self._down = matter
            text = f"{problem}{again} Prices go stale; positions and orders are as they were."
            self._handle(Note(state.level, self._feed.name, text, detail))

    def on_market(self, event: MarketEvent) -> None:
        """Everything that wants to know of `event` hears it. What breaks on the way is ours, and none of the feed's business."""
        try:
            self._spread(event)
        except Exception as error:  # noqa: BLE001 - a market that is seen by half of us must not be traded on: stop, say it, live on
            self._failed(f"The engine failed on a {type(event).__name__} of the market ({error}). Trading is stopped.", error)

    def _spread(self, event: MarketEvent) -> None:
        self._health.feed_heard = self._clock.mono()
        if self._health.feed_problem:
            self._health.feed_state, self._health.feed_problem, self._down = LinkState.UP, "", None
            self._handle(Note(Level.INFO, self._feed.name, "the feed speaks again"))
        self._metrics.event()
        if isinstance(event, Split | Dividend) and self._was_told(event):
            return
        for strategy in self._strategies:
            strategy.on_time(event.at)
        if self._venue is not None:
            self._health.broker_heard = self._health.feed_heard
            self._venue(event)
        lag = 0
        if isinstance(event, Bar) and isinstance(self._feed, Lags):
            lag = self._feed.lag(event)
            self._handle(PriceLag(event.symbol, lag))
        elif isinstance(event, Quote) and self._delays is not None:
            lag = self._delays.delay(event.symbol)
            if lag != self._delayed.get(event.symbol, 0):
                self._delayed[event.symbol] = lag
                self._handle(PriceLag(event.symbol, lag, quotes=True))
        if self._market_log is not None:
            self._market_log.hear(event, self._health.feed_heard, lag)
        self._handle(event)
        if isinstance(event, Bar):
            self._chart.on_bar(event)
            for strategy in self._strategies:
                strategy.on_bar(event)
        elif isinstance(event, Quote):
            self._chart.on_quote(event)
            for strategy in self._strategies:
                strategy.on_quote(event)
        elif isinstance(event, Split):
            self._chart.on_split(event)
            for strategy in self._strategies:
                strategy.on_split(event)
        self._publish(event)

    def _was_told(self, event: Split | Dividend) -> bool:
        """A feed whose line was lost tells the session's acts again: here prices, charts and strategies are in the new shares already."""
        value = event.ratio if isinstance(event, Split) else event.amount
        act = (type(event), event.symbol, event.ex_date, value)
        known = act in self._acts
        if event.ex_date:
            self._acts.add(act)
        return known


def _spoken(seconds: float) -> str:
    return f"{round(seconds) if seconds >= 10 else float(f'{seconds:.1g}'):g} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _sentence(error: Exception) -> str:
    return f"{str(error).rstrip('.')}."
