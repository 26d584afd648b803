"""When an exchange trades: its sessions with holidays, half-days and daylight saving. Times are ns UTC, days are the exchange's own.

New York's sessions from 2000 to 2030 come from a table in `sessions/`, generated from exchange_calendars (`python -m tests.session_table`),
and those of 24/7 from no table at all.
Other exchanges and years ask that library when they are needed: it imports pandas, which takes longer than the whole start of the console.
"""

from __future__ import annotations

import csv
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.feeds.base import FeedError
from engine.feeds.names import shown
from engine.feeds.new_york import NEW_YORK, SECOND, to_ns
from engine.model.market import Phase

TABLE_NAME = "XNYS"
TABLE_YEARS = range(2000, 2031)
ALWAYS = "24/7"
"""The calendar of what trades at any hour: a session is a day by UTC."""
TABLE = Path(__file__).parent / "sessions" / f"{TABLE_NAME}.csv"
"""The weekdays that are no usual session: `day,opens,closes` on New York's clock, both empty where it stays closed."""
USUAL = time(9, 30), time(16)
_PRE = time(4)
_POST = 4 * 3600 * SECOND
"""New York's extended hours begin at four in the morning and end four hours after the close, on a half-day too."""
_DAY = attrgetter("day")
_SPOKEN = {TABLE_NAME: "NYSE"}


class CalendarError(FeedError):
    """There is no such calendar, or it does not reach that far. The message says what to write instead."""


class Session(Struct, frozen=True):
    """One trading day: the regular session from `opens` until `closes`, the extended hours around it from `pre` until `post`.

    Where an exchange has no extended hours, `pre` is `opens` and `post` is `closes`. `pause` is a midday break, its start and its end.
    """

    day: date
    pre: int
    opens: int
    closes: int
    post: int
    pause: tuple[int, int] | None = None

    def phase(self, at: int) -> Phase:
        """CLOSED before `pre`, from `post` on and in the pause. The moment of the open is REGULAR, that of the close is not."""
        if not self.pre <= at < self.post:
            return Phase.CLOSED
        if at < self.opens:
            return Phase.PRE
        if at >= self.closes:
            return Phase.POST
        return Phase.CLOSED if self.pause and self.pause[0] <= at < self.pause[1] else Phase.REGULAR


class Hours(Protocol):
    """When a market trades. A Calendar is one."""

    def current_or_next(self, at: int) -> Session:
        """The session under way at `at`, extended hours included, or else the next one."""

    def previous(self, at: int) -> Session:
        """The latest session that had ended by `at`."""

    def day_of(self, at: int) -> date:
        """The trading day of a bar that closes at `at`; outside all sessions the exchange's own date."""

    def described(self, at: int) -> str:
        """For the header."""


class Calendar:
    """The sessions of the exchange `name`, a market identifier code (ISO 10383) like XNYS or XLON, or 24/7."""

    def __init__(self, name: str = TABLE_NAME) -> None:
        """Raises CalendarError where there is no such exchange."""
        self.name = name
        self.zone = NEW_YORK if name == TABLE_NAME else ZoneInfo("UTC") if name == ALWAYS else _library_zone(name)
        self._years: dict[int, list[Session]] = {}
        # The last answer of `current_or_next`, good from the moment asked for until that session's end. Both at once: threads ask, too.
        self._latest: tuple[int, Session] | None = None

    def session_on(self, day: date) -> Session | None:
        """The session of `day`; None on a weekend or a holiday. Raises CalendarError, as all that follow."""
        sessions = self._year(day.year)
        place = bisect_left(sessions, day, key=_DAY)
        return sessions[place] if place < len(sessions) and sessions[place].day == day else None

    def sessions_from(self, day: date) -> Iterator[Session]:
        """The sessions of `day` and after, in order, to the end of the year after."""
        sessions = self._year(day.year)
        yield from sessions[bisect_left(sessions, day, key=_DAY) :]
        yield from self._year(day.year + 1)

    def current_or_next(self, at: int) -> Session:
        """The session under way at `at`, extended hours included, or else the next one."""
        latest = self._latest
        if latest is not None and latest[0] <= at < latest[1].post:
            return latest[1]
        # None ends later than on the day after its own.
        first = (datetime.fromtimestamp(at // SECOND, UTC) - timedelta(days=2)).date()
        found = next((session for session in self.sessions_from(first) if at < session.post), None)
        if found is None:
            raise CalendarError(f"{self.name} has no session within a year of {first}.")
        self._latest = at, found
        return found

    def previous(self, at: int) -> Session:
        """The latest session that had ended by `at`, extended hours included."""
        last = (datetime.fromtimestamp(at // SECOND, UTC) + timedelta(days=1)).date()
        for year in (last.year, last.year - 1):
            sessions = self._year(year)
            if ended := bisect_right(sessions, at, key=attrgetter("post")):
                return sessions[ended - 1]
        raise CalendarError(f"{self.name} has no session within a year before {last}.")

    def phase(self, at: int) -> Phase:
        return self.current_or_next(at).phase(at)

    def day_of(self, at: int) -> date:
        """The trading day of a bar that closes at `at`; outside all sessions the exchange's own date."""
        session = self.current_or_next(at - 1)
        return session.day if session.pre < at else datetime.fromtimestamp((at - 1) // SECOND, self.zone).date()

    def next_open(self, at: int) -> int:
        """The first opening of a regular session after `at`."""
        session = self.current_or_next(at)
        return session.opens if at < session.opens else self.current_or_next(session.post).opens

    def described(self, at: int) -> str:
        """For the header, on the exchange's own clock: `NYSE open, closes 16:00`, `NYSE closed, opens Mon 09:30`."""
        spoken, session = _SPOKEN.get(self.name, self.name), self.current_or_next(at)
        match session.phase(at):
            case Phase.REGULAR:
                return f"{spoken} open, closes {self._local(session.closes):%H:%M}"
            case Phase.PRE:
                return f"{spoken} pre-market, opens {self._local(session.opens):%H:%M}"
            case Phase.POST:
                return f"{spoken} after hours, ends {self._local(session.post):%H:%M}"
            case Phase.CLOSED if session.pause and session.opens <= at:
                return f"{spoken} pauses until {self._local(session.pause[1]):%H:%M}"
            case Phase.CLOSED:
                opens = self._local(session.opens)
                return f"{spoken} closed, opens {opens:{'%H:%M' if opens.date() == self._local(at).date() else '%a %H:%M'}}"

    def _local(self, at: int) -> datetime:
        return datetime.fromtimestamp(at // SECOND, self.zone)

    def _year(self, year: int) -> list[Session]:
        if year not in self._years:
            tabled = self.name == TABLE_NAME and year in TABLE_YEARS
            if self.name == ALWAYS:
                self._years[year] = _round_the_clock(year)
            else:
                self._years |= {year: _from_table(year)} if tabled else _from_library(self.name, year)
        return self._years[year]


def _from_table(year: int) -> list[Session]:
    unusual, sessions = _unusual(), []
    day = date(year, 1, 1)
    while day.year == year:
        row = unusual.get(day.isoformat())
        if row is None and day.weekday() < 5:
            sessions.append(_new_york(day, *USUAL))
        elif row is not None and row["opens"]:
            sessions.append(_new_york(day, time.fromisoformat(row["opens"]), time.fromisoformat(row["closes"])))
        day += timedelta(days=1)
    return sessions


@cache
def _unusual() -> dict[str, dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["day"]: row for row in csv.DictReader(file)}


def _round_the_clock(year: int) -> list[Session]:
    first = date(year, 1, 1)
    days = [first + timedelta(days=number) for number in range((date(year + 1, 1, 1) - first).days)]
    midnights = [to_ns(datetime.combine(day, time(), UTC)) for day in (*days, date(year + 1, 1, 1))]
    return [Session(day, opens, opens, closes, closes) for day, (opens, closes) in zip(days, pairwise(midnights), strict=True)]


def _new_york(day: date, opens: time, closes: time) -> Session:
    # Clocks are changed on Sundays before four in the morning: from then on the hours of a day are as long as they look.
    pre = to_ns(datetime.combine(day, _PRE, NEW_YORK))
    first, last = (pre + (60 * (moment.hour - _PRE.hour) + moment.minute) * 60 * SECOND for moment in (opens, closes))
    return Session(day, pre, first, last, last + _POST)


def _library_zone(name: str) -> ZoneInfo:
    from exchange_calendars import get_calendar, get_calendar_names  # type: ignore[import-untyped]  # imports pandas

    if name not in get_calendar_names():
        raise CalendarError(f"There is no exchange {shown(name)!r}: write its market identifier code, XNYS or XLON for example, or 24/7.")
    try:
        return ZoneInfo(str(get_calendar(name).tz))
    except NotImplementedError as error:  # the library's own trouble with the installed pandas, for a few exchanges
        raise CalendarError(f"The sessions of {name} cannot be worked out by the installed exchange_calendars.") from error


def _from_library(name: str, year: int) -> dict[int, list[Session]]:
    """The sessions of `year`, and of its decade where that is known: asking takes a second, for however many years."""
    from exchange_calendars import get_calendar

    decade = year // 10 * 10
    try:
        calendar = get_calendar(name, start=f"{decade}-01-01", end=f"{decade + 9}-12-31")
    except ValueError:  # its holidays are recorded from some year on, and up to some year
        try:
            calendar = get_calendar(name, start=f"{year}-01-01", end=f"{year}-12-31")
        except ValueError as error:
            raise CalendarError(f"The sessions of {name} in {year} are not known: {shown(str(error))}") from error
    columns = (calendar.opens_nanos, calendar.closes_nanos, calendar.break_starts_nanos, calendar.break_ends_nanos)
    years: dict[int, list[Session]] = {year: []}
    for label, opens, closes, pauses, resumes in zip(calendar.sessions, *(column.tolist() for column in columns), strict=True):
        day, pause = label.date(), (pauses, resumes) if pauses > 0 else None  # the library's word for none is the smallest integer
        if name == TABLE_NAME:
            pre, post = to_ns(datetime.combine(day, _PRE, NEW_YORK)), closes + _POST
        else:
            pre, post = opens, closes
        years.setdefault(day.year, []).append(Session(day, pre, opens, closes, post, pause))
    return years
