"""Threads for a library that blocks: what nobody waits for any more is never begun, and what hangs holds up nobody's end."""

from __future__ import annotations

import asyncio
import threading

import pytest

from engine.brokers.alpaca.lane import Lane


async def test_an_order_that_is_taken_for_lost_before_its_turn_came_is_never_sent() -> None:
    lane, hangs, done = Lane("test"), threading.Event(), []
    first = asyncio.ensure_future(lane.run(hangs.wait))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(lane.run(lambda: done.append("too late")), 0.01)
    hangs.set()
    assert await first
    assert await lane.run(lambda: 7) == 7
    assert done == []
    lane.close()


async def test_one_thread_keeps_the_order_and_several_do_several_at_once() -> None:
    done: list[int] = []
    one = Lane("one")
    await asyncio.gather(*(one.run(lambda number=number: done.append(number)) for number in range(20)))  # type: ignore[misc]
    assert done == list(range(20))
    both, two = threading.Barrier(2), Lane("two", 2)
    await asyncio.wait_for(asyncio.gather(two.run(both.wait), two.run(both.wait)), 20)
    for lane in (one, two):
        lane.close()


async def test_what_fails_in_the_thread_is_raised_where_it_is_waited_for() -> None:
    lane = Lane("test")

    def fail() -> None:
        raise ValueError("there")

    with pytest.raises(ValueError, match="there"):
        await lane.run(fail)
    assert await lane.run(lambda: 1) == 1
    lane.close()
