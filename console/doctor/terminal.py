"""The terminal: what it is, its size, its colours, its letters."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from console.doctor.finding import Finding, fine, problem, warning

LEAST = (80, 24)
SLOW_ESCAPE_MS = 50
_DRAWN = "╭─┃▲▼×━█"
"""What the panels are drawn with."""


class Terminal(Struct, frozen=True):
    """Standard output as it was found. `size` is in cells, None where it is no terminal."""

    environment: Mapping[str, str]
    size: tuple[int, int] | None
    encoding: str
    tmux_escape_ms: Callable[[], int | None]


def this_terminal(stream_encoding: str | None, descriptor: int) -> Terminal:
    size = os.get_terminal_size(descriptor) if os.isatty(descriptor) else None
    return Terminal(os.environ, (size.columns, size.lines) if size else None, stream_encoding or "ascii", _tmux_escape_ms)


def terminal(found: Terminal) -> Iterator[Finding]:
    """Whether there is one, and whether it is large enough."""
    kind = found.environment.get("TERM", "")
    if found.size is None:
        yield warning("terminal", "this is none: output goes to a file or a pipe", "Start in a terminal, or run with --headless.")
        return
    width, height = found.size
    through = ", ".join(
        name for name, variable in (("tmux", "TMUX"), ("screen", "STY"), ("ssh", "SSH_CONNECTION")) if found.environment.get(variable)
    )
    text = f"{kind or 'no TERM'}, {width}x{height}" + (f", through {through}" if through else "")
    if kind == "dumb":
        yield warning("terminal", f"{text}: all is written and nothing drawn", "Set TERM to what your terminal is, if it draws.")
    elif not kind:
        yield problem("terminal", text, "It cannot place a cursor. Set TERM to what your terminal is, such as xterm-256color.")
    elif width < LEAST[0] or height < LEAST[1]:
        yield warning("terminal", text, f"The smallest layout is made for {LEAST[0]}x{LEAST[1]}: make the window larger.")
    else:
        yield fine("terminal", text)
    if found.environment.get("TMUX") and (escape := found.tmux_escape_ms()) is not None and escape > SLOW_ESCAPE_MS:
        advice = "Put `set -sg escape-time 10` into ~/.tmux.conf."
        yield warning("Esc key", f"tmux holds Esc back for {escape} ms, in case a longer key follows", advice)


def colours(found: Terminal) -> Iterator[Finding]:
    """How many there are."""
    environment = found.environment
    if environment.get("NO_COLOR"):
        yield fine("colours", "NO_COLOR is set: everything is told without them")
    elif environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        yield fine("colours", "16 million")
    elif "256color" in environment.get("TERM", "") or environment.get("TERM", "").endswith(("-direct", "kitty", "alacritty")):
        advice = "If your terminal has 16 million, set COLORTERM=truecolor (over SSH: SendEnv and AcceptEnv COLORTERM)."
        yield warning("colours", "256 are told of: themes are drawn in the nearest of them", advice)
    else:
        advice = "Set TERM to what your terminal is, such as xterm-256color, or choose the theme monochrome."
        yield warning("colours", "16 at most are told of: themes will look coarse", advice)


def letters(found: Terminal) -> Iterator[Finding]:
    """Whether what the panels are drawn with can be written."""
    try:
        _DRAWN.encode(found.encoding)
    except (UnicodeEncodeError, LookupError):
        advice = "Set LANG to a UTF-8 locale, such as C.UTF-8 or en_US.UTF-8, before the start."
        yield problem("locale", f"text is written as {found.encoding}, which has no letters to draw with", advice)
    else:
        yield fine("locale", f"text is written as {found.encoding}")


def _tmux_escape_ms() -> int | None:
    try:
        told = subprocess.run(
            ["tmux", "show-options", "-sv", "escape-time"], capture_output=True, text=True, timeout=2, check=True, stdin=subprocess.DEVNULL
        )
        return int(told.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None  # a tmux that does not say is not what keeps anybody from trading
