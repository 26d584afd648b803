"""What the parts of the core share while one input is handled: the state, the time, and the list of what is to be done about it.

`record` is the only way to change the state. An order comes to be by `place` alone, and is asked to end by `cancel` alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from engine.core.gate import Gate, Judgement
from engine.core.normal_form import with_quantity
from engine.core.prices import Prices
from engine.core.state import State
from engine.model.effects import CancelAtBroker, Effect, Persist, ReplaceAtBroker, Reply, Send
from engine.model.limit_changes import copied
from engine.model.market import Instrument
from engine.model.modes import Level, Mode
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent, next_state
from engine.model.orders import Bracket, Intent, Order, OrderState, OrderType, Terms, TimeInForce
from engine.model.records import FillBooked, Noted, OrderChanged, OrderDenied, OrderPlaced, OrderReleased, Record, ReplaceAsked
from engine.model.settings import Settings
from engine.model.verdicts import PASSED, Verdict

SECOND = 1_000_000_000


class Desk:
    """One input is handled at a time. `now` is market time and `mono` monotonic time, both in nanoseconds, both handed in."""

    __slots__ = (
        "_effects",
        "_records",
        "broker_cash_off",
        "broker_off",
        "by_hand",
        "cash_off",
        "cash_told",
        "gate",
        "in_flight",
        "instruments",
        "mono",
        "now",
        "prices",
        "replacing",
        "revisions",
        "run_id",
        "settings",
        "state",
    )

    def __init__(self, settings: Settings, instruments: dict[str, Instrument], prices: Prices, run_id: str) -> None:
        self.settings = settings = replace(settings, limits=copied(settings.limits))
        self.instruments = instruments
        self.run_id = run_id
        self.state = State()
        self.prices = prices
        self.gate = Gate(self.state, self.prices, instruments, settings.limits, settings.margin, settings.combined)
        self.by_hand = Mode.MANUAL if settings.enable_trading else Mode.RESEARCH
        """The mode in which a person takes over, after a crash or a stop."""
        self.now = 0
        self.mono = 0
        self.in_flight: set[str] = set()
        """Orders of this run that the broker has not said a word about yet."""
        self.replacing: dict[str, int] = {}
        """Orders of this run whose replace the broker has yet to answer, and the monotonic time it was asked."""
        self.revisions: dict[str, int] = {}
        """Which of an order's terms its are, where the broker counted them in this run."""
        self.broker_off: dict[str, tuple[Decimal, Decimal]] = {}
        """By how many shares (signed) the broker held more than our books at the last comparison, and its average, of what differs."""
        self.broker_cash_off = ZERO
        """How much more cash the broker had then than our books."""
        self.cash_off = ZERO
        """How much more cash the broker told at the last comparison than our books, and whether that was said."""
        self.cash_told = False
        self._records: list[Record] = []
        self._effects: list[Effect] = []

    def begin(self, mono: int) -> None:
        self.mono = mono
        self._records = []
        self._effects = []

    def effects(self) -> list[Effect]:
        """All that is to be done, what must be durable first."""
        if self._records:
            return [Persist(tuple(self._records)), *self._effects]
        return self._effects

    def instrument(self, symbol: str) -> Instrument:
        """Also of one that no feed knows: what is held of it has exits all the same."""
        return self.instruments.get(symbol) or Instrument(symbol)

    def traded(self) -> list[Order]:
        """The orders of which a fill is booked by what is being handled."""
        return [self.state.book.orders[record.fill.order_id] for record in self._records if isinstance(record, FillBooked)]

    def filled(self) -> list[Order]:
        """The orders that are found to have filled by what is being handled: by a fill, or as they are told to have been smaller."""
        changed = (self.state.book.orders[record.order_id] for record in self._records if isinstance(record, OrderChanged))
        return [order for order in changed if order.state is OrderState.FILLED]

    def record(self, record: Record) -> None:
        """A fact: it changes the state now, and goes to the journal."""
        self.state.apply(record)
        self._records.append(record)

    def ask(self, effect: Effect) -> None:
        self._effects.append(effect)

    def note(self, level: Level, source: str, text: str, detail: str = "") -> None:
        self.record(Noted(level, source, text, detail, self.now))

    def reply(self, command_id: str, ok: bool, text: str) -> None:
        self.ask(Reply(command_id, ok, text))

    def place(
        self,
        judgement: Judgement,
        requested: Decimal,
        *,
        parent: str = "",
        oco: str = "",
        succeeds: str = "",
        exit_pct: Decimal | None = None,
    ) -> Order:
        """Makes an order of what the gate let through, with the exits that it brings along. It is sent once all of that is durable; one
        that waits for another order, `parent` or the one it `succeeds`, stays here. Exits are approved with their entry."""
        intent = judgement.intent
        number = self.state.book.last_number + 1
        placed = OrderPlaced(
            id=f"{self.run_id}-{number}",
            number=number,
            symbol=intent.symbol,
            side=intent.side,
            quantity=intent.quantity,
            requested=requested,
            type=intent.type,
            limit=intent.limit,
            stop=intent.stop,
            tif=intent.tif,
            source=intent.source,
            strategy=intent.strategy,
            signal_id=intent.signal_id,
            reduce_only=intent.reduce_only,
            reason=intent.reason,
            mark=judgement.price or ZERO,
            verdict=judgement.verdict,
            at=self.now,
            trail=intent.trail,
            trail_pct=intent.trail_pct,
            extended_hours=intent.extended_hours,
            parent=parent,
            oco=oco,
            exit_pct=exit_pct,
            succeeds=succeeds,
        )
        self.record(placed)
        order = self.state.book.orders[placed.id]
        if not (parent or judgement.reduces):
            self.gate.repetitions.remember(with_quantity(intent, requested), order, self.now, self.mono)
        if order.released:
            self.in_flight.add(order.id)
            self.ask(Send(order))
        if intent.bracket is not None:
            exits = exits_of(intent, intent.bracket)
            group = f"{order.id}/exits" if len(exits) > 1 else ""
            for leave, pct in exits:
                self.place(Judgement(leave, PASSED, judgement.price), requested, parent=order.id, oco=group, exit_pct=pct)
        return order

    def repetition(self, judgement: Judgement, requested: Decimal) -> Verdict | None:
        """A no where what the gate let through looks like the order before it. What only reduces may be said as often as one likes."""
        if judgement.reduces:
            return None
        return self.gate.repetitions.find(with_quantity(judgement.intent, requested), self.now, self.mono)

    def release(self, order: Order, judgement: Judgement) -> None:
        """Lets an order that was held here go to the broker, as the gate has just let it through."""
        intent = judgement.intent
        self.record(OrderReleased(order.id, intent.quantity, intent.limit, intent.stop, self.now))
        self.in_flight.add(order.id)
        self.ask(Send(order))

    def replace(self, order: Order, terms: Terms, judgement: Judgement, *, exit_pct: Decimal | None = None) -> None:
        """Asks the broker to let `order` work under `terms`, once that is durable. An exit goes on to follow its entry's average where
        `exit_pct` says how far from it."""
        self.record(ReplaceAsked(order.id, terms, judgement.price or order.mark, judgement.verdict, self.now, exit_pct))
        self.record(OrderChanged(order.id, OrderEvent.REQUEST_REPLACE, OrderState.PENDING_REPLACE, order.broker_id, "", self.now))
        self.replacing[order.id] = self.mono
        self.ask(ReplaceAtBroker(order, terms))

    def deny(self, judgement: Judgement) -> None:
        self.record(OrderDenied(judgement.intent, judgement.verdict, self.now))

    def cancel(self, orders: Iterable[Order], reason: str = "", *, makes_room: bool = False) -> list[Order]:
        """Asks the broker to cancel those of `orders` that are open, UNKNOWN ones too; asks again where it was asked before. One that is
        still held here ends at once. `makes_room` says that others take their place, which the journal must hold first."""
        asked, at_broker = [], []
        for order in orders:
            after = next_state(order.state, OrderEvent.REQUEST_CANCEL)
            if after is None:
                continue
            asked.append(order)
            if not order.released:
                self.record(OrderChanged(order.id, OrderEvent.CANCEL, OrderState.CANCELED, "", reason, self.now))
                continue
            if after is not order.state:
                self.record(OrderChanged(order.id, OrderEvent.REQUEST_CANCEL, after, order.broker_id, reason, self.now))
            at_broker.append(order.id)
        if at_broker:
            self.ask(CancelAtBroker(tuple(at_broker), makes_room))
        return asked


def exits_of(entry: Intent, bracket: Bracket) -> list[tuple[Intent, Decimal | None]]:
    """The orders that leave what `entry` opens, each with how far from its average in per cent, where that sets its price."""
    exits = []
    ends_loss = OrderType.TRAILING_STOP if bracket.stop_loss is not None and bracket.stop_loss.trails else OrderType.STOP
    for kind, leave in ((OrderType.LIMIT, bracket.take_profit), (ends_loss, bracket.stop_loss)):
        if leave is not None:
            intent = replace(
                entry,
                side=entry.side.opposite,
                type=kind,
                limit=leave.price if kind is OrderType.LIMIT else None,
                stop=leave.price if kind is OrderType.STOP else None,
                trail=leave.trail,
                trail_pct=leave.trail_pct,
                tif=TimeInForce.GTC,
                extended_hours=False,
                reduce_only=True,
                bracket=None,
            )
            exits.append((intent, leave.pct))
    return exits


def wish_of(order: Order, terms: Terms) -> Intent:
    """What somebody would have to want to get `order` under `terms`, of which `quantity` is what it may still trade."""
    return Intent(
        symbol=order.symbol,
        side=order.side,
        quantity=terms.quantity,
        type=order.type,
        limit=terms.limit,
        stop=None if order.type is OrderType.TRAILING_STOP else terms.stop,
        tif=order.tif,
        source=order.source,
        strategy=order.strategy,
        signal_id=order.signal_id,
        reduce_only=order.reduce_only,
        reason=order.reason,
        trail=terms.trail,
        trail_pct=terms.trail_pct,
        extended_hours=order.extended_hours,
    )
