"""Averages by column are those of one bar after the other, to the last digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest import indicator_columns
from engine.backtest.errors import BacktestError
from engine.backtest.indicator_columns import AverageColumn, copied
from engine.backtest.looks import Look, Looks
from engine.backtest.profile import Profile
from engine.backtest.runner import run
from engine.model.settings import StrategySettings
from engine.strategies.indicators import SMA
from tests.engine.backtest.market import FREE, strategy
from tests.engine.backtest.test_lane import markets
from tests.engine.backtest.workloads import CROSS, crossing, market
from tests.thorough import tries

NAMED, PAST = str(CROSS.with_name("named.py")), CROSS.with_name("past.py")
prices = st.floats(1e-3, 1e9) | st.integers(1, 10**6).map(lambda cents: cents / 100)


@settings(max_examples=tries(200, 5_000), deadline=None)
@given(st.integers(1, 12), st.lists(prices, max_size=30), st.lists(prices, max_size=120), st.integers(1, 40), st.data())
def test_an_average_by_column_is_the_one_that_is_added_to(
    period: int, past: list[float], closes: list[float], rows: int, data: st.DataObject
) -> None:
    plain, told = SMA(period), SMA(period)
    for close in past:
        plain.add(close)
        told.add(close)
    begin = data.draw(st.integers(0, len(closes)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indicator_columns, "_ROWS", rows)
        column = AverageColumn(told, np.array(closes), begin)
        for place in range(begin, len(closes)):
            told.value = next(column.values)
            assert told.value == plain.add(closes[place])
            if data.draw(st.booleans()):
                column.bring_to(place + 1)
                assert state(told) == state(plain)
    column.bring_to(len(closes))
    assert state(told) == state(plain)


def state(average: SMA) -> tuple[object, ...]:
    return tuple(getattr(average, slot) for slot in SMA.__slots__)


@settings(max_examples=tries(40, 1_000), deadline=None)
@given(markets(), st.integers(1, 9), st.integers(2, 20))
def test_a_strategy_that_names_its_averages_trades_as_one_that_adds_to_them(data: object, fast: int, slow: int) -> None:
    outcomes = []
    for file in (NAMED, str(CROSS)):
        looks = Looks()
        settings = StrategySettings(file, params={"fast": fast, "slow": slow, "shares": 10})
        result = run(data, Profile((settings,), FREE), looks=looks)  # type: ignore[arg-type]
        outcomes.append(([str(fill) for fill in result.fills], str(result.final_value), [stood(look) for look in looks.taken]))
    assert outcomes[0] == outcomes[1]


def stood(look: Look) -> object:
    """All it says but whose it is."""
    return look.at, look.stands


def test_at_each_bar_an_average_knows_the_bars_until_then_and_none_beyond() -> None:
    assert run(market(2, 300), crossing(PAST)).bars == 600


@pytest.mark.parametrize("after", [1, 5, 100, 299])
def test_an_average_that_is_told_more_than_the_closes_ends_the_run_in_words(after: int) -> None:
    with pytest.raises(BacktestError, match=r"told more than the closes; tell it nothing in on_bar\.$"):
        run(market(1, 300), crossing(PAST, twice=after))


@pytest.mark.parametrize("symbols", [1, 3])
@pytest.mark.parametrize("periods", [(), (3,), (3, 5), (3, 5, 8), (3, 5, 8, 13, 21)], ids=len)
def test_however_many_averages_a_symbol_has_each_is_told_every_close(tmp_path: Path, periods: tuple[int, ...], symbols: int) -> None:
    body = f"""
        def on_start(self, ctx):
            self.own = {{symbol: [SMA(period) for period in {periods}] for symbol in ctx.symbols}}
            # The last symbol has none of its own.
            self.named = {{symbol: [ctx.indicator(symbol, SMA(period)) for period in {periods}] for symbol in ctx.symbols[:2]}}

        def on_bar(self, ctx, bar):
            told = [average.add(bar.close) for average in self.own[bar.symbol]]
            assert [average.value for average in self.named.get(bar.symbol, [])] == (told if bar.symbol in self.named else [])
    """
    file = strategy(tmp_path, body)
    Path(file).write_text("from tradeconsole import SMA\n" + Path(file).read_text())
    assert run(market(symbols, 100), crossing(Path(file))).bars == 100 * symbols


def test_an_indicator_that_has_no_column_is_added_to() -> None:
    run(market(2, 300), crossing(PAST, shared=1))


def test_a_copy_shares_nothing() -> None:
    average = SMA(2)
    average.add(1.0)
    copied(average).add(2.0)
    assert state(average) == (0, 0.0, [1.0], 2, None)
