"""The words `data`, `backtest` and `doctor` over IB's prices, by the real client and a TWS of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.doctor import market
from console.doctor.finding import Finding, State
from engine.brokers.ib import away, link
from engine.feeds.ib import line, pacing
from engine.model.settings import FeedSettings, Settings
from tests.console.test_data_command import run
from tests.servers.tws.driver import TwsProcess

TEN_DAYS = ("--from", "2024-05-20", "--to", "2024-05-31")


@pytest.fixture
def tws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwsProcess]:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    with TwsProcess() as tws:
        monkeypatch.setenv("IB_PORT", str(tws.port))
        yield tws


def test_bars_are_fetched_listed_looked_through_and_backtested_without_tws(
    tws: TwsProcess, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = run(capsys, "data", "fetch", "AAPL,ZZZZ,BRK.B", "--source", "ib", *TEN_DAYS, code=1)
    assert "AAPL: 9 bars of 1d, 2024-05-20 to 2024-05-31\n" in told
    assert "BRK.B: 9 bars of 1d" in told
    assert "tradeconsole: ZZZZ: IB knows no stock ZZZZ in USD: look up how it spells it, and whether it is listed." in told
    run(capsys, "data", "fetch", "AAPL", "--source", "ib", "--timeframe", "1m", *TEN_DAYS)
    tws.do("away")
    assert [line.split()[:3] for line in run(capsys, "data", "list").splitlines()[1:4]] == [
        ["AAPL", "1d", "ib"],
        ["AAPL", "1m", "ib"],
        ["BRK.B", "1d", "ib"],
    ]
    assert "AAPL 1m from ib: 3,510 bars, 2024-05-20 to 2024-05-31, nothing found" in run(capsys, "data", "check", "--source", "ib")
    report = tmp_path / "run.json"
    run(capsys, "backtest", "sma_cross", "--data", "ib", "--granularity", "1m", "--symbols", "AAPL", "--json", str(report))
    assert json.loads(report.read_text())["trades"]


def test_a_pacing_violation_is_waited_out_and_the_bars_come(
    tws: TwsProcess, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "VIOLATED_S", (0.3,))
    monkeypatch.setattr(pacing, "SAME_AGAIN_S", 0.3)
    tws.do("arm history 162 : Historical Market Data Service error message:API historical data query pacing violation")
    assert "AAPL: 9 bars of 1d" in run(capsys, "data", "fetch", "AAPL", "--source", "ib", *TEN_DAYS)


def test_doctor_says_what_to_look_for_where_nobody_listens(tws: TwsProcess, at_noon: None) -> None:
    tws.do("away")
    *_, found = market.feed(Settings(feed=FeedSettings("ib"), symbols=("AAPL",)))
    assert found.state is State.WARNING
    assert "see whether TWS or Gateway runs, is logged in and has its API port open" in found.text


def test_doctor_says_that_quotes_are_live_or_late(tws: TwsProcess) -> None:
    settings = Settings(feed=FeedSettings("ib", calendar="24/7"), symbols=("AAPL",))
    *_, found = market.feed(settings)
    assert found.text.startswith("ib answers: AAPL was at ")
    assert found.text.endswith("; its quotes of AAPL are live")
    tws.do("pacing 0 0 600 1000")
    tws.do("rights AAPL delayed")
    *_, found = market.feed(settings)
    assert "IB tells AAPL 15 minutes late" in found.text


# ---- where TWS is there, and IB or somebody's log-in is not


@pytest.fixture
def at_night(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (away, link, line):
        monkeypatch.setattr(module, "reset_until", lambda now, region: "01:45 ET")


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (away, link, line):
        monkeypatch.setattr(module, "reset_until", lambda now, region: "")


def found(about: str) -> Finding:
    settings = Settings(broker="ib", feed=FeedSettings("ib"), symbols=("AAPL",))
    *_, last = market.broker(settings) if about == "broker" else market.feed(settings)
    return last


@pytest.mark.usefixtures("at_night")
@pytest.mark.parametrize("about", ["broker", "feed"])
def test_doctor_says_of_the_nightly_reset_until_when_it_is_and_that_nothing_is_to_be_done(tws: TwsProcess, about: str) -> None:
    tws.do("reset")
    told = found(about)
    assert (told.about, told.state) == (about, State.WARNING)
    assert "ib is in its RESET: IB resets its servers each night, until 01:45 ET at the latest, and is tried until it is back" in told.text
    assert "Nobody listens at 127.0.0.1:" in told.text
    assert told.advice.startswith("Do nothing: the console waits")


@pytest.mark.usefixtures("at_noon")
@pytest.mark.parametrize("about", ["broker", "feed"])
def test_doctor_says_of_a_tws_that_waits_for_a_log_in_that_somebody_must_do_it(
    tws: TwsProcess, about: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "CONNECT_S", 1.0)
    monkeypatch.setattr(line, "CONNECT_S", 1.0)
    tws.do("logout")
    told = found(about)
    assert (told.about, told.state) == (about, State.PROBLEM)
    assert "ib waits for a LOGIN: Log in at TWS or Gateway, or say yes to this program there" in told.text
    assert "before somebody has logged in there" in told.advice


@pytest.mark.usefixtures("at_noon")
def test_doctor_says_of_a_tws_that_lost_ib_what_goes_meanwhile_and_where_the_account_stands(tws: TwsProcess) -> None:
    tws.do("code 1100")
    told = found("broker")
    assert told.state is State.WARNING
    assert told.text.startswith("ib is DEGRADED: TWS has lost IB's servers")
    assert told.text.endswith("ib, a paper account: 1,000,000.00 in cash, 0 positions and 0 open orders")
    assert "sends cancels alone meanwhile" in told.advice


@pytest.mark.usefixtures("at_noon")
def test_doctor_does_not_wait_for_prices_until_tws_has_ib_back(tws: TwsProcess) -> None:
    tws.do("code 1100")
    told = found("feed")
    assert told.state is State.WARNING
    assert told.text.startswith("TWS has lost IB's servers")
    assert told.text.endswith("it comes back by itself")


def test_doctor_says_what_of_an_account_in_euros_is_not_traded(tws: TwsProcess) -> None:
    tws.do("kept EUR")
    told = found("broker")
    assert told.state is State.WARNING
    assert "Account DU1234567 is kept in EUR: its dollars alone" in told.text


@pytest.mark.usefixtures("at_noon")
def test_doctor_says_in_words_that_nobody_listens(tws: TwsProcess) -> None:
    tws.do("away")
    told = found("broker")
    assert told.state is State.WARNING
    assert told.text.startswith("ib does not answer: Nobody listens at 127.0.0.1:")
    assert "Error(" not in told.text
