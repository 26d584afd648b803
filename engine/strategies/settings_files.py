"""Whether a file that a strategy reads is its settings, and no prices or signals of days to come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

_NAMED = frozenset({".cfg", ".conf", ".env", ".ini", ".json", ".properties", ".toml", ".yaml", ".yml"})
_MOST = 256 * 1024
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})([-/.]?)(\d\d?)\2(\d\d?)(?!\d)")
_YEAR_LAST = re.compile(r"(?<!\d)(\d\d?)[-/.](\d\d?)[-/.](\d{4})(?!\d)")
_EPOCHS = {10: 1, 13: 1_000, 16: 1_000_000, 19: 1_000_000_000}
"""How many digits seconds, and parts of one, since 1970 have, and how many of them there are in a second."""


def is_settings(path: Path, first: date, last: date, bars: int) -> bool:
    """Whether what stands in `path` can tell nothing of the `bars` from `first` to `last`: a file called as those of settings are, of text,
    that names none of these days and has too few numbers for one at every other bar. In doubt it is none."""
    if path.suffix.casefold() not in _NAMED and path.name.casefold() not in _NAMED:
        return False
    try:
        if path.stat().st_size > _MOST:
            return False
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    return 2 * len(_NUMBER.findall(text)) < bars and not any(first <= day <= last for day in _days_in(text))


def _days_in(text: str) -> Iterator[date]:
    written = [(year, month, day) for year, _, month, day in _YEAR_FIRST.findall(text)]
    for one, other, year in _YEAR_LAST.findall(text):
        written += [(year, one, other), (year, other, one)]
    for year, month, day in written:
        try:
            yield date(int(year), int(month), int(day))
        except ValueError:
            continue
    for digits in re.findall(r"(?<!\d)\d{10,19}(?!\d)", text):
        if len(digits) in _EPOCHS:
            yield datetime.fromtimestamp(int(digits) // _EPOCHS[len(digits)], UTC).date()
