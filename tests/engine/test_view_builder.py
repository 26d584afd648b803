"""The View: the same row for the same facts, figures that add up, and a price that does not grow with the history behind it."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.chart import ChartBuilder
from engine.core.core import Core
from engine.feeds.calendar import Hours
from engine.feeds.simulated.hours import AlwaysOpen
from engine.model.inputs import BrokerSnapshot, OrderUpdate, Proposal, Submit
from engine.model.market import Instrument, MarketStatus, Phase, Quote
from engine.model.metrics import MetricsView
from engine.model.modes import Level, LinkState, Mode
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import Intent, OrderState, OrderType, Side
from engine.model.records import OrderChanged, RunStarted
from engine.model.settings import Limits, Settings
from engine.model.signals import SignalState
from engine.model.views import View
from engine.view_builder import Health, ViewBuilder
from tests.engine.test_log_lines import PLACED
from tests.quotes import QuoteFeed

SECOND = 1_000_000_000
HUNDRED = Decimal(100)
LIMITS = Limits(max_position_pct=HUNDRED, max_order_pct=HUNDRED, max_exposure_pct=HUNDRED)


class OpenFeed(QuoteFeed):
    hours: Hours = AlwaysOpen()


class Desk:
    """A core with a market and an account, its view builder, and a clock to hand."""

    def __init__(self) -> None:
        self.core = Core(Settings(limits=LIMITS), [Instrument("AAPL"), Instrument("MSFT")], run_id="r", sizes={"s": Decimal(5)})
        self.builder = ViewBuilder(self.core, "PAPER", ChartBuilder(self.core, OpenFeed()))
        self.health = Health(broker="paper", feed="sim")
        self.mono = SECOND
        self.core.start(RunStarted("r", "paper", "sim", Decimal(100_000), 0), Mode.MANUAL, "", self.mono)
        self.core.handle(BrokerSnapshot(Decimal(100_000), (), ()), self.mono)
        self.core.handle(MarketStatus(Phase.REGULAR, "open", "d1", 1), self.mono)
        self.quote(100.0)

    def quote(self, price: float, symbol: str = "AAPL") -> None:
        quote = Quote(symbol, self.mono, price - 0.01, price + 0.01, 100, 100, price)
        self.core.handle(quote, self.mono)
        self.builder.chart.on_quote(quote)

    def buy(self, quantity: int, limit: int | None = None) -> str:
        kind = OrderType.MARKET if limit is None else OrderType.LIMIT
        price = None if limit is None else Decimal(limit)
        self.core.handle(Submit("c", Intent("AAPL", Side.BUY, Decimal(quantity), kind, price)), self.mono)
        return next(reversed(self.core.state.book.orders))

    def fill(self, order_id: str, quantity: int, price: int = 100) -> None:
        filled = Decimal(quantity)
        self.core.handle(OrderUpdate(order_id, OrderEvent.FILL_PART, "B", filled, filled * price), self.mono)

    def view(self) -> View:
        return self.builder.build(self.health, MetricsView(), self.mono)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_row_is_the_same_object_until_something_in_it_changes(desk: Desk) -> None:
    first, second = desk.buy(10, 90), desk.buy(20, 80)
    before = desk.view()
    desk.fill(second, 5, 80)
    after = desk.view()
    rows = {row.id: (row, old) for row, old in zip(after.orders, before.orders, strict=True)}
    assert rows[first][0] is rows[first][1]
    assert rows[second][0] is not rows[second][1]
    assert after.watch[1] is before.watch[1]
    assert after.risk[3] is before.risk[3]


def test_nothing_happened_is_all_the_same_rows(desk: Desk) -> None:
    desk.fill(desk.buy(10), 10)
    desk.core.handle(Proposal("p", "s", "AAPL", Side.BUY), desk.mono)
    before, after = desk.view(), desk.view()
    for panel in ("watch", "positions", "orders", "signals", "risk", "strategies", "log"):
        assert all(new is old for new, old in zip(getattr(after, panel), getattr(before, panel), strict=True)), panel
    assert after.chart is before.chart
    assert after.revision == before.revision + 1


def test_a_quote_of_one_symbol_changes_that_row_alone(desk: Desk) -> None:
    desk.quote(50.0, "MSFT")
    before = desk.view()
    desk.quote(51.0, "MSFT")
    after = desk.view()
    assert after.watch[0] is before.watch[0]
    assert (after.watch[1].last, after.watch[1].bid, after.watch[1].ask) == (51.0, 50.99, 51.01)


def test_the_account_adds_up(desk: Desk) -> None:
    desk.fill(desk.buy(100), 100)
    desk.buy(50, 90)
    desk.quote(99.0)
    account = desk.view().account
    assert account.cash == 90_000
    assert account.equity == 99_900
    assert account.day_pnl == -100
    assert account.daily_loss == 100
    assert account.exposure == 9_900 + 4_500
    assert account.buying_power == account.equity - account.exposure - 45, "a working order keeps its cushion"
    row = desk.view().positions[0]
    assert (row.quantity, row.average, row.value, row.unrealised, row.unrealised_fraction) == (
        Decimal(100),
        HUNDRED,
        Decimal(9_900),
        Decimal(-100),
        -0.01,
    )


def test_each_limit_shows_how_much_of_it_is_used(desk: Desk) -> None:
    desk.fill(desk.buy(500), 500)
    used = {row.name: (row.used, row.tripped, row.note) for row in desk.view().risk}
    assert used["position"] == (Decimal(50), False, "AAPL")
    assert used["exposure"] == (Decimal(50), False, "")
    desk.quote(90.0)
    assert {row.name: row.tripped for row in desk.view().risk}["daily loss"]


def test_a_price_goes_stale_by_the_clock_alone(desk: Desk) -> None:
    assert desk.view().watch[0].stale_s is None
    desk.mono += 9 * SECOND
    assert desk.view().watch[0].stale_s == 9
    assert desk.view().watch[1].stale_s is not None or desk.view().watch[1].last is None


def test_a_waiting_signal_counts_down_and_is_judged_as_of_now(desk: Desk) -> None:
    desk.core.handle(Proposal("p", "s", "AAPL", Side.BUY), desk.mono)
    row = desk.view().signals[0]
    assert (row.state, row.expires_in_s, row.passes, row.verdict) == (SignalState.WAITING, 60, True, "passes")
    desk.mono += 10 * SECOND
    row = desk.view().signals[0]
    assert (row.expires_in_s, row.passes) == (50, False), "its price went stale meanwhile"
    assert "old" in row.verdict


def test_waiting_signals_come_first_the_most_urgent_on_top(desk: Desk) -> None:
    for number, name in enumerate(("a", "b", "c")):
        desk.mono += number
        desk.core.handle(Proposal(name, name, "AAPL", Side.BUY, Decimal(1)), desk.mono)
    desk.core.handle(Proposal("too much", "s", "AAPL", Side.BUY, Decimal(10**9)), desk.mono)
    view = desk.view()
    assert [row.id for row in view.signals if row.state is SignalState.WAITING][:3] == ["a", "b", "c"]


def test_old_orders_that_still_work_are_shown_however_many_ended_since(desk: Desk) -> None:
    oldest = desk.buy(1, 90)
    history(desk, 1_000)
    rows = desk.view().orders
    assert rows[-1].id == oldest
    assert [row.number for row in rows] == sorted((row.number for row in rows), reverse=True)
    assert sum(row.state.is_final for row in rows) == 300
    assert len({row.id for row in rows}) == len(rows)


def history(desk: Desk, count: int) -> None:
    for number in range(count):
        placed = replace(PLACED, id=f"old-{number}", number=desk.core.state.book.last_number + 1)
        desk.core.state.apply(placed)
        desk.core.state.apply(OrderChanged(placed.id, OrderEvent.CANCEL, OrderState.CANCELED, "", "", 2))


def test_a_view_costs_no_more_with_a_long_history_behind_it(desk: Desk) -> None:
    def cost() -> float:
        took = []
        for _ in range(7):
            began = time.perf_counter()
            desk.view()
            took.append(time.perf_counter() - began)
        return min(took)

    history(desk, 500)
    short = cost()
    history(desk, 100_000)
    assert cost() < 5 * short


def test_a_log_line_keeps_its_number_when_older_ones_fall_out(desk: Desk) -> None:
    for number in range(3_000):
        desk.builder.log(number, Level.INFO, "test", str(number))
    lines = desk.view().log
    assert len(lines) == 500
    assert [line.number for line in lines] == list(range(2_501, 3_001))


def test_a_log_line_has_the_markets_time_where_that_is_another_than_the_wall_clocks(desk: Desk) -> None:
    desk.builder.log(5, Level.INFO, "test", "beside a market of now")
    played = ViewBuilder(desk.core, "PAPER", ChartBuilder(desk.core, OpenFeed()), own_time=True)
    desk.mono = 7 * SECOND
    desk.quote(100.0)
    played.log(6, Level.INFO, "test", "beside a market of its own time")
    ours, its = *desk.view().log, *played.lines()
    assert (ours.wall, ours.time) == (5, 5)
    assert (its.wall, its.time) == (6, 7 * SECOND)


def test_links_tell_their_age_and_why_they_are_down(desk: Desk) -> None:
    desk.health.broker_heard = desk.mono - 5_000_000
    desk.health.feed_problem, desk.health.feed_state = "the line went dead", LinkState.DOWN
    broker, feed = desk.view().health.links
    assert (broker.up, broker.age_ms, feed.up, feed.age_ms, feed.reason) == (True, 5.0, False, None, "the line went dead")


def test_an_empty_account_shows_zeros_and_no_complaint() -> None:
    core = Core(Settings(), [], run_id="r")
    view = ViewBuilder(core, "PAPER", ChartBuilder(core, QuoteFeed())).build(Health(), MetricsView(), 0)
    assert (view.account.equity, view.chart, view.positions, view.health.ready) == (ZERO, None, (), False)


def test_the_market_has_the_wall_clocks_time_only_where_it_goes_by_it_and_never_goes_back() -> None:
    desk = Desk()

    def shown(wall: int) -> int:
        return desk.builder.build(desk.health, MetricsView(), desk.mono, wall).health.market_time

    told = desk.core.desk.now
    assert (shown(0), shown(told - 1), shown(told + 90 * SECOND)) == (told, told, told + 90 * SECOND)
