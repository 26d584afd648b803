"""What a backtest's form is about before it runs: what the strategy's file says of itself, which bars there are, and what empty fields
come to. Nothing is fetched and no line of a strategy is run."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from console.backtest.entries import ENTRIES, Mistake, read
from console.backtest.report import costs_of, latency_of, limits_of
from engine.feeds.base import FeedError
from engine.feeds.names import is_fetched, is_named, source_path
from engine.model.settings import Settings
from engine.strategies.loader import ready_made
from engine.strategies.params import StrategyError, Value
from engine.strategies.parse import parsed

if TYPE_CHECKING:
    from console.backtest.job import Job
    from engine.backtest.data import Data
    from engine.backtest.profile import Profile
    from engine.strategies.analysis import Requirements

MOST_BYTES = 5_000_000
"""Of files of bars that are looked into while somebody types: more takes seconds."""
POINTS = 400
"""Of a symbol's closes that are kept to be drawn."""


class Given(Struct, frozen=True):
    """A parameter of the strategy: what it is run with, its default, and what it may be."""

    name: str
    value: str
    default: str
    allowed: str


class Held(Struct, frozen=True):
    """A symbol's bars: of these the days that are played, how many lie before them to warm up, and how the close went."""

    symbol: str
    first: date
    last: date
    bars: int
    before: int
    opened: float
    closed: float
    at: Sequence[int] = ()
    closes: Sequence[float] = ()


class AtHand(Struct, frozen=True):
    """`missing` says what is not right yet in which field, `told` is the strategy's own description. Of bars that are not here
    `data_told` says why, and of those that are what is the matter with them."""

    missing: str = ""
    strategy: str = ""
    told: str = ""
    needs: tuple[tuple[str, str], ...] = ()
    params: tuple[Given, ...] = ()
    data: str = ""
    held: tuple[Held, ...] = ()
    data_told: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()


def look(texts: Mapping[str, str], settings: Settings) -> AtHand:
    """What there is for these fields. Reads files: it is not for the screen's thread."""
    job = read(texts, settings)
    if isinstance(job, Mistake):
        label = next(entry.label for entry in ENTRIES if entry.name == job.field)
        return AtHand(missing=f"{label}: {job.message}")
    try:
        strategy = _strategy(job)
    except StrategyError as error:
        return AtHand(missing=f"Strategy: {error}")
    data, held, data_told = _data(job)
    needs, told, params = strategy
    return AtHand("", needs.name, told, _needs(needs, job.profile.strategies[0].file), params, data, held, data_told, _terms(job.profile))


# ---- the strategy


def _strategy(job: Job) -> tuple[Requirements, str, tuple[Given, ...]]:
    from engine.strategies.analysis import analyse

    chosen = job.profile.strategies[0]
    needs = analyse(chosen.file, chosen.params)
    return needs, _described(needs), tuple(_params(needs, chosen.params))


def _described(needs: Requirements) -> str:
    """The first paragraph of what its file says of it, else of the file."""
    tree = parsed(needs.path.read_bytes())
    bodies = (node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == needs.name)
    own = next((ast.get_docstring(node) for node in bodies), None)
    return " ".join((own or ast.get_docstring(tree) or "").partition("\n\n")[0].split())


def _params(needs: Requirements, given: Mapping[str, Value]) -> list[Given]:
    params = needs.params or {}
    declared = [Given(name, str(given.get(name, param.default)), str(param.default), param.allowed()) for name, param in params.items()]
    return [*declared, *(Given(name, str(value), "-", "the strategy's own") for name, value in given.items() if name not in params)]


def _needs(needs: Requirements, named: str) -> tuple[tuple[str, str], ...]:
    pairs = [
        ("sends", ", ".join(needs.orders)),
        *((name, str(value)) for name, value in needs.settings.items()),
        *(("look at", f"{doubt}.") for doubt in needs.doubts),
        ("file", "comes with the console" if named in ready_made() else str(needs.path)),
    ]
    return tuple((name, value) for name, value in pairs if value)


# ---- the bars


def _data(job: Job) -> tuple[str, tuple[Held, ...], tuple[str, ...]]:
    """What they are called, what there is of each symbol, and sentences about them."""
    source = job.feed.source
    if is_fetched(source):
        kept = _kept(source, job.symbols)
        return source, (), (*kept, "What is missing of the days is fetched when it runs, and kept.")
    try:
        if not is_named(source) and (size := _size(source_path(source))) > MOST_BYTES:
            return source, (), (f"{size / 1e6:,.0f} MB of files: they are looked into when it runs.",)
        data = job.open()
    except (FeedError, OSError) as error:
        return source, (), (str(error),)
    played = data.played()
    return data.name, tuple(_held(data, symbol) for symbol in played), data.problems


def _kept(source: str, symbols: Sequence[str]) -> list[str]:
    from engine.feeds.cache import BarCache, cache_folder

    held = [each for each in BarCache(cache_folder()).held() if each.series.source == source]
    found = [
        f"{each.series.symbol}: {each.bars:,} bars of {each.series.timeframe} are kept, {each.first} to {each.last}."
        for each in held
        if not symbols or each.series.symbol in symbols
    ]
    return found or [f"Nothing of {source} is kept yet for these symbols."]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(file.stat().st_size for file in path.iterdir() if file.is_file())


def _held(data: Data, symbol: str) -> Held:
    series = data.played()[symbol]
    columns, count, day_of = series.columns, len(series), data.calendar.day_of
    step = max(1, -(-count // POINTS))
    places = [*range(0, count - 1, step), count - 1]
    return Held(
        symbol,
        day_of(int(columns.at[0])),
        day_of(int(columns.at[-1])),
        count,
        len(data.bars[symbol]) - count,
        float(columns.close[0]),
        float(columns.close[-1]),
        columns.at[places].tolist(),
        columns.close[places].tolist(),
    )


# ---- what empty fields come to


def _terms(profile: Profile) -> tuple[tuple[str, str], ...]:
    commission, slippage = costs_of(profile)
    return (
        ("size", f"{profile.strategies[0].size_pct:f} % of equity where the strategy names no quantity"),
        ("commission", commission),
        ("slippage", slippage),
        ("latency", latency_of(profile) or f"{profile.paper.latency_ms:g} ms, paper's"),
        ("volume cap", f"{profile.paper.volume_cap_pct:g} % of a bar"),
        ("limits", ", ".join(f"{key} {value}" for key, value in limits_of(profile).items()) or "none"),
        ("fills at", "the next bar's open" if profile.fill == "next_open" else "the next bar's close"),
    )
