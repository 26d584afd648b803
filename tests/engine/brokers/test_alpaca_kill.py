"""The stop at Alpaca without an engine, by the standard library: to zero in bounded time, at the right account, or said in words."""

from __future__ import annotations

import re
import threading
import time
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from msgspec.structs import replace

from engine.brokers.alpaca import kill as killer
from engine.brokers.alpaca.config import AlpacaConfig
from engine.brokers.alpaca.kill import Left, kill
from engine.brokers.base import BrokerError
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET
from tests.test_import_weight import loaded_by

PAPER = "PA3LOOPBACK1"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (
        ("ANSWER_S", 0.5),
        ("REACHED_S", 1.0),
        ("CANCELLED_S", 2.0),
        ("FLAT_S", 2.0),
        ("AGAIN_S", 0.2),
        ("PAUSE_S", 0.02),
    ):
        monkeypatch.setattr(killer, name, seconds)


def config_of(server: AlpacaServer) -> AlpacaConfig:
    return AlpacaConfig(KEY, SECRET, url=server.url, account=PAPER)


def place(server: AlpacaServer, symbol: str = "AAPL", quantity: int = 5, limit: int = 90, side: str = "buy") -> None:
    wish = {"symbol": symbol, "qty": str(quantity), "side": side, "type": "limit", "limit_price": str(limit), "time_in_force": "day"}
    server.do(lambda: server.book.submit(wish))


def hold(server: AlpacaServer, symbol: str = "AAPL", quantity: int = 10) -> None:
    side = "buy" if quantity > 0 else "sell"
    wish = {"symbol": symbol, "qty": str(abs(quantity)), "side": side, "type": "market", "time_in_force": "day"}
    server.do(lambda: server.book.submit(wish))


def stopped(server: AlpacaServer, *, flatten: bool = False) -> Left:
    return kill(config_of(server), flatten=flatten, tell=lambda text: None)


def at_work(server: AlpacaServer) -> int:
    return server.do(lambda: sum(order.works for order in server.book.orders.values()))


def held(server: AlpacaServer) -> dict[str, Decimal]:
    return server.do(lambda: {symbol: quantity for symbol, (quantity, _) in server.book.positions.items()})


def changes(server: AlpacaServer) -> list[str]:
    return server.do(lambda: [asked for asked in server.requests if not asked.startswith("GET")])


def test_every_order_is_cancelled_and_what_is_held_is_told() -> None:
    with AlpacaServer() as server:
        hold(server)
        for number in range(30):
            place(server, limit=50 + number)
        assert stopped(server) == Left(PAPER, held=("10 AAPL",))
        assert (at_work(server), changes(server)) == (0, ["DELETE /v2/orders"])


def test_a_flatten_closes_what_is_held_long_and_short_with_one_order_each() -> None:
    with AlpacaServer() as server:
        hold(server)
        hold(server, "MSFT", -7)
        place(server)
        for _ in range(2):
            assert stopped(server, flatten=True) == Left(PAPER)
        assert (at_work(server), held(server)) == (0, {})
        assert [asked for asked in changes(server) if "positions" in asked] == ["DELETE /v2/positions/AAPL", "DELETE /v2/positions/MSFT"]


def test_a_closing_order_whose_answer_was_lost_is_not_followed_by_another() -> None:
    with AlpacaServer() as server:
        hold(server)
        server.faults.arm("DELETE /v2/positions", "after_drop")
        assert stopped(server, flatten=True) == Left(PAPER)
        assert changes(server).count("DELETE /v2/positions/AAPL") == 1


def test_a_position_whose_closing_never_arrived_is_closed_once_two_looks_agree() -> None:
    with AlpacaServer() as server:
        hold(server)
        hold(server, "MSFT")
        server.faults.arm("DELETE /v2/positions/AAPL", "drop")
        assert stopped(server, flatten=True) == Left(PAPER)
        assert held(server) == {}


def test_a_closing_order_that_turns_up_late_is_not_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer was lost, and the next look finds neither the order nor what it did."""
    looks = iter([[], [], [{"symbol": "AAPL", "id": "1"}]])
    asked: list[str] = []

    class Late:
        def ask(self, method: str, path: str, kind: type) -> object:
            asked.append(f"{method} {path}")
            if method == "DELETE":
                raise killer._NoAnswerError("lost")
            if path == "/v2/positions":
                return [{"symbol": "AAPL", "qty": "10", "side": "long"}] if len(asked) < 12 else []
            return next(looks, [{"symbol": "AAPL", "id": "1"}])

    monkeypatch.setattr(killer, "AGAIN_S", 0.01)
    killer._There(Late(), PAPER).flatten(lambda text: None)  # type: ignore[arg-type]
    assert asked.count("DELETE /v2/positions/AAPL") == 1


def test_what_closes_at_the_open_is_named_and_gets_no_second_order() -> None:
    with AlpacaServer() as server:
        hold(server)
        server.do(lambda: setattr(server.book, "open", False))
        left = stopped(server, flatten=True)
        assert left == Left(PAPER, ("sell 10 AAPL market (accepted), which closes it",), ("10 AAPL",))
        assert changes(server).count("DELETE /v2/positions/AAPL") == 1


def test_a_position_that_cannot_be_closed_is_named_with_alpacas_own_words() -> None:
    with AlpacaServer() as server:
        hold(server)
        server.do(lambda: server.book.prices.pop("AAPL"))
        left = stopped(server, flatten=True)
        assert re.fullmatch(r"10 AAPL \(it could not be closed: .*AAPL.*\)", left.held[0]), left


@pytest.mark.parametrize("fault", ["429", "503", "drop", "html", "after_504"])
def test_what_gets_no_answer_or_one_too_many_is_asked_again_until_nothing_works(fault: str) -> None:
    with AlpacaServer() as server:
        place(server)
        for asked in ("GET /v2/account", "DELETE /v2/orders", "GET /v2/orders"):
            server.faults.arm(asked, fault, times=2)
        assert stopped(server) == Left(PAPER)
        assert at_work(server) == 0


def test_cancels_go_out_though_nobody_tells_what_works_and_that_is_said() -> None:
    with AlpacaServer() as server:
        place(server)
        server.faults.arm("GET /v2/orders", "429", times=100_000)
        left = stopped(server)
        assert (left.unknown, at_work(server)) == ("Alpaca answers 429: rate limit exceeded", 0)


def test_how_long_it_asks_to_be_left_alone_is_said_and_not_waited_for() -> None:
    with AlpacaServer() as server:
        place(server)
        server.faults.set(retry_after="42")
        server.faults.arm("DELETE /v2/orders", "429", times=2)
        assert (stopped(server).trouble, at_work(server)) == ("", 0), "the third is let through at once"
        place(server)
        server.faults.arm("DELETE /v2/orders", "429", times=100_000)
        left = stopped(server)
        assert left.trouble == "Alpaca answers 429: rate limit exceeded, and asks to be left alone for 42 s"
        assert len(left.orders) == 1


@pytest.mark.parametrize("flatten", [False, True])
def test_what_stays_is_looked_at_less_and_less_often(monkeypatch: pytest.MonkeyPatch, flatten: bool) -> None:
    """It must not be the stop itself that has no request left."""
    now, pauses = [1_000.0], []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    class Time:
        monotonic = staticmethod(lambda: now[0])

    Time.sleep = staticmethod(sleep)  # type: ignore[attr-defined]
    monkeypatch.setattr(killer, "time", Time)
    for name, seconds in (("AGAIN_S", 1.0), ("CANCELLED_S", 10.0), ("FLAT_S", 20.0)):
        monkeypatch.setattr(killer, name, seconds)
    with AlpacaServer() as server:
        if flatten:
            hold(server)
            server.do(lambda: setattr(server.book, "open", False))
        else:
            place(server)
            monkeypatch.setattr(server._rest, "_cancel_all", list)
        stopped(server, flatten=flatten)
        asked = server.do(lambda: len(server.requests))
    assert (pauses[0], max(pauses)) == (killer.POLL_S, killer.SELDOM_S)
    assert asked < 100


@pytest.mark.parametrize("fault", ["hang", "429"])
def test_a_server_that_answers_nothing_ends_it_in_bounded_time_in_words(fault: str) -> None:
    with AlpacaServer() as server:
        place(server)
        server.faults.arm("GET /v2/account", fault, times=100_000)
        began = time.monotonic()
        with pytest.raises(ConnectionError, match="Nothing was sent: it is not known whose account this is"):
            stopped(server)
        assert time.monotonic() - began < 20
        assert changes(server) == []


def test_one_that_hangs_once_the_account_is_known_is_said_to() -> None:
    with AlpacaServer() as server:
        place(server)
        server.faults.arm("DELETE /v2/orders", "hang", times=100_000)
        left = stopped(server)
        assert left == Left(PAPER, ("buy 5 AAPL limit 90 (new)",), trouble="Alpaca does not answer (timed out)")


def test_nothing_is_sent_where_the_account_is_another() -> None:
    with AlpacaServer() as server:
        place(server)
        for config, words in (
            (
                replace(config_of(server), account="PA3SOMEOTHER"),
                "for account PA3LOOPBACK1, not for PA3SOMEOTHER: nothing was sent",
            ),
            (replace(config_of(server), account="", kind="live"), "PA3LOOPBACK1, which is no live account: nothing was sent"),
        ):
            with pytest.raises(BrokerError, match=words):
                kill(config, flatten=True, tell=lambda text: None)
        assert (changes(server), at_work(server)) == ([], 1)


def test_a_key_that_is_refused_is_said() -> None:
    with AlpacaServer() as server:
        server.faults.unauthorized = True
        with pytest.raises(BrokerError, match=r"Alpaca refuses the key for the paper account: unauthorized\. \(401\)\. Nothing was sent"):
            stopped(server)


def test_it_follows_nobody_to_another_place_with_the_keys() -> None:
    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(307)
            self.send_header("Location", f"{other.url}/v2/account")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *given: object) -> None:
            pass

    with AlpacaServer() as other, HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(ConnectionError, match="Alpaca answers 307"):
            kill(AlpacaConfig(KEY, SECRET, url=f"http://127.0.0.1:{server.server_port}"), flatten=False, tell=lambda text: None)
        server.shutdown()
        assert other.requests == []


def test_it_loads_nothing_that_has_to_be_installed_but_msgspec() -> None:
    assert not loaded_by("engine.brokers.alpaca.kill") & {
        "alpaca",
        "requests",
        "pandas",
        "numpy",
        "pydantic",
        "urllib3",
        "certifi",
        "websockets",
    }
