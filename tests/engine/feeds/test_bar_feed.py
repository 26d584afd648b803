"""Playing bars: merged by time, paced without drift, in sessions a trader can order in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.feeds.actions import Action
from engine.feeds.bars import BarFeed, Recorded
from engine.feeds.base import Feed, FeedError
from engine.feeds.calendar import Calendar
from engine.feeds.new_york import NEW_YORK, SECOND, close_of, to_ns
from engine.model.market import Bar, Dividend, MarketEvent, MarketStatus, Phase, Split
from tests.engine.feeds.fake_time import FakeTime, play

MONDAY = date(2005, 3, 7)
MINUTE = 60 * SECOND


def bar(symbol: str, at: int, price: float = 10.0) -> Bar:
    return Bar(symbol, at, price, price, price, price, 100.0)


def daily(symbol: str, days: Sequence[int]) -> list[Bar]:
    """Bars of the days that lie this many days after a Monday."""
    return [bar(symbol, close_of(MONDAY + timedelta(days=offset))) for offset in days]


def feed_of(
    bars: Mapping[str, Sequence[Bar]],
    *,
    fake: FakeTime | None = None,
    pace: float = 1.0,
    start: date | None = date(1990, 1, 1),
    calendar: Calendar | None = None,
    actions: Sequence[Action] = (),
) -> BarFeed:
    fake = fake or FakeTime()
    return BarFeed("prices", bars, pace=pace, start=start, calendar=calendar, actions=actions, clock=fake.seconds, sleep=fake.sleep)


class Shelf:
    """A source of what it was given."""

    def __init__(self, held: dict[str, Recorded]) -> None:
        self._held = held

    def symbols(self) -> Sequence[str]:
        return list(self._held)

    def read(self, symbol: str) -> Recorded:
        return self._held[symbol]


async def test_symbols_are_merged_by_time_whenever_they_start_end_or_miss_a_day() -> None:
    feed: Feed = feed_of({"IBM": daily("IBM", [0, 1, 3]), "AAPL": daily("AAPL", [1, 2, 3, 4]), "FB": daily("FB", [4])})
    told = [(event.symbol, (event.at - close_of(MONDAY)) // (24 * 3600 * SECOND)) for event in await play(feed) if isinstance(event, Bar)]
    assert told == [("IBM", 0), ("IBM", 1), ("AAPL", 1), ("AAPL", 2), ("IBM", 3), ("AAPL", 3), ("AAPL", 4), ("FB", 4)]


@given(st.dictionaries(st.sampled_from(["A", "B", "C"]), st.sets(st.integers(0, 400), min_size=1), min_size=1), st.integers(0, 500))
@settings(deadline=None)
async def test_every_bar_is_told_once_in_order_of_time_or_is_history(days: dict[str, set[int]], offset: int) -> None:
    bars = {symbol: daily(symbol, sorted(chosen)) for symbol, chosen in days.items()}
    try:
        feed = feed_of(bars, start=MONDAY + timedelta(days=offset))
    except FeedError:
        assert all(offset > max(chosen) for chosen in days.values())
        return
    events = await play(feed)
    assert [event.at for event in events] == sorted(event.at for event in events)
    for symbol, all_of_it in bars.items():
        told = [event for event in events if isinstance(event, Bar) and event.symbol == symbol]
        assert [*feed.history(symbol, 1000), *told] == all_of_it


async def test_a_day_is_announced_before_its_bars_and_lasts_until_the_next() -> None:
    events = await play(feed_of({"IBM": daily("IBM", [0, 1, 4])}))
    told = [event.session if isinstance(event, MarketStatus) else f"bar {event.at}" for event in events]
    bars = [f"bar {close_of(MONDAY + timedelta(days=offset))}" for offset in (0, 1, 4)]
    assert told == ["2005-03-07", bars[0], "2005-03-08", bars[1], "2005-03-11", bars[2], "2005-03-11"]


async def test_the_next_day_is_not_announced_before_it_is_due() -> None:
    fake = FakeTime()
    announced: list[float] = []
    feed = feed_of({"IBM": daily("IBM", [0, 1, 4])}, fake=fake, pace=0.5)
    await feed.run(lambda event: announced.append(fake.seconds()) if isinstance(event, MarketStatus) else None)
    assert announced == [0.0, 2.0, 4.0, 4.0]


async def test_a_session_is_named_for_the_header_opens_in_the_morning_and_the_last_one_closes() -> None:
    events = await play(feed_of({"IBM": daily("IBM", [0, 1])}))
    statuses = [event for event in events if isinstance(event, MarketStatus)]
    assert [(status.open, status.text) for status in statuses] == [
        (True, "playing Mon 2005-03-07"),
        (True, "playing Tue 2005-03-08"),
        (False, "closed: data end Tue 2005-03-08"),
    ]
    opening = to_ns(datetime(2005, 3, 8, 14, 30, tzinfo=UTC))
    assert [status.at for status in statuses[1:]] == [opening, close_of(date(2005, 3, 8))]


def new_york(text: str) -> int:
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


def phases(events: Sequence[MarketEvent]) -> list[tuple[str, str]]:
    """What was told, in order: each bar's time and each phase, on New York's clock."""
    said = [event.phase.value if isinstance(event, MarketStatus) else type(event).__name__ for event in events]
    return [(f"{datetime.fromtimestamp(event.at // SECOND, NEW_YORK):%a %H:%M}", word) for event, word in zip(events, said, strict=True)]


async def test_intraday_bars_go_through_the_phases_of_their_exchange() -> None:
    hours = ["2005-03-04 09:00", "2005-03-04 09:30", "2005-03-04 10:30", "2005-03-04 16:00", "2005-03-04 17:00", "2005-03-07 10:30"]
    feed = feed_of({"A": [bar("A", new_york(hour)) for hour in hours]})
    assert phases(await play(feed)) == [
        ("Fri 08:00", "PRE"),
        ("Fri 09:00", "Bar"),
        ("Fri 09:30", "Bar"),
        ("Fri 09:30", "REGULAR"),
        ("Fri 10:30", "Bar"),
        ("Fri 16:00", "Bar"),
        ("Fri 16:00", "POST"),
        ("Fri 17:00", "Bar"),
        ("Fri 20:00", "CLOSED"),
        ("Mon 04:00", "PRE"),
        ("Mon 09:30", "REGULAR"),
        ("Mon 10:30", "Bar"),
        ("Mon 10:30", "CLOSED"),
    ]


async def test_a_half_day_closes_early_and_days_without_bars_are_left_out() -> None:
    hours = ["2024-11-29 12:00", "2024-11-29 13:00", "2024-12-03 10:30"]
    feed = feed_of({"A": [bar("A", new_york(hour)) for hour in hours]})
    assert phases(await play(feed))[:7] == [
        ("Fri 11:00", "REGULAR"),
        ("Fri 12:00", "Bar"),
        ("Fri 13:00", "Bar"),
        ("Fri 13:00", "POST"),
        ("Fri 17:00", "CLOSED"),
        ("Tue 04:00", "PRE"),
        ("Tue 09:30", "REGULAR"),
    ]


async def test_the_header_says_which_day_is_played_and_its_phase() -> None:
    feed = feed_of({"A": [bar("A", new_york(f"2005-03-07 {hour}")) for hour in ("09:00", "10:00", "16:00")]})
    statuses = [event for event in await play(feed) if isinstance(event, MarketStatus)]
    assert [status.text for status in statuses] == [
        "playing Mon 2005-03-07, pre-market",
        "playing Mon 2005-03-07",
        "playing Mon 2005-03-07, after hours",
        "closed: data end Mon 2005-03-07",
    ]
    assert {status.session for status in statuses} == {"2005-03-07"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_where_markets_never_close_a_bar_that_ends_at_midnight_ends_its_day() -> None:
    evening = to_ns(datetime(2005, 3, 7, 23, 59, tzinfo=UTC))
    bars = [bar("BTC/USD", evening + number * MINUTE) for number in range(4)]
    feed = feed_of({"BTC/USD": bars}, calendar=Calendar("24/7"))
    told = [(event.session, event.phase.value) if isinstance(event, MarketStatus) else "bar" for event in await play(feed)]
    day, next_day = ("2005-03-07", "REGULAR"), ("2005-03-08", "REGULAR")
    assert told == [day, "bar", "bar", next_day, "bar", "bar", ("2005-03-08", "CLOSED")]


async def test_playing_that_begins_in_the_middle_of_a_day_announces_that_day_first() -> None:
    noon = to_ns(datetime(2005, 3, 7, 17, tzinfo=UTC))
    events = await play(feed_of({"A": [bar("A", noon + number * MINUTE) for number in range(10)]}, start=None))
    assert events[0] == MarketStatus(phase=Phase.REGULAR, text="playing Mon 2005-03-07", session="2005-03-07", at=noon + 4 * MINUTE)


async def test_bars_of_a_day_and_of_a_minute_are_played_together() -> None:
    opening = new_york("2005-03-07 09:30")
    minutes = [bar("A", opening + day * 24 * 60 * MINUTE + number * MINUTE) for day in range(3) for number in range(1, 391)]
    feed = feed_of({"SPY": daily("SPY", [0, 1, 2]), "A": minutes}, pace=10.0)
    told = phases(await play(feed))
    assert told.count(("Mon 16:00", "Bar")) == 2
    assert [entry for entry in told if entry[1] != "Bar"][:5] == [
        ("Mon 09:30", "REGULAR"),
        ("Mon 16:00", "POST"),
        ("Mon 20:00", "CLOSED"),
        ("Tue 04:00", "PRE"),
        ("Tue 09:30", "REGULAR"),
    ]
    # The next daily bar is due after 390 steps, and its price is fresh until then.
    assert feed.quote_life_s == pytest.approx(3 * 390 / 10)
    assert feed.timeframe == "1m"


SPLIT = Action("A", date(2005, 3, 8), "split", Decimal(2))
DIVIDEND = Action("A", date(2005, 3, 8), "dividend", Decimal("0.25"))


def test_history_is_in_the_shares_of_the_first_day_and_a_split_of_that_day_is_still_to_come() -> None:
    past = Action("A", date(2005, 3, 8), "split", Decimal(4))
    todays = Action("A", date(2005, 3, 10), "split", Decimal(2))
    others = Action("B", date(2005, 3, 8), "split", Decimal(8))
    bars = {"A": daily("A", [0, 1, 2, 3, 4]), "B": daily("B", [0, 1, 2, 3, 4])}
    feed = feed_of(bars, start=date(2005, 3, 10), actions=[past, others, todays, Action("A", date(2005, 3, 9), "dividend", Decimal(3))])
    assert [(told.close, told.volume) for told in feed.history("A", 10)] == [(2.5, 400.0), (10.0, 100.0), (10.0, 100.0)]
    assert [told.close for told in feed.history("A", 2)] == [10.0, 10.0]
    assert [told.close for told in feed.history("B", 10)] == [1.25, 10.0, 10.0]


async def test_splits_and_dividends_are_told_before_their_days_session_and_past_ones_never() -> None:
    past = Action("A", date(2005, 3, 4), "split", Decimal(3))
    events = await play(feed_of({"A": daily("A", [0, 1, 2])}, actions=[past, SPLIT, DIVIDEND]))
    opening = to_ns(datetime(2005, 3, 8, 14, 30, tzinfo=UTC))
    assert events[2:4] == [Split("A", opening, Decimal(2), 10.0, "2005-03-08"), Dividend("A", opening, Decimal("0.25"), "2005-03-08")]
    assert isinstance(events[4], MarketStatus)
    assert sum(isinstance(event, Split) for event in events) == 1


def test_those_of_days_that_nobody_played_are_told_at_their_opening_with_the_price_before() -> None:
    saturday = Action("A", date(2005, 3, 5), "split", Decimal(3))
    bars = {"A": daily("A", [-3, 0, 1, 2]), "B": daily("B", [2])}
    feed = feed_of(bars, start=date(2005, 3, 9), actions=[saturday, SPLIT, DIVIDEND, Action("A", date(2005, 3, 9), "split", Decimal(5))])
    opening, midnight = to_ns(datetime(2005, 3, 8, 14, 30, tzinfo=UTC)), to_ns(datetime(2005, 3, 5, 5, tzinfo=UTC))
    told = [Split("A", opening, Decimal(2), 10.0, "2005-03-08"), Dividend("A", opening, Decimal("0.25"), "2005-03-08")]
    assert feed.acts_after("2005-03-06") == feed.acts_after("2005-03-07") == feed.acts_after("2005-03-08") == told
    assert feed.acts_after("2005-03-04") == [Split("A", midnight, Decimal(3), 10.0, "2005-03-05"), *told]
    assert feed.acts_after("2005-03-09") == feed.acts_after("2010-01-01") == []


async def test_those_of_a_symbol_that_is_followed_before_the_start_are_among_them() -> None:
    source = Shelf({"B": Recorded(daily("B", [0, 1, 2]), [Action("B", date(2005, 3, 8), "split", Decimal(2))])})
    feed = BarFeed("prices", {"A": daily("A", [0, 1, 2])}, pace=1, start=date(2005, 3, 9), source=source)
    assert feed.acts_after("2005-03-07") == []
    await feed.follow("B")
    assert [act.symbol for act in feed.acts_after("2005-03-07")] == ["B"]
    feed.drop("B")
    assert feed.acts_after("2005-03-07") == []


async def test_on_intraday_bars_they_are_told_before_the_pre_market() -> None:
    hours = ["2005-03-07 15:00", "2005-03-07 16:00", "2005-03-09 10:00"]
    events = await play(feed_of({"A": [bar("A", new_york(hour)) for hour in hours]}, actions=[SPLIT]))
    assert phases(events)[3:8] == [
        ("Mon 16:00", "POST"),
        ("Mon 20:00", "CLOSED"),
        ("Mon 20:00", "Split"),
        ("Wed 04:00", "PRE"),
        ("Wed 09:30", "REGULAR"),
    ]


async def test_an_action_of_the_first_day_is_told_first() -> None:
    events = await play(feed_of({"A": daily("A", [0, 1])}, actions=[SPLIT], start=date(2005, 3, 8)))
    assert isinstance(events[0], Split)


async def test_pace_nought_plays_without_waiting() -> None:
    fake = FakeTime()
    events = await play(feed_of({"A": daily("A", range(50))}, fake=fake, pace=0))
    assert sum(isinstance(event, Bar) for event in events) == 50
    assert fake.seconds() == 0


async def test_at_pace_nought_no_moment_comes_before_the_one_before_it_is_taken() -> None:
    told: list[object] = []
    seen: list[int] = []

    async def taken() -> None:
        seen.append(sum(isinstance(event, Bar) for event in told))

    feed = feed_of({"A": daily("A", range(3)), "B": daily("B", range(3))}, pace=0)
    feed.taken = taken
    await feed.run(told.append)
    assert seen == [0, 2, 4, 6]


async def test_at_a_pace_of_its_own_it_waits_for_nobody() -> None:
    async def taken() -> None:
        raise AssertionError

    feed = feed_of({"A": daily("A", range(3))}, pace=4.0)
    feed.taken = taken
    assert sum(isinstance(event, Bar) for event in await play(feed)) == 3


async def test_a_bar_time_takes_its_share_of_a_second_and_delays_do_not_add_up() -> None:
    fake = FakeTime()
    at_bar: list[float] = []
    feed = feed_of({"A": daily("A", range(5)), "B": daily("B", range(5))}, fake=fake, pace=4.0)

    def slow(event: object) -> None:
        if isinstance(event, Bar):
            at_bar.append(fake.seconds())
            fake.now += 30_000_000  # Whoever listens takes 30 ms a bar.

    await feed.run(slow)
    assert at_bar[::2] == [0.0, 0.25, 0.5, 0.75, 1.0]


async def test_after_the_machine_slept_bars_go_on_at_their_pace_and_do_not_rush() -> None:
    fake = FakeTime()
    at_bar: list[float] = []
    feed = feed_of({"A": daily("A", range(6))}, fake=fake)

    def slept(event: object) -> None:
        if isinstance(event, Bar):
            at_bar.append(fake.seconds())
            fake.now += 3600 * SECOND if len(at_bar) == 2 else 0

    await feed.run(slept)
    assert at_bar == [0.0, 1.0, 3601.0, 3602.0, 3603.0, 3604.0]


async def test_at_full_pace_others_on_the_loop_get_their_turn() -> None:
    feed = BarFeed("prices", {"A": daily("A", range(3000))}, pace=10_000.0, start=date(1990, 1, 1))
    turns: list[float] = []

    async def other() -> None:
        while True:
            turns.append(time.monotonic())
            await asyncio.sleep(0)

    def busy(event: object) -> None:
        until = time.monotonic() + 0.0002
        while time.monotonic() < until:
            pass

    task = asyncio.create_task(other())
    await feed.run(busy)
    task.cancel()
    # 3,000 bars of 0.2 ms are 600 ms of work, given away at least each 2 ms or so.
    assert len(turns) > 100


async def test_playing_can_be_cancelled_between_bars() -> None:
    feed = BarFeed("prices", {"A": daily("A", range(10))}, pace=0.001, start=date(1990, 1, 1))
    first = asyncio.Event()
    task = asyncio.create_task(feed.run(lambda event: first.set()))
    await first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_without_a_start_sixty_bars_are_kept_back_as_history() -> None:
    bars = daily("A", range(200))
    assert feed_of({"A": bars}, start=None).history("A", 1000) == bars[:60]


def test_a_short_file_is_played_from_its_middle() -> None:
    bars = daily("A", range(10))
    assert feed_of({"A": bars}, start=None).history("A", 1000) == bars[:5]


def test_history_gives_the_newest_bars_and_only_those_before_the_start() -> None:
    bars = daily("A", range(20))
    feed = feed_of({"A": bars, "LATE": daily("LATE", [18])}, start=MONDAY + timedelta(days=10))
    assert feed.history("A", 3) == bars[7:10]
    assert feed.history("A", 0) == []
    assert feed.history("LATE", 3) == []


async def test_a_start_on_a_day_without_a_bar_plays_from_the_next() -> None:
    events = await play(feed_of({"A": daily("A", [0, 1, 7, 8])}, start=MONDAY + timedelta(days=3)))
    assert next(event.session for event in events if isinstance(event, MarketStatus)) == "2005-03-14"


def test_what_cannot_be_played_is_an_error_in_words() -> None:
    with pytest.raises(FeedError, match=r"prices has no bar from 2010-01-01 on: its last is of 2005-03-08\. Choose an earlier start\."):
        feed_of({"A": daily("A", [0, 1])}, start=date(2010, 1, 1))
    with pytest.raises(FeedError, match=r"prices has no bars\."):
        feed_of({"A": []})
    with pytest.raises(FeedError, match=r"prices has no B: it holds A\."):
        feed_of({"A": daily("A", [0])}).history("B", 5)


@pytest.mark.parametrize(
    ("seconds", "name"), [(1, "1s"), (5, "5s"), (60, "1m"), (90, "90s"), (900, "15m"), (14_400, "4h"), (86_400, "1d"), (604_800, "1w")]
)
def test_the_timeframe_is_read_off_the_commonest_distance(seconds: int, name: str) -> None:
    at = [0, *(seconds * number * SECOND for number in range(100, 110))]
    assert feed_of({"A": [bar("A", moment) for moment in at]}, start=None).timeframe == name


def test_days_are_days_across_daylight_saving_and_over_weekends() -> None:
    assert feed_of({"A": daily("A", [0, 1, 4, 5, 6, 7])}).timeframe == "1d"
    assert feed_of({"A": daily("A", [6])}).timeframe == "1d"
    assert feed_of({"A": daily("A", [0, 7, 14])}).timeframe == "1w"
    clocks_change = (date(2005, 4, 3) - MONDAY).days
    assert feed_of({"A": daily("A", [clocks_change - 1, clocks_change])}).timeframe == "1d"


@pytest.mark.parametrize(("pace", "life"), [(100.0, 5.0), (1.0, 5.0), (0.1, 30.0)])
def test_a_price_is_fresh_until_three_bars_should_have_come(pace: float, life: float) -> None:
    assert feed_of({"A": daily("A", [0])}, pace=pace).quote_life_s == pytest.approx(life)
