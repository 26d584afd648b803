"""The courier asks for a cancel until it is taken, one request at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine import waits
from engine.brokers.base import AmbiguousError
from engine.model.inputs import LinkChanged, OrderUpdate
from engine.model.modes import LinkState
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState
from tests.engine.courier.waiting import state
from tests.engine.engines import ToldBroker, limit, order_of, running, until


def test_a_cancel_that_was_lost_is_asked_again_until_it_is_taken(tmp_path: Path) -> None:
    broker = ToldBroker()

    async def deaf(orders: Sequence[Order]) -> None:
        if len(broker.cancels) < 4:
            raise AmbiguousError("no answer")
        for order in orders:
            broker.end(order.id, OrderEvent.CANCEL)

    broker.on_cancel = deaf
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        order = order_of(until(engine, state(OrderState.WORKING)), 1)
        engine.cancel(order.id)
        view = until(engine, state(OrderState.CANCELED))
        assert len(broker.cancels) == 4
        assert sum("may be lost" in line.text for line in view.log) == 1, "said once, not each time"


def test_a_cancel_that_was_refused_may_be_asked_again_at_once_though_the_request_is_not_over(tmp_path: Path) -> None:
    async def refused(orders: Sequence[Order]) -> None:
        broker.on_cancel = None
        broker.say(*(OrderUpdate(order.id, OrderEvent.REFUSE_CANCEL, reason="too late or too early") for order in orders))
        await asyncio.to_thread(asked_again.wait)

    asked_again = threading.Event()
    broker = ToldBroker(on_cancel=refused)
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        order = order_of(until(engine, state(OrderState.WORKING)), 1)
        engine.cancel(order.id)
        until(engine, lambda view: order_of(view, 1).reason == "too late or too early")
        engine.answer(engine.cancel(order.id))
        asked_again.set()
        until(engine, state(OrderState.CANCELED))
        assert len(broker.cancels) == 2


def test_a_halt_does_not_pile_up_cancels_at_a_broker_that_is_mute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "CANCEL_ANSWER_S", 0.3)
    open_now, most = 0, 0

    async def mute(orders: Sequence[Order]) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        try:
            await asyncio.Event().wait()
        finally:
            open_now -= 1

    broker = ToldBroker(on_cancel=mute)
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, state(OrderState.WORKING))
        for _ in range(5):
            engine.answer(engine.emergency_stop())
        assert most == 1
        broker.on_cancel = None


def test_a_cancel_is_sent_at_once_when_the_link_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "CANCEL_AGAIN_S", (60.0,))
    broker = ToldBroker()

    async def no_link(orders: Sequence[Order]) -> None:
        raise AmbiguousError("there is no link")

    broker.on_cancel = no_link
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, state(OrderState.WORKING))
        engine.emergency_stop()
        until(engine, lambda view: broker.cancels)
        broker.on_cancel = None
        broker.say(LinkChanged("told", LinkState.UP))
        until(engine, state(OrderState.CANCELED))


def test_a_link_that_comes_back_while_the_cancel_is_being_asked_for_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "CANCEL_AGAIN_S", (60.0,))
    broker = ToldBroker()

    async def link_returns_too_late(orders: Sequence[Order]) -> None:
        broker.on_cancel = None
        broker.say(LinkChanged("told", LinkState.UP))
        await asyncio.sleep(0)
        raise AmbiguousError("the link went down")

    broker.on_cancel = link_returns_too_late
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, state(OrderState.WORKING))
        engine.cancel()
        until(engine, state(OrderState.CANCELED))
