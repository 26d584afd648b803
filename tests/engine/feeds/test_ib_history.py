"""IB's past bars by the real client, against a TWS of ours, within its rules on how often they may be asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from engine.brokers.ib.config import IbConfig
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.cache import BarCache
from engine.feeds.cached import CachedHistory
from engine.feeds.calendar import Calendar
from engine.feeds.history import PausedError
from engine.feeds.ib import library, pacing
from engine.feeds.ib.history import IbHistory
from engine.feeds.ib.line import Line
from engine.feeds.priced import priced
from engine.feeds.sources import ib_access
from engine.model.settings import FeedSettings, IbSettings, Settings
from tests.engine.brokers.ib_rig import at_noon
from tests.engine.feeds.fake_history import at
from tests.engine.feeds.ib_desk import history_of
from tests.servers.tws.contracts import STOCKS
from tests.servers.tws.data import price_at
from tests.servers.tws.driver import TwsProcess

NOW_TEXT = "2024-06-20T23:00:00"
NOW = at(NOW_TEXT)
AAPL = STOCKS[0]
TUESDAY = date(2024, 6, 18)


@pytest.fixture(scope="module")
def tws_process() -> Iterator[TwsProcess]:
    with TwsProcess() as tws:
        tws.do(f"clock {NOW_TEXT}")
        yield tws


@pytest.fixture
def tws(tws_process: TwsProcess) -> TwsProcess:
    tws_process.do("pacing 0 0 600 10000")
    return tws_process


@pytest.fixture
def ib(tws: TwsProcess) -> Iterator[IbHistory]:
    with history_of(tws, lambda: NOW) as history:
        yield history


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has the patience of the real thing."""
    monkeypatch.setattr(pacing, "SAME_AGAIN_S", 0.0)
    monkeypatch.setattr(pacing, "CONTRACT_SPAN_S", 0.0)


def asked(tws: TwsProcess, what: str = "history") -> int:
    count: int = tws.do("data")["asked"].get(what, 0)
    return count


def test_days_are_told_at_their_close_without_the_weekend(ib: IbHistory) -> None:
    got = ib.history("AAPL", "1d", date(2024, 6, 13), TUESDAY)
    assert [bar.at for bar in got.bars] == [at(f"2024-06-{day}T20:00:00") for day in (13, 14, 17, 18)]
    assert got.bars[-1].close == float(price_at(AAPL, at("2024-06-18T20:00:00") // 10**9))
    assert (got.actions, got.problems) == ((), ())


def test_minutes_are_told_at_their_close_in_their_order(ib: IbHistory) -> None:
    got = ib.history("AAPL", "1m", TUESDAY, TUESDAY)
    assert len(got.bars) == 390
    assert (got.bars[0].at, got.bars[-1].at) == (at("2024-06-18T13:31:00"), at("2024-06-18T20:00:00"))
    assert got.bars[0].open == float(price_at(AAPL, at("2024-06-18T13:30:00") // 10**9))


def test_hours_begin_with_the_session_and_not_with_the_clock(ib: IbHistory) -> None:
    got = ib.history("AAPL", "1h", TUESDAY, TUESDAY)
    assert [bar.at for bar in got.bars][:2] == [at("2024-06-18T14:30:00"), at("2024-06-18T15:30:00")]
    assert (len(got.bars), got.bars[-1].at) == (7, at("2024-06-18T20:00:00"))


def test_winter_and_half_days_keep_new_yorks_clock(ib: IbHistory) -> None:
    got = ib.history("AAPL", "5m", date(2023, 11, 24), date(2023, 11, 24))
    assert (len(got.bars), got.bars[0].at, got.bars[-1].at) == (42, at("2023-11-24T14:35:00"), at("2023-11-24T18:00:00"))


def test_a_bar_that_is_forming_is_none(tws: TwsProcess) -> None:
    noon = at("2024-06-20T16:00:30")
    with history_of(tws, lambda: noon) as ib:
        assert ib.history("AAPL", "1m", date(2024, 6, 20), date(2024, 6, 20)).bars[-1].at == at("2024-06-20T16:00:00")
        assert not ib.history("AAPL", "1d", date(2024, 6, 20), date(2024, 6, 20)).bars


def test_a_share_class_is_asked_for_with_ibs_blank(ib: IbHistory) -> None:
    assert len(ib.history("BRK.B", "1d", TUESDAY, TUESDAY).bars) == 1


def test_what_is_restated_for_dividends_is_asked_for_up_to_now_and_in_days_alone(tws: TwsProcess) -> None:
    with history_of(tws, lambda: NOW, adjusted=True) as ib:
        assert ib.timeframes == ("1d",)
        assert len(ib.history("AAPL", "1d", date(2022, 6, 14), date(2022, 6, 17)).bars) == 4


def test_a_symbol_ib_does_not_know_is_told_in_words_and_not_asked_for_again(ib: IbHistory, tws: TwsProcess) -> None:
    before = asked(tws)
    for _ in range(2):
        with pytest.raises(FeedError, match=r"IB knows no stock ZZZZ in USD: look up how it spells it, and whether it is listed\."):
            ib.history("ZZZZ", "1d", TUESDAY, TUESDAY)
    assert asked(tws) == before


@pytest.mark.parametrize(
    ("symbol", "words"),
    [
        ("TWO", "IB knows several stocks TWO: TWO at NYSE, TWO at AMEX"),
        ("SAP", "IB knows SAP in CAD, EUR and not in USD"),
        ("BRK B", r"write BRK\.B, with a dot for its blank"),
    ],
)
def test_a_symbol_that_means_two_stocks_or_none_in_dollars_says_which(ib: IbHistory, symbol: str, words: str) -> None:
    with pytest.raises(FeedError, match=words):
        ib.history(symbol, "1d", TUESDAY, TUESDAY)


def test_no_data_is_an_answer_and_no_rights_are_none(ib: IbHistory, tws: TwsProcess) -> None:
    tws.do("arm history 162 : Historical Market Data Service error message:HMDS query returned no data: AAPL@SMART Trades")
    assert not ib.history("AAPL", "1d", TUESDAY, TUESDAY).bars
    tws.do("arm history 162 : Historical Market Data Service error message:No market data permissions for NYSE STK")
    with pytest.raises(FeedError, match=r"IB tells no bars of AAPL: .*No market data permissions for NYSE STK") as told:
        ib.history("AAPL", "1d", TUESDAY, TUESDAY)
    assert not isinstance(told.value, FeedLostError)


def test_a_violation_of_its_pacing_is_waited_out_and_asked_again(ib: IbHistory, tws: TwsProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "VIOLATED_S", (0.3, 0.3))
    tws.do("arm history 162 1 2 : Historical Market Data Service error message:API historical data query pacing violation")
    before = asked(tws)
    assert len(ib.history("AAPL", "1d", TUESDAY, TUESDAY).bars) == 1
    assert asked(tws) == before + 1


def test_who_has_no_patience_is_told_when_to_ask_again(tws: TwsProcess) -> None:
    with history_of(tws, lambda: NOW, patience_s=1.0) as ib:
        tws.do("arm history 162 : Historical Market Data Service error message:API historical data query pacing violation")
        with pytest.raises(PausedError, match=r"IB says that it is asked for past bars too often: the next may go in 15 s\.") as told:
            ib.history("AAPL", "1d", TUESDAY, TUESDAY)
        assert 14 < (told.value.again_s or 0) <= 15


def test_its_rules_are_kept_without_being_told(ib: IbHistory, tws: TwsProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    tws.do("pacing 0.4 1 3 10")
    for name, value in (("SAME_AGAIN_S", 0.5), ("SPAN_S", 3.5), ("MOST", 10), ("CONTRACT_SPAN_S", 1.2)):
        monkeypatch.setattr(pacing, name, value)
    before = asked(tws)
    for day in (17, 18, 18, 20):
        for symbol in ("AAPL", "MSFT", "IBM"):
            assert len(ib.history(symbol, "1d", date(2024, 6, day), date(2024, 6, day)).bars) == 1
    assert asked(tws) == before + 12  # none was refused


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("cut", "IB's bars of AAPL did not come: Socket disconnect"),
        ("unseen", "IB's bars of AAPL did not come: TWS did not tell the bars within 0.2 s"),
        ("504 : Not connected", r"IB's bars of AAPL did not come: Not connected \(code 504\)"),
    ],
)
def test_a_line_that_breaks_makes_sense_to_be_tried_again(
    ib: IbHistory, tws: TwsProcess, fault: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "HISTORY_S", 0.2)
    tws.do(f"arm history {fault}")
    with pytest.raises(FeedLostError, match=words):
        ib.history("AAPL", "1d", TUESDAY, TUESDAY)
    monkeypatch.setattr(library, "HISTORY_S", 20.0)
    assert len(ib.history("AAPL", "1d", TUESDAY, TUESDAY).bars) == 1


def test_where_nobody_listens_is_said_with_what_to_look_for() -> None:
    ib = IbHistory(Calendar(), Line(IbConfig(port=1), wall=at_noon), now=lambda: NOW)
    with pytest.raises(
        FeedLostError, match=r"Nobody listens at 127\.0\.0\.1:1\. .*see whether TWS or Gateway runs, is logged in and has its API port open"
    ):
        ib.history("AAPL", "1d", TUESDAY, TUESDAY)
    ib.close()


def test_prices_come_from_whoever_is_logged_in_for_nothing_else_is_asked() -> None:
    with TwsProcess("U7654321") as tws, history_of(tws, lambda: NOW) as ib:
        tws.do(f"clock {NOW_TEXT}")
        assert len(ib.history("AAPL", "1d", TUESDAY, TUESDAY).bars) == 1


def test_where_tws_is_comes_from_the_feed_the_account_or_the_environment() -> None:
    there = {"IB_HOST": "10.0.0.7", "IB_PORT": "4002", "IB_CLIENT_ID": "5"}
    assert ib_access(FeedSettings("ib"), there) == IbConfig("10.0.0.7", 4002, 5)
    assert ib_access(FeedSettings("ib", tws="10.0.0.8:7496"), there) == IbConfig("10.0.0.8", 7496, 5)
    ib = Settings(feed=FeedSettings("ib"), ib=IbSettings(port=4001), account="live")
    assert priced(ib, there).tws == "10.0.0.7:4001"
    assert priced(Settings(feed=FeedSettings("ib"), account="live"), {}).tws == "127.0.0.1:7496"
    assert priced(Settings(feed=FeedSettings("ib", tws="10.0.0.9:1"), ib=IbSettings(port=4001)), there).tws == "10.0.0.9:1"
    assert priced(Settings(ib=IbSettings(port=4001)), {"IB_PORT": "x"}) == FeedSettings()
    with pytest.raises(FeedError, match="IB_PORT is 'x': it must be a whole number"):
        ib_access(FeedSettings("ib"), {"IB_PORT": "x"})


def test_it_takes_the_next_client_id_where_one_is_in_use(tws: TwsProcess) -> None:
    with history_of(tws, lambda: NOW) as one, history_of(tws, lambda: NOW) as other:
        for ib in (one, other):
            assert len(ib.history("MSFT", "1d", TUESDAY, TUESDAY).bars) == 1
        assert {17 + 101, 17 + 102} <= set(tws.do("book")["clients"])


def test_a_long_time_is_asked_for_in_parts_and_never_again(ib: IbHistory, tws: TwsProcess, tmp_path: Path) -> None:
    cached = CachedHistory(ib, BarCache(tmp_path), Calendar(), now=lambda: NOW)
    before = asked(tws)
    got = cached.bars("AAPL", "1m", date(2024, 5, 20), date(2024, 6, 7))
    assert len(got.bars) == 14 * 390
    assert asked(tws) == before + 2
    assert cached.bars("AAPL", "1m", date(2024, 5, 22), date(2024, 6, 5)).bars[0].at == at("2024-05-22T13:31:00")
    assert asked(tws) == before + 2


def test_whether_its_quotes_are_live_is_said_in_words(tws: TwsProcess) -> None:
    for rights, words in (
        ("live", "its quotes of AAPL are live"),
        ("delayed", "IB tells AAPL 15 minutes late: this user has no subscription to its live prices."),
        ("none", "IB has no quotes of AAPL for this user (Requested market data is not subscribed."),
    ):
        tws.do(f"rights AAPL {rights}")
        with history_of(tws, lambda: NOW) as ib:
            assert ib.live("AAPL").startswith(words)
    tws.do("rights AAPL live")
