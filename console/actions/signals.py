"""Deciding on signals."""

from __future__ import annotations

from console.actions.stage import Stage


class SignalActions:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def do_approve(self) -> None:
        if self._stage.seen():
            self._stage.desk.approve(self._stage.row())

    def do_approve_marked(self) -> None:
        self._stage.desk.approve_all(self._stage.marked())
        self._stage.acted_on_marks()

    def do_reject(self) -> None:
        if marked := self._stage.marked():
            self._stage.desk.reject_all(marked)
            self._stage.acted_on_marks()
        else:
            self._stage.desk.reject(self._stage.row())
