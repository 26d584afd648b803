"""Every order type, worked out by hand: what is ordered on the first bar, the bars after it, and each fill with day, price and rule."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.backtest.data import open_data
from engine.backtest.profile import Latency, Profile
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
    "bracket, short": (
        'ctx.sell("A", 10, take_profit=90, stop_loss=105)',
        [FIRST, (100, 106, 89, 100)],
        [(2, SELL, 10, 100, "market-open"), (3, BUY, 10, 105, "stop-price")],
    ),
    # The rest of the bar. An entry at the open: all of it.
    "after the open: the stop": (
        'ctx.buy("A", 10, take_profit=110, stop_loss=95)',
        [(100, 104, 94, 100), FIRST],
        [(2, BUY, 10, 100, "market-open"), (2, SELL, 10, 95, "stop-price")],
    ),
    "after the open: the target": (
        'ctx.buy("A", 10, take_profit=110, stop_loss=95)',
        [(100, 112, 96, 100), FIRST],
        [(2, BUY, 10, 100, "market-open"), (2, SELL, 10, 110, "limit-through")],
    ),
    "after the open, both: the worse": (
        'ctx.buy("A", 10, take_profit=110, stop_loss=95)',
        [(100, 112, 94, 111), FIRST],
        [(2, BUY, 10, 100, "market-open"), (2, SELL, 10, 95, "stop-price")],
    ),
    "after the open, neither": (
        'ctx.buy("A", 10, take_profit=110, stop_loss=95)',
        [(100, 109, 96, 100), (100, 111, 99, 100)],
        [(2, BUY, 10, 100, "market-open"), (3, SELL, 10, 110, "limit-through")],
    ),
    "after the open, a stop alone": (
        'ctx.buy("A", 10, stop_loss=95)',
        [(100, 112, 94, 100), FIRST],
        [(2, BUY, 10, 100, "market-open"), (2, SELL, 10, 95, "stop-price")],
    ),
    "after the open, in per cent of the fill": (
        'ctx.buy("A", 10, take_profit_pct=10, stop_loss_pct=5)',
        [(200, 219, 189, 210), FIRST],
        [(2, BUY, 10, 200, "market-open"), (2, SELL, 10, 190, "stop-price")],
    ),
    "after the open, short": (
        'ctx.sell("A", 10, take_profit=90, stop_loss=105)',
        [(100, 106, 89, 100), FIRST],
        [(2, SELL, 10, 100, "market-open"), (2, BUY, 10, 105, "stop-price")],
    ),
    "opened beyond the stop: out where it came in": (
        'ctx.buy("A", 10, take_profit=110, stop_loss=95)',
        [(94, 111, 93, 110.5), FIRST],
        [(2, BUY, 10, 94, "market-open"), (2, SELL, 10, 94, "stop-gap")],
    ),
    "opened beyond the target: out where it came in": (
        'ctx.buy("A", 10, take_profit=110, stop_loss=95)',
        [(112, 115, 111, 114), FIRST],
        [(2, BUY, 10, 112, "market-open"), (2, SELL, 10, 112, "limit-gap")],
    ),
    "opened beyond the target, and came to the stop: the worse": (
        'ctx.buy("A", 10, take_profit=110, stop_loss=95)',
        [(112, 115, 94, 100), FIRST],
        [(2, BUY, 10, 112, "market-open"), (2, SELL, 10, 95, "stop-price")],
    ),
    "a limit that the open gapped through: all of the bar": (
        'ctx.buy("A", 10, limit=98, take_profit=104, stop_loss=95)',
        [(97, 105, 96, 100), FIRST],
        [(2, BUY, 10, 97, "limit-gap"), (2, SELL, 10, 104, "limit-through")],
    ),
    "a stop that the open gapped through: all of the bar": (
        'ctx.buy("A", 10, stop=103, take_profit=120, stop_loss=101)',
        [(105, 121, 100, 110), FIRST],
        [(2, BUY, 10, 105, "stop-gap"), (2, SELL, 10, 101, "stop-price")],
    ),
    "a stop that the open gapped through: its high, too": (
        'ctx.buy("A", 10, stop=103, take_profit=120, stop_loss=101)',
        [(105, 121, 104, 110), FIRST],
        [(2, BUY, 10, 105, "stop-gap"), (2, SELL, 10, 120, "limit-through")],
    ),
    "a stop-limit that the open gapped through: all of the bar": (
        'ctx.buy("A", 10, stop=103, limit=106, take_profit=120, stop_loss=101)',
        [(105, 121, 104, 110), FIRST],
        [(2, BUY, 10, 105, "stop-limit-gap"), (2, SELL, 10, 120, "limit-through")],
    ),
    # A limit within the bar: its low came after the fill, and when its high came nobody knows.
    "limit within the bar, the stop under it": (
        'ctx.buy("A", 10, limit=98, take_profit=104, stop_loss=95)',
        [(100, 101, 94, 99), FIRST],
        [(2, BUY, 10, 98, "limit-through"), (2, SELL, 10, 95, "stop-price")],
    ),
    "limit within the bar, the target before it or after it": (
        'ctx.buy("A", 10, limit=98, take_profit=104, stop_loss=95)',
        [(100, 105, 97, 99), (104, 105, 103, 104)],
        [(2, BUY, 10, 98, "limit-through"), (3, SELL, 10, 104, "limit-through")],
    ),
    "limit within the bar, the target under the close": (
        'ctx.buy("A", 10, limit=98, take_profit=104, stop_loss=95)',
        [(100, 106, 97, 105), FIRST],
        [(2, BUY, 10, 98, "limit-through"), (2, SELL, 10, 104, "limit-through")],
    ),
    "limit within the bar, both: the worse": (
        'ctx.buy("A", 10, limit=98, take_profit=104, stop_loss=95)',
        [(100, 106, 94, 105), FIRST],
        [(2, BUY, 10, 98, "limit-through"), (2, SELL, 10, 95, "stop-price")],
    ),
    "limit within the bar, short": (
        'ctx.sell("A", 10, limit=102, take_profit=96, stop_loss=105)',
        [(100, 106, 95, 101), FIRST],
        [(2, SELL, 10, 102, "limit-through"), (2, BUY, 10, 105, "stop-price")],
    ),
    "limit within the bar, short, the target before it or after it": (
        'ctx.sell("A", 10, limit=102, take_profit=96, stop_loss=105)',
        [(100, 103, 95, 101), FIRST],
        [(2, SELL, 10, 102, "limit-through")],
    ),
    "limit that waited for days": (
        'ctx.buy("A", 10, limit=98, tif="GTC", take_profit=104, stop_loss=95)',
        [(100, 101, 99, 100), (100, 101, 94, 99), FIRST],
        [(3, BUY, 10, 98, "limit-through"), (3, SELL, 10, 95, "stop-price")],
    ),
    "limit for the day, gone with its exits": (
        'ctx.buy("A", 10, limit=98, take_profit=104, stop_loss=95)',
        [(100, 101, 99, 100), (100, 106, 94, 99)],
        [],
    ),
    # A stop within the bar: its high came after the fill, and its low is taken to have, unless it was the open.
    "stop within the bar, the stop-loss under it": (
        'ctx.buy("A", 10, stop=103, take_profit=110, stop_loss=99)',
        [(100, 105, 98, 104), FIRST],
        [(2, BUY, 10, 103, "stop-price"), (2, SELL, 10, 99, "stop-price")],
    ),
    "stop within the bar, the target over it": (
        'ctx.buy("A", 10, stop=103, take_profit=110, stop_loss=95)',
        [(100, 111, 98, 104), FIRST],
        [(2, BUY, 10, 103, "stop-price"), (2, SELL, 10, 110, "limit-through")],
    ),
    "stop within the bar, both: the worse": (
        'ctx.buy("A", 10, stop=103, take_profit=110, stop_loss=99)',
        [(100, 112, 98, 111), FIRST],
        [(2, BUY, 10, 103, "stop-price"), (2, SELL, 10, 99, "stop-price")],
    ),
    "stop within the bar, whose low was its open": (
        'ctx.buy("A", 10, stop=103, take_profit=110, stop_loss=101)',
        [(100, 105, 100, 104), FIRST],
        [(2, BUY, 10, 103, "stop-price"), (3, SELL, 10, 100, "stop-gap")],
    ),
    "stop within the bar, whose low was its open, and which closes under the stop-loss": (
        'ctx.buy("A", 10, stop=103, take_profit=110, stop_loss=101)',
        [(100, 105, 100, 100.5), FIRST],
        [(2, BUY, 10, 103, "stop-price"), (2, SELL, 10, 101, "stop-price")],
    ),
    "stop within the bar, short": (
        'ctx.sell("A", 10, stop=97, take_profit=90, stop_loss=101)',
        [(100, 102, 89, 95), FIRST],
        [(2, SELL, 10, 97, "stop-price"), (2, BUY, 10, 101, "stop-price")],
    ),
    "stop within the bar, short, whose high was its open": (
        'ctx.sell("A", 10, stop=97, take_profit=90, stop_loss=99)',
        [(100, 100, 89, 95), FIRST],
        [(2, SELL, 10, 97, "stop-price"), (2, BUY, 10, 90, "limit-through")],
    ),
    "stop-limit within the bar, the stop-loss under it": (
        'ctx.buy("A", 10, stop=103, limit=104, take_profit=110, stop_loss=99)',
        [(100, 105, 98, 104), FIRST],
        [(2, BUY, 10, 103, "stop-limit-price"), (2, SELL, 10, 99, "stop-price")],
    ),
    "stop-limit that the price came back to: its high came before": (
        'ctx.buy("A", 10, stop=103, limit=102, take_profit=106, stop_loss=97)',
        [(100, 107, 98, 101), FIRST],
        [(2, BUY, 10, 102, "stop-limit-close")],
    ),
    # One volume a bar, for entry and exits.
    "volume, an entry that leaves less than its exit wants": (
        'ctx.buy("A", 10, stop_loss=95)',
        [(100, 101, 94, 96, 14), (97, 98, 96, 97)],
        [(2, BUY, 10, 100, "market-open"), (2, SELL, 4, 95, "stop-price"), (3, SELL, 6, 97, "stop-open")],
    ),
    "volume, an entry that leaves nothing": (
        'ctx.buy("A", 10, stop_loss=95)',
        [(100, 101, 94, 96, 10), (97, 98, 96, 97)],
        [(2, BUY, 10, 100, "market-open"), (3, SELL, 10, 97, "stop-open")],
    ),
    "volume, a target touched: a quarter of what the entry left": (
        'ctx.buy("A", 10, take_profit=110, stop_loss=95)',
        [(100, 110, 96, 100, 26), (100, 101, 94, 96)],
        [(2, BUY, 10, 100, "market-open"), (2, SELL, 4, 110, "limit-touch"), (3, SELL, 6, 95, "stop-price")],
    ),
    "volume, an entry in parts: each part's exits have the rest of its bar": (
        'ctx.buy("A", 10, tif="GTC", take_profit=110, stop_loss=95)',
        [(100, 101, 99, 100, 6), (100, 101, 94, 96, 20)],
        [
            (2, BUY, 6, 100, "market-open"),
            (3, BUY, 4, 100, "market-open"),
            (3, SELL, 6, 95, "stop-price"),
            (3, SELL, 4, 95, "stop-price"),
        ],
    ),
    "volume, a stop that goes on at the next open: all of that bar": (
        'ctx.buy("A", 10, stop=103, tif="GTC", take_profit=110)',
        [(100, 104, 99, 103.5, 4), (104, 111, 103, 105)],
        [
            (2, BUY, 4, 103, "stop-price"),
            (3, BUY, 6, 104, "stop-open"),
            (3, SELL, 4, 110, "limit-through"),
            (3, SELL, 6, 110, "limit-through"),
        ],
    ),
    "volume, an entry in parts whose exits follow its average": (
        'ctx.buy("A", 10, tif="GTC", stop_loss_pct=5)',
        [(100, 101, 99, 100, 5), (110, 111, 99.5, 105, 20)],
        # Half of it at 100, half at 110: five per cent under their average is 99.75.
        [(2, BUY, 5, 100, "market-open"), (3, BUY, 5, 110, "market-open"), (3, SELL, 10, 99.75, "stop-price")],
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


BRACKET = once('ctx.buy("A", 10, take_profit=110, stop_loss=95)')
REACHED: list[Row] = [FIRST, *[(100, 112, 94, 100)] * 6]
"""Bars whose open is between the exits, and whose rest reaches both."""


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        # The second bar has begun when the entry is there. Its exits take a minute of the third, and have all of the fourth.
        ({"latency": Latency(ms=60_000)}, [(3, BUY, 10, 100, "market-open"), (3, SELL, 10, 95, "stop-price")]),
        # A bar passes the entry by, and another its exits.
        ({"latency": Latency(bars=1)}, [(3, BUY, 10, 100, "market-open"), (5, SELL, 10, 95, "stop-price")]),
        ({"fill": "close"}, [(2, BUY, 10, 100, "market-close"), (3, SELL, 10, 95, "stop-price")]),
    ],
    ids=["a minute late", "a bar late", "at the close, after which nothing comes"],
)
def test_exits_have_of_the_bar_what_came_after_they_were_there(profile: dict[str, Any], told: list[Told], tmp_path: Path) -> None:
    assert fills(played(days({"A": REACHED}), strategy(tmp_path, BRACKET), **profile)) == told


def test_an_exit_that_came_within_the_bar_has_all_of_the_next(tmp_path: Path) -> None:
    rows: list[Row] = [FIRST, FIRST, (100, 101, 99, 100), (100, 101, 94, 100)]
    told = fills(played(days({"A": rows}), strategy(tmp_path, BRACKET), latency=Latency(ms=60_000)))
    assert told == [(3, BUY, 10, 100, "market-open"), (4, SELL, 10, 95, "stop-price")]


def test_exits_that_take_longer_than_the_bar_have_nothing_of_it(tmp_path: Path) -> None:
    late = Latency(ms=25 * 3600 * 1000)
    told = fills(played(days({"A": REACHED}), strategy(tmp_path, BRACKET), latency=late))
    # The entry is there an hour after the third bar began, its exits an hour after the sixth did.
    assert told == [(4, BUY, 10, 100, "market-open"), (7, SELL, 10, 95, "stop-price")]


def test_a_stop_in_the_rest_of_the_bar_pays_slippage_and_is_counted(tmp_path: Path) -> None:
    from engine.model.settings import SlippageSettings

    paper = costs(slippage=SlippageSettings(bps=100))
    result = played(days({"A": REACHED}), strategy(tmp_path, BRACKET), paper=paper)
    assert fills(result) == [(2, BUY, 10, 101, "market-open"), (2, SELL, 10, 94.05, "stop-price")]
    [trade] = result.trades
    assert (trade.bars, trade.entry_at, trade.exit_at) == (1, day(2), day(2))
    assert result.figures.slippage == pytest.approx(10 * 1 + 10 * 0.95)


def test_two_symbols_share_nothing_but_the_moment(tmp_path: Path) -> None:
    order = "def on_bar(self, ctx, bar):\n    if ctx.now == day1:\n        ctx.buy(bar.symbol, 10, take_profit=110, stop_loss=95)"
    file = strategy(tmp_path, order.replace("day1", str(day(1))))
    rows: list[Row] = [FIRST, (100, 112, 96, 100), FIRST]
    told = played(days({"A": REACHED[:3], "B": rows}), file).fills
    assert [(fill.symbol, float(fill.price)) for fill in told] == [("A", 100), ("A", 95), ("B", 100), ("B", 110)]


def test_exits_of_a_position_that_splits_never_meet_prices_in_other_shares(tmp_path: Path) -> None:
    split = Action("A", date(2024, 3, 3), "split", Decimal(2))
    rows: list[Row] = [FIRST, (100, 101, 96, 100), (50, 51, 47, 50), FIRST]
    told = fills(played(days({"A": rows}, actions=(split,)), strategy(tmp_path, BRACKET)))
    assert told == [(2, BUY, 10, 100, "market-open")]


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
