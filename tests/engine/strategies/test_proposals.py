"""What a strategy asked for becomes exact, or is refused in words."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.inputs import Proposal
from engine.model.orders import Bracket, Exit, OrderType, Side, TimeInForce
from engine.strategies.base import Draft
from engine.strategies.params import StrategyError
from engine.strategies.proposals import to_proposal

DRAFT = Draft("AAPL", Side.BUY, 10.0, 0.8, "crossed", {"SMA10": 187.4})


def test_a_draft_becomes_a_proposal_with_its_vote() -> None:
    made = to_proposal(DRAFT, "run:cross:1", "cross", ("AAPL",))
    assert (made.id, made.symbol, made.side, made.quantity, made.type) == ("run:cross:1", "AAPL", Side.BUY, Decimal(10), OrderType.MARKET)
    assert (made.votes[0].strategy, made.votes[0].strength, made.votes[0].indicators) == ("cross", 0.8, (("SMA10", 187.4),))


def test_a_price_is_the_decimal_that_a_person_would_read_off_the_float() -> None:
    assert to_proposal(replace(DRAFT, limit=187.49), "1", "s", ("AAPL",)).limit == Decimal("187.49")
    assert to_proposal(replace(DRAFT, limit=187.49), "1", "s", ("AAPL",)).type is OrderType.LIMIT
    assert to_proposal(replace(DRAFT, stop=187.49), "1", "s", ("AAPL",)).type is OrderType.STOP


def test_the_prices_say_which_type_it_is() -> None:
    def made(**prices: float) -> Proposal:
        return to_proposal(replace(DRAFT, **prices), "1", "s", ("AAPL",))

    both, trailing = made(limit=10.1, stop=10.0), made(trail=0.5)
    assert (both.type, both.stop, both.limit) == (OrderType.STOP_LIMIT, Decimal("10.0"), Decimal("10.1"))
    assert (trailing.type, trailing.trail) == (OrderType.TRAILING_STOP, Decimal("0.5"))
    assert (made(trail_pct=2.0).type, made(trail_pct=2.0).trail_pct) == (OrderType.TRAILING_STOP, Decimal("2.0"))


def test_exits_come_along_as_prices_or_in_per_cent() -> None:
    made = to_proposal(replace(DRAFT, take_profit=12.5, stop_loss_pct=2.0, tif=TimeInForce.GTC), "1", "s", ("AAPL",))
    assert made.bracket == Bracket(Exit(Decimal("12.5")), Exit(pct=Decimal("2.0")))
    assert made.tif is TimeInForce.GTC
    assert to_proposal(DRAFT, "1", "s", ("AAPL",)).bracket is None


def test_no_quantity_asks_for_the_configured_size() -> None:
    assert to_proposal(replace(DRAFT, quantity=None), "1", "s", ("AAPL",)).quantity is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quantity": math.nan}, "the quantity of its order in AAPL is nan"),
        ({"quantity": math.inf}, "is inf"),
        ({"quantity": -5.0}, "is -5.0; it must be a number above 0"),
        ({"quantity": 0.0}, "is 0.0"),
        ({"quantity": 1e300}, "is 1e+300"),
        ({"limit": math.nan}, "the limit of its order in AAPL is nan"),
        ({"stop": -1.0}, "the stop of its order in AAPL is -1.0"),
        ({"trail": math.inf}, "the trail of its order in AAPL is inf"),
        ({"trail_pct": 0.0}, "the trail_pct of its order in AAPL is 0.0"),
        ({"take_profit": math.nan}, "the take_profit of its order in AAPL is nan"),
        ({"stop_loss_pct": -1.0}, "the stop_loss_pct of its order in AAPL is -1.0"),
        ({"stop_loss": 9.0, "stop_loss_pct": 1.0}, "has a stop_loss and a stop_loss_pct; give one of them"),
        ({"strength": math.nan}, "the strength of its order in AAPL is nan"),
        ({"strength": 1.5}, "is 1.5; it must be from 0 to 1"),
        ({"symbol": "IBM"}, "it ordered 'IBM', which is not one of its symbols (AAPL)"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(change: dict[str, object], words: str) -> None:
    with pytest.raises(StrategyError) as caught:
        to_proposal(replace(DRAFT, **change), "1", "s", ("AAPL",))
    assert words in str(caught.value)


def test_an_indicator_without_a_value_is_left_out() -> None:
    made = to_proposal(replace(DRAFT, indicators={"SMA": math.nan, "RSI": 30.0}), "1", "s", ("AAPL",))
    assert made.votes[0].indicators == (("RSI", 30.0),)


@given(reason=st.text(), name=st.text(max_size=60), symbol=st.text(max_size=9), number=st.floats())
def test_whatever_is_sent_no_control_character_and_no_number_that_is_none_comes_through(
    reason: str, name: str, symbol: str, number: float
) -> None:
    draft = Draft(symbol, Side.SELL, number, number, reason, {name: number}, stop=number)
    try:
        made = to_proposal(draft, "1", "s", (symbol,))
    except StrategyError:
        return
    texts = [made.reason, *(key for key, _ in made.votes[0].indicators)]
    assert all(char.isprintable() for text in texts for char in text)
    assert made.quantity is not None
    assert made.quantity.is_finite()
    assert made.quantity > 0
