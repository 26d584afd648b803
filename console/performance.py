"""Figures of the account over a period, from what the history holds. Money is exact; nothing divides by zero."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from engine.model.money import WIDE, ZERO

if TYPE_CHECKING:
    from storage.history import History
_EXCHANGE = ZoneInfo("America/New_York")
_ONE = Decimal(1)
MOST_POINTS = 5_000


class Period(StrEnum):
    """Each up to now, and back to: the session's open, 7 or 30 days before, the year's first day, the first session."""

    DAY = "Day"
    WEEK = "7 days"
    MONTH = "30 days"
    YEAR = "Year to date"
    ALL = "All"


class Earned(Protocol):
    """A row of results: of a session, or of all time."""

    @property
    def symbol(self) -> str: ...
    @property
    def strategy(self) -> str: ...
    @property
    def fills(self) -> int: ...
    @property
    def realised(self) -> Decimal: ...
    @property
    def fees(self) -> Decimal: ...
    @property
    def wins(self) -> int: ...
    @property
    def losses(self) -> int: ...
    @property
    def gained(self) -> Decimal: ...
    @property
    def lost(self) -> Decimal: ...


class Results(Struct, frozen=True):
    """What trading brought. A trade is an order that closed something, fees counted, as the history counts them."""

    name: str = ""
    fills: int = 0
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    wins: int = 0
    losses: int = 0
    gained: Decimal = ZERO
    lost: Decimal = ZERO
    unrealised: Decimal = ZERO

    @property
    def profit(self) -> Decimal:
        return self.realised + self.unrealised

    @property
    def win_rate(self) -> float | None:
        """Trades that won of all that won or lost, 0 to 1; None before one did (Pardo, The Evaluation and Optimization of Trading
        Strategies: the percentage of winning trades)."""
        return self.wins / (self.wins + self.losses) if self.wins + self.losses else None

    @property
    def profit_factor(self) -> float | None:
        """All that winning trades gained over all that losing ones lost (Pardo: gross profit over gross loss); None where none lost."""
        return float(self.gained / self.lost) if self.lost else None

    def plus(self, row: Earned) -> Results:
        return replace(
            self,
            fills=self.fills + row.fills,
            realised=self.realised + row.realised,
            fees=self.fees + row.fees,
            wins=self.wins + row.wins,
            losses=self.losses + row.losses,
            gained=self.gained + row.gained,
            lost=self.lost + row.lost,
        )


class Mark(Struct, frozen=True):
    """Equity at a time, in nanoseconds UTC."""

    at: int
    equity: Decimal


class Session(Struct, frozen=True):
    """A trading day: the equity it began and ended with, and what came in (or went out) meanwhile without a trade."""

    name: str
    began: Decimal
    ended: Decimal
    flow: Decimal = ZERO

    @property
    def profit(self) -> Decimal:
        return self.ended - self.began - self.flow


class Account(Struct, frozen=True):
    """What the history says of a period that ends with `session`: the points of equity in order of time, the trading days, deposits and the
    like as (time, amount), and what trading brought."""

    session: str
    marks: tuple[Mark, ...]
    sessions: tuple[Session, ...]
    flows: tuple[tuple[int, Decimal], ...]
    earned: tuple[Earned, ...]


class Figures(Struct, frozen=True):
    """`profit` is what equity changed by without deposits and withdrawals, `total` the time-weighted return over the period, `best` and
    `worst` a session's (name, profit). None stands where there is nothing to tell it from."""

    equity: Decimal | None
    profit: Decimal | None
    total: float | None
    drawdown: float
    fell: Decimal
    best: tuple[str, Decimal] | None
    worst: tuple[str, Decimal] | None


async def ask(history: History, period: Period) -> Account:
    """The account over `period`, read on the archive's thread."""
    opened = await history.sessions(limit=1)
    now = opened[0].session if opened else ""
    since = _since(now, period)
    days = [day for day in await history.equity_days() if day.session <= now]
    flows = [row for row in await history.flows() if since <= row.session <= now]
    moved: dict[str, Decimal] = {}
    for row in flows:
        moved[row.session] = moved.get(row.session, ZERO) + row.amount
    sessions: list[Session] = []
    before: Decimal | None = None
    for day in days:
        if day.session >= since:
            began = day.open if before is None else before
            sessions.append(Session(day.session, began, day.close, moved.get(day.session, ZERO)))
        before = day.close
    if period is Period.DAY and opened:
        # The loss limit and the header count from the session's opening equity, and so does this.
        sessions = [replace(session, began=opened[0].equity) for session in sessions]
    earned: tuple[Earned, ...] = await (history.totals() if period is Period.ALL else history.daily(since=since, until=now))
    marks = await _marks(history, since) if period in (Period.DAY, Period.WEEK) else ()
    if not marks:
        inside = [day for day in days if day.session >= since]
        marks = tuple(Mark(day.at, equity) for day in inside for equity in (day.open, day.close))
    return Account(now, marks, tuple(sessions), tuple((row.at, row.amount) for row in flows), earned)


async def ask_session(history: History, name: str, opening: Decimal) -> Account:
    """The account over the session `name` alone, which it opened with the equity `opening`; read on the archive's thread."""
    day = next((day for day in await history.equity_days() if day.session == name), None)
    flows = [row for row in await history.flows() if row.session == name]
    marks = await _marks(history, name, name)
    if not marks and day is not None:
        marks = tuple(Mark(day.at, equity) for equity in (day.open, day.close))
    moved = sum((row.amount for row in flows), ZERO)
    sessions = (Session(name, opening, day.close, moved),) if day is not None else ()
    earned: tuple[Earned, ...] = await history.daily(since=name, until=name)
    return Account(name, marks, sessions, tuple((row.at, row.amount) for row in flows), earned)


def _since(session: str, period: Period) -> str:
    """The first session's name of the period that ends with `session`; names are days, and one that is none is a period of its own."""
    try:
        day = date.fromisoformat(session)
    except ValueError:
        return session if period is not Period.ALL else ""
    match period:
        case Period.WEEK:
            return (day - timedelta(days=6)).isoformat()
        case Period.MONTH:
            return (day - timedelta(days=29)).isoformat()
        case Period.YEAR:
            return date(day.year, 1, 1).isoformat()
        case Period.ALL:
            return ""
        case _:
            return session


async def _marks(history: History, since: str, until: str = "") -> tuple[Mark, ...]:
    """The points of equity since the midnight (New York) of the day `since`, up to the one that ends the day `until` where it is given;
    oldest first, the newest where there are too many."""
    try:
        begin = _midnight(date.fromisoformat(since))
        end = _midnight(date.fromisoformat(until) + timedelta(days=1)) if until else None
    except ValueError:
        return ()
    newest = await history.equity(since=begin, until=end, limit=MOST_POINTS)
    return tuple(Mark(row.at, row.equity) for row in reversed(newest))


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=_EXCHANGE).timestamp()) * 1_000_000_000


def curve(account: Account, equity: Decimal | None) -> tuple[Mark, ...]:
    """The points of equity with what came in or went out without a trade taken out of them, and `equity`, what it is worth now, last."""
    marks, moved, flows = [], ZERO, list(account.flows)
    for mark in account.marks:
        while flows and flows[0][0] <= mark.at:
            moved += flows.pop(0)[1]
        marks.append(Mark(mark.at, mark.equity - moved))
    if marks and equity is not None:
        marks.append(Mark(marks[-1].at, equity - sum((amount for _, amount in account.flows), ZERO)))
    return tuple(marks)


def figures(account: Account, equity: Decimal | None) -> Figures:
    """The figures of `account`; `equity` is what it is worth now, where that is known.

    The return is time-weighted: the sessions' returns, profit over the equity each began with, multiplied (Bacon, Practical Portfolio
    Performance Measurement and Attribution), so that a deposit is no gain. The drawdown is the largest fall from the
    highest before it, as a part of it (Magdon-Ismail and Atiya, Maximum Drawdown, 2004), over the points that are drawn.
    """
    sessions = list(account.sessions)
    if sessions and equity is not None and sessions[-1].name == account.session:
        sessions[-1] = replace(sessions[-1], ended=equity)
    growth = _ONE
    for session in sessions:
        if session.began > 0:
            growth = WIDE.multiply(growth, _ONE + WIDE.divide(session.profit, session.began))
    highest, share, fell = ZERO, ZERO, ZERO
    for mark in curve(account, equity):
        highest = max(highest, mark.equity)
        if highest > 0 and highest - mark.equity > share * highest:
            share, fell = (highest - mark.equity) / highest, highest - mark.equity
    return Figures(
        equity=equity if equity is not None else sessions[-1].ended if sessions else None,
        profit=sum((session.profit for session in sessions), ZERO) if sessions else None,
        total=float(growth - _ONE) if sessions else None,
        drawdown=float(share),
        fell=fell,
        best=max(((session.name, session.profit) for session in sessions), key=lambda each: each[1], default=None),
        worst=min(((session.name, session.profit) for session in sessions), key=lambda each: each[1], default=None),
    )


def results(rows: Iterable[Earned], by: str, unrealised: dict[str, Decimal]) -> list[Results]:
    """The rows added up by `symbol` or `strategy`, with what is open now, the best first."""
    found: dict[str, Results] = {name: Results(name, unrealised=amount) for name, amount in unrealised.items() if amount}
    for row in rows:
        name: str = getattr(row, by)
        found[name] = found.get(name, Results(name)).plus(row)
    return sorted(found.values(), key=lambda each: (-each.profit, each.name))


def together(rows: Iterable[Earned]) -> Results:
    """All of them added up."""
    whole = Results()
    for row in rows:
        whole = whole.plus(row)
    return whole
