"""Judges the rows of a table of bars, whatever it was read from, and makes columns of the good ones. Works on whole columns at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.feeds.bar_columns import BarColumns, Columns
from engine.feeds.base import FeedError
from engine.feeds.calendar import Calendar
from engine.feeds.faults import Faults
from engine.feeds.names import as_symbol, is_symbol, shown
from engine.feeds.new_york import SECOND
from engine.feeds.stamps import NONE, Stamps, closing_times, from_opens, read_stamps
from engine.feeds.timeframe import DAY_S
from engine.feeds.titles import PRICES, VALUES, Places
from engine.model.money import LEAST_PRICE, MOST_PRICE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]
    Times = NDArray[np.int64]
    Floats = NDArray[np.float64]

MOST_BYTES = 1 << 30
"""Of one file, unpacked: some fifteen million bars as text. A small file may hold more than memory does, by intent or not."""
_MOST_VOLUME = 1e15
_ROUNDING = 1.001
"""Adjusting for splits and dividends rounds, which may put an open or a close a hair past the high or the low."""
_SPIKE = 3.0
"""A bar that reaches so many times away from the closes before and after it is a slip: what happened would have left a trace."""
_STEP = 1.75
"""What opens so many times higher or lower than the close before may be a split; the smallest usual one is two for one."""
_STEPS_TOLD = 5
_ENOUGH = 1000
"""Gaps between bars that are looked at."""


def too_long(file: str) -> FeedError:
    return FeedError(f"{file} holds more than {MOST_BYTES // 10**6:,} MB: put its bars into several files, in a folder of their own.")


class RawTable(Struct, frozen=True):
    """The rows of `file` as they stand there: a frame with the columns time, open, high, low, close, volume, where they are given
    `adj close` and symbol, and for text `surplus`, what stands beyond the last title. Its index counts them, in `unit`s, or names them.
    `stamps` are its times, where they have been read already."""

    file: str
    unit: Literal["line", "row", "bar"]
    frame: Any
    stamps: Stamps | None = None


class Rules(Struct, frozen=True):
    """How files are to be read. Times without an offset are of `zone`, a bar's time is that of its `bar_time`, and none closes after
    `now` (ns UTC). With `refuse`, one bad row is too many.

    `splits` are the days by which a split changed a symbol's price, None where nobody named any: then a column `adj close` is used.
    `length_s` is how many seconds a bar lasts, 0 where only the file itself tells.
    """

    calendar: Calendar
    now: int
    zone: ZoneInfo
    bar_time: Literal["open", "close"] = "close"
    refuse: bool = False
    splits: frozenset[tuple[str, date]] | None = None
    length_s: int = 0


class BarFile(Struct, frozen=True):
    """What a file held: the bars of each symbol, oldest first, the symbols in the order of their first row, and sentences about the rows
    left out and about what looks odd."""

    bars: Mapping[str, BarColumns]
    problems: tuple[str, ...]


def frame_of(cells: Any, places: Places) -> Any:
    """The frame of a RawTable out of one whose columns are numbered by their place."""
    import pandas as pd  # type: ignore[import-untyped]

    times = [cells[place] for place in places.time]
    time = times[0] if len(times) == 1 else times[0].astype("str").str.strip() + " " + times[1].astype("str").str.strip()
    columns = {"time": time, **{name: cells[place] for name, place in places.values.items()}}
    if places.adjusted is not None:
        columns["adj close"] = cells[places.adjusted]
    if places.symbol is not None:
        columns["symbol"] = cells[places.symbol]
    return pd.DataFrame(columns)


def read_table(raw: RawTable, symbol: str, rules: Rules) -> BarFile:
    """The good rows of `raw`, as bars of `symbol` where it has no column of them.

    Raises FeedError where there is none, where most go back in time, and where `rules` refuse bad ones.
    """
    return _Reading(raw, symbol, rules).read()


class _Reading:
    """One table on its way. Each check looks at all rows."""

    def __init__(self, raw: RawTable, symbol: str, rules: Rules) -> None:
        frame = raw.frame
        if "surplus" in frame:
            blank = (frame["time"] == "") & (frame["open"] == "") & (frame["close"] == "")
            frame = frame[~blank] if blank.any() else frame
        self._frame = frame
        self._stamps = raw.stamps
        self._file, self._unit, self._rules = raw.file, raw.unit, rules
        self._faults = Faults(raw.file, len(frame), self._where)
        self._symbols, self._codes = _symbols(frame, symbol)
        self._values: dict[str, Floats] = {name: _numbers(frame[name]) for name in VALUES}

    def read(self) -> BarFile:
        stamps = self._stamps or read_stamps(self._frame["time"])
        self._check_shape()
        self._check_times(stamps)
        self._check_values()
        at = self._closes(stamps)
        self._check_order(at)
        if self._rules.splits is None and "adj close" in self._frame:
            self._adjust()
        self._check_spikes()
        if self._rules.refuse:
            self._faults.refuse()
        bars: dict[str, BarColumns] = {}
        steps: list[str] = []
        for symbol, rows in self._by_symbol():
            bars[symbol] = BarColumns(symbol, Columns(at[rows], *(self._values[name][rows] for name in VALUES)))
            steps += self._steps(symbol, at, rows)
        if not bars:
            raise self._faults.nothing_left()
        return BarFile(bars, (*self._faults.skipped(), *steps))

    # ---- what makes a row bad

    def _check_shape(self) -> None:
        import numpy as np

        if "surplus" in self._frame:
            surplus = (self._frame["surplus"] != "").to_numpy(bool)
            self._faults.add(surplus, lambda place: "it has more fields than the first line has titles")
        unknown = np.array([not is_symbol(symbol) for symbol in self._symbols], dtype=bool)
        self._faults.add(unknown[self._codes], lambda place: f"{shown(self._symbol(place))!r} is not a symbol")

    def _check_times(self, stamps: Stamps) -> None:
        wrong = stamps.wall == NONE
        self._faults.add(wrong & (stamps.year != 0), lambda place: f"the year {stamps.year[place]} cannot be right")
        self._faults.add(wrong, lambda place: f"{self._text('time', place)!r} is not a date, an ISO 8601 time or a count since 1970")

    def _check_values(self) -> None:
        import numpy as np

        for name in VALUES:
            self._faults.add(~np.isfinite(self._values[name]), partial(self._no_number, name))
        for name in PRICES:
            values = self._values[name]
            self._faults.add(values <= 0, partial(self._say, name, "and a price is above zero"))
            self._faults.add(~_are_prices(values), partial(self._say, name, "which no market ever showed"))
        volume, high, low = self._values["volume"], self._values["high"], self._values["low"]
        self._faults.add(volume < 0, partial(self._say, "volume", "below zero"))
        self._faults.add(volume > _MOST_VOLUME, partial(self._say, "volume", "which no market ever showed"))
        self._faults.add(high < low, lambda place: f"the high {high[place]:g} is below the low {low[place]:g}")
        for name in ("open", "close"):
            values = self._values[name]
            self._faults.add((values < low / _ROUNDING) | (values > high * _ROUNDING), partial(self._outside, name))

    def _closes(self, stamps: Stamps) -> Times:
        """When each bar closed, ns UTC; of bad rows anything."""
        import numpy as np

        rules = self._rules
        # No calendar is asked about what is far away: it may not reach there, and the row is bad anyway.
        self._late(stamps.wall, rules.now + 2 * DAY_S * SECOND)
        stamps = stamps._replace(wall=np.where(self._faults.good, stamps.wall, NONE))
        at, days = closing_times(stamps, rules.calendar, rules.zone)
        lost = (at == NONE) & (stamps.wall != NONE)
        no_session = "{0} has no session on {1:%a %Y-%m-%d} (feed.calendar)"
        self._faults.add(lost & days, lambda place: no_session.format(rules.calendar.name, _utc(stamps.wall[place])))
        no_time = "{1:%Y-%m-%d %H:%M} comes twice or never on the clock of {0}: write it with its offset"
        self._faults.add(lost, lambda place: no_time.format(rules.zone, _utc(stamps.wall[place])))
        if rules.bar_time == "open":
            for _, rows in self._by_symbol():
                length = rules.length_s * SECOND or self._length(at[rows], days[rows])
                at[rows] = from_opens(at[rows], days[rows], length, rules.calendar)
        self._late(at, rules.now)
        return at

    def _late(self, at: Times, now: int) -> None:
        self._faults.add(at > now, lambda place: f"it closes in the future, on {_utc(at[place]):%Y-%m-%d}")

    def _length(self, starts: Times, days: NDArray[np.bool_]) -> int:
        """Of one symbol's bars, in ns."""
        import numpy as np

        gaps = np.diff(starts[:_ENOUGH])
        lengths, counts = np.unique(gaps[gaps > 0], return_counts=True)
        if days.all():
            return 0
        if not len(lengths):
            raise FeedError(f"{self._file} has a single bar of a symbol, which does not say how long it is: give the time of its close.")
        return int(lengths[counts.argmax()])

    def _check_order(self, at: Times) -> None:
        import numpy as np

        again, back = np.zeros(len(at), bool), np.zeros(len(at), bool)
        for _, rows in self._by_symbol():
            latest = np.maximum.accumulate(at[rows])[:-1]
            again[rows[1:]] = at[rows[1:]] == latest
            back[rows[1:]] = at[rows[1:]] < latest
        if int(back.sum()) > len(at) // 2:
            raise FeedError(f"{self._file} runs backward in time, newest first: sort it oldest first.")
        self._faults.add(again, lambda place: f"{self._symbol(place)} has this time already: {self._text('time', place)}")
        self._faults.add(back, lambda place: f"{self._symbol(place)} goes back in time: {self._text('time', place)}")

    def _adjust(self) -> None:
        """Prices by `adj close / close`. The volume stays: the file does not say which part of the ratio is splits."""
        import numpy as np

        adjusted = _numbers(self._frame["adj close"])
        self._faults.add(~_are_prices(adjusted), lambda place: f"adj close is {self._text('adj close', place)!r}, not a price")
        with np.errstate(all="ignore"):  # bad rows are among them
            ratio = adjusted / self._values["close"]
            self._values |= {name: adjusted if name == "close" else self._values[name] * ratio for name in PRICES}

    def _check_spikes(self) -> None:
        import numpy as np

        spikes = np.zeros(len(self._codes), bool)
        high, low, close = self._values["high"], self._values["low"], self._values["close"]
        for _, rows in self._by_symbol():
            before, here, after = close[rows[:-2]], rows[1:-1], close[rows[2:]]
            spikes[here] = (high[here] > _SPIKE * np.maximum(before, after)) | (low[here] < np.minimum(before, after) / _SPIKE)
        said = "from {:g} to {:g} it reaches over {:g} times away from the bars before and after it"
        self._faults.add(spikes, lambda place: said.format(low[place], high[place], _SPIKE))

    def _by_symbol(self) -> Iterator[tuple[str, Rows]]:
        """Each symbol's good rows, in the file's order."""
        import numpy as np

        good = np.flatnonzero(self._faults.good)
        rows = good[np.argsort(self._codes[good], kind="stable")]
        for group in np.split(rows, np.flatnonzero(np.diff(self._codes[rows])) + 1):
            if len(group):
                yield self._symbols[self._codes[group[0]]], group

    # ---- what is said

    def _steps(self, symbol: str, at: Times, rows: Rows) -> list[str]:
        """Jumps that stay. They may be real, so they are told and kept."""
        import numpy as np

        before, opens = self._values["close"][rows[:-1]], self._values["open"][rows[1:]]
        told = []
        for step in np.flatnonzero((opens > before * _STEP) | (opens < before / _STEP)).tolist():
            place = int(rows[step + 1])
            day = _utc(at[place] - 1).astimezone(self._rules.calendar.zone).date()
            if (symbol, day) not in (self._rules.splits or ()):
                told.append(
                    f"{self._file} {self._where(place)}: {symbol} opens at {opens[step]:g} after a close of {before[step]:g}; "
                    "if that is a split, name it in the file of feed.actions"
                )
        return told[:_STEPS_TOLD]

    def _say(self, name: str, why: str, place: int) -> str:
        return f"{name} is {self._values[name][place]:g}, {why}"

    def _outside(self, name: str, place: int) -> str:
        value, low, high = (self._values[which][place] for which in (name, "low", "high"))
        return f"the {name} {value:g} is not between the low {low:g} and the high {high:g}"

    def _no_number(self, name: str, place: int) -> str:
        text = self._text(name, place)
        if not text:
            return f"{name} is empty"
        try:
            return f"{name} is {float(text):g}, not a finite number" if "_" not in text else f"{name} is {text!r}, not a number"
        except ValueError:
            return f"{name} is {text!r}, not a number"

    def _text(self, name: str, place: int) -> str:
        text: str = str(self._frame[name].iloc[place])
        return shown(text.strip())

    def _symbol(self, place: int) -> str:
        return self._symbols[int(self._codes[place])]

    def _where(self, place: int) -> str:
        return f"{self._unit} {self._frame.index[place]}"


def _symbols(frame: Any, symbol: str) -> tuple[list[str], Rows]:
    """The symbols in the order of their first row, and the number of each row's."""
    import numpy as np

    if "symbol" not in frame:
        return [symbol], np.zeros(len(frame), dtype=np.int64)
    import pandas as pd

    written, spelled = pd.factorize(frame["symbol"].astype("category"))
    spellings = [as_symbol(str(text)) for text in spelled]
    symbols = list(dict.fromkeys(spellings))
    numbers = {text: number for number, text in enumerate(symbols)}
    # A missing one is the last, -1.
    codes = np.array([*(numbers[text] for text in spellings), len(symbols)])[written]
    return [*symbols, ""], codes


def _numbers(cells: Any) -> Floats:
    """A column as floats, exactly as Python would read its text; NaN where that is not a number."""
    import numpy as np

    if cells.dtype.kind in "iuf":
        return np.asarray(cells, dtype=np.float64)
    import pandas as pd

    numbers: Floats = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers


def _are_prices(values: Floats) -> NDArray[np.bool_]:
    """Each as `is_price` has it."""
    return (values >= LEAST_PRICE) & (values <= MOST_PRICE)


def _utc(ns: int) -> datetime:
    return datetime.fromtimestamp(int(ns) // SECOND, UTC)
