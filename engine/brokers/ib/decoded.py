"""What the client library's decoder hands over, as the plain values of `facts`. Its objects are read and none is made, so it need not be
imported for that."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from engine.brokers.ib.facts import (
    Contract,
    ErrorTold,
    ExecutionTold,
    Fact,
    FeeTold,
    OrderFields,
    OrderTold,
    RequestFailed,
    StatusTold,
)
from engine.model.money import LARGEST, ZERO, exact

UNSET = sys.float_info.max


def listen(wrapper: Any, hear: Callable[[Fact], None]) -> None:
    """Has `hear` called with each message before the library's own `wrapper` deals with it."""

    def tap(name: str, read: Callable[..., Fact | None]) -> None:
        original = getattr(wrapper, name)

        def tapped(*given: Any) -> None:
            fact = read(*given)
            if fact is not None:
                hear(fact)
            original(*given)

        setattr(wrapper, name, tapped)

    tap("openOrder", _open_order)
    tap("completedOrder", _completed_order)
    tap("orderStatus", _status)
    tap("execDetails", _execution)
    tap("commissionReport", _fee)
    tap("error", lambda request, code, words, *more: ErrorTold(int(request), int(code), str(words)))


def _open_order(order_id: int, contract: Any, order: Any, state: Any) -> OrderTold | None:
    if order.whatIf:
        return None
    return OrderTold(order.permId, order.clientId, order_id, contract_of(contract), _fields(order), state.status)


def _completed_order(contract: Any, order: Any, state: Any) -> OrderTold:
    words = f"{state.completedStatus}".strip()
    filled = _price(order.filledQuantity) or ZERO
    return OrderTold(order.permId, 0, 0, contract_of(contract), _fields(order), state.status, True, filled, words)


def _status(
    order_id: int, status: str, filled: float, remaining: float, average: float, perm_id: int, parent: int, last: float,
    client_id: int, why_held: str, *more: float,
) -> StatusTold:  # fmt: skip
    return StatusTold(perm_id, client_id, order_id, status, amount_of(filled), amount_of(average), why_held, amount_of(remaining))


def _execution(request: int, contract: Any, told: Any) -> ExecutionTold:
    order_id = 0 if told.orderId == 2**31 - 1 else told.orderId
    action = "BUY" if told.side == "BOT" else "SELL"
    return ExecutionTold(
        told.execId,
        told.permId,
        told.clientId,
        order_id,
        told.orderRef,
        contract_of(contract),
        action,
        amount_of(told.shares),
        amount_of(told.price),
        amount_of(told.cumQty),
        amount_of(told.avgPrice),
    )


def cash_of(text: str) -> Decimal:
    """Raises RequestFailed where it is no amount of money."""
    try:
        amount = Decimal(text)
    except ArithmeticError:
        amount = Decimal("NaN")
    if not (amount.is_finite() and abs(amount) <= LARGEST):
        raise RequestFailed(0, f"TWS told {text[:40]!r} as an amount of cash")
    return amount


def _fee(report: Any) -> FeeTold | None:
    """Nothing where TWS does not know it yet and leaves it unset: it is told again then, and whenever executions are asked for."""
    return FeeTold(report.execId, amount_of(report.commission), report.currency) if abs(report.commission) < UNSET else None


def _fields(order: Any) -> OrderFields:
    return OrderFields(
        order.action,
        amount_of(order.totalQuantity),
        order.orderType,
        _price(order.lmtPrice),
        _price(order.auxPrice),
        order.tif,
        bool(order.outsideRth),
        _price(order.trailStopPrice),
        _price(order.trailingPercent),
        order.ocaGroup,
        int(order.ocaType),
        order.account,
        order.orderRef,
    )


def contract_of(told: Any) -> Contract:
    return Contract(told.conId, told.symbol, told.secType, told.currency, told.localSymbol, told.primaryExchange, told.exchange)


def amount_of(value: float) -> Decimal:
    """The decimal that a person would read off it, without a point where it is whole."""
    number = exact(value)
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number


def _price(value: float) -> Decimal | None:
    return None if value in (0, UNSET) else amount_of(value)
