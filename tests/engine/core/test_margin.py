"""Margin by hand: what positions must be covered with, what may still be bought, and what a margin call does."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.chart import ChartBuilder
from engine.core.margin import CASH_ACCOUNT, Figures
from engine.model.market import Dividend, Split
from engine.model.metrics import MetricsView
from engine.model.modes import TradingState
from engine.model.orders import OrderState, Side
from engine.model.records import Noted
from engine.model.settings import Limits, MarginSettings
from engine.view_builder import Health, ViewBuilder
from tests.engine.core import floor as trading
from tests.engine.core.floor import Floor, facts, wish
from tests.quotes import QuoteFeed

D = Decimal
MARGIN = MarginSettings(enabled=True, cushion_pct=D(0))
WIDE = Limits(D(100), D(100), D(400), max_daily_loss_pct=D(100), max_drawdown_pct=D(100), short_selling=True, circuit_breaker_pct=D(100))


def figures(equity: int, long: int, short: int = 0, reserved: int = 0, margin: MarginSettings = MARGIN) -> Figures:
    return Figures(D(equity), D(long + short), D(reserved), D(long - short), margin)


BY_HAND = {
    # equity, long, short, reserved -> initial, maintenance, buying power, margin call
    "nothing held": ((100_000, 0, 0, 0), (0, 0, 200_000, False)),
    "bought for twice the equity": ((100_000, 200_000, 0, 0), (100_000, 50_000, 0, False)),
    "long and short": ((100_000, 50_000, 40_000, 0), (45_000, 24_500, 110_000, False)),
    "working orders reserve": ((100_000, 50_000, 0, 60_000), (55_000, 12_500, 90_000, False)),
    "exactly at maintenance": ((50_000, 200_000, 0, 0), (100_000, 50_000, -100_000, False)),
    "a dollar under it": ((49_999, 200_000, 0, 0), (100_000, 50_000, -100_002, True)),
    "a short that rose": ((29_999, 0, 100_000, 0), (50_000, 30_000, -40_002, True)),
    "nothing held and nothing left": ((-5, 0, 0, 0), (0, 0, -10, False)),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_requirements_by_hand(name: str) -> None:
    given, expected = BY_HAND[name]
    account = figures(*given)
    assert facts(account.initial, account.maintenance, account.buying_power, account.margin_call) == expected


def test_a_cash_account_buys_for_what_it_has_and_has_no_margin_call() -> None:
    account = figures(1_000, 200_000, margin=MarginSettings(cushion_pct=D(0)))
    assert facts(account.initial, account.maintenance, account.buying_power, account.margin_call) == (200_000, 0, -199_000, False)
    assert not CASH_ACCOUNT.enabled


def test_no_initial_margin_is_under_the_maintenance_margin() -> None:
    account = figures(60_000, 0, margin=MarginSettings(enabled=True, initial_pct=D(20), maintenance_pct=D(60), cushion_pct=D(0)))
    assert account.buying_power == 100_000


def test_working_orders_keep_a_cushion() -> None:
    assert figures(100_000, 0, reserved=50_000, margin=MarginSettings()).buying_power == 100_000 - 50_500


def floor(margin: MarginSettings = MARGIN) -> Floor:
    return Floor(replace(trading.settings(limits=WIDE), margin=margin), prices={"AAPL": 100.0, "MSFT": 400.0})


def test_an_order_asks_for_its_cushion_so_that_fees_and_a_worse_price_leave_no_debt() -> None:
    the_floor = floor(MarginSettings())
    refused = the_floor.submit(wish(Side.BUY, 991))
    assert refused.verdict is not None
    assert refused.verdict.text == "The order needs 100,091.00, the buying power is 100,000.00. 990 would pass."
    assert the_floor.submit(wish(Side.BUY, 990)).ok


def test_margin_buys_up_to_twice_the_equity() -> None:
    the_floor = floor()
    assert not the_floor.submit(wish(Side.BUY, 2001)).ok
    assert the_floor.submit(wish(Side.BUY, 1000)).ok
    assert the_floor.submit(wish(Side.SELL, 250, "MSFT")).ok, "short positions take as much"
    assert not the_floor.submit(wish(Side.BUY, 1)).ok


def leveraged() -> Floor:
    """Holds twice its own 100,000, half of it in each symbol."""
    the_floor = floor()
    the_floor.buy(1000)
    the_floor.buy(250, "MSFT")
    at(the_floor, 100)
    return the_floor


def at(the_floor: Floor, percent: int) -> None:
    """The market, in per cent of what was paid; 66 leaves an equity of 32,000, under a quarter of the 132,000 that are held."""
    the_floor.quote("AAPL", percent)
    the_floor.quote("MSFT", 4 * percent)


def in_a_call() -> Floor:
    the_floor = leveraged()
    at(the_floor, 82)
    at(the_floor, 66)
    the_floor.tick()
    return the_floor


def told(the_floor: Floor) -> list[str]:
    return [note.text for note in the_floor.of(Noted) if note.source == "margin"]


def test_a_margin_call_is_said_once_denies_entries_and_cancels_those_that_rest() -> None:
    the_floor = leveraged()
    closing = the_floor.sell(500, limit=120)
    at(the_floor, 110)
    entry = the_floor.buy(1, limit=50)
    at(the_floor, 90)
    at(the_floor, 80)
    the_floor.tick()
    assert told(the_floor) == []
    at(the_floor, 66)
    the_floor.tick()
    the_floor.tick()
    assert told(the_floor) == [
        "Margin call (equity of 32,000.00, maintenance margin of 33,000.00): no entries until positions are reduced or money comes; "
        "resting entries are cancelled. A broker may close positions by itself."
    ]
    assert facts(entry.state, closing.state) == (OrderState.CANCELED, OrderState.WORKING)
    denied = the_floor.submit(wish(Side.BUY, 1)).verdict
    assert denied is not None
    assert facts(denied.rule, denied.text) == (
        "margin call",
        "A margin call stands: equity of 32,000.00 is under the maintenance margin of 33,000.00. Reduce positions first.",
    )
    assert the_floor.trading() is TradingState.ACTIVE


def test_reducing_ends_a_margin_call_by_itself() -> None:
    the_floor = in_a_call()
    the_floor.sell(500)
    the_floor.quote("AAPL", 66)
    the_floor.tick()
    assert told(the_floor)[-1] == (
        "The margin call is over (equity of 32,000.00, maintenance margin of 24,750.00): entries are allowed again."
    )


@pytest.mark.parametrize("action", [Split("AAPL", 0, D(4)), Dividend("AAPL", 0, D(20))])
def test_a_split_or_a_dividend_makes_no_margin_call(action: Split | Dividend) -> None:
    the_floor = leveraged()
    at(the_floor, 82)
    at(the_floor, 70)
    the_floor.market(action)
    the_floor.tick()
    assert told(the_floor) == []


def test_a_call_still_standing_is_said_again_after_a_restart() -> None:
    the_floor = in_a_call()
    the_floor.restart()
    at(the_floor, 66)
    the_floor.tick()
    assert len(told(the_floor)) == 2


def test_the_view_shows_the_margin_and_the_call() -> None:
    the_floor = in_a_call()
    view = ViewBuilder(the_floor.core, "PAPER", ChartBuilder(the_floor.core, QuoteFeed())).build(Health(), MetricsView(), the_floor.mono)
    account = view.account
    assert facts(account.net, account.maintenance, account.margin_excess, account.margin_call) == (132_000, 33_000, -1_000, True)
    (row,) = [row for row in view.risk if row.name == "margin"]
    assert facts(row.used, row.limit, row.tripped, row.note) == (D("103.12"), 100, True, "margin call")


def test_a_cash_account_shows_no_margin() -> None:
    the_floor = floor(MarginSettings())
    view = ViewBuilder(the_floor.core, "PAPER", ChartBuilder(the_floor.core, QuoteFeed())).build(Health(), MetricsView(), 1)
    assert facts(view.account.maintenance, view.account.margin_call) == (0, False)
    assert all(row.name != "margin" for row in view.risk)
