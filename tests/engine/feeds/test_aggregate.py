"""Larger bars: aligned to the session, the same made at once and made bar by bar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from math import exp
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.feeds.aggregate import Aggregator, aggregated
from engine.feeds.bar_columns import columns_of
from engine.feeds.calendar import Calendar
from engine.feeds.new_york import NEW_YORK, SECOND, to_ns
from engine.model.market import Bar
from engine.model.settings import TIMEFRAMES

NYSE = Calendar()
calendar_of = cache(Calendar)
MINUTE = 60 * SECOND


def new_york(text: str) -> int:
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


def clock(at: int) -> str:
    return f"{datetime.fromtimestamp(at // SECOND, NEW_YORK):%m-%d %H:%M}"


def bar(at: int, price: float = 10.0, volume: float = 100.0) -> Bar:
    return Bar("A", at, price, price + 1, price - 1, price + 0.5, volume)


def minutes(first: str, last: str) -> list[Bar]:
    """A bar for each minute whose close lies after `first`, until `last`."""
    return [bar(at) for at in range(new_york(first) + MINUTE, new_york(last) + 1, MINUTE)]


def one_by_one(bars: Iterable[Bar], timeframe: str) -> list[Bar]:
    aggregator = Aggregator(timeframe, NYSE)
    done = [larger for smaller in bars for larger in aggregator.add(smaller)]
    return [*done, *aggregator.until(2**63 - 1)]


def closes(bars: Sequence[Bar], timeframe: str) -> list[str]:
    return [clock(larger.at) for larger in aggregated(columns_of("A", bars), timeframe, NYSE)]


def test_hours_are_counted_from_the_open_and_the_last_one_is_short() -> None:
    told = closes(minutes("2005-03-07 09:30", "2005-03-07 16:00"), "1h")
    assert told == [f"03-07 {hour}" for hour in ("10:30", "11:30", "12:30", "13:30", "14:30", "15:30", "16:00")]


def test_a_bar_has_the_first_open_the_extremes_the_last_close_and_all_the_volume() -> None:
    at = new_york("2005-03-07 09:30")
    smaller = [
        Bar("A", at + MINUTE, 10, 12, 9, 11, 100),
        Bar("A", at + 2 * MINUTE, 11, 11.5, 8, 9, 50),
        Bar("A", at + 5 * MINUTE, 9, 10, 9, 10, 1),
    ]
    whole = [Bar("A", at + 5 * MINUTE, 10, 12, 8, 10, 151)]
    assert list(aggregated(columns_of("A", smaller), "5m", NYSE)) == whole == one_by_one(smaller, "5m")


def test_a_day_is_the_regular_session_alone_and_ends_early_on_a_half_day() -> None:
    bars = minutes("2024-11-29 08:00", "2024-11-29 16:00")
    day = list(aggregated(columns_of("A", bars), "1d", NYSE))
    assert [(clock(larger.at), larger.volume) for larger in day] == [("11-29 13:00", 210 * 100)]
    assert one_by_one(bars, "1d") == day


def test_extended_hours_are_cut_on_their_own() -> None:
    assert closes(minutes("2005-03-07 08:30", "2005-03-07 10:30"), "1h") == ["03-07 09:00", "03-07 09:30", "03-07 10:30"]
    assert closes(minutes("2005-03-07 15:30", "2005-03-07 17:30"), "1h") == ["03-07 16:00", "03-07 17:00", "03-07 18:00"]


def test_daylight_saving_moves_the_hours_with_the_session() -> None:
    bars = [*minutes("2025-03-07 15:30", "2025-03-07 16:00"), *minutes("2025-03-10 09:30", "2025-03-10 10:30")]
    assert closes(bars, "1h") == ["03-07 16:00", "03-10 10:30"]
    assert closes(bars, "1d") == ["03-07 16:00", "03-10 16:00"]


def test_where_nothing_traded_there_is_no_bar() -> None:
    at = new_york("2005-03-07 09:30")
    assert closes([bar(at + MINUTE), bar(at + 121 * MINUTE)], "1h") == ["03-07 10:30", "03-07 12:30"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_midday_break_begins_the_hours_anew() -> None:
    tokyo = Calendar("XTKS")
    nine = to_ns(datetime(2023, 3, 7, 9, tzinfo=tokyo.zone))
    bars = [bar(nine + number * MINUTE) for number in (*range(1, 151), *range(211, 361))]
    ends = [(larger.at - nine) // MINUTE for larger in aggregated(columns_of("A", bars), "1h", tokyo)]
    assert ends == [60, 120, 150, 270, 330, 360]


def test_a_bar_is_told_as_soon_as_its_end_is_reached() -> None:
    aggregator = Aggregator("5m", NYSE)
    at = new_york("2005-03-07 09:30")
    assert [aggregator.add(bar(at + number * MINUTE)) != [] for number in range(1, 7)] == [False, False, False, False, True, False]


def test_an_incomplete_bar_is_told_when_the_session_is_over_and_symbols_do_not_wait_for_each_other() -> None:
    aggregator = Aggregator("1h", NYSE)
    at = new_york("2005-03-07 15:40")
    assert aggregator.add(bar(at)) == []
    other = Bar("B", at + 5 * MINUTE, 1, 1, 1, 1, 1)
    assert aggregator.add(other) == []
    assert aggregator.until(new_york("2005-03-07 15:59")) == []
    over = aggregator.until(new_york("2005-03-07 16:00"))
    assert [(larger.symbol, clock(larger.at)) for larger in over] == [("A", "03-07 16:00"), ("B", "03-07 16:00")]
    assert aggregator.until(2**63 - 1) == []


def test_trades_become_bars_and_one_at_the_close_of_a_bar_begins_the_next() -> None:
    aggregator = Aggregator("1m", NYSE)
    at = new_york("2005-03-07 09:30")
    assert aggregator.trade("A", at, 10.0, 100) == []
    assert aggregator.trade("A", at + 30 * SECOND, 12.0, 50) == []
    assert aggregator.trade("A", at + MINUTE, 11.0, 1) == [Bar("A", at + MINUTE, 10.0, 12.0, 10.0, 12.0, 150)]


def test_what_trades_outside_all_hours_makes_no_bar() -> None:
    night = [bar(new_york("2005-03-07 02:00"))]
    assert len(aggregated(columns_of("A", night), "1h", NYSE)) == 0
    assert one_by_one(night, "1h") == []


WEEKS = {
    "XNYS": ("2024-03-07", "2024-11-01", "2024-11-27", "2025-03-07", "2023-12-29"),
    "XLON": ("2024-03-27", "2024-10-24", "2024-12-23"),
    "XTKS": ("2023-12-28", "2024-03-07"),
    "CMES": ("2024-03-07", "2024-10-31", "2024-11-27"),
    "24/7": ("2024-03-08", "2024-11-01"),
}
"""Days of exchanges before their clocks change, or before half-days and holidays."""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("exchange", "day"), [(exchange, day) for exchange, days in WEEKS.items() for day in days])
@pytest.mark.parametrize("timeframe", ["5m", "15m", "1h", "1d"])
def test_both_ways_agree_on_busy_weeks_in_which_clocks_change(exchange: str, day: str, timeframe: str) -> None:
    calendar = calendar_of(exchange)
    random = Random(f"{exchange} {day}")
    first = to_ns(datetime.fromisoformat(day).replace(tzinfo=calendar.zone))
    price, at, smaller = 100.0, first, []
    while at < first + 6 * 24 * 60 * MINUTE:
        # Minutes are missing now and then, and nobody trades at night.
        at += MINUTE * random.choice((1, 1, 1, 1, 2, 3, 7))
        session = calendar.current_or_next(at - 1)
        if not session.pre < at <= session.post:
            at = session.pre
            continue
        price *= exp(random.gauss(0, 1e-3))
        high, low = price * (1 + random.random() * 1e-3), price * (1 - random.random() * 1e-3)
        smaller.append(Bar("A", at, price, high, low, random.uniform(low, high), float(random.randrange(1000))))
    aggregator = Aggregator(timeframe, calendar)
    live: list[Bar] = []
    for bar in smaller:
        live += aggregator.until(bar.at - 1)
        live += aggregator.add(bar)
    live += aggregator.until(2**63 - 1)
    together = list(aggregated(columns_of("A", smaller), timeframe, calendar))
    assert live == together
    sessions = {calendar.day_of(bar.at) for bar in smaller}
    assert {calendar.day_of(bar.at) for bar in together} == sessions
    if timeframe == "1d":
        assert [bar.at for bar in together] == [calendar.session_on(day).closes for day in sorted(sessions)]  # type: ignore[union-attr]


@given(
    st.sampled_from(sorted(TIMEFRAMES)),
    st.lists(st.tuples(st.integers(1, 30_000), st.floats(1, 100), st.floats(0, 1e6)), max_size=60),
)
@settings(deadline=None)
def test_at_once_and_bar_by_bar_give_the_same(timeframe: str, steps: list[tuple[int, float, float]]) -> None:
    at = new_york("2024-11-27 09:00")
    bars = []
    for seconds, price, volume in steps:
        at += seconds * SECOND
        bars.append(bar(at, price, volume))
    together = list(aggregated(columns_of("A", bars), timeframe, NYSE))
    assert one_by_one(bars, timeframe) == together
    assert len({larger.at for larger in together}) == len(together)
