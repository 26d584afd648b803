"""Sources by their name: built in, of an installed package, in a file of the user's own. What is wrong with one is said in words."""

from __future__ import annotations

import sys
from datetime import date
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from textwrap import dedent

import pytest

from engine.feeds import names, sources
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.cache import BarCache
from engine.feeds.cached import CachedHistory
from engine.feeds.calendar import Calendar
from engine.feeds.names import is_fetched, is_named
from engine.feeds.open import open_feed
from engine.feeds.polling import PollingFeed
from engine.feeds.sources import open_history
from engine.feeds.yahoo import YahooHistory
from engine.model.settings import FeedSettings

DAY = date(2024, 5, 14)
GOOD = """
    from tradeconsole import Bar

    class Mine:
        timeframes = ("1d", "1h")

        def history(self, symbol, timeframe, start, end):
            return [Bar(symbol, 1715716800 * 10**9, 1.0, 2.0, 0.5, 1.5, 10.0)]
"""


def file(folder: Path, text: str) -> str:
    path = folder / "mine.py"
    path.write_text(dedent(text), encoding="utf-8")
    return str(path)


def test_yahoo_is_there_by_its_name() -> None:
    assert isinstance(open_history("yahoo", Calendar()), YahooHistory)


def test_a_file_with_a_history_is_a_source(tmp_path: Path) -> None:
    source = file(tmp_path, GOOD)
    history = open_history(source, Calendar())
    assert (history.name, history.kept_as, history.timeframes) == ("mine.py", source, ("1d", "1h"))
    got = CachedHistory(history, BarCache(tmp_path), Calendar()).bars("AAPL", "1d", DAY, DAY)
    assert [bar.close for bar in got.bars] == [1.5]


def test_nothing_is_kept_beside_a_file_and_what_was_edited_within_a_second_runs_as_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for timeframe in ("1d", "1h"):
        source = file(tmp_path, GOOD.replace('("1d", "1h")', f'("{timeframe}",)'))
        assert open_history(source, Calendar()).timeframes == (timeframe,)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_a_file_may_tell_splits_and_dividends(tmp_path: Path) -> None:
    text = """
        from datetime import date
        from decimal import Decimal
        from tradeconsole import Action, Bar, Fetched

        class Mine:
            def history(self, symbol, timeframe, start, end):
                bar = Bar(symbol, 1715716800 * 10**9, 1.0, 2.0, 0.5, 1.5, 10.0)
                return Fetched([bar], (Action(symbol, date(2024, 5, 14), "dividend", Decimal("0.1")),))
    """
    got = open_history(file(tmp_path, text), Calendar()).history("AAPL", "1d", DAY, DAY)
    assert [action.kind for action in got.actions] == ["dividend"]


def test_whole_numbers_are_prices_and_what_is_no_float_is_said(tmp_path: Path) -> None:
    bars = GOOD.replace("1.0, 2.0, 0.5, 1.5, 10.0", "1, 2, 0.5, 1.5, 10")
    source = open_history(file(tmp_path, bars), Calendar())
    got = CachedHistory(source, BarCache(tmp_path), Calendar()).bars("AAPL", "1d", DAY, DAY)
    assert repr(got.bars[0].open) == "1.0"
    source = open_history(file(tmp_path, GOOD.replace("1.0, 2.0", "'1', 2.0")), Calendar())
    with pytest.raises(FeedError, match=r"its prices are \('1', 2\.0, 0\.5, 1\.5\), and are to be floats\."):
        CachedHistory(source, BarCache(tmp_path / "other"), Calendar()).bars("AAPL", "1d", DAY, DAY)
    # Mended, it is asked again: the day was not kept as one without bars.
    mended = open_history(file(tmp_path, bars), Calendar())
    assert CachedHistory(mended, BarCache(tmp_path / "other"), Calendar()).bars("AAPL", "1d", DAY, DAY).bars == got.bars


def test_a_source_that_says_how_far_it_reaches_is_asked_no_further(tmp_path: Path) -> None:
    text = """
        from tradeconsole import Bar, Reach

        class Mine:
            def __init__(self):
                self.asked = []

            def reach(self, timeframe):
                return Reach(at_once=3, back=8)

            def history(self, symbol, timeframe, start, end):
                self.asked.append((end - start).days + 1)
                assert self.asked[-1] <= 3
                return [Bar(symbol, 1715716800 * 10**9, 1.0, 2.0, 0.5, 1.5, 10.0)] if start.day <= 14 <= end.day else []
    """
    history = open_history(file(tmp_path, text), Calendar())
    now = 1715904000 * 10**9  # 17 May 2024
    got = CachedHistory(history, BarCache(tmp_path), Calendar(), now=lambda: now).bars("AAPL", "1d", date(2024, 5, 1), date(2024, 5, 16))
    assert [bar.close for bar in got.bars] == [1.5]
    assert "mine.py has 1d bars of the last 8 days alone: none of AAPL before 2024-05-09." in got.problems


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", r"has no class with a method `history`; one is needed"),
        ("class A:\n    def history(self): ...\nclass B(A): ...", r"has 2 classes with a method `history`"),
        ("class A:\n    history = 5", r"brings A, which has no method `history`"),
        ("import nothing_like_it", r"mine\.py, line 1: ModuleNotFoundError"),
        ("class A:\n    def history(self:", r"mine\.py, line 2: SyntaxError"),
        ("import sys\nsys.exit(3)", r"mine\.py, line 2: SystemExit: 3"),
        ("class A:\n    def __init__(self, key): ...\n    def history(self): ...", r"A cannot be made without arguments"),
        ("class A:\n    def history(self): ...\n    def reach(self, timeframe): return 7", r"its `reach` is 7 for 1d; it is to be a Reach"),
        ("class A:\n    def history(self): ...\n    def reach(self): ...", r"mine\.py: its `reach` failed for 1d \(TypeError"),
        ("class A:\n    timeframes = ['7m']\n    def history(self): ...", r"`timeframes` is \['7m'\]; allowed are some of 1s, 1m"),
    ],
)
def test_what_is_no_source_is_said_when_it_is_loaded(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(FeedError, match=words):
        open_history(file(tmp_path, text), Calendar())


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="There is no file"):
        open_history(str(tmp_path / "none.py"), Calendar())


@pytest.mark.parametrize("wrong", ["raise KeyError('api')", "return 5", "return [1, 2].x"])
def test_what_a_source_raises_is_told_with_its_line_and_asked_again_later(tmp_path: Path, wrong: str) -> None:
    history = open_history(file(tmp_path, f"class A:\n    def history(self, symbol, timeframe, start, end):\n        {wrong}"), Calendar())
    with pytest.raises(FeedLostError, match=r"mine\.py failed on AAPL \("):
        history.history("AAPL", "1d", DAY, DAY)


def test_an_installed_package_brings_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("fake", "tests.engine.feeds.test_sources:Installed", names.ENTRY_POINTS)
    monkeypatch.setattr(sources, "installed", lambda: {"fake": point})
    assert open_history("fake", Calendar()).name == "fake"
    with pytest.raises(FeedError, match=r"There is no source 'other': there are yahoo.*, fake, or a Python file"):
        open_history("other", Calendar())


def test_an_installed_package_that_breaks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("fake", "tests.engine.feeds.test_sources:Nothing", names.ENTRY_POINTS)
    monkeypatch.setattr(sources, "installed", lambda: {"fake": point})
    with pytest.raises(FeedError, match="The source 'fake' of an installed package cannot be opened"):
        open_history("fake", Calendar())


class Installed:
    def history(self, symbol: str, timeframe: str, start: date, end: date) -> list[object]:
        return []


def test_a_feed_that_is_not_there_is_said_with_those_that_packages_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("mybars", "x:Y", names.ENTRY_POINTS)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: EntryPoints((point,)) if group == names.ENTRY_POINTS else ())
    with pytest.raises(FeedError, match="write sim, sample, yahoo, alpaca, ib, mybars, or the path of bars"):
        open_feed(FeedSettings("mybarz"))


def test_a_name_is_told_from_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices").mkdir()
    assert [is_named(source) for source in ("sim", "sample", "yahoo", "prices", "x.csv", "a/b", "nothing")] == [True] * 3 + [False] * 4
    assert [is_fetched(source) for source in ("sim", "sample", "yahoo", "mine.py", "prices")] == [False, False, True, True, False]


def test_a_feed_of_a_source_asks_nobody_when_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    feed = open_feed(FeedSettings("yahoo"), ("AAPL",))
    assert isinstance(feed, PollingFeed)
    assert (feed.name, feed.timeframe) == ("yahoo", "1m")
    assert not [*tmp_path.iterdir()]
    hours = open_feed(FeedSettings(file(tmp_path, GOOD), timeframe="1h"), ("AAPL",))
    assert (hours.name, hours.timeframe) == ("mine.py", "1h")


def test_adjusted_prices_are_no_live_feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    source = file(tmp_path, GOOD.replace('timeframes = ("1d", "1h")', "adjusted = True"))
    with pytest.raises(FeedError, match="adjusted prices, at which nobody trades"):
        open_feed(FeedSettings(source), ("AAPL",))
