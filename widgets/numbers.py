"""How numbers and times are written on the screen: one way for each kind, the same in every panel."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

Number: TypeAlias = Decimal | float | int

NONE = "-"
"""Stands wherever a number does not apply or is not known."""

UP, DOWN, FLAT = "▲", "▼", "·"
_DAY = "%Y-%m-%d"
_SECOND = 1_000_000_000
_EXCHANGE = ZoneInfo("America/New_York")
_MAGNITUDES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))


def _known(value: Number | None) -> bool:
    if value is None:
        return False
    return value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)


@lru_cache(maxsize=256)
def decimals_of(tick: Decimal) -> int:
    """Digits after the point that a price on this tick needs: 2 for 0.01, 2 for 0.25, 0 for 1."""
    exponent = tick.normalize().as_tuple().exponent
    return min(12, max(0, -exponent)) if isinstance(exponent, int) else 2


def price(value: Number | None, tick: Decimal) -> str:
    """187.52, in the decimals of the tick."""
    return f"{value:,.{decimals_of(tick)}f}" if _known(value) else NONE


def money(value: Number | None) -> str:
    """101,284.50"""
    return f"{value:,.2f}" if _known(value) else NONE


def quantity(value: Number | None) -> str:
    """-200, 1,000, 0.5: no more decimals than it has."""
    if value is None or not _known(value):
        return NONE
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed(value: Number | None, decimals: int = 2) -> str:
    """+212.40; nothing that rounds to zero wears a sign."""
    if value is None or not _known(value):
        return NONE
    text = f"{value:+,.{decimals}f}"
    return text[1:] if not text.strip("+-0.,") else text


def percent(fraction: Number | None) -> str:
    """+0.84% for 0.0084."""
    return f"{signed(fraction * 100)}%" if fraction is not None and _known(fraction) else NONE


def fraction_of(part: Number, whole: Number) -> float:
    """part / whole as a float; nan where that says nothing."""
    if not _known(part) or not _known(whole) or not whole:
        return math.nan
    return float(part) / float(whole)


def arrow(value: Number | None) -> str:
    """The way it went, so that colour never has to say it alone."""
    return {"up": UP, "down": DOWN}.get(direction(value), FLAT)


def direction(value: Number | None) -> str:
    """The style role of a signed number: `up`, `down` or `flat`."""
    if value is None or not _known(value) or value == 0:
        return "flat"
    return "up" if value > 0 else "down"


def change(fraction: Number | None) -> str:
    """▲ +0.84%; what is written as zero points nowhere."""
    return f"{arrow(_as_written(fraction))} {percent(fraction)}" if fraction is not None and _known(fraction) else NONE


def change_direction(fraction: Number | None) -> str:
    """The style role of a `change`."""
    return direction(_as_written(fraction))


def _as_written(fraction: Number | None) -> Number | None:
    """In hundredths of a per cent."""
    return round(float(fraction), 4) if fraction is not None and _known(fraction) else None


def profit(amount: Number | None) -> str:
    """▲ +32.00; what is written as nothing points nowhere."""
    return f"{arrow(_in_cents(amount))} {signed(amount)}" if amount is not None and _known(amount) else NONE


def profit_direction(amount: Number | None) -> str:
    """The style role of a `profit`."""
    return direction(_in_cents(amount))


def _in_cents(amount: Number | None) -> Number | None:
    return round(float(amount), 2) if amount is not None and _known(amount) else None


def volume(value: Number | None) -> str:
    """45.2M; whole below a thousand, and nothing traded is `-`."""
    amount = float(value) if value is not None and _known(value) else 0.0
    if not amount or not math.isfinite(amount):
        return NONE
    for size, letter in _MAGNITUDES:
        # 999,950 rounds to 1000.0K, which is written 1.0M.
        if abs(amount) >= size * (0.99995 if size > 1e3 else 1):
            return f"{amount / size:,.1f}{letter}"
    return f"{amount:.0f}"


def milliseconds(value: float | None) -> str:
    """2ms, 340ms, 1.2s, 3m: how late or how long ago."""
    if value is None or not _known(value):
        return NONE
    if value < 999.5:
        return f"{max(0.0, value):.0f}ms"
    return f"{value / 1000:.1f}s" if value < 10_000 else age(value / 1000)


def age(seconds: Number | None) -> str:
    """7s, 3m, 2h, 5d"""
    if seconds is None or not _known(seconds):
        return NONE
    whole = max(0, int(seconds))
    for size, letter in ((86_400, "d"), (3600, "h"), (60, "m")):
        if whole >= size:
            return f"{whole // size}{letter}"
    return f"{whole}s"


def stale(seconds: int) -> str:
    """How a price is called that is too old to trade on; 0 where nobody knows how old it is."""
    return f"stale {age(seconds)}" if seconds else "stale"


def countdown(seconds: int | None) -> str:
    """0:42, 12:05, 1:00:00"""
    if seconds is None:
        return NONE
    minutes, rest = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def exchange_time(at: int) -> datetime | None:
    """Nanoseconds UTC on the exchange's clock in New York; None for a time no calendar has."""
    try:
        return datetime.fromtimestamp(at // _SECOND, tz=UTC).astimezone(_EXCHANGE) if at > 0 else None
    except (OverflowError, OSError, ValueError):
        return None


def market_time(at: int, pattern: str = "%H:%M:%S") -> str:
    """Nanoseconds UTC as the exchange's clock in New York shows them; zero, or a time no calendar has, is `-`."""
    return _moment(at, pattern, _EXCHANGE)


def market_day(at: int) -> str:
    """The day it is in New York then, to tell `moment` which one is today."""
    return market_time(at, _DAY)


def moment(at: int, today: str, pattern: str = "%H:%M:%S") -> str:
    """When, in New York: today by the time of day, on another day with that day, and in another year by its day alone."""
    day = market_day(at)
    if NONE in (day, today) or day == today:
        return market_time(at, pattern)
    return market_time(at, "%m-%d %H:%M") if day[:4] == today[:4] else day


def wall_time(at: int, pattern: str = "%H:%M:%S") -> str:
    """Nanoseconds UTC on this computer's own clock."""
    return _moment(at, pattern, None)


def _moment(at: int, pattern: str, zone: ZoneInfo | None) -> str:
    if at <= 0:
        return NONE
    try:
        return datetime.fromtimestamp(at // _SECOND, tz=UTC).astimezone(zone).strftime(pattern)
    except (OverflowError, OSError, ValueError):
        return NONE
