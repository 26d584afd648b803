"""What matching may never do, whatever the orders and whatever the market: hypothesis looks for the sequence that breaks it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.matching import Ended, Execution, Matcher, Outcome, Reduced
from engine.core.slippage import basis_points
from engine.model.market import Auction, AuctionKind, Bar, Halt, MarketStatus, Phase, Quote
from engine.model.orders import Order, OrderType, Side, TimeInForce
from tests.engine.core.orders_and_bars import BUY, bar, fills, matcher, order
from tests.thorough import tries

D = Decimal
CAP = 0.1
Event: TypeAlias = Bar | Quote | Auction | Halt | MarketStatus

prices = st.floats(0.5, 5000).map(lambda p: round(p, 6))
bars = st.tuples(prices, prices, prices, prices).map(lambda p: bar(p[0], max(p), min(p), p[3]))
sides = st.sampled_from(Side)
near = st.integers(90, 110)
"""Prices that meet, so that orders and events have to do with each other."""


@given(sides, prices, bars, st.floats(0, 100))
def test_a_limit_is_never_filled_at_a_worse_price(side: Side, limit: float, event: Bar, bps: float) -> None:
    made = order(side, limit=repr(limit))
    assert made.limit is not None
    for execution in fills(matcher(made, bps=bps).on_bar(event)):
        assert (made.limit - execution.price) * side.sign >= 0


@given(sides, near, near, st.lists(bars, max_size=4), st.floats(0, 100))
def test_a_stop_limit_is_never_filled_beyond_its_limit(side: Side, stop: int, limit: int, tape: list[Bar], bps: float) -> None:
    made = order(side, stop=stop, limit=limit)
    market = matcher(made, bps=bps)
    for number, drawn in enumerate(tape):
        event = replace(drawn, at=10 * (number + 1))
        for execution in fills(market.on_bar(event)):
            assert (D(limit) - execution.price) * side.sign >= 0


@given(sides, prices, bars, st.floats(0, 100))
def test_a_stop_never_fills_better_than_its_price(side: Side, stop: float, event: Bar, bps: float) -> None:
    made = order(side, stop=repr(stop))
    assert made.stop is not None
    for execution in fills(matcher(made, bps=bps).on_bar(event)):
        assert (execution.price - made.stop) * side.sign >= 0


@given(sides, bars, st.integers(1, 20))
def test_a_trailing_stop_never_fills_better_than_the_bars_best_less_its_trail(side: Side, event: Bar, trail: int) -> None:
    for execution in fills(matcher(order(side, trail=trail)).on_bar(event)):
        best = D(repr(event.low)) + trail if side is BUY else D(repr(event.high)) - trail
        assert (execution.price - best) * side.sign >= D("-1e-9")


@given(sides, st.lists(bars, min_size=1, max_size=4), st.sampled_from(OrderType), prices, prices)
def test_without_slippage_nothing_fills_outside_its_bar(side: Side, tape: list[Bar], kind: OrderType, limit: float, stop: float) -> None:
    made = order(
        side,
        limit=repr(limit) if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
        stop=repr(stop) if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
        trail="0.5" if kind is OrderType.TRAILING_STOP else None,
    )
    market = matcher(made, cap=1e-4)
    for number, drawn in enumerate(tape):
        event = replace(drawn, at=10 * (number + 1))
        for execution in fills(market.on_bar(event)):
            assert event.low <= float(execution.price) <= event.high


@st.composite
def orders(draw: st.DrawFn) -> list[Order]:
    made = []
    for number in range(draw(st.integers(0, 7))):
        kind = draw(st.sampled_from(OrderType))
        limit = draw(near) if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None
        stop = draw(near) if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None
        trail = draw(st.integers(1, 5)) if kind is OrderType.TRAILING_STOP else None
        tifs = [tif for tif in TimeInForce if kind in (OrderType.MARKET, OrderType.LIMIT) or tif in (TimeInForce.DAY, TimeInForce.GTC)]
        made.append(
            order(
                draw(sides),
                draw(st.integers(1, 500)),
                limit=limit,
                stop=stop,
                trail=trail,
                tif=draw(st.sampled_from(tifs)),
                name=f"o{number}",
                extended=draw(st.booleans()),
                oco=draw(st.sampled_from(["", "g", "h"])),
            )
        )
    return made


@st.composite
def markets(draw: st.DrawFn) -> list[Event]:
    """A tape in order of time, of quotes, bars or both, with sessions, auctions and halts."""
    kinds = draw(st.lists(st.sampled_from(["bar", "bar", "quote", "quote", "status", "auction", "halt"]), max_size=14))
    tape: list[Event] = []
    for number, kind in enumerate(kinds):
        at = 10 * (number + 1)
        if kind == "bar":
            p = [draw(near) for _ in range(4)]
            tape.append(bar(p[0], max(p), min(p), p[3], draw(st.integers(0, 3000)), at))
        elif kind == "quote":
            bid = draw(near)
            sizes = st.integers(0, 400)
            tape.append(Quote("AAPL", at, bid, bid + draw(st.integers(-1, 3)), draw(sizes), draw(sizes), draw(near)))
        elif kind == "status":
            phase = draw(st.sampled_from(Phase))
            tape.append(MarketStatus(phase, phase.lower(), draw(st.sampled_from(["monday", "tuesday"])), at))
        elif kind == "auction":
            tape.append(Auction("AAPL", at, draw(st.sampled_from(AuctionKind)), draw(near), draw(st.integers(0, 3000))))
        else:
            tape.append(Halt("AAPL", at, draw(st.booleans())))
    return tape


def play(made: list[Order], tape: list[Event]) -> list[Sequence[Outcome]]:
    """Half of the orders and all groups rest from the beginning, the others come one by one with the events."""
    market = Matcher(volume_cap=CAP, slip=basis_points(1))
    waiting = [each for each in made[len(made) // 2 :] if not each.oco]
    for each in made:
        if each not in waiting:
            market.add(each, placed_at=0)
    told: list[Sequence[Outcome]] = []
    for event in tape:
        match event:
            case Bar():
                told.append(market.on_bar(event))
            case Quote():
                told.append(market.on_quote(event))
            case Auction():
                told.append(market.on_auction(event))
            case Halt():
                told.append(market.on_halt(event))
            case MarketStatus():
                told.append(market.on_status(event))
        if waiting:
            market.add(waiting.pop(0), placed_at=event.at)
    return told


@settings(max_examples=tries(500, 10_000), deadline=None)
@given(orders(), markets())
def test_nothing_ever_fills_beyond_order_limit_cap_or_group_and_all_is_the_same_every_time(made: list[Order], tape: list[Event]) -> None:
    played = play(made, tape)
    assert played == play(made, tape)
    by_id = {each.id: each for each in made}
    filled: dict[str, Decimal] = defaultdict(Decimal)
    ended: set[str] = set()
    reduced: dict[str, Decimal] = defaultdict(Decimal)
    last: Bar | None = None
    in_last = D(0)
    for event, outcomes in zip(tape, played, strict=True):
        executions = [outcome for outcome in outcomes if isinstance(outcome, Execution)]
        for outcome in outcomes:
            assert outcome.order_id not in ended, "nothing happens to an order that has ended"
            if isinstance(outcome, Execution):
                filled[outcome.order_id] += outcome.quantity
                if filled[outcome.order_id] + reduced[outcome.order_id] == by_id[outcome.order_id].quantity:
                    ended.add(outcome.order_id)
            elif isinstance(outcome, Reduced):
                reduced[outcome.order_id] += outcome.quantity
            elif isinstance(outcome, Ended):
                ended.add(outcome.order_id)
        for execution in executions:
            limit = by_id[execution.order_id].limit
            assert limit is None or (limit - execution.price) * by_id[execution.order_id].side.sign >= 0
        volumes = [e.quantity for e in executions]
        if isinstance(event, Bar):
            assert sum(volumes) <= D(int(event.volume * CAP))
            last, in_last = event, sum(volumes, D(0))
        elif isinstance(event, Auction):
            assert sum(volumes) <= D(int(event.volume * CAP))
        elif isinstance(event, MarketStatus) and volumes:
            assert last is not None
            in_last += sum(volumes)
            assert in_last <= D(int(last.volume * CAP))
        elif isinstance(event, Halt):
            assert not volumes
    for each in made:
        assert filled[each.id] <= each.quantity
        assert each.tif is not TimeInForce.FOK or filled[each.id] in (0, each.quantity - reduced[each.id])
    for group in ("g", "h"):
        members = [each for each in made if each.oco == group]
        assert sum(filled[each.id] for each in members) <= max((each.quantity for each in members), default=D(0))
