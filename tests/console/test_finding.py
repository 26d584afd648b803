"""The command palette, the jump overlay and the help: what they find, and that a found action does exactly what its key does."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from console.keys import ACTIONS, PANELS, KeyMap
from console.screens.help import sections
from console.screens.jump import Jump, Target, letters
from console.screens.palette import CommandPalette, found
from console.screens.trading import TradingScreen
from engine.model.signals import SignalState
from tests.console.driving import SMALL, WIDE, running
from tests.console.fake_engine import FakeEngine
from tests.views import sample_view

BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])
STOPPED = ("emergency_stop", "stop key")
WAITING = next(row for row in sample_view().signals if row.state is SignalState.WAITING)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


# ---- the palette


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("approve", "approve"),
        ("marked app", "approve_marked"),
        ("emerg", "emergency_stop"),
        ("flat", "flatten"),
        ("risk", "panel_risk"),
        ("every position", "flatten"),
        ("apmk", "approve_marked"),
        ("f9", "flatten"),
        ("QUIT", "quit"),
        ("accept", "order_line"),
    ],
)
def test_an_action_is_found_by_its_words_their_beginnings_its_letters_or_its_key(typed: str, first: str) -> None:
    assert found(ACTIONS, typed, "signals")[0].id == first


def test_what_works_here_stands_before_what_does_not() -> None:
    here = [action.works_in("log") for action in found(ACTIONS, "", "log")]
    assert here == sorted(here, reverse=True)
    assert not found(ACTIONS, "no such thing", "log")


@BOTH
@pytest.mark.parametrize("key", ["f2", "ctrl+p"])
async def test_a_found_action_is_carried_out_on_the_row_under_the_cursor(engine: FakeEngine, size: tuple[int, int], key: str) -> None:
    async with running(engine, size) as console:
        await console.press("4")
        await console.until(lambda: console.screen.panels["signals"].size.height)
        await console.let_pass(1)
        await console.press(key)
        await console.type("approve the")
        await console.shows("a        approve the signal")
        await console.press("enter")
        assert engine.sent() == [("approve", WAITING.id)]


async def test_the_palette_takes_every_key_that_was_typed_behind_its_own(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("f2", "go to orders", "enter", "c")
        assert console.screen.panel == "orders"
        assert [kind for kind, *_ in engine.sent()] == ["cancel"]


async def test_keys_behind_the_one_that_takes_an_action_belong_to_what_it_opened(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("f2", "the order line", "enter", "sell 7")
        assert console.line.text == "sell 7"
        assert console.screen.panel == "watch"


async def test_an_enter_on_nothing_typed_carries_out_nothing(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("4", "f2", "enter", "enter")
        assert isinstance(console.app.screen, CommandPalette)
        await console.shows("Type a word, or choose with the arrows")
        assert "▸" not in console.picture.split("Find an action")[1].split("╯")[0]
        await console.press("down")
        assert "▸ F12" in console.picture
        assert engine.sent() == []


async def test_a_row_that_came_under_the_cursor_behind_the_palette_takes_no_action(engine: FakeEngine) -> None:
    engine.change(signals=tuple(replace(WAITING, id=f"s{n}", number=n) for n in (1, 2)))
    async with running(engine) as console:
        await console.press("4", "f2")
        engine.change(signals=(replace(WAITING, id="s2", number=2),))
        await console.shows("1 waits for you")
        await console.let_pass(5)
        await console.type("approve the")
        await console.press("enter")
        assert engine.sent() == []
        await console.shows("Another row has come under the cursor meanwhile")


async def test_a_row_nobody_could_have_seen_takes_no_action_as_with_its_key(engine: FakeEngine) -> None:
    engine.change(signals=(replace(WAITING, id="s1", number=1),))
    async with running(engine) as console:
        await console.press("4")
        engine.change(signals=(replace(WAITING, id="s2", number=2),))
        await console.until(lambda: console.screen.subject.row().id == "s2")
        await console.burst("f2", "approve the", "enter")
        assert engine.sent() == []
        await console.shows("just come under the cursor")


async def test_an_action_of_another_panel_is_told_and_not_carried_out(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("f2", "approve the", "enter")
        assert isinstance(console.app.screen, CommandPalette)
        await console.shows("works only in Signals")
        assert engine.sent() == []
        await console.press("escape")
        assert isinstance(console.app.screen, TradingScreen)


async def test_arrows_choose_and_the_stop_is_found_too(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("f2", "panel", "down", "down", "up", "enter")
        assert console.screen.panel in PANELS
        await console.burst("f2", "emergency", "enter")
        assert engine.sent() == [STOPPED]
        await console.shows("EMERGENCY STOP: done")


async def test_the_palette_opens_from_the_order_line_and_leaves_its_text_alone(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("colon", "buy 5", "f2", "no such thing", "enter", "escape", "6")
        assert console.line.text == "buy 56"


async def test_the_stop_works_while_the_palette_is_open(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("f2", "f12")
        assert engine.sent() == [STOPPED]


# ---- the jump


def test_each_target_has_a_letter_of_its_own_out_of_its_name_where_one_is_left() -> None:
    names = ["Watch", "Positions", "Orders", "Signals", "Risk", "Log", "Chart", "order line", "Log", "Log"]
    given = letters(Target(name, 0, 0, lambda: None) for name in names)
    assert "".join(given) == "wposrlcdga"


@BOTH
@pytest.mark.parametrize("key", ["apostrophe", "f6"])
async def test_a_letter_leads_to_its_panel(engine: FakeEngine, size: tuple[int, int], key: str) -> None:
    async with running(engine, size) as console:
        for letter, panel in zip("rscpolw", ("risk", "signals", "chart", "positions", "orders", "log", "watch"), strict=True):
            await console.press(key)
            await console.shows(f" {letter} ")
            await console.press(letter)
            assert (console.screen.panel, isinstance(console.app.screen, TradingScreen)) == (panel, True)
        assert engine.sent() == []


async def test_a_jump_to_the_order_line_types_what_comes_behind_it(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.burst("f6", "d", "sell 1")
        assert console.line.text == "sell 1"


@pytest.mark.parametrize("key", ["escape", "f9", "x", "enter"])
async def test_any_other_key_ends_the_jump_and_does_nothing_else(engine: FakeEngine, key: str) -> None:
    async with running(engine) as console:
        await console.press("4", "f6")
        assert isinstance(console.app.screen, Jump)
        await console.press(key)
        assert isinstance(console.app.screen, TradingScreen)
        assert (console.screen.panel, engine.sent()) == ("signals", [])


async def test_the_stop_works_while_letters_are_shown(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("f6", "ctrl+g")
        assert engine.sent() == [STOPPED]


# ---- the help


def test_the_help_begins_with_what_works_where_the_focus_is_and_leaves_nothing_out() -> None:
    keys = KeyMap()
    for place in (*PANELS, "line"):
        title, first = sections(keys, place)[0]
        assert title.startswith("Here, in ")
        assert all(place in action.panels for action in first)
        assert sorted(action.id for _, some in sections(keys, place) for action in some) == sorted(
            action.id for action in (*keys.actions, *keys.fixed)
        )


async def test_the_help_is_searched_with_a_slash(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("4", "question_mark")
        await console.shows("Here, in Signals")
        await console.press("slash")
        await console.type("flatten")
        await console.shows("close every position, after the word FLATTEN")
        assert "Here, in Signals" not in console.picture
        await console.type("q")
        await console.shows("No key and no action is called that.")
        await console.press("escape")
        assert isinstance(console.app.screen, TradingScreen)


async def test_the_help_of_the_order_line_begins_with_its_keys(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("colon", "f1")
        await console.shows("Here, in the order line")


async def test_a_dialog_tells_its_own_keys_and_the_stop_in_the_last_line(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("m")
        await console.shows("Enter take it")
        assert console.picture.splitlines()[-1].rstrip().endswith("F12 / ^G EMERGENCY STOP")


# ---- the mouse


async def test_a_click_on_a_hint_does_what_its_key_does_and_one_on_the_stop_nothing(engine: FakeEngine) -> None:
    async with running(engine) as console:
        column = console.picture.splitlines()[-1].index(": order line")
        await console.click(console.app.size.width - 5, 35)
        assert engine.sent() == []
        await console.click(column + 3, 35)
        await console.type("sell")
        assert console.line.text == "sell"
        column = console.picture.splitlines()[-1].index("Esc")
        await console.click(column, 35)
        assert console.line.text == ""
        await console.press("escape", "m")
        await console.click(console.picture.splitlines()[-1].index("Esc"), 35)
        assert isinstance(console.app.screen, TradingScreen)


async def test_two_clicks_take_an_action_of_the_palette(engine: FakeEngine) -> None:
    async with running(engine) as console:
        await console.press("f2")
        await console.type("go to")
        await console.shows("go to Log")
        lines = console.picture.splitlines()
        y = next(y for y, line in enumerate(lines) if "go to Log" in line)
        await console.let_pass(1)
        await console.click(lines[y].index("go to Log"), y)
        assert isinstance(console.app.screen, CommandPalette)
        await console.click(lines[y].index("go to Log"), y)
        assert console.screen.panel == "log"


async def test_a_click_on_a_letter_goes_there_and_one_beside_them_nowhere(engine: FakeEngine) -> None:
    async with running(engine) as console:
        for name, panel in (("Risk", "risk"), ("", "risk")):
            await console.press("f6")
            await console.shows(" r ")
            lines = console.picture.splitlines()
            y = next(y for y, line in enumerate(lines) if " Risk" in line)
            await console.click(*(lines[y].index("Risk") - 3, y) if name else (60, 10))
            await console.until(lambda: isinstance(console.app.screen, TradingScreen))
            assert console.screen.panel == panel


async def test_on_a_large_terminal_help_has_columns_and_all_keys_of_the_trading_screen_at_once(engine: FakeEngine) -> None:
    async with running(engine, (200, 60)) as console:
        await console.press("2", "question_mark")
        await console.let_pass(1)
        shown = " ".join(console.picture.split())
        assert "…" not in console.picture
        for action in ACTIONS:
            first = action.does.split(":")[0].split(",")[0]
            assert not action.keys or first in shown or " ".join(first.split()[:3]) in shown, action.does
        for title in ("Here, in Positions", "Everywhere", "In every panel", "In Chart", "In the order line"):
            assert title in shown
        assert "In the ticket's question" not in shown
        await console.press("pagedown")
        assert "In the ticket's question" in console.picture
        await console.press("slash")
        await console.type("approve all")
        await console.until(lambda: "In every panel" not in console.picture)
        assert "approve all marked signals" in console.picture


async def test_what_works_here_and_everywhere_fills_the_first_column_of_the_help_to_its_foot(engine: FakeEngine) -> None:
    async with running(engine, (200, 60)) as console:
        await console.press("question_mark")
        await console.let_pass(1)
        column = "\n".join(line[:70] for line in console.picture.splitlines())
        assert column.index("Here, in Watch") < column.index("Everywhere") < column.index("in the ticket")


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
async def test_no_line_of_the_help_is_cut_and_keys_stand_clear_of_what_they_do(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with running(engine, size) as console:
        await console.press("question_mark")
        await console.let_pass(1)
        for _ in range(30):
            assert "…" not in console.picture
            assert "Shift+Tabthe" not in console.picture
            await console.press("pagedown")


@pytest.mark.parametrize(("size", "lines"), [((80, 24), 12), ((120, 36), 18), ((200, 60), 30)])
async def test_the_palette_lists_as_much_as_half_of_the_terminal_has_room_for(
    engine: FakeEngine, size: tuple[int, int], lines: int
) -> None:
    async with running(engine, size) as console:
        await console.press("f2")
        await console.shows("Find an action")
        inside = [line for line in console.picture.splitlines() if "│  " in line]
        first = next(place for place, line in enumerate(inside) if "│    F12" in line)
        last = next(place for place, line in enumerate(inside) if f"{len(ACTIONS)} of {len(ACTIONS)}" in line)
        assert last - 1 - first == lines
        keys_at = inside[first].index("F12")
        listed = sum(line[keys_at] != " " for line in inside[first:last])
        assert f"{len(ACTIONS)} of {len(ACTIONS)}, {len(ACTIONS) - listed} below" in inside[last]
        await console.press("up")
        await console.shows(f"{len(ACTIONS)} of {len(ACTIONS)}, ")
        assert "above" in console.picture
        assert "below" not in console.picture
