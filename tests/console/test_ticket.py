"""The ticket: what keys typed into it make of an order, and what it says of that."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from textual import events

from engine.model import Intent, OrderType, Outcome, TimeInForce, Verdict
from engine.model.modes import TradingState
from engine.model.orders import Bracket, Exit
from tests.console.driving import SMALL, running
from tests.console.fake_engine import FakeEngine, orders
from tests.console.ticket_driving import AAPL, BOTH, BUY, NAMED, SELL, confirm, is_open, ticket_of

D = Decimal


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


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


async def test_where_no_row_is_the_ticket_opens_on_what_the_chart_shows(engine: FakeEngine) -> None:
    engine.change(orders=())
    async with running(engine) as console:
        await console.press("3", "s")
        await console.type("9")
        await confirm(console)
        assert engine.sent() == [("submit", Intent(AAPL, SELL, D(9)))]


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


@pytest.mark.parametrize(
    ("keys", "takes"),
    [
        (["7", "tab", "t", "tab"], "1.5% of the market, or 2.50 in price"),
        (["7", "tab", "tab", "tab", "tab", "2%"], "t trails the market"),
        (["7", "tab", "tab", "tab", "tab", "2%", "t"], "2%  2.50   t trails no more"),
    ],
    ids=["a trail", "a stop-loss", "one that trails"],
)
async def test_what_a_field_takes_stands_whole_beside_it_on_a_small_screen(engine: FakeEngine, keys: list[str], takes: str) -> None:
    async with running(engine, size=SMALL) as console:
        await console.press("b", *(key for word in keys for key in ([word] if word in NAMED else word)))
        assert takes in console.picture


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


@BOTH
async def test_the_ticket_says_what_its_exits_would_make_and_lose(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await console.press("b")
        await console.type("7")
        await console.press("tab", "tab", "tab")
        await console.type("4%")
        await console.shows("tp +52.51")
        await console.press("tab")
        await console.type("2%")
        await console.shows("tp +52.51 sl -26.25")
        await console.press("f5")
        await console.shows("Send this order?")
        assert "tp +52.51 sl -26.25" in console.picture
        await console.shows("passes")


async def test_what_the_exits_make_and_lose_goes_with_the_market_while_the_ticket_asks(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("b")
        await console.type("7")
        await console.press("tab", "tab", "tab", "tab")
        await console.type("2%")
        await console.press("f5")
        await console.shows("sl -26.25")
        watch = tuple(replace(row, bid=199.98, ask=200.0) if row.symbol == AAPL else row for row in engine.current.watch)
        engine.current = replace(engine.current, watch=watch)
        await console.shows("sl -28.00")
        assert "Send this order?" in console.picture


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
        (["5", "shift+tab", "ctrl+u", "NVDA"], "not watched: NVDA; + in the watchlist adds it. Right: "),
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


async def test_what_is_missing_gets_the_keys_and_is_a_mistake_once_it_is_to_be_sent(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("b", "tab", "tab", "tab", "f5")
        await console.shows("✗ Missing: a quantity")
        assert ticket_of(console).active.name == "quantity"
        await console.type("7")
        assert "✗" not in console.picture.split("Order ticket")[1].split("╯")[0]
        await console.press("f5")
        await console.shows("Send this order?")


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
