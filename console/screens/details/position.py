"""A position: what it is worth and cost, the lots it is made of, its fills, what works in the symbol and what protects it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from console.actions.stage import Stage
from console.archive import Question
from console.screens.details.detail import Detail
from console.screens.details.dossier import EVERY_S, Dossier
from console.screens.details.story import order_terms
from console.screens.details.writing import Head, Section, Value, facts, price, profit, table
from console.screens.dialog import Line, paragraph
from console.screens.standing import Standing
from engine.model import Level, OrderType, Side, View
from engine.model.money import ZERO, exact
from engine.model.views import OrderRow
from widgets import numbers
from widgets.cells import Cell
from widgets.protection import unprotected

if TYPE_CHECKING:
    from storage.history import History
    from storage.lots import Lot
    from storage.rows import DailyRow, FillRow
    from storage.rows import PositionRow as Booked

PAGE = 50
LOTS_SHOWN = 40


class PositionDossier(Dossier):
    """`symbol` need not be held any more: its fills stay."""

    PANEL = "positions"

    def __init__(self, stage: Stage, symbol: str) -> None:
        super().__init__(stage, f"Position {symbol}")
        self._symbol = symbol
        self._view = stage.view
        self._row = _held(stage.view, symbol)
        self._fills: list[FillRow] = []
        self._older: Question[tuple[FillRow, ...]] | None = None
        self._all = False
        self._books = Standing(stage.archive, self._ask_books, EVERY_S)
        self._newest = Standing(stage.archive, self._ask_fills, EVERY_S)
        self.questions = [self._books, self._newest]

    async def _ask_books(self, history: History) -> tuple[Booked | None, tuple[Lot, ...], tuple[DailyRow, ...]]:
        sessions = await history.sessions(limit=1)
        name = sessions[0].session if sessions else ""
        today = tuple(row for row in await history.daily(since=name, until=name) if row.symbol == self._symbol)
        return await history.position(self._symbol), await history.lots(self._symbol), today

    async def _ask_fills(self, history: History) -> tuple[FillRow, ...]:
        return await history.fills(symbol=self._symbol, limit=PAGE)

    # ---- what is known

    @property
    def row(self) -> Any:
        return self._row

    def look(self, view: View) -> None:
        self._view = view
        self._row = _held(view, self._symbol) or self._row
        newest = self._newest.answer or ()
        known = self._fills[0].seq if self._fills else 0
        fresh = [fill for fill in newest if fill.seq > known]
        if self._fills and len(fresh) == PAGE:
            # More came in between than one page holds: what is older is asked for again.
            self._drop_older()
            self._fills, self._all = [], False
        self._fills[:0] = fresh
        if newest and len(newest) < PAGE:
            self._all = True
        self.summarise(*self._summary())

    def _summary(self) -> Sequence[Cell]:
        if _held(self._view, self._symbol) is None:
            return [Cell("not held now", "muted")]
        return [Cell(f"{numbers.quantity(self._row.quantity)} held  "), profit(self._row.unrealised)]

    def read_on(self, near_end: bool) -> bool:
        """Another page of fills, once the last ones are in sight. While a part of the page is still read it is shorter than it will be."""
        older = self._older
        if older is None:
            if near_end and self._wants_older():
                last = self._fills[-1].seq
                self._older = self.stage.archive.ask(lambda history: history.fills(symbol=self._symbol, before=last, limit=PAGE))
        elif older.done:
            self._older = None
            if older.problem:
                self.stage.say(older.problem, Level.WARNING)
                self._all = True
            else:
                page = older.answer or ()
                self._fills += page
                self._all = len(page) < PAGE
                return True
        return False

    def _wants_older(self) -> bool:
        told = not any(question.waiting for question in self.questions)
        return told and bool(self._fills) and not self._all

    def close(self) -> None:
        super().close()
        self._drop_older()

    def _drop_older(self) -> None:
        if self._older is not None:
            self._older.drop()
        self._older = None

    # ---- its parts

    def left(self) -> Sequence[Section]:
        parts = [Section("Held", self._facts), Section("Protection", self._protection)]
        working = [row for row in self._view.orders if row.symbol == self._symbol and not row.state.is_final]
        if working:
            parts.append(Section("Works in it", lambda width: table(_WORKING, [self._order(row) for row in working], width)))
        return parts

    def right(self) -> Sequence[Section]:
        return [
            Section("Lots, first in first out (the cost above is average cost)", self._lots),
            Section("Fills, newest first", self._written_fills),
        ]

    @property
    def _tick(self) -> Decimal | None:
        tick: Decimal | None = getattr(self._row, "tick", None)
        return tick or next((row.tick for row in self._view.watch if row.symbol == self._symbol), None)

    def _facts(self, width: int) -> list[Line]:
        row, view = _held(self._view, self._symbol), self._view
        booked, _, today = self._books.answer or (None, (), ())
        pairs: list[tuple[str, Value]] = []
        if row is None:
            pairs.append(("quantity", "0: nothing is held now"))
        else:
            share = numbers.fraction_of(abs(row.value), view.account.equity)
            stale = f", stale {numbers.age(row.stale_s)}" if row.stale_s is not None else ""
            pairs += [
                ("quantity", f"{numbers.quantity(row.quantity)}{', short' if row.quantity < 0 else ''}"),
                ("average cost", price(row.average, row.tick)),
                ("last price", Cell(f"{price(row.last, row.tick)}{stale}", "stale" if stale else "")),
                ("cost", numbers.money(_cost(row, booked))),
                ("value", numbers.money(row.value)),
                ("share of equity", f"{numbers.percent(share).lstrip('+')}, of all exposure {_share(row.value, view.account.exposure)}"),
                ("unrealised", [profit(row.unrealised), Cell(f"  {numbers.percent(row.unrealised_fraction)}", "muted")]),
            ]
        realised = row.realised if row is not None else booked.realised if booked is not None else None
        pairs.append(("realised", [profit(realised), Cell("  all time, less fees", "muted")]))
        if booked is not None:
            pairs.append(("commissions", f"{numbers.money(booked.fees)}  all time"))
        if self._books.answer is not None:
            fills = sum(each.fills for each in today)
            made = sum((each.realised for each in today), ZERO)
            pairs.append(("this session", [profit(made), Cell(f"  realised, {fills} fill{'' if fills == 1 else 's'}", "muted")]))
        watched = next((each for each in view.watch if each.symbol == self._symbol), None)
        if watched is not None:
            pairs.append(("the market", Cell(f"{numbers.change(watched.change)} today", numbers.change_direction(watched.change))))
        return facts(pairs, width)

    def _protection(self, width: int) -> list[Line]:
        row = _held(self._view, self._symbol)
        if row is None:
            return [[Cell("Nothing is held, so nothing needs it.", "muted")]]
        against = Side.SELL if row.quantity > 0 else Side.BUY
        working = [o for o in self._view.orders if o.symbol == self._symbol and o.side is against and not o.state.is_final and o.released]
        stops = [order for order in working if order.type.is_stop]
        targets = [order for order in working if order.type is OrderType.LIMIT]
        bare = dict(unprotected(self._view)).get(self._symbol)
        lines = facts(
            [
                (word, f"#{order.number} {_terms(order)}, {numbers.quantity(order.quantity - order.filled)}")
                for word, orders in (("stop", stops), ("target", targets))
                for order in orders
            ],
            width,
        )
        if bare is not None:
            whole = abs(bare) == abs(row.quantity)
            text = "No protection: no stop works." if whole else f"{numbers.quantity(abs(bare))} of it are covered by no stop."
            lines += paragraph(text, width, "warning")
        return lines

    def _order(self, row: OrderRow) -> list[Cell]:
        left = numbers.quantity(row.quantity - row.filled)
        return [
            Cell(f"#{row.number}", "muted"),
            Cell(row.side.value, row.side.value.lower()),
            Cell(left),
            Cell(_terms(row)),
            Cell(row.tif.value, "muted"),
            Cell(row.state.words, "muted"),
        ]

    def _lots(self, width: int) -> list[Line]:
        if self._books.answer is None:
            return self._missing(width)
        lots = self._books.answer[1]
        last = self._row.last if _held(self._view, self._symbol) is not None else None
        rows = []
        for lot in lots[:LOTS_SHOWN]:
            made = lot.quantity * (exact(last) - lot.price) if last is not None and lot.price is not None else None
            rows.append(
                [
                    Cell(numbers.market_time(lot.at, "%Y-%m-%d %H:%M:%S"), "muted"),
                    Cell(numbers.quantity(lot.quantity)),
                    Cell(price(lot.price, None if lot.price is None or self._off_tick(lot.price) else self._tick)),
                    profit(made),
                    Cell(_lot_from(lot), "muted"),
                ]
            )
        none = "None: nothing is held." if last is None else "None is in the history yet."
        lines = table(_LOTS, rows, width) if rows else [[Cell(none, "muted")]]
        if len(lots) > LOTS_SHOWN:
            rest = sum((lot.quantity for lot in lots[LOTS_SHOWN:]), ZERO)
            lines.append([Cell(f"and {len(lots) - LOTS_SHOWN} older lots with {numbers.quantity(rest)}", "muted")])
        return lines

    def _off_tick(self, value: Decimal) -> bool:
        """Fills of adjusted bars lie between ticks, and are shown as they are."""
        return self._tick is None or bool(value % self._tick)

    def _written_fills(self, width: int) -> list[Line]:
        if not self._fills:
            return (
                self._missing(width)
                if self._newest.answer is None
                else [[Cell("None yet. A fill of an order in it stands here.", "muted")]]
            )
        rows = [
            [
                Cell(numbers.market_time(fill.at, "%Y-%m-%d %H:%M:%S"), "muted"),
                Cell(fill.side.value, fill.side.value.lower()),
                Cell(numbers.quantity(fill.quantity)),
                Cell(price(fill.price, None if self._off_tick(fill.price) else self._tick)),
                profit(fill.realised),
                Cell(numbers.money(fill.fees), "muted"),
                Cell("correction" if fill.corrects else fill.rule, "muted"),
            ]
            for fill in self._fills
        ]
        lines = table(_FILLS, rows, width)
        if not self._all:
            lines.append([Cell("… more as you scroll", "muted")])
        return lines

    def _missing(self, width: int) -> list[Line]:
        return paragraph(self.problem, width, "warning") if self.problem else [[Cell("Reading the history …", "muted")]]


class PositionDetail(Detail):
    """The page of a PositionDossier."""

    def __init__(self, stage: Stage, symbol: str) -> None:
        super().__init__(stage, PositionDossier(stage, symbol))


_WORKING = (Head("#"), Head("Side"), Head("Qty", right=True), Head("Price"), Head("TIF", priority=2), Head("State", priority=1))
_LOTS = (
    Head("Bought or sold (ET)"),
    Head("Qty", right=True),
    Head("Price", right=True),
    Head("Made", right=True, priority=1),
    Head("", priority=2),
)
_FILLS = (
    *(Head("Time (ET)"), Head("Side"), Head("Qty", right=True), Head("Price", right=True), Head("Realised", right=True, priority=1)),
    *(Head("Fees", right=True, priority=2), Head("Rule", priority=3)),
)


def _held(view: View, symbol: str) -> Any:
    return next((row for row in view.positions if row.symbol == symbol), None)


def _cost(row: Any, booked: Booked | None) -> Decimal:
    """What is held cost: to the last digit as booked, once the books hold as much."""
    if booked is not None and booked.quantity == row.quantity:
        return booked.basis
    cost: Decimal = row.average * row.quantity
    return cost


def _share(part: Decimal, whole: Decimal) -> str:
    return numbers.percent(numbers.fraction_of(abs(part), whole)).lstrip("+")


def _terms(row: OrderRow) -> str:
    return order_terms(row, lambda value: price(value, row.tick))


def _lot_from(lot: Lot) -> str:
    if lot.order_id:
        return ""
    return "taken over" if lot.price is not None else "older, or before this history"
