"""Reading more: the detail of a row, the history, the performance.

What these screens are made of is imported when one opens: it needs all that a journal can hold, which the first picture must not wait for.
"""

from __future__ import annotations

from typing import Any

from console.actions.stage import Stage
from engine.model import Level, views
from widgets.risk import SYMBOLS, Exposure, Heading, Why


class ReadingActions:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def do_detail(self) -> None:
        row = self._stage.subject.row()
        if row is not None:
            self.tell_all(row)

    def tell_all(self, row: Any) -> None:
        """Everything about `row` of one of the panels."""
        from console.screens.details.limit import risk_dialog
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
            case Exposure(section=section) if section == SYMBOLS:
                self._stage.read(PositionDetail(self._stage, row.name))
            case Why() | Exposure() | views.RiskRow() | views.BreakerRow():
                if (told := risk_dialog(row, self._stage.view, self._stage.keys, self._stage.clock)) is not None:
                    self._stage.read(told)
            case _:
                self._stage.read(row_dialog(row, self._stage.clock))

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
