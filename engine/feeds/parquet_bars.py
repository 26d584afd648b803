"""Reads a Parquet file of bars. pyarrow, which can, is an extra: `tradeconsole[parquet]`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.feeds.base import FeedError
from engine.feeds.names import shown
from engine.feeds.table import RawTable, frame_of
from engine.feeds.titles import Places, find_columns


def parquet_columns(path: Path) -> Places:
    """Where the columns stand, read from the file's footer alone. Raises FeedError."""
    with _opened(path) as file:
        return find_columns(shown(path.name), file.schema_arrow.names)


def read_parquet(path: Path) -> RawTable:
    """All rows of the file at `path`, each with its number, from 1. Raises FeedError where it cannot be read or lacks a column."""
    import pandas as pd  # type: ignore[import-untyped]

    with _opened(path) as file:
        places = find_columns(shown(path.name), file.schema_arrow.names)
        titles = file.schema_arrow.names
        try:
            table = file.read(columns=[titles[place] for place in places.all()])
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from error
    cells = pd.DataFrame({place: _cells(table.column(titles[place])) for place in places.all()})
    frame = frame_of(cells, places)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return RawTable(shown(path.name), "row", frame)


def _opened(path: Path) -> Any:
    try:
        from pyarrow import parquet  # type: ignore[import-untyped]
    except ImportError as error:
        raise FeedError(
            f"{shown(path.name)} is read by pyarrow, and that is not installed: run pip install 'tradeconsole[parquet]'."
        ) from error
    try:
        return parquet.ParquetFile(path)
    except FileNotFoundError as error:
        raise FeedError(f"There is no file {shown(str(path))}.") from error
    except (OSError, ValueError) as error:  # pyarrow's own errors are among the latter
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> FeedError:
    return FeedError(f"{shown(path.name)} cannot be read as Parquet: {shown(str(error)).rstrip('.')}.")


def _cells(column: Any) -> Any:
    """The column as pandas has it, with dates and times of day as text and decimals as floats."""
    from pyarrow import types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if types.is_date(column.type) or types.is_time(column.type):
        column = column.cast("string")
    if types.is_decimal(column.type):
        column = column.cast("float64")
    return column.to_pandas()
