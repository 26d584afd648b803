"""Reconciling: the broker's word against our books, and that asking twice changes nothing."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.capabilities import Capabilities
from engine.model.effects import CancelAtBroker
from engine.model.inputs import BrokerOrder, BrokerSnapshot, Cancel, OrderUpdate, Submit
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderState, OrderType, Side, Source, Terms, TimeInForce
from engine.model.records import CashMoved, FillBooked, FillCorrected, Noted, OrderPlaced, PositionAdopted, RunStarted
from engine.model.settings import PaperSettings, SlippageSettings
from tests.engine.core.floor import FRICTIONLESS, Floor, essence, facts, restored, settings, wish

D = Decimal
ELSEWHERE = BrokerOrder("web-1", "B9", "AAPL", Side.BUY, D(50), OrderType.LIMIT, D(90), None, OrderEvent.WORK)


def floor(paper: PaperSettings = FRICTIONLESS) -> Floor:
    return Floor(settings(paper=paper), prices={"AAPL": 100.0, "MSFT": 400.0})


def told(the_floor: Floor, *orders: BrokerOrder, positions: tuple[tuple[str, Decimal, Decimal], ...] | None = None) -> BrokerSnapshot:
    """The broker's own snapshot, with `orders` besides and with other `positions` where they are given."""
    truth = the_floor.snapshot()
    return replace(truth, orders=(*truth.orders, *orders), positions=truth.positions if positions is None else positions)


def test_an_order_placed_elsewhere_is_adopted_once_and_counts() -> None:
    the_floor = floor()
    the_floor.handle(told(the_floor, ELSEWHERE))
    order = the_floor.core.state.book.orders["web-1"]
    assert facts(order.source, order.state, order.number, order.broker_id) == (Source.EXTERNAL, OrderState.WORKING, 1, "B9")
    assert the_floor.core.gate.figures().reserved == 4500
    before = len(the_floor.records)
    the_floor.handle(told(the_floor, ELSEWHERE))
    assert len(the_floor.records) == before
    assert the_floor.sent == []


def test_an_order_placed_elsewhere_is_cancelled_by_the_stop() -> None:
    the_floor = floor()
    the_floor.handle(told(the_floor, ELSEWHERE))
    the_floor.stop()
    assert the_floor.core.state.book.orders["web-1"].state is OrderState.PENDING_CANCEL


def test_money_is_not_said_to_have_come_while_an_order_is_awaited() -> None:
    the_floor = floor()
    the_floor.core.gate.capabilities = replace(the_floor.core.gate.capabilities, cash=True)
    for _ in range(3):
        the_floor.handle(replace(the_floor.snapshot(), cash=D(99_000), awaited=frozenset({"r1-9"})))
    assert the_floor.of(CashMoved) == []
    for _ in range(2):
        the_floor.handle(replace(the_floor.snapshot(), cash=D(99_000)))
    assert len(the_floor.of(CashMoved)) == 1


def test_fills_of_an_order_placed_elsewhere_are_booked() -> None:
    the_floor = floor()
    part = replace(ELSEWHERE, event=OrderEvent.FILL_PART, filled=D(20), cost=D(1800), fees=D(1))
    spent = replace(told(the_floor, part, positions=(("AAPL", D(20), D(90)),)), cash=D(100_000 - 1801))
    the_floor.handle(spent)
    assert facts(the_floor.position(), the_floor.core.state.portfolio.cash) == (20, 100_000 - 1801)
    assert the_floor.of(PositionAdopted) == []


def test_an_empty_book_takes_over_what_was_traded_elsewhere_with_its_money() -> None:
    the_floor = floor()
    the_floor.handle(BrokerSnapshot(D(91_000), (("AAPL", D(100), D(90)),), ()))
    assert facts(the_floor.position(), the_floor.core.state.portfolio.cash) == (100, 91_000)
    assert the_floor.core.state.portfolio.equity() == 101_000


def test_fills_we_missed_are_booked_with_their_money() -> None:
    the_floor = floor(PaperSettings(latency_ms=0, slippage=SlippageSettings(bps=0)))
    order = the_floor.buy(100)
    the_floor.held_news = deque()
    the_floor.quote("AAPL", 100, size=60)
    the_floor.quote("AAPL", 101)
    assert the_floor.position() == 0
    the_floor.held_news = None
    the_floor.reconcile()
    truth = the_floor.snapshot()
    assert facts(order.state, the_floor.position(), the_floor.core.state.portfolio.cash) == (OrderState.FILLED, 100, truth.cash)
    assert [(f.fill.quantity, f.fill.cost) for f in the_floor.of(FillBooked)] == [(100, 60 * 100 + 40 * 101)]
    before = len(the_floor.records)
    the_floor.reconcile()
    assert len(the_floor.records) == before


def test_an_order_that_never_reached_the_broker_ends_after_a_restart() -> None:
    the_floor = floor()
    the_floor.core.handle(Submit("lost", wish(Side.BUY, 10)), the_floor.mono)
    placed = the_floor.last_order.id
    the_floor.buy(5, limit=90)
    the_floor.records.insert(-2, next(iter(_placed(the_floor, placed))))
    the_floor.restart(crash=True)
    order = the_floor.core.state.book.orders[placed]
    assert facts(order.state, order.reason) == (OrderState.REJECTED, "it never reached the broker")
    assert len(the_floor.core.state.book.open) == 1


def _placed(the_floor: Floor, order_id: str) -> list[OrderPlaced]:
    """The write-ahead record of an order whose effects were lost in a crash: written, never sent."""
    order = the_floor.core.state.book.orders[order_id]
    like = the_floor.of(OrderPlaced)[0]
    return [replace(like, id=order.id, number=order.number, quantity=order.quantity, limit=None, type=order.type)]


def test_an_order_in_flight_is_left_alone() -> None:
    the_floor = floor()
    the_floor.core.handle(Submit("c", wish(Side.BUY, 10)), the_floor.mono)
    the_floor.reconcile()
    assert the_floor.last_order.state is OrderState.PENDING_SUBMIT


def test_a_working_order_that_the_broker_does_not_list_becomes_unknown_and_is_said() -> None:
    the_floor = floor()
    order = the_floor.buy(10, limit=90)
    the_floor.handle(BrokerSnapshot(D(100_000), (), ()))
    assert facts(order.state) == (OrderState.UNKNOWN,)
    assert the_floor.of(Noted)[-1].text == "#1 AAPL is not among the broker's orders: asking for it by its id"
    the_floor.reconcile()
    assert order.state is OrderState.WORKING


@pytest.mark.parametrize("ended", [OrderEvent.REJECT, OrderEvent.CANCEL, OrderEvent.EXPIRE])
def test_an_order_we_believed_ended_works_again_where_the_broker_lists_it_open(ended: OrderEvent) -> None:
    the_floor = floor()
    order = the_floor.buy(50, limit=90)
    listed = told(the_floor)
    the_floor.handle(OrderUpdate(order.id, ended, order.broker_id))
    assert the_floor.core.gate.figures().reserved == 0
    the_floor.handle(listed)
    assert facts(order.state, the_floor.core.gate.figures().reserved) == (OrderState.WORKING, 4500)
    assert the_floor.of(Noted)[-1].text.endswith("works at the broker")
    assert essence(restored(the_floor.records)) == essence(the_floor.core.state)
    before = len(the_floor.records)
    the_floor.handle(listed)
    assert len(the_floor.records) == before
    the_floor.stop()
    assert order.state is OrderState.CANCELED


def test_an_unknown_order_that_the_broker_never_saw_ends() -> None:
    the_floor = floor()
    the_floor.core.handle(Submit("c", wish(Side.BUY, 10)), the_floor.mono)
    order = the_floor.last_order
    the_floor.handle(OrderUpdate(order.id, OrderEvent.LOSE, reason="timeout"))
    the_floor.reconcile()
    assert order.state is OrderState.REJECTED


def test_a_cancel_that_was_lost_is_asked_for_again() -> None:
    the_floor = floor()
    order = the_floor.buy(10, limit=90)
    the_floor.core.handle(Cancel("c", order.id), the_floor.mono)
    effects = the_floor.core.handle(the_floor.snapshot(), the_floor.mono)
    assert effects == [CancelAtBroker((order.id,))]


def test_a_mismatch_shuts_that_symbol_to_entries_alone_and_ends_when_both_agree() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    seventy = (("AAPL", D(70), D(100)),)
    the_floor.handle(told(the_floor, positions=seventy))
    assert the_floor.of(Noted)[-1].text == "The broker holds 70 AAPL, our books say 100: no entries in AAPL until both agree"
    reply = the_floor.submit(wish(Side.BUY, 1))
    assert (reply.ok, reply.text) == (False, "The broker holds 70 AAPL, our books say 100: no entries until both agree.")
    assert the_floor.submit(wish(Side.BUY, 1, "MSFT")).ok
    assert the_floor.submit(wish(Side.SELL, 1)).ok
    before = len(the_floor.records)
    the_floor.handle(told(the_floor, positions=seventy))
    assert len(the_floor.records) == before
    the_floor.reconcile()
    assert the_floor.submit(wish(Side.BUY, 1)).ok
    assert the_floor.position() == 100


def test_a_position_the_broker_does_not_know_is_a_mismatch_too() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.handle(told(the_floor, positions=()))
    assert the_floor.core.gate.mismatched == {"AAPL": "The broker holds no AAPL, our books say 100"}


# ---- the first start


def first_start(*orders: BrokerOrder, cash: int, positions: tuple[tuple[str, Decimal, Decimal], ...]) -> Floor:
    """An account whose very first snapshot is not empty."""
    the_floor = Floor(settings(paper=replace(FRICTIONLESS, cash=D(cash))))
    the_floor.records.clear()
    core = type(the_floor.core)(the_floor.settings, the_floor.core.desk.instruments.values(), run_id="first")
    the_floor.core = core
    core.prime("AAPL", 100.0)
    the_floor._perform(core.start(RunStarted("first", "paper", "test", D(cash), 0), the_floor.core.state.mode, "", the_floor.mono))
    the_floor.handle(BrokerSnapshot(D(cash), positions, orders))
    return the_floor


def test_the_first_start_adopts_what_is_held_at_its_cost_and_values_it_at_the_market() -> None:
    the_floor = first_start(cash=5000, positions=(("AAPL", D(100), D(80)),))
    portfolio = the_floor.core.state.portfolio
    assert facts(the_floor.position(), portfolio.holdings["AAPL"].average, portfolio.cash, portfolio.equity()) == (100, 80, 5000, 15_000)
    before = len(the_floor.records)
    the_floor.handle(BrokerSnapshot(D(5000), (("AAPL", D(100), D(80)),), ()))
    assert (len(the_floor.records), the_floor.core.gate.mismatched) == (before, {})


@pytest.mark.parametrize(
    ("side", "held", "average"),
    [(Side.BUY, 100, 86), (Side.BUY, 40, 90), (Side.SELL, 60, 80), (Side.SELL, -40, 90)],
    ids=["adds to what was held", "is all that is held", "sold a part", "is all that is short"],
)
def test_an_open_orders_fills_are_not_counted_twice_at_the_first_start(side: Side, held: int, average: int) -> None:
    part = replace(ELSEWHERE, side=side, quantity=D(100), event=OrderEvent.FILL_PART, filled=D(40), cost=D(3600), fees=D(1))
    the_floor = first_start(part, cash=5000, positions=(("AAPL", D(held), D(average)),))
    holding, cash = the_floor.core.state.portfolio.holdings["AAPL"], the_floor.core.state.portfolio.cash
    assert facts(holding.quantity, holding.average, cash) == (held, average, 5000)
    assert essence(restored(the_floor.records)) == essence(the_floor.core.state)
    the_floor.handle(OrderUpdate("web-1", OrderEvent.FILL_ALL, "B9", D(100), D(9000), D(2)))
    assert facts(the_floor.position(), the_floor.core.state.portfolio.cash) == (held + 60 * side.sign, 5000 - side.sign * 5400 - 1)


def test_after_the_first_start_a_position_is_never_adopted_silently() -> None:
    the_floor = floor()
    order = the_floor.buy(1, limit=50)
    the_floor.cancel(order)
    the_floor.handle(told(the_floor, positions=(("MSFT", D(3), D(400)),)))
    assert the_floor.of(PositionAdopted) == []
    assert "MSFT" in the_floor.core.gate.mismatched


# ---- other types, corrections, cash


def test_an_order_of_any_type_placed_elsewhere_is_adopted_with_its_terms() -> None:
    the_floor = floor()
    trailing = replace(
        ELSEWHERE,
        side=Side.SELL,
        type=OrderType.TRAILING_STOP,
        limit=None,
        stop=D(97),
        trail=D(3),
        tif=TimeInForce.DAY,
        extended_hours=True,
    )
    the_floor.handle(told(the_floor, trailing))
    order = the_floor.core.state.book.orders["web-1"]
    assert facts(order.type, order.stop, order.trail, order.tif, order.extended_hours) == (
        OrderType.TRAILING_STOP, 97, 3, TimeInForce.DAY, True
    )  # fmt: skip
    the_floor.handle(told(the_floor, replace(trailing, stop=D(98))))
    assert order.stop == 98


def test_an_order_that_was_changed_elsewhere_has_its_new_terms_here() -> None:
    the_floor = floor()
    the_floor.handle(told(the_floor, ELSEWHERE))
    the_floor.handle(told(the_floor, replace(ELSEWHERE, quantity=D(80), limit=D(89))))
    order = the_floor.core.state.book.orders["web-1"]
    assert facts(order.quantity, order.limit, the_floor.core.gate.figures().reserved) == (80, 89, 80 * 89)


def test_an_order_that_was_changed_elsewhere_counts_for_what_it_may_cost_now() -> None:
    the_floor = floor()
    the_floor.handle(told(the_floor, ELSEWHERE))
    the_floor.handle(told(the_floor, replace(ELSEWHERE, quantity=D(40), limit=D(110))))
    assert the_floor.core.gate.figures().reserved == 4400
    the_floor.handle(OrderUpdate("web-1", OrderEvent.WORK, "B9", terms=Terms(D(40), D(80), None)))
    assert the_floor.core.gate.figures().reserved == 3200
    assert essence(restored(the_floor.records)) == essence(the_floor.core.state)


def test_an_order_by_its_value_without_a_price_is_reckoned_anew_when_there_is_one() -> None:
    the_floor = Floor(settings())
    listed = replace(ELSEWHERE, quantity=D(0), type=OrderType.MARKET, limit=None, notional=D(2500))
    the_floor.handle(told(the_floor, listed))
    order = the_floor.core.state.book.orders["web-1"]
    assert facts(order.quantity, the_floor.core.gate.figures().reserved) == (2500, 2500)
    the_floor.handle(told(the_floor, listed))
    assert order.quantity == 2500
    the_floor.quote("AAPL", 50)
    the_floor.handle(told(the_floor, listed))
    assert facts(order.quantity, the_floor.core.gate.figures().reserved) == (50, 2500)
    the_floor.quote("AAPL", 51)
    before = len(the_floor.records)
    the_floor.handle(told(the_floor, listed))
    assert facts(order.quantity, len(the_floor.records)) == (50, before), "a second look changes nothing"
    assert essence(restored(the_floor.records)) == essence(the_floor.core.state)


def test_what_is_left_of_an_order_by_its_value_counts_at_the_market_once_a_part_filled() -> None:
    the_floor = Floor(settings())
    listed = replace(ELSEWHERE, quantity=D(0), type=OrderType.MARKET, limit=None, notional=D(2500))
    the_floor.handle(told(the_floor, listed))
    the_floor.quote("AAPL", 50)
    the_floor.handle(OrderUpdate("web-1", OrderEvent.FILL_PART, "B9", D(20), D(1000), terms=Terms(D(50), None, None)))
    assert the_floor.core.gate.figures().reserved == 1500


def filled_elsewhere(the_floor: Floor, filled: int, cost: object, held: int, fees: object = 0) -> BrokerSnapshot:
    listed = replace(ELSEWHERE, event=OrderEvent.FILL_PART, filled=D(filled), cost=D(str(cost)), fees=D(str(fees)))
    positions = (("AAPL", D(held), D(90)),) if held else ()
    snapshot = told(the_floor, listed, positions=positions)
    return replace(snapshot, cash=D(100_000) - D(str(cost)) - D(str(fees)))


def test_another_price_or_fee_for_the_same_fills_is_a_correction() -> None:
    the_floor = floor()
    the_floor.handle(filled_elsewhere(the_floor, 20, 1800, 20))
    the_floor.handle(filled_elsewhere(the_floor, 20, 1790, 20, "1.5"))
    order = the_floor.core.state.book.orders["web-1"]
    assert facts(order.cost, order.fees, the_floor.core.state.portfolio.cash) == (1790, D("1.5"), 100_000 - D("1791.5"))
    assert len(the_floor.of(FillCorrected)) == 1


def test_fewer_fills_than_we_booked_count_only_where_the_brokers_position_says_the_same() -> None:
    the_floor = floor()
    the_floor.handle(filled_elsewhere(the_floor, 20, 1800, 20))
    the_floor.handle(filled_elsewhere(the_floor, 15, 1350, 20))
    assert facts(the_floor.position(), the_floor.of(FillCorrected)) == (20, [])
    the_floor.handle(filled_elsewhere(the_floor, 15, 1350, 15))
    assert facts(the_floor.position(), the_floor.core.state.portfolio.cash) == (15, 100_000 - 1350)


def test_a_filled_order_that_the_broker_lists_with_more_to_trade_works_again() -> None:
    the_floor = floor()
    the_floor.handle(replace(filled_elsewhere(the_floor, 50, 4500, 50)))
    order = the_floor.core.state.book.orders["web-1"]
    assert order.state is OrderState.FILLED
    snapshot = filled_elsewhere(the_floor, 50, 4500, 50)
    more = tuple(replace(listed, quantity=D(90)) for listed in snapshot.orders)
    the_floor.handle(replace(snapshot, orders=more))
    assert facts(order.state, order.quantity, order.remaining) == (OrderState.PARTIAL, 90, 40)
    assert order.id in the_floor.core.state.book.open


def with_cash(the_floor: Floor, more: object) -> BrokerSnapshot:
    truth = the_floor.snapshot()
    return replace(truth, cash=truth.cash + D(str(more)))


def test_money_that_no_trade_explains_is_booked_once_it_stays_where_the_brokers_word_is_the_accounts() -> None:
    the_floor = floor()
    the_floor.core.gate.capabilities = Capabilities(cash=True)
    opening = the_floor.core.state.session_equity
    the_floor.handle(with_cash(the_floor, 500))
    assert the_floor.of(CashMoved) == []
    the_floor.handle(with_cash(the_floor, 500))
    assert [record.amount for record in the_floor.of(CashMoved)] == [500]
    state = the_floor.core.state
    assert facts(state.portfolio.cash, state.portfolio.realised(), state.session_equity - opening) == (100_500, 0, 500)
    before = len(the_floor.records)
    for _ in range(3):
        the_floor.handle(with_cash(the_floor, 500))
    assert len(the_floor.records) == before


def test_a_difference_in_cash_that_comes_and_goes_is_a_fill_on_its_way_and_not_booked() -> None:
    the_floor = floor()
    the_floor.core.gate.capabilities = Capabilities(cash=True)
    for more in (-500, 0, -300, -200):
        the_floor.handle(with_cash(the_floor, more))
    assert the_floor.of(CashMoved) == []


def test_on_paper_other_cash_is_shown_once_and_never_booked() -> None:
    the_floor = floor()
    for _ in range(4):
        the_floor.handle(with_cash(the_floor, -25))
    notes = [note.text for note in the_floor.of(Noted)]
    assert notes == ["The broker's cash is 99,975.00, our books say 100,000.00, and no trade explains it"]
    assert the_floor.core.state.portfolio.cash == 100_000
