"""Market time on the New York clock: when a day opens and closes, and which day a moment belongs to. Times are ns UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND = 1_000_000_000
NEW_YORK = ZoneInfo("America/New_York")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPEN = time(9, 30)
_CLOSE = time(16)


def to_ns(moment: datetime) -> int:
    """An aware datetime as nanoseconds, exactly."""
    passed = moment - _EPOCH
    return ((passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds) * 1000


@lru_cache(maxsize=16_384)
def close_of(day: date) -> int:
    return to_ns(datetime.combine(day, _CLOSE, NEW_YORK))


def open_of(day: date) -> int:
    return to_ns(datetime.combine(day, _OPEN, NEW_YORK))


def midnight_of(at: int) -> int:
    """The moment at which the New York day of `at` began."""
    return midnight_before(_local(at).date())


def midnight_after(at: int) -> int:
    """The first moment of the New York day that follows the day of `at`."""
    return midnight_before(_local(at).date() + timedelta(days=1))


def midnight_before(day: date) -> int:
    return to_ns(datetime.combine(day, time(), NEW_YORK))


def day_of(at: int) -> date:
    return _local(at).date()


def _local(at: int) -> datetime:
    # Whole seconds are enough to tell a day, and floats would not hold nanoseconds.
    return datetime.fromtimestamp(at // SECOND, NEW_YORK)
