"""The ready-made strategies on real bars."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine.feeds
from engine.strategies.base import Draft
from engine.strategies.loader import load
from tradeconsole import Bar, Context, Position, Side, Strategy, StrategyError

SAMPLE = Path(engine.feeds.__file__).parent / "sample"


def real_bars(symbol: str) -> Iterator[Bar]:
    """As they were quoted: a split looks like a crash, which is as good a move as any here."""
    with (SAMPLE / f"{symbol}.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            at = int(dt.datetime.fromisoformat(row["Date"]).replace(tzinfo=dt.UTC).timestamp()) * 10**9
            yield Bar(symbol, at, *(float(row[name]) for name in ("Open", "High", "Low", "Close", "Volume")))


def trade(strategy: Strategy, bars: list[Bar]) -> list[tuple[int, Draft]]:
    """Every draft with its bar's number, each filled at once with 100 shares."""
    ctx = Context(("IBM",))
    strategy.on_start(ctx)
    ctx.start(strategy.warmup)
    made = []
    for number, bar in enumerate(bars):
        ctx.warming = number < strategy.warmup
        ctx.reveal(bar)
        strategy.on_bar(ctx, bar)
        for draft in ctx.take():
            made.append((number, draft))
            ctx.positions = {"IBM": Position(100.0, bar.close)} if draft.side is Side.BUY else {}
    return made


@pytest.fixture(scope="module")
def ibm() -> list[Bar]:
    return list(real_bars("IBM"))


def test_sma_cross_buys_on_the_cross_up_and_closes_on_the_cross_down(ibm: list[Bar]) -> None:
    made = trade(load("sma_cross", {}), ibm)
    cents = [round(bar.close * 100) for bar in ibm]

    def spread(number: int) -> int:
        """The fast average's lead, exact: in whole cents, times thirty."""
        return 3 * sum(cents[number - 9 : number + 1]) - sum(cents[number - 29 : number + 1])

    expected, long = [], False
    for number in range(31, len(ibm)):
        before, now = spread(number - 1), spread(number)
        if (now > 0 >= before and not long) or (now < 0 <= before and long):
            long = now > 0
            expected.append(number)
    assert [number for number, _ in made] == expected
    assert [draft.side for _, draft in made] == [Side.BUY, Side.SELL] * (len(made) // 2) + [Side.BUY] * (len(made) % 2)


def test_sma_cross_says_why_and_how_surely(ibm: list[Bar]) -> None:
    buys = [draft for _, draft in trade(load("sma_cross", {}), ibm) if draft.side is Side.BUY]
    assert all(0 < draft.strength <= 1 for draft in buys)
    assert len({round(draft.strength, 1) for draft in buys}) > 3
    assert set(buys[0].indicators) == {"SMA10", "SMA30"}
    assert buys[0].reason


def test_rsi_reversion_buys_what_fell_and_closes_what_recovered(ibm: list[Bar]) -> None:
    made = trade(load("rsi_reversion", {}), ibm)
    assert len(made) > 10
    for _, draft in made:
        index = draft.indicators["RSI14"]
        assert index < 30 if draft.side is Side.BUY else index > 55
        assert 0.5 <= draft.strength <= 1
    assert [draft.side for _, draft in made[:4]] == [Side.BUY, Side.SELL, Side.BUY, Side.SELL]


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("sma_cross", {"fast": 40}, "fast must be below slow; they are 40 and 30"),
        ("rsi_reversion", {"oversold": 50, "recovered": 40}, "oversold must be below recovered"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(name: str, params: dict[str, float], words: str) -> None:
    with pytest.raises(StrategyError, match=words):
        load(name, params).on_start(Context(("IBM",)))
