"""Reads a short CSV file of daily bars without pandas, whose import costs more than all else that is done with such a file.

Only where nothing in the text needs a judgement: a day written 2005-02-28 and plain decimals in every row. All else is for pandas.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final

from engine.feeds.stamps import DAY, NONE, YEARS, Stamps
from engine.feeds.titles import Places
from engine.model.money import LEAST_PRICE, MOST_PRICE

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BYTES: Final = 4_000_000
"""Of a longer text pandas makes up for its import."""
_CHARACTERS: Final = b"0123456789.-\n"
_LONGEST: Final = 16
"""Characters of a number: up to here pandas reads the same float from it as Python."""
_DATE: Final = len("2005-02-28")


class Texts(list[str]):
    """A column as it is written."""

    @property
    def iloc(self) -> Texts:
        return self


class PlainFrame:
    """What `table` asks of a frame."""

    def __init__(self, columns: dict[str, Any], first: int) -> None:
        """`first` is the number of the first row."""
        self._columns = columns
        self.index = range(first, first + len(columns["time"]))

    def __len__(self) -> int:
        return len(self.index)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]


def read_plain(body: bytes, delimiter: str, width: int, places: Places) -> tuple[PlainFrame, Stamps] | None:
    """The rows of `body`, in which each line has `width` fields, and the days they are of. None where anything is not as plain as that."""
    import numpy as np

    mark = delimiter.encode()
    if len(places.time) > 1 or places.symbol is not None or not body or len(body) > MOST_BYTES:
        return None
    if body.translate(None, _CHARACTERS + mark):
        return None
    lines = body.decode().removesuffix("\n").split("\n")
    if set(map(methodcaller("count", delimiter), lines)) != {width - 1}:
        return None
    cells = delimiter.join(lines).split(delimiter)
    dates = Texts(cells[places.time[0] :: width])
    wanted = dict(places.values) if places.adjusted is None else {**places.values, "adj close": places.adjusted}
    try:
        columns: dict[str, Any] = {"time": dates, **dict(_numbers(cells, width, wanted))}
        days: NDArray[np.int64] = np.array(dates, dtype="datetime64[D]").astype(np.int64)
    except ValueError:
        return None
    year = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    if set(map(len, dates)) != {_DATE} or year.min() < YEARS[0] or year.max() > YEARS[1]:
        return None
    adjusted = columns.get("adj close")
    if adjusted is not None and (adjusted.min() < LEAST_PRICE or adjusted.max() > MOST_PRICE):
        return None
    return PlainFrame(columns, 2), Stamps(days * DAY, np.full(len(days), NONE), np.ones(len(days), dtype=bool), year)


def _numbers(cells: list[str], width: int, wanted: dict[str, int]) -> Iterator[tuple[str, Any]]:
    """Raises ValueError where one is no number, or so long that it may be read in two ways."""
    import numpy as np

    for name, place in wanted.items():
        texts = cells[place::width]
        if max(map(len, texts)) > _LONGEST:
            raise ValueError(name)
        yield name, np.array(list(map(float, texts)))
