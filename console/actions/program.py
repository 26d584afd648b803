"""The program itself: its look, its help, its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from console.actions.stage import Stage
from console.looks import Looks

OnExit = Literal["cancel_entries", "keep", "cancel_all"]


class ProgramActions:
    """`on_exit` says what quitting does to working orders; `leave` ends the program; `runs` says what else would be cut short."""

    def __init__(self, stage: Stage, on_exit: OnExit, leave: Callable[[], None], looks: Looks, runs: Callable[[], str]) -> None:
        self._stage = stage
        self._on_exit = on_exit
        self._leave = leave
        self._looks = looks
        self._runs = runs

    def do_theme(self) -> None:
        from console.screens.themes import ThemeChoice

        self._stage.read(ThemeChoice(self._looks, self._stage.clock))

    def do_emergency_stop(self) -> None:
        """By the palette; its keys are obeyed before anything else is."""
        self._stage.desk.stopped(self._stage.engine.emergency_stop())

    def do_help(self) -> None:
        from console.screens.help import Help

        stage = self._stage
        stage.read(Help(stage.keys, stage.place, stage.clock))

    def do_quit(self) -> None:
        from console.screens.questions import ask_quit, leaves_nothing_open

        def answered(leave: bool | None) -> None:
            if leave:
                self._leave()

        runs = self._runs()
        if not runs and not self._stage.desk.confirm.quit and leaves_nothing_open(self._stage.engine.view()):
            self._leave()
            return
        self._stage.ask(ask_quit(self._stage.view, self._on_exit, self._stage.clock, runs), answered)
