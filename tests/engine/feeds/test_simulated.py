"""The simulated market: believable, repeatable, and never a price that could not be traded at."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from statistics import correlation, mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.feeds.base import Feed, FeedError
from engine.feeds.new_york import SECOND, to_ns
from engine.feeds.simulated import SimulatedFeed
from engine.model.market import Auction, AuctionKind, Bar, MarketEvent, MarketStatus, Quote
from engine.model.settings import FeedSettings
from tests.engine.feeds.fake_time import FakeTime, OverError, play

NOON = to_ns(datetime(2024, 5, 14, 16, 0, 2, 345_678, tzinfo=UTC))
"""Not on a bar's boundary: 2.3 s past it."""


def market(
    *symbols: str, seed: int = 7, rate: float = 4.0, bar_seconds: int = 5, fake: FakeTime | None = None, lasting_s: float = 60
) -> SimulatedFeed:
    fake = fake or FakeTime(NOON)
    fake.until = fake.now + round(lasting_s * SECOND)
    chosen = FeedSettings(seed=seed, quotes_per_second=rate, bar_seconds=bar_seconds)
    return SimulatedFeed(symbols, chosen, clock=fake.nanoseconds, sleep=fake.sleep)


def quotes(events: list[MarketEvent], symbol: str) -> list[Quote]:
    return [event for event in events if isinstance(event, Quote) and event.symbol == symbol]


def bars(events: list[MarketEvent], symbol: str) -> list[Bar]:
    return [event for event in events if isinstance(event, Bar) and event.symbol == symbol]


async def test_eight_familiar_symbols_trade_where_nobody_asked_for_any() -> None:
    feed: Feed = market()
    assert [instrument.symbol for instrument in feed.instruments()] == ["AAPL", "MSFT", "IBM", "NVDA", "AMZN", "GOOG", "TSLA", "JPM"]
    assert (feed.name, feed.timeframe, feed.quote_life_s) == ("sim", "5s", None)


@pytest.mark.parametrize("rate", [0.5, 4.0, 250.0])
async def test_each_symbol_is_quoted_at_the_rate_and_evenly(rate: float) -> None:
    events = await play(market("AAPL", "IBM", rate=rate))
    for symbol in ("AAPL", "IBM"):
        times = [quote.at for quote in quotes(events, symbol)]
        assert len(times) == pytest.approx(60 * rate, abs=2 + rate * 0.03)
        assert all(0.7 < (later - at) / SECOND * rate < 1.3 for at, later in pairwise(times))


async def test_rare_quotes_count_as_fresh_until_the_next_is_due() -> None:
    assert market("AAPL", rate=0.1).quote_life_s == pytest.approx(30)


@given(
    seed=st.integers(0, 2**64),
    symbol=st.from_regex(r"[A-Z0-9]{1,5}([.\-/][A-Z0-9]{1,6})?", fullmatch=True),
    rate=st.sampled_from([0.2, 4.0, 100.0]),
)
@settings(max_examples=40, deadline=None)
async def test_a_quote_is_on_the_tick_has_a_size_and_is_hardly_ever_crossed_whatever_the_seed(seed: int, symbol: str, rate: float) -> None:
    feed = market(symbol, seed=seed, rate=rate, lasting_s=20)
    told = quotes(await play(feed), symbol)
    assert told
    assert sum(quote.bid >= quote.ask for quote in told) <= 1 + len(told) // 200
    for quote in told:
        assert quote.bid > 0
        assert round((quote.ask - quote.bid) * 100, 6) in (-1, 0, 1, 2, 3)
        for price in (quote.bid, quote.ask, quote.last):
            assert repr(price) == repr(round(price, 2))
        assert quote.bid_size >= 100
        assert quote.ask_size >= 100
    for bar in feed.history(symbol, 20):
        assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert repr(bar.close) == repr(round(bar.close, 2))


async def test_all_events_come_in_order_of_market_time_and_none_early() -> None:
    fake = FakeTime(NOON)
    feed = market(fake=fake)
    told: list[int] = []

    def tell(event: MarketEvent) -> None:
        assert event.at <= fake.now
        assert fake.now - event.at < 0.06 * SECOND
        told.append(event.at)

    with pytest.raises(OverError):
        await feed.run(tell)
    assert len(told) > 8 * 60 * 4
    assert told == sorted(told)


async def test_the_same_seed_and_clock_give_the_same_events_byte_for_byte() -> None:
    first, second, other = [repr(await play(market(seed=seed))).encode() for seed in (3, 3, 4)]
    assert first == second
    assert first != other


async def test_how_often_the_loop_wakes_up_changes_no_event() -> None:
    class SlowTime(FakeTime):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds + 0.3)

    swift, slow = [repr(await play(market(fake=fake))) for fake in (FakeTime(NOON), SlowTime(NOON))]
    assert swift[: len(slow) - 1] == slow[:-1] or slow[: len(swift) - 1] == swift[:-1]


async def test_another_symbol_changes_nothing_for_those_that_were_there() -> None:
    alone, together = await play(market("IBM")), await play(market("AAPL", "IBM", "ZZZ"))
    assert [event for event in together if isinstance(event, MarketStatus) or event.symbol == "IBM"] == alone
    assert market("IBM").history("IBM", 100) == market("ZZZ", "IBM").history("IBM", 100)


async def test_history_runs_into_the_live_market_without_a_gap() -> None:
    feed = market("AAPL", rate=50.0)
    history = feed.history("AAPL", 100)
    told = await play(feed)
    first_quote, first_bar = quotes(told, "AAPL")[0], bars(told, "AAPL")[0]
    assert first_quote.bid - 0.1 < history[-1].close < first_quote.ask + 0.1
    assert history[-1].at <= told[0].at < first_bar.at == history[-1].at + 5 * SECOND
    assert all(later.at - bar.at == 5 * SECOND for bar, later in pairwise(history))
    assert all(bar.close == later.open for bar, later in pairwise(history))


def test_a_longer_history_only_adds_older_bars() -> None:
    feed = market("AAPL")
    assert feed.history("AAPL", 300)[-100:] == feed.history("AAPL", 100)
    assert feed.history("AAPL", 0) == []


def test_history_does_not_depend_on_what_was_asked_for_before() -> None:
    feed, other = market(), market()
    feed.history("MSFT", 10)
    feed.history("JPM", 500)
    assert feed.history("AAPL", 100) == other.history("AAPL", 100)


def test_history_of_a_symbol_that_was_not_asked_for_is_an_error_in_words() -> None:
    with pytest.raises(FeedError, match=r"sim has no IBM: it was started with AAPL\."):
        market("AAPL").history("IBM", 5)


async def test_a_bar_closes_on_its_boundary_and_holds_the_trades_quoted_within_it() -> None:
    told = await play(market("AAPL", rate=20.0))
    closed = bars(told, "AAPL")
    assert len(closed) == 12
    assert all(bar.at % (5 * SECOND) == 0 for bar in closed)
    for before, bar in pairwise(closed):
        within = [quote.last for quote in quotes(told, "AAPL") if before.at <= quote.at < bar.at]
        assert bar.close == within[-1]
        # Until the bar's first trade, quotes still carry the last price of the bar before.
        assert max(within) in (bar.high, before.close)
        assert min(within) in (bar.low, before.close)
        assert bar.low <= bar.open <= bar.high
        assert {bar.high, bar.low, bar.open} <= {*within, before.close}
        assert bar.volume > 0


async def test_a_bar_without_a_trade_stands_still() -> None:
    closed = bars(await play(market("AAPL", rate=2.0, bar_seconds=1, lasting_s=300)), "AAPL")
    quiet = [(before, bar) for before, bar in pairwise(closed) if not bar.volume]
    assert len(quiet) > 20
    assert all(bar.open == bar.high == bar.low == bar.close == before.close for before, bar in quiet)


async def test_volume_does_not_depend_on_the_rate_of_quotes() -> None:
    few, many = [mean(bar.volume for bar in bars(await play(market("AAPL", rate=rate, lasting_s=300)), "AAPL")) for rate in (4.0, 40.0)]
    assert few == pytest.approx(many, rel=0.25)


def test_five_seconds_move_a_180_dollar_stock_by_several_ticks() -> None:
    history = market("AAPL").history("AAPL", 2000)
    assert 3 < mean(abs(bar.close - bar.open) for bar in history) * 100 < 10


async def test_live_bars_move_like_history_does() -> None:
    feed = market("AAPL", lasting_s=3600)
    past, live = feed.history("AAPL", 700), bars(await play(feed), "AAPL")
    assert mean(bar.high - bar.low for bar in live) == pytest.approx(mean(bar.high - bar.low for bar in past), rel=0.35)


def test_symbols_move_together_but_not_as_one() -> None:
    feed = market()
    moves = {symbol: [bar.close - bar.open for bar in feed.history(symbol, 2000)] for symbol in ("AAPL", "MSFT", "IBM")}
    assert 0.1 < correlation(moves["AAPL"], moves["MSFT"]) < 0.7
    assert 0.1 < correlation(moves["IBM"], moves["MSFT"]) < 0.7


def test_prices_stay_near_their_level_for_weeks() -> None:
    closes = [bar.close for bar in market("AAPL", bar_seconds=3600).history("AAPL", 24 * 30)]
    assert 187.5 * 0.85 < min(closes) <= max(closes) < 187.5 * 1.15


def test_an_unknown_symbol_has_a_level_of_its_own_that_stays() -> None:
    levels = [market("ZZZ", "QQQ", seed=seed).history(symbol, 1)[0].close for seed in (1, 1, 2) for symbol in ("ZZZ", "QQQ")]
    assert levels[:2] == levels[2:4]
    assert len(set(levels)) == 4
    assert all(10 < level < 500 for level in levels)


async def test_the_market_is_always_open_and_its_session_is_new_yorks_day() -> None:
    before_midnight = to_ns(datetime(2024, 5, 15, 3, 59, 30, tzinfo=UTC))
    told = await play(market("AAPL", fake=FakeTime(before_midnight)))
    midnight = before_midnight + 30 * SECOND
    statuses = [event for event in told if isinstance(event, MarketStatus)]
    assert [(status.open, status.text, status.session, status.at) for status in statuses] == [
        (True, "simulated market, always open", "2024-05-14", before_midnight),
        (True, "simulated market, always open", "2024-05-15", midnight),
    ]
    # The bar that closes at midnight is still the old day's, and a day begins and ends with an auction.
    place = told.index(statuses[1])
    closing, bar, _, opening = told[place - 2 : place + 2]
    assert isinstance(bar, Bar)
    assert isinstance(closing, Auction)
    assert isinstance(opening, Auction)
    assert (bar.at, bar.close) == (midnight, closing.price)
    assert [(auction.at, auction.kind) for auction in (closing, opening)] == [(midnight, AuctionKind.CLOSE), (midnight, AuctionKind.OPEN)]


async def test_after_the_machine_slept_the_market_goes_on_from_there_without_a_rush() -> None:
    fake = FakeTime(NOON)
    feed = market("AAPL", fake=fake, lasting_s=700)
    told: list[MarketEvent] = []
    woken = 0

    def tell(event: MarketEvent) -> None:
        nonlocal woken
        told.append(event)
        if len(told) == 100:
            fake.now += 600 * SECOND
            woken = fake.now

    with pytest.raises(OverError):
        await feed.run(tell)
    after = told[100:]
    assert [event.at for event in told] == sorted(event.at for event in told)
    assert sum(event.at < woken for event in after) < 5
    late = [event for event in after if event.at >= woken]
    assert Counter(type(event).__name__ for event in late)["Quote"] == pytest.approx(4 * (fake.now - woken) / SECOND, abs=5)
    assert len(bars(told, "AAPL")) == pytest.approx((700 - 600) / 5, abs=2)


async def test_a_clock_that_is_set_back_does_not_stop_the_market_or_its_time() -> None:
    fake = FakeTime(NOON)
    feed = market("AAPL", fake=fake)
    told: list[MarketEvent] = []

    def tell(event: MarketEvent) -> None:
        told.append(event)
        if len(told) == 100:
            fake.now -= 3600 * SECOND
            fake.until = fake.now + 30 * SECOND

    with pytest.raises(OverError):
        await feed.run(tell)
    assert [event.at for event in told] == sorted(event.at for event in told)
    assert len(told) == pytest.approx(100 + 30 * 4 + 6, abs=3)


async def test_what_is_due_at_once_is_told_in_portions_so_that_the_loop_is_never_held_for_long() -> None:
    fake = FakeTime(NOON)
    feed = market(rate=1000.0, fake=fake, lasting_s=0.5)
    portions: Counter[int] = Counter()
    with pytest.raises(OverError):
        await feed.run(lambda event: portions.update((len(fake.sleeps),)))
    assert sum(portions.values()) == pytest.approx(8 * 1000 * 0.5, rel=0.1)
    assert max(portions.values()) <= 50
    # The portions of one moment take no time of their own: the market wakes up 40 times a second, however much is due.
    assert sum(seconds > 0 for seconds in fake.sleeps) <= 0.5 / 0.025 + 1
