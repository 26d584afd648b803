"""A person's orders: submit, preview, two that hang together, replace, cancel. Each is answered in a sentence."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from msgspec.structs import replace

from engine.core.breakers import closing
from engine.core.desk import Desk, wish_of
from engine.core.gate import Judgement
from engine.core.groups import REPLACEABLE, Groups
from engine.core.normal_form import exit_price, is_pct, wrong_side
from engine.model.effects import Reply
from engine.model.inputs import Cancel, GroupKind, Preview, PreviewReplace, Replace, Submit, SubmitGroup
from engine.model.modes import TradingState
from engine.model.money import HUNDRED, ZERO, cents, to_tick
from engine.model.orders import Intent, Order, OrderState, OrderType, Side, Source, Terms
from engine.model.records import OrderReplaced

ONLY_PERSONS = "only a person's own order is submitted: strategies propose, and flatten is a command"


class Commands:
    """Takes the commands and asks the gate. A strategy's order asks the mode instead, and a closing order is no way around the limits."""

    __slots__ = ("_desk", "_groups")

    def __init__(self, desk: Desk, groups: Groups) -> None:
        self._desk = desk
        self._groups = groups

    # ---- new orders

    def on_submit(self, command: Submit) -> None:
        if command.intent.source is not Source.PERSON:
            self._desk.reply(command.id, False, ONLY_PERSONS)
            return
        judgement = self._judge(command.intent)
        requested = _requested(command.intent, judgement)
        if judgement.passes and not command.confirmed and (again := self._desk.repetition(judgement, requested)):
            judgement = replace(judgement, verdict=again)
        if not judgement.passes:
            self._refuse(command.id, command.intent, judgement)
            return
        order = self._desk.place(judgement, requested)
        exits = f" with {_numbers(self._desk.state.book.family(order.id))} held for what it fills" if judgement.intent.bracket else ""
        words = f"#{order.number} {describe(judgement.intent)} sent{exits}{_cut(command.intent, judgement)}{_waits(judgement)}"
        self._desk.reply(command.id, True, words)

    def would_pass(self, command_id: str, wish: Intent, aside: Collection[str]) -> bool:
        """Whether `wish` would pass without the orders `aside`; where not, it is refused."""
        judgement = self._desk.gate.judge(wish, self._desk.now, self._desk.mono, aside=aside)
        if not judgement.passes:
            self._refuse(command_id, wish, judgement)
        return judgement.passes

    def on_preview(self, command: Preview) -> None:
        self._desk.ask(self._answer(command.id, command.intent, self._judge(command.intent)))

    def on_preview_replace(self, command: PreviewReplace) -> None:
        order = self._desk.state.book.orders.get(command.order_id)
        complaint = "there is no such order" if order is None else self._not_replaceable(order, command.terms)
        if order is None or complaint:
            self._desk.reply(command.id, False, complaint)
            return
        wish, judgement = self._judge_terms(order, command.terms)
        self._desk.ask(self._answer(command.id, wish, judgement))

    def on_submit_group(self, command: SubmitGroup) -> None:
        first, second = command.first, command.second
        complaint = _group_complaint(command)
        if complaint:
            self._desk.reply(command.id, False, complaint)
            return
        one = self._judge(first)
        # The second of an OTO is judged when it is released: the first has changed the account by then.
        two = self._judge(second) if command.kind is GroupKind.OCO else self._desk.gate.in_itself(second)
        if one.passes and two.passes and not command.confirmed and (again := self._desk.repetition(one, _requested(first, one))):
            one = replace(one, verdict=again)
        for wish, judgement in ((first, one), (second, two)):
            if not judgement.passes:
                self._refuse(command.id, wish, judgement)
                return
        if command.kind is GroupKind.OCO:
            if _would_meet(one.intent, two.intent):
                self._desk.reply(
                    command.id, False, "The two orders of this OCO would trade with each other: the one buys at what the other asks."
                )
                return
            shares = one.intent.quantity
            if two.intent.quantity != shares:
                text = f"The orders of an OCO share one quantity; these would be {shares:f} and {two.intent.quantity:f}."
                self._desk.reply(command.id, False, text)
                return
            group = f"{self._desk.run_id}-{self._desk.state.book.last_number + 1}/oco"
            orders = [self._desk.place(judgement, shares, oco=group) for judgement in (one, two)]
            what = "one cancels the other"
        else:
            orders = [self._desk.place(one, _requested(first, one))]
            orders.append(self._desk.place(two, _requested(second, two), parent=orders[0].id))
            what = f"#{orders[1].number} is held until #{orders[0].number} fills"
        named = zip(orders, (one, two), strict=True)
        words = ", ".join(f"#{order.number} {describe(judgement.intent)}" for order, judgement in named)
        self._desk.reply(command.id, True, f"{words} sent: {what}")

    def _judge(self, wish: Intent) -> Judgement:
        return self._desk.gate.judge(wish, self._desk.now, self._desk.mono)

    def _refuse(self, command_id: str, wish: Intent, judgement: Judgement) -> None:
        self._desk.deny(judgement)
        self._desk.ask(self._answer(command_id, wish, judgement))

    def _answer(self, command_id: str, wish: Intent, judgement: Judgement) -> Reply:
        """The gate's verdict with the figures a person decides on."""
        intent, verdict = judgement.intent, judgement.verdict
        if judgement.price is None or judgement.figures is None:
            return Reply(command_id, judgement.passes, verdict.text, verdict)
        if judgement.passes and not verdict.text and (left := _left(wish, judgement)):
            verdict = replace(verdict, text=f"Cut to {left}.")
        cost = cents(judgement.price * intent.quantity)
        moved = intent.quantity * intent.side.sign
        opens = abs(judgement.position + moved) - abs(judgement.position)
        market = self._desk.prices.reference(intent.symbol, intent.side)
        return Reply(
            command_id,
            judgement.passes,
            (verdict.text or "passes") + (_cut(wish, judgement) if judgement.passes else ""),
            verdict,
            quantity=intent.quantity,
            cost=cost,
            buying_power_after=cents(judgement.figures.buying_power - judgement.price * opens),
            position_after=judgement.position + moved,
            distance=None if not market else float((_own_price(intent, judgement.price, market) - market) / market),
        )

    # ---- orders that work

    def on_replace(self, command: Replace) -> None:
        desk = self._desk
        order = desk.state.book.orders.get(command.order_id)
        if order is None:
            desk.reply(command.id, False, "there is no such order")
            return
        terms = command.terms
        complaint = self._not_replaceable(order, terms)
        if complaint:
            desk.reply(command.id, False, complaint)
            return
        wish, judgement = self._judge_terms(order, terms)
        if not judgement.passes:
            self._refuse(command.id, wish, judgement)
            return
        if terms.exit_pct is not None:
            # Its price it gets when its entry fills, as it would have at first.
            desk.record(OrderReplaced(order.id, Terms(order.quantity), desk.now, terms.exit_pct))
            desk.reply(command.id, True, f"#{order.number}, still held, is {terms.exit_pct.normalize():f}% away from its entry now")
            return
        intent = judgement.intent
        asked = Terms(order.filled + intent.quantity, intent.limit, intent.stop, intent.trail, intent.trail_pct)
        if asked == replace(order.terms, stop=intent.stop if order.type is OrderType.TRAILING_STOP else order.stop):
            desk.reply(command.id, False, f"#{order.number} has these terms already")
        elif order.released:
            desk.replace(order, asked, judgement)
            desk.reply(command.id, True, f"replace of #{order.number} by {describe(replace(intent, quantity=asked.quantity))} sent")
        else:
            desk.record(OrderReplaced(order.id, asked, desk.now))
            desk.reply(command.id, True, f"#{order.number}, still held, is {describe(intent)} now")

    def _judge_terms(self, order: Order, terms: Terms) -> tuple[Intent, Judgement]:
        """What is left of `order` on these terms, and the verdict on that in the place of what it is now."""
        # It is the person who wants it now: what does not pass is refused, never cut down behind their back.
        wish = replace(wish_of(order, terms), quantity=terms.quantity - order.filled, source=Source.PERSON)
        if not order.released:
            return wish, self._desk.gate.in_itself(self._priced(wish, order, terms))
        aside = [order.id, *(other.id for other in self._groups.siblings(order))]
        return wish, self._desk.gate.judge(wish, self._desk.now, self._desk.mono, aside=aside, lighter=_is_lighter(order, terms))

    def _priced(self, wish: Intent, order: Order, terms: Terms) -> Intent:
        """`wish` at the price that it would get if its entry filled at its own, or at the market's."""
        entry = self._desk.state.book.orders.get(order.parent)
        if terms.exit_pct is None or entry is None:
            return wish
        at, profit = entry.average or entry.limit or entry.stop or entry.mark, order.type is OrderType.LIMIT
        price = to_tick(exit_price(at, entry.side, terms.exit_pct, profit=profit), self._desk.instrument(order.symbol).tick)
        return replace(wish, limit=price) if profit else replace(wish, stop=price)

    def _not_replaceable(self, order: Order, terms: Terms) -> str:
        """Why `order` cannot get `terms`, as far as that shows before the gate is asked."""
        name = f"#{order.number}"
        numbers = (terms.quantity, terms.limit, terms.stop, terms.trail, terms.trail_pct, terms.exit_pct)
        if not all(number is None or number.is_finite() for number in numbers):
            return f"{name} cannot have these terms: one of their numbers is none."
        if order.state.is_final:
            return f"{name} ended already: {order.state.words}"
        if self._desk.state.trading is TradingState.HALTED:
            return f"Trading is halted ({self._desk.state.halt_reason}): nothing is replaced."
        if order.family and terms.quantity != order.quantity:
            return f"{name} hangs together with others, and its quantity follows from their fills: replace its price alone, or cancel it."
        if terms.exit_pct is not None:
            return _not_distant(order, terms.exit_pct)
        if not order.released:
            return self._never_left(order, terms)
        if not self._desk.gate.capabilities.replace:
            return "This broker replaces no orders: cancel it, and send another."
        if order.asked is not None or order.state is OrderState.PENDING_REPLACE:
            return f"{name}'s last replace has not been answered yet."
        if order.state not in REPLACEABLE:
            return f"{name} is {order.state}: it can be replaced once the broker has it at work."
        if terms.quantity <= order.filled:
            return f"{name} has filled {order.filled:f} already: cancel the rest instead."
        return ""

    def _never_left(self, order: Order, terms: Terms) -> str:
        """Why `order`, an exit that is held, would trade at once when its entry fills, as a new bracket is asked, too."""
        entry, price = self._desk.state.book.orders.get(order.parent), terms.limit or terms.stop
        is_exit = order.reduce_only and order.type in (OrderType.LIMIT, OrderType.STOP)
        if entry is None or price is None or not is_exit or entry.side is order.side:
            return ""
        at = entry.average or entry.limit or entry.stop or entry.mark
        return wrong_side(price, at, entry.side, profit=order.type is OrderType.LIMIT)

    def on_cancel(self, command: Cancel) -> None:
        book = self._desk.state.book
        if command.order_id:
            order = book.orders.get(command.order_id)
            if order is None or order.state.is_final:
                text = "there is no such order" if order is None else f"#{order.number} ended already: {order.state.words}"
                # One that went with the other leg of its group, cancelled a moment ago, is what was asked for.
                self._desk.reply(command.id, order is not None and order.state is OrderState.CANCELED, text)
                return
            chosen = [order, *self._groups.siblings(order)]
        else:
            spared = closing(self._desk.state, book.working())
            chosen = [o for o in book.working(command.symbol) if not (command.entries_only and o.id in spared)]
        asked = self._desk.cancel(chosen)
        self._desk.reply(command.id, bool(asked), f"cancel of {_numbers(asked)} sent" if asked else "nothing is working there")


def _not_distant(order: Order, pct: Decimal) -> str:
    """Why `order` cannot be an exit so many per cent from its entry."""
    if order.released or not order.parent or order.type not in (OrderType.LIMIT, OrderType.STOP):
        return f"#{order.number} is no exit that waits for its entry: it takes a price."
    if pct == order.exit_pct:
        return f"#{order.number} has these terms already"
    return "" if is_pct(pct) else f"{pct} % is not between 0 and 100."


def describe(intent: Intent) -> str:
    """One line a trader reads: BUY 50 MSFT limit 402.05 DAY."""
    prices = [f"{name} {price:f}" for name, price in (("stop", intent.stop), ("limit", intent.limit)) if price is not None]
    if len(prices) < 2:
        prices = [" ".join([intent.type.lower().replace("_", " "), *(price.split()[1] for price in prices)])]
    trail = f" {intent.trail:f}" if intent.trail is not None else f" {intent.trail_pct:f} %" if intent.trail_pct is not None else ""
    hours = " extended hours" if intent.extended_hours else ""
    return f"{intent.side} {intent.quantity:f} {intent.symbol} {' '.join(prices)}{trail} {intent.tif}{hours}"


def _numbers(orders: list[Order]) -> str:
    return ", ".join(f"#{order.number}" for order in orders)


def _requested(wish: Intent, judgement: Judgement) -> Decimal:
    """What was asked for, in shares."""
    return judgement.intent.quantity if wish.notional is not None else wish.quantity


def _cut(wish: Intent, judgement: Judgement) -> str:
    """What became of a quantity that was no whole number of lots, or of a sum of money, in words."""
    shares = judgement.intent.quantity
    if wish.notional is not None and judgement.price is not None:
        return f" ({wish.notional:f} at {judgement.price:f} a share)"
    if wish.reduce_only:
        left = _left(wish, judgement)
        return f" ({left})" if left else ""
    if shares == wish.quantity:
        return ""
    return f" ({wish.quantity:f} cut to {'whole lots' if shares == shares.to_integral_value() else f'{shares:f}'})"


def _left(wish: Intent, judgement: Judgement) -> str:
    """Of an order that only closes, that less than it says is left to close; nothing where all of it is."""
    shares = judgement.intent.quantity
    return f"{shares:f} of {wish.quantity:f}: no more is left to close" if wish.reduce_only and shares < wish.quantity else ""


def _own_price(intent: Intent, price: Decimal, market: Decimal) -> Decimal:
    """Where the order trades as the market is now: at its limit or its stop, or where its trail begins; else at `price`."""
    if intent.type is not OrderType.TRAILING_STOP:
        return intent.limit or intent.stop or price
    away = intent.trail or market * (intent.trail_pct or ZERO) / HUNDRED
    return market + away * intent.side.sign


def _waits(judgement: Judgement) -> str:
    """Where the order will wait for the open, that it does."""
    return f". {judgement.verdict.text}" if judgement.verdict.text else ""


def _is_lighter(order: Order, terms: Terms) -> bool:
    """Whether `terms` only take risk off `order`: fewer shares, or a lower limit to buy at, and all else as it was. A sale that asks for
    more would open a position of more, and one that closes is held to no limit anyway."""
    old = order.terms
    if order.type is OrderType.TRAILING_STOP:
        terms = replace(terms, stop=old.stop)
    if order.side is Side.BUY and terms.limit is not None and old.limit is not None and terms.limit < old.limit:
        old = replace(old, limit=terms.limit)
    return terms.quantity <= old.quantity and replace(terms, quantity=old.quantity) == old


def _would_meet(one: Intent, two: Intent) -> bool:
    """Whether two limit orders would trade with each other: each was judged before the other was there."""
    buy, sell = (one, two) if one.side is Side.BUY else (two, one)
    crossed = buy.limit is not None and sell.limit is not None and buy.limit >= sell.limit
    return crossed and one.side is not two.side and one.type is two.type is OrderType.LIMIT


def _group_complaint(command: SubmitGroup) -> str:
    first, second = command.first, command.second
    if not first.source is second.source is Source.PERSON:
        return ONLY_PERSONS
    if first.bracket is not None or second.bracket is not None:
        return f"The orders of an {command.kind} bring no exits of their own."
    if command.kind is GroupKind.OCO and first.symbol != second.symbol:
        return f"The orders of an OCO are of one symbol, not of {first.symbol} and {second.symbol}."
    return ""
