"""Notices: what matters stays until it was read. The rules here are the one place that says which lines of the log matter.

A notice leads to what it is about: an order by its number, a signal by its own, a symbol in the watchlist, else the log's line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from engine.model.modes import Level
from engine.model.views import LogLine
from widgets import numbers

_LEAST_CAUSE = 12
"""Characters; fewer may stand anywhere by chance."""
_OUTAGE, _OVER = re.compile(r"link [a-z]+: "), "link was down "
"""How what tells of a link begins: while it is down, and once it is back."""
KEPT = 200
"""Notices at most. The oldest go, read ones first: the log has them."""


class Rule(Struct, frozen=True):
    """Lines of `source` and `level` whose text matches; an empty source or no level is any. `panel` is where to look, by the row that `row`
    finds in the text; without one it is the log's line. With `away` it only matters where nobody was watching."""

    source: str
    level: Level | None
    text: str = ""
    matters: bool = True
    panel: str = "log"
    row: str = ""
    away: bool = False

    def fits(self, line: LogLine) -> bool:
        if self.source not in ("", line.source) or self.level not in (None, line.level):
            return False
        return not self.text or re.match(self.text, line.text) is not None


_ORDER, _SYMBOL, _SIGNAL = r"#(\d+)", r"(\S+)", r"signal (\d+)"
RULES = (
    Rule("alert", None, panel="watch", row=_SYMBOL),
    Rule("backtest", None),
    # The stop that you pressed yourself stands in the banner.
    Rule("trading", Level.ERROR, r"HALTED, set by you\b", matters=False),
    Rule("order", Level.ERROR, panel="orders", row=_ORDER),
    # Fees that a broker tells a moment after the fill.
    Rule("fill", Level.INFO, r"#\d+: fees ", matters=False),
    Rule("fill", Level.INFO, panel="orders", row=_ORDER, away=True),
    Rule("fill", Level.WARNING, panel="orders", row=_ORDER),
    Rule("orders", Level.WARNING, panel="orders", row=_ORDER),
    Rule("reconcile", Level.ERROR, r"#\d", panel="orders", row=_ORDER),
    Rule("reconcile", None),
    Rule("risk", Level.ERROR, panel="risk"),
    Rule("cash", Level.WARNING),
    Rule("split", Level.WARNING),
    Rule("start", Level.WARNING),
    Rule("", Level.WARNING, r"Account \S+ is kept in "),
    # A broker or feed for which somebody must log in.
    Rule("", Level.WARNING, r"link login\b|Log in at\b"),
    Rule("", Level.WARNING, r"signal \d+ \S+ expired\b", panel="signals", row=_SIGNAL),
    # A strategy that is disabled, a link that is down, a mismatch, what broke: errors are said by whoever made them.
    Rule("", Level.ERROR),
)
"""The first that fits decides; what none fits stays a line of the log."""


class Notice(Struct, frozen=True):
    """`number` is its newest line's in the log, `at` that line's time, by the clock that the screen has; `since` is the time when the same
    was first said, `count` how often it was. `row` is the number of the order or signal, or the symbol, that it is about, empty where it is
    the line itself."""

    number: int
    at: int
    level: Level
    source: str
    text: str
    panel: str
    since: int
    row: str = ""
    count: int = 1
    read: bool = False
    account: str = ""
    """Whose it is, of several."""

    @property
    def said(self) -> str:
        return f"{self.account}: {self.text}" if self.account else self.text


class Notices:
    """Takes them from the log as the View shows it."""

    def __init__(self) -> None:
        self._seen = 0
        self._notices: list[Notice] = []

    @property
    def newest_first(self) -> tuple[Notice, ...]:
        return tuple(reversed(self._notices))

    @property
    def unread(self) -> tuple[Notice, ...]:
        """The newest first."""
        return tuple(notice for notice in reversed(self._notices) if not notice.read)

    def take(self, log: tuple[LogLine, ...], *, away: bool) -> list[Notice]:
        """The notices among the lines that came since the last call. `away` says that nobody was watching meanwhile."""
        if not log or log[-1].number <= self._seen:
            return []
        lines = [line for line in log if line.number > self._seen]
        self._seen = log[-1].number
        new = [notice for line in lines if (notice := notice_of(line, away=away)) is not None]
        for notice in new:
            self._add(notice)
        return new

    def read(self, number: int) -> None:
        self._notices = [replace(notice, read=True) if notice.number == number else notice for notice in self._notices]

    def read_all(self) -> None:
        self._notices = [replace(notice, read=True) for notice in self._notices]

    def is_back(self, account: str, link: str, now: int) -> None:
        """This link is up: of what it was down for a line is left, until that is read."""
        its = [notice for notice in self._notices if not notice.read and (notice.account, notice.source) == (account, link)]
        down = [notice for notice in its if _OUTAGE.match(notice.text)]
        if not down:
            return
        before = [notice for notice in its if notice.text.startswith(_OVER)]
        first, newest = down[0], down[-1]
        since = numbers.moment(first.since, numbers.market_day(now))
        text = f"{_OVER}from {since} to {numbers.market_time(now)} and is back"
        told = replace(newest, level=Level.WARNING, text=text, count=1 + sum(notice.count for notice in before))
        gone = {notice.number for notice in (*down, *before)} - {newest.number}
        self._notices = [told if notice is newest else notice for notice in self._notices if notice.number not in gone]

    def _add(self, notice: Notice) -> None:
        """What was said before and is still unread is said again, not twice."""
        for place, other in enumerate(self._notices):
            if not other.read and _same(other, notice):
                del self._notices[place]
                notice = replace(notice, count=other.count + 1, since=other.since)
                break
        self._notices.append(notice)
        while len(self._notices) > KEPT:
            self._notices.pop(next((place for place, other in enumerate(self._notices) if other.read), 0))


def is_told_in(notice: Notice, text: str) -> bool:
    """Whether `text`, which stands on the screen already, says why: a part of the notice's first sentence."""
    first, there = notice.text.partition(". ")[0].rstrip(".").casefold(), text.casefold()
    return any(len(part) >= _LEAST_CAUSE and part in there for part in first.split(": "))


def notice_of(line: LogLine, *, away: bool) -> Notice | None:
    """The notice that `line` is, if it is one."""
    rule = next((rule for rule in RULES if rule.fits(line)), None)
    if rule is None or not rule.matters or (rule.away and not away):
        return None
    found = re.search(rule.row, line.text) if rule.row else None
    panel = rule.panel if found or not rule.row else "log"
    row = found[1] if found else ""
    return Notice(line.number, line.time, line.level, line.source, line.text, panel, line.time, row, account=line.account)


def _same(one: Notice, other: Notice) -> bool:
    """An alert that fires again says another price, and is the same."""
    if (one.account, one.source, one.row) != (other.account, other.source, other.row):
        return False
    return _without_numbers(one.text) == _without_numbers(other.text) if one.source == "alert" else one.text == other.text


def _without_numbers(text: str) -> str:
    return re.sub(r"^(\S+) \S+", r"\1", text)


def loudest(notices: Iterable[Notice]) -> Level:
    """The level of the worst."""
    levels = [notice.level for notice in notices]
    return next((level for level in (Level.ERROR, Level.WARNING) if level in levels), Level.INFO)
