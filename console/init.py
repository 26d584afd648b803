"""`tradeconsole init`: asks a few questions and writes the config file, whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from console.config import ConfigError, folders, read
from console.options import Options, end, say
from engine.model.ranges import hints, parse
from engine.model.settings import FeedSettings, Limits, PaperSettings, Symbol
from widgets.text import clean

T = TypeVar("T")

NOTHING_WRITTEN = 1
NARROWEST = 40
_PAGE = Path(__file__).with_name("docs") / "settings.md"
"""It is installed with the console: the folder that README speaks of is a checkout's."""
_BROKERS = {
    "paper": "the console's own paper account: no broker needed",
    "alpaca": "your paper account at Alpaca",
    "ib": "your paper account at Interactive Brokers, through TWS or Gateway",
}
_YAHOO = {"yahoo": "the real market, by the bars that Yahoo gives away: a minute each, no account needed"}
_FEEDS = {
    "paper": {
        "sim": "a simulated market, open at any hour",
        "sample": "real past days of AAPL, MSFT, IBM, GOOG and FB",
        **_YAHOO,
        "files": "your own prices, from a CSV or Parquet file or a folder of them",
    },
    "alpaca": {"alpaca": "Alpaca's live quotes, with the same keys", **_YAHOO},
    "ib": {"ib": "the live quotes of the same TWS or Gateway", **_YAHOO},
}
"""Of each broker, the first by default."""
_NEEDS = {
    "alpaca": "It needs the account's keys: ALPACA_API_KEY and ALPACA_SECRET_KEY in the environment, or the keyring; never this file.",
    "ib": "It needs a TWS or Gateway that is logged in, with its API port open; IB_HOST, IB_PORT and IB_CLIENT_ID say where and as whom.",
}
_REAL = ("yahoo", "alpaca", "ib")
"""They follow the real market, and must be told what to follow."""
_LIVE = ("sim", *_REAL)
"""They go by a clock of their own, and are not played."""
_MODES = {
    "manual": "every signal of a strategy waits for your yes",
    "semi-auto": "small and sure ones go, the rest waits",
    "full-auto": "all go, within your limits",
    "research": "none go; you see what each would have made",
}


class Answers(Struct, frozen=True):
    """What somebody chose; the defaults are a newcomer's."""

    broker: str = "paper"
    source: str = "sim"
    pace: float = 1.0
    symbols: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()
    mode: str = "manual"
    cash: Decimal = PaperSettings().cash
    max_position_pct: Decimal = Limits().max_position_pct
    max_daily_loss_pct: Decimal = Limits().max_daily_loss_pct


def init(arguments: Sequence[str]) -> int:
    """Writes the config file; answers the exit code: 0 written, 1 not written because somebody said so. Raises SystemExit with code 2
    where the command is wrong, or a file is there already and nobody can be asked."""
    given = _options().parse_args(arguments)
    file = given.config or folders().config_file
    if given.defaults:
        if file.exists() and not given.replace:
            end(f"{file} is there already, and was left as it is. Give --replace to have a new one; the old one is kept beside it.")
        answers = Answers()
    else:
        if not sys.stdin.isatty():
            end("There is nobody to ask: start it in a terminal, or give --defaults.")
        try:
            questions = Questions(input, _tell)
            answers = ask(questions, file)
            if not _agreed(questions, file, written(answers)):
                say("Nothing was written.", sys.stdout)
                return NOTHING_WRITTEN
        except (EOFError, KeyboardInterrupt):
            print()
            say("Nothing was written.", sys.stdout)
            return NOTHING_WRITTEN
    try:
        kept = write(file, written(answers))
    except OSError as error:
        end(f"{file} cannot be written: {error.strerror}. Nothing was changed.")
    except ConfigError as error:
        end(f"{error}\nNothing was written.")
    say(f"{file} is written." + (f" The one before is {kept}." if kept else ""), sys.stdout)
    say("`tradeconsole` starts with it; `tradeconsole doctor` looks whether all is well.", sys.stdout)
    say(f"Every setting there is, with its default and its range: {_PAGE}", sys.stdout)
    return 0


def _options() -> Options:
    options = Options(
        prog="tradeconsole init",
        description="Asks a few questions and writes the config file. One that is there is never replaced without a yes, and is kept.",
        allow_abbrev=False,
    )
    add = options.add_argument
    add("--config", type=Path, metavar="FILE", help="The file to write instead of your own.")
    add("--defaults", action="store_true", help="Ask nothing: a newcomer's answers.")
    add("--replace", action="store_true", help="With --defaults, replace a file that is there; the old one is kept beside it.")
    return options


# ---- questions


class Questions:
    """Asks on a terminal until the answer will do. An empty answer is the default's."""

    def __init__(self, ask: Callable[[str], str], tell: Callable[[str], object]) -> None:
        self._ask = ask
        self.tell = tell

    def until(self, question: str, default: str, reading: Callable[[str], T]) -> T:
        """The answer as `reading` reads it, which raises ValueError with what would be right."""
        while True:
            shown = f" [{default}]" if default else ""
            text = self._ask(f"{question}{shown}: ").strip() or default
            try:
                return reading(text)
            except ValueError as error:
                self.tell(f"  {clean(text)!r} will not do. Give {clean(str(error))}")

    def choice(self, question: str, choices: dict[str, str], default: str) -> str:
        self.tell(question)
        for number, (name, means) in enumerate(choices.items(), 1):
            self.tell(f"  {number}  {name:<10} {means}")

        def reading(text: str) -> str:
            names = list(choices)
            if text.isdigit() and 0 < int(text) <= len(names):
                return names[int(text) - 1]
            if text.lower() in names:
                return text.lower()
            raise ValueError(f"a number from 1 to {len(names)}, or a name")

        return self.until("Which", default, reading)

    def yes(self, question: str, *, default: bool) -> bool:
        def reading(text: str) -> bool:
            if text.lower() not in ("y", "yes", "n", "no"):
                raise ValueError("yes or no")
            return text.lower().startswith("y")

        return self.until(question, "yes" if default else "no", reading)


def ask(questions: Questions, file: Path) -> Answers:
    tell = questions.tell
    there = " It is there already: you are asked before it is replaced." if file.exists() else ""
    tell(f"This writes {file}.{there} Enter takes what stands in [brackets], Ctrl+C leaves everything as it is.\n")
    broker = questions.choice("Where do orders go?", _BROKERS, "paper")
    if broker in _NEEDS:
        tell(_NEEDS[broker])
    feeds = _FEEDS[broker]
    source, pace = questions.choice("\nWhere do prices come from?", feeds, next(iter(feeds))), 1.0
    if source == "files":
        source = questions.until("File or folder", "", _prices)
    if source not in _LIVE:
        pace = questions.until("How many bars a second are played", "1", _as(hints(FeedSettings)["pace"]))
    if source in _REAL:
        symbols = questions.until(f"Symbols, as {source.capitalize() if source != 'ib' else 'IB'} spells them", "AAPL,MSFT", _symbols)
    else:
        symbols = questions.until("Symbols, as AAPL,MSFT; none for all that the feed offers", "", _symbols)
    tell("\nStrategies propose trades: the ready-made ones are " + ", ".join(_ready_made()) + "; or the path of your own file.")
    strategies = questions.until("Strategies, with commas between; none to trade by hand", "", _strategies)
    mode = questions.choice("\nWho decides about their signals?", _MODES, "manual") if strategies else "manual"
    tell("\nThe account is on paper.")
    cash = questions.until("It begins with", f"{Answers().cash:,f}", _amount) if broker == "paper" else Answers().cash
    limits = hints(Limits)
    position = questions.until("Most of it in one symbol, in per cent", f"{Answers().max_position_pct:f}", _as(limits["max_position_pct"]))
    loss = questions.until("Most it may lose in a day, in per cent", f"{Answers().max_daily_loss_pct:f}", _as(limits["max_daily_loss_pct"]))
    return Answers(broker, source, pace, symbols, strategies, mode, cash, position, loss)


def _agreed(questions: Questions, file: Path, text: str) -> bool:
    questions.tell(f"\n{text}")
    if file.exists():
        return questions.yes(f"{file} is there already. Replace it? The old one is kept beside it", default=False)
    return questions.yes(f"Write this to {file}?", default=True)


def _as(hint: Any) -> Callable[[str], Any]:
    return lambda text: parse(hint, text)


def _amount(text: str) -> Decimal:
    cash: Decimal = parse(hints(PaperSettings)["cash"], text.replace(",", ""))
    return cash


def _symbols(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parse(Symbol, symbol.strip().upper()) for symbol in text.split(",") if symbol.strip()))


def _prices(text: str) -> str:
    from engine.feeds.base import FeedError
    from engine.feeds.names import source_path

    if not text:
        raise ValueError("the path of a file or a folder")
    try:
        return str(source_path(str(Path(text).expanduser())).resolve())
    except FeedError as error:
        raise ValueError(f"one that is there: {error}") from error


def _ready_made() -> tuple[str, ...]:
    from engine.strategies.loader import ready_made

    return ready_made()


def _strategies(text: str) -> tuple[str, ...]:
    from engine.strategies.loader import check
    from engine.strategies.params import StrategyError

    named = tuple(name.strip() for name in text.split(",") if name.strip())
    found = []
    for name in named:
        is_path = name.endswith(".py") or "/" in name
        name = str(Path(name).expanduser().resolve()) if is_path else name
        try:
            check(name, {})
        except StrategyError as error:
            raise ValueError(f"one that can be run: {error}") from error
        found.append(name)
    return tuple(found)


def _tell(text: str) -> None:
    """To the terminal, which itself would break lines within words."""
    width = max(shutil.get_terminal_size().columns, NARROWEST)
    for line in text.split("\n"):
        # What a choice means goes on under where it began.
        indent = " " * len(re.match(r" *(\d  \S+ +)?", line)[0])  # type: ignore[index]
        print("\n".join(textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False)))


# ---- the file


def written(answers: Answers) -> str:
    """The config file that says this, with comments for whoever edits it."""
    lines = [
        "# tradeconsole's settings. console/docs/settings.md has every key with its",
        "# default and range; a wrong one is named at the start. ${NAME} is filled in",
        "# from the environment. Options on the command line go over what stands here.",
        "",
        _line(f"mode: {answers.mode}", "manual, semi-auto, full-auto or research"),
    ]
    if answers.symbols:
        lines.append(f"symbols: [{', '.join(map(json.dumps, answers.symbols))}]")
    else:
        lines.append(_line("# symbols: [AAPL, MSFT]", "without it, all that the feed offers"))
    if answers.broker != "paper":
        lines.append(_line(f"broker: {answers.broker}", "the paper account there"))
    lines += ["", "feed:", f"  source: {json.dumps(answers.source, ensure_ascii=False)}"]
    if answers.source not in _LIVE:
        lines.append(_line(f"  pace: {answers.pace:g}", "bars a second"))
    lines += ["", "strategies:" if answers.strategies else "# strategies:"]
    for strategy in answers.strategies:
        lines += [
            f"  - file: {json.dumps(strategy, ensure_ascii=False)}",
            _line("    size_pct: 5", "of equity, for a signal at full strength"),
        ]
    if not answers.strategies:
        lines.append("#   - file: sma_cross")
    lines += [
        "",
        _line("limits:", "in per cent of the account's equity"),
        f"  max_position_pct: {answers.max_position_pct:f}",
        f"  max_daily_loss_pct: {answers.max_daily_loss_pct:f}",
        "",
    ]
    if answers.broker == "paper":
        lines += ["paper:", _line(f"  cash: {answers.cash:f}", "what a new account begins with"), ""]
    return "\n".join(lines)


def _line(setting: str, comment: str) -> str:
    return f"{setting:<26}  # {comment}"


def write(file: Path, text: str) -> Path | None:
    """Puts `text` in the place of `file` once it is on the disk and was read back without a mistake. Where one was there before, answers
    what it is called now. Raises OSError and ConfigError; `file` is as it was then."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        read(new)
        kept = None
        if file.exists():
            kept = file.with_name(f"{file.name}.{time.strftime('%Y%m%dT%H%M%S')}")
            os.link(file, kept)
        os.replace(new, file)
    finally:
        new.unlink(missing_ok=True)
    return kept
