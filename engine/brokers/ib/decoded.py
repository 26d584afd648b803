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
from engine.model.money import LARGEST, ZERO, exact, is_amount
from engine.text import one_line

UNSET = sys.float_info.max
_SIDES = {"BOT": "BUY", "SLD": "SELL"}


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
    tap("error", lambda request, code, words, *more: ErrorTold(int(request), int(code), one_line(str(words))))


def _open_order(order_id: int, contract: Any, order: Any, state: Any) -> OrderTold | None:
    if order.whatIf:
        return None
    return OrderTold(_perm_id(order.permId), order.clientId, order_id, contract_of(contract), _fields(order), one_line(state.status))


def _completed_order(contract: Any, order: Any, state: Any) -> OrderTold:
    words = one_line(f"{state.completedStatus}")
    filled = _count(_price(order.filledQuantity) or ZERO)
    return OrderTold(_perm_id(order.permId), 0, 0, contract_of(contract), _fields(order), one_line(state.status), True, filled, words)


def _status(
    order_id: int, status: str, filled: float, remaining: float, average: float, perm_id: int, parent: int, last: float,
    client_id: int, why_held: str, *more: float,
) -> StatusTold:  # fmt: skip
    counts = [_count(amount_of(each)) for each in (filled, average, remaining)]
    return StatusTold(_perm_id(perm_id), client_id, order_id, one_line(status), counts[0], counts[1], why_held, counts[2])


def _execution(request: int, contract: Any, told: Any) -> ExecutionTold:
    order_id = 0 if told.orderId == 2**31 - 1 else told.orderId
    if "." not in told.execId.strip("."):
        raise ValueError(f"{told.execId!r} is no id of an execution")
    if told.side not in _SIDES:
        raise ValueError(f"{told.side!r} is no side of an execution")
    return ExecutionTold(
        told.execId,
        _perm_id(told.permId),
        told.clientId,
        order_id,
        told.orderRef,
        contract_of(contract),
        _SIDES[told.side],
        _traded(told.shares),
        _traded(told.price),
        _count(amount_of(told.cumQty)),
        _count(amount_of(told.avgPrice)),
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
    return FeeTold(report.execId, amount_of(report.commission), one_line(report.currency)) if abs(report.commission) < UNSET else None


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
    texts = (told.symbol, told.secType, told.currency, told.localSymbol, told.primaryExchange, told.exchange)
    return Contract(told.conId, *map(one_line, texts))


def amount_of(value: float) -> Decimal:
    """The decimal that a person would read off it, without a point where it is whole. Raises ValueError where it is no amount of anything:
    the message that it is in is not understood then."""
    if not abs(value) <= LARGEST:  # a NaN is not, either
        raise ValueError(f"{value} is no amount")
    number = exact(value)
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number


def _perm_id(number: int) -> int:
    """0 before an order has one."""
    if not 0 <= number < 2**63:
        raise ValueError(f"{number} is no permId")
    return number


def _count(amount: Decimal) -> Decimal:
    if amount < 0:
        raise ValueError(f"{amount} is below zero")
    return amount


def _traded(value: float) -> Decimal:
    if not is_amount(amount := amount_of(value)):
        raise ValueError(f"nothing trades for {value}, nor so many")
    return amount


def _price(value: float) -> Decimal | None:
    return None if value in (0, UNSET) else amount_of(value)
