"""Loading: what is said about a file before a line of it runs, and what is said when it does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.strategies.functions import FunctionStrategy
from engine.strategies.loader import check, load, ready_made
from tradeconsole import Strategy, StrategyError

GOOD = """
from tradeconsole import Strategy, param

class Buyer(Strategy):
    size = param(10, low=1, high=100)

    def on_bar(self, ctx, bar):
        ctx.buy(bar.symbol, self.size)
"""


def write(folder: Path, source: str, name: str = "mine.py") -> str:
    path = folder / name
    path.write_text(source, encoding="utf-8")
    return str(path)


def test_the_ready_made_ones_are_found_by_name() -> None:
    assert ready_made() == ("breakout", "rsi_reversion", "sma_cross")
    for name in ready_made():
        assert check(name, {}).params
        assert isinstance(load(name, {}), Strategy)


def test_a_file_is_loaded_by_its_path_with_its_parameters(tmp_path: Path) -> None:
    strategy = load(write(tmp_path, GOOD), {"size": 7})
    assert type(strategy).__name__ == "Buyer"
    assert vars(strategy) == {"size": 7}


WRONG_FILES = {
    "a syntax error": ("class Buyer(:\n", "mine.py, line 1: "),
    "nothing in it": ("x = 1\n", "holds no strategy. Write a class that derives from Strategy"),
    "null bytes": ("\0", "mine.py"),
    "no callback that would ever trade": (
        "from tradeconsole import Strategy\nclass Idle(Strategy):\n    def on_fill(self, ctx, fill): ...\n",
        "line 2: Idle has none of on_bar, on_quote and on_update",
    ),
    "two strategies": (GOOD + GOOD.replace("Buyer", "Seller"), "2 strategy classes: Buyer (line 4), Seller (line 12)"),
    "two functions that fit": (
        "def a(data, symbol, price): ...\ndef b(data, symbol, price): ...\n",
        "2 fitting functions: a (line 1), b (line 2). Which one is meant cannot be told; call one of them strategy",
    ),
    "a callback without its arguments": (
        "from tradeconsole import Strategy\nclass Short(Strategy):\n    def on_bar(self, bar): ...\n",
        "line 3: on_bar takes 2 arguments; it is called as on_bar(self, ctx, bar)",
    ),
    "an async callback": (
        "from tradeconsole import Strategy\nclass Later(Strategy):\n    async def on_bar(self, ctx, bar): ...\n",
        "line 3: on_bar is async",
    ),
}


@pytest.mark.parametrize(("source", "words"), WRONG_FILES.values(), ids=WRONG_FILES.keys())
def test_a_wrong_file_is_refused_without_running_it(tmp_path: Path, source: str, words: str) -> None:
    trap = "" if "\0" in source or "(:" in source else "\nraise SystemExit('it was run')\n"
    with pytest.raises(StrategyError) as caught:
        check(write(tmp_path, source + trap), {})
    assert words in str(caught.value)
    assert "mine.py" in str(caught.value)


@pytest.mark.parametrize(
    ("params", "words"),
    [({"sise": 5}, "Did you mean 'size'?"), ({"size": 0}, "size must be a whole number from 1 to 100; it is 0")],
)
def test_wrong_parameters_are_refused_without_running_the_file(tmp_path: Path, params: dict[str, int], words: str) -> None:
    file = write(tmp_path, GOOD + "\nraise SystemExit('it was run')\n")
    with pytest.raises(StrategyError, match=r"mine\.py") as caught:
        check(file, params)
    assert words in str(caught.value)


def test_a_missing_file_says_which_ready_made_one_was_perhaps_meant(tmp_path: Path) -> None:
    with pytest.raises(StrategyError, match=r"no strategy file 'sma_cros'\. Did you mean 'sma_cross'\? Ready-made ones: breakout, rsi_rev"):
        check("sma_cros", {})
    with pytest.raises(StrategyError, match="is a folder"):
        check(str(tmp_path), {})
    # Some versions of Python raise on such a name and some say that it is not there.
    with pytest.raises(StrategyError, match=r"cannot be opened|no strategy file"):
        check("nul\0byte.py", {})


def test_ranges_that_only_running_can_tell_are_checked_on_loading(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD.replace("high=100", "high=10 * 10"))
    assert check(file, {"size": 500}).params is None
    with pytest.raises(StrategyError, match=r"mine\.py, line 4: .*size must be a whole number from 1 to 100; it is 500"):
        load(file, {"size": 500})


def test_a_base_class_in_the_same_file_is_not_taken_for_the_strategy(tmp_path: Path) -> None:
    source = GOOD + "\n\nclass Careful(Buyer):\n    size = param(5, low=1, high=10)\n"
    found = check(write(tmp_path, source), {"size": 10})
    assert found.name == "Careful"
    with pytest.raises(StrategyError, match="from 1 to 10"):
        check(write(tmp_path, source), {"size": 50})


def test_what_the_file_raises_is_told_with_its_own_line(tmp_path: Path) -> None:
    with pytest.raises(StrategyError, match=r"mine\.py, line 2: ZeroDivisionError"):
        load(write(tmp_path, "\n1 / 0\n" + GOOD), {})
    with pytest.raises(StrategyError, match=r"mine\.py, line 1: SystemExit"):
        load(write(tmp_path, "raise SystemExit(3)\n" + GOOD), {})
    assert "_strategy_mine" not in sys.modules


def test_a_class_that_only_looks_like_a_strategy_is_refused(tmp_path: Path) -> None:
    source = "from collections import UserDict\nclass Fake(UserDict):\n    def on_bar(self, ctx, bar): ...\n"
    with pytest.raises(StrategyError, match="line 2: Fake does not derive from tradeconsole's Strategy"):
        load(write(tmp_path, source), {})


def test_files_beside_a_strategy_neither_shadow_ours_nor_can_be_imported(tmp_path: Path) -> None:
    write(tmp_path, "raise RuntimeError('the wrong engine')\n", "engine.py")
    path_before = list(sys.path)
    file = write(tmp_path, "import engine.model\n" + GOOD, "random.py")
    load(file, {})
    assert sys.path == path_before
    assert sys.modules["random"].__file__ != file
    write(tmp_path, "", "helpers.py")
    with pytest.raises(StrategyError, match="Files beside a strategy are not importable"):
        load(write(tmp_path, "import helpers\n" + GOOD), {})


def test_a_strategy_file_may_itself_be_called_engine(tmp_path: Path) -> None:
    assert type(load(write(tmp_path, GOOD, "engine.py"), {})).__name__ == "Buyer"


@pytest.mark.parametrize(
    "source",
    [
        "def strategy(data, symbol, current_price): ...\ndef other(data, symbol, price): ...\n",
        "def signal(data, symbol, current_price, period=14): ...\ndef helper(x): ...\n",
        "def mine(data, symbol, price, *, period=14, **kw): ...\ndef _hidden(data, symbol, price): ...\n",
    ],
)
def test_a_function_is_found_by_name_or_as_the_only_one_of_its_shape(tmp_path: Path, source: str) -> None:
    found = check(write(tmp_path, source), {})
    assert found.is_function
    assert found.name in ("strategy", "signal", "mine")


def test_a_functions_keywords_are_its_parameters(tmp_path: Path) -> None:
    file = write(tmp_path, "def strategy(data, symbol, current_price, period=14): ...\n")
    assert isinstance(load(file, {"period": 20}), FunctionStrategy)
    with pytest.raises(StrategyError, match=r"no parameter 'perod'\. Did you mean 'period'"):
        check(file, {"perod": 20})
    with pytest.raises(StrategyError, match="period must be a whole number; it is 'long'"):
        check(file, {"period": "long"})


def test_a_file_too_long_to_be_a_strategy_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "long.py"
    file.write_text("x = [\n" + "0,\n" * 200_000 + "]\n")
    with pytest.raises(StrategyError, match="longer than 500,000 bytes"):
        check(str(file), {})
