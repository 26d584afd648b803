"""Limits that are changed in the preferences, for all or for one symbol or strategy: tighter at once, looser by a word and a reason."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from console.config import load, text_of
from engine.model.settings import SymbolLimits
from tests.console.driving import Console, running
from tests.console.preferences.page import MINE, config_of, engine_with, go_to, kept, put, write

D = Decimal


async def test_a_tighter_limit_goes_to_the_engine_at_once_and_asks_nothing(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "4")
        await console.shows("order size 10 % → 4 %: holds now, and is written.")
    assert engine.sent() == [("set_limits", replace(load(file).limits, max_order_pct=D(4)), "")]
    assert text_of(file) == MINE.replace("max_order_pct: 10 ", "max_order_pct: 4 ")


async def test_a_looser_limit_asks_for_the_word_and_a_reason(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "20")
        assert "max_order_pct 10 → 20" in console.picture
        assert engine.sent() == []
        await console.let_pass(1)
        await console.type("LOOSEN")
        await console.press("enter")
        await console.type("a larger account")
        await console.press("enter")
        await kept(console)
    assert engine.sent() == [
        ("set_limits", replace(engine_with(load(file).limits).current.limits, max_order_pct=D(20)), "a larger account")
    ]
    assert load(file).limits.max_order_pct == 20


@pytest.mark.parametrize("words", [(), ("loosen", "enter", "because"), ("LOOSEN", "enter")], ids=["escape", "another word", "no reason"])
async def test_without_the_word_and_a_reason_no_limit_is_loosened(file: Path, words: tuple[str, ...]) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "20")
        await console.let_pass(1)
        await console.burst(*words, *["enter"] * bool(words))
        await console.press("escape")
        await console.shows("No limit was loosened.")
    assert engine.sent() == []
    assert text_of(file) == MINE


async def test_a_word_typed_for_one_loosening_is_not_taken_for_another(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "8")
        await console.shows("is written.")
        await write(console, "9")
        assert "max_order_pct 8 → 9" in console.picture
        engine.change(limits=replace(engine.current.limits, max_order_pct=D(2)))  # by a script, meanwhile
        await console.let_pass(1)
        await console.burst("LOOSEN", "enter", "because", "enter")
        await console.shows("The limits changed meanwhile.")
    assert [call[1].max_order_pct for call in engine.sent()] == [8]


async def test_while_the_engine_owes_an_answer_no_further_limit_is_changed(file: Path) -> None:
    engine = engine_with(load(file).limits)
    engine.silent = True
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "4")
        await write(console, "3")
        assert "The engine has not answered" in console.picture
    assert [call[1].max_order_pct for call in engine.sent()] == [4]
    assert text_of(file) == MINE


async def test_what_the_engine_refuses_is_told_and_not_written(file: Path) -> None:
    engine = engine_with(load(file).limits)
    engine.refuses = "no limit was changed: [bold]\x1b[2J not today"
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "4")
        await console.shows("Not changed: no limit was changed: [bold]�[2J not today")
    assert text_of(file) == MINE


async def to_own(console: Console) -> None:
    """To the last row before the one that adds."""
    await console.press("comma", "end", "up")


async def test_a_limit_of_one_symbol_is_tightened_at_once_and_loosened_by_the_word(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await to_own(console)
        assert "▸  BRK.B position" in console.picture
        await write(console, "2")
        await kept(console)
        assert (load(file).limits, engine.current.limits) == (engine.current.limits, load(file).limits)
        assert text_of(file) == MINE.replace("max_position_pct: 3", "max_position_pct: 2")
        await write(console, "5")
        await console.shows("symbols.BRK.B.max_position_pct 2 → 5")
        await console.let_pass(1)
        await console.type("LOOSEN")
        await console.press("enter")
        await console.type("earnings are out")
        await console.press("enter")
        await console.until(lambda: engine.current.limits.symbols["BRK.B"].max_position_pct == 5)
        await console.until(lambda: load(file).limits == engine.current.limits)
        assert text_of(file) == MINE.replace("max_position_pct: 3", "max_position_pct: 5")


async def test_a_limit_is_given_to_one_symbol_and_taken_away_again_by_the_word(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await console.press("comma", "end", "enter")
        await console.shows("Limit one strategy or symbol")
        await console.type("msft order quan")
        await console.press("enter")
        await console.shows("MSFT order quantity")
        await console.type("50")
        await console.press("enter")
        await kept(console)
        assert load(file).limits.symbols["MSFT"] == SymbolLimits(max_order_quantity=D(50))
        assert engine.current.limits == load(file).limits
        assert "# of all I have" in text_of(file)
        await console.press("d")
        await console.shows("symbols.MSFT.max_order_quantity 50 → none")
        await console.let_pass(1)
        await console.press("escape")
        assert load(file).limits.symbols["MSFT"] == SymbolLimits(max_order_quantity=D(50))
        await console.press("d")
        await console.let_pass(1)
        await console.type("LOOSEN")
        await console.press("enter")
        await console.type("not needed any more")
        await console.press("enter")
        await console.until(lambda: load(file).limits.symbols["MSFT"] == SymbolLimits())
        assert engine.current.limits.symbols["MSFT"] == SymbolLimits()
        await console.until(lambda: "MSFT order quantity    " not in console.picture)


async def test_a_strategy_may_be_forbidden_more_than_others_and_what_is_left_without_a_value_is_no_row(file: Path) -> None:
    put(file, f"{MINE}strategies: [{{file: sma_cross}}]\n")
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await console.press("comma", "end", "enter")
        await console.type("sma_cross orders a day")
        await console.press("enter")
        await console.shows("sma_cross orders a day")
        await console.press("escape")
        assert "sma_cross orders a day" not in console.picture
        await console.press("end", "enter")
        await console.type("sma_cross orders a day")
        await console.press("enter")
        await console.type("3")
        await console.press("enter")
        await kept(console)
        assert load(file).limits.strategies["sma_cross"].max_orders_day == 3
        assert "▸  sma_cross orders a day" in console.picture
