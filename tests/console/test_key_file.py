"""The user's own keys: what a file may change, and how each mistake is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from console.cli import run
from console.config import ConfigError
from console.key_file import load_keys, read_keys
from console.keys import NO_KEY, KeyMap
from tests.console.driving import running
from tests.console.fake_engine import FakeEngine
from tests.keys_page import PAGE


def written(folder: Path, text: str) -> Path:
    file = folder / "keys.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_file_the_keys_are_the_built_in_ones(tmp_path: Path) -> None:
    assert load_keys(tmp_path).names == KeyMap().names
    written(tmp_path, "# nothing yet\n")
    assert load_keys(tmp_path).names == KeyMap().names


def test_a_key_a_list_and_none(tmp_path: Path) -> None:
    written(tmp_path, "buy: U\nrow_down: [n, down]\ntheme: []\n")
    keys = load_keys(tmp_path)
    assert keys.find("U", "watch") is keys.find("U", "orders")
    assert keys.find("b", "watch") is None
    assert [getattr(keys.find(key, "log"), "name", "") for key in ("n", "down", "j")] == ["row_down", "row_down", ""]
    assert keys.names["theme"] == NO_KEY


def test_two_actions_may_change_places(tmp_path: Path) -> None:
    keys = read_keys(written(tmp_path, "buy: s\nsell: b\n"))
    assert (keys.names["buy"], keys.names["sell"]) == ("s", "b")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("buy: m", "1: buy: the key m already means mode (execution mode; also the way out of a stop): choose another key, or"),
        ("buy: m\n\nsell: m", "3: sell: the key m already means buy (buy: "),
        ("mode: x", "1: mode: the key x already means reject"),
        ("quit: f12", "1: quit: the key F12 already means emergency_stop"),
        ("quit: ^G", "1: quit: the key ^G already means emergency_stop"),
        ("emergency_stop: []", "1: emergency_stop: F12 and ^G always work, in this file too: they cannot be changed"),
        ("emergency_stop: f5", "1: emergency_stop: F12 and ^G always work, in this file too: they cannot be changed"),
        ("help: tab", "1: help: the key Tab already means complete"),
        ("\nbuy: ctrl+s", "2: buy: 'ctrl+s' cannot be used: it does not reach a program everywhere: ^S makes many"),
        ("buy: [B, alt+b]", "1: buy: 'alt+b' cannot be used: it does not reach a program everywhere: a chord with Alt"),
        ("buy: hop", "1: buy: 'hop' cannot be used: there is no key of that name; allowed: a letter, a digit"),
        ("by: x", "1: by: there is no such action; did you mean buy?"),
        ("panel_watc: x", "1: panel_watc: there is no such action; did you mean panel_watch"),
        ("stop: f5", "1: stop: there is no such action; did you mean emergency_stop?"),
        ("qqq: x", f"1: qqq: there is no such action; the nearest are quit and emergency_stop, all 75 are in {PAGE}"),
        ("buy:", "1: buy: has no key: give one, or [] to take its keys away"),
        ("buy: {a: b}", "1: buy: a key or a list of keys belongs here"),
        ("buy: [[a]]", "1: buy: a key or a list of keys belongs here"),
        ("[buy]", "1: the file must be a mapping of actions to their keys"),
        ("buy: [", "1: this is not YAML"),
        ("buy: B\nbuy: V", "2: 'buy' is given twice, first in line 1"),
    ],
)
def test_a_mistake_names_file_line_action_and_what_is_right(tmp_path: Path, text: str, said: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        read_keys(file)
    assert any(line.startswith(f"{file}:{said}") for line in str(error.value).splitlines()), str(error.value)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read_keys(written(tmp_path, "by: x\nbuy: alt+x\nsell: m\n"))
    assert [int(line.split(":")[1]) for line in str(error.value).splitlines()] == [1, 2, 3]


def test_the_command_says_what_is_wrong_and_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    file = written(tmp_path, "buy: m\n")
    with pytest.raises(SystemExit) as ended:
        run([])
    assert ended.value.code == 2
    assert f"{file}:1: buy: the key m already means mode" in capsys.readouterr().err


def test_the_example_of_the_page_is_right(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert read_keys(written(tmp_path, example)).names["buy"] == "U"


async def test_the_users_keys_act_and_are_told_everywhere(tmp_path: Path) -> None:
    keys = read_keys(written(tmp_path, "buy: U\nflatten: f10\norder_line: ';'\nhelp: f4\n"))
    engine = FakeEngine()
    engine.change(positions=())
    async with running(engine, keys=keys) as console:
        await console.shows("No positions. U buys,")
        await console.shows("; opens the order line.")
        await console.shows("U buy")
        await console.press("colon")
        await console.type("z")
        assert console.line.text == ""
        await console.type(";sell")
        assert console.line.text == "sell"
        await console.press("escape")
        await console.shows("F4 help")
        await console.press("f4")
        await console.shows("F10")
