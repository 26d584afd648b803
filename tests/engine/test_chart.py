"""The chart's part of the View: bars of each time frame, the candle that forms, what is marked, and what a look at it costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Literal

import pytest

from engine.chart import FIRST, LONG, LONG_DAYS, REST_NS, ChartBuilder
from engine.core.core import Core
from engine.feeds.aggregate import Aggregator, aggregated
from engine.feeds.bar_columns import columns_of
from engine.feeds.base import FeedError
from engine.feeds.calendar import Calendar, CalendarError, Hours, Session
from engine.feeds.simulated.feed import SimulatedFeed
from engine.feeds.timeframe import check_multiple, seconds_of
from engine.kept_bars import KEPT
from engine.model.inputs import BrokerSnapshot, OrderUpdate, Submit
from engine.model.market import Bar, Instrument, MarketStatus, Phase, Quote, Split
from engine.model.modes import Mode
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, Intent, OrderType, Side
from engine.model.records import RunStarted
from engine.model.settings import TIMEFRAMES, FeedSettings, Limits, Settings
from engine.model.views import ChartView

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HUNDRED = Decimal(100)
LIMITS = Limits(max_position_pct=HUNDRED, max_order_pct=HUNDRED, max_exposure_pct=HUNDRED, collar_pct=HUNDRED)
OPEN = Calendar().session_on(date(2025, 6, 12)).opens  # type: ignore[union-attr]


def bar(at: int, price: float = 100.0, symbol: str = "AAPL", volume: float = 10.0) -> Bar:
    return Bar(symbol, at, price, price + 1, price - 1, price + 0.5, volume)


def minutes(count: int, end: int = OPEN, symbol: str = "AAPL") -> list[Bar]:
    """The bars of the regular sessions' last `count` minutes up to `end`."""
    hours, session = Calendar(), Calendar().current_or_next(end)
    bars: list[Bar] = []
    at = end
    while len(bars) < count:
        while at > session.opens and len(bars) < count:
            if at <= session.closes:
                bars.append(bar(at, 100 + len(bars) % 17 / 10, symbol))
            at -= MINUTE
        session = hours.previous(session.pre)
        at = min(at, session.closes)
    return bars[::-1]


def coming(count: int) -> list[Bar]:
    """The bars of the regular sessions' first `count` minutes from OPEN on."""
    hours, bars, at = Calendar(), list[Bar](), OPEN
    while len(bars) < count:
        session = hours.current_or_next(at)
        at = max(at, session.opens)
        while at < session.closes and len(bars) < count:
            at += MINUTE
            bars.append(bar(at, 100 + len(bars) % 23 / 10))
        at = session.post
    return bars


class PastFeed:
    """Bars of one minute of the past, and no future."""

    name = "past"
    quote_life_s: float | None = 60.0
    problems: tuple[str, ...] = ()

    def __init__(self, past: Sequence[Bar] = (), timeframe: str = "1m") -> None:
        self.timeframe = timeframe
        self.past = past
        self.hours: Hours = Calendar()
        self.asked: list[int] = []

    def instruments(self) -> tuple[Instrument, ...]:
        return (Instrument("AAPL"), Instrument("MSFT"))

    def history(self, symbol: str, count: int, timeframe: str = "") -> Sequence[Bar]:
        self.asked.append(count)
        own = [b for b in self.past if b.symbol == symbol]
        if timeframe in ("", self.timeframe):
            return own[-count:]
        check_multiple("its timeframe", timeframe, self.name, symbol, seconds_of(self.timeframe))
        larger = aggregated(columns_of(symbol, own), timeframe, Calendar())
        return list(larger[max(0, len(larger) - count) :])

    async def run(self, tell: object) -> None:
        raise FeedError("there is no future")


class Desk:
    def __init__(self, feed: PastFeed | SimulatedFeed | None = None, at: int = OPEN) -> None:
        feed = feed or PastFeed()
        self.core = Core(Settings(limits=LIMITS), feed.instruments(), run_id="r")
        self.chart = ChartBuilder(self.core, feed)
        for instrument in feed.instruments():
            self.chart.kept.prime(instrument.symbol, feed.history(instrument.symbol, FIRST))
        self.mono = SECOND
        self.core.start(RunStarted("r", "paper", "past", Decimal(100_000), 0), Mode.MANUAL, "", self.mono)
        self.core.handle(BrokerSnapshot(Decimal(100_000), (), ()), self.mono)
        self.core.handle(MarketStatus(Phase.REGULAR, "open", "2025-06-12", at), self.mono)
        self.at = at

    def tell(self, *events: Bar | Quote) -> None:
        for event in events:
            self.core.handle(event, self.mono)
            if isinstance(event, Bar):
                self.chart.on_bar(event)
            else:
                self.chart.on_quote(event)

    def quote(self, price: float, at: int | None = None, symbol: str = "AAPL") -> None:
        self.tell(Quote(symbol, at or self.at, price - 0.01, price + 0.01, 100, 100, price))

    def submit(self, intent: Intent) -> None:
        self.core.handle(Submit("c", intent, confirmed=True), self.mono)

    def fill(self, number: int, price: int = 100) -> None:
        order = next(o for o in self.core.state.book.orders.values() if o.number == number)
        self.core.handle(OrderUpdate(order.id, OrderEvent.FILL_ALL, "B", order.quantity, order.quantity * price), self.mono)

    def view(self) -> ChartView:
        view = self.chart.view(tuple(self.core.state.book.orders.values()), self.mono)
        assert view is not None
        return view

    def closes(self) -> list[float]:
        return [b.close for b in self.view().bars]


# ---- time frames


@pytest.mark.parametrize("timeframe", ["5m", "15m", "1h", "1d"])
def test_each_time_frame_shows_the_aggregators_bars_of_the_past_and_of_what_comes(timeframe: str) -> None:
    past, coming = minutes(900), minutes(47, OPEN + 47 * MINUTE)
    desk = Desk(PastFeed(past))
    desk.chart.focus("AAPL", timeframe)
    desk.tell(*coming[:20])
    desk.view()
    desk.tell(*coming[20:])
    aggregator, expected = Aggregator(timeframe, Calendar()), []
    for one in (*past, *coming):
        expected += aggregator.add(one)
    unfinished = aggregator.unfinished("AAPL")
    shown = desk.view()
    assert shown.forming is (unfinished is not None)
    assert list(shown.bars) == expected + ([unfinished] if unfinished else [])
    assert shown.timeframe == timeframe


def test_only_time_frames_that_the_feed_can_serve_are_offered_and_the_others_say_why_not() -> None:
    view = Desk(PastFeed(minutes(10), timeframe="5m")).view()
    assert view.offered == ("5m", "15m", "1h", "1d")
    assert dict(view.refused) == dict.fromkeys(("1s", "1m"), "past has bars of 5m: those cannot be taken apart")
    assert "that is no multiple of it" in dict(Desk(PastFeed(minutes(10), timeframe="7m")).view().refused)["15m"]


def test_a_time_frame_that_is_not_offered_shows_the_feeds_own() -> None:
    desk = Desk(PastFeed(minutes(10), timeframe="5m"))
    desk.chart.focus("AAPL", "1s")
    assert desk.view().timeframe == "5m"


class ShortCalendar(Calendar):
    """Knows no session from that of OPEN on."""

    def current_or_next(self, at: int) -> Session:
        if at >= OPEN - 360 * MINUTE:
            raise CalendarError("XNYS has no session then")
        return super().current_or_next(at)


@pytest.mark.parametrize("timeframe", ["1m", "5m"])
def test_where_the_calendar_ends_the_chart_shows_the_feeds_own_bars_and_trading_goes_on(timeframe: str) -> None:
    feed = PastFeed(minutes(20))
    feed.hours = ShortCalendar()
    desk = Desk(feed)
    desk.chart.focus("AAPL", timeframe)
    assert desk.view().timeframe == timeframe
    for one in minutes(10, OPEN + 10 * MINUTE):
        desk.tell(one)
        desk.quote(101.0, one.at)
        desk.view()
    assert len(desk.view().bars) == 30
    assert desk.view().timeframe == "1m"
    assert ("5m" in desk.view().offered) == (timeframe == "1m")


def test_the_time_frame_stays_when_the_symbol_changes() -> None:
    desk = Desk(PastFeed([*minutes(60), *minutes(60, symbol="MSFT")]))
    desk.chart.focus("AAPL", "15m")
    desk.chart.focus("MSFT")
    assert (desk.view().symbol, desk.view().timeframe) == ("MSFT", "15m")


def test_a_larger_bar_that_nothing_came_to_finish_is_closed_by_the_time() -> None:
    desk = Desk()
    desk.chart.focus("AAPL", "5m")
    desk.tell(bar(OPEN + 3 * MINUTE))
    assert desk.view().forming
    desk.tell(bar(OPEN + 6 * MINUTE, symbol="MSFT"))
    view = desk.view()
    assert (view.forming, [b.at for b in view.bars]) == (False, [OPEN + 5 * MINUTE])


@pytest.mark.parametrize("told", [1_500, 4_000])
@pytest.mark.parametrize("timeframe", ["15m", "1h", "1d"])
def test_bars_that_are_too_old_to_be_kept_are_still_in_a_chart_that_is_opened_later(timeframe: str, told: int) -> None:
    feed = PastFeed(minutes(900))
    desk = Desk(feed)
    aggregator, expected = Aggregator(timeframe, Calendar()), []
    for one in feed.past:
        expected += aggregator.add(one)
    for one in coming(told):
        desk.tell(one)
        expected += aggregator.add(one)
    desk.chart.focus("AAPL", timeframe)
    unfinished = aggregator.unfinished("AAPL")
    shown = [*expected, unfinished] if unfinished else expected
    assert list(desk.view().bars) == shown[-len(desk.view().bars) :]
    assert desk.view().bars[0].at <= feed.past[0].at + 86_400 * SECOND


def test_where_too_much_is_forgotten_there_is_no_hole_but_a_later_beginning() -> None:
    desk = Desk(PastFeed(minutes(900)))
    for one in (bars := coming(2_500)):
        desk.tell(one)
    assert list(desk.view().bars) == bars[-KEPT:]
    desk.chart.focus("AAPL", "5m")
    view = desk.view()
    assert view.bars[0].at > OPEN
    assert max(later.at - b.at for b, later in pairwise(view.bars) if later.at not in view.sessions) == 5 * MINUTE


def test_what_was_before_a_split_is_in_todays_shares_however_old() -> None:
    desk = Desk(PastFeed(minutes(900)))
    for one in coming(2_500):
        desk.tell(one)
    desk.chart.focus("AAPL", "1h")
    before = desk.closes()
    desk.chart.on_split(Split("AAPL", desk.at, Decimal(4)))
    assert desk.closes() == [close / 4 for close in before]


# ---- the candle that forms


def test_the_forming_candle_grows_with_the_quotes_and_ends_with_the_bar() -> None:
    desk = Desk()
    for price in (100.0, 101.0, 98.0, 99.0):
        desk.quote(price, OPEN + SECOND)
    desk.quote(500.0, symbol="MSFT")
    (forming,) = desk.view().bars
    assert (forming.open, forming.high, forming.low, forming.close) == (100.0, 101.0, 98.0, 99.0)
    assert desk.view().forming
    desk.tell(Bar("AAPL", OPEN + MINUTE, 100, 101, 98, 99, 1_000))
    view = desk.view()
    assert ([b.volume for b in view.bars], view.forming) == ([1_000], False)


def test_a_larger_candle_forms_from_the_bars_so_far_and_the_quotes_since() -> None:
    desk = Desk()
    desk.chart.focus("AAPL", "5m")
    desk.tell(Bar("AAPL", OPEN + MINUTE, 100, 103, 99, 102, 1_000))
    desk.quote(104.0, OPEN + 90 * SECOND)
    (forming,) = desk.view().bars
    assert forming == Bar("AAPL", OPEN + 5 * MINUTE, 100, 104, 99, 104, 1_000)
    desk.quote(105.0, OPEN + 5 * MINUTE + SECOND)
    assert [(b.at, b.close) for b in desk.view().bars] == [(OPEN + 5 * MINUTE, 102), (OPEN + 10 * MINUTE, 105)]


def test_what_the_screen_was_given_never_changes_under_it() -> None:
    desk = Desk()
    desk.chart.focus("AAPL", "5m")
    desk.tell(Bar("AAPL", OPEN + MINUTE, 100, 103, 99, 102, 1_000))
    given = desk.view().bars
    desk.tell(Bar("AAPL", OPEN + 2 * MINUTE, 102, 110, 90, 95, 1_000))
    assert given == (Bar("AAPL", OPEN + 5 * MINUTE, 100, 103, 99, 102, 1_000),)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 0.0, -5.0])
def test_a_price_that_is_none_draws_no_candle(bad: float) -> None:
    desk = Desk()
    desk.quote(100.0)
    desk.chart.on_quote(Quote("AAPL", OPEN, 99, 101, 1, 1, bad))
    desk.chart.on_bar(Bar("AAPL", OPEN + MINUTE, 100, 101, bad, 100, 1))
    assert [(b.high, b.low) for b in desk.view().bars] == [(100.0, 100.0)]


def test_a_split_restates_the_chart_in_every_time_frame_and_leaves_no_cliff() -> None:
    desk = Desk(PastFeed(minutes(30)))
    for timeframe in ("1m", "15m"):
        desk.chart.focus("AAPL", timeframe)
        before = desk.closes()
        desk.chart.on_split(Split("AAPL", OPEN, Decimal(1)))
        assert desk.closes() == before
    desk.quote(104.0)
    desk.chart.on_split(Split("AAPL", OPEN, Decimal(4)))
    assert desk.closes() == [close / 4 for close in before]
    assert desk.chart.kept.newest("AAPL", 1)[0].volume == 40


# ---- sessions


def test_the_first_bar_of_each_session_is_told_but_for_the_very_first_bar() -> None:
    desk = Desk(PastFeed(minutes(500)))
    desk.tell(*minutes(5, OPEN + 5 * MINUTE))
    view = desk.view()
    breaks = [b.at for before, b in zip(view.bars, view.bars[1:], strict=False) if b.at - before.at > 60 * MINUTE]
    assert list(view.sessions) == breaks
    assert breaks[-1] == OPEN + MINUTE


def test_bars_of_a_day_have_no_breaks_between_them() -> None:
    desk = Desk(PastFeed(minutes(900)))
    desk.chart.focus("AAPL", "1d")
    assert len(desk.view().bars) > 1
    assert desk.view().sessions == ()


# ---- marks


def test_fills_working_orders_and_the_average_price_are_marked() -> None:
    desk = Desk()
    desk.quote(100.0)
    bracket = Bracket(take_profit=Exit(price=Decimal(110)), stop_loss=Exit(price=Decimal(90)))
    desk.submit(Intent("AAPL", Side.BUY, Decimal(10), bracket=bracket))
    assert [mark.kind for mark in desk.view().marks] == []
    desk.fill(1)
    desk.submit(Intent("AAPL", Side.BUY, Decimal(5), OrderType.LIMIT, Decimal(95)))
    desk.submit(Intent("MSFT", Side.BUY, Decimal(5), OrderType.LIMIT, Decimal(95)))
    marks = sorted((mark.kind, str(mark.side), mark.price, int(mark.quantity)) for mark in desk.view().marks)
    assert marks == [
        ("average", "BUY", 100.0, 10),
        ("fill", "BUY", 100.0, 10),
        ("limit", "BUY", 95.0, 5),
        ("stop", "SELL", 90.0, 10),
        ("target", "SELL", 110.0, 10),
    ]


def test_marks_stay_through_a_change_of_the_time_frame() -> None:
    desk = Desk(PastFeed(minutes(60)))
    desk.quote(100.0)
    desk.submit(Intent("AAPL", Side.BUY, Decimal(5), OrderType.LIMIT, Decimal(95)))
    before = desk.view().marks
    desk.chart.focus("AAPL", "15m")
    assert desk.view().marks == before != ()


def test_an_unknown_symbol_draws_no_chart() -> None:
    desk = Desk()
    desk.chart.focus("TSLA")
    assert desk.chart.view((), desk.mono) is None


# ---- what it costs


def test_the_long_past_is_asked_for_when_the_eye_has_come_to_rest() -> None:
    feed = PastFeed(minutes(1_500))
    desk = Desk(feed)
    assert len(desk.view().bars) == FIRST
    desk.mono += REST_NS
    assert len(desk.view().bars) == LONG
    asked = len(feed.asked)
    desk.tell(*minutes(3, OPEN + 3 * MINUTE))
    assert len(desk.view().bars) == LONG + 3
    assert len(feed.asked) == asked


def test_a_view_that_shows_the_same_shares_the_same_bars() -> None:
    desk = Desk(PastFeed(minutes(100)))
    assert desk.view().bars is desk.view().bars
    assert desk.view() == desk.view()


def test_a_chart_looked_at_before_goes_on_meanwhile() -> None:
    feed = PastFeed([*minutes(60), *minutes(60, symbol="MSFT")])
    desk = Desk(feed)
    desk.chart.focus("AAPL", "15m")
    desk.view()
    desk.chart.focus("MSFT")
    desk.tell(*minutes(30, OPEN + 30 * MINUTE))
    desk.view()
    asked = len(feed.asked)
    desk.chart.focus("AAPL")
    assert desk.view().bars[-1].at == OPEN + 30 * MINUTE
    assert len(feed.asked) == asked


@pytest.mark.parametrize("session", ["always", "XNYS"])
def test_the_simulated_market_fills_a_chart_in_every_time_frame_it_offers(session: Literal["always", "XNYS"]) -> None:
    feed = SimulatedFeed(["AAPL"], FeedSettings(session=session))
    desk = Desk(feed)
    offered = desk.view().offered
    assert offered == ("5s", *(name for name in TIMEFRAMES if name != "1s"))
    for timeframe in offered:
        desk.chart.focus("AAPL", timeframe)
        desk.view()
        desk.mono += REST_NS
        view = desk.view()
        assert len(view.bars) >= (LONG_DAYS if timeframe == "1d" else LONG)
        assert [b.at for b in view.bars] == sorted({b.at for b in view.bars})


def test_a_symbol_that_is_let_go_leaves_the_chart_to_another_and_may_come_back() -> None:
    desk = Desk(PastFeed([*minutes(60), *minutes(60, symbol="MSFT")]))
    desk.view()
    desk.chart.remove("AAPL")
    assert desk.view().symbol == "MSFT"
    desk.chart.add("AAPL")
    desk.chart.kept.prime("AAPL", minutes(3))
    desk.chart.focus("AAPL")
    assert len(desk.view().bars) == 60
