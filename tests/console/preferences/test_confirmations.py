"""What asks before it acts, as the preferences say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model.settings import ConfirmSettings
from tests.console.driving import running
from tests.console.fake_engine import FakeEngine, orders
from tests.views import sample_view


async def test_the_order_line_asks_first_where_that_is_wanted() -> None:
    engine = FakeEngine()
    async with running(engine, confirm=ConfirmSettings(order_line=True)) as console:
        await console.type(":buy 10 AAPL mkt")
        await console.press("enter")
        assert "BUY 10 AAPL market DAY" in console.picture
        await console.let_pass(1)
        await console.press("enter")
        await console.shows("Not sent.")
        assert orders(engine.sent()) == []
        await console.press("up", "enter")
        await console.let_pass(1)
        await console.press("y", "enter")
        await console.until(lambda: len(orders(engine.sent())) == 1)


async def test_a_held_enter_sends_nothing_where_the_order_line_asks() -> None:
    engine = FakeEngine()
    async with running(engine, confirm=ConfirmSettings(order_line=True)) as console:
        await console.type(":buy 10 AAPL mkt")
        await console.press(*["enter"] * 10)
        await console.let_pass(1)
        await console.press(*["enter"] * 10)
    assert orders(engine.sent()) == []


async def test_quitting_asks_nothing_where_that_is_wanted_and_nothing_works() -> None:
    engine = FakeEngine(replace(sample_view(), orders=(), signals=()))
    async with running(engine, confirm=ConfirmSettings(quit=False)) as console:
        await console.press("q")
        await console.until(lambda: console.app.return_code == 0 and not console.app.is_running)


@pytest.mark.parametrize("left_out", ["orders", "signals"])
async def test_quitting_asks_in_any_case_while_an_order_works_or_a_signal_waits(left_out: str) -> None:
    engine = FakeEngine()
    engine.change(**{left_out: ()})
    async with running(engine, confirm=ConfirmSettings(quit=False)) as console:
        await console.press("q")
        assert "Quit?" in console.picture
