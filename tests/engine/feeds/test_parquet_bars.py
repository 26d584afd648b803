"""Reading bars from Parquet: the same rows, the same judgement, whatever types the columns have."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow  # type: ignore[import-untyped]
import pytest
from pyarrow import parquet

from engine.feeds import parquet_bars
from engine.feeds.base import FeedError
from engine.model.market import Bar
from tests.engine.feeds.bar_files import GOOD, HEADER, bars_of, closes_at, read, utc

PRICES: dict[str, Any] = {"open": [10.0, 10.5], "high": [11.0, 11.5], "low": [9.0, 9.5], "close": [10.5, 11.0], "volume": [1000, 2000]}
FRIDAY, MONDAY = utc(2005, 2, 25, 21), utc(2005, 2, 28, 21)
EASTERN = pyarrow.timestamp("us", tz="America/New_York")


def write(path: Path, columns: dict[str, Any]) -> Path:
    parquet.write_table(pyarrow.table(columns), path)
    return path


@pytest.mark.parametrize(
    "times",
    [
        [date(2005, 2, 25), date(2005, 2, 28)],
        ["2005-02-25", "2005-02-28"],
        [20050225, 20050228],
        pyarrow.array([datetime(2005, 2, 25), datetime(2005, 2, 28)], pyarrow.timestamp("s")),  # noqa: DTZ001
        pyarrow.array([datetime(2005, 2, 25, 5, tzinfo=UTC), datetime(2005, 2, 28, 5, tzinfo=UTC)], EASTERN),
        pyarrow.array([datetime(2005, 2, 25, 21, tzinfo=UTC), datetime(2005, 2, 28, 21, tzinfo=UTC)], EASTERN),
        pyarrow.array([datetime(2005, 2, 25, 21), datetime(2005, 2, 28, 21)], pyarrow.timestamp("ns")),  # noqa: DTZ001
        [FRIDAY, MONDAY],
        [FRIDAY // 10**9, MONDAY // 10**9],
    ],
    ids=["dates", "texts", "numbers", "midnights", "local midnights", "zoned", "naive", "ns", "s"],
)
def test_times_may_be_of_any_type(times: Any, tmp_path: Path) -> None:
    assert closes_at(read(write(tmp_path / "AAPL.parquet", {"date": times, **PRICES}))) == [FRIDAY, MONDAY]


def test_a_small_file_of_far_too_many_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_bars, "_MOST_ROWS", 99_999)
    columns = {"date": ["2005-02-25"] * 100_000, **{name: [10.0] * 100_000 for name in PRICES}}
    path = write(tmp_path / "AAPL.parquet", columns)
    assert path.stat().st_size < 10_000
    with pytest.raises(FeedError, match=r"^AAPL\.parquet holds more than 1,073 MB: put its bars into several files"):
        read(path)


def test_a_date_and_a_time_of_day_are_joined(tmp_path: Path) -> None:
    times = {"date": [date(2005, 2, 25)] * 2, "time": [time(15, 30), time(15, 31)]}
    assert closes_at(read(write(tmp_path / "AAPL.pq", {**times, **PRICES}))) == [utc(2005, 2, 25, 15, 30), utc(2005, 2, 25, 15, 31)]


def test_prices_may_be_decimals_and_symbols_a_dictionary(tmp_path: Path) -> None:
    decimals = pyarrow.array([Decimal("10.50"), Decimal("11.00")])
    symbols = pyarrow.array(["IBM", "AAPL"]).dictionary_encode()
    columns = {"date": ["2005-02-25", "2005-02-28"], **PRICES, "close": decimals, "ticker": symbols, "note": [{"a": 1}, None]}
    file = read(write(tmp_path / "all.parquet", columns))
    assert bars_of(file, "IBM") == [Bar("IBM", FRIDAY, 10.0, 11.0, 9.0, 10.5, 1000.0)]
    assert bars_of(file) == [Bar("AAPL", MONDAY, 10.5, 11.5, 9.5, 11.0, 2000.0)]


def test_a_bad_row_is_told_with_its_number(tmp_path: Path) -> None:
    columns = {"date": ["2005-02-25", "2005-02-28", "2005-03-01", None], **{name: [*values, 10, 10] for name, values in PRICES.items()}}
    columns["close"] = [10.5, float("nan"), None, 10]
    file = read(write(tmp_path / "AAPL.parquet", columns))
    assert len(bars_of(file)) == 1
    assert file.problems == (
        "AAPL.parquet row 2 skipped: close is nan, not a finite number",
        "AAPL.parquet row 3 skipped: close is nan, not a finite number",
        "AAPL.parquet row 4 skipped: 'nan' is not a date, an ISO 8601 time or a count since 1970",
    )


def test_csv_and_parquet_of_the_same_bars_are_the_same(tmp_path: Path) -> None:
    csv = tmp_path / "AAPL.csv"
    csv.write_text(HEADER + GOOD)
    one = {name: values[:1] for name, values in PRICES.items()}
    assert bars_of(read(csv)) == bars_of(read(write(tmp_path / "AAPL.parquet", {"date": ["2005-02-25"], **one})))


@pytest.mark.parametrize("content", [b"", b"no parquet", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_what_is_no_parquet_is_an_error_in_words(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "AAPL.parquet"
    path.write_bytes(content)
    with pytest.raises(FeedError, match=r"^AAPL\.parquet cannot be read as Parquet: ") as error:
        read(path)
    assert str(error.value).isprintable()


def test_a_missing_file_and_a_missing_column_are_errors_in_words(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"^There is no file "):
        read(tmp_path / "AAPL.parquet")
    with pytest.raises(FeedError, match=r"^AAPL\.parquet lacks the columns date and low; its columns are open, high, close and volume\.$"):
        read(write(tmp_path / "AAPL.parquet", {name: values for name, values in PRICES.items() if name != "low"}))


def test_without_pyarrow_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FeedError) as error:
        read(tmp_path / "AAPL.parquet")
    assert str(error.value) == "AAPL.parquet is read by pyarrow, and that is not installed: run pip install 'tradeconsole[parquet]'."
