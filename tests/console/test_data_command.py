"""The word `data`, and backtests over fetched bars: through the command, the real yfinance and a Yahoo of ours."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from console import cli
from console.doctor import market
from console.doctor.finding import State
from engine.feeds import sources
from engine.feeds.cache import BarCache, cache_folder
from engine.feeds.calendar import Calendar
from engine.feeds.history import History
from engine.feeds.yahoo import YahooHistory, library
from engine.model.settings import FeedSettings, Settings
from tests.engine.feeds.full_disk import fill_disk
from tests.servers.alpaca.data import AlpacaDataServer
from tests.servers.alpaca.streams import KEY, SECRET
from tests.servers.yahoo import Share, YahooServer, loopback_session

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning:yfinance")
"""The libraries' own, of the installed pandas."""

SHARES = [
    Share("AAPL", splits={date(2024, 6, 10): (4, 1)}, dividends={date(2024, 5, 10): 0.25}),
    Share("MSFT", price=420.0),
]
MAY = ("--from", "2024-05-01", "--to", "2024-05-31")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[YahooServer]:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    server = YahooServer(SHARES)
    session = loopback_session(server.port, library.session_class())

    def opened(source: str, calendar: Calendar, *, adjusted: bool = False) -> History:
        assert source == "yahoo"
        return YahooHistory(calendar, adjusted=adjusted, session=session)

    monkeypatch.setattr(sources, "open_history", opened)
    library.Library.of(tmp_path / "yfinance").forget()
    yield server
    library.Library.of(tmp_path / "yfinance").forget()
    session.close()
    server.close()


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What it says, on both outputs."""
    capsys.readouterr()
    try:
        answer = cli.run(list(words))
    except SystemExit as error:
        answer = int(str(error.code))
    told = capsys.readouterr()
    assert answer == code, told
    return told.out + told.err


def test_bars_are_fetched_once_and_listed(server: YahooServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nothing is kept yet" in run(capsys, "data")
    assert run(capsys, "data", "fetch", "AAPL,MSFT", *MAY) == (
        "AAPL: 22 bars of 1d, 2024-05-01 to 2024-05-31, 1 dividend\nMSFT: 22 bars of 1d, 2024-05-01 to 2024-05-31\n"
    )
    asked = len(server.charts)
    run(capsys, "data", "fetch", "AAPL", "MSFT", *MAY)
    assert len(server.charts) == asked
    run(capsys, "data", "fetch", "AAPL", "--from", "2024-05-01", "--to", "2024-06-14")
    told = run(capsys, "data", "list").splitlines()
    assert told[1].split()[:7] == ["AAPL", "1d", "yahoo", "2024-05-01", "2024-06-14", "32", "32"]
    listed: list[dict[str, Any]] = json.loads(run(capsys, "data", "list", "--json"))
    assert [(each["symbol"], each["bars"], each["adjusted"]) for each in listed] == [("AAPL", 32, False), ("MSFT", 22, False)]


def test_one_symbol_that_fails_does_not_keep_the_others_back(server: YahooServer, capsys: pytest.CaptureFixture[str]) -> None:
    told = run(capsys, "data", "fetch", "NOPE,MSFT", *MAY, code=1)
    assert "MSFT: 22 bars" in told
    assert "tradeconsole: NOPE: Yahoo does not know NOPE" in told


def test_a_source_that_is_asked_too_much_ends_the_fetch_in_words(server: YahooServer, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "data", "fetch", "AAPL", *MAY)
    server.arm("/chart/MSFT", "429", 4)
    told = run(capsys, "data", "fetch", "AAPL,MSFT,IBM", *MAY, code=1)
    assert "asked too much (429): it is left alone for 2 min. 2 of 3 symbols were not fetched; what was is kept." in told


def test_what_could_not_be_kept_is_not_said_to_be_done(
    server: YahooServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(capsys, "data", "fetch", "MSFT", "--from", "2024-05-01", "--to", "2024-05-01")
    fill_disk(monkeypatch)
    told = run(capsys, "data", "fetch", "AAPL", "--from", "2020-01-01", "--to", "2024-05-31", code=1)
    assert "database or disk is full. What was fetched is used, and not kept." in told
    assert "tradeconsole: Not all of it is kept: make room for the cache" in told


def test_what_cannot_be_asked_is_said(server: YahooServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--source sim: that cannot be asked for bars" in run(capsys, "data", "fetch", "AAPL", "--source", "sim", code=2)
    assert "--from 2024-05-02 is after --to 2024-05-01" in run(
        capsys, "data", "fetch", "AAPL", "--from", "2024-05-02", "--to", "2024-05-01", code=2
    )
    assert "'../etc' is not allowed" in run(capsys, "data", "fetch", "../etc", code=2)
    assert "No such bars of IBM are kept" in run(capsys, "data", "check", "IBM", code=2)


def test_a_check_tells_what_is_missing_and_what_cannot_be(server: YahooServer, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "data", "fetch", "AAPL", *MAY)
    assert run(capsys, "data", "check") == "AAPL 1d from yahoo: 22 bars, 2024-05-01 to 2024-05-31, nothing found\n"
    run(capsys, "data", "fetch", "AAPL", "--from", "2024-06-06", "--to", "2024-06-14")
    told = run(capsys, "data", "check", code=1)
    assert told.splitlines()[1:] == ["  2024-06-03 to 2024-06-05 were not fetched (3 sessions)."]
    cache = BarCache(cache_folder())
    with closing(sqlite3.connect(cache.path)) as connection, connection:
        connection.execute("DELETE FROM actions WHERE kind = 'split'")
    assert "2024-06-10: opens at " in run(capsys, "data", "check", code=1)
    with closing(sqlite3.connect(cache.path)) as connection, connection:
        connection.execute("INSERT INTO actions SELECT id, '2024-05-15', 'split', '2' FROM series")
    assert "2024-05-15: a split of 2 is told, and the price does not move" in run(capsys, "data", "check", code=1)


def test_deleting_asks_for_the_word(server: YahooServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    run(capsys, "data", "fetch", "AAPL,MSFT", *MAY)
    monkeypatch.setattr(sys, "stdin", io.StringIO("delete\n"))
    assert "Nothing was deleted" in run(capsys, "data", "delete", "AAPL", code=3)
    monkeypatch.setattr(sys, "stdin", io.StringIO("DELETE\n"))
    assert "1 deleted" in run(capsys, "data", "delete", "AAPL")
    assert [held.series.symbol for held in BarCache(cache_folder()).held()] == ["MSFT"]


def test_a_backtest_fetches_what_it_needs_and_a_second_one_nothing(server: YahooServer, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("backtest", "sma_cross", "--data", "yahoo", "--symbols", "AAPL", "--from", "2024-01-02", "--to", "2024-06-28")
    first = run(capsys, *words)
    asked = len(server.charts)
    assert asked
    second = run(capsys, *words)
    assert len(server.charts) == asked
    assert first.replace("#1", "#2").replace("show 1", "show 2") == second
    server.close = lambda: None  # type: ignore[method-assign]
    told = run(capsys, "backtests", "repeat", "1")
    assert "same" in told


def test_a_backtest_of_the_last_days_is_kept_with_the_days_it_had(server: YahooServer, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "backtest", "sma_cross", "--data", "yahoo", "--symbols", "MSFT", "--days", "90")
    shown = json.loads(run(capsys, "backtests", "show", "1", "--json"))
    job = shown["told"]["job"]
    assert (job["days"], job["end"]) == (None, max(job["end"], job["start"]))


def test_a_backtest_in_hours_or_of_what_is_there(server: YahooServer, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "data", "fetch", "MSFT", *MAY)
    asked = len(server.charts)
    assert "Kept as #1" in run(capsys, "backtest", "sma_cross", "--data", "yahoo", "--symbols", "MSFT")
    assert len(server.charts) == asked
    assert "say --from or --days, and they are fetched" in run(
        capsys, "backtest", "sma_cross", "--data", "yahoo", "--symbols", "AAPL", code=2
    )
    assert "name those to trade" in run(capsys, "backtest", "sma_cross", "--data", "yahoo", code=2)
    words = ("backtest", "sma_cross", "--data", "yahoo", "--symbols", "MSFT", "--days", "10", "--granularity", "1h")
    assert "Kept as #2" in run(capsys, *words)


def test_a_backtest_whose_source_is_away_ends_in_words(server: YahooServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.arm("/chart/", "cut", 20)
    told = run(capsys, "backtest", "sma_cross", "--data", "yahoo", "--symbols", "MSFT", "--days", "90", code=2)
    assert told.startswith("tradeconsole: Yahoo's bars did not come")


def test_past_days_are_no_live_feed(server: YahooServer, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--feed", "yahoo", "--symbols", "AAPL", "--headless", "--days", "10")
    assert "follows the market as it is now: days that are over are for a backtest" in run(capsys, *words, code=2)


def test_the_doctor_asks_the_source_one_small_question(server: YahooServer) -> None:
    settings = Settings(symbols=("MSFT", "AAPL"), feed=FeedSettings("yahoo"))
    opened, asked = market.feed(settings)
    assert (opened.state, asked.state) == (State.FINE, State.FINE)
    assert opened.text == "yahoo: MSFT, AAPL"
    assert asked.text.startswith("yahoo answers: MSFT was at ")
    server.arm("/chart/", "cut", 9)
    _, away = market.feed(settings)
    assert (away.state, away.text[:20]) == (State.WARNING, "Yahoo's bars did not")
    server.disarm()
    _, unknown = market.feed(Settings(symbols=("NOPE",), feed=FeedSettings("yahoo")))
    assert unknown.state is State.PROBLEM


def test_alpacas_bars_are_fetched_kept_and_run_over_by_their_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    with AlpacaDataServer(SHARES) as alpaca:
        (tmp_path / "tradeconsole.yaml").write_text(f'feed: {{url: "{alpaca.url}"}}')
        words = ("data", "fetch", "AAPL", "--source", "alpaca", *MAY)
        assert "ALPACA_API_KEY and ALPACA_SECRET_KEY in the environment" in run(capsys, *words, code=2)
        monkeypatch.setenv("ALPACA_API_KEY", KEY)
        monkeypatch.setenv("ALPACA_SECRET_KEY", SECRET)
        assert run(capsys, *words) == "AAPL: 22 bars of 1d, 2024-05-01 to 2024-05-31, 1 dividend\n"
        assert "Kept as #1" in run(capsys, "backtest", "sma_cross", "--data", "alpaca", "--symbols", "AAPL", *MAY)
        assert run(capsys, "data", "check", "--source", "alpaca").startswith("AAPL 1d from alpaca-iex: ")
