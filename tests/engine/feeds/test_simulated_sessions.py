"""The simulated market in New York's sessions: the week of Thanksgiving 2024, with a holiday and a half-day, told as fast as it goes."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import UTC, date, datetime
from itertools import islice, pairwise
from statistics import mean, median
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.feeds.aggregate import Aggregator
from engine.feeds.base import FeedError
from engine.feeds.calendar import Calendar
from engine.feeds.new_york import NEW_YORK, SECOND, to_ns
from engine.feeds.simulated import SimulatedFeed
from engine.feeds.simulated.script import Script
from engine.feeds.simulated.walk import Factors, SymbolWalk
from engine.model.market import Auction, AuctionKind, Bar, Halt, MarketEvent, MarketStatus, Phase, Quote
from engine.model.settings import FeedSettings
from tests.engine.feeds.fake_time import OverError
from tests.thorough import tries

MONDAY, NEXT_MONDAY = date(2024, 11, 25), "2024-12-02"
SESSIONS = ("2024-11-25", "2024-11-26", "2024-11-27", "2024-11-29")
MINUTE = 60 * SECOND


def clock(at: int) -> str:
    return f"{datetime.fromtimestamp(at // SECOND, NEW_YORK):%a %H:%M:%S}"


def local(text: str) -> int:
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


def market(*symbols: str, start: date | None = MONDAY, universe: int = 0, rate: float = 1 / 60, bar_seconds: int = 300) -> SimulatedFeed:
    chosen = FeedSettings(session="XNYS", speed=0, universe=universe, quotes_per_second=rate, bar_seconds=bar_seconds)
    return SimulatedFeed(symbols, chosen, start=start, clock=lambda: local("2024-11-25T11:00"))


async def told(feed: SimulatedFeed, until: str = NEXT_MONDAY) -> list[MarketEvent]:
    """All events before the session of that day."""
    events: list[MarketEvent] = []

    def tell(event: MarketEvent) -> None:
        if isinstance(event, MarketStatus) and event.session >= until:
            raise OverError
        events.append(event)

    with suppress(OverError):
        await feed.run(tell)
    return events


@pytest.fixture(scope="module")
def week() -> list[MarketEvent]:
    return asyncio.run(told(market(universe=150)))


Told = TypeVar("Told", Bar, Halt)


def per_symbol(events: list[MarketEvent], kind: type[Told]) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = defaultdict(list)
    for event in events:
        if isinstance(event, kind):
            found[event.symbol].append(event)
    return found


def test_the_week_of_thanksgiving_has_four_sessions_and_each_its_phases(week: list[MarketEvent]) -> None:
    statuses = [event for event in week if isinstance(event, MarketStatus)]
    assert [(clock(status.at), status.session) for status in statuses if status.phase is Phase.REGULAR] == [
        ("Mon 09:30:00", "2024-11-25"), ("Tue 09:30:00", "2024-11-26"), ("Wed 09:30:00", "2024-11-27"), ("Fri 09:30:00", "2024-11-29"),
    ]  # fmt: skip
    assert [(clock(status.at), status.phase, status.text, status.session) for status in statuses[-5:]] == [
        ("Wed 20:00:00", Phase.CLOSED, "simulated NYSE closed, opens Fri 09:30", "2024-11-27"),
        ("Fri 04:00:00", Phase.PRE, "simulated NYSE pre-market, opens 09:30", "2024-11-29"),
        ("Fri 09:30:00", Phase.REGULAR, "simulated NYSE open, closes 13:00", "2024-11-29"),
        ("Fri 13:00:00", Phase.POST, "simulated NYSE after hours, ends 17:00", "2024-11-29"),
        ("Fri 17:00:00", Phase.CLOSED, "simulated NYSE closed, opens Mon 09:30", "2024-11-29"),
    ]


def test_all_events_come_in_order_of_market_time_and_none_while_the_market_is_closed(week: list[MarketEvent]) -> None:
    assert all(before.at <= event.at for before, event in pairwise(week))
    phase = Phase.CLOSED
    for event in week:
        if isinstance(event, MarketStatus):
            phase = event.phase
        elif isinstance(event, Quote):
            assert phase is not Phase.CLOSED
        else:
            assert phase is Phase.REGULAR


def test_each_symbol_opens_and_closes_each_session_in_one_auction(week: list[MarketEvent]) -> None:
    calendar = Calendar()
    auctions = [event for event in week if isinstance(event, Auction)]
    assert len(auctions) == 150 * 4 * 2
    assert {*Counter((auction.symbol, auction.kind, auction.at) for auction in auctions).values()} == {1}
    sessions = [session for day in SESSIONS if (session := calendar.session_on(date.fromisoformat(day)))]
    assert {auction.at for auction in auctions if auction.kind is AuctionKind.OPEN} == {session.opens for session in sessions}
    assert {auction.at for auction in auctions if auction.kind is AuctionKind.CLOSE} == {session.closes for session in sessions}
    volumes = {kind: mean(auction.volume for auction in auctions if auction.kind is kind) for kind in AuctionKind}
    assert volumes[AuctionKind.CLOSE] > 4 * volumes[AuctionKind.OPEN] > 0


def test_the_auctions_are_the_first_and_the_last_trade_of_the_sessions_bars(week: list[MarketEvent]) -> None:
    auctions = {(event.symbol, event.at): event for event in week if isinstance(event, Auction)}
    for symbol, bars in per_symbol(week, Bar).items():
        for bar in bars:
            if opening := auctions.get((symbol, bar.at - 5 * MINUTE)):
                assert (bar.open, bar.volume >= opening.volume) == (opening.price, True)
            if closing := auctions.get((symbol, bar.at)):
                assert (bar.close, bar.volume >= closing.volume) == (closing.price, True)
            assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high


async def test_hourly_bars_count_from_the_open_and_the_last_ends_with_the_session() -> None:
    bars = per_symbol(await told(market("IBM", bar_seconds=3600)), Bar)["IBM"]
    assert [clock(bar.at) for bar in bars if clock(bar.at).startswith(("Wed", "Fri"))] == [
        "Wed 10:30:00", "Wed 11:30:00", "Wed 12:30:00", "Wed 13:30:00", "Wed 14:30:00", "Wed 15:30:00", "Wed 16:00:00",
        "Fri 10:30:00", "Fri 11:30:00", "Fri 12:30:00", "Fri 13:00:00",
    ]  # fmt: skip


def test_volatility_and_volume_are_a_u_over_the_day(week: list[MarketEvent]) -> None:
    moves, volumes = defaultdict(list), defaultdict(list)
    for bars in per_symbol(week, Bar).values():
        for bar in bars:
            if (hour := clock(bar.at)[4:]) not in ("09:35:00", "16:00:00", "13:00:00"):  # those hold the auctions
                moves[hour].append(abs(bar.close / bar.open - 1))
                volumes[hour].append(bar.volume)
    assert mean(moves["09:40:00"]) > 1.7 * mean(moves["12:50:00"])
    assert mean(moves["15:55:00"]) > 1.25 * mean(moves["12:50:00"])
    assert mean(volumes["09:40:00"]) > 2 * mean(volumes["12:50:00"])
    assert mean(volumes["15:55:00"]) > 2 * mean(volumes["12:50:00"])


def test_a_few_symbols_open_with_a_gap_after_their_earnings(week: list[MarketEvent]) -> None:
    gaps = []
    for bars in per_symbol(week, Bar).values():
        gaps += [abs(bar.open / before.close - 1) for before, bar in pairwise(bars) if bar.at - before.at > 3600 * SECOND]
    assert len(gaps) == 150 * 3
    assert median(gaps) < 0.015
    assert 2 <= sum(gap > 0.04 for gap in gaps) <= 25


def test_before_the_open_and_after_the_close_quotes_are_rare_and_spreads_wide(week: list[MarketEvent]) -> None:
    day = Calendar().session_on(MONDAY)
    assert day is not None
    quotes = [event for event in week if isinstance(event, Quote) and event.symbol == "MSFT" and event.at < day.post]
    early = [quote for quote in quotes if quote.at < day.opens]
    regular = [quote for quote in quotes if day.opens <= quote.at < day.closes]
    late = [quote for quote in quotes if quote.at >= day.closes]
    assert len(early) == pytest.approx(330 / 4, abs=2)
    assert len(regular) == pytest.approx(390, abs=2)
    assert len(late) == pytest.approx(240 / 4, abs=2)
    assert mean(quote.ask - quote.bid for quote in early + late) > 2 * mean(quote.ask - quote.bid for quote in regular)


def test_a_move_of_ten_per_cent_within_five_minutes_halts_a_symbol_for_five(week: list[MarketEvent]) -> None:
    halts = per_symbol(week, Halt)
    assert halts
    for symbol, events in halts.items():
        own = [event for event in week if not isinstance(event, MarketStatus) and event.symbol == symbol]
        assert len(events) % 2 == 0
        for halted, resumed in zip(events[::2], events[1::2], strict=True):
            assert (halted.halted, resumed.halted) == (True, False)
            assert 5 * MINUTE <= resumed.at - halted.at < 7 * MINUTE
            assert halted.reason.startswith("volatility pause of five minutes: ")
            assert resumed.reason == "trading resumes"
            before = [event for event in own[: own.index(halted)] if isinstance(event, Quote)][-1]
            after = next(event for event in own[own.index(resumed) :] if isinstance(event, Quote))
            between = own[own.index(halted) + 1 : own.index(resumed)]
            assert abs(after.bid / before.bid - 1) > 0.05
            assert not [event for event in between if not isinstance(event, Bar)]
            assert all(bar.low == bar.high and not bar.volume for bar in between[1:] if isinstance(bar, Bar))


def scripted(walk: SymbolWalk, seed: int, begin: str) -> Script:
    """IBM alone, quoted once a second."""
    factors = Factors(seed, [walk.sector], 1.0)
    return Script({"IBM": walk}, factors, Calendar(), begin=local(begin), step=SECOND, length=MINUTE)


def test_a_halt_ends_with_the_session_before_the_closing_auction() -> None:
    walk = SymbolWalk(7, "IBM", 1.0)
    events: list[MarketEvent] = []
    for event in scripted(walk, 7, "2024-11-25T15:50"):
        if event.at >= local("2024-11-25T15:58") and walk.level == 184.30:
            walk.level *= 1.2
        events.append(event)
        if isinstance(event, MarketStatus) and event.phase is Phase.POST:
            break
    (halt,) = [event for event in events if isinstance(event, Halt) and event.halted]
    assert clock(halt.at)[:9] == "Mon 15:58"
    assert "+19" in halt.reason or "+20" in halt.reason
    *_, bar_before, resumed, auction, bar, status = events
    assert isinstance(bar_before, Bar)
    assert bar_before.close == pytest.approx(184.3, rel=0.03)
    assert resumed == Halt("IBM", status.at, False, "trading resumes")
    assert isinstance(auction, Auction)
    assert (auction.kind, auction.at) == (AuctionKind.CLOSE, status.at)
    assert auction.price == pytest.approx(184.3 * 1.2, rel=0.03)
    assert isinstance(bar, Bar)
    assert (bar.at, bar.close, bar.volume) == (status.at, auction.price, auction.volume)


@pytest.mark.parametrize("seed", range(20))
def test_what_would_have_been_traded_at_the_halting_price_was_not(seed: int) -> None:
    walk = SymbolWalk(seed, "IBM", 1.0)
    script = iter(scripted(walk, seed, "2024-11-25T12:00"))
    last = 0.0
    for event in script:
        if isinstance(event, Quote) and event.at >= local("2024-11-25T12:01"):
            last = event.last
            walk.level *= 0.8
            break
    halted = next(event for event in script if isinstance(event, Halt))
    stood_still = next(event for event in script if isinstance(event, Bar) and event.at > halted.at + MINUTE)
    assert (stood_still.low, stood_still.high) == (last, last)
    quote = next(event for event in script if isinstance(event, Quote))
    assert quote.last in (last, quote.bid, quote.ask)


async def test_who_joins_in_mid_session_finds_it_open_and_hears_no_opening_auction() -> None:
    events = await told(market("IBM", start=None), until="2024-11-26")
    assert events[0] == MarketStatus(Phase.REGULAR, "simulated NYSE open, closes 16:00", "2024-11-25", local("2024-11-25T11:00"))
    assert [event.kind for event in events if isinstance(event, Auction)] == [AuctionKind.CLOSE]


async def test_a_start_on_a_day_without_a_session_is_the_next_ones() -> None:
    events = await told(market("IBM", start=date(2024, 11, 28)))
    assert isinstance(events[0], MarketStatus)
    assert (events[0].session, clock(events[0].at)) == ("2024-11-29", "Fri 04:00:00")


@pytest.mark.parametrize("year", [1, 1989, 2100, 9999])
def test_a_start_in_a_year_without_a_calendar_is_an_error_in_words(year: int) -> None:
    with pytest.raises(FeedError, match=f"begins between 1990 and 2099, not on {year:04}-05-01: choose another start"):
        market("IBM", start=date(year, 5, 1))


@given(
    seed=st.integers(0, 2**32),
    begin=st.integers(local("2024-11-26T18:00") // SECOND, local("2024-11-29T18:00") // SECOND),
    step_s=st.sampled_from([7, 60, 400]),
    length_s=st.sampled_from([45, 300, 3600]),
    shocks=st.dictionaries(st.integers(0, 2000), st.floats(0.7, 1.4), max_size=8),
)
@settings(max_examples=tries(60, 600), deadline=None)
def test_whatever_happens_halts_auctions_and_bars_keep_to_the_session(
    seed: int, begin: int, step_s: int, length_s: int, shocks: dict[int, float]
) -> None:
    walks = {symbol: SymbolWalk(seed, symbol, step_s) for symbol in ("IBM", "AAPL")}
    factors = Factors(seed, [walk.sector for walk in walks.values()], step_s)
    script = Script(walks, factors, Calendar(), begin=begin * SECOND, step=step_s * SECOND, length=length_s * SECOND)
    calendar, session, at = Calendar(), None, begin * SECOND
    due: list[AuctionKind] = []
    phase, halted, crossed = Phase.CLOSED, set[str](), list[tuple[str, AuctionKind]]()
    for number, event in enumerate(islice(script, 6000)):
        assert event.at >= at
        at = event.at
        walks["IBM"].level *= shocks.get(number, 1.0)
        match event:
            case MarketStatus():
                assert not halted
                if phase is Phase.REGULAR:
                    assert sorted(crossed) == sorted((symbol, kind) for symbol in walks for kind in due)
                phase, session = event.phase, calendar.current_or_next(at)
                due = [AuctionKind.OPEN, AuctionKind.CLOSE] if at == session.opens else [AuctionKind.CLOSE]
                crossed.clear()
            case Auction():
                crossed.append((event.symbol, event.kind))
            case Halt():
                assert event.halted is (event.symbol not in halted)
                halted ^= {event.symbol}
            case Quote():
                assert phase is not Phase.CLOSED
                assert event.symbol not in halted
            case Bar():
                assert session is not None
                assert event.at == session.closes or (event.at - session.opens) % (length_s * SECOND) == 0
                assert 0 < event.low <= min(event.open, event.close) <= max(event.open, event.close) <= event.high


async def test_another_symbol_changes_nothing_for_those_that_were_there(week: list[MarketEvent]) -> None:
    alone = await told(market("IBM"))
    assert [event for event in week if isinstance(event, MarketStatus) or event.symbol == "IBM"] == alone


def test_history_is_of_regular_sessions_and_ends_at_the_last_close() -> None:
    feed = market("IBM", bar_seconds=3600)
    bars = feed.history("IBM", 21)
    assert [clock(bar.at) for bar in bars[-8:]] == [
        "Thu 16:00:00", "Fri 10:30:00", "Fri 11:30:00", "Fri 12:30:00", "Fri 13:30:00", "Fri 14:30:00", "Fri 15:30:00", "Fri 16:00:00",
    ]  # fmt: skip
    assert all(Calendar().session_on(datetime.fromtimestamp(bar.at // SECOND, UTC).date()) for bar in bars)
    assert all((bar.close == later.open) is (later.at - bar.at <= 3600 * SECOND) for bar, later in pairwise(bars))
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)


async def test_history_meets_the_first_prices_and_has_their_volumes() -> None:
    feed = market("IBM", start=None, rate=1.0, bar_seconds=60)
    history = feed.history("IBM", 390 * 5)
    assert clock(history[-1].at) == "Mon 11:00:00"
    live = per_symbol(await told(feed, until="2024-11-26"), Bar)["IBM"]
    assert live[0].open == pytest.approx(history[-1].close, rel=0.002)
    noon = [bar.volume for bar in history if clock(bar.at)[4:6] == "12"]
    assert mean(noon) == pytest.approx(mean(bar.volume for bar in live if clock(bar.at)[4:6] == "12"), rel=0.2)
    first = [bar.volume for bar in history if clock(bar.at)[4:] in ("09:32:00", "09:33:00", "09:34:00")]
    assert mean(first) > 2.5 * mean(noon)


@pytest.mark.parametrize("timeframe", ["15m", "1h", "1d"])
async def test_a_timeframe_makes_the_bars_that_smaller_ones_add_up_to(timeframe: str) -> None:
    chosen = FeedSettings(session="XNYS", speed=0, quotes_per_second=1 / 15, timeframe=timeframe)
    feed = SimulatedFeed(("AAPL",), chosen, start=MONDAY)
    assert feed.timeframe == timeframe
    made = [event for event in await told(feed) if isinstance(event, Bar)]
    aggregator = Aggregator(timeframe, feed.hours)
    smaller = [event for event in await told(market("AAPL", rate=1 / 15)) if isinstance(event, Bar)]
    assert made == [larger for bar in smaller for larger in aggregator.add(bar)]
    closes = {clock(bar.at) for bar in made}
    assert {"Mon 16:00:00", "Fri 13:00:00"} <= closes
    assert len(closes) == {"15m": 3 * 26 + 14, "1h": 3 * 7 + 4, "1d": 4}[timeframe]


def test_history_in_a_larger_timeframe_ends_where_the_market_begins() -> None:
    feed = market()
    for timeframe, last in (("1h", "Fri 16:00:00"), ("1d", "Fri 16:00:00"), ("5m", "Fri 16:00:00")):
        larger = feed.history("AAPL", 30, timeframe)
        assert len(larger) == 30
        assert clock(larger[-1].at) == last
        assert larger[-1].close == feed.history("AAPL", 1)[-1].close
    assert feed.history("AAPL", 30, "5m") == feed.history("AAPL", 30)
    with pytest.raises(FeedError, match=r"^its timeframe is 1m and sim has 5m bars of AAPL: those cannot be taken apart\. Choose 5m or a"):
        feed.history("AAPL", 30, "1m")


def test_a_day_of_the_market_that_never_closes_is_one_bar_when_summer_ends_too() -> None:
    feed = SimulatedFeed(("AAPL",), FeedSettings(timeframe="1d"), start=date(2024, 11, 6))
    ends = [f"{datetime.fromtimestamp(bar.at // SECOND, NEW_YORK):%m-%d %H:%M}" for bar in feed.history("AAPL", 5, "1d")]
    assert ends == ["11-02 00:00", "11-03 00:00", "11-04 00:00", "11-05 00:00", "11-06 00:00"]
