"""Opens the feed that the settings name: the simulated market, the bundled sample, or a CSV file of bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from engine.feeds.bars import BarFeed
from engine.feeds.base import FeedError
from engine.feeds.csv_bars import Problem, read_bars
from engine.feeds.names import check_symbols, listed, shown
from engine.feeds.simulated import SimulatedFeed
from engine.feeds.splits import adjust, read_splits
from engine.model.market import Bar
from engine.model.settings import FeedSettings

_SAMPLE = Path(__file__).parent / "sample"
_SAMPLE_SYMBOLS = ("AAPL", "MSFT", "IBM", "GOOG", "FB")
_WHOLE_SAMPLE = ("AAPL", "MSFT", "IBM")
"""Played where nobody named symbols: they trade from the sample's first day to its last, the other two start years into it."""
_PROBLEMS_TOLD = 20


def open_feed(settings: FeedSettings, symbols: Sequence[str] = ()) -> BarFeed | SimulatedFeed:
    """The feed named by `settings.source`, for `symbols`, or for its own choice of them where there are none.

    Raises FeedError in words: no such source or file, a file without a good bar, a symbol it does not have, a start that is no day.
    """
    if settings.source == "sim":
        return SimulatedFeed(symbols, settings, start=_start(settings))
    if settings.source == "sample":
        return sample_feed(symbols, settings)
    try:
        path = Path(settings.source).expanduser()
        there = path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long a name, a ~user who does not exist, a NUL
        raise FeedError(f"The feed {shown(settings.source)!r} cannot be opened: {shown(str(error))}.") from error
    if not there:
        raise FeedError(f"There is no feed {shown(settings.source)!r}, nor such a file: write sim, sample, or the path of a CSV file.")
    return csv_feed(path, symbols, settings)


def sample_feed(symbols: Sequence[str], settings: FeedSettings) -> BarFeed:
    """The bundled daily bars of AAPL, MSFT, IBM, GOOG and FB, adjusted for splits and not for dividends. Raises FeedError."""
    wanted = check_symbols(symbols) or _WHOLE_SAMPLE
    _check_known("The sample", wanted, _SAMPLE_SYMBOLS)
    splits = read_splits(_SAMPLE / "splits.csv")
    bars = {symbol: adjust(read_bars(_SAMPLE / f"{symbol}.csv").bars[symbol], splits) for symbol in wanted}
    return BarFeed("sample", bars, pace=settings.pace, start=_start(settings))


def csv_feed(path: Path, symbols: Sequence[str], settings: FeedSettings) -> BarFeed:
    """The bars of the CSV file at `path` (see `read_bars`), of all its symbols where none are asked for. Raises FeedError."""
    wanted = check_symbols(symbols)
    file = read_bars(path)
    name = shown(path.name)
    _check_known(name, wanted, tuple(file.bars))
    bars: Mapping[str, Sequence[Bar]] = {symbol: file.bars[symbol] for symbol in wanted or file.bars}
    return BarFeed(name, bars, pace=settings.pace, start=_start(settings), problems=_told(file.problems))


def _check_known(name: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    unknown = [symbol for symbol in wanted if symbol not in known]
    if unknown:
        raise FeedError(f"{name} has no {listed(unknown)}: it holds {listed(known)}.")


def _start(settings: FeedSettings) -> date | None:
    if not settings.start:
        return None
    try:
        return date.fromisoformat(settings.start)
    except ValueError:
        raise FeedError(f"The start {shown(settings.start)!r} is not a day: write it as YYYY-MM-DD, 2005-02-01 for example.") from None


def _told(problems: Sequence[Problem]) -> list[str]:
    """The first of them in full, the rest as a count: a file that is bad throughout must not bury the log."""
    lines = [str(problem) for problem in problems[:_PROBLEMS_TOLD]]
    if len(problems) > _PROBLEMS_TOLD:
        lines.append(f"{problems[0].file}: {len(problems) - _PROBLEMS_TOLD} more rows skipped, the last in line {problems[-1].line}")
    return lines
