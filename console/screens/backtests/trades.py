"""The round trips of a backtest as a table, and everything about one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import ClassVar

from msgspec import Struct

from console.screens.details.writing import Value, facts, price, profit
from console.screens.dialog import Line
from console.screens.reading import Reading
from engine.backtest.trades import Trade
from engine.model import View
from engine.model.orders import Side
from widgets import numbers
from widgets.cells import Cell
from widgets.columns import Column
from widgets.table import LiveTable

_DAY_NS = 86_400 * 1_000_000_000


class Trip(Struct, frozen=True):
    """A round trip, its place in the order of the exits, from 1, and the `tick` in whose decimals all prices of its table are written."""

    place: int
    trade: Trade
    tick: Decimal


def trips_of(trades: Sequence[Trade]) -> list[Trip]:
    """In their order, with all the decimals that any of their prices has, so that the points stand under each other."""
    decimals = (len(price(each, None).partition(".")[2]) for trade in trades for each in (trade.entry, trade.exit))
    tick = Decimal(1).scaleb(-max(decimals, default=0))
    return [Trip(place, trade, tick) for place, trade in enumerate(trades, 1)]


def _day(at: int) -> Cell:
    return Cell(numbers.market_time(at, "%Y-%m-%d"), "muted")


def _side(trip: Trip) -> Cell:
    return Cell("long" if trip.trade.side is Side.BUY else "short", trip.trade.side.value.lower())


def _gain(trip: Trip) -> Cell:
    return Cell(numbers.percent(trip.trade.gain), numbers.direction(trip.trade.gain))


class TripTable(LiveTable[Trip], inherit_bindings=False):
    """Sorted by any column; Enter tells everything about one."""

    TITLE: ClassVar[str] = "Round trips"
    EMPTY = "No round trip ended. What is still held is told under the figures."
    COLUMNS = (
        Column[Trip]("#", lambda trip: Cell(f"{trip.place:,}", "muted"), 3, "right", grow=9, sort=lambda trip: trip.place),
        Column[Trip]("Symbol", lambda trip: Cell(trip.trade.symbol), 6, grow=12, sort=lambda trip: trip.trade.symbol),
        Column[Trip]("Side", _side, 5, sort=lambda trip: trip.trade.side.value),
        Column[Trip](
            "Qty",
            lambda trip: Cell(numbers.quantity(trip.trade.quantity)),
            4,
            "right",
            grow=12,
            priority=2,
            sort=lambda trip: trip.trade.quantity,
        ),
        Column[Trip]("Entered", lambda trip: _day(trip.trade.entry_at), 10, sort=lambda trip: trip.trade.entry_at),
        Column[Trip](
            "At", lambda trip: Cell(price(trip.trade.entry, trip.tick)), 7, "right", grow=14, priority=4, sort=lambda trip: trip.trade.entry
        ),
        Column[Trip]("Left", lambda trip: _day(trip.trade.exit_at), 10, priority=3, sort=lambda trip: trip.trade.exit_at),
        Column[Trip](
            "For", lambda trip: Cell(price(trip.trade.exit, trip.tick)), 7, "right", grow=14, priority=5, sort=lambda trip: trip.trade.exit
        ),
        Column[Trip]("Profit", lambda trip: profit(trip.trade.profit), 11, "right", grow=16, sort=lambda trip: trip.trade.profit),
        Column[Trip]("%", _gain, 7, "right", grow=10, priority=1, sort=lambda trip: trip.trade.gain),
        Column[Trip]("Bars", lambda trip: Cell(f"{trip.trade.bars:,}"), 4, "right", grow=9, priority=6, sort=lambda trip: trip.trade.bars),
        Column[Trip]("MAE", lambda trip: Cell(_fraction(trip.trade.mae)), 6, "right", grow=9, priority=7, sort=lambda trip: trip.trade.mae),
        Column[Trip]("MFE", lambda trip: Cell(_fraction(trip.trade.mfe)), 6, "right", grow=9, priority=8, sort=lambda trip: trip.trade.mfe),
        Column[Trip](
            "Strategy", lambda trip: Cell(trip.trade.strategy, "muted"), 8, flex=1, priority=9, sort=lambda trip: trip.trade.strategy
        ),
    )

    def key_of(self, row: Trip) -> str:
        return str(row.place)

    def show(self, view: View) -> None:
        """A backtest is no part of the View."""


def _fraction(value: float | None) -> str:
    return numbers.NONE if value is None else f"{value:.2%}"


def trip_dialog(trip: Trip, clock: Callable[[], float]) -> Reading:
    """Everything about a round trip."""
    return Reading(trip_title(trip), lambda width: trip_lines(trip, width), clock)


def trip_title(trip: Trip) -> str:
    return f"Round trip {trip.place:,}: {trip.trade.symbol}"


def trip_lines(trip: Trip, width: int) -> list[Line]:
    """Its facts."""
    trade = trip.trade

    def when(at: int) -> str:
        return numbers.market_time(at, "%Y-%m-%d %H:%M:%S ET")

    pairs: list[tuple[str, Value]] = [
        ("strategy", trade.strategy),
        ("symbol", trade.symbol),
        ("side", _side(trip)),
        ("quantity", f"{numbers.quantity(trade.quantity)}, all it entered, in the shares of its exit"),
        ("entered", f"{when(trade.entry_at)} at {price(trade.entry, None)}"),
        ("left", f"{when(trade.exit_at)} at {price(trade.exit, None)}"),
        ("held for", f"{trade.bars:,} bar{'' if trade.bars == 1 else 's'}, {(trade.exit_at - trade.entry_at) / _DAY_NS:,.1f} days"),
        ("profit", [profit(trade.profit), Cell(f"  {numbers.percent(trade.gain)} of what the entries cost", "muted")]),
        ("fees", f"{numbers.money(trade.fees)}, taken off the profit"),
        ("MAE", f"{_fraction(trade.mae)}, the farthest the market went against it"),
        ("MFE", f"{_fraction(trade.mfe)}, the farthest it went for it"),
    ]
    if trade.mae is None:
        pairs.append(("", "A split came in between: how far the market went is not told."))
    return facts(pairs, width)
