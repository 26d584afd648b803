"""A recorded backtest, to be replayed: a step is a moment at which bars closed.

Only what was decided costs time: between two decisions each symbol's latest bar is all that counts, and is looked up. What was decided is
played to the core once, with what was ordered, and kept as the run's effects.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from engine.backtest.account import fills_of
from engine.backtest.again import played_again
from engine.backtest.errors import BacktestError
from engine.backtest.sessions import SECOND, Sessions
from engine.backtest.timeline import Timeline
from engine.feeds.base import FeedError
from engine.feeds.calendar import Hours
from engine.feeds.timeframe import DAY_S, timeframe
from engine.model.market import Bar, Dividend, Instrument, MarketEvent, MarketStatus, Split
from engine.model.recording import Facts
from engine.model.records import Record
from engine.model.signals import Vote
from engine.model.views import StrategyRow
from engine.replay.fold import Fold
from engine.replay.indicators import Seen
from engine.replay.outline import OTHERWISE, Run
from engine.replay.packages import pack, unpack
from engine.replay.recording import Listen, ReplayError
from engine.strategies.names import strategy_names

_ALWAYS_S: Final = 1e9
_BLOCK: Final = 500
_PAST: Final = 1_500
"""Bars of before the run that are looked through for what changes of its first session count from: a day of minutes and some."""
_BEFORE, _AFTER = 0, 1
"""Whether something came before the bars of its moment, or after them."""
Progress = Callable[[int, int], None]
_number = itemgetter(0)


def effects_of(run: Run, progress: Progress | None = None) -> list[bytes]:
    """All that the core decided, in blocks. Raises ReplayError where something else fills than was recorded."""
    blocks: list[bytes] = []
    waiting: list[tuple[int, Any]] = []
    moments = Timeline(run.data.played()).moments
    place, phase = -1, _BEFORE

    def listen(moment: int, told: MarketEvent | tuple[Record, ...]) -> None:
        nonlocal place, phase
        if moment != place:
            place, phase = moment, _BEFORE
        if isinstance(told, Bar):
            if told.at >= moments[moment]:
                phase = _AFTER
        elif isinstance(told, tuple):
            waiting.extend((2 * moment + phase, record) for record in told)
        elif isinstance(told, Split | Dividend):
            waiting.append((2 * moment + phase, told))
        if len(waiting) >= _BLOCK:
            blocks.append(pack(waiting))
            waiting.clear()

    try:
        account, _ = played_again(run.data, run.profile, run.ordered, listen, progress)
    except BacktestError as error:
        raise ReplayError(f"What this backtest's orders came to cannot be worked out: {error}") from error
    if tuple(fills_of(account.booked)) != run.fills:
        raise ReplayError(OTHERWISE)
    if waiting:
        blocks.append(pack(waiting))
    return blocks


class BacktestRecording:
    """Implements `Recording`. `effects` are those of `effects_of`."""

    badge = "REPLAY"

    def __init__(self, title: str, run: Run, effects: Sequence[bytes], problems: tuple[str, ...] = ()) -> None:
        data, profile = run.data, run.profile
        self.title = title
        self.feed = data.name
        symbols = tuple(data.bars)
        self.settings = profile.settings(symbols)
        self._names = strategy_names(self.settings)
        self.sizes: Mapping[str, Decimal] = dict(zip(self._names, (each.size_pct for each in profile.strategies), strict=True))
        self.instruments = tuple(map(Instrument, symbols))
        self.price_life_s: float | None = _ALWAYS_S
        self.opens_sessions = profile.is_free
        self.limited = profile.limits is not None
        self.timeframe = timeframe(data.spacing_s)
        self.hours: Hours = data.calendar
        self._calendar = data.calendar
        self.problems = problems
        self._data = data
        self._bars = data.played()
        self._looks = run.looks
        self.stamps = Timeline(self._bars).moments
        self._first = int(self.stamps[0])
        self._effects = list(effects)
        self._unpacked = lru_cache(8)(lambda block: unpack(self._effects[block]))
        try:
            self._begins = [self._unpacked(block)[0][0] // 2 for block in range(len(self._effects))]
            self._statuses = list(self._told())
        except (ValueError, FeedError) as error:
            raise ReplayError(f"This backtest's recording cannot be read: {error}. Run it once more to replay it.") from error
        self._status_steps = [2 * step + phase for step, phase, _ in self._statuses]

    def _told(self) -> Iterator[tuple[int, int, MarketStatus]]:
        """When the phases of the sessions were told, in order."""
        sessions, stamps = Sessions(self._data, self._first), self.stamps
        for event in sessions.first():
            if isinstance(event, MarketStatus):
                yield 0, _BEFORE, event
        step, last = 0, self._first - 1
        while step < len(stamps):
            at = int(stamps[step])
            for phase, events in ((_BEFORE, sessions.before(last, at)), (_AFTER, sessions.after(at))):
                for event in events:
                    if isinstance(event, MarketStatus):
                        yield step, phase, event
            ahead = step + 1 if sessions.daily else max(step + 1, int(stamps.searchsorted(sessions.due)))
            step, last = ahead, int(stamps[min(ahead, len(stamps)) - 1])
        end = sessions.end(int(stamps[-1]))
        if isinstance(end, MarketStatus):
            yield len(stamps) - 1, _AFTER, end

    # ---- Recording

    def begin(self, fold: Fold) -> None:
        fold.learn(Facts(strategies=tuple(StrategyRow(name, "running", "", 0, 0, None) for name in self._names)))
        fold.desk.now = fold.desk.mono = fold.wall = self._first - self._data.spacing_s * SECOND
        count = _PAST if self._data.spacing_s < DAY_S else 2
        for symbol in self._bars:
            if past := self.bars(symbol, -1, count):
                fold.prime(symbol, past[-1].close, fold.prices.closes_in(past), past[-1].at)

    def resume(self, fold: Fold) -> None:
        at = int(self.stamps[fold.step]) if fold.step >= 0 else self._first - 1
        fold.told.update((symbol, int(series.columns.at.searchsorted(at, "right"))) for symbol, series in self._bars.items())

    def play(self, fold: Fold, until: int, listen: Listen | None = None) -> None:
        for number, items in groupby(self._items(fold.step + 1, until), key=_number):
            step, phase = divmod(number, 2)
            self._bring(fold, step if phase == _AFTER else step - 1)
            fold.step = step
            at = int(self.stamps[step])
            fold.wall = at
            for _, item in items:
                if isinstance(item, MarketStatus | Split | Dividend):
                    fold.hear(item, at)
                else:
                    if listen is not None:
                        listen(fold, item)
                    fold.take(item)
        self._bring(fold, until)
        fold.step = until
        if until >= 0:
            fold.wall = int(self.stamps[until])

    def _items(self, first: int, last: int) -> Iterator[tuple[int, Any]]:
        """What was recorded from step `first` through `last`, in order: the session's phases go before the rest of their half."""
        place = bisect_left(self._status_steps, 2 * first)
        for number, item in self._recorded(first, last):
            while place < len(self._statuses) and self._status_steps[place] <= number:
                yield self._status_steps[place], self._statuses[place][2]
                place += 1
            yield number, item
        while place < len(self._statuses) and self._status_steps[place] < 2 * (last + 1):
            yield self._status_steps[place], self._statuses[place][2]
            place += 1

    def _recorded(self, first: int, last: int) -> Iterator[tuple[int, Any]]:
        block = max(bisect_left(self._begins, first) - 1, 0)
        while block < len(self._effects) and self._begins[block] <= last:
            items = self._unpacked(block)
            yield from items[bisect_left(items, 2 * first, key=_number) : bisect_left(items, 2 * (last + 1), key=_number)]
            block += 1

    def _bring(self, fold: Fold, step: int) -> None:
        """Tells the latest bars that had closed by `step`, where they were not told yet."""
        if step < 0:
            return
        at = int(self.stamps[step])
        for symbol, series in self._bars.items():
            count = int(series.columns.at.searchsorted(at, "right"))
            if count > fold.told.get(symbol, 0):
                fold.told[symbol] = count
                fold.hear(series[count - 1], at)
        fold.desk.now = max(fold.desk.now, at)
        fold.desk.mono = max(fold.desk.mono, at)

    def bars(self, symbol: str, step: int, count: int) -> Sequence[Bar]:
        if symbol not in self._data.bars:
            return ()
        until = int(self.stamps[step]) if step >= 0 else self._first - 1
        return self._data.past(symbol, count, until, self._calendar.day_of(until))

    def seen(self, symbol: str, at: int) -> Sequence[Vote]:
        return self._seen.at(symbol, at)

    def proposed(self, symbol: str, at: int) -> Sequence[str]:
        """Each is raised at the very close of its bar."""
        return ()

    @cached_property
    def _seen(self) -> Seen:
        """Over the bars that the strategies were told, which may be larger."""
        timeframe = next((look.timeframe for look in self._looks.taken), "")
        return Seen(self._looks, self._data.in_timeframe(timeframe).played() if timeframe else self._bars)
