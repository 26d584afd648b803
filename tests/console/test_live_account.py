"""A live account: its number is typed, its books are its own, and nothing of it is taken for paper, or paper for it."""

from __future__ import annotations

import io
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import pytest
from msgspec.structs import replace

from console.accounts.config import Accounts
from console.build import create_engine
from console.cli import run
from console.config import folders, load
from console.doctor.finding import State
from console.doctor.market import broker
from console.live_account import with_typed_account
from engine.combined import Combined
from engine.model.modes import Mode
from engine.model.settings import AlpacaSettings, FeedSettings, IbSettings, Settings
from tests.engine.engines import market, until
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET

NUMBER = "412345678"
LIVE = Settings(account="live", broker="alpaca", feed=FeedSettings("sim", speed=1.0), symbols=("AAPL",))
KEYS = {"ALPACA_API_KEY": KEY, "ALPACA_SECRET_KEY": SECRET}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def server() -> AlpacaServer:
    server = AlpacaServer()
    server.book.account_number = NUMBER
    return server


class Person(io.StringIO):
    """Somebody at the standard input."""

    def isatty(self) -> bool:
        return True


def at_the_start(monkeypatch: pytest.MonkeyPatch, settings: Settings, types: str) -> Settings:
    monkeypatch.setattr(sys, "stdin", Person(types))
    return with_typed_account(settings, None, screen=True)


def test_a_paper_account_is_asked_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert at_the_start(monkeypatch, Settings(), "") == Settings()


def test_the_number_that_was_typed_is_the_one_that_the_broker_must_have(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert at_the_start(monkeypatch, LIVE, f"{NUMBER}\n").alpaca.account == NUMBER
    told = capsys.readouterr().out
    assert "REAL MONEY. This starts a LIVE account at Alpaca, in MANUAL." in told
    at_ib = replace(LIVE, broker="ib")
    assert at_the_start(monkeypatch, at_ib, "U1234567\n").ib.account == "U1234567"


@pytest.mark.parametrize(
    ("settings", "types", "words"),
    [
        (LIVE, "\n", "after its number is typed"),
        (LIVE, "", "after its number is typed"),
        (LIVE, "yes\n\n", "yes is not the account of the config"),
        (LIVE, "PA12345\n", "PA12345 is a paper account, and this is to be a live one"),
        (replace(LIVE, broker="ib"), "DU12345\n", "DU12345 is a paper account, and this is to be a live one"),
        (replace(LIVE, broker="paper"), f"{NUMBER}\n", "this one is paper: name it"),
        (replace(LIVE, broker="theirs"), f"{NUMBER}\n", "theirs trades on paper alone"),
    ],
)
def test_whatever_else_is_typed_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings, types: str, words: str
) -> None:
    configured = replace(settings, alpaca=AlpacaSettings(account=NUMBER)) if "yes" in types else settings
    with pytest.raises(SystemExit) as ended:
        at_the_start(monkeypatch, configured, types)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert words in told
    assert "Nothing was started." in told


def test_without_a_person_or_an_option_nothing_starts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{NUMBER}\n"))
    for screen in (True, False):
        with pytest.raises(SystemExit):
            with_typed_account(LIVE, None, screen=screen)
    told = capsys.readouterr().err
    assert "there is nobody at the standard input" in told
    assert "or given as --live-account NUMBER" in told
    assert with_typed_account(LIVE, NUMBER, screen=False).alpaca.account == NUMBER


def test_the_option_alone_makes_no_paper_account_live_and_saves_nobody_the_typing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        with_typed_account(Settings(), NUMBER, screen=False)
    assert "and this is a paper one" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        with_typed_account(LIVE, NUMBER, screen=True)
    assert "here the number is typed" in capsys.readouterr().err


def test_a_live_account_has_books_of_its_own(home: Path) -> None:
    (home / "tradeconsole.yaml").write_text("broker: alpaca\naccount: live\n")
    assert load().database == home / "alpaca-live.sqlite"
    assert folders().database_of("alpaca") == home / "alpaca-paper.sqlite"


def test_it_trades_under_its_badge_and_its_number(home: Path, server: AlpacaServer) -> None:
    with server:
        settings = replace(LIVE, database=home / "l.sqlite", alpaca=AlpacaSettings(NUMBER, url=server.url))
        engine = create_engine(settings)
        engine.start()
        try:
            view = engine.wait_ready()
            assert view.account.badge == "LIVE"
            until(engine, lambda view: view.watch[0].bid)
            engine.submit(market(1))
            view = until(engine, lambda view: view.positions and view.positions[0].quantity == 1)
            assert view.account.cash == Decimal(100_000) - 100
        finally:
            engine.shutdown()


def test_the_account_of_another_number_ends_the_start_in_words(home: Path, server: AlpacaServer) -> None:
    with server:
        engine = create_engine(replace(LIVE, database=home / "l.sqlite", alpaca=AlpacaSettings("99", url=server.url)))
        engine.start()
        try:
            view = until(engine, lambda view: view.health.failed)
            assert f"The key is for account {NUMBER}, not for 99" in view.health.problem
            assert view.health.problem.endswith(f"Quit, and start again with {NUMBER}, or with the key of 99.")
        finally:
            engine.shutdown()


def test_the_doctor_looks_where_the_config_has_the_number(home: Path, server: AlpacaServer) -> None:
    with server:
        settings = replace(LIVE, database=home / "l.sqlite", alpaca=AlpacaSettings(url=server.url))
        (found,) = broker(settings)
        assert found.state is State.PROBLEM
        assert "by its number alone" in found.text
        (found,) = broker(replace(settings, alpaca=AlpacaSettings(NUMBER, url=server.url)))
        assert (found.state, found.text) == (State.FINE, "alpaca, a live account: 100,000.00 in cash, 0 positions and 0 open orders")


def test_without_enable_trading_an_engine_stays_in_research(home: Path) -> None:
    engine = create_engine(Settings(database=home / "a.sqlite", enable_trading=False, symbols=("AAPL",)))
    engine.start()
    try:
        view = engine.wait_ready()
        assert view.account.mode is Mode.RESEARCH
        answer = engine.answer(engine.set_mode(Mode.MANUAL))
        assert not answer.ok
        assert "only analyses" in answer.text
        engine.answer(engine.emergency_stop())
        until(engine, lambda view: view.account.state == "HALTED")
        assert "resumed in RESEARCH" in engine.answer(engine.resume("looked")).text
        assert engine.status().account.mode is Mode.RESEARCH
    finally:
        engine.shutdown()


def test_headless_without_the_number_it_ends_with_code_2(home: Path) -> None:
    (home / "tradeconsole.yaml").write_text("broker: alpaca\naccount: live\n")
    done = subprocess.run([sys.executable, "-m", "tradeconsole", "--headless"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "or given as --live-account NUMBER" in done.stderr
    assert list(home.glob("*.sqlite")) == []


def test_each_of_several_live_accounts_is_asked_for_by_its_name_and_no_two_have_one_number(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "tradeconsole.yaml").write_text("{broker: ib, account: live, accounts: {tws: {}, gateway: {ib: {port: 4001}}}}")
    monkeypatch.setattr(sys, "stdin", Person("U123\nU123\n"))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(SystemExit):
        run([])
    told = capsys.readouterr()
    assert "starts tws, a LIVE account" in told.out
    assert "starts gateway, a LIVE account" in told.out
    assert "accounts.gateway: tws is at ib with the same ib.account: no two trade one account there. Nothing was started." in told.err


def test_the_number_of_the_config_counts_at_either_broker(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        at_the_start(monkeypatch, replace(LIVE, broker="ib", ib=IbSettings(account="U1")), "U2\n")
    assert "U2 is not the account of the config, which is U1" in capsys.readouterr().err


def test_who_breaks_off_at_the_question_starts_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken_off(person: Person) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(Person, "readline", broken_off)
    with pytest.raises(SystemExit) as ended:
        at_the_start(monkeypatch, replace(LIVE, database=Path("a\x1b[2Jb")), "")
    told = capsys.readouterr()
    assert (ended.value.code, "after its number is typed" in told.err) == (2, True)
    assert "\x1b" not in told.out, "what the question quotes steers no terminal"


def test_the_option_is_the_number_of_the_only_live_one_of_several(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reached: list[Accounts] = []

    def create(accounts: Accounts, combined: Combined) -> NoReturn:
        reached.append(accounts)
        raise TimeoutError

    monkeypatch.setattr("console.accounts.build.create_engines", create)
    file = home / "tradeconsole.yaml"
    file.write_text("{symbols: [AAPL], accounts: {toy: {}, real: {broker: ib, account: live, feed: {source: ib}}}}")
    assert run(["--headless", "--live-account", "U1"]) == 1
    assert [its.ib.account for its in reached[0].settings.values()] == ["", "U1"]
    file.write_text("{broker: ib, account: live, accounts: {tws: {}, gateway: {ib: {port: 4001}}}}")
    with pytest.raises(SystemExit):
        run(["--headless", "--live-account", "U1"])
    assert "of the config's 2 are live: name one with --account" in capsys.readouterr().err
