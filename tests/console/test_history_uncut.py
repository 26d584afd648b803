"""The tables of the history with the longest that is legal: no number, symbol or state is cut."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from console.screens.history_tables import TABS, HistoryTable, OrdersTab
from engine.model import Level
from engine.model.orders import OrderState, OrderType, Side, Source, TimeInForce
from engine.model.signals import SignalState
from tests.console.test_nothing_is_cut import cuts
from tests.views import NOW
from tests.widgets.harness import Harness, text_of
from tests.worst import FREE, OTHER, PRICE, STRATEGY, D

LONGEST: dict[str, Any] = {
    "seq": 1,
    "id": "t1234-999999",
    "order_id": "t1234-999999",
    "run_id": "run-20251128-123456",
    "number": 999_999,
    "symbol": "ABCDEFGH.IJK",
    "side": Side.SELL,
    "quantity": D(1_234_567),
    "requested": D(2_345_678),
    "type": OrderType.STOP_LIMIT,
    "limit": OTHER,
    "stop": PRICE,
    "trail": None,
    "trail_pct": None,
    "exit_pct": None,
    "released": True,
    "parent": "",
    "tif": TimeInForce.CLS,
    "source": Source.STRATEGY,
    "strategy": STRATEGY,
    "reason": FREE,
    "filled": D(1_234_567),
    "average": PRICE,
    "realised": D("-12345678.90"),
    "closes": True,
    "created_at": NOW,
    "raised_at": NOW,
    "started_at": NOW,
    "ended_at": None,
    "at": NOW,
    "price": PRICE,
    "cost": D("12345678901.23"),
    "fees": D("123456.78"),
    "rule": "market-open",
    "corrects": False,
    "strength": 1.0,
    "decided_by": "you",
    "decided_reason": FREE,
    "session": "2025-06-12",
    "equity": D("-12345678.90"),
    "loss": D("1234567.89"),
    "loss_limit": D("1234567.89"),
    "tripped_at": NOW,
    "account": "alpaca paper",
    "feed": FREE,
    "cash": D("12345678.90"),
    "level": Level.ERROR,
    "text": FREE,
}


def rows(tab: type[HistoryTable]) -> list[Any]:
    states = (OrderState if tab.NAME == "Orders" else SignalState) if tab.NAME in ("Orders", "Signals") else (None,)
    return [SimpleNamespace(**{**LONGEST, "seq": place, "state": state}) for place, state in enumerate(states)]


@pytest.mark.parametrize("width", [80, 120, 160, 200])
async def test_who_sent_an_order_is_not_cut_where_why_has_no_room(width: int) -> None:
    table = OrdersTab()
    async with Harness(table).run_test(size=(width, 24)) as pilot:
        table.show_rows([SimpleNamespace(**{**LONGEST, "strategy": "sma_cross", "state": OrderState.FILLED})])
        for _ in range(3):
            await pilot.pause()
        assert "sma_cross" in text_of(table) or "From" not in text_of(table)
        assert "sma_cross ·" not in text_of(table)


@pytest.mark.parametrize("width", [80, 120, 160, 200])
@pytest.mark.parametrize("tab", TABS)
async def test_no_number_symbol_or_state_of_the_history_is_cut(tab: type[HistoryTable], width: int) -> None:
    table = tab()
    async with Harness(table).run_test(size=(width, 24)) as pilot:
        table.show_rows(rows(tab))
        for _ in range(3):
            await pilot.pause()
        assert not cuts(text_of(table)), text_of(table)
