"""Orders that hang together: an entry and its exits (bracket), one that cancels the other (OCO), one that triggers the other (OTO).

There is one rule, and it looks at nothing but how the orders stand, so it may run after anything that happened and after a restart:

- There is as much left to close as the entry filled, less what its exits filled (for an OCO: as was asked for, less what both filled),
  and never more than is held where the orders only reduce.
- An exit that is held here is released at the entry's first fill, for what is left; one at the broker is replaced until it covers what is
  left, at its distance from the entry's average; where nothing is left it is cancelled. So each fill of one leg takes from the other, and
  a whole fill ends it.
- Where a broker cannot replace it, the exit is cancelled and a successor takes its place once that has ended: two never work at once.
- The rest of an entry that was cancelled leaves its exits with what filled; an entry that ended without a fill ends them.

A person who cancels one leg of two cancels both, as brokers do. A leg that a broker rejects or lets expire leaves the other at work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from engine.core.broker_groups import BrokerGroups
from engine.core.desk import SECOND, Desk, wish_of
from engine.core.gate import Judgement
from engine.core.normal_form import exit_price
from engine.core.risk.rules import Rule
from engine.model.capabilities import step
from engine.model.modes import Level, TradingState
from engine.model.money import ZERO, to_lot, to_tick
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState, OrderType, Side, Terms
from engine.model.records import OrderChanged
from engine.model.verdicts import PASSED

REPLACEABLE = frozenset({OrderState.ACCEPTED, OrderState.HELD, OrderState.WORKING, OrderState.PARTIAL})


_UNDECIDED = frozenset({OrderState.PENDING_SUBMIT, OrderState.UNKNOWN, OrderState.PENDING_CANCEL})


class Left(Struct, frozen=True):
    """What is left to do for the orders of a family: `shares` in all, `told` before looking at what is held. `more` says that the order
    they wait for may still add to it."""

    shares: Decimal
    told: Decimal
    more: bool
    why: str
    """Why nothing is, where nothing is."""


class Groups:
    """Keeps groups of orders in step with their fills."""

    __slots__ = ("_brokers", "_cancelled", "_desk", "_refused", "_undecided")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._brokers = BrokerGroups(desk)
        self._refused: set[str] = set()
        """Orders of this run that the broker would not give another size."""
        self._cancelled: dict[str, int] = {}
        """When a cancel was last asked for here, in monotonic nanoseconds."""
        self._undecided: set[str] = set()
        """Groups that the broker keeps and of which an order has to be waited for: all of one go to it together."""

    def settle(self, *, listed: bool = False) -> None:
        """Brings every group to where it should be. `listed` says that the broker has just told how all its orders stand: only then is a
        leg corrected that a broker which keeps groups itself should have."""
        book = self._desk.state.book
        if listed:
            self._brokers.on_listed()
        held: dict[tuple[str, Side], Decimal] = {}
        # An exit may fill all of itself while its entry fills more: then nothing of its family works any more, and something is left.
        filled = (order.family for order in self._desk.filled() if order.parent)
        # And an entry may fill after it ended, as where a cancel lost the race and the broker told that later.
        late = (order.id for order in self._desk.traded() if order.state.is_final and book.family(order.id))
        for key in dict.fromkeys([*book.families(), *filled, *late]):
            orders = book.family(key)
            left = self._left(book.orders.get(key), orders, held)
            self._succeed(orders, left)
            working = [order for order in orders if not order.state.is_final]
            native = self._desk.gate.capabilities.oco
            self._undecided = {order.oco for order in working if native and order.oco and self._waits(order)}
            self._brokers.look(working, orders, left.shares)
            if left.shares > 0:
                for order in working:
                    self._keep(order, orders, left, listed)
            else:
                self._end(working, left, listed)

    def siblings(self, order: Order) -> list[Order]:
        """The open orders that share with `order` what there is to close."""
        family = self._desk.state.book.family(order.family) if order.oco else []
        return [other for other in family if other.oco == order.oco and other is not order and not other.state.is_final]

    def on_cancelled(self, order: Order) -> None:
        """`order` was cancelled at the broker, and not by us: its sibling goes with it, unless it was cancelled for the sibling's fill."""
        if not order.oco or self._desk.gate.capabilities.oco:
            return
        book = self._desk.state.book
        left = self._left(book.orders.get(order.family), book.family(order.family), {})
        if left.shares > 0:
            self._desk.cancel(self.siblings(order), f"#{order.number} of its group was cancelled")

    def on_terms(self, order: Order, had: Decimal, *, answered: bool) -> None:
        """The broker told other terms of `order`, which had the quantity `had`; `answered` where it was asked for them."""
        self._brokers.on_terms(order, had, answered=answered)

    def on_refused(self, order: Order, asked: Terms) -> None:
        """The broker would not give `order` the terms `asked`."""
        if order.family and (asked.quantity != order.quantity or order.exit_pct is not None):
            self._refused.add(order.id)
        if order.oco and asked.quantity < order.quantity:
            self._brokers.is_over(order)

    def on_unsent(self, order: Order) -> None:
        """`order` was released and never reached the broker: what it was to close still needs it."""
        if order.parent:
            self._place_successor(order)

    def on_surplus(self, order: Order) -> None:
        """`order` is about to be cancelled because too much of it works: what it was to close still needs an exit."""
        if order.parent:
            self._place_successor(order)

    def can_send(self) -> bool:
        """Whether anything may be sent at all now."""
        gate = self._desk.gate
        shut = not gate.ready or gate.link_down or gate.unwritable
        return not shut and self._desk.state.trading is not TradingState.HALTED

    # ---- what is left

    def _left(self, parent: Order | None, orders: Sequence[Order], held: dict[tuple[str, Side], Decimal]) -> Left:
        first = orders[0]
        if parent is None:
            told = first.requested - sum((order.filled for order in orders), ZERO)
            more, why = False, "the other order of its group filled"
        elif first.symbol == parent.symbol and first.side is not parent.side:
            told = parent.filled * first.requested / parent.requested - sum((order.filled for order in orders), ZERO)
            why = _closed_all(parent) if parent.filled else _never_filled(parent)
            more = not parent.state.is_final
        else:
            done = parent.state is OrderState.FILLED
            told = first.requested - sum((order.filled for order in orders), ZERO) if done else ZERO
            more, why = not parent.state.is_final, f"#{parent.number}, which was to trigger it, ended {parent.state.words}"
        told = to_lot(max(told, ZERO), self._step(first))
        if not first.reduce_only or not told:
            return Left(told, told, more, why)
        place = first.symbol, first.side
        if place not in held:
            held[place] = max(-first.side.sign * self._desk.state.portfolio.position(first.symbol), ZERO)
        shares = min(told, held[place])
        held[place] -= shares
        return Left(shares, told, more, why if shares or not told else f"there is no {first.symbol} left to close")

    def _step(self, order: Order) -> Decimal:
        return step(self._desk.instrument(order.symbol).lot, self._desk.gate.capabilities.fraction, order.type, order.tif)

    # ---- successors

    def _succeed(self, orders: Sequence[Order], left: Left) -> None:
        """Holds a successor ready for each exit that did its work or is about to be ended, while there is or may be more to close."""
        if not orders[0].parent or not (left.more or left.shares) or self._desk.state.trading is TradingState.HALTED:
            return
        succeeded = {order.succeeds for order in orders}
        parent = self._desk.state.book.orders.get(orders[0].parent)
        over = (_closed_all(parent), _never_filled(parent)) if parent is not None else ()
        latest = [order for order in orders if (order.released or order.state.is_final) and order.id not in succeeded]
        for order in latest:
            done = order.state is OrderState.FILLED or (order.state is OrderState.CANCELED and _made_room(order, orders, over))
            if done or not (order.state.is_final or left.shares):
                self._place_successor(order)

    # ---- nothing left

    def _end(self, working: Sequence[Order], left: Left, listed: bool) -> None:
        """Ends what works. What is held stays where the entry may fill more."""
        at_broker = [order for order in working if order.released]
        ending = at_broker if left.more else working
        if not self._broker_ends(ending, left, listed):
            self._cancel(ending, left.why)

    def _broker_ends(self, orders: Sequence[Order], left: Left, listed: bool) -> bool:
        """Whether the broker itself takes a leg's fills from the others, and may yet do so. One that took another's place may have gone
        there alone, just when the other leg filled, and is in no group with it."""
        if listed or left.told or not self._desk.gate.capabilities.oco:
            return False
        return all(order.oco and order.released and not order.succeeds and self._brokers.is_its_turn(order) for order in orders)

    # ---- something left

    def _keep(self, order: Order, orders: Sequence[Order], left: Left, listed: bool) -> None:
        """Has `order` cover what is left."""
        desk = self._desk
        gate = desk.gate
        if not self.can_send():
            return
        if not order.released:
            if not (order.oco in self._undecided or self._waits(order)):
                self._release(order, orders, left.shares)
            return
        if order.state not in REPLACEABLE or order.asked is not None:
            return
        as_it_is = not gate.capabilities.replace or order.id in self._refused
        shares = self._brokers.left_for(order, orders, left.shares)
        if shares >= order.remaining:
            self._brokers.is_done(order)
        if shares <= 0 or (order.remaining == shares and (as_it_is or not self._has_moved(order))):
            return
        shrinks = shares < order.remaining
        if shrinks and order.oco and gate.capabilities.oco and left.shares == left.told and not listed and self._is_brokers_turn(order):
            return
        judgement = self._judge(order, orders, shares, lighter=shrinks)
        wanted = judgement.intent
        if not judgement.passes or (wanted.quantity == order.remaining and not self._has_moved(order)):
            return
        stays = gate.capabilities.oco and not gate.capabilities.oco_resize and order.oco and wanted.quantity != order.remaining
        if as_it_is or stays:
            self._place_successor(order)
            self._cancel([order], "an order of another size takes its place", makes_room=True)
            return
        terms = Terms(order.filled + wanted.quantity, wanted.limit, wanted.stop, wanted.trail, wanted.trail_pct)
        desk.replace(order, terms, judgement, exit_pct=order.exit_pct)

    def _is_brokers_turn(self, order: Order) -> bool:
        """Whether the broker may yet take from `order` by itself what the other leg filled. Where a group cannot be resized it is not ended
        for that before the broker's list says so."""
        return not self._desk.gate.capabilities.oco_resize or self._brokers.is_its_turn(order)

    def _waits(self, order: Order) -> bool:
        """Whether it is not known yet what becomes of `order`, or, of one that is held here, of the one that it is to succeed."""
        if order.released:
            return order.state in _UNDECIDED
        before = self._desk.state.book.orders.get(order.succeeds)
        return not (order.state.is_final or before is None or before.state.is_final)

    def _release(self, order: Order, orders: Sequence[Order], shares: Decimal) -> None:
        desk = self._desk
        judgement = self._judge(order, orders, shares)
        if judgement.passes:
            desk.release(order, judgement)
            return
        if judgement.verdict.rule == Rule.REDUCE_ONLY:
            # There is something left, and others still sell it: some of their quantity is on its way to be taken off, or will be cancelled.
            return
        text = judgement.verdict.text
        desk.note(Level.WARNING, "orders", f"#{order.number} {order.symbol} is not sent although what it waited for has happened: {text}")
        desk.record(OrderChanged(order.id, OrderEvent.CANCEL, OrderState.CANCELED, "", text, desk.now))

    def _judge(self, order: Order, orders: Sequence[Order], shares: Decimal, *, lighter: bool = False) -> Judgement:
        terms = replace(self._at_its_price(order), quantity=shares)
        aside = [other.id for other in orders]
        return self._desk.gate.judge(wish_of(order, terms), self._desk.now, self._desk.mono, aside=aside, lighter=lighter)

    def _at_its_price(self, order: Order) -> Terms:
        """Its terms, at the price that follows from its entry's average where it is kept so far from that."""
        parent = self._desk.state.book.orders.get(order.parent)
        if order.exit_pct is None or order.triggered or parent is None or parent.average is None:
            return order.terms
        profit = order.type is OrderType.LIMIT
        price = to_tick(exit_price(parent.average, parent.side, order.exit_pct, profit=profit), self._desk.instrument(order.symbol).tick)
        return replace(order.terms, limit=price) if profit else replace(order.terms, stop=price)

    def _has_moved(self, order: Order) -> bool:
        """Whether its entry's average has moved since it got its price."""
        return order.exit_pct is not None and self._at_its_price(order) != order.terms

    def _place_successor(self, order: Order) -> None:
        """An order like `order`, held here until that one has ended and there is something left to close."""
        if any(other.succeeds == order.id for other in self._desk.state.book.family(order.family)):
            return
        judgement = Judgement(wish_of(order, order.terms), PASSED, order.mark)
        self._desk.place(judgement, order.requested, parent=order.parent, oco=order.oco, succeeds=order.id, exit_pct=order.exit_pct)

    def _cancel(self, orders: Iterable[Order], reason: str, *, makes_room: bool = False) -> None:
        """Asks for it once a second, where it is refused or lost."""
        desk = self._desk
        due = [
            order
            for order in orders
            if order.state is not OrderState.PENDING_CANCEL and desk.mono - self._cancelled.get(order.id, -SECOND) >= SECOND
        ]
        self._cancelled.update((order.id, desk.mono) for order in due if order.released)
        desk.cancel(due, reason, makes_room=makes_room)


def _closed_all(parent: Order) -> str:
    return f"#{parent.number} has nothing left to close"


def _never_filled(parent: Order) -> str:
    return f"#{parent.number} ended without a fill: {parent.state.words}"


def _made_room(order: Order, family: Sequence[Order], over: Sequence[str]) -> bool:
    """Whether it was cancelled because its entry seemed to be over, or by the broker because one of its group filled that worked beside it,
    which may have a successor by now. Else somebody wanted it gone."""
    if order.cancel_reason is not None:
        return order.cancel_reason in over
    if not order.released:
        return order.reason in over
    before = {other.id: other.succeeds for other in family}

    def place(order_id: str) -> int:
        """How many of its line came before it."""
        count = 0
        while order_id := before.get(order_id, ""):
            count += 1
        return count

    return any(other.state is OrderState.FILLED and place(other.id) == place(order.id) for other in family)
