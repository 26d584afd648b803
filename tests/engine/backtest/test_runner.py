"""The loop: what a strategy sees and when, and in which bar its orders fill. Every case is worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from engine.backtest.errors import BacktestError
from engine.backtest.profile import OFF, Latency, Profile
from engine.backtest.runner import run
from engine.feeds.actions import Action
from engine.model.settings import CommissionSettings, Limits, SlippageSettings, StrategySettings
from tests.engine.backtest.market import FREE, Row, costs, day, days, fills, flat, played, strategy

_ALL = Decimal(100)
BUYS_ONCE = """
    def on_bar(self, ctx, bar):
        self.bar += 1
        if self.bar == 2:
            ctx.buy(bar.symbol, 10)
"""


def test_an_order_fills_at_the_open_of_the_bar_after_the_one_it_was_made_on(tmp_path: Path) -> None:
    rows: list[Row] = [(10, 11, 9, 10), (20, 21, 19, 20), (30, 31, 29, 30.5), (40, 41, 39, 40)]
    result = played(days({"AAPL": rows}), strategy(tmp_path, BUYS_ONCE))
    assert fills(result) == [(3, "BUY", 10, 30.0, "market-open")]
    assert result.curve.equity.tolist() == [100_000, 100_000, 100_005, 100_100]
    assert result.final_value == 100_100


def test_filled_at_the_close_it_is_the_next_bars_close_and_never_the_signals_own(tmp_path: Path) -> None:
    rows: list[Row] = [(10, 11, 9, 10), (20, 21, 19, 20), (30, 31, 29, 30.5), (40, 41, 39, 40)]
    result = played(days({"AAPL": rows}), strategy(tmp_path, BUYS_ONCE), fill="close")
    assert fills(result) == [(3, "BUY", 10, 30.5, "market-close")]


def test_whoever_buys_what_has_just_risen_does_not_get_the_rise(tmp_path: Path) -> None:
    """With the bar's own prices it would make 10 a share each time; here it pays for what it saw."""
    peeks = """
        def on_bar(self, ctx, bar):
            if bar.close > bar.open:
                ctx.buy(bar.symbol, 1)
            else:
                ctx.close(bar.symbol)
    """
    rows: list[Row] = [(100, 110, 100, 110), (110, 110, 100, 100)] * 10
    result = played(days({"AAPL": rows}), strategy(tmp_path, peeks))
    assert {trade.profit for trade in result.trades} == {-10.0}
    assert len(result.trades) == 10 - 1


def test_an_order_on_the_last_bar_is_left_working(tmp_path: Path) -> None:
    result = played(days({"AAPL": flat(10, 20)}), strategy(tmp_path, BUYS_ONCE))
    assert (len(result.fills), result.open_orders) == (0, 1)


def test_history_warms_up_and_trades_nothing(tmp_path: Path) -> None:
    warms = """
        warmup = 2

        def on_bar(self, ctx, bar):
            self.bar += 1
            ctx.buy(bar.symbol, self.bar)
    """
    result = played(days({"AAPL": flat(1, 2, 3, 4, 5, 6)}, first=5), strategy(tmp_path, warms))
    assert fills(result) == [(6, "BUY", 3, 6.0, "market-open")]
    assert result.curve.at.tolist() == [day(5), day(6)]


def test_symbols_start_late_end_early_and_miss_bars_on_one_clock(tmp_path: Path) -> None:
    sees = """
        def on_bar(self, ctx, bar):
            if len(ctx.bars(bar.symbol)) == 1:
                ctx.buy(bar.symbol, 1, reason=str(ctx.equity))
    """
    rows: dict[str, list[Row]] = {
        "LATE": [(), (), *flat(7, 8, 9)],
        "EARLY": flat(10, 11),
        "GAPS": [*flat(20), (), *flat(22), (), *flat(24)],
    }
    result = played(days(rows), strategy(tmp_path, sees))
    assert [(fill.symbol, fill.at, float(fill.price)) for fill in result.fills] == [
        ("EARLY", day(2), 11.0),
        ("GAPS", day(3), 22.0),
        ("LATE", day(4), 8.0),
    ]
    # At the end LATE is worth 9, EARLY its last price of 11, GAPS 24.
    assert result.curve.equity.tolist() == [100_000, 100_000, 100_000, 100_000, 100_000 + 2 + 1]


def test_a_strategy_sees_the_account_as_of_the_moment(tmp_path: Path) -> None:
    tells = """
        def on_bar(self, ctx, bar):
            self.bar += 1
            if self.bar == 1:
                ctx.buy(bar.symbol, 10)
            seen.append((ctx.cash, ctx.equity, ctx.position(bar.symbol).quantity, ctx.position(bar.symbol).average))
    """
    file = strategy(tmp_path, tells)
    Path(file).write_text("seen = []\n" + Path(file).read_text())
    played(days({"AAPL": [(10, 10, 10, 10), (11, 13, 11, 12), (15, 15, 15, 15)]}), file)
    import sys

    seen = sys.modules["_strategy_mine"].seen
    assert seen == [(100_000, 100_000, 0, 0), (99_890, 100_010, 10, 11), (99_890, 100_040, 10, 11)]


def test_a_fill_is_told_before_the_bar_it_came_in_and_what_it_orders_fills_in_the_next(tmp_path: Path) -> None:
    answers = """
        def on_bar(self, ctx, bar):
            self.bar += 1
            if self.bar == 1:
                ctx.buy(bar.symbol, 10)

        def on_fill(self, ctx, fill):
            if fill.side == "BUY":
                ctx.sell(fill.symbol, 10, limit=float(fill.price) + 1)
    """
    rows: list[Row] = [(10, 10, 10, 10), (11, 20, 11, 12), (11, 12.5, 11, 11)]
    result = played(days({"AAPL": rows}), strategy(tmp_path, answers))
    assert fills(result) == [(2, "BUY", 10, 11.0, "market-open"), (3, "SELL", 10, 12.0, "limit-through")]


BRACKET = """
    def on_bar(self, ctx, bar):
        self.bar += 1
        if self.bar == 1:
            ctx.buy(bar.symbol, 10, take_profit=110, stop_loss=95)
"""


@pytest.mark.parametrize(
    ("third", "exits"),
    [
        ((100, 111, 99, 105), (3, "SELL", 10, 110.0, "limit-through")),
        ((100, 101, 94, 96), (3, "SELL", 10, 95.0, "stop-price")),
        ((90, 92, 89, 91), (3, "SELL", 10, 90.0, "stop-gap")),
        ((115, 116, 114, 115), (3, "SELL", 10, 115.0, "limit-gap")),
        ((100, 111, 94, 100), (3, "SELL", 10, 95.0, "stop-price")),
    ],
    ids=["target", "stop", "gap through the stop", "gap through the target", "both in one bar: the worse"],
)
def test_a_brackets_exits(tmp_path: Path, third: Row, exits: tuple[int, str, int, float, str]) -> None:
    result = played(days({"AAPL": [*flat(100, 100), third, *flat(100)]}), strategy(tmp_path, BRACKET))
    assert fills(result) == [(2, "BUY", 10, 100.0, "market-open"), exits]
    assert result.open_orders == 0


def test_volume_fills_an_order_in_parts(tmp_path: Path) -> None:
    rows: list[Row] = [(10, 10, 10, 10, 100), (10, 10, 10, 10, 40), (11, 11, 11, 11, 100)]
    buys = BUYS_ONCE.replace("== 2", "== 1").replace("10)", '10, tif="GTC")')
    result = played(days({"AAPL": rows}), strategy(tmp_path, buys), paper=costs(volume_cap_pct=10))
    assert fills(result) == [(2, "BUY", 4, 10.0, "market-open"), (3, "BUY", 6, 11.0, "market-open")]


def test_what_volume_leaves_of_an_order_for_the_day_ends_with_its_session(tmp_path: Path) -> None:
    rows: list[Row] = [(10, 10, 10, 10, 100), (10, 10, 10, 10, 40), (11, 11, 11, 11, 100)]
    result = played(days({"AAPL": rows}), strategy(tmp_path, BUYS_ONCE.replace("== 2", "== 1")), paper=costs(volume_cap_pct=10))
    assert fills(result) == [(2, "BUY", 4, 10.0, "market-open")]
    assert result.ended == {"expired: the session it was for is over": 1}


def test_exits_whose_entries_never_filled_are_counted_as_one_way_to_end(tmp_path: Path) -> None:
    far = """
        def on_bar(self, ctx, bar):
            ctx.buy(bar.symbol, 1, limit=5, stop_loss_pct=2)
    """
    result = played(days({"AAPL": flat(10, 10, 10, 10)}), strategy(tmp_path, far))
    assert result.ended == {
        "cancelled: another order ended without a fill: expired": 3,
        "expired: the session it was for is over": 3,
    }


def test_a_short_is_sold_and_bought_back(tmp_path: Path) -> None:
    shorts = """
        def on_bar(self, ctx, bar):
            self.bar += 1
            if self.bar == 1:
                ctx.sell(bar.symbol, 10)
            elif self.bar == 3:
                ctx.close(bar.symbol)
    """
    result = played(days({"AAPL": flat(50, 50, 45, 40)}), strategy(tmp_path, shorts))
    [trade] = result.trades
    assert (trade.side, trade.entry, trade.exit, trade.profit) == ("SELL", 50.0, 40.0, 100.0)
    assert result.curve.equity.tolist() == [100_000, 100_000, 100_050, 100_100]


def test_costs_are_booked_and_told(tmp_path: Path) -> None:
    paper = costs(commission=CommissionSettings(rate=Decimal(1), minimum=Decimal(0)), slippage=SlippageSettings(bps=100))
    result = played(days({"AAPL": flat(100, 100, 100)}), strategy(tmp_path, BUYS_ONCE), paper=paper)
    # 10 shares at 101 for 100, and 1 % of 1,010 for the broker.
    assert result.final_value == 100_000 - 10 - Decimal("10.10")
    assert (result.figures.slippage, result.figures.fees) == pytest.approx((10.0, 10.1))


def test_what_the_account_cannot_pay_for_is_cut_down_and_told(tmp_path: Path) -> None:
    result = played(days({"AAPL": flat(10, 10, 10)}), strategy(tmp_path, BUYS_ONCE), paper=costs(cash=Decimal(50)))
    assert fills(result) == [(3, "BUY", 4, 10.0, "market-open")]
    assert result.cut == {"buying power": 1}


def test_without_limits_a_strategy_may_put_everything_on_one_symbol(tmp_path: Path) -> None:
    file = strategy(tmp_path, BUYS_ONCE.replace("10", "9000"))
    data = days({"AAPL": flat(10, 10, 10)})
    assert fills(played(data, file)) == [(3, "BUY", 9000, 10.0, "market-open")]
    assert fills(played(data, file, limits=Limits()))[0][2] == 1000


def test_a_breaker_that_tripped_is_released_with_the_next_session(tmp_path: Path) -> None:
    buys = """
        def on_bar(self, ctx, bar):
            ctx.buy(bar.symbol, 100)
    """
    limits = Limits(max_daily_loss_pct=Decimal(1), circuit_breaker_pct=_ALL, max_drawdown_pct=_ALL, max_position_pct=_ALL)
    result = played(days({"AAPL": flat(100, 100, 80, 80, 80)}), strategy(tmp_path, buys), limits=limits)
    assert result.denied == {"reducing": 1}
    assert [told[0] for told in fills(result)] == [2, 3, 5]
    assert any("today's loss" in note for note in result.notes)


def test_a_split_changes_what_is_held_and_not_what_it_is_worth(tmp_path: Path) -> None:
    split = Action("AAPL", date(2024, 3, 3), "split", Decimal(4))
    rows: list[Row] = [*flat(400, 400), (100, 101, 99, 100), (100, 100, 90, 91), *flat(110)]
    body = BRACKET.replace("110", "440").replace("95", "380")
    result = played(days({"AAPL": rows}, actions=(split,)), strategy(tmp_path, body))
    # The exits were in old shares: they are cancelled, and nothing is sold at 90.
    assert fills(result) == [(2, "BUY", 10, 400.0, "market-open")]
    assert (result.held[0].quantity, result.held[0].average) == (Decimal(40), Decimal(100))
    assert result.curve.equity.tolist() == [100_000, 100_000, 100_000, 100_000 - 360, 100_000 + 400]
    assert result.final_value == 100_400


def test_after_a_split_a_strategy_begins_again_with_its_history_in_the_new_shares(tmp_path: Path) -> None:
    crosses = """
        warmup = 2

        def on_start(self, ctx):
            self.closes = []

        def on_bar(self, ctx, bar):
            self.closes.append(bar.close)
            if bar.close < 0.9 * max(self.closes):
                ctx.buy(bar.symbol, 1)
    """
    rows: list[Row] = [*flat(800, 808), *flat(404, 400, 404), *flat(101, 100, 101)]
    splits = tuple(Action("AAPL", date(2024, 3, day), "split", Decimal(ratio)) for day, ratio in ((3, 2), (6, 4)))
    # One split lies in the history, the other in what is played: neither is a fall.
    assert fills(played(days({"AAPL": rows}, first=4, actions=splits), strategy(tmp_path, crosses))) == []
    assert fills(played(days({"AAPL": rows}, first=4), strategy(tmp_path, crosses)))[0][0] == 5


def test_a_dividend_is_paid(tmp_path: Path) -> None:
    dividend = Action("AAPL", date(2024, 3, 4), "dividend", Decimal(2))
    result = played(days({"AAPL": flat(10, 10, 10, 8, 8)}, actions=(dividend,)), strategy(tmp_path, BUYS_ONCE))
    assert result.curve.equity.tolist() == [100_000] * 5
    assert result.curve.cash.tolist() == [100_000, 100_000, 99_900, 99_920, 99_920]


def test_without_a_trade_there_are_figures_all_the_same(tmp_path: Path) -> None:
    result = played(days({"AAPL": flat(10, 20)}), strategy(tmp_path, "def on_bar(self, ctx, bar): ..."))
    figures = result.figures
    assert (figures.total_return, figures.sharpe, figures.calmar, figures.trades.win_rate, figures.drawdown.depth) == (
        0,
        None,
        None,
        None,
        0,
    )
    assert figures.buy_and_hold == 1.0


def test_an_error_ends_the_run_with_file_line_and_bar(tmp_path: Path) -> None:
    file = strategy(tmp_path, "def on_bar(self, ctx, bar):\n    self.bar += 1\n    1 / (2 - self.bar)")
    with pytest.raises(BacktestError) as ended:
        played(days({"AAPL": flat(10, 20, 30)}), file)
    told = f"{file}, line 9, on_bar at the bar of AAPL that closed 2024-03-03 00:00 UTC: ZeroDivisionError: division by zero."
    assert str(ended.value) == told
    assert "1 / (2 - self.bar)" in ended.value.detail


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ('ctx.buy("TSLA", 1)', "'TSLA' is not one of this strategy's symbols (AAPL)."),
        ("ctx.buy(bar.symbol, -1)", "the quantity of its order in AAPL is -1.0; it must be a number above 0."),
        ("[ctx.buy(bar.symbol, 1) for _ in range(101)]", "it ordered 101 times in one callback; 100 are allowed."),
    ],
)
def test_an_order_that_cannot_be_meant_ends_the_run(tmp_path: Path, order: str, why: str) -> None:
    with pytest.raises(BacktestError) as ended:
        played(days({"AAPL": flat(10)}), strategy(tmp_path, f"def on_bar(self, ctx, bar):\n    {order}"))
    assert str(ended.value).endswith(why)


def test_a_fault_of_ours_is_not_blamed_on_the_strategy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.core.core import Core

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    file = strategy(tmp_path, BUYS_ONCE)
    monkeypatch.setattr(Core, "prime", broken)
    monkeypatch.setattr("engine.backtest.lane.Lane.submit", broken)
    with pytest.raises(ZeroDivisionError):
        played(days({"AAPL": flat(10, 20)}), file)


def test_a_strategy_sees_larger_bars_where_it_asks_for_them_and_its_orders_fill_in_the_bars_as_they_are(tmp_path: Path) -> None:
    from tests.engine.backtest.workloads import market

    data = market(1, 600)
    hourly = """
        timeframe = "1h"

        def on_bar(self, ctx, bar):
            assert bar.at % 3_600_000_000_000 == 0
            assert ctx.bars(bar.symbol)[-1] == bar
            self.bar += 1
            assert len(ctx.bars(bar.symbol)) == self.bar
            ctx.buy(bar.symbol, self.bar)
    """
    result = played(data, strategy(tmp_path, hourly))
    assert result.bars == 600
    # Of the minute after the hour.
    opens = data.bars["S00"].columns
    assert [(int(fill.quantity), fill.at, float(fill.price)) for fill in result.fills] == [
        (hour, opens.at[60 * hour], opens.open[60 * hour]) for hour in range(1, 10)
    ]
    assert result.open_orders == 1


@pytest.mark.parametrize("limits", [None, OFF], ids=["in the lane", "by the core"])
@pytest.mark.parametrize(
    ("latency", "bar"),
    [
        (Latency(), 3),
        (Latency(ms=1), 4),
        (Latency(ms=86_400_000), 4),
        (Latency(ms=86_400_001), 5),
        (Latency(bars=1), 4),
        (Latency(bars=3), 6),
    ],
)
def test_an_order_fills_in_the_first_bar_that_begins_when_it_has_reached_the_market(
    tmp_path: Path, latency: Latency, bar: int, limits: Limits | None
) -> None:
    data = days({"AAPL": [(10 * n, 10 * n, 10 * n, 10 * n) for n in range(1, 8)]})
    result = played(data, strategy(tmp_path, BUYS_ONCE), latency=latency, limits=limits)
    assert fills(result) == [(bar, "BUY", 10, 10.0 * bar, "market-open")]


def test_what_is_kept_of_an_earlier_bar_stays_what_it_was(tmp_path: Path) -> None:
    keeps = """
        def on_start(self, ctx):
            self.kept = []

        def on_bar(self, ctx, bar):
            self.kept.append((bar, bar.close, ctx.bars(bar.symbol)[-1]))
            for kept, close, last in self.kept:
                assert kept.close == last.close == close
            try:
                bar.close = 0.0
            except AttributeError:
                return
            raise AssertionError("a bar was written to")
    """
    assert played(days({"AAPL": flat(10, 20, 30)}), strategy(tmp_path, keeps)).bars == 3


def test_history_ends_with_the_bar_that_is_told_in_each_symbol(tmp_path: Path) -> None:
    sees = """
        warmup = 2

        def on_bar(self, ctx, bar):
            if ctx.warming:
                return
            for symbol in ctx.symbols:
                closes = ctx.bars(symbol).closes
                seen.append((bar.symbol, symbol, len(closes), closes[:], list(closes), closes[-1], ctx.bars(symbol).times[-1] <= ctx.now))
    """
    file = strategy(tmp_path, sees)
    Path(file).write_text("seen = []\n" + Path(file).read_text())
    played(days({"A": flat(1, 2, 3, 4), "B": [*flat(10, 20), (), *flat(40)]}, first=3), file)
    import sys

    told = {"A": [1.0, 2.0], "B": [10.0, 20.0]}
    wanted = []
    for symbol, close in (("A", 3.0), ("A", 4.0), ("B", 40.0)):
        told[symbol].append(close)
        wanted += [(symbol, each, len(closes), list(closes), list(closes), closes[-1], True) for each, closes in told.items()]
    assert sys.modules["_strategy_mine"].seen == wanted


def test_updates_come_at_their_times_and_know_nothing_later(tmp_path: Path) -> None:
    updates = """
        update_interval = 86_400.0 / 2

        def on_update(self, ctx):
            assert ctx.now < ctx.bars("AAPL")[-1].at + 86_400_000_000_000
            self.bar += 1
            if self.bar == 1:
                ctx.buy("AAPL", 1)
    """
    result = played(days({"AAPL": flat(10, 20, 30, 40)}), strategy(tmp_path, updates))
    # Due in the middle of the second bar, so the third is the first that begins after it.
    assert fills(result) == [(3, "BUY", 1, 30.0, "market-open")]


def test_two_strategies_share_an_account_and_hear_of_their_own_fills(tmp_path: Path) -> None:
    buys = """
        shares = param(1, low=1, high=100)

        def on_bar(self, ctx, bar):
            self.bar += 1
            if self.bar == 1:
                ctx.buy(bar.symbol, self.shares)
            if self.bar == 3:
                assert ctx.position(bar.symbol).quantity == 12
                ctx.sell(bar.symbol, self.shares)

        def on_fill(self, ctx, fill):
            assert fill.quantity == self.shares
    """
    few, many = strategy(tmp_path, buys, "few"), strategy(tmp_path, buys, "many")
    both = Profile((StrategySettings(few, params={"shares": 2}), StrategySettings(many, params={"shares": 10})), FREE)
    result = run(days({"AAPL": flat(10, 11, 12, 13)}), both)
    assert {name: figures.profit for name, figures in result.figures.by_strategy.items()} == {"few": 4, "many": 20}
    assert result.params == {"few": {"shares": 2}, "many": {"shares": 10}}
    assert result.final_value == 100_024


def test_profiles_share_no_state(tmp_path: Path) -> None:
    file, data = strategy(tmp_path, BUYS_ONCE), days({"AAPL": flat(10, 20, 30)})
    first, second = played(data, file), played(data, file)
    assert first.fills == second.fills
    assert FREE.cash == 100_000
