"""The rest of the bar against paths that a market could have taken: a bar is made of each, and what the rule says of the bar alone must
be sure where it helps, and must not overlook what hurt."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.matching import Execution
from engine.model.market import Bar
from engine.model.orders import Side
from tests.engine.core.orders_and_bars import matcher, order
from tests.thorough import tries

Path = list[int]
"""Prices a unit apart, so that none is jumped over."""
FIRST = 100


@st.composite
def paths(draw: st.DrawFn) -> Path:
    steps = draw(st.lists(st.sampled_from((-1, 0, 1)), min_size=1, max_size=60))
    return list(accumulate(steps, initial=draw(st.integers(FIRST - 4, FIRST + 4))))


def bar_of(path: Path, at: int) -> Bar:
    return Bar("AAPL", at, path[0], max(path), min(path), path[-1], 1e6)


def exit_by_rule(kind: str, side: Side, path: Path, away: int, stop: int, target: int) -> tuple[bool, str]:
    """Whether an entry `away` from the first price fills in the bar of `path`, and what ends it there: the stop, the target or nothing.
    All are distances in the direction of the entry, the exits' from the entry's own price."""
    sign = side.sign
    price = FIRST + sign * away
    market = matcher()
    market.on_bar(bar_of([FIRST], 10))
    entry = order(side, 10, name="entry", limit=price if kind == "limit" else None, stop=price if kind == "stop" else None)
    market.add(entry, placed_at=10)
    filled = [each for each in market.on_bar(bar_of(path, 20)) if isinstance(each, Execution)]
    if not filled:
        return False, ""
    exits = (
        order(side.opposite, 10, name="target", parent="entry", oco="exits", limit=price + sign * target),
        order(side.opposite, 10, name="stop", parent="entry", oco="exits", stop=price - sign * stop),
    )
    for each in exits:
        market.add(replace(each, changed_at=20), placed_at=20)
    ended = [each.order_id for each in market.catch_up() if isinstance(each, Execution)]
    assert len(ended) <= 1
    return True, ended[0] if ended else ""


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("kind", ["market", "limit", "stop"])
@settings(max_examples=tries(150, 2_000), deadline=None)
@given(path=paths(), away=st.integers(1, 6), stop=st.integers(1, 8), target=st.integers(1, 8))
@example(path=[100, 101, 102, 103, 104, 103, 102], away=2, stop=1, target=1)
def test_a_target_trades_only_where_it_is_sure_and_no_stop_is_overlooked(
    kind: str, side: Side, path: Path, away: int, stop: int, target: int
) -> None:
    away = {"market": 0, "limit": -away, "stop": away}[kind]
    filled, ended = exit_by_rule(kind, side, path, away, stop, target)
    ours = [side.sign * (price - FIRST) for price in path]
    """The same path, up being what the position gains by."""
    touched = [place for place, price in enumerate(ours) if kind == "market" or (price <= away if kind == "limit" else price >= away)]
    passed = [place for place in touched if kind != "limit" or ours[place] < away]
    if not passed:
        # A limit that is only touched may fill in part, at any touch.
        passed = touched
    assert filled == bool(touched)
    if not filled:
        return
    stopped = min(ours[touched[0] :]) <= away - stop
    was_open = kind == "stop" and ours[0] < away and min(ours) == ours[0] and ours[-1] > away - stop
    """The lowest that is known is the open, which came before the fill: that the price was there again, nothing tells."""
    if ended == "target":
        assert max(ours[passed[0] :]) >= away + target, "it may have been passed before the entry filled"
    if stopped and not was_open:
        assert ended == "stop"
