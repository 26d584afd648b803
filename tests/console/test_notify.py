"""The bell and desktop notifications: for whoever chose them, at most one a second, and never a way out of the string they travel in."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.notify import BEL, Notifier, desktop, kind_of
from engine.model.modes import Level
from engine.model.settings import NotifySettings

ITERM = {"TERM_PROGRAM": "iTerm.app"}
WEZTERM = {"TERM_PROGRAM": "WezTerm"}
KITTY = {"TERM": "xterm-kitty"}
IN_TMUX = {"TMUX": "/run/tmux/default,1,0", "TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.4"}
IN_WEZTERM = {**IN_TMUX, "WEZTERM_PANE": "1"}


class Terminal:
    def __init__(self, settings: NotifySettings, environment: dict[str, str] | None = None) -> None:
        self.now = 100.0
        self.written: list[str] = []
        self.notifier = Notifier(settings, self.written.append, environment or ITERM, lambda: self.now)

    def tell(self, *texts: str, level: Level = Level.WARNING) -> list[str]:
        for text in texts:
            self.notifier.tell(level, text)
        self.notifier.flush()
        written, self.written[:] = list(self.written), []
        return written


def test_without_a_choice_nothing_is_written() -> None:
    assert Terminal(NotifySettings()).tell("AAPL is above 190", level=Level.ERROR) == []


def test_the_bell_rings_from_the_level_up() -> None:
    terminal = Terminal(NotifySettings(bell=True))
    assert terminal.tell("a fill", level=Level.INFO) == []
    assert terminal.tell("an alert") == [BEL]


def test_what_comes_within_a_second_is_told_together() -> None:
    terminal = Terminal(NotifySettings(desktop=True))
    assert terminal.tell("first") == ["\x1b]9;tradeconsole: first\x1b\\"]
    terminal.now += 0.9
    assert terminal.tell(*(f"number {n}" for n in range(13))) == []
    terminal.now += 0.2
    assert terminal.tell() == ["\x1b]9;tradeconsole: number 12 (and 12 more)\x1b\\"]
    terminal.now += 5
    assert terminal.tell() == []


@pytest.mark.parametrize(
    ("environment", "written"),
    [
        (ITERM, "\x1b]9;tradeconsole: hi; there\x1b\\"),
        (WEZTERM, "\x1b]777;notify;tradeconsole;hi, there\x1b\\"),
        ({"TERM": "foot"}, "\x1b]777;notify;tradeconsole;hi, there\x1b\\"),
        (KITTY, "\x1b]99;;tradeconsole: hi; there\x1b\\"),
        ({"TERM": "xterm-256color"}, ""),
        ({}, ""),
        # Within tmux what the outer terminal left in the environment has to do.
        ({**IN_TMUX, "LC_TERMINAL": "iTerm2"}, "\x1bPtmux;\x1b\x1b]9;tradeconsole: hi; there\x1b\x1b\\\x1b\\"),
        ({**IN_TMUX}, ""),
        ({**IN_TMUX, "KITTY_WINDOW_ID": "1", "TERM_PROGRAM_VERSION": "3.2a"}, ""),
        ({**IN_TMUX, "KITTY_WINDOW_ID": "1", "TERM_PROGRAM_VERSION": "next"}, ""),
        ({**KITTY, "STY": "1.pts"}, ""),
    ],
)
def test_each_terminal_is_told_in_its_own_way_or_not_at_all(environment: dict[str, str], written: str) -> None:
    assert desktop("hi; there", environment) == written


@given(st.text() | st.text(st.sampled_from("\x1b\\\x07\x9c\x90]9;4\n\x00 \u202e“")), st.sampled_from([ITERM, WEZTERM, KITTY, IN_WEZTERM]))
def test_no_text_ends_the_string_it_travels_in(text: str, environment: dict[str, str]) -> None:
    written = desktop(text, environment)
    if "TMUX" in environment:
        assert re.fullmatch(r"\x1bPtmux;\x1b\x1b\][ -~]*\x1b\x1b\\\x1b\\", written)
    else:
        assert re.fullmatch(r"\x1b\][ -~]*\x1b\\", written)
    assert len(written) < 300


def test_a_number_first_is_no_progress_bar() -> None:
    assert desktop("4;1;50", ITERM).startswith("\x1b]9;tradeconsole: 4")


def test_the_terminal_is_known_by_what_it_says_of_itself() -> None:
    assert kind_of({"VTE_VERSION": "7600", "TERM": "xterm-256color"}) == "777"
    assert kind_of({"TERM_PROGRAM": "Apple_Terminal"}) == ""
