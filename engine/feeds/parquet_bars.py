"""Reads a Parquet file of bars. pyarrow, which can, is an extra: `tradeconsole[parquet]`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.feeds import table
from engine.feeds.base import FeedError
from engine.feeds.names import shown
from engine.feeds.table import RawTable, frame_of
from engine.feeds.titles import Places, find_columns

_MOST_ROWS = 20_000_000
"""Of one file. Rows that repeat themselves take next to no room until they are read."""


def parquet_columns(path: Path) -> Places:
    """Where the columns stand, read from the file's footer alone. Raises FeedError."""
    with _opened(path) as file:
        return find_columns(shown(path.name), file.schema_arrow.names)


def read_parquet(path: Path) -> RawTable:
    """All rows of the file at `path`, each with its number, from 1. Raises FeedError where it cannot be read or lacks a column."""
    import pandas as pd  # type: ignore[import-untyped]

    with _opened(path) as file:
        titles = file.schema_arrow.names
        places = find_columns(shown(path.name), titles)
        groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
        if file.metadata.num_rows > _MOST_ROWS or sum(group.total_byte_size for group in groups) > table.MOST_BYTES:
            raise table.too_long(shown(path.name))
        columns = file.read(columns=[titles[place] for place in places.all()])
        cells = pd.DataFrame({place: _cells(columns.column(titles[place])) for place in places.all()})
    frame = frame_of(cells, places)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return RawTable(shown(path.name), "row", frame)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file, whose errors are said in words while it is looked at."""
    try:
        from pyarrow import ArrowException, parquet  # type: ignore[import-untyped]
    except ImportError as error:
        raise FeedError(
            f"{shown(path.name)} is read by pyarrow, and that is not installed: run pip install 'tradeconsole[parquet]'."
        ) from error
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except FileNotFoundError as error:
        raise FeedError(f"There is no file {shown(str(path))}.") from error
    except (OSError, ValueError, KeyError, ArrowException) as error:  # a KeyError is for a time zone that nobody knows
        raise FeedError(f"{shown(path.name)} cannot be read as Parquet: {shown(str(error)).rstrip('.')}.") from error


def _cells(column: Any) -> Any:
    """The column as pandas has it, with dates and times of day as text and decimals as floats."""
    from pyarrow import types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if types.is_string(column.type) or types.is_large_string(column.type):
        column.validate(full=True)  # Bytes that are no UTF-8 would be found out much later, in somebody else's words.
    if types.is_date(column.type) or types.is_time(column.type):
        column = column.cast("string")
    if types.is_decimal(column.type):
        column = column.cast("float64")
    return column.to_pandas()
