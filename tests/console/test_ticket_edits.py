"""The ticket on what is there already: new terms for a working order, and a signal changed before it is approved."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model import OrderState, OrderType, Outcome, Verdict
from engine.model.orders import Terms
from engine.model.signals import SignalEdit, SignalState
from engine.model.views import OrderRow, SignalRow
from tests.console.driving import running
from tests.console.fake_engine import FakeEngine
from tests.console.ticket_driving import BOTH, confirm, edit, is_open
from tests.views import order, sample_view, signal

D = Decimal


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


# ---- editing a working order


WORKING: OrderRow = next(row for row in sample_view().orders if not row.state.is_final)


@BOTH
async def test_e_edits_the_working_order_and_shows_before_and_after(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await edit(console, "3")
        await console.press("ctrl+u")
        await console.type("80")
        await console.press("tab", "down")
        await console.shows("quantity 100 -> 80, limit 190.00 -> 189.99")
        assert "SELL 80 AAPL limit 189.99 DAY" in console.picture
        await confirm(console)
        assert engine.sent() == [("replace", WORKING.id, Terms(D(80), D("189.99")))]
        assert engine.replaces[-1] == (WORKING.id, Terms(D(80), D("189.99")))


@BOTH
async def test_an_exit_that_is_held_is_put_farther_from_its_entry(engine: FakeEngine, size: tuple[int, int]) -> None:
    held = {
        "type": OrderType.STOP,
        "limit": None,
        "parent": "t1-9",
        "oco": "g",
        "released": False,
        "exit_pct": D(2),
        "state": OrderState.HELD,
    }
    engine.change(orders=(order(12, **held),))
    async with running(engine, size) as console:
        await edit(console, "3")
        await console.press("up", "up")
        await console.shows("stop 2% -> 2.2%")
        for words in ("2.2%", "was 2% away", "b bid  a ask  l last", "SELL 100 AAPL stop 2.2% away from its entry DAY"):
            assert words in console.picture
        await confirm(console)
        assert engine.sent() == [("replace", "t1-12", Terms(D(100), exit_pct=D("2.2")))]


@pytest.mark.parametrize(
    ("changes", "keys", "terms"),
    [
        ({"type": OrderType.STOP, "limit": None, "stop": D("184.00")}, ["tab", "up"], Terms(D(100), stop=D("184.01"))),
        (
            {"type": OrderType.STOP_LIMIT, "stop": D("184.00"), "limit": D("183.00")},
            ["tab", "pageup", "tab", "up"],
            Terms(D(100), D("183.01"), D("184.10")),
        ),
        (
            {"type": OrderType.TRAILING_STOP, "limit": None, "stop": D("181.00"), "trail_pct": D("1.5")},
            ["tab", "up"],
            Terms(D(100), trail_pct=D("1.6")),
        ),
        (
            {"type": OrderType.TRAILING_STOP, "limit": None, "stop": D("181.00"), "trail": D("1.50")},
            ["tab", "ctrl+u", "2", "percent_sign"],
            Terms(D(100), trail_pct=D(2)),
        ),
        ({"parent": "t1-9", "oco": "g"}, ["up"], Terms(D(100), D("190.01"))),
    ],
    ids=["stop", "stop limit", "trail", "price to per cent", "a leg: its price alone"],
)
async def test_each_type_is_edited_by_its_own_prices(engine: FakeEngine, changes: dict[str, Any], keys: list[str], terms: Terms) -> None:
    engine.change(orders=(order(12, **changes),))
    async with running(engine) as console:
        await edit(console, "3")
        for key in keys:
            await (console.type("%") if key == "percent_sign" else console.press(key))
        await confirm(console)
        assert engine.sent() == [("replace", "t1-12", terms)]


async def test_an_edit_that_changes_nothing_is_not_sent(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await edit(console, "3")
        await confirm(console)
        assert engine.sent() == []
        assert "everything is as it was" in console.picture


async def test_a_fill_while_editing_is_shown_and_counts_as_part_of_the_whole(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await edit(console, "3")
        await console.press("ctrl+u")
        await console.type("40")
        engine.change(orders=(replace(WORKING, filled=D(60), state=OrderState.PARTIAL),))
        await console.shows("filled 60")
        await console.shows("60 have filled already")
        await console.press("ctrl+u")
        await console.type("70")
        await confirm(console)
        assert engine.sent() == [("replace", WORKING.id, Terms(D(70), D("190.00")))]


async def test_an_order_that_ends_while_it_is_edited_is_not_replaced(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await edit(console, "3")
        await console.press("ctrl+u", "5")
        engine.change(orders=(replace(WORKING, filled=D(100), state=OrderState.FILLED),))
        await console.shows("has ended: filled")
        await confirm(console)
        assert engine.sent() == []


async def test_an_order_that_has_ended_cannot_be_edited(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("3", "G", "e")
        assert not is_open(console)
        await console.shows("has ended: filled")


# ---- editing a signal before it is approved


WAITING: SignalRow = next(row for row in sample_view().signals if row.state is SignalState.WAITING)


@BOTH
async def test_e_edits_the_signal_and_the_yes_approves_it_so(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await edit(console, "4")
        await console.press("ctrl+u")
        await console.type("30")
        await console.press("tab", "l", "tab", "b")
        await console.shows("quantity 50 -> 30, market -> limit 402.08")
        await confirm(console)
        assert engine.sent() == [("approve", WAITING.id, SignalEdit(D(30), OrderType.LIMIT, D("402.08")))]


async def test_a_signal_that_was_not_changed_is_approved_as_it_was_proposed(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await edit(console, "4")
        await console.shows("as it was proposed")
        await confirm(console)
        assert engine.sent() == [("approve", WAITING.id)]


async def test_a_stop_signal_keeps_its_stop_and_what_the_gate_would_cut_is_said_to_be_denied(engine: FakeEngine) -> None:
    engine.change(signals=(signal(type=OrderType.STOP, stop=D("403.00")),))
    engine.verdict = Verdict(Outcome.RESIZE, "order size", "10 %", "20 %", "10 would pass.", D(10))
    async with running(engine) as console:
        await edit(console, "4")
        await console.press("up")
        await console.shows("denies order size: limit 10 %, actual 20 %")
        assert "Cost" not in console.picture, "what is cut down costs another sum than what is written there"
        assert (engine.previews[-1].stop, engine.previews[-1].signal_id) == (D("403.00"), WAITING.id)
        await confirm(console)
        assert engine.sent() == [("approve", WAITING.id, SignalEdit(D(51), OrderType.STOP))]


async def test_a_signal_that_expires_while_it_is_edited_is_not_approved(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await edit(console, "4")
        await console.press("up")
        engine.change(signals=(replace(WAITING, state=SignalState.EXPIRED, expires_in_s=None),))
        await console.shows("waits no more: expired")
        await confirm(console)
        assert engine.sent() == []
