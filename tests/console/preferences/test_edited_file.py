"""A config that was edited by hand, or by somebody else, while the preferences are open."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from console.config import load
from engine.model.settings import SymbolLimits
from tests.console.driving import running
from tests.console.preferences.page import MINE, config_of, engine_with, go_to, put, write

D = Decimal


# ---- the file, edited by hand


async def test_an_edited_file_is_taken_after_a_look_tighter_at_once_looser_by_the_word(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        put(file, MINE.replace("dark", "ember").replace("10 ", "30 ") + "  collar_pct: 2\nmode: semi-auto\n")
        await console.until(lambda: console.app.looks.usable("ember"))
        await console.press("comma", "R")
        await console.shows("Take what the file says?")
        for text in (
            "theme dark → ember",
            "collar_pct 5 → 2",
            "max_order_pct 10 → 30",
            "mode MANUAL → SEMI_AUTO",
            "From the next start on",
        ):
            assert text in console.picture
        assert engine.sent() == []
        await console.let_pass(1)
        await console.press("y", "enter")
        assert console.app.theme == "ember"
        assert "Type LOOSEN" in console.picture
        assert engine.sent() == [("set_limits", replace(load(file).limits, max_order_pct=D(10)), "")]
        await console.let_pass(1)
        await console.burst("LOOSEN", "enter", "as written", "enter")
        await console.shows("The limits are those of the file.")
        assert engine.sent()[1:] == [("set_limits", load(file).limits, "as written")]
        await console.press("R")
        await console.shows("The file says what holds already.")


async def test_the_word_is_not_taken_while_the_engine_owes_an_answer_about_what_was_tightened(file: Path) -> None:
    engine = engine_with(load(file).limits)
    engine.silent = True
    async with running(engine, config=config_of(file)) as console:
        put(file, MINE.replace("10 ", "30 ") + "  collar_pct: 2\n")
        await console.press("comma", "R")
        await console.shows("Take what the file says?")
        await console.let_pass(1)
        await console.press("y", "enter")
        await console.shows("Type LOOSEN")
        await console.let_pass(1)
        await console.burst("LOOSEN", "enter", "as written", "enter")
        await console.shows("The engine has not answered")
    assert [(call[1].max_order_pct, call[1].collar_pct) for call in engine.sent()] == [(10, 2)]


async def test_a_files_limits_are_not_taken_while_the_engine_owes_an_answer(file: Path) -> None:
    engine = engine_with(load(file).limits)
    engine.silent = True
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "4")
        put(file, MINE.replace("10 ", "3 "))
        await console.press("R")
        await console.shows("Take what the file says?")
        await console.let_pass(1)
        await console.press("y", "enter")
        await console.shows("The engine has not answered")
    assert [call[1].max_order_pct for call in engine.sent()] == [4]


async def test_whoever_leaves_the_word_keeps_the_limits_that_held(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        put(file, MINE.replace("10 ", "30 ").replace("{max_position_pct: 3}", "{}"))
        await console.press("comma", "R")
        await console.shows("Take what the file says?")
        assert "symbols.BRK.B.max_position_pct 3 → none" in console.picture
        await console.let_pass(1)
        await console.press("y", "enter", "escape")
        await console.shows("No limit was loosened.")
    assert engine.sent() == []
    assert engine.current.limits.symbols == {"BRK.B": SymbolLimits(max_position_pct=D(3))}


async def test_a_wrong_file_is_refused_in_words_and_the_old_holds(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        put(file, MINE.replace("10 ", "1000 ") + "thme: ember\n")
        await console.press("comma", "R")
        await console.shows("The config is not taken")
        assert "limits.max_order_pct is '1000';" in console.picture
        assert "did you mean theme?" in console.picture
        assert "what held before holds" in console.picture
        await console.press("escape")
    assert engine.sent() == []
    assert engine.current.limits.max_order_pct == 10


async def test_staying_takes_nothing_of_an_edited_file(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        put(file, MINE.replace("dark", "ember"))
        await console.until(lambda: console.app.looks.usable("ember"))
        await console.press("comma", "R")
        await console.shows("Take what the file says?")
        await console.let_pass(1)
        await console.press("enter")
        assert console.app.theme == "dark"
        await console.press("R")
        await console.shows("theme dark → ember")


# ---- a file that others write, too


async def test_a_limit_that_was_tightened_in_the_file_meanwhile_is_not_loosened_there(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        put(file, MINE.replace("max_order_pct: 10", "max_order_pct: 1"))
        await go_to(console, "limits.max_order_pct")
        await write(console, "5")
        await console.shows("is not kept. The file says 1 there by now")
        assert (engine.current.limits.max_order_pct, load(file).limits.max_order_pct) == (D(5), D(1))


async def test_the_word_for_one_loosening_is_none_for_what_the_file_says_by_now(file: Path) -> None:
    engine = engine_with(load(file).limits)
    async with running(engine, config=config_of(file)) as console:
        await go_to(console, "limits.max_order_pct")
        await write(console, "20")
        await console.shows("LOOSEN")
        put(file, MINE.replace("max_order_pct: 10", "max_order_pct: 1"))
        await console.let_pass(1)
        await console.type("LOOSEN")
        await console.press("enter")
        await console.type("more room")
        await console.press("enter")
        await console.shows("is not kept. The file says 1 there by now")
        assert (engine.current.limits.max_order_pct, load(file).limits.max_order_pct) == (D(20), D(1))
