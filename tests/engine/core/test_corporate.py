"""Splits and dividends: what they make of positions, prices, orders and signals, and that no limit takes them for a loss."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.brokers.base import BrokerEvent
from engine.core.corporate import dividend_booked, ratio_text, split_booked
from engine.core.portfolio import Portfolio
from engine.log_lines import line_of
from engine.model.market import Close, Dividend, Split
from engine.model.modes import TradingState
from engine.model.money import cents
from engine.model.orders import Fill, OrderState, Side
from engine.model.records import SessionOpened, SplitBooked
from engine.model.settings import Limits
from engine.model.signals import SignalState
from tests.engine.core import floor as trading
from tests.engine.core.floor import Floor, essence, facts, restored

D = Decimal
ONE = D(1)
TIGHT = Limits(D(100), D(100), D(400), max_daily_loss_pct=D("0.1"), max_drawdown_pct=D("0.1"), short_selling=True)


def floor(limits: Limits = TIGHT) -> Floor:
    return Floor(trading.settings(limits=limits), prices={"AAPL": 100.0, "MSFT": 400.0})


def split(the_floor: Floor, ratio: object, price: float | None = 100.0) -> None:
    the_floor.market(Split("AAPL", the_floor.at, D(str(ratio)), price))


def told(the_floor: Floor, source: str) -> list[str]:
    """What the log says."""
    lines = (line_of(record, the_floor.core.state) for record in the_floor.records)
    return [line[2] for line in lines if line is not None and line[1] == source]


def equity(the_floor: Floor) -> Decimal:
    return the_floor.core.state.portfolio.equity()


@pytest.mark.parametrize("held", [100, -100])
@pytest.mark.parametrize(("ratio", "after"), [(2, 200), ("0.1", 10), ("1.5", 150)])
def test_a_split_leaves_as_much_money_in_more_or_fewer_shares(held: int, ratio: object, after: int) -> None:
    the_floor = floor()
    the_floor.hold(held, 100)
    before = equity(the_floor)
    split(the_floor, ratio)
    assert facts(the_floor.position(), cents(equity(the_floor))) == (after if held > 0 else -after, before)
    the_floor.tick()
    assert the_floor.trading() is TradingState.ACTIVE


def test_the_price_the_day_counts_from_splits_too() -> None:
    the_floor = floor()
    the_floor.core.prime("AAPL", 100.0, (Close("2025-06-11", 80.0), Close("2025-06-12", 100.0)))
    the_floor.quote("AAPL", 100.0)
    split(the_floor, 4)
    prices = the_floor.core.prices
    price = prices.by_symbol["AAPL"]
    assert (price.last, price.bid, price.ask, prices.previous("AAPL")) == (25.0, 25.0, 25.0, 20.0)
    the_floor.session("2025-06-13")
    assert prices.previous("AAPL") == 25.0


def test_what_no_lot_can_hold_is_paid_out_at_the_last_price() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    before = equity(the_floor)
    split(the_floor, D(1) / 3)
    assert facts(the_floor.position(), the_floor.core.state.portfolio.cash) == (D("33.3333"), 100_000 - 10_000 + D("0.01"))
    assert equity(the_floor) == before
    assert told(the_floor, "market")[-1] == "AAPL split 1 for 3: 33.3333 held now, +0.01 for a fraction"


def test_a_part_of_a_share_that_a_split_leaves_is_held_where_the_broker_trades_parts() -> None:
    the_floor = floor()
    the_floor.hold(105, 100)
    split(the_floor, "0.1")
    assert the_floor.position() == the_floor.broker_account().position("AAPL") == D("10.5")


@pytest.mark.parametrize("held", [0, 100, -100])
@pytest.mark.parametrize(("ratio", "shares"), [(2, 60), ("0.1", 3), (D(1) / 3, 10)])
def test_a_fill_of_before_a_split_that_is_heard_after_it_counts_in_the_new_shares(held: int, ratio: object, shares: int) -> None:
    the_floor = floor()
    if held:
        the_floor.hold(held * 3, 100)
    the_floor.buy(30)
    news: deque[BrokerEvent] = deque()
    the_floor.held_news = news
    the_floor.quote("AAPL", 100)
    split(the_floor, ratio)
    before = the_floor.position()
    the_floor.held_news = None
    for event in news:
        the_floor.handle(event)
    assert facts(the_floor.position(), the_floor.core.state.portfolio.cash) == facts(before + shares, the_floor.broker_account().cash)
    assert the_floor.position() == the_floor.broker_account().position("AAPL")
    assert essence(restored(the_floor.records)) == essence(the_floor.core.state)


def test_a_short_positions_fraction_is_bought_back() -> None:
    the_floor = floor()
    the_floor.hold(-100, 100)
    before = equity(the_floor)
    split(the_floor, D(1) / 3)
    assert (the_floor.position(), equity(the_floor)) == (D("-33.3333"), before)


def test_without_a_price_from_the_feed_the_fraction_is_paid_out_at_cost() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    split(the_floor, D(1) / 3, None)
    (booked,) = the_floor.of(SplitBooked)
    assert booked.cash == D("0.01")


def test_orders_in_the_old_shares_are_cancelled_in_words() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    stop = the_floor.sell(100, stop=90)
    other = the_floor.buy(1, "MSFT", limit=300)
    split(the_floor, 2)
    assert facts(stop.state, stop.reason, other.state) == (OrderState.CANCELED, "AAPL split 2 for 1", OrderState.WORKING)


def test_a_broker_that_does_not_cancel_them_is_asked_to() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    stop = the_floor.sell(100, stop=90)
    the_floor.handle(Split("AAPL", the_floor.at, D(2)))
    assert stop.state is OrderState.CANCELED
    text = f"AAPL split 2 for 1: #{stop.number} had prices and quantities of before it: cancelled, place them anew"
    assert text in told(the_floor, "split")


def test_a_signal_in_the_old_shares_waits_no_longer() -> None:
    the_floor = floor()
    the_floor.propose("s1")
    the_floor.propose("s2", symbol="MSFT")
    split(the_floor, 2)
    cases = the_floor.core.state.approvals.cases
    assert facts(cases["s1"].state, cases["s1"].reason) == (SignalState.REJECTED, "AAPL split 2 for 1 while it waited")
    assert cases["s2"].state is SignalState.WAITING


def test_a_dividend_comes_in_as_cash_and_goes_out_of_the_price() -> None:
    the_floor = floor()
    the_floor.hold(1000, 50)
    before = equity(the_floor)
    the_floor.market(Dividend("AAPL", the_floor.at, D("2.5")))
    assert facts(equity(the_floor), the_floor.core.prices.last("AAPL")) == (before, 47.5)
    assert the_floor.core.state.portfolio.holdings["AAPL"].realised == 2500
    assert told(the_floor, "market")[-1] == "dividend of 2.5 a share on 1000 AAPL: +2500.00"
    the_floor.tick()
    the_floor.quote("AAPL", 47.5)
    the_floor.tick()
    assert the_floor.trading() is TradingState.ACTIVE


def test_a_dividend_before_the_session_opens_is_no_gain_of_that_day() -> None:
    the_floor = floor()
    the_floor.hold(1000, 50)
    the_floor.market(Dividend("AAPL", the_floor.at, ONE))
    the_floor.session("2025-06-13")
    the_floor.quote("AAPL", 49)
    opened = the_floor.of(SessionOpened)[-1]
    assert facts(opened.equity, the_floor.core.state.day_loss(equity(the_floor))) == (100_000, 0)


def test_who_is_short_pays_the_dividend() -> None:
    the_floor = floor()
    the_floor.hold(-100, 50)
    the_floor.market(Dividend("AAPL", the_floor.at, D("0.24")))
    assert facts(the_floor.core.state.portfolio.holdings["AAPL"].realised, equity(the_floor)) == (-24, 100_000)
    assert told(the_floor, "market")[-1] == "dividend of 0.24 a share on -100 AAPL: -24.00"


@pytest.mark.parametrize("worst", [D("NaN"), D("Infinity"), D(0), D(-2)])
def test_a_ratio_or_an_amount_that_is_none_changes_nothing_and_is_said(worst: Decimal) -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    before = essence(the_floor.core.state)
    the_floor.market(Split("AAPL", the_floor.at, worst))
    the_floor.market(Dividend("AAPL", the_floor.at, worst))
    assert essence(the_floor.core.state) == before
    assert len(told(the_floor, "feed")) == 2


def test_paper_and_the_books_agree_to_the_cent_and_so_does_a_restart() -> None:
    the_floor = floor()
    the_floor.hold(101, 99.97)
    split(the_floor, "0.333333333333", 99.97)
    the_floor.market(Dividend("AAPL", the_floor.at, D("0.333")))
    truth, portfolio = the_floor.snapshot(), the_floor.core.state.portfolio
    assert facts(truth.cash, truth.positions[0][:2]) == (portfolio.cash, ("AAPL", portfolio.position("AAPL")))
    assert essence(restored(the_floor.records)) == essence(the_floor.core.state)


def holding(quantity: Decimal) -> Portfolio:
    portfolio = Portfolio(D(0))
    side = Side.BUY if quantity > 0 else Side.SELL
    portfolio.book(Fill("f", "o", "AAPL", side, abs(quantity), ONE, abs(quantity), D(0), 0))
    return portfolio


@pytest.mark.parametrize("third", [ONE / 3, D("0.3333333333333333")])
def test_a_third_that_cannot_be_written_out_loses_no_share(third: Decimal) -> None:
    booked = split_booked(Split("AAPL", 0, third, 50.0), holding(D(300)), ONE)
    assert booked is not None
    assert facts(booked.quantity, booked.cash) == (100, 0)


@given(
    st.decimals(-100_000, 100_000, places=3).filter(bool),
    st.sampled_from((D(2), D("0.1"), ONE / 3, D("1.5"), ONE / 7)),
    st.floats(0.01, 1e4),
    st.sampled_from((ONE, D("0.001"))),
)
@settings(deadline=None)
def test_a_split_never_adds_a_share_and_never_moves_equity_by_more_than_a_cent(
    quantity: Decimal, ratio: Decimal, price: float, step: Decimal
) -> None:
    portfolio = holding(quantity)
    portfolio.mark("AAPL", price)
    before = portfolio.equity()
    booked = split_booked(Split("AAPL", 0, ratio, price), portfolio, step)
    assert booked is not None
    portfolio.split(booked)
    assert booked.quantity % step == 0
    assert abs(booked.quantity) <= abs(quantity) * ratio * (1 + D("1e-12"))
    assert abs(portfolio.equity() - before) <= D("0.0051")


def test_what_was_never_held_is_not_booked() -> None:
    assert split_booked(Split("AAPL", 0, D(2)), Portfolio(), ONE) is None
    assert dividend_booked(Dividend("AAPL", 0, ONE), Portfolio()) is None


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(D(4), "4 for 1"), (D("0.1"), "1 for 10"), (D("1.5"), "3 for 2"), (ONE / 3, "1 for 3"), (D("0.3333333333333333"), "1 for 3")],
)
def test_a_ratio_is_told_as_a_trader_says_it(ratio: Decimal, words: str) -> None:
    assert ratio_text(ratio) == words
