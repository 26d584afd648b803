"""A strategy that trades again and again on one signal is disabled; more than was let through on a signal stops everything."""

from __future__ import annotations

from decimal import Decimal

from engine.core.runaway import EXECUTIONS
from engine.model.effects import StopStrategy
from engine.model.inputs import OrderUpdate
from engine.model.modes import Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, Side, Source, Terms
from engine.model.records import FillBooked, OrderPlaced, SignalRaised, StrategyErrored, TradingStateChanged
from engine.model.verdicts import PASSED
from tests.engine.core.floor import Floor, facts, wish

D = Decimal


def floor() -> Floor:
    return Floor(mode=Mode.FULL_AUTO, prices={"AAPL": 100.0, "MSFT": 400.0})


def placed_on(the_floor: Floor, signal_id: str) -> Order:
    """One more order on a signal that has become one: what no code of ours does, and the guard is for."""
    desk = the_floor.core.desk
    number = desk.state.book.last_number + 1
    terms = {"type": wish(Side.BUY, 1).type, "limit": None, "stop": None, "tif": wish(Side.BUY, 1).tif}
    desk.record(
        OrderPlaced(
            id=f"wild-{number}",
            number=number,
            symbol="AAPL",
            side=Side.SELL,
            quantity=D(1),
            requested=D(1),
            **terms,  # type: ignore[arg-type]
            source=Source.STRATEGY,
            strategy="sma",
            signal_id=signal_id,
            reduce_only=True,
            reason="",
            mark=D(100),
            verdict=PASSED,
            at=desk.now,
            parent=the_floor.sent[0].id,
        )
    )
    return desk.state.book.orders[f"wild-{number}"]


def trade(the_floor: Floor, order: Order, filled: int = 1) -> list[object]:
    event = OrderEvent.FILL_ALL if filled >= order.quantity else OrderEvent.FILL_PART
    return list(the_floor.core.handle(OrderUpdate(order.id, event, "b", D(filled), D(100 * filled)), the_floor.mono))


def test_the_fifth_order_that_trades_on_one_signal_disables_the_strategy_and_stops_its_process() -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=10)
    the_floor.quote("AAPL", 100)
    the_floor.propose("resting", quantity=1, limit=50)
    for _ in range(EXECUTIONS - 2):
        assert StopStrategy not in map(type, trade(the_floor, placed_on(the_floor, "s")))
    effects = trade(the_floor, placed_on(the_floor, "s"))
    assert [effect for effect in effects if isinstance(effect, StopStrategy)] == [
        StopStrategy("sma", "It traded 5 orders without a new signal.")
    ]
    the_floor.propose("more", quantity=1)
    refused = the_floor.of(SignalRaised)[-1].verdict
    assert facts(refused.rule, refused.text) == (
        "strategy disabled",
        "sma is disabled (It traded 5 orders without a new signal.): it enters no more until it is started again.",
    )
    assert the_floor.core.state.disabled == {"sma": "It traded 5 orders without a new signal."}


def test_many_fills_of_one_order_and_many_orders_of_as_many_signals_are_no_runaway() -> None:
    the_floor = floor()
    for number in range(5):
        the_floor.propose(f"s{number}", quantity=20 + number, limit=99)
    for cents in range(9):
        the_floor.quote("AAPL", 98 - cents / 100, size=10)
    assert len(the_floor.of(FillBooked)) > 8
    assert the_floor.of(StrategyErrored) == []


def test_more_than_was_approved_for_a_signal_trips_the_stop() -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=10, limit=50)
    order = the_floor.last_order
    the_floor.handle(OrderUpdate(order.id, OrderEvent.FILL_ALL, "b", D(11), D(1100)))
    assert the_floor.trading() is TradingState.HALTED
    halted = the_floor.of(TradingStateChanged)[-1]
    assert facts(halted.by, halted.reason) == ("runaway", "11 AAPL were traded on a signal of sma for which 10 were approved")
    assert the_floor.latched == halted.reason
    assert the_floor.position() == 11


def test_what_filled_across_a_replace_counts_against_what_was_approved_for_its_signal() -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=10, limit=50)
    order = the_floor.last_order
    terms = Terms(D(16), D(50))
    for filled, trading in ((6, TradingState.ACTIVE), (11, TradingState.HALTED)):
        the_floor.handle(OrderUpdate(order.id, OrderEvent.REPLACE, "b", D(filled), D(filled * 50), terms=terms, surplus=D(6)))
        assert the_floor.trading() is trading


def test_a_persons_overfill_is_booked_and_said_but_stops_nothing() -> None:
    the_floor = floor()
    order = the_floor.buy(10, limit=50)
    the_floor.handle(OrderUpdate(order.id, OrderEvent.FILL_ALL, "b", D(11), D(1100)))
    assert facts(the_floor.trading(), the_floor.position()) == (TradingState.ACTIVE, 11)


def test_a_new_run_starts_a_disabled_strategy_again() -> None:
    the_floor = floor()
    the_floor.propose("s", quantity=10)
    the_floor.quote("AAPL", 100)
    for _ in range(EXECUTIONS):
        trade(the_floor, placed_on(the_floor, "s"))
    the_floor.restart(mode=Mode.FULL_AUTO)
    assert the_floor.core.state.disabled == {}
