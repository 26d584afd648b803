"""Files of bars with bytes changed, cut out and put in at random: each gives sound bars, or words that are safe to show."""

from __future__ import annotations

import gzip
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pyarrow  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from engine.feeds.base import FeedError
from engine.model.market import Bar
from tests.engine.feeds.bar_files import HEADER, read
from tests.thorough import tries

STARTS = [datetime(2005, 2, day, 15, minute, tzinfo=UTC) for day in (23, 24, 25, 28) for minute in range(30, 50)]
ROWS = [f"{at:%Y-%m-%d %H:%M},{10 + at.minute / 100},12,9,{10.5 + at.minute / 100},{1000 + at.minute}" for at in STARTS]
TEXT = HEADER + "\n".join(ROWS) + "\n"
OF_MANY = "Symbol," + HEADER + "\n".join(f"{'IBM' if number % 2 else 'AAPL'},{row}" for number, row in enumerate(ROWS))
JOINED = "Date;Time;Open;High;Low;Close;Volume;Adj Close\n" + "\n".join(f"{row.replace(' ', ',')},5".replace(",", ";") for row in ROWS)
OFFSETS = HEADER + "\n".join(f'2005-04-0{number}T10:30:00{"-05:00" if number < 4 else "Z"},10,11,9,10,"5"' for number in range(1, 9))
COUNTED = HEADER + "\n".join(f"{1109345400 + 60 * number},10,11,9,10,5" for number in range(50))
PRICES: dict[str, Any] = {"open": [10.0] * 20, "high": [11.0] * 20, "low": [9.0] * 20, "close": [10.5] * 20, "volume": [1000] * 20}
EASTERN = pyarrow.array([STARTS[0] + timedelta(minutes=number) for number in range(20)], pyarrow.timestamp("us", tz="America/New_York"))
LOCAL = [f"2005-02-25 15:{minute}" for minute in range(30, 50)]


def packed(columns: dict[str, Any], **options: Any) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), file, **options)
    return file.getvalue()


SOUND = {
    "text": ("AAPL.csv", TEXT.encode()),
    "many": ("all.csv", OF_MANY.encode()),
    "joined": ("AAPL.txt", JOINED.encode("utf-16")),
    "offsets": ("AAPL.csv", OFFSETS.encode()),
    "counted": ("AAPL.csv", COUNTED.encode()),
    "gzip": ("AAPL.csv.gz", gzip.compress(TEXT.encode(), mtime=0)),
    "zoned": ("AAPL.parquet", packed({"date": EASTERN, **PRICES})),
    "plain": ("all.parquet", packed({"date": LOCAL, **PRICES, "symbol": ["A", "B"] * 10}, compression="none", use_dictionary=False)),
    "decimal": ("AAPL.pq", packed({"date": EASTERN, **PRICES, "close": [Decimal("10.5")] * 20}, compression="none")),
}
TOKENS = (
    *(b"nan", b"inf", b"-", b'"', b"\n", b"\r", b",", b";", b"\0", b"\xff", b"9" * 30, b"1e999", b"Z", b"+99:00", b"-010", b"0000-00-00"),
    *(b"2262-04-12", b"9223372036854775807", b"\xef\xbb\xbf", b"\xff\xfe", b"NaT", b"None", b"true", b"T24:00", b"0x10", b"\x1b[2J"),
)


@dataclass(frozen=True)
class Change:
    """What stands at `place` (of the whole, 0 to 1) gives way to `new`, for `gone` bytes."""

    place: float
    gone: int
    new: bytes

    def done_to(self, data: bytes) -> bytes:
        at = int(self.place * len(data))
        return data[:at] + self.new + data[at + self.gone :]


CHANGES = st.lists(
    st.builds(Change, st.floats(0, 1), st.sampled_from([0, 1, 1, 2, 8, 40, 10_000]), st.sampled_from(TOKENS) | st.binary(max_size=2)),
    min_size=1,
    max_size=6,
)


def read_or_words(path: Path, zone: str, bar_time: Literal["open", "close"]) -> tuple[Sequence[str], Mapping[str, Sequence[Bar]]]:
    try:
        file = read(path, zone=zone, bar_time=bar_time)
    except FeedError as error:
        return [str(error)], {}
    return file.problems, file.bars


@pytest.mark.parametrize("kind", SOUND)
def test_as_they_are_they_can_be_read(kind: str, tmp_path: Path) -> None:
    name, data = SOUND[kind]
    (tmp_path / name).write_bytes(data)
    assert sum(map(len, read(tmp_path / name).bars.values())) >= 8


def test_a_time_zone_that_nobody_knows_is_an_error_in_words(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.parquet"
    path.write_bytes(packed({"date": EASTERN.cast(pyarrow.timestamp("us", tz="America/New_Cork")), **PRICES}))
    with pytest.raises(FeedError, match=r"^AAPL\.parquet cannot be read as Parquet: .*New_Cork"):
        read(path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the library of calendars, asked for years far away
@pytest.mark.parametrize("kind", SOUND)
@given(changes=CHANGES, zone=st.sampled_from(["UTC", "America/New_York"]), bar_time=st.sampled_from(["open", "close"]))
@settings(max_examples=tries(25, 2_000), deadline=None)
def test_spoilt_ones_give_sound_bars_or_words(kind: str, changes: Sequence[Change], zone: str, bar_time: Literal["open", "close"]) -> None:
    name, data = SOUND[kind]
    for change in changes:
        data = change.done_to(data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        words, bars_by_symbol = read_or_words(path, zone, bar_time)
    assert all(line.isprintable() for line in words)
    for bars in bars_by_symbol.values():
        assert all(0 < bar.low <= bar.high and bar.open > 0 and bar.close > 0 and bar.volume >= 0 for bar in bars)
        assert all(bar.at < later.at for bar, later in pairwise(bars))
