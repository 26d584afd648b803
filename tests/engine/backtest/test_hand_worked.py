"""Every order type, worked out by hand: what is ordered on the first bar, the bars after it, and each fill with day, price and rule."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from engine.backtest.data import open_data
from engine.backtest.profile import Profile
from engine.backtest.runner import run
from engine.feeds.actions import Action
from engine.model.settings import FeedSettings, StrategySettings
from tests.engine.backtest.market import FREE, Row, costs, day, days, fills, flat, played, strategy

Told = tuple[int, str, int, float, str]
BUY, SELL = "BUY", "SELL"
FIRST: Row = (100, 100, 100, 100)

CASES: dict[str, tuple[str, list[Row], list[Told]]] = {
    "market, at the next open": ('ctx.buy("A", 10)', [(101, 103, 99, 102)], [(2, BUY, 10, 101, "market-open")]),
    "market, over a gap": ('ctx.buy("A", 10)', [(120, 121, 119, 120)], [(2, BUY, 10, 120, "market-open")]),
    "limit, traded through": ('ctx.buy("A", 10, limit=98)', [(100, 101, 97, 99)], [(2, BUY, 10, 98, "limit-through")]),
    "limit, not reached": ('ctx.buy("A", 10, limit=98)', [(100, 101, 98.5, 99)], []),
    "limit, a gap in its favour": ('ctx.buy("A", 10, limit=98)', [(95, 96, 94, 95)], [(2, BUY, 10, 95, "limit-gap")]),
    "limit, touched: a quarter of the cap": (
        'ctx.buy("A", 100, limit=98, tif="GTC")',
        [(100, 101, 98, 99, 200), (99, 99, 97, 98, 1000)],
        [(2, BUY, 50, 98, "limit-touch"), (3, BUY, 50, 98, "limit-through")],
    ),
    "limit to sell": ('ctx.sell("A", 10, limit=104)', [(100, 105, 99, 101)], [(2, SELL, 10, 104, "limit-through")]),
    "limit for the day, gone the next": ('ctx.buy("A", 10, limit=98)', [(100, 101, 99, 100), (97, 98, 96, 97)], []),
    "limit until it is cancelled": (
        'ctx.buy("A", 10, limit=98, tif="GTC")',
        [(100, 101, 99, 100), (97, 98, 96, 97)],
        [(3, BUY, 10, 97, "limit-gap")],
    ),
    "stop, traded through": ('ctx.buy("A", 10, stop=103)', [(100, 104, 99, 101)], [(2, BUY, 10, 103, "stop-price")]),
    "stop, not reached": ('ctx.buy("A", 10, stop=103)', [(100, 102.9, 99, 101)], []),
    "stop, a gap against it": ('ctx.buy("A", 10, stop=103)', [(110, 111, 109, 110)], [(2, BUY, 10, 110, "stop-gap")]),
    "stop to sell": ('ctx.sell("A", 10, stop=97)', [(100, 101, 96, 98)], [(2, SELL, 10, 97, "stop-price")]),
    "stop-limit, through the stop": (
        'ctx.buy("A", 10, stop=103, limit=104)',
        [(100, 105, 99, 103.5)],
        [(2, BUY, 10, 103, "stop-limit-price")],
    ),
    "stop-limit, a gap within the limit": (
        'ctx.buy("A", 10, stop=103, limit=106)',
        [(105, 107, 104.5, 106.5)],
        [(2, BUY, 10, 105, "stop-limit-gap")],
    ),
    "stop-limit, a gap beyond the limit": ('ctx.buy("A", 10, stop=103, limit=104)', [(110, 111, 109, 110)], []),
    "trail in price, from the high of the bar before": (
        'ctx.sell("A", 10, trail=3, tif="GTC")',
        [(100, 106, 100, 105), (105, 106, 102, 103)],
        [(3, SELL, 10, 103, "trail-price")],
    ),
    "trail in per cent": (
        'ctx.sell("A", 10, trail_pct=5, tif="GTC")',
        [(100, 120, 100, 119), (118, 119, 113, 114)],
        [(3, SELL, 10, 114, "trail-price")],
    ),
    "trail, a gap through it": (
        'ctx.sell("A", 10, trail=3, tif="GTC")',
        [(100, 106, 100, 105), (90, 91, 89, 90)],
        [(3, SELL, 10, 90, "stop-gap")],
    ),
    "bracket, both in one bar: the worse": (
        'ctx.buy("A", 10, take_profit=110, stop_loss=95)',
        [FIRST, (100, 112, 94, 100)],
        [(2, BUY, 10, 100, "market-open"), (3, SELL, 10, 95, "stop-price")],
    ),
    "bracket in per cent of its fill": (
        'ctx.buy("A", 10, take_profit_pct=10, stop_loss_pct=5)',
        [(200, 200, 200, 200), (200, 221, 199, 210)],
        [(2, BUY, 10, 200, "market-open"), (3, SELL, 10, 220, "limit-through")],
    ),
    "bracket, its exits fill in no bar that began before the entry did": (
        'ctx.buy("A", 10, take_profit=110, stop_loss=95)',
        [(100, 112, 94, 100), FIRST],
        [(2, BUY, 10, 100, "market-open")],
    ),
    "bracket, short": (
        'ctx.sell("A", 10, take_profit=90, stop_loss=105)',
        [FIRST, (100, 106, 89, 100)],
        [(2, SELL, 10, 100, "market-open"), (3, BUY, 10, 105, "stop-price")],
    ),
    "volume, in parts": (
        'ctx.buy("A", 10, tif="GTC")',
        [(100, 100, 100, 100, 4), (101, 101, 101, 101, 50)],
        [(2, BUY, 4, 100, "market-open"), (3, BUY, 6, 101, "market-open")],
    ),
    "volume, shared by two orders": (
        '[ctx.buy("A", 6, tif="GTC") for _ in (1, 2)]',
        [(100, 100, 100, 100, 8), (101, 101, 101, 101, 50)],
        [(2, BUY, 6, 100, "market-open"), (2, BUY, 2, 100, "market-open"), (3, BUY, 4, 101, "market-open")],
    ),
}


def once(order: str) -> str:
    return f"def on_bar(self, ctx, bar):\n    self.bar += 1\n    if self.bar == 1:\n        {order}"


@pytest.mark.parametrize("name", CASES)
def test_an_order_fills_as_it_does_by_hand(name: str, tmp_path: Path) -> None:
    order, rows, told = CASES[name]
    assert fills(played(days({"A": [FIRST, *rows]}), strategy(tmp_path, once(order)))) == told


def test_on_the_day_of_a_split_old_shares_are_new_ones_and_a_new_order_is_in_these(tmp_path: Path) -> None:
    body = """
        def on_bar(self, ctx, bar):
            if ctx.now == day2:
                ctx.buy("A", 10)
            elif ctx.now == day3:
                ctx.close("A")
    """
    file = strategy(tmp_path, body.replace("day2", str(day(2))).replace("day3", str(day(3))))
    split = Action("A", date(2024, 3, 3), "split", Decimal(2))
    result = played(days({"A": [*flat(100, 100), (50, 51, 49, 50), *flat(55)]}, actions=(split,)), file)
    # The order of the second day is of shares that are no more when the third begins: it is cancelled, and nothing is held.
    assert fills(result) == []
    assert sum(result.ended.values()) == 1
    held = strategy(tmp_path, body.replace("day2", str(day(1))).replace("day3", str(day(3))), "held")
    result = played(days({"A": [*flat(100, 100), (50, 51, 49, 50), *flat(55)]}, actions=(split,)), held)
    assert fills(result) == [(2, BUY, 10, 100, "market-open"), (4, SELL, 20, 55, "market-open")]
    assert result.final_value == 100_000 + 20 * 55 - 10 * 100


def test_daily_bars_stamped_at_midnight_are_not_filled_at_the_open_of_the_bar_that_gave_the_signal(tmp_path: Path) -> None:
    """A day's bar that carries its midnight as its time would look as if it had closed before it opened."""
    closes = [100, 101, 102, 130, 131, 132]
    rows = "".join(
        f"2024-01-{number:02} 00:00:00,{close - 1},{close + 1},{close - 2},{close},1000\n"
        for number, close in zip((2, 3, 4, 5, 8, 9), closes, strict=True)
    )
    for name, stamp in (("midnight.csv", rows), ("dates.csv", rows.replace(" 00:00:00", ""))):
        (tmp_path / name).write_text(f"date,open,high,low,close,volume\n{stamp}")
        jumps = "def on_bar(self, ctx, bar):\n    if bar.close == 130:\n        signals.append(bar.at)\n        ctx.buy(bar.symbol, 1)"
        file = strategy(tmp_path, jumps, "jumps")
        Path(file).write_text("signals = []\n" + Path(file).read_text())
        data = open_data(FeedSettings(source=str(tmp_path / name)))
        result = run(data, Profile((StrategySettings(file),), FREE))
        [fill] = result.fills
        import sys

        [signal] = sys.modules["_strategy_jumps"].signals
        # Seen at 130, it is bought at the open of the day after, 130, and not at 129, where the day of the signal opened.
        assert (float(fill.price), fill.rule) == (130.0, "market-open")
        assert fill.at > signal


def test_slippage_and_commission_come_on_top_of_a_stop(tmp_path: Path) -> None:
    from engine.model.settings import CommissionSettings, SlippageSettings

    paper = costs(commission=CommissionSettings("per_share", rate=Decimal("0.5"), minimum=Decimal(0)), slippage=SlippageSettings(bps=100))
    result = played(days({"A": [FIRST, (100, 104, 99, 101)]}), strategy(tmp_path, once('ctx.buy("A", 10, stop=103)')), paper=paper)
    [fill] = result.fills
    assert (fill.price, fill.fees, fill.rule) == (Decimal("104.03"), Decimal(5), "stop-price")
