"""The stop asks nothing; mode, resume, flatten and quit ask and take a word; and no question takes a key that was not meant for it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from console.screens.dialog import DEAF_SECONDS
from console.screens.trading import TradingScreen
from engine.model import Mode, Outcome, TradingState, Verdict
from engine.model.effects import Reply
from engine.model.signals import SignalState
from engine.model.views import BreakerRow, StopView
from tests.console.driving import SMALL, WIDE, go_to, running
from tests.console.fake_engine import FakeEngine, orders
from tests.views import position, sample_view

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])
STOPPED = ("emergency_stop", "stop key")
WAITING = next(row for row in sample_view().signals if row.state is SignalState.WAITING)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


# ---- the stop


@BOTH
@pytest.mark.parametrize("key", ["f12", "ctrl+g"])
async def test_the_stop_works_in_the_middle_of_typing_and_keeps_the_text(engine: FakeEngine, size: tuple[int, int], key: str) -> None:
    async with running(engine, size) as console:
        await console.press("colon")
        await console.type("buy 100 AA")
        await console.press(key)
        assert engine.sent() == [STOPPED]
        assert console.line.text == "buy 100 AA"
        await console.shows("EMERGENCY STOP")


@BOTH
@pytest.mark.parametrize("way", [["m"], ["q"], ["f9"], ["question_mark"], ["4", "x"], ["enter"], ["4", "x", "r", "i"]], ids=" ".join)
async def test_the_stop_works_in_every_dialog_and_asks_nothing(engine: FakeEngine, size: tuple[int, int], way: list[str]) -> None:
    async with running(engine, size) as console:
        await console.press(*way)
        assert not isinstance(console.app.screen, TradingScreen)
        await console.press("f12")
        assert engine.sent() == [STOPPED]


@BOTH
async def test_what_was_said_while_the_broker_was_asked_goes_when_it_has_answered(engine: FakeEngine, size: tuple[int, int]) -> None:
    asked = "HALTED: no order is known to work; the broker is asked for its list"
    async with running(engine, size) as console:
        engine.silent = True
        await console.press("f12")
        halted = replace(engine.current.account, state=TradingState.HALTED, reason="stop key")
        engine.change(account=halted, stop=StopView(False, False, ()), replies=(Reply("c-1", True, asked),), orders=())
        await console.shows("no order is known to work")
        engine.change(stop=StopView(False, True, ()))
        await console.shows("EMERGENCY STOP: The broker confirms: nothing works.")
        assert "no order is known to work" not in console.picture


async def test_a_stop_in_a_burst_is_not_lost(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst(":", "buy 100 AAPL", "f12", "enter")
        assert STOPPED in engine.sent()


# ---- mode, resume, flatten


async def test_mode_is_chosen_and_full_auto_takes_its_word(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("m")
        await console.let_pass(1)
        await console.press("m", "enter")
        assert engine.sent() == [("set_mode", Mode.MANUAL)]
        await console.press("m")
        await console.let_pass(1)
        await console.press("f", "enter")
        await console.let_pass(1)
        await console.type("full_auto")
        await console.press("enter")
        await console.shows("not the word FULL_AUTO")
        assert len(engine.sent()) == 1
        await console.press("ctrl+u")
        await console.type("FULL_AUTO")
        await console.press("enter")
        assert engine.sent()[1:] == [("set_mode", Mode.FULL_AUTO)]


async def test_full_auto_by_the_order_line_takes_the_word_as_well(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon")
        await console.type("mode full")
        await console.press("enter")
        await console.shows("Type FULL_AUTO")
        assert engine.sent() == []


async def test_enter_on_the_mode_dialog_changes_nothing(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("m")
        await console.let_pass(1)
        await console.press("enter")
        assert engine.sent() == []


async def test_leaving_halted_takes_the_word_and_a_reason(engine: FakeEngine) -> None:
    account = replace(engine.current.account, state=TradingState.HALTED, mode=Mode.EMERGENCY, reason="stop key")
    engine.change(account=account)
    async with running(engine) as console:
        await console.press("m")
        await console.let_pass(1)
        await console.type("RESUME")
        await console.press("enter", "enter")
        await console.shows("A reason is needed")
        assert engine.sent() == []
        await console.type("false alarm")
        await console.press("enter")
        assert engine.sent() == [("resume", "false alarm")]


@BOTH
async def test_flatten_takes_its_word(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await console.press("f9")
        await console.let_pass(1)
        await console.press("enter")
        assert engine.sent() == []
        await console.type("FLATTEN")
        await console.press("enter")
        assert engine.sent() == [("liquidate_all",)]


async def test_what_is_typed_and_chosen_stays_in_sight_below_a_long_text(engine: FakeEngine) -> None:
    engine.change(positions=tuple(position(f"SYM{number}") for number in range(90)))
    async with running(engine, SMALL) as console:
        await console.press("f9")
        await console.shows("Type FLATTEN")
        assert "SYM89" not in console.picture
        await console.let_pass(1)
        await console.type("FLAT")
        await console.press("enter")
        await console.shows("not the word FLATTEN")
        await console.press("pagedown")
        await console.shows("100 SYM89.")
        await console.press("pageup")
        await console.shows("reduce-only: 100 SYM0,")
        await console.type("TEN")
        await console.press("enter")
        assert engine.sent() == [("liquidate_all",)]
        await go_to(console, "2")
        await console.press(*["space"] * 15)
        await console.let_pass(1)
        await console.press("X")
        await console.shows(" positions?")
        assert "never more than is held" in console.picture
        assert "Esc changes nothing" in console.picture


async def test_what_a_flatten_closes_is_told_with_its_thousands(engine: FakeEngine) -> None:
    engine.change(positions=(position("SNDL", -1_250_000),))
    async with running(engine) as console:
        await console.press("f9")
        await console.shows("reduce-only: -1,250,000 SNDL.")
        # What it does beside that is as grave, and was not said.
        assert "Stops trading, cancels every order, and closes" in console.picture


async def test_an_order_that_looks_like_a_repetition_is_sent_once_it_is_recalled(engine: FakeEngine) -> None:
    async with running(engine) as console:
        engine.refuses, engine.refused_by = "the same again", Verdict(Outcome.DENY, "repetition", "2 s", "0.8 s")
        await console.press("colon")
        await console.type("buy 100 AAPL")
        await console.press("enter")
        await console.shows("the same order went 0.8 s ago. Again? Up in the order line recalls it, and Enter")
        await console.press("enter", "enter")
        assert [call[2:] for call in engine.sent()] == [()]
        await console.press("up", "enter")
        assert [call[2:] for call in engine.sent()] == [(), ("confirmed",)]
        assert orders(engine.sent())[0] == orders(engine.sent())[1]


async def test_a_yes_to_a_repetition_is_for_that_order_alone(engine: FakeEngine) -> None:
    async with running(engine) as console:
        engine.refuses, engine.refused_by = "the same again", Verdict(Outcome.DENY, "repetition", "2 s", "0.8 s")
        await console.press("colon")
        await console.type("buy 100 AAPL")
        await console.press("enter")
        await console.shows("Again?")
        await console.type("buy 200 AAPL")
        await console.press("enter")
        await console.press("up", "up", "enter")
        assert [call[2:] for call in engine.sent()] == [(), (), ()]


TRIPPED = (
    BreakerRow("daily loss", True, "the loss reached 2,000.00", "the next session and your word", 1),
    BreakerRow("circuit breaker", True, "1,500.00 were lost within 10 minutes", "your word", 1, True),
)


async def test_a_strategys_breaker_is_reset_while_the_account_trades_on(engine: FakeEngine) -> None:
    engine.change(breakers=(BreakerRow("drawdown of sma", True, "its profit is 500.00 under its highest", "your word", 1, True),))
    async with running(engine) as console:
        await console.press("m")
        await console.shows("RESET drawdown of sma")


async def test_every_mode_stands_on_one_line_where_the_screen_has_the_columns(engine: FakeEngine) -> None:
    engine.change(breakers=(BreakerRow("drawdown of sma_cross_slow", True, "its profit fell by 3.1%", "your word", 1, True),))
    async with running(engine, WIDE) as console:
        await console.press("m")
        await console.shows("what the auto-approve rules cover goes, the rest waits")
        await console.shows("every signal goes, within the limits; asks for the word")


@BOTH
async def test_a_breaker_is_reset_by_name_with_the_word_and_a_reason(engine: FakeEngine, size: tuple[int, int]) -> None:
    account = replace(engine.current.account, state=TradingState.REDUCING, reason="1,500.00 were lost within 10 minutes")
    engine.change(account=account, breakers=TRIPPED)
    async with running(engine, size) as console:
        await console.press("m")
        await console.shows("Not to be reset now: daily loss holds until the next session")
        assert "RESET daily loss" not in console.picture
        await console.let_pass(1)
        await console.press("1", "enter")
        await console.let_pass(1)
        await console.shows("It tripped: 1,500.00 were lost within 10 minutes")
        await console.type("RESET")
        await console.press("enter")
        await console.type("looked at it")
        await console.press("enter")
        assert engine.sent() == [("reset_breaker", "circuit breaker", "looked at it")]


# ---- dialogs take no key that was meant for something else


async def test_a_held_enter_answers_no_dialog_that_just_opened(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("4", "x")
        await console.press(*["enter"] * 10)
        assert engine.sent() == []
        await console.let_pass(0.3)
        await console.press("enter")
        assert engine.sent() == [("reject", WAITING.id, "")]


@pytest.mark.parametrize("way", [["q"], ["m"], ["f9"], ["4", "x"]], ids=" ".join)
async def test_an_enter_that_is_held_for_long_answers_no_question(engine: FakeEngine, way: list[str]) -> None:
    async with running(engine) as console:
        await console.press(*way)
        question = console.app.screen
        for _ in range(20):
            console.clock.now += DEAF_SECONDS / 3
            await console.press("enter")
        assert console.app.screen is question
        await console.shows("Too soon after another key.")
        assert engine.sent() == []
        await console.let_pass(1)
        await console.press("tab", "enter")
        assert "Too soon" not in console.picture


async def test_keys_typed_before_the_dialog_opened_do_not_reach_it(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("q", "y", "enter", "y", "enter")
        await console.let_pass(1)
        await console.press("enter")
        assert console.app.is_running
        assert isinstance(console.app.screen, TradingScreen)


async def test_a_word_typed_before_its_dialog_opened_is_not_the_answer(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("f9", "FLATTEN")
        await console.let_pass(1)
        await console.press("enter")
        await console.shows("not the word FLATTEN")
        assert engine.sent() == []


# ---- quit


async def test_quit_says_what_still_works_and_stays_by_default(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("q")
        await console.shows("2 orders working")
        # An order stands under the line that counts them, and a little to the right of it.
        await console.shows("   #12 SELL 100 AAPL limit")
        await console.shows("Quitting cancels working entries and keeps protective orders")
        await console.let_pass(1)
        await console.press("enter")
        assert isinstance(console.app.screen, TradingScreen)
        assert console.app.is_running


@BOTH
@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_quit_ends_after_a_yes(engine: FakeEngine, size: tuple[int, int], key: str) -> None:
    async with running(engine, size) as console:
        await console.press(key)
        await console.let_pass(1)
        await console.press("y", "enter")
        await console.until(lambda: console.app.return_value is not None)
        assert console.app.return_value == 0


async def test_ctrl_c_asks_from_the_order_line_too_and_keys_of_textual_do_nothing(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("ctrl+q", "ctrl+backslash")
        assert console.app.is_running
        assert isinstance(console.app.screen, TradingScreen)
        await console.press("colon", "ctrl+c")
        await console.shows("Quit?")
