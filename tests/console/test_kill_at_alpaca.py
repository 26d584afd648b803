"""`tradeconsole kill` where the account is at Alpaca and no console answers: it goes there itself, and says what is left."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from console import kill
from console.cli import run
from engine.brokers.alpaca import kill as kill_at_alpaca
from engine.brokers.alpaca.broker import AlpacaBroker
from engine.latch import Latch, latch_path
from engine.model.modes import TradingState
from tests.console.killing import Capture, at_work_with_a_position, hanging, killing
from tests.engine.brokers.alpaca_rig import PATIENT
from tests.engine.brokers.test_alpaca_kill import at_work, changes, held, place
from tests.engine.engines import SETTINGS, running
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AlpacaServer]:
    for name, seconds in (("ANSWER_S", 0.5), ("REACHED_S", 1.0), ("CANCELLED_S", 1.0), ("FLAT_S", 2.0), ("PAUSE_S", 0.02)):
        monkeypatch.setattr(kill_at_alpaca, name, seconds)
    monkeypatch.setenv("ALPACA_API_KEY", KEY)
    monkeypatch.setenv("ALPACA_SECRET_KEY", SECRET)
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    with AlpacaServer() as server:
        (tmp_path / "tradeconsole.yaml").write_text(f"broker: alpaca\nfeed: {{source: alpaca}}\nalpaca: {{url: '{server.url}'}}\n")
        yield server


def left_alone(folder: Path, server: AlpacaServer, live: str = "") -> None:
    """A console that ended with a position and an order at work, on paper or in the `live` account of that number."""
    broker = AlpacaBroker(KEY, SECRET, paper=not live, account=live, url=server.url, timings=PATIENT)
    with running(folder, broker, settings=replace(SETTINGS, on_exit="keep")) as engine:
        at_work_with_a_position(engine)
    server.do(server.requests.clear)


def test_without_a_console_it_cancels_at_alpaca_itself_and_the_next_start_is_halted(
    tmp_path: Path, server: AlpacaServer, capsys: Capture
) -> None:
    left_alone(tmp_path, server)
    place(server, "MSFT")
    assert killing(tmp_path) == kill.DONE
    said = capsys.readouterr().out
    assert "Alpaca, account PA3LOOPBACK1: verified with Alpaca: nothing works; held: 10 AAPL" in said
    assert (at_work(server), held(server)) == (0, {"AAPL": Decimal(10)})
    with running(tmp_path, AlpacaBroker(KEY, SECRET, url=server.url, timings=PATIENT)) as engine:
        assert engine.status().account.state is TradingState.HALTED


def test_it_flattens_at_alpaca_itself_and_never_across_zero(tmp_path: Path, server: AlpacaServer, capsys: Capture) -> None:
    left_alone(tmp_path, server)
    for _ in range(2):
        assert killing(tmp_path, "--flatten") == kill.DONE
    said = capsys.readouterr().out
    assert "closing 10 AAPL at the market" in said
    assert "nothing works; held: nothing" in said
    assert (at_work(server), held(server)) == (0, {})


def test_a_console_that_hangs_is_passed_by(tmp_path: Path, server: AlpacaServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kill, "ANSWER_S", 1.0)
    imports = "from engine.brokers.alpaca.broker import AlpacaBroker"
    with hanging(tmp_path, imports, f"AlpacaBroker({KEY!r}, {SECRET!r}, url={server.url!r})"):
        assert killing(tmp_path, "--flatten") == kill.NO_ANSWER
        assert at_work(server) == 0
        said = capsys.readouterr()
        assert "verified with Alpaca: nothing works" in said.out
        assert "end it, and do this again with --flatten" in said.err


def test_a_key_that_is_refused_is_said_and_the_latch_is_set(
    tmp_path: Path, server: AlpacaServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_alone(tmp_path, server)
    monkeypatch.setenv("ALPACA_SECRET_KEY", "another-secret-0123456789")
    assert killing(tmp_path) == kill.NOT_AT_REST
    assert "At the broker nothing is known to be cancelled: Alpaca refuses the key for the paper account" in capsys.readouterr().err
    assert Latch(latch_path(tmp_path / "paper.db")).read()


@pytest.mark.parametrize("fault", ["429", "hang"])
def test_what_alpaca_does_not_answer_is_said(tmp_path: Path, server: AlpacaServer, fault: str, capsys: Capture) -> None:
    left_alone(tmp_path, server)
    server.faults.arm("DELETE /v2/orders", fault, times=100_000)
    assert killing(tmp_path) == kill.NOT_AT_REST
    said = capsys.readouterr()
    assert "the last cancel was not taken: Alpaca " in said.err
    assert "still open: buy 5 AAPL limit 90 (new); held: 10 AAPL" in said.out
    server.faults.arm("GET /v2/orders", fault, times=100_000)
    assert killing(tmp_path) == kill.NOT_AT_REST
    assert "told to cancel; what works and what is held it does not say: Alpaca " in capsys.readouterr().err


def test_nothing_is_sent_where_the_books_are_another_accounts(tmp_path: Path, server: AlpacaServer, capsys: Capture) -> None:
    left_alone(tmp_path, server)
    server.do(lambda: setattr(server.book, "account_number", "PA3SOMEOTHER"))
    assert killing(tmp_path, "--flatten") == kill.NOT_AT_REST
    assert "The key is for account PA3SOMEOTHER, not for PA3LOOPBACK1: nothing was sent." in capsys.readouterr().err
    assert changes(server) == []


def test_books_of_a_live_account_lead_there_although_the_config_is_on_paper(tmp_path: Path, server: AlpacaServer, capsys: Capture) -> None:
    server.do(lambda: setattr(server.book, "account_number", "123456789"))
    left_alone(tmp_path, server, "123456789")
    assert killing(tmp_path) == kill.DONE
    assert "Alpaca, live account 123456789: told to cancel every order" in capsys.readouterr().out
    assert at_work(server) == 0


def test_books_on_paper_lead_there_although_the_config_is_live(tmp_path: Path, server: AlpacaServer, capsys: Capture) -> None:
    left_alone(tmp_path, server)
    with (tmp_path / "tradeconsole.yaml").open("a") as config:
        config.write("account: live\n")
    assert killing(tmp_path) == kill.DONE
    assert "Alpaca, paper account PA3LOOPBACK1: told to cancel every order" in capsys.readouterr().out


def test_a_position_that_could_not_be_closed_is_not_at_rest_although_nothing_works(
    tmp_path: Path, server: AlpacaServer, capsys: Capture
) -> None:
    left_alone(tmp_path, server)
    server.do(lambda: server.book.prices.pop("AAPL"))
    assert killing(tmp_path, "--flatten") == kill.NOT_AT_REST
    assert "nothing works; held: 10 AAPL (it could not be closed: " in capsys.readouterr().out


def test_each_of_several_accounts_is_reached_though_one_does_not_answer(
    tmp_path: Path, server: AlpacaServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with AlpacaServer() as second:
        accounts = {"one": server, "two": second}
        for name, its in accounts.items():
            monkeypatch.setenv(f"ALPACA_API_KEY_{name.upper()}", KEY)
            monkeypatch.setenv(f"ALPACA_SECRET_KEY_{name.upper()}", SECRET)
            (tmp_path / name).mkdir()
            left_alone(tmp_path / name, its)
        sections = [
            f"  {name}: {{database: {name}/paper.db, alpaca: {{keys: {name}, url: '{its.url}'}}}}\n" for name, its in accounts.items()
        ]
        text = f"broker: alpaca\nfeed: {{source: alpaca}}\naccounts:\n{''.join(sections)}  new: {{broker: paper}}\n"
        (tmp_path / "tradeconsole.yaml").write_text(text)
        server.faults.arm("GET /v2/account", "hang", times=100_000)
        assert run(["kill", "--flatten"]) == kill.NOT_AT_REST
        said = capsys.readouterr()
        assert "Alpaca, account PA3LOOPBACK1: verified with Alpaca: nothing works; held: nothing" in said.out
        assert "At the broker nothing is known to be cancelled: Alpaca does not answer" in said.err
        assert (at_work(second), held(second)) == (0, {})
        server.do(server.faults.armed.clear)
        assert run(["kill", "--flatten"]) == kill.DONE
        assert (at_work(server), held(server)) == (0, {})
