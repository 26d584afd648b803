"""Reading more: the detail of a row, the history, the performance.

What these screens are made of is imported when one opens: it needs all that a journal can hold, which the first picture must not wait for.
"""

from __future__ import annotations

from typing import Any

from console.actions.stage import Stage
from engine.model import Level, views
from widgets.risk import EXPOSURE, STRATEGIES, SYMBOLS, Exposure, Heading, Why, strategy_of


class ReadingActions:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def do_detail(self) -> None:
        row = self._stage.subject.row()
        if row is not None:
            self.tell_all(row)

    def tell_all(self, row: Any) -> None:
        """Everything about `row` of one of the panels."""
        from console.screens.details.limit import limit_dialog
        from console.screens.details.order import OrderDetail
        from console.screens.details.position import PositionDetail
        from console.screens.details.rows import row_dialog
        from console.screens.details.signal import SignalDetail

        match row:
            case views.OrderRow():
                self._stage.read(OrderDetail(self._stage, row))
            case views.PositionRow(account=account) if account not in ("", self._stage.view.name):
                self._stage.say(f"{row.symbol} is held in {account}: {self._stage.keys.names['next_account']} leads there.", Level.INFO)
            case views.PositionRow():
                self._stage.read(PositionDetail(self._stage, row.symbol))
            case views.SignalRow():
                self._stage.read(SignalDetail(self._stage, row))
            case Heading():
                detail = self._stage.keys.names["detail"]
                self._stage.say(f"{row.name} is a heading. {detail} tells everything about a row under it.", Level.INFO)
            case Why():
                self.tell_all(row.breaker)
            case views.RiskRow() | views.BreakerRow():
                self._stage.read(limit_dialog(row, self._stage.view, self._stage.keys, self._stage.clock))
            case Exposure():
                self._tell_exposure(row)
            case _:
                self._stage.read(row_dialog(row, self._stage.clock))

    def _tell_exposure(self, row: Exposure) -> None:
        """Of the account it is one of its limits, of a symbol its position; of a strategy what that holds."""
        from console.screens.details.limit import limit_dialog, strategy_dialog
        from console.screens.details.position import PositionDetail

        stage, view = self._stage, self._stage.view
        if row.section == SYMBOLS:
            stage.read(PositionDetail(stage, row.name))
        elif row.section == STRATEGIES and (its := strategy_of(row, view)) is not None:
            stage.read(strategy_dialog(its, view, stage.clock))
        elif row.section == EXPOSURE and (limit := next((each for each in view.risk if each.name == "exposure"), None)) is not None:
            stage.read(limit_dialog(limit, view, stage.keys, stage.clock))

    def do_whole_text(self) -> None:
        from console.screens.reading import read_text

        text = self._stage.order_line.whole
        if text:
            self._stage.read(read_text(text, self._stage.clock))
        else:
            self._stage.say("Nothing is cut here.", Level.INFO)

    def do_history(self) -> None:
        from console.screens.history import HistoryPage

        self._stage.read(HistoryPage(self._stage))

    def do_performance(self) -> None:
        from console.screens.performance import PerformancePage

        self._stage.read(PerformancePage(self._stage))
