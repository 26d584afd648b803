"""The word `check`: what it says of a strategy without running it, and of what it finds by running it."""

from __future__ import annotations

import contextlib
import importlib
import os
import pty
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from console import cli
from tests.project_files import ROOT


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path / "home"))
    # A live account is in reach.
    monkeypatch.setenv("ALPACA_API_KEY", "AKMINE")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "secret")
    return tmp_path


def check(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = cli.run(["check", *words])
    return code, capsys.readouterr().out


def written(folder: Path, text: str) -> str:
    file = folder / "mine.py"
    file.write_text(text)
    return str(file)


@pytest.mark.parametrize("line", ["import polars as pl", "import pyarrow.parquet", "from duckdb import sql"])
def test_a_library_whose_files_nobody_hears_of_is_named(home: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    text = f"from tradeconsole import Strategy\n{line}\n\nclass Mine(Strategy):\n    def on_bar(self, ctx, bar):\n        pass\n"
    code, told = check(capsys, written(home, text))
    assert code == 0
    assert "look at      line 2 imports" in told
    assert "which files it reads nobody can tell" in told


def test_what_a_strategy_needs_is_told_without_running_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(
        home,
        """
import subprocess
import time
from tradeconsole import Strategy, param

raise SystemExit("this must never run")

class Mine(Strategy):
    days = param(20, low=2, high=250)
    timeframe = "1h"

    def on_start(self, ctx):
        self.warmup = 30

    def on_bar(self, ctx, bar):
        ctx.buy(bar.symbol, 1, limit=10, take_profit_pct=4, stop_loss_pct=2)
        ctx.sell(bar.symbol, 1, stop=9, limit=8)
        ctx.close(bar.symbol)
        time.sleep(1)

    def on_quote(self, ctx, quote):
        ctx.buy(quote.symbol, 1, trail_pct=2)
""",
    )
    code, told = check(capsys, file)
    assert code == 0
    assert [line.split("  ", 1)[0] if not line.startswith(" ") else line for line in told.splitlines()] == [
        f"Mine, a class in {file}",
        "  is told      bars, quotes",
        "  sends        market, limit, stop-limit, trailing stop, bracket",
        "  parameters   days: a whole number from 2 to 250; 20 unless set",
        "  timeframe    1h",
        "  warmup       30",
        "  runs in      backtest (without its quotes: bars tell none), replay (without its quotes: bars tell none), paper, live",
        "  best in      backtest",
        "  look at      line 2 imports subprocess: what another program reads for it is not held back in a backtest.",
        "  look at      line 19 waits: a callback that takes long is killed.",
    ]


def test_one_that_hears_quotes_alone_is_not_for_a_backtest(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(home, "from tradeconsole import Strategy\nclass Mine(Strategy):\n    def on_quote(self, ctx, quote):\n        pass\n")
    told = check(capsys, file)[1]
    assert "  runs in      paper, live\n  best in      paper\n" in told
    assert "  not in       backtest: it trades on quotes alone, and backtest has only bars\n" in told


def test_one_of_another_shape_is_told_with_its_orders_and_caught_where_it_decides_by_a_row_to_come(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """class Theirs:
    def on_data(self, timestamp, data):
        if data["Close"].shift(-1).iloc[-1] > 0:
            return {"symbol": "IBM", "action": "BUY", "qty": 1, "order_type": "LIMIT", "price": 10, "stop_loss_pct": 2}
"""
    file = written(home, text)
    code, told = check(capsys, file, "--lookahead", "--symbols", "IBM", "--from", "2013-01-02")
    assert code == 1
    assert told.startswith(f"Theirs, a class with on_data in {file}\n  is told      a DataFrame of all bars so far\n")
    assert "  sends        limit, bracket\n" in told
    assert "  symbols      IBM\n" in told
    assert f"Look-ahead: {file}, line 3, shift(-1) brings a later row to an earlier one." in told
    assert "    with these rows changed: BUY 1 IBM limit 10 stop_loss_pct 2 DAY" in told


def test_what_is_no_strategy_is_told_with_its_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(["check", written(home, "class Mine(Strategy:\n")])
    assert ended.value.code == 2
    assert "mine.py, line 1" in capsys.readouterr().err


def test_an_honest_strategy_is_told_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = check(capsys, "sma_cross", "--symbols", "AAPL", "--lookahead", "--warmup")
    assert code == 0
    assert "Look-ahead: none. Its " in told
    assert "Warm-up: long enough. " in told


def test_one_that_reads_the_prices_itself_is_caught_with_file_and_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prices = home / "AAPL.csv"
    prices.write_text(
        "date,open,high,low,close,volume\n" + "".join(f"2024-01-{n:02},{n},{n},{n},{n},1000\n" for n in (2, 3, 4, 5, 8, 9, 10, 11, 12))
    )
    file = written(
        home,
        f"""
from tradeconsole import Strategy

class Mine(Strategy):
    def on_start(self, ctx):
        with open({str(prices)!r}) as rows:
            self.last = float(rows.readlines()[-1].split(",")[4])

    def on_bar(self, ctx, bar):
        if self.last > bar.close and not ctx.position(bar.symbol):
            ctx.buy(bar.symbol, 1)
""",
    )
    code, told = check(capsys, file, "--data", str(prices), "--lookahead")
    assert code == 1
    assert f"Look-ahead: {file}, line 6, reads {prices}." in told


SETTINGS = """
import json
from pathlib import Path
from tradeconsole import Strategy
class Mine(Strategy):
    def on_start(self, ctx):
        self.own = json.loads((Path(__file__).parent / "mine.json").read_text())
    def on_bar(self, ctx, bar):
        if bar.close < bar.open:
            ctx.buy(bar.symbol, 1)
"""


def test_one_that_reads_its_own_settings_is_told_of_it_and_accused_of_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(home, SETTINGS)
    (home / "mine.json").write_text('{"fast": 10, "slow": 30, "made": "2024-05-01", "symbols": ["IBM"]}')
    code, told = check(capsys, file, "--lookahead", "--symbols", "IBM", "--from", "2006-01-01", "--to", "2006-12-31")
    assert code == 0
    assert f"Reads a file: {file}, line 7, reads {home / 'mine.json'}." in told
    assert "Look-ahead: none." in told


@pytest.mark.parametrize(
    "held",
    [
        '{"buy": ["2006-05-01"]}',
        '{"buy": "5/1/2006"}',
        '{"buy": 20060501}',
        '{"buy": 1146495600}',
        '{"buy": 1146495600000}',
        f"{[*range(200)]}",
    ],
)
def test_settings_that_name_one_of_the_days_or_say_something_of_every_bar_are_a_look_ahead(
    held: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(home, SETTINGS)
    (home / "mine.json").write_text(held)
    code, told = check(capsys, file, "--lookahead", "--symbols", "IBM", "--from", "2006-01-01", "--to", "2006-12-31")
    assert code == 1
    assert f"Look-ahead: {file}, line 7, reads {home / 'mine.json'}." in told


def test_one_that_reads_a_database_of_its_own_is_caught(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.closing(sqlite3.connect(home / "prices.db")) as database:
        database.execute("CREATE TABLE prices (close REAL)")
    file = written(
        home,
        f"""
import sqlite3
from tradeconsole import Strategy

class Mine(Strategy):
    def on_start(self, ctx):
        sqlite3.connect({str(home / "prices.db")!r}).close()

    def on_bar(self, ctx, bar):
        ctx.buy(bar.symbol, 1)
""",
    )
    code, told = check(capsys, file, "--lookahead", "--symbols", "IBM", "--from", "2013-01-02")
    assert code == 1
    assert f"Look-ahead: {file}, line 7, reads {home / 'prices.db'}." in told


def test_one_that_has_pandas_read_prices_from_parquet_is_caught(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pandas: Any = importlib.import_module("pandas")
    pandas.DataFrame({"close": [1.0, 2.0]}).to_parquet(home / "prices.parquet")
    file = written(
        home,
        f"""
import pandas

def mine(data, symbol, current_price):
    later = pandas.read_parquet({str(home / "prices.parquet")!r})
    return ("BUY" if later.close.iloc[-1] > later.close.iloc[0] else "SELL"), 1.0, {{}}
""",
    )
    code, told = check(capsys, file, "--lookahead", "--symbols", "IBM", "--from", "2013-02-01")
    assert code == 1
    assert f"Look-ahead: {file}, line 5, reads {home / 'prices.parquet'}." in told


def test_what_libraries_and_time_zones_read_and_what_it_writes_is_no_peeking(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(
        home,
        f"""
import numpy
import pandas
import zoneinfo

def mine(data, symbol, current_price):
    day = pandas.Timestamp(data.index[-1]).tz_convert("America/New_York")
    zoneinfo.ZoneInfo.no_cache("Asia/Tokyo")
    with open("/dev/null") as nothing, open({str(home / "log")!r}, "a") as log, open({str(home / "new")!r}, "w+") as new:
        log.write(nothing.read())
    return ("BUY" if day.day % 2 else "SELL"), 1.0, {{}}
""",
    )
    # A process of its own: here all of these have long been imported.
    words = [sys.executable, "-m", "tradeconsole", "check", file, "--lookahead", "--symbols", "IBM", "--from", "2013-01-02"]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert "Look-ahead: none. Its " in ended.stdout, ended.stdout + ended.stderr
    assert ended.returncode == 0
    assert "look at      line 9 reads a file itself" in ended.stdout, "of /dev/null its file alone cannot know"


def test_whoever_waits_at_a_terminal_sees_how_far_the_runs_are_and_nothing_of_it_is_left(home: Path) -> None:
    words = [sys.executable, "-m", "tradeconsole", "check", "sma_cross", "--lookahead", "--warmup", "--symbols", "IBM"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=theirs, text=True, cwd=ROOT) as running:
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # a terminal whose other end is gone reads so
            while some := os.read(ours, 65_536):
                seen += some
        told = running.stdout.read() if running.stdout else ""
    os.close(ours)
    assert running.returncode == 0
    looked = re.search(r"Look-ahead: none\. .* in (\d+) runs", told)
    assert looked is not None
    assert b"Look-ahead:   0%, run 1 of 18" in seen
    assert b"run %d of %d" % ((int(looked[1]) + 2,) * 2) in seen, "two more: the whole run, and the same again"
    assert b"Warm-up:   0%, run 1 of 6" in seen
    assert seen.endswith(b"\r\x1b[K")


def test_every_example_of_the_readme_that_checks_a_strategy_is_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.split("#")[0].split() for line in (ROOT / "README.md").read_text().splitlines() if "tradeconsole check " in line]
    assert lines
    for words in lines:
        if words[:2] == ["tradeconsole", "check"] and words[2] != "mine.py":
            assert check(capsys, *words[2:])[0] == 0
