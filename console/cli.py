"""The command `tradeconsole`: without a word it starts the console, `tradeconsole kill` stops trading from another terminal, `backtest`
runs a strategy over past bars, `backtests` tells of those that were run, `check` looks at a strategy, `engines` lists the ways to run one,
`data` fetches bars and keeps them, `rebuild` makes the history again from the journal, `init` writes a config, `doctor` looks whether all
is well.

Each word imports its own: a stop must not wait for what a start needs.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence


def main() -> None:
    """Ends the process. The codes of a start are told at `console.start.start`, those of a kill at `console.kill.kill`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A sign that the locale's letters lack must not end a command in the middle.
            stream.reconfigure(errors="replace")
    try:
        code = run(sys.argv[1:])
    except BrokenPipeError:
        code = 0
    except Exception as error:  # noqa: BLE001 - a traceback would show a terminal whatever was in it
        from console.failures import named
        from console.options import say

        say(f"an error that nobody expected: {named(error)}. Nothing more was done.")
        code = 1
    finally:
        _leave_stdout()
    # The process ends: what is left need not be looked through for garbage, which takes longer than a short command's work.
    gc.freeze()
    sys.exit(code)


def _leave_stdout() -> None:
    """Whoever reads no more than the first lines, as `head` does, has what they wanted: what is left goes nowhere, without a word."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(arguments: Sequence[str]) -> int:
    """The command with these arguments; answers the exit code. Raises SystemExit where nothing was started."""
    if arguments[:1] == ["kill"]:
        from console.kill import kill

        return kill(arguments[1:])
    if arguments[:1] == ["doctor"]:
        from console.doctor.command import doctor

        return doctor(arguments[1:])
    if arguments[:1] == ["init"]:
        from console.init import init

        return init(arguments[1:])
    if arguments[:1] == ["backtest"]:
        # What is imported stays. The run turns it on again.
        gc.disable()
        from console.backtest.command import backtest

        return backtest(arguments[1:])
    if arguments[:1] == ["check"]:
        from console.check import check

        return check(arguments[1:])
    if arguments[:1] == ["rebuild"]:
        from console.rebuild import rebuild

        return rebuild(arguments[1:])
    if arguments[:1] == ["engines"]:
        from console.engines.command import engines

        return engines(arguments[1:])
    if arguments[:1] == ["data"]:
        from console.data.command import data

        return data(arguments[1:])
    if arguments[:1] == ["backtests"]:
        from console.backtest.kept_command import backtests

        return backtests(arguments[1:])
    # What is imported stays; looking through it for garbage would cost the first picture a tenth of a second.
    gc.disable()
    # How finely Textual divides the time in which it may paint: a key's echo waits for no more than that. Data have a clock of their own.
    os.environ.setdefault("TEXTUAL_FPS", "200")
    if os.environ.get("STY"):
        # GNU screen hands on no more than 256 colours, and takes the rest for attributes. Its fifth version can; who has it may say so.
        os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", "256")
    from console.start import start

    return start(arguments)


if __name__ == "__main__":
    main()
