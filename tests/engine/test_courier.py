"""What goes to the broker, and what an answer that is lost, late or missing may mean: never a second order, never a false end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine import courier
from engine.brokers.base import AmbiguousError, BusyError
from engine.live import Engine
from engine.model.capabilities import Capabilities
from engine.model.inputs import BrokerOrder, LinkChanged, OrderUpdate
from engine.model.modes import LinkState
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, Intent, Order, OrderState, OrderType, Side, Terms
from tests.engine.engines import HeldJournal, ToldBroker, limit, lost, market, order_of, running, said, until
from tests.servers.driver import VenueProcess
from tests.servers.venue_broker import VenueBroker

SOON = (0.02, 0.04, 0.1)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has the patience of the real thing."""
    monkeypatch.setattr(courier, "ASK_AGAIN_S", SOON)
    monkeypatch.setattr(courier, "CANCEL_AGAIN_S", SOON)


def state(order_state: OrderState, number: int = 1):  # type: ignore[no-untyped-def]
    return lambda view: view.orders and order_of(view, number).state is order_state


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


def test_a_snapshot_without_an_order_sent_a_moment_ago_proves_nothing(tmp_path: Path) -> None:
    """The link breaks over a submit and comes back: the order may still be on its way."""
    broker = ToldBroker(settle_s=0.5, on_submit=lost)

    async def silence(order_id: str) -> OrderUpdate | None:
        raise AmbiguousError("no answer")

    broker.on_find = silence
    with running(tmp_path, broker) as engine:
        engine.submit(limit())
        until(engine, state(OrderState.UNKNOWN))
        asked = broker.snapshots
        broker.say(LinkChanged("told", LinkState.DOWN, "pulled"), LinkChanged("told", LinkState.UP))
        view = until(engine, lambda view: broker.snapshots >= asked + 2)
        assert order_of(view, 1).state is OrderState.UNKNOWN
        broker.on_submit = None
        order = engine._shell.core.state.book.orders[order_of(view, 1).id]  # type: ignore[union-attr]
        broker._loop.call_soon_threadsafe(broker.accept, order)
        until(engine, state(OrderState.WORKING))


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
    monkeypatch.setattr(courier, "ANSWER_S", 0.1)

    async def mute(order: Order) -> None:
        await asyncio.Event().wait()

    with running(tmp_path, ToldBroker(on_submit=mute, settle_s=60)) as engine:
        engine.submit(limit())
        view = until(engine, state(OrderState.UNKNOWN))
        assert order_of(view, 1).reason == "no answer within 0.1 s"


# ---- cancels


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
    monkeypatch.setattr(courier, "CANCEL_ANSWER_S", 0.3)
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
    monkeypatch.setattr(courier, "CANCEL_AGAIN_S", (60.0,))
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
    monkeypatch.setattr(courier, "CANCEL_AGAIN_S", (60.0,))
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


# ---- replace


def terms(quantity: int = 20, price: int = 91) -> Terms:
    return Terms(Decimal(quantity), Decimal(price))


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


# ---- over a real wire


@pytest.mark.parametrize(("what", "quantity"), [("unseen", 10), ("unanswered", 20), ("cut", 20)])
def test_a_replace_that_is_lost_on_the_wire_ends_as_the_venue_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, quantity: int
) -> None:
    monkeypatch.setattr(courier, "ANSWER_S", 0.2)
    with VenueProcess("later") as venue, running(tmp_path, VenueBroker(venue.port)) as engine:
        engine.submit(limit())
        order = order_of(until(engine, state(OrderState.WORKING)), 1)
        venue.fault("replace", what)
        if what == "unanswered":
            venue.fault("update", "drop")
        engine.replace(order.id, terms())
        until(engine, lambda view: order_of(view, 1).state in (OrderState.UNKNOWN, OrderState.PENDING_REPLACE))
        view = until(engine, state(OrderState.WORKING))
        assert order_of(view, 1).quantity == quantity == Decimal(venue.orders()[order.id]["quantity"])


@pytest.mark.parametrize(("what", "end"), [("unseen", OrderState.REJECTED), ("unanswered", OrderState.FILLED), ("cut", OrderState.FILLED)])
def test_a_submit_that_is_lost_on_the_wire_ends_as_the_venue_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, end: OrderState
) -> None:
    monkeypatch.setattr(courier, "ANSWER_S", 0.2)
    with VenueProcess("later") as venue, running(tmp_path, VenueBroker(venue.port)) as engine:
        venue.fault("submit", what)
        if what == "unanswered":
            venue.fault("update", "drop")
        engine.submit(market())
        view = until(engine, state(end))
        assert order_of(view, 1).filled == (10 if end is OrderState.FILLED else 0)
        assert [order["copies"] for order in venue.orders().values()] == ([] if what == "unseen" else [0])


@pytest.mark.parametrize("what", ["drop", "twice", "late"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_news_that_is_dropped_doubled_or_out_of_order_books_each_share_once(tmp_path: Path, what: str, nth: int) -> None:
    with VenueProcess("parts") as venue, running(tmp_path, VenueBroker(venue.port)) as engine:
        venue.fault("update", what, nth)
        engine.submit(market(7))
        engine.submit(market(3, "MSFT"))
        until(engine, lambda view: len(venue.orders()) == 2 and all(order["fills"] == 2 for order in venue.orders().values()))
        venue.ask("cut", away=False)
        view = until(
            engine, lambda view: view.health.ready and len(view.orders) == 2 and {o.state for o in view.orders} == {OrderState.FILLED}
        )
        assert {row.symbol: row.quantity for row in view.positions} == {"AAPL": 7, "MSFT": 3}
        assert view.account.cash == Decimal(venue.ask("book")["cash"])


def test_a_link_that_stays_down_shuts_the_gate_and_the_fills_of_that_time_are_booked_when_it_is_back(tmp_path: Path) -> None:
    with VenueProcess("never") as venue, running(tmp_path, VenueBroker(venue.port)) as engine:
        engine.submit(limit())
        order = order_of(until(engine, state(OrderState.WORKING)), 1)
        venue.ask("cut", away=True)
        until(engine, lambda view: not view.health.links[0].up)
        assert not engine.answer(engine.submit(limit())).ok
        venue.ask("fill_order", id=order.id, upto="10", price="90.005")
        venue.ask("back")
        view = until(engine, lambda view: view.health.ready)
        assert order_of(view, 1).state is OrderState.FILLED
        assert view.account.cash == Decimal(venue.ask("book")["cash"])
