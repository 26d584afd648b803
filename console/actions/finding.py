"""Finding: an action by its words, a place by its letter."""

from __future__ import annotations

from console.actions.stage import Stage
from console.keys import Action
from engine.model import Level
from widgets.table import LiveTable


class FindingActions:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def do_palette(self) -> None:
        from console.screens.palette import CommandPalette

        stage = self._stage
        before = self._under_cursor()

        def answered(action: Action | None) -> None:
            if action is None:
                return
            if action.panels and self._under_cursor() != before:
                # The palette hid which row came under the cursor meanwhile.
                stage.say("Another row has come under the cursor meanwhile. Nothing was done; look at it, then press again.", Level.WARNING)
            else:
                stage.perform(action)

        stage.ask(CommandPalette(stage.keys, stage.panel, stage.clock), answered)

    def do_jump(self) -> None:
        from console.screens.jump import Jump

        self._stage.overlay(Jump(self._stage.targets()))

    def _under_cursor(self) -> str | None:
        panel = self._stage.panels[self._stage.panel]
        return panel.cursor_key if isinstance(panel, LiveTable) else None
