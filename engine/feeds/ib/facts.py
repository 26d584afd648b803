"""What TWS says of prices, as plain values. Times are ns UTC; `request` is the number that was asked under."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct


class PriceTick(Struct, frozen=True, gc=False):
    """`kind` is one of IB's tick types: https://interactivebrokers.github.io/tws-api/tick_types.html"""

    request: int
    kind: int
    price: float
    size: float


class SizeTick(Struct, frozen=True, gc=False):
    request: int
    kind: int
    size: float


class HaltTick(Struct, frozen=True, gc=False):
    """1: halted by the exchange for news or the like; 2: for its volatility; 0: trades; -1: not known."""

    request: int
    state: int


class DataType(Struct, frozen=True, gc=False):
    """1 live, 2 frozen at the close, 3 delayed, 4 both."""

    request: int
    type: int


class FiveSeconds(Struct, frozen=True, gc=False):
    """A bar of five seconds, told at its close."""

    request: int
    at: int
    open: float
    high: float
    low: float
    close: float
    volume: float


PriceFact: TypeAlias = PriceTick | SizeTick | HaltTick | DataType | FiveSeconds
