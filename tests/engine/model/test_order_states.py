"""The order state machine: every state x event pair, from the outside."""

from __future__ import annotations

from itertools import product

import pytest

from engine.model.order_states import TRANSITIONS, OrderEvent, next_state
from engine.model.orders import FINAL_STATES, OrderState

OURS = {OrderEvent.REQUEST_CANCEL, OrderEvent.REQUEST_REPLACE}


@pytest.mark.parametrize(("state", "event"), list(product(OrderState, OrderEvent)))
def test_every_pair_of_state_and_event_has_a_cell(state: OrderState, event: OrderEvent) -> None:
    assert (state, event) in TRANSITIONS


@pytest.mark.parametrize(("state", "event"), list(product(sorted(FINAL_STATES), OrderEvent)))
def test_an_ended_order_stays_ended_whatever_comes_late(state: OrderState, event: OrderEvent) -> None:
    if event is OrderEvent.LIST:
        return  # the broker's own list of open orders is no late message
    after = next_state(state, event)
    assert after in ({None, state, OrderState.FILLED} if event is OrderEvent.FILL_ALL else {None, state})


@pytest.mark.parametrize("state", sorted(set(OrderState) - {OrderState.REPLACED}))
def test_a_fill_of_the_whole_quantity_always_ends_in_filled(state: OrderState) -> None:
    assert next_state(state, OrderEvent.FILL_ALL) is OrderState.FILLED


@pytest.mark.parametrize("state", sorted(set(OrderState) - FINAL_STATES))
def test_no_word_from_the_broker_is_illegal_while_an_order_may_still_trade(state: OrderState) -> None:
    refused = {event for event in set(OrderEvent) - OURS if next_state(state, event) is None}
    allowed = {OrderEvent.REFUSE_CANCEL, OrderEvent.REFUSE_REPLACE, OrderEvent.REPLACE} if state is OrderState.PENDING_SUBMIT else set()
    assert refused == allowed


def test_unknown_ends_by_the_brokers_evidence_alone() -> None:
    for event in OURS | {OrderEvent.LOSE, OrderEvent.REFUSE_CANCEL}:
        assert next_state(OrderState.UNKNOWN, event) in {OrderState.UNKNOWN, None}


def test_a_cancel_may_still_become_a_fill() -> None:
    assert next_state(OrderState.PENDING_CANCEL, OrderEvent.FILL_ALL) is OrderState.FILLED
    assert next_state(OrderState.PENDING_CANCEL, OrderEvent.FILL_PART) is OrderState.PENDING_CANCEL


def test_a_lost_reply_is_never_a_rejection() -> None:
    assert next_state(OrderState.PENDING_SUBMIT, OrderEvent.LOSE) is OrderState.UNKNOWN
