"""Runs strategies over data: the loop.

A bar is seen at its close; an order made on it is matched from its symbol's next bar on. At each moment the market comes first: what fills
in the bars that have just closed is booked, then the strategies are told of the fills, and then of the bars.

Orders begin in the fast lane. Where it cannot go on, what was ordered so far is played to the core, and the run goes on there.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from heapq import merge
from itertools import chain
from operator import attrgetter

from engine.backtest.account import Account, Booked
from engine.backtest.data import Data
from engine.backtest.errors import BacktestError
from engine.backtest.history import BacktestContext
from engine.backtest.lane import Lane
from engine.backtest.lane_gate import LeftLane
from engine.backtest.looks import Looks
from engine.backtest.player import Adds, Orders, Pair, Player
from engine.backtest.profile import Profile
from engine.backtest.result import Result, result_of
from engine.backtest.sessions import SECOND, Sessions
from engine.backtest.timeline import CHUNK, Timeline
from engine.backtest.trading import Trading
from engine.feeds.base import FeedError
from engine.model.market import Bar, Split
from engine.model.orders import Fill
from engine.strategies.base import Strategy
from engine.strategies.indicators import SMA
from engine.strategies.names import strategy_names

Progress = Callable[[int, int], None]
"""Told how many bars of how many are done, every few thousand."""
_NO_PAIR = SMA(1), SMA(1), None
Listener = tuple[Player, BacktestContext, Callable[[BacktestContext, Bar], None], Mapping[str, Pair], Adds]


def run(
    data: Data,
    profile: Profile,
    progress: Progress | None = None,
    ordered: Callable[[Orders], None] | None = None,
    looks: Looks | None = None,
) -> Result:
    """The result of `profile`'s strategies over `data`. Raises BacktestError in words: a strategy that cannot be loaded or that failed,
    bars it cannot have, a cost model that is not there. `ordered` is told all that was ordered: with the data and the profile that is what
    the run depends on, see `played_again`. `looks` are taken of the strategies' indicators."""
    with _few_collections():
        return _Run(data, profile, progress, ordered, looks).result()


@contextmanager
def _few_collections() -> Iterator[None]:
    """Has Python look for garbage, but seldom: bars, orders and fills hang together in no circles, and what was there before stays."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
    gc.enable()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class _Run:
    def __init__(
        self,
        data: Data,
        profile: Profile,
        progress: Progress | None,
        ordered: Callable[[Orders], None] | None,
        looks: Looks | None,
    ) -> None:
        self._symbols = symbols = tuple(data.bars)
        self._profile = profile
        self._progress = progress
        self._ordered = ordered
        self._account = Account()
        names = strategy_names(profile.settings(symbols))
        self._players = [Player(each, name, symbols, self._account) for each, name in zip(profile.strategies, names, strict=True)]
        self._by_name = {player.name: player for player in self._players}
        self._data = data
        self._bars = data.played()
        self._seen = _as_wanted(data, self._players)
        """What the strategies see, which may be in larger bars."""
        self._looks = looks
        self._timeline = Timeline(self._bars)
        self._first = int(self._timeline.moments[0])
        self._log: list[Orders] = []
        """All that was ordered in the fast lane."""
        self._fills: list[tuple[str, Fill]] = []
        """Those of this moment, which their strategies have not been told yet."""
        self._listeners: dict[str, list[Listener]] = {}
        """By symbol: whom to tell of a bar, and how."""
        self._alone: Listener | None = None
        """The only one, where there is one that is told the bars of all symbols."""
        self._prompt = any(player.hears_fills for player in self._players)
        self._in_lane = Lane.takes(profile, list(self._bars.values()))
        self._trading: Trading = (
            Lane(profile, symbols, self._account, Sessions(data, self._first), self._booked, self._begin_again, prompt=self._prompt)
            if self._in_lane
            else self._by_core(self._account)
        )

    def result(self) -> Result:
        for player in self._players:
            self._warm(player, self._first - 1, self._data.calendar.day_of(self._first) - timedelta(days=1))
        self._listen()
        self._trading.start(self._data.name, self._begins)
        self._account.take(self._trading.portfolio, self._first - 1)
        if self._looks is not None:
            self._looks.look_now(self._players, self._first - 1)
        self._end(self._play())
        return result_of(
            self._data,
            self._profile,
            self._bars,
            self._timeline.moments,
            self._account,
            self._trading,
            {player.name: player.params for player in self._players},
        )

    @property
    def _begins(self) -> int:
        """When the first bar to play does."""
        return self._first - self._data.spacing_s * SECOND

    def _by_core(self, account: Account) -> Trading:
        # Most runs never come here, and need not wait for all of the core.
        from engine.backtest.core_trading import CoreTrading

        return CoreTrading(self._profile, self._symbols, account, Sessions(self._data, self._first), self._booked, self._begin_again)

    def _warm(self, player: Player, until: int, day: date) -> None:
        past = (self._seen.past(symbol, player.wants.warmup, until, day) for symbol in player.symbols if symbol in self._seen.bars)
        player.warm(list(merge(*past, key=attrgetter("at"))), self._seen.bars, until)

    def _listen(self) -> None:
        for symbol in self._seen.bars:
            self._listeners[symbol] = [(p, p.context, p.strategy.on_bar, p.pairs, p.adds) for p in self._players if symbol in p.symbols]
        first, *others = self._players
        if not others and first.symbols == self._symbols:
            self._alone = first, first.context, first.strategy.on_bar, first.pairs, first.adds

    def _tell_all(self, seen: tuple[Bar, ...], at: int, last: int) -> None:
        """Tells the bars in their order, and of each the strategies in theirs."""
        for bar in seen:
            for player, context, on_bar, pairs, adds in self._listeners[bar.symbol]:
                context.bar = bar
                try:
                    if pairs:
                        first, second, values = pairs[bar.symbol]
                        first.value, second.value = next(values)
                    for add in adds[bar.symbol] if adds else ():
                        add(bar.close)
                    on_bar(context, bar)
                except (Exception, SystemExit) as error:  # noqa: BLE001 - told in words
                    player.fail(error, "on_bar", (bar.symbol, at))
                if context.drafts:
                    self._submit(player.take("on_bar", bar.symbol, at, last))

    # ---- the loop

    def _play(self) -> int:
        """Answers the last moment."""
        if len(self._bars) == len(self._players) == 1 and self._seen is self._data and not self._players[0].wants.update_ns:
            return self._play_one(*self._bars)
        symbols = tuple(self._bars)
        updating = [player for player in self._players if player.wants.update_ns]
        last = self._first - 1
        latest, working, act = self._now()
        for at, bars, seen in self._moments():
            updates = [player.take("on_update", bars[0].symbol, at, last) for player in updating if bars and player.update(at)]
            if working or at > act:
                self._market(bars, last, at)
                latest, working, act = self._now()
            if len(bars) == len(symbols):
                latest.update(zip(symbols, bars, strict=True))
            else:
                for bar in bars:
                    latest[bar.symbol] = bar
            if self._account.changed:
                self._moved(at, (bars or seen)[0].symbol, last)
            for orders in updates:
                self._submit(orders)
            if self._alone is None:
                self._tell_all(seen, at, last)
            else:
                # One strategy that is told everything: looked up once, and not for each bar.
                player, context, on_bar, pairs, adds = self._alone
                for bar in seen:
                    context.bar = bar
                    try:
                        if pairs:
                            first, second, values = pairs[bar.symbol]
                            first.value, second.value = next(values)
                        if adds:
                            for add in adds[bar.symbol]:
                                add(bar.close)
                        on_bar(context, bar)
                    except (Exception, SystemExit) as error:  # noqa: BLE001 - told in words
                        player.fail(error, "on_bar", (bar.symbol, at))
                    if context.drafts:
                        self._submit(player.take("on_bar", bar.symbol, at, last))
            latest, working, act = self._now()
            if bars:
                last = at
        return last

    def _play_one(self, symbol: str) -> int:
        """The same for one strategy that is told the bars of one symbol: most backtests, so each of its lines counts."""
        player, before = self._players[0], Bar(symbol, self._first - 1, 0.0, 0.0, 0.0, 0.0, 0.0)
        trading = self._trading
        latest, working, act = self._now()
        context, on_bar = player.context, player.strategy.on_bar
        first, second, values = player.pairs.get(symbol, _NO_PAIR)
        adds = player.adds.get(symbol)
        for end, bars in self._timeline.chunks_of_one():
            acts = end > act
            for bar in bars:
                if working or (acts and bar.at > act):
                    self._market((bar,), before.at, bar.at)
                    self._account.latest[symbol] = bar
                    if self._account.changed:
                        self._moved(bar.at, symbol, before.at)
                    if acts or trading is not self._trading:
                        trading, (latest, working, act) = self._trading, self._now()
                        context, on_bar = player.context, player.strategy.on_bar
                        first, second, values = player.pairs.get(symbol, _NO_PAIR)
                        adds = player.adds.get(symbol)
                latest[symbol] = context.bar = bar
                try:
                    if values is not None:
                        first.value, second.value = next(values)
                    if adds:
                        for add in adds:
                            add(bar.close)
                    on_bar(context, bar)
                except (Exception, SystemExit) as error:  # noqa: BLE001 - told in words
                    player.fail(error, "on_bar", (symbol, bar.at))
                if context.drafts:
                    self._submit(player.take("on_bar", symbol, bar.at, before.at))
                    if acts or trading is not self._trading:
                        trading, (latest, working, act) = self._trading, self._now()
                before = bar
            self._tell_progress(before.at)
        return before.at

    def _now(self) -> tuple[dict[str, Bar], Collection[object], int]:
        """What changes when the run leaves the fast lane: the account's latest bars, what works, and when the next company acts."""
        return self._account.latest, self._trading.working, self._trading.next_act

    def _moments(self) -> Iterator[tuple[int, tuple[Bar, ...], tuple[Bar, ...]]]:
        """Each with the bars that close then, and those that strategies see then; of the ones or the others there may be none."""
        larger = chain.from_iterable(Timeline(self._seen.played()).chunks()) if self._seen is not self._data else None
        seen = next(larger, ()) if larger is not None else ()
        for chunk in self._timeline.chunks():
            at = 0
            for bars in chunk:
                at = bars[0].at
                if larger is None:
                    yield at, bars, bars
                    continue
                while seen and seen[0].at < at:
                    yield seen[0].at, (), seen
                    seen = next(larger, ())
                if seen and seen[0].at == at:
                    yield at, bars, seen
                    seen = next(larger, ())
                else:
                    yield at, bars, ()
            self._tell_progress(at)

    def _tell_progress(self, at: int) -> None:
        if self._progress is not None:
            self._progress(self._timeline.until(at), len(self._timeline))
        if self._looks is not None:
            self._looks.look(self._players, at, CHUNK)

    # ---- the market

    def _market(self, bars: Sequence[Bar], last: int, at: int) -> None:
        """Has the market do what it does in these bars."""
        trading = self._trading
        try:
            if bars and trading.working:
                trading.match(bars, last, at)
            elif at > trading.next_act:
                trading.tell_session(last, at)
        except LeftLane:
            self._leave(at)
            self._market(bars, last, at)

    def _submit(self, orders: Orders) -> None:
        if self._ordered is not None:
            self._ordered(orders)
        try:
            self._trading.submit(orders)
        except LeftLane:
            self._leave(orders.at + 1)
            self._trading.submit(orders)
        else:
            if self._in_lane:
                self._log.append(orders)

    def _leave(self, until: int) -> None:
        """Plays to the core what happened before the market time `until`, and goes on with it."""
        account = Account()
        core = self._by_core(account)
        core.on_booked, core.on_split = account.book, lambda split, last: None
        core.start(self._data.name, self._begins)
        account.take(core.portfolio, self._first - 1)
        log, last = deque(self._log), self._first - 1
        for bars in chain.from_iterable(self._timeline.chunks()):
            at = bars[0].at
            if at >= until:
                break
            while log and log[0].at < at:
                core.submit(log.popleft())
            if core.working:
                core.match(bars, last, at)
            elif at > core.next_act:
                core.tell_session(last, at)
            account.latest.update((bar.symbol, bar) for bar in bars)
            if account.changed:
                account.take(core.portfolio, at)
            while log and log[0].at == at:
                core.submit(log.popleft())
            last = at
        for orders in log:
            core.submit(orders)
        self._account.settle()
        if account.booked != self._account.booked[: len(account.booked)]:
            raise RuntimeError("the fast lane and the core booked different fills of the same orders")
        core.on_booked, core.on_split = self._booked, self._begin_again
        self._account, self._trading, self._in_lane = account, core, False
        for player in self._players:
            player.context.account = account
        self._fills.clear()
        self._log.clear()

    def _begin_again(self, split: Split, until: int) -> None:
        """What a strategy knows of a symbol that split is in other shares: it begins anew, with its history in these, as it does live."""
        if self._looks is not None:
            self._looks.look_now(self._players, until)
        for player in self._players:
            if split.symbol in player.symbols:
                player.stop()
                player.begin(self._account)
                self._warm(player, until, date.fromisoformat(split.ex_date))
        self._listen()
        if self._looks is not None:
            self._looks.look_now(self._players, until)

    def _end(self, last: int) -> None:
        """What is held stays held. What strategies order from now on is dropped."""
        self._trading.end(last)
        self._account.take(self._trading.portfolio, last)
        for owner, fill in self._fills:
            self._by_name[owner].fill(fill)
        if self._looks is not None:
            self._looks.look_now(self._players, last)
        for player in self._players:
            player.bring_indicators()
            player.stop()

    # ---- the account

    def _booked(self, event: Booked, owner: str) -> None:
        self._account.book(event, owner)
        if isinstance(event, Fill) and owner in self._by_name and self._by_name[owner].hears_fills:
            self._fills.append((owner, event))

    def _moved(self, at: int, symbol: str, last: int) -> None:
        """The account moved, and whoever ordered what filled is told. `symbol` has a bar at the moment `at`."""
        self._account.take(self._trading.portfolio, at)
        told, self._fills = self._fills, []
        for owner, fill in told:
            player = self._by_name[owner]
            if player.fill(fill):
                self._submit(player.take("on_fill", symbol, at, last))


def _as_wanted(data: Data, players: Sequence[Player]) -> Data:
    """In the bars that the strategies ask for: all of them the same. Raises BacktestError."""
    wanted = {player.wants.timeframe: player.name for player in players}
    if len(wanted) > 1:
        asked = ", ".join(f"{name} {timeframe or 'the bars as they are'}" for timeframe, name in wanted.items())
        raise BacktestError(f"The strategies of one backtest are told the same bars, and these ask for different ones: {asked}.")
    for player in players:
        if player.wants.quotes and type(player.strategy).on_bar is Strategy.on_bar and not player.wants.update_ns:
            raise BacktestError(f"{player.name} trades on quotes alone, and recorded bars have none: it can only run live.")
    timeframe = next(iter(wanted), "")
    try:
        return data.in_timeframe(timeframe) if timeframe else data
    except FeedError as error:
        raise BacktestError(str(error)) from error
