"""Answers to an order, and accounts, that are told late, unsoundly or never: there is never a second order, and never a false end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from engine import waits
from engine.brokers.base import AmbiguousError
from engine.model.inputs import BrokerOrder, LinkChanged, OrderUpdate
from engine.model.modes import LinkState
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState, OrderType, Side
from tests.engine.courier.waiting import state
from tests.engine.engines import ToldBroker, limit, lost, order_of, running, said, until

# ---- ambiguity


def test_a_lost_reply_leaves_the_order_unknown_until_it_is_found_and_it_is_never_sent_again(tmp_path: Path) -> None:
    broker = ToldBroker()
    found = threading.Event()

    async def taken_but_lost(order: Order) -> None:
        broker.accept(order)
        broker._tell(OrderUpdate(order.id, OrderEvent.LOSE))
        raise AmbiguousError("the reply was lost")

    async def find(order_id: str) -> OrderUpdate | None:
        if not found.is_set():
            raise AmbiguousError("still no answer")
        return OrderUpdate(order_id, OrderEvent.WORK, "T1")

    broker.on_submit, broker.on_find = taken_but_lost, find
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        view = until(engine, lambda view: len(broker.finds) >= 3)
        assert order_of(view, 1).state is OrderState.UNKNOWN
        assert view.account.exposure == 900, "all of it counts while nobody knows"
        found.set()
        until(engine, state(OrderState.WORKING))
        assert len(broker.submitted) == 1


def test_an_order_the_broker_has_never_seen_is_rejected_only_once_nothing_can_turn_up_any_more(tmp_path: Path) -> None:
    broker = ToldBroker(settle_s=0.4, on_submit=lost)
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        view = until(engine, lambda view: len(broker.finds) >= 3)
        assert order_of(view, 1).state is OrderState.UNKNOWN, "two times unseen proves nothing yet"
        view = until(engine, state(OrderState.REJECTED))
        assert order_of(view, 1).reason == "the broker has never seen it"
        assert len(broker.submitted) == 1


def pull(broker: ToldBroker) -> None:
    """The link breaks and comes back."""
    broker.say(LinkChanged("told", LinkState.DOWN, "pulled"), LinkChanged("told", LinkState.UP))


async def silence(order_id: str) -> OrderUpdate | None:
    raise AmbiguousError("no answer")


def test_a_snapshot_without_an_order_sent_a_moment_ago_proves_nothing_about_it_and_holds_up_no_other(tmp_path: Path) -> None:
    """The link breaks over a submit and comes back: the order may still be on its way."""
    broker = ToldBroker(settle_s=3600, on_submit=lost, on_find=silence)
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, state(OrderState.UNKNOWN))
        asked = broker.snapshots
        pull(broker)
        view = until(engine, lambda view: broker.snapshots > asked and view.health.ready)
        assert order_of(view, 1).state is OrderState.UNKNOWN
        assert view.account.exposure == 900, "all of it counts while nobody knows"
        assert "is UNKNOWN: no entries in AAPL" in engine.answer(engine.submit(limit(price=91))).text
        broker.on_submit = None
        assert engine.answer(engine.submit(limit(symbol="MSFT"))).ok
        until(engine, lambda view: order_of(view, 2).state is OrderState.WORKING)
        order = engine._shell.core.state.book.orders[order_of(view, 1).id]  # type: ignore[union-attr]
        broker._loop.call_soon_threadsafe(broker.accept, order)
        until(engine, state(OrderState.WORKING))


def test_one_that_is_cancelled_while_it_is_awaited_is_not_said_to_have_never_been_there(tmp_path: Path) -> None:
    async def mute(orders: Sequence[Order]) -> None:
        await asyncio.Event().wait()

    broker = ToldBroker(settle_s=3600, on_submit=lost, on_find=silence, on_cancel=mute)
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        view = until(engine, state(OrderState.UNKNOWN))
        engine.cancel(order_of(view, 1).id)
        until(engine, lambda view: broker.cancels)
        asked = broker.snapshots
        pull(broker)
        view = until(engine, lambda view: broker.snapshots > asked and view.health.ready)
        assert order_of(view, 1).state in (OrderState.PENDING_CANCEL, OrderState.UNKNOWN)


def test_a_working_order_that_is_missing_for_a_moment_is_asked_about_before_anything_is_sent(tmp_path: Path) -> None:
    broker = ToldBroker(settle_s=3600)
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, state(OrderState.WORKING))
        (listed,) = broker.listed.items()
        broker.listed.clear()
        asked = broker.snapshots
        pull(broker)
        view = until(engine, lambda view: broker.snapshots >= asked + 2)
        assert not view.health.ready
        broker.listed.update([listed])
        view = until(engine, lambda view: view.health.ready)
        assert order_of(view, 1).state is OrderState.WORKING


def test_an_adapter_that_stumbles_leaves_the_order_unknown_and_the_engine_alive(tmp_path: Path) -> None:
    async def stumble(order: Order) -> None:
        raise KeyError("id")

    broker = ToldBroker(on_submit=stumble, settle_s=60)
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        view = until(engine, state(OrderState.UNKNOWN))
        assert "not understood (KeyError" in order_of(view, 1).reason
        assert not view.health.problem


def test_a_broker_that_does_not_answer_in_time_has_not_said_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "ANSWER_S", 0.1)

    async def mute(order: Order) -> None:
        await asyncio.Event().wait()

    with running(tmp_path, ToldBroker(on_submit=mute, settle_s=60)) as engine:
        engine.submit(limit())
        view = until(engine, state(OrderState.UNKNOWN))
        assert order_of(view, 1).reason == "no answer within 0.1 s"


# ---- comparing


def test_after_a_broken_link_nothing_is_sent_until_the_books_were_compared(tmp_path: Path) -> None:
    broker = ToldBroker()
    compare = threading.Event()

    async def not_yet() -> None:
        if not compare.is_set():
            raise AmbiguousError("no answer")

    with running(tmp_path, broker) as engine:
        broker.on_snapshot = not_yet
        broker.say(LinkChanged("told", LinkState.DOWN, "pulled"))
        until(engine, lambda view: not view.health.ready)
        refused = engine.answer(engine.submit(limit()))
        assert "link to the broker is down" in refused.text
        asked = broker.snapshots
        broker.say(LinkChanged("told", LinkState.UP))
        until(engine, lambda view: broker.snapshots >= asked + 3)
        refused = engine.answer(engine.submit(limit()))
        assert "compared with the broker" in refused.text
        compare.set()
        until(engine, lambda view: view.health.ready)
        assert engine.answer(engine.submit(limit())).ok


def test_a_snapshot_that_news_overtook_is_not_believed(tmp_path: Path) -> None:
    """It was taken before the fill and arrives after it: by its word the position would be wrong."""
    broker = ToldBroker()

    async def overtaken() -> None:
        broker.on_snapshot = None
        order_id = next(iter(broker.listed))
        listed = broker.listed.pop(order_id)
        broker.positions.append((listed.symbol, listed.quantity, Decimal(90)))
        broker._tell(OrderUpdate(order_id, OrderEvent.FILL_ALL, "T1", listed.quantity, listed.quantity * 90))

    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, state(OrderState.WORKING))
        broker.on_snapshot = overtaken
        broker.say(LinkChanged("told", LinkState.UP))
        view = until(engine, lambda view: view.positions and view.health.ready)
        assert not said(view, "until both agree")


@pytest.mark.parametrize("wrong", ["cash", "position", "average", "order"])
@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity"])
def test_an_account_told_with_a_number_that_is_none_proves_nothing_until_it_is_told_soundly(
    tmp_path: Path, wrong: str, number: str
) -> None:
    broker, none = ToldBroker(), Decimal(number)

    async def sound() -> None:
        """Only the first question is answered with nonsense."""
        broker.cash, broker.positions = Decimal(100_000), []
        broker.listed.clear()

    broker.on_snapshot = sound
    if wrong == "order":
        broker.listed["x"] = BrokerOrder(
            "x", "X1", "AAPL", Side.BUY, Decimal(1), OrderType.LIMIT, Decimal(1), None, OrderEvent.WORK, filled=none
        )
    else:
        broker.cash = none if wrong == "cash" else broker.cash
        broker.positions = [("AAPL", none if wrong == "position" else Decimal(1), none)] if wrong != "cash" else []
    with running(tmp_path, broker) as engine:
        assert said(engine.view(), "makes no sense") or engine.view().health.ready
        view = engine.status()
        assert view.account.cash == 100_000
        assert (view.positions, view.health.problem) == ((), "")
        engine.submit(limit())
        until(engine, state(OrderState.WORKING))
