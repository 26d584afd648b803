"""The emergency stop and the end of the program, at the worst moment: at Alpaca nothing works any more, and nothing is sent twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine import waits
from engine.brokers.alpaca.broker import AlpacaBroker
from engine.brokers.alpaca.tickets import Tickets
from engine.brokers.alpaca.words import seen
from engine.model.orders import Bracket, Exit, Intent, OrderState, OrderType, Side
from engine.model.settings import StopSettings
from engine.model.views import View
from tests.engine.brokers.alpaca_engine import SOON, agree, ended, link, posts, trading
from tests.engine.brokers.alpaca_rig import IMPATIENT, PATIENT, patience
from tests.engine.engines import SETTINGS, limit, market, order_of, running, until
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET

D = Decimal
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "ASK_AGAIN_S", SOON)
    monkeypatch.setattr(waits, "CANCEL_AGAIN_S", SOON)


def works(server: AlpacaServer) -> list[str]:
    return server.do(lambda: [order.client_id for order in server.book.orders.values() if order.works])


def verified(view: View) -> bool:
    return view.stop is not None and view.stop.verified


def test_the_stop_cancels_everything_while_a_request_hangs(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server, IMPATIENT) as engine:
        for price in range(80, 90):
            engine.submit(limit(1, price), confirmed=True)
        until(engine, lambda view: len(works(server)) == 10)
        server.faults.arm("POST /v2/orders", "after_hang")
        engine.submit(limit(1, 91))
        until(engine, lambda view: len(works(server)) == 11)
        engine.emergency_stop()
        until(engine, lambda view: not works(server))
        until(engine, verified)
        agree(engine, server)


def test_the_stop_works_in_mid_reconnect(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit())
        until(engine, ended(1, OrderState.WORKING))
        server.faults.refuse_streams = 429
        server.cut()
        until(engine, lambda view: not view.health.links[0].up)
        engine.emergency_stop()
        until(engine, lambda view: not works(server))
        until(engine, verified)
        server.faults.refuse_streams = 0
        agree(engine, server)


def test_the_stop_takes_what_was_placed_elsewhere_along(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.faults.mute = True
        wish = {"symbol": "MSFT", "qty": "5", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": "90"}
        server.do(lambda: server.book.submit(wish))
        engine.emergency_stop()
        until(engine, lambda view: not works(server) and verified(view))


def test_a_flatten_closes_what_a_groups_exits_hold(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(Intent("AAPL", Side.BUY, D(10), OrderType.LIMIT, D(100), bracket=Bracket(Exit(D(110)), Exit(D(90)))))
        until(engine, ended(1, OrderState.WORKING, OrderState.FILLED))
        server.trade("AAPL", 100)
        until(engine, lambda view: {order_of(view, n).state for n in (2, 3)} == {OrderState.WORKING, OrderState.HELD})
        engine.liquidate_all()
        until(engine, verified)
        assert server.do(lambda: (dict(server.book.positions), sum(order.works for order in server.book.orders.values()))) == ({}, 0)
        agree(engine, server)


def test_the_stop_goes_on_through_a_storm_of_429(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        for price in range(80, 90):
            engine.submit(limit(1, price), confirmed=True)
        until(engine, lambda view: len(works(server)) == 10)
        server.faults.arm("DELETE /v2/orders", "429", times=25)
        engine.emergency_stop()
        until(engine, lambda view: not works(server) and verified(view))


def elsewhere(server: AlpacaServer, count: int) -> None:
    """So many orders that work, placed by somebody else."""
    wish = {"symbol": "MSFT", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "day"}
    for number in range(count):
        server.do(partial(server.book.submit, {**wish, "limit_price": f"{50 + number / 100:.2f}"}))


QUIET = {"poll_s": 60.0, "clock_s": 60.0}
"""Asks nothing by itself while the stop counts its requests."""
UNHURRIED = replace(PATIENT, **QUIET)
SOON_EACH = replace(UNHURRIED, together_s=0.1)
"""The one request for all is given up soon."""


def test_the_stop_ends_a_hundred_orders_with_the_few_requests_that_are_left_for_it(tmp_path: Path) -> None:
    with AlpacaServer() as server:
        elsewhere(server, 100)
        with trading(tmp_path, server, UNHURRIED) as engine:
            until(engine, lambda view: view.health.ready and len(view.orders) == 100)
            server.requests.clear()
            server.faults.requests_left = UNHURRIED.kept_for_the_stop
            engine.emergency_stop()
            until(engine, verified)
            assert works(server) == []
            assert server.faults.requests_left >= 0, "nothing was one too many"
            assert [each for each in server.requests if each.startswith("DELETE")] == ["DELETE /v2/orders"]


@pytest.mark.parametrize("what", ["hang", "after_hang", "500", "503", "drop", "after_drop", "html", "401"])
def test_the_stop_cancels_each_order_by_itself_where_the_one_request_for_all_fails(tmp_path: Path, what: str) -> None:
    with AlpacaServer() as server, trading(tmp_path, server, replace(patience(what), **QUIET)) as engine:
        for price in range(80, 90):
            engine.submit(limit(1, price), confirmed=True)
        until(engine, lambda view: len(works(server)) == 10)
        server.faults.arm("DELETE /v2/orders$", what, times=1_000)
        engine.emergency_stop()
        until(engine, lambda view: not works(server))
        until(engine, verified)
        assert f"DELETE /v2/orders: {what}" in server.faults.struck
        agree(engine, server)


def late(server: AlpacaServer) -> None:
    """What the stop asked for in one request, and long since for each order, takes effect now."""
    server.do(server.faults.let_late.set)
    while not server.do(lambda: server.faults.late):
        pass


def test_one_request_for_all_that_takes_effect_late_does_nothing_twice(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server, SOON_EACH) as engine:
        for price in range(80, 90):
            engine.submit(limit(1, price), confirmed=True)
        until(engine, lambda view: len(works(server)) == 10)
        server.faults.arm("DELETE /v2/orders$", "late")
        engine.emergency_stop()
        until(engine, verified)
        assert works(server) == []
        late(server)
        view = agree(engine, server)
        assert verified(view)
        assert {row.state for row in view.orders} == {OrderState.CANCELED}
        assert (posts(server), server.do(lambda: dict(server.book.positions))) == (10, {})


def test_a_closing_order_that_a_late_request_for_all_takes_away_is_sent_again_and_nothing_is_sold_twice(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server, SOON_EACH) as engine:
        engine.submit(market(10))
        until(engine, ended(1, OrderState.FILLED))
        for price in range(80, 83):
            engine.submit(limit(1, price), confirmed=True)
        until(engine, lambda view: len(works(server)) == 3)
        server.book.immediate = False
        server.faults.arm("DELETE /v2/orders$", "late")
        engine.liquidate_all()
        until(engine, lambda view: len(works(server)) == 1 and order_of(view, 5).state is OrderState.WORKING)
        assert server.order(works(server)[0]).side == "sell"
        late(server)
        until(engine, ended(5, OrderState.CANCELED))
        until(engine, lambda view: len(works(server)) == 1)
        server.trade("AAPL", 99)
        view = until(engine, lambda view: verified(view) and not view.positions)
        sold = server.do(lambda: [order.filled for order in server.book.orders.values() if order.side == "sell"])
        assert (sold, server.do(lambda: dict(server.book.positions))) == ([D(0), D(10)], {})
        assert order_of(view, 6).state is OrderState.FILLED
        agree(engine, server)


def test_the_stop_waits_for_no_answer_to_the_one_request_for_all(tmp_path: Path) -> None:
    timings = replace(SOON_EACH, cancel_s=60.0)
    with AlpacaServer() as server, trading(tmp_path, server, timings) as engine:
        for price in range(80, 90):
            engine.submit(limit(1, price), confirmed=True)
        until(engine, lambda view: len(works(server)) == 10)
        server.faults.arm("DELETE /v2/orders$", "hang", times=1_000)
        engine.emergency_stop()
        until(engine, verified)


def test_a_storm_of_429_is_not_made_worse_by_a_request_for_each_order(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server, UNHURRIED) as engine:
        for price in range(80, 90):
            engine.submit(limit(1, price), confirmed=True)
        until(engine, lambda view: len(works(server)) == 10)
        server.requests.clear()
        server.faults.arm("DELETE /v2/orders", "429", times=3)
        engine.emergency_stop()
        until(engine, verified)
        assert [each for each in server.requests if each.startswith("DELETE")] == ["DELETE /v2/orders"] * 4


def test_an_exit_that_the_stop_spares_is_not_swept_away_with_all_others(tmp_path: Path) -> None:
    settings = replace(SETTINGS, stop=StopSettings(keep_protective=True))
    with AlpacaServer() as server:
        broker = AlpacaBroker(KEY, SECRET, url=server.url, timings=UNHURRIED)
        with running(tmp_path, broker, settings=settings) as engine:
            engine.submit(market(10))
            until(engine, ended(1, OrderState.FILLED))
            engine.submit(Intent("AAPL", Side.SELL, D(10), OrderType.STOP, stop=D(90)), confirmed=True)
            for price in range(80, 85):
                engine.submit(limit(1, price), confirmed=True)
            until(engine, lambda view: len(works(server)) == 6)
            engine.emergency_stop()
            until(engine, lambda view: len(works(server)) == 1)
            assert "DELETE /v2/orders" not in server.requests
            assert server.order(works(server)[0]).type == "stop"


def test_a_stop_order_placed_elsewhere_a_moment_ago_keeps_the_one_request_for_all_back() -> None:
    tickets = Tickets()
    told = seen({"id": "1", "client_order_id": "theirs", "status": "new", "type": "stop", "side": "sell", "qty": "5", "symbol": "AAPL"})
    assert told is not None
    tickets.take(told)
    assert tickets.works_beside(())
    tickets.take(replace(told, status="canceled"))
    assert not tickets.works_beside(())


_CHILD = """
import sys
from pathlib import Path
from tests.engine.brokers.alpaca_engine import KEY, SECRET, PATIENT
from engine.brokers.alpaca.broker import AlpacaBroker
from tests.engine.engines import make, limit, market
engine = make(Path(sys.argv[1]), AlpacaBroker(KEY, SECRET, url=sys.argv[2], timings=PATIENT))
engine.start()
assert not engine.wait_ready().health.problem
while not engine.status().watch[0].bid:
    pass
engine.submit(limit())
engine.submit(market(symbol="MSFT"))
print("sent", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("what", ["hang", "after_hang", "drop", "after_drop", ""])
def test_after_a_kill_behind_the_write_ahead_record_nothing_is_sent_twice_and_all_is_adopted(tmp_path: Path, what: str) -> None:
    with AlpacaServer() as server:
        if what:
            server.faults.arm("POST /v2/orders", what)
        command = [sys.executable, "-W", "ignore", "-c", _CHILD, str(tmp_path), server.url]
        child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "sent\n"
        while not posts(server):
            pass
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        before = posts(server)
        with trading(tmp_path, server) as engine:
            view = agree(engine, server)
            until(engine, lambda view: all(row.state is not OrderState.UNKNOWN for row in view.orders))
            assert (posts(server), server.book.duplicates) == (before, 0)
            theirs = server.do(lambda: {order.client_id: order.status for order in server.book.orders.values()})
            ours = {row.id: row.state for row in engine.status().orders}
            alive = {i for i, state in ours.items() if not state.is_final}
            assert alive == {i for i, status in theirs.items() if status == "new"}
            assert link(view).value == "UP"


def test_the_end_of_the_program_leaves_working_orders_as_configured(tmp_path: Path) -> None:
    with AlpacaServer() as server:
        with trading(tmp_path, server) as engine:
            engine.submit(limit())
            until(engine, ended(1, OrderState.WORKING))
            engine.submit(market(symbol="MSFT"))
            until(engine, ended(2, OrderState.FILLED))
        assert works(server) == [], "entries are cancelled at the end, by the default"
        with trading(tmp_path, server) as engine:
            view = agree(engine, server)
            assert {row.symbol: row.quantity for row in view.positions} == {"MSFT": 10}
