"""README and pages say what the code does: their tables come from it, their examples run, and each key, option, setting and file they
name is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from console.accounts.config import load_whole
from console.backtest.command import backtest
from console.check import check
from console.config import leaves
from console.data.command import data
from console.doctor.command import doctor
from console.init import init
from console.key_names import shown
from console.keys import ACTIONS, FIXED
from console.kill import kill
from console.start import start
from engine.feeds.names import FETCHED
from engine.model.settings import Settings
from engine.strategies.loader import load
from tests.project_files import ROOT
from tests.readme import DOCS, PICTURES, README, parts
from tests.readme_scenes import SCENES
from themes import Themes

PAGES = {page.name: page.read_text(encoding="utf-8") for page in (README, *sorted(DOCS.glob("*.md")))}
TEXT = PAGES["README.md"]
WRITTEN = [PAGES[name] for name in ("README.md", "scripts.md", "market.md", "settings.md", "limits.md")]
PYTHON = [code for text in WRITTEN for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]
YAML = [code for text in WRITTEN for code in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
THEMES = [text for text in YAML if "extends:" in text]
CONFIGS = [text for text in YAML if text not in THEMES]
KEYS = {shown(key) for action in (*ACTIONS, *FIXED) for key in action.keys}
SETTINGS = {place.replace("[]", "") for place, _ in leaves(Settings)}
LARGEST_PICTURE = 150_000


def named(text: str) -> set[str]:
    """What stands between backticks, outside of blocks of code."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))


@pytest.mark.parametrize(("page", "name", "part"), list(parts()), ids=lambda it: it if isinstance(it, str) and len(it) < 20 else "")
def test_a_table_is_in_step_with_the_code(page: Path, name: str, part: str) -> None:
    assert f"<!-- {name} -->\n{part}\n<!-- end of {name} -->" in page.read_text(encoding="utf-8"), "run: make readme"


@pytest.mark.parametrize("page", PAGES)
def test_every_key_that_is_named_does_something(page: str) -> None:
    keys = {name for name in named(PAGES[page]) if re.fullmatch(r"\^[A-Z]|F\d+|[a-zA-Z?!':/]", name)}
    refused = {"^S", "^Q", "^B", "^A", "^H", "^I", "^J", "^M", "^Z", "B"} if page == "keys.md" else set()
    assert keys - refused <= KEYS


@pytest.mark.parametrize("page", PAGES)
def test_every_option_that_is_named_is_one(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    commands = set(re.findall(r"^    .*(?:tradeconsole|ARGS=).*", PAGES[page], re.MULTILINE))
    options = {option for written in named(PAGES[page]) | commands for option in _options(written)}
    known = {option for command in (start, kill, init, doctor, backtest, check, fetch) for option in _options(_help(command, capsys))}
    assert options - {"--strict"} <= known  # mypy's


def fetch(arguments: Sequence[str]) -> int:
    return data(["fetch", *arguments])


def _options(text: str) -> list[str]:
    return re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)


def _help(command: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        command(["-h"])
    return capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_is_named_is_one(page: str) -> None:
    sections = {place.split(".")[0] for place in SETTINGS if "." in place}
    names = {
        name.split(":")[0].replace("[]", "") for name in named(PAGES[page]) if re.match(rf"({'|'.join(sections)})\.(?!log$)[a-z]", name)
    }
    assert {name for name in names if not any(place == name or place.startswith(f"{name}.") for place in SETTINGS)} == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_is_there(page: str) -> None:
    folder = ROOT if page == "README.md" else DOCS
    links = {folder / link for link in re.findall(r"\]\(([^)#:]+)\)", PAGES[page])}
    files = {ROOT / name for name in named(PAGES[page]) if re.match(r"(console|engine|storage|tests|themes|widgets)/", name)}
    assert [str(file) for file in links | files if not file.exists()] == []


def test_every_page_is_led_to() -> None:
    assert [page for page in PAGES if page != "README.md" and f"](console/docs/{page})" not in TEXT] == []


@pytest.mark.parametrize("scene", SCENES)
def test_a_picture_is_there_small_and_whole(scene: str) -> None:
    picture = PICTURES / f"{scene}.svg"
    assert f"]({picture.relative_to(ROOT)})" in TEXT
    text = picture.read_text(encoding="utf-8")
    assert len(text) < LARGEST_PICTURE
    assert ElementTree.fromstring(text).tag.endswith("svg")


def test_there_is_no_picture_that_no_script_takes() -> None:
    assert {file.stem for file in PICTURES.iterdir()} == set(SCENES)


@pytest.mark.parametrize("code", PYTHON[:2], ids=["class", "function"])
def test_the_strategies_load(code: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(code)
    load(str(file), {})


def test_the_script_that_takes_the_engine_which_suits_runs(tmp_path: Path) -> None:
    assert run(PYTHON[2], tmp_path).startswith("backtest 100")


def test_the_script_trades(tmp_path: Path) -> None:
    sent, held = run(PYTHON[3], tmp_path).splitlines()
    assert "BUY 10 AAPL" in sent
    assert held.startswith("AAPL 10 ")
    assert PYTHON[4] == PYTHON[3]


def test_the_script_of_groups_and_replaces_trades(tmp_path: Path) -> None:
    money, bracket, pair, replaced = run(PYTHON[5], tmp_path).splitlines()
    assert re.fullmatch(r"#1 BUY \d+\.\d{1,4} AAPL market DAY sent \(500 at [\d.]+ a share\)", money)
    assert bracket == "#2 BUY 10 AAPL market DAY sent with #3, #4 held for what it fills"
    assert re.fullmatch(r"#5 BUY 5 AAPL limit \S+ DAY, #6 BUY 5 AAPL stop \S+ DAY sent: one cancels the other", pair)
    assert re.fullmatch(r"replace of #5 by BUY 5 AAPL limit \S+ DAY sent", replaced)


def run(code: str, folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_theme_is_a_theme(tmp_path: Path) -> None:
    (theme,) = THEMES
    (tmp_path / "mine.yaml").write_text(theme)
    assert Themes([tmp_path]).load("mine").accent == "#7A1F5C"


@pytest.mark.parametrize("config", CONFIGS)
def test_a_config_is_a_config(config: str, tmp_path: Path) -> None:
    file = tmp_path / "tradeconsole.yaml"
    file.write_text(config)
    settings, accounts = load_whole(file)
    assert settings.feed.source in ("sim", "sample")
    if accounts is not None:
        asked = {name: its.symbols for name, its in accounts.settings.items() if its.feed.source in FETCHED}
        assert all(asked.values()), f"no such account starts without symbols: {asked}"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_asks_a_market_says_for_what(page: str) -> None:
    """Else it ends with just that."""
    commands = re.findall(r"tradeconsole (?:--\w+ \w+ )*--feed (?:yahoo|alpaca|ib)\b[^`\n]*", re.sub(r"\n(?! {4}|\n)", " ", PAGES[page]))
    assert [command for command in commands if "--symbols" not in command] == []
