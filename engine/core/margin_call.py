"""The margin call: equity that fell under the maintenance margin is said, and nothing that would add to a position goes on working."""

from __future__ import annotations

from engine.core.breakers import closing
from engine.core.desk import Desk
from engine.core.margin import Figures
from engine.model.modes import Level
from engine.model.money import ZERO


class MarginCall:
    """Watches the account. While a call stands the gate denies entries; it ends by itself, when equity covers the margin again."""

    __slots__ = ("_desk", "_stands")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stands = False

    def watch(self) -> None:
        """Called at each fill and with every tick of the clock."""
        desk = self._desk
        margin, portfolio = desk.settings.margin, desk.state.portfolio
        if not margin.enabled:
            return
        figures = Figures(portfolio.equity(), portfolio.gross(), ZERO, portfolio.net(), margin)
        if figures.margin_call == self._stands:
            return
        self._stands = figures.margin_call
        amounts = f"equity of {figures.equity:,.2f}, maintenance margin of {figures.maintenance:,.2f}"
        if not self._stands:
            desk.note(Level.INFO, "margin", f"The margin call is over ({amounts}): entries are allowed again.")
            return
        desk.note(
            Level.ERROR,
            "margin",
            f"Margin call ({amounts}): no entries until positions are reduced or money comes; resting entries are cancelled. "
            "A broker may close positions by itself.",
        )
        spared = closing(desk.state, desk.state.book.working())
        desk.cancel([order for order in desk.state.book.working() if order.id not in spared])
