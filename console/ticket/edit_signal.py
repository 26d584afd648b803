"""A signal before it is approved: another quantity, another type, another limit. What changes is shown as before -> after."""

from __future__ import annotations

from decimal import Decimal

from console.meanings import normal_form, plain
from console.ticket.form import DIGITS, ApproveSignal, Market, Mistake, Ready, by_lot, follow_market, number_of, price_field, send_field
from engine.model import Intent, OrderType, Source, View
from engine.model.capabilities import step
from engine.model.signals import SignalEdit, SignalState
from engine.model.views import SignalRow
from widgets import numbers
from widgets.cells import Cell
from widgets.text import clean
from widgets.ticket_fields import ChoiceField, Field, Option, TextField

LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT)


class EditSignal:
    def __init__(self, row: SignalRow) -> None:
        self._row = row
        self.account = ""
        self.title = f"Edit signal {row.number}"
        self.first, self.most = "quantity", 4
        self.question = f"Approve signal {row.number}?"
        self._market = Market(row.symbol)
        self._quantity = TextField("quantity", "Quantity", DIGITS)
        self._quantity.put(plain(row.quantity))
        kinds = dict.fromkeys((OrderType.MARKET, OrderType.LIMIT, row.type))
        self._type = ChoiceField("type", "Type", [Option(kind.value, _kind_words(kind)) for kind in kinds], row.type.value)
        self._limit = price_field("limit", "Limit")
        self._limit.put("" if row.limit is None else plain(row.limit, row.tick))
        self._send = send_field("Review and approve")

    def look(self, view: View) -> None:
        self._row = next((row for row in view.signals if row.id == self._row.id), self._row)
        self._market.look(view)
        follow_market(self._limit, self._market)
        self._quantity.stepped = by_lot(self._lot)
        self._quantity.note = (Cell(f"was {numbers.quantity(self._row.quantity)}", "muted"),)
        self._type.note = (Cell(f"was {_kind_words(self._row.type)}", "muted"),)
        self._limit.note = () if self._row.limit is None else (Cell(f"was {numbers.price(self._row.limit, self._row.tick)}", "muted"),)

    def head(self) -> tuple[Cell, ...]:
        row = self._row
        left = (Cell(f"   {numbers.countdown(row.expires_in_s)} left", "warning"),) if row.expires_in_s is not None else ()
        who = (Cell(f"   {clean(row.strategy)}", "muted"),)
        return (Cell(f"{row.side} {numbers.quantity(row.quantity)} ", row.side.value.lower()), *self._market.head()[:4], *left, *who)

    def fields(self) -> tuple[Field, ...]:
        limit = (self._limit,) if self._kind in LIMITED else ()
        return (self._quantity, self._type, *limit, self._send)

    @property
    def _kind(self) -> OrderType:
        return OrderType(self._type.text)

    @property
    def _lot(self) -> Decimal:
        known = self._market.known
        return step(known.lot, known.fraction, self._kind, self._row.tif, bracketed=self._row.bracket is not None)

    def read(self) -> Ready | Mistake:
        row = self._row
        if row.state is not SignalState.WAITING:
            why = f" ({clean(row.decided_reason)})" if row.decided_reason else ""
            return Mistake("", f"This signal waits no more: {row.state.lower()}{why}.")
        edit = self._edit()
        if isinstance(edit, Mistake):
            return edit
        changes = self._changes(edit)
        intent = self._intent(edit)
        what = ", ".join(changes) or "as it was proposed"
        return Ready(ApproveSignal(row.id, edit if changes else None), normal_form(intent), intent, what)

    def _edit(self) -> SignalEdit | Mistake:
        row, kind = self._row, self._kind
        if not self._quantity.text:
            return Mistake("quantity", "a quantity", unfinished=True)
        quantity = number_of(self._quantity.text)
        if quantity is None or quantity <= 0:
            return Mistake("quantity", f"no quantity: {self._quantity.text}")
        if quantity != row.quantity and quantity % self._lot:
            return Mistake("quantity", f"{row.symbol} trades in lots of {plain(self._lot)} here")
        if kind not in LIMITED:
            return SignalEdit(quantity, kind)
        if not self._limit.text:
            return Mistake("limit", "a limit price", unfinished=True)
        limit = number_of(self._limit.text)
        if limit is None or limit <= 0:
            return Mistake("limit", f"no price: {self._limit.text}")
        if limit % row.tick:
            return Mistake("limit", f"off the tick of {row.symbol}, {row.tick:f}")
        return SignalEdit(quantity, kind, limit.quantize(row.tick))

    def _changes(self, edit: SignalEdit) -> list[str]:
        row = self._row
        changes = [f"quantity {plain(row.quantity)} -> {plain(edit.quantity)}"] if edit.quantity != row.quantity else []
        if (edit.type, edit.limit) != (row.type, row.limit):
            changes.append(f"{_kind_words(row.type, row.limit)} -> {_kind_words(edit.type, edit.limit)}")
        return changes

    def _intent(self, edit: SignalEdit) -> Intent:
        row, same = self._row, edit.type is self._row.type
        return Intent(
            symbol=row.symbol,
            side=row.side,
            quantity=edit.quantity,
            type=edit.type,
            limit=edit.limit,
            stop=row.stop if same else None,
            tif=row.tif,
            source=Source.STRATEGY,
            strategy=row.strategy,
            signal_id=row.id,
            trail=row.trail if same else None,
            trail_pct=row.trail_pct if same else None,
            bracket=row.bracket,
        )


def _kind_words(kind: OrderType, limit: Decimal | None = None) -> str:
    return kind.lower().replace("_", " ") + ("" if limit is None else f" {limit:f}")
