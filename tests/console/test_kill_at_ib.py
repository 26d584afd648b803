"""`tradeconsole kill` where the account is at IB and no console answers: it goes to TWS itself, and says what is left there."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from console import kill
from engine.brokers.ib import kill as kill_at_ib
from engine.model.modes import TradingState
from tests.console.killing import Capture, at_work_with_a_position, hanging, killing
from tests.engine.brokers.ib_engine import trading
from tests.servers.tws.driver import TwsProcess

DONE = ("Filled", "Cancelled")


@pytest.fixture
def tws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TwsProcess]:
    with TwsProcess() as server:
        monkeypatch.setenv("IB_PORT", str(server.port))
        monkeypatch.setenv("IB_CLIENT_ID", "7")
        monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path / "home"))
        yield server


def works(tws: TwsProcess) -> list[dict[str, Any]]:
    return [row for row in tws.orders() if row["status"] not in DONE]


def left_alone(folder: Path, tws: TwsProcess) -> None:
    """A console that ended with a position and an order at work."""
    with trading(folder, tws, on_exit="keep") as engine:
        at_work_with_a_position(engine)


def test_without_a_console_it_cancels_at_tws_itself_and_the_next_start_is_halted(tmp_path: Path, tws: TwsProcess, capsys: Capture) -> None:
    left_alone(tmp_path, tws)
    tws.do("place 99 BUY 5 MSFT LMT 90 theirs")
    assert killing(tmp_path) == kill.DONE
    said = capsys.readouterr().out
    assert "IB, account DU1234567: verified with IB: nothing works; held: 10 AAPL" in said
    assert works(tws) == []
    assert tws.positions == {"AAPL": Decimal(10)}
    with trading(tmp_path, tws) as engine:
        assert engine.status().account.state is TradingState.HALTED


def test_it_flattens_at_tws_itself_and_never_across_zero(tmp_path: Path, tws: TwsProcess, capsys: Capture) -> None:
    left_alone(tmp_path, tws)
    for _ in range(2):
        assert killing(tmp_path, "--flatten") == kill.DONE
    said = capsys.readouterr().out
    assert "SELL 10 AAPL at the market, to close it" in said
    assert "nothing works; held: nothing" in said
    assert (works(tws), tws.positions) == ([], {})


def test_a_console_that_hangs_is_passed_by(tmp_path: Path, tws: TwsProcess, capsys: Capture) -> None:
    imports = "from tests.engine.brokers.ib_engine import IbBroker, IbConfig"
    with hanging(tmp_path, imports, f"IbBroker(IbConfig(port={tws.port}, client_id=7))") as process:
        tws.do("place 99 BUY 5 MSFT MKT 90 theirs")
        assert killing(tmp_path, "--flatten") == kill.NO_ANSWER
        said = capsys.readouterr()
        assert "verified with IB: nothing works; held: 5 MSFT" in said.out
        assert "end it, and do this again with --flatten" in said.err
        assert works(tws) == []
        process.kill()
        process.wait()
        assert killing(tmp_path, "--flatten") == kill.DONE
        assert tws.positions == {}


def test_what_is_left_is_named_in_bounded_time(tmp_path: Path, tws: TwsProcess, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    left_alone(tmp_path, tws)
    monkeypatch.setattr(kill_at_ib, "CANCELLED_S", 0.3)
    tws.do("arm global_cancel unseen 1 99")
    assert killing(tmp_path, "--flatten") == kill.NOT_AT_REST
    assert "still open: BUY 5 AAPL LMT 90; held: 10 AAPL" in capsys.readouterr().out
    assert tws.positions == {"AAPL": Decimal(10)}


def test_the_first_cancel_that_is_lost_is_not_the_last(tmp_path: Path, tws: TwsProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    left_alone(tmp_path, tws)
    monkeypatch.setattr(kill_at_ib, "AGAIN_S", 0.1)
    tws.do("arm global_cancel unseen")
    assert killing(tmp_path) == kill.DONE
    assert works(tws) == []


def test_where_the_market_is_closed_what_waits_to_close_is_named(
    tmp_path: Path, tws: TwsProcess, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_alone(tmp_path, tws)
    monkeypatch.setattr(kill_at_ib, "FLAT_S", 0.5)
    tws.do("market closed")
    assert killing(tmp_path, "--flatten") == kill.NOT_AT_REST
    assert "SELL 10 AAPL MKT, which closes it and waits for the market; held: 10 AAPL" in capsys.readouterr().out
    tws.do("market open")
    assert tws.positions == {}


def test_where_tws_cannot_be_reached_that_is_said_and_the_latch_is_set(tmp_path: Path, tws: TwsProcess, capsys: Capture) -> None:
    left_alone(tmp_path, tws)
    tws.do("away")
    assert killing(tmp_path) == kill.NOT_AT_REST
    said = capsys.readouterr().err
    assert "At the broker nothing is known to be cancelled" in said
    assert "give kill IB_HOST and IB_PORT as the console has them" in said
    tws.do("back")
    with trading(tmp_path, tws) as engine:
        assert engine.status().account.state is TradingState.HALTED


def test_where_the_config_cannot_be_read_the_environment_leads_to_tws(tmp_path: Path, tws: TwsProcess, capsys: Capture) -> None:
    left_alone(tmp_path, tws)
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "tradeconsole.yaml").write_text("broker: [")
    assert killing(tmp_path) == kill.DONE
    assert "The broker is looked for as the environment has it." in capsys.readouterr().err
    assert works(tws) == []


def test_the_orders_of_another_account_than_the_books_are_left_alone(
    tmp_path: Path, tws: TwsProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_alone(tmp_path, tws)
    with TwsProcess("DU7654321") as other:
        other.do("place 99 BUY 5 MSFT LMT 90 theirs")
        monkeypatch.setenv("IB_PORT", str(other.port))
        assert killing(tmp_path) == kill.NOT_AT_REST
        assert len(works(other)) == 1


def test_where_the_reserved_id_is_in_use_another_is_taken(tmp_path: Path, tws: TwsProcess) -> None:
    """As by the prices of a second account in the same console."""
    left_alone(tmp_path, tws)
    tws.do("taken 107")
    assert killing(tmp_path) == kill.DONE
    assert works(tws) == []


def test_reserved_ids_that_are_all_taken_say_what_to_do(
    tmp_path: Path, tws: TwsProcess, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_alone(tmp_path, tws)
    for client_id in (107, 1107, 2107):
        tws.do(f"taken {client_id}")
    assert killing(tmp_path) == kill.NOT_AT_REST
    assert "IB_KILL_CLIENT_ID sets another" in capsys.readouterr().err
    monkeypatch.setenv("IB_KILL_CLIENT_ID", "555")
    assert killing(tmp_path) == kill.DONE
    assert works(tws) == []


def test_it_closes_what_is_held_as_what_it_is_also_where_ibs_own_routing_does_not_take_it(
    tmp_path: Path, tws: TwsProcess, capsys: Capture
) -> None:
    left_alone(tmp_path, tws)
    tws.do("place 99 BUY 7 ARB@LSE MKT 70 theirs1")
    tws.do("place 99 BUY 5 ARB MKT 70 theirs2")
    tws.do("place 99 BUY 3 GONE MKT 5 theirs3")
    assert killing(tmp_path, "--flatten") == kill.NOT_AT_REST
    said = capsys.readouterr().out
    assert "SELL 7 ARB at LSE at the market, to close it" in said
    assert "3 GONE (IB refused: No security definition has been found for GONE)" in said
    assert tws.positions == {"GONE": Decimal(3)}
