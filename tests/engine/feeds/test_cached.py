"""A source through the cache: asked for what is missing and for nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from engine.feeds.actions import Action
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.cache import BarCache
from engine.feeds.cached import CachedHistory
from engine.feeds.calendar import Calendar
from engine.feeds.history import Fetched, Reach
from engine.model.market import Bar
from tests.engine.feeds.fake_history import FakeHistory, at
from tests.engine.feeds.full_disk import fill_disk

LATER = at("2024-06-20T12:00:00")


def through(history: FakeHistory, folder: Path) -> CachedHistory:
    return CachedHistory(history, BarCache(folder), Calendar(), now=history.clock)


def days_asked(history: FakeHistory) -> list[tuple[str, str]]:
    asked = [(start.isoformat(), end.isoformat()) for _, _, start, end in history.asked]
    history.asked.clear()
    return asked


def test_what_is_there_is_not_asked_for_again_and_gaps_are_filled_alone(tmp_path: Path) -> None:
    history = FakeHistory(LATER)
    cached = through(history, tmp_path)
    cached.bars("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10))
    cached.bars("AAPL", "1d", date(2024, 5, 16), date(2024, 5, 17))
    days_asked(history)
    got = cached.bars("AAPL", "1d", date(2024, 5, 4), date(2024, 5, 21))
    assert days_asked(history) == [("2024-05-13", "2024-05-15"), ("2024-05-20", "2024-05-21")]
    assert len(got.bars) == 12
    again = through(history, tmp_path).bars("AAPL", "1d", date(2024, 5, 4), date(2024, 5, 21))
    assert (again.bars, days_asked(history)) == (got.bars, [])


def test_a_day_without_a_bar_is_remembered_once_it_is_a_week_old(tmp_path: Path) -> None:
    history = FakeHistory(LATER)
    history.without = {date(2024, 5, 14), date(2024, 6, 18)}
    cached = through(history, tmp_path)
    assert len(cached.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 15)).bars) == 2
    cached.bars("AAPL", "1d", date(2024, 6, 17), date(2024, 6, 18))
    days_asked(history)
    cached.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 15))
    assert days_asked(history) == []
    cached.bars("AAPL", "1d", date(2024, 6, 17), date(2024, 6, 18))
    assert days_asked(history) == [("2024-06-18", "2024-06-18")]


def test_a_day_that_is_under_way_is_used_and_not_kept(tmp_path: Path) -> None:
    history = FakeHistory(at("2024-05-14T14:30:30"))  # an hour into New York's session
    cached = through(history, tmp_path)
    got = cached.bars("AAPL", "1m", date(2024, 5, 13), date(2024, 5, 14))
    assert len(got.bars) == 390 + 60
    days_asked(history)
    history.now = at("2024-05-14T14:31:30")
    assert len(cached.bars("AAPL", "1m", date(2024, 5, 13), date(2024, 5, 14)).bars) == 390 + 61
    assert days_asked(history) == [("2024-05-14", "2024-05-14")]


def test_a_daily_bar_is_asked_for_once_its_session_is_over(tmp_path: Path) -> None:
    history = FakeHistory(at("2024-05-14T19:59:59"))
    cached = through(history, tmp_path)
    cached.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 14))
    assert days_asked(history) == [("2024-05-13", "2024-05-13")]
    history.now = at("2024-05-14T20:00:00")
    assert len(cached.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 14)).bars) == 2


def test_a_request_spans_no_more_days_than_the_source_takes(tmp_path: Path) -> None:
    history = FakeHistory(LATER, reach=Reach(at_once=8))
    told: list[tuple[int, int]] = []
    through(history, tmp_path).bars("AAPL", "1h", date(2024, 5, 13), date(2024, 5, 31), progress=lambda *done: told.append(done))
    assert days_asked(history) == [("2024-05-13", "2024-05-20"), ("2024-05-21", "2024-05-28"), ("2024-05-29", "2024-05-31")]
    assert (told[0], told[-1]) == ((0, 14), (14, 14))


def test_days_further_back_than_the_source_reaches_are_said_and_not_asked_for(tmp_path: Path) -> None:
    history = FakeHistory(LATER, reach=Reach(back=10))
    cached = through(history, tmp_path)
    got = cached.bars("AAPL", "1h", date(2024, 5, 13), date(2024, 6, 14))
    assert days_asked(history) == [("2024-06-10", "2024-06-14")]
    assert got.problems == ("fake has 1h bars of the last 10 days alone: none of AAPL before 2024-06-10.",)
    with pytest.raises(FeedError, match=r"no 1h bar of AAPL from 2024-05-13 to 2024-05-17\..*last 10 days alone"):
        cached.bars("AAPL", "1h", date(2024, 5, 13), date(2024, 5, 17))
    assert days_asked(history) == []


def test_what_came_before_a_source_broke_off_is_kept(tmp_path: Path) -> None:
    history = FakeHistory(LATER, reach=Reach(at_once=8))
    cached = through(history, tmp_path)
    cached.bars("AAPL", "1h", date(2024, 5, 13), date(2024, 5, 20))
    history.error = FeedLostError("It hung up.")
    with pytest.raises(FeedLostError):
        cached.bars("AAPL", "1h", date(2024, 5, 13), date(2024, 5, 31))
    history.error = None
    days_asked(history)
    cached.bars("AAPL", "1h", date(2024, 5, 13), date(2024, 5, 31))
    assert days_asked(history)[0] == ("2024-05-21", "2024-05-28")


def test_without_asking_only_what_is_there_is_told(tmp_path: Path) -> None:
    history = FakeHistory(LATER)
    cached = through(history, tmp_path)
    cached.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 15))
    days_asked(history)
    assert len(cached.bars("AAPL", "1d", date(2024, 5, 1), date(2024, 5, 31), ask=False).bars) == 3
    with pytest.raises(FeedError, match="no 1d bar of MSFT"):
        cached.bars("MSFT", "1d", date(2024, 5, 1), date(2024, 5, 31), ask=False)
    assert days_asked(history) == []


def test_splits_and_dividends_of_kept_days_are_told_again(tmp_path: Path) -> None:
    history = FakeHistory(LATER)
    history.actions = [Action("AAPL", date(2024, 5, 10), "dividend", Decimal("0.25"))]
    cached = through(history, tmp_path)
    first = cached.bars("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 17))
    assert first.actions == tuple(history.actions)
    assert cached.bars("AAPL", "1d", date(2024, 5, 8), date(2024, 5, 10)).actions == tuple(history.actions)
    assert cached.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 17)).actions == ()


def test_what_happened_to_another_share_or_on_another_day_is_left_out(tmp_path: Path) -> None:
    class Loose(FakeHistory):
        def history(self, symbol: str, timeframe: str, start: date, end: date) -> Fetched:
            return Fetched(super().history(symbol, timeframe, start, end).bars, tuple(self.actions))

    history = Loose(LATER)
    mine, late = (Action("AAPL", date(2024, 5, day), "dividend", Decimal(1)) for day in (14, 20))
    history.actions = [mine, Action("MSFT", date(2024, 5, 14), "split", Decimal(2)), late]
    assert through(history, tmp_path).bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 17)).actions == (mine,)


def test_adjusted_bars_are_never_mixed_of_two_days_of_fetching(tmp_path: Path) -> None:
    history = FakeHistory(LATER, adjusted=True)
    cached = through(history, tmp_path)
    cached.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 6, 14))
    days_asked(history)
    history.now, history.scale = at("2024-06-26T12:00:00"), 0.5
    assert cached.bars("AAPL", "1d", date(2024, 5, 20), date(2024, 5, 21)).bars[0].close == 100.0
    assert days_asked(history) == []
    got = cached.bars("AAPL", "1d", date(2024, 6, 10), date(2024, 6, 25))
    assert days_asked(history) == [("2024-05-13", "2024-06-25")]
    assert {bar.close for bar in got.bars} == {50.0}
    assert cached.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 13)).bars[0].close == 50.0


def test_a_damaged_cache_costs_a_fetch_and_says_so(tmp_path: Path) -> None:
    history = FakeHistory(LATER)
    cached = through(history, tmp_path)
    cached.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 15))
    BarCache(tmp_path).path.write_bytes(b"nonsense" * 1000)
    got = cached.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 15))
    assert len(got.bars) == 3
    assert "put aside" in got.problems[0]
    days_asked(history)
    assert cached.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 15)) == Fetched(got.bars)
    assert days_asked(history) == []


def test_a_cache_that_cannot_be_written_costs_the_keeping_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    got = through(FakeHistory(LATER), tmp_path / "file").bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 15))
    assert len(got.bars) == 3
    assert "used, and not kept" in got.problems[-1]


def test_a_cache_of_another_version_costs_a_fetch_and_says_so(tmp_path: Path) -> None:
    history = FakeHistory(LATER)
    cached = through(history, tmp_path)
    cached.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 15))
    with closing(sqlite3.connect(BarCache(tmp_path).path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    got = cached.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 15))
    assert len(got.bars) == 3
    assert "no cache of this version" in got.problems[0]


def test_on_a_full_disk_what_was_fetched_is_used_and_what_is_kept_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = FakeHistory(LATER)
    cached = through(history, tmp_path)
    cached.bars("AAPL", "1m", date(2024, 5, 13), date(2024, 5, 13))
    days_asked(history)
    fill_disk(monkeypatch)
    for _ in range(2):
        got = cached.bars("AAPL", "1m", date(2024, 5, 13), date(2024, 5, 15))
        assert len(got.bars) == 3 * 390
        assert "database or disk is full. What was fetched is used, and not kept." in got.problems[-1]
        assert days_asked(history) == [("2024-05-14", "2024-05-15")]


def test_a_damaged_cache_that_cannot_be_put_aside_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    BarCache(tmp_path).path.write_bytes(b"nonsense" * 1000)
    got = through(FakeHistory(LATER), tmp_path).bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 15))
    assert len(got.bars) == 3
    assert "cannot be put aside (Permission denied): it is not used." in got.problems[0]


def test_two_sources_in_one_cache_fill_their_own_gaps_and_are_never_mixed(tmp_path: Path) -> None:
    one, other = FakeHistory(LATER), FakeHistory(LATER)
    other.name = other.kept_as = "other"
    other.scale = 2.0
    first, second = through(one, tmp_path), through(other, tmp_path)
    first.bars("AAPL", "1d", date(2024, 5, 6), date(2024, 5, 10))
    second.bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 15))
    assert (days_asked(one), days_asked(other)) == ([("2024-05-06", "2024-05-10")], [("2024-05-13", "2024-05-15")])
    span = date(2024, 5, 6), date(2024, 5, 17)
    assert {bar.close for bar in first.bars("AAPL", "1d", *span).bars} == {100.0}
    assert {bar.close for bar in second.bars("AAPL", "1d", *span).bars} == {200.0}
    assert days_asked(one) == [("2024-05-13", "2024-05-17")]
    assert days_asked(other) == [("2024-05-06", "2024-05-10"), ("2024-05-16", "2024-05-17")]
    one.error = other.error = FeedLostError("It hung up.")
    assert {bar.close for bar in first.bars("AAPL", "1d", *span, ask=False).bars} == {100.0}
    assert {bar.close for bar in second.bars("AAPL", "1d", *span).bars} == {200.0}


class Spoilt(FakeHistory):
    def __init__(self, bar: object) -> None:
        super().__init__(LATER)
        self._bar = bar

    def history(self, symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        told = super().history(symbol, timeframe, start, end)
        return Fetched([*told.bars, self._bar])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("bar", "why"),
    [
        (Bar("MSFT", at("2024-05-16T20:00:00"), 1.0, 1.0, 1.0, 1.0, 1.0), "of MSFT"),
        (Bar("AAPL", at("2024-05-01T20:00:00"), 1.0, 1.0, 1.0, 1.0, 1.0), "does not follow"),
        (Bar("AAPL", at("2034-05-01T20:00:00"), 1.0, 1.0, 1.0, 1.0, 1.0), "in the future"),
        (Bar("AAPL", at("2024-05-16T20:00:00"), 1.0, float("nan"), 1.0, 1.0, 1.0), "its prices are"),
        (Bar("AAPL", at("2024-05-16T20:00:00"), 1.0, 1.0, 2.0, 1.0, 1.0), "its prices are"),
        (Bar("AAPL", at("2024-05-16T20:00:00"), 1.0, 1.0, 1.0, 1.0, -1.0), "its volume is"),
        ("a bar", "it is str"),
    ],
)
def test_what_is_no_bar_is_left_out_whoever_told_it(tmp_path: Path, bar: object, why: str) -> None:
    got = through(Spoilt(bar), tmp_path).bars("AAPL", "1d", date(2024, 5, 13), date(2024, 5, 15))
    assert len(got.bars) == 3
    assert why in got.problems[0]


def test_a_length_of_bar_that_the_source_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"fake has no bars of 5m: it has 1m, 1h, 1d\."):
        through(FakeHistory(LATER), tmp_path).bars("AAPL", "5m", date(2024, 5, 13), date(2024, 5, 15))
