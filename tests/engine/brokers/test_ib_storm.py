"""A TWS that refuses or drops its client again and again: it is tried at a measured pace, by one connection at a time, and nothing is left
of those that failed."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from engine.brokers.ib import library, link
from engine.brokers.ib.broker import IbBroker
from engine.model.modes import LinkState
from engine.model.orders import OrderState
from tests.engine.brokers.ib_engine import agree, at, is_in, link_of, once, soon, until_problem
from tests.engine.engines import limit, make, market, running, until
from tests.servers.tws.driver import TwsProcess

__all__ = ["soon"]
TIMES = 50


class Watched(library.Session):
    """A connection that knows which others there are when it is made."""

    made: list[Watched] = []  # noqa: RUF012 - emptied by the fixture
    beside: list[int] = []  # noqa: RUF012

    def __init__(self, *given: Any) -> None:
        self.beside.append(sum(each.is_open for each in self.made))
        super().__init__(*given)
        self.made.append(self)

    @property
    def is_open(self) -> bool:
        transport = self._ib.client.conn.transport
        return transport is not None and not transport.is_closing()


@pytest.fixture
def paces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """After how many failures the link was tried again, each time; it is tried at once."""
    asked: list[int] = []

    def pause(attempt: int) -> float:
        asked.append(attempt)
        return 0.002

    monkeypatch.setattr(link, "pause_s", pause)
    monkeypatch.setattr(link, "Session", Watched)
    monkeypatch.setattr(link, "HEARTBEAT_S", 1.0)
    Watched.made.clear()
    Watched.beside.clear()
    return asked


def left(broker: IbBroker) -> tuple[int, int, int]:
    """Tasks and threads of the library's, and sockets of the whole process."""
    assert broker._there is not None
    loop = broker._there

    async def tasks() -> int:
        return len(asyncio.all_tasks())

    threads = sum(thread.name == "ib" for thread in threading.enumerate())
    return asyncio.run_coroutine_threadsafe(tasks(), loop).result(20), threads, sockets()


def sockets() -> int:
    if not os.path.isdir("/proc/self/fd"):
        return 0
    names = []
    for number in os.listdir("/proc/self/fd"):
        try:
            names.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue  # the one that the listing itself had
    return sum(name.startswith("socket:") for name in names)


@pytest.mark.parametrize("how", ["refused", "accept", "hello", "ready"])
def test_after_fifty_connections_that_came_to_nothing_one_is_left_and_trades(tmp_path: Path, paces: list[int], how: str) -> None:
    with TwsProcess() as tws:
        broker = at(tws, tmp_path)
        with running(tmp_path, broker) as engine:
            engine.submit(limit())
            until(engine, is_in(1, OrderState.WORKING))
            before = left(broker)
            tws.do("away" if how == "refused" else f"storm {TIMES} {how}")
            until(engine, lambda view: len(paces) > TIMES, 60)
            if how == "refused":
                assert link_of(engine.view()) is LinkState.DOWN
                assert not engine.answer(engine.submit(market(5))).ok
                tws.do("back")
            view = agree(engine, tws)
            assert paces[: TIMES + 1] == list(range(TIMES + 1)), "each counts, whether or not it got as far as to be up"
            assert set(Watched.beside) == {0}
            engine.submit(market(5, "MSFT"))
            view = until(engine, is_in(2, OrderState.FILLED))
            once(tws, agree(engine, tws))
            assert len(tws.orders()) == len(view.orders) == 2
            until(engine, lambda _: all(now <= was for now, was in zip(left(broker), before, strict=True)))
            gc.collect()
            assert sum(each.is_open for each in Watched.made) == 1


def test_a_link_that_lived_is_tried_again_soon_and_one_that_did_not_ever_more_seldom(tmp_path: Path, paces: list[int]) -> None:
    with TwsProcess() as tws, running(tmp_path, at(tws, tmp_path)) as engine:
        for _ in range(2):
            tws.do("cut")
            until(engine, lambda view: paces)
            agree(engine, tws)
            asked = heartbeats(tws)
            until(engine, lambda _: heartbeats(tws) > asked)  # noqa: B023
            assert paces.pop() == 0
            paces.clear()


def heartbeats(tws: TwsProcess) -> int:
    return int(tws.do("book")["asked"].get("time", 0))


def test_a_tws_that_drops_a_connection_before_a_word_is_told_from_one_that_waits_for_a_log_in(tmp_path: Path) -> None:
    with TwsProcess() as tws:
        tws.do("storm 1000000 accept")
        engine = make(tmp_path, at(tws, tmp_path))
        engine.start()
        try:
            until_problem(engine, "it takes the connection and drops it, as TWS does where its API settings do not trust this machine")
            tws.do("storm 0 accept")
            assert engine.wait_ready().health.ready
        finally:
            engine.shutdown()


def test_the_pause_grows_to_half_a_minute_and_differs_each_time_by_a_fifth_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for attempt in range(TIMES):
        step = link.AGAIN_S[min(attempt, len(link.AGAIN_S) - 1)]
        pauses = [link.pause_s(attempt) for _ in range(100)]
        assert 0.8 * step <= min(pauses) < max(pauses) <= 1.2 * step
    assert list(link.AGAIN_S) == sorted(link.AGAIN_S)
    assert link.AGAIN_S[-1] == 30
