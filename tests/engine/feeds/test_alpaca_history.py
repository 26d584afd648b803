"""Alpaca's past bars by the real client, against a server of ours."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from engine.feeds.actions import Action
from engine.feeds.alpaca import rest
from engine.feeds.alpaca.history import AlpacaHistory
from engine.feeds.alpaca.rest import Access
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.cache import BarCache
from engine.feeds.cached import CachedHistory
from engine.feeds.calendar import Calendar
from engine.feeds.history import PausedError
from engine.feeds.priced import priced
from engine.feeds.sources import alpaca_access
from engine.model.settings import AlpacaSettings, FeedSettings, Settings
from engine.secrets import without_secrets
from tests.engine.feeds.fake_history import at
from tests.servers.alpaca.data import AlpacaDataServer
from tests.servers.alpaca.streams import KEY, SECRET
from tests.servers.yahoo import Share

NOW = at("2024-06-20T23:00:00")
AAPL = Share("AAPL", price=190.0, splits={date(2024, 5, 14): (4, 1)}, dividends={date(2024, 5, 10): 0.25})
IBM = Share("IBM", price=170.0, splits={date(2024, 5, 15): (1, 10)})
FIRST, LAST = date(2024, 5, 6), date(2024, 5, 17)


@pytest.fixture
def server() -> Iterator[AlpacaDataServer]:
    with AlpacaDataServer([AAPL, IBM], lambda: NOW) as server:
        yield server


def alpaca(server: AlpacaDataServer, now: int = NOW, **more: Any) -> AlpacaHistory:
    return AlpacaHistory(Calendar(), Access(KEY, SECRET, url=server.url), now=lambda: now, **more)


def test_days_are_told_as_they_were_traded_with_splits_and_dividends_beside_them(server: AlpacaDataServer) -> None:
    got = alpaca(server).history("AAPL", "1d", FIRST, LAST)
    assert [bar.close for bar in got.bars] == [AAPL.traded(Calendar().day_of(bar.at), 1.0) for bar in got.bars]
    assert [bar.at for bar in got.bars][:2] == [at("2024-05-06T20:00:00"), at("2024-05-07T20:00:00")]
    assert got.actions == (
        Action("AAPL", date(2024, 5, 10), "dividend", Decimal("0.25")),
        Action("AAPL", date(2024, 5, 14), "split", Decimal(4)),
    )
    assert {asked.get("adjustment") for asked in server.tape.asked} == {"raw", None}
    assert {asked.get("feed") for asked in server.tape.asked} == {"iex", None}


def test_a_reverse_split_is_told_as_what_one_share_becomes(server: AlpacaDataServer) -> None:
    (split,) = alpaca(server).history("IBM", "1d", FIRST, LAST).actions
    assert (split.kind, split.value) == ("split", Decimal("0.1"))


def test_adjusted_bars_are_asked_for_as_such_and_have_nothing_beside_them(server: AlpacaDataServer) -> None:
    got = alpaca(server, adjusted=True).history("AAPL", "1d", FIRST, LAST)
    assert got.bars[0].close == AAPL.traded(FIRST, 1.0) / 4
    assert got.actions == ()
    assert [asked.get("adjustment") for asked in server.tape.asked] == ["all"]


def test_minutes_come_in_pages_and_of_the_regular_session_alone(server: AlpacaDataServer) -> None:
    server.tape.page = 100
    got = alpaca(server).history("AAPL", "1m", date(2024, 6, 17), date(2024, 6, 18))
    assert len(got.bars) == 780
    assert (got.bars[0].at, got.bars[389].at) == (at("2024-06-17T13:31:00"), at("2024-06-17T20:00:00"))
    assert len([asked for asked in server.tape.asked if asked["path"].endswith("bars")]) == 9


def test_hours_begin_with_the_session(server: AlpacaDataServer) -> None:
    got = alpaca(server).history("AAPL", "1h", date(2024, 6, 18), date(2024, 6, 18))
    assert [bar.at for bar in got.bars][:2] == [at("2024-06-18T14:30:00"), at("2024-06-18T15:30:00")]
    assert (len(got.bars), got.bars[-1].at) == (7, at("2024-06-18T20:00:00"))
    assert got.bars[0].open == AAPL.traded(date(2024, 6, 18), 0.0)


@pytest.mark.parametrize(("timeframe", "count"), [("1m", 60), ("15m", 4), ("1h", 1), ("1d", 0)])
def test_a_bar_that_is_still_forming_is_not_told(server: AlpacaDataServer, timeframe: str, count: int) -> None:
    now = at("2024-06-18T14:30:40")
    server.tape.now = lambda: now
    assert len(alpaca(server, now).history("AAPL", timeframe, date(2024, 6, 18), date(2024, 6, 18)).bars) == count


def test_a_symbol_without_bars_is_an_empty_answer_and_an_error_through_the_cache(server: AlpacaDataServer, tmp_path: Path) -> None:
    history = alpaca(server)
    assert history.history("NOPE", "1d", FIRST, LAST).bars == []
    cached = CachedHistory(history, BarCache(tmp_path), Calendar(), now=lambda: NOW)
    with pytest.raises(FeedError, match="alpaca has no 1d bar of NOPE"):
        cached.bars("NOPE", "1d", FIRST, LAST)


def test_the_two_tapes_are_kept_apart(server: AlpacaDataServer) -> None:
    sip = AlpacaHistory(Calendar(), Access(KEY, SECRET, "sip", server.url))
    assert (alpaca(server).kept_as, sip.kept_as) == ("alpaca-iex", "alpaca-sip")


def test_a_bar_with_a_part_missing_is_left_out_and_told(server: AlpacaDataServer) -> None:
    def spoil(row: dict[str, Any]) -> None:
        if row["t"].startswith("2024-05-08"):
            row["h"] = None

    server.tape.spoil = spoil
    got = alpaca(server).history("AAPL", "1d", FIRST, LAST)
    assert len(got.bars) == 9
    assert got.problems[0].startswith("Alpaca's AAPL bar left out: 2024-05-08")


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, {"message": "unauthorized."}, FeedError, r"refuses the key \(unauthorized\): check ALPACA_API_KEY"),
        (403, {"message": "forbidden."}, FeedError, r"refuses the key"),
        (
            403,
            {"message": "subscription does not permit querying recent SIP data"},
            FeedError,
            r"recent SIP data\. feed\.tape: iex is what is free",
        ),
        (422, {"message": "invalid symbol: AAPL"}, FeedError, r"Alpaca says: invalid symbol: AAPL"),
        (429, {"message": "too many requests."}, PausedError, r"asked too much \(429\)"),
        (500, {"message": "x"}, FeedLostError, r"it answered 500"),
        (200, {"surprise": 1}, FeedLostError, r"is not what can be read"),
    ],
)
def test_what_alpaca_refuses_is_said_in_its_words(
    server: AlpacaDataServer, status: int, body: dict[str, Any], error: type[FeedError], words: str
) -> None:
    server.tape.refuse = status, body
    with pytest.raises(error, match=words) as told:
        alpaca(server).history("AAPL", "1d", FIRST, LAST)
    assert type(told.value) is error
    assert len(server.tape.asked) == 1  # the client itself would sleep and repeat


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ("7", 7.0),
        (format_datetime(datetime.fromtimestamp(time.time() + 86_400, UTC), usegmt=True), 900.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1.0),
        ("soon", 60.0),
        ("", 60.0),
    ],
    ids=["seconds", "tomorrow", "long ago", "no time", "nothing"],
)
def test_when_alpaca_says_when_it_may_be_asked_again_it_is_left_alone_until_then(
    server: AlpacaDataServer, monkeypatch: pytest.MonkeyPatch, said: str, pause: float
) -> None:
    now = 1000.0
    monkeypatch.setattr(rest, "time", SimpleNamespace(monotonic=lambda: now))
    server.do(lambda: server.faults.arm("GET /v2/stocks/bars", "429"))
    server.faults.retry_after = said
    history = alpaca(server)
    with pytest.raises(PausedError, match=rf"asked too much \(429\): it is left alone for {pause:.0f} s\.") as told:
        history.history("AAPL", "1d", FIRST, LAST)
    assert told.value.again_s == pause
    asked = len(server.requests)
    now += pause - 0.5
    with pytest.raises(PausedError, match=r"was asked too much and is left alone for 1 s more") as told:
        history.history("AAPL", "1d", FIRST, LAST)
    assert (told.value.again_s, len(server.requests)) == (0.5, asked)
    now += 0.5
    assert len(history.history("AAPL", "1d", FIRST, LAST).bars) == 10


@pytest.mark.parametrize("what", ["drop", "html", "504"])
def test_a_broken_answer_may_be_asked_for_again(server: AlpacaDataServer, what: str) -> None:
    server.do(lambda: server.faults.arm("GET /v2/stocks/bars", what))
    history = alpaca(server)
    with pytest.raises(FeedLostError, match="Alpaca's data did not come"):
        history.history("AAPL", "1d", FIRST, LAST)
    assert len(history.history("AAPL", "1d", FIRST, LAST).bars) == 10


def test_a_request_that_hangs_is_given_up(server: AlpacaDataServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "ANSWER_S", 0.2)
    server.do(lambda: server.faults.arm("GET /v2/stocks/bars", "hang"))
    with pytest.raises(FeedLostError, match="no answer in time"):
        alpaca(server).history("AAPL", "1d", FIRST, LAST)


def test_without_keys_it_says_which_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(FeedError, match="Of the two ALPACA_API_KEY and ALPACA_SECRET_KEY only one is set"):
        alpaca_access(FeedSettings("alpaca"), {"ALPACA_API_KEY": "x"})
    with pytest.raises(FeedError, match="prices need the keys of a paper or live account: set ALPACA_API_KEY and ALPACA_SECRET_KEY in the"):
        alpaca_access(FeedSettings("alpaca"), {})


def test_keys_are_found_where_the_broker_finds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"alpaca-live-second-key": "AKRING", "alpaca-live-second-secret": "ring-secret-0123"}
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=lambda service, name: kept.get(name)))
    monkeypatch.setattr("engine.secrets._learned", set())
    ours = {"ALPACA_API_KEY": "x", "ALPACA_SECRET_KEY": "y"}
    assert alpaca_access(FeedSettings("alpaca", tape="sip"), ours) == Access("x", "y", "sip")
    assert alpaca_access(FeedSettings("alpaca"), {"APCA_API_KEY_ID": "x", "APCA_API_SECRET_KEY": "y"}) == Access("x", "y")
    assert alpaca_access(FeedSettings("alpaca", keys="second"), ours) == Access("AKRING", "ring-secret-0123")
    assert without_secrets("refused: ring-secret-0123") == "refused: [secret]"
    named = {"ALPACA_API_KEY_SECOND": "x2", "ALPACA_SECRET_KEY_SECOND": "y2"}
    assert alpaca_access(FeedSettings("alpaca", keys="second"), {**ours, **named}) == Access("x2", "y2")


def test_prices_are_asked_for_with_the_keys_of_the_account_unless_the_feed_names_others() -> None:
    account = Settings(feed=FeedSettings("alpaca"), alpaca=AlpacaSettings(keys="second"))
    assert priced(account).keys == "second"
    assert priced(replace(account, feed=FeedSettings("alpaca", keys="prices"))).keys == "prices"
    assert priced(replace(account, feed=FeedSettings("yahoo"))).keys == ""
