"""The README says what the code does: its tables come from the code, and its examples run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from console.config import read
from engine.strategies.loader import load
from tests.project_files import ROOT
from tests.readme import PICTURE, README, parts
from themes import Themes

TEXT = README.read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
YAML = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
THEMES = [text for text in YAML if "extends:" in text]
CONFIGS = [text for text in YAML if text not in THEMES]


@pytest.mark.parametrize(("name", "part"), list(parts()))
def test_a_table_is_in_step_with_the_code(name: str, part: str) -> None:
    assert f"<!-- {name} -->\n{part}\n<!-- end of {name} -->" in TEXT, "run: make readme"


def test_the_picture_is_there() -> None:
    assert str(PICTURE.relative_to(README.parent)) in TEXT
    assert PICTURE.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize("code", PYTHON[:2], ids=["class", "function"])
def test_the_strategies_load(code: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(code)
    load(str(file), {})


def test_the_script_trades(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PYTHON[2]]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert "BUY 10 AAPL" in result.stdout


def test_the_script_of_groups_and_replaces_trades(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PYTHON[3]]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True)
    money, bracket, pair, replaced = result.stdout.splitlines()
    assert re.fullmatch(r"#1 BUY \d+\.\d{1,4} AAPL market DAY sent \(500 at [\d.]+ a share\)", money)
    assert bracket == "#2 BUY 10 AAPL market DAY sent with #3, #4 held for what it fills"
    assert re.fullmatch(r"#5 BUY 5 AAPL limit \S+ DAY, #6 BUY 5 AAPL stop \S+ DAY sent: one cancels the other", pair)
    assert re.fullmatch(r"replace of #5 by BUY 5 AAPL limit \S+ DAY sent", replaced)


def test_the_theme_is_a_theme(tmp_path: Path) -> None:
    (theme,) = THEMES
    (tmp_path / "mine.yaml").write_text(theme)
    assert Themes([tmp_path]).load("mine").accent == "#7A1F5C"


@pytest.mark.parametrize("config", CONFIGS)
def test_a_config_is_a_config(config: str, tmp_path: Path) -> None:
    file = tmp_path / "tradeconsole.yaml"
    file.write_text(config)
    assert read(file, {}).feed.source in ("sim", "sample")
