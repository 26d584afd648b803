"""Deciding on signals."""

from __future__ import annotations

from console.actions.stage import Stage


class SignalActions:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def do_approve(self) -> None:
        if self._stage.subject.seen():
            self._stage.desk.approve(self._stage.subject.row())

    def do_approve_marked(self) -> None:
        marked = self._stage.subject.marked()
        if marked is not None:
            self._stage.desk.approve_all(marked)
            self._stage.subject.acted_on_marks()

    def do_reject(self) -> None:
        marked = self._stage.subject.marked()
        if marked:
            self._stage.desk.reject_all(marked, self._stage.subject.acted_on_marks)
        elif marked is not None:
            self._stage.desk.reject(self._stage.subject.row())
