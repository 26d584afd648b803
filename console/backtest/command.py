"""The word `backtest` of the command line: what it takes, and how its run ends."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from console.config import ConfigError, guess, load, read
from console.options import Options, end, say
from engine.model.ranges import hints, parse
from engine.model.settings import CommissionSettings, FeedSettings, PaperSettings, Settings, SlippageSettings, StrategySettings, Symbol

if TYPE_CHECKING:
    from engine.backtest.profile import Profile
    from engine.backtest.result import Result

FAILED, INTERRUPTED = 1, 130
_EVERY_S = 0.1


def backtest(arguments: Sequence[str]) -> int:
    """Runs a strategy over past bars and prints what came of it; answers the exit code. Raises SystemExit with code 2 where the command,
    the config, the strategy or the data is wrong, and nothing was run.

    0: it ran to the end. 1: the strategy failed on the way, or a file could not be written. 130: Ctrl+C ended it.
    """
    given = _options().parse_args(arguments)
    settings, profile = _settings(given)
    from console.backtest.export import write_csv, write_json
    from console.backtest.report import report
    from engine.backtest.errors import BacktestError

    shown = _Progress()
    try:
        result = _run(settings, profile, given, shown)
        shown.clear()
        for line in report(result):
            _print(line)
        if given.json is not None:
            write_json(result, given.json)
        if given.csv is not None:
            write_csv(result, given.csv)
    except BacktestError as error:
        shown.clear()
        say(f"{error} The run ended there, and nothing was written.")
        return FAILED
    except BrokenPipeError:
        return 0
    except OSError as error:
        say(f"{error.filename or 'a file'} cannot be written ({error.strerror}). The run itself went to its end.")
        return FAILED
    except KeyboardInterrupt:
        shown.clear()
        say(f"Stopped by Ctrl+C{shown.where()}. Nothing was written.")
        return INTERRUPTED
    return 0


def _run(settings: Settings, profile: Profile, given: argparse.Namespace, shown: _Progress) -> Result:
    from engine.backtest.data import open_data
    from engine.backtest.runner import run
    from engine.feeds.base import FeedError

    try:
        data = open_data(settings.feed, given.symbols or ()).between(given.start, given.end)
    except FeedError as error:
        end(str(error))
    return run(data, profile, shown if sys.stderr.isatty() else None)


def _options() -> Options:
    paper, commission, slippage = hints(PaperSettings), hints(CommissionSettings), hints(SlippageSettings)
    options = Options(
        prog="tradeconsole backtest",
        description="Runs a strategy over past bars, by the same gate, orders and matching as on paper, and says what came of it.",
        epilog=(backtest.__doc__ or "").split("\n\n")[1].replace("    ", " ").strip()
        + " What no option says, the sections feed, paper, margin and strategies of your config do.",
        allow_abbrev=False,
    )
    add = options.add_argument
    add("strategy", metavar="STRATEGY", help="A ready-made strategy, or a file.")
    add("--data", default="sample", metavar="sample|FILE", help="Bars: the bundled sample (the default), a file, or a folder of files.")
    add("--symbols", type=_symbols, metavar="A,B", help="What it trades; without it, all that the data has.")
    add("--from", dest="start", type=_day, metavar="YYYY-MM-DD", help="The first day to trade; what lies before warms it up.")
    add("--to", dest="end", type=_day, metavar="YYYY-MM-DD", help="The last day.")
    add("--cash", type=_as(paper["cash"]), metavar="N", help="What the account begins with.")
    add("--commission", type=_as(commission["rate"]), metavar="PCT", help="Of the traded value, without a minimum.")
    add("--slippage", type=_as(slippage["bps"]), metavar="BPS", help="In hundredths of a per cent of the price.")
    add("--volume-cap", type=_as(paper["volume_cap_pct"]), metavar="PCT", help="Of a bar's volume: the most that all orders take of it.")
    add("--fill", choices=("next_open", "close"), default="next_open", help="Where in the next bar a market order fills.")
    add("--set", action="append", default=[], type=_assignment, metavar="PARAM=VALUE", help="A parameter; may be given several times.")
    add("--limits", type=Path, metavar="FILE", help="A YAML config whose section limits holds; without it there are none.")
    add("--config", type=Path, metavar="FILE", help="The YAML file to read instead of your own.")
    add("--json", type=Path, metavar="FILE", help="Write everything there, the same bytes for the same run.")
    add("--csv", type=Path, metavar="FOLDER", help="Write trades, fills, equity and months there.")
    return options


def _settings(given: argparse.Namespace) -> tuple[Settings, Profile]:
    """What the config says, under what the options do. Ends the process where something is wrong."""
    from engine.backtest.profile import Profile
    from engine.strategies.loader import check
    from engine.strategies.names import unknown_names
    from engine.strategies.params import StrategyError

    try:
        settings = load(given.config)
        limits = None if given.limits is None else read(given.limits).limits
    except ConfigError as error:
        end(str(error))
    configured = {strategy.file: strategy for strategy in settings.strategies}
    strategy = configured.get(given.strategy, StrategySettings(given.strategy))
    strategy = replace(strategy, params={**strategy.params, **dict(given.set)}, symbols=given.symbols or ())
    try:
        check(strategy.file, strategy.params)
    except StrategyError as error:
        end(str(error))
    paper = settings.paper
    if given.cash is not None:
        paper = replace(paper, cash=given.cash)
    if given.commission is not None:
        paper = replace(paper, commission=CommissionSettings("per_cent", rate=given.commission, minimum=given.commission * 0))
    if given.slippage is not None:
        paper = replace(paper, slippage=SlippageSettings("basis_points", bps=given.slippage))
    if given.volume_cap is not None:
        paper = replace(paper, volume_cap_pct=given.volume_cap)
    feed = replace(settings.feed, source=given.data)
    settings = replace(settings, feed=feed, paper=paper, strategies=(strategy,), symbols=given.symbols or ())
    if limits is not None and (
        wrong := [f"{key}: {why}" for key, why in unknown_names(replace(settings, limits=limits)) if "limits" in key]
    ):
        end(f"{given.limits}: {'; '.join(wrong)}")
    return settings, Profile((strategy,), paper, settings.margin, limits, given.fill)


def _as(hint: Any) -> Callable[[str], Any]:
    def value(text: str) -> Any:
        try:
            return parse(hint, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed. Give {error}") from None

    return value


def _symbols(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_as(Symbol)(symbol) for symbol in text.split(",")))


def _day(text: str) -> date:
    _as(hints(FeedSettings)["start"])(text)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("it is empty. Give a day as YYYY-MM-DD") from None


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (equals and name.isidentifier()):
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed. Give PARAM=VALUE, fast=20 for example")
    return name, guess(value)


def _print(line: str) -> None:
    from widgets.text import clean

    sys.stdout.write(f"{clean(line)}\n")


class _Progress:
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
            sys.stderr.write(f"\r{done / total:4.0%} of {total:,} bars ")
            sys.stderr.flush()

    def where(self) -> str:
        return f" after {self._done:,} of {self._total:,} bars" if self._total else ""

    def clear(self) -> None:
        if self._drawn:
            self._drawn = False
            with suppress(OSError):
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
