"""Bars of a source through the cache: what is there is not asked for again, and what was asked for is there from then on."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from math import isfinite

from engine.feeds.actions import Action
from engine.feeds.base import FeedError
from engine.feeds.cache import BarCache, CacheError, Series
from engine.feeds.calendar import Calendar, Session
from engine.feeds.history import Connected, Fetched, History
from engine.feeds.names import shown
from engine.feeds.new_york import SECOND
from engine.feeds.timeframe import DAY_S, seconds_of
from engine.model.market import Bar
from engine.model.money import is_price

SETTLED_NS = 1800 * SECOND
"""A day is kept once its session is over for so long: until then sources correct its last bars."""
EMPTY_NS = 7 * DAY_S * SECOND
"""A day without a bar is believed to have none once it is a week old: a source may lack yesterday's for a day or two."""
_TOLD = 5


class CachedHistory:
    """`history` through `cache`, by the days of `calendar`. `now` is the wall clock, ns UTC. One call at a time, on a thread: it blocks."""

    def __init__(self, history: History, cache: BarCache, calendar: Calendar, *, now: Callable[[], int] = time.time_ns) -> None:
        self.history = history
        self.calendar = calendar
        self.cache = cache
        self._now = now
        self.unkept = False
        """Whether something that was fetched could not be kept."""

    def tell(self, say: Callable[[str], None]) -> None:
        """From now on `say` is told in words what the source waits for, on whatever thread."""
        if isinstance(self.history, Connected):
            self.history.say = say

    def live(self, symbol: str) -> str:
        """How the source tells what `symbol` costs now, in words; nothing where it has bars alone. Raises FeedLostError."""
        return self.history.live(symbol) if isinstance(self.history, Connected) else ""

    def close(self) -> None:
        """Ends the source's connection, where it has one."""
        if isinstance(self.history, Connected):
            self.history.close()

    def series(self, symbol: str, timeframe: str) -> Series:
        return Series(self.history.kept_as, symbol, timeframe, self.calendar.name, self.history.adjusted)

    def bars(
        self,
        symbol: str,
        timeframe: str,
        start: date,
        end: date,
        *,
        ask: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> Fetched:
        """The bars of the trading days `start` through `end` that have closed by now, fetched where they are not there and `ask` says so.
        `progress` is told how many of the days that were missing are there now, and how many there were.

        Raises FeedError where nothing is to be had, or the source breaks off: what it told until then is kept.
        """
        self._check(timeframe)
        series, problems = self.series(symbol, timeframe), []
        try:
            kept = self.cache.read(series, start, end)
            fetched_on = self.cache.days(series)
        except CacheError as error:
            problems.append(str(error))
            kept, fetched_on = None, {}
        days = dict(kept.days) if kept is not None else {}
        actions = list(kept.actions) if kept is not None else []
        problems += kept.problems if kept is not None else ()
        missing: list[list[Session]] = []
        if ask:
            begin, words = self._reached(symbol, timeframe, start)
            wanted = self._sessions(begin, end, timeframe)
            lacking = [session for session in wanted if session.day not in days]
            if lacking and self.history.adjusted and fetched_on and self._day(min(fetched_on.values())) != self._day(self._now()):
                # A dividend since then restates all that came before: what is adjusted is of one day of fetching, or does not fit.
                days, actions = {}, []
                wanted = self._sessions(min(begin, *fetched_on), max(end, *fetched_on), timeframe)
                lacking = wanted
            missing = runs(wanted, lacking, self.history.reach(timeframe).at_once)
            if words and (lacking or not days):
                problems.append(words)
        done, total = 0, sum(map(len, missing))
        for run in missing:
            if progress is not None:
                progress(done, total)
            told, all_good = self._fetch(symbol, timeframe, run)
            by_day = _by_day(told.bars, run)
            days |= by_day
            actions += told.actions
            problems += told.problems
            # A day of which nothing was good is no day without bars: it is asked for again, by then the source may be mended.
            self._keep(series, run if all_good else [session for session in run if session.day in by_day], by_day, told.actions, problems)
            done += len(run)
            if progress is not None:
                progress(done, total)
        bars = [bar for day in sorted(days) if start <= day <= end for bar in days[day]]
        if not bars:
            raise FeedError(self._nothing(symbol, timeframe, start, end, problems))
        told_actions = {(a.day, a.kind): a for a in actions if start <= a.day <= end}
        return Fetched(bars, tuple(told_actions[key] for key in sorted(told_actions)), tuple(dict.fromkeys(problems)))

    # ---- what is missing

    def _check(self, timeframe: str) -> None:
        if timeframe not in self.history.timeframes:
            has = ", ".join(self.history.timeframes)
            raise FeedError(f"{self.history.name} has no bars of {shown(timeframe)}: it has {has}.")

    def _reached(self, symbol: str, timeframe: str, start: date) -> tuple[date, str]:
        """The first day that the source can still be asked for, and what is to be said of it."""
        back = self.history.reach(timeframe).back
        oldest = start if back is None else self._day(self._now()) - timedelta(days=back)
        if oldest <= start:
            return start, ""
        return oldest, f"{self.history.name} has {timeframe} bars of the last {back} days alone: none of {symbol} before {oldest}."

    def _sessions(self, start: date, end: date, timeframe: str) -> list[Session]:
        """Those that can have a bar by now."""
        now, daily = self._now(), seconds_of(timeframe) >= DAY_S
        found = sessions_between(self.calendar, start, min(end, self._day(now) + timedelta(days=1)))
        return [session for session in found if (session.closes if daily else session.opens) <= now]

    # ---- asking

    def _fetch(self, symbol: str, timeframe: str, run: Sequence[Session]) -> tuple[Fetched, bool]:
        """One stretch of days, looked at before anybody believes it; and whether no bar was left out."""
        told = self.history.history(symbol, timeframe, run[0].day, run[-1].day)
        if not isinstance(told, Fetched):
            raise FeedError(f"{self.history.name} answered {type(told).__name__}, not Fetched: its `history` is wrong.")
        now, last, good = self._now(), 0, list[Bar]()
        bad: list[str] = []
        for bar in told.bars:
            if (why := fault(bar, symbol, now, last)) is None:
                good.append(bar)
                last = bar.at
            elif len(bad) < _TOLD:
                bad.append(f"{self.history.name} told a bar of {symbol} that is left out: {why}.")
        actions = tuple(action for action in told.actions if action.symbol == symbol and run[0].day <= action.day <= run[-1].day)
        return Fetched(good, actions, (*told.problems, *bad)), not bad

    def _keep(
        self, series: Series, run: Sequence[Session], days: dict[date, list[Bar]], actions: Iterable[Action], problems: list[str]
    ) -> None:
        """What is over. A day without a bar is one, too, where the source told others around it or said itself that there are none."""
        now = self._now()
        over = {
            session.day: days.get(session.day, [])
            for session in run
            if session.post + (SETTLED_NS if session.day in days else EMPTY_NS) <= now
        }
        try:
            if over:
                self.cache.write(series, over, actions, now)
        except CacheError as error:
            self.unkept = True
            problems.append(f"{error} What was fetched is used, and not kept.")

    def _nothing(self, symbol: str, timeframe: str, start: date, end: date, problems: Iterable[str]) -> str:
        said = " ".join(dict.fromkeys(problems))
        return f"{self.history.name} has no {timeframe} bar of {symbol} from {start} to {end}.{f' {said}' if said else ''}"

    def _day(self, at: int) -> date:
        return datetime.fromtimestamp(at // SECOND, UTC).date()


def sessions_between(calendar: Calendar, start: date, end: date) -> list[Session]:
    """Those of the days from `start` through `end`."""
    years = (calendar.sessions_from(max(start, date(year, 1, 1))) for year in range(start.year, end.year + 1, 2))
    return [session for session in chain.from_iterable(years) if session.day <= end]


def runs(wanted: Sequence[Session], lacking: Sequence[Session], at_once: int | None = None) -> list[list[Session]]:
    """`lacking` in stretches between which there is something that is not, none of which spans more than `at_once` days."""
    places = {session.day: place for place, session in enumerate(wanted)}
    found: list[list[Session]] = []
    for session in lacking:
        follows = found and places[session.day] == places[found[-1][-1].day] + 1
        if follows and (at_once is None or (session.day - found[-1][0].day).days < at_once):
            found[-1].append(session)
        else:
            found.append([session])
    return found


def _by_day(bars: Sequence[Bar], run: Sequence[Session]) -> dict[date, list[Bar]]:
    """`bars` by the session of `run` in which, or after which, each closed; those beside all of them are left out."""
    ends = [session.post for session in run]
    found: dict[date, list[Bar]] = {}
    for bar in bars:
        place = bisect_left(ends, bar.at)
        if place < len(run) and run[place].pre < bar.at:
            found.setdefault(run[place].day, []).append(bar)
    return found


def fault(bar: Bar, symbol: str, now: int, last: int) -> str | None:
    """Why this is no bar to be kept, None where it is one."""
    if not isinstance(bar, Bar) or bar.symbol != symbol:
        return f"it is {type(bar).__name__} of {shown(str(getattr(bar, 'symbol', 'nothing')))}"
    if type(bar.at) is not int or bar.at > now:
        return "it closes in the future" if type(bar.at) is int else "its time is no integer"
    if bar.at <= last:
        return "it does not follow the one before it"
    values = (bar.open, bar.high, bar.low, bar.close)
    if not all(isinstance(value, float) and is_price(value) for value in values) or bar.high < bar.low:
        floats = all(isinstance(value, float) for value in values)
        return f"its prices are {values}{'' if floats else ', and are to be floats'}"
    if not (isinstance(bar.volume, float) and isfinite(bar.volume) and bar.volume >= 0):
        return f"its volume is {bar.volume!r}{'' if isinstance(bar.volume, float) else ', and is to be a float'}"
    return None
