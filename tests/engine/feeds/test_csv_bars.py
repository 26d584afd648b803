"""Reading bars from CSV: what is understood, and what is skipped with its line and the reason."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.feeds.base import FeedError
from engine.feeds.csv_bars import read_bars
from engine.feeds.new_york import to_ns
from engine.model.market import Bar

HEADER = "Date,Open,High,Low,Close,Volume\n"
GOOD = "2005-02-25,10,11,9,10.5,1000\n"


class Write(Protocol):
    def __call__(self, text: str, name: str = "AAPL.csv") -> Path: ...


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return to_ns(datetime(year, month, day, hour, minute, tzinfo=UTC))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str, name: str = "AAPL.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def test_a_daily_bar_closes_at_four_in_new_york_summer_and_winter(write: Write) -> None:
    bars = read_bars(write(HEADER + GOOD + "2005-07-25,10,11,9,10.5,1000\n")).bars["AAPL"]
    assert [bar.at for bar in bars] == [utc(2005, 2, 25, 21), utc(2005, 7, 25, 20)]


def test_values_are_taken_as_they_stand(write: Write) -> None:
    assert read_bars(write(HEADER + GOOD)).bars == {"AAPL": [Bar("AAPL", utc(2005, 2, 25, 21), 10.0, 11.0, 9.0, 10.5, 1000.0)]}


def test_columns_are_found_by_name_in_any_case_and_order(write: Write) -> None:
    text = "\ufeffCLOSE, volume,note,High,Low,open,Timestamp\n10.5,1000,split?,11,9,10,2005-02-25T15:30\n"
    assert read_bars(write(text)).bars["AAPL"] == [Bar("AAPL", utc(2005, 2, 25, 15, 30), 10.0, 11.0, 9.0, 10.5, 1000.0)]


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("2005-02-25 15:30", utc(2005, 2, 25, 15, 30)),
        ("2005-02-25T15:30:00Z", utc(2005, 2, 25, 15, 30)),
        ("2005-02-25T10:30:00-05:00", utc(2005, 2, 25, 15, 30)),
        ("2005-02-25 15:30:00.000250", utc(2005, 2, 25, 15, 30) + 250_000),
        ("20050225", utc(2005, 2, 25, 21)),
        ("2005-02-25 00:00:00-05:00", utc(2005, 2, 25, 21)),
        ("2005-02-25 00:00:00", utc(2005, 2, 25, 21)),
    ],
)
def test_times_are_iso_and_utc_unless_they_say_otherwise_and_midnights_alone_are_days(stamp: str, at: int, write: Write) -> None:
    assert read_bars(write(HEADER + GOOD.replace("2005-02-25", stamp))).bars["AAPL"][0].at == at


def test_a_midnight_among_other_times_is_a_time(write: Write) -> None:
    text = HEADER + "2005-02-25T23:00,10,11,9,10,1\n2005-02-26T00:00,10,11,9,10,1\n"
    assert [bar.at for bar in read_bars(write(text)).bars["AAPL"]] == [utc(2005, 2, 25, 23), utc(2005, 2, 26)]


def test_date_and_time_in_two_columns_are_joined(write: Write) -> None:
    text = "Date,Time,Open,High,Low,Close,Volume\n2005-02-25,15:30,10,11,9,10,1\n2005-02-25,15:31,10,11,9,10,1\n"
    assert [bar.at for bar in read_bars(write(text)).bars["AAPL"]] == [utc(2005, 2, 25, 15, 30), utc(2005, 2, 25, 15, 31)]


def test_an_open_that_rounding_put_a_hair_past_the_high_is_kept(write: Write) -> None:
    assert len(read_bars(write(HEADER + "2005-02-28,11.0001,11,9,8.9999,1000\n")).bars["AAPL"]) == 1


def test_several_symbols_in_a_file_are_told_apart_by_their_column(write: Write) -> None:
    text = "symbol," + HEADER + "".join(f"{symbol},{GOOD}" for symbol in ("IBM", "msft", "BRK.B"))
    file = read_bars(write(text, "whole_market.csv"))
    assert [(symbol, len(bars)) for symbol, bars in file.bars.items()] == [("IBM", 1), ("MSFT", 1), ("BRK.B", 1)]
    assert not file.problems


BAD_ROWS = [
    ("2005-02-28,10,11,9,nan,1000", "close is nan, not a finite number"),
    ("2005-02-28,10,inf,9,10,1000", "high is inf, not a finite number"),
    ("2005-02-28,0,11,9,10,1000", "open is 0, and a price is above zero"),
    ("2005-02-28,10,11,-9,10,1000", "low is -9, and a price is above zero"),
    ("2005-02-28,10,11,9,10,-1", "volume is -1, below zero"),
    ("2005-02-28,10,11,9,10,nan", "volume is nan, not a finite number"),
    ("2005-02-28,10,9,11,10,1000", "the high 9 is below the low 11"),
    ("2005-02-28,12,11,9,10,1000", "the open 12 is not between the low 9 and the high 11"),
    ("2005-02-28,10,11,9,8.5,1000", "the close 8.5 is not between the low 9 and the high 11"),
    ("2005-02-28,1e300,1e301,1e299,1e300,1000", "open is 1e+300, which no market ever showed"),
    ("2005-02-28,1e-9,1e-9,1e-9,1e-9,1000", "open is 1e-09, which no market ever showed"),
    ("2005-02-28,10,11,9,10,1e300", "volume is 1e+300, which no market ever showed"),
    ("02/03/2005,10,11,9,10,1000", "'02/03/2005' is not a date or an ISO 8601 time"),
    ("1109606400,10,11,9,10,1000", "'1109606400' looks like seconds since 1970: write ISO 8601 times"),
    ("1801010112345,10,11,9,10,1000", "'1801010112345' looks like seconds since 1970: write ISO 8601 times"),
    ("2005-02-28,ten,11,9,10,1000", "open is 'ten', not a number"),
    ("2005-02-28,1_0,11,9,10,1000", "open is '1_0', not a number"),
    ("2005-02-28,10,11,9,,1000", "close is empty"),
    ("2005-02-28,10,11,9", "it has 4 fields, 6 are needed"),
    ("2005-02-30,10,11,9,10,1000", "'2005-02-30' is not a date or an ISO 8601 time"),
    (",10,11,9,10,1000", "'' is not a date or an ISO 8601 time"),
    ("0005-02-28,10,11,9,10,1000", "the year 5 cannot be right"),
    ("2005-02-25,10,11,9,10,1000", "AAPL has this time already: 2005-02-25 00:00:00"),
    ("2005-02-24,10,11,9,10,1000", "AAPL goes back in time: 2005-02-24 00:00:00"),
    ("\x1b[2J,10,11,9,10,1000", "'?[2J' is not a date or an ISO 8601 time"),
    ("2005-02-28,\x9b31m,11,9,10,1000", "open is '?31m', not a number"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS)
def test_a_bad_row_is_skipped_and_told_with_file_line_and_reason(row: str, reason: str, write: Write) -> None:
    after = GOOD.replace("02-25", "03-01")
    file = read_bars(write(f"{HEADER}{GOOD}\n{row}\n{after}"))
    assert [bar.at for bar in file.bars["AAPL"]] == [utc(2005, 2, 25, 21), utc(2005, 3, 1, 21)]
    assert [str(problem) for problem in file.problems] == [f"AAPL.csv line 4 skipped: {reason}"]


def test_a_row_without_a_proper_symbol_is_skipped(write: Write) -> None:
    file = read_bars(write("symbol," + HEADER + "IBM," + GOOD + "[red]x," + GOOD))
    assert [str(problem) for problem in file.problems] == ["AAPL.csv line 3 skipped: '[RED]X' is not a symbol"]


def test_problems_come_in_the_order_of_their_lines(write: Write) -> None:
    file = read_bars(write(HEADER + GOOD + GOOD + GOOD.replace("10.5", "x")))
    assert [problem.line for problem in file.problems] == [3, 4]


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("Date,Open,High,Low\n", "AAPL.csv", "AAPL.csv lacks the columns close and volume; its first line names Date, Open, High and Low."),
        ("Time,Open,High,Low,Close,Volume\n", "AAPL.csv", "AAPL.csv lacks the column date; "),
        ("", "AAPL.csv", "AAPL.csv lacks the columns date, open, high, low, close and volume; its first line names nothing."),
        ("Date,Open,High,Low,Close,Close,Volume\n", "AAPL.csv", "AAPL.csv has two columns named close: keep one."),
        (HEADER, "AAPL.csv", "AAPL.csv has no bar to play. It has no rows."),
        (HEADER + "x,1,1,1,1,1\n", "AAPL.csv", "The first problem: AAPL.csv line 2 skipped: 'x' is not a date"),
        (HEADER + GOOD, "my prices.csv", "my prices.csv has no symbol column, and its name is not a symbol"),
        (
            HEADER + "".join(f"2005-02-{day},10,11,9,10,1\n" for day in (25, 24, 23)),
            "AAPL.csv",
            "AAPL.csv runs backward in time, newest first: sort it oldest first.",
        ),
        (HEADER + '2005-02-25,"' + "9" * 200_000, "AAPL.csv", "AAPL.csv cannot be read as CSV: field larger than field limit"),
    ],
)
def test_a_file_that_gives_no_bars_is_an_error_in_words(text: str, name: str, message: str, write: Write) -> None:
    with pytest.raises(FeedError) as error:
        read_bars(write(text, name))
    assert message in str(error.value)


def test_bytes_that_are_no_text_spoil_only_their_row(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_bytes((HEADER + GOOD + "2005-02-28,1\xe9,11,9,10,1\n").encode("latin-1") + b"\x00\xff\n")
    file = read_bars(path)
    assert len(file.bars["AAPL"]) == 1
    assert [problem.line for problem in file.problems] == [3, 4]


def test_a_missing_file_and_a_folder_are_errors_in_words(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"^There is no file .*AAPL\.csv\.$"):
        read_bars(tmp_path / "AAPL.csv")
    with pytest.raises(FeedError, match=r"cannot be read: Is a directory\.$"):
        read_bars(tmp_path)


FIELDS = st.sampled_from(["2005-02-25", "2005-02-25T15:30Z", "10", "9.5", "-1", "nan", "1e999", "", "A\x1b[2J", '"', "\u202e", "x" * 300])


@given(st.lists(st.lists(FIELDS | st.text(max_size=8), max_size=8), max_size=12))
@settings(deadline=None)
def test_whatever_a_file_holds_it_gives_sound_bars_or_words_that_are_safe_to_show(rows: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "AAPL.csv")
        path.write_bytes((HEADER + "\n".join(map(",".join, rows))).encode("utf-8", "surrogatepass"))
        words, bars_by_symbol = _read_or_words(path)
    assert all(line.isprintable() for line in words)
    for bars in bars_by_symbol.values():
        assert all(0 < bar.low <= bar.high and bar.open > 0 and bar.close > 0 and bar.volume >= 0 for bar in bars)
        assert all(bar.at < later.at for bar, later in pairwise(bars))


def _read_or_words(path: Path) -> tuple[list[str], dict[str, list[Bar]]]:
    try:
        file = read_bars(path)
    except FeedError as error:
        return [str(error)], {}
    return [str(problem) for problem in file.problems], file.bars
