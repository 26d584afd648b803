"""Price alerts: what one is, when it fires and when never, and what a restart finds."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.alerts import AlertBook, AlertError, read
from console.kept import Kept
from engine.model.market import Bar, Quote, Split

SECOND = 1_000_000_000


def kept(folder: Path | None = None) -> Kept:
    return Kept(folder, lambda text: pytest.fail(text))


class Told:
    """A book that was asked for some alerts on AAPL, and what it said."""

    def __init__(
        self, *texts: str, last: float | None = 100.0, previous: float | None = None, keep: Kept | None = None, every_s: int = 60
    ) -> None:
        """Prices come `every_s` seconds."""
        self.said: list[str] = []
        self.book = AlertBook(keep or kept(), lambda alert, text: self.said.append(text))
        self._at, self._step = 0, every_s * SECOND
        for text in texts:
            self.book.set(read(text, "AAPL", last, previous), last)

    def quotes(self, *prices: float, symbol: str = "AAPL") -> list[str]:
        for price in prices:
            self._at += self._step
            self.book.on_quote(Quote(symbol, self._at, price - 0.01, price + 0.01, 1, 1, price))
        said, self.said[:] = list(self.said), []
        return said

    def bars(self, *bars: tuple[float, float, float]) -> list[str]:
        """(high, low, close)"""
        for high, low, close in bars:
            self._at += self._step
            self.book.on_bar(Bar("AAPL", self._at, close, high, low, close, 1))
        said, self.said[:] = list(self.said), []
        return said


# ---- what one is


@pytest.mark.parametrize(
    ("text", "normal", "level", "above"),
    [
        ("> 190", "> 190", "190", True),
        (">190.50", "> 190.50", "190.50", True),
        ("ABOVE 190 repeat", "> 190 repeat", "190", True),
        ("<  80", "< 80", "80", False),
        ("below 0.25", "< 0.25", "0.25", False),
        ("+3%", "+3%", "103.00", True),
        ("-2.5 % repeat", "-2.5% repeat", "97.500", False),
        ("+3% close", "+3% close", "101.97", True),
        ("-3% repeat close", "-3% close repeat", "96.03", False),
    ],
)
def test_what_an_alert_means(text: str, normal: str, level: str, above: bool) -> None:
    alert = read(text, "AAPL", 100.0, 99.0)
    assert (alert.text, alert.level, alert.above, alert.repeat) == (normal, Decimal(level), above, "repeat" in text)
    # What is written normally means the same.
    assert read(normal, "AAPL", 100.0, 99.0) == alert


@pytest.mark.parametrize(
    "text",
    [
        "",
        "190",
        "> ",
        "> -5",
        "> 1e3",
        "> 190 twice",
        "+3",
        "3%",
        "+3% close close",
        "> 190\x1b[2J",
        "> ١٩٠",
        "> " + "9" * 30,
        ">= 190",
        "> nan",
    ],
)
def test_what_is_no_alert_says_how_one_is_written(text: str) -> None:
    with pytest.raises(AlertError, match="Write > 190"):
        read(text, "AAPL", 100.0, 99.0)


def test_what_cannot_be_is_refused_in_words() -> None:
    for text, words in (
        ("> 0", "not a price"),
        ("+0%", "is none"),
        ("-100%", "not a price"),
        ("> 190 close", "close belongs to a per cent"),
        ("> 90", "AAPL is at 100.00, above 90 already. Write a level it has not reached, or < 90 for the way back."),
        ("< 110", "below 110 already"),
    ):
        with pytest.raises(AlertError, match=words):
            read(text, "AAPL", 100.0, 99.0)
    with pytest.raises(AlertError, match="no price yet to count from"):
        read("+3%", "AAPL", None, None)
    with pytest.raises(AlertError, match="no previous close yet"):
        read("+3% close", "AAPL", 100.0, None)


# ---- when it fires


def test_it_fires_at_the_first_price_beyond_and_once() -> None:
    told = Told("> 101")
    assert told.quotes(100, 101, 100.99) == []
    assert told.quotes(101.01, 105, 100, 105) == ["AAPL 101.01 is above 101"]
    (alert,) = told.book.alerts
    assert (alert.armed, alert.fired_at, alert.fired_price) == (False, 240 * SECOND, 101.01)  # at the time of its price


def test_a_move_in_per_cent_fires_when_it_is_reached_to_the_last_digit() -> None:
    told = Told("+0.3%", last=187.49)
    assert told.quotes(188.05) == []
    assert told.quotes(188.06) == ["AAPL 188.06 has moved +0.3% from 187.49"]
    exactly = Told("-10%", last=187.5)
    assert exactly.quotes(168.75) == ["AAPL 168.75 has moved -10% from 187.50"]


def test_the_level_that_is_shown_is_the_price_it_fires_at() -> None:
    up, down, price = (read(text, "AAPL", 187.7, None) for text in ("+3%", "-3%", "> 190.005"))
    assert [each.seen_at(Decimal("0.01")) for each in (up, down, price)] == [Decimal("193.34"), Decimal("182.06"), Decimal("190.005")]


def test_one_that_repeats_fires_again_after_the_price_was_back() -> None:
    told = Told("< 99 repeat")
    assert told.quotes(98, 97, 98.5) == ["AAPL 98.00 is below 99"]
    assert told.quotes(99, 98.9, 98) == ["AAPL 98.90 is below 99"]


def test_a_price_that_hovers_is_told_once_a_minute_and_how_often_it_came_there() -> None:
    told = Told("> 101 repeat", every_s=10)
    assert told.quotes(101.01, *[101, 101.01] * 10) == [
        "AAPL 101.01 is above 101",
        "AAPL 101.01 is above 101; it came there 3 times since the last alert",
        "AAPL 101.01 is above 101; it came there 3 times since the last alert",
        "AAPL 101.01 is above 101; it came there 3 times since the last alert",
    ]


def test_a_price_that_came_back_within_the_minute_and_stays_is_told_when_it_is_over() -> None:
    told = Told("> 101 repeat", every_s=20)
    assert told.quotes(101.01, 101, 102) == ["AAPL 101.01 is above 101"]
    assert told.quotes(103, 104, 105, 106) == ["AAPL 103.00 is above 101"]


def test_a_market_that_is_played_once_more_is_told_from_its_beginning(tmp_path: Path) -> None:
    keep = kept(tmp_path)
    Told("> 101 repeat", keep=keep, every_s=3600).quotes(102, 101)
    keep.close()
    again = Told(keep=kept(tmp_path))
    again.book.load()
    assert again.quotes(102) == ["AAPL 102.00 is above 101"]


def test_what_is_no_price_to_trust_never_fires() -> None:
    told = Told("> 101", every_s=0)
    book = told.book
    told.quotes(100)
    book.on_quote(Quote("AAPL", 5, 103, 102, 1, 1, 102.5))  # crossed
    book.on_quote(Quote("AAPL", 6, float("nan"), 102, 1, 1, 102.5))
    book.on_quote(Quote("AAPL", 7, 102, 102.1, 1, 1, float("inf")))
    book.on_quote(Quote("AAPL", 8, 149, 151, 1, 1, 150.0))  # one print far away
    assert told.said == []
    book.on_quote(Quote("AAPL", 9, 149, 151, 1, 1, 150.0))  # a second one says the same
    assert told.said == ["AAPL 150.00 is above 101"]


def test_a_price_older_than_one_seen_never_fires() -> None:
    told = Told("> 101")
    told.book.on_quote(Quote("AAPL", 100, 99.9, 100.1, 1, 1, 100.0))
    told.book.on_quote(Quote("AAPL", 99, 101.9, 102.1, 1, 1, 102.0))
    assert told.said == []


def test_a_bar_fires_by_its_range_where_there_are_no_quotes() -> None:
    told = Told("> 101", "< 99", "> 103 repeat")
    assert told.bars((100.5, 99.5, 100), (101.5, 98, 100)) == ["AAPL 101.50 is above 101", "AAPL 98.00 is below 99"]
    assert told.bars((104, 100, 102), (104, 100, 102)) == ["AAPL 104.00 is above 103"] * 2


def test_a_bar_of_quoted_prices_fires_nothing_that_no_quote_did() -> None:
    told = Told("> 101")
    told.quotes(100)
    assert told.bars((102, 99, 100)) == []


def test_other_symbols_fire_nothing() -> None:
    assert Told("> 101").quotes(150, symbol="MSFT") == []


def test_a_split_moves_the_level_along() -> None:
    told = Told("< 60", "+10%")
    told.book.on_split(Split("AAPL", 1, Decimal(2)))
    assert [(alert.text, alert.level) for alert in told.book.alerts] == [("< 30", Decimal(30)), ("+10%", Decimal(55))]
    assert told.quotes(50, 54.99) == []
    assert told.quotes(55) == ["AAPL 55.00 has moved +10% from 50.00"]


# No step is so wild (20 %) that a second print would have to confirm it.
paths = st.lists(st.integers(9_000, 10_790).map(lambda cents: Decimal(cents) / 100), max_size=60)


@given(paths, st.integers(9_001, 10_789), st.booleans(), st.sampled_from([7, 20, 60]))
def test_on_any_path_every_crossing_is_told_or_counted_and_none_twice(path: list[Decimal], cents: int, repeat: bool, every_s: int) -> None:
    level = Decimal(cents) / 100
    above = level >= 100
    told = Told(f"{'>' if above else '<'} {level}{' repeat' if repeat else ''}", every_s=every_s)
    was_beyond, alerts, last, owed = False, 0, -60, 0
    for number, price in enumerate(path):
        beyond = price > level if above else price < level
        owed += beyond and not was_beyond
        was_beyond = beyond
        said = told.quotes(float(price))
        if beyond and owed and (number * every_s >= last + 60 if repeat else not alerts):
            (line,) = said
            assert Decimal(line.split()[1]) == price
            assert (f"; it came there {owed} times" in line) is (owed > 1)
            alerts, last, owed = alerts + 1, number * every_s, 0
        else:
            assert not said


# ---- what is kept


def test_a_restart_finds_what_was_armed_and_what_has_fired(tmp_path: Path) -> None:
    keep = kept(tmp_path)
    told = Told("> 101", "< 90", "> 105 repeat", keep=keep)
    told.quotes(102)
    keep.close()
    again = Told(keep=kept(tmp_path))
    again.book.load()
    assert [(alert.text, alert.armed, alert.fired_at) for alert in again.book.alerts] == [
        ("> 101", False, 60 * SECOND),
        ("< 90", True, 0),
        ("> 105 repeat", True, 0),
    ]
    assert again.book.marks() == {"AAPL": "fired"}
    # It fell while nobody looked: the first price tells.
    assert again.quotes(85) == ["AAPL 85.00 is below 90"]


def test_what_was_spoilt_in_the_file_is_left_out(tmp_path: Path) -> None:
    keep = kept(tmp_path)
    good = read("> 101", "AAPL", 100.0, None)
    spoilt = [replace(good, symbol="\x1b]0;x\x07"), replace(good, level=Decimal("NaN")), replace(good, text="x" * 1000)]
    spoilt += [replace(good, text=" "), replace(good, text="\x1b[2J"), replace(good, reference=Decimal("NaN"))]
    keep.save("alerts", {"alerts": [good, *spoilt]})
    keep.close()
    book = AlertBook(kept(tmp_path), lambda alert, text: None)
    book.load()
    assert [alert.text for alert in book.alerts] == ["> 101"]


def test_alerts_are_edited_and_deleted() -> None:
    told = Told("> 101", "< 90")
    first, second = told.book.alerts
    told.quotes(102)
    told.book.set(replace(read("> 110", "AAPL", 102.0, None), id=first.id))
    told.book.delete(second.id)
    assert [(alert.text, alert.armed, alert.fired_at) for alert in told.book.alerts] == [("> 110", True, 0)]
    assert told.quotes(111) == ["AAPL 111.00 is above 110"]


def test_there_may_be_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.alerts.MOST", 1)
    told = Told("> 101")
    with pytest.raises(AlertError, match="delete some first"):
        told.book.set(read("> 102", "AAPL", 100.0, None))
