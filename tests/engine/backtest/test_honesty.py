"""A strategy that peeks is caught, one that does not is accused of nothing; and so with one whose warm-up is too short."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest.data import open_data
from engine.backtest.honesty import look_ahead, warm_up
from engine.backtest.profile import Profile
from engine.model.settings import FeedSettings, StrategySettings
from engine.strategies.loader import ready_made
from tests.engine.backtest.market import FREE, days, flat, strategy
from tests.thorough import tries

SAMPLE = open_data(FeedSettings(source="sample"), ("AAPL", "MSFT"))
ZIGZAG = days({"AAPL": flat(*([10, 11, 12, 11, 10, 9, 8, 9, 10, 12] * 12))})


def profile(file: str) -> Profile:
    return Profile((StrategySettings(file),), FREE)


@pytest.mark.parametrize("name", ready_made())
def test_a_ready_made_strategy_neither_peeks_nor_begins_too_early(name: str) -> None:
    for finding in (look_ahead(SAMPLE, profile(name)), warm_up(SAMPLE, profile(name))):
        assert finding.decisions > 20
        assert finding.runs > 2
        assert (finding.differences, finding.by_chance) == ((), False)


def test_one_that_asks_for_the_last_price_of_all_is_caught_at_the_bar(tmp_path: Path) -> None:
    peeks = """
        def on_bar(self, ctx, bar):
            last = float(ctx.bars(bar.symbol)._columns.close[-1])
            if last > bar.close and not ctx.position(bar.symbol):
                ctx.buy(bar.symbol, 1)
            elif last < bar.close and ctx.position(bar.symbol):
                ctx.close(bar.symbol)
    """
    finding = look_ahead(ZIGZAG, profile(strategy(tmp_path, peeks)))
    assert not finding.by_chance
    caught = finding.differences[0]
    assert (caught.strategy, caught.symbol) == ("mine", "AAPL")
    assert caught.usual != caught.other


def test_one_that_throws_dice_is_accused_of_nothing(tmp_path: Path) -> None:
    dice = """
        def on_start(self, ctx):
            import random
            self.random = random.Random()
        def on_bar(self, ctx, bar):
            if self.random.random() < 0.5:
                ctx.buy(bar.symbol, 1)
    """
    for look in (look_ahead, warm_up):
        finding = look(ZIGZAG, profile(strategy(tmp_path, dice)))
        assert (finding.by_chance, finding.differences) == (True, ())


RULE = """
    def on_start(self, ctx):
        self.warmup = {warmup}
    def on_bar(self, ctx, bar):
        closes = ctx.bars(bar.symbol).closes
        if len(closes) <= {look_back}:
            return
        was = closes[-1 - {look_back}]
        if bar.close > was * {up} and not ctx.position(bar.symbol):
            ctx.buy(bar.symbol, {quantity})
        elif bar.close < was * {down} and ctx.position(bar.symbol):
            ctx.close(bar.symbol)
"""


@settings(max_examples=tries(25, 500), deadline=None)
@given(
    prices=st.lists(st.sampled_from([8.0, 9.0, 10.0, 11.0, 12.0]), min_size=30, max_size=80),
    look_back=st.integers(1, 12),
    up=st.sampled_from([0.9, 1.0, 1.1]),
    down=st.sampled_from([0.9, 1.0, 1.1]),
)
def test_no_rule_over_past_bars_is_ever_accused(
    tmp_path_factory: pytest.TempPathFactory, prices: list[float], look_back: int, up: float, down: float
) -> None:
    body = RULE.format(warmup=look_back, look_back=look_back, up=up, down=down, quantity=3)
    held_to = profile(strategy(tmp_path_factory.mktemp("honest"), body))
    data = days({"AAPL": flat(*prices)}, first=14)
    assert look_ahead(data, held_to).differences == ()
    assert warm_up(data, held_to).differences == ()


def test_a_warm_up_that_is_too_short_is_named_with_the_bar_and_both_decisions(tmp_path: Path) -> None:
    remembers = """
        def on_start(self, ctx):
            self.highest = 0.0
        def on_bar(self, ctx, bar):
            if bar.close >= self.highest:
                self.highest = bar.close
                if not ctx.position(bar.symbol):
                    ctx.buy(bar.symbol, 1)
            elif ctx.position(bar.symbol):
                ctx.close(bar.symbol)
    """
    falls = days({"AAPL": flat(*(200 - n + (5 if n % 7 == 0 else 0) for n in range(120)))})
    finding = warm_up(falls, profile(strategy(tmp_path, remembers)))
    assert finding.differences
    assert all((d.symbol, d.usual, d.other) == ("AAPL", (), ("BUY AAPL",)) for d in finding.differences)
