"""Reads what strategies of other shapes answer, and orders it: dicts with these keys, or objects with these attributes.

    symbol       of what; may be left out where the strategy has one symbol, or is told one bar
    action       BUY, SELL, SHORT, COVER, CLOSE (or EXIT) or HOLD, in capitals or not, a text or an Enum; also `side` or `signal`
    quantity     shares; also `qty`, `size` or `shares`. Without an action, above 0 buys and below 0 sells
    type         MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING_STOP; also `order_type`. Left out, the prices tell
    limit        a price; also `limit_price`, and `price` of an order whose type is LIMIT or STOP_LIMIT
    stop         a price; also `stop_price`, and `price` of an order whose type is STOP
    trail, trail_pct, take_profit, stop_loss, take_profit_pct, stop_loss_pct     as of Context.buy
    tif          DAY, GTC, IOC ...; also `time_in_force`
    strength     0 to 1; also `confidence`
    reason       a text, and `indicators`, a dict of numbers

An answer is None, one order, or a list of them. With a quantity an order is an order. Without one it is an opinion: BUY buys the size in
the settings unless some is held, SELL closes what is held and does nothing when flat, SHORT and COVER are the same the other way round,
CLOSE ends whatever is held. A key that is none of these is refused: it may be a slip that costs money. Attributes that are none of these
are left alone, for an object has others of its own.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping
from typing import Any

from engine.strategies.base import Context
from engine.strategies.params import StrategyError, did_you_mean

ALIASES = {
    "action": ("action", "side", "signal"),
    "quantity": ("quantity", "qty", "size", "shares"),
    "type": ("type", "order_type"),
    "limit": ("limit", "limit_price"),
    "stop": ("stop", "stop_price"),
    "tif": ("tif", "time_in_force"),
    "strength": ("strength", "confidence"),
}
_PLAIN = ("symbol", "price", "trail", "trail_pct", "take_profit", "stop_loss", "take_profit_pct", "stop_loss_pct", "reason", "indicators")
KEYS = {**{alias: key for key, aliases in ALIASES.items() for alias in aliases}, **{key: key for key in _PLAIN}}
"""What each accepted key means."""

_ACTIONS = ("BUY", "SELL", "SHORT", "COVER", "CLOSE", "EXIT", "HOLD")
_TYPES = {
    "MARKET": (),
    "LIMIT": ("limit",),
    "STOP": ("stop",),
    "STOP_LIMIT": ("limit", "stop"),
    "TRAILING_STOP": (),
}
_PRICES = ("limit", "stop", "trail", "trail_pct", "take_profit", "stop_loss", "take_profit_pct", "stop_loss_pct")


class Answers:
    """`where` names file, line and method, for the errors."""

    def __init__(self, where: str, symbols: tuple[str, ...]) -> None:
        self._where = where
        self._symbols = symbols

    def order(self, ctx: Context, answer: object, symbol: str = "") -> None:
        """Orders what `answer` says; `symbol` is that of an order which names none. Raises StrategyError that names the key."""
        for number, one in enumerate(_several(answer), 1):
            if one is not None:
                self._one(ctx, self._read(one, number), number, symbol)

    def _read(self, one: object, number: int) -> dict[str, Any]:
        """By the first of its names; None is left out."""
        if isinstance(one, Mapping):
            if unknown := [key for key in one if key not in KEYS]:
                near = did_you_mean(str(unknown[0]), KEYS)
                raise self._error(number, f"has the key {unknown[0]!r}, which means nothing here.{near} Keys are {', '.join(KEYS)}")
            given = dict(one)
        else:
            given = {key: value for key in KEYS if not callable(value := getattr(one, key, None))}
            if not any(given.get(key) is not None for key in ALIASES["action"] + ALIASES["quantity"]):
                raise self._error(number, f"is {_brief(one)}: neither a dict nor an object with symbol, action and quantity")
        read: dict[str, Any] = {}
        for key, value in given.items():
            if value is not None and KEYS[key] not in read:
                read[KEYS[key]] = value.value if isinstance(value, enum.Enum) and isinstance(value.value, str) else value
        return read

    def _one(self, ctx: Context, read: dict[str, Any], number: int, symbol: str) -> None:
        symbol = str(read.get("symbol") or symbol or (self._symbols[0] if len(self._symbols) == 1 else ""))
        if not symbol:
            raise self._error(number, f"has no 'symbol', and there are several: {', '.join(self._symbols)}")
        if symbol not in self._symbols:
            near = did_you_mean(symbol, self._symbols)
            raise self._error(number, f"has the symbol {symbol!r}, which is none of {', '.join(self._symbols)}.{near}")
        quantity = None if "quantity" not in read else self._number(read, "quantity", number)
        action = self._action(read, quantity, number)
        if action == "HOLD" or quantity == 0.0:
            return
        words: dict[str, Any] = {key: self._number(read, key, number) for key in _PRICES if key in read}
        self._by_type(read, words, number)
        said: dict[str, Any] = {"reason": str(read.get("reason", "")), "strength": 1.0, "indicators": self._indicators(read, number)}
        if "strength" in read:
            said["strength"] = self._number(read, "strength", number)
        held = ctx.position(symbol).quantity
        if action in ("CLOSE", "EXIT"):
            if quantity is None or abs(quantity) >= abs(held):
                ctx.close(symbol, **said)
            elif held:
                (ctx.sell if held > 0 else ctx.buy)(symbol, abs(quantity), **said)
            return
        if "tif" in read:
            words["tif"] = str(read["tif"]).upper()
        buys = action in ("BUY", "COVER")
        if quantity is not None:
            (ctx.buy if buys else ctx.sell)(symbol, abs(quantity), **words, **said)
        elif action in ("SELL", "COVER"):
            if held > 0 if action == "SELL" else held < 0:
                (ctx.buy if buys else ctx.sell)(symbol, abs(held), **words, **said)
        elif held <= 0 if buys else held >= 0:
            (ctx.buy if buys else ctx.sell)(symbol, None, **words, **said)

    def _action(self, read: dict[str, Any], quantity: float | None, number: int) -> str:
        if "action" in read:
            told = str(read["action"]).upper().rpartition(".")[2]
            if told not in _ACTIONS:
                near = did_you_mean(told, _ACTIONS)
                raise self._error(number, f"has the action {read['action']!r}; it must be one of {', '.join(_ACTIONS)}.{near}")
            if quantity is not None and quantity < 0:
                raise self._error(number, f"has the action {told} and the quantity {quantity:g}: with an action it is above 0")
            return told
        if quantity is None:
            raise self._error(number, "has no 'action' and no 'quantity'")
        return "BUY" if quantity > 0 else "SELL"

    def _by_type(self, read: dict[str, Any], words: dict[str, Any], number: int) -> None:
        """Holds the prices to the type, where one is given; `price` is the one that the type needs."""
        if "type" not in read:
            if "price" in read:
                raise self._error(number, "has a 'price' and no 'type': LIMIT or STOP says what it is for; at the market there is none")
            return
        told = str(read["type"]).upper().rpartition(".")[2].replace("-", "_").replace(" ", "_")
        if told not in _TYPES:
            raise self._error(number, f"has the type {read['type']!r}; it must be one of {', '.join(_TYPES)}.{did_you_mean(told, _TYPES)}")
        needed = _TYPES[told]
        if "price" in read and needed:
            words.setdefault(needed[0], self._number(read, "price", number))
        for key in needed:
            if key not in words:
                raise self._error(number, f"is a {told} order without a {key!r}")
        if told == "TRAILING_STOP" and not words.keys() & {"trail", "trail_pct"}:
            raise self._error(number, f"is a {told} order without a 'trail' or a 'trail_pct'")
        if extra := [key for key in ("limit", "stop") if key in words and key not in needed]:
            raise self._error(number, f"is a {told} order with a {extra[0]!r}")

    def _indicators(self, read: dict[str, Any], number: int) -> dict[str, float] | None:
        told = read.get("indicators")
        if told is None:
            return None
        if not isinstance(told, Mapping):
            raise self._error(number, f"has 'indicators' {_brief(told)}; they are a dict of numbers")
        try:
            return {str(name): float(value) for name, value in told.items()}
        except (TypeError, ValueError):
            raise self._error(number, f"has 'indicators' {_brief(told)}; they are a dict of numbers") from None

    def _number(self, read: dict[str, Any], key: str, number: int) -> float:
        try:
            value = float(read[key])
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise self._error(number, f"has the {key!r} {_brief(read[key])}; it must be a number")
        return value

    def _error(self, number: int, what: str) -> StrategyError:
        return StrategyError(f"{self._where}: order {number} {what}")


def _several(answer: object) -> Iterable[object]:
    if answer is None:
        return ()
    if isinstance(answer, Iterable) and not isinstance(answer, str | bytes | Mapping):
        return answer
    return (answer,)


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "…"
