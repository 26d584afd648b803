"""The rest of the bar by hand, where core and paper broker trade together: trailing exits and entries, auctions, hours, a restart."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.inputs import GroupKind, Replace, SubmitGroup
from engine.model.market import Dividend, MarketStatus, Phase
from engine.model.orders import Bracket, Exit, Intent, Order, OrderType, Side, Terms, TimeInForce
from engine.model.records import FillBooked
from tests.engine.core.floor import FRICTIONLESS, OPEN_LIMITS, Floor, facts, settings

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
Row = tuple[float, float, float, float]
Told = tuple[int, Side, int, float, str]
"""In which bar, which side, how many, at what price, by which rule."""
LONG = 1e9


def bracket(**exits: object) -> Bracket:
    """`target` or `target_pct`, and `stop`, `trail` or `trail_pct`."""
    given = {name: D(str(value)) for name, value in exits.items()}
    gain = {"price": given.get("target"), "pct": given.get("target_pct")}
    loss = {"price": given.get("stop"), "trail": given.get("trail"), "trail_pct": given.get("trail_pct")}
    return Bracket(*(Exit(**each) if any(each.values()) else None for each in (gain, loss)))


def entry(side: Side = BUY, *, exits: Bracket, **prices: Any) -> Intent:
    """One whose type follows from its prices, until it is cancelled."""
    tif = prices.pop("tif", TimeInForce.GTC)
    extended = prices.pop("extended_hours", False)
    given: dict[str, Any] = {name: D(str(price)) for name, price in prices.items()}
    kind = OrderType.TRAILING_STOP if "trail" in given else OrderType.LIMIT if "limit" in given else OrderType.MARKET
    kind = OrderType.STOP if "stop" in given else kind
    return Intent("AAPL", side, D(10), kind, tif=tif, extended_hours=extended, bracket=exits, **given)


def on_bars(**given: Any) -> Floor:
    """A market that is told in bars alone, the first of them at 100."""
    floor = Floor(settings(limits=replace(OPEN_LIMITS, short_selling=True), paper=replace(FRICTIONLESS, **given)), price_life_s=LONG)
    floor.bar("AAPL", 100, 100, 100, 100)
    return floor


def fills(floor: Floor, first: int) -> list[Told]:
    """Those of bars a minute each, of which the first after the market time `first` is number 1."""
    booked = [record.fill for record in floor.of(FillBooked)]
    return [((fill.at - first) // 60_000_000_000, fill.side, int(fill.quantity), float(fill.price), fill.rule) for fill in booked]


TRAILS: dict[str, tuple[Intent, list[Row], list[Told]]] = {
    "an entry at the open: the trail begins there": (
        entry(exits=bracket(trail=5)),
        [(100, 104, 94, 103)],
        [(1, BUY, 10, 100, "market-open"), (1, SELL, 10, 95, "trail-price")],
    ),
    "an entry at the open: the trail follows the high after the bar": (
        entry(exits=bracket(trail=5)),
        [(100, 104, 98, 103), (103, 103, 98.5, 100)],
        [(1, BUY, 10, 100, "market-open"), (2, SELL, 10, 99, "trail-price")],
    ),
    "an entry at the open: the close proves the trail": (
        entry(exits=bracket(trail=5)),
        [(100, 110, 98, 104)],
        [(1, BUY, 10, 100, "market-open"), (1, SELL, 10, 105, "trail-close")],
    ),
    "an entry at the open: the trail goes before the target": (
        entry(exits=bracket(target=109, trail=5)),
        [(100, 110, 94, 104)],
        [(1, BUY, 10, 100, "market-open"), (1, SELL, 10, 95, "trail-price")],
    ),
    "a trail in per cent": (
        entry(exits=bracket(trail_pct=5)),
        [(100, 104, 94, 103)],
        [(1, BUY, 10, 100, "market-open"), (1, SELL, 10, 95, "trail-price")],
    ),
    "short": (
        entry(SELL, exits=bracket(trail=5)),
        [(100, 106, 96, 97)],
        [(1, SELL, 10, 100, "market-open"), (1, BUY, 10, 105, "trail-price")],
    ),
    "a limit within the bar: the trail begins at its price": (
        entry(limit=98, exits=bracket(trail=3)),
        [(100, 101, 94, 99)],
        [(1, BUY, 10, 98, "limit-through"), (1, SELL, 10, 95, "trail-price")],
    ),
    "a limit within the bar: the trail follows its close, for the high may have come before": (
        entry(limit=98, exits=bracket(trail=3)),
        # Under the close of 99 it stands at 96, under the high of 110 it would have at 107.
        [(100, 110, 97, 99), (99, 99, 96.5, 97), (97, 97, 95.5, 97)],
        [(1, BUY, 10, 98, "limit-through"), (3, SELL, 10, 96, "trail-price")],
    ),
    "a stop within the bar: the trail follows its high, which came after": (
        entry(stop=103, exits=bracket(trail=4)),
        [(100, 110, 99.5, 105)],
        [(1, BUY, 10, 103, "stop-price"), (1, SELL, 10, 106, "trail-close")],
    ),
    "a trailing stop for an entry, reached where it stood": (
        # The low of 98 takes it from 103 to 101.
        entry(trail=3, exits=bracket(stop=99.5, target=120)),
        [(100, 100, 98, 99), (100, 104, 99, 103)],
        [(2, BUY, 10, 101, "trail-price"), (2, SELL, 10, 99.5, "stop-price")],
    ),
    "a trailing stop for an entry that the bar itself moved: its low came before": (
        entry(trail=3, exits=bracket(stop=95, target_pct=1)),
        [(100, 100, 98, 99), (100, 100.5, 94, 98)],
        [(2, BUY, 10, 97, "trail-close"), (2, SELL, 10, 97.97, "limit-through")],
    ),
    "at the opening auction: all of the bar": (
        entry(tif=TimeInForce.OPG, exits=bracket(stop=95, target=110)),
        [(101, 112, 96, 100)],
        [(1, BUY, 10, 101, "auction-open"), (1, SELL, 10, 110, "limit-through")],
    ),
    "at the closing auction: nothing": (
        entry(tif=TimeInForce.CLS, exits=bracket(stop=95, target=110)),
        [(101, 112, 94, 100)],
        [(1, BUY, 10, 100, "auction-close")],
    ),
}


@pytest.mark.parametrize("name", TRAILS)
def test_exits_meet_the_rest_of_the_bar_as_by_hand(name: str) -> None:
    intent, rows, told = TRAILS[name]
    floor = on_bars()
    at_auction = intent.tif in (TimeInForce.OPG, TimeInForce.CLS)
    if at_auction:
        floor.session("2025-06-12", open=False)
    assert floor.submit(intent).ok
    if at_auction:
        floor.session("2025-06-13")
    first = floor.at
    for row in rows:
        floor.bar("AAPL", *row)
    if at_auction:
        floor.session("2025-06-13", open=False)
    assert fills(floor, first) == told
    assert floor.position() == floor.broker_account().position("AAPL")


def test_what_an_entry_triggers_to_close_it_is_an_exit_too() -> None:
    floor = on_bars()
    first = floor.at
    leave = Intent("AAPL", SELL, D(10), OrderType.LIMIT, limit=D(105), tif=TimeInForce.GTC)
    floor.handle(SubmitGroup("c1", GroupKind.OTO, Intent("AAPL", BUY, D(10)), leave, confirmed=True))
    floor.bar("AAPL", 100, 106, 99, 100)
    assert fills(floor, first) == [(1, BUY, 10, 100, "market-open"), (1, SELL, 10, 105, "limit-through")]


@pytest.mark.parametrize(
    "then",
    [
        Intent("AAPL", BUY, D(10), OrderType.LIMIT, limit=D(95), tif=TimeInForce.GTC),
        Intent("AAPL", SELL, D(10)),
        Intent("AAPL", SELL, D(10), OrderType.LIMIT, limit=D(105), tif=TimeInForce.IOC),
        Intent("MSFT", SELL, D(10), OrderType.LIMIT, limit=D(105), tif=TimeInForce.GTC),
    ],
    ids=["more of the same", "at the market", "at once or never", "of another symbol"],
)
def test_what_else_an_entry_triggers_comes_after_the_bar(then: Intent) -> None:
    floor = on_bars()
    floor.bar("MSFT", 100, 100, 100, 100, later_s=0)
    first = floor.at
    floor.handle(SubmitGroup("c1", GroupKind.OTO, Intent("AAPL", BUY, D(10)), then, confirmed=True))
    assert floor.replies[-1].ok, floor.replies[-1].text
    floor.bar("AAPL", 100, 106, 94, 100)
    assert fills(floor, first) == [(1, BUY, 10, 100, "market-open")]
    assert len(floor.open_states()) == 1


def test_exits_that_a_person_cancelled_stay_cancelled_after_others_filled() -> None:
    floor = on_bars()
    first = floor.at
    floor.submit(entry(exits=bracket(stop=95, target=110)))
    floor.bar("AAPL", 100, 101, 99, 100, volume=4)
    floor.bar("AAPL", 100, 112, 96, 100, volume=10)
    assert [each[:4] for each in fills(floor, first)] == [(1, BUY, 4, 100), (2, BUY, 6, 100), (2, SELL, 4, 110)]
    stop, target = floor.core.state.book.open.values()
    assert facts(stop.remaining, target.remaining) == (6, 6)
    floor.cancel(target)
    floor.bar("AAPL", 100, 112, 94, 100)
    assert facts(floor.position(), floor.open_states()) == (6, {})


def test_before_the_regular_session_no_exit_works() -> None:
    floor = on_bars()
    floor.market(MarketStatus(Phase.PRE, "early", "2025-06-13", floor.at))
    first = floor.at
    assert floor.submit(entry(limit=101, tif=TimeInForce.DAY, extended_hours=True, exits=bracket(stop=95))).ok
    floor.bar("AAPL", 100, 101, 94, 100)
    assert fills(floor, first) == [(1, BUY, 10, 100, "limit-gap")]


def test_an_order_that_a_person_moves_does_not_meet_what_is_past() -> None:
    floor = on_bars()
    first = floor.at
    floor.submit(entry(exits=bracket(stop=90)))
    floor.bar("AAPL", 100, 101, 94, 100)
    stop = floor.last_order
    assert stop.type is OrderType.STOP
    floor.handle(Replace("c9", stop.id, Terms(D(10), stop=D(95))))
    assert facts(floor.replies[-1].ok, stop.stop) == (True, 95)
    assert fills(floor, first) == [(1, BUY, 10, 100, "market-open")]
    floor.bar("AAPL", 100, 101, 94, 100)
    assert fills(floor, first)[1:] == [(2, SELL, 10, 95, "stop-price")]


def test_a_dividend_leaves_exits_what_came_after_their_entry() -> None:
    floor = on_bars()
    first = floor.at
    floor.submit(entry(exits=bracket(stop=95)))
    floor.market(Dividend("AAPL", floor.at, D(1), "2025-06-13"))
    floor.bar("AAPL", 100, 101, 94, 100)
    assert fills(floor, first) == [(1, BUY, 10, 100, "market-open"), (1, SELL, 10, 95, "stop-price")]


class Falls(Floor):
    """Its program ends before any exit is sent."""

    falls = True

    def _send(self, order: Order) -> None:
        if not (self.falls and order.parent):
            super()._send(order)


def test_exits_that_a_crash_kept_from_the_market_work_from_the_restart_on() -> None:
    floor = Falls(settings(paper=FRICTIONLESS), price_life_s=LONG)
    floor.bar("AAPL", 100, 100, 100, 100)
    first = floor.at
    floor.submit(entry(exits=bracket(stop=95, target=110)))
    floor.bar("AAPL", 100, 112, 94, 100)
    floor.falls = False
    floor.restart(crash=True)
    assert fills(floor, first) == [(1, BUY, 10, 100, "market-open")]
    for _ in range(3):
        floor.tick(1)
        floor.reconcile()
    floor.bar("AAPL", 100, 101, 99, 100)
    floor.bar("AAPL", 100, 112, 94, 100)
    assert fills(floor, first)[1:] == [(3, SELL, 10, 95, "stop-price")]
    assert facts(floor.position(), floor.open_states()) == (0, {})


def test_an_entry_whose_fill_a_crash_swallowed_fills_anew_with_its_exits() -> None:
    floor = on_bars()
    first = floor.at
    floor.submit(entry(limit=98, exits=bracket(stop=95)))
    floor.held_news = deque()
    floor.bar("AAPL", 100, 101, 94, 99)
    floor.restart(crash=True)
    assert fills(floor, first) == []
    floor.bar("AAPL", 100, 101, 94, 99)
    assert fills(floor, first) == [(2, BUY, 10, 98, "limit-through"), (2, SELL, 10, 95, "stop-price")]
