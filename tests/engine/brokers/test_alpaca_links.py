"""Links that break, fall silent or refuse: the right health in bounded time, with words, while the engine goes on answering."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine import waits
from engine.brokers.alpaca.broker import AlpacaBroker
from engine.brokers.alpaca.ids import ClientId, read
from engine.brokers.alpaca.stream import TradeUpdates
from engine.brokers.alpaca.tickets import Tickets
from engine.brokers.alpaca.timings import Timings
from engine.brokers.alpaca.words import Seen, moment, seen
from engine.brokers.base import BrokerError, BrokerEvent, Heard
from engine.model.inputs import LinkChanged
from engine.model.modes import Level, LinkState
from engine.model.orders import OrderState
from tests.engine.brokers.alpaca_engine import SOON, agree, ended, link, trading
from tests.engine.brokers.alpaca_rig import IMPATIENT, PATIENT
from tests.engine.core.floor import facts
from tests.engine.engines import limit, market, order_of, running, said, until
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "ASK_AGAIN_S", SOON)
    monkeypatch.setattr(waits, "CANCEL_AGAIN_S", SOON)


def reason(view: object) -> str:
    return view.health.links[0].reason  # type: ignore[attr-defined,no-any-return]


def test_a_stream_that_breaks_degrades_the_link_orders_wait_and_cancels_go(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit())
        view = until(engine, ended(1, OrderState.WORKING))
        server.faults.refuse_streams = 429
        server.cut()
        until(engine, lambda view: link(view) is LinkState.DEGRADED)
        refused = engine.answer(engine.submit(limit(price=91)))
        assert "degraded, so nothing is sent but cancels: the stream of trade updates broke" in refused.text
        engine.cancel(order_of(view, 1).id)
        until(engine, ended(1, OrderState.CANCELED))
        server.faults.refuse_streams = 0
        agree(engine, server)
        assert engine.answer(engine.submit(limit(price=91))).ok


@pytest.mark.parametrize(("status", "words"), [(406, "another connection has the stream"), (429, "too many connections")])
def test_a_handshake_that_is_refused_says_why(tmp_path: Path, status: int, words: str) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.faults.refuse_streams = status
        server.cut()
        # The first pause tells that the line broke, the next what the handshake answered.
        until(engine, lambda view: link(view) is LinkState.DEGRADED)
        until(engine, lambda view: words in reason(view))
        server.faults.refuse_streams = 0
        agree(engine, server)


def test_a_stream_that_is_refused_fifty_times_is_tried_one_by_one_and_trading_goes_on_after(tmp_path: Path) -> None:
    first, longest = PATIENT.backoff_s
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.faults.refuse_streams = 429
        server.cut()
        until(engine, lambda view: len(server.shakes) > 50)
        assert link(engine.status()) is LinkState.DEGRADED
        server.faults.refuse_streams = 0
        agree(engine, server)
        assert server.most_streams == 1
        # The server's clock stamps a handshake before it answers, so what lies between two is a pause and more.
        pauses = [after - before for before, after in pairwise(server.shakes[1:51])]
        assert all(pause >= min(longest, first * 2**attempt) / 2 - 0.001 for attempt, pause in enumerate(pauses, 1))
        assert engine.answer(engine.submit(market(), confirmed=True)).ok
        until(engine, ended(1, OrderState.FILLED))
        agree(engine, server)


def test_pauses_grow_to_the_longest_and_no_two_consoles_come_back_together() -> None:
    timings = Timings()
    first, longest = timings.backoff_s
    stream = TradeUpdates(lambda handler: None, lambda raw: None, lambda state, reason: None, lambda: _no(), timings)
    for attempt in range(50):
        most = min(longest, first * 2**attempt)
        pauses = {stream._pause(attempt) for _ in range(20)}
        assert all(most / 2 <= pause <= most for pause in pauses)
        assert len(pauses) > 1


async def _no() -> bool:
    return False


async def test_a_stream_on_which_nothing_is_told_beats_all_the_same_and_after_a_break_again() -> None:
    beat, up = asyncio.Event(), asyncio.Event()

    def hear(event: BrokerEvent | Heard) -> None:
        if isinstance(event, LinkChanged) and event.up:
            up.set()
        if isinstance(event, Heard):
            beat.set()

    with AlpacaServer() as server:
        broker = AlpacaBroker(KEY, SECRET, url=server.url, timings=replace(PATIENT, beat_s=0.02))
        await broker.connect(hear)
        for _ in range(2):
            async with asyncio.timeout(20):
                await up.wait()
                for _ in range(3):
                    beat.clear()
                    await beat.wait()
            up.clear()
            await asyncio.to_thread(server.cut)
        await broker.close()


def test_after_a_lost_answer_the_next_question_is_not_left_to_chance_and_two_far_apart_are_no_line_that_is_down(tmp_path: Path) -> None:
    with AlpacaServer() as server:
        broker = AlpacaBroker(KEY, SECRET, url=server.url, timings=replace(PATIENT, poll_s=600.0, clock_s=600.0))
        with running(tmp_path, broker) as engine:
            for number in (1, 2, 3):
                asked = server.requests.count("GET /v2/clock")
                server.faults.arm("POST /v2/orders", "after_drop")
                assert engine.answer(engine.submit(market(), confirmed=True)).ok
                until(engine, ended(number, OrderState.FILLED))
                until(engine, lambda view: server.requests.count("GET /v2/clock") > asked and not broker._link.shaken.is_set())  # noqa: B023
            assert not said(engine.status(), "link down")
            agree(engine, server)


def test_a_half_open_line_is_found_out_and_the_engine_answers_meanwhile(tmp_path: Path) -> None:
    timings = replace(IMPATIENT, answer_s=0.5, cancel_s=0.5, connect_s=0.5, stream_s=0.5)
    with AlpacaServer() as server, trading(tmp_path, server, timings) as engine:
        engine.submit(limit())
        until(engine, ended(1, OrderState.WORKING))
        server.faults.deaf = True
        until(engine, lambda view: link(view) is LinkState.DOWN)
        assert not engine.answer(engine.submit(limit(price=91))).ok
        server.do(lambda: server.book.trade("AAPL", limit().limit))  # type: ignore[arg-type]
        server.faults.deaf = False
        until(engine, ended(1, OrderState.FILLED))
        agree(engine, server)


def test_by_hand_a_server_that_answers_nothing_is_told_to_answer_again() -> None:
    with AlpacaServer() as server:
        for deaf in (True, False):
            told = json.dumps({"deaf": deaf}).encode()
            with urllib.request.urlopen(f"{server.url}/control/set", told, 20) as answer:
                assert answer.status == 200
            assert server.faults.deaf is deaf


def test_a_stream_that_is_open_and_mute_is_found_out_by_asking_and_connected_anew(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit())
        until(engine, ended(1, OrderState.WORKING))
        server.faults.mute = True
        server.trade("AAPL", 90)
        until(engine, ended(1, OrderState.FILLED))
        until(engine, lambda view: said(view, "it is open and says nothing"))
        server.faults.mute = False
        agree(engine, server)


def test_a_key_that_is_refused_later_ends_the_retry_with_words(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.faults.unauthorized = True
        server.cut()
        view = until(engine, lambda view: link(view) is LinkState.FATAL)
        assert "check ALPACA_API_KEY and ALPACA_SECRET_KEY" in reason(view)
        server.faults.unauthorized = False
        asked = len(server.requests)
        refused = engine.answer(engine.submit(limit()))
        assert "down and not tried again" in refused.text
        assert link(engine.status()) is LinkState.FATAL
        assert len(server.requests) - asked <= 4, "a comparison at most"


def test_a_key_that_is_refused_once_is_asked_again_and_trades_on(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.faults.arm("POST /v2/orders", "401")
        server.faults.arm("GET /v2/account", "401")
        engine.submit(market())
        until(engine, ended(1, OrderState.REJECTED))
        agree(engine, server)
        assert engine.answer(engine.submit(market(3), confirmed=True)).ok
        until(engine, ended(2, OrderState.FILLED))


@pytest.mark.parametrize("times", [1, 3])
def test_a_key_that_the_stream_alone_refuses_is_asked_about_and_trades_on(tmp_path: Path, times: int) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        asked = server.requests.count("GET /v2/account")
        server.faults.refuse_logins = times
        server.cut()
        until(engine, lambda view: not server.faults.refuse_logins)
        agree(engine, server)
        assert server.requests.count("GET /v2/account") >= asked + times
        assert engine.answer(engine.submit(market(), confirmed=True)).ok
        until(engine, ended(1, OrderState.FILLED))


def test_a_start_whose_stream_refuses_the_key_once_goes_on(tmp_path: Path) -> None:
    with AlpacaServer() as server:
        server.faults.refuse_logins = 1
        with trading(tmp_path, server) as engine:
            agree(engine, server)


def test_a_start_is_no_trouble(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        view = agree(engine, server)
        assert [line.text for line in view.log if line.level is not Level.INFO] == []


def test_a_key_that_is_refused_for_good_ends_the_link_without_the_stream_too(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.faults.arm("POST /v2/orders", "401")
        server.faults.arm("GET /v2/", "401", times=50)
        engine.submit(market())
        view = until(engine, lambda view: link(view) is LinkState.FATAL)
        assert "check ALPACA_API_KEY and ALPACA_SECRET_KEY" in reason(view)


def test_a_start_asks_once_more_where_the_key_is_refused(tmp_path: Path) -> None:
    with AlpacaServer() as server:
        server.faults.arm("GET /v2/account", "401")
        with trading(tmp_path, server) as engine:
            agree(engine, server)


def test_a_wrong_key_does_not_start_and_says_what_to_do(tmp_path: Path) -> None:
    with AlpacaServer() as server, running(tmp_path, AlpacaBroker(KEY, "wrong", url=server.url, timings=PATIENT), ready=False) as engine:
        engine.wait_ready()
        problem = engine.view().health.problem
        assert engine.view().health.failed
        assert "Alpaca refuses the key (unauthorized)" in problem
        assert "for paper, then start again" in problem
        assert "wrong" not in problem


def test_a_server_that_is_not_there_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.shell.AGAIN_S", (0.1,))
    with AlpacaServer() as server:
        url, port = server.url, server.port
    with running(tmp_path, AlpacaBroker(KEY, SECRET, url=url, timings=PATIENT), ready=False) as engine:
        while "Alpaca refuses the connection" not in engine.view().health.problem:
            pass
        with AlpacaServer(port) as server:
            engine.wait_ready()
            agree(engine, server)


async def test_an_account_that_is_another_than_was_asked_for_is_refused() -> None:
    with AlpacaServer() as server:
        broker = AlpacaBroker(KEY, SECRET, url=server.url, account="PA999", timings=PATIENT)
        with pytest.raises(BrokerError, match="The key is for account PA3LOOPBACK1, not for PA999"):
            await broker.connect(lambda event: None)
        await broker.close()


async def test_a_paper_account_under_a_live_config_is_refused() -> None:
    with AlpacaServer() as server:
        broker = AlpacaBroker(KEY, SECRET, paper=False, url=server.url, timings=PATIENT)
        with pytest.raises(BrokerError, match="The key is for paper account PA3LOOPBACK1, and the config says live"):
            await broker.connect(lambda event: None)
        await broker.close()


def test_a_clock_that_is_wrong_is_said_once_and_said_again_when_it_is_right(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.faults.skew_s = 10.0
        view = until(engine, lambda view: said(view, "this machine's clock is"))
        asked = server.requests.count("GET /v2/clock")
        until(engine, lambda view: server.requests.count("GET /v2/clock") >= asked + 3)
        view = engine.status()
        lines = [line.text for line in view.log if "clock" in line.text]
        assert len(lines) == 1
        assert "behind Alpaca's" in lines[0]
        server.faults.skew_s = 0.0
        until(engine, lambda view: said(view, "agrees with Alpaca's again"))


def test_rest_that_is_down_for_a_while_is_found_out_and_compared_after(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        engine.submit(limit())
        until(engine, ended(1, OrderState.WORKING))
        server.faults.arm("GET /v2", "503", times=1_000_000)
        until(engine, lambda view: link(view) is LinkState.DOWN)
        server.trade("AAPL", 90)
        server.do(server.faults.armed.clear)
        until(engine, ended(1, OrderState.FILLED))
        agree(engine, server)


def test_the_key_is_nowhere_in_what_is_said(tmp_path: Path) -> None:
    with AlpacaServer() as server, trading(tmp_path, server) as engine:
        server.faults.arm("POST /v2/orders", "after_html")
        engine.submit(market())
        view = until(engine, ended(1, OrderState.FILLED))
        assert not any(SECRET in line.text + line.detail or KEY in line.text for line in view.log)


# ---- words


def test_a_client_id_tells_the_whole_of_its_group() -> None:
    for client in (
        ClientId("261128-ab-1"),
        ClientId("261128-ab-1", "261128-ab-2"),
        ClientId("a-1", "a-2", 3),
        ClientId("a-1", "", 7, Decimal("12.5")),
    ):
        assert read(str(client)) == client
    assert read("somebody's own ~ id") == ClientId("somebody's own ~ id")
    assert read("") == ClientId("")


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-01-05T14:30:00Z", "2026-01-05T14:30:00.000000001Z"),
        ("2026-01-05T14:30:00.1Z", "2026-01-05T14:30:00.12Z"),
        ("2026-01-05T14:30:00.999999999Z", "2026-01-05T09:30:01-05:00"),
    ],
)
def test_times_of_any_number_of_digits_compare(earlier: str, later: str) -> None:
    assert 0 < moment(earlier) < moment(later)


@pytest.mark.parametrize("given", [None, "", "yesterday", 7, {}])
def test_a_time_that_is_none_is_none(given: object) -> None:
    assert moment(given) == 0


def test_an_order_without_its_fields_raises_nothing() -> None:
    assert seen({}) is None
    told = seen({"id": "x", "qty": "NaN", "filled_qty": None, "type": "riddle", "legs": [None, {}, {"id": "leg"}], "side": None})
    assert told is not None
    assert facts(told.status, told.quantity, len(told.legs)) == ("", 0, 1)


def told(at: str, status: str, filled: str, broker_id: str = "b1") -> Seen:
    order = seen({"id": broker_id, "client_order_id": "r-1", "status": status, "qty": "10", "filled_qty": filled, "updated_at": at})
    assert order is not None
    return order


def test_what_is_told_late_takes_nothing_back() -> None:
    tickets = Tickets()
    tickets.expect(ClientId("r-1"))
    tickets.take(told("2026-01-05T14:30:00.2Z", "filled", "10"))
    assert tickets.take(told("2026-01-05T14:30:00.1Z", "partially_filled", "4")) == []
    ticket = tickets.get("r-1")
    assert ticket is not None
    assert facts(ticket.filled, ticket.open) == (10, False)
