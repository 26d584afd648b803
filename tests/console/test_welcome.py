"""What a newcomer is told, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from console import cli, start
from console.app import ConsoleApp
from console.screens.trading import TradingScreen
from console.screens.welcome import Welcome
from tests.console.driving import Clock, Console
from tests.console.fake_engine import FakeEngine

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")


@SIZES
async def test_a_newcomer_reads_what_this_is_and_five_keys_on_one_page(size: tuple[int, int], tmp_path: Path) -> None:
    clock = Clock()
    app = ConsoleApp(FakeEngine(), clock=clock, kept=tmp_path, welcome=True)
    async with app.run_test(size=size) as pilot:
        console = Console(app, pilot, clock)
        for words in ("This trades on paper", "F12", "stops everything", "b ", "a x", "1-7", "?", "Any key closes this"):
            await console.shows(words)


async def test_any_key_closes_it_and_does_nothing_else_and_it_does_not_come_back(tmp_path: Path) -> None:
    engine, clock = FakeEngine(), Clock()
    app = ConsoleApp(engine, clock=clock, kept=tmp_path, welcome=True)
    async with app.run_test(size=(120, 36)) as pilot:
        console = Console(app, pilot, clock)
        await console.until(lambda: isinstance(app.screen, Welcome))
        await console.let_pass(1)
        await console.press("q")
        await console.until(lambda: isinstance(app.screen, TradingScreen))
        assert app.is_running
        assert engine.sent() == []
    app.kept.close()
    again = ConsoleApp(FakeEngine(), clock=clock, kept=tmp_path, welcome=True)
    async with again.run_test(size=(120, 36)) as pilot:
        await Console(again, pilot, clock).shows("Watchlist")
        assert isinstance(again.screen, TradingScreen)


async def test_a_click_on_its_hint_closes_it(tmp_path: Path) -> None:
    clock = Clock()
    app = ConsoleApp(FakeEngine(), clock=clock, kept=tmp_path, welcome=True)
    async with app.run_test(size=(120, 36)) as pilot:
        console = Console(app, pilot, clock)
        await console.shows("Any key closes this")
        await console.let_pass(1)
        await console.click(3, 35)
        await console.until(lambda: isinstance(app.screen, TradingScreen))
        await pilot.pause()
        assert "failed" not in console.picture


async def test_the_stop_key_works_in_it(tmp_path: Path) -> None:
    engine, clock = FakeEngine(), Clock()
    app = ConsoleApp(engine, clock=clock, kept=tmp_path, welcome=True)
    async with app.run_test(size=(120, 36)) as pilot:
        console = Console(app, pilot, clock)
        await console.until(lambda: isinstance(app.screen, Welcome))
        await console.press("f12")
        assert engine.sent() == [("emergency_stop", "stop key")]


def test_whoever_has_a_config_or_knows_an_option_is_no_newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    told: list[bool] = []

    def run(_settings: object, _keys: object, _config: object, *, welcome: bool, **_more: object) -> int:
        told.append(welcome)
        return 0

    monkeypatch.setattr(start, "_run", run)
    cli.run([])
    cli.run(["--symbols", "AAPL"])
    (tmp_path / "tradeconsole.yaml").write_text("mode: research\n")
    cli.run([])
    assert told == [True, False, False]
