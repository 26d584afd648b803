"""The word `check` of the command line: what a strategy needs, read without running it, and whether its decisions can be believed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.backtest.command import Progress, print_line, reading
from console.backtest.terms import Terms, job_of, read_assignment, read_day, read_symbols
from console.config import ConfigError, load
from console.engines.command import info_here
from console.engines.factory import EngineFactory
from console.options import Options, end, say
from engine.engine_types import EngineError

if TYPE_CHECKING:
    from console.backtest.job import Job
    from engine.backtest.data import Data
    from engine.backtest.honesty import Difference, Finding, Later, Told
    from engine.backtest.profile import Profile
    from engine.strategies.analysis import Requirements
    from engine.strategies.reads import Read, Reads

FOUND = 1
SHOWN = 10
TOLD = {
    "on_bar": "bars",
    "on_quote": "quotes",
    "on_update": "the time, every update_interval seconds",
    "on_fill": "its fills",
    "on_data": "a DataFrame of all bars so far",
    "generate_signals": "bars",
    "on_start": "",
    "on_stop": "",
}


def check(arguments: Sequence[str]) -> int:
    """Says what a strategy needs, without running it; with --lookahead and --warmup runs it over past bars, again and again.

    0: nothing was found. 1: something was, or the strategy failed on the way. 2: the command, the config, the strategy or the data is
    wrong.
    """
    from engine.strategies.analysis import analyse
    from engine.strategies.params import StrategyError

    given = _options().parse_args(arguments)
    try:
        job = job_of(
            Terms(given.strategy, given.data, given.symbols or (), given.start, given.end, params=dict(given.set)), load(given.config)
        )
        needs = analyse(given.strategy, job.profile.strategies[0].params)
    except (ConfigError, StrategyError) as error:
        end(str(error))
    for line in _needs_in_words(needs, given.config):
        print_line(line)
    return _run(given, job, needs) if given.lookahead or given.warmup else 0


def _options() -> Options:
    options = Options(
        prog="tradeconsole check",
        description="What a strategy needs, read without running it; and whether it looks ahead, or needs a longer warm-up.",
        allow_abbrev=False,
    )
    add = options.add_argument
    add("strategy", metavar="STRATEGY", help="A ready-made strategy, or a file.")
    add("--lookahead", action="store_true", help="Run it on data that end at its decisions: they must be the same.")
    add("--warmup", action="store_true", help="Run it from later days on: its decisions must be the same, however much lies before.")
    add("--data", default="sample", metavar="sample|yahoo|FILE", help="Bars: the bundled sample (the default), Yahoo's, a file, a folder.")
    add("--symbols", type=reading(read_symbols), metavar="A,B", help="What it trades; without it, all that the data has.")
    add("--from", dest="start", type=reading(read_day), metavar="YYYY-MM-DD", help="The first day to trade.")
    add("--to", dest="end", type=reading(read_day), metavar="YYYY-MM-DD", help="The last day.")
    add("--set", action="append", default=[], type=reading(read_assignment), metavar="PARAM=VALUE", help="A parameter.")
    add("--config", type=Path, metavar="FILE", help="The YAML file to read instead of your own.")
    return options


# ---- without running it


def _needs_in_words(needs: Requirements, config: Path | None) -> Iterator[str]:
    kind = "a function" if needs.is_function else "a class"
    kind = f"{kind} with {needs.told[0]}" if needs.is_adapted else kind
    told = ["bars"] if needs.is_function else [words for name in needs.told if (words := TOLD[name])]
    yield f"{needs.name}, {kind} in {needs.path}"
    yield f"  is told      {', '.join(told) or 'nothing that its file shows'}"
    yield f"  sends        {', '.join(needs.orders) or 'nothing that its file shows'}"
    for place, line in enumerate(_params_in_words(needs)):
        yield f"  {'' if place else 'parameters':<12} {line}"
    if needs.symbols:
        yield f"  symbols      {', '.join(needs.symbols)}"
    for name, value in needs.settings.items():
        yield f"  {name:<12} {value}"
    for word, line in _engines_in_words(needs, config):
        yield f"  {word:<12} {line}"
    for doubt in needs.doubts:
        yield f"  look at      {doubt}."


def _params_in_words(needs: Requirements) -> Iterator[str]:
    if needs.params is None:
        yield "known only when it runs"
    elif not needs.params:
        yield "none"
    else:
        for name, param in needs.params.items():
            yield f"{name}: {param.allowed()}; {param.default} unless set"


def _engines_in_words(needs: Requirements, config: Path | None) -> Iterator[tuple[str, str]]:
    """A word and what it says: where it runs, which engine is chosen by itself, where it would run if that could be used here, and where
    it does not run and why."""
    runs: list[str] = []
    not_here: list[str] = []
    not_in: list[tuple[str, str]] = []
    for name in EngineFactory.get_supported_engines():
        try:
            misfits = "; ".join(EngineFactory.create_engine(name).misfits(needs))
        except EngineError as error:
            not_in.append((name, str(error).rstrip(".")))
            continue
        info = info_here(name, config)
        if misfits:
            not_in.append((name, misfits))
        elif not info.usable:
            not_here.append(name)
        else:
            runs.append(f"{name} (without its quotes: bars tell none)" if needs.hears_quotes and not info.real_time else name)
    yield "runs in", ", ".join(runs) or "none of the engines"
    if runs:
        yield "best in", runs[0].partition(" ")[0]
    if not_here:
        yield "not here", f"{', '.join(not_here)}: it would suit; what is missing here is told by tradeconsole engines"
    yield from (("not in", f"{name}: {why}") for name, why in not_in)


# ---- by running it


def _run(given: argparse.Namespace, job: Job, needs: Requirements) -> int:
    from engine.backtest.errors import BacktestError
    from engine.backtest.honesty import look_ahead, warm_up
    from engine.feeds.base import FeedError
    from engine.strategies.reads import Reads

    reads, shown = Reads(needs.path), Progress()
    wrong = False

    def look(name: str, how: Callable[[Data, Profile, Told | None], Finding]) -> Finding:
        def told(number: int, count: int, part: float) -> None:
            shown.say(f"{name}: {(number - 1 + part) / count:4.0%}, run {number} of {count}")

        found = how(data, job.profile, told if sys.stderr.isatty() else None)
        shown.clear()
        return found

    try:
        data = job.open()
        if given.lookahead:
            with reads.heard():
                finding = look("Look-ahead", look_ahead)
            wrong |= _tell_look_ahead(finding, _apart(reads, data), needs.path)
        if given.warmup:
            wrong |= _tell_warm_up(look("Warm-up", warm_up))
    except FeedError as error:
        shown.clear()
        end(str(error))
    except BacktestError as error:
        shown.clear()
        say(f"{error} The check ended there.")
        return FOUND
    except KeyboardInterrupt:
        shown.clear()
        say("Stopped by Ctrl+C: the check did not end.")
        return FOUND
    return FOUND if wrong else 0


def _apart(reads: Reads, data: Data) -> tuple[list[Read], list[Read]]:
    """What a strategy read that may tell of bars to come, and its settings."""
    from engine.strategies.settings_files import is_settings

    ends = [series.columns.at for series in data.played().values()]
    first, last = (data.calendar.day_of(int(at)) for at in (min(at[0] for at in ends), max(at[-1] for at in ends)))
    fewest = min(map(len, ends))
    told: tuple[list[Read], list[Read]] = [], []
    for read in reads.found:
        told[is_settings(read.path, first, last, fewest)].append(read)
    return told


def _tell_look_ahead(finding: Finding, reads: tuple[list[Read], list[Read]], path: Path) -> bool:
    """Answers whether it looks ahead, as far as that shows."""
    prices, settings = reads
    for read in settings:
        print_line(f"Reads a file: {path}, line {read.line}, reads {read.path}.")
        print_line("  It names none of these days: as settings it is no look-ahead, if they were not found on these very bars.")
    for read in prices:
        print_line(f"Look-ahead: {path}, line {read.line}, reads {read.path}.")
        print_line("  What stands there is not held back: where it tells of later days, it tells the future.")
    rests = _tell_later_rows(finding.later)
    if finding.by_chance:
        print_line("Look-ahead: it decides otherwise on the same data, by chance or by the clock: more cannot be told.")
    elif finding.differences:
        print_line("Look-ahead: it decides otherwise where the data end:")
        _tell(finding.differences, "with all of the data", "where the data end")
    elif not (prices or rests):
        print_line(f"Look-ahead: none. Its {finding.decisions:,} decisions are the same in {finding.runs} runs on data that end earlier.")
    return bool(prices or rests or finding.differences)


def _tell_later_rows(later: Later) -> bool:
    """Answers whether it decides by rows that come later, where they are not there yet."""
    word = "Look-ahead" if later.rests else "Look at"
    for call in later.calls:
        print_line(f"{word}: {call.path}, line {call.line}, {call.words}.")
    if later.rests:
        print_line("  What it decides hangs on the newest rows, which have no later ones yet: nothing to decide by. The first time:")
        _tell([later.rests], "with these rows as they are", "with these rows changed")
    elif later.failed:
        print_line("  Whether a decision hangs on the newest rows, which have no later ones yet, cannot be told. With these changed:")
        print_line(f"  {later.failed}")
    elif later.calls:
        print_line("  No finding: what it is handed ends at its bar, and it decides the same when what this puts into the newest rows,")
        print_line("  which have no later ones yet, is changed.")
    return later.rests is not None


def _tell_warm_up(finding: Finding) -> bool:
    """Answers whether its decisions depend on how much lies before them."""
    if finding.by_chance:
        print_line("Warm-up: it decides otherwise on the same data, by chance or by the clock: nothing can be told.")
    elif finding.differences:
        print_line("Warm-up: it decides otherwise where it begins later. Either `warmup` is too short for what it works")
        print_line("  out, or it remembers what it did, where ctx.position says it: a restart would change it, too.")
        _tell(finding.differences, "begun at the first day", "begun later")
    else:
        print_line(f"Warm-up: long enough. {finding.decisions:,} decisions are the same in {finding.runs} runs that begin later.")
    return bool(finding.differences)


def _tell(differences: Sequence[Difference], usual: str, other: str) -> None:
    for each in differences[:SHOWN]:
        at = datetime.fromtimestamp(each.at // 1_000_000_000, UTC)
        print_line(f"  {each.symbol}, the bar that closed {at:%Y-%m-%d %H:%M} UTC")
        print_line(f"    {usual}: {', '.join(each.usual) or 'nothing'}")
        print_line(f"    {other}: {', '.join(each.other) or 'nothing'}")
    if len(differences) > SHOWN:
        print_line(f"  and {len(differences) - SHOWN:,} more")
