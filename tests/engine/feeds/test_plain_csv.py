"""A short file of daily bars is read without pandas, and no otherwise than by it: the same bars, the same sentences."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.feeds import csv_bars
from engine.feeds.base import FeedError
from engine.feeds.calendar import Calendar
from engine.feeds.plain_csv import read_plain
from engine.feeds.titles import find_columns
from tests.engine.feeds.bar_files import GOOD, HEADER, read

DAYS = Calendar("24/7")
PRICES = st.decimals(1, 300, places=2).map(str)
ODD = st.sampled_from(["", "0", "-1", "x", " 10", "1e3", "1_0", "10.", ".5", "12.345678901234567", '"10"', "inf", "9,9"])
TITLES = ("Date,Open,High,Low,Close,Volume", "open;date;high;low;close;volume;note", "Date,Open,High,Low,Close,Adj Close,Volume")
ODD_DAYS = ("2005-02-30", "1650-01-03", "2205-01-03", "20050228", "2005-02-28 10:00", "2005-2-28", "")


def _outcome(path: Path, *, refuse: bool) -> Any:
    try:
        file = read(path, calendar=DAYS, refuse=refuse)
    except FeedError as error:
        return str(error)
    return {symbol: [column.tobytes() for column in bars.columns] for symbol, bars in file.bars.items()}, file.problems


@st.composite
def files(draw: st.DrawFn) -> str:
    """Mostly in order, with now and then a number, a day or a line that is not."""
    titles = draw(st.sampled_from(TITLES))
    mark = ";" if ";" in titles else ","
    number, lines = st.one_of(*[PRICES] * 40, ODD), [titles]
    day, chance = date(2005, 1, 3), st.integers(0, 40)
    for _ in range(draw(st.integers(0, 6))):
        day += timedelta(draw(st.integers(1, 4)) if draw(chance) else draw(st.integers(-3, 0)))
        fields = [draw(number) for _ in titles.split(mark)]
        fields[titles.casefold().split(mark).index("date")] = str(day) if draw(chance) else draw(st.sampled_from(ODD_DAYS))
        lines.append(mark.join(fields if draw(chance) else draw(st.sampled_from([fields[:-1], [*fields, "1"], []]))))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines) + draw(st.sampled_from(["\n", "", "\n\n"]))


@settings(max_examples=200, deadline=None)
@given(files(), st.booleans())
def test_a_file_reads_as_pandas_would_read_it(text: str, refuse: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "AAPL.csv")
        path.write_bytes(text.encode())
        ours = _outcome(path, refuse=refuse)
        with patch.object(csv_bars, "read_plain", lambda *rest: None):
            assert ours == _outcome(path, refuse=refuse)


@pytest.mark.parametrize("titles", TITLES)
def test_days_and_plain_decimals_are_plain(titles: str) -> None:
    mark = ";" if ";" in titles else ","
    row = mark.join("2005-02-25" if title.casefold() == "date" else "10.5" for title in titles.split(mark))
    body = f"{row}\n{row.replace('25', '28')}\n".encode()
    width = titles.count(mark) + 1
    assert read_plain(body, mark, width, find_columns("it", titles.split(mark))) is not None
    assert read_plain(body.replace(b"10.5", b"10.499999999999999"), mark, width, find_columns("it", titles.split(mark))) is None


def test_pandas_is_not_imported_for_a_plain_file(tmp_path: Path) -> None:
    (tmp_path / "AAPL.csv").write_text(HEADER + GOOD + "2005-02-28,11,12,10,11.5,2000\n2005-02-28,9,9,9,9,1\n")
    script = (
        "import sys; from pathlib import Path; from tests.engine.feeds.bar_files import read; "
        f"print(read(Path({str(tmp_path)!r}, 'AAPL.csv')).problems, 'pandas' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told == "('AAPL.csv line 4 skipped: AAPL has this time already: 2005-02-28',) False\n"
