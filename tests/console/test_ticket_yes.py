"""The ticket's question: nothing is sent but what was shown when a yes was asked for, however fast the keys come."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import count
from typing import cast

import pytest
from msgspec.structs import replace
from textual.message import Message

from console.screens.dialog import DEAF_SECONDS
from console.screens.ticket import TicketDialog
from console.screens.trading import TradingScreen
from engine.model import Intent, OrderType, TimeInForce
from engine.model.orders import Bracket, Exit
from engine.model.views import View
from tests.console.driving import running
from tests.console.fake_engine import FakeEngine, orders
from tests.console.ticket_driving import AAPL, BUY, SELL
from tests.views import position

D = Decimal


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


# ---- the yes


async def test_a_held_enter_never_submits(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("b", "5")
        for _ in range(60):
            await console.press("enter")
            console.clock.now += 0.03
        assert "Send this order?" in console.picture
        assert engine.sent() == []


async def test_keys_typed_before_the_question_answer_nothing(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("b5", "f5", "yyyy", "enter", "y")
        await console.let_pass(1)
        assert engine.sent() == []
        assert "Send this order?" in console.picture
        await console.press("y")
        assert orders(engine.calls) == [Intent(AAPL, BUY, D(5))]


async def test_a_yes_that_came_too_soon_is_said_to_be_none_and_the_next_one_counts(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("b", "5", "f5", "y")
        await console.shows("Too soon after another key. Send this order?")
        assert engine.sent() == []
        await console.let_pass(1)
        await console.press("y")
        assert len(orders(engine.calls)) == 1


async def test_a_yes_that_waited_behind_a_busy_moment_came_no_later_for_that(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(engine) as console:
        await console.press("b", "5", "f5")
        ticket = cast(TicketDialog, console.app.screen)
        monkeypatch.setattr(ticket, "_asked_time", 0.0)
        console.clock.now += 1
        ticket.take_key("y", "y", Message().time - 0.9)
        assert engine.sent() == []
        console.clock.now += 1
        ticket.take_key("y", "y", Message().time - 0.1)
        assert len(orders(engine.calls)) == 1


async def test_a_yes_before_which_no_silence_is_certain_is_none(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("b", "5", "f5")
        await console.let_pass(1)
        console.app.silence = DEAF_SECONDS / 2
        ticket = cast(TicketDialog, console.app.screen)
        ticket.take_key("y", "y", Message().time)
        assert engine.sent() == []
        await console.shows("Too soon after another key.")


async def test_keys_typed_while_the_question_stands_change_nothing_of_the_order(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("b5", "f5", "700", "tab", "l99")
        await console.let_pass(1)
        await console.press("9", "tab", "up", "space", "enter", "y")
        assert engine.sent() == []
        await console.let_pass(1)
        await console.press("y")
        assert orders(engine.calls) == [Intent(AAPL, BUY, D(5))]


async def test_n_goes_back_to_the_fields_and_escape_leaves(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("b", "5", "f5")
        await console.let_pass(1)
        await console.press("n", "0", "escape")
        assert isinstance(console.app.screen, TradingScreen)
        assert engine.sent() == []


async def test_what_is_sent_is_what_was_shown_though_the_market_moved(engine: FakeEngine) -> None:
    engine.change(positions=(position(AAPL, 100),))
    async with running(engine) as console:
        await console.press("s", "a", "f5")
        await console.shows("SELL 100 AAPL market DAY reduce")
        engine.change(positions=(position(AAPL, 300),))
        await console.let_pass(1)
        assert "SELL 100 AAPL market DAY reduce" in console.picture
        await console.press("y")
        assert orders(engine.calls) == [Intent(AAPL, SELL, D(100), reduce_only=True)]


async def test_the_stop_works_in_the_ticket(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("b", "5", "f12")
        assert engine.sent() == [("emergency_stop", "stop key")]


# ---- bursts


class BusyEngine(FakeEngine):
    """Every View is another one: all rows tick."""

    def __init__(self) -> None:
        super().__init__()
        self._frames = count(1)

    def view(self) -> View:
        frame = next(self._frames)
        self.change(watch=tuple(replace(row, last=100 + frame / 100, bid=99.5 + frame / 100, ask=100.5) for row in self.current.watch))
        return super().view()


@pytest.mark.parametrize("gap", [0, 0.01, 0.03], ids=["no gap", "10 ms", "30 ms"])
async def test_keys_typed_in_a_burst_reach_the_field_that_had_the_keys(gap: float) -> None:
    engine = BusyEngine()
    meant = []
    async with running(engine) as console:
        for attempt in range(16):
            quantity, price, profit = f"{101 + attempt * 53}", f"{55 + attempt}.{attempt % 10}5", f"{attempt % 7 + 1}"
            burst: list[tuple[str, str | None]] = [("b", "b"), *((digit, digit) for digit in quantity), ("tab", "\t"), ("l", "l")]
            burst += [("tab", "\t"), *((digit, digit) for digit in price), ("tab", "\t"), ("i", "i"), ("tab", "\t")]
            burst += [*((digit, digit) for digit in profit), ("%", "%"), ("f5", None), ("y", "y"), ("enter", "\r"), ("7", "7")]
            for key, character in burst:
                console._post({".": "full_stop", "%": "percent_sign"}.get(key, key), character)
                if gap:
                    await asyncio.sleep(gap)
            await console.pilot.pause()
            assert len(engine.sent()) == attempt, "sent without a yes"
            await console.let_pass(1)
            await console.press("y")
            bracket = Bracket(Exit(pct=D(profit)))
            meant.append(Intent(AAPL, BUY, D(quantity), OrderType.LIMIT, D(price), tif=TimeInForce.IOC, bracket=bracket))
        assert orders(engine.calls) == meant
