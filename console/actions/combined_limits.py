"""Changes the limits on all accounts together: tighter ones at once, looser ones after a word and a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.accounts.engines import AccountEngines
from console.actions.stage import Stage
from engine.model import Level
from engine.model.settings import ALONE, CombinedLimits

if TYPE_CHECKING:
    from console.screens.questions import Typed
    from engine.combined import Combined
    from engine.model.standing import Standing

Wanted = Callable[[CombinedLimits], CombinedLimits]
"""What is to become of the limits in force."""
Done = Callable[[bool], None]
"""Is told whether the change let more through, by the word."""
SOURCE = "limits"
"""Whose lines of the log and the audit tell of a change."""


class CombinedLimitActions:
    """`held` is what holds them, None where one account trades under no such limit. No engine is asked: they hold for all accounts at
    once, also for one that hangs; each account's audit has the change."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.held: Combined | None = None

    @property
    def limits(self) -> CombinedLimits:
        """Those in force."""
        return self.held.limits if self.held is not None else ALONE

    @property
    def unknown(self) -> tuple[str, ...]:
        """The accounts of which nobody knows what they hold."""
        return self.held.unknown if self.held is not None else ()

    @property
    def whole(self) -> Standing | None:
        """Where all accounts stand together, where each has told."""
        return self.held.whole() if self.held is not None else None

    def change(self, wanted: Wanted, done: Done) -> None:
        """Tighter ones at once; where one lets more through, after the word and a reason."""
        from console.preferences import looser_together

        before = self.limits
        loosened = looser_together(before, wanted(before))
        if loosened:
            self._ask_to_loosen(wanted, loosened, done)
        else:
            self._set(wanted(before), "")
            done(False)

    def _ask_to_loosen(self, wanted: Wanted, loosened: tuple[str, ...], done: Done) -> None:
        from console.preferences import looser_together
        from console.screens.questions import TypedWord, listed

        def typed(answer: Typed | None) -> None:
            newest = self.limits
            if answer is None:
                self._stage.say("No limit was loosened.", Level.INFO)
            elif looser_together(newest, wanted(newest)) != loosened:
                self._stage.say("The limits changed meanwhile. No limit was loosened; look, and try again.", Level.WARNING)
            else:
                self._set(wanted(newest), answer.reason)
                done(True)

        text = f"For all accounts together, lets more through than now:\n{listed([f'   {change}' for change in loosened])}"
        title = f"Loosen {'limits' if len(loosened) > 1 else 'a limit'} on all accounts"
        self._stage.ask(TypedWord(title, text, "LOOSEN", self._stage.clock, reason=True), typed)

    def leave_out(self, name: str) -> None:
        """Has an account of which nobody knows what it holds count as nothing, after the word and a reason; in no limit of its own, and for
        no other account than `name`."""
        from console.screens.questions import TypedWord

        held = self.held
        if held is None or name not in held.unknown:
            return

        def typed(answer: Typed | None) -> None:
            if answer is None:
                self._stage.say("No limit was loosened.", Level.INFO)
            elif name not in held.unknown:
                self._stage.say(f"{name} has told meanwhile where it stands: it counts so, and nothing was loosened.", Level.INFO)
            else:
                held.leave_out(name, answer.reason)
                told = f"{name} counts as nothing in the limits on all accounts until it has started, because {answer.reason}"
                self._note(Level.WARNING, told)
                self._stage.say(f"{name} counts as nothing until it has started. All other limits are as they were.", Level.INFO)

        text = (
            f"What {name} holds is not known, so no other account enters under the limits on all of them. By the word it counts as nothing "
            "until it has started: look at the broker first."
        )
        self._stage.ask(TypedWord(f"Loosen: {name} holds nothing", text, "LOOSEN", self._stage.clock, reason=True), typed)

    def _set(self, limits: CombinedLimits, reason: str) -> None:
        from engine.model.limit_changes import combined_changes

        held = self.held
        if held is None:
            return
        found = combined_changes(held.limits, limits)
        held.change(limits, reason)
        told = f"the limits on all accounts were changed: {', '.join(map(str, found))}{f', because {reason}' if reason else ''}"
        level = Level.WARNING if any(change.looser for change in found) else Level.INFO
        self._note(level, told)

    def _note(self, level: Level, told: str) -> None:
        """In every account's log and audit."""
        engine = self._stage.engine
        for each in [engine.of(name) for name in engine.names] if isinstance(engine, AccountEngines) else [engine]:
            each.note(level, SOURCE, told)
