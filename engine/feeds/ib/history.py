"""Past bars from IB, of the regular session. Their prices are restated for all later splits, as IB tells them, and not for dividends; it
tells neither of the two by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from math import isfinite

from engine.brokers.ib.facts import RequestFailed
from engine.feeds.bar_columns import columns_of
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.cached import sessions_between
from engine.feeds.calendar import ALWAYS, Calendar, Session
from engine.feeds.history import Fetched, PausedError, Reach
from engine.feeds.ib.library import PastBar
from engine.feeds.ib.line import Line
from engine.feeds.ib.pacing import VIOLATED_S, is_pacing
from engine.feeds.names import shown
from engine.feeds.new_york import SECOND, to_ns
from engine.feeds.timeframe import DAY_S, seconds_of
from engine.model.market import Bar
from engine.model.money import is_price

_SIZES = {"1m": "1 min", "5m": "5 mins", "15m": "15 mins", "1h": "30 mins", "1d": "1 day"}
_AT_ONCE = {"1m": 10, "5m": 30, "15m": 60, "1h": 180, "1d": 3_600}
"""Days that are asked for in one go: some two or three thousand bars, which is what IB tells without being cross."""
_YEAR_D = 365
_HMDS = 162
"""Said of everything that comes of a question for past bars; the words tell what it is."""
_NOTHING = "no data"
_ELSEWHERE = "different ip"
_LATER = frozenset({100, 165, 366, 420, 504, 1100, 2103, 2105, 10197})
_LIVE_S = 4.0
_TOLD = 5
_TRIES = 3


class IbHistory:
    """Implements History and Connected. `now` is ns UTC. `patience_s` is how long a question may wait for IB's rules on how often it may
    be asked; beyond that PausedError is raised at once."""

    name = "ib"

    def __init__(
        self,
        calendar: Calendar,
        line: Line,
        *,
        adjusted: bool = False,
        patience_s: float = float("inf"),
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self.adjusted = adjusted
        self.kept_as = "ib"
        # What is restated for dividends, too, IB tells up to now alone, and so in one piece.
        self.timeframes: Sequence[str] = ("1d",) if adjusted else tuple(_SIZES)
        self.patience_s = patience_s
        self.line = line
        self._calendar = calendar
        self._now = now

    @property
    def say(self) -> Callable[[str], None]:
        return self.line.say

    @say.setter
    def say(self, tell: Callable[[str], None]) -> None:
        self.line.say = tell

    def live(self, symbol: str) -> str:
        watch, until = self.line.watch, time.monotonic() + _LIVE_S
        watch.want((symbol,), bars=False, regular=True)
        # Who asks this wants to know how it stands, and does not wait until TWS has IB back.
        self.line.ask(self.line.session)
        quoted, said = False, list[str]()
        while not (quoted or said) and time.monotonic() < until and self.line.trouble() is None:
            time.sleep(0.05)
            news = watch.drain()
            quoted, said = bool(news.quotes), news.said
        if (trouble := self.line.trouble()) is not None:
            raise trouble
        if said:
            return " ".join(said)
        return f"its quotes of {symbol} are live" if quoted else f"it has no quote of {symbol} now, as outside the market's hours"

    def close(self) -> None:
        self.line.close()

    def reach(self, timeframe: str) -> Reach:
        return Reach() if self.adjusted else Reach(at_once=_AT_ONCE[timeframe])

    def history(self, symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        sessions = sessions_between(self._calendar, start, end)
        if not sessions:
            return Fetched(())
        # Up to this second rather than up to now: the same words once more, after a restart or with the next bar, would be too often.
        last = datetime.fromtimestamp(min(sessions[-1].post, self._now()) // SECOND, UTC)
        until = "" if self.adjusted else f"{last:%Y%m%d-%H:%M:%S}"
        reaches = datetime.fromtimestamp(self._now() // SECOND, UTC) if self.adjusted else last
        duration = _duration((reaches.date() - start).days + 1)
        rows = self._asked(symbol, until, duration, _SIZES[timeframe])
        return Fetched(*self._bars(symbol, timeframe, rows, sessions))

    def _asked(self, symbol: str, until: str, duration: str, size: str) -> Sequence[PastBar]:
        what = "ADJUSTED_LAST" if self.adjusted else "TRADES"
        regular = self._calendar.name != ALWAYS
        for _ in range(_TRIES):
            try:
                return self.line.ask(
                    lambda: self.line.past(symbol, until, duration, size, what, regular=regular, patience_s=self.patience_s)
                )
            except RequestFailed as failed:
                if is_pacing(failed):
                    continue  # what is asked next waits for it, or is paused
                if failed.code == _HMDS and _NOTHING in str(failed).casefold():
                    return ()
                raise _refused(symbol, failed) from None
        raise PausedError("IB says again and again that it is asked for past bars too often: it is left alone for a while.", VIOLATED_S[-1])

    def _bars(
        self, symbol: str, timeframe: str, rows: Sequence[PastBar], sessions: Sequence[Session]
    ) -> tuple[Sequence[Bar], tuple[()], tuple[str, ...]]:
        """Those of the regular sessions that have closed, each once, in order."""
        length = 1800 if timeframe == "1h" else seconds_of(timeframe)
        by_day = {session.day: session for session in sessions}
        now, found, bad = self._now(), dict[int, Bar](), list[str]()
        for row in rows:
            opened = row.opened
            if isinstance(opened, datetime) and opened.tzinfo is None:
                bad.append(f"IB's {symbol} bar left out: {opened} is of no time zone.")
                continue
            session = by_day.get(opened.astimezone(self._calendar.zone).date() if isinstance(opened, datetime) else opened)
            if session is None:
                continue  # a day that nobody asked for, or that the exchange has not
            if isinstance(opened, datetime) and length < DAY_S:
                begun = to_ns(opened)
                if not session.opens <= begun < session.closes:
                    continue
                at = min(begun + length * SECOND, session.closes)
            else:
                at = session.closes
            if at > now:
                continue  # still forming
            if (bar := _bar(symbol, at, row.values)) is None:
                bad.append(f"IB's {symbol} bar left out: {opened} has no prices: {row.values}.")
            else:
                found[at] = bar
        told = bad if len(bad) <= _TOLD else [*bad[:_TOLD], f"And {len(bad) - _TOLD} more."]
        bars: Sequence[Bar] = [found[at] for at in sorted(found)]
        if timeframe == "1h" and bars:
            from engine.feeds.aggregate import aggregated

            # IB cuts its own hours by the clock: the first of a session from 9:30 would be half of one.
            bars = [bar for bar in aggregated(columns_of(symbol, bars), "1h", self._calendar) if bar.at <= now]
        return bars, (), tuple(told)


def _duration(days: int) -> str:
    """Of so many days, which IB wants in years where there are more than one."""
    return f"{days} D" if days <= _YEAR_D else f"{-(-days // _YEAR_D)} Y"


def _bar(symbol: str, at: int, values: tuple[float, float, float, float, float]) -> Bar | None:
    open_, high, low, close, volume = values
    good = all(map(is_price, (open_, high, low, close))) and low <= high and isfinite(volume)
    return Bar(symbol, at, open_, high, low, close, max(volume, 0.0)) if good else None


def _refused(symbol: str, failed: RequestFailed) -> FeedError:
    words = shown(str(failed)).rstrip(".")
    if failed.code in _LATER or _ELSEWHERE in words.casefold():
        return FeedLostError(f"IB's bars of {symbol} did not come: {words}.")
    return FeedError(f"IB tells no bars of {symbol}: {words}.")
