"""Choosing a theme on the screen: what is previewed, kept, brought back, and which file decides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.theme import Theme

from console.app import ConsoleApp
from console.screens.themes import ThemeChoice
from console.screens.trading import TradingScreen
from tests.console.driving import Console, running
from tests.console.fake_engine import FakeEngine
from themes import ThemeError, Themes


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


def chosen(folder: Path) -> str:
    name: str = json.loads((folder / "theme.json").read_text())["chosen"]
    return name


def ground(console: Console) -> str:
    """The ground of the trading screen's first cell, as it is drawn."""
    strip = console.app.screen._compositor.render_strips()[3]
    (first, *_) = [segment.style.bgcolor for segment in strip if segment.style and segment.style.bgcolor]
    assert first.triplet
    return first.triplet.hex


async def offered(console: Console) -> None:
    await console.until(lambda: all(map(console.app.looks.usable, console.app.looks.names)))


async def test_moving_repaints_the_whole_screen_and_escape_brings_back_what_was(tmp_path: Path) -> None:
    async with running(FakeEngine(), kept=tmp_path) as console:
        await offered(console)
        await console.press("t", "down")
        await console.until(lambda: ground(console) == (Themes().load("ember").background or "").lower())
        await console.press("escape")
        await console.until(lambda: ground(console) == (Themes().load("dark").background or "").lower())
        assert isinstance(console.app.screen, TradingScreen)
    assert not (tmp_path / "theme.json").exists()


async def test_enter_keeps_the_theme_for_the_next_start(tmp_path: Path) -> None:
    async with running(FakeEngine(), kept=tmp_path) as console:
        await offered(console)
        await console.press("t")
        await console.let_pass(1)
        await console.press("up", "enter")
        assert (console.app.theme, console.app.looks.chosen) == ("colour-blind", "colour-blind")
        console.app.kept.close()
    assert chosen(tmp_path) == "colour-blind"
    assert ConsoleApp(FakeEngine(), kept=tmp_path).theme == "colour-blind"


def test_a_theme_newly_named_in_the_config_goes_over_the_one_that_was_chosen_before(tmp_path: Path) -> None:
    (tmp_path / "theme.json").write_text('{"chosen": "ember", "over": "dark"}')
    assert ConsoleApp(FakeEngine(), kept=tmp_path).theme == "ember"
    assert ConsoleApp(FakeEngine(), kept=tmp_path, theme="paper").theme == "paper"


def test_no_color_goes_over_what_was_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theme.json").write_text('{"chosen": "ember", "over": "dark"}')
    monkeypatch.setenv("NO_COLOR", "1")
    assert ConsoleApp(FakeEngine(), kept=tmp_path).theme == "monochrome"


async def test_a_chosen_theme_that_is_gone_costs_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "theme.json").write_text('{"chosen": "mine", "over": "dark"}')
    async with running(FakeEngine(), kept=tmp_path) as console:
        await console.shows("The theme you chose cannot be used: there is no theme 'mine'")
        assert console.app.theme == "dark"


def test_a_theme_of_the_config_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ThemeError, match="there is no theme 'nope'; there are colour-blind, dark"):
        ConsoleApp(FakeEngine(), theme="nope")


def test_one_theme_is_read_for_the_first_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    load = Themes.load

    def reading(themes: Themes, name: str) -> Theme:
        read.append(name)
        return load(themes, name)

    monkeypatch.setattr(Themes, "load", reading)
    ConsoleApp(FakeEngine())
    assert read == ["dark"]


async def test_several_broken_themes_are_named_in_one_sentence_and_each_says_why_in_the_choice(tmp_path: Path) -> None:
    (tmp_path / "lost.yaml").write_text("extends: nosuch\n")
    (tmp_path / "ugly.yaml").write_text("extends: ember\nroles: {up: '#222222'}\n")
    async with running(FakeEngine(), theme_folders=(tmp_path,)) as console:
        await console.shows("These themes cannot be used and are left out: lost, ugly.")
        why = console.app.looks.about("lost")
        assert "there is no theme 'nosuch'; there are colour-blind, dark" in why
        assert "lost," not in why, "a theme that cannot be used is no way out of what it says itself"
        assert "roles.up: #222222" in console.app.looks.about("ugly")


async def test_a_users_theme_is_offered_and_a_broken_one_says_why_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: ember\n")
    (tmp_path / "ugly.yaml").write_text("extends: ember\nroles: {up: '#222222'}\n")
    async with running(FakeEngine(), theme_folders=(tmp_path,)) as console:
        await console.shows("It is left out.")
        assert "roles.up: #222222" in console.line.said
        await console.until(lambda: console.app.looks.usable("mine"))
        await console.press("t")
        await console.let_pass(1)
        for _ in range(console.app.looks.names.index("ugly") - console.app.looks.names.index("dark")):
            await console.press("down")
        await console.shows("▸  ugly")
        await console.press("enter")
        assert isinstance(console.app.screen, ThemeChoice)
        for _ in range(console.app.looks.names.index("ugly") - console.app.looks.names.index("mine")):
            await console.press("up")
        await console.press("enter")
        assert console.app.theme == "mine"


async def test_a_click_previews_a_theme_and_two_keep_it(tmp_path: Path) -> None:
    async with running(FakeEngine(), kept=tmp_path) as console:
        await offered(console)
        await console.press("t")
        await console.let_pass(1)
        await console.shows("in use")
        lines = console.picture.splitlines()
        y = next(y for y, line in enumerate(lines) if " paper " in line[80:])
        await console.click(lines[y].rindex("paper"), y)
        assert (console.app.theme, console.app.looks.chosen) == ("paper", "dark")
        await console.click(lines[y].rindex("paper"), y, 2)
        assert (console.app.theme, console.app.looks.chosen) == ("paper", "paper")
