"""Bars from a file or from a folder of files, CSV and Parquet, one symbol or many in each."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise
from pathlib import Path

from engine.feeds.bar_columns import BarColumns, Columns
from engine.feeds.base import FeedError
from engine.feeds.names import as_symbol, check_known, is_symbol, shown
from engine.feeds.table import BarFile, Rules, read_table

_PARQUET = (".parquet", ".pq")
_TEXT = (".csv", ".tsv", ".txt")


def read_bars(path: Path, rules: Rules, wanted: Collection[str] = ()) -> BarFile:
    """All bars at `path`, or those of `wanted` symbols. In a folder, every file that is called .csv, .tsv, .txt (also with .gz after it),
    .parquet or .pq counts.

    Needed are the columns open, high, low, close, volume and a time (see `find_columns`). A column symbol tells symbols apart; without
    one the file's name is the symbol. Raises FeedError in words where nothing can be read, or where two files tell the same bars.
    """
    if not path.is_dir():
        if path.exists() and not path.is_file():  # a pipe or a device, which would be waited for without end
            raise FeedError(f"{shown(str(path))} is neither a file nor a folder of them.")
        read = _read_file(path, rules)
        check_known(shown(path.name), wanted, read.bars)
        return BarFile({symbol: read.bars[symbol] for symbol in wanted or read.bars}, read.problems)
    name = shown(path.resolve().name or str(path))
    parts: dict[str, list[tuple[str, BarColumns]]] = {}
    problems: list[str] = []
    others: list[str] = []
    for file in _files_in(path, name):
        symbol = _symbol_in(file)
        if wanted and symbol and symbol not in wanted:
            others.append(symbol)
            continue
        read = _read_file(file, rules)
        problems += read.problems
        for held, bars in read.bars.items():
            parts.setdefault(held, []).append((shown(file.name), bars))
    check_known(name, wanted, [*parts, *others])
    return BarFile({symbol: _joined(symbol, parts[symbol]) for symbol in wanted or parts}, tuple(problems))


def symbols_at(path: Path, rules: Rules) -> list[str]:
    """All symbols at `path`. A file whose rows name them is read for it. Raises FeedError as `read_bars` does."""
    found: list[str] = []
    for file in _files_in(path, shown(path.resolve().name or str(path))) if path.is_dir() else (path,):
        symbol = _symbol_in(file)
        found += [symbol] if symbol else _read_file(file, rules).bars
    return list(dict.fromkeys(found))


def _files_in(path: Path, name: str) -> list[Path]:
    try:
        files = sorted(file for file in path.iterdir() if _stem(file) and not file.name.startswith(".") and file.is_file())
    except OSError as error:
        raise FeedError(f"The folder {name} cannot be read: {error.strerror}.") from error
    if not files:
        raise FeedError(f"The folder {name} has no file of bars: put .csv, .csv.gz or .parquet files there.")
    return files


def _read_file(path: Path, rules: Rules) -> BarFile:
    symbol = _symbol_in(path) or ""
    if path.suffix.casefold() in _PARQUET:
        from engine.feeds.parquet_bars import read_parquet

        return read_table(read_parquet(path), symbol, rules)
    from engine.feeds.csv_bars import read_csv

    return read_table(read_csv(path), symbol, rules)


def _symbol_in(path: Path) -> str | None:
    """The symbol that the file's name says, None where a column of its own does. Raises FeedError where neither does."""
    if path.suffix.casefold() in _PARQUET:
        from engine.feeds.parquet_bars import parquet_columns as columns
    else:
        from engine.feeds.csv_bars import csv_columns as columns
    if columns(path).symbol is not None:
        return None
    symbol = as_symbol(_stem(path) or path.name)
    if not is_symbol(symbol):
        raise FeedError(f"{shown(path.name)} has no symbol column, and its name is not a symbol: call it AAPL.csv, say, or add the column.")
    return symbol


def _stem(path: Path) -> str | None:
    """The name without what tells its kind; None where that is not a kind we read."""
    name = path.name[:-3] if path.suffix.casefold() == ".gz" else path.name
    kinds = _TEXT if name != path.name else (*_TEXT, *_PARQUET)
    return next((name[: -len(kind)] for kind in kinds if name.casefold().endswith(kind)), None)


def _joined(symbol: str, parts: list[tuple[str, BarColumns]]) -> BarColumns:
    """One symbol's bars from several files, of which none may reach into another."""
    if len(parts) == 1:
        return parts[0][1]
    import numpy as np

    parts = sorted(parts, key=lambda part: part[1].columns.at[0])
    for (file, bars), (next_file, later) in pairwise(parts):
        if bars.columns.at[-1] >= later.columns.at[0]:
            raise FeedError(f"{file} and {next_file} both have bars of {symbol} from the same time: keep them in one of the two.")
    return BarColumns(symbol, Columns(*(np.concatenate(columns) for columns in zip(*(bars.columns for _, bars in parts), strict=True))))
