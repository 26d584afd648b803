"""The screen over the real engine, on a simulated market: what a person types ends in the book, and the stop holds."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from console.build import create_engine
from engine.live import Engine
from engine.model import Mode, OrderState, Settings, TradingState, View
from tests.console.driving import SMALL, WIDE, Console, running

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])


@asynccontextmanager
async def trading(
    folder: Path, size: tuple[int, int], kept: Path | None = None, symbol: str = "MSFT"
) -> AsyncIterator[tuple[Console, Engine]]:
    """A console whose engine is ready and has prices, and shows that of `symbol`."""
    engine = create_engine(Settings(database=folder / "paper.db", symbols=("AAPL", "MSFT")))
    try:
        async with running(engine, size, kept=kept) as console:
            await console.until(lambda: engine.view().health.ready and all(row.ask for row in engine.view().watch))
            # What the order line means is read from the View on the screen, which may be behind the engine's.
            await console.until(lambda: re.search(rf"{symbol} .*\d × \d", console.picture))
            yield console, engine
    finally:
        engine.shutdown()


def held(view: View, symbol: str) -> Decimal:
    return sum((row.quantity for row in view.positions if row.symbol == symbol), Decimal(0))


async def enter(console: Console, line: str) -> None:
    await console.press("colon")
    await console.type(line)
    await console.press("enter")


@BOTH
async def test_an_order_of_the_line_fills_and_a_position_is_closed_by_it(tmp_path: Path, size: tuple[int, int]) -> None:
    async with trading(tmp_path, size) as (console, engine):
        await enter(console, "buy 20 AAPL")
        await console.shows("#1 BUY 20 AAPL market DAY sent")
        assert "DAY: #1" not in console.picture, "what was asked is told twice"
        await console.until(lambda: held(engine.view(), "AAPL") == 20)
        await console.press("escape", "2")
        await console.shows("1 held")
        # The line reads positions from the View on the screen.
        await enter(console, "close AAPL 50%")
        await console.until(lambda: held(engine.view(), "AAPL") == 10)


@BOTH
async def test_the_line_shows_the_gates_verdict_before_anything_is_sent(tmp_path: Path, size: tuple[int, int]) -> None:
    async with trading(tmp_path, size) as (console, engine):
        await console.press("colon")
        await console.type("buy 5000 MSFT")
        await console.shows("gate: denies")
        await console.press("ctrl+u")
        await console.type("buy 10 MSFT @ bid-1")
        await console.shows("gate: passes")
        assert engine.view().orders == ()


@BOTH
async def test_an_order_of_the_ticket_works_is_edited_in_it_and_ends_on_its_new_terms(tmp_path: Path, size: tuple[int, int]) -> None:
    async with trading(tmp_path, size) as (console, engine):
        await console.press("b")
        await console.type("20")
        await console.press("tab", "l", "tab", "b", *["pagedown"] * 5, "f5")
        await console.shows("passes")
        await console.let_pass(1)
        await console.press("y")
        await console.until(lambda: [row.state for row in engine.view().orders] == [OrderState.WORKING])
        before = engine.view().orders[0]
        assert (before.quantity, before.symbol, before.limit is None) == (Decimal(20), "AAPL", False)
        await console.press("3")
        await console.shows("1 works")
        await console.press("e", "ctrl+u")
        await console.type("15")
        await console.press("tab", "down")
        await console.shows("quantity 20 -> 15")
        await console.shows("passes")
        await console.press("f5")
        await console.let_pass(1)
        await console.press("y")
        await console.until(lambda: engine.view().orders[0].quantity == 15)
        after = engine.view().orders[0]
        assert (after.id, before.limit and after.limit and before.limit - after.limit) == (before.id, before.tick)


@BOTH
async def test_the_stop_in_the_middle_of_typing_halts_and_only_word_and_reason_lead_out(tmp_path: Path, size: tuple[int, int]) -> None:
    async with trading(tmp_path, size) as (console, engine):
        await enter(console, "buy 10 AAPL @ bid-5")
        await console.until(lambda: [row.state for row in engine.view().orders] == [OrderState.WORKING])
        await console.type("buy 100 MS")
        await console.press("f12")
        await console.until(lambda: engine.view().account.state is TradingState.HALTED)
        await console.until(lambda: engine.view().orders[0].state is OrderState.CANCELED)
        await console.shows("HALTED")
        await console.type("FT")
        await console.press("enter")
        await console.shows("BUY 100 MSFT market DAY:")
        assert held(engine.view(), "MSFT") == 0
        await console.press("escape", "m")
        await console.let_pass(1)
        await console.type("RESUME")
        await console.press("enter")
        await console.type("a drill")
        await console.press("enter")
        await console.until(lambda: engine.view().account.state is TradingState.ACTIVE)
        assert engine.view().account.mode is Mode.MANUAL


@BOTH
async def test_an_alert_fires_on_the_engines_own_prices_whatever_the_screen_shows_and_no_order_comes_of_it(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with trading(tmp_path, size) as (console, engine):
        await console.press("exclamation_mark")
        last = next(row.last for row in engine.view().watch if row.symbol == "AAPL")
        assert last is not None
        for side, level in ((">", last + 0.02), ("<", last - 0.02)):
            await console.type(f"{side} {level:.2f}")
            await console.press("enter", "ctrl+u")
        await console.press("escape", "escape", "6")
        await console.until(lambda: any(line.source == "alert" for line in engine.view().log))
        await console.shows("! 1 notice ")
        assert engine.view().orders == ()


@BOTH
async def test_a_symbol_added_to_a_list_gets_prices_and_is_there_after_a_restart(tmp_path: Path, size: tuple[int, int]) -> None:
    async with trading(tmp_path, size, kept=tmp_path / "screen") as (console, engine):
        await console.press("w", "n")
        await console.type("Banks")
        await console.press("enter", "escape", "plus")
        await console.type("jpm")
        await console.shows("JPMorgan Chase")
        await console.press("enter")
        await console.until(lambda: re.search(r"JPM .*\d × \d", console.picture))
        console.app.kept.close()
    async with trading(tmp_path, size, kept=tmp_path / "screen", symbol="JPM") as (console, engine):
        await console.shows("Banks 2/2")
        assert [row.symbol for row in engine.view().watch] == ["AAPL", "MSFT", "JPM"]
