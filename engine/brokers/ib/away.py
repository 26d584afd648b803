"""What it means that TWS or IB's servers do not answer: IB's own resets, the log-in of each week, or that something is broken.

TWS tells neither: it is gone, or says 1100. When IB is away is published, by the region of the servers that an account is at
(https://www.interactivebrokers.com/en/software/systemStatus.php), and was otherwise until 2025: a window here begins with the earlier and
ends with the later of the two. Log-ins end on Sunday at 1:00, New York time
(https://ibkrguides.com/traderworkstation/auto-restart-considerations.htm).
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.brokers.ib.codes import NOT_THERE
from engine.model.modes import LinkState
from engine.model.settings import IbRegion

_NEW_YORK = ZoneInfo("America/New_York")
_RESETS: dict[IbRegion, tuple[tuple[str, time, time], ...]] = {
    "america": (("America/New_York", time(23, 45), time(1, 45)),),
    "europe": (("Europe/Zurich", time(5, 45), time(7, 45)),),
    "asia": (("Asia/Hong_Kong", time(4, 45), time(6, 5)), ("Asia/Hong_Kong", time(20, 15), time(21, 15))),
}
_FRIDAY, _SUNDAY = 4, 6
_WEEKEND = (time(23, 0), time(3, 0))
"""From Friday night to Saturday, for all."""
_LOGINS_END = time(1, 0)
_DAY = timedelta(days=1)


class Away(Struct, frozen=True):
    state: LinkState
    reason: str


def away(why: str, now: int, heard: int, region: IbRegion, *, mute: bool = False) -> Away:
    """How the link stands that is gone, `why` says how. `heard` is when TWS was there last, 0 where it was not yet, both in ns UTC; it is
    `mute` where it takes a connection and says no word."""
    if until := reset_until(now, region):
        told = f"IB resets its servers each night, until {until} at the latest, and is tried until it is back"
        return Away(LinkState.RESET, f"{told} ({why})")
    if heard and (ended := _logins_ended(now)) > _at(heard):
        told = f"Log in at TWS or Gateway, the rest goes by itself: IB ended all log-ins on {ended:%A, %H:%M} ET, as each week"
        return Away(LinkState.LOGIN, f"{told} ({why})")
    if mute:
        told = "Log in at TWS or Gateway, or say yes to this program there; the rest goes by itself"
        return Away(LinkState.LOGIN, f"{told} ({why})")
    return Away(LinkState.DOWN, f"{why}. {NOT_THERE}")


def reset_until(now: int, region: IbRegion) -> str:
    """When the reset is over that IB may be in `now`, as `00:45 ET`; nothing where there is none."""
    at = _at(now)
    ends = [end for zone, begin, last in _RESETS[region] if (end := _end(at, ZoneInfo(zone), begin, last))]
    if (end := _end(at, _NEW_YORK, *_WEEKEND, weekday=_FRIDAY)) is not None:
        ends.append(end)
    return f"{max(ends).astimezone(_NEW_YORK):%H:%M} ET" if ends else ""


def _end(at: datetime, zone: ZoneInfo, begins: time, ends: time, weekday: int | None = None) -> datetime | None:
    """The end of the window that `at` lies in, one that begins each day or on `weekday`."""
    there = at.astimezone(zone)
    for day in (there.date(), there.date() - _DAY):
        begin = datetime.combine(day, begins, zone)
        end = datetime.combine(day + _DAY if ends < begins else day, ends, zone)
        if weekday in (None, day.weekday()) and begin.astimezone(UTC) <= at < end.astimezone(UTC):
            return end
    return None


def _logins_ended(now: int) -> datetime:
    """The last time that they did."""
    there = _at(now).astimezone(_NEW_YORK)
    day = there.date() - (there.weekday() - _SUNDAY) % 7 * _DAY
    ended = datetime.combine(day, _LOGINS_END, _NEW_YORK)
    return ended if ended <= there else datetime.combine(day - 7 * _DAY, _LOGINS_END, _NEW_YORK)


def _at(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC)
