"""How much the console may do by itself (`Mode`) and whether it may trade at all (`TradingState`)."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """EMERGENCY is how HALTED is shown; nobody selects it, the stop does."""

    MANUAL = "MANUAL"
    SEMI_AUTO = "SEMI_AUTO"
    FULL_AUTO = "FULL_AUTO"
    RESEARCH = "RESEARCH"
    EMERGENCY = "EMERGENCY"


class TradingState(StrEnum):
    """ACTIVE: orders within limits. REDUCING: only what shrinks a position. HALTED: only cancels and flatten."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class LinkState(StrEnum):
    """How a link stands. DEGRADED: cancels and questions go, new orders do not. RESET: the broker is away as announced, and comes back by
    itself. LOGIN: a person must log in at the broker's own program, and it is tried until then. FATAL: it is not tried again before a
    person did what the reason says."""

    UP = "UP"
    DEGRADED = "DEGRADED"
    RESET = "RESET"
    LOGIN = "LOGIN"
    DOWN = "DOWN"
    FATAL = "FATAL"

    @property
    def level(self) -> Level:
        """How loudly it is told: what is announced and ends by itself is no trouble, and what waits for a person is a warning."""
        return _LOUDNESS.get(self, Level.ERROR)


class Level(StrEnum):
    """How loudly a log line speaks."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


_LOUDNESS = {
    LinkState.UP: Level.INFO,
    LinkState.RESET: Level.INFO,
    LinkState.LOGIN: Level.WARNING,
    LinkState.DEGRADED: Level.WARNING,
}
