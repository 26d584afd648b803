"""What every form of a ticket has, and the fields for prices and quantities that they share."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol, TypeAlias

from msgspec import Struct, field

from console.meanings import Known, PlaceOrder, ReplaceOrder, plain
from console.order_line.words import MOST_DIGITS, NUMBER
from engine.model import Intent, View
from engine.model.money import exact, to_tick
from engine.model.signals import SignalEdit
from widgets import numbers
from widgets.cells import Cell
from widgets.text import clean
from widgets.ticket_fields import ButtonField, Field, TextField

DIGITS = "0123456789.,"
PER_CENT_STEP = Decimal("0.1")


class ApproveSignal(Struct, frozen=True):
    """A yes to a signal, `edit` as a person changed it or None where they changed nothing."""

    signal_id: str
    edit: SignalEdit | None


Ticketed: TypeAlias = PlaceOrder | ReplaceOrder | ApproveSignal


class Ready(Struct, frozen=True):
    """The fields mean something: `does` is carried out after a yes, `normal` is it written out.

    `asked` is what the gate is asked about: an order, or a working order's new terms. `changes` says before -> after, of an edit.
    `account` is that of several which it is for, empty where it is the one that is shown. `exits` is what those of its bracket would make
    and lose, as prices are now, and that its stop is reached already: `tp +74.88 sl -37.44`.
    """

    does: Ticketed
    normal: str
    asked: Intent | ReplaceOrder
    changes: str = ""
    account: str = ""
    exits: str = ""


class Mistake(Struct, frozen=True):
    """What is wrong in `field`, or in all of it where that is empty; `unfinished` means that nothing is wrong yet."""

    field: str
    message: str
    unfinished: bool = False


class Form(Protocol):
    """`first` is the field that has the keys at first, `most` how many fields there ever are at once. `read` is pure."""

    title: str
    first: str
    most: int
    question: str

    @property
    def account(self) -> str:
        """Which of several it is for, empty for the one that is shown."""

    def look(self, view: View) -> None:
        """The market, the order or the signal as they are now: notes and keys that write a price follow them."""

    def head(self) -> tuple[Cell, ...]: ...

    def fields(self) -> tuple[Field, ...]:
        """Those that apply, in order. Depends on what the fields hold, never on the market."""

    def read(self) -> Ready | Mistake: ...


class Market(Struct):
    """The symbol as `view` shows it."""

    symbol: str
    known: Known = field(default_factory=Known)
    change: float | None = None
    stale_s: int | None = None

    def look(self, view: View) -> None:
        held = next((row.quantity for row in view.positions if row.symbol == self.symbol), Decimal(0))
        row = next((row for row in view.watch if row.symbol == self.symbol), None)
        position = next((row for row in view.positions if row.symbol == self.symbol), None)
        if row is not None:
            self.known = Known(row.tick, bid=row.bid, ask=row.ask, last=row.last, position=held, fraction=view.fraction)
            self.change, self.stale_s = row.change, row.stale_s
        elif position is not None:
            self.known = Known(position.tick, last=position.last, position=held, fraction=view.fraction)
            self.change, self.stale_s = None, position.stale_s
        else:
            self.known, self.change, self.stale_s = Known(), None, None

    def head(self) -> tuple[Cell, ...]:
        """`AAPL  187.52 ▲ +0.84%   187.51 × 187.53   held 100`."""
        known, tick = self.known, self.known.tick
        if known.last is None and known.bid is None and known.ask is None:
            return (Cell(f"{clean(self.symbol)}  no price yet", "muted"),)
        stale = self.stale_s is not None
        cells = [Cell(clean(self.symbol), "title"), Cell(f"  {numbers.price(known.last, tick)} ", "stale" if stale else "")]
        if stale:
            cells.append(Cell(f"stale {numbers.age(self.stale_s)}", "stale"))
        elif self.change is not None:
            cells.append(Cell(numbers.change(self.change), numbers.change_direction(self.change)))
        if known.bid is not None and known.ask is not None:
            quote = f"   {numbers.price(known.bid, tick)} × {numbers.price(known.ask, tick)}"
            cells.append(Cell(quote, "stale" if stale else ""))
        cells.append(Cell(f"   held {numbers.quantity(known.position)}" if known.position else "   nothing held", "muted"))
        return tuple(cells)

    def price(self, name: str) -> str:
        """The bid, ask or last as digits on the tick, or nothing where there is none."""
        quoted = getattr(self.known, name)
        return plain(to_tick(exact(quoted), self.known.tick), self.known.tick) if quoted else ""


def send_field(label: str) -> ButtonField:
    return ButtonField("send", label)


def price_field(name: str, label: str, *, distant: bool = False) -> TextField:
    """`distant` where per cent may stand in the place of a price."""
    return TextField(name, label, f"{DIGITS}%" if distant else DIGITS)


def follow_market(price: TextField, market: Market) -> None:
    """The keys that write the bid, the ask or the last, and the arrows that step by a tick, begin at the market as it is now."""
    price.whole = {letter: text for letter, name in (("b", "bid"), ("a", "ask"), ("l", "last")) if (text := market.price(name))}
    price.takes = tuple(
        cell
        for letter, name in (("b", " bid  "), ("a", " ask  "), ("l", " last"))
        if letter in price.whole
        for cell in (Cell(letter, "key"), Cell(name, "muted"))
    )
    price.stepped = by_tick(market)


def by_tick(market: Market) -> Callable[[str, int], str | None]:
    """Steps a price; an empty one begins at the last, or at what is quoted."""
    tick = market.known.tick
    start = market.price("last") or market.price("bid") or market.price("ask")

    def stepped(text: str, steps: int) -> str | None:
        number = number_of(text or start)
        if number is None:
            return None
        moved = to_tick(number, tick) + steps * tick if text else number
        return plain(moved, tick) if moved > 0 else None

    return stepped


def by_lot(lot: Decimal) -> Callable[[str, int], str | None]:
    def stepped(text: str, steps: int) -> str | None:
        number = number_of(text or "0")
        if number is None:
            return None
        moved = number + steps * lot
        return plain(moved) if moved > 0 else None

    return stepped


def by_distance(tick: Decimal) -> Callable[[str, int], str | None]:
    """Steps a distance in per cent, or a price, whose sign it keeps."""

    def stepped(text: str, steps: int) -> str | None:
        sign = text[:1] if text[:1] in ("+", "-") else ""
        per_cent = text.endswith("%")
        number = number_of(text.removeprefix(sign).removesuffix("%"))
        if number is None:
            return None
        moved = number + steps * (PER_CENT_STEP if per_cent else tick)
        return f"{sign}{plain(moved)}{'%' if per_cent else ''}" if moved > 0 else None

    return stepped


def by_tick_or_distance(market: Market) -> Callable[[str, int], str | None]:
    """Steps a price, or what is written in per cent."""
    price, distance = by_tick(market), by_distance(market.known.tick)
    return lambda text, steps: (distance if text.endswith("%") else price)(text, steps)


def number_of(text: str) -> Decimal | None:
    """The number that `text` writes, as in the order line."""
    digits = text.replace(",", "")
    return Decimal(digits) if NUMBER.fullmatch(text) and len(digits) <= MOST_DIGITS else None
