"""What is seen of an account whose engine raises where none may: FAILED, in words, over what was last seen of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from console.trading_engine import TradingEngine
from engine.model.modes import Level, Mode, TradingState
from engine.model.money import ZERO
from engine.model.views import AccountView, HealthView, LogLine, View


class _Shown(Struct, frozen=True):
    """Of one that has failed why, and what is shown over which view: while these stay the same, so does the object."""

    problem: str
    line: LogLine
    under: View
    shown: View


class FailedViews:
    """The views of all accounts, none of which keeps another from being seen. `wall` is wall-clock nanoseconds."""

    def __init__(self, wall: Callable[[], int] = time.time_ns) -> None:
        self._wall = wall
        self._not_started: dict[str, str] = {}
        self._unseen: dict[str, str] = {}
        self._good: dict[str, View] = {}
        self._shown: dict[str, _Shown] = {}

    def not_started(self, name: str, error: Exception) -> None:
        """From now on it is FAILED."""
        why = f"It could not be started ({_told(error)}), and nothing was sent."
        self._not_started[name] = f"{why} The other accounts go on. End the console and start it again."

    def view(self, name: str, engine: TradingEngine) -> View:
        """The engine's latest, or where it has none or never started, what was last seen, FAILED."""
        try:
            view = engine.view()
        except Exception as error:  # noqa: BLE001 - whatever it raises, the other accounts are seen, and it is told
            old = f"Where it stands cannot be read ({_told(error)}): what you see of it is old."
            # It may raise something else at every look: what it raised first is told.
            problem = self._unseen.setdefault(name, f"{old} The other accounts go on, and the stop reaches this one, too.")
            return self._over(name, self._not_started.get(name, problem), self._good.get(name, _NOTHING_KNOWN))
        self._good[name] = view
        self._unseen.pop(name, None)
        return self._over(name, self._not_started[name], view) if name in self._not_started else view

    def _over(self, name: str, problem: str, view: View) -> View:
        was = self._shown.get(name)
        if was is not None and was.problem == problem and was.under is view:
            return was.shown
        # One thing that is the matter is told once, at its time.
        line = was.line if was is not None and was.problem == problem else LogLine(0, self._wall(), Level.ERROR, "engine", problem)
        health = replace(view.health, problem=problem, failed=True, ready=False)
        shown = replace(view, health=health, log=(*view.log, line))
        self._shown[name] = _Shown(problem, line, view, shown)
        return shown


def _told(error: Exception) -> str:
    # An account that is well needs nothing of it.
    from engine.secrets import without_secrets

    return without_secrets(f"{type(error).__name__}: {error}")


_NOTHING_KNOWN = View(
    0,
    AccountView("UNKNOWN", Mode.MANUAL, TradingState.ACTIVE, "", ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO),
    HealthView(False, 0.0, 0, (), False, "", 0),
    (),
    (),
    (),
    (),
    (),
    (),
    (),
    None,
    (),
)
"""Of an engine that told nothing, not even whether its account is on paper."""
