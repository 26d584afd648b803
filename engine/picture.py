"""The View that everybody reads, from before there is an engine behind it until after there is none."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.model.effects import Reply
from engine.model.modes import Level, TradingState
from engine.model.money import ZERO
from engine.model.settings import Settings
from engine.model.views import AccountView, HealthView, LogLine, View

if TYPE_CHECKING:
    from engine.shell import Shell


class Picture:
    """`view` is the latest, handed over by one reference assignment. `build` is the engine's loop's alone, the rest is thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self.view = _starting_view(settings)
        self._refused: deque[Reply] = deque()

    def build(self, shell: Shell) -> None:
        """The next one. Where it cannot be built, the last one stands and says so."""
        while self._refused:
            shell.views.answer(self._refused.popleft())
        try:
            self.view = shell.view()
        except Exception as error:  # noqa: BLE001 - a picture that cannot be drawn must not freeze the last one: the screen says so
            self.say(f"The screen's data could not be built ({error}): what you see is old. Orders and the stop work.", self.view.log)

    def refuse(self, command_id: str, why: str) -> None:
        """Answers a command that no engine took. The view that comes next tells it again, where this one was overtaken."""
        reply = Reply(command_id, False, _shown(why))
        self._refused.append(reply)
        self.view = replace(self.view, revision=self.view.revision + 1, replies=(*self.view.replies, reply))

    def fail(self, problem: str, detail: str, wall: int) -> None:
        """The engine has ended with this."""
        own_time = bool(self.view.log) and self.view.log[-1].at is not None
        at = self.view.health.market_time if own_time else None
        line = LogLine(0, wall, Level.ERROR, "engine", _shown(problem), _shown(detail), at=at)
        self.say(problem, (*self.view.log, line), failed=True)

    def say(self, problem: str, log: tuple[LogLine, ...], *, failed: bool = False) -> None:
        """What is the matter now; `failed` that the engine has ended over it."""
        health = self.view.health
        health = replace(health, problem=_shown(problem), failed=failed, ready=health.ready and not failed)
        self.view = replace(self.view, revision=self.view.revision + 1, health=health, log=log)


def _shown(text: str) -> str:
    # A start that goes well needs nothing of it.
    from engine.secrets import without_secrets

    return without_secrets(text)


def _starting_view(settings: Settings) -> View:
    account = AccountView(
        badge=settings.account.upper(),
        mode=settings.mode,
        state=TradingState.ACTIVE,
        reason="",
        equity=ZERO,
        day_start=ZERO,
        cash=ZERO,
        buying_power=ZERO,
        exposure=ZERO,
        exposure_limit=ZERO,
        daily_loss=ZERO,
        daily_loss_limit=ZERO,
    )
    health = HealthView(False, 0.0, 0, (), False, "starting", 0)
    return View(0, account, health, (), (), (), (), (), (), (), None, ())
