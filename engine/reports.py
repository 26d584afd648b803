"""What is told of a run: of each record a line of the log, the counts and times of the metrics, and both to whoever listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from engine.clock import Clock
from engine.core.state import State
from engine.courier import Courier
from engine.log_file import LogFile
from engine.log_lines import line_of
from engine.metrics import Metrics, performance_line
from engine.model.inputs import Input, Note
from engine.model.journal import Journal
from engine.model.metrics import MetricsView
from engine.model.modes import Level
from engine.model.records import Record
from engine.strategies.supervisor import StrategyRunner
from engine.view_builder import ViewBuilder

REPORT_S = 300.0
"""How often the log says how the engine does its work."""


class Reports:
    """Lives on the engine's loop. `publish` gets every record."""

    def __init__(
        self,
        state: State,
        *,
        clock: Clock,
        journal: Journal,
        courier: Courier,
        strategies: Sequence[StrategyRunner],
        views: ViewBuilder,
        log_file: LogFile | None,
        handle: Callable[[Input], None],
        publish: Callable[[Record], None],
    ) -> None:
        self.metrics = Metrics()
        self._state = state
        self._clock = clock
        self._journal = journal
        self._courier = courier
        self._strategies = strategies
        self._views = views
        self._log_file = log_file
        self._log_problem = ""
        self._history_problem = ""
        self._handle = handle
        self._publish = publish

    def record(self, record: Record) -> None:
        try:
            line = line_of(record, self._state)
        except Exception as error:  # noqa: BLE001 - words for a person; whatever is wrong with them must not keep an order or a cancel
            line = Level.ERROR, "log", f"a {type(record).__name__} could not be put into words: {error}", repr(record)
        if line is not None:
            self._views.log(self._clock.wall(), *line)
        self.metrics.record(record, self._state, self._clock.mono())
        self._publish(record)

    def watch(self) -> None:
        """Says that the log file or the history cannot be written, or can be again. Called with every tick of the clock."""
        problem = self._log_file.problem if self._log_file else ""
        if problem != self._log_problem:
            self._log_problem = problem
            self._views.log(self._clock.wall(), Level.WARNING, "log", problem or "the log file can be written again")
        problem = self._journal.history_problem or ""
        if problem != self._history_problem:
            self._history_problem = problem
            self._views.log(self._clock.wall(), Level.WARNING, "history", problem or "the history follows the journal again")

    def say(self, level: Level, source: str, text: str) -> None:
        """A line of the log that nothing is recorded of."""
        self._views.log(self._clock.wall(), level, source, text)

    async def run(self) -> None:
        """Says again and again how the engine did its work since the last time."""
        before = self.view()
        while True:
            await asyncio.sleep(REPORT_S)
            report = self.view()
            self._handle(Note(Level.INFO, "performance", performance_line(report, before)))
            before = report

    def view(self) -> MetricsView:
        return self.metrics.view(
            journal_backlog=self._journal.backlog,
            waiting_to_send=self._courier.waits_to_send,
            strategy_queues=((strategy.name, strategy.queue) for strategy in self._strategies),
        )
