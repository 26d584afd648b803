"""What is long over is let go of with each new session: no memory grows for ever, and nothing that was booked is booked again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.inputs import BrokerOrder, OrderUpdate
from engine.model.order_states import OrderEvent
from engine.model.orders import Fill, Order, Side, TimeInForce
from engine.model.records import CashMoved, Checkpoint, FillBooked, FillCorrected, Noted, OrderPlaced
from tests.engine.core.floor import DAY, Floor, restored, wish


@pytest.fixture
def floor(monkeypatch: pytest.MonkeyPatch) -> Floor:
    monkeypatch.setattr("engine.core.order_book._ENDED_KEPT", 2)
    monkeypatch.setattr("engine.core.approvals._DECIDED_KEPT", 2)
    return Floor(prices={"AAPL": 100})


def days_pass(floor: Floor) -> None:
    floor.at += 2 * DAY
    floor.session("2025-06-16")
    floor.quote("AAPL", 100)


def bought_long_ago(floor: Floor) -> Order:
    """An order that filled, and others since; two days later it is let go of."""
    order = floor.buy(10)
    for _ in range(3):
        floor.quote("AAPL", 100, later_s=3)
        floor.buy(1)
    floor.quote("AAPL", 100)
    days_pass(floor)
    assert order.id not in floor.core.state.book.orders
    return order


def as_listed(order: Order, **told: object) -> BrokerOrder:
    listed = BrokerOrder(
        *(order.id, order.broker_id, order.symbol, order.side, order.quantity, order.type, order.limit, order.stop, OrderEvent.FILL_ALL),
        *(order.filled, order.cost, order.fees),
    )
    return replace(listed, **told)


def test_an_order_that_ended_long_ago_is_not_booked_again_because_the_broker_lists_it(floor: Floor) -> None:
    order = bought_long_ago(floor)
    state = floor.core.state
    cash, placed = state.portfolio.cash, len(floor.of(OrderPlaced))
    for _ in range(3):
        snapshot = floor.snapshot()
        floor.handle(replace(snapshot, orders=(*snapshot.orders, as_listed(order))))
    assert state.portfolio.cash == cash
    assert state.portfolio.position("AAPL") == 13
    assert len(floor.of(OrderPlaced)) == placed
    assert not floor.core.gate.mismatched
    floor.restart()
    snapshot = floor.snapshot()
    floor.handle(replace(snapshot, orders=(*snapshot.orders, as_listed(order))))
    assert floor.core.state.portfolio.position("AAPL") == 13


def test_an_order_that_a_database_from_a_backup_lacks_is_taken_over_though_older_ones_of_its_run_were_let_go_of(floor: Floor) -> None:
    order = bought_long_ago(floor)
    run, _, _ = order.id.rpartition("-")
    for strange in (f"{run}-99", f"{run}-", f"{run}-{'9' * 5_000}", f"{run}-²", run, ""):
        lost = as_listed(order, order_id=strange, event=OrderEvent.CANCEL, filled=Decimal(0), cost=Decimal(0))
        placed = len(floor.of(OrderPlaced))
        floor.handle(replace(floor.snapshot(), orders=(lost,)))
        assert len(floor.of(OrderPlaced)) == placed + 1, strange


def test_one_placed_elsewhere_is_known_too_after_it_was_let_go_of(floor: Floor) -> None:
    elsewhere = as_listed(floor.buy(5), order_id="phone", event=OrderEvent.CANCEL, filled=Decimal(0), cost=Decimal(0))
    snapshot = floor.snapshot()
    floor.handle(replace(snapshot, orders=(*snapshot.orders, elsewhere)))
    bought_long_ago(floor)
    placed = len(floor.of(OrderPlaced))
    floor.handle(replace(floor.snapshot(), orders=(elsewhere,)))
    assert len(floor.of(OrderPlaced)) == placed
    floor.handle(replace(floor.snapshot(), orders=(replace(elsewhere, order_id="another"),)))
    assert len(floor.of(OrderPlaced)) == placed + 1


def test_a_correction_of_an_order_let_go_of_is_told_and_its_money_comes_with_the_comparison(floor: Floor) -> None:
    order = bought_long_ago(floor)
    floor.core.gate.capabilities = replace(floor.core.gate.capabilities, cash=True)
    cash = floor.core.state.portfolio.cash
    floor.handle(OrderUpdate(order.id, OrderEvent.FILL_ALL, "", order.filled, order.cost - 7, order.fees, corrected=True))
    assert floor.of(Noted)[-1].text == (f"news of an order that ended long ago ({order.id}): nothing is booked, reconcile will tell")
    for _ in range(2):
        floor.handle(replace(floor.snapshot(), cash=cash + 7, orders=(as_listed(order, cost=order.cost - 7),)))
    assert [record.amount for record in floor.of(CashMoved)] == [7]
    assert floor.core.state.portfolio.cash == cash + 7


def test_an_order_let_go_of_that_works_at_the_broker_is_named(floor: Floor) -> None:
    order = bought_long_ago(floor)
    alive = as_listed(order, event=OrderEvent.WORK, quantity=order.quantity + 5)
    floor.handle(replace(floor.snapshot(), orders=(alive,)))
    assert floor.of(Noted)[-1].text == f"BUY 15 AAPL ({order.id}) ended here long ago and works at the broker: cancel it there"
    assert floor.position() == 13


def test_what_a_version_that_kept_more_wrote_of_a_forgotten_order_is_money_all_the_same(floor: Floor) -> None:
    order = bought_long_ago(floor)
    late = Fill("late", order.id, "AAPL", Side.BUY, Decimal(2), Decimal(100), Decimal(200), Decimal(1), floor.at)
    state = restored([*floor.records, FillBooked(late)])
    assert state.portfolio.cash == floor.core.state.portfolio.cash - 201
    assert state.attribution.cost("", "AAPL").quantity == 15
    state.apply(FillCorrected(order.id, "AAPL", Side.BUY, Decimal(-2), Decimal(-200), Decimal(-1), "", floor.at))
    assert state.portfolio.cash == floor.core.state.portfolio.cash
    assert state.attribution.cost("", "AAPL").quantity == 13


def test_a_waiting_order_and_the_newest_stay(floor: Floor) -> None:
    floor.submit(replace(wish(Side.BUY, 1, limit=90), tif=TimeInForce.GTC))
    resting = floor.last_order
    bought_long_ago(floor)
    assert next(iter(floor.core.state.book.orders)) == resting.id
    assert len(floor.core.state.book.orders) == 3


def test_signals_and_fills_of_past_days_are_let_go_of_too(floor: Floor) -> None:
    for number in range(5):
        floor.propose(f"s{number}", Side.BUY, 1)
        floor.approve(f"s{number}")
        floor.quote("AAPL", 100, later_s=3)
    state = floor.core.state
    assert len(state.approvals.cases) == len(state.portfolio.holdings["AAPL"].recent) == 5
    floor.propose("waits", Side.BUY, 2)
    days_pass(floor)
    assert list(state.approvals.cases) == ["s4", "waits"]
    assert len(state.portfolio.holdings["AAPL"].recent) == 0


def test_a_checkpoint_of_a_busy_day_is_small() -> None:
    floor = Floor(prices={"AAPL": 100})
    for _ in range(400):
        floor.buy(1)
        floor.quote("AAPL", 100, later_s=3)
    floor.restart()
    [saved] = floor.of(Checkpoint)
    assert len(saved.state) < 400 * 150
