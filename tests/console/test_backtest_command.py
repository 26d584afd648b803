"""The word `backtest`: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from console import cli
from console.backtest.summary import profile_fingerprint
from console.backtest.terms import Terms, job_of
from engine.model.settings import Limits, Settings
from tests.engine.backtest.market import strategy
from tests.project_files import ROOT

PLAIN = ("--cash", "100000", "--commission", "0", "--slippage", "0", "--volume-cap", "100")
YEARS = ("--symbols", "AAPL,MSFT", "--from", "2005-01-01", "--to", "2006-12-31")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path / "home"))
    return tmp_path


def backtest(*words: str) -> int:
    return cli.run(["backtest", *words])


def mistake_in(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        backtest(*words)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def test_the_report_fits_80_columns_and_says_what_was_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert backtest("sma_cross", *YEARS, "--set", "fast=5", "--set", "slow=20", *PLAIN) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "sma_cross on AAPL, MSFT" in text
    assert "2005-01-03 to 2006-12-29" in text
    assert "fast 5, slow 20" in text
    for word in ("Final value", "Buy and hold", "Sharpe", "Sortino", "Calmar", "Max drawdown", "Expectancy", "Average MAE", "2006"):
        assert word in text


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted where Linux lists them")
def test_a_strategy_multiplies_matrices_on_one_thread(tmp_path: Path) -> None:
    counting = """
    def on_bar(self, ctx: Context, bar: Bar) -> None:
        import os, numpy
        numpy.ones((2, 2)) @ numpy.ones((2, 2))
        raise ValueError(f"{len(os.listdir('/proc/self/task'))} threads")
    """
    without = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    command = [sys.executable, "-m", "tradeconsole", "backtest", strategy(tmp_path, counting), "--symbols", "IBM"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=without, cwd=ROOT)
    assert ": 1 threads" in done.stderr


def test_orders_may_be_late(capsys: pytest.CaptureFixture[str]) -> None:
    assert backtest("sma_cross", *YEARS, "--latency", "2bars") == 0
    assert "market orders fill at the next bar's open, 2 bars late" in capsys.readouterr().out
    assert "250ms, 30s or 2bars" in mistake_in(capsys, "sma_cross", "--latency", "soon")
    assert "--latency: '-5ms' is not allowed. Give milliseconds" in mistake_in(capsys, "sma_cross", "--latency", "-5ms")


def test_the_same_run_writes_the_same_bytes(home: Path) -> None:
    files = [home / "one.json", home / "two.json"]
    for file in files:
        assert backtest("sma_cross", *YEARS, "--json", str(file)) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    told = json.loads(files[0].read_text())
    assert told["figures"]["trades"]["count"] == len(told["trades"]) > 0
    assert float(told["final_value"]) == pytest.approx(told["equity"]["equity"][-1])
    assert told["strategies"][0]["params"] == {"fast": 10, "slow": 30}


def test_what_is_written_is_the_money_that_changed_hands_and_no_noise_of_arithmetic(home: Path) -> None:
    assert backtest("sma_cross", *YEARS, "--json", str(home / "told.json"), "--csv", str(home)) == 0
    told = json.loads((home / "told.json").read_text(), parse_float=Decimal)
    cash, steps = Decimal(100_000), {Decimal(100_000)}
    for fill in told["fills"]:
        paid = Decimal(fill["quantity"]) * Decimal(fill["price"])
        cash -= (paid if fill["side"] == "BUY" else -paid) + Decimal(fill["fees"])
        steps.add(round(cash, 6))
    assert {*told["equity"]["cash"]} <= steps
    prices = {Decimal(fill["price"]) for fill in told["fills"]}
    assert {price for trade in told["trades"] for price in (trade["entry"], trade["exit"])} <= prices
    assert all(trade["profit"] == round(trade["profit"], 6) for trade in told["trades"])
    with (home / "trades.csv").open() as lines:
        assert [Decimal(row["entry"]) for row in csv.DictReader(lines)] == [trade["entry"] for trade in told["trades"]]


def test_another_parameter_or_cost_is_another_fingerprint(home: Path) -> None:
    def told(*words: str) -> dict[str, object]:
        assert backtest("sma_cross", *YEARS, *words, "--json", str(home / "told.json")) == 0
        tree: dict[str, object] = json.loads((home / "told.json").read_text())
        return {name: tree[name] for name in ("strategies", "profile", "data")}

    usual = told()
    assert told("--set", "fast=9") != usual
    assert told("--slippage", "3") != usual
    assert told("--fill", "close") != usual
    assert told("--to", "2006-12-28") != usual


def test_tables_for_other_programs(home: Path) -> None:
    assert backtest("sma_cross", *YEARS, "--csv", str(home / "out")) == 0
    fills = (home / "out" / "fills.csv").read_text().splitlines()
    assert fills[0] == "strategy,symbol,side,quantity,price,fees,at,rule,order"
    assert ",market-open," in fills[1]
    assert len((home / "out" / "equity.csv").read_text().splitlines()) == 1 + 503
    assert {file.name for file in (home / "out").iterdir()} == {"trades.csv", "fills.csv", "equity.csv", "months.csv"}


def test_own_bars_and_an_own_strategy(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "\n".join(f"2024-03-{day:02d},{day},{day},{day},{day},1000000" for day in (1, 4, 5, 6, 7))
    (home / "TSLA.csv").write_text(f"Date,Open,High,Low,Close,Volume\n{rows}\n")
    file = strategy(home, "def on_bar(self, ctx, bar):\n    ctx.target(bar.symbol, 100)")
    assert backtest(file, "--data", str(home / "TSLA.csv"), *PLAIN) == 0
    # Bought at 4, one bar after the first; worth 7 at the end.
    assert "100,300.00" in capsys.readouterr().out


def test_a_plain_function_runs_with_what_it_is_given(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "dip.py"
    file.write_text('def dip(data, symbol, price, bars=3):\n    return ("BUY" if len(data) == bars else "HOLD"), 1.0, {}\n')
    assert (
        backtest(str(file), "--symbols", "FB", "--from", "2012-05-18", "--to", "2012-07-31", "--set", "bars=5", "--json", str(home / "run"))
        == 0
    )
    assert "  bars 5; 5 % of equity" in capsys.readouterr().out
    [fill] = json.loads((home / "run").read_text())["fills"]
    assert fill["symbol"] == "FB"


def test_limits_come_from_a_config_of_their_own(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = "symbols: {AAPL: {max_order_pct: 2.5}}, strategies: {sma_cross: {max_position_pct: 7}}"
    (home / "limits.yaml").write_text(f"limits: {{max_order_notional: 1000, {own}}}\n")
    assert backtest("sma_cross", *YEARS, "--limits", str(home / "limits.yaml")) == 0
    out = capsys.readouterr().out
    told = " ".join(out.split())
    assert "limits position 10 %, order size 10 %, total exposure 80 %," in told
    assert "order notional 1000," in told
    assert "all a day 10000, sma_cross position 7 %, AAPL order size 2.5 %" in told
    assert max(map(len, out.splitlines())) <= 80
    assert "by order notional" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing",), "There is no strategy file 'nothing'."),
        (("sma_cross", "--symbols", "TSLA"), "The sample has no TSLA"),
        (("sma_cross", "--from", "2030-01-01"), "it reaches from 2000-03-01 to 2013-03-01"),
        (("sma_cross", "--from", "yesterday"), "--from: 'yesterday' is not allowed. Give a day as YYYY-MM-DD"),
        (("sma_cross", "--data", "nowhere.csv"), "There is no feed 'nowhere.csv'"),
        (("sma_cross", "--set", "fast"), "--set: 'fast' is not allowed. Give PARAM=VALUE"),
        (("sma_cross", "--set", "quick=3"), "quick"),
        (("sma_cross", "--set", "fast=1000"), "fast must be a whole number from 2 to 200"),
        (("sma_cross", "--cash", "-5"), "--cash: '-5' is not allowed"),
        (("sma_cross", "--fill", "yesterday"), "--fill"),
        (("sma_cross", "--limits", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
        (("sma_cross", "--commission", "101"), "--commission: '101' is not allowed. Give a number at least 0, at most 100"),
        (("sma_cross", "--from", "2006-01-02", "--to", "2005-01-02"), "The first day, 2006-01-02, lies after the last, 2005-01-02."),
        (("sma_cross", "--data", "sim"), "The simulated market keeps no past"),
        ((), "STRATEGY"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_run(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    told = mistake_in(capsys, *words)
    assert said in told
    assert told.count("\n") == 1


def test_a_limits_file_that_says_nothing_of_limits_is_refused_instead_of_limiting_by_defaults(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "mode.yaml").write_text("mode: manual\n")
    assert "there is no section `limits` in it" in mistake_in(capsys, "sma_cross", "--limits", str(home / "mode.yaml"))


def test_a_strategy_that_fails_ends_the_run_in_words(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = strategy(home, "def on_bar(self, ctx, bar):\n    return {}['price']")
    assert backtest(file, *YEARS, "--json", str(home / "told.json")) == 1
    said = capsys.readouterr()
    assert "line 8, on_bar at the bar of AAPL that closed 2005-01-03 21:00 UTC: KeyError: 'price'." in said.err
    assert "nothing was written" in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not (home / "told.json").exists()


def test_an_account_that_lost_all_it_had_is_no_account_any_more(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shorts = "def on_bar(self, ctx, bar):\n    if not ctx.position(bar.symbol):\n        ctx.sell(bar.symbol, {})"
    told = {}
    for count in (10, 3000):
        assert backtest(strategy(home, shorts.format(count)), "--symbols", "AAPL", "--from", "2005-01-01", *PLAIN) == 0
        told[count] = " ".join(capsys.readouterr().out.split())
    assert "The account lost all it had and went on: a broker would have ended it there." in told[3000]
    assert "lost all" not in told[10]


def test_a_file_that_cannot_be_written_is_told_and_costs_neither_the_run_nor_the_other_file(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backtest("sma_cross", *YEARS, "--json", str(home / "missing" / "told.json"), "--csv", str(home / "csv")) == 1
    said = capsys.readouterr()
    assert "cannot be written (No such file or directory)" in said.err
    assert "Kept as #1" in said.out
    assert (home / "csv" / "trades.csv").exists()
    assert cli.run(["backtests", "show", "1"]) == 0


def test_whoever_reads_only_the_first_lines_of_the_report_still_has_the_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [sys.executable, "-m", "console.cli", "backtest", "sma_cross", *YEARS, "--json", str(home / "told.json")]
    reading, writing = os.pipe()
    os.close(reading)
    # What Python keeps back it writes at its very end: the pipe is found broken there, too.
    kept_back = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    ended = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=kept_back)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (home / "told.json").exists()
    assert cli.run(["backtests", "show", "1"]) == 0


def test_ctrl_c_ends_it_in_words(home: Path) -> None:
    waits = "def on_bar(self, ctx, bar):\n    import sys, time\n    print('going', flush=True)\n    time.sleep(60)"
    words = [sys.executable, "-m", "console.cli", "backtest", strategy(home, waits), *YEARS]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "going\n"
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "")
    assert err == "tradeconsole: Stopped by Ctrl+C. Nothing was written.\n"


def test_limits_are_a_part_of_the_runs_fingerprint_as_everything_else_it_was_run_with() -> None:
    plain = job_of(Terms("sma_cross"), Settings())
    limited = [job_of(Terms("sma_cross", limits=limits), Settings()) for limits in (Limits(), Limits(max_orders_day=3))]
    assert len({profile_fingerprint(job) for job in (plain, *limited)}) == 3
    assert profile_fingerprint(plain) == profile_fingerprint(job_of(Terms("sma_cross"), Settings()))
