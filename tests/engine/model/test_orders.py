"""What a script hands to the gate is checked where it is written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.model.orders import Exit, Intent, OrderType, Side, Terms

BUY: dict[str, Any] = {"symbol": "AAPL", "side": Side.BUY, "quantity": Decimal(10)}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"side": "BUY"}, "an intent's side must be a Side; it is 'BUY': write Side.BUY"),
        ({"side": "buy"}, "an intent's side must be a Side; it is 'buy': write Side.BUY"),
        ({"side": "long"}, "an intent's side must be a Side; it is 'long'"),
        ({"quantity": 10}, 'an intent\'s quantity must be a Decimal; it is 10: write Decimal("10")'),
        ({"limit": 187.49}, 'an intent\'s limit must be a Decimal; it is 187.49: write Decimal("187.49")'),
        ({"quantity": None}, "an intent's quantity must be a Decimal; it is None"),
        ({"symbol": 5}, "an intent's symbol must be a str; it is 5"),
        ({"tif": "GTC"}, "an intent's tif must be a TimeInForce; it is 'GTC': write TimeInForce.GTC"),
    ],
    ids=str,
)
def test_a_field_of_another_type_is_refused_with_what_to_write(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError) as refused:
        Intent(**BUY | wrong)
    assert str(refused.value) == words


def test_a_limit_order_may_have_no_stop() -> None:
    assert Intent(**BUY, type=OrderType.LIMIT, limit=Decimal("187.49")).stop is None


def test_terms_and_exits_refuse_what_is_no_decimal_too() -> None:
    with pytest.raises(TypeError, match=r"an order's terms' quantity must be a Decimal; it is 10: write Decimal\(\"10\"\)"):
        Terms(10)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"an exit's pct must be a Decimal; it is 2.5: write"):
        Exit(pct=2.5)  # type: ignore[arg-type]
