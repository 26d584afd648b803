"""Going from panel to panel."""

from __future__ import annotations

from console.actions.stage import Stage
from console.keys import PANELS


class PanelActions:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def do_zoom(self) -> None:
        self._stage.zoom(not self._stage.zoomed)

    def do_panel(self, panel: str) -> None:
        self._stage.go(panel)

    def do_next_panel(self) -> None:
        self._step(1)

    def do_previous_panel(self) -> None:
        self._step(-1)

    def _step(self, step: int) -> None:
        here, layout = self._stage.panel, self._stage.layout_name
        order = [name for name in PANELS if name != "chart" or layout != "medium" or self._stage.zoomed]
        self._stage.go(order[(order.index(here) + step) % len(order)] if here in order else order[0])
