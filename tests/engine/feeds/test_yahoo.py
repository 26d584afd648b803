"""Yahoo by the real library, against a server of ours that answers as Yahoo does, and as it does on its bad days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.feeds.actions import Action
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.cache import BarCache
from engine.feeds.cached import CachedHistory
from engine.feeds.calendar import Calendar
from engine.feeds.history import Fetched, PausedError
from engine.feeds.yahoo import YahooHistory, history, library
from tests.engine.feeds.fake_history import at
from tests.servers.yahoo import Share, YahooServer, loopback_session

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning:yfinance")
"""The libraries' own, of the installed pandas."""

NOW = at("2024-06-20T23:00:00")
SPLIT_DAY, EX_DAY = date(2024, 5, 14), date(2024, 5, 10)
SHARES = [
    Share("AAPL", price=190.0, splits={SPLIT_DAY: (4, 1)}, dividends={EX_DAY: 0.25}),
    Share("MSFT", price=420.0, listed=date(2024, 5, 1)),
    Share("VOD.L", exchange="XLON", currency="GBp", price=72.5, dividends={date(2024, 6, 6): 3.85}),
    Share("PND.L", exchange="XLON", currency="GBp", price=900.0, dividends={date(2024, 6, 6): 11.5}),
    Share("HOLE", without=frozenset({date(2024, 5, 15)}), nulls=frozenset({date(2024, 5, 16)})),
]


class Desk:
    """A server, and Yahoo through it, at a time of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.mono = 0.0
        self.server = YahooServer(SHARES, lambda: self.now)
        self.session = loopback_session(self.server.port, library.session_class())
        self.folder = folder

    def yahoo(self, calendar: str = "XNYS", *, adjusted: bool = False) -> YahooHistory:
        options: dict[str, Any] = {"adjusted": adjusted, "session": self.session, "folder": self.folder}
        return YahooHistory(Calendar(calendar), now=lambda: self.now, mono=lambda: self.mono, **options)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "yfinance")
    library.Library.of(desk.folder).forget()
    yield desk
    library.Library.of(desk.folder).forget()
    desk.session.close()
    desk.server.close()


def share(symbol: str) -> Share:
    return next(share for share in SHARES if share.symbol == symbol)


# ---- what it tells


def test_prices_before_a_split_are_those_of_their_day_to_the_cent_and_the_split_is_told(desk: Desk) -> None:
    got = desk.yahoo().history("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 17))
    calendar = Calendar()
    assert [bar.close for bar in got.bars] == [share("AAPL").traded(calendar.day_of(bar.at), 1.0) for bar in got.bars]
    assert {bar.volume for bar in got.bars} == {1_000_000.0}
    split, dividend = Action("AAPL", SPLIT_DAY, "split", Decimal("4.0")), Action("AAPL", EX_DAY, "dividend", Decimal("0.25"))
    assert got.actions == (dividend, split)


def test_a_split_after_the_days_that_were_asked_for_is_undone_too(desk: Desk) -> None:
    yahoo = desk.yahoo()
    got = yahoo.history("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10))
    assert [bar.close for bar in got.bars] == [share("AAPL").traded(Calendar().day_of(bar.at), 1.0) for bar in got.bars]
    assert got.actions == (Action("AAPL", EX_DAY, "dividend", Decimal("0.25")),)
    asked = len(desk.server.charts)
    yahoo.history("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 13))
    assert len(desk.server.charts) == asked + 1  # which splits came later is known by now


def test_adjusted_prices_are_restated_for_splits_and_dividends_and_nothing_is_told_beside_them(desk: Desk) -> None:
    got = desk.yahoo(adjusted=True).history("AAPL", "1d", date(2024, 5, 9), date(2024, 5, 14))
    before, after = share("AAPL").traded(date(2024, 5, 9), 1.0), share("AAPL").traded(date(2024, 5, 14), 1.0)
    assert got.bars[0].close == pytest.approx(before / 4 * (1 - 0.25 / before), rel=1e-6)
    assert (got.bars[-1].close, got.actions) == (after, ())


def test_bars_are_told_at_their_closes_in_utc(desk: Desk) -> None:
    days = desk.yahoo().history("AAPL", "1d", date(2024, 6, 17), date(2024, 6, 18)).bars
    assert [bar.at for bar in days] == [at("2024-06-17T20:00:00"), at("2024-06-18T20:00:00")]
    hours = desk.yahoo().history("AAPL", "1h", date(2024, 6, 18), date(2024, 6, 18)).bars
    assert [bar.at for bar in hours][:2] == [at("2024-06-18T14:30:00"), at("2024-06-18T15:30:00")]
    assert hours[-1].at == at("2024-06-18T20:00:00")  # its label is 15:30 in New York, half an hour before the close
    assert len(hours) == 7


def test_the_last_day_is_asked_for_with_it(desk: Desk) -> None:
    got = desk.yahoo().history("AAPL", "1d", date(2024, 6, 18), date(2024, 6, 18))
    assert len(got.bars) == 1


@pytest.mark.parametrize(
    ("timeframe", "now", "count"),
    [
        ("1m", "2024-06-18T13:35:30", 5),
        ("1m", "2024-06-18T13:36:00", 6),
        ("1h", "2024-06-18T19:59:59", 6),
        ("1h", "2024-06-18T20:00:01", 7),
    ],
)
def test_a_bar_that_is_still_forming_is_not_told(desk: Desk, timeframe: str, now: str, count: int) -> None:
    desk.now = at(now)
    assert len(desk.yahoo().history("AAPL", timeframe, date(2024, 6, 18), date(2024, 6, 18)).bars) == count


def test_a_day_that_is_still_under_way_is_not_told(desk: Desk) -> None:
    desk.now = at("2024-06-18T15:00:00")
    assert [bar.at for bar in desk.yahoo().history("AAPL", "1d", date(2024, 6, 17), date(2024, 6, 18)).bars] == [at("2024-06-17T20:00:00")]
    only = desk.yahoo().history("AAPL", "1d", date(2024, 6, 18), date(2024, 6, 18))
    assert only == Fetched(())


def test_pence_become_pounds(desk: Desk) -> None:
    got = desk.yahoo("XLON").history("VOD.L", "1d", date(2024, 6, 3), date(2024, 6, 7))
    assert [bar.close for bar in got.bars] == [share("VOD.L").traded(Calendar("XLON").day_of(bar.at), 1.0) / 100 for bar in got.bars]
    assert got.actions == (Action("VOD.L", date(2024, 6, 6), "dividend", Decimal("0.0385")),)
    assert got.problems == ("Yahoo quotes VOD.L in GBp: here its prices are in GBP.",)


def test_a_dividend_that_yahoo_tells_in_pounds_beside_prices_in_pence_stays_pounds(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    telling = YahooServer._add_events

    def in_pounds(server: YahooServer, told: Share, session: Any, events: dict[str, dict[str, Any]]) -> None:
        telling(server, told, session, events)
        for event in events.get("dividends", {}).values():
            event["amount"] = 0.115

    monkeypatch.setattr(YahooServer, "_add_events", in_pounds)
    got = desk.yahoo("XLON").history("PND.L", "1d", date(2024, 6, 3), date(2024, 6, 7))
    assert got.actions == (Action("PND.L", date(2024, 6, 6), "dividend", Decimal("0.115")),)


def test_a_bar_with_a_part_missing_is_left_out_and_one_that_is_missing_is_named(desk: Desk) -> None:
    got = desk.yahoo().history("HOLE", "1d", date(2024, 5, 13), date(2024, 5, 17))
    assert [Calendar().day_of(bar.at).day for bar in got.bars] == [13, 14, 17]
    assert got.problems == (
        "Yahoo's HOLE bar 2024-05-16 00:00 skipped: high is nan, not a finite number",
        "Yahoo has no bar of HOLE on 2024-05-15, a session of XNYS.",
        "Yahoo has no bar of HOLE on 2024-05-16, a session of XNYS.",
    )


def test_a_share_of_another_exchange_than_the_calendars_is_refused_in_words(desk: Desk) -> None:
    with pytest.raises(FeedError, match=r"VOD\.L trades at LSE, on the clock of Europe/London, and feed\.calendar is XNYS"):
        desk.yahoo().history("VOD.L", "1d", date(2024, 6, 3), date(2024, 6, 7))


def test_days_before_a_share_was_listed_are_an_answer_and_not_an_error(desk: Desk) -> None:
    got = desk.yahoo().history("MSFT", "1d", date(2024, 4, 1), date(2024, 4, 12))
    assert got.bars == ()
    assert got.problems == ("Yahoo says that there are no 1d bars of MSFT from 2024-04-01 to 2024-04-12.",)


def test_a_symbol_that_yahoo_does_not_know_is_an_error(desk: Desk) -> None:
    with pytest.raises(FeedError, match="Yahoo does not know NOPE"):
        desk.yahoo().history("NOPE", "1d", date(2024, 5, 6), date(2024, 5, 10))


def test_minutes_are_asked_for_a_week_at_a_time_and_no_more_than_a_month_back(desk: Desk, tmp_path: Path) -> None:
    cached = CachedHistory(desk.yahoo(), BarCache(tmp_path / "cache"), Calendar(), now=lambda: desk.now)
    got = cached.bars("AAPL", "1m", date(2024, 5, 1), date(2024, 6, 20))
    assert len(got.bars) == 390 * 20
    spans = [(int(asked["period2"]) - int(asked["period1"])) / 86_400 for asked in desk.server.charts if asked["interval"] == "1m"]
    assert len(spans) == 5
    assert max(spans) <= 8
    assert "1m bars of the last 29 days alone" in got.problems[0]


# ---- what goes wrong


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("empty", FeedError, "has no 1d bars of AAPL"),
        ("null", FeedError, "has no 1d bars of AAPL"),
        ("html", FeedLostError, "bars did not come .a page instead of prices"),
        ("cut", FeedLostError, "bars did not come"),
        ("500", FeedLostError, "bars did not come"),
    ],
)
def test_a_bad_answer_is_an_error_with_its_cause_and_is_forgotten(desk: Desk, fault: str, error: type[FeedError], words: str) -> None:
    yahoo = desk.yahoo()
    yahoo.history("AAPL", "1d", date(2024, 6, 3), date(2024, 6, 7))
    desk.server.arm("/chart/", fault, 2)
    with pytest.raises(error, match=words):
        yahoo.history("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10))
    desk.server.disarm()
    assert len(yahoo.history("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10)).bars) == 5


def test_a_server_that_says_nothing_is_given_up_within_its_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "REQUEST_S", 0.3)
    monkeypatch.setattr(library, "REQUEST_S", 0.3)
    yahoo = desk.yahoo()
    for where in ("/chart/", "getcrumb", "fc.yahoo.com", "guce"):
        desk.server.arm(where, "mute", 5)
    with pytest.raises(FeedLostError, match="no answer in time"):
        yahoo.history("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10))
    desk.server.disarm()
    assert len(yahoo.history("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10)).bars) == 5


def test_all_answers_together_are_given_up_within_their_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "CALL_S", 0.4)
    desk.server.arm("/", "mute", 20)
    with pytest.raises(FeedLostError):
        desk.yahoo().history("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10))
    assert sum(desk.server.asked.values()) == 1


def test_after_a_429_nothing_is_asked_for_minutes_and_each_time_longer(desk: Desk) -> None:
    yahoo = desk.yahoo()
    waits = []
    for _ in range(3):
        desk.server.arm("/chart/", "429", 2)
        with pytest.raises(PausedError, match=r"asked too much \(429\)") as told:
            yahoo.history("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10))
        waits.append(told.value.again_s)
        asked = sum(desk.server.asked.values())
        desk.mono += 60
        with pytest.raises(PausedError, match="left alone for"):
            yahoo.history("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10))
        assert sum(desk.server.asked.values()) == asked
        desk.mono += 900
        desk.server.disarm()
    assert waits == [120, 300, 600]
    assert len(yahoo.history("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10)).bars) == 5


def test_a_429_on_the_crumb_does_not_become_the_crumb(desk: Desk) -> None:
    yahoo = desk.yahoo()
    desk.server.arm("getcrumb", "429")
    assert len(yahoo.history("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10)).bars) == 5  # bars need none
    desk.server.charts.clear()
    yahoo.history("AAPL", "1d", date(2024, 6, 3), date(2024, 6, 7))
    assert {asked.get("crumb") for asked in desk.server.charts} == {"aB3.dEf/gH"}


def test_what_yahoo_says_reaches_the_person_on_one_line(desk: Desk) -> None:
    yahoo = desk.yahoo()
    yahoo.history("AAPL", "1d", date(2024, 6, 3), date(2024, 6, 7))
    desk.server.arm("/chart/", "Something\x1b[31m\nstrange", 4)
    with pytest.raises(FeedError, match="Something") as told:
        yahoo.history("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10))
    assert str(told.value).isprintable()


def test_where_the_library_cannot_keep_its_cookies_prices_come_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from yfinance import cache  # type: ignore[import-untyped]

    kept = cache.get_tz_cache()
    kept.lookup("AAPL")
    # What stands in for them afterwards is for this test alone.
    monkeypatch.setattr(cache._TzCacheManager, "_tz_cache", kept)
    monkeypatch.setattr(cache._CookieCacheManager, "_Cookie_cache", cache.get_cookie_cache())
    database = kept.db
    database.execute_sql("PRAGMA query_only = 1")
    try:
        got = desk.yahoo().history("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10))
        assert len(got.bars) == 5
        assert len(desk.yahoo().history("MSFT", "1d", date(2024, 5, 6), date(2024, 5, 10)).bars) == 5
    finally:
        database.execute_sql("PRAGMA query_only = 0")
