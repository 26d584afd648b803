"""Past bars from Yahoo, by the library yfinance: free, without an account, and without a promise.

What Yahoo calls close is divided by all later splits. Here prices, volumes and dividends are those of their day again, and splits and
dividends are told beside them; or, `adjusted`, everything is restated for both. Prices in pence become pounds. A bar's label is its open,
and here it is told at its close; one that is still forming is not told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from engine.feeds.actions import Action
from engine.feeds.bar_columns import BarColumns
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.cache import cache_folder
from engine.feeds.calendar import Calendar
from engine.feeds.history import Fetched, PausedError, Reach
from engine.feeds.names import shown
from engine.feeds.new_york import SECOND, to_ns
from engine.feeds.timeframe import seconds_of
from engine.feeds.yahoo.library import CALL_S, REQUEST_S, Library
from engine.feeds.yahoo.numbers import actions_of, as_paid, as_traded, dividends_in_hundredths, narrowed

PAUSES_S = (120.0, 300.0, 600.0, 900.0)
"""How long nothing is asked once Yahoo says that it is asked too much; the last one repeats, the first good answer begins anew."""
_REACH = {"1m": Reach(7, 29), "5m": Reach(59, 59), "15m": Reach(59, 59), "1h": Reach(700, 729), "1d": Reach()}
_HUNDREDTHS = {"GBp": "GBP", "ZAc": "ZAR", "ILA": "ILS"}
"""Currencies that Yahoo quotes in hundredths, and what they are hundredths of."""
_NONE_THERE = "data doesn't exist for startdate"
_TOLD = 5


class _Answer(NamedTuple):
    """A frame with the columns time (a bar's open), open, high, low, close, volume, dividends and stock splits."""

    frame: Any
    problems: tuple[str, ...]


class YahooHistory:
    """Implements History. `session` stands in for the connection in tests, `now` is ns UTC, `mono` seconds."""

    name = kept_as = "yahoo"
    timeframes: Sequence[str] = tuple(_REACH)

    def __init__(
        self,
        calendar: Calendar,
        *,
        adjusted: bool = False,
        session: Any = None,
        folder: Path | None = None,
        now: Callable[[], int] = time.time_ns,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        """`folder` is where the library keeps cookies and time zones."""
        self.adjusted = adjusted
        self._calendar = calendar
        self._folder = folder or cache_folder() / "yfinance"
        self._session = session
        self._now = now
        self._mono = mono
        self._quiet_until = 0.0
        self._pauses = 0
        self._later: dict[str, tuple[date, date, tuple[Action, ...]]] = {}
        """Of a symbol: from which day on, and on which day, its splits were asked for, and what they are."""

    def reach(self, timeframe: str) -> Reach:
        return _REACH[timeframe]

    def history(self, symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        answer = self._ask(symbol, timeframe, start, end)
        if answer is None:
            return Fetched((), (), (f"Yahoo says that there are no {timeframe} bars of {symbol} from {start} to {end}.",))
        actions = sorted(actions_of(symbol, answer.frame), key=lambda action: action.day)
        told = self._bars(symbol, timeframe, answer, actions)
        if self.adjusted:
            return told
        later = self._splits_since(symbol, end)
        bars = told.bars if isinstance(told.bars, BarColumns) else None
        splits = [action for action in (*actions, *later) if action.kind == "split"]
        back = told.bars if bars is None else as_traded(bars, splits, self._calendar)
        return Fetched(back, tuple(as_paid(action, splits) for action in actions if start <= action.day <= end), told.problems)

    # ---- what was traded

    def _splits_since(self, symbol: str, end: date) -> tuple[Action, ...]:
        """The splits after `end`, by which Yahoo divided all prices before them."""
        today = self._day(self._now())
        if end >= today:
            return ()
        known = self._later.get(symbol)
        if known is None or known[0] > end or known[1] != today:
            answer = self._ask(symbol, "1d", end + timedelta(days=1), today, or_none=True)
            splits = () if answer is None else tuple(a for a in actions_of(symbol, answer.frame) if a.kind == "split")
            known = self._later[symbol] = (end, today, splits)
        return tuple(split for split in known[2] if split.day > end)

    def _bars(self, symbol: str, timeframe: str, answer: _Answer, actions: Iterable[Action]) -> Fetched:
        """The rows that can be trusted, at their closes."""
        from engine.feeds.table import RawTable, Rules, read_table

        frame, problems = self._closed(answer.frame, timeframe), list(answer.problems)
        if not len(frame):
            return Fetched((), (), tuple(problems))
        length = 0 if timeframe == "1d" else seconds_of(timeframe)
        splits = frozenset((symbol, action.day) for action in actions if action.kind == "split")
        rules = Rules(self._calendar, self._now(), self._calendar.zone, "open", splits=splits, length_s=length)
        read = read_table(RawTable(f"Yahoo's {symbol}", "bar", frame), symbol, rules)
        bars = read.bars[symbol]
        return Fetched(bars, (), (*problems, *read.problems, *self._missing(symbol, bars)))

    def _closed(self, frame: Any, timeframe: str) -> Any:
        """Without the bars at its end that have not closed yet."""
        now, length, size = self._now(), seconds_of(timeframe) * SECOND, len(frame)
        while size:
            opened = frame["time"].iloc[size - 1].to_pydatetime()
            if timeframe == "1d":
                session = self._calendar.session_on(opened.date())
                forming = session is not None and session.closes > now
            else:
                at = to_ns(opened)
                ends = self._calendar.current_or_next(at).closes
                forming = bool(opened.second) or min(at + length, ends if ends > at else at + length) > now
            if not forming:
                break
            size -= 1
        return frame.iloc[:size]

    def _missing(self, symbol: str, bars: BarColumns) -> list[str]:
        """Sessions between the first bar and the last that have none."""
        have = {self._calendar.day_of(at) for at in bars.columns.at.tolist()}
        lacks: list[date] = []
        day, last = min(have), max(have)
        while day <= last:
            lacks += [s.day for s in self._calendar.sessions_from(day) if s.day <= last and s.day not in have and s.day >= day]
            day = date(day.year + 2, 1, 1)
        told = [f"Yahoo has no bar of {symbol} on {day}, a session of {self._calendar.name}." for day in lacks[:_TOLD]]
        return told if len(lacks) <= _TOLD else [*told, f"Nor has it one on {len(lacks) - _TOLD} more, the last on {lacks[-1]}."]

    # ---- asking

    def _ask(self, symbol: str, timeframe: str, start: date, end: date, *, or_none: bool = False) -> _Answer | None:
        """What Yahoo answers; None where it says that there is nothing in these days, or, with `or_none`, where there is nothing. Raises
        FeedError."""
        left = self._quiet_until - self._mono()
        if left > 0:
            raise PausedError(f"Yahoo was asked too much and is left alone for {left / 60:.0f} min more.", left)
        library = Library.of(self._folder)
        exceptions = library.yfinance.exceptions
        session = self._session or library.session
        session.begin(CALL_S)
        first, after = (datetime(day.year, day.month, day.day, tzinfo=self._calendar.zone) for day in (start, end + timedelta(days=1)))

        def asked() -> tuple[Any, dict[str, Any]]:
            ticker = library.yfinance.Ticker(symbol.replace("/", "-"), session=session)
            frame = ticker.history(
                interval=timeframe,
                start=first,
                end=after,
                auto_adjust=self.adjusted,
                actions=True,
                prepost=False,
                repair=False,
                timeout=REQUEST_S,
            )
            return frame, dict(ticker.history_metadata) if len(frame) else {}

        try:
            try:
                frame, meta = asked()
            except library.unkept:
                # A disk without room is no reason to be without prices.
                library.keep_nothing()
                frame, meta = asked()
        except exceptions.YFRateLimitError:
            library.forget()
            pause = PAUSES_S[min(self._pauses, len(PAUSES_S) - 1)]
            self._pauses += 1
            self._quiet_until = self._mono() + pause
            raise PausedError(f"Yahoo says that it is asked too much (429): it is left alone for {pause / 60:.0f} min.", pause) from None
        except exceptions.YFPricesMissingError as error:
            library.forget()
            said = str(error).partition(": ")[2] or str(error)
            if or_none or _NONE_THERE in said.casefold():
                return None
            raise FeedError(f"Yahoo has no {timeframe} bars of {symbol} from {start} to {end}: {shown(said)}") from None
        except Exception as error:
            library.forget()
            if isinstance(error, exceptions.YFTzMissingError) or getattr(getattr(error, "response", None), "status_code", 0) == 404:
                raise FeedError(f"Yahoo does not know {symbol}: look up how it spells it, BRK-B or VOD.L for example.") from None
            # What is cut off, no JSON, or of another shape than the library expects: it may be well in a minute.
            raise FeedLostError(f"Yahoo's bars did not come ({_cause(error)}).") from error
        finally:
            library.forget_false_crumb()
        self._pauses = 0
        if not len(frame):
            library.forget()
            if or_none:
                return None
            raise FeedError(f"Yahoo answered without a single {timeframe} bar of {symbol} from {start} to {end}, and says no reason.")
        return self._answer(symbol, frame, meta)

    def _answer(self, symbol: str, frame: Any, meta: Any) -> _Answer:
        """In whole units of the currency, on the exchange's clock. Raises FeedError where that is another one than the calendar's."""
        zone = str(meta.get("exchangeTimezoneName") or "")
        if not _same_clock(zone, self._calendar, datetime.fromtimestamp(self._now() // SECOND, UTC)):
            exchange = shown(str(meta.get("fullExchangeName") or meta.get("exchangeName") or zone))
            raise FeedError(
                f"{symbol} trades at {exchange}, on the clock of {shown(zone)}, and feed.calendar is {self._calendar.name}: "
                "set it to that exchange, XLON for London for example, or 24/7."
            )
        problems: list[str] = []
        names = {name: name.casefold() for name in ("Open", "High", "Low", "Close", "Volume", "Adj Close", "Dividends", "Stock Splits")}
        frame = frame.rename(columns=names)
        for name in ("open", "high", "low", "close", "adj close", "dividends"):
            if name in frame:
                frame[name] = narrowed(frame[name].to_numpy())
        if (currency := meta.get("currency")) in _HUNDREDTHS:
            problems.append(f"Yahoo quotes {symbol} in {currency}: here its prices are in {_HUNDREDTHS[currency]}.")
            frame["dividends"] = dividends_in_hundredths(frame) / 100
            for name in ("open", "high", "low", "close"):
                frame[name] = frame[name] / 100
        frame.insert(0, "time", frame.index)
        frame.index = [f"{moment:%Y-%m-%d %H:%M}" for moment in frame["time"]]
        return _Answer(frame, tuple(problems))

    def _day(self, at: int) -> date:
        return datetime.fromtimestamp(at // SECOND, self._calendar.zone).date()


def _same_clock(zone: str, calendar: Calendar, now: datetime) -> bool:
    """Whether both clocks show the same, in winter and in summer."""
    from zoneinfo import ZoneInfo

    try:
        other = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return True  # it names none that is known: its days are then the calendar's, or are told as those of no session
    moments = (datetime(now.year, month, 15, 12, tzinfo=UTC) for month in (1, 7))
    return all(other.utcoffset(moment.astimezone(other)) == calendar.zone.utcoffset(moment.astimezone(calendar.zone)) for moment in moments)


_CAUSES = {
    "DNSError": "its address is not found: is there a network?",
    "Timeout": "no answer in time",
    "ConnectionError": "the connection broke",
    "JSONDecodeError": "a page instead of prices",
}
"""By the name of what the libraries raise, whose own words are addresses and codes."""


def _cause(error: Exception) -> str:
    known = next((_CAUSES[each.__name__] for each in type(error).__mro__ if each.__name__ in _CAUSES), None)
    if known is not None:
        return known
    text = shown(str(error)).rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
