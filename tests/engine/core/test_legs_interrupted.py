"""Exits through what interrupts them: a link that is down, a disk that is full, the stop, and a restart."""

from __future__ import annotations

from decimal import Decimal

from engine.model.inputs import BrokerSnapshot, EmergencyStop, LinkChanged, NotDurable, Tick, Unsent
from engine.model.modes import LinkState
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderState
from engine.model.records import OrderReleased
from tests.engine.core.brackets import bracketed
from tests.engine.core.floor import facts, settings
from tests.engine.core.told import Told, states

D = Decimal


# ---- when nothing may be sent


def test_exits_wait_while_the_link_is_down_and_go_out_with_the_first_comparison() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.handle(LinkChanged("told", LinkState.DOWN, "cable"))
    told.fill(entry, 100)
    assert told.sent == [entry]
    told.handle(LinkChanged("told", LinkState.UP))
    told.listed()
    assert told.sent == [entry, profit, loss]


def test_an_exit_that_was_caught_between_the_journal_and_the_broker_is_sent_later() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.tickets[entry.id].filled, told.tickets[entry.id].cost = D(100), D(10_000)
    told.held["AAPL"], told.cash = D(100), told.cash - 10_000
    told.tickets[entry.id].event = OrderEvent.FILL_ALL
    effects_lost = told.snapshot()
    told.core.handle(effects_lost, told.mono)
    assert [profit.state, loss.state] == [OrderState.PENDING_SUBMIT] * 2
    told.handle(LinkChanged("told", LinkState.DOWN, "cable"))
    for leg in (profit, loss):
        told.handle(Unsent(leg.id))
    told.handle(LinkChanged("told", LinkState.UP))
    told.listed()
    assert states(told.orders[3:]) == ["WORKING 0/100", "WORKING 0/100"]


def test_an_exit_that_could_not_be_written_is_sent_as_soon_as_the_journal_can_be() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.tickets[entry.id].filled, told.tickets[entry.id].cost = D(100), D(10_000)
    told.held["AAPL"], told.cash = D(100), told.cash - 10_000
    told.tickets[entry.id].event = OrderEvent.FILL_ALL
    told.core.handle(told.snapshot(), told.mono)
    told.handle(NotDurable((profit.id,), "the disk is full"))
    told.handle(NotDurable((loss.id,), "the disk is full"))
    told.handle(Tick("the disk is full"))
    assert told.sent == [entry]
    told.tick()
    assert states(told.orders[3:]) == ["WORKING 0/100", "WORKING 0/100"]


def test_the_stop_ends_held_exits_too_and_releases_nothing_after_it() -> None:
    told = Told()
    entry, profit, loss = bracketed(told)
    told.mute = True
    told.ask(EmergencyStop)
    told.mute = False
    told.tickets[entry.id].event = OrderEvent.FILL_PART
    told.fill(entry, 40)
    assert [order.state for order in (profit, loss)] == [OrderState.CANCELED] * 2
    assert told.sent == [entry]


def test_the_stop_that_spares_what_protects_leaves_the_stop_loss_of_two_exits() -> None:
    told = Told(given=settings(keep_protective=True))
    entry, profit, loss = bracketed(told)
    told.fill(entry, 100)
    told.ask(EmergencyStop)
    told.tick(2)
    assert [profit.state, loss.state] == [OrderState.CANCELED, OrderState.WORKING]


# ---- what a restart finds


def test_every_leg_is_there_after_a_restart_and_nothing_is_sent_twice() -> None:
    told = Told()
    entry, _, _ = bracketed(told)
    told.fill(entry, 30)
    told.crash()
    entry, profit, loss = told.orders
    assert states((entry, profit, loss)) == ["PARTIAL 30/100", "WORKING 0/30", "WORKING 0/30"]
    told.fill(entry, 70)
    assert states((profit, loss)) == ["WORKING 0/100", "WORKING 0/100"]
    told.fill(loss, 100, 95)
    assert facts(told.position(), profit.state) == (0, OrderState.CANCELED)


def test_a_fill_that_was_missed_while_away_releases_the_exits_at_the_start() -> None:
    told = Told()
    entry, _, _ = bracketed(told)
    told.mute = True
    told.fill(entry, 100)
    told.mute = False
    told.crash()
    assert states(told.orders) == ["FILLED 100/100", "WORKING 0/100", "WORKING 0/100"]


def test_a_crash_after_the_release_was_written_and_before_it_was_sent_ends_with_words_and_a_successor() -> None:
    told = Told()
    entry, _, _ = bracketed(told)
    told.fill(entry, 100)
    written = next(i for i, record in enumerate(told.records) if isinstance(record, OrderReleased))
    unit = next(length for length in told.units if length > written)
    for order in told.sent[1:]:
        del told.tickets[order.id]
    told.crash(unit)
    assert [order.state for order in told.orders[1:3]] == [OrderState.REJECTED] * 2
    assert states(told.orders[3:]) == ["WORKING 0/100", "WORKING 0/100"]


def test_a_snapshot_taken_twice_changes_nothing_the_second_time() -> None:
    told = Told()
    entry, profit, _ = bracketed(told)
    told.fill(entry, 100)
    told.fill(profit, 40, 110)
    told.listed()
    before = len(told.records)
    snapshot: BrokerSnapshot = told.snapshot()
    told.handle(snapshot)
    told.handle(snapshot)
    assert len(told.records) == before


def test_the_exits_of_a_symbol_that_the_feed_lacks_since_the_restart_are_kept_in_step_all_the_same() -> None:
    told = Told()
    first, *_ = bracketed(told, take_profit="10%")
    told.fill(first, 60)
    told.symbols = ("MSFT",)
    told.crash()
    entry, profit, loss = told.orders
    told.fill(entry, 40)
    assert states((profit, loss)) == ["WORKING 0/100", "WORKING 0/100"]
    told.fill(profit, 30, 110)
    assert states((profit, loss)) == ["PARTIAL 30/100", "WORKING 0/70"]


def test_a_fill_missed_in_a_symbol_that_the_feed_lacks_at_the_start_has_its_exits() -> None:
    told = Told()
    entry, *_ = bracketed(told)
    told.mute = True
    told.fill(entry, 100)
    told.mute = False
    told.symbols = ("MSFT",)
    told.crash()
    assert states(told.orders) == ["FILLED 100/100", "WORKING 0/100", "WORKING 0/100"]
