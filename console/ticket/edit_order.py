"""A working order's new terms: its quantity and the prices of its type. What changes is shown as before -> after."""

from __future__ import annotations

from decimal import Decimal

from console.meanings import ReplaceOrder, normal_form, plain, symbol_word
from console.order_line.working import PRICES_OF, may_be_distant, terms_of
from console.ticket.form import (
    DIGITS,
    Market,
    Mistake,
    Ready,
    by_distance,
    by_lot,
    by_tick_or_distance,
    follow_market,
    number_of,
    price_field,
    send_field,
)
from engine.model import Intent, View
from engine.model.capabilities import step
from engine.model.money import HUNDRED
from engine.model.orders import Terms
from engine.model.views import OrderRow
from widgets import numbers
from widgets.cells import Cell
from widgets.ticket_fields import Field, TextField


class EditOrder:
    """An order that hangs together with others gets new prices alone: its quantity follows from their fills."""

    def __init__(self, row: OrderRow) -> None:
        self._row = row
        self._before = terms_of(row)
        self._alone = not (row.parent or row.oco)
        self.account = ""
        self.title = f"Edit #{row.number}"
        self.question = f"Replace #{row.number}?"
        self._market = Market(row.symbol)
        self._quantity = TextField("quantity", "Quantity", DIGITS)
        self._quantity.put(plain(self._before.quantity))
        distant = may_be_distant(row)
        self._prices = {name: price_field(name, label, distant=distant) for name, label in (("limit", "Limit"), ("stop", "Stop"))}
        self._trail = TextField("trail", "Trail", f"{DIGITS}%")
        self._trail.takes = (Cell("1.5%  2.50", "muted"),)
        for name, price in self._prices.items():
            price.put(self._written(name))
        self._trail.put(self._written("trail"))
        self._send = send_field("Review and replace")
        shown = self.fields()
        self.first, self.most = shown[0].name, len(shown)

    def look(self, view: View) -> None:
        self._row = next((row for row in view.orders if row.id == self._row.id), self._row)
        self._market.look(view)
        row, known = self._row, self._market.known
        for name, price in self._prices.items():
            follow_market(price, self._market)
            price.stepped = by_tick_or_distance(self._market)
            price.note = self._was(name)
        self._trail.stepped = by_distance(known.tick)
        self._trail.note = self._was("trail")
        self._quantity.stepped = by_lot(self._lot)
        filled = f", {numbers.quantity(row.filled)} of it filled" if row.filled else ""
        self._quantity.note = (Cell(f"was {numbers.quantity(self._before.quantity)}{filled}", "muted"),)

    def head(self) -> tuple[Cell, ...]:
        row = self._row
        order = f"{row.side} {numbers.quantity(row.quantity)} "
        filled = f"   filled {numbers.quantity(row.filled)}" if row.filled else ""
        return (Cell(order, row.side.value.lower()), *self._market.head()[:5], Cell(filled, "accent"))

    def fields(self) -> tuple[Field, ...]:
        by_name = {**self._prices, "trail": self._trail}
        first: tuple[Field, ...] = (self._quantity,) if self._alone else ()
        return (*first, *(by_name[name] for name in PRICES_OF[self._row.type]), self._send)

    def read(self) -> Ready | Mistake:
        row = self._row
        if row.state.is_final:
            return Mistake("", f"#{row.number} has ended: {row.state.words}. Nothing of it can be replaced.")
        terms = self._terms()
        if isinstance(terms, Mistake):
            return terms
        if terms == self._before:
            return Mistake("", "a change; everything is as it was", unfinished=True)
        changes = ", ".join(f"{name} {before} -> {after}" for name, before, after in self._changes(terms))
        asked = ReplaceOrder(row.id, terms)
        return Ready(asked, f"#{row.number} {_normal(row, terms)}", asked, changes)

    def _terms(self) -> Terms | Mistake:
        row = self._row
        quantity = self._before.quantity
        if self._alone:
            wanted = _positive("quantity", "quantity", self._quantity.text)
            if isinstance(wanted, Mistake):
                return wanted
            quantity = wanted
            if quantity % self._lot:
                return Mistake("quantity", f"{row.symbol} trades in lots of {plain(self._lot)} here")
            if quantity <= row.filled:
                return Mistake("quantity", f"{plain(row.filled)} have filled already: a smaller whole is a cancel of the rest")
        found: dict[str, Decimal | None] = {}
        for name in PRICES_OF[row.type]:
            text = self._trail.text if name == "trail" else self._prices[name].text
            per_cent = text.endswith("%")
            price = _positive(name, f"{name} price" if name != "trail" else "trail", text.removesuffix("%") if per_cent else text)
            if isinstance(price, Mistake):
                return price
            if per_cent and price >= HUNDRED:
                return Mistake(name, "a distance is under 100%")
            if not per_cent and price % row.tick:
                return Mistake(name, f"off the tick of {row.symbol}, {row.tick:f}")
            if per_cent:
                found["trail_pct" if name == "trail" else "exit_pct"] = price
            else:
                found[name] = price.quantize(row.tick)
        return Terms(quantity, **found)

    @property
    def _lot(self) -> Decimal:
        return step(self._market.known.lot, self._market.known.fraction, self._row.type, self._row.tif)

    def _changes(self, terms: Terms) -> list[tuple[str, str, str]]:
        names = ("quantity", *PRICES_OF[self._row.type])
        return [(name, before, after) for name in names if (before := _word(self._before, name)) != (after := _word(terms, name))]

    def _written(self, name: str) -> str:
        return "" if (word := _word(self._before, name)) == "-" else word

    def _was(self, name: str) -> tuple[Cell, ...]:
        row = self._row
        away = " away" if self._before.exit_pct is not None else ""
        stands = f", stands at {numbers.price(row.stop, row.tick)}" if name == "trail" and row.stop is not None else ""
        return (Cell(f"was {_word(self._before, name)}{away}{stands}", "muted"),)


def _word(terms: Terms, name: str) -> str:
    pct = terms.trail_pct if name == "trail" else None if name == "quantity" else terms.exit_pct
    if pct is not None:
        return f"{plain(pct)}%"
    number = getattr(terms, name)
    return "-" if number is None else plain(number) if name == "quantity" else f"{number:f}"


def _positive(name: str, what: str, text: str) -> Decimal | Mistake:
    if not text:
        return Mistake(name, f"a {what}", unfinished=True)
    number = number_of(text)
    if number is None or number <= 0:
        return Mistake(name, f"no {what}: {text}")
    return number


def _normal(row: OrderRow, terms: Terms) -> str:
    """`SELL 50 MSFT limit 402.05 DAY`; of an exit in per cent of its entry, `SELL 50 MSFT limit 4% away from its entry GTC`."""
    if terms.exit_pct is None:
        return normal_form(_intent(row, terms))
    away = f"{row.type.lower()} {plain(terms.exit_pct)}% away from its entry"
    return f"{row.side} {plain(terms.quantity)} {symbol_word(row.symbol)} {away} {row.tif}"


def _intent(row: OrderRow, terms: Terms) -> Intent:
    return Intent(
        symbol=row.symbol,
        side=row.side,
        quantity=terms.quantity,
        type=row.type,
        limit=terms.limit,
        stop=terms.stop,
        tif=row.tif,
        trail=terms.trail,
        trail_pct=terms.trail_pct,
        extended_hours=row.extended_hours,
    )
