"""The file of splits and dividends: what it may say, and what is refused with its line."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from engine.feeds.actions import Action, adjust, read_actions
from engine.feeds.base import FeedError
from engine.feeds.calendar import Calendar
from engine.feeds.new_york import to_ns
from engine.model.market import Bar, Dividend, Split

HEADER = "symbol,date,kind,value\n"


def test_actions_are_read_in_order_of_their_days_with_exact_values(tmp_path: Path) -> None:
    path = tmp_path / "actions.csv"
    path.write_text("Date,Symbol,Kind,Value,Note\n2005-02-28,aapl,Split,2,x\n\n2004-11-15,MSFT,dividend,3.08,special\n")
    assert read_actions(path) == (
        Action("MSFT", date(2004, 11, 15), "dividend", Decimal("3.08")),
        Action("AAPL", date(2005, 2, 28), "split", Decimal(2)),
    )


@pytest.mark.parametrize("name", ["~nobody-of-that-name/a.csv", "a\0.csv", "."])
def test_a_file_of_actions_that_cannot_be_read_is_an_error_in_words(name: str) -> None:
    with pytest.raises(FeedError, match=r" cannot be read: ") as error:
        read_actions(Path(name))
    assert str(error.value).isprintable()


def test_an_action_becomes_its_event() -> None:
    assert Action("A", date(2005, 2, 28), "split", Decimal("0.1")).event(5, 20.0) == Split("A", 5, Decimal("0.1"), 20.0, "2005-02-28")
    assert Action("A", date(2005, 2, 28), "dividend", Decimal("0.25")).event(5, 20.0) == Dividend("A", 5, Decimal("0.25"), "2005-02-28")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("symbol,date\n", "actions.csv lacks the columns kind and value."),
        (HEADER + "AAPL,2005-02-28,split\n", "actions.csv line 2 has 3 fields, 4 are needed."),
        (HEADER + "AA PL,2005-02-28,split,2\n", "actions.csv line 2: 'AA PL' is not a symbol."),
        (HEADER + "AAPL,28.2.2005,split,2\n", "actions.csv line 2: '28.2.2005' is not a day: write it as YYYY-MM-DD."),
        (HEADER + "AAPL,2005-02-28,spin-off,2\n", "actions.csv line 2: 'spin-off' is neither split nor dividend."),
        (HEADER + "AAPL,2005-02-28,split,2:1\n", "actions.csv line 2: '2:1' is not a number above zero."),
        (HEADER + "AAPL,2005-02-28,split,0\n", "actions.csv line 2: '0' is not a number above zero."),
        (HEADER + "AAPL,2005-02-28,dividend,nan\n", "actions.csv line 2: 'nan' is not a number above zero."),
        (HEADER + "AAPL,2005-02-28,split,2\n" * 2, "actions.csv has two splits of AAPL on 2005-02-28: keep one."),
        (HEADER + "AAPL,2005-02-28,\x1b[2J,2\n", "actions.csv line 2: '?[2j' is neither split nor dividend."),
    ],
)
def test_a_wrong_row_refuses_the_file(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "actions.csv"
    path.write_text(text)
    with pytest.raises(FeedError) as error:
        read_actions(path)
    assert str(error.value) == message


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_day_of_a_split_is_the_exchanges_own() -> None:
    tokyo = Calendar("XTKS")
    closes = [to_ns(datetime(2023, 3, day, hour, tzinfo=tokyo.zone)) for day, hour in ((7, 15), (8, 10), (8, 15))]
    bars = [Bar("7203", at, 12.0, 12.0, 12.0, 12.0, 10.0) for at in closes]
    split = Action("7203", date(2023, 3, 8), "split", Decimal(4))
    assert [(bar.close, bar.volume) for bar in adjust(bars, [split], tokyo)] == [(3.0, 40.0), (12.0, 10.0), (12.0, 10.0)]


def test_splits_add_up_and_those_before_all_bars_change_nothing() -> None:
    closes = [to_ns(datetime(2023, 3, day, 16, tzinfo=Calendar().zone)) for day in (7, 8, 9)]
    bars = [Bar("A", at, 12.0, 12.0, 12.0, 12.0, 10.0) for at in closes]
    splits = [Action("A", date(2023, 3, day), "split", Decimal(value)) for day, value in ((1, 9), (8, 2), (9, 3), (30, 1))]
    assert [bar.close for bar in adjust(bars, splits, Calendar())] == [2.0, 4.0, 12.0]
    assert adjust([], splits, Calendar()) == []
