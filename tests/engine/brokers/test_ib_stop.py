"""The emergency stop and the end of the program, at the worst moment: at TWS nothing works any more, and nothing is sent twice."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.brokers.ib import library
from engine.live import Engine
from engine.model.modes import LinkState
from engine.model.orders import Bracket, Exit, Intent, OrderState, OrderType, Side
from engine.model.settings import StopSettings
from engine.model.views import View
from tests.engine.brokers.ib_engine import agree, at, is_in, link_of, once, soon, trading
from tests.engine.brokers.ib_rig import ib_rig
from tests.engine.engines import SETTINGS, limit, market, order_of, running, said, until
from tests.servers.tws.driver import ROOT, TwsProcess

D = Decimal
__all__ = ["soon"]
DONE = ("Filled", "Cancelled")


def works(tws: TwsProcess) -> list[str]:
    return [row["ref"] or str(row["perm_id"]) for row in tws.orders() if row["status"] not in DONE]


def verified(view: View) -> bool:
    return view.stop is not None and view.stop.verified


def asked(tws: TwsProcess) -> dict[str, int]:
    return {kind: tws.do("book")["asked"].get(kind, 0) for kind in ("cancel", "global_cancel")}


def many(engine: Engine, tws: TwsProcess, count: int, beside: int = 0) -> None:
    for number in range(count):
        engine.submit(limit(1, 40 + number % 50), confirmed=True)
    until(engine, lambda view: len(works(tws)) == count + beside, 60)


def test_the_stop_cancels_a_hundred_orders_by_one_message_and_tws_says_that_none_is_left(tmp_path: Path) -> None:
    """TWS takes no more than 50 messages a second."""
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        many(engine, tws, 100)
        engine.emergency_stop()
        until(engine, verified, 60)
        assert works(tws) == []
        assert asked(tws) == {"cancel": 0, "global_cancel": 1}
        agree(engine, tws)


def test_a_stop_that_spares_what_protects_cancels_the_rest_one_by_one_as_fast_as_tws_takes_it(tmp_path: Path) -> None:
    """The one message would end what protects, too. None waits for the answer to another: all are out while TWS is mute."""
    settings = replace(SETTINGS, stop=StopSettings(keep_protective=True))
    with TwsProcess() as tws, running(tmp_path, at(tws, tmp_path), settings=settings) as engine:
        engine.submit(market())
        until(engine, is_in(1, OrderState.FILLED))
        engine.submit(Intent("AAPL", Side.SELL, D(10), OrderType.STOP, stop=D(50)))
        protects = order_of(until(engine, lambda view: len(works(tws)) == 1), 2).id
        many(engine, tws, 90, 1)
        tws.do("arm cancel unanswered 1 90")
        engine.emergency_stop()
        until(engine, lambda _: asked(tws)["cancel"] >= 90, 60)
        view = until(engine, verified, 60)
        assert works(tws) == [protects]
        assert asked(tws)["global_cancel"] == 0
        assert not said(view, "asked too much")


@pytest.mark.parametrize("fault", ["global_cancel unseen", "open_orders 322 : Error processing request"])
def test_many_orders_are_cancelled_one_by_one_where_the_one_message_is_lost_or_may_not_be_sent(tmp_path: Path, fault: str) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        many(engine, tws, 30)
        tws.do(f"arm {fault}")
        engine.emergency_stop()
        until(engine, verified, 60)
        assert works(tws) == []
        assert asked(tws)["cancel"] == 30


def test_many_orders_of_a_symbol_are_cancelled_and_what_works_beside_them_stays(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        many(engine, tws, 25)
        tws.do("place 99 BUY 5 MSFT LMT 90 theirs")
        engine.answer(engine.sync())
        engine.cancel(symbol="AAPL")
        until(engine, lambda view: all(row.state.is_final for row in view.orders if row.symbol == "AAPL"))
        assert works(tws) == ["theirs"]
        assert asked(tws) == {"cancel": 25, "global_cancel": 0}


def test_an_order_that_is_sent_while_many_are_cancelled_is_not_cancelled_with_them(tmp_path: Path) -> None:
    """As the exit for what just filled."""
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        many(engine, tws, 25)
        tws.do("delay 0.2")
        engine.cancel()
        engine.submit(limit(7, 39))
        until(engine, lambda view: all(row.state.is_final for row in view.orders if row.number <= 25))
        view = until(engine, is_in(26, OrderState.WORKING))
        assert works(tws) == [order_of(view, 26).id]


@pytest.mark.parametrize("beside", ["works", "ends"])
def test_the_stop_overtakes_a_hundred_cancels_that_go_out_one_by_one(tmp_path: Path, beside: str) -> None:
    """These take TWS 2.6 s. Counted, not timed: of what was still to be sent one by one no more than is on its way comes."""
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        many(engine, tws, 100)
        engine.submit(limit(1, 30, "MSFT"), confirmed=True)
        other = order_of(until(engine, is_in(101, OrderState.WORKING)), 101)
        engine.cancel(symbol="AAPL")
        until(engine, lambda view: asked(tws)["cancel"] >= 30)
        if beside == "ends":
            tws.do(f"fill {other.id} 1 30")
            until(engine, is_in(101, OrderState.FILLED))
        engine.emergency_stop()
        view = until(engine, lambda view: works(tws) == [])
        assert asked(tws)["global_cancel"] == 1
        assert asked(tws)["cancel"] < 90, "what was still to come is not sent"
        view = until(engine, verified)
        assert not said(view, "asked too much")
        agree(engine, tws)


async def test_of_the_messages_that_tws_takes_a_second_some_are_left_for_cancels_and_of_these_some_for_the_stop() -> None:
    async with ib_rig():
        session = library.Session(lambda fact: None, lambda why: None)
        sent = []
        for leaves in (library.FOR_CANCELS_S, library.FOR_THE_STOP_S, 0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(library.WINDOW_S / 10):
                    while True:
                        await session.turn(leaves)
                        session._sent.append(asyncio.get_running_loop().time())
            sent.append(len(session._sent))
        assert sent == [36, 42, 45]


async def test_that_an_order_which_ended_was_asked_to_end_twice_is_no_question() -> None:
    """A hundred such answers would be three hundred questions, while the stop wants to know what is left."""
    async with ib_rig() as rig:
        order = await rig.bought()
        before = rig.tws.do("book")["asked"]
        await rig.do(f"object {order.id} 10148 OrderId that needs to be cancelled can not be cancelled, state: Filled.")
        await rig.snapshot()
        after = rig.tws.do("book")["asked"]
        assert after["open_orders"] - before.get("open_orders", 0) == 1


def test_the_stop_works_while_an_order_hangs(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(limit())
        until(engine, is_in(1, OrderState.WORKING))
        tws.do("arm submit unanswered")
        engine.submit(limit(5, 80))
        until(engine, lambda view: len(works(tws)) == 2)
        engine.emergency_stop()
        view = until(engine, lambda view: verified(view) and is_in(2, OrderState.CANCELED)(view))
        assert works(tws) == []
        once(tws, view)


def test_the_stop_works_in_mid_reconnect(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(limit())
        until(engine, is_in(1, OrderState.WORKING))
        tws.do("away")
        until(engine, lambda view: link_of(view) is LinkState.DOWN)
        engine.emergency_stop()
        tws.do("back")
        until(engine, verified)
        assert works(tws) == []


@pytest.mark.parametrize("client", [99, 0])
def test_the_stop_takes_along_what_another_client_or_tws_itself_placed(tmp_path: Path, client: int) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(limit())
        until(engine, is_in(1, OrderState.WORKING))
        tws.do(f"place {client} BUY 5 MSFT LMT 90")
        engine.emergency_stop()
        until(engine, verified)
        assert works(tws) == []


def test_an_order_of_another_client_is_not_cancelled_alone_beside_others_and_says_whose_it_is(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(limit())
        until(engine, is_in(1, OrderState.WORKING))
        tws.do("place 99 BUY 5 MSFT LMT 90 theirs")
        engine.answer(engine.sync())
        view = until(engine, is_in(2, OrderState.WORKING, OrderState.ACCEPTED))
        engine.cancel(order_of(view, 2).id)
        view = until(engine, lambda view: "client 99" in order_of(view, 2).reason)
        assert len(works(tws)) == 2
        assert order_of(view, 2).state is OrderState.WORKING


def test_a_flatten_closes_what_a_groups_exits_hold(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(Intent("AAPL", Side.BUY, D(10), bracket=Bracket(Exit(D(110)), Exit(D(90)))))
        until(engine, lambda view: len(works(tws)) == 2)
        engine.liquidate_all()
        until(engine, verified)
        assert (works(tws), tws.positions) == ([], {})
        agree(engine, tws)


def test_a_flatten_while_cancels_are_lost_takes_no_position_across_zero(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(Intent("AAPL", Side.BUY, D(10), bracket=Bracket(Exit(D(110)), Exit(D(90)))))
        until(engine, lambda view: len(works(tws)) == 2)
        tws.do("arm cancel unseen")
        tws.do("arm cancel unanswered 2")
        for _ in range(3):
            engine.liquidate_all()
        until(engine, verified)
        assert (works(tws), tws.positions) == ([], {})
        once(tws, agree(engine, tws))


_CHILD = """
import sys
from pathlib import Path
from engine.brokers.ib.broker import IbBroker
from engine.brokers.ib.config import IbConfig
from tests.engine.engines import limit, make, market
engine = make(Path(sys.argv[1]), IbBroker(IbConfig(port=int(sys.argv[2]), client_id=7)))
engine.start()
assert not engine.wait_ready().health.problem
while not engine.status().watch[0].bid:
    pass
print("ready", flush=True)
sys.stdin.readline()
engine.submit(limit())
engine.submit(market(symbol="MSFT"))
sys.stdin.readline()
"""


@pytest.mark.parametrize("what", ["unseen", "unanswered", ""])
def test_after_a_kill_behind_the_write_ahead_record_nothing_is_sent_twice_and_all_is_adopted(tmp_path: Path, what: str) -> None:
    """TWS kills the program with its second order: the first was answered, or lost on its way, or lost on the way back."""
    with TwsProcess() as tws:
        command = [sys.executable, "-W", "ignore", "-c", _CHILD, str(tmp_path), str(tws.port)]
        child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == "ready\n"
        if what:
            tws.do(f"arm submit {what}")
        tws.do(f"kill {child.pid} 2")
        child.stdin.write("go\n")
        child.stdin.flush()
        assert child.wait(30) == -signal.SIGKILL
        child.communicate()
        with trading(tmp_path, tws) as engine:
            view = agree(engine, tws)
            view = until(engine, lambda view: all(row.state is not OrderState.UNKNOWN for row in view.orders))
            once(tws, view)
            alive = {row.id for row in view.orders if not row.state.is_final}
            assert alive == set(works(tws))
            assert len(view.orders) == 2


def test_the_end_of_the_program_leaves_positions_and_ends_entries_and_a_restart_takes_both_up(tmp_path: Path) -> None:
    with TwsProcess() as tws:
        with trading(tmp_path, tws) as engine:
            engine.submit(limit())
            engine.submit(market(symbol="MSFT"))
            until(engine, lambda view: is_in(2, OrderState.FILLED)(view) and is_in(1, OrderState.WORKING)(view))
        assert works(tws) == [], "entries are cancelled at the end, by the default"
        with trading(tmp_path, tws) as engine:
            view = agree(engine, tws)
            assert {row.symbol: row.quantity for row in view.positions} == {"MSFT": 10}
