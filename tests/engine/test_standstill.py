"""After the stop: the broker's own word that nothing works, and for a flatten that nothing is held; or each thing that is in the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine import standstill, waits
from engine.brokers.base import AmbiguousError
from engine.model.inputs import BrokerOrder, LinkChanged, OrderUpdate
from engine.model.market import MarketStatus, Phase
from engine.model.modes import LinkState, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState, OrderType, Side
from engine.model.settings import StopSettings
from engine.model.views import View
from tests.engine.engines import SETTINGS, HeldJournal, ToldBroker, limit, market, order_of, running, said, until
from tests.quotes import DAY, QuoteFeed

D = Decimal


def working(number: int = 1) -> Callable[[View], object]:
    return lambda view: len(view.orders) >= number and order_of(view, number).state is OrderState.WORKING


def at_rest(view: View) -> bool:
    return view.stop is not None and view.stop.verified


def elsewhere(symbol: str = "MSFT") -> BrokerOrder:
    """An order that was placed by other means, and that we never heard of."""
    return BrokerOrder("X1", "B1", symbol, Side.BUY, D(5), OrderType.LIMIT, D(90), None, OrderEvent.WORK)


class Sells(ToldBroker):
    """Fills every market order at once, and keeps its positions by it."""

    async def submit(self, order: Order) -> None:
        if order.type is not OrderType.MARKET:
            await super().submit(order)
            return
        self.submitted.append(order.id)
        held = {symbol: quantity for symbol, quantity, _ in self.positions}
        held[order.symbol] = held.get(order.symbol, D(0)) + order.side.sign * order.quantity
        self.positions[:] = [(symbol, quantity, D(100)) for symbol, quantity in held.items() if quantity]
        self._tell(OrderUpdate(order.id, OrderEvent.FILL_ALL, f"S{order.number}", order.quantity, order.quantity * 100))


# ---- the stop


def test_a_stop_is_done_when_the_broker_itself_lists_nothing(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        assert engine.status().stop is None
        for number in range(3):
            engine.submit(limit(10 + number))
        until(engine, working(3))
        asked = broker.snapshots
        engine.answer(engine.emergency_stop())
        view = until(engine, at_rest)
        assert broker.snapshots > asked
        assert (view.stop.left, broker.listed) == ((), {})  # type: ignore[union-attr]
        assert said(view, "verified with the broker: nothing works; held: nothing")
        engine.answer(engine.resume("looked at it"))
        assert engine.status().stop is None


def test_what_a_stop_verified_as_held_is_what_the_broker_holds_and_not_what_the_books_say(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        engine.submit(limit(10))
        until(engine, working(1))
        broker.fill(order_of(engine.status(), 1).id)
        until(engine, lambda view: view.positions)
        broker.positions = [("AAPL", D(7), D(100))]
        engine.answer(engine.sync())
        engine.answer(engine.emergency_stop())
        view = until(engine, at_rest)
        assert said(view, "verified with the broker: nothing works; held: 7 AAPL")


def test_an_order_placed_elsewhere_is_found_by_the_stop_and_cancelled(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        broker.listed["X1"] = elsewhere()
        engine.answer(engine.emergency_stop())
        until(engine, lambda view: at_rest(view) and view.orders)
        assert broker.cancels == [["X1"]]


def test_an_order_that_turns_up_after_all_was_at_rest_is_cancelled_too(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        engine.answer(engine.emergency_stop())
        until(engine, at_rest)
        broker.listed["X1"] = elsewhere()
        broker.say(LinkChanged("told", LinkState.UP))
        until(engine, lambda view: at_rest(view) and view.orders)
        assert broker.cancels == [["X1"]]


def test_what_the_broker_does_not_cancel_is_named_and_asked_for_until_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standstill, "NAMED_AFTER_S", 0.3)
    monkeypatch.setattr(waits, "CANCEL_AGAIN_S", (0.05,))
    broker = ToldBroker()

    async def deaf(orders: Sequence[Order]) -> None:
        raise AmbiguousError("no answer")

    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, working())
        broker.on_cancel = deaf
        engine.answer(engine.emergency_stop())
        view = until(engine, lambda view: said(view, "not at rest after 0.3 s: #1 BUY 10 AAPL is PENDING_CANCEL."))
        assert (view.stop.verified, view.stop.left) == (False, ("#1 BUY 10 AAPL is PENDING_CANCEL",))  # type: ignore[union-attr]
        assert len(broker.cancels) > 1
        broker.on_cancel = None
        until(engine, at_rest)


def test_a_broker_that_does_not_tell_its_orders_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standstill, "NAMED_AFTER_S", 0.3)
    broker = ToldBroker()

    async def mute() -> None:
        raise AmbiguousError("no answer")

    with running(tmp_path, broker) as engine:
        broker.on_snapshot = mute
        engine.answer(engine.emergency_stop())
        view = until(engine, lambda view: said(view, "not at rest after 0.3 s: the broker has not told where the account stands"))
        assert not at_rest(view)
        broker.on_snapshot = None
        until(engine, at_rest)


def test_a_stop_without_a_link_is_carried_out_when_it_is_back_before_anything_else(tmp_path: Path) -> None:
    broker = ToldBroker()

    async def unplugged(orders: Sequence[Order]) -> None:
        raise AmbiguousError("there is no link")

    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, working())
        broker.on_cancel = unplugged
        broker.say(LinkChanged("told", LinkState.DOWN, "unplugged"))
        until(engine, lambda view: not view.health.links[0].up)
        engine.answer(engine.emergency_stop())
        assert not at_rest(engine.status())
        broker.on_cancel = None
        broker.say(LinkChanged("told", LinkState.UP))
        until(engine, at_rest)
        assert broker.listed == {}


def test_an_order_that_protects_may_stay_and_is_told(tmp_path: Path) -> None:
    broker = Sells()
    with running(tmp_path, broker, settings=replace(SETTINGS, stop=StopSettings(keep_protective=True))) as engine:
        engine.submit(market())
        until(engine, lambda view: view.positions)
        engine.submit(replace(market(side=Side.SELL), type=OrderType.STOP, stop=D(90)))
        until(engine, working(2))
        engine.answer(engine.emergency_stop())
        view = until(engine, at_rest)
        assert said(view, "verified with the broker: only #2, which protects, still works; held: 10 AAPL")


# ---- the flatten


def test_a_flatten_stops_cancels_and_closes_what_the_broker_says_is_held_until_nothing_is(tmp_path: Path) -> None:
    broker = Sells(positions=[("AAPL", D(25), D(100)), ("MSFT", D(-5), D(100))])
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, working())
        assert engine.answer(engine.liquidate_all()).text == "flatten: #2 SELL 25 AAPL, #3 BUY 5 MSFT"
        view = until(engine, at_rest)
        assert (view.account.state, broker.positions, broker.listed) == (TradingState.HALTED, [], {})
        assert said(view, "verified with the broker: nothing works; held: nothing")


def test_a_flatten_asks_again_where_its_order_was_rejected(tmp_path: Path) -> None:
    broker = Sells(positions=[("AAPL", D(10), D(100))])
    rejected: list[str] = []

    async def reject_once(order: Order) -> None:
        rejected.append(order.id)
        broker._tell(OrderUpdate(order.id, OrderEvent.REJECT, reason="too many requests"))

    async def submit(order: Order) -> None:
        await (Sells.submit(broker, order) if rejected else reject_once(order))

    broker.submit = submit  # type: ignore[method-assign]
    with running(tmp_path, broker) as engine:
        engine.answer(engine.liquidate_all())
        until(engine, at_rest)
        assert (len(rejected), len(broker.submitted), broker.positions) == (1, 1, [])


def test_positions_that_trail_behind_their_fills_are_not_closed_twice(tmp_path: Path) -> None:
    broker = Sells(positions=[("AAPL", D(10), D(100))])

    async def late() -> None:
        """Tells what was held before the closing order filled, one more time."""
        if broker.submitted and not stale:
            stale.append(1)
            broker.positions[:] = [("AAPL", D(10), D(100))]
        elif stale:
            broker.positions.clear()

    stale: list[int] = []
    with running(tmp_path, broker) as engine:
        broker.on_snapshot = late
        engine.answer(engine.liquidate_all())
        until(engine, at_rest)
        assert (stale, len(broker.submitted)) == ([1], 1)


@pytest.mark.parametrize("left", [0, 4, -3])
def test_a_closing_order_is_cancelled_where_something_else_closed_the_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    monkeypatch.setattr(standstill, "LAG_S", 0.05)
    monkeypatch.setattr(standstill, "LOOK_AGAIN_S", (0.05,))
    broker = ToldBroker(positions=[("AAPL", D(10), D(100))])
    with running(tmp_path, broker) as engine:
        engine.answer(engine.liquidate_all())
        until(engine, working())
        broker.positions[:] = [("AAPL", D(left), D(100))] if left else []
        view = until(engine, lambda view: order_of(view, 1).state is OrderState.CANCELED)
        if left:
            view = until(engine, working(2))
            assert (order_of(view, 2).side, order_of(view, 2).quantity) == (Side.SELL if left > 0 else Side.BUY, D(abs(left)))
            broker.positions.clear()
        view = until(engine, at_rest)
        assert broker.listed == {}


def test_what_works_with_nothing_to_close_is_not_at_rest_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standstill, "LOOK_AGAIN_S", (0.05,))
    monkeypatch.setattr(standstill, "LAG_S", 3600)
    broker = ToldBroker(positions=[("AAPL", D(10), D(100))])
    with running(tmp_path, broker) as engine:
        engine.answer(engine.liquidate_all())
        until(engine, working())
        broker.positions.clear()
        words = ("#1 SELL 10 AAPL is WORKING, with nothing to close",)
        until(engine, lambda view: view.stop is not None and (view.stop.verified, view.stop.left) == (False, words))


def test_ten_flattens_close_once(tmp_path: Path) -> None:
    broker = Sells(positions=[("AAPL", D(10), D(100))])
    with running(tmp_path, broker) as engine:
        answers = [engine.answer(press).text for press in [engine.liquidate_all() for _ in range(10)]]
        assert answers[0] == "flatten: #1 SELL 10 AAPL"
        until(engine, at_rest)
        assert (len(broker.submitted), broker.positions) == (1, [])


def test_a_flatten_beside_an_order_whose_cancel_is_lost_never_crosses_zero_and_names_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "CLOSE_ANYWAY_S", 0.2)
    monkeypatch.setattr(standstill, "LOOK_AGAIN_S", (0.1,))
    broker = ToldBroker(positions=[("AAPL", D(10), D(100)), ("MSFT", D(10), D(100))])

    async def deaf(orders: Sequence[Order]) -> None:
        raise AmbiguousError("no answer")

    broker.on_cancel = deaf
    with running(tmp_path, broker) as engine:
        engine.submit(limit(4, 110, side=Side.SELL))
        until(engine, working())
        assert engine.answer(engine.liquidate_all()).text == "flatten: #2 SELL 6 AAPL, #3 SELL 10 MSFT"
        stop = engine.status().stop
        assert stop is not None
        assert stop.left == ("#1 SELL 4 AAPL is PENDING_CANCEL", "10 AAPL is held, #2 closes it now", "10 MSFT is held, #3 closes it now")


def test_a_flatten_waits_for_a_broker_that_does_not_tell_its_positions(tmp_path: Path) -> None:
    broker = Sells(positions=[("AAPL", D(10), D(100))])

    async def mute() -> None:
        raise AmbiguousError("no answer")

    with running(tmp_path, broker) as engine:
        broker.on_snapshot = mute
        engine.liquidate_all()
        until(engine, lambda view: view.account.state is TradingState.HALTED)
        assert broker.submitted == []
        broker.on_snapshot = None
        until(engine, at_rest)
        assert broker.positions == []


def test_a_flatten_of_a_closed_market_says_that_it_closes_at_the_open(tmp_path: Path) -> None:
    class Closed(QuoteFeed):
        async def run(self, tell):  # type: ignore[no-untyped-def]
            closed = MarketStatus(Phase.CLOSED, "closed", "2027-01-15", DAY)
            await super().run(lambda event: tell(closed if isinstance(event, MarketStatus) else event))

    broker = ToldBroker(positions=[("AAPL", D(10), D(100))])
    with running(tmp_path, broker, feed=Closed) as engine:
        engine.answer(engine.liquidate_all())
        stop = engine.status().stop
        assert stop is not None
        assert stop.left == ("10 AAPL is held, #1 closes it at the open, for the market is closed",)


def test_a_flatten_needs_no_journal(tmp_path: Path) -> None:
    broker, journal = Sells(positions=[("AAPL", D(10), D(100))]), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        journal.failing = "the disk is full"
        until(engine, lambda view: view.health.problem)
        assert "the disk is full" in engine.answer(engine.submit(market())).text
        engine.liquidate_all()
        until(engine, at_rest)
        assert broker.positions == []


def test_a_resume_gives_a_flatten_up(tmp_path: Path) -> None:
    broker = ToldBroker(positions=[("AAPL", D(10), D(100))])

    async def mute() -> None:
        raise AmbiguousError("no answer")

    with running(tmp_path, broker) as engine:
        broker.on_snapshot = mute
        flatten = engine.liquidate_all()
        engine.answer(engine.resume("it was a mistake"))
        assert engine.answer(flatten).text == "flatten: given up, for trading was resumed"
        broker.on_snapshot = None
        assert engine.status().stop is None
        assert broker.submitted == []
