"""The courier sends what is durable and not stopped, each order once, and a group as one where the broker keeps groups."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from engine.brokers.base import AmbiguousError, BusyError
from engine.model.capabilities import Capabilities
from engine.model.inputs import LinkChanged, OrderUpdate
from engine.model.modes import LinkState
from engine.model.orders import Bracket, Exit, Intent, Order, OrderState, Side
from tests.engine.courier.waiting import state
from tests.engine.engines import HeldJournal, ToldBroker, limit, lost, market, order_of, running, said, until

# ---- durable first, then the stop, then the broker


def test_no_byte_goes_out_before_the_order_is_durable(tmp_path: Path) -> None:
    broker, journal = ToldBroker(), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        journal.held.set()
        engine.submit(limit())
        until(engine, state(OrderState.PENDING_SUBMIT))
        assert broker.submitted == []
        journal.release()
        until(engine, state(OrderState.WORKING))
        assert len(broker.submitted) == 1


def test_an_order_that_cannot_be_written_is_never_sent_and_the_gate_opens_again_when_it_can(tmp_path: Path) -> None:
    broker, journal = ToldBroker(), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        journal.failing = "the disk is full"
        engine.submit(limit())
        view = until(engine, state(OrderState.CANCELED))
        assert "the disk is full" in order_of(view, 1).reason
        refused = engine.answer(engine.submit(limit()))
        assert not refused.ok
        assert "the disk is full" in refused.text
        assert "the disk is full" in engine.status().health.problem
        journal.failing = ""
        until(engine, lambda view: said(view, "can be written again"))
        assert engine.answer(engine.submit(limit(), confirmed=True)).ok
        until(engine, state(OrderState.WORKING, 2))
        assert len(broker.submitted) == 1


def test_an_order_cancelled_before_it_was_durable_is_never_sent(tmp_path: Path) -> None:
    broker, journal = ToldBroker(), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        journal.held.set()
        engine.submit(limit())
        order = order_of(until(engine, state(OrderState.PENDING_SUBMIT)), 1)
        engine.answer(engine.cancel(order.id))
        journal.release()
        until(engine, state(OrderState.CANCELED))
        assert (broker.submitted, broker.cancels) == ([], [])


def test_a_stop_between_the_write_and_the_send_keeps_the_order_here(tmp_path: Path) -> None:
    broker, journal = ToldBroker(), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        journal.held.set()
        engine.submit(limit())
        until(engine, state(OrderState.PENDING_SUBMIT))
        engine.emergency_stop()
        journal.release()
        until(engine, state(OrderState.CANCELED))
        assert broker.submitted == []


def test_what_waits_for_the_disk_while_the_link_goes_down_and_up_is_not_sent_unreconciled(tmp_path: Path) -> None:
    broker, journal = ToldBroker(), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        journal.held.set()
        engine.submit(limit())
        until(engine, state(OrderState.PENDING_SUBMIT))
        broker.on_snapshot = lost_snapshot
        broker.say(LinkChanged("told", LinkState.DOWN, "pulled"), LinkChanged("told", LinkState.UP))
        until(engine, lambda view: not view.health.ready)
        journal.release()
        until(engine, state(OrderState.CANCELED))
        assert broker.submitted == []


async def lost_snapshot() -> None:
    raise AmbiguousError("no answer")


# ---- groups


def bracket() -> Intent:
    return replace(market(), bracket=Bracket(Exit(Decimal(110)), Exit(Decimal(90))))


def test_the_two_exits_of_an_entry_reach_a_broker_that_keeps_groups_as_one(tmp_path: Path) -> None:
    broker = ToldBroker(capabilities=Capabilities(oco=True))
    with running(tmp_path, broker) as engine:
        engine.submit(bracket())
        entry, *exits = until(engine, lambda view: len(view.orders) == 3 and order_of(view, 1).state is OrderState.WORKING).orders[::-1]
        broker.fill(entry.id)
        until(engine, lambda view: {order_of(view, number).state for number in (2, 3)} == {OrderState.WORKING})
        assert broker.groups == [[order.id for order in exits]]


def test_a_broker_that_keeps_no_groups_gets_each_exit_by_itself(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        engine.submit(bracket())
        entry = until(engine, state(OrderState.WORKING)).orders[-1]
        broker.fill(entry.id)
        until(engine, lambda view: {order_of(view, number).state for number in (2, 3)} == {OrderState.WORKING})
        assert broker.groups == []


def test_a_group_whose_reply_is_lost_is_unknown_in_both_its_orders(tmp_path: Path) -> None:
    broker = ToldBroker(capabilities=Capabilities(oco=True))

    async def no_answer(order_id: str) -> OrderUpdate | None:
        raise AmbiguousError("still no answer")

    with running(tmp_path, broker) as engine:
        engine.submit(bracket())
        entry = until(engine, state(OrderState.WORKING)).orders[-1]
        broker.on_submit, broker.on_find = lost, no_answer
        broker.fill(entry.id)
        until(engine, lambda view: {order_of(view, number).state for number in (2, 3)} == {OrderState.UNKNOWN})


def test_what_waits_for_a_busy_broker_is_not_sent_from_the_moment_the_stop_is_pressed(tmp_path: Path) -> None:
    """However long the core takes to hear of it."""
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:

        async def busy(order: Order) -> None:
            if order.side is Side.BUY:
                broker.accept(order)
                broker.fill(order.id)
                return
            engine._switch.press()
            raise BusyError("too many requests", 0.0)

        broker.on_submit = busy
        engine.submit(Intent("AAPL", Side.BUY, Decimal(10), bracket=Bracket(take_profit=Exit(Decimal(110)))))
        view = until(engine, state(OrderState.CANCELED, 2))
        assert order_of(view, 2).reason == "cancelled before it was sent"
        assert len(broker.submitted) == 2
