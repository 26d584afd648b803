"""Orders and positions in several symbols, for each test of the tables."""

from __future__ import annotations

import pytest

from engine.model import OrderState
from tests.console.fake_engine import FakeEngine
from tests.console.tables.rows import HELD, ORDERS, SYMBOLS
from tests.views import order, signal


@pytest.fixture
def engine() -> FakeEngine:
    fake = FakeEngine()
    fake.change(
        orders=(*ORDERS, order(1, symbol="AAPL", state=OrderState.FILLED), order(0, symbol="IBM", state=OrderState.CANCELED)),
        positions=HELD,
        signals=tuple(signal(n, symbol=symbol) for n, symbol in enumerate(SYMBOLS)),
    )
    return fake
