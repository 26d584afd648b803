"""The order book: a broker's news, late, double or lost, is booked exactly once."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.news import read
from engine.core.state import State
from engine.model.inputs import OrderUpdate
from engine.model.order_states import OrderEvent, next_state
from engine.model.orders import OrderState, OrderType, Side, Source, TimeInForce
from engine.model.records import OrderPlaced, RunStarted
from engine.model.verdicts import PASSED
from tests.engine.core.floor import facts

D = Decimal


@dataclass
class Books:
    """One order of 100 in a state of its own, and every complaint its news gave rise to."""

    side: Side = Side.BUY
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = State()
        self.state.apply(RunStarted("r", "paper", "test", D(100_000), 0))
        self.state.apply(
            OrderPlaced(
                "o", 1, "AAPL", self.side, D(100), D(100), OrderType.MARKET, None, None, TimeInForce.DAY, Source.PERSON, "", "", False, "",
                D(10), PASSED, 0,
            )
        )  # fmt: skip
        self.order = self.state.book.orders["o"]

    def hear(self, event: OrderEvent, filled: object = 0, cost: object = 0, fees: object = 0, broker_id: str = "P1") -> None:
        self.take(OrderUpdate("o", event, broker_id, D(str(filled)), D(str(cost)), D(str(fees))))

    def take(self, update: OrderUpdate) -> None:
        news = read(self.order, update, 0)
        for record in (news.replaced, news.fill, news.corrected, news.trailed, news.change):
            if record:
                self.state.apply(record)
        if news.complaint:
            self.complaints.append(news.complaint)

    def stands(self) -> OrderState:
        return self.order.state

    @property
    def totals(self) -> tuple[object, ...]:
        return self.order.filled, self.order.cost, self.order.fees, self.state.portfolio.cash


def test_two_partial_fills_are_booked_as_two_fills_at_their_own_prices() -> None:
    books = Books()
    books.hear(OrderEvent.WORK)
    books.hear(OrderEvent.FILL_PART, 40, 400, 1)
    assert books.stands() is OrderState.PARTIAL
    books.hear(OrderEvent.FILL_ALL, 100, 1060, 2)
    assert books.stands() is OrderState.FILLED
    assert books.totals == (100, 1060, 2, 100_000 - 1062)
    assert "o" not in books.state.book.open


def test_the_same_news_twice_is_booked_once() -> None:
    books = Books()
    for _ in range(3):
        books.hear(OrderEvent.FILL_PART, 40, 400, 1)
    assert books.totals == (40, 400, 1, 100_000 - 401)


def test_an_older_total_that_comes_late_takes_nothing_back() -> None:
    books = Books()
    books.hear(OrderEvent.FILL_PART, 60, 600, 1)
    books.hear(OrderEvent.FILL_PART, 40, 400, 1)
    books.hear(OrderEvent.WORK)
    assert facts(books.stands(), books.totals) == (OrderState.PARTIAL, (60, 600, 1, 100_000 - 601))


def test_a_fill_before_the_broker_accepted_is_a_fill() -> None:
    books = Books()
    books.hear(OrderEvent.FILL_ALL, 100, 1000)
    books.hear(OrderEvent.ACCEPT)
    books.hear(OrderEvent.WORK)
    assert facts(books.stands(), books.order.filled) == (OrderState.FILLED, 100)


@pytest.mark.parametrize("end", [OrderEvent.CANCEL, OrderEvent.REJECT, OrderEvent.EXPIRE])
def test_late_news_revives_no_ended_order(end: OrderEvent) -> None:
    books = Books()
    books.hear(end)
    ended = books.stands()
    for event in (OrderEvent.ACCEPT, OrderEvent.WORK, OrderEvent.HOLD, OrderEvent.LOSE, OrderEvent.REFUSE_CANCEL):
        books.hear(event)
    assert books.stands() is ended
    assert not books.state.book.open


def test_a_fill_after_the_cancel_is_booked_and_leaves_it_cancelled() -> None:
    books = Books(Side.SELL)
    books.hear(OrderEvent.CANCEL)
    books.hear(OrderEvent.FILL_PART, 30, 300)
    assert facts(books.stands(), books.state.portfolio.position("AAPL")) == (OrderState.CANCELED, -30)


def test_a_whole_fill_after_the_cancel_makes_it_filled() -> None:
    books = Books()
    books.hear(OrderEvent.CANCEL)
    books.hear(OrderEvent.FILL_ALL, 100, 1000)
    assert books.stands() is OrderState.FILLED


def test_more_than_was_ordered_is_booked_and_complained_about() -> None:
    books = Books()
    books.hear(OrderEvent.FILL_ALL, 130, 1300)
    assert books.state.portfolio.position("AAPL") == 130
    assert books.complaints == ["#1 was overfilled: 130 of 100; all of it is booked"]


@pytest.mark.parametrize(
    ("filled", "cost", "fees"),
    [
        ("NaN", 400, 1),
        (40, "NaN", 1),
        (40, 400, "NaN"),
        ("Infinity", 400, 1),
        (40, "Infinity", 1),
        (40, 0, 1),
        (40, -400, 1),
        ("sNaN", 1, 1),
    ],
)
def test_a_fill_without_sound_numbers_is_refused_until_the_broker_tells_them(filled: object, cost: object, fees: object) -> None:
    books = Books()
    books.hear(OrderEvent.FILL_ALL, filled, cost, fees)
    assert facts(books.stands(), books.totals) == (OrderState.WORKING, (0, 0, 0, 100_000))
    assert len(books.complaints) == 1
    books.hear(OrderEvent.FILL_PART, 40, 400, 1)
    assert books.totals == (40, 400, 1, 100_000 - 401)


def test_an_order_called_filled_without_its_fills_goes_on_working() -> None:
    books = Books()
    books.hear(OrderEvent.FILL_ALL, 60, 600)
    assert books.stands() is OrderState.PARTIAL


def test_a_refused_cancel_goes_back_to_partial_where_something_filled() -> None:
    books = Books()
    books.hear(OrderEvent.FILL_PART, 10, 100)
    books.hear(OrderEvent.REQUEST_CANCEL)
    books.hear(OrderEvent.REFUSE_CANCEL)
    assert books.stands() is OrderState.PARTIAL


@pytest.mark.parametrize("event", [OrderEvent.REFUSE_CANCEL, OrderEvent.REPLACE, OrderEvent.REFUSE_REPLACE])
def test_an_event_that_makes_no_sense_is_refused_and_changes_nothing(event: OrderEvent) -> None:
    books = Books()
    assert next_state(books.stands(), event) is None
    books.hear(event)
    assert facts(books.stands(), books.order.broker_id, books.totals) == (OrderState.PENDING_SUBMIT, "", (0, 0, 0, 100_000))
    assert books.complaints == [f"#1 is PENDING_SUBMIT and cannot take {event}: ignored"]


def test_an_order_we_lost_counts_in_full_until_the_broker_finds_it() -> None:
    books = Books()
    books.hear(OrderEvent.LOSE, broker_id="")
    assert books.state.book.working_quantity("AAPL", Side.BUY) == 100
    books.hear(OrderEvent.REQUEST_CANCEL)
    assert books.stands() is OrderState.UNKNOWN
    books.hear(OrderEvent.FILL_PART, 40, 400)
    assert facts(books.stands(), books.state.book.working_quantity("AAPL", Side.BUY)) == (OrderState.PARTIAL, 60)


@given(
    parts=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 5000)), max_size=8),
    ends=st.sampled_from((OrderEvent.CANCEL, OrderEvent.EXPIRE, OrderEvent.WORK)),
    chance=st.randoms(use_true_random=False),
    side=st.sampled_from(Side),
)
def test_whatever_was_lost_doubled_or_shuffled_one_last_word_puts_it_right(
    parts: list[tuple[int, int]], ends: OrderEvent, chance: random.Random, side: Side
) -> None:
    filled, cost, fees = D(0), D(0), D(0)
    stream = [OrderUpdate("o", OrderEvent.ACCEPT, "P1"), OrderUpdate("o", OrderEvent.WORK, "P1")]
    for quantity, cents in parts:
        filled, cost, fees = filled + quantity, cost + quantity * D(cents) / 100, fees + D("0.35")
        event = OrderEvent.FILL_ALL if filled >= 100 else OrderEvent.FILL_PART
        stream.append(OrderUpdate("o", event, "P1", filled, cost, fees))
    last = OrderUpdate("o", OrderEvent.FILL_ALL if filled >= 100 else ends, "P1", filled, cost, fees)
    received = [update for update in stream for _ in range(chance.randint(0, 3))]
    chance.shuffle(received)

    books = Books(side)
    for update in [*received, last]:
        books.take(update)

    assert books.totals == (filled, cost, fees, 100_000 - side.sign * cost - fees)
    assert books.state.portfolio.position("AAPL") == side.sign * filled
    expected = OrderState.FILLED if filled >= 100 else next_state(OrderState.WORKING, ends)
    if ends is OrderEvent.WORK and 0 < filled < 100:
        expected = OrderState.PARTIAL
    assert books.stands() is expected
    before = books.totals
    books.take(last)
    assert books.totals == before


# ---- what a broker changes of its own word


def test_fees_that_are_told_after_the_fill_are_booked() -> None:
    books = Books()
    books.hear(OrderEvent.FILL_ALL, 100, 1000)
    books.hear(OrderEvent.FILL_ALL, 100, 1000, "1.25")
    assert books.totals == (100, 1000, D("1.25"), 100_000 - 1000 - D("1.25"))
    books.hear(OrderEvent.FILL_ALL, 100, 1000)
    assert books.order.fees == D("1.25")


def correction(filled: object, cost: object, fees: object = 0, event: OrderEvent = OrderEvent.FILL_PART) -> OrderUpdate:
    return OrderUpdate("o", event, "P1", D(str(filled)), D(str(cost)), D(str(fees)), corrected=True)


def test_a_corrected_price_changes_the_money_and_not_the_shares() -> None:
    books = Books()
    books.hear(OrderEvent.FILL_ALL, 100, 1000, 1)
    books.take(correction(100, 990, 2, OrderEvent.FILL_ALL))
    assert facts(books.totals, books.stands()) == ((100, 990, 2, 100_000 - 992), OrderState.FILLED)


def test_a_fill_that_is_taken_back_is_taken_out_of_the_position() -> None:
    books = Books()
    books.hear(OrderEvent.FILL_PART, 60, 600)
    books.take(correction(40, 400))
    assert facts(books.totals, books.state.portfolio.position("AAPL")) == ((40, 400, 0, 100_000 - 400), 40)
    books.take(correction(0, 0))
    assert facts(books.totals, books.state.portfolio.position("AAPL")) == ((0, 0, 0, 100_000), 0)


def test_only_a_broker_that_says_so_takes_an_earlier_word_back() -> None:
    books = Books()
    books.hear(OrderEvent.FILL_PART, 60, 600)
    books.hear(OrderEvent.FILL_PART, 40, 400)
    books.hear(OrderEvent.FILL_PART, 60, 590)
    assert books.totals == (60, 600, 0, 100_000 - 600)


def test_a_correction_without_sound_numbers_is_refused() -> None:
    books = Books()
    books.hear(OrderEvent.FILL_PART, 60, 600)
    for filled, cost in ((-1, 0), (60, 0), (0, 600), ("NaN", 600)):
        books.take(correction(filled, cost))
    assert facts(books.totals, len(books.complaints)) == ((60, 600, 0, 100_000 - 600), 4)


def test_fills_before_and_after_a_correction_have_names_of_their_own() -> None:
    books = Books()
    names = set()
    for update in (
        OrderUpdate("o", OrderEvent.FILL_PART, "P1", D(60), D(600)),
        correction(40, 400),
        OrderUpdate("o", OrderEvent.FILL_PART, "P1", D(60), D(620)),
    ):
        news = read(books.order, update, 0)
        names |= {news.fill.fill.id} if news.fill else set()
        books.take(update)
    assert names == {"o/60", "o/60/1"}
    assert books.totals == (60, 620, 0, 100_000 - 620)


def test_what_has_triggered_a_stop_is_remembered() -> None:
    books = Books()
    books.order.type, books.order.stop = OrderType.STOP, D(9)
    books.take(OrderUpdate("o", OrderEvent.WORK, "P1", triggered=True))
    assert books.order.triggered
