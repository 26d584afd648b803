"""The word `backtests` of the command line: those that are kept, to list, look at, compare, run again and delete."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.backtest.command import FAILED, INTERRUPTED, Progress, print_line
from console.backtest.rounded import rounded
from console.config import folders
from console.deleting import WORD, typed_to_delete
from console.options import Options, end, say

if TYPE_CHECKING:
    from console.backtest.kept import Kept
    from console.backtest.summary import Summary
    from storage.backtests import BacktestRow

OTHER = 3
_JSON = "For a program: everything, as JSON on standard output."
_LISTED = 50


def backtests(arguments: Sequence[str]) -> int:
    """Answers the exit code. Raises SystemExit with code 2 where the command is wrong.

    0: done. 1: there is no such backtest, it could not be read or written, or a repetition failed. 3: a repetition came to another
    result, or the word that deletes was not given. 130: Ctrl+C ended it.
    """
    given = _options().parse_args(arguments)
    from storage.backtests import BacktestsError

    path = folders().backtests
    try:
        match given.word:
            case "show":
                return _show(path, given)
            case "compare":
                return _compare(path, given)
            case "repeat":
                return _repeat(path, given)
            case "delete":
                return _delete(path, given)
            case _:
                return _list(path, given)
    except BacktestsError as error:
        say(str(error))
        return FAILED


def _options() -> Options:
    options = Options(
        prog="tradeconsole backtests",
        description="The backtests that are kept. Without a word, lists them.",
        epilog=(backtests.__doc__ or "").split("\n\n")[1].replace("    ", " ").strip(),
        allow_abbrev=False,
    )
    words = options.add_subparsers(dest="word", metavar="list|show|compare|repeat|delete")
    for name, does, count in (
        ("list", "The newest first.", 0),
        ("show", "Everything about one, as it was told when it ran.", 1),
        ("compare", "Two or more side by side; what differs is marked.", 2),
        ("repeat", "Runs one again, with the same parameters, and says whether data, code and result are the same.", 1),
        ("delete", f"Deletes some, once the word {WORD} is typed.", 2),
    ):
        word = words.add_parser(name, help=does, description=does, allow_abbrev=False)
        if count:
            word.add_argument("number", type=_number, metavar="N", nargs=1 if count == 1 else "+", help="A backtest's number.")
        if name != "delete":
            word.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=_JSON)
    options.add_argument("--json", action="store_true", help=_JSON)
    return options


def _number(text: str) -> int:
    number = text.removeprefix("#")
    if not (number.isascii() and number.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed. Give a backtest's number, as the list has it")
    return int(number)


# ---- list


def _list(path: Path, given: argparse.Namespace) -> int:
    from storage.backtests import backtest_rows

    rows = backtest_rows(path)
    if given.json:
        _write(rounded([_tree(row) for row in rows]))
    elif not rows:
        print_line("No backtest is kept yet. `tradeconsole backtest sma_cross` runs one and keeps it.")
    else:
        for line in _listed(rows):
            print_line(line)
    return 0


def _listed(rows: Sequence[BacktestRow]) -> Iterator[str]:
    from console.backtest.figures import number, percent
    from widgets.numbers import wall_time
    from widgets.text import clean, cut

    yield f"{'#':>5}  {'run':<11} {'strategy':<14} {'symbols':<13} {'trips':>6} {'return':>8} {'fall':>7} {'Sharpe':>6}"
    for row in rows[:_LISTED]:
        made = wall_time(row.made_at, "%m-%d %H:%M")
        fall = "-" if row.drawdown is None else percent(-row.drawdown or 0.0)
        yield (
            f"{row.number:>5}  {made:<11} {cut(clean(row.strategies), 14):<14} {cut(clean(row.symbols), 13):<13} {row.trades:>6,} "
            f"{percent(row.total_return):>8} {fall:>7} {number(row.sharpe):>6}"
        )
    if len(rows) > _LISTED:
        yield f"and {len(rows) - _LISTED} older ones, with --json"


# ---- show, compare


def _show(path: Path, given: argparse.Namespace) -> int:
    from console.backtest.kept import read_kept
    from console.backtest.report import report
    from widgets.numbers import wall_time

    kept = read_kept(path, given.number[0])
    if given.json:
        _write(_whole(kept))
        return 0
    row = kept.row
    made = wall_time(row.made_at, "%Y-%m-%d %H:%M")
    print_line(f"#{row.number}, run {made} in {row.took_s:,.2f} s by version {kept.summary.version}")
    print_line(f"  data {row.data[:8]}, code {row.code[:8]}, profile {row.profile[:8]}, result {row.outcome[:8]}")
    for line in report(kept.summary):
        print_line(line)
    return 0


def _compare(path: Path, given: argparse.Namespace) -> int:
    from console.backtest.comparing import compare, differing
    from console.backtest.kept import read_kept

    numbers = list(dict.fromkeys(given.number))
    if len(numbers) < 2:
        end("compare takes two backtests or more. `tradeconsole backtests` lists them.")
    kept = [read_kept(path, number) for number in numbers]
    runs = [each.summary for each in kept]
    if given.json:
        _write({"differ": differing(runs), "backtests": [{"row": rounded(_tree(each.row)), "told": _told(each.summary)} for each in kept]})
        return 0
    from widgets.text import clean, cut

    room = max(12, (80 - 23) // len(runs) - 1)
    print_line(f"  {'':<20} {' '.join(f'#{number}'.rjust(room) for number in numbers)}")
    for group in compare(runs):
        print_line("")
        print_line(f"  {group.title}")
        for line in group.lines:
            mark = " " if line.same else "*"
            print_line(f"{mark} {cut(clean(line.name), 20):<20} {' '.join(cut(clean(value), room).rjust(room) for value in line.values)}")
    print_line("")
    print_line("* is not the same in all." if differing(runs) else "All of it is the same.")
    return 0


# ---- repeat


def _repeat(path: Path, given: argparse.Namespace) -> int:
    from console.backtest.repeating import in_words, repeat
    from engine.backtest.errors import BacktestError
    from engine.feeds.base import FeedError
    from engine.strategies.params import StrategyError

    [number] = given.number
    shown = Progress()
    try:
        again = repeat(path, number, shown if sys.stderr.isatty() else None)
    except (BacktestError, FeedError, StrategyError) as error:
        say(f"#{number} cannot be repeated: {error} Nothing was changed.")
        return FAILED
    except KeyboardInterrupt:
        say(f"Stopped by Ctrl+C{shown.where()}. Nothing was written.")
        return INTERRUPTED
    finally:
        shown.clear()
    same, kept_as = again.same["outcome"], again.now.number or None
    if given.json:
        _write(
            {"number": number, "same": dict(again.same), "kept_as": kept_as, "differ": list(again.differ), "row": rounded(_tree(again.now))}
        )
        return 0 if same else OTHER
    for line in in_words(again):
        print_line(line)
    if kept_as:
        print_line(f"Kept as #{kept_as}: `tradeconsole backtests compare {number} {kept_as}`.")
    return 0 if same else OTHER


# ---- delete


def _delete(path: Path, given: argparse.Namespace) -> int:
    from console.backtest.kept import delete
    from storage.backtests import backtest_rows

    wanted = list(dict.fromkeys(given.number))
    found = {row.number: row for row in backtest_rows(path)}
    if missing := [f"#{number}" for number in wanted if number not in found]:
        end(f"There is no backtest {', '.join(missing)}. `tradeconsole backtests` lists those that are kept.")
    for line in _listed([found[number] for number in wanted]):
        print_line(line)
    if not typed_to_delete(len(wanted)):
        return OTHER
    count = delete(path, wanted)
    print_line(f"{count} deleted.")
    return 0


# ---- for programs


def _write(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=1, sort_keys=True) + "\n")


def _tree(value: Any) -> Any:
    """Exact numbers and days as text."""
    import msgspec

    return msgspec.to_builtins(value)


def _whole(kept: Kept) -> dict[str, Any]:
    points = kept.points
    return {
        "row": rounded(_tree(kept.row)),
        "told": _told(kept.summary),
        "trades": rounded(_tree(kept.trades)),
        "equity": rounded({name: list(getattr(points, name)) for name in points.__struct_fields__}),
    }


def _told(summary: Summary) -> dict[str, Any]:
    """What the run was given is told as it was given."""
    tree: dict[str, Any] = _tree(summary)
    return {**tree, "figures": rounded(tree["figures"]), "held": rounded(tree["held"])}
