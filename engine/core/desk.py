"""What the parts of the core share while one input is handled: the state, the time, and the list of what is to be done about it.

`record` is the only way to change the state. An order comes to be by `place` alone, and is asked to end by `cancel` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from engine.core.gate import Gate, Judgement
from engine.core.prices import Prices
from engine.core.state import State
from engine.model.effects import CancelAtBroker, Effect, Persist, Reply, Send
from engine.model.market import Instrument
from engine.model.modes import Level
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent, next_state
from engine.model.orders import Order
from engine.model.records import Noted, OrderChanged, OrderDenied, OrderPlaced, Record
from engine.model.settings import Settings

SECOND = 1_000_000_000


class Desk:
    """One input is handled at a time. `now` is market time and `mono` monotonic time, both in nanoseconds, both handed in."""

    __slots__ = ("_effects", "_records", "gate", "in_flight", "instruments", "mono", "now", "prices", "run_id", "settings", "state")

    def __init__(self, settings: Settings, instruments: Mapping[str, Instrument], price_life_s: float, run_id: str) -> None:
        self.settings = settings
        self.instruments = instruments
        self.run_id = run_id
        self.state = State()
        self.prices = Prices(price_life_s)
        self.gate = Gate(self.state, self.prices, instruments, settings.limits, settings.margin)
        self.now = 0
        self.mono = 0
        self.in_flight: set[str] = set()
        """Orders of this run that the broker has not said a word about yet."""
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

    def place(self, judgement: Judgement, requested: Decimal) -> Order:
        """Makes an order of what the gate let through. It is sent once its record is durable."""
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
        )
        self.record(placed)
        order = self.state.book.orders[placed.id]
        self.in_flight.add(order.id)
        self.ask(Send(order))
        return order

    def deny(self, judgement: Judgement) -> None:
        self.record(OrderDenied(judgement.intent, judgement.verdict, self.now))

    def cancel(self, orders: Iterable[Order]) -> list[Order]:
        """Asks the broker to cancel those of `orders` that are open, UNKNOWN ones too; asks again where it was asked before."""
        asked = []
        for order in orders:
            after = next_state(order.state, OrderEvent.REQUEST_CANCEL)
            if after is None:
                continue
            if after is not order.state:
                self.record(OrderChanged(order.id, OrderEvent.REQUEST_CANCEL, after, order.broker_id, "", self.now))
            asked.append(order)
        if asked:
            self.ask(CancelAtBroker(tuple(order.id for order in asked)))
        return asked
