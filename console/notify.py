"""The bell, and notifications on the desktop through the terminal, for whoever chose them. At most one a second; more are told together.

A notification travels in an OSC string, which the terminal's own text must not end early: nothing but printable ASCII goes into it.

- OSC 9 (iTerm2's): `ESC ] 9 ; text ST`
- OSC 777 (rxvt-unicode's): `ESC ] 777 ; notify ; title ; text ST`
- OSC 99 (kitty's, https://sw.kovidgoyal.net/kitty/desktop-notifications): `ESC ] 99 ; ; text ST`

tmux hands such a string on where it comes in a wrapping of its own (`ESC P tmux ; ... ST`, each ESC within doubled) and its
`allow-passthrough` is on; where that is off it drops it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from engine.model.modes import Level
from engine.model.settings import NotifySettings
from widgets.text import clean

BEL = "\x07"
_ST = "\x1b\\"
_LONGEST = 200
_TITLE = "tradeconsole"
APART_S = 1.0
_LOUDNESS = {Level.INFO: 0, Level.WARNING: 1, Level.ERROR: 2}
_TMUX_WITH_PASSTHROUGH = (3, 3)
"""From this version on tmux asks its own setting whether to hand a string on. Older ones hand on whatever comes, which nobody chose."""


def kind_of(environment: Mapping[str, str]) -> str:
    """Which notification the terminal knows: `9`, `777`, `99`, or nothing where that cannot be told from the environment.

    Within tmux its own name hides the terminal's, and what the terminal left in the environment has to do.
    """
    had = environment.get
    program, term = had("TERM_PROGRAM", ""), had("TERM", "")
    if had("KITTY_WINDOW_ID") or term == "xterm-kitty":
        return "99"
    if program in ("iTerm.app", "ghostty") or had("LC_TERMINAL") == "iTerm2" or had("GHOSTTY_RESOURCES_DIR"):
        return "9"
    if program == "WezTerm" or had("WEZTERM_PANE") or had("VTE_VERSION") or term.startswith(("foot", "rxvt-unicode")):
        return "777"
    return ""


def desktop(text: str, environment: Mapping[str, str]) -> str:
    """What to write to the terminal for a notification that says `text`; nothing where it would not be understood or not be safe."""
    kind = kind_of(environment)
    said = _harmless(text)
    if kind == "9":
        # Never a number first: `9;4;...` is a progress bar's.
        string = f"\x1b]9;{_TITLE}: {said}{_ST}"
    elif kind == "777":
        string = f"\x1b]777;notify;{_TITLE};{said.replace(';', ',')}{_ST}"
    elif kind == "99":
        string = f"\x1b]99;;{_TITLE}: {said}{_ST}"
    else:
        return ""
    if environment.get("TMUX"):
        return f"\x1bPtmux;{string.replace(chr(27), chr(27) * 2)}{_ST}" if _tmux_asks(environment) else ""
    # GNU screen has no such setting to ask.
    return "" if environment.get("STY") else string


def _harmless(text: str) -> str:
    """One line of printable ASCII, which no terminal takes for anything but text."""
    line = clean(text).encode("ascii", "replace").decode()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _tmux_asks(environment: Mapping[str, str]) -> bool:
    version = re.match(r"(\d+)\.(\d+)", environment.get("TERM_PROGRAM_VERSION", ""))
    if environment.get("TERM_PROGRAM") != "tmux" or version is None:
        return False
    return (int(version[1]), int(version[2])) >= _TMUX_WITH_PASSTHROUGH


class Notifier:
    """`write` takes characters for the terminal, whole; `clock` is monotonic seconds."""

    def __init__(
        self, settings: NotifySettings, write: Callable[[str], None], environment: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        self.settings = settings
        """What a person wants; may be changed at any time."""
        self._write = write
        self._environment = environment
        self._clock = clock
        self._last = -APART_S
        self._waiting: list[str] = []

    def tell(self, level: Level, text: str) -> None:
        """Something a person should hear of, if it is loud enough; `flush` lets it out."""
        chosen = self.settings
        if (chosen.bell or chosen.desktop) and _LOUDNESS[level] >= _LOUDNESS[Level(chosen.level)]:
            self._waiting.append(text)

    def flush(self) -> None:
        """Call it often: lets out what waits, all of it as one, unless something came out within the last second."""
        now = self._clock()
        if not self._waiting or now - self._last < APART_S:
            return
        self._last = now
        text, more = self._waiting[-1], len(self._waiting) - 1
        self._waiting.clear()
        told = desktop(f"{text} (and {more} more)" if more else text, self._environment) if self.settings.desktop else ""
        self._write((BEL if self.settings.bell else "") + told)
