"""Reading bars from CSV: what is understood, and what is skipped with its line and the reason."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.feeds import table
from engine.feeds.base import FeedError
from engine.feeds.calendar import Calendar
from engine.model.market import Bar
from tests.engine.feeds.bar_files import GOOD, HEADER, bars_of, closes_at, read, utc


class Write(Protocol):
    def __call__(self, text: str, name: str = "AAPL.csv") -> Path: ...


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str, name: str = "AAPL.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def test_a_daily_bar_closes_with_its_session_in_summer_in_winter_and_on_half_days(write: Write) -> None:
    file = read(write(HEADER + GOOD + "2005-07-25,10,11,9,10.5,1000\n2005-11-25,10,11,9,10.5,1000\n"))
    assert closes_at(file) == [utc(2005, 2, 25, 21), utc(2005, 7, 25, 20), utc(2005, 11, 25, 18)]


def test_values_are_taken_as_they_stand(write: Write) -> None:
    text = HEADER + "2005-02-25,10.1,11.30000000000001,9.7,10.49999999999999,1000\n"
    assert bars_of(read(write(text))) == [Bar("AAPL", utc(2005, 2, 25, 21), 10.1, 11.30000000000001, 9.7, 10.49999999999999, 1000.0)]
    beside_a_bad_one = read(write(text + "2005-02-28,x,x,x,x,x\n"))
    assert bars_of(beside_a_bad_one)[0].close == 10.49999999999999


@pytest.mark.parametrize(
    "header",
    [
        "Timestamp,OPEN, High,low,Close,Volume",
        "<DATETIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
        "date_time,1. open,2. high,3. low,4. close,5. volume",
        "\ufefftime,o,h,l,c,v",
        "day,Open Price,High Price,Low Price,Close/Last,Volume",
    ],
)
def test_columns_are_found_by_name_however_it_is_spelled(header: str, write: Write) -> None:
    assert bars_of(read(write(header + "\n" + GOOD))) == [Bar("AAPL", utc(2005, 2, 25, 21), 10.0, 11.0, 9.0, 10.5, 1000.0)]


def test_columns_may_come_in_any_order_among_others(write: Write) -> None:
    text = 'CLOSE, volume,note,High,Low,open,Timestamp\n10.5,1000,"split, or not",11,9,10,2005-02-25T15:30\n'
    assert bars_of(read(write(text))) == [Bar("AAPL", utc(2005, 2, 25, 15, 30), 10.0, 11.0, 9.0, 10.5, 1000.0)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiters_and_ends_of_lines_are_recognised(delimiter: str, newline: str, tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    text = (HEADER + GOOD + "\n" + "x,1,1,1,1,1").replace(",", delimiter).replace("\n", newline)
    path.write_bytes(text.encode())
    file = read(path)
    assert len(file.bars["AAPL"]) == 1
    assert file.problems[0].startswith("AAPL.csv line 4 skipped: 'x' is not a date")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_byte_order_mark_tells_the_encoding(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text(HEADER + GOOD, encoding=encoding)
    assert len(read(path).bars["AAPL"]) == 1


def test_a_gzipped_file_is_unpacked_and_its_name_is_still_the_symbol(tmp_path: Path) -> None:
    path = tmp_path / "BRK.B.csv.gz"
    path.write_bytes(gzip.compress((HEADER + GOOD).encode()))
    assert list(read(path).bars) == ["BRK.B"]
    path.write_bytes(gzip.compress((HEADER + GOOD).encode())[:-12])
    with pytest.raises(FeedError, match=r"^BRK\.B\.csv\.gz cannot be unpacked: "):
        read(path)


def test_a_file_that_unpacks_to_more_than_memory_should_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MOST_BYTES", 5_000_000)
    path = tmp_path / "AAPL.csv.gz"
    path.write_bytes(gzip.compress((HEADER + GOOD + " " * 5_000_000).encode()))
    with pytest.raises(FeedError) as error:
        read(path)
    assert str(error.value) == "AAPL.csv.gz holds more than 5 MB: put its bars into several files, in a folder of their own."


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "AAPL.csv")
    with pytest.raises(FeedError, match=r"AAPL\.csv is neither a file nor a folder of them\.$"):
        read(tmp_path / "AAPL.csv")


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("2005-02-25 15:30", utc(2005, 2, 25, 15, 30)),
        ("2005/2/25 15:30", utc(2005, 2, 25, 15, 30)),
        ("2005-02-25T15:30:00Z", utc(2005, 2, 25, 15, 30)),
        ("2005-02-25T10:30:00-05:00", utc(2005, 2, 25, 15, 30)),
        ("2005-02-25 10:30:00-0500", utc(2005, 2, 25, 15, 30)),
        ("2005-02-25 15:30:00.000250", utc(2005, 2, 25, 15, 30) + 250_000),
        ("20050225", utc(2005, 2, 25, 21)),
        ("20050225 153000", utc(2005, 2, 25, 15, 30)),
        ("2005-02-25 00:00:00-05:00", utc(2005, 2, 25, 21)),
        ("2005-02-25 00:00:00", utc(2005, 2, 25, 21)),
        ("1109345400", utc(2005, 2, 25, 15, 30)),
        ("1109345400250", utc(2005, 2, 25, 15, 30) + 250_000_000),
        ("1109345400000250", utc(2005, 2, 25, 15, 30) + 250_000),
        ("1109345400000000251", utc(2005, 2, 25, 15, 30) + 251),
        ("1109289600", utc(2005, 2, 25, 21)),
    ],
)
def test_times_are_iso_or_counted_since_1970_and_midnights_alone_are_days(stamp: str, at: int, write: Write) -> None:
    assert closes_at(read(write(HEADER + GOOD.replace("2005-02-25", stamp)))) == [at]


def test_rows_with_and_without_an_offset_may_stand_together(write: Write) -> None:
    stamps = (
        "2005-04-01 10:30-05:00",
        "2005-04-01 10:30",
        "2005-04-01T15:35Z",
        "2005-04-04 10:30-04:00",
        "2005-04-04 10:30-99:00",
        "2005-04-05",
    )
    file = read(write(HEADER + "".join(GOOD.replace("2005-02-25", stamp) for stamp in stamps)), zone="America/Chicago")
    assert closes_at(file) == [
        utc(2005, 4, 1, 15, 30),
        utc(2005, 4, 1, 16, 30),
        utc(2005, 4, 4, 14, 30),
        utc(2005, 4, 5, 20),
    ]
    assert [problem.split(" skipped: ")[1] for problem in file.problems] == [
        "AAPL goes back in time: 2005-04-01T15:35Z",
        f"'2005-04-04 10:30-99:00' {NO_DATE}",
    ]


def test_days_with_the_offsets_of_summer_and_winter_are_days(write: Write) -> None:
    text = HEADER + "".join(GOOD.replace("2005-02-25", day) for day in ("2005-04-01 00:00:00-05:00", "2005-04-04 00:00:00-04:00"))
    assert closes_at(read(write(text))) == [utc(2005, 4, 1, 21), utc(2005, 4, 4, 20)]


def test_a_midnight_among_other_times_is_a_time(write: Write) -> None:
    text = HEADER + "2005-02-25T23:00,10,11,9,10,1\n2005-02-26T00:00,10,11,9,10,1\n"
    assert closes_at(read(write(text))) == [utc(2005, 2, 25, 23), utc(2005, 2, 26)]


def test_date_and_time_in_two_columns_are_joined(write: Write) -> None:
    text = "Date,Time,Open,High,Low,Close,Volume\n2005-02-25,15:30,10,11,9,10,1\n2005-02-25,15:31,10,11,9,10,1\n"
    assert closes_at(read(write(text))) == [utc(2005, 2, 25, 15, 30), utc(2005, 2, 25, 15, 31)]


def test_times_without_an_offset_are_of_the_zone_that_was_set(write: Write) -> None:
    text = HEADER + "".join(GOOD.replace("2005-02-25", f"{day} 10:30") for day in ("2005-04-01", "2005-04-04"))
    assert closes_at(read(write(text), zone="America/New_York")) == [utc(2005, 4, 1, 15, 30), utc(2005, 4, 4, 14, 30)]


def test_an_hour_that_the_clock_skips_or_shows_twice_needs_its_offset(write: Write) -> None:
    text = HEADER + "".join(GOOD.replace("2005-02-25", stamp) for stamp in ("2005-04-01 10:30", "2005-04-03 02:30", "2005-10-30 01:30"))
    file = read(write(text), zone="America/New_York")
    assert closes_at(file) == [utc(2005, 4, 1, 15, 30)]
    assert file.problems == (
        "AAPL.csv line 3 skipped: 2005-04-03 02:30 comes twice or never on the clock of America/New_York: write it with its offset",
        "AAPL.csv line 4 skipped: 2005-10-30 01:30 comes twice or never on the clock of America/New_York: write it with its offset",
    )


def test_bars_labelled_by_their_open_close_a_bar_later_and_never_after_the_session(write: Write) -> None:
    hours = ("09:30", "10:30", "11:30", "12:30", "13:30", "14:30", "15:30")
    text = HEADER + "".join(GOOD.replace("2005-02-25", f"2005-02-25 {hour}") for hour in hours)
    closes = closes_at(read(write(text), zone="America/New_York", bar_time="open"))
    assert closes == [*(utc(2005, 2, 25, hour, 30) for hour in range(15, 21)), utc(2005, 2, 25, 21)]
    assert closes_at(read(write(HEADER + GOOD), bar_time="open")) == [utc(2005, 2, 25, 21)]
    with pytest.raises(FeedError, match=r"^AAPL\.csv has a single bar of a symbol, which does not say how long it is"):
        read(write(HEADER + GOOD.replace("2005-02-25", "2005-02-25 10:30")), bar_time="open")


def test_a_day_on_which_the_exchange_is_closed_is_skipped_and_a_market_of_every_day_has_it(write: Write) -> None:
    path = write(HEADER + GOOD + GOOD.replace("25", "26"))
    assert read(path).problems == ("AAPL.csv line 3 skipped: XNYS has no session on Sat 2005-02-26 (feed.calendar)",)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_calendar_of_every_day_closes_bars_at_midnight(write: Write) -> None:
    path = write(HEADER + GOOD + GOOD.replace("25", "26"))
    assert closes_at(read(path, calendar=Calendar("24/7"))) == [utc(2005, 2, 26), utc(2005, 2, 27)]


def test_an_open_that_rounding_put_a_hair_past_the_high_is_kept(write: Write) -> None:
    assert len(bars_of(read(write(HEADER + "2005-02-28,11.0001,11,9,8.9999,1000\n")))) == 1


def test_several_symbols_in_a_file_are_told_apart_by_their_column(write: Write) -> None:
    rows = "".join(f"{symbol},{GOOD}" for symbol in ("IBM", "msft", "BRK.B"))
    file = read(write("Ticker," + HEADER + rows + "ibm," + GOOD.replace("25", "28"), "whole_market.csv"))
    assert [(symbol, len(bars)) for symbol, bars in file.bars.items()] == [("IBM", 2), ("MSFT", 1), ("BRK.B", 1)]
    assert not file.problems


@pytest.mark.parametrize("more", ["", "AAPL,2005-02-25,10,11,9,10.5,1000\n"])
def test_a_symbol_of_digits_keeps_its_zeros(more: str, write: Write) -> None:
    rows = "".join(f"{symbol},{GOOD}" for symbol in ("000001", "600519", "1"))
    assert list(read(write("Ticker," + HEADER + rows + more)).bars)[:3] == ["000001", "600519", "1"]


def test_a_name_that_is_a_path_or_only_looks_like_a_symbol_is_none(write: Write) -> None:
    file = read(write("Ticker," + HEADER + "".join(f"{symbol},{GOOD}" for symbol in ("IBM", "../../etc", "..", "/", "ß"))))
    assert list(file.bars) == ["IBM"]
    assert len(file.problems) == 4
    with pytest.raises(FeedError, match=r"^\.\.\.csv has no symbol column, and its name is not a symbol"):
        read(write(HEADER + GOOD, "...csv"))


NO_DATE = "is not a date, an ISO 8601 time or a count since 1970"
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
    ("02/03/2005,10,11,9,10,1000", f"'02/03/2005' {NO_DATE}"),
    ("now,10,11,9,10,1000", f"'now' {NO_DATE}"),
    ("today,10,11,9,10,1000", f"'today' {NO_DATE}"),
    ("2005-02,10,11,9,10,1000", f"'2005-02' {NO_DATE}"),
    ("2005-02 15:30,10,11,9,10,1000", f"'2005-02 15:30' {NO_DATE}"),
    ("2005-02-28T,10,11,9,10,1000", f"'2005-02-28T' {NO_DATE}"),
    ("15:30,10,11,9,10,1000", f"'15:30' {NO_DATE}"),
    ("9223372036854775807999,10,11,9,10,1000", f"'9223372036854775807999' {NO_DATE}"),
    ("99999999999,10,11,9,10,1000", f"'99999999999' {NO_DATE}"),
    ("2005-02-30,10,11,9,10,1000", f"'2005-02-30' {NO_DATE}"),
    (",10,11,9,10,1000", f"'' {NO_DATE}"),
    ("0005-02-28,10,11,9,10,1000", "the year 5 cannot be right"),
    ("2030-02-28,10,11,9,10,1000", "it closes in the future, on 2030-02-28"),
    ("1801010112345,10,11,9,10,1000", "it closes in the future, on 2027-01-27"),
    ("2199-02-28,10,11,9,10,1000", "it closes in the future, on 2199-02-28"),
    ("2005-02-28,ten,11,9,10,1000", "open is 'ten', not a number"),
    ("2005-02-28,1_0,11,9,10,1000", "open is '1_0', not a number"),
    ('2005-02-28,"1,010","1,011","1,009","1,010",1000', "open is '1,010', not a number"),
    ("2005-02-28,$10,11,9,10,1000", "open is '$10', not a number"),
    ("2005-02-28,10,11,9,,1000", "close is empty"),
    ("2005-02-28,10,11,9", "close is empty"),
    ("2005-02-28,10,11,9,10,1000,5", "it has more fields than the first line has titles"),
    ("2005-02-25,10,11,9,10,1000", "AAPL has this time already: 2005-02-25"),
    ("2005-02-24,10,11,9,10,1000", "AAPL goes back in time: 2005-02-24"),
    ("2005-02-28,10,31.6,9,10,1000", "from 9 to 31.6 it reaches over 3 times away from the bars before and after it"),
    ("2005-02-28,10,11,3,10,1000", "from 3 to 11 it reaches over 3 times away from the bars before and after it"),
    ("\x1b[2J,10,11,9,10,1000", f"'?[2J' {NO_DATE}"),
    ("2005-02-28,\x9b31m,11,9,10,1000", "open is '?31m', not a number"),
    ('2005-02-28,"10,11,9,10,1000', "open is '\ufffd10', not a number"),
    ("2005-02-28,1\x000,11,9,10,1000", "open is '1\ufffd0', not a number"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS)
def test_a_bad_row_is_skipped_and_told_with_file_line_and_reason(row: str, reason: str, write: Write) -> None:
    after = GOOD.replace("02-25", "03-01")
    file = read(write(f"{HEADER}{GOOD}\n{row}\n{after}"))
    assert closes_at(file) == [utc(2005, 2, 25, 21), utc(2005, 3, 1, 21)]
    assert file.problems == (f"AAPL.csv line 4 skipped: {reason}",)


def test_bad_rows_are_refused_where_that_was_asked_for(write: Write) -> None:
    path = write(HEADER + GOOD + "2005-02-28,10,11,9,0,1000\n" + GOOD)
    with pytest.raises(FeedError) as error:
        read(path, refuse=True)
    assert str(error.value) == (
        "AAPL.csv has 2 bad rows, and feed.bad_rows says refuse. The first is line 3: close is 0, and a price is above zero. "
        "Correct the file, or set feed.bad_rows to skip."
    )
    assert len(bars_of(read(write(HEADER + GOOD), refuse=True))) == 1


def test_many_bad_rows_become_a_count(write: Write) -> None:
    problems = read(write(HEADER + GOOD + "x,1,1,1,1,1\n" * 25)).problems
    assert problems[20:] == ("AAPL.csv: 5 more rows skipped, the last in line 27",)


def test_a_row_without_a_proper_symbol_is_skipped(write: Write) -> None:
    file = read(write("symbol," + HEADER + "IBM," + GOOD + "[red]x," + GOOD + "," + GOOD))
    assert file.problems == ("AAPL.csv line 3 skipped: '[RED]X' is not a symbol", "AAPL.csv line 4 skipped: '' is not a symbol")


def test_problems_come_in_the_order_of_their_lines(write: Write) -> None:
    problems = read(write(HEADER + GOOD + GOOD + GOOD.replace("10.5", "x"))).problems
    assert [problem.split(" skipped")[0] for problem in problems] == ["AAPL.csv line 3", "AAPL.csv line 4"]


STEP = HEADER + "".join(f"2005-02-{day},{price},{price},{price},{price},1000\n" for day, price in ((24, 89), (25, 89), (28, 44)))


def test_a_jump_that_stays_is_kept_and_told_unless_a_split_explains_it(write: Write) -> None:
    path = write(STEP)
    told = "AAPL.csv line 4: AAPL opens at 44 after a close of 89; if that is a split, name it in the file of feed.actions"
    assert read(path).problems == (told,)
    assert read(path, splits=frozenset({("AAPL", date(2005, 2, 28))})).problems == ()
    assert len(bars_of(read(path))) == 3


ADJUSTED = "Date,Open,High,Low,Close,Volume,Adj Close\n2005-02-25,88,90,86,89,100,44.5\n2005-02-28,44,46,43,45,200,45\n"


def test_a_price_that_stays_three_times_as_high_is_no_slip(write: Write) -> None:
    days = (("02-25", 10), ("02-28", 10), ("03-01", 40), ("03-02", 40))
    file = read(write(HEADER + "".join(f"2005-{day},{price},{price},{price},{price},1000\n" for day, price in days)))
    assert len(bars_of(file)) == 4
    assert [problem.split(";")[0] for problem in file.problems] == ["AAPL.csv line 4: AAPL opens at 40 after a close of 10"]


def test_an_adjusted_close_adjusts_all_prices_where_no_actions_are_given(write: Write) -> None:
    first, second = bars_of(read(write(ADJUSTED)))
    assert (first.open, first.high, first.low, first.close, first.volume) == (44, 45, 43, 44.5, 100)
    assert (second.open, second.close) == (44, 45)
    assert bars_of(read(write(ADJUSTED), splits=frozenset({("AAPL", date(2005, 2, 28))})))[0].close == 89
    spoilt = read(write(ADJUSTED + "2005-03-01,44,46,43,45,200,null\n"))
    assert spoilt.problems == ("AAPL.csv line 4 skipped: adj close is 'null', not a price",)


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("Date,Open,High,Low\n", "AAPL.csv", "AAPL.csv lacks the columns close and volume; its columns are Date, Open, High and Low."),
        ("Open,High,Low,Close,Volume\n", "AAPL.csv", "AAPL.csv lacks the column date; "),
        ("", "AAPL.csv", "AAPL.csv lacks the columns date, open, high, low, close and volume; its columns are nothing."),
        ("Date,Open,High,Low,Close,c,Volume\n", "AAPL.csv", "AAPL.csv has two columns for the close, 'Close' and 'c': keep one."),
        (HEADER, "AAPL.csv", "AAPL.csv has no bar to play. It has no rows."),
        (HEADER + "x,1,1,1,1,1\n", "AAPL.csv", f"AAPL.csv has no bar to play. The first is line 2: 'x' {NO_DATE}."),
        (HEADER + GOOD, "my prices.csv", "my prices.csv has no symbol column, and its name is not a symbol"),
        (
            HEADER + "".join(f"2005-02-{day},10,11,9,10,1\n" for day in (25, 24, 23)),
            "AAPL.csv",
            "AAPL.csv runs backward in time, newest first: sort it oldest first.",
        ),
        (HEADER + '2005-02-25,"' + "9" * 200_000, "AAPL.csv", "AAPL.csv has no bar to play."),
        (HEADER + '5","6\n7",8"9\n' + GOOD, "AAPL.csv", 'AAPL.csv cannot be read as CSV: its quotation marks (") do not pair.'),
        (HEADER + GOOD + '5","6\n', "AAPL.csv", "AAPL.csv cannot be read as CSV: "),
        (HEADER.strip() + "," + "x" * 200_000 + "\n" + GOOD, "AAPL.csv", "AAPL.csv cannot be read as CSV: field larger than field limit"),
    ],
)
def test_a_file_that_gives_no_bars_is_an_error_in_words(text: str, name: str, message: str, write: Write) -> None:
    with pytest.raises(FeedError) as error:
        read(write(text, name))
    assert message in str(error.value)


def test_bytes_that_are_no_text_spoil_only_their_row(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_bytes((HEADER + GOOD + "2005-02-28,1\xe9,11,9,10,1\n").encode("latin-1") + b"\x00\xff\n")
    file = read(path)
    assert len(bars_of(file)) == 1
    assert [problem.split(" skipped")[0] for problem in file.problems] == ["AAPL.csv line 3", "AAPL.csv line 4"]


def test_a_missing_file_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"^There is no file .*AAPL\.csv\.$"):
        read(tmp_path / "AAPL.csv")


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


def _read_or_words(path: Path) -> tuple[Sequence[str], Mapping[str, Sequence[Bar]]]:
    try:
        file = read(path)
    except FeedError as error:
        return [str(error)], {}
    return file.problems, file.bars
