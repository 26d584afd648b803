"""The stop at the worst moment of something else: between an order and its journal, a replace and its answer, a fill and its exits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.live import Engine
from engine.model.inputs import OrderUpdate
from engine.model.modes import TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, Order, OrderState, Side, Terms
from engine.model.views import View
from tests.engine.engines import HeldJournal, ToldBroker, limit, market, order_of, running, until

D = Decimal
BRACKET = Bracket(Exit(price=D(120)), Exit(price=D(80)))
STOPS = [Engine.emergency_stop, Engine.liquidate_all]


def at_rest(view: View) -> bool:
    return view.stop is not None and view.stop.verified


def ended(view: View) -> bool:
    return bool(view.orders) and all(row.state.is_final for row in view.orders)


@pytest.mark.parametrize("stop", STOPS)
def test_a_bracket_that_waits_for_the_disk_is_never_sent(tmp_path: Path, stop: object) -> None:
    broker, journal = ToldBroker(), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        journal.held.set()
        engine.submit(replace(limit(), bracket=BRACKET))
        until(engine, lambda view: len(view.orders) == 3)
        stop(engine)  # type: ignore[operator]
        until(engine, lambda view: view.account.state is TradingState.HALTED)
        journal.release()
        view = until(engine, lambda view: at_rest(view) and ended(view))
        assert (broker.submitted, {row.state for row in view.orders}) == ([], {OrderState.CANCELED})


@pytest.mark.parametrize("stop", STOPS)
def test_orders_that_are_said_yes_to_in_the_turn_of_the_stop_are_never_sent(tmp_path: Path, stop: object) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        assert engine._loop is not None

        def both() -> None:
            for number in range(5):
                engine.submit(replace(limit(1 + number), bracket=BRACKET))
            stop(engine)  # type: ignore[operator]

        engine._loop.call_soon_threadsafe(both)
        until(engine, lambda view: at_rest(view) and len(view.orders) == 15 and ended(view))
        assert broker.submitted == []


@pytest.mark.parametrize("stop", STOPS)
def test_a_replace_that_waits_for_the_disk_is_never_asked_for_and_its_order_ends(tmp_path: Path, stop: object) -> None:
    broker, journal = ToldBroker(), HeldJournal()
    with running(tmp_path, broker, journal=journal) as engine:
        engine.submit(limit())
        order = order_of(until(engine, lambda view: broker.listed), 1)
        journal.held.set()
        engine.replace(order.id, Terms(D(20), D(91)))
        until(engine, lambda view: order_of(view, 1).state is OrderState.PENDING_REPLACE)
        stop(engine)  # type: ignore[operator]
        until(engine, lambda view: view.account.state is TradingState.HALTED)
        journal.release()
        view = until(engine, lambda view: at_rest(view) and ended(view))
        assert (broker.replaces, broker.listed, order_of(view, 1).quantity) == ([], {}, D(10))


@pytest.mark.parametrize("stop", STOPS)
def test_a_replace_that_the_broker_takes_after_the_stop_leaves_nothing_at_work(tmp_path: Path, stop: object) -> None:
    broker, go = ToldBroker(), asyncio.Event()

    async def late(order: Order, terms: Terms) -> None:
        await go.wait()
        if order.id in broker.listed:
            broker.take_terms(order, terms)

    broker.on_replace = late

    async def refused(orders: Sequence[Order]) -> None:
        """Too late for the old terms, as a venue says while a replace is under way."""
        if not go.is_set():
            go.set()
            return
        for order in orders:
            broker.end(order.id, OrderEvent.CANCEL)

    broker.on_cancel = refused
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        order = order_of(until(engine, lambda view: broker.listed), 1)
        engine.replace(order.id, Terms(D(20), D(91)))
        until(engine, lambda view: broker.replaces)
        stop(engine)  # type: ignore[operator]
        until(engine, lambda view: at_rest(view) and ended(view))
        assert broker.listed == {}


@pytest.mark.parametrize("stop", STOPS)
def test_a_comparison_that_was_under_way_brings_nothing_back_to_work(tmp_path: Path, stop: object) -> None:
    broker, go = ToldBroker(), asyncio.Event()

    async def slow() -> None:
        await go.wait()

    with running(tmp_path, broker) as engine:
        assert engine._loop is not None
        engine.submit(limit())
        until(engine, lambda view: broker.listed)
        asked = broker.snapshots
        broker.on_snapshot = slow
        engine.sync()
        until(engine, lambda view: broker.snapshots > asked)
        stop(engine)  # type: ignore[operator]
        until(engine, lambda view: not broker.listed)
        engine._loop.call_soon_threadsafe(go.set)
        view = until(engine, at_rest)
        assert (broker.listed, order_of(view, 1).state) == ({}, OrderState.CANCELED)


def bracket_at_work(engine: Engine, broker: ToldBroker) -> str:
    """The entry's id; its exits are held here."""
    engine.submit(replace(limit(), bracket=BRACKET))
    view = until(engine, lambda view: len(view.orders) == 3 and order_of(view, 1).state is OrderState.WORKING)
    return order_of(view, 1).id


def test_an_entry_that_fills_while_it_is_cancelled_releases_no_exit_and_a_flatten_closes_it(tmp_path: Path) -> None:
    broker = ToldBroker()

    async def too_late(orders: Sequence[Order]) -> None:
        for order in orders:
            listed = broker.listed.pop(order.id)
            if not broker.positions:
                broker.positions.append((listed.symbol, listed.quantity, D(90)))
            broker._tell(OrderUpdate(order.id, OrderEvent.FILL_ALL, listed.broker_id, listed.quantity, listed.quantity * 90))

    broker.on_cancel = too_late
    with running(tmp_path, broker) as engine:
        entry = bracket_at_work(engine, broker)
        engine.emergency_stop()
        view = until(engine, lambda view: at_rest(view) and ended(view))
        assert (broker.submitted, [row.quantity for row in view.positions]) == ([entry], [D(10)])
        broker.on_cancel = None
        engine.liquidate_all()
        view = until(engine, lambda view: len(broker.submitted) == 2)
        closing = order_of(until(engine, lambda view: order_of(view, 4).state is OrderState.WORKING), 4)
        assert (closing.side, closing.quantity) == (Side.SELL, D(10))
        listed = broker.listed.pop(closing.id)
        broker.positions.clear()
        broker.say(OrderUpdate(closing.id, OrderEvent.FILL_ALL, listed.broker_id, D(10), D(910)))
        view = until(engine, at_rest)
        assert (broker.submitted, [row for row in view.positions if row.quantity]) == ([entry, closing.id], [])


def test_no_resume_brings_exits_back_for_what_was_flattened(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        bracket_at_work(engine, broker)
        engine.answer(engine.emergency_stop())
        until(engine, lambda view: at_rest(view) and ended(view))
        assert engine.answer(engine.resume("go on")).ok
        engine.submit(market())
        until(engine, lambda view: len(broker.submitted) == 2)
        assert len(engine.status().orders) == 4
        assert len(broker.listed) == 1


def test_stop_resume_stop_in_a_burst_ends_halted_with_nothing_at_work(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        for number in range(30):
            engine.submit(limit(1 + number))
            engine.emergency_stop(f"stop {number}")
            engine.resume(f"resume {number}")
            engine.submit(limit(101 + number))
        engine.emergency_stop("the last word")
        view = until(engine, lambda view: at_rest(view) and ended(view) and view.account.reason == "the last word")
        assert (broker.listed, view.account.state) == ({}, TradingState.HALTED)
    with running(tmp_path, ToldBroker()) as engine:
        assert engine.status().account.reason == "the last word"
