"""The account and the market behind the loopback Alpaca: orders, executions, positions and cash, exact to the last digit.

It is a small market of its own, so that nobody is judged by his own rules: what comes in rests, `trade` says what the market did, and an
order fills at the price that traded where its own allows it. Figures are kept as Decimals and told as strings, as Alpaca does.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.servers.alpaca.orders import ZERO, Execution, Order, RefusedError, price_of, stamp, text_of, trailed

Tell = Callable[[str, Order, Mapping[str, Any]], None]
"""Is told every event of an order: its name, the order, what else the stream says."""


class Book:
    def __init__(self, tell: Tell, *, cash: Decimal = Decimal(100_000)) -> None:
        self._tell = tell
        self.account_number = "PA3LOOPBACK1"
        self.cash = self.start = cash
        self.orders: dict[str, Order] = {}
        self.by_client: dict[str, Order] = {}
        self.positions: dict[str, list[Decimal]] = {}
        """Signed quantity and what it cost, of each symbol."""
        self.prices: dict[str, Decimal] = {}
        self.open = True
        self.immediate = True
        """Whether a market order fills at the last price as soon as it is in."""
        self.flags: set[str] = set()
        """What the account is marked with: trading_blocked and the like. Nobody opens a position then."""
        self.assets: dict[str, dict[str, bool]] = {}
        """What a symbol may not be: tradable, shortable, fractionable."""
        self.power: Decimal | None = None
        """The account's buying power, where it is not what its equity makes."""
        self.duplicates = 0
        """Orders that came under a client id that was used before."""
        self.slow_replace = False
        """Whether a replace waits for `finish_replaces`, as one does whose answer is not known yet."""
        self.silent_siblings = False
        """Whether the end of a group's other order is kept to itself."""
        self._moment = 0

    # ---- what a client asks

    def submit(self, given: Mapping[str, Any]) -> Order:
        client_id = str(given.get("client_order_id") or uuid.uuid4())
        if client_id in self.by_client:
            self.duplicates += 1
            raise RefusedError(422, 40010001, "client_order_id must be unique")
        order = self._made(given, client_id)
        self._check(order)
        if given.get("order_class") == "oco":
            self._add_leg(order, given)
        elif given.get("order_class") not in (None, "", "simple"):
            raise RefusedError(422, 42210000, f"order_class {given['order_class']} is not taken here")
        self._keep(order)
        self._tell("new" if self.open else "accepted", order, {})
        for leg in order.legs:
            self._keep(leg)
            self._tell("held", leg, {})
        self.settle(order)
        return order

    def cancel(self, order_id: str) -> None:
        order = self.find(order_id)
        if not order.works:
            raise RefusedError(422, 42210000, f'order is already in "{order.status}" state')
        self.end(order, "canceled")
        for other in self._siblings(order):
            self.end(other, "canceled")

    def replace(self, order_id: str, given: Mapping[str, Any]) -> Order:
        """Another order in its place, which knows nothing of what the first one filled."""
        old = self.find(order_id)
        if old.status in ("accepted", "pending_new", "pending_cancel", "pending_replace"):
            raise RefusedError(422, 42210000, f'cannot replace order in "{old.status}" status')
        if not old.works:
            raise RefusedError(422, 42210000, f'order is already in "{old.status}" state')
        quantity = old.quantity if given.get("qty") is None else Decimal(str(given["qty"]))
        if old.quantity % 1 and given.get("qty") is not None:
            raise RefusedError(422, 42210000, "qty of a fractional order cannot be replaced")
        if quantity % 1:
            raise RefusedError(422, 42210000, "qty must be an integer")
        client_id = str(given.get("client_order_id") or uuid.uuid4())
        if client_id in self.by_client:
            self.duplicates += 1
            raise RefusedError(422, 40010001, "client_order_id must be unique")
        trail = price_of(given.get("trail"))
        new = Order(
            str(uuid.uuid4()),
            client_id,
            old.symbol,
            old.side,
            quantity,
            old.type,
            str(given.get("time_in_force") or old.tif),
            price_of(given.get("limit_price")) or old.limit,
            price_of(given.get("stop_price")) or old.stop,
            trail if trail is not None and old.trail is not None else old.trail,
            trail if trail is not None and old.trail_pct is not None else old.trail_pct,
            old.extended,
            old.order_class,
            "held" if old.status == "held" else "pending_new",
            replaces=old.id,
            parent=old.parent,
            high=old.high,
        )
        self._keep(new)
        if self.slow_replace:
            old.asked["replaced_by"], old.asked["status"] = new, old.status
            self._touch(old, "pending_replace")
        else:
            self._take_place(old, new)
        return new

    def finish_replaces(self, refuse: str = "") -> None:
        """The answer to what `slow_replace` held up."""
        for old in list(self.orders.values()):
            new = old.asked.pop("replaced_by", None)
            if new is None:
                continue
            before = old.asked.pop("status")
            if refuse or not old.works:
                if old.works:
                    self._touch(old, "partially_filled" if old.filled else before)
                self._touch(new, "rejected")
                self._tell("order_replace_rejected", old, {"reason": refuse or "order was filled"})
                self._tell("rejected", new, {"reason": refuse or "order was filled"})
            else:
                self._take_place(old, new)

    def _take_place(self, old: Order, new: Order) -> None:
        old.replaced_by = new.id
        self._touch(old, "replaced", "replaced_at")
        self._touch(new, new.status if new.status == "held" else "new")
        family = old.parent or old
        if old.parent is not None:
            family.legs = [new if leg is old else leg for leg in family.legs]
        elif old.legs:
            new.legs, old.legs = old.legs, []
            for leg in new.legs:
                leg.parent = new
        self._tell("replaced", old, {})
        self._tell("new", new, {})
        self.settle(new)

    def find(self, order_id: str) -> Order:
        order = self.orders.get(order_id)
        if order is None:
            raise RefusedError(404, 40410000, "order not found for " + order_id)
        return order

    # ---- the market

    def trade(self, symbol: str, price: Decimal, size: Decimal | None = None) -> None:
        """The market trades `size` shares of `symbol` at `price`, or as many as anybody wants: stops are reached first, then what may
        trade at it fills in the order of arrival."""
        self.prices[symbol] = price
        for order in list(self.orders.values()):
            if order.symbol == symbol and order.works and order.type in ("stop", "stop_limit", "trailing_stop"):
                self._reach(order, price)
        left = size
        for order in list(self.orders.values()):
            if order.symbol != symbol or not self._trades_at(order, price):
                continue
            quantity = order.left_at(price) if left is None else min(order.left_at(price), left)
            if quantity > 0:
                self.fill(order, quantity, price)
                left = None if left is None else left - quantity

    def settle(self, order: Order) -> None:
        """Lets what is marketable trade at the last price."""
        price = self.prices.get(order.symbol)
        if self.open and self.immediate and price is not None and order.type == "market" and order.works:
            self.fill(order, order.left_at(price), price)
        elif self.open and order.works and order.tif in ("ioc", "fok"):
            if price is not None and self._trades_at(order, price):
                self.fill(order, order.left, price)
            else:
                self.end(order, "canceled")

    def fill(self, order: Order, quantity: Decimal, price: Decimal) -> Execution:
        """An execution, whatever the order's own price says."""
        execution = Execution(str(uuid.uuid4()), quantity, price, self.now())
        order.executions.append(execution)
        self._move(order, quantity, price)
        done = order.left_at(price) <= 0
        self._touch(order, "filled" if done else "partially_filled", "filled_at" if done else "")
        siblings = self._siblings(order)
        for other in siblings:
            if done:
                self.end(other, "canceled", silent=self.silent_siblings)
            elif other.status == "new" or other.status == "held":
                other.quantity = other.filled + order.left
                self._touch(other, other.status)
        more = {
            "price": text_of(price),
            "qty": text_of(quantity),
            "timestamp": execution.at,
            "execution_id": execution.id,
            "position_qty": text_of(self.positions.get(order.symbol, [ZERO])[0]),
        }
        self._tell("fill" if done else "partial_fill", order, more)
        return execution

    def correct(self, order: Order, execution: Execution, price: Decimal | None = None, quantity: Decimal | None = None) -> None:
        """Takes back what was told of an execution: another price, another quantity, zero of it where it is busted."""
        self._move(order, -execution.quantity, execution.price)
        execution.price = execution.price if price is None else price
        execution.quantity = execution.quantity if quantity is None else quantity
        self._move(order, execution.quantity, execution.price)
        if not execution.quantity:
            order.executions.remove(execution)
        self._touch(order, order.status)
        more = {
            "price": text_of(execution.price),
            "qty": text_of(execution.quantity),
            "execution_id": execution.id,
            "timestamp": self.now(),
        }
        self._tell("trade_correct" if execution.quantity else "trade_bust", order, more)

    def end(self, order: Order, status: str, *, silent: bool = False, **more: str) -> None:
        self._touch(order, status, f"{status}_at")
        if not silent:
            self._tell(status, order, more)

    def open_market(self) -> None:
        """The session begins: what waited for it works, and market orders fill."""
        self.open = True
        for order in list(self.orders.values()):
            if order.status == "accepted":
                self._touch(order, "new")
                self._tell("new", order, {})
                self.settle(order)

    def split(self, symbol: str, ratio: int) -> None:
        """The position in new shares, as it is told from the ex-date on."""
        self.positions[symbol][0] *= ratio

    # ---- inside

    def _made(self, given: Mapping[str, Any], client_id: str) -> Order:
        notional = price_of(given.get("notional"))
        if (given.get("qty") is None) == (notional is None):
            raise RefusedError(422, 40010001, "qty or notional is required")
        take_profit = given.get("take_profit") or {}
        return Order(
            str(uuid.uuid4()),
            client_id,
            str(given.get("symbol", "")),
            str(given.get("side", "")),
            Decimal(str(given.get("qty") or 0)),
            str(given.get("type", "")),
            str(given.get("time_in_force", "")),
            price_of(given.get("limit_price") or take_profit.get("limit_price")),
            price_of(given.get("stop_price")),
            price_of(given.get("trail_price")),
            price_of(given.get("trail_percent")),
            bool(given.get("extended_hours")),
            str(given.get("order_class") or "simple"),
            "new" if self.open or given.get("extended_hours") else "accepted",
            notional=notional,
        )

    def _add_leg(self, order: Order, given: Mapping[str, Any]) -> None:
        loss = given.get("stop_loss") or {}
        if order.type != "limit" or order.limit is None or not loss.get("stop_price"):
            raise RefusedError(422, 42210000, "oco orders require take_profit.limit_price and stop_loss.stop_price")
        if self.positions.get(order.symbol, [ZERO])[0] * -order.sign < order.quantity:
            raise RefusedError(422, 42210000, "oco orders must be exit orders")
        limit = price_of(loss.get("limit_price"))
        leg = Order(
            str(uuid.uuid4()),
            str(uuid.uuid4()),
            order.symbol,
            order.side,
            order.quantity,
            "stop_limit" if limit is not None else "stop",
            order.tif,
            limit,
            price_of(loss["stop_price"]),
            order_class="oco",
            status="held",
            parent=order,
        )
        order.legs.append(leg)

    def _check(self, order: Order) -> None:
        if order.symbol not in self.prices:
            raise RefusedError(422, 42210000, f'asset "{order.symbol}" not found')
        may = {"tradable": True, "shortable": True, "fractionable": True, **self.assets.get(order.symbol, {})}
        if not may["tradable"]:
            raise RefusedError(403, 40310000, f"asset {order.symbol} is not tradable")
        if not may["fractionable"] and order.quantity % 1:
            raise RefusedError(403, 40310000, f'asset "{order.symbol}" is not fractionable')
        if not may["shortable"] and order.side == "sell" and self.positions.get(order.symbol, [ZERO])[0] <= 0:
            raise RefusedError(403, 40310000, f'asset "{order.symbol}" cannot be sold short')
        if order.side not in ("buy", "sell"):
            raise RefusedError(422, 42210000, f"invalid side {order.side}")
        if order.quantity <= 0 and order.notional is None:
            raise RefusedError(422, 42210000, "qty must be > 0")
        if order.quantity % 1 and (order.tif != "day" or order.order_class != "simple"):
            raise RefusedError(422, 42210000, "fractional orders must be DAY orders")
        if order.extended and (order.type != "limit" or order.tif != "day"):
            raise RefusedError(422, 42210000, "extended hours order must be DAY limit orders")
        wants = {"limit": ("limit",), "stop": ("stop",), "stop_limit": ("limit", "stop"), "market": (), "trailing_stop": ()}
        if order.type not in wants or any(getattr(order, name) is None for name in wants[order.type]):
            raise RefusedError(422, 42210000, f"{order.type} orders require their prices")
        if order.type == "trailing_stop" and order.trail is None and order.trail_pct is None:
            raise RefusedError(422, 42210000, "trailing_stop orders require trail_price or trail_percent")
        if order.type == "trailing_stop":
            order.high = self.prices[order.symbol]
            order.stop = trailed(order)
        held = self.positions.get(order.symbol, [ZERO])[0]
        if self.flags and order.sign * held >= 0:
            raise RefusedError(403, 40310000, "account is restricted from opening positions")
        worth = order.notional or order.quantity * (order.limit or order.stop or self.prices[order.symbol])
        if order.side == "buy" and worth > self.buying_power():
            raise RefusedError(403, 40310000, "insufficient buying power")
        if order.side == "sell" and held > 0:
            reserved = sum((each.left for each in self.orders.values() if self._reserves(each, order.symbol)), ZERO)
            if order.quantity > held - reserved:
                asked = f"(requested: {text_of(order.quantity)}, available: {text_of(held - reserved)})"
                raise RefusedError(403, 40310000, f"insufficient qty available for order {asked}")

    def _reserves(self, order: Order, symbol: str) -> bool:
        return order.symbol == symbol and order.side == "sell" and order.works and order.parent is None

    def buying_power(self) -> Decimal:
        if self.power is not None:
            return self.power
        worth = sum((abs(held) * self.prices.get(symbol, ZERO) for symbol, (held, _) in self.positions.items()), ZERO)
        return 4 * (self.cash + worth)

    def _keep(self, order: Order) -> None:
        order.created_at = order.updated_at = self.now()
        self.orders[order.id] = order
        self.by_client[order.client_id] = order

    def _move(self, order: Order, quantity: Decimal, price: Decimal) -> None:
        self.cash -= order.sign * quantity * price
        held = self.positions.setdefault(order.symbol, [ZERO, ZERO])
        before, signed = held[0], order.sign * quantity
        if before * signed >= 0:
            held[1] += signed * price
        elif abs(signed) <= abs(before):
            held[1] += held[1] / before * signed
        else:
            held[1] = (before + signed) * price
        held[0] += signed
        if not held[0]:
            del self.positions[order.symbol]

    def _siblings(self, order: Order) -> list[Order]:
        family = [order.parent, *order.parent.legs] if order.parent is not None else order.legs
        return [other for other in family if other is not order and other.works]

    def _trades_at(self, order: Order, price: Decimal) -> bool:
        if not (order.works and self.open) or order.status in ("held", "pending_new"):
            return False
        if order.type in ("stop", "trailing_stop"):
            return order.triggered
        if order.type == "stop_limit" and not order.triggered:
            return False
        return order.limit is None or (price - order.limit) * order.sign <= 0

    def _reach(self, order: Order, price: Decimal) -> None:
        """A stop that `price` reaches works from now on, a leg that was held too; a trailing one follows first."""
        if order.type == "trailing_stop" and order.high is not None and (price - order.high) * order.sign < 0:
            order.high = price
            order.stop = trailed(order)
        if order.stop is not None and (price - order.stop) * order.sign >= 0 and not order.triggered:
            order.triggered = True
            if order.status == "held":
                self._touch(order, "new")

    def _touch(self, order: Order, status: str, stamp: str = "") -> None:
        order.status, order.updated_at = status, self.now()
        if stamp:
            order.ended_at[stamp] = order.updated_at

    def now(self) -> str:
        """A time that no other event has, to the microsecond."""
        self._moment = max(self._moment + 1, int(datetime.now(UTC).timestamp() * 1e6))
        return stamp(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._moment))
