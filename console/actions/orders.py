"""Trading: new orders, cancels, the execution mode, flatten. The ticket is imported when one opens, behind the first picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions.stage import Stage
from console.screens.previews import Previews, asking
from engine.model import Level, Side
from engine.model.views import OrderRow, SignalRow

if TYPE_CHECKING:
    from console.ticket.form import Form, Ready
    from engine.model.effects import Reply


class OrderActions:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def do_order_line(self) -> None:
        self._stage.type_order()

    def do_buy(self) -> None:
        self._open(Side.BUY)

    def do_sell(self) -> None:
        self._open(Side.SELL)

    def _open(self, side: Side) -> None:
        from console.ticket.new_order import NewOrder

        view, symbol = self._stage.view, self._stage.subject.symbol_at_first()
        account = getattr(self._stage.subject.row(), "account", "") or view.preferred.get(symbol, view.name)
        add_key = self._stage.keys.names["add_symbol"]
        self._ticket(NewOrder(symbol, side, add_key, account, tuple(each.name for each in view.accounts)))

    def do_edit_row(self) -> None:
        """The working order, or the signal that waits, under the cursor. Which one it is stands in the ticket, and is asked about."""
        from console.ticket.edit_order import EditOrder
        from console.ticket.edit_signal import EditSignal

        row = self._stage.subject.row()
        if isinstance(row, SignalRow) and self._stage.desk.waits(row):
            self._ticket(EditSignal(row))
        elif isinstance(row, OrderRow) and self._stage.desk.works(row):
            self._ticket(EditOrder(row))

    def _ticket(self, form: Form, denial: Reply | None = None) -> None:
        """Opens the ticket; what is confirmed in it is carried out."""
        from console.screens.ticket import TicketDialog

        dialog = TicketDialog(
            form, Previews(asking(self._stage.engine, lambda: form.account)), lambda: self._stage.view, self._stage.clock, denial
        )
        self._stage.ask(dialog, lambda ready: self._ticketed(form, ready))

    def _ticketed(self, form: Form, ready: Ready | None) -> None:
        """Where the engine refuses it, nothing of it is to be typed again: the ticket comes back, unless the person went on to something
        else meanwhile, and a new order is a line of the order line, too."""
        from console.meanings import PlaceOrder
        from console.ticket.form import Ready

        if ready is None:
            return
        if isinstance(ready.does, PlaceOrder):
            self._stage.order_line.remember(ready.normal)
        keys_then = self._stage.keys_taken

        def refused(reply: Reply) -> None:
            form.look(self._stage.view)
            if self._stage.keys_taken == keys_then and isinstance(form.read(), Ready):
                self._ticket(form, reply)

        self._stage.desk.ticketed(ready, refused)

    def do_cancel(self) -> None:
        rows = self._stage.subject.rows()
        if rows is not None:
            self._stage.desk.cancel(rows)
            self._stage.subject.acted_on_marks()

    def do_close_position(self) -> None:
        rows = self._stage.subject.rows()
        if rows and any("+" in row.account for row in rows):
            self._stage.say(
                f"This is held in several accounts: close it in each, {self._stage.keys.names['positions_of']} shows them.", Level.WARNING
            )
        elif rows:
            self._stage.desk.close(rows, self._stage.view)

    def do_cancel_symbol(self) -> None:
        if self._stage.subject.seen():
            self._stage.desk.cancel_symbol(self._stage.subject.symbol())

    def do_mode(self) -> None:
        self._stage.desk.choose_mode(self._stage.view)

    def do_flatten(self) -> None:
        self._stage.desk.flatten(self._stage.view)
