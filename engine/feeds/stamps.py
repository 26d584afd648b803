"""The times of a file's bars: read as text or numbers, in whatever zone, and turned into the market time at which each bar closed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from engine.feeds.aggregate import stretches
from engine.feeds.calendar import Calendar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NONE = -(2**63)
"""What pandas calls not a time, as an integer."""
DAY = 86_400 * 10**9
YEARS = (1800, 2199)  # Nanoseconds since 1970 fit into 64 bits from 1677 to 2262.
_NUMBER = r"\d{8,18}|[1-8]\d{18}"
_SHORTEST = len("2005-2-5")
_OFFSET = r"\s*(?:Z|[+-]\d\d(?::?\d\d)?)$"
_EPOCHS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3), (2**63 - 1, 1))
"""Up to which number a count since 1970 is of seconds, milliseconds, microseconds, nanoseconds, and how many ns that unit has."""


class Stamps(NamedTuple):
    """One entry a row. `wall` is what the file's clock showed, in ns and NONE where it is not a time; `utc` the moment, where the row
    itself says so, or else NONE; `dated` whether it is a day without a time; `year` is the one that was read, possible or not."""

    wall: NDArray[np.int64]
    utc: NDArray[np.int64]
    dated: NDArray[np.bool_]
    year: NDArray[np.int64]


def read_stamps(raw: Any) -> Stamps:
    """The Series `raw`: ISO 8601 with or without an offset, days as 20050228, and seconds, ms, us or ns since 1970, told by their size."""
    import numpy as np
    import pandas as pd  # type: ignore[import-untyped]

    if pd.api.types.is_datetime64_any_dtype(raw.dtype):
        return _from_times(raw, np.zeros(len(raw), bool))
    text = raw.astype("str").str.strip()
    numeric = text.str.fullmatch(_NUMBER).to_numpy(bool)
    if not numeric.any():
        return _from_text(text)
    if numeric.all():
        return _from_numbers(text.astype("int64").to_numpy())
    stamps = _from_text(text)
    for column, values in zip(stamps, _from_numbers(text[numeric].astype("int64").to_numpy()), strict=True):
        column[numeric] = values
    return stamps


def closing_times(stamps: Stamps, calendar: Calendar, zone: ZoneInfo) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The ns UTC of each stamp, and which of them are days: those close with their session, and are NONE where there is none.

    Where the whole file has no other time of day, midnights are days. A time that the zone's clock skipped or showed twice is NONE.
    """
    import numpy as np

    known = stamps.wall != NONE
    daily = bool((stamps.wall[known] % DAY == 0).all())
    days = known & (stamps.dated | daily)
    at = np.where(days, NONE, stamps.utc)
    naive = known & ~days & (stamps.utc == NONE)
    if naive.any():
        import pandas as pd

        walls = pd.DatetimeIndex(stamps.wall[naive].view("datetime64[ns]"))
        # A file of one symbol has each time once; of many, many times: each is looked up once.
        codes, unique = pd.factorize(walls)
        moments = unique.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").tz_convert("UTC").tz_localize(None)
        at[naive] = moments.to_numpy("datetime64[ns]").view("int64")[codes]
    if days.any():
        unique, codes = np.unique(stamps.wall[days] // DAY, return_inverse=True)
        sessions = (calendar.session_on(date.fromordinal(719_163 + number)) for number in unique.tolist())
        at[days] = np.array([session.closes if session else NONE for session in sessions], dtype="int64")[codes]
    return at, days


def from_opens(starts: NDArray[np.int64], days: NDArray[np.bool_], length: int, calendar: Calendar) -> NDArray[np.int64]:
    """The closes of bars that are labelled by their opens: `length` ns later, but never past the session's next opening or close."""
    import numpy as np

    ends = starts + length
    if len(starts):
        bounds = np.array(stretches(calendar, int(starts.min()), int(ends.max())), dtype="int64").ravel()
        following = np.append(bounds, 2**63 - 1)[np.searchsorted(bounds, starts, side="right")]
        ends = np.minimum(ends, following)
    return np.where(days, starts, ends)


def _from_text(text: Any) -> Stamps:
    import pandas as pd

    # Shorter is a month, a time of day, or a word like `now`, which pandas takes for one.
    text = text.where(text.str.len() >= _SHORTEST, "")
    dated = ~(text.str.contains(" ", regex=False) | text.str.contains("T", regex=False)).to_numpy(bool)
    try:
        return _from_times(pd.to_datetime(text, format="ISO8601", errors="coerce"), dated)
    except ValueError:  # offsets that differ, or only some have one
        zoned = text.str.contains(r"[T ]\d[\d:.]*" + _OFFSET).to_numpy(bool)
    # What else looks like an offset, `-010` say, is none.
    bare = text.str.replace(_OFFSET, "", regex=True).where(zoned, text.where(~text.str.contains(r"[T ].*[^\d:.]"), ""))
    wall, year = _nanoseconds(pd.to_datetime(bare, format="ISO8601", errors="coerce"))
    utc = wall * 0 + NONE
    utc[zoned] = _nanoseconds(pd.to_datetime(text[zoned], format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None))[0]
    impossible = zoned & (utc == NONE) & (wall != NONE)
    wall[impossible], year[impossible] = NONE, 0
    return Stamps(wall, utc, dated, year)


def _from_times(times: Any, dated: NDArray[np.bool_]) -> Stamps:
    """Of a Series of one datetime type."""
    if times.dt.tz is None:
        wall, year = _nanoseconds(times)
        return Stamps(wall, wall * 0 + NONE, dated, year)
    utc, year = _nanoseconds(times.dt.tz_convert("UTC").dt.tz_localize(None))
    # No zone's clock is asked about years that are not to be believed: it may know none so far away.
    wall = _nanoseconds(times.where(utc != NONE).dt.tz_localize(None))[0]
    return Stamps(wall, utc, dated, year)


def _from_numbers(numbers: NDArray[np.int64]) -> Stamps:
    import numpy as np
    import pandas as pd

    dated = numbers < 10**8
    utc = np.full(len(numbers), NONE)
    rest = ~dated
    for bound, unit in _EPOCHS:
        these = rest & (numbers <= bound)
        rest &= ~these
        these &= numbers <= (2**63 - 1) // unit
        utc[these] = numbers[these] * unit
    years = np.where(utc == NONE, 0, utc.view("datetime64[ns]").astype("datetime64[Y]").astype("int64") + 1970)
    wall = utc.copy()
    wall[dated], years[dated] = _nanoseconds(pd.Series(pd.to_datetime(numbers[dated].astype(str), format="%Y%m%d", errors="coerce")))
    return Stamps(wall, utc, dated, years)


def _nanoseconds(times: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The Series of naive times in ns, NONE where the year is not to be believed, and the years, 0 where there is no time."""
    year = times.dt.year.fillna(0).astype("int64")
    return times.where(year.between(*YEARS)).astype("datetime64[ns]").to_numpy().view("int64").copy(), year.to_numpy().copy()
