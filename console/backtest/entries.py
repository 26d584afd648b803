"""The fields of a backtest's form: what each is, what is known to stand in it, and what all of them mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from console.backtest.terms import (
    FILLS,
    Terms,
    job_of,
    misnamed,
    read_assignment,
    read_commission,
    read_day,
    read_latency,
    read_limits,
    read_symbols,
)
from console.config import ConfigError, folders
from engine.model.ranges import hints, parse
from engine.model.settings import PaperSettings, Settings, SlippageSettings

if TYPE_CHECKING:
    from console.backtest.job import Job

MOST_FILES = 60
"""Files that are looked into for a strategy."""


class Entry(Struct, frozen=True):
    """A field. `options` are all it may be, where these are few; `several` takes words with a comma between."""

    name: str
    label: str
    about: str
    options: tuple[str, ...] = ()
    several: bool = False


ENTRIES = (
    Entry("strategy", "Strategy", "a ready-made one, or a file"),
    Entry("params", "Parameters", "fast=5 slow=20; empty for the strategy's own"),
    Entry("symbols", "Symbols", "AAPL,MSFT; empty for all that the data has", several=True),
    Entry("start", "From", "YYYY-MM-DD; what lies before warms it up"),
    Entry("end", "To", "YYYY-MM-DD, the last day"),
    Entry("data", "Data", "sample, a file of bars, or a folder of them"),
    Entry("cash", "Cash", "what the account begins with"),
    Entry("commission", "Commission %", "of the traded value; empty as the config says"),
    Entry("slippage", "Slippage bp", "in hundredths of a per cent; empty as the config says"),
    Entry("volume_cap", "Volume cap %", "of a bar's volume, for all orders"),
    Entry("latency", "Latency", "until it is at the market: 250ms, 30s, 2bars; empty as the config says"),
    Entry("limits", "Limits", "a config whose section limits holds; empty for none"),
    Entry("fill", "Fills at", "where in the next bar a market order fills", options=FILLS),
)


class Mistake(Struct, frozen=True):
    """What is wrong in `field`."""

    field: str
    message: str


def explained(settings: Settings) -> dict[str, str]:
    """What stands in the fields at first."""
    strategy = settings.strategies[0] if settings.strategies else None
    return {
        "strategy": strategy.file if strategy else "sma_cross",
        "data": "sample" if settings.feed.source == "sim" else settings.feed.source,
        "cash": f"{settings.paper.cash:f}",
        "volume_cap": f"{settings.paper.volume_cap_pct:g}",
        "fill": FILLS[0],
    }


def read(texts: Mapping[str, str], settings: Settings) -> Job | Mistake:
    """What the fields mean together. Reads the strategy's file, so it is not for the screen's thread."""
    from engine.strategies.loader import check
    from engine.strategies.params import StrategyError

    values: dict[str, Any] = {}
    for name, reader in _READERS.items():
        text = texts.get(name, "").strip()
        if not text:
            continue
        try:
            values[name] = reader(text)
        except ValueError as error:
            return Mistake(name, f"{text!r} is not allowed. Give {error}.")
        except ConfigError as error:
            return Mistake(name, str(error))
    strategy = texts.get("strategy", "").strip()
    if not strategy:
        return Mistake("strategy", "Name a strategy: sma_cross, or the path of your file.")
    if values.get("start") and values.get("end") and values["start"] > values["end"]:
        return Mistake("end", "This day is before the first.")
    try:
        check(strategy, {})
    except StrategyError as error:
        return Mistake("strategy", str(error))
    try:
        job = job_of(Terms(strategy, **values), settings)
    except StrategyError as error:
        return Mistake("params", str(error))
    wrong = misnamed(job, settings)
    return Mistake("limits", f"{texts['limits'].strip()}: {wrong}") if wrong else job


def _assignments(text: str) -> dict[str, Any]:
    return dict(read_assignment(word) for word in text.replace(",", " ").split())


def _as(owner: type, name: str) -> Callable[[str], Any]:
    return lambda text: parse(hints(owner)[name], text.replace(",", ""))


_READERS: Mapping[str, Callable[[str], Any]] = {
    "params": _assignments,
    "symbols": read_symbols,
    "start": read_day,
    "end": read_day,
    "data": str,
    "cash": _as(PaperSettings, "cash"),
    "commission": read_commission,
    "slippage": _as(SlippageSettings, "bps"),
    "volume_cap": _as(PaperSettings, "volume_cap_pct"),
    "latency": read_latency,
    "limits": read_limits,
    "fill": str,
}


# ---- what is known to stand there


def known(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The strategies that are found, the data and the symbols that are there. Looks into files: not for the screen's thread."""
    from engine.feeds.names import FETCHED, PLAYED
    from engine.feeds.sample_bars import SYMBOLS
    from engine.strategies.loader import ready_made

    configured = [strategy.file for strategy in settings.strategies]
    data = dict.fromkeys(["sample", *FETCHED, *([settings.feed.source] if settings.feed.source not in PLAYED else [])])
    return {
        "strategy": tuple(dict.fromkeys([*ready_made(), *configured, *_strategy_files()])),
        "data": tuple(data),
        "symbols": tuple(sorted({*SYMBOLS, *settings.symbols})),
    }


def _strategy_files() -> Iterator[str]:
    """Files that hold a strategy, here, in the folder `strategies`, and in that of the config."""
    from engine.strategies.loader import check
    from engine.strategies.params import StrategyError

    here = Path.cwd()
    looked = 0
    for folder in (here, here / "strategies", folders().config / "strategies"):
        try:
            files = sorted(folder.glob("*.py"))
        except OSError:
            continue
        for file in files:
            if looked == MOST_FILES:
                return
            looked += 1
            try:
                check(str(file), {})
            except StrategyError:
                continue
            yield str(file.relative_to(here) if file.is_relative_to(here) else file)


def completed(entry: Entry, text: str, words: tuple[str, ...]) -> str:
    """`text` with what all the words that begin like it go on with; the same where there is nothing to add."""
    head, comma, typed = text.rpartition(",") if entry.several else ("", "", text)
    if not typed:
        return text
    found = [word for word in words if word.lower().startswith(typed.lower())]
    if not found:
        return text
    return f"{head}{comma}{_in_common(found) or typed}"


def _in_common(words: Sequence[str]) -> str:
    """What all of them begin with."""
    shortest, last = min(words), max(words)
    same = next((place for place, letter in enumerate(shortest) if letter != last[place]), len(shortest))
    return shortest[:same]
