"""Reads the text of a CSV file of bars: its encoding, delimiter and columns. What the rows are worth is for `table` to judge."""

from __future__ import annotations

import codecs
import csv
import gzip
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

from engine.feeds import table
from engine.feeds.base import FeedError
from engine.feeds.names import shown
from engine.feeds.plain_csv import read_plain
from engine.feeds.table import RawTable, frame_of
from engine.feeds.titles import Places, find_columns

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DELIMITERS = ",;\t"
_HEAD = 1 << 16
_ODD = "\ufffd".encode()


def csv_columns(path: Path) -> Places:
    """Where the columns stand, read from the first line alone. Raises FeedError."""
    return _header(shown(path.name), _text(path, _HEAD).partition(b"\n")[0])[2]


def read_csv(path: Path) -> RawTable:
    """All rows of the file at `path`, which may be gzipped, each with its line in the file, header included.

    The text is UTF-8, or what its byte order mark says; the delimiter is the comma, semicolon or tab that the first line has most of.
    Raises FeedError where it cannot be read or lacks a column.
    """
    file = shown(path.name)
    first, _, body = _text(path).partition(b"\n")
    delimiter, width, places = _header(file, first)
    plain = read_plain(body, delimiter, width, places)
    if plain is not None:
        return RawTable(file, "line", *plain)
    import pandas as pd  # type: ignore[import-untyped]

    body = _without_odd_quotes(body)
    # Our own first line has one title more than the file's, so that a row with too many fields is seen, and not cut short.
    titles = delimiter.join(map(str, range(width + 1))).encode() + b"\n"
    # A time of day like 093000 is no number. Elsewhere pandas decides: text costs twice as much where it is asked for.
    kinds = dict.fromkeys(map(str, places.time), "str") if len(places.time) > 1 else {}
    if places.symbol is not None:
        kinds[str(places.symbol)] = "category"

    def parsed() -> Any:
        return pd.read_csv(
            BytesIO(titles + body),
            sep=delimiter,
            index_col=False,
            usecols=[str(place) for place in sorted({*places.all(), width})],
            dtype=kinds,
            na_filter=False,
            skip_blank_lines=False,
            skipinitialspace=True,
            low_memory=False,
        )

    try:
        cells = parsed()
        if places.symbol is not None and cells[str(places.symbol)].cat.categories.dtype.kind in "biuf":
            # pandas took them all for numbers, but 000001 is not 1.
            kinds[str(places.symbol)] = "str"
            cells = parsed()
    except pd.errors.ParserError as error:
        raise FeedError(f"{file} cannot be read as CSV: {shown(str(error))}.") from error
    if len(cells) != body.count(b"\n") + (not body.endswith(b"\n") and body != b""):
        raise FeedError(f'{file} cannot be read as CSV: its quotation marks (") do not pair.')
    frame = frame_of(cells.rename(columns=int), places)
    frame["surplus"] = cells[str(width)]
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    return RawTable(file, "line", frame)


def _text(path: Path, most: int | None = None) -> bytes:
    """The file's text in UTF-8 without a mark, its lines ended by a single newline; of a long one the first `most` bytes."""
    try:
        with gzip.open(path) if path.suffix.casefold() == ".gz" else path.open("rb") as file:
            data = file.read(table.MOST_BYTES + 1 if most is None else most)
    except FileNotFoundError as error:
        raise FeedError(f"There is no file {shown(str(path))}.") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FeedError(f"{shown(path.name)} cannot be unpacked: {shown(str(error))}.") from error
    except OSError as error:
        raise FeedError(f"{shown(str(path))} cannot be read: {error.strerror}.") from error
    if len(data) > table.MOST_BYTES:
        raise table.too_long(shown(path.name))
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            data = data[len(mark) :].decode(encoding, errors="replace").encode()
    try:
        data.decode()
    except UnicodeDecodeError:
        data = data.decode(errors="replace").encode()
    # A NUL would end a field early.
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\0", _ODD)


def _header(file: str, line: bytes) -> tuple[str, int, Places]:
    """The delimiter, how many columns there are, and where those of a bar stand."""
    text = line.decode(errors="replace")
    delimiter = max(_DELIMITERS, key=text.count)
    try:
        titles = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error as error:
        raise FeedError(f"{file} cannot be read as CSV: {shown(str(error))}.") from error
    return delimiter, len(titles), find_columns(file, titles)


def _without_odd_quotes(body: bytes) -> bytes:
    """A quote that its line does not close spoils that line, not all that follow."""
    if b'"' not in body:
        return body
    return b"\n".join(line.replace(b'"', _ODD) if line.count(b'"') % 2 else line for line in body.split(b"\n"))
