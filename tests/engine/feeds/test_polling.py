"""A feed that asks for the newest bars: what it begins with, what it tells and when, and what becomes of it while its source is away."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import NoReturn

import pytest

from engine.feeds.actions import Action
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.cache import BarCache
from engine.feeds.cached import CachedHistory
from engine.feeds.calendar import Calendar
from engine.feeds.history import Fetched, PausedError
from engine.feeds.new_york import SECOND
from engine.feeds.polling import PollingFeed
from engine.model.market import Bar, Close, Dividend, MarketEvent, MarketStatus, Phase, SessionClose, Split
from tests.engine.feeds.fake_history import FakeHistory, at
from tests.engine.feeds.fake_time import FakeTime, OverError

NOON = at("2024-06-18T16:00:30")  # 12:00:30 in New York, a Tuesday
MONDAY, TUESDAY = date(2024, 6, 17), date(2024, 6, 18)


class Desk:
    """A feed over a source that goes by the test's clock. `tell` keeps what was told, and when."""

    def __init__(self, folder: Path, now: int = NOON, symbols: tuple[str, ...] = ("AAPL",), timeframe: str = "1m") -> None:
        self.time = FakeTime(now)
        self.history = FakeHistory(now)
        self.history.clock = self.time.nanoseconds  # type: ignore[method-assign]
        self.folder = folder
        source = CachedHistory(self.history, BarCache(folder), Calendar(), now=self.time.nanoseconds)
        self.feed = PollingFeed(
            source,
            symbols,
            timeframe,
            wall=self.time.nanoseconds,
            mono=self.time.seconds,
            sleep=self.sleep,
            chance=lambda: 0.0,
        )
        self.told: list[tuple[int, MarketEvent]] = []
        self.said: list[str] = []
        self.acts: list[tuple[int, Callable[[], object]]] = []

    async def sleep(self, seconds: float) -> None:
        await self.time.sleep(seconds)
        self.history.now = self.time.now
        while self.acts and self.acts[0][0] <= self.time.now:
            self.acts.pop(0)[1]()

    def tell(self, event: MarketEvent) -> None:
        self.told.append((self.time.now, event))

    async def prepare(self) -> None:
        await self.feed.prepare(self.said.append)

    async def run(self, until: str) -> list[MarketEvent]:
        """What is told until then."""
        self.time.until = at(until)
        begin = len(self.told)
        with pytest.raises(OverError):
            await self.feed.run(self.tell)
        return [event for _, event in self.told[begin:]]


def bars_of(events: list[MarketEvent], symbol: str = "AAPL") -> list[Bar]:
    return [event for event in events if isinstance(event, Bar) and event.symbol == symbol]


async def test_it_begins_with_what_there_was_and_says_what_it_waits_for(tmp_path: Path) -> None:
    desk = Desk(tmp_path, symbols=("AAPL", "MSFT"))
    await desk.prepare()
    past = desk.feed.history("AAPL", 300)
    assert len(past) == 300
    assert past[-1].at == at("2024-06-18T16:00:00")
    assert desk.said == ["fetching AAPL from fake, 1 of 2", "fetching MSFT from fake, 2 of 2"]


async def test_no_more_than_a_thousand_bars_stay_in_memory(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.prepare()
    assert len(desk.feed.history("AAPL", 5000)) == 1000


async def test_larger_bars_of_the_past_are_made_of_its_own(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.prepare()
    hours = desk.feed.history("AAPL", 3, "1h")
    assert [bar.at for bar in hours] == [at("2024-06-18T14:30:00"), at("2024-06-18T15:30:00"), at("2024-06-18T16:30:00")]


async def test_days_of_the_past_are_the_sources_own_and_the_one_under_way_is_made_of_its_bars(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.prepare()
    days = desk.feed.history("AAPL", 250, "1d")
    assert len(days) == 250
    assert [bar.at for bar in days[-2:]] == [at("2024-06-17T20:00:00"), at("2024-06-18T20:00:00")]
    assert (days[-2].volume, days[-1].high) == (1000.0, 249.0)  # a day's own, and that of a hundred and fifty minutes


async def test_each_bar_is_asked_for_when_it_has_closed_and_told_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.prepare()
    told = bars_of(await desk.run("2024-06-18T16:05:30"))
    assert [bar.at for bar in told] == [at(f"2024-06-18T16:0{minute}:00") for minute in range(1, 6)]
    late = [(when - event.at) / SECOND for when, event in desk.told if isinstance(event, Bar)]
    assert max(late) <= 5
    minutes = [asked for asked in desk.history.asked if asked[1] == "1m"]
    assert len(minutes) == 1 + 1 + 5  # the past, the first poll, and one for each bar


async def test_bars_of_several_symbols_come_in_order_of_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path, symbols=("AAPL", "MSFT", "IBM"))
    await desk.prepare()
    desk.acts = [(at("2024-06-18T16:01:30"), lambda: setattr(desk.history, "without", {TUESDAY}))]
    desk.acts += [(at("2024-06-18T16:04:30"), lambda: setattr(desk.history, "without", set()))]
    told = [event.at for event in await desk.run("2024-06-18T16:07:00") if isinstance(event, Bar)]
    assert told == sorted(told)
    assert told.count(at("2024-06-18T16:03:00")) == 3


async def test_the_market_opens_and_closes_around_its_bars(tmp_path: Path) -> None:
    desk = Desk(tmp_path, now=at("2024-06-18T12:00:00"))
    await desk.prepare()
    events = await desk.run("2024-06-19T02:00:00")
    statuses = [(event.phase, event.at) for event in events if isinstance(event, MarketStatus)]
    assert statuses[0][0] is Phase.POST  # as it was at the last bar there is, Monday's
    assert statuses[1:] == [
        (Phase.CLOSED, at("2024-06-18T00:00:00")),
        (Phase.PRE, at("2024-06-18T08:00:00")),
        (Phase.REGULAR, at("2024-06-18T13:30:00")),
        (Phase.POST, at("2024-06-18T20:00:00")),
        (Phase.CLOSED, at("2024-06-19T00:00:00")),
    ]
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert len(bars_of(events)) == 390
    sessions = [event.session for event in events if isinstance(event, MarketStatus)]
    assert sessions == ["2024-06-17", "2024-06-17", *["2024-06-18"] * 4]


async def test_nothing_is_asked_while_the_market_is_closed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, now=at("2024-06-15T12:00:00"))  # a Saturday
    await desk.prepare()
    desk.history.asked.clear()
    await desk.run("2024-06-17T13:29:00")
    assert desk.history.asked == []


async def test_a_source_that_is_away_is_told_in_words_and_asked_again_less_and_less_often(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.prepare()
    desk.history.error = FeedLostError("It hung up.")
    waits = []
    for _ in range(7):
        with pytest.raises(FeedLostError, match=r"It hung up\.") as lost:
            await desk.feed.run(desk.tell)
        waits.append(lost.value.again_s)
    assert waits == [10, 20, 40, 80, 160, 300, 300]
    assert not bars_of([event for _, event in desk.told])
    desk.history.error = None
    told = bars_of(await desk.run("2024-06-18T16:03:30"))
    assert [bar.at for bar in told] == [at(f"2024-06-18T16:0{minute}:00") for minute in range(1, 4)]
    desk.history.error = FeedLostError("It hung up.")
    with pytest.raises(FeedLostError) as lost:
        await desk.feed.run(desk.tell)
    assert lost.value.again_s == 10


async def test_a_source_that_wants_a_pause_gets_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.prepare()
    desk.history.error = PausedError("Asked too much.", 120)
    with pytest.raises(FeedLostError) as lost:
        await desk.feed.run(desk.tell)
    assert lost.value.again_s == 120


async def test_what_was_missed_is_told_when_the_source_is_back_and_is_as_old_as_it_is(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.prepare()
    desk.history.error = FeedLostError("It hung up.")
    with pytest.raises(FeedLostError):
        await desk.feed.run(desk.tell)
    desk.history.error = None
    desk.time.now = desk.history.now = at("2024-06-18T16:30:10")
    told = bars_of(await desk.run("2024-06-18T16:30:20"))
    assert len(told) == 30
    desk.time.now = at("2024-06-18T16:30:10")
    life_s = desk.feed.quote_life_s
    assert life_s is not None
    assert desk.feed.lag(told[0]) / SECOND == 29 * 60 + 10 > life_s
    assert desk.feed.lag(told[-1]) / SECOND == 10 < life_s


async def test_a_start_without_its_source_has_what_is_kept_and_says_so(tmp_path: Path) -> None:
    await Desk(tmp_path).prepare()
    desk = Desk(tmp_path)
    desk.history.error = FeedLostError("It hung up.")
    await desk.prepare()
    past = desk.feed.history("AAPL", 300)
    assert past[-1].at == at("2024-06-17T20:00:00")  # Tuesday was not over, and so it was not kept
    assert desk.feed.problems == ("It hung up. AAPL begins with what is kept of it.",)


async def test_a_source_that_hangs_holds_a_start_up_for_a_while_and_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await Desk(tmp_path, symbols=("AAPL", "MSFT")).prepare()
    monkeypatch.setattr("engine.feeds.polling.PREPARE_S", 0.2)
    desk = Desk(tmp_path, symbols=("AAPL", "MSFT"))
    hanging = Event()

    def hang(symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        hanging.wait(20)
        return Fetched(())

    monkeypatch.setattr(desk.history, "history", hang)
    try:
        await desk.prepare()
    finally:
        hanging.set()
    assert len(desk.feed.history("MSFT", 300)) == 300
    assert desk.feed.problems == ("fake did not answer within 0.2 s: it begins with what is kept.",)


async def test_a_start_without_source_or_cache_begins_empty_and_catches_up_with_today_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.history.error = FeedLostError("It hung up.")
    await desk.prepare()
    assert desk.feed.history("AAPL", 300) == []
    desk.history.error = None
    told = bars_of(await desk.run("2024-06-18T16:01:30"))
    assert told[0].at == at("2024-06-18T13:31:00")


async def test_a_cache_that_can_keep_nothing_while_it_runs_is_complained_of_once_and_prices_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path)
    await desk.prepare()
    complaints: list[str] = []
    desk.feed.complain = complaints.append

    def refuse(cache: BarCache) -> NoReturn:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(BarCache, "_connect", refuse)
    told = await desk.run("2024-06-18T16:03:30")
    assert len(bars_of(told, "AAPL")) == 3
    assert [text.partition("cannot be used: ")[2] for text in complaints] == ["database or disk is full."]


async def test_where_no_symbol_is_known_there_is_no_start(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.history.error = FeedError("fake does not know AAPL.")
    with pytest.raises(FeedError, match="does not know AAPL"):
        await desk.prepare()


async def test_one_symbol_that_fails_is_complained_of_once_and_the_others_go_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path, symbols=("AAPL", "MSFT"))
    await desk.prepare()
    complaints: list[str] = []
    desk.feed.complain = complaints.append
    history = desk.history.history

    def failing(symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        if symbol == "AAPL":
            raise FeedError("AAPL is not listed any more.")
        return history(symbol, timeframe, start, end)

    desk.history.history = failing  # type: ignore[method-assign]
    told = await desk.run("2024-06-18T16:03:30")
    assert len(bars_of(told, "MSFT")) == 3
    assert complaints == ["AAPL is not listed any more. Its price goes stale; it is asked for again with each bar."]


async def test_todays_split_is_told_before_its_first_price_and_the_past_is_in_the_shares_of_before(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.history.actions = [Action("AAPL", MONDAY, "split", Decimal(2)), Action("AAPL", TUESDAY, "split", Decimal(4))]
    await desk.prepare()
    past = desk.feed.history("AAPL", 1000)
    friday = next(bar for bar in past if bar.at == at("2024-06-14T13:31:00"))
    tuesday = next(bar for bar in past if bar.at == at("2024-06-18T13:31:00"))
    assert (friday.close, tuesday.close) == (50.0, 400.0)  # each 100 where it was traded
    events = await desk.run("2024-06-18T16:01:30")
    kinds = [type(event) for event in events]
    assert kinds.index(Split) < kinds.index(Bar)
    (split,) = [event for event in events if isinstance(event, Split)]
    assert (split.ratio, split.ex_date) == (Decimal(4), "2024-06-18")


async def test_a_dividend_of_a_later_day_is_told_before_that_days_first_price(tmp_path: Path) -> None:
    desk = Desk(tmp_path, now=at("2024-06-17T19:00:00"))
    await desk.prepare()
    desk.history.actions = [Action("AAPL", TUESDAY, "dividend", Decimal("0.25"))]
    events = await desk.run("2024-06-18T13:35:00")
    place = next(n for n, event in enumerate(events) if isinstance(event, Dividend))
    assert [type(event) for event in events].count(Dividend) == 1
    assert bars_of(events[:place])[-1].at == at("2024-06-17T20:00:00")
    assert bars_of(events[place:])[0].at == at("2024-06-18T13:31:00")


async def test_what_happened_while_nobody_ran_it_is_known(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.history.actions = [Action("AAPL", day, "dividend", Decimal(1)) for day in (date(2024, 5, 10), date(2024, 6, 3), TUESDAY)]
    await desk.prepare()
    (act,) = desk.feed.acts_after("2024-05-11")
    assert desk.feed.acts_after("2024-06-03") == [act]
    assert (act.ex_date, act.at) == ("2024-06-03", at("2024-06-03T13:30:00"))


async def test_what_could_not_be_learned_at_the_start_is_told_before_all_else_and_no_price_of_before_it_after(tmp_path: Path) -> None:
    wednesday = Desk(tmp_path, now=at("2024-06-13T02:00:00"))
    await wednesday.prepare()
    desk = Desk(tmp_path)
    desk.history.actions = [Action("AAPL", day, "split", Decimal(2)) for day in (date(2024, 6, 13), MONDAY, TUESDAY)]
    desk.history.error = FeedLostError("It hung up.")
    await desk.prepare()
    assert desk.feed.acts_after("2024-06-12") == []
    for _ in range(2):
        with pytest.raises(FeedLostError):
            await desk.feed.run(desk.tell)
    assert desk.told == []
    desk.history.error = None
    events = await desk.run("2024-06-18T16:01:30")
    assert [getattr(event, "ex_date", "") for event in events[:3]] == ["2024-06-13", "2024-06-17", ""]
    splits = [event for event in events if isinstance(event, Split)]
    assert [split.ex_date for split in splits] == ["2024-06-13", "2024-06-17", "2024-06-18"]
    assert bars_of(events)[0].at == at("2024-06-18T13:31:00")
    assert bars_of(events[: events.index(splits[2])]) == []


async def test_no_session_begins_while_a_source_that_went_away_may_know_of_its_acts(tmp_path: Path) -> None:
    desk = Desk(tmp_path, now=at("2024-06-17T19:59:30"))
    await desk.prepare()
    await desk.run("2024-06-17T20:05:00")
    desk.time.now = desk.history.now = NOON
    desk.history.error = FeedLostError("It hung up.")
    begin = len(desk.told)
    with pytest.raises(FeedLostError):
        await desk.feed.run(desk.tell)
    assert {event.session for _, event in desk.told[begin:] if isinstance(event, MarketStatus)} == {"2024-06-17"}
    desk.history.error = None
    assert bars_of(await desk.run("2024-06-18T16:01:30"))[0].at == at("2024-06-18T13:31:00")


def closes_of(events: list[MarketEvent]) -> list[Close]:
    return [event.close for event in events if isinstance(event, SessionClose)]


async def test_what_a_session_closed_at_is_told_once_by_its_day_which_has_the_auction_in_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.prepare()
    events = await desk.run("2024-06-20T13:35:00")  # over a holiday
    assert closes_of(events) == [Close("2024-06-18", 100.0)]
    assert bars_of(events)[389 - 150].close != 100.0
    assert [event.at for event in events] == sorted(event.at for event in events)


async def test_a_close_that_is_learned_after_a_split_is_told_in_the_new_shares(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.history.actions = [Action("AAPL", date(2024, 6, 20), "split", Decimal(4))]
    await desk.prepare()
    assert closes_of(await desk.run("2024-06-20T13:35:00")) == [Close("2024-06-18", 25.0)]


async def test_a_close_that_the_source_does_not_tell_is_asked_for_again_and_holds_up_no_bar(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.prepare()
    told = desk.history.history

    def without_days(symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        if timeframe == "1d":
            raise FeedLostError("fake does not answer.")
        return told(symbol, timeframe, start, end)

    desk.history.history = without_days  # type: ignore[method-assign]
    desk.acts = [(at("2024-06-20T13:34:00"), lambda: setattr(desk.history, "history", told))]
    events = await desk.run("2024-06-20T13:40:00")
    (late,) = [place for place, event in enumerate(events) if isinstance(event, SessionClose)]
    assert len(bars_of(events[:late])) > 240 + 3
    assert closes_of(events) == [Close("2024-06-18", 100.0)]


async def test_a_split_knows_what_a_share_cost_before_it_however_long_ago(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.history.actions = [Action("AAPL", date(2024, 1, 10), "split", Decimal(2))]
    await desk.prepare()
    (split,) = desk.feed.acts_after("2024-01-09")
    assert isinstance(split, Split)
    assert split.price == 100.0


async def test_todays_split_of_a_symbol_that_is_held_from_before_is_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.history.actions = [Action("IBM", TUESDAY, "split", Decimal(4))]
    await desk.prepare()
    await desk.feed.follow("IBM")  # before it runs, for a position
    assert desk.feed.history("IBM", 1)[0].close > 400
    events = await desk.run("2024-06-18T16:01:30")
    assert [event.symbol for event in events if isinstance(event, Split)] == ["IBM"]


async def test_a_symbol_that_is_followed_later_is_told_from_then_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.prepare()
    await desk.feed.follow("BRK-B")
    assert desk.feed.history("BRK-B", 10)[-1].at == at("2024-06-18T16:00:00")
    assert len(bars_of(await desk.run("2024-06-18T16:02:30"), "BRK-B")) == 2
    desk.feed.drop("BRK-B")
    assert bars_of(await desk.run("2024-06-18T16:04:30"), "BRK-B") == []


async def test_a_source_that_is_away_holds_up_no_symbol_after_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.feeds.polling.FOLLOW_S", 0.1)
    desk = Desk(tmp_path)
    await desk.prepare()
    asked: list[str] = []
    hanging = Event()

    def hang(symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        asked.append(symbol)
        hanging.wait(20)
        return Fetched(())

    answering = desk.history.history
    monkeypatch.setattr(desk.history, "history", hang)
    for symbol in ("MSFT", "IBM", "GOOG"):
        await desk.feed.follow(symbol)  # held from an earlier run
    assert asked == ["MSFT"]
    assert desk.feed.history("IBM", 10) == []
    monkeypatch.setattr(desk.history, "history", answering)
    hanging.set()
    told = await desk.run("2024-06-18T16:01:30")
    assert {event.symbol for event in told if isinstance(event, Bar)} == {"AAPL", "MSFT", "IBM", "GOOG"}
    desk.history.error = FeedLostError("It hung up.")
    with pytest.raises(FeedLostError, match="It hung up"):
        await desk.feed.follow("ZZZZ")
    assert "ZZZZ" not in [instrument.symbol for instrument in desk.feed.instruments()]


async def test_a_symbol_that_the_source_does_not_know_is_not_followed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.prepare()
    desk.history.error = FeedError("fake does not know NOPE.")
    with pytest.raises(FeedError, match="does not know NOPE"):
        await desk.feed.follow("NOPE")
    assert [instrument.symbol for instrument in desk.feed.instruments()] == ["AAPL"]


async def test_daily_bars_come_once_a_day_after_the_close(tmp_path: Path) -> None:
    desk = Desk(tmp_path, timeframe="1d")
    await desk.prepare()
    assert len(desk.feed.history("AAPL", 5000)) == 1000
    told = bars_of(await desk.run("2024-06-20T21:00:00"))
    assert [bar.at for bar in told] == [at("2024-06-18T20:00:00"), at("2024-06-20T20:00:00")]  # the 19th is a holiday


def test_without_symbols_it_says_that_they_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="name those to begin with under `symbols`"):
        Desk(tmp_path, symbols=())


async def test_a_call_that_hangs_is_left_behind_at_the_end(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.prepare()
    hanging = Event()
    desk.history.history = lambda *_: hanging.wait(20) or Fetched(())  # type: ignore[assignment,method-assign]
    running = asyncio.create_task(desk.feed.run(desk.tell))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    hanging.set()
