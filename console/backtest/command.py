"""The word `backtest` of the command line: what it takes, and how its run ends."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.backtest.terms import (
    FILLS,
    Terms,
    job_of,
    misnamed,
    read_assignment,
    read_commission,
    read_day,
    read_days,
    read_granularity,
    read_latency,
    read_limits,
    read_symbols,
)
from console.config import ConfigError, folders, load
from console.options import Options, end, say
from engine.model.ranges import hints, parse
from engine.model.settings import PaperSettings, SlippageSettings

if TYPE_CHECKING:
    from console.backtest.job import Job
    from console.backtest.kept import Finished

FAILED, INTERRUPTED = 1, 130
KEY = "B"
"""Opens the backtests in the console, unless the person gave it another key."""
_EVERY_S = 0.1


def backtest(arguments: Sequence[str]) -> int:
    """Runs a strategy over past bars and prints what came of it; answers the exit code. Raises SystemExit with code 2 where the command,
    the config, the strategy or the data is wrong, and nothing was run.

    0: it ran to the end. 1: the strategy failed on the way, or a file could not be written. 130: Ctrl+C ended it.
    """
    given = _options().parse_args(arguments)
    if given.replay and not sys.stdout.isatty():
        end("--replay opens the console: there is no terminal to draw on. Nothing was run.")
    job = _job(given)
    from console.backtest.kept import carry_out
    from console.backtest.report import report
    from engine.backtest.errors import BacktestError
    from engine.feeds.base import FeedError

    shown = Progress()
    try:
        finished = carry_out(job, *((shown, shown.say) if sys.stderr.isatty() else ()))
        shown.clear()
    except FeedError as error:
        shown.clear()
        end(str(error))
    except BacktestError as error:
        shown.clear()
        say(f"{error} The run ended there, and nothing was written.")
        return FAILED
    except KeyboardInterrupt:
        shown.clear()
        say(f"Stopped by Ctrl+C{shown.where()}. Nothing was written.")
        return INTERRUPTED
    # First it is safe, then it is told: whoever reads no more than its first lines still has the run.
    number, lacks, failed = _save(given, finished)
    with suppress(BrokenPipeError):
        for line in report(finished.summary):
            print_line(line)
        if number:
            print_line(f"Kept as #{number}: `tradeconsole backtests show {number}`, or {KEY} in the console.")
        sys.stdout.flush()
    for lack in (*lacks, *failed):
        say(lack)
    if failed:
        return FAILED
    if given.replay:
        from console.cli import run

        return run([*(["--config", str(given.config)] if given.config is not None else []), "--replay", str(number)])
    return 0


def _save(given: argparse.Namespace, finished: Finished) -> tuple[int, list[str], list[str]]:
    """Keeps the run and writes the files that were asked for: one that fails does not cost the others. Answers its number, 0 where it is
    not kept, and in sentences what it lacks and what failed."""
    from console.backtest.export import write_csv, write_json
    from console.backtest.kept import keep
    from storage.backtests import BacktestsError

    number, lack, failed = 0, "", []
    try:
        number, lack = keep(folders().backtests, finished)
    except BacktestsError as error:
        failed.append(f"{error} The run itself went to its end.")
    for path, write in ((given.json, write_json), (given.csv, write_csv)):
        if path is None:
            continue
        try:
            write(finished.result, path)
        except OSError as error:
            failed.append(f"{error.filename or path} cannot be written ({error.strerror}). The run itself went to its end.")
    return number, [lack] if lack else [], failed


def _options() -> Options:
    paper, slippage = hints(PaperSettings), hints(SlippageSettings)
    options = Options(
        prog="tradeconsole backtest",
        description="Runs a strategy over past bars, by the same gate, orders and matching as on paper, and says what came of it.",
        epilog=(backtest.__doc__ or "").split("\n\n")[1].replace("    ", " ").strip()
        + " What no option says, the sections feed, paper, margin and strategies of your config do.",
        allow_abbrev=False,
    )
    add = options.add_argument
    add("strategy", metavar="STRATEGY", help="A ready-made strategy, or a file.")
    add("--data", default="sample", metavar="sample|yahoo|FILE", help="Bars: the bundled sample (the default), Yahoo's, a file, a folder.")
    add("--symbols", type=reading(read_symbols), metavar="A,B", help="What it trades; without it, all that the data has.")
    add("--from", dest="start", type=reading(read_day), metavar="YYYY-MM-DD", help="The first day to trade; what lies before warms it up.")
    add("--to", dest="end", type=reading(read_day), metavar="YYYY-MM-DD", help="The last day.")
    add("--days", type=reading(read_days), metavar="N", help="Instead of --from: the last so many days before --to, or of the data.")
    add("--granularity", type=reading(read_granularity), metavar="1h", help="Of the bars: 1s, 1m, 5m, 15m, 1h or 1d, made of the data's.")
    add("--cash", type=_as(paper["cash"]), metavar="N", help="What the account begins with.")
    add("--commission", type=reading(read_commission), metavar="PCT", help="Of the traded value, without a minimum.")
    add("--slippage", type=_as(slippage["bps"]), metavar="BPS", help="In hundredths of a per cent of the price.")
    add("--latency", type=reading(read_latency), metavar="N", help="How long orders take to the market: 250ms, 30s or 2bars.")
    add("--volume-cap", type=_as(paper["volume_cap_pct"]), metavar="PCT", help="Of a bar's volume: the most that all orders take of it.")
    add("--fill", choices=FILLS, default="next_open", help="Where in the next bar a market order fills.")
    add(
        "--set",
        action="append",
        default=[],
        type=reading(read_assignment),
        metavar="PARAM=VALUE",
        help="A parameter; may be given several times.",
    )
    add("--limits", type=Path, metavar="FILE", help="A YAML config whose section limits holds; without it there are none.")
    add("--config", type=Path, metavar="FILE", help="The YAML file to read instead of your own.")
    add("--json", type=Path, metavar="FILE", help="Write everything there, the same bytes for the same run.")
    add("--csv", type=Path, metavar="FOLDER", help="Write trades, fills, equity and months there.")
    add("--replay", action="store_true", help="Open the console with its replay when the run has ended.")
    return options


def _job(given: argparse.Namespace) -> Job:
    """What the config says, under what the options do. Ends the process where something is wrong."""
    from engine.strategies.params import StrategyError

    if given.days and given.start:
        end("--days and --from both say where it begins: give one of them.")
    try:
        settings = load(given.config)
        limits = None if given.limits is None else read_limits(str(given.limits))
    except ConfigError as error:
        end(str(error))
    terms = Terms(
        given.strategy,
        given.data,
        given.symbols or (),
        given.start,
        given.end,
        given.cash,
        given.commission,
        given.slippage,
        given.volume_cap,
        given.fill,
        dict(given.set),
        limits,
        given.latency,
        given.days,
        given.granularity or "",
    )
    try:
        job = job_of(terms, settings)
    except StrategyError as error:
        end(str(error))
    if wrong := misnamed(job, settings):
        end(f"{given.limits}: {wrong}")
    return job


def _as(hint: Any) -> Callable[[str], Any]:
    return reading(lambda text: parse(hint, text))


def reading(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """For an option: what `read` answers, and where it raises ValueError, what is allowed."""

    def value(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed. Give {error}") from None

    return value


def print_line(line: str) -> None:
    """On standard output, whatever stands in it."""
    from widgets.text import clean

    sys.stdout.write(f"{clean(line)}\n")


class Progress:
    """How far the run is, on one line of standard error."""

    def __init__(self) -> None:
        self._done = self._total = 0
        self._due = 0.0
        self._drawn = False

    def __call__(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        if (now := time.monotonic()) >= self._due:
            self._due = now + _EVERY_S
            self._drawn = True
            sys.stderr.write(f"\r\x1b[K{done / total:4.0%} of {total:,} bars ")
            sys.stderr.flush()

    def say(self, text: str) -> None:
        """In its place."""
        from widgets.text import clean

        self._drawn = True
        sys.stderr.write(f"\r\x1b[K{clean(text)} ")
        sys.stderr.flush()

    def where(self) -> str:
        return f" after {self._done:,} of {self._total:,} bars" if self._total else ""

    def clear(self) -> None:
        if self._drawn:
            self._drawn = False
            with suppress(OSError):
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
