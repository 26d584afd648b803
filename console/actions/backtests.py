"""Backtests beside trading: the pages of those that are kept, and the one that runs, in a process of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from console.actions.stage import Stage
from console.config_file import ConfigFile
from engine.model import Level
from engine.model.settings import Settings

if TYPE_CHECKING:
    from console.backtest.job import Job
    from console.backtest.running import Running
    from console.backtest.worker import Told
    from console.replay.listing import Opener
    from console.screens.backtests.form import FormPage

SOURCE = "backtest"
"""Whose lines of the log are about backtests."""


class BacktestActions:
    """`path` is the database they are kept in, None where they are not. `frame` is to be called with each frame."""

    def __init__(self, stage: Stage, config: ConfigFile) -> None:
        self.path: Path | None = None
        self.changes = 0
        """Counts what was kept and deleted."""
        self.entered: dict[str, str] = {}
        """What stood in the form when it was last left."""
        self._stage = stage
        self._config = config
        self._running: Running | None = None
        self._form: FormPage | None = None

    @property
    def settings(self) -> Settings:
        """Those of the config."""
        return self._config.said

    @property
    def running(self) -> Running | None:
        return self._running

    @property
    def running_text(self) -> str:
        """What runs and how far it is, or nothing."""
        running = self._running
        if running is None:
            return ""
        done = f" {running.progress.done / running.progress.total:.0%}" if running.progress.total else ""
        return f"{running.name} runs{done}"

    def do_backtests(self) -> None:
        from console.screens.backtests.listing import BacktestsPage

        if self.path is None:
            self._stage.say("No backtests are kept here.", Level.WARNING)
        else:
            self._stage.read(BacktestsPage(self._stage, self, self.path))

    def new(self) -> None:
        """The form."""
        from console.screens.backtests.form import FormPage

        self._form = FormPage(self._stage, self)
        self._stage.read(self._form)

    def replay(self, number: int, at: int = 0) -> None:
        """The kept backtest of this number, from its beginning or from the market time `at`."""
        if self.path is None:
            self._stage.say("No backtests are kept here.", Level.WARNING)
        else:
            from console.replay.backtests import open_kept

            self.watch(partial(open_kept, self.path, number), at, f"backtest #{number}")

    def watch(self, open_: Opener, at: int = 0, title: str = "the recording") -> None:
        """What `open_` opens, which `title` names, from its beginning or from the market time `at`."""
        from console.screens.replay.page import ReplayPage

        self._stage.read(ReplayPage(self._stage, open_, at, title))

    # ---- the one that runs

    def begin(self, job: Job, name: str) -> None:
        """Runs it, unless another one does."""
        import msgspec

        self._start(name, job=msgspec.to_builtins(job))

    def repeat(self, number: int) -> None:
        """Runs a kept one again."""
        if self._start(f"#{number} once more", repeats=number):
            self._stage.say(f"#{number} runs once more; what it comes to is told.", Level.INFO)

    def _start(self, name: str, **order: object) -> bool:
        """Whether it runs now. Where not, it is said."""
        from console.backtest.running import Running
        from console.backtest.worker import Order

        if self._running is not None:
            self._stage.say(f"{self.running_text}: one runs at a time. Wait for it, or cancel it in the form.", Level.WARNING)
            return False
        self._running = Running(Order(str(self.path), **order), name, self._stage.clock)  # type: ignore[arg-type]
        return True

    def cancel(self) -> None:
        if self._running is not None:
            self._running.cancel()

    def close(self) -> None:
        """Blocks for a moment: nothing runs on after the console."""
        if self._running is not None:
            self._running.close()

    def frame(self) -> None:
        running = self._running
        if running is None or running.outcome is None:
            return
        self._running, told = None, running.outcome
        self.changes += 1
        if self._form is not None and self._form.is_current:
            self._form.ended(told)
        else:
            self._tell(told)

    def _tell(self, told: Told) -> None:
        """To whoever is elsewhere by now: until the next key, and in the notices until it is read."""
        text = f"The backtest failed: {told.problem}" if told.problem else f"The backtest is done: {told.text}"
        if told.number:
            text = f"{text} {self._stage.keys.names['backtests']} shows it."
        level = Level.WARNING if told.problem else Level.INFO
        self._stage.say(text, level)
        self._stage.engine.note(level, SOURCE, text)
