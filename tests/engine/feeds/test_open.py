"""Opening a feed by the settings' word, and the bundled sample itself."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import pytest

from engine.feeds.base import Feed, FeedError
from engine.feeds.csv_bars import read_bars
from engine.feeds.new_york import day_of
from engine.feeds.open import open_feed
from engine.feeds.splits import read_splits
from engine.model.market import Bar
from engine.model.settings import FeedSettings

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


def test_bad_rows_become_sentences_and_many_of_them_a_count(tmp_path: Path) -> None:
    path = tmp_path / "IBM.csv"
    path.write_text("Date,Open,High,Low,Close,Volume\n2005-02-25,10,11,9,10.5,1000\n" + "x,1,1,1,1,1\n" * 25)
    problems = open_feed(FeedSettings(source=str(path))).problems
    assert problems[0] == "IBM.csv line 3 skipped: 'x' is not a date or an ISO 8601 time"
    assert problems[20:] == ("IBM.csv: 5 more rows skipped, the last in line 27",)


@pytest.mark.parametrize(
    ("settings", "symbols", "message"),
    [
        (FeedSettings(source="yahooo"), (), "There is no feed 'yahooo', nor such a file: write sim, sample, or the path of a CSV file."),
        (FeedSettings(source="no/such\x1b[2J.csv"), (), "There is no feed 'no/such?[2J.csv', nor such a file"),
        (FeedSettings(source="."), (), "cannot be read: Is a directory."),
        (FeedSettings(source="sample"), ("AAPL", "TSLA"), "The sample has no TSLA: it holds AAPL, MSFT, IBM, GOOG and FB."),
        (FeedSettings(source="sample", start="28.2.2005"), (), "The start '28.2.2005' is not a day: write it as YYYY-MM-DD"),
        (FeedSettings(source="sample", start="2020-01-01"), (), "sample has no bar from 2020-01-01 on: its last is of 2013-03-01."),
        (FeedSettings(source="sample"), ("aapl",), "'aapl' is not a symbol: write 1 to 12 of A-Z, 0-9, '.', '-' and '/', in capitals."),
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
    file = read_bars(SAMPLE / f"{symbol}.csv")
    assert not file.problems
    assert len(file.bars[symbol]) == len(supplied(symbol))


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
    assert [(split.day.isoformat(), split.symbol, split.ratio) for split in read_splits(SAMPLE / "splits.csv")] == [
        ("2000-06-21", "AAPL", 2.0),
        ("2003-02-18", "MSFT", 2.0),
        ("2005-02-28", "AAPL", 2.0),
    ]


async def test_the_sample_plays_from_the_start_that_was_asked_for() -> None:
    feed = open_feed(FeedSettings(source="sample", start="2013-02-27", pace=10_000.0), ("AAPL", "FB"))
    told: list[object] = []
    await feed.run(told.append)
    bars = [(event.symbol, day_of(event.at).isoformat()) for event in told if isinstance(event, Bar)]
    assert bars == [(symbol, f"2013-{day}") for day in ("02-27", "02-28", "03-01") for symbol in ("AAPL", "FB")]
