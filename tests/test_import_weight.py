"""What starting the console must not import: each of these costs more time than everything that is on the first screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.warm_up import LATER

HEAVY = ("pandas", "numpy", "alpaca", "ib_insync", "yfinance", "exchange_calendars", "pyarrow", "pydantic", "requests")


def loaded_by(*modules: str) -> set[str]:
    """The modules that a fresh process holds after importing these."""
    code = f"import {', '.join(modules)}, sys; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("heavy", HEAVY)
def test_the_console_starts_without(heavy: str, everything: set[str]) -> None:
    assert heavy not in everything


@pytest.fixture(scope="module")
def everything() -> set[str]:
    return loaded_by("console.cli", "console.build", "console.app", "engine.shell", "engine.feeds.open", "storage.journal")


def test_a_run_without_a_screen_loads_no_screen() -> None:
    loaded = loaded_by("console.cli", "console.build")
    assert "engine.model" in loaded
    assert not loaded & {"textual", "rich"}


def test_help_and_mistakes_on_the_command_line_load_neither_engine_nor_screen() -> None:
    assert not loaded_by("console.cli") & {"textual", "rich", "yaml", "aiosqlite", "asyncio", "console.build", "console.app"}


def test_the_first_picture_waits_for_no_part_of_the_engine_that_does_the_work() -> None:
    loaded = loaded_by("console.build", "console.app")
    assert "engine.live" in loaded
    assert not loaded & {
        "engine.model.records",
        "engine.core.core",
        "engine.shell",
        "engine.view_builder",
        "engine.strategies.supervisor",
        "storage.journal",
    }


def test_brokers_of_ours_are_looked_at_before_the_first_picture_without_the_names_of_installed_ones() -> None:
    loaded = loaded_by("engine.brokers.open", "engine.brokers.alpaca.broker", "engine.brokers.ib.broker")
    assert not loaded & {"importlib.metadata", "email", "zipfile"}


def test_python_m_loads_what_the_command_does_and_not_what_strategies_and_scripts_are_offered() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "tradeconsole", "--version"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stderr.split()
    assert "console.start" in loaded
    assert not {"engine.model.records", "engine.model.inputs", "engine.strategies.indicators"} & set(loaded)


def test_a_backtest_over_the_sample_waits_for_nothing_that_fetches_prices_or_reads_a_file(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "tradeconsole", "backtest", "sma_cross", "--symbols", "IBM"]
    environment = {**os.environ, "TRADECONSOLE_HOME": str(tmp_path)}
    loaded = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stderr.split()
    assert "engine.backtest.lane" in loaded
    assert not {"pandas", "asyncio", "engine.feeds.sources", "engine.feeds.cache", "importlib.metadata", "engine.core.core"} & set(loaded)


def test_the_first_picture_waits_for_nothing_that_a_key_opens() -> None:
    loaded = loaded_by("console.start", "console.build", "console.app", "console.driver")
    assert "console.screens.trading" in loaded
    assert not loaded & {*LATER, "console.meanings", "console.completion", "console.screens.dialog", "engine.model.inputs", "secrets"}
    assert not [name for name in loaded if name.startswith(("console.order_line", "console.ticket", "console.screens.details"))]


def test_the_first_picture_waits_for_no_dataclass_of_ours_to_be_made() -> None:
    """Making one takes as long as thirty Structs, and there would be two hundred."""
    code = """
import console.start, console.build, console.app, console.driver, sys
for module in [module for name, module in sys.modules.items() if name.split(".")[0] in ("console", "engine", "widgets", "themes")]:
    mine = [value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__]
    print(*(value.__name__ for value in mine if hasattr(value, "__dataclass_fields__")))
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not made


def test_what_a_key_opens_is_there_by_the_time_the_first_picture_was_looked_at() -> None:
    code = "from console.warm_up import warm_up; warm_up(); import sys; print(*sys.modules)"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert {*LATER, "console.order_line"} <= loaded


def test_the_first_picture_in_a_theme_of_ours_waits_for_no_reader_of_yaml() -> None:
    code = "from themes import Themes; import sys; Themes().load('dark'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "yaml" not in loaded
