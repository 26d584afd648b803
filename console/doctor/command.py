"""The command: which checks there are, in which order, and how what they find is printed."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from console import __version__
from console.accounts.config import load_whole
from console.config import ConfigError, Folders, folders
from console.doctor import account, market, terminal
from console.doctor.finding import Finding, State, fine, problem, warning
from console.options import Options
from engine.model.settings import Settings
from engine.secrets import without_secrets
from themes import ThemeError, Themes, choose_theme
from widgets.text import clean, wrap

_ABOUT, _STATE = 10, 7
_NARROWEST = 60


def doctor(arguments: Sequence[str]) -> int:
    """Looks, and says what it found; answers the exit code: 0 where nothing keeps the console from trading, 1 where something does."""
    given = _options().parse_args(arguments)
    print(f"tradeconsole {__version__} on Python {platform.python_version()}, {platform.system()} {platform.machine()}\n", flush=True)
    width = max(shutil.get_terminal_size().columns, _NARROWEST) if sys.stdout.isatty() else sys.maxsize
    counts = dict.fromkeys(State, 0)
    for finding in findings(given.config, given.database):
        counts[finding.state] += 1
        print(written(finding, width), flush=True)
    print("", *wrap(_sum(counts[State.PROBLEM], counts[State.WARNING]), width), sep="\n")
    return 1 if counts[State.PROBLEM] else 0


def _options() -> Options:
    options = Options(
        prog="tradeconsole doctor",
        description="Looks at everything a start needs, changes nothing, and says what to do where something is wrong.",
        epilog="The exit code is 1 where something keeps the console from trading, else 0.",
        allow_abbrev=False,
    )
    options.add_argument("--config", type=Path, metavar="FILE", help="The YAML file to look at instead of your own.")
    options.add_argument("--database", type=Path, metavar="FILE", help="The account's file, instead of the one in the config.")
    return options


def findings(config: Path | None, database: Path | None) -> Iterator[Finding]:
    """What each check finds, one after the other. What depends on a config that cannot be read is not looked at."""
    here = terminal.this_terminal(sys.stdout.encoding, sys.stdout.fileno())
    yield from terminal.terminal(here)
    yield from terminal.colours(here)
    yield from terminal.letters(here)
    mine = folders()
    yield _themes(mine)
    yield _keys(mine)
    try:
        settings, accounts = load_whole(config)
    except ConfigError as error:
        yield problem("config", str(error), "Nothing starts until that is put right.")
        return
    yield _config(config, mine, settings)
    yield from _theme(mine, settings)
    if accounts is None:
        yield from _account(settings, database or settings.database or mine.database)
        return
    from engine.brokers.alpaca.config import same_keys

    for text in same_keys(accounts.settings, os.environ):
        yield problem("account", f"{text}.", "Give each account the keys of its own, or leave one of them out.")
    for name, its in accounts.settings.items():
        yield fine("account", f"{name}: {its.broker}, {its.account}, {its.mode}")
        yield from _account(its, its.database or mine.database)


def _account(settings: Settings, file: Path) -> Iterator[Finding]:
    yield from account.account(file)
    yield from market.feed(settings)
    yield from market.strategies(settings)
    yield from market.broker(settings)
    yield from market.clocks(settings, file)


def _config(config: Path | None, mine: Folders, settings: Settings) -> Finding:
    if config is None and not mine.config_file.exists():
        return fine("config", f"none yet, the defaults hold; `tradeconsole init` writes {mine.config_file}")
    return fine("config", f"{config or mine.config_file}: {settings.account}, {settings.mode}")


def _keys(mine: Folders) -> Finding:
    from console.key_file import FILE, load_keys

    try:
        load_keys(mine.config)
    except ConfigError as error:
        return problem("keys", str(error), "Nothing starts until that is put right.")
    return fine("keys", f"your own, from {mine.config / FILE}" if (mine.config / FILE).exists() else f"as built in; {FILE} changes them")


def _themes(mine: Folders) -> Finding:
    folder = mine.config / "themes"
    themes = Themes((folder,))
    wrong = [told for name in themes.names if (told := _wrong(themes, name))]
    if wrong:
        return warning("themes", "\n".join(wrong), "The console leaves these out. Put the files right, or take them out of the folder.")
    return fine("themes", f"{len(themes.names)}; your own go into {folder}")


def _theme(mine: Folders, settings: Settings) -> Iterator[Finding]:
    """Nothing where the screen can begin with the config's theme."""
    if told := _wrong(Themes((mine.config / "themes",)), choose_theme(settings.theme, os.environ)):
        yield problem("theme", told, "Name another as `theme` in the config, or put that one right: no screen opens before.")


def _wrong(themes: Themes, name: str) -> str:
    """Why this theme cannot be used, or nothing."""
    try:
        themes.load(name)
    except ThemeError as error:
        return str(error)
    return ""


def written(finding: Finding, width: int) -> str:
    """As lines of at most `width` for a terminal. What it quotes may come from outside: it steers none, and shows no secret."""
    lead = f"{finding.state.value:<{_STATE}}  {finding.about:<{_ABOUT}}  "
    told = [*finding.text.split("\n"), *([f"-> {finding.advice}"] if finding.advice else [])]
    lines = [part for line in told for part in wrap(clean(without_secrets(line)), width - len(lead))]
    return "\n".join(f"{lead if not number else '':<{len(lead)}}{line}" for number, line in enumerate(lines))


def _sum(problems: int, warnings: int) -> str:
    if problems:
        return f"{problems} thing{'s' * (problems != 1)} to put right first, marked PROBLEM. Nothing was changed."
    if warnings:
        return f"It will start. {warnings} thing{'s' * (warnings != 1)} could be better, or must be waited for. Nothing was changed."
    return "All is well. Nothing was changed."
