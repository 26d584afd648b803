"""When New York trades, and that the table of it says what the library says."""

from __future__ import annotations

import csv
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.feeds.calendar import TABLE, TABLE_YEARS, Calendar, CalendarError, Session
from engine.feeds.new_york import SECOND, to_ns
from engine.model.market import Phase
from tests.session_table import rows

# The library uses parts of pandas that are about to go.
library = pytest.mark.filterwarnings("ignore::DeprecationWarning")
NYSE = Calendar("XNYS")


def utc(text: str) -> int:
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=UTC))


def session(day: str) -> Session:
    found = NYSE.session_on(date.fromisoformat(day))
    assert found is not None
    return found


@library
def test_the_table_is_what_the_library_says_for_every_day() -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        assert [tuple(row) for row in csv.reader(file)][1:] == rows()


@library
def test_a_year_beyond_the_table_comes_from_the_library_with_the_same_hours() -> None:
    christmas_eve = session("2031-12-24")
    assert (christmas_eve.pre, christmas_eve.opens) == (utc("2031-12-24 09:00"), utc("2031-12-24 14:30"))
    assert (christmas_eve.closes, christmas_eve.post) == (utc("2031-12-24 18:00"), utc("2031-12-24 22:00"))
    assert NYSE.session_on(date(2031, 12, 25)) is None


def test_a_session_in_winter_opens_an_hour_later_by_utc_than_in_summer() -> None:
    friday, monday = session("2025-03-07"), session("2025-03-10")  # the clocks went forward on the Sunday between
    assert (friday.opens, friday.closes) == (utc("2025-03-07 14:30"), utc("2025-03-07 21:00"))
    assert (monday.pre, monday.opens, monday.closes, monday.post) == tuple(
        utc(text) for text in ("2025-03-10 08:00", "2025-03-10 13:30", "2025-03-10 20:00", "2025-03-11 00:00")
    )


def test_the_day_after_thanksgiving_closes_at_one_and_the_hours_after_it_at_five() -> None:
    assert session("2024-11-29").closes == utc("2024-11-29 18:00")
    assert NYSE.described(utc("2024-11-29 17:00")) == "NYSE open, closes 13:00"
    assert NYSE.phase(utc("2024-11-29 18:00")) is Phase.POST
    assert NYSE.described(utc("2024-11-29 21:59")) == "NYSE after hours, ends 17:00"
    assert NYSE.described(utc("2024-11-29 22:00")) == "NYSE closed, opens Mon 09:30"


@pytest.mark.parametrize("day", ["2025-01-09", "2001-09-11", "2012-10-30", "2024-07-04", "2024-11-30"])
def test_no_session_on_a_day_of_mourning_a_storm_a_holiday_or_a_weekend(day: str) -> None:
    assert NYSE.session_on(date.fromisoformat(day)) is None
    assert NYSE.phase(utc(f"{day} 16:00")) is Phase.CLOSED


@pytest.mark.parametrize(
    ("moment", "phase", "text"),
    [
        ("2024-05-10 07:59", Phase.CLOSED, "NYSE closed, opens 09:30"),
        ("2024-05-10 08:00", Phase.PRE, "NYSE pre-market, opens 09:30"),
        ("2024-05-10 13:29", Phase.PRE, "NYSE pre-market, opens 09:30"),
        ("2024-05-10 13:30", Phase.REGULAR, "NYSE open, closes 16:00"),
        ("2024-05-10 19:59", Phase.REGULAR, "NYSE open, closes 16:00"),
        ("2024-05-10 20:00", Phase.POST, "NYSE after hours, ends 20:00"),
        ("2024-05-11 00:00", Phase.CLOSED, "NYSE closed, opens Mon 09:30"),
        ("2024-05-12 16:00", Phase.CLOSED, "NYSE closed, opens Mon 09:30"),
    ],
)
def test_the_day_has_its_phases_and_the_header_says_them(moment: str, phase: Phase, text: str) -> None:
    assert (NYSE.phase(utc(moment)), NYSE.described(utc(moment))) == (phase, text)


def test_the_next_open_is_todays_before_it_and_mondays_after_fridays() -> None:
    assert NYSE.next_open(utc("2024-05-10 13:29")) == utc("2024-05-10 13:30")
    assert NYSE.next_open(utc("2024-05-10 13:30")) == utc("2024-05-13 13:30")
    assert NYSE.next_open(utc("2024-12-31 22:00")) == utc("2025-01-02 14:30")


@given(st.integers(utc("2000-01-10 00:00") // SECOND, utc("2029-12-20 00:00") // SECOND))
def test_whatever_the_moment_it_lies_in_its_session_or_between_the_one_before_and_the_next(second: int) -> None:
    at = second * SECOND
    current, before = NYSE.current_or_next(at), NYSE.previous(at)
    assert before.post <= at < current.post
    assert next(NYSE.sessions_from(before.day + timedelta(days=1))) == current
    assert Calendar("XNYS").current_or_next(at) == current
    assert current.phase(at) is NYSE.phase(at)
    assert NYSE.session_on(current.day) == current
    assert current.pre < current.opens < current.closes < current.post
    assert NYSE.next_open(at) > at


def test_every_year_of_the_table_has_a_usual_number_of_sessions() -> None:
    counts = {year: sum(found.day.year == year for found in NYSE.sessions_from(date(year, 1, 1))) for year in TABLE_YEARS[:-1]}
    assert all(248 <= count <= 253 for count in counts.values())


@library
def test_another_exchange_has_its_own_hours_its_pause_and_no_extended_ones() -> None:
    hong_kong = Calendar("XHKG")
    day = hong_kong.session_on(date(2026, 1, 2))
    assert day == Session(
        date(2026, 1, 2), utc("2026-01-02 01:30"), utc("2026-01-02 01:30"), utc("2026-01-02 08:00"), utc("2026-01-02 08:00"),
        (utc("2026-01-02 04:00"), utc("2026-01-02 05:00")),
    )  # fmt: skip
    assert hong_kong.phase(utc("2026-01-02 04:30")) is Phase.CLOSED
    assert hong_kong.described(utc("2026-01-02 04:30")) == "XHKG pauses until 13:00"
    assert hong_kong.phase(utc("2026-01-02 05:00")) is Phase.REGULAR


@library
def test_an_exchange_that_opens_on_the_evening_before_is_open_then() -> None:
    assert Calendar("CMES").phase(utc("2026-01-04 23:30")) is Phase.REGULAR  # Sunday evening in Chicago


def test_an_exchange_that_does_not_exist_is_an_error_in_words() -> None:
    with pytest.raises(CalendarError, match="There is no exchange 'XXXX'"):
        Calendar("XXXX")


@library
def test_a_year_whose_holidays_nobody_knows_is_an_error_in_words() -> None:
    with pytest.raises(CalendarError, match=r"The sessions of XKRX in 2060 are not known: .*2050"):
        Calendar("XKRX").session_on(date(2060, 1, 4))


def test_new_yorks_sessions_load_neither_pandas_nor_the_library() -> None:
    code = "import sys; from engine.feeds.calendar import Calendar; Calendar().next_open(1_700_000_000 * 10**9); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "numpy", "exchange_calendars"} & set(loaded)
