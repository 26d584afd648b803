"""Deciding on signals."""

from __future__ import annotations

from console.actions.stage import Stage
from widgets.signals import Signals


class SignalActions:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def do_approve(self) -> None:
        if self._stage.seen():
            self._stage.desk.approve(self._stage.row())

    def do_approve_marked(self) -> None:
        signals = self._stage.panels["signals"]
        if isinstance(signals, Signals):
            self._stage.desk.approve_all([row for row in signals.rows if row.id in signals.marked])
            signals.clear_marks()

    def do_reject(self) -> None:
        self._stage.desk.reject(self._stage.row())
