"""The word `data` of the command line: fetches bars into the cache, lists what is there, looks through it, and takes it out again."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from console.backtest.command import FAILED, INTERRUPTED, Progress, print_line, reading
from console.backtest.terms import read_day, read_granularity, read_symbols
from console.config import ConfigError, load
from console.deleting import WORD, typed_to_delete
from console.options import Options, end, say

if TYPE_CHECKING:
    from engine.feeds.actions import Action
    from engine.feeds.cache import BarCache, Held
    from engine.feeds.cached import CachedHistory

FOUND, KEPT = 1, 3
_MOST = 20
"""Sentences about one series that are told."""
_USUAL_DAYS = {"1d": 3_652, "1h": 365, "15m": 55, "5m": 55, "1m": 28, "1s": 1}
"""How far back is fetched where nobody says from when."""
_JSON = "For a program: everything, as JSON on standard output."


def data(arguments: Sequence[str]) -> int:
    """Answers the exit code. Raises SystemExit with code 2 where the command or the config is wrong.

    0: done. 1: something could not be got, kept or read, or `check` found something. 3: the word that deletes was not given. 130: Ctrl+C
    ended it; what was fetched until then is kept.
    """
    given = _options().parse_args(arguments)
    from engine.feeds.base import FeedError
    from engine.feeds.cache import BarCache, cache_folder

    cache = BarCache(cache_folder())
    try:
        match given.word:
            case "fetch":
                return _fetch(given)
            case "check":
                return _check(cache, given)
            case "delete":
                return _delete(cache, given)
            case _:
                return _list(cache, given)
    except FeedError as error:
        say(str(error))
        return FAILED


def _options() -> Options:
    options = Options(
        prog="tradeconsole data",
        description="Bars that were fetched and are kept on this machine. Without a word, lists them.",
        epilog=(data.__doc__ or "").split("\n\n")[1].replace("    ", " ").strip(),
        allow_abbrev=False,
    )
    words = options.add_subparsers(dest="word", metavar="fetch|list|check|delete")
    for name, does in (
        ("fetch", "Fetches what is not there yet."),
        ("list", "What is there: which days, how many bars, how large, and when it was fetched."),
        ("check", "Looks for days that are missing, bars that cannot be, and splits that nobody told."),
        ("delete", f"Takes some out, once the word {WORD} is typed."),
    ):
        word = words.add_parser(name, help=does, description=does, allow_abbrev=False)
        add = word.add_argument
        if name == "list":
            add("--json", action="store_true", default=argparse.SUPPRESS, help=_JSON)
            continue
        few = "+" if name == "fetch" else "*"
        add("symbols", type=reading(read_symbols), nargs=few, metavar="SYMBOLS", help="AAPL,MSFT; without any, all that are there.")
        add(
            "--source",
            metavar="yahoo|ib|FILE",
            help="Who is asked: yahoo, alpaca, ib, an installed source, or a Python file with a `history`.",
        )
        add("--timeframe", type=reading(read_granularity), metavar="1d", help="Of the bars: 1m, 5m, 15m, 1h or 1d.")
        if name == "fetch":
            add("--from", dest="start", type=reading(read_day), metavar="YYYY-MM-DD", help="The first day.")
            add("--to", dest="end", type=reading(read_day), metavar="YYYY-MM-DD", help="The last day; without it, until now.")
            add("--adjusted", action="store_true", help="Restated for all later splits and dividends, instead of as they were traded.")
            add("--config", type=Path, metavar="FILE", help="The YAML file to read instead of your own.")
    options.add_argument("--json", action="store_true", help=_JSON)
    return options


# ---- fetch


def _fetch(given: argparse.Namespace) -> int:
    """One symbol after the other; what fails with one is said, and the others are fetched all the same."""
    from engine.feeds.base import FeedError
    from engine.feeds.names import PLAYED, is_fetched
    from engine.feeds.priced import priced
    from engine.feeds.sources import open_source, source_names

    try:
        config = load(given.config)
    except ConfigError as error:
        end(str(error))
    settings = config.feed
    name = given.source or (settings.source if is_fetched(settings.source) else "yahoo")
    if name in PLAYED or not is_fetched(name):
        end(f"--source {name}: that cannot be asked for bars. There are {', '.join(source_names())}, or a Python file with a `history`.")
    try:
        source = open_source(priced(replace(config, feed=replace(settings, source=name))), adjusted=given.adjusted or settings.adjusted)
    except FeedError as error:
        end(f"--source: {error}")
    timeframe = given.timeframe or settings.timeframe or "1d"
    last = given.end or datetime.now(UTC).astimezone(source.calendar.zone).date()
    first = given.start or last - timedelta(days=_USUAL_DAYS[timeframe])
    if first > last:
        end(f"--from {first} is after {f'--to {last}' if given.end else f'today, {last}'}.")
    try:
        return _fetch_each(given, source, timeframe, first, last)
    finally:
        source.close()


def _fetch_each(given: argparse.Namespace, source: CachedHistory, timeframe: str, first: date, last: date) -> int:
    from engine.feeds.base import FeedError
    from engine.feeds.history import PausedError

    shown = Progress()
    if sys.stderr.isatty():
        source.tell(shown.say)
    symbols = list(dict.fromkeys(symbol for symbols in given.symbols for symbol in symbols))
    failed = 0
    for number, symbol in enumerate(symbols, 1):

        def tell(done: int, total: int, symbol: str = symbol, number: int = number) -> None:
            if sys.stderr.isatty():
                shown.say(f"{symbol} ({number} of {len(symbols)}) from {source.history.name}: {done:,} of {total:,} days")

        try:
            told = source.bars(symbol, timeframe, first, last, progress=tell)
        except PausedError as error:
            shown.clear()
            say(f"{error} {len(symbols) - number + 1} of {len(symbols)} symbols were not fetched; what was is kept. Try again then.")
            return FAILED
        except FeedError as error:
            shown.clear()
            say(f"{symbol}: {error}")
            failed += 1
            continue
        except KeyboardInterrupt:
            shown.clear()
            say(f"Stopped by Ctrl+C at {symbol}. What was fetched until then is kept.")
            return INTERRUPTED
        shown.clear()
        day_of = source.calendar.day_of
        span = f"{day_of(told.bars[0].at)} to {day_of(told.bars[-1].at)}"
        print_line(f"{symbol}: {len(told.bars):,} bar{'' if len(told.bars) == 1 else 's'} of {timeframe}, {span}{_acts(told.actions)}")
        for problem in told.problems:
            print_line(f"  {problem}")
    if source.unkept:
        say("Not all of it is kept: make room for the cache, or give yourself the right to it, and fetch it again.")
    return FAILED if failed or source.unkept else 0


def _acts(actions: Sequence[Action]) -> str:
    counts = [(kind, sum(action.kind == kind for action in actions)) for kind in ("split", "dividend")]
    return "".join(f", {count:,} {kind}{'s' * (count > 1)}" for kind, count in counts if count)


# ---- list


def _list(cache: BarCache, given: argparse.Namespace) -> int:
    held = cache.held()
    if given.json:
        sys.stdout.write(json.dumps([_tree(each) for each in held], indent=1) + "\n")
    elif not held:
        print_line("Nothing is kept yet. `tradeconsole data fetch AAPL` fetches ten years of days from Yahoo.")
    else:
        for line in _listed(held):
            print_line(line)
        print_line(f"{sum(each.size for each in held) / 1e6:,.1f} MB of bars in {cache.path}")
    return 0


def _tree(held: Held) -> dict[str, object]:
    series = held.series
    return {
        **{name: getattr(series, name) for name in series.__struct_fields__},
        "first": held.first.isoformat(),
        "last": held.last.isoformat(),
        "days": held.days,
        "empty_days": held.empty,
        "bars": held.bars,
        "bytes": held.size,
        "fetched": list(held.fetched),
    }


def _listed(held: Sequence[Held]) -> Iterator[str]:
    from widgets.numbers import wall_time
    from widgets.text import clean, cut

    yield f"{'symbol':<12} {'bars':<4} {'source':<12} {'first':<10} {'last':<10} {'days':>6} {'bars':>9} {'MB':>6}  {'fetched':<16}"
    for each in held:
        series = each.series
        source = Path(series.source).name if series.source.endswith(".py") else series.source
        marks = [mark for mark, holds in (("adjusted", series.adjusted), (series.calendar, series.calendar != "XNYS")) if holds]
        yield (
            f"{clean(series.symbol):<12} {clean(series.timeframe):<4} {cut(clean(source), 12):<12} {each.first} {each.last} "
            f"{each.days:>6,} {each.bars:>9,} {each.size / 1e6:>6.1f}  {wall_time(each.fetched[1], '%Y-%m-%d %H:%M'):<16}"
            f"{'  ' if marks else ''}{clean(', '.join(marks))}"
        ).rstrip()


# ---- check, delete


def _check(cache: BarCache, given: argparse.Namespace) -> int:
    from engine.feeds.cache_check import look_through

    held = _chosen(cache, given)
    found = 0
    for each in held:
        sentences = list(look_through(cache, each))
        found += len(sentences)
        bars = f"{each.bars:,} bar{'' if each.bars == 1 else 's'}"
        print_line(f"{_name(each)}: {bars}, {each.first} to {each.last}{'' if sentences else ', nothing found'}")
        for sentence in sentences[:_MOST]:
            print_line(f"  {sentence}")
        if len(sentences) > _MOST:
            print_line(f"  and {len(sentences) - _MOST} more")
    return FOUND if found else 0


def _delete(cache: BarCache, given: argparse.Namespace) -> int:
    held = _chosen(cache, given)
    for line in _listed(held):
        print_line(line)
    if not typed_to_delete(len(held)):
        return KEPT
    cache.delete([each.series for each in held])
    print_line(f"{len(held)} deleted. What is needed of it again is fetched again.")
    return 0


def _chosen(cache: BarCache, given: argparse.Namespace) -> list[Held]:
    """Those that the options name; ends the process where there are none."""
    symbols = {symbol for symbols in given.symbols for symbol in symbols}
    source = str(Path(given.source).expanduser().resolve()) if (given.source or "").endswith(".py") else given.source
    held = [
        each
        for each in cache.held()
        if (not symbols or each.series.symbol in symbols)
        # Alpaca's two tapes are kept apart, and are both of alpaca.
        and (source is None or each.series.source == source or each.series.source.startswith(f"{source}-"))
        and given.timeframe in (None, each.series.timeframe)
    ]
    if not held or (missing := sorted(symbols - {each.series.symbol for each in held})):
        what = f"of {', '.join(missing if held else sorted(symbols))} " if symbols else ""
        end(f"No such bars {what}are kept. `tradeconsole data list` tells what is.")
    return held


def _name(held: Held) -> str:
    series = held.series
    return f"{series.symbol} {series.timeframe} from {series.source}{', adjusted' if series.adjusted else ''}"
