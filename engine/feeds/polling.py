"""A feed out of a source of past bars: it begins with what is kept, and then asks for the newest, bar after bar, by the wall clock."""

from __future__ import annotations

import asyncio
import random
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from math import prod
from operator import attrgetter

from engine.feeds.actions import Action, adjust, restated
from engine.feeds.bar_columns import columns_of
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.cached import CachedHistory
from engine.feeds.calendar import Hours
from engine.feeds.companies import COMPANIES
from engine.feeds.history import Fetched, PausedError
from engine.feeds.market_hours import MarketHours, next_close
from engine.feeds.names import check_symbols, listed, shown
from engine.feeds.new_york import SECOND, to_ns
from engine.feeds.timeframe import DAY_S, check_multiple, seconds_of
from engine.feeds.worker import Worker
from engine.model.market import Bar, Close, Dividend, Instrument, Listing, MarketEvent, SessionClose, Split
from engine.model.settings import TIMEFRAMES

KEPT = 1_000
"""Bars of each symbol that are in memory from the start on, and stay there while the source is away."""
PREPARE_S = 30.0
"""How long a start waits for its history. What is missing then comes with the first polls."""
FOLLOW_S = 15.0
"""How long one more symbol is waited for."""
ACTS_DAYS = 400
"""How far back splits and dividends are looked for that nobody told while this did not run."""
_GRACE_S = 2.0
"""How long after a bar's close it is asked for, and up to as much longer by chance, so that not all the world asks at once."""
_SOON_S = 15.0
"""When a bar that is not there yet is asked for again; each time after twice as long."""
_BACKOFF_S = (10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
"""When a source that does not answer is asked again; the last one repeats."""
_PACE_S = 2.0
"""Between two requests, on the average: more symbols are asked for less often, rather than the source too much."""
_LATEST_NS = 1800 * SECOND
_AT = attrgetter("at")


class _Symbol:
    """`bars` and `days` are from before the first that is told, as they were traded; `last` is the newest of all and `told` its close,
    `acted` the last day whose splits and dividends are in all that was told, `closed` the last whose close is known by its day's bar.
    Where the source did not say what the company did until the start (`learned`), `owed` is the account's session after which that is to
    be told before anything else."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.days: list[Bar] = []
        self.last: Bar | None = None
        self.actions: dict[tuple[date, str], Action] = {}
        self.told = 0
        self.acted = date.min
        self.learned = False
        self.closed = date.min
        self.owed = ""
        self.problem = ""


class PollingFeed:
    """Implements Feed over `source`, in bars of `timeframe`. Call `prepare` before anything else.

    It asks on a thread of its own. While the source is away the symbols keep the prices they had, which grow stale by themselves: a bar is
    as old as its close, however late it comes. `wall` is ns UTC and `mono` seconds; `chance` answers 0 to 1.
    """

    open_ended = True

    def __init__(
        self,
        source: CachedHistory,
        symbols: Sequence[str],
        timeframe: str,
        *,
        wall: Callable[[], int] = time.time_ns,
        mono: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Raises FeedError where there are no symbols, or the source has no bars of that length."""
        name = source.history.name
        if not (wanted := check_symbols(symbols)):
            raise FeedError(f"{name} can tell about any symbol: name those to begin with under `symbols`, or by --symbols.")
        if timeframe not in source.history.timeframes:
            raise FeedError(f"{name} has no bars of {timeframe}: feed.timeframe may be {', '.join(source.history.timeframes)}.")
        self.name = name
        self.timeframe = timeframe
        self.hours: Hours = source.calendar
        self.problems: tuple[str, ...] = ()
        self.complain: Callable[[str], None] = lambda text: None
        self._seconds = seconds_of(timeframe)
        # Until the next bar is due, with room for one that is late. A day's is good until the next session is over, whatever lies between.
        self.quote_life_s: float | None = 2 * self._seconds + 30 if self._seconds < DAY_S else 5 * DAY_S
        self._source = source
        self._calendar = source.calendar
        self._wall, self._mono, self._sleep, self._chance = wall, mono, sleep, chance
        self._worker = Worker(name)
        self._symbols = {symbol: _Symbol() for symbol in wanted}
        self._joined: set[str] = set()
        self._market = MarketHours(source.calendar)
        self._session = date.min
        """In which the run begins: what happened before is in the history, what happens on it is told."""
        self._said: set[str] = set()
        """What was the matter with bars that came all the same, such as a cache that keeps none: each is said once."""
        self._failures = 0
        self._away = False
        """Whether the source let a question hang, or wants a pause: until it has answered again nobody waits for it."""
        self._closes_due = 0.0
        """Before that no source that was away is asked for a close."""
        self._delay = 0
        """How long after its close the newest bar was seen first, ns."""

    # ---- before the first event

    async def prepare(self, say: Callable[[str], None]) -> None:
        until = self._mono() + PREPARE_S
        problems: list[str] = []
        unknown: list[str] = []
        for number, symbol in enumerate(self._symbols, 1):
            say(f"fetching {symbol} from {self.name}, {number} of {len(self._symbols)}")
            if not self._away:
                try:
                    async with asyncio.timeout(max(until - self._mono(), 0.05)):
                        problems += await self._prime(symbol)
                except TimeoutError:
                    problems.append(f"{self.name} did not answer within {PREPARE_S:g} s: it begins with what is kept.")
                    self._away = True
                except FeedLostError as error:
                    problems.append(f"{error} {symbol} begins with what is kept of it.")
                    self._away = isinstance(error, PausedError)
                except FeedError as error:
                    problems.append(str(error))
                    unknown.append(str(error))
                    continue
            if not self._symbols[symbol].bars:
                self._remember(symbol, await asyncio.to_thread(self._kept, symbol))
        if len(unknown) == len(self._symbols):
            raise FeedError(unknown[0])
        self.problems = tuple(dict.fromkeys(problems))
        self._said.update(problems)
        self._session = self._day(self._wall())

    async def _prime(self, symbol: str) -> tuple[str, ...]:
        """What there is of the bars before now, and of what the company did."""
        past = await self._worker.call(partial(self._past, symbol, ask=True))
        self._remember(symbol, past)
        if (kept := self._symbols.get(symbol)) is not None:
            kept.learned, kept.closed = True, self._calendar.previous(self._wall()).day
        return tuple(dict.fromkeys(problem for told in past for problem in told.problems))

    def _past(self, symbol: str, *, ask: bool) -> tuple[Fetched, Fetched]:
        """Its bars, and its days for charts and for what the company did. Blocks."""
        today = self._day(self._wall())
        bars = self._source.bars(symbol, self.timeframe, self._since(today), today, ask=ask)
        if self.timeframe == "1d" or "1d" not in self._source.history.timeframes:
            return bars, Fetched(())
        try:
            return bars, self._source.bars(symbol, "1d", today - timedelta(days=ACTS_DAYS), today, ask=ask)
        except FeedLostError:
            raise
        except FeedError as error:  # it trades for the first day
            return bars, Fetched((), problems=(str(error),))

    def _kept(self, symbol: str) -> tuple[Fetched, Fetched]:
        """What is on the disk. Never raises."""
        try:
            return self._past(symbol, ask=False)
        except FeedError:
            return Fetched(()), Fetched(())

    def _remember(self, symbol: str, past: tuple[Fetched, Fetched]) -> None:
        kept = self._symbols.get(symbol)
        if kept is None:
            return
        bars, days = past
        kept.bars, kept.days = list(bars.bars)[-KEPT:], list(days.bars)
        kept.actions |= {(action.day, action.kind): action for action in (*days.actions, *bars.actions)}
        kept.last = kept.bars[-1] if kept.bars else None
        kept.told = kept.last.at if kept.last else 0

    def _since(self, today: date) -> date:
        """The day from which on there are as many bars as are kept."""
        sessions = max(1, KEPT * self._seconds // (6 * 3600)) if self._seconds < DAY_S else KEPT
        return today - timedelta(days=sessions * 3 // 2 + 5)

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(map(Instrument, self._symbols))

    def history(self, symbol: str, count: int, timeframe: str = "") -> Sequence[Bar]:
        kept = self._symbols.get(symbol)
        if kept is None:
            raise FeedError(f"{self.name} was not asked for {shown(symbol)}: it tells about {listed(list(self._symbols))}.")
        bars = self._as_begun(symbol, kept.bars)
        if timeframe in ("", self.timeframe):
            return bars[max(0, len(bars) - count) :]
        check_multiple("its timeframe", timeframe, self.name, symbol, self._seconds)
        from engine.feeds.aggregate import aggregated

        # One more than asked for: the first may lack its beginning.
        part = bars[max(0, len(bars) - (count + 1) * TIMEFRAMES[timeframe] // self._seconds) :]
        larger: Sequence[Bar] = aggregated(columns_of(symbol, part), timeframe, self._calendar)
        if timeframe == "1d" and kept.days:
            # The source's own days reach further back than its minutes; the one under way is made of those.
            days = self._as_begun(symbol, kept.days)
            larger = [*days, *(bar for bar in larger if bar.at > days[-1].at)]
        return larger[max(0, len(larger) - count) :]

    def _as_begun(self, symbol: str, traded: Sequence[Bar]) -> list[Bar]:
        """In the shares there were before the session in which this began: its own split is told, and restates them then."""
        first = date.max if symbol in self._joined else self._session
        actions = self._symbols[symbol].actions.values()
        bars = adjust(traded, [action for action in actions if action.day < first], self._calendar)
        for action in actions:
            if action.kind == "split" and action.day >= first:
                place = next((n for n, bar in enumerate(bars) if self._calendar.day_of(bar.at) >= action.day), len(bars))
                bars[place:] = restated(bars[place:], 1 / float(action.value))
        return bars

    def acts_after(self, session: str) -> Sequence[Split | Dividend]:
        for kept in self._symbols.values():
            kept.owed = "" if kept.learned else session
        found = [
            action
            for kept in self._symbols.values()
            for action in kept.actions.values()
            if session <= action.day.isoformat() and action.day < self._session
        ]
        return [self._event(action) for action in sorted(found, key=lambda action: action.day)]

    def _event(self, action: Action) -> Split | Dividend:
        session = self._calendar.session_on(action.day)
        at = session.opens if session else to_ns(datetime(action.day.year, action.day.month, action.day.day, tzinfo=self._calendar.zone))
        kept = self._symbols[action.symbol]
        if kept.last is not None and kept.last.at <= at:
            return action.event(min(at, self._wall()), kept.last.close)
        before = [bars[place - 1].close for bars in (kept.bars, kept.days) if (place := bisect_right(bars, at, key=_AT))]
        return action.event(min(at, self._wall()), before[0] if before else None)

    def lag(self, bar: Bar) -> int:
        return max(0, self._wall() - bar.at)

    # ---- more symbols

    async def offers(self) -> Sequence[Listing]:
        """Well-known ones: it can be asked for any other."""
        return tuple(Listing(symbol, COMPANIES.get(symbol, "")) for symbol in dict.fromkeys((*self._symbols, *COMPANIES)))

    async def follow(self, symbol: str) -> Instrument:
        check_symbols((symbol,))
        if symbol in self._symbols:
            return Instrument(symbol)
        kept = self._symbols[symbol] = _Symbol()
        try:
            if self._away:
                raise FeedLostError(f"{self.name} does not answer.")
            async with asyncio.timeout(FOLLOW_S):
                await self._prime(symbol)
        except (FeedLostError, TimeoutError) as error:
            self._away = self._away or isinstance(error, TimeoutError)
            self._remember(symbol, await asyncio.to_thread(self._kept, symbol))
            # What is held from an earlier run has its price when the source is back; nobody else waits for what may not even exist.
            if not kept.bars and self._market.begun:
                self._symbols.pop(symbol, None)
                raise FeedLostError(str(error) or f"{self.name} does not answer: {symbol} is not watched. Try again later.") from None
        except BaseException:
            self._symbols.pop(symbol, None)
            raise
        if self._market.begun:
            self._joined.add(symbol)
            kept.acted = max((action.day for action in kept.actions.values()), default=date.min)
        return Instrument(symbol)

    def drop(self, symbol: str) -> None:
        if len(self._symbols) > 1:
            self._symbols.pop(symbol, None)
            self._joined.discard(symbol)

    # ---- while it runs

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        first = True
        waited = 0.0
        while True:
            began = self._mono()
            newest = await self._poll(tell, first)
            first = False
            wake = next_close(self._calendar, self._seconds, self._wall())
            # What closed before the poll and is not there yet comes late: it is asked for again, less and less often.
            due = next_close(self._calendar, self._seconds, self._wall() - self._seconds * SECOND)
            missing = newest < due <= self._wall()
            waited = min(max(2 * waited, _SOON_S), self._seconds, _BACKOFF_S[-1]) if missing else 0.0
            pause = (wake - self._wall()) / SECOND + _GRACE_S * (1 + self._chance())
            pause = min(pause, waited + self._chance()) if missing else pause
            paced = len(self._symbols) * _PACE_S - (self._mono() - began)
            await self._rest(max(pause, paced), tell)

    async def _rest(self, seconds: float, tell: Callable[[MarketEvent], None]) -> None:
        """Sleeps, and tells meanwhile what the market's hours bring."""
        until, wall = self._mono() + seconds, self._wall() + round(seconds * SECOND)
        # A machine that slept has lost time by the one clock and not by the other.
        while (left := until - self._mono()) > 0 and self._wall() < wall:
            await self._sleep(min(left, max(self._seconds / 2, 15.0)))
            for status in self._market.until(self._wall() - self._behind()):
                tell(status)

    def _behind(self) -> int:
        """How long the hours are held back for bars that come late: the close is told after the last bar before it."""
        return min(max((2 * self._seconds + 30) * SECOND if self._seconds < DAY_S else 600 * SECOND, self._delay), _LATEST_NS)

    async def _poll(self, tell: Callable[[MarketEvent], None], first: bool) -> int:
        """Asks once for each symbol, and tells what is new; answers the close of the newest bar. Raises FeedLostError."""
        try:
            for symbol in [symbol for symbol, kept in self._symbols.items() if kept.owed]:
                await self._catch_up(symbol, tell)
        except FeedLostError as error:
            raise self._lost(error) from error
        fresh: list[Bar] = []
        lost: FeedLostError | None = None
        for symbol in [symbol for symbol, kept in self._symbols.items() if not kept.owed]:
            try:
                fresh += await self._newest(symbol)
            except FeedLostError as error:
                lost = error
                break
            except FeedError as error:
                self._complain_of(symbol, str(error))
        self._tell(sorted(fresh, key=_AT), tell, first and (lost is None or not self._market.begun), lost=lost is not None)
        if lost is not None:
            raise self._lost(lost)
        self._failures, self._away = 0, False
        while await self._learn_close(tell):
            pass
        return max((kept.told for kept in self._symbols.values()), default=0)

    def _lost(self, error: FeedLostError) -> FeedLostError:
        """The same, with when to ask again."""
        pause = _BACKOFF_S[min(self._failures, len(_BACKOFF_S) - 1)]
        self._failures += 1
        return FeedLostError(str(error), error.again_s or pause * (1 + 0.2 * self._chance()))

    async def _catch_up(self, symbol: str, tell: Callable[[MarketEvent], None]) -> None:
        """Tells what the company did while nobody ran this, which could not be learned at the start: before the market's first status,
        for it is lost to an account that is in a later session. Until then nothing else is told either. Raises FeedLostError."""
        kept = self._symbols.get(symbol)
        if kept is None:
            return
        today, kept_acts = self._day(self._wall()), set(kept.actions)
        try:
            bars, days = await self._worker.call(partial(self._past, symbol, ask=True))
        except FeedLostError:
            raise
        except FeedError as error:
            self._complain_of(symbol, str(error))
            return
        session, kept.owed, kept.learned = kept.owed, "", True
        kept.actions |= {(action.day, action.kind): action for action in (*days.actions, *bars.actions)}
        kept.days = kept.days or [bar for bar in days.bars if self._calendar.day_of(bar.at) < self._session]
        since = [(key, action) for key, action in sorted(kept.actions.items()) if session < action.day.isoformat() and action.day <= today]
        for key, action in since:
            # Those that were kept were told at the start, but for those that `run` tells; today's come before today's first price.
            if action.day < today and (key not in kept_acts or action.day >= self._session):
                tell(self._event(action))
                kept.acted = action.day
        if since:
            # Prices of before the last one are in other shares than are held now: they are not told any more.
            trading = self._calendar.session_on(since[-1][1].day)
            kept.told = max(kept.told, min(trading.pre, self._wall()) if trading else self._event(since[-1][1]).at)

    async def _newest(self, symbol: str) -> list[Bar]:
        """What there is of it after what was told."""
        kept = self._symbols.get(symbol)
        if kept is None:
            return []
        today = self._day(self._wall())
        since = self._calendar.day_of(kept.told) if kept.told else today
        try:
            told = await self._worker.call(partial(self._source.bars, symbol, self.timeframe, since, today))
        except FeedLostError:
            raise
        except FeedError:
            if self._expects_none(since, today):
                return []
            raise
        if symbol not in self._symbols:
            return []
        kept.problem = ""
        for problem in told.problems:
            if problem not in self._said:
                self._said.add(problem)
                self.complain(problem)
        kept.actions |= {(action.day, action.kind): action for action in told.actions}
        fresh = [bar for bar in told.bars if bar.at > kept.told]
        if fresh and kept.told:
            self._delay = max(0, self._wall() - fresh[-1].at)
        return fresh

    async def _learn_close(self, tell: Callable[[MarketEvent], None]) -> bool:
        """Tells what the session that ended last closed at, of one symbol that nobody knows it of yet; whether there may be another. A
        source that is away is asked again in a while: until then the last bar is the close."""
        if self._seconds >= DAY_S or "1d" not in self._source.history.timeframes or self._mono() < self._closes_due:
            return False
        ended = self._calendar.previous(self._wall()).day
        symbol = next((symbol for symbol, kept in self._symbols.items() if kept.closed < ended), None)
        if symbol is None:
            return False
        try:
            day = (await self._worker.call(partial(self._source.bars, symbol, "1d", ended, ended))).bars[-1]
        except FeedLostError:
            self._closes_due = self._mono() + _BACKOFF_S[-1]
            return False
        except FeedError:  # nothing traded
            day = None
        if (kept := self._symbols.get(symbol)) is None:
            return True
        kept.closed = ended
        if day is not None:
            told = [action for action in kept.actions.values() if action.kind == "split" and ended < action.day <= kept.acted]
            price = day.close / prod(float(split.value) for split in told)
            now = max(self._market.now(0).at, *(other.told for other in self._symbols.values()))
            tell(SessionClose(symbol, now, Close(ended.isoformat(), price)))
        return True

    def _expects_none(self, since: date, today: date) -> bool:
        """Whether no bar can have closed in these days."""
        session = self._calendar.current_or_next(to_ns(datetime(since.year, since.month, since.day, tzinfo=self._calendar.zone)))
        ends = session.closes if self._seconds >= DAY_S else session.opens + self._seconds * SECOND
        return session.day > today or ends > self._wall() - self._behind()

    def _complain_of(self, symbol: str, text: str) -> None:
        """Once, until it is well again."""
        kept = self._symbols.get(symbol)
        if kept is not None and not kept.problem:
            kept.problem = text
            self.complain(f"{text} Its price goes stale; it is asked for again with each bar.")

    def _tell(self, bars: Sequence[Bar], tell: Callable[[MarketEvent], None], first: bool, *, lost: bool = False) -> None:
        """In order of time, and what the market's hours bring in between. What a company did comes before its first price of that day:
        while the source is `lost` no session begins, for nobody knows what belongs before its beginning."""
        primed = max((kept.told for kept in self._symbols.values()), default=0)
        if first:
            tell(self._market.now(primed or self._wall()))
            for symbol in self._symbols:
                self._act(symbol, self._session, tell)
        for bar in bars:
            kept = self._symbols.get(bar.symbol)
            if kept is None or bar.at <= kept.told:
                continue  # it was dropped meanwhile, or came twice
            for status in self._market.until(bar.at - 1):
                tell(status)
            self._act(bar.symbol, self._calendar.day_of(bar.at), tell)
            kept.last, kept.told = bar, bar.at
            tell(bar)
            if bar is bars[-1]:
                for status in self._market.until(bar.at):
                    tell(status)
        until = self._wall() - self._behind()
        if lost and self._market.begun:
            until = min(until, self._market.next_session() - 1)
        for status in self._market.until(until):
            tell(status)

    def _act(self, symbol: str, day: date, tell: Callable[[MarketEvent], None]) -> None:
        """What the company did from the session in which this began, through `day`."""
        kept = self._symbols[symbol]
        since = max(kept.acted, self._session - timedelta(days=1))
        for action in sorted(kept.actions.values(), key=lambda action: action.day):
            if since < action.day <= day:
                tell(self._event(action))
                kept.acted = action.day

    def _day(self, at: int) -> date:
        """By the exchange's own clock."""
        return datetime.fromtimestamp(at // SECOND, UTC).astimezone(self._calendar.zone).date()
