"""Too many requests: a 429 has taken nothing. Exits are sent again until they stand, what is without them is told, and no order is lost
without a word."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine import waits
from engine.brokers.alpaca.broker import AlpacaBroker
from engine.brokers.alpaca.retry_after import retry_after_s
from engine.live import Engine
from engine.model.modes import Level, LinkState
from engine.model.orders import Bracket, Exit, Intent, OrderState, OrderType, Side, Terms
from engine.model.views import View
from tests.engine.brokers.alpaca_engine import SOON, agree, ended, link, posts, trading
from tests.engine.brokers.alpaca_rig import PATIENT
from tests.engine.core.floor import facts
from tests.engine.engines import SETTINGS, limit, market, order_of, running, said, until
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET

D = Decimal
ENTRY = Intent("AAPL", Side.BUY, D(10), OrderType.LIMIT, D(100), bracket=Bracket(Exit(D(110)), Exit(D(90))))


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASK_AGAIN_S", "CANCEL_AGAIN_S", "BUSY_AGAIN_S"):
        monkeypatch.setattr(waits, name, SOON)


def filled(engine: Engine, server: AlpacaServer, refused: int) -> None:
    """The entry fills, and its exits get a 429 so often."""
    engine.submit(ENTRY)
    until(engine, ended(1, OrderState.WORKING))
    server.faults.arm("POST /v2/orders", "429", times=refused)
    server.trade("AAPL", 100)
    until(engine, lambda view: posts(server) >= 2)


def works(server: AlpacaServer) -> list[str]:
    return server.do(lambda: sorted(order.type for order in server.book.orders.values() if order.works))


def stand(view: View) -> bool:
    return {order_of(view, number).state for number in (2, 3)} == {OrderState.WORKING, OrderState.HELD}


def test_an_order_that_gets_a_429_was_not_taken_and_says_so(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.faults.arm("POST /v2/orders", "429")
        engine.submit(market())
        view = until(engine, ended(1, OrderState.REJECTED))
        assert order_of(view, 1).reason == "Alpaca gets too many requests (rate limit exceeded): it was not taken, and is not sent again"
        assert posts(server) == 1, "the library would have sent it again"


def test_exits_are_sent_until_they_stand_and_a_position_without_them_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "NAKED_S", 0.5)
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        filled(engine, server, refused=12)
        # The stream tells that they stand, which may be before the answer to the request is there.
        view = until(engine, lambda view: stand(view) and said(view, "#2 AAPL, #3 AAPL: no longer refused"))
        assert (posts(server), server.book.duplicates, works(server)) == (14, 0, ["limit", "stop"])
        lines = [line.text for line in view.log if line.level is Level.ERROR]
        assert len(lines) == 1
        assert re.match(r"AAPL has no exits at the broker for \d+ s: Alpaca gets too many requests \(rate limit exceeded\)\.", lines[0])
        agree(engine, server)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "-7"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "Wed, 99 Oct 2015 07:28:00 GMT"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_when_alpaca_may_be_asked_again_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_a_date_to_come_back_at_is_so_many_seconds_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_445_412_470.0)
    assert retry_after_s({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 10.0
    assert retry_after_s({"X-RateLimit-Reset": "1445412475"}) == 5.0
    assert retry_after_s({"Retry-After": "soon", "X-RateLimit-Reset": "1445412475"}) == 5.0


def test_exits_are_sent_again_when_alpaca_says(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.faults.retry_after = "57"
        filled(engine, server, refused=1)
        view = until(engine, lambda view: said(view, "asked again in"))
        assert said(view, "#2 AAPL, #3 AAPL not taken; asked again in 57 s")
        assert posts(server) == 2
        engine.cancel(order_of(view, 2).id)
        engine.cancel(order_of(view, 3).id)
        until(engine, lambda view: {order_of(view, number).state for number in (2, 3)} == {OrderState.CANCELED})
        assert posts(server) == 2, "one that is not wanted any more never goes out"


def deletes(server: AlpacaServer) -> int:
    return sum(each.startswith("DELETE") for each in server.requests)


def test_a_cancel_is_asked_for_again_when_alpaca_says_and_the_stop_does_not_wait_for_that(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit())
        view = until(engine, ended(1, OrderState.WORKING))
        server.faults.retry_after = "57"
        server.faults.arm("DELETE /v2/orders", "429", times=3)
        engine.cancel(order_of(view, 1).id)
        words = "the cancel of #1 is not taken (Alpaca gets too many requests (rate limit exceeded)): asking again in 57 s"
        until(engine, lambda view: said(view, words))
        looked = len(server.requests)
        until(engine, lambda view: len(server.requests) >= looked + 5)
        assert deletes(server) == 1
        engine.emergency_stop()
        until(engine, lambda view: view.stop is not None and view.stop.verified)
        assert works(server) == []
        agree(engine, server)


def test_a_cancel_is_not_put_off_for_longer_than_alpaca_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "CANCEL_AGAIN_S", (60.0,))
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit())
        view = until(engine, ended(1, OrderState.WORKING))
        server.faults.retry_after = format_datetime(datetime.fromtimestamp(time.time() + 1, UTC), usegmt=True)
        server.faults.arm("DELETE /v2/orders", "429")
        engine.cancel(order_of(view, 1).id)
        until(engine, ended(1, OrderState.CANCELED))
        assert deletes(server) == 2


def test_exits_that_wait_are_never_sent_after_the_stop(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        filled(engine, server, refused=20)
        engine.emergency_stop()
        sent = posts(server)
        view = until(engine, lambda view: {order_of(view, number).state for number in (2, 3)} == {OrderState.CANCELED})
        assert order_of(view, 2).reason == "cancelled before it was sent"
        assert posts(server) - sent <= 1, "one may have been on its way"
        assert works(server) == []


def test_a_flatten_is_sent_until_it_is_taken(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(market())
        until(engine, ended(1, OrderState.FILLED))
        server.faults.arm("POST /v2/orders", "429", times=3)
        engine.liquidate_all()
        until(engine, lambda view: view.stop is not None and view.stop.verified)
        assert server.do(lambda: dict(server.book.positions)) == {}
        assert (posts(server), server.book.duplicates) == (5, 0)


def test_exits_that_wait_outlive_a_broken_link(tmp_path: Path) -> None:
    """The comparison when it is back does not wait for what is known not to be there, as it does for one whose answer was lost."""
    with AlpacaServer() as server, trading(tmp_path, server, replace(PATIENT, settle_s=60.0)) as engine:
        server.faults.retry_after = "1"
        filled(engine, server, refused=1)
        server.faults.refuse_streams = 429
        server.cut()
        until(engine, lambda view: link(view) is LinkState.DEGRADED)
        asked = len(server.requests)
        until(engine, lambda view: len(server.requests) >= asked + 25)
        server.faults.refuse_streams = 0
        until(engine, stand)
        assert (posts(server), works(server)) == (3, ["limit", "stop"])
        agree(engine, server)


def test_exits_that_waited_when_the_program_ended_are_sent_by_the_next_one(tmp_path: Path) -> None:
    settings = replace(SETTINGS, on_exit="keep")
    with AlpacaServer() as server:
        with running(tmp_path, AlpacaBroker(KEY, SECRET, url=server.url, timings=PATIENT), settings=settings) as engine:
            server.faults.retry_after = "57"
            filled(engine, server, refused=1)
            until(engine, lambda view: said(view, "asked again in 57 s"))
        assert works(server) == []
        with running(tmp_path, AlpacaBroker(KEY, SECRET, url=server.url, timings=PATIENT), settings=settings) as engine:
            until(engine, lambda view: works(server) == ["limit", "stop"])
            agree(engine, server)


def test_a_replace_that_gets_a_429_leaves_the_old_terms_and_says_so(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit(10, 90))
        view = until(engine, ended(1, OrderState.WORKING))
        server.faults.arm("PATCH /v2/orders", "429")
        engine.replace(order_of(view, 1).id, Terms(D(10), D(91)))
        view = until(engine, lambda view: "too many requests" in order_of(view, 1).reason)
        assert facts(order_of(view, 1).limit, order_of(view, 1).state) == (90, OrderState.WORKING)
        assert order_of(view, 1).reason.endswith("it works on under its old terms")
