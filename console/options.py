"""What every word of the command line shares: a mistake is one sentence that names the option, and exit code 2."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Collection
from contextvars import ContextVar
from typing import Any, NoReturn, TextIO

ABOUT: ContextVar[str] = ContextVar("ABOUT", default="")
"""The account that is spoken of, where several are at once."""
WRONG = 2
"""The exit code where the command or the config is wrong, and nothing was done."""


class Options(argparse.ArgumentParser):
    """Never raises: a mistake ends the process."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # No option begins with a digit: `-5ms` is what someone gave to the option before it, and is told what would be right there.
        self._negative_number_matcher = re.compile(r"-\.?\d")

    @property
    def names(self) -> Collection[str]:
        """As they are written, with their dashes."""
        return self._option_string_actions

    def error(self, message: str) -> NoReturn:
        end(f"{message.removeprefix('argument ').rstrip('.')}. -h lists the options.")


def end(text: str) -> NoReturn:
    say(text)
    raise SystemExit(WRONG)


def say(text: str, to: TextIO | None = None) -> None:
    """On standard error, or where it is to go. What it quotes (options, files, the config, a broker) may come from outside: it steers no
    terminal and shows no secret, as a config's `${NAME}` may hold one."""
    from engine.secrets import without_secrets
    from widgets.text import clean

    about = ABOUT.get()
    said = without_secrets(f"tradeconsole: {about}{': ' if about else ''}{text}")
    stream = to or sys.stderr
    width = os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    print("\n".join(_within(clean(line), width) for line in said.split("\n")), file=stream, flush=True)


def _within(line: str, width: int) -> str:
    """Broken between words, as a terminal of `width` itself would not; a word that is longer stays whole, for a path is copied."""
    if not 0 < width < len(line):
        return line
    import textwrap

    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
