"""The simulated market slower and faster than time, and as fast as it is taken."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from contextlib import suppress
from datetime import date, datetime

import pytest

from engine.feeds.new_york import NEW_YORK, SECOND, to_ns
from engine.feeds.simulated import SimulatedFeed
from engine.model.market import MarketEvent, MarketStatus, Phase, Quote
from engine.model.settings import FeedSettings
from tests.engine.feeds.fake_time import FakeTime, OverError, play

MONDAY = date(2024, 11, 25)


def local(text: str) -> int:
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


def market(
    fake: FakeTime, speed: float, *, lasting_s: float = 1e6, rate: float = 1.0, start: date | None = MONDAY, universe: int = 2
) -> SimulatedFeed:
    fake.until = fake.now + round(lasting_s * SECOND)
    chosen = FeedSettings(session="XNYS", speed=speed, universe=universe, quotes_per_second=rate, bar_seconds=60)
    return SimulatedFeed((), chosen, start=start, clock=fake.nanoseconds, sleep=fake.sleep)


async def first(feed: SimulatedFeed, count: int) -> list[MarketEvent]:
    events: list[MarketEvent] = []

    def tell(event: MarketEvent) -> None:
        events.append(event)
        if len(events) == count:
            raise OverError

    with suppress(OverError):
        await feed.run(tell)
    return events


@pytest.mark.parametrize("speed", [0.5, 1.0, 60.0, 10_000.0])
async def test_the_same_start_gives_the_same_market_at_any_speed(speed: float) -> None:
    as_taken = await first(market(FakeTime(), 0), 5000)
    in_time = await play(market(FakeTime(local("2026-11-21T12:00")), speed, lasting_s=2000 / speed))
    assert len(in_time) > 900
    assert in_time[:5000] == as_taken[: len(in_time)]


@pytest.mark.parametrize("speed", [1.0, 60.0])
async def test_a_second_of_the_wall_clock_is_as_many_of_the_markets_as_the_speed_says(speed: float) -> None:
    fake = FakeTime(local("2026-11-21T12:00"))
    begun = fake.now
    feed = market(fake, speed, lasting_s=600 / speed)
    told: list[MarketEvent] = []

    def tell(event: MarketEvent) -> None:
        passed = event.at - local("2024-11-25T04:00")
        behind = (fake.now - begun) - passed / speed
        assert 0 <= behind < 0.03 * SECOND
        told.append(event)

    with pytest.raises(OverError):
        await feed.run(tell)
    assert told[-1].at - told[0].at == pytest.approx(600 * SECOND, rel=0.02)


async def test_closed_hours_take_no_time_where_time_is_not_the_wall_clocks() -> None:
    fake = FakeTime()
    begun = fake.now
    statuses: dict[tuple[str, Phase], int] = {}

    def tell(event: MarketEvent) -> None:
        if isinstance(event, MarketStatus):
            statuses[event.session, event.phase] = fake.now - begun
            if event.session == "2024-12-02":
                raise OverError

    with suppress(OverError):
        await market(fake, 3600.0, rate=1 / 60).run(tell)
    # Three sessions of 16 hours, and one of 13.
    assert statuses["2024-12-02", Phase.PRE] == pytest.approx((3 * 16 + 13) * SECOND, rel=0.01)
    assert statuses["2024-11-29", Phase.PRE] - statuses["2024-11-27", Phase.CLOSED] < 0.1 * SECOND


async def test_at_the_wall_clocks_own_speed_a_night_lasts_a_night() -> None:
    fake = FakeTime(local("2024-11-25T19:59:50"))
    statuses: list[MarketStatus] = []

    def tell(event: MarketEvent) -> None:
        if isinstance(event, MarketStatus):
            statuses.append(event)
            assert 0 <= fake.now - event.at < SECOND
        if len(statuses) == 3:
            raise OverError

    with suppress(OverError):
        await market(fake, 1.0, start=None).run(tell)
    assert [(status.phase, status.at) for status in statuses[1:]] == [
        (Phase.CLOSED, local("2024-11-25T20:00")),
        (Phase.PRE, local("2024-11-26T04:00")),
    ]
    assert max(fake.sleeps) <= 1


async def test_a_machine_that_sleeps_from_monday_to_tuesday_hears_what_opened_and_closed_and_no_rush_of_quotes() -> None:
    fake = FakeTime(local("2024-11-25T15:00"))
    told: list[MarketEvent] = []

    def tell(event: MarketEvent) -> None:
        told.append(event)
        if len(told) == 100:
            fake.now = local("2024-11-26T12:00")
            fake.until = fake.now + 10 * SECOND

    with pytest.raises(OverError):
        await market(fake, 1.0, start=None).run(tell)
    assert [event.at for event in told] == sorted(event.at for event in told)
    late = [event for event in told[100:] if event.at < local("2024-11-26T12:00")]
    assert [event.phase for event in late if isinstance(event, MarketStatus)] == [Phase.POST, Phase.CLOSED, Phase.PRE, Phase.REGULAR]
    assert sum(isinstance(event, Quote) for event in late) < 5


async def test_a_listener_slower_than_the_speed_holds_the_market_up_and_misses_nothing() -> None:
    fake = FakeTime()
    taken: list[MarketEvent] = []

    def tell(event: MarketEvent) -> None:
        fake.now += SECOND // 10  # 10 events a second, where 2000 are due
        taken.append(event)
        if len(taken) == 1000:
            raise OverError

    with suppress(OverError):
        await market(fake, 1000.0).run(tell)
    assert taken == await first(market(FakeTime(), 0), 1000)


async def test_as_fast_as_it_is_taken_the_market_lets_the_loop_have_its_turn_every_fifty_events() -> None:
    feed = SimulatedFeed((), FeedSettings(session="XNYS", speed=0), start=MONDAY)
    told, turns = 0, 0

    def tell(event: MarketEvent) -> None:
        nonlocal told
        told += 1

    playing = asyncio.create_task(feed.run(tell))
    while told < 5000:
        before = told
        await asyncio.sleep(0)
        turns += 1
        assert told - before <= 50
    playing.cancel()
    assert turns >= 100


async def test_a_cancelled_run_goes_on_where_it_was() -> None:
    feed, whole = market(FakeTime(), 0), await first(market(FakeTime(), 0), 300)
    assert await first(feed, 120) + await first(feed, 180) == whole


@pytest.mark.parametrize(("rate", "speed", "life_s"), [(4.0, 1.0, None), (1.0, 1.0, 12.0), (1.0, 60.0, None), (0.01, 10.0, 120.0)])
def test_quotes_count_as_fresh_until_the_next_is_due_in_extended_hours_and_at_any_speed(
    rate: float, speed: float, life_s: float | None
) -> None:
    assert market(FakeTime(), speed, rate=rate).quote_life_s == life_s


async def test_memory_does_not_grow_with_the_days() -> None:
    feed = market(FakeTime(), 0, rate=1 / 120, universe=40)
    grown: list[int] = []

    def tell(event: MarketEvent) -> None:
        if isinstance(event, MarketStatus) and event.phase is Phase.CLOSED:
            gc.collect()
            grown.append(tracemalloc.get_traced_memory()[0])
            if len(grown) == 4:
                raise OverError

    tracemalloc.start()
    with suppress(OverError):
        await feed.run(tell)
    tracemalloc.stop()
    assert max(grown) - grown[0] < 20_000
