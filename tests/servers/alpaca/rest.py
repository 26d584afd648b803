"""What the loopback Alpaca answers to each request: the part of its REST interface that trading takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from tests.servers.alpaca.book import Book
from tests.servers.alpaca.orders import Order, RefusedError, shown, stamp

Query = Mapping[str, str]
Answer = tuple[int, Any]


class Rest:
    def __init__(self, book: Book, skew: Callable[[], float]) -> None:
        self._book = book
        self._skew = skew

    def answer(self, method: str, path: str, query: Query, body: bytes) -> Answer:
        """The status and what is told with it, None where that is nothing."""
        try:
            return self._route(method, [unquote(part) for part in path.strip("/").split("/")][1:], query, body)
        except RefusedError as no:
            return no.status, {"code": no.code, "message": no.message}

    def _route(self, method: str, parts: list[str], query: Query, body: bytes) -> Answer:
        book = self._book
        match (method, *parts):
            case ("GET", "account"):
                return 200, self._account()
            case ("GET", "clock"):
                now = datetime.now(UTC) + timedelta(seconds=self._skew())
                soon = stamp(now + timedelta(hours=1))
                return 200, {"timestamp": stamp(now), "is_open": book.open, "next_open": soon, "next_close": soon}
            case ("GET", "orders"):
                return 200, self._listed(query)
            case ("GET", "orders:by_client_order_id"):
                order = book.by_client.get(query.get("client_order_id", ""))
                if order is None:
                    raise RefusedError(404, 40410000, "order not found for " + query.get("client_order_id", ""))
                return 200, shown(order)
            case ("POST", "orders"):
                return 200, shown(book.submit(json.loads(body)))
            case ("GET", "orders", order_id):
                return 200, shown(book.find(order_id))
            case ("PATCH", "orders", order_id):
                return 200, shown(book.replace(order_id, json.loads(body)))
            case ("DELETE", "orders", order_id):
                book.cancel(order_id)
                return 204, None
            case ("DELETE", "orders"):
                return 207, self._cancel_all()
            case ("GET", "positions"):
                return 200, [self._position(symbol) for symbol in sorted(book.positions)]
            case ("DELETE", "positions"):
                if query.get("cancel_orders") == "true":
                    self._cancel_all()
                return 207, [self._close(symbol) for symbol in sorted(book.positions)]
            case ("DELETE", "positions", symbol):
                if symbol not in book.positions:
                    raise RefusedError(404, 40410000, f"position does not exist: {symbol}")
                told = self._close(symbol)
                return told["status"], told["body"]
            case ("GET", "account", "activities", "FILL"):
                return 200, self._activities(query)
            case ("GET", "assets", symbol):
                if symbol not in book.prices:
                    raise RefusedError(404, 40410000, f"asset not found for {symbol}")
                may = {"tradable": True, "fractionable": True, "shortable": True, "easy_to_borrow": True}
                return 200, {"symbol": symbol, **may, **book.assets.get(symbol, {})}
            case _:
                raise RefusedError(404, 40410000, f"endpoint not found: {method} /v2/{'/'.join(parts)}")

    def _account(self) -> Mapping[str, Any]:
        book = self._book
        worth = sum((held * book.prices.get(symbol, Decimal(0)) for symbol, (held, _) in book.positions.items()), Decimal(0))
        return {
            "id": "904837e3-3b76-47ec-b432-046db621571b",
            "account_number": book.account_number,
            "status": "ACTIVE",
            "currency": "USD",
            "cash": f"{book.cash:f}",
            "portfolio_value": f"{book.cash + worth:f}",
            "equity": f"{book.cash + worth:f}",
            "buying_power": f"{book.buying_power():f}",
            **{flag: flag in book.flags for flag in ("trading_blocked", "account_blocked", "trade_suspended_by_user")},
            "shorting_enabled": True,
            "multiplier": "4",
        }

    def _listed(self, query: Query) -> list[Any]:
        status, limit = query.get("status", "open"), int(query.get("limit", "50"))
        nested = query.get("nested", "").lower() == "true"
        after, until = query.get("after", ""), query.get("until", "")
        found = [
            order
            for order in self._book.orders.values()
            if (status == "all" or (order.works if status == "open" else not order.works) or (nested and _any_works(order, status)))
            and not (nested and order.parent is not None and _is_leg(order))
            and (not after or _moment(order.created_at) > _moment(after))
            and (not until or _moment(order.created_at) < _moment(until))
        ]
        found.sort(key=lambda order: order.created_at, reverse=query.get("direction", "desc") == "desc")
        return [shown(order, nested=nested) for order in found[:limit]]

    def _cancel_all(self) -> list[Any]:
        told = []
        for order in [each for each in self._book.orders.values() if each.works]:
            if order.works:
                self._book.cancel(order.id)
            told.append({"id": order.id, "status": 200, "body": None})
        return told

    def _close(self, symbol: str) -> Mapping[str, Any]:
        held = self._book.positions[symbol][0]
        side = "sell" if held > 0 else "buy"
        wish = {"symbol": symbol, "qty": f"{abs(held):f}", "side": side, "type": "market", "time_in_force": "day"}
        try:
            return {"symbol": symbol, "status": 200, "body": shown(self._book.submit(wish))}
        except RefusedError as no:
            return {"symbol": symbol, "status": no.status, "body": {"code": no.code, "message": no.message}}

    def _position(self, symbol: str) -> Mapping[str, Any]:
        held, basis = self._book.positions[symbol]
        price = self._book.prices.get(symbol, Decimal(0))
        return {
            "symbol": symbol,
            "qty": f"{held:f}",
            "qty_available": f"{held:f}",
            "side": "long" if held > 0 else "short",
            "avg_entry_price": f"{basis / held:f}",
            "market_value": f"{held * price:f}",
            "cost_basis": f"{basis:f}",
            "current_price": f"{price:f}",
        }

    def _activities(self, query: Query) -> list[Any]:
        told = [
            {
                "id": f"{execution.at.replace('-', '').replace(':', '')}::{execution.id}",
                "activity_type": "FILL",
                "transaction_time": execution.at,
                "type": "fill" if order.status == "filled" and execution is order.executions[-1] else "partial_fill",
                "price": f"{execution.price:f}",
                "qty": f"{execution.quantity:f}",
                "side": order.side,
                "symbol": order.symbol,
                "order_id": order.id,
                "order_status": order.status,
            }
            for order in self._book.orders.values()
            for execution in order.executions
        ]
        told.sort(key=lambda each: each["id"], reverse=query.get("direction", "desc") == "desc")
        if after := query.get("after"):
            told = [each for each in told if _moment(each["transaction_time"]) > _moment(after)]
        if token := query.get("page_token"):
            told = told[[each["id"] for each in told].index(token) + 1 :]
        return told[: int(query.get("page_size", "100"))]


def _is_leg(order: Order) -> bool:
    return order.parent is not None and order in order.parent.legs


def _any_works(order: Order, status: str) -> bool:
    return status == "open" and any(leg.works for leg in order.legs)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
