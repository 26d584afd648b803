"""What strategies saw at bars at which they proposed nothing: their indicators, to the last digit, or nothing where that is not known."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from engine.backtest import looks
from engine.backtest.data import Data
from engine.feeds.actions import Action
from engine.feeds.calendar import Calendar
from engine.model.orders import Side
from engine.replay.replay import Replay
from engine.strategies.indicators import RSI, SMA
from tests.engine.backtest.market import Row, day, days, strategy
from tests.engine.backtest.workloads import columns
from tests.engine.replay.recorded import Recorded, recorded

COUNT = 3_000
WATCHES = """
    def on_start(self, ctx):
        self.warmup = 3
        self.averages = {symbol: (SMA(5), SMA(40)) for symbol in ctx.symbols}
        self.index = {symbol: RSI(14) for symbol in ctx.symbols}

    def on_bar(self, ctx, bar):
        for average in self.averages[bar.symbol]:
            average.add(bar.close)
        self.index[bar.symbol].add((bar.high + bar.low) / 2)
"""


def _walk(seed: int, count: int) -> list[Row]:
    moves = random.Random(seed)
    rows: list[Row] = []
    for _ in range(count):
        price = round(moves.uniform(90, 110), 2)
        rows.append((price, price + 1, price - 1, round(price + moves.uniform(-1, 1), 2)))
    return rows


def _file(folder: Path, body: str) -> str:
    file = Path(strategy(folder, body))
    file.write_text(f"from tradeconsole import RSI, SMA\n{file.read_text()}")
    return str(file)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    rows = {"AAPL": _walk(1, COUNT), "MSFT": _walk(2, COUNT)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looks, "APART", 1)
        patch.setattr(looks, "BARS_FOR_ONE", 1)
        made = recorded(days(rows, first=4), _file(tmp_path_factory.mktemp("strategies"), WATCHES))
    assert len(made.run.looks.taken) > 4
    return made


def _told(symbol: str, last: int) -> list[Row]:
    return _walk({"AAPL": 1, "MSFT": 2}[symbol], COUNT)[:last]


@pytest.mark.parametrize("symbol", ["AAPL", "MSFT"])
@pytest.mark.parametrize("at", [50, 515, 516, 1030, 2000, COUNT])
def test_at_any_bar_indicators_are_as_they_were_to_the_last_digit(watched: Recorded, symbol: str, at: int) -> None:
    replay = watched.replay()
    replay.seek(replay.steps)
    five, forty, index = SMA(5), SMA(40), RSI(14)
    for _, high, low, close in _told(symbol, at):
        values = [five.add(close), forty.add(close), index.add((high + low) / 2)]
    why = replay.why_bar(symbol, day(at))
    assert why is not None
    (vote,) = why.seen
    assert vote.side is None
    assert vote.indicators == tuple(zip(("SMA5", "SMA40", "RSI14"), values, strict=True))


def test_nothing_is_told_of_bars_after_the_playhead(watched: Recorded) -> None:
    replay = watched.replay()
    replay.seek(100)
    assert replay.why_bar("AAPL", day(900)) is None


def _seen(replay: Replay, at: int) -> dict[str, float]:
    replay.seek(replay.steps)
    why = replay.why_bar("AAPL", day(at))
    assert why is not None
    return dict(why.seen[0].indicators) if why.seen else {}


def test_an_order_that_came_without_indicators_tells_what_those_its_strategy_keeps_stood_at(tmp_path: Path) -> None:
    body = """
        def on_start(self, ctx):
            self.average = ctx.indicator("AAPL", SMA(4))
            self.bars = 0

        def on_bar(self, ctx, bar):
            self.bars += 1
            if self.bars == 8:
                ctx.buy(bar.symbol, 1, reason="the eighth")
    """
    rows = _walk(3, 12)
    replay = recorded(days({"AAPL": rows}), _file(tmp_path, body)).replay()
    mark = replay.next_trade()
    assert mark is not None
    average = SMA(4)
    for _, _, _, close in rows[:8]:
        average.add(close)
    signal = replay.view().signals[0].id
    for why in (replay.why_order(mark.order_id), replay.why_signal(signal), replay.why_bar("AAPL", day(8))):
        assert why is not None
        assert [vote.indicators for vote in why.votes] == [()]
        assert [dict(vote.indicators) for vote in why.seen] == [{"SMA4": average.value}]


@pytest.mark.parametrize("told", ["bar.close * 2", "bar.close if bar.close > 100 else bar.open"])
def test_of_an_indicator_that_is_told_something_of_its_own_nothing_is_said(tmp_path: Path, told: str) -> None:
    body = f"""
        def on_start(self, ctx):
            self.odd, self.plain = SMA(4), SMA(6)

        def on_bar(self, ctx, bar):
            self.odd.add({told})
            self.plain.add(bar.low)
    """
    rows = _walk(3, 60)
    made = recorded(days({"AAPL": rows}), _file(tmp_path, body))
    average = SMA(6)
    for _, _, low, _ in rows[:30]:
        average.add(low)
    assert _seen(made.replay(), 30) == {"SMA6": average.value}


def test_two_of_a_kind_are_told_apart_by_where_they_are_kept(tmp_path: Path) -> None:
    body = """
        def on_start(self, ctx):
            self.highs, self.lows = SMA(4), SMA(4)

        def on_bar(self, ctx, bar):
            self.highs.add(bar.high)
            self.lows.add(bar.low)
    """
    assert set(_seen(recorded(days({"AAPL": _walk(3, 60)}), _file(tmp_path, body)).replay(), 30)) == {"highs SMA4", "lows SMA4"}


def test_after_a_split_they_are_in_the_new_shares(tmp_path: Path) -> None:
    body = """
        def on_start(self, ctx):
            self.warmup = 20
            self.average = SMA(3)

        def on_bar(self, ctx, bar):
            self.average.add(bar.close)
            if not ctx.position(bar.symbol):
                ctx.buy(bar.symbol, 10)
    """
    rows: list[Row] = [(price, price, price, price) for price in (10, 10, 10, 10, 5, 5, 5)]
    split = Action("AAPL", date(2024, 3, 5), "split", Decimal(2))
    replay = recorded(days({"AAPL": rows}, actions=(split,)), _file(tmp_path, body)).replay()
    assert [_seen(replay, at).get("SMA3") for at in (3, 4, 6, 7)] == [10, 10, 5, 5]


def test_a_function_tells_what_it_answered_at_each_bar(tmp_path: Path) -> None:
    file = tmp_path / "steps.py"
    file.write_text(
        "def steps(data, symbol, current_price):\n"
        "    rises = current_price > 100\n"
        '    return ("BUY" if rises else "HOLD"), 0.5 if rises else 0.0, {"price": current_price}\n'
    )
    rows: list[Row] = [(price, price, price, price) for price in (99, 101, 102, 98)]
    replay = recorded(days({"AAPL": rows}), str(file)).replay()
    replay.seek(replay.steps)
    seen = [why.seen for at in (1, 2, 3, 4) if (why := replay.why_bar("AAPL", day(at))) is not None]
    assert [vote.indicators for votes in seen for vote in votes] == [(("price", 99.0),), (("price", 102.0),), (("price", 98.0),)]
    assert [vote.side for votes in seen for vote in votes] == [None, Side.BUY, None]  # at the second it proposed


def test_of_larger_bars_it_is_the_last_that_had_closed(tmp_path: Path) -> None:
    body = """
        timeframe = "1d"

        def on_start(self, ctx):
            self.average = SMA(2)

        def on_bar(self, ctx, bar):
            self.average.add(bar.close)
    """
    hour = 3_600_000_000_000
    closes = [100.0 + number for number in range(24 * 5)]
    bars = columns({"AAPL": [(day(1) + number * hour, price, price, price, price, 1.0) for number, price in enumerate(closes, 1)]})
    replay = recorded(Data("by the hour", bars, Calendar("24/7")), _file(tmp_path, body)).replay()
    replay.seek(replay.steps)
    seen = {}
    for hours in (24, 47, 48, 60, 72, 90):
        why = replay.why_bar("AAPL", day(1) + hours * hour)
        assert why is not None
        seen[hours] = dict(why.seen[0].indicators) if why.seen else {}
    ends = [closes[24 * number - 1] for number in (1, 2, 3)]
    assert seen[24] == seen[47] == {}  # one day alone is no average of two
    assert seen[48] == seen[60] == {"SMA2": (ends[0] + ends[1]) / 2}
    assert seen[72] == seen[90] == {"SMA2": (ends[1] + ends[2]) / 2}


def test_without_indicators_nothing_is_written_down(tmp_path: Path) -> None:
    body = """
        def on_bar(self, ctx, bar):
            pass
    """
    made = recorded(days({"AAPL": _walk(3, 60)}), strategy(tmp_path, body))
    assert made.run.looks.taken == []
    assert _seen(made.replay(), 30) == {}
