"""What a run counts and times: from the records alone, and through a running engine."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine import reports
from engine.metrics import Metrics, Window, performance_line
from engine.model.effects import Effect, Persist, Send
from engine.model.inputs import Proposal
from engine.model.market import Quote
from engine.model.metrics import MetricsView, percentile
from engine.model.modes import Mode
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, Order, OrderState, Side
from engine.model.records import FillBooked
from engine.model.settings import Settings, StrategySettings
from tests.engine.core.floor import OPEN_LIMITS, Floor
from tests.engine.core.floor import settings as floor_settings
from tests.engine.engines import SETTINGS, ToldBroker, limit, market, order_of, running, said, until

TAKER = """
from tradeconsole import Strategy

class Taker(Strategy):
    def on_quote(self, ctx, quote):
        if not ctx.position(quote.symbol):
            ctx.buy(quote.symbol, 1)
"""


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)])
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(1, 101)], share) == expected


def test_a_window_forgets_what_is_old() -> None:
    window = Window(3)
    assert window.percentiles() is None
    for value in (1_000.0, 1.0, 2.0, 3.0):
        window.add(value)
    figures = window.percentiles()
    assert figures is not None
    assert (figures.count, figures.p50, figures.p99) == (3, 2.0, 3.0)


def test_a_run_counts_what_became_of_its_orders(tmp_path: Path) -> None:
    with running(tmp_path) as engine:
        engine.submit(market(5))
        until(engine, lambda view: view.positions)
        engine.submit(limit(7))
        until(engine, lambda view: len(view.orders) == 2 and order_of(view, 2).state is OrderState.WORKING)
        engine.cancel()
        view = until(engine, lambda view: view.metrics.cancelled == 1)
        engine.submit(replace(market(1), symbol="NONE"))
        metrics = until(engine, lambda view: view.metrics.denied == 1).metrics
    assert (metrics.submitted, metrics.filled, metrics.fills, metrics.rejected) == (2, 1, 1, 0)
    assert metrics.fill_rate == 0.5
    assert view.metrics.order_path is not None
    assert view.metrics.order_path.count == 2
    assert metrics.execution is not None
    assert metrics.answer is not None
    assert metrics.market_events > 0
    assert metrics.slippage_bps is None


def test_a_signals_way_and_slippage_are_told_apart_from_a_persons(tmp_path: Path) -> None:
    file = tmp_path / "taker.py"
    file.write_text(TAKER, encoding="utf-8")
    settings = replace(SETTINGS, mode=Mode.FULL_AUTO, strategies=(StrategySettings(str(file)),))
    with running(tmp_path, settings=settings) as engine:
        metrics = until(engine, lambda view: view.positions).metrics
    assert metrics.order_path is None
    assert metrics.signal_path is not None
    assert 0 < metrics.signal_path.p50 <= metrics.signal_path.p99
    # Bought at the ask the signal was priced at, plus one basis point of the paper market's slippage.
    assert metrics.slippage_bps == pytest.approx(1.0, abs=0.2)
    assert metrics.slippage > 0


def test_a_rejection_is_counted_with_its_answer(tmp_path: Path) -> None:
    broker = ToldBroker()

    async def reject(order: Order) -> None:
        broker.end(order.id, OrderEvent.REJECT)

    broker.on_submit = reject
    with running(tmp_path, broker) as engine:
        engine.submit(market(1))
        metrics = until(engine, lambda view: view.metrics.rejected).metrics
    assert metrics.answer is not None
    assert metrics.execution is None


def test_the_log_says_how_the_engine_does_every_five_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reports.REPORT_S == 300.0
    monkeypatch.setattr(reports, "REPORT_S", 0.3)
    with running(tmp_path) as engine:
        engine.submit(market(5))
        assert said(until(engine, lambda view: said(view, "1 orders sent, 1 filled, 0 cancelled, 0 rejected, 0 denied")), "loop lag p50")


def test_the_performance_line_counts_since_the_one_before() -> None:
    before = MetricsView(submitted=10, filled=8, market_events=1_000)
    now = replace(Metrics().view(journal_backlog=3, waiting_to_send=1, strategy_queues=[("cross", 2), ("idle", 0)]), market_events=6_000)
    text = performance_line(replace(now, submitted=12, filled=9, slippage_bps=-1.25), before)
    assert text == (
        "2 orders sent, 1 filled, 0 cancelled, 0 rejected, 0 denied; 5,000 market events; slippage -1.2 bp against the signals; "
        "waiting: 3 records, 1 orders, 2 events for cross"
    )


def test_a_forced_comparison_answers_what_agrees_and_what_does_not(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        engine.submit(limit(7))
        until(engine, lambda view: view.orders)
        before = broker.snapshots
        answer = engine.answer(engine.sync())
        assert (answer.ok, answer.text) == (True, "sync: 1 open orders and 0 positions compared with the broker's: all agree")
        assert broker.snapshots > before
        broker.positions.append(("AAPL", Decimal(5), Decimal(100)))
        answer = engine.answer(engine.sync())
        assert not answer.ok
        assert answer.text.endswith("The broker holds 5 AAPL, our books say no")


def test_scripts_hear_records_and_market_events_by_their_kind(tmp_path: Path) -> None:
    fills: list[FillBooked] = []
    quotes: list[Quote] = []
    with running(tmp_path) as engine:
        engine.subscribe(FillBooked, fills.append)
        stop = engine.subscribe(Quote, quotes.append)
        engine.submit(market(5))
        until(engine, lambda view: view.positions and quotes)
        stop()
        heard = len(quotes)
        until(engine, lambda view: view.metrics.market_events > heard + 5)
        assert len(quotes) <= heard + 1
    assert [booked.fill.quantity for booked in fills] == [5]


def test_a_subscriber_that_fails_at_every_event_is_told_once_and_hurts_nobody(tmp_path: Path) -> None:
    quotes: list[Quote] = []

    def fail(quote: Quote) -> None:
        raise ValueError("not mine")

    with running(tmp_path) as engine:
        end = engine.subscribe(Quote, fail)
        engine.subscribe(Quote, quotes.append)
        view = until(engine, lambda view: len(quotes) > 20)
        end()
        end()
    assert len([line for line in view.log if line.source == "subscriber"]) == 1
    assert said(view, "a subscriber to Quote failed: not mine")


# ---- from the records of a floor


class Counted(Floor):
    """Tells its metrics every record as the engine's shell does: at once, with the state as it is then."""

    def __init__(self, given: Settings | None = None, **more: Any) -> None:
        self.metrics = Metrics()
        super().__init__(given, **more)

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Persist):
                for record in effect.records:
                    self.metrics.record(record, self.core.state, self.mono)
            elif isinstance(effect, Send):
                self.metrics.sent(effect.order, self.mono, self.mono, by_itself=False)
        super()._perform(effects)

    def counted(self) -> MetricsView:
        return self.metrics.view(journal_backlog=0, waiting_to_send=0, strategy_queues=())


@pytest.mark.parametrize("side", list(Side))
def test_slippage_is_of_what_the_signal_was_to_trade_and_not_of_its_exits(side: Side) -> None:
    limits = replace(OPEN_LIMITS, short_selling=True)
    floor = Counted(floor_settings(limits=limits), mode=Mode.FULL_AUTO, prices={"AAPL": 100.0, "MSFT": 400.0})
    bracket = Bracket(take_profit=Exit(pct=Decimal(5)), stop_loss=Exit(pct=Decimal(5)))
    floor.handle(Proposal("s1", "sma", "AAPL", side, Decimal(10), bracket=bracket))
    floor.quote("AAPL", 100.0 + side.sign)
    assert abs(floor.position()) == 10
    figures = floor.counted()
    assert (figures.submitted, figures.fills, figures.slippage) == (3, 1, Decimal(10))
    assert figures.slippage_bps == pytest.approx(100)
    floor.move("AAPL", 100.0 + 8 * side.sign)
    assert floor.position() == 0
    assert (floor.counted().fills, floor.counted().slippage) == (2, Decimal(10))


def test_a_signal_that_fills_in_parts_slips_by_the_sum_of_its_parts() -> None:
    floor = Counted(mode=Mode.FULL_AUTO, prices={"AAPL": 100.0, "MSFT": 400.0})
    floor.propose("s1", quantity=10)
    floor.quote("AAPL", 101.0, size=4)
    floor.quote("AAPL", 103.0, size=4)
    floor.quote("AAPL", 99.0, size=4)
    assert floor.position() == 10
    assert (floor.counted().fills, floor.counted().slippage) == (3, Decimal(4 * 1 + 4 * 3 - 2 * 1))


def test_what_an_earlier_run_sent_is_no_part_of_this_ones_fill_rate() -> None:
    floor = Counted(prices={"AAPL": 100.0, "MSFT": 400.0})
    floor.buy(5, limit=90)
    floor.restart()
    floor.metrics = Metrics()
    floor.quote("AAPL", 100.0)
    floor.buy(1)
    floor.move("AAPL", 89.0)
    figures = floor.counted()
    assert floor.position() == 6
    assert (figures.submitted, figures.filled, figures.fills, figures.fill_rate) == (1, 1, 2, 1.0)


def test_nothing_is_kept_of_orders_that_have_ended() -> None:
    floor = Counted(prices={"AAPL": 100.0, "MSFT": 400.0})
    for number in range(30):
        floor.tick(3)
        floor.quote("AAPL", 100.0)
        order = floor.buy(1, limit=90) if number % 2 else floor.buy(1)
        floor.quote("AAPL", 100.0)
        floor.cancel(order)
    kept = [getattr(floor.metrics, name) for name in vars(floor.metrics)]
    assert not [each for each in kept if isinstance(each, dict | set) and each]
