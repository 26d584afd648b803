"""The gate: what becomes of a wish between the person or strategy who has it and the broker."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.brokers.base import BrokerEvent
from engine.model.inputs import LinkChanged, OrderUpdate, Preview, Submit, Tick
from engine.model.market import Quote
from engine.model.modes import Level, LinkState, Mode
from engine.model.order_states import OrderEvent
from engine.model.orders import Fill, Intent, OrderState, OrderType, Side, Source
from engine.model.records import (
    FillBooked,
    FillCorrected,
    Noted,
    OrderDenied,
    OrderPlaced,
    PositionAdopted,
    Record,
    SignalRaised,
    SplitBooked,
)
from engine.model.settings import Limits
from engine.model.verdicts import PASSED, Outcome
from tests.engine.core.floor import OPEN_LIMITS, Floor, facts, restored, settings, wish

D = Decimal


def floor(limits: Limits = OPEN_LIMITS, *, mode: Mode = Mode.MANUAL, price: float = 100.0) -> Floor:
    return Floor(settings(limits=limits), mode=mode, prices={"AAPL": price, "MSFT": 400.0})


def rule_of(the_floor: Floor, intent: Intent) -> str:
    """The rule that refuses `intent`, or nothing where it passes. Nothing may have reached the broker for it."""
    before = len(the_floor.sent)
    reply = the_floor.submit(intent)
    if reply.ok:
        return ""
    assert len(the_floor.sent) == before
    assert reply.text
    return reply.verdict.rule if reply.verdict else "refused"


# ---- normal form


def test_prices_are_put_on_the_tick_and_quantities_cut_to_the_lot() -> None:
    order = floor().buy("10.90007", limit="99.996")
    assert facts(order.quantity, order.limit, order.requested) == (D("10.9"), 100, D("10.90007"))


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity", "0", "-1", "1E+13", "1E+999999", "1E-999999"])
def test_a_number_that_is_none_is_refused_in_quantity_limit_and_stop(number: str) -> None:
    the_floor = floor()
    assert rule_of(the_floor, wish(Side.BUY, number)) == "order"
    assert rule_of(the_floor, wish(Side.BUY, 1, limit=number)) == "order"
    assert rule_of(the_floor, wish(Side.BUY, 1, stop=number)) == "order"
    denied = [record.intent for record in the_floor.of(OrderDenied)]
    assert [(intent.quantity, intent.limit, intent.stop) for intent in denied] == [(0, None, None), (1, None, None), (1, None, None)]


@pytest.mark.parametrize(("quantity", "limit", "rule"), [("0.00009", None, "lot size"), ("1", "0.004", "tick size")])
def test_less_than_a_lot_or_a_tick_is_refused_in_a_short_sentence(quantity: str, limit: str | None, rule: str) -> None:
    the_floor = floor()
    assert rule_of(the_floor, wish(Side.BUY, quantity, limit=limit)) == rule
    assert len(the_floor.replies[-1].text) < 100


@pytest.mark.parametrize(
    "wrong",
    [
        Intent("AAPL", Side.BUY, D(1), OrderType.LIMIT),
        Intent("AAPL", Side.BUY, D(1), OrderType.STOP),
        Intent("AAPL", Side.BUY, D(1), OrderType.MARKET, limit=D(100)),
        Intent("AAPL", Side.BUY, D(1), OrderType.LIMIT, limit=D(100), stop=D(99)),
    ],
)
def test_a_price_where_none_belongs_or_none_where_one_belongs_is_refused(wrong: Intent) -> None:
    assert rule_of(floor(), wrong) == "order"


def test_a_symbol_that_the_feed_does_not_know_is_refused() -> None:
    assert rule_of(floor(), wish(Side.BUY, 1, "TSLA")) == "symbol"


# ---- who asks


def test_a_person_is_refused_and_told_what_would_pass() -> None:
    the_floor = floor(replace(OPEN_LIMITS, max_order_pct=D(10)))
    reply = the_floor.submit(wish(Side.BUY, 150))
    assert not reply.ok
    assert reply.text.endswith("100 would pass.")
    assert not the_floor.sent
    assert the_floor.of(OrderDenied)[0].verdict.outcome is Outcome.DENY


def test_a_strategy_is_cut_down_and_both_quantities_are_kept() -> None:
    the_floor = floor(replace(OPEN_LIMITS, max_order_pct=D(10)), mode=Mode.FULL_AUTO)
    the_floor.propose("s1", quantity=150)
    assert facts(the_floor.sent[0].quantity, the_floor.sent[0].requested) == (100, 150)


@pytest.mark.parametrize("source", [Source.STRATEGY, Source.FLATTEN, Source.EXTERNAL])
def test_no_order_gets_past_the_mode_or_the_limits_by_calling_itself_something_else(source: Source) -> None:
    the_floor = floor(replace(OPEN_LIMITS, max_order_pct=D(1)))
    for halted in (False, True):
        if halted:
            the_floor.stop()
        reply = the_floor.submit(wish(Side.BUY, 900, source=source))
        assert not reply.ok
        assert not the_floor.sent


def test_a_preview_changes_nothing_and_tells_the_figures() -> None:
    the_floor = floor()
    before = len(the_floor.records)
    the_floor.handle(Preview("p", wish(Side.BUY, 100, limit="99.50")))
    reply = the_floor.replies[-1]
    assert facts(reply.ok, reply.quantity, reply.cost, reply.buying_power_after, reply.position_after) == (True, 100, 9950, 90_050, 100)
    assert reply.distance == pytest.approx(-0.005)
    assert (len(the_floor.records), the_floor.sent) == (before, [])


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("trail", [{"trail": 2}, {"trail_pct": 2}], ids=["in price", "in per cent"])
def test_a_trailing_stop_is_as_far_from_the_market_as_it_trails(side: Side, trail: dict[str, int]) -> None:
    the_floor = floor(replace(OPEN_LIMITS, short_selling=True))
    amounts = {name: D(amount) for name, amount in trail.items()}
    the_floor.handle(Preview("p", replace(wish(side, 10), type=OrderType.TRAILING_STOP, **amounts)))
    assert the_floor.replies[-1].distance == pytest.approx(0.02 * side.sign)


def test_a_closing_order_says_where_less_is_left_to_close_before_it_is_sent_and_after() -> None:
    the_floor = floor()
    the_floor.hold(30, 100)
    the_floor.sell(25, limit="104")
    the_floor.handle(Preview("p", wish(Side.SELL, 5, reduce_only=True)))
    assert the_floor.replies[-1].verdict == PASSED
    the_floor.handle(Preview("p", wish(Side.SELL, 30, reduce_only=True)))
    asked = the_floor.replies[-1]
    assert (asked.ok, asked.quantity, asked.verdict and asked.verdict.text) == (True, D(5), "Cut to 5 of 30: no more is left to close.")
    assert the_floor.submit(wish(Side.SELL, 30, reduce_only=True)).text.endswith("sent (5 of 30: no more is left to close)")


# ---- what an order is valued at


def test_a_buy_stop_below_the_market_is_valued_at_what_it_will_pay() -> None:
    the_floor = floor(replace(OPEN_LIMITS, max_order_pct=D(10)))
    assert rule_of(the_floor, wish(Side.BUY, 101, stop="0.01")) == "order size"
    assert rule_of(the_floor, wish(Side.BUY, 100, stop="0.01")) == ""


def test_a_short_sale_with_a_limit_below_the_market_is_valued_at_the_market() -> None:
    the_floor = floor(replace(OPEN_LIMITS, max_order_pct=D(10), short_selling=True))
    assert rule_of(the_floor, wish(Side.SELL, 101, limit="96")) == "order size"
    assert rule_of(the_floor, wish(Side.SELL, 100, limit="96")) == ""


def test_a_buy_limit_and_a_short_sales_stop_are_valued_at_their_own_price() -> None:
    the_floor = floor(replace(OPEN_LIMITS, max_order_pct=D(10), short_selling=True))
    assert rule_of(the_floor, wish(Side.BUY, 201, limit=50)) == "order size"
    assert rule_of(the_floor, wish(Side.BUY, 200, limit=50)) == ""
    assert rule_of(the_floor, wish(Side.SELL, 200, "AAPL", stop=50)) == ""


def test_a_market_order_is_valued_at_the_far_side_of_the_quote() -> None:
    the_floor = floor(replace(OPEN_LIMITS, max_order_pct=D(10)))
    the_floor.quote("AAPL", 100, spread=1)
    assert rule_of(the_floor, wish(Side.BUY, 100)) == "order size"
    assert the_floor.replies[-1].text.endswith("99 would pass.")


# ---- what is reserved


def test_of_fifty_orders_at_once_with_room_for_ten_exactly_ten_pass() -> None:
    the_floor = floor(replace(OPEN_LIMITS, max_exposure_pct=D(50)))
    replies = [the_floor.submit(wish(Side.BUY, 50, limit=100, symbol="AAPL")) for _ in range(50)]
    assert [reply.ok for reply in replies] == [True] * 10 + [False] * 40


def test_an_order_filled_in_part_is_reserved_for_the_rest_alone() -> None:
    the_floor = floor()
    order = the_floor.buy(100, limit=90)
    assert the_floor.core.gate.figures().reserved == 9000
    the_floor.quote("AAPL", 90, size=40)
    assert facts(order.state, order.filled) == (OrderState.PARTIAL, 40)
    assert facts(the_floor.core.gate.figures().reserved, the_floor.core.gate.figures().gross) == (5400, 3600)


def test_a_sale_of_what_is_held_reserves_nothing_and_its_end_frees_nothing() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    order = the_floor.sell(100, limit=120)
    assert the_floor.core.gate.figures().reserved == 0
    the_floor.cancel(order)
    assert the_floor.core.gate.figures().reserved == 0


def test_of_a_sale_through_zero_only_what_opens_is_reserved() -> None:
    the_floor = floor(replace(OPEN_LIMITS, short_selling=True))
    the_floor.hold(100, 100)
    the_floor.sell(150, limit=120)
    assert the_floor.core.gate.figures().reserved == 50 * 120


def test_working_sales_together_never_exceed_what_is_held() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.sell(60, limit=120)
    the_floor.sell(30, stop=80)
    assert rule_of(the_floor, wish(Side.SELL, 11)) == "short sale"
    assert rule_of(the_floor, wish(Side.SELL, 10)) == ""


def test_shares_bought_by_an_order_that_still_works_cannot_be_sold() -> None:
    the_floor = floor()
    the_floor.buy(100, limit=90)
    assert rule_of(the_floor, wish(Side.SELL, 1)) == "short sale"


def test_a_cancelled_sale_blocks_its_shares_until_the_broker_confirms() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    order = the_floor.sell(100, limit=120)
    held: deque[BrokerEvent] = deque()
    the_floor.held_news = held
    the_floor.cancel(order)
    assert order.state is OrderState.PENDING_CANCEL
    assert rule_of(the_floor, wish(Side.SELL, 100)) == "short sale"
    the_floor.held_news = None
    the_floor.handle(held.popleft())
    assert rule_of(the_floor, wish(Side.SELL, 100)) == ""


# ---- reduce only


def test_reduce_only_is_cut_to_what_is_held_and_free() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.sell(30, limit=120)
    assert the_floor.sell(500, reduce_only=True).quantity == 70
    assert rule_of(the_floor, wish(Side.SELL, 1, reduce_only=True)) == "reduce only"


def test_reduce_only_on_the_wrong_side_is_refused() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    assert rule_of(the_floor, wish(Side.BUY, 1, reduce_only=True)) == "reduce only"


# ---- the door itself


def test_nothing_is_sent_before_the_account_was_compared() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.handle(LinkChanged("paper", LinkState.DOWN, "reset by peer"))
    assert rule_of(the_floor, wish(Side.SELL, 1)) == "link"
    the_floor.handle(LinkChanged("paper", LinkState.UP))
    assert rule_of(the_floor, wish(Side.SELL, 1)) == "starting"
    the_floor.reconcile()
    assert rule_of(the_floor, wish(Side.SELL, 1)) == ""


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (LinkState.DEGRADED, "is degraded, so nothing is sent but cancels: no stream."),
        (LinkState.DOWN, "is down, so nothing is sent: no stream."),
        (LinkState.RESET, "is in its reset, so nothing is sent: no stream."),
        (LinkState.LOGIN, "is waiting for a log-in, so nothing is sent: no stream."),
        (LinkState.FATAL, "is down and not tried again, so nothing is sent: no stream."),
    ],
)
def test_a_link_that_is_not_up_shuts_the_gate_and_says_how_it_stands(state: LinkState, words: str) -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.handle(LinkChanged("paper", state, "no stream"))
    the_floor.reconcile()
    assert words in the_floor.submit(wish(Side.SELL, 1)).text


@pytest.mark.parametrize(
    ("state", "level"),
    [
        (LinkState.DEGRADED, Level.WARNING),
        (LinkState.RESET, Level.INFO),
        (LinkState.LOGIN, Level.WARNING),
        (LinkState.DOWN, Level.ERROR),
        (LinkState.FATAL, Level.ERROR),
    ],
)
def test_a_reset_is_expected_and_no_error_and_a_log_in_that_waits_is_a_warning(state: LinkState, level: Level) -> None:
    the_floor = floor()
    the_floor.handle(LinkChanged("ib", state, "Log in there"))
    note = the_floor.of(Noted)[-1]
    assert (note.level, note.text) == (level, f"link {state.lower()}: Log in there")


def test_nothing_is_sent_while_the_journal_cannot_be_written() -> None:
    the_floor = floor()
    the_floor.handle(Tick("the disk is full"))
    reply = the_floor.submit(wish(Side.BUY, 1))
    assert (reply.ok, reply.text) == (False, "The journal cannot be written, so nothing is sent: the disk is full.")
    the_floor.tick()
    assert rule_of(the_floor, wish(Side.BUY, 1)) == ""


def test_in_research_nothing_is_entered_and_everything_may_be_closed() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.set_mode(Mode.RESEARCH)
    assert rule_of(the_floor, wish(Side.BUY, 1)) == "research"
    assert rule_of(the_floor, wish(Side.SELL, 101)) == "research"
    assert rule_of(the_floor, wish(Side.SELL, 100)) == ""


def test_an_unknown_order_counts_in_full_and_shuts_its_symbol_to_entries() -> None:
    the_floor = floor()
    order = the_floor.buy(100, limit=90)
    the_floor.handle(OrderUpdate(order.id, OrderEvent.LOSE, reason="timeout"))
    assert the_floor.core.gate.figures().reserved == 9000
    assert rule_of(the_floor, wish(Side.BUY, 1)) == "unknown order"
    assert rule_of(the_floor, wish(Side.BUY, 1, "MSFT")) == ""
    the_floor.handle(OrderUpdate(order.id, OrderEvent.WORK))
    assert rule_of(the_floor, wish(Side.BUY, 1)) == ""


def test_a_price_grows_stale_for_entries_but_never_for_exits() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.tick(5)
    assert rule_of(the_floor, wish(Side.BUY, 1)) == ""
    the_floor.tick(0.01)
    assert rule_of(the_floor, wish(Side.BUY, 1)) == "stale price"
    assert rule_of(the_floor, wish(Side.SELL, 1)) == ""


@pytest.mark.parametrize(
    ("bid", "ask", "last"),
    [
        (float("nan"), 100.0, 100.0),
        (99.0, float("inf"), 100.0),
        (99.0, 100.0, float("nan")),
        (101.0, 100.0, 100.5),
        (0.0, 100.0, 100.0),
        (-1.0, 100.0, 100.0),
        (1e300, 1e300, 1e300),
        (1e-300, 1e-300, 1e-300),
    ],
)
def test_a_quote_that_is_none_leaves_the_mark_and_fills_nothing(bid: float, ask: float, last: float) -> None:
    the_floor = floor()
    the_floor.hold(10, 100)
    the_floor.buy(10)
    equity, filled = the_floor.core.state.portfolio.equity(), the_floor.position()
    the_floor.market(Quote("AAPL", the_floor.at + 1, bid, ask, 1e9, 1e9, last))
    the_floor.tick(60)
    assert the_floor.core.state.portfolio.equity() == equity
    # Paper may fill on a sound bid and ask whose last trade is missing; it never fills on a price that is none.
    assert the_floor.position() in ({filled, filled + 10} if last != last else {filled})
    assert rule_of(the_floor, wish(Side.BUY, 1)) == "stale price"


def test_a_command_that_is_denied_is_on_record_with_its_verdict() -> None:
    the_floor = floor()
    the_floor.handle(Submit("c", wish(Side.SELL, 5)))
    denied = the_floor.of(OrderDenied)[0]
    assert (denied.intent.quantity, denied.verdict.rule) == (5, "short sale")


def test_an_order_that_would_trade_with_our_own_is_refused_and_one_beside_it_is_not() -> None:
    the_floor = floor(replace(OPEN_LIMITS, short_selling=True))
    the_floor.submit(wish(Side.SELL, 10, limit="101"))
    assert rule_of(the_floor, wish(Side.BUY, 10, limit="101")) == "self-trade"
    assert rule_of(the_floor, wish(Side.BUY, 10, limit="100.99")) == ""
    the_floor.cancel()
    assert rule_of(the_floor, wish(Side.BUY, 10, limit="101")) == ""


def test_a_stop_limit_that_waits_is_nothing_to_trade_with_yet() -> None:
    the_floor = floor()
    the_floor.hold(10, 100)
    protective = Intent("AAPL", Side.SELL, D(10), OrderType.STOP_LIMIT, limit=D(94), stop=D(95))
    assert the_floor.submit(protective).ok
    assert rule_of(the_floor, wish(Side.BUY, 10)) == ""


def test_a_strategy_that_runs_wild_is_held_by_second_minute_and_day_and_nobody_else_is() -> None:
    the_floor = floor(replace(OPEN_LIMITS, max_orders_minute=20, max_orders_day=50), mode=Mode.FULL_AUTO)
    start = the_floor.core.desk.now
    sent = []
    for number in range(1_500):
        the_floor.core.desk.now = start + number * 100_000_000
        before = len(the_floor.sent)
        the_floor.propose(f"p{number}", quantity=1, limit=f"{number + 1}e-2")
        sent.append(len(the_floor.sent) - before)
    assert sum(sent[:10]) == 5
    assert sum(sent[:600]) == 20
    assert sum(sent) == 50
    rule = the_floor.of(SignalRaised)[-1].verdict
    assert (rule.rule, rule.limit, rule.text) == ("order rate", "50 a day", "sma has sent 50 orders within a day, the limit is 50.")
    the_floor.propose("other", quantity=1, limit="0.01", strategy="rsi")
    assert the_floor.of(OrderPlaced)[-1].strategy == "rsi"
    assert rule_of(the_floor, wish(Side.BUY, 1, limit="0.01")) == ""


def test_the_rate_of_a_strategy_outlives_a_restart_and_exits_are_not_counted_out() -> None:
    the_floor = floor(mode=Mode.FULL_AUTO)
    the_floor.hold(10, 100)
    for number in range(5):
        the_floor.propose(f"p{number}", quantity=1 + number, limit="0.01")
    the_floor.propose("sixth", quantity=6, limit="0.01")
    assert the_floor.of(SignalRaised)[-1].verdict.rule == "order rate"
    assert restored(the_floor.records).sent_within(1_000_000_000, the_floor.core.desk.now, "sma") == 5
    the_floor.propose("out", Side.SELL, quantity=10)
    assert the_floor.of(OrderPlaced)[-1].side is Side.SELL


@pytest.mark.parametrize(
    ("news", "opens"),
    [
        (FillBooked(Fill("late", "long-forgotten", "AAPL", Side.SELL, D(20), D(100), D(2000), D(0), 1)), 70),
        (FillCorrected("long-forgotten", "AAPL", Side.BUY, D(-20), D(-2000), D(0), "busted", 1), 70),
        (SplitBooked("AAPL", D(2), D(200), D(0), 1), 0),
        (PositionAdopted("AAPL", D(-20), D(100), D(0), "traded elsewhere", 1), 70),
    ],
)
def test_what_works_reserves_what_it_would_open_however_the_position_came_to_change(news: Record, opens: int) -> None:
    the_floor = floor(replace(OPEN_LIMITS, short_selling=True))
    the_floor.hold(100, 100.0)
    the_floor.sell(150, limit=110)
    assert the_floor.core.gate.figures().reserved == 50 * 110
    the_floor.core.desk.record(news)
    assert the_floor.core.gate.figures().reserved == opens * 110
