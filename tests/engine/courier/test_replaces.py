"""The courier asks for new terms once they are durable, and an exit makes room for its successor only then."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.brokers.base import AmbiguousError
from engine.live import Engine
from engine.model.capabilities import Capabilities
from engine.model.inputs import OrderUpdate
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, Intent, Order, OrderState, Side, Terms
from tests.engine.courier.waiting import state, terms
from tests.engine.engines import HeldJournal, ToldBroker, limit, order_of, running, until


def test_a_replace_is_asked_for_once_it_is_durable_and_not_before(tmp_path: Path) -> None:
    broker, journal = ToldBroker(), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        engine.submit(limit())
        order = order_of(until(engine, state(OrderState.WORKING)), 1)
        journal.held.set()
        engine.replace(order.id, terms())
        until(engine, state(OrderState.PENDING_REPLACE))
        assert broker.replaces == []
        journal.release()
        view = until(engine, state(OrderState.WORKING))
        assert order_of(view, 1).quantity == 20
        assert broker.replaces == [(order.id, terms())]


def test_a_replace_that_cannot_be_written_is_not_asked_for_and_the_old_terms_stand(tmp_path: Path) -> None:
    broker, journal = ToldBroker(), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        engine.submit(limit())
        order = order_of(until(engine, state(OrderState.WORKING)), 1)
        journal.failing = "the disk is full"
        engine.replace(order.id, terms())
        view = until(engine, lambda view: "the disk is full" in order_of(view, 1).reason)
        assert order_of(view, 1).state is OrderState.WORKING
        assert order_of(view, 1).quantity == 10
        assert broker.replaces == []


def grows(broker: ToldBroker, filled: int) -> None:
    """The entry, #1, fills in all so many of 10 at 100."""
    [order_id] = [order_id for order_id in broker.listed if order_id.endswith("-1")]
    event = OrderEvent.FILL_ALL if filled == 10 else OrderEvent.FILL_PART
    broker.positions[:] = [("AAPL", Decimal(filled), Decimal(100))]
    broker.say(OrderUpdate(order_id, event, "T1", Decimal(filled), Decimal(100 * filled)))


def with_an_exit(engine: Engine, broker: ToldBroker) -> None:
    """An entry of 10, of which 4 have filled, and an exit at work for these."""
    engine.submit(Intent("AAPL", Side.BUY, Decimal(10), bracket=Bracket(take_profit=Exit(Decimal(110)))))
    until(engine, state(OrderState.WORKING))
    grows(broker, 4)
    until(engine, state(OrderState.WORKING, 2))


def test_an_exit_makes_room_for_one_of_another_size_only_once_the_journal_holds_that_one(tmp_path: Path) -> None:
    broker, journal = ToldBroker(capabilities=Capabilities(replace=False)), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        with_an_exit(engine, broker)
        journal.held.set()
        grows(broker, 10)
        until(engine, state(OrderState.PENDING_CANCEL, 2))
        for _ in range(3):
            engine.answer(engine.cancel("what comes after it is answered"))
        assert broker.cancels == [], "after a crash now nobody would know that another is to take its place"
        journal.release()
        assert order_of(until(engine, state(OrderState.WORKING, 3)), 3).quantity == 10


def test_an_exit_works_on_where_the_one_that_is_to_take_its_place_cannot_be_written(tmp_path: Path) -> None:
    broker, journal = ToldBroker(capabilities=Capabilities(replace=False)), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        with_an_exit(engine, broker)
        journal.failing = "the disk is full"
        grows(broker, 10)
        view = until(engine, lambda view: "the disk is full" in order_of(view, 2).reason)
        assert order_of(view, 2).state is OrderState.WORKING
        assert broker.cancels == []


def test_the_stop_does_not_wait_for_the_journal_with_an_exit_that_makes_room(tmp_path: Path) -> None:
    broker, journal = ToldBroker(capabilities=Capabilities(replace=False)), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        with_an_exit(engine, broker)
        journal.held.set()
        grows(broker, 10)
        until(engine, state(OrderState.PENDING_CANCEL, 2))
        engine.emergency_stop()
        until(engine, state(OrderState.CANCELED, 2))


def test_a_stop_between_the_write_and_the_replace_keeps_it_here(tmp_path: Path) -> None:
    broker, journal = ToldBroker(), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        engine.submit(limit())
        order = order_of(until(engine, state(OrderState.WORKING)), 1)
        journal.held.set()
        engine.replace(order.id, terms())
        until(engine, state(OrderState.PENDING_REPLACE))
        engine.emergency_stop()
        journal.release()
        until(engine, state(OrderState.CANCELED))
        assert broker.replaces == []


def test_a_cancel_between_the_write_and_the_replace_keeps_it_here(tmp_path: Path) -> None:
    broker, journal = ToldBroker(), HeldJournal()

    async def mute(orders: Sequence[Order]) -> None:
        """Takes the cancel and says nothing yet."""

    broker.on_cancel = mute
    with running(tmp_path, broker, journal=journal) as engine:
        engine.submit(limit())
        order = order_of(until(engine, state(OrderState.WORKING)), 1)
        journal.held.set()
        engine.replace(order.id, terms())
        until(engine, state(OrderState.PENDING_REPLACE))
        engine.cancel(order.id)
        until(engine, state(OrderState.PENDING_CANCEL))
        journal.release()
        until(engine, lambda view: "not asked for" in order_of(view, 1).reason)
        assert broker.replaces == []


@pytest.mark.parametrize("taken", [True, False])
def test_a_replace_whose_answer_is_lost_is_unknown_until_the_broker_tells_its_terms(tmp_path: Path, taken: bool) -> None:
    broker = ToldBroker()
    found = threading.Event()

    async def unanswered(order: Order, wanted: Terms) -> None:
        if taken:
            broker.listed[order.id] = replace(broker.listed[order.id], quantity=wanted.quantity, limit=wanted.limit)
        raise AmbiguousError("the reply was lost")

    async def find(order_id: str) -> OrderUpdate | None:
        if not found.is_set():
            raise AmbiguousError("still no answer")
        listed = broker.listed[order_id]
        return OrderUpdate(order_id, OrderEvent.WORK, "T1", terms=Terms(listed.quantity, listed.limit))

    broker.on_replace, broker.on_find = unanswered, find
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        order = order_of(until(engine, state(OrderState.WORKING)), 1)
        engine.replace(order.id, terms())
        view = until(engine, lambda view: broker.finds)
        assert order_of(view, 1).state is OrderState.UNKNOWN
        assert view.account.exposure == 20 * 91, "the larger of both counts while nobody knows"
        found.set()
        view = until(engine, state(OrderState.WORKING))
        assert order_of(view, 1).quantity == (20 if taken else 10)
        assert len(broker.replaces) == 1
