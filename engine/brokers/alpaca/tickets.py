"""What is known of each order at Alpaca: the chain of orders there that stand for one of ours, and what all of them filled.

A replace makes another order there, which knows nothing of what the first one filled. Figures told to the engine are those of the chain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from engine.brokers.alpaca import ids
from engine.brokers.alpaca.words import ALIVE, ENDED, EVENTS, Seen
from engine.model.inputs import BrokerOrder, OrderUpdate
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderType, Terms

Executions = Mapping[str, tuple[Decimal, Decimal]]
"""Quantity and price by the execution's id."""


class Piece(Struct):
    """One order at Alpaca. `executions` are those that the stream told, `booked` those of the account's activities."""

    seen: Seen
    executions: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    booked: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    streamed_at: int = 0
    """When what the stream told last of it happened."""

    @property
    def exact(self) -> bool:
        """Whether all its executions are known."""
        return not self.filled or any(_quantity(known) == self.filled for known in (self.booked, self.executions))

    @property
    def filled(self) -> Decimal:
        return self.seen.filled

    @property
    def cost(self) -> Decimal:
        """Exact where all executions are known; else by the average, which Alpaca rounds."""
        for known in (self.booked, self.executions):
            if self.filled and _quantity(known) == self.filled:
                return sum((quantity * price for quantity, price in known.values()), ZERO)
        return self.filled * (self.seen.average or ZERO)

    @property
    def ended(self) -> bool:
        return self.seen.status in ENDED


def _quantity(executions: Executions) -> Decimal:
    return sum((quantity for quantity, _ in executions.values()), ZERO)


class Ticket(Struct):
    """One order of ours, or one placed elsewhere, by its `order_id`.

    `attempts` is how often a replace was asked for: no client id may come twice. It is `shared` once the engine knows of it; `told` is the
    order there that it was last told about, `refused` the last one that did not take its place.
    """

    order_id: str
    pieces: list[Piece] = field(default_factory=list)
    client: ids.ClientId | None = None
    attempts: int = 0
    shared: bool = False
    told: str = ""
    refused: str = ""

    @property
    def current(self) -> Piece:
        """The one that stands for it now: the last, or the one before while it is not settled that the last takes its place."""
        for before, piece in zip(self.pieces[-2::-1], self.pieces[:0:-1], strict=False):
            if before.seen.status == "replaced":
                return piece
        return self.pieces[0]

    @property
    def open(self) -> bool:
        return bool(self.pieces) and not self.current.ended

    @property
    def filled(self) -> Decimal:
        return sum((piece.filled for piece in self._counted()), ZERO)

    @property
    def cost(self) -> Decimal:
        return sum((piece.cost for piece in self._counted()), ZERO)

    @property
    def quantity(self) -> Decimal:
        """The whole one, what its predecessors filled included."""
        current = self.current
        before = sum((piece.filled for piece in self._counted() if piece is not current), ZERO)
        return before + current.seen.quantity

    @property
    def surplus(self) -> Decimal:
        """By how much that exceeds what was asked for: what filled while a replace was on its way comes on top of it. Nothing where it was
        somebody else who replaced it."""
        client = ids.read(self.current.seen.client_id)
        return max(self.quantity - client.quantity, ZERO) if client.order == self.order_id and client.quantity else ZERO

    @property
    def terms(self) -> Terms:
        now = self.current.seen
        return Terms(self.quantity, now.limit, now.stop, now.trail, now.trail_pct)

    @property
    def gap(self) -> str:
        """The id of an order there that one of these replaced and that is not known yet, or nothing."""
        known = {piece.seen.id for piece in self.pieces}
        return next((piece.seen.replaces for piece in self.pieces if piece.seen.replaces not in ("", *known)), "")

    def _counted(self) -> Iterable[Piece]:
        return self.pieces[: self.pieces.index(self.current) + 1]

    def news(self, *, reason: str = "", corrected: bool = False) -> OrderUpdate | None:
        """As `update`, and what became of a replace, which is told once."""
        now, last = self.current.seen, self.pieces[-1].seen
        event = EVENTS.get(now.status)
        if event in ALIVE and last.id != now.id and last.status in ENDED and last.id != self.refused:
            self.refused = last.id
            event, reason = OrderEvent.REFUSE_REPLACE, reason or "the order could not be replaced"
        elif event in ALIVE and self.told not in ("", now.id):
            event = OrderEvent.REPLACE
        self.told = now.id
        return self.update(event=event, reason=reason, corrected=corrected)

    def update(self, *, event: OrderEvent | None = None, reason: str = "", corrected: bool = False) -> OrderUpdate | None:
        """Where it stands, or None where its status is one that nobody knows."""
        now = self.current.seen
        event = event or EVENTS.get(now.status)
        if event is None:
            return None
        trails = now.type is OrderType.TRAILING_STOP
        return OrderUpdate(
            self.order_id,
            event,
            now.id,
            self.filled,
            self.cost,
            reason=reason,
            terms=self.terms if self.quantity else None,
            stop=now.stop if trails else None,
            corrected=corrected,
            surplus=self.surplus,
        )

    def listed(self) -> BrokerOrder:
        """As a broker's list has it. A status that nobody knows is told as one that works: nothing is closed by it."""
        now = self.current.seen
        return BrokerOrder(
            self.order_id,
            now.id,
            now.symbol,
            now.side,
            self.quantity,
            now.type,
            now.limit,
            now.stop,
            EVENTS.get(now.status, OrderEvent.WORK),
            self.filled,
            self.cost,
            tif=now.tif,
            trail=now.trail,
            trail_pct=now.trail_pct,
            extended_hours=now.extended_hours,
            surplus=self.surplus,
            notional=now.notional,
        )


class Tickets:
    """All orders that were seen or sent in this run, found by our id and by Alpaca's."""

    def __init__(self) -> None:
        self._by_order: dict[str, Ticket] = {}
        self._by_broker: dict[str, tuple[Ticket, Piece]] = {}
        self.sent: dict[str, str] = {}
        """Under which client id an order of ours went out in this run."""
        self.strays: dict[str, list[tuple[Seen, Executions]]] = {}
        """News of orders that belong to none yet: a leg's, told before the answer that says whose leg it is."""

    def get(self, order_id: str) -> Ticket | None:
        ticket = self._by_order.get(order_id)
        return ticket if ticket is not None and ticket.pieces else None

    def of_broker(self, broker_id: str) -> Ticket | None:
        found = self._by_broker.get(broker_id)
        return found[0] if found else None

    def expect(self, client: ids.ClientId) -> None:
        """From now on there may be news of what is sent under `client`."""
        for order_id in filter(None, (client.order, client.second)):
            self.sent[order_id] = str(client)
            self._ticket(order_id).shared = True

    def open(self) -> list[Ticket]:
        return [ticket for ticket in self._by_order.values() if ticket.open]

    def works_beside(self, wanted: Collection[str]) -> bool:
        """Whether something is known to work, and not on its way to its end, that is none of `wanted`. Of what the engine has not been told
        about, only what may protect a position counts."""
        beside = [ticket for ticket in self.open() if ticket.order_id not in wanted]
        seen = [ticket.current.seen for ticket in beside if ticket.shared or ticket.current.seen.type.is_stop]
        strays = [news[-1][0] for news in self.strays.values() if news[-1][0].type.is_stop]
        return any(each.status not in ("pending_cancel", *ENDED) for each in (*seen, *strays))

    def take(self, told: Seen, executions: Executions | None = None, *, order_id: str = "", streamed: bool = False) -> list[Ticket]:
        """Learns what Alpaca told of an order and its legs; the tickets that it is news for. `order_id` says whose it is where its own
        client id does not; `streamed`, that the stream told it."""
        changed = []
        found = self._by_broker.get(told.id)
        if found is None:
            client = ids.read(told.client_id)
            before = self._by_broker.get(told.replaces)
            known = order_id or (client.order if client.order in self._by_order else before[0].order_id if before else "")
            if not known:
                self.strays.setdefault(told.id, []).append((told, executions or {}))
                return []
            ticket = self._ticket(known)
            piece = Piece(told)
            self._place(ticket, piece)
            self._by_broker[told.id] = ticket, piece
            if client.order == known:
                ticket.client = client
                ticket.attempts = max(ticket.attempts, client.attempt)
            changed.append(ticket)
        else:
            ticket, piece = found
            if told.updated_at >= piece.seen.updated_at:
                # The stream tells no legs.
                now = told if told.legs else replace(told, legs=piece.seen.legs)
                if now != piece.seen:
                    changed.append(ticket)
                piece.seen = now
        if streamed:
            piece.streamed_at = max(piece.streamed_at, told.updated_at)
        if executions:
            piece.executions.update(executions)
            changed.append(ticket)
        if told.legs:
            second = ticket.client.second if ticket.client else ""
            for leg in told.legs:
                changed += self.take(leg, order_id="" if leg.id in self._by_broker else second or leg.client_id)
        for stray, with_it in self.strays.pop(told.id, ()):
            changed += self.take(stray, with_it, streamed=True)
        return list({id(each): each for each in changed}.values())

    def adopt(self, told: Seen) -> list[Ticket]:
        """The same for one that is listed: what belongs to nobody is an order placed elsewhere."""
        client = ids.read(told.client_id)
        self._ticket(client.order)
        if client.second:
            self._ticket(client.second)
        return self.take(told)

    def book(self, broker_id: str, execution: str, quantity: Decimal, price: Decimal) -> None:
        """An execution of the account's activities, which are exact."""
        if (found := self._by_broker.get(broker_id)) is not None:
            found[1].booked[execution] = (quantity, price)

    def is_exact(self, broker_id: str) -> bool:
        found = self._by_broker.get(broker_id)
        return found is None or found[1].exact

    def forget_executions(self, broker_id: str) -> None:
        """Alpaca took back what it told of them."""
        if (found := self._by_broker.get(broker_id)) is not None:
            found[1].executions.clear()
            found[1].booked.clear()

    def _ticket(self, order_id: str) -> Ticket:
        return self._by_order.setdefault(order_id, Ticket(order_id))

    @staticmethod
    def _place(ticket: Ticket, piece: Piece) -> None:
        """Behind the one that it replaces, or before the one that replaces it."""
        for place, other in enumerate(ticket.pieces):
            if other.seen.id == piece.seen.replaced_by or other.seen.replaces == piece.seen.id:
                ticket.pieces.insert(place, piece)
                return
        ticket.pieces.append(piece)
