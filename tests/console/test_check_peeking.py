"""A strategy that peeks is caught, and one that does not is accused of nothing: each of them through the command."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

import pytest

from console import cli

FUNCTION = """
import numpy as np
import pandas as pd

def mine(data, symbol, current_price):
    close = data["Close"]
{body}
    return ("BUY" if buy else "SELL"), 1.0, {{}}
"""
ON_DATA = """
import numpy as np

class Mine:
    def initialize(self):
        self.held = False

    def on_data(self, timestamp, data):
        close = data["Close"]
{body}
        if buy == self.held:
            return []
        self.held = buy
        return [{{"symbol": "IBM", "action": "BUY" if buy else "SELL", "quantity": 1}}]
"""
SIGNALS = """
import pandas as pd

class Mine:
    def __init__(self):
        self.closes, self.held = [], False

    async def generate_signals(self, bar, portfolio):
        self.closes.append(bar.close)
        close = pd.Series(self.closes)
{body}
        if buy == self.held:
            return []
        self.held = buy
        return [{{"symbol": bar.symbol, "action": "BUY" if buy else "SELL", "quantity": 1}}]
"""
CLASS = """
import numpy as np
import pandas as pd
from tradeconsole import Strategy

class Mine(Strategy):
    warmup = 60
    seen = {{}}

    def on_bar(self, ctx, bar):
        closes = ctx.bars(bar.symbol).closes
        close = pd.Series(list(closes))
{body}
        held = ctx.position(bar.symbol)
        if buy and not held:
            ctx.buy(bar.symbol, 1)
        elif not buy and held:
            ctx.close(bar.symbol)
"""
EVERY = pytest.mark.parametrize("shape", [FUNCTION, ON_DATA, SIGNALS, CLASS], ids=["function", "on_data", "generate_signals", "class"])

LEARNS = """
frame = pd.DataFrame({"x": close.pct_change(), "move": close.shift(-1) / close - 1})
told = frame.dropna()
buy = len(told) > 2 and np.polyfit(told.x, told.move, 1)[0] * frame.x.iloc[-1] > 0
"""
HONEST = {
    "labels but for the newest": """
x, y = close.pct_change().iloc[1:-1], (close.shift(-1) > close).iloc[1:-1]
buy = (y[x < 0].mean() > 0.5) == (close.iloc[-1] < close.iloc[-2])
""",
    "learns from rows without NaN": LEARNS,
    "the mean of what followed": "buy = (close.pct_change().shift(-1)[close.diff() < 0].mean() > 0) == (close.diff().iloc[-1] < 0)",
    "labels where they are known": """
move = close.shift(periods=-1) - close
known = move.notna()
buy = np.where(move > 0, 1, -1)[known.to_numpy()].sum() * (close.iloc[-1] - close.iloc[-2]) > 0
""",
    "the centred average as of three days ago": "buy = close.iloc[-1] > close.rolling(5, center=True).mean().iloc[-3]",
    "the newest centred average there is": "buy = close.iloc[-1] > close.rolling(window=5, center=True).mean().dropna().iloc[-1]",
    "what has come, brought there and back": "buy = close.iloc[-1] > close.shift(-3).shift(4).iloc[-1]",
    "the row before, shifted": "buy = close.shift(-1).iloc[-2] > close.iloc[-5]",
    "a step back from a row that has its later one": "buy = close.diff(-1).iloc[-2] > 0 or close.pct_change(-5).iloc[-6] > 0.01",
    "an average filled at its begin": "buy = close.iloc[-1] > close.rolling(20).mean().bfill().iloc[-1]",
    "holes filled": "buy = close.iloc[-1] > close.where(close > close.shift(1)).bfill().iloc[-30]",
    "interpolated": "buy = close.iloc[-1] > close.where(close > close.shift(1)).interpolate().iloc[-10]",
    "rolled, and the end cut off": "buy = (np.roll(close, -1)[:-1] > close.to_numpy()[:-1])[-20:].mean() > 0.5",
    "the mean of all": "buy = close.iloc[-1] < close.mean() - (close.max() - close.min()) / 4",
    "the weeks' means": 'buy = close.iloc[-1] > close.resample("W").mean().iloc[-1]',
    "a row far from its end, by frequency": 'buy = close.shift(-1, freq="D").iloc[-1] > close.iloc[-5]',
    "the frame's index, from behind": "buy = close.iloc[-2] > close[::-1].iloc[3]",
    "gaps that the next open would have closed": """
frame = data.assign(next=data["Open"].shift(-1)).dropna()
buy = (frame.next - frame.Close).tail(20).mean() > 0
""",
    "a sum of what signals earned": """
signal = (close > close.rolling(10).mean()).astype(float)
buy = ((signal * (close.shift(-1) / close - 1).fillna(0)).sum() > 0) == (signal.iloc[-1] == 1)
""",
    "groups of days, each shifted": """
moves = close.groupby(close.index.day_of_week).shift(-1) / close - 1
buy = moves.groupby(close.index.day_of_week).mean().loc[close.index[-1].day_of_week] > 0
""",
    "a seed of its own": """
dice = np.random.default_rng(7)
weights = dice.normal(size=5)
for _ in range(3):
    weights += 0.01 * (close.iloc[-5:].to_numpy() / close.iloc[-1] - 1)
buy = weights @ (close.iloc[-5:].to_numpy() / close.iloc[-1] - 1) > 0
""",
}
PEEKING = {
    "tomorrow above today": "buy = close.shift(-1).iloc[-1] > close.iloc[-1]",
    "all tomorrows above all todays": "buy = (close.shift(-1) > close).iloc[-1]",
    "by a method": "buy = bool(close.shift(-1).gt(close).iloc[-1])",
    "by the keyword": "buy = (close.shift(periods=-2) / close - 1).iloc[-1] > 0.01",
    "by a number that stands elsewhere": "ahead = -1\nbuy = (close.shift(ahead) - close).to_numpy()[-1] > 0",
    "the difference backwards": "buy = close.diff(-1).iloc[-1] < 0",
    "the change backwards": "buy = close.pct_change(-1).iloc[-1] < 0",
    "a sign": "buy = np.sign(close.shift(-1) - close).iloc[-1] == 1",
    "a place in an array": "buy = np.where(close.shift(-1) > close, 1, 0)[-1] == 1",
    "a centred average": "buy = close.iloc[-1] > close.rolling(5, center=True).mean().iloc[-1]",
    "a centred average of what is there": "buy = close.iloc[-1] > close.rolling(5, center=True, min_periods=1).mean().iloc[-1]",
    "a centred average, its windows kept": "windows = close.rolling(5, center=True)\nbuy = close.iloc[-1] >= windows.max().iloc[-2]",
    "rolled": "buy = np.roll(close.to_numpy(), -1)[-1] > close.iloc[-1]",
    "filled from what comes": "buy = close.where(close > close.shift(1)).bfill().iloc[-1] > close.iloc[-1]",
    "the whole frame shifted": 'buy = data.shift(-1)["Close"].iloc[-1] > close.iloc[-1]',
    "each day of the week shifted": "buy = close.groupby(close.index.day_of_week).shift(-1).iloc[-1] > close.iloc[-1]",
    "a filled end": "buy = close.shift(-1, fill_value=close.iloc[-2]).iloc[-1] > close.iloc[-1]",
    "truths shifted": "rises = close > close.shift(1)\nbuy = bool(rises.shift(-1, fill_value=False).iloc[-1])",
    "truths shifted, unfilled": "rises = close > close.shift(1)\nbuy = True if rises.shift(-1).iloc[-1] else False",
}
ENGINE = {
    "the engine's columns": "buy = ctx.bars(bar.symbol)._columns.close[-1] > bar.close",
    "an object found in memory": """
import gc
whole = max((each for each in gc.get_objects() if type(each).__name__ == "BarColumns"), key=len)
buy = whole[-1].close > bar.close
""",
}


def checked(folder: Path, capsys: pytest.CaptureFixture[str], shape: str, body: str) -> tuple[int, str]:
    file = folder / "mine.py"
    before = shape.partition("{body}")[0].splitlines()[-1]
    file.write_text(shape.format(body=indent(body.strip(), before[: len(before) - len(before.lstrip())])))
    code = cli.run(["check", str(file), "--lookahead", "--symbols", "IBM", "--from", "2012-11-01", "--to", "2012-12-31"])
    told, failed = capsys.readouterr()
    assert not failed
    return code, told


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.mark.parametrize("body", HONEST.values(), ids=HONEST)
def test_one_that_decides_by_what_is_known_is_accused_of_nothing(body: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = checked(home, capsys, FUNCTION, body)
    assert "Look-ahead: none. Its " in told
    assert int(re.findall(r"Its ([\d,]+) decisions", told)[0]) > 0, "one that never decides shows nothing"
    assert code == 0


@pytest.mark.parametrize("body", PEEKING.values(), ids=PEEKING)
def test_one_that_decides_by_rows_to_come_is_caught_with_line_bar_and_order(
    body: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = checked(home, capsys, FUNCTION, body)
    assert code == 1
    assert "Look-ahead: none" not in told
    assert re.search(r"Look-ahead: .*mine\.py, line \d+, ", told)
    caught = re.search(r"IBM, the bar that closed (\S+) .* UTC\n +with these rows as they are: (.*)\n +with these rows changed: (.*)", told)
    assert caught is not None
    assert "2012-11-01" <= caught[1] <= "2012-12-31"
    assert caught[2] != caught[3]


@pytest.mark.parametrize("body", ENGINE.values(), ids=ENGINE)
def test_one_that_finds_what_the_engine_holds_back_is_caught_where_the_data_end(
    body: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = checked(home, capsys, CLASS, body)
    assert code == 1
    assert re.search(r"IBM, the bar that closed \S+ .* UTC\n +with all of the data: .*\n +where the data end: ", told)


@EVERY
def test_every_shape_of_a_strategy_is_judged_alike(shape: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    honest = "buy = bool(len(close) > 9 and close.iloc[-1] > close.rolling(5, center=True).mean().iloc[-3] and close.shift(-1).mean() > 0)"
    code, told = checked(home, capsys, shape, honest)
    assert code == 0
    assert "No finding: " in told
    assert "Look-ahead: none. Its " in told
    code, told = checked(home, capsys, shape, "buy = bool(close.shift(-1).iloc[-1] > close.iloc[-1])")
    assert code == 1
    assert "with these rows changed: BUY 1 IBM market" in told or shape == FUNCTION


def test_where_the_strategy_fails_on_changed_rows_it_is_told_that_nothing_can_be_told_of_them(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = checked(home, capsys, FUNCTION, "assert not close.shift(-1).iloc[-1] > 0\nbuy = close.iloc[-1] > close.iloc[-2]")
    assert code == 0
    assert "cannot be told. With these changed:\n  " in told
    assert "mine.py, line 7, on_bar at the bar of IBM" in told
