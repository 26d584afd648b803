"""The command `tradeconsole`: without a word it starts the console, `tradeconsole kill` stops trading from another terminal, `init` writes
a config, `doctor` looks whether all is well.

Each word imports its own: a stop must not wait for what a start needs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main() -> None:
    """Ends the process. The codes of a start are told at `console.start.start`, those of a kill at `console.kill.kill`."""
    sys.exit(run(sys.argv[1:]))


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
    from console.start import start

    return start(arguments)


if __name__ == "__main__":
    main()
