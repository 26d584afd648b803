"""Which column of a table is which, by its title, however it is spelled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from engine.feeds.base import FeedError
from engine.feeds.names import listed, shown

PRICES = ("open", "high", "low", "close")
VALUES = (*PRICES, "volume")
_SPELLINGS = {
    "open": ("open", "o", "openprice", "priceopen"),
    "high": ("high", "h", "highprice", "pricehigh"),
    "low": ("low", "l", "lowprice", "pricelow"),
    "close": ("close", "c", "closeprice", "priceclose", "closelast"),
    "volume": ("volume", "v", "vol"),
    "adj close": ("adjclose", "adjustedclose", "closeadj", "closeadjusted", "adjcloseprice"),
    "symbol": ("symbol", "ticker", "instrument"),
    # pandas calls the nameless index of a Parquet file this.
    "datetime": ("datetime", "timestamp", "indexlevel0"),
    "date": ("date", "day"),
    "time": ("time", "timeofday"),
}
_NAMES = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings}


class Places(NamedTuple):
    """Where each column stands. `time` are two where a date and a time of day are to be joined."""

    time: tuple[int, ...]
    values: dict[str, int]
    adjusted: int | None
    symbol: int | None

    def all(self) -> tuple[int, ...]:
        others = tuple(place for place in (self.adjusted, self.symbol) if place is not None)
        return (*self.time, *self.values.values(), *others)


def find_columns(file: str, titles: Sequence[str]) -> Places:
    """Where the columns are that make up a bar; others are left alone.

    Case, spaces and signs in a title do not matter, nor does a number before it: `Adj Close`, `adj_close`, `<CLOSE>`, `4. close`.
    Raises FeedError where one is missing or there twice.
    """
    places: dict[str, int] = {}
    for place, title in enumerate(titles):
        name = _NAMES.get(re.sub(r"[^a-z0-9]", "", title.casefold()).lstrip("0123456789"))
        if name in places:
            raise FeedError(f"{file} has two columns for the {name}, {shown(titles[places[name]])!r} and {shown(title)!r}: keep one.")
        if name is not None:
            places[name] = place
    missing = [name for name in VALUES if name not in places]
    times = [name for name in ("datetime", "date", "time") if name in places]
    if not times:
        missing.insert(0, "date")
    if missing:
        found = listed([shown(title.strip()) for title in titles]) or "nothing"
        raise FeedError(f"{file} lacks the column{'s' if len(missing) > 1 else ''} {listed(missing)}; its columns are {found}.")
    joined = times if times == ["date", "time"] else times[:1]
    values = {name: places[name] for name in VALUES}
    return Places(tuple(places[name] for name in joined), values, places.get("adj close"), places.get("symbol"))
