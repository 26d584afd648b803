"""The ticket: what keys typed into it make of an order, and that nothing is sent but what was shown when a yes was asked for."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import count
from typing import Any, cast

import pytest
from msgspec.structs import replace
from textual import events
from textual.message import Message

from console.screens.dialog import DEAF_SECONDS
from console.screens.ticket import TicketDialog
from console.screens.trading import TradingScreen
from engine.model import Intent, OrderState, OrderType, Outcome, Side, TimeInForce, Verdict
from engine.model.effects import Reply
from engine.model.modes import TradingState
from engine.model.orders import Bracket, Exit, Terms
from engine.model.signals import SignalEdit, SignalState
from engine.model.views import OrderRow, SignalRow, View
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.fake_engine import FakeEngine, orders
from tests.views import order, position, sample_view, signal
from widgets.ticket import Ticket

D = Decimal
BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])
AAPL, BUY, SELL = "AAPL", Side.BUY, Side.SELL


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


async def confirm(console: Console) -> None:
    """Ask, read, and say yes."""
    await console.press("f5")
    await console.let_pass(1)
    await console.press("y")


def ticket_of(console: Console) -> Ticket:
    return console.app.screen.query_one(Ticket)


def is_open(console: Console) -> bool:
    return isinstance(console.app.screen, TicketDialog)


# ---- every order there is


@pytest.mark.parametrize(
    ("keys", "meant"),
    [
        (["b", "100"], Intent(AAPL, BUY, D(100))),
        (["s", "100"], Intent(AAPL, SELL, D(100))),
        (["b", "s", "$5k"], Intent(AAPL, BUY, D(0), notional=D(5000))),
        (["s", "50%"], Intent(AAPL, SELL, D(50), reduce_only=True)),
        (["s", "h"], Intent(AAPL, SELL, D(50), reduce_only=True)),
        (["s", "a"], Intent(AAPL, SELL, D(100), reduce_only=True)),
        (["b", "7", "tab", "l", "tab", "187.5"], Intent(AAPL, BUY, D(7), OrderType.LIMIT, limit=D("187.50"))),
        (["b", "7", "enter", "l", "enter", "187.50"], Intent(AAPL, BUY, D(7), OrderType.LIMIT, limit=D("187.50"))),
        (["s", "7", "tab", "s", "tab", "184"], Intent(AAPL, SELL, D(7), OrderType.STOP, stop=D("184.00"))),
        (
            ["s", "7", "tab", "s", "s", "tab", "184", "tab", "183.5"],
            Intent(AAPL, SELL, D(7), OrderType.STOP_LIMIT, stop=D("184.00"), limit=D("183.50")),
        ),
        (["s", "7", "tab", "t", "tab", "1.5"], Intent(AAPL, SELL, D(7), OrderType.TRAILING_STOP, trail=D("1.50"))),
        (["s", "7", "tab", "t", "tab", "1.5%"], Intent(AAPL, SELL, D(7), OrderType.TRAILING_STOP, trail_pct=D("1.5"))),
        (["b", "7", "tab", "tab", "g"], Intent(AAPL, BUY, D(7), tif=TimeInForce.GTC)),
        (["b", "7", "tab", "tab", "i"], Intent(AAPL, BUY, D(7), tif=TimeInForce.IOC)),
        (["b", "7", "tab", "tab", "f"], Intent(AAPL, BUY, D(7), tif=TimeInForce.FOK)),
        (["b", "7", "tab", "tab", "a"], Intent(AAPL, BUY, D(7), tif=TimeInForce.OPG)),
        (["b", "7", "tab", "tab", "left"], Intent(AAPL, BUY, D(7), tif=TimeInForce.CLS)),
        (
            ["b", "7", "tab", "l", "tab", "b", "tab", "tab", "y"],
            Intent(AAPL, BUY, D(7), OrderType.LIMIT, limit=D("187.51"), extended_hours=True),
        ),
        (
            ["b", "7", "tab", "tab", "tab", "4%", "tab", "2%"],
            Intent(AAPL, BUY, D(7), bracket=Bracket(Exit(pct=D(4)), Exit(pct=D(2)))),
        ),
        (
            ["b", "7", "tab", "tab", "tab", "190", "tab", "184"],
            Intent(AAPL, BUY, D(7), bracket=Bracket(Exit(price=D("190.00")), Exit(price=D("184.00")))),
        ),
        (
            ["b", "7", "tab", "tab", "tab", "tab", "t", "2%"],
            Intent(AAPL, BUY, D(7), bracket=Bracket(stop_loss=Exit(trail_pct=D(2)))),
        ),
        (["s", "7", "shift+tab", "shift+tab", "shift+tab", "shift+tab", "y"], Intent(AAPL, SELL, D(7), reduce_only=True)),
        (["b", "shift+tab", "shift+tab", "s", "tab", "tab", "9"], Intent(AAPL, SELL, D(9))),
        (["b", "9", "shift+tab", "ctrl+u", "msft"], Intent("MSFT", BUY, D(9))),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
async def test_each_order_is_what_its_keys_say(engine: FakeEngine, keys: list[str], meant: Intent) -> None:
    async with running(engine) as console:
        for key in keys:
            await (console.type(key) if len(key) > 1 and key not in NAMED else console.press(key))
        await confirm(console)
        assert engine.sent() == [("submit", meant)]
        assert not is_open(console)


NAMED = {"tab", "shift+tab", "enter", "left", "right", "up", "down", "ctrl+u"}


@pytest.mark.parametrize(
    ("keys", "price"),
    [
        (["b"], "187.51"),
        (["a"], "187.53"),
        (["l"], "187.52"),
        (["b", "up"], "187.52"),
        (["b", "pageup", "down"], "187.60"),
        (["a", "pagedown"], "187.43"),
        (["up"], "187.52"),
    ],
)
async def test_letters_write_the_markets_price_and_arrows_step_by_a_tick(engine: FakeEngine, keys: list[str], price: str) -> None:
    async with running(engine) as console:
        await console.press("b", "5", "tab", "l", "tab", *keys)
        await confirm(console)
        assert orders(engine.calls) == [Intent(AAPL, BUY, D(5), OrderType.LIMIT, limit=D(price))]


async def test_only_the_fields_that_belong_to_the_type_are_shown(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("b", "5", "tab")
        assert "Limit" not in console.picture
        await console.press("l")
        assert "Limit" in console.picture
        assert "Extended hrs" in console.picture
        await console.press("t")
        assert "Limit" not in console.picture
        assert "Trail" in console.picture
        assert "FOK" not in console.picture
        await console.press("shift+tab", "ctrl+u", "h")
        assert "Take profit" not in console.picture


# ---- what is said of it


@BOTH
async def test_the_ticket_shows_the_normal_form_the_cost_and_the_gates_word(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await console.press("b")
        await console.type("100")
        await console.shows("33,657.11")
        for text in (" PAPER ", "BUY 100 AAPL market DAY", "18,753.00", "33,657.11", "Position after", "under the market", "F12"):
            assert text in console.picture
        assert engine.sent() == []


async def test_an_order_in_money_says_how_many_shares_that_is(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("b")
        await console.type("$5k")
        await console.shows("BUY $5000 AAPL market DAY   26 shares")


async def test_a_no_of_the_gate_names_rule_limit_and_actual(engine: FakeEngine) -> None:
    engine.verdict = Verdict(Outcome.DENY, "order size", "10 %", "18.5 %", "The order would be 18.5 %.")
    async with running(engine) as console:
        await console.press("b")
        await console.type("100")
        await console.shows("denies order size: limit 10 %, actual 18.5 %")


async def test_the_gate_is_asked_once_a_second_about_an_order_that_stands_there(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("b", "1")
        await console.shows("187.53 ")
        await console.until(lambda: engine.previews)
        asked = len(engine.previews)
        for _ in range(5):
            await console.press("home")
        assert len(engine.previews) == asked
        await console.let_pass(1.1)
        await console.until(lambda: len(engine.previews) == asked + 1)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["0"], "a quantity is above zero"),
        (["1.5"], "lots of 1"),
        (["5kk"], "no quantity: 5kk"),
        (["5", "tab", "l", "tab", "187.511"], "off the tick of AAPL"),
        (["5", "tab", "l", "tab", "1.2.3"], "no price: 1.2.3"),
        (["5", "tab", "tab", "tab", "-4%"], "the profit of a buy lies above"),
        (["5", "tab", "tab", "tab", "tab", "t", "-2%"], "no distance: -2%"),
        (["h"], "half is of the position, and AAPL is long 100"),
        (["5", "shift+tab", "ctrl+u", "NVDA"], "not watched: NVDA"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_asked_or_sent(engine: FakeEngine, keys: list[str], said: str) -> None:
    async with running(engine) as console:
        await console.press("b")
        for key in keys:
            await (console.press(key) if key in NAMED else console.type(key))
        await console.shows("✗")
        assert said in " ".join(console.picture.split())
        await console.press("f5")
        assert "Send this order?" not in console.picture
        await console.let_pass(1)
        await console.press("y", "enter", "y")
        assert engine.sent() == []


async def test_what_is_missing_is_said_before_it_is_a_mistake(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("b")
        assert "Still missing: a quantity" in console.picture
        assert "✗" not in console.picture.split("Order ticket")[1].split("╯")[0]


async def test_a_live_account_is_said_in_the_title(engine: FakeEngine) -> None:
    engine.change(account=replace(engine.current.account, badge="LIVE"))
    async with running(engine) as console:
        await console.press("b")
        assert " LIVE  Order ticket" in console.picture


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.REDUCING])
async def test_a_stop_that_comes_while_a_ticket_lies_over_the_banner_is_said_in_its_title(engine: FakeEngine, state: TradingState) -> None:
    async with running(engine, SMALL) as console:
        await console.press("b")
        assert " PAPER  Order ticket" in console.picture
        engine.change(account=replace(engine.current.account, state=state))
        await console.shows(f" PAPER  {state}  Order ticket")


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


# ---- refused


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


async def test_a_paste_is_text_in_its_field_and_presses_nothing(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("b")
        paste = events.Paste("250\r\ty\n7")
        paste.set_sender(console.app)
        console.app.post_message(paste)
        await console.shows("BUY 250 AAPL market DAY")
        assert engine.sent() == []


async def test_a_click_gives_a_field_the_keys_chooses_an_option_and_asks(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("b", "5")

        async def click(line: str, text: str) -> None:
            lines = console.picture.splitlines()
            y = next(place for place, each in enumerate(lines) if line in each)
            await console.click(lines[y].index(text, lines[y].index(line)) + 1, y)
            await console.pilot.pause()

        await click("Type  ", "limit")
        await click("Limit  ", "Limit")
        await console.type("187")
        await click("[ Review", "Review")
        await console.let_pass(1)
        await click("Send this order?", "y sends it")
        assert orders(engine.calls) == [Intent(AAPL, BUY, D(5), OrderType.LIMIT, limit=D("187.00"))]


# ---- editing a working order

WORKING: OrderRow = next(row for row in sample_view().orders if not row.state.is_final)


async def edit(console: Console, panel: str) -> None:
    await console.press(panel, "e")
    assert is_open(console), console.picture


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
