"""What a check found."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class State(Enum):
    FINE = "ok"
    WARNING = "warning"
    PROBLEM = "PROBLEM"


class Finding(Struct, frozen=True):
    """`text` says how it is, `advice` what to do where that is not fine. A problem keeps the console from starting or from trading."""

    about: str
    state: State
    text: str
    advice: str = ""


def fine(about: str, text: str) -> Finding:
    return Finding(about, State.FINE, text)


def warning(about: str, text: str, advice: str) -> Finding:
    return Finding(about, State.WARNING, text, advice)


def problem(about: str, text: str, advice: str) -> Finding:
    return Finding(about, State.PROBLEM, text, advice)
