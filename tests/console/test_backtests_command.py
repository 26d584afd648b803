"""The word `backtests`: what is kept of a run, listed, shown, compared, repeated and deleted."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from console import cli
from console.backtest import summary
from tests.engine.backtest.market import strategy

YEARS = ("--symbols", "AAPL", "--from", "2005-01-01", "--to", "2006-12-31")
BUYS = "def on_bar(self, ctx, bar):\n    ctx.target(bar.symbol, {quantity})"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path / "home"))
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert cli.run(list(words)) == code
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    return json.loads(said(capsys, *words, "--json", code=code))


def test_a_run_is_kept_and_told_as_it_was(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert "No backtest is kept yet" in said(capsys, "backtests")
    ran = said(capsys, "backtest", "sma_cross", *YEARS, "--set", "fast=5", "--json", str(home / "run.json"))
    *report, hint = ran.splitlines()
    assert hint == "Kept as #1: `tradeconsole backtests show 1`, or B in the console."
    shown = said(capsys, "backtests", "show", "1").splitlines()
    assert shown[0].startswith("#1, run ")
    assert shown[2:] == report
    written, kept = json.loads((home / "run.json").read_text()), told(capsys, "backtests", "show", "1")
    assert kept["told"]["figures"] == written["figures"]
    assert kept["trades"] == written["trades"]
    assert {name: kept["equity"][name] for name in written["equity"]} == written["equity"]
    assert kept["equity"]["held"][-1] / 100_000 - 1 == pytest.approx(written["figures"]["buy_and_hold"])
    assert kept["told"]["data"] == written["data"]["sha256"]
    assert kept["told"]["strategies"][0]["code"] == written["strategies"][0]["sha256"]


def test_the_list_has_the_newest_first_and_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "backtest", "sma_cross", *YEARS)
    said(capsys, "backtest", "rsi_reversion", "--symbols", "AAPL,IBM,MSFT")
    lines = said(capsys, "backtests", "list").splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines] == ["#", "2", "1"]
    assert [row["strategies"] for row in told(capsys, "backtests")] == ["rsi_reversion", "sma_cross"]
    assert told(capsys, "backtests") == told(capsys, "backtests", "list")


def test_two_side_by_side_have_what_differs_marked(capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "backtest", "sma_cross", *YEARS, "--commission", "0")
    said(capsys, "backtest", "sma_cross", *YEARS, "--commission", "0", "--set", "fast=5")
    lines = said(capsys, "backtests", "compare", "1", "#2").splitlines()
    assert max(map(len, lines)) <= 80
    marked = {line[2:].split("  ")[0]: line.startswith("*") for line in lines if line[2:3].strip()}
    assert marked["fast"]
    assert marked["Final value"]
    assert not marked["slow"]
    assert not marked["Symbols"]
    assert not marked["Buy and hold"]
    differ = told(capsys, "backtests", "compare", "1", "2")["differ"]
    assert "fast" in differ
    assert "slow" not in differ


def test_run_again_nothing_changed_and_the_result_is_the_same(capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: Any) -> None:
    file = strategy(home, BUYS.format(quantity=100))
    monkeypatch.chdir(home)
    said(capsys, "backtest", Path(file).name, *YEARS)
    monkeypatch.chdir("/")
    again = said(capsys, "backtests", "repeat", "1")
    assert "data    as they were" in again
    assert "code    as it was" in again
    assert "result  the same, to the last digit" in again
    assert len(told(capsys, "backtests")) == 1


def test_run_again_after_the_file_changed_it_says_so_and_keeps_both(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    file = strategy(home, BUYS.format(quantity=100))
    said(capsys, "backtest", file, *YEARS)
    assert strategy(home, BUYS.format(quantity=200)) == file
    again = said(capsys, "backtests", "repeat", "1", code=3)
    assert "code    changed since, the strategy's file or this program" in again
    assert "data    as they were" in again
    assert "result  another: 0 round trips" in again
    assert "Kept as #2" in again
    assert "Its file" in told(capsys, "backtests", "compare", "1", "2")["differ"]


def test_run_again_on_other_data_it_says_so(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    def bars(last: float) -> None:
        rows = "\n".join(f"2024-03-{day:02d},{price},{price},{price},{price},1000" for day, price in ((1, 4), (4, 5), (5, 6), (6, last)))
        (home / "TSLA.csv").write_text(f"Date,Open,High,Low,Close,Volume\n{rows}\n")

    bars(7)
    said(capsys, "backtest", strategy(home, BUYS.format(quantity=100)), "--data", str(home / "TSLA.csv"))
    bars(8)
    answer = told(capsys, "backtests", "repeat", "1", code=3)
    assert answer["same"] == {"data": False, "code": True, "profile": True, "outcome": False}
    assert answer["kept_as"] == 2
    (home / "TSLA.csv").unlink()
    capsys.readouterr()
    assert cli.run(["backtests", "repeat", "1"]) == 1
    assert "#1 cannot be repeated: There is no feed" in capsys.readouterr().err


def test_another_version_of_the_program_is_another_code(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said(capsys, "backtest", "sma_cross", *YEARS)
    monkeypatch.setattr(summary, "__version__", "99.0")
    again = said(capsys, "backtests", "repeat", "1")
    assert "code    changed since" in again
    assert "result  the same" in again


def test_a_strategy_that_throws_dice_is_told_of(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    dice = "def on_bar(self, ctx, bar):\n    import secrets\n    ctx.target(bar.symbol, 1 + secrets.randbelow(100))"
    said(capsys, "backtest", strategy(home, dice), *YEARS)
    assert "it should be the same: the strategy reads a clock, chance" in said(capsys, "backtests", "repeat", "1", code=3)


def test_deleting_asks_for_a_word(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said(capsys, "backtest", "sma_cross", *YEARS)
    for word, code, left in (("delete", 3, 1), ("", 3, 1), ("DELETE", 0, 0)):
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{word}\n"))
        assert "Type DELETE to delete it" in said(capsys, "backtests", "delete", "1", code=code)
        assert len(told(capsys, "backtests")) == left


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("show", "5"), 1, "There is no backtest #5"),
        (("show", "five"), 2, "'five' is not allowed. Give a backtest's number"),
        (("compare", "1"), 2, "compare takes two backtests or more"),
        (("delete", "5"), 2, "There is no backtest #5"),
        (("find",), 2, "invalid choice"),
    ],
)
def test_a_mistake_is_one_sentence(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, why: str) -> None:
    try:
        ended: object = cli.run(["backtests", *words])
    except SystemExit as error:
        ended = error.code
    assert ended == code
    err = capsys.readouterr().err
    assert why in err
    assert err.count("\n") == 1


def test_a_run_that_cannot_be_kept_says_so(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    (home / "home").mkdir()
    (home / "home" / "backtests.sqlite").write_bytes(b"not a database, not a database, not a database" * 20)
    capsys.readouterr()
    assert cli.run(["backtest", "sma_cross", *YEARS]) == 1
    heard = capsys.readouterr()
    assert "This backtest was not kept" in heard.err
    assert "The run itself went to its end" in heard.err
    assert "Final value" in heard.out
