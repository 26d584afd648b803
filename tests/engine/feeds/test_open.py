"""Opening a feed by the settings' word, and the bundled sample itself."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import pytest

from engine.feeds.actions import read_actions
from engine.feeds.base import Feed, FeedError
from engine.feeds.new_york import day_of
from engine.feeds.open import open_feed
from engine.feeds.sample_bars import sample_bars
from engine.model.market import Bar, MarketEvent, Split
from engine.model.settings import FeedSettings
from tests.engine.feeds.bar_files import GOOD, HEADER, read

SAMPLE = Path(__file__).parents[3] / "engine" / "feeds" / "sample"
SYMBOLS = ("AAPL", "MSFT", "IBM", "GOOG", "FB")
PAST_THE_END = FeedSettings(source="sample", start="2013-03-01")


def closes(symbol: str) -> dict[str, float]:
    """The sample's closes as they are played, by day; all but the very last day, which is yet to be played."""
    return {day_of(bar.at).isoformat(): bar.close for bar in open_feed(PAST_THE_END, (symbol,)).history(symbol, 10_000)}


def supplied(symbol: str) -> list[dict[str, str]]:
    with (SAMPLE / f"{symbol}.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_sim_sample_and_a_file_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "IBM.csv"
    path.write_text("Date,Open,High,Low,Close,Volume\n2005-02-25,10,11,9,10.5,1000\n")
    feeds: list[Feed] = [open_feed(FeedSettings(source=source)) for source in ("sim", "sample", str(path))]
    assert [(feed.name, feed.timeframe) for feed in feeds] == [("sim", "5s"), ("sample", "1d"), ("IBM.csv", "1d")]


def test_without_symbols_the_sample_plays_those_that_trade_throughout_and_a_file_all_it_has(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("Symbol,Date,Open,High,Low,Close,Volume\nB,2005-02-25,1,1,1,1,1\nA,2005-02-25,1,1,1,1,1\nC,2005-02-25,1,1,1,1,1\n")
    assert [instrument.symbol for instrument in open_feed(FeedSettings(source="sample")).instruments()] == ["AAPL", "MSFT", "IBM"]
    assert [instrument.symbol for instrument in open_feed(FeedSettings(source=str(path))).instruments()] == ["B", "A", "C"]
    assert [instrument.symbol for instrument in open_feed(FeedSettings(source=str(path)), ("C", "B", "C")).instruments()] == ["C", "B"]


@pytest.mark.parametrize(
    ("settings", "symbols", "message"),
    [
        (
            FeedSettings(source="yahooo"),
            (),
            "There is no feed 'yahooo', nor such a file: write sim, sample, yahoo, alpaca, ib, or the path of bars.",
        ),
        (FeedSettings(source="no/such\x1b[2J.csv"), (), "There is no feed 'no/such?[2J.csv', nor such a file"),
        (FeedSettings(source="/"), (), "has no file of bars: put .csv, .csv.gz or .parquet files there."),
        (FeedSettings(source=str(SAMPLE / "IBM.csv"), timeframe="1h"), (), "those cannot be taken apart. Choose 1d or a multiple of it."),
        (
            FeedSettings(source="sample", timeframe="5m"),
            (),
            "feed.timeframe is 5m and the sample has 1d bars of AAPL: those cannot be taken",
        ),
        (FeedSettings(source=str(SAMPLE / "IBM.csv"), calendar="NYC"), (), "There is no exchange 'NYC'"),
        (FeedSettings(source=str(SAMPLE / "IBM.csv"), actions=Path("no.csv")), (), "There is no file no.csv: feed.actions names it."),
        (FeedSettings(source="sample"), ("AAPL", "TSLA"), "The sample has no TSLA: it holds AAPL, MSFT, IBM, GOOG and FB."),
        (FeedSettings(source="sample", start="28.2.2005"), (), "The start '28.2.2005' is not a day: write it as YYYY-MM-DD"),
        (FeedSettings(source="sample", start="2020-01-01"), (), "sample has no bar from 2020-01-01 on: its last is of 2013-03-01."),
        (FeedSettings(source="sample"), ("aapl",), "'aapl' is not a symbol: write 1 to 12 of A-Z, 0-9 and, between"),
        (FeedSettings(source="sim"), ("A" * 13,), "is not a symbol"),
        (FeedSettings(source="sim"), ("A\x1b[2J",), "'A?[2J' is not a symbol"),
        (FeedSettings(source="sim"), ("",), "'' is not a symbol"),
    ],
)
def test_what_cannot_be_opened_is_an_error_in_words(settings: FeedSettings, symbols: tuple[str, ...], message: str) -> None:
    with pytest.raises(FeedError) as error:
        open_feed(settings, symbols)
    assert message in str(error.value)


@pytest.mark.parametrize("source", ["~nobody-of-that-name/bars.csv", "x" * 5_000, "\0", "\x1b[2J"], ids=["user", "long", "nul", "escape"])
def test_a_source_that_is_no_path_is_an_error_in_words(source: str) -> None:
    with pytest.raises(FeedError, match=r"cannot be opened|no feed") as refused:
        open_feed(FeedSettings(source=source))
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_sample_is_clean_and_whole(symbol: str) -> None:
    every = frozenset((action.symbol, action.day) for action in read_actions(SAMPLE / "actions.csv"))
    file = read(SAMPLE / f"{symbol}.csv", refuse=True, splits=every)
    assert len(file.bars[symbol]) == len(supplied(symbol))
    # Apple lost half its value on a profit warning.
    assert [problem.split(" opens")[0] for problem in file.problems] == (["AAPL.csv line 150: AAPL"] if symbol == "AAPL" else [])
    assert [bar.at for bar in file.bars[symbol]] == [bar.at for bar in sample_bars([symbol])[symbol]]


def test_apple_is_continuous_across_its_split_of_february_2005() -> None:
    played = closes("AAPL")
    rows = {row["Date"]: row for row in supplied("AAPL")}
    before, after = "2005-02-25", "2005-02-28"
    assert played[before] == 88.99 / 2
    # No dividend was paid in those days, so the source's fully adjusted close must move by the very same ratio.
    adjusted = float(rows[after]["Adj Close"]) / float(rows[before]["Adj Close"])
    assert played[after] / played[before] == pytest.approx(adjusted, rel=1e-9)
    assert float(rows[after]["Close"]) / float(rows[before]["Close"]) < 0.51


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_no_split_is_missing_from_the_table(symbol: str) -> None:
    """What is left between our step and the source's is dividends, which lower the price and never by a split's size."""
    played = closes(symbol)
    adjusted = {row["Date"]: float(row["Adj Close"]) for row in supplied(symbol)}
    left = [(adjusted[after] / adjusted[before]) / (played[after] / played[before]) for before, after in pairwise(played)]
    assert min(left) > 0.999
    assert max(left) < 1.12


def test_volume_before_a_split_counts_todays_shares() -> None:
    bars = open_feed(PAST_THE_END, ("AAPL",)).history("AAPL", 10_000)
    first, raw = bars[0], supplied("AAPL")[0]
    assert (first.open, first.volume) == (118.56 / 4, int(raw["Volume"]) * 4)
    assert bars[-1].volume == int(supplied("AAPL")[-2]["Volume"])


def test_adjusted_prices_are_the_floats_a_person_would_write() -> None:
    bars = open_feed(PAST_THE_END, ("AAPL",)).history("AAPL", 10_000)
    assert max(len(repr(value)) for bar in bars for value in (bar.open, bar.high, bar.low, bar.close)) <= len("123.45678")


def test_the_split_table_names_each_split_once() -> None:
    assert [(split.day.isoformat(), split.symbol, split.kind, str(split.value)) for split in read_actions(SAMPLE / "actions.csv")] == [
        ("2000-06-21", "AAPL", "split", "2"),
        ("2003-02-18", "MSFT", "split", "2"),
        ("2005-02-28", "AAPL", "split", "2"),
    ]


async def test_the_sample_plays_from_the_start_that_was_asked_for() -> None:
    feed = open_feed(FeedSettings(source="sample", start="2013-02-27", pace=10_000.0), ("AAPL", "FB"))
    told: list[object] = []
    await feed.run(told.append)
    bars = [(event.symbol, day_of(event.at).isoformat()) for event in told if isinstance(event, Bar)]
    assert bars == [(symbol, f"2013-{day}") for day in ("02-27", "02-28", "03-01") for symbol in ("AAPL", "FB")]


async def test_unadjusted_prices_are_played_with_their_splits_as_events() -> None:
    settings = FeedSettings(source=str(SAMPLE / "AAPL.csv"), actions=SAMPLE / "actions.csv", start="2005-02-25", pace=0)
    told: list[MarketEvent] = []
    await open_feed(settings).run(told.append)
    splits = [event for event in told if isinstance(event, Split)]
    assert [(split.symbol, str(split.ratio)) for split in splits] == [("AAPL", "2")]
    before, after = (next(event.close for event in events if isinstance(event, Bar)) for events in (told, told[told.index(splits[0]) :]))
    assert (before, after) == (88.99, 44.86)


def minutes(path: Path, day: str = "2005-02-25", zone: str = "") -> Path:
    rows = "".join(f"{day}T{9 + minute // 60:02}:{minute % 60:02}{zone},10,11,9,10.5,100\n" for minute in range(31, 421))
    path.write_text(HEADER + rows)
    return path


async def test_a_file_is_played_in_the_timeframe_that_was_asked_for(tmp_path: Path) -> None:
    path = minutes(tmp_path / "IBM.csv")
    feed = open_feed(FeedSettings(source=str(path), timezone="America/New_York", timeframe="1h", start="2005-02-25", pace=0))
    told: list[MarketEvent] = []
    await feed.run(told.append)
    assert [event.volume for event in told if isinstance(event, Bar)] == [6000, 6000, 6000, 6000, 6000, 6000, 3000]
    assert feed.timeframe == "1h"


def test_a_timeframe_that_is_no_multiple_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "IBM.csv"
    path.write_text(HEADER + "".join(GOOD.replace("2005-02-25", f"2005-02-25T15:{minute:02}") for minute in (30, 32, 34)))
    with pytest.raises(FeedError) as error:
        open_feed(FeedSettings(source=str(path), timeframe="5m"))
    assert str(error.value) == (
        "feed.timeframe is 5m and IBM.csv has 2m bars of IBM: the one is no multiple of the other. Choose 2m or a multiple of it."
    )


def test_a_clock_that_is_probably_another_one_is_told(tmp_path: Path) -> None:
    path = minutes(tmp_path / "IBM.csv")
    assert open_feed(FeedSettings(source=str(path))).problems == (
        "IBM.csv: only 23% of its bars are of the regular session of XNYS; "
        "feed.timezone and feed.calendar say on which clock and where they were traded",
    )
    assert not open_feed(FeedSettings(source=str(path), timezone="America/New_York")).problems


def test_a_folder_holds_files_of_one_symbol_and_of_many(tmp_path: Path) -> None:
    (tmp_path / "IBM.csv").write_text(HEADER + GOOD)
    (tmp_path / "tech.csv").write_text("Symbol," + HEADER + "AAPL," + GOOD + "MSFT," + GOOD)
    (tmp_path / "AAPL-2004.csv").write_text("Symbol," + HEADER + "AAPL," + GOOD.replace("2005", "2004").replace("25", "26"))
    (tmp_path / "README.md").write_text("No bars.")
    (tmp_path / ".hidden.csv").write_text("")
    feed = open_feed(FeedSettings(source=str(tmp_path), start="2005-02-25"))
    assert [instrument.symbol for instrument in feed.instruments()] == ["AAPL", "IBM", "MSFT"]
    assert len(feed.history("AAPL", 10)) == 1
    assert [instrument.symbol for instrument in open_feed(FeedSettings(source=str(tmp_path)), ("MSFT",)).instruments()] == ["MSFT"]
    with pytest.raises(FeedError, match=r" has no TSLA: it holds AAPL, MSFT and IBM\.$"):
        open_feed(FeedSettings(source=str(tmp_path)), ("TSLA",))


def test_a_file_of_a_symbol_that_nobody_wants_is_not_even_read(tmp_path: Path) -> None:
    (tmp_path / "IBM.csv").write_text(HEADER + GOOD)
    (tmp_path / "MSFT.csv").write_text(HEADER + "all of it is bad\n")
    assert open_feed(FeedSettings(source=str(tmp_path)), ("IBM",)).problems == ()
    with pytest.raises(FeedError, match=r"^MSFT\.csv has no bar to play\."):
        open_feed(FeedSettings(source=str(tmp_path)))


def test_two_files_that_tell_the_same_bars_are_refused(tmp_path: Path) -> None:
    (tmp_path / "IBM.csv").write_text(HEADER + GOOD)
    (tmp_path / "blue.csv").write_text("Symbol," + HEADER + "IBM," + GOOD)
    with pytest.raises(FeedError, match=r"^IBM\.csv and blue\.csv both have bars of IBM from the same time: keep"):
        open_feed(FeedSettings(source=str(tmp_path)))
