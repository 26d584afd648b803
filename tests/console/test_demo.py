"""The demo: a script presses keys as a person would, each step comes true, and the first key of a person ends it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace
from textual import events

from console import app as console_app
from console import cli
from console.app import ConsoleApp
from console.build import create_engine
from console.demo import player
from console.demo.player import Player, Scene, ScriptedKey, Step
from console.demo.run import demo_settings, run_demo
from console.demo.script import AFTER, SCRIPT
from console.screens.questions import Choose
from console.trading_engine import TradingEngine
from engine.model import Mode, TradingState
from tests.console.driving import SMALL, WIDE, Clock, Console
from tests.console.fake_engine import FakeEngine

TIMES_AS_FAST = 12
BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])


@asynccontextmanager
async def playing(
    engine: TradingEngine, size: tuple[int, int] = WIDE, clock: Callable[[], float] | None = None, **options: Any
) -> AsyncIterator[Console]:
    by_hand = Clock()
    app = ConsoleApp(engine, clock=clock or by_hand, demo=True, **options)
    try:
        async with app.run_test(size=size) as pilot:
            console = Console(app, pilot, by_hand)
            await console.shows("DEMO")
            yield console
    finally:
        app.archive.close()
        app.config.close()
        app.kept.close()


def said(console: Console) -> str:
    assert console.app.show is not None
    return console.app.show.player.caption


# ---- all of it


@BOTH
async def test_every_step_of_the_script_comes_true_over_the_real_engine(
    tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "PATIENCE_S", 60.0 * TIMES_AS_FAST)
    settings = demo_settings(tmp_path)
    engine = create_engine(replace(settings, feed=replace(settings.feed, speed=5.0)))
    begun = time.monotonic()
    try:
        async with playing(
            engine, size, lambda: begun + (time.monotonic() - begun) * TIMES_AS_FAST, database=settings.database, kept=tmp_path / "screen"
        ) as console:
            show = console.app.show
            assert show is not None
            seen: set[str] = set()
            while not show.player.over:
                await console.pilot.pause(0.02)
                picture = console.picture
                if said(console) in picture:
                    seen.add(said(console))
                # A screen that just opens has no picture yet.
                assert "F12" in picture or not picture
            assert show.player.came_true == list(SCRIPT), f"the script ended with: {said(console)}"
            assert {step.says for step in SCRIPT if step.says} <= seen
            await console.shows(AFTER)
            view = engine.view()
            assert (view.account.state, view.account.mode) == (TradingState.ACTIVE, Mode.MANUAL)
            assert all(row.state.is_final for row in view.orders if not row.strategy)
            assert console.app.screen is console.screen
            await console.press("b")
            assert "Order ticket" in console.picture
            assert "DEMO" not in console.picture
    finally:
        engine.shutdown()


def test_the_market_of_the_demo_is_the_same_for_everybody(tmp_path: Path) -> None:
    feed = demo_settings(tmp_path).feed
    assert feed.source == "sim"
    assert feed.start
    assert demo_settings(tmp_path, 9).feed == replace(feed, seed=9)


def test_what_it_says_has_room_in_eighty_columns() -> None:
    assert all(len(step.says) <= 68 for step in SCRIPT)


# ---- a person takes over


@pytest.mark.parametrize("key", ["b", "enter", "escape", "q", "f9", "m"])
async def test_the_first_key_of_a_person_ends_the_script_and_does_nothing_else(key: str) -> None:
    engine = FakeEngine()
    async with playing(engine) as console:
        await console.press(key)
        assert said(console) == AFTER
        assert console.app.screen is console.screen
        before = list(engine.sent())
        for _ in range(20):
            await console.let_pass(5)
        assert engine.sent() == before == []
        await console.shows(AFTER)
        await console.press("b")
        assert "Order ticket" in console.picture
        await console.until(lambda: "DEMO" not in console.picture)


async def test_a_click_and_a_paste_end_it_as_well() -> None:
    for event in (events.Paste("buy 10 AAPL"), events.MouseDown(None, 5, 8, 0, 0, 1, False, False, False)):
        async with playing(FakeEngine()) as console:
            event.set_sender(console.app)
            console.app.post_message(event)
            await console.pilot.pause()
            assert said(console) == AFTER


@pytest.mark.parametrize("key", ["f12", "ctrl+g"])
async def test_the_stop_key_stops_trading_and_the_script(key: str) -> None:
    engine = FakeEngine()
    async with playing(engine) as console:
        await console.press(key)
        assert engine.sent() == [("emergency_stop", "stop key")]
        assert said(console) == AFTER


async def test_a_stop_that_the_terminal_hands_on_before_the_screen_ends_the_script_too() -> None:
    engine = FakeEngine()
    async with playing(engine) as console:
        console.app.stop_pressed()
        await console.until(lambda: said(console) == AFTER)
        assert engine.sent() == [("emergency_stop", "stop key")]


async def test_leaving_works_at_any_moment() -> None:
    async with playing(FakeEngine()) as console:
        await console.press("ctrl+c")
        assert said(console) == AFTER
        assert isinstance(console.app.screen, Choose)
        assert "Quit?" in console.picture


async def test_a_frame_and_a_key_that_come_while_the_screens_are_put_away_are_nothing() -> None:
    async with playing(FakeEngine()) as console:
        app, show = console.app, console.app.show
    assert not app.screen_stack
    assert show is not None
    show.frame()
    for event in (ScriptedKey("b", "b"), events.Key("b", "b"), events.Paste("buy")):
        await app.on_event(event)
    assert app._exception is None


# ---- the player


def test_keys_come_one_by_one_and_letters_at_typing_speed() -> None:
    clock, pressed = Clock(), list[tuple[str, float]]()
    begun = clock.now

    def press(key: events.Key) -> None:
        pressed.append((key.key, clock.now - begun))

    plays = Player([Step("one", ("b", "type:1x", "f5"), reads_s=1.0)], press, clock, AFTER)
    while not plays.over:
        plays.tick(scene())
        clock.now += 0.01
    assert [key for key, _ in pressed] == ["b", "1", "x", "f5"]
    times = [at for _, at in pressed]
    assert times[2] - times[1] < 0.1 < times[1] - times[0]
    assert times[3] - times[2] > 0.4
    assert plays.caption == f"That was it. {AFTER}"


def test_a_step_waits_for_what_it_needs_and_for_what_it_brings_about() -> None:
    clock, pressed, world = Clock(), list[str](), {"ready": False, "done": False}
    step = Step("wait", ("a",), lambda _: world["done"], lambda _: world["ready"], reads_s=0.0, again_s=2.0)

    def press(key: events.Key) -> None:
        pressed.append(key.key)

    plays = Player([step], press, clock, AFTER)

    def pass_by(seconds: float) -> None:
        for _ in range(int(seconds * 20)):
            plays.tick(scene())
            clock.now += 0.05

    pass_by(5)
    assert pressed == []
    world["ready"] = True
    pass_by(1)
    assert pressed == ["a"]
    pass_by(3)
    assert pressed == ["a", "a"]
    world["done"] = True
    pass_by(1)
    assert (plays.came_true, plays.over) == ([step], True)


def test_a_step_that_never_comes_true_ends_the_script_in_words() -> None:
    clock = Clock()
    plays = Player([Step("wait", (), lambda _: False)], lambda _: None, clock, AFTER)
    while not plays.over:
        plays.tick(scene())
        clock.now += 1
    assert plays.caption == f"The script waited in vain and ends here. {AFTER}"
    assert plays.came_true == []


def test_a_letter_that_is_typed_carries_its_character() -> None:
    clock, pressed = Clock(), list[events.Key]()
    plays = Player([Step("", ("type:+3%",), reads_s=0.0)], pressed.append, clock, AFTER)
    while not plays.over:
        plays.tick(scene())
        clock.now += 1
    assert [(key.key, key.character) for key in pressed] == [("plus", "+"), ("3", "3"), ("percent_sign", "%")]
    assert all(isinstance(key, ScriptedKey) for key in pressed)


def scene() -> Scene:
    return cast(Scene, SimpleNamespace())


# ---- the command


def test_its_folder_is_there_while_it_runs_and_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []

    def run_console(_engine: object, **options: Any) -> int:
        assert options["demo"]
        folders.append(options["database"].parent)
        options["database"].write_text("something")
        assert options["kept"].is_relative_to(folders[0])
        assert options["config"].file.is_relative_to(folders[0])
        return 143

    monkeypatch.setattr(console_app, "run_console", run_console)
    assert run_demo() == 143
    assert not folders[0].exists()


@pytest.mark.parametrize("option", [("--headless",), ("--feed", "sample"), ("--mode", "semi-auto"), ("--config", "mine.yaml")])
def test_it_goes_with_no_other_account_or_market(
    option: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(SystemExit) as ended:
        cli.run(["--demo", *option])
    assert ended.value.code == 2
    assert f"it does not go with {option[0]}" in capsys.readouterr().err
