"""Parts of a share and sums of money on paper, from the wish to the position and out of it again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.inputs import Proposal, Replace
from engine.model.modes import Mode
from engine.model.orders import Bracket, Exit, Intent, OrderState, Side, Source, TimeInForce
from engine.model.records import FillBooked
from tests.engine.core.floor import OPEN_LIMITS, Floor, essence, facts, restored, settings, wish
from tests.thorough import tries

D = Decimal


def floor(price: float = 187.5) -> Floor:
    return Floor(prices={"AAPL": price})


def money(amount: object, side: Side = Side.BUY, **more: object) -> Intent:
    return replace(Intent("AAPL", side, D(0), notional=D(str(amount))), **more)


def test_a_sum_of_money_buys_the_part_of_a_share_that_it_pays_for() -> None:
    the_floor = floor()
    reply = the_floor.submit(money(500))
    assert reply.text == "#1 BUY 2.6666 AAPL market DAY sent (500 at 187.5 a share)"
    the_floor.quote("AAPL", 187.5)
    assert facts(the_floor.position(), the_floor.core.state.portfolio.cash) == (D("2.6666"), 100_000 - D("499.9875"))
    assert the_floor.position() == the_floor.broker_account().position("AAPL")


def test_half_a_share_is_bought_kept_over_a_restart_and_sold() -> None:
    the_floor = floor()
    the_floor.buy("0.5")
    the_floor.quote("AAPL", 187.5)
    the_floor.restart(crash=True)
    assert the_floor.position() == D("0.5")
    the_floor.quote("AAPL", 190)
    the_floor.sell("0.5")
    the_floor.quote("AAPL", 190)
    assert facts(the_floor.position(), the_floor.core.state.portfolio.cash) == (0, D("100001.25"))
    assert essence(restored(the_floor.records)) == essence(the_floor.core.state)


def test_a_limit_order_ends_in_its_part_of_a_share_and_fills_in_whole_ones_before() -> None:
    the_floor = floor(100)
    the_floor.buy("10.5", limit=100)
    for price in (100, 99.99, 99.98, 99.97):
        the_floor.quote("AAPL", price, size=3)
    assert [record.fill.quantity for record in the_floor.of(FillBooked)] == [3, 3, 3, D("1.5")]


@pytest.mark.parametrize(
    "wanted",
    [
        wish(Side.BUY, "0.5", stop=200),
        replace(wish(Side.BUY, "0.5", limit=180), tif=TimeInForce.GTC),
        replace(wish(Side.BUY, "0.5"), bracket=Bracket(stop_loss=Exit(pct=D(2)))),
    ],
    ids=["a stop", "good till cancelled", "a bracket"],
)
def test_what_brokers_do_not_trade_in_parts_is_refused_in_a_sentence(wanted: Intent) -> None:
    reply = floor().submit(wanted)
    sentence = "0.5 is less than one lot of 1. Parts of a share trade in DAY orders at the market or a limit, without a bracket."
    assert (reply.ok, reply.text) == (False, sentence)


def test_a_sum_of_money_with_exits_buys_whole_shares_which_they_close_to_the_last() -> None:
    the_floor = floor()
    the_floor.submit(money(500, bracket=Bracket(take_profit=Exit(pct=D(1)))))
    the_floor.quote("AAPL", 187.5)
    assert the_floor.position() == 2
    the_floor.move("AAPL", 200)
    assert the_floor.position() == 0


def test_a_whole_number_of_shares_is_never_cut_to_a_part_of_one() -> None:
    the_floor = Floor(settings(limits=replace(OPEN_LIMITS, max_order_pct=D(1))), mode=Mode.FULL_AUTO, prices={"AAPL": 187.5})
    the_floor.propose("s1", quantity=100)
    assert the_floor.last_order.quantity == 5


def test_what_is_cut_off_a_part_of_a_share_is_said() -> None:
    assert floor().submit(wish(Side.BUY, "10.90007")).text == "#1 BUY 10.9 AAPL market DAY sent (10.90007 cut to 10.9)"


def test_what_closes_a_position_takes_its_part_of_a_share_along() -> None:
    the_floor = floor(100)
    the_floor.buy("10.5")
    the_floor.quote("AAPL", 100)
    the_floor.sell(1_000, reduce_only=True)
    the_floor.quote("AAPL", 100)
    assert the_floor.position() == 0


def test_a_flatten_closes_a_part_of_a_share() -> None:
    the_floor = floor(100)
    the_floor.buy("10.5")
    the_floor.quote("AAPL", 100)
    the_floor.stop()
    the_floor.flatten()
    the_floor.quote("AAPL", 100)
    assert facts(the_floor.position(), the_floor.last_order.source, the_floor.last_order.state) == (0, Source.FLATTEN, OrderState.FILLED)


def test_a_stop_covers_the_whole_shares_of_a_position_that_has_a_part_of_one() -> None:
    the_floor = floor(100)
    the_floor.buy("10.5")
    the_floor.quote("AAPL", 100)
    order = the_floor.sell("10.5", stop=95)
    assert order.quantity == 10


def test_a_strategy_closes_its_part_of_a_share() -> None:
    the_floor = Floor(mode=Mode.FULL_AUTO, prices={"AAPL": 100})
    the_floor.handle(Proposal("s1", "sma", "AAPL", Side.BUY, D("10.5")))
    the_floor.quote("AAPL", 100)
    assert the_floor.position() == D("10.5")
    the_floor.handle(Proposal("s2", "sma", "AAPL", Side.SELL))
    the_floor.quote("AAPL", 100)
    assert the_floor.position() == 0


def test_where_a_broker_trades_whole_shares_alone_a_part_of_one_is_cut_off() -> None:
    the_floor = floor(100)
    the_floor.core.gate.capabilities = replace(the_floor.broker.capabilities, fraction=None)
    assert the_floor.submit(wish(Side.BUY, "0.5")).text == "0.5 is less than one lot of 1."
    assert the_floor.submit(wish(Side.BUY, "1.5")).text == "#1 BUY 1 AAPL market DAY sent (1.5 cut to whole lots)"


def test_a_replace_may_add_a_part_of_a_share() -> None:
    the_floor = floor(100)
    order = the_floor.buy(10, limit=99)
    the_floor.handle(Replace(the_floor.command_id(), order.id, replace(order.terms, quantity=D("10.5"))))
    the_floor.move("AAPL", 99)
    the_floor.quote("AAPL", 99)
    assert facts(order.quantity, order.filled, the_floor.position()) == (D("10.5"), D("10.5"), D("10.5"))


@trying(max_examples=tries(40, 2_000), deadline=None)
@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 2_000_000), st.integers(9_000, 11_000)), max_size=12))
def test_whatever_parts_are_traded_books_and_broker_agree_to_the_cent(trades: list[tuple[Side, int, int]]) -> None:
    the_floor = floor(100)
    for side, parts, price in trades:
        the_floor.move("AAPL", price / 100)
        the_floor.submit(Intent("AAPL", side, D(parts) / 10_000))
        the_floor.quote("AAPL", price / 100, size=7)
        the_floor.quote("AAPL", price / 100)
    account, ours = the_floor.broker_account(), the_floor.core.state.portfolio
    assert (ours.position("AAPL"), ours.cash) == (account.position("AAPL"), account.cash)
    assert ours.cash == 100_000 - sum((r.fill.side.sign * r.fill.cost + r.fill.fees for r in the_floor.of(FillBooked)), D(0))
