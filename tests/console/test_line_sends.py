"""What each line sends to the engine, what never reaches it, and what it answers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from console.keys import ACTIONS, KeyMap
from console.screens.trading import TradingScreen
from engine.model import Intent, Level, Mode, OrderType, Outcome, Side, TimeInForce, Verdict
from tests.console.driving import SMALL, WIDE, running
from tests.console.fake_engine import FakeEngine
from tests.views import sample_view

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])
WORKING = [row for row in sample_view().orders if not row.state.is_final]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@BOTH
@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("buy 100 AAPL", Intent("AAPL", Side.BUY, Decimal(100))),
        ("buy 100 AAPL @ 187.50 day", Intent("AAPL", Side.BUY, Decimal(100), OrderType.LIMIT, limit=Decimal("187.50"))),
        ("sell half AAPL mkt", Intent("AAPL", Side.SELL, Decimal(50), reduce_only=True)),
        ("sell 100 AAPL stop 184 gtc", Intent("AAPL", Side.SELL, Decimal(100), OrderType.STOP, stop=Decimal(184), tif=TimeInForce.GTC)),
        ("close IBM 50%", Intent("IBM", Side.BUY, Decimal(100), reduce_only=True)),
    ],
)
async def test_a_line_is_submitted_as_it_reads(engine: FakeEngine, size: tuple[int, int], text: str, intent: Intent) -> None:
    async with running(engine, size) as console:
        await console.press("colon")
        await console.type(text)
        await console.press("enter")
        assert engine.sent() == [("submit", intent)]
        assert console.line.text == ""


@BOTH
async def test_a_symbol_that_is_not_watched_is_told_with_the_key_that_adds_it(engine: FakeEngine, size: tuple[int, int]) -> None:
    keys = KeyMap(tuple(replace(action, keys=("f4",)) if action.id == "add_symbol" else action for action in ACTIONS))
    async with running(engine, size, keys=keys) as console:
        await console.press("colon")
        await console.type("buy 10 NVDA day")
        await console.shows("not watched: NVDA; F4 in the watchlist adds it")


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("cancel *", ("cancel", "", "")),
        ("cancel AAPL", ("cancel", "", "AAPL")),
        ("cancel #12", ("cancel", WORKING[0].id, "")),
        ("mode manual", ("set_mode", Mode.MANUAL)),
    ],
)
async def test_a_command_of_the_line_is_carried_out(engine: FakeEngine, text: str, call: tuple[object, ...]) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type(text)
        await console.press("enter")
        assert engine.sent() == [call]


async def test_a_held_enter_submits_once(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst(":", "buy 100 AAPL", *["enter"] * 30)
        assert engine.sent() == [("submit", Intent("AAPL", Side.BUY, Decimal(100)))]
        assert "still missing" not in console.picture


@BOTH
async def test_a_burst_in_one_write_keeps_the_order_of_its_keys(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        # From the panel where single letters approve, reject and mark.
        await console.press("4")
        await console.burst(":", "buy 100 AAPL @ 55.5", "enter", "sell 7 MSFT", "enter", "cancel #12", "enter")
        await console.until(lambda: len(engine.sent()) == 3)
        assert engine.sent() == [
            ("submit", Intent("AAPL", Side.BUY, Decimal(100), OrderType.LIMIT, limit=Decimal("55.50"))),
            ("submit", Intent("MSFT", Side.SELL, Decimal(7))),
            ("cancel", WORKING[0].id, ""),
        ]


async def test_a_row_is_acted_on_after_the_movement_before_it(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("3")
        await console.burst("j", "c")
        assert engine.sent() == [("cancel", WORKING[1].id, "")]


async def test_enter_on_a_mistake_sends_nothing_and_keeps_the_text(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type("buy 100 aapl")
        await console.press("enter", "enter")
        assert engine.sent() == []
        assert console.line.text == "buy 100 aapl"
        await console.shows("^ symbols are upper case. Right: AAPL")


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
async def test_a_paste_of_several_lines_keeps_the_first_and_presses_nothing(engine: FakeEngine, end: str) -> None:
    async with running(engine) as console:
        await console.press("colon")
        console.screen.take_paste(f"buy 10 AAPL{end}buy 999 MSFT{end}")
        await console.pilot.pause()
        assert console.line.text == "buy 10 AAPL"
        assert engine.sent() == []


async def test_the_line_shows_normal_form_cost_and_verdict_while_it_is_typed(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type("buy 50 MSFT @ 402.05")
        await console.shows("BUY 50 MSFT limit 402.05 DAY")
        await console.shows("gate: passes")
        await console.shows("cost 20,102.50")
        await console.shows("0.01% under the market")
        assert engine.sent() == []


async def test_the_verdict_names_rule_limit_and_actual(engine: FakeEngine) -> None:
    engine.verdict = Verdict(Outcome.DENY, "exposure", "80%", "84.1%", "too much")
    async with running(engine) as console:
        await console.press("colon")
        await console.type("buy 500 MSFT")
        await console.shows("gate: denies  exposure: limit 80%, actual 84.1%")


LONG = " ".join(f"reason {place}," for place in range(60)) + " and the last"


@BOTH
async def test_what_is_cut_under_the_line_is_read_whole_by_the_key_the_hints_name_and_the_line_stays(
    engine: FakeEngine, size: tuple[int, int]
) -> None:
    engine.verdict = Verdict(Outcome.DENY, "exposure", text=LONG)
    async with running(engine, size) as console:
        assert "all of it" not in console.picture
        await console.press("colon")
        await console.type("buy 500 MSFT")
        await console.shows("F7 all of it")
        assert "and the last" not in console.picture
        await console.press("f7")
        await console.shows("and the last")
        await console.let_pass(1)
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.screen)
        assert (console.line.text, engine.sent()) == ("buy 500 MSFT", [])


async def test_what_was_said_and_is_cut_outlives_the_key_that_shows_all_of_it(engine: FakeEngine) -> None:
    async with running(engine, SMALL) as console:
        console.screen.say(LONG, Level.WARNING)
        await console.press("f7")
        await console.shows("and the last")


async def test_a_verdict_is_never_shown_for_an_order_it_is_not_about(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type("buy MSFT 50")
        await console.shows("buying power after")
        engine.silent = True
        await console.type("0")
        assert "BUY 500 MSFT" in console.picture
        assert "buying power after" not in console.picture


async def test_history_completion_and_the_ways_out(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type("buy 1 AAPL")
        await console.press("enter", "up")
        assert console.line.text == "buy 1 AAPL"
        await console.press("escape")
        assert console.line.text == ""
        await console.type("sell 5 MS")
        await console.press("tab")
        assert console.line.text == "sell 5 MSFT "
        await console.press("ctrl+u", "backspace")
        assert console.app.focused is console.screen.panels["watch"]
        await console.press("colon", "tab")
        assert console.app.focused is console.screen.panels["positions"]


async def test_letters_typed_into_the_line_are_text_and_nothing_else(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type("qzmtabsxcC?1234567")
        assert console.line.text == "qzmtabsxcC?1234567"
        assert engine.sent() == []
        assert isinstance(console.app.screen, TradingScreen)


# ---- answers


async def test_a_refusal_stays_in_sight_until_the_next_key(engine: FakeEngine) -> None:
    engine.refuses = "exposure would be 84% of 80%"
    async with running(engine) as console:
        await console.press("colon")
        await console.type("buy 500 MSFT")
        await console.press("enter")
        await console.shows("BUY 500 MSFT market DAY: exposure would be 84% of 80%")
        await console.let_pass(2)
        await console.press("b")
        assert "exposure would be" not in console.picture


async def test_a_command_without_an_answer_is_called_so(engine: FakeEngine) -> None:
    engine.silent = True
    async with running(engine) as console:
        await console.press("3", "c")
        await console.let_pass(3.5)
        await console.shows("No answer from the engine yet to: cancel #12")
