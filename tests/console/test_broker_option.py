"""The console's own start against a broker: by an option or the config, with a database of its own, or refused in words."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from console.build import create_engine
from console.config import folders, load
from console.doctor.command import findings
from console.doctor.finding import State
from console.doctor.market import broker
from engine.model.modes import LinkState
from engine.model.orders import OrderState
from engine.model.settings import AlpacaSettings, FeedSettings, Settings
from tests.engine.engines import market, order_of, until
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY", "APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "APCA_API_BASE_URL", "ALPACA_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACA_API_KEY", KEY)
    monkeypatch.setenv("ALPACA_SECRET_KEY", SECRET)


def settings(server: AlpacaServer, folder: Path) -> Settings:
    feed = FeedSettings("sim", speed=1.0)
    return Settings(database=folder / "a.sqlite", symbols=("AAPL",), feed=feed, broker="alpaca", alpaca=AlpacaSettings(url=server.url))


@pytest.mark.usefixtures("keys")
def test_the_engine_of_the_console_trades_at_the_broker_that_the_settings_name(home: Path) -> None:
    with AlpacaServer() as server:
        engine = create_engine(settings(server, home))
        engine.start()
        try:
            view = engine.wait_ready()
            assert not view.health.problem
            assert any("alpaca is loaded and asked where the account stands" in line.text for line in view.log)
            until(engine, lambda view: view.watch[0].bid)
            engine.submit(market(1))
            view = until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.FILLED)
            assert (view.health.links[0].name, view.health.links[0].state) == ("alpaca", LinkState.UP)
            assert view.account.cash == Decimal(100_000) - 100
        finally:
            engine.shutdown()


def test_without_keys_nothing_starts_and_it_says_what_to_set(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tradeconsole", "--headless", "--broker", "alpaca"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "--broker: Alpaca needs the keys of a paper account: set ALPACA_API_KEY and ALPACA_SECRET_KEY" in done.stderr
    assert not (home / "alpaca-paper.sqlite").exists()


def test_a_broker_that_is_not_there_is_refused_with_those_that_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tradeconsole", "--headless", "--broker", "nobody"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "There is no broker 'nobody': there are paper, alpaca, ib" in done.stderr


@pytest.mark.usefixtures("keys")
def test_orders_for_a_real_market_are_not_judged_by_simulated_prices() -> None:
    command = [sys.executable, "-m", "tradeconsole", "--headless", "--broker", "alpaca"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "give --feed alpaca or --feed yahoo" in done.stderr


def test_each_broker_has_a_database_of_its_own(home: Path) -> None:
    assert load().database == home / "paper.sqlite"
    (home / "tradeconsole.yaml").write_text("broker: alpaca\n")
    assert load().database == home / "alpaca-paper.sqlite"
    assert folders().database_of("../x") == home / "___x-paper.sqlite"


@pytest.mark.usefixtures("keys")
def test_the_doctor_asks_the_broker_where_the_account_stands(home: Path) -> None:
    with AlpacaServer() as server:
        (found,) = broker(settings(server, home))
        assert (found.state, found.text) == (State.FINE, "alpaca, a paper account: 100,000.00 in cash, 0 positions and 0 open orders")
        server.book.flags = {"trade_suspended_by_user"}
        (found,) = broker(settings(server, home))
        words = "Trading is suspended in the account's own settings at Alpaca (trade_suspended_by_user)"
        assert (found.state, found.text) == (State.WARNING, f"alpaca, a paper account: {words}")
        server.faults.unauthorized = True
        (found,) = broker(settings(server, home))
        assert found.state is State.PROBLEM
        assert "Alpaca refuses the key (unauthorized)" in found.text


@pytest.mark.usefixtures("keys")
def test_two_accounts_whose_keys_are_one_do_not_start_and_doctor_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACA_API_KEY_B", KEY)
    monkeypatch.setenv("ALPACA_SECRET_KEY_B", SECRET)
    (home / "tradeconsole.yaml").write_text("{broker: alpaca, feed: {source: alpaca}, accounts: {a: {}, b: {alpaca: {keys: b}}}}")
    done = subprocess.run([sys.executable, "-m", "tradeconsole", "--headless"], capture_output=True, text=True, timeout=60, check=False)
    told = "accounts.b: alpaca.keys b and without a name, of a, hold the same key: no two trade one account there."
    assert (done.returncode, f"{told} Nothing was started." in done.stderr) == (2, True)
    assert list(home.glob("*.sqlite")) == []
    found = next(finding for finding in findings(None, None) if finding.about == "account")
    assert (found.state, found.text) == (State.PROBLEM, told)
