"""Mouse and keys in one read of the terminal, as over a slow line: each acts on what the one before it led to."""

from __future__ import annotations

from textual import events

from tests.console.driving import Console, running
from tests.console.fake_engine import FakeEngine
from tests.views import order, sample_view
from widgets.hints import HintLine


def click(x: int, y: int, chain: int = 1) -> list[events.Event]:
    made: list[events.Event] = []
    for _ in range(chain):
        made += [kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y) for kind in (events.MouseDown, events.MouseUp)]
    return made


async def at_once(console: Console, *sent: events.Event) -> None:
    for event in sent:
        event.set_sender(console.app)
        console.app.post_message(event)
    await console.pilot.pause()
    await console.pilot.pause()


def place_of(console: Console, text: str) -> tuple[int, int]:
    lines = console.picture.split("\n")
    y = next(y for y, line in enumerate(lines) if text in line)
    return lines[y].index(text), y


def engine_with_orders() -> FakeEngine:
    return FakeEngine(sample_view(orders=tuple(order(number) for number in (14, 13, 12, 11))))


async def test_a_key_behind_a_click_on_a_row_acts_on_that_row_or_on_none() -> None:
    engine = engine_with_orders()
    async with running(engine) as console:
        await console.press("3")
        console.clock.now += 1
        await at_once(console, *click(*place_of(console, "#12")), events.Key("c", "c"))
        assert engine.sent() in ([], [("cancel", "t1-12", "")])
        console.clock.now += 1
        await console.press("c")
        assert engine.sent()[-1] == ("cancel", "t1-12", "")


async def test_a_key_behind_a_click_into_another_panel_acts_there_or_not_at_all() -> None:
    engine = engine_with_orders()
    async with running(engine) as console:
        await console.press("3")
        console.clock.now += 1
        await at_once(console, *click(*place_of(console, "2 Positions")), events.Key("c", "c"))
        assert engine.sent() == []
        assert console.screen.panel == "positions"


async def test_a_click_on_a_hint_acts_on_the_row_that_was_under_the_cursor_or_on_none() -> None:
    engine = engine_with_orders()
    async with running(engine) as console:
        await console.press("3")
        console.clock.now += 1
        y = console.app.query_one(HintLine).region.y
        x = console.picture.split("\n")[y].index("cancel")
        await at_once(console, *click(x, y), events.Key("j", "j"))
        assert engine.sent() in ([], [("cancel", "t1-14", "")])
        await at_once(console, *click(x, y), events.Key("4", "4"))
        assert [call[0] for call in engine.sent()] in ([], ["cancel"], ["cancel", "cancel"])


async def test_a_click_where_a_dialog_opens_in_the_same_moment_says_yes_to_nothing() -> None:
    engine = engine_with_orders()
    async with running(engine) as console:
        width, height = console.app.size
        await console.press("q")
        console.clock.now += 1
        places = [(x, y) for x in range(30, width - 30, 8) for y in range(8, height - 8, 2)]
        await console.press("escape")
        for x, y in places:
            await at_once(console, events.Key("q", "q"), *click(x, y, 2))
            assert console.app.return_code is None
            assert not console.app._exit
            await console.press("escape", "escape")
        assert engine.sent() == []
