"""A refused order comes back in the ticket as it was typed, with the reason at its field."""

from __future__ import annotations

from decimal import Decimal
from itertools import count

import pytest
from msgspec.structs import replace

from engine.model import Intent, OrderState, OrderType, Outcome, Verdict
from engine.model.effects import Reply
from tests.console.driving import running
from tests.console.fake_engine import FakeEngine, orders
from tests.console.ticket_driving import AAPL, BOTH, BUY, confirm, is_open, ticket_of
from tests.views import order

D = Decimal


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


TOO_LARGE = Verdict(Outcome.DENY, "order quantity", "500 shares", "5,000 shares", "5,000 shares are more than the limit of 500.")


def refuse(engine: FakeEngine, verdict: Verdict | None) -> None:
    engine.refuses, engine.refused_by = (verdict.text, verdict) if verdict else ("", None)


@BOTH
async def test_a_refused_order_comes_back_as_typed_and_one_number_is_corrected(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        refuse(engine, TOO_LARGE)
        await console.press("b", *"5000", "tab", "l", "tab", *"187.50", "tab", "g")
        await confirm(console)
        await console.shows("✗")
        await console.shows("Not sent: 5,000 shares are more than the limit of 500.")
        assert ticket_of(console).active.name == "quantity"
        refuse(engine, None)
        await console.let_pass(1)
        await console.press("backspace")
        await console.shows("BUY 500 AAPL limit 187.50 GTC")
        await confirm(console)
        refused, sent = orders(engine.calls)
        assert (refused.quantity, sent) == (D(5000), replace(refused, quantity=D(500)))
        await console.until(lambda: not is_open(console))


async def test_what_no_field_is_about_stands_below_and_the_same_order_may_be_sent_again(engine: FakeEngine) -> None:
    async with running(engine) as console:
        refuse(engine, Verdict(Outcome.DENY, "hours", text="The market is closed."))
        await console.press("b", "5")
        await confirm(console)
        await console.shows("Not sent: The market is closed.")
        refuse(engine, None)
        await console.let_pass(1)
        await confirm(console)
        assert orders(engine.calls) == [Intent(AAPL, BUY, D(5))] * 2


@BOTH
async def test_a_word_of_the_gate_that_the_ticket_cuts_is_read_whole_by_the_key_the_hints_name(
    engine: FakeEngine, size: tuple[int, int]
) -> None:
    engine.verdict = Verdict(Outcome.DENY, "hours", text=" ".join(f"reason {place}," for place in range(60)) + " and the last")
    async with running(engine, size) as console:
        await console.press("b", "5")
        await console.shows("F7 all of it")
        assert "F5 review and send" in console.picture, "what the ticket is there for gives its room to no other hint"
        assert "and the last" not in console.picture
        await console.press("f7")
        await console.shows("and the last")
        await console.let_pass(1)
        await console.press("escape")
        await console.until(lambda: is_open(console))
        assert ticket_of(console).active.name == "quantity"


async def test_refused_new_terms_come_back_as_typed(engine: FakeEngine) -> None:
    engine.change(orders=(order(9, state=OrderState.WORKING, type=OrderType.LIMIT, limit=D("187.00")),))
    async with running(engine) as console:
        await console.press("3", "e", "up")
        refuse(engine, TOO_LARGE)
        await confirm(console)
        await console.shows("Not sent: 5,000 shares")
        assert "Edit #9" in console.picture


async def test_keys_that_were_typed_behind_the_yes_keep_the_refused_ticket_away(engine: FakeEngine) -> None:
    async with running(engine) as console:
        refuse(engine, TOO_LARGE)
        await console.press("b", *"5000", "f5")
        await console.let_pass(1)
        await console.burst("y", "colon", "buy 1")
        await console.shows("> buy 1")
        await console.let_pass(1)
        assert not is_open(console)
        await console.shows("Up in the order line recalls it.")


async def test_a_burst_that_runs_into_the_ticket_that_came_back_goes_where_it_was_meant_to(engine: FakeEngine) -> None:
    async with running(engine) as console:
        refuse(engine, TOO_LARGE)
        await console.press("b", *"5000")
        await confirm(console)
        await console.until(lambda: is_open(console))
        refuse(engine, None)
        await console.burst("colon", "buy 100 MSFT mkt", "enter")
        assert not is_open(console)
        assert orders(engine.calls)[1:] == [Intent("MSFT", BUY, D(100))]


async def test_a_yes_that_is_pressed_twice_keeps_the_refused_ticket_on_the_screen(engine: FakeEngine) -> None:
    async with running(engine) as console:
        refuse(engine, TOO_LARGE)
        await console.press("b", *"5000", "f5")
        await console.let_pass(1)
        await console.burst("yy")
        await console.until(lambda: "Not sent: 5,000 shares" in console.picture)
        await console.press("y")
        assert is_open(console)
        assert len(orders(engine.calls)) == 1


async def test_a_stop_between_the_yes_and_the_refusal_keeps_the_ticket_away(engine: FakeEngine) -> None:
    async with running(engine) as console:
        engine.silent = True
        await console.press("b", "5", "f5")
        await console.let_pass(0.5)
        engine.ids = count(100)
        await console.press("y", "f12")
        await console.shows("EMERGENCY STOP: the gate is closed")
        reply = Reply("c-100", False, "Trading is halted.", Verdict(Outcome.DENY, "halted", text="Trading is halted."))
        engine.change(replies=(*engine.current.replies, reply))
        await console.shows("Trading is halted. Up in the order line recalls it.")
        assert not is_open(console)


@pytest.mark.parametrize("again", [(), ("escape", "colon", "up", "enter")])
async def test_an_order_that_looks_like_a_repetition_goes_when_it_is_sent_once_more(engine: FakeEngine, again: tuple[str, ...]) -> None:
    async with running(engine) as console:
        refuse(engine, Verdict(Outcome.DENY, "repetition", "2 s", "0.4 s", "the same order"))
        await console.press("b", "5")
        await confirm(console)
        await console.shows("Not sent: the same order went 0.4 s ago. Sent once more, it goes.")
        await console.let_pass(1)
        await console.press(*again)
        if not again:
            await confirm(console)
        assert [call[2:] for call in engine.sent()] == [(), ("confirmed",)]


async def test_of_an_order_the_engine_refused_one_number_is_corrected_in_the_order_line(engine: FakeEngine) -> None:
    async with running(engine) as console:
        refuse(engine, TOO_LARGE)
        await console.press("b", *"5000", "tab", "l", "tab", *"187.50", "tab", "g")
        await confirm(console)
        await console.until(lambda: is_open(console))
        await console.let_pass(1)
        await console.press("escape")
        await console.shows("more than the limit of 500. Up in the order line recalls it.")
        refuse(engine, None)
        await console.press("colon", "up", *["left"] * len(" AAPL limit 187.50 GTC"), "backspace", "enter")
        refused, sent = orders(engine.calls)
        assert (refused.quantity, sent) == (D(5000), replace(refused, quantity=D(500)))
