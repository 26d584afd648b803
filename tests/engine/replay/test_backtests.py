"""A backtest replayed: as it was, forward, back and anywhere, and nothing that comes later."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest.data import open_data
from engine.backtest.player import Orders
from engine.backtest.profile import Profile
from engine.backtest.result import Result
from engine.backtest.runner import run
from engine.core.checkpoint import save
from engine.feeds.actions import Action
from engine.model.market import Bar
from engine.model.money import ZERO
from engine.model.orders import OrderState, Side
from engine.model.settings import FeedSettings, Limits, StrategySettings
from engine.replay.backtests import effects_of
from engine.replay.outline import pieces_of, result_again, run_of
from engine.replay.packing import pack_bars
from engine.replay.recording import ReplayError
from engine.replay.replay import Replay
from tests.engine.backtest.market import Row, costs, day, days, flat, strategy
from tests.engine.replay.recorded import Recorded, recorded

BRACKETS = """
    def on_bar(self, ctx, bar):
        self.bar += 1
        if self.bar % 3 == 1 and not ctx.position(bar.symbol):
            ctx.buy(bar.symbol, 10, take_profit_pct=4, stop_loss_pct=2, reason="every third", indicators={"close": bar.close})
        elif self.bar % 7 == 0:
            ctx.buy(bar.symbol, 5, limit=bar.close * 0.99)
"""


def _walk(seed: int, count: int) -> list[Row]:
    moves, price = random.Random(seed), 100.0
    rows: list[Row] = []
    for _ in range(count):
        opened = round(price * (1 + moves.gauss(0, 0.01)), 2)
        price = round(opened * (1 + moves.gauss(0, 0.02)), 2)
        rows.append((opened, max(opened, price) + 0.5, min(opened, price) - 0.5, price))
    return rows


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Three months of two symbols with brackets and limits, and a split on the way."""
    file = strategy(tmp_path_factory.mktemp("strategies"), BRACKETS)
    data = days({"AAPL": _walk(1, 60), "MSFT": _walk(2, 60)}, first=4)
    return recorded(data, file, paper=costs(latency_ms=20))


def _state(replay: Replay) -> bytes:
    view = msgspec.structs.replace(replay.view(), revision=0)
    return save(replay._current.state, 0).state.encode() + msgspec.json.encode(msgspec.to_builtins(view))


def test_its_end_is_the_backtests(market: Recorded) -> None:
    replay = market.replay()
    replay.seek(replay.steps - 1)
    assert replay._current.state.portfolio.equity() == market.result.final_value
    held = [(row.symbol, row.quantity, row.average) for row in replay.view().positions]
    assert held == [(each.symbol, each.quantity, each.average) for each in market.result.held]
    assert [(mark.at, mark.symbol, mark.quantity, mark.price) for mark in replay.trades] == [
        (fill.at, fill.symbol, fill.quantity, fill.price) for fill in market.result.fills
    ]


def test_equity_at_each_step_is_the_backtests_curve(market: Recorded) -> None:
    replay = market.replay()
    for place, (at, equity) in enumerate(zip(market.result.curve.at.tolist(), market.result.curve.equity.tolist(), strict=True)):
        replay.seek(place)
        assert replay.at == at
        assert float(replay.view().account.equity) == pytest.approx(equity, abs=1e-6)


def test_a_change_counts_from_the_close_of_the_day_before_wherever_the_playhead_comes_from(market: Recorded) -> None:
    replay = market.replay()
    for place in (40, 3, 59, 1, 0):
        replay.seek(place)
        for row in replay.view().watch:
            before = [bar.close for bar in replay.bars(row.symbol)][:-1]
            assert row.previous == (before[-1] if before else None)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-1, 60), min_size=1, max_size=6))
def test_wherever_the_playhead_was_it_ends_in_the_same_state_byte_for_byte(market: Recorded, steps: list[int]) -> None:
    straight, jumping = market.replay(), market.replay()
    for step in steps:
        jumping.seek(step)
        jumping.view()
    last = max(-1, min(steps[-1], straight.steps - 1))
    while straight.step < last:
        straight.advance()
    assert _state(jumping) == _state(straight)


def test_nothing_after_the_playhead_is_known(market: Recorded) -> None:
    """What a shorter recording, of which the rest was never made, shows at the same step."""
    whole = market.replay()
    for step in (0, 7, 23, 41):
        whole.seek(step)
        view = whole.view()
        now = whole.at
        assert all(bar.at <= now for bar in whole.bars("AAPL"))
        assert view.chart is not None
        assert all(bar.at <= now for bar in view.chart.bars)
        assert all(order.created_at <= now and order.changed_at <= now for order in view.orders)
        assert all(signal.raised_at <= now for signal in view.signals)
        assert all(line.wall <= now for line in view.log)
        assert all(at <= now for at, _ in whole.equity())


def test_trades_are_gone_to_one_after_the_other(market: Recorded) -> None:
    replay = market.replay()
    seen = []
    while (mark := replay.next_trade()) is not None:
        assert replay.step == mark.step
        seen.append(mark.step)
    assert seen == sorted({mark.step for mark in replay.trades})
    assert replay.previous_trade() is not None
    assert replay.step < seen[-1]


def test_on_the_first_day_the_cash_it_began_with_is_no_profit_of_the_day(market: Recorded) -> None:
    replay = market.replay()
    replay.seek(0)
    account = replay.view().account
    assert account.equity > 0
    assert account.day_start == account.equity
    assert account.day_pnl == 0


def test_an_order_says_why_it_was_made_and_what_became_of_it(market: Recorded) -> None:
    replay = market.replay()
    mark = replay.next_trade()
    assert mark is not None
    why = replay.why_order(mark.order_id)
    assert why is not None
    assert why.reason == "every third"
    assert [name for name, _ in why.votes[0].indicators] == ["close"]
    assert why.verdicts
    assert why.state is OrderState.FILLED
    assert "market-open" in why.outcome
    replay.seek(mark.step - 1)
    before = replay.why_order(mark.order_id)
    assert before is not None
    assert before.outcome.startswith("Nothing filled so far")
    replay.seek(-1)
    assert replay.why_order(mark.order_id) is None


def test_a_limit_that_is_never_reached_says_so(tmp_path: Path) -> None:
    waits = """
        def on_bar(self, ctx, bar):
            self.bar += 1
            if self.bar == 1:
                ctx.buy(bar.symbol, 1, limit=5, reason="only far below")
    """
    replay = recorded(days({"AAPL": flat(10, 11, 12)}), strategy(tmp_path, waits)).replay()
    replay.seek(1)
    why = replay.why_order(replay.view().orders[0].id)
    assert why is not None
    assert "Nothing filled" in why.outcome


def test_a_bar_at_which_an_order_was_refused_says_by_which_rule(tmp_path: Path) -> None:
    buys = """
        def on_bar(self, ctx, bar):
            ctx.buy(bar.symbol, 1000)
    """
    limits = Limits(max_position_pct=Decimal(1), max_order_pct=Decimal(1), short_selling=True)
    replay = recorded(days({"AAPL": flat(10, 2000, 2000)}), strategy(tmp_path, buys), limits=limits).replay()
    replay.seek(1)
    why = replay.why_bar("AAPL", day(2))
    assert why is not None
    assert why.verdicts
    assert replay.why_bar("AAPL", day(3)) is None


def test_a_bar_at_which_nothing_happened_says_its_prices_what_was_held_and_waited_and_that_nobody_spoke(tmp_path: Path) -> None:
    says = """
        def on_bar(self, ctx, bar):
            self.bar += 1
            if self.bar == 1:
                ctx.buy(bar.symbol, 10)
                ctx.buy(bar.symbol, 3, limit=5, tif="GTC")
    """
    rows: list[Row] = [(8, 9, 7, 8), (9, 10, 8, 9), (11, 11, 11, 11), (12, 15, 9, 14), (13, 13, 13, 13)]
    replay = recorded(days({"AAPL": rows}, first=3), strategy(tmp_path, says)).replay()
    replay.seek(replay.steps)
    why = replay.why_bar("AAPL", day(5))
    assert why is not None
    assert why.bar is not None
    assert why.after is not None
    assert (why.bar.at, why.bar.open, why.bar.high, why.bar.low, why.bar.close, why.bar.volume) == (day(5), 13, 13, 13, 13, 1e6)
    assert (why.after.quantity, why.after.average, why.after.unrealised) == (Decimal(10), Decimal(12), Decimal(10))
    assert [(order.quantity, order.limit) for order in why.after.orders] == [(Decimal(3), Decimal(5))]
    assert [row.name for row in why.after.silent] == ["mine"]
    spoke = replay.why_bar("AAPL", day(3))
    assert spoke is not None
    assert spoke.after is not None
    assert not spoke.after.quantity
    assert not spoke.after.silent
    larger = replay.why_bar("AAPL", day(5), day(3))
    assert larger is not None
    assert larger.bar == Bar("AAPL", day(5), 12, 15, 9, 13, 2e6)
    before = replay.why_bar("AAPL", day(2))
    assert before is not None
    assert before.bar == Bar("AAPL", day(2), 9, 10, 8, 9, 1e6)
    assert before.outcome == "It closed before the recording begins: nobody was asked anything."
    replay.seek(1)
    assert replay.why_bar("AAPL", day(5)) is None


def test_a_split_leaves_the_account_as_it_was(tmp_path: Path) -> None:
    from datetime import date

    holds = """
        def on_bar(self, ctx, bar):
            self.bar += 1
            if self.bar == 1:
                ctx.buy(bar.symbol, 10)
    """
    split = Action("AAPL", date(2024, 3, 4), "split", Decimal(2))
    made = recorded(days({"AAPL": flat(10, 10, 5, 5)}, actions=(split,)), strategy(tmp_path, holds))
    replay = made.replay()
    for step, equity in enumerate(made.result.curve.equity.tolist()):
        replay.seek(step)
        assert float(replay.view().account.equity) == equity
    assert replay.view().positions[0].quantity == made.result.held[0].quantity


def test_with_limits_the_state_is_the_cores_byte_for_byte(tmp_path: Path) -> None:
    from engine.backtest.again import played_again

    file = strategy(tmp_path, BRACKETS)
    made = recorded(days({"AAPL": _walk(1, 60), "MSFT": _walk(2, 60)}), file, limits=Limits(short_selling=True))
    replay = made.replay()
    replay.seek(replay.steps)
    _, core = played_again(made.run.data, made.run.profile, made.run.ordered)
    ours, cores = replay._current.state, core._shell.core.state
    assert save(ours, 0) == save(cores, 0)


def test_fills_that_are_not_those_recorded_are_refused_in_words(market: Recorded) -> None:
    other = msgspec.structs.replace(market.run, fills=market.run.fills[:-1])
    with pytest.raises(ReplayError, match="another version"):
        effects_of(other)


def test_real_prices_replay_to_the_backtests_end() -> None:
    data = open_data(FeedSettings(source="sample"), ("AAPL", "MSFT", "IBM"))
    made = recorded(data, "sma_cross")
    replay = made.replay()
    replay.seek(replay.steps)
    assert replay._current.state.portfolio.equity() == made.result.final_value
    assert {mark.side for mark in replay.trades} == {Side.BUY, Side.SELL}
    assert sum((mark.profit or ZERO for mark in replay.trades), ZERO) != ZERO


def test_every_figure_is_made_again_from_the_recording_alone(market: Recorded) -> None:
    again = result_again(market.run)
    before = market.result
    for name in Result.__struct_fields__:
        if name not in ("data", "profile", "curve"):
            assert getattr(again, name) == getattr(before, name), name
    for column, known in zip(msgspec.structs.astuple(again.curve), msgspec.structs.astuple(before.curve), strict=True):
        assert column.tobytes() == known.tobytes()


def test_what_the_fast_lane_filled_gives_the_same_figures_from_the_recording() -> None:
    made = recorded(open_data(FeedSettings(source="sample"), ("AAPL", "MSFT", "IBM")), "sma_cross")
    again = result_again(made.run)
    assert (again.figures, again.trades, again.final_value) == (made.result.figures, made.result.trades, made.result.final_value)


def test_the_same_run_leaves_the_same_bytes(tmp_path: Path) -> None:
    left = []
    for _ in range(2):
        ordered: list[Orders] = []
        result = run(days({"AAPL": _walk(1, 40)}), Profile((StrategySettings(strategy(tmp_path, BRACKETS)),)), None, ordered.append)
        pieces, bars = pieces_of(result, ordered)
        kept = {name: pack_bars(series) for name, series in bars.items()}
        left.append((pieces, kept, effects_of(run_of(pieces, kept.__getitem__))))
    assert left[0] == left[1]
