"""The requests a minute that Alpaca takes: a part is kept for the stop, and what finds none left says so."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine import waits
from engine.brokers.alpaca.broker import AlpacaBroker
from engine.brokers.alpaca.budget import MINUTE_S, Budget
from engine.brokers.alpaca.timings import Timings
from engine.live import Engine
from engine.model.modes import LinkState
from engine.model.orders import OrderState
from tests.engine.brokers.alpaca_engine import SOON, agree, ended, link, posts, trading
from tests.engine.brokers.alpaca_rig import PATIENT
from tests.engine.brokers.test_alpaca_busy import ENTRY
from tests.engine.engines import limit, market, order_of, said, until
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET

USED_UP = replace(PATIENT, requests_a_minute=60, kept_for_the_stop=30, poll_s=60.0, clock_s=60.0)
"""Room for so much that a start fits in."""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASK_AGAIN_S", "CANCEL_AGAIN_S"):
        monkeypatch.setattr(waits, name, SOON)


def test_a_fifth_of_what_alpaca_takes_is_kept_for_the_stop() -> None:
    timings = Timings()
    assert (timings.requests_a_minute, timings.kept_for_the_stop) == (200, 40)


def test_what_is_ordinary_waits_for_room_and_what_is_urgent_does_not() -> None:
    now = [100.0]
    budget = Budget(5, 2, lambda: now[0])
    assert [budget.take() for _ in range(3)] == [0.0, 0.0, 0.0]
    now[0] += 20
    assert budget.take() == MINUTE_S - 20
    assert [budget.take(urgent=True) for _ in range(4)] == [0.0] * 4
    assert budget.take() == MINUTE_S, "what was urgent counts, too"
    now[0] += 40
    assert budget.take() == MINUTE_S - 40
    now[0] += 20
    assert budget.take() == 0.0


def test_half_of_what_is_kept_for_the_stop_may_go_to_cancels_while_trading_goes_on() -> None:
    budget = Budget(6, 4, lambda: 100.0)
    assert [budget.take() for _ in range(3)] == [0.0, 0.0, MINUTE_S]
    assert [budget.take(cancels=True) for _ in range(3)] == [0.0, 0.0, MINUTE_S]
    assert "the 4 requests a minute are used up, 2 more are kept for the stop" in budget.used_up(1, cancels=True)
    assert [budget.take(urgent=True, cancels=True) for _ in range(2)] == [0.0, 0.0]


def use_up(engine: Engine, first: int = 1) -> int:
    """Submits, from order `first` on, until there is no room; the number of the one that found none."""
    for number in range(first, 100):
        engine.answer(engine.submit(limit(1, 50 + number), confirmed=True))
        view = until(engine, ended(number, OrderState.WORKING, OrderState.REJECTED))
        if order_of(view, number).state is OrderState.REJECTED:
            return number
    raise AssertionError("there was room for all of them")


def test_an_order_that_finds_no_room_says_so_and_the_stop_goes_on_all_the_same(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server, USED_UP) as engine:
        refused = use_up(engine)
        view = engine.status()
        assert (
            "Alpaca is not asked, as the 30 requests a minute are used up, 30 more are kept for the stop" in order_of(view, refused).reason
        )
        assert posts(server) == refused - 1
        assert link(view) is LinkState.UP, "nothing is wrong with the link"
        engine.emergency_stop()
        until(engine, lambda view: view.stop is not None and view.stop.verified)
        assert not server.do(lambda: [order for order in server.book.orders.values() if order.works])


def test_a_flatten_finds_room_when_nothing_else_does(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server, USED_UP) as engine:
        engine.submit(market(10, "MSFT"))
        until(engine, ended(1, OrderState.FILLED))
        use_up(engine, first=2)
        engine.liquidate_all()
        until(engine, lambda view: view.stop is not None and view.stop.verified)
        assert server.do(lambda: dict(server.book.positions)) == {}


def test_a_cancel_that_finds_no_room_waits_for_it_and_the_stop_takes_it_along(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server, USED_UP) as engine:
        for number in range(1, use_up(engine)):
            engine.cancel(order_of(engine.status(), number).id)
        view = until(engine, lambda view: said(view, "is not taken (Alpaca is not asked, as the 45 requests a minute are used up"))
        line = next(line.text for line in view.log if "is not taken" in line.text)
        assert re.search(r"15 more are kept for the stop; there is room in (\d+) s\): asking again in \1 s$", line)
        assert link(view) is LinkState.UP, "nothing is wrong with the link"
        engine.emergency_stop()
        until(engine, lambda view: view.stop is not None and view.stop.verified)


def test_exits_that_find_no_room_wait_for_it(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server, USED_UP) as engine:
        engine.submit(ENTRY)
        until(engine, ended(1, OrderState.WORKING))
        while engine.answer(engine.submit(limit(1, 50, "MSFT"), confirmed=True)).ok:
            view = engine.status()
            if any("not asked" in order.reason for order in view.orders):
                break
        server.trade("AAPL", 100)
        view = until(engine, lambda view: said(view, "#2 AAPL, #3 AAPL not taken"))
        assert {order_of(view, number).state for number in (2, 3)} == {OrderState.PENDING_SUBMIT}


def test_a_link_that_is_made_anew_has_no_new_budget() -> None:
    async def connect_often(broker: AlpacaBroker) -> None:
        for _ in range(10):
            await broker.connect(lambda event: None)
            await broker.close()

    with AlpacaServer() as server:
        broker = AlpacaBroker(KEY, SECRET, url=server.url, timings=replace(USED_UP, requests_a_minute=6, kept_for_the_stop=3))
        with pytest.raises(ConnectionError, match="the 3 requests a minute are used up"):
            asyncio.run(connect_often(broker))
        assert len(server.requests) == 3


def test_a_question_that_gets_a_429_is_no_broken_link(tmp_path: Path) -> None:
    timings = replace(USED_UP, poll_s=0.05)
    with AlpacaServer() as server, trading(tmp_path, server, timings) as engine:
        engine.submit(limit())
        until(engine, ended(1, OrderState.WORKING))
        server.faults.arm("GET /v2/orders", "429", times=1_000)
        asked = len(server.requests)
        until(engine, lambda view: len(server.requests) > asked + 5)
        assert link(engine.status()) is LinkState.UP
        server.do(server.faults.armed.clear)
        agree(engine, server)
