"""The words `data`, `backtest` and `doctor` over IB's prices, by the real client and a TWS of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.doctor import market
from console.doctor.finding import State
from engine.feeds.ib import pacing
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
    assert "tradeconsole: ZZZZ: IB knows no stock ZZZZ in USD: look up how it spells it." in told
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


def test_doctor_says_what_to_look_for_where_nobody_listens(tws: TwsProcess) -> None:
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
