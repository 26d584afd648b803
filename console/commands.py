"""The words that may come first on the command line: one table runs them, tells of them in the help, and helps whoever mistypes one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class Command(NamedTuple):
    """`module` has a function of the command's own name, which takes the words after it and answers the exit code."""

    module: str
    does: str


COMMANDS = {
    "backtest": Command("console.backtest.command", "run a strategy over past bars"),
    "backtests": Command("console.backtest.kept_command", "list, compare and repeat those that were run"),
    "check": Command("console.check", "look whether a strategy can be believed"),
    "engines": Command("console.engines.command", "tell what can run a strategy, and what of it is usable here"),
    "data": Command("console.data.command", "fetch bars and keep them"),
    "init": Command("console.init", "write a config"),
    "doctor": Command("console.doctor.command", "look whether all is well"),
    "kill": Command("console.kill", "stop trading from another terminal"),
    "rebuild": Command("console.rebuild", "make the history again from the journal"),
}


def function(name: str) -> Callable[[Sequence[str]], int]:
    """What runs this command. Its module is imported only now: a stop must not wait for what a start needs."""
    found: Callable[[Sequence[str]], int] = getattr(import_module(COMMANDS[name].module), name)
    return found


def listed() -> str:
    """A line for each, as the help shows them."""
    width = max(map(len, COMMANDS)) + 2
    return "\n".join(f"  {name:{width}}{command.does}" for name, command in COMMANDS.items())


def unknown(word: str, options: Iterable[str]) -> str:
    """What is said to whoever begins with a word that is none, with `options` being those of a start."""
    if f"--{word}" in options:
        return f"{word} is an option: tradeconsole --{word}."
    from difflib import get_close_matches

    near = get_close_matches(word, COMMANDS, 1)
    meant = f"Did you mean {near[0]}? " if near else ""
    return f"{word} is no command. {meant}The commands are {', '.join(COMMANDS)}; without one the console opens. -h tells more."
