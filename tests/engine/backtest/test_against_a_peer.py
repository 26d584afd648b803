"""The ready-made strategies on the five real symbols, side by side with backtesting.py: the same trades at the same prices.

Both fill at the next bar's open, and have the exits of what filled there work for the rest of that bar, the stop before the target. Sizes
are each one's own, so trades are compared by their times and prices.

Where a limit or a stop fills within a bar it leaves the exits for the next one, and says in a warning that this makes the trade dubious;
but for the target of a stop's entry, which it takes there as we do. So there the two part first where by our rule (`the rest of the bar` of
engine.core.matching) a trade ends in the bar that it began in, at the price of its stop, or at that of its target.
"""

from __future__ import annotations

import importlib
import warnings
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from engine.backtest.data import Data, open_data
from engine.backtest.profile import Profile
from engine.backtest.runner import run
from engine.feeds.sample_bars import SYMBOLS
from engine.model.settings import FeedSettings, StrategySettings
from tests.engine.backtest.market import costs, strategy
from tradeconsole import SMA

Trip = tuple[int, int, float, float]
"""Days of entry and exit, since 1970, and the prices."""


@pytest.fixture(scope="module")
def peer() -> Any:
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setenv("TQDM_DISABLE", "1")
        pytest.importorskip("backtesting", reason="backtesting.py is not installed: `make bench` does")
        yield importlib.import_module("backtesting")


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("name", ["sma_cross", "rsi_reversion", "breakout"])
def test_a_ready_made_strategy_trades_as_its_twin_in_backtesting_does(peer: Any, name: str, symbol: str) -> None:
    data = open_data(FeedSettings(source="sample"), (symbol,))
    paper = costs(cash=Decimal(10**6))
    mine = [
        (_day(trade.entry_at), _day(trade.exit_at), round(trade.entry, 6), round(trade.exit, 6))
        for trade in run(data, Profile((StrategySettings(name),), paper)).trades
    ]
    theirs = _theirs(peer, data, symbol, name)
    assert len(mine) >= (1 if symbol == "FB" else 7)
    assert mine == theirs


def test_trades_of_the_breakout_end_in_the_bar_they_began_in() -> None:
    """So that what is compared has some of those."""
    result = run(open_data(FeedSettings(source="sample"), SYMBOLS), Profile((StrategySettings("breakout"),), costs(cash=Decimal(10**6))))
    assert sum(trade.entry_at == trade.exit_at for trade in result.trades) >= 5


DIP = """
def on_bar(self, ctx, bar):
    self.bar += 1
    if self.bar > 5 and not ctx.position(bar.symbol):
        low, high = round(bar.close * 0.985, 2), round(bar.close * 1.02, 2)
        ctx.buy(bar.symbol, 100, limit=round(bar.close * 0.995, 2), take_profit=high, stop_loss=low)
"""
SURGE = """
def on_bar(self, ctx, bar):
    self.bar += 1
    if self.bar > 5 and not ctx.position(bar.symbol):
        low, high = round(bar.close * 0.985, 2), round(bar.close * 1.04, 2)
        ctx.buy(bar.symbol, 100, stop=round(bar.close * 1.005, 2), take_profit=high, stop_loss=low)
"""


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize(("name", "body"), [("dip", DIP), ("surge", SURGE)])
def test_entries_within_a_bar_part_from_backtesting_where_one_rule_says_so(
    peer: Any, name: str, body: str, symbol: str, tmp_path: Path
) -> None:
    data = open_data(FeedSettings(source="sample"), (symbol,))
    data = replace(data, bars={symbol: data.bars[symbol][:1_200]})
    result = run(data, Profile((StrategySettings(strategy(tmp_path, body, name)),), costs(cash=Decimal(10**6))))
    mine = [(_day(trade.entry_at), _day(trade.exit_at), round(trade.entry, 6), round(trade.exit, 6)) for trade in result.trades]
    theirs = {(entered, paid): (left, got) for entered, left, paid, got in _theirs(peer, data, symbol, name)}
    both = [(trip, theirs[trip[0], trip[2]]) for trip in mine if (trip[0], trip[2]) in theirs]
    part = [((entered, left, got), other) for (entered, left, _, got), other in both if (left, got) != other]
    assert len(both) > (20 if symbol == "FB" else 100)
    assert part
    for (entered, left, _), (left_there, _) in part:
        assert entered == left < left_there
    in_one_bar = sum(entered == left for (entered, left, *_), _ in both)
    assert in_one_bar > len(part) or name == "dip", "the target of a stop's entry is taken there in its bar, too"


def _day(at: int) -> int:
    return (datetime.fromtimestamp(at / 1e9, UTC).date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days


def _theirs(peer: Any, data: Data, symbol: str, name: str) -> list[Trip]:
    import pandas as pd  # type: ignore[import-untyped]

    at, *values = data.bars[symbol].columns
    frame = pd.DataFrame(dict(zip(("Open", "High", "Low", "Close", "Volume"), values, strict=True)), index=pd.to_datetime(at))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trades = peer.Backtest(frame, _twins(peer.Strategy)[name], cash=1e9, commission=0).run()._trades
    trips = zip(trades["EntryTime"], trades["ExitTime"], trades["EntryPrice"], trades["ExitPrice"], strict=True)
    return sorted((_day(entry.value), _day(out.value), round(float(paid), 6), round(float(got), 6)) for entry, out, paid, got in trips)


def _twins(base: Any) -> dict[str, Any]:
    class Cross(base):  # type: ignore[misc]
        def init(self) -> None:
            # Our averages: where the two are equal, as once in AAPL, rounding decides which of them is above.
            self.spread = self.I(lambda closes: _mean(closes, 10) - _mean(closes, 30), self.data.Close)

        def next(self) -> None:
            before, now = self.spread[-2], self.spread[-1]
            if now > 0 >= before and not self.position:
                self.buy(size=100)
            elif now < 0 <= before and self.position:
                self.position.close()

    class Reversion(base):  # type: ignore[misc]
        def init(self) -> None:
            self.index = self.I(_wilder, self.data.Close)

        def next(self) -> None:
            before, now = self.index[-2], self.index[-1]
            if now < 30 <= before and not self.position:
                self.buy(size=100)
            elif now > 55 >= before and self.position:
                self.position.close()

    class Breakout(base):  # type: ignore[misc]
        def init(self) -> None:
            pass

        def next(self) -> None:
            close = self.data.Close[-1]
            if len(self.data) > 20 and not self.position and close > max(self.data.High[-21:-1]):
                self.buy(size=100, tp=round(close * 1.08, 2), sl=round(close * 0.96, 2))

    class Dip(base):  # type: ignore[misc]
        def init(self) -> None:
            pass

        def next(self) -> None:
            close = float(self.data.Close[-1])
            for order in self.orders:
                if not order.is_contingent:
                    order.cancel()
            if len(self.data) > 5 and not self.position:
                self.enter(close)

        def enter(self, close: float) -> None:
            low, high = round(close * 0.985, 2), round(close * 1.02, 2)
            self.buy(size=100, limit=round(close * 0.995, 2), tp=high, sl=low)

    class Surge(Dip):
        def enter(self, close: float) -> None:
            low, high = round(close * 0.985, 2), round(close * 1.04, 2)
            self.buy(size=100, stop=round(close * 1.005, 2), tp=high, sl=low)

    return {"dip": Dip, "surge": Surge, "sma_cross": Cross, "rsi_reversion": Reversion, "breakout": Breakout}


def _mean(closes: Any, period: int) -> Any:
    average = SMA(period)
    return np.array([np.nan if (value := average.add(float(close))) is None else value for close in closes])


def _wilder(closes: Any, period: int = 14) -> Any:
    """J. W. Wilder, New Concepts in Technical Trading Systems (1978): the first average is plain, each later one keeps 13 parts of 14."""
    moves = np.diff(np.asarray(closes))
    index = np.full(len(moves) + 1, np.nan)
    up, down = moves[:period].clip(min=0).mean(), -moves[:period].clip(max=0).mean()
    for place in range(period, len(moves) + 1):
        if place > period:
            move = moves[place - 1]
            up, down = (13 * up + max(move, 0)) / 14, (13 * down + max(-move, 0)) / 14
        index[place] = 100.0 if down == 0 else 100 - 100 / (1 + up / down)
    return index
