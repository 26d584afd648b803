"""The command `tradeconsole`: without a word it starts the console, with one of `console.commands` it runs that."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence

from console.commands import COMMANDS, function


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
    if arguments and arguments[0] in COMMANDS:
        name, *words = arguments
        if name == "backtest":
            # What is imported stays. The run turns it on again.
            gc.disable()
        return function(name)(words)
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
