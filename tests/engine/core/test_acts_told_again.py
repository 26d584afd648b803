"""A split or a dividend that carries its ex-date is told again where a feed begins once more in its session: it is booked once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model.market import Dividend, Split
from engine.model.modes import TradingState
from engine.model.money import cents
from engine.model.orders import OrderState
from engine.model.records import DividendBooked, EquityMarked, SplitBooked
from engine.model.settings import Limits
from tests.engine.core import floor as trading
from tests.engine.core.floor import SECOND, Floor, essence, facts, restored

D = Decimal
THURSDAY, FRIDAY, MONDAY = "2025-06-12", "2025-06-13", "2025-06-16"
TIGHT = Limits(D(100), D(100), D(400), max_daily_loss_pct=D("0.1"), max_drawdown_pct=D("0.1"))


def holding(shares: int = 100) -> Floor:
    floor = Floor(trading.settings(limits=TIGHT), prices={"AAPL": 100.0, "MSFT": 100.0}, session=THURSDAY)
    if shares:
        floor.hold(shares, 100)
    return floor


def tell(floor: Floor, day: str = FRIDAY) -> None:
    """A session's beginning: its acts, its opening, and the first price in the new shares."""
    floor.market(Split("AAPL", floor.at, D(2), 100.0, FRIDAY))
    floor.market(Dividend("AAPL", floor.at, D("0.5"), FRIDAY))
    floor.session(day)
    floor.quote("AAPL", 49.5)


def money(floor: Floor) -> tuple[object, ...]:
    portfolio, theirs = floor.core.state.portfolio, floor.broker_account()
    assert facts(portfolio.cash, portfolio.position("AAPL")) == facts(theirs.cash, theirs.position("AAPL"))
    return facts(portfolio.position("AAPL"), portfolio.cash)


@pytest.mark.parametrize("crash", [False, True])
def test_what_is_booked_is_not_booked_again(crash: bool) -> None:
    floor = holding()
    tell(floor)
    assert money(floor) == (200, 90_100)
    floor.restart(crash=crash)
    floor.core.prime("AAPL", 100.0, at=floor.at - SECOND)
    tell(floor)
    floor.tick()
    assert money(floor) == (200, 90_100)
    assert cents(floor.core.state.portfolio.equity()) == 100_000
    assert facts(len(floor.of(SplitBooked)), len(floor.of(DividendBooked)), floor.trading()) == (1, 1, TradingState.ACTIVE)
    assert essence(restored(floor.records)) == essence(floor.core.state)


def test_what_a_crash_kept_from_the_disk_is_booked_when_it_is_told_again() -> None:
    floor = holding()
    on_disk = len(floor.records)
    tell(floor)
    del floor.records[on_disk:]
    floor.restart(crash=True)
    floor.core.prime("AAPL", 100.0, at=floor.at - SECOND)
    tell(floor)
    assert money(floor) == (200, 90_100)


def test_a_crash_between_two_acts_of_a_morning_loses_neither() -> None:
    floor = holding()
    floor.market(Split("AAPL", floor.at, D(2), 100.0, FRIDAY))
    floor.restart(crash=True)
    floor.core.prime("AAPL", 100.0, at=floor.at - SECOND)
    tell(floor)
    assert money(floor) == (200, 90_100)


def test_shares_that_were_bought_after_the_split_are_not_split() -> None:
    floor = holding(0)
    tell(floor)
    floor.hold(10, 49.5)
    floor.restart(crash=True)
    tell(floor)
    assert money(floor) == (10, 100_000 - 495)


def test_orders_that_were_placed_after_the_split_work_on() -> None:
    floor = holding()
    tell(floor)
    order = floor.sell(10, limit=60)
    floor.restart(crash=True)
    tell(floor)
    floor.reconcile()
    assert floor.core.state.book.orders[order.id].state is OrderState.WORKING


def test_a_market_that_is_played_again_from_an_earlier_day_splits_again() -> None:
    floor = holding()
    tell(floor)
    floor.session(MONDAY)
    floor.restart()
    floor.session(THURSDAY)
    floor.quote("AAPL", 100)
    tell(floor)
    assert money(floor)[0] == 400


def test_an_act_of_a_day_before_the_one_the_account_is_in_is_past() -> None:
    """The market is played again from Friday on; what was bought on Monday is in the shares of Monday."""
    floor = holding(0)
    floor.session(MONDAY)
    floor.hold(10, 49.5)
    floor.restart()
    tell(floor)
    assert money(floor) == (10, 100_000 - 495)


def test_two_dividends_of_one_day_that_differ_are_two() -> None:
    floor = holding()
    for amount in ("0.5", "2", "0.5"):
        floor.market(Dividend("AAPL", floor.at, D(amount), FRIDAY))
    assert money(floor) == (100, 90_250)


@pytest.mark.parametrize("ratio", [2, D("0.1")])
def test_a_price_from_before_the_split_that_is_booked_trips_no_limit(ratio: Decimal) -> None:
    """A history that ends before the split is in the old shares: until the feed has said so, nobody knows what the account is worth."""
    floor = holding()
    told = floor.at
    floor.market(Split("AAPL", told, D(ratio), 100.0, FRIDAY))
    floor.session(FRIDAY)
    floor.quote("AAPL", 100 / float(ratio))
    marks = len(floor.of(EquityMarked))
    floor.restart(crash=True)
    floor.core.prime("AAPL", 100.0, at=told - SECOND)
    floor.tick(61)
    assert facts(floor.trading(), len(floor.of(EquityMarked))) == (TradingState.ACTIVE, marks)
    floor.market(Split("AAPL", told, D(ratio), 100.0, FRIDAY))
    floor.tick(61)
    assert facts(floor.trading(), floor.of(EquityMarked)[-1].equity) == (TradingState.ACTIVE, 100_000)
