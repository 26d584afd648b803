"""The plain-function form, with real DataFrames."""

from __future__ import annotations

from typing import Any

import pytest

from engine.strategies.functions import ROWS, FunctionStrategy
from tradeconsole import Bar, Context, Position, Side, StrategyError

DAY = 86_400 * 10**9


def run(answers: list[object], positions: dict[str, Position] | None = None) -> list[tuple[Side, float | None]]:
    """What is ordered when the function answers these, bar after bar."""
    waiting = iter(answers)
    strategy = FunctionStrategy(lambda data, symbol, current_price: next(waiting), {}, False, {})
    ctx = Context(("AAPL",))
    ctx.start(strategy.warmup)
    ctx.warming = False
    ctx.positions = positions or {}
    for day in range(len(answers)):
        bar = Bar("AAPL", day * DAY, 10.0, 11.0, 9.0, 10.5, 100.0)
        ctx.reveal(bar)
        strategy.on_bar(ctx, bar)
    return [(draft.side, draft.quantity) for draft in ctx.take()]


def test_the_function_is_handed_a_dataframe_of_the_bars_so_far() -> None:
    seen: list[Any] = []

    def function(data: Any, symbol: str, current_price: float, period: int) -> tuple[str, float, dict[str, float]]:
        seen.append((data, symbol, current_price, period))
        return "HOLD", 0.0, {}

    strategy = FunctionStrategy(function, {}, True, {"period": 3})
    ctx = Context(("AAPL",))
    ctx.start(strategy.warmup)
    for day in range(3):
        bar = Bar("AAPL", day * DAY, 10.0, 11.0, 9.0, 10.0 + day, 100.0)
        ctx.reveal(bar)
        ctx.warming = day < 2
        strategy.on_bar(ctx, bar)
    ((data, symbol, price, period),) = seen
    assert list(data.columns) == ["Open", "High", "Low", "Close", "Volume"]
    assert data["Close"].tolist() == [10.0, 11.0, 12.0]
    assert str(data.index.tz) == "UTC"
    assert [stamp.isoformat()[:10] for stamp in data.index] == ["1970-01-01", "1970-01-02", "1970-01-03"]
    assert (symbol, price, period) == ("AAPL", 12.0, 3)


def test_the_dataframe_stays_bounded() -> None:
    lengths: list[int] = []

    def function(data: Any, symbol: str, price: float) -> tuple[str, float, None]:
        lengths.append(len(data))
        return "HOLD", 0.0, None

    strategy = FunctionStrategy(function, {}, False, {})
    ctx = Context(("AAPL",))
    ctx.start(strategy.warmup)
    for day in range(ROWS + 5):
        ctx.reveal(Bar("AAPL", day, 1.0, 1.0, 1.0, 1.0, 1.0))
    ctx.warming = False
    strategy.on_bar(ctx, Bar("AAPL", 0, 1.0, 1.0, 1.0, 1.0, 1.0))
    assert lengths == [ROWS]


def test_only_a_changed_answer_acts() -> None:
    buy, hold = ("BUY", 0.9, {"x": 1}), ("HOLD", 0, None)
    assert run([buy, buy, buy]) == [(Side.BUY, None)]
    assert run([buy, hold, buy]) == [(Side.BUY, None), (Side.BUY, None)]


def test_buy_does_nothing_while_held_and_sell_closes_what_is_held() -> None:
    held = {"AAPL": Position(30.0, 9.0)}
    assert run([("BUY", 1.0, {})], held) == []
    assert run([("SELL", 1.0, {})], held) == [(Side.SELL, 30.0)]
    assert run([("SELL", 1.0, {})]) == []


@pytest.mark.parametrize(
    "answer",
    [None, "BUY", ("BUY", 1.0), ("LONG", 1.0, {}), ("BUY", "much", {}), ("BUY", 1.5, {}), ("BUY", float("nan"), {}), ("BUY", 1.0, 7)],
)
def test_an_answer_of_another_shape_says_what_was_expected_and_what_came(answer: object) -> None:
    with pytest.raises(StrategyError, match=r'must answer \("BUY", "SELL" or "HOLD", strength from 0 to 1, a dict of indicators\)'):
        run([answer])
