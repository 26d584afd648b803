"""Resting orders by symbol, and what each event of the market does to them. Deterministic: time comes with the events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from math import inf
from typing import Final, NamedTuple

from engine.core.matching.after_entry import Entries
from engine.core.matching.on_bars import RULES, Hit, is_whole
from engine.core.matching.on_quotes import hit_by_quote, is_sound
from engine.core.matching.resting import TOLD_SHARE, Ended, Execution, Outcome, Passed, Reduced, Rest, Resting, Worked, resting
from engine.core.slippage import Slippage
from engine.model.market import Auction, AuctionKind, Bar, Halt, Instrument, MarketStatus, Phase, Quote
from engine.model.money import exact, is_price, to_lot
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderType, Side, Terms, TimeInForce

TOUCH_SHARE = Decimal("0.25")
"""The part of the volume cap that a limit gets where the bar only touches it."""

_NOTHING: Final[Sequence[Outcome]] = ()
_RANK = {OrderType.MARKET: 0, OrderType.STOP: 1, OrderType.STOP_LIMIT: 1, OrderType.TRAILING_STOP: 1, OrderType.LIMIT: 2}
_AUCTIONS = {AuctionKind.OPEN: (TimeInForce.OPG, "auction-open"), AuctionKind.CLOSE: (TimeInForce.CLS, "auction-close")}
_PAYS_SLIPPAGE = ("market-", "stop-", "trail-")
_EVER_SINCE = -1
_REGULAR = Phase.REGULAR


class Drawn(NamedTuple):
    """So much was `taken` at the `price` of a quote that still stands there, of the size `shown` last."""

    price: float
    shown: float
    taken: Decimal

    def after(self, price: float, size: float) -> Drawn:
        """At the next quote. What went meanwhile stood in front, where ours was taken."""
        if price != self.price:
            return Drawn(price, size, Decimal(0))
        return Drawn(price, size, self.taken - max(Decimal(int(self.shown)) - Decimal(int(size)), Decimal(0)))


class Matcher:
    """Hand it every event of the market in order; each answers what it did, in order.

    `session` is the trading day that is under way, and `phase` what part of it; before a feed tells, the market counts as open.
    """

    __slots__ = (
        "_bars",
        "_by_symbol",
        "_cap",
        "_drawn",
        "_entered",
        "_entries",
        "_halted",
        "_late",
        "_opened_at",
        "_quoted",
        "_rules",
        "_slip",
        "_taken",
        "phase",
        "session",
        "slipped",
    )

    def __init__(self, *, volume_cap: float, slip: Slippage, session: str = "", kept: int = 20) -> None:
        """`volume_cap` is the fraction of a bar's volume that all our orders together may take. For so many bars are entries' fills `kept`:
        exits that come later than that were not on their way."""
        self._by_symbol: dict[str, list[Resting]] = {}
        self._bars: dict[str, Bar] = {}
        self._taken: dict[str, Passed] = {}
        """The last bar in which something filled, by symbol."""
        self._entries = Entries(kept)
        self._entered = self._entries.symbols
        self._late: dict[str, Resting] = {}
        """Exits, by id, that have yet to meet what came after their entry's fill."""
        self._drawn: dict[str, dict[Side, Drawn]] = {}
        self._quoted: set[str] = set()
        self._halted: set[str] = set()
        self._cap = volume_cap
        self._slip = slip
        self._rules = RULES
        self._opened_at = _EVER_SINCE
        self.slipped = 0.0
        """What slippage took so far, in money."""
        self.phase = Phase.REGULAR
        self.session = session

    # ---- orders

    def add(
        self,
        order: Order,
        *,
        placed_at: int,
        eligible_at: int | None = None,
        instrument: Instrument | None = None,
        met: bool = False,
        triggered: bool = False,
    ) -> bool:
        """Rests `order`, sent at `placed_at` and at the market from `eligible_at` on. Answers whether it takes part in it from now on.

        `met` and `triggered` say where it stood before a restart: that its session had come, that its stop was reached.
        """
        instrument = instrument or Instrument(order.symbol)
        made = resting(
            order,
            placed_at=placed_at,
            eligible_at=placed_at if eligible_at is None else eligible_at,
            lot=instrument.lot,
            tick=instrument.tick,
            met=met,
            triggered=triggered,
        )
        made.met = met or (order.symbol in self._quoted and self._may_trade(made))
        self._by_symbol.setdefault(order.symbol, []).append(made)
        self._come(made, order.changed_at, made.eligible_at - placed_at)
        return made.met

    def remove(self, order_id: str) -> Resting | None:
        found = self.find(order_id)
        if found is not None:
            self._drop(found)
        return found

    def find(self, order_id: str) -> Resting | None:
        return next((order for order in self.resting() if order.order_id == order_id), None)

    def replace(self, order_id: str, terms: Terms, filled: Decimal, at: int, *, follows: bool = False) -> None:
        """Gives a resting order new terms from the market time `at` on, of whose quantity `filled` has traded. An exit that `follows` gets
        the price that its entry's new average makes."""
        found = self.find(order_id)
        if found is not None:
            before = found.limit, found.stop
            found.take(terms, filled, at)
            if follows and (found.limit, found.stop) != before:
                self._is_late(found, self._entries.rests_for(found, at, 0))

    def begin(self, at: int) -> None:
        """The first event after a restart is of the market time `at`. A feed may have gone back in time: what rested then rests now."""
        for order in self.resting():
            ahead = max(order.placed_at - at, 0)
            order.placed_at, order.eligible_at = order.placed_at - ahead, order.eligible_at - ahead

    def resting(self) -> Iterable[Resting]:
        return [order for orders in self._by_symbol.values() for order in orders]

    def is_halted(self, symbol: str) -> bool:
        return symbol in self._halted

    def is_quoted(self, symbol: str) -> bool:
        return symbol in self._quoted

    # ---- events

    def on_bar(self, bar: Bar) -> Sequence[Outcome]:
        """What the bar that has just closed fills. Only orders placed before it began take part."""
        symbol = bar.symbol
        before = self._bars.get(symbol)
        self._bars[symbol] = bar
        caught_up = self.catch_up(symbol) if self._late else _NOTHING
        orders, entered = self._by_symbol.get(symbol), symbol in self._entered
        if not (orders or entered) or symbol in self._quoted or symbol in self._halted or not is_whole(bar):
            return caught_up
        known = self._opened_at if before is None else max(before.at, self._opened_at)
        # It began at the last bar or at the session's opening; where neither is known, only after it is certain.
        began = known if _EVER_SINCE < known < bar.at else bar.at - 1
        passed = Passed(bar, began, self.phase is _REGULAR)
        outcomes = [*caught_up]
        if orders:
            if passed.regular and (before is None or before.at <= self._opened_at):
                share = self._share(bar.volume)
                passed.taken = share - self._auction(orders, AuctionKind.OPEN, bar.open, share, (began, bar.at - 1), outcomes, passed)
            self._meet(self._taking_part(orders, began, bar.at - 1), bar, passed, outcomes)
            if passed.taken:
                self._taken[symbol] = passed
        if entered and passed.regular:
            self._entries.pass_by(passed)
        return outcomes

    def catch_up(self, symbol: str = "") -> Sequence[Outcome]:
        """What came after their entry's fill, in its bar and since, fills of the exits that have come meanwhile. Two exits of one entry
        wait for each other, unless the market goes on in their `symbol`."""
        due = [order for order in self._late.values() if (order.symbol == symbol if symbol else self._is_complete(order))]
        if not due:
            return _NOTHING
        for order in due:
            del self._late[order.order_id]
        meetings = [(rest, order) for order in due for rest in order.rests]
        meetings.sort(key=lambda meeting: (meeting[0].passed.bar.at, _rank(meeting[1])))
        outcomes: list[Outcome] = []
        for rest, order in meetings:
            self._meet((order,), rest.bar, rest.passed, outcomes)
            if rest.passed.taken and rest.passed.bar is self._bars[order.symbol]:
                self._taken[order.symbol] = rest.passed
        return outcomes

    def on_quote(self, quote: Quote) -> Sequence[Outcome]:
        """What the quote fills: no more than the size it shows, shared by all orders on that side. As long as a price stands, what was
        filled at it is not there again: the market, which never saw our order, shows it still, until as much goes."""
        self._quoted.add(quote.symbol)
        drawn = self._drawn.get(quote.symbol)
        if drawn:
            drawn = {side: now for side, was in drawn.items() if (now := was.after(*_far(quote, side))).taken > 0}
            self._drawn[quote.symbol] = drawn
        outcomes: list[Outcome] = []
        if self._late:
            outcomes.extend(self.catch_up(quote.symbol))
        orders = self._by_symbol.get(quote.symbol)
        if not orders or quote.symbol in self._halted or not is_sound(quote):
            return outcomes or _NOTHING
        shown = {Side.BUY: quote.ask_size, Side.SELL: quote.bid_size}
        free = {side: Decimal(int(size)) - (drawn[side].taken if drawn and side in drawn else 0) for side, size in shown.items()}
        left = dict(free)
        taken = {Side.BUY: Decimal(0), Side.SELL: Decimal(0)}
        for order in self._taking_part(orders, quote.at, quote.at):
            if order.remaining <= 0:
                continue
            was, had = order.triggered, order.remaining
            hit = hit_by_quote(order, quote)
            if hit is not None:
                side, waits = order.side, hit.queued is not None
                room = left[side] if hit.queued is None else Decimal(int(hit.queued)) - taken[side]
                wanted = _lots(order, room)
                filled = self._fill(order, wanted, hit.price, hit.rule, shown[side], quote.ask - quote.bid, outcomes)
                (taken if waits else left)[side] += filled if waits else -filled
            self._after(order, was, had, TOLD_SHARE, outcomes)
        for side in Side:
            if left[side] != free[side]:
                price, size = _far(quote, side)
                self._drawn.setdefault(quote.symbol, {})[side] = Drawn(price, size, Decimal(int(size)) - left[side])
        return outcomes

    def on_auction(self, auction: Auction) -> Sequence[Outcome]:
        """Orders at the open or the close trade at the auction's price; what is left of them is cancelled."""
        orders = self._by_symbol.get(auction.symbol)
        if not orders or auction.symbol in self._halted or not is_price(auction.price):
            return _NOTHING
        outcomes: list[Outcome] = []
        self._auction(orders, auction.kind, auction.price, self._share(auction.volume), (auction.at, auction.at), outcomes)
        return outcomes

    def on_halt(self, halt: Halt) -> Sequence[Outcome]:
        """Orders in a halted symbol wait; those that trade at once or never, end."""
        if not halt.halted:
            self._halted.discard(halt.symbol)
            return _NOTHING
        self._halted.add(halt.symbol)
        reason = f"trading in {halt.symbol} is halted"
        return [self._end(o, OrderEvent.CANCEL, reason) for o in self._by_symbol.get(halt.symbol, ())[:] if o.at_once]

    def on_status(self, status: MarketStatus) -> Sequence[Outcome]:
        """Ends what was for the session that is over, and begins what was for the one that opens."""
        outcomes: list[Outcome] = []
        anew = self.session not in ("", status.session)
        ended = anew or status.phase in (Phase.POST, Phase.CLOSED)
        if ended and self.phase is _REGULAR:
            self._close_bars(outcomes)
        begun = self.phase, self.session
        if status.phase is Phase.REGULAR and (anew or self.phase is not Phase.REGULAR or self._opened_at == _EVER_SINCE):
            self._opened_at = status.at
        self.phase, self.session = status.phase, status.session
        if begun == (status.phase, status.session):
            return outcomes
        for order in self.resting():
            if order.met and order.tif is not TimeInForce.GTC and (anew or (ended and not self._may_trade(order))):
                outcomes.append(self._end(order, OrderEvent.EXPIRE, "the session it was for is over"))
            elif not order.met and order.symbol in self._quoted and self._may_trade(order):
                order.met = True
                outcomes.append(Worked(order.order_id))
        return outcomes

    def forget_entries(self, symbol: str) -> None:
        """What bars said of `symbol` so far is in other shares: exits that are yet to come do not meet it."""
        self._entered.pop(symbol, None)

    # ---- within

    def _come(self, made: Resting, sent_at: int, delay: int) -> None:
        """It rests now. It was let go at the market time `sent_at`, and takes `delay` ns: an exit may have missed something on its way."""
        if made.parent:
            self._is_late(made, self._entries.rests_for(made, sent_at, delay))

    def _is_late(self, exit_: Resting, rests: Sequence[Rest]) -> None:
        """It was there before the next bar began."""
        exit_.rests = rests
        if rests:
            exit_.placed_at = exit_.eligible_at = rests[-1].passed.bar.at
            self._late[exit_.order_id] = exit_

    def _is_complete(self, order: Resting) -> bool:
        """Whether all exits of its entry are here."""
        return not order.oco or any(other.oco == order.oco and other is not order for other in self._by_symbol[order.symbol])

    def _meet(self, orders: Sequence[Resting], bar: Bar, passed: Passed, outcomes: list[Outcome]) -> None:
        """Matches `orders` with `bar`: the one that `passed`, or what of it came after a fill."""
        rules = self._rules
        for order in orders:
            had, was = order.remaining, order.triggered
            if had <= 0:
                continue
            hit = rules[order.type](order, bar)
            if hit is not None:
                self._trade(order, hit, passed, outcomes)
            elif order.is_idle:
                continue
            self._after(order, was, had, 0.0, outcomes)

    def _trade(self, order: Resting, hit: Hit, passed: Passed, outcomes: list[Outcome]) -> None:
        """Fills it by what is left of the bar's volume."""
        price, rule = hit
        bar = passed.bar
        left = self._share(bar.volume) - passed.taken
        wanted = _lots(order, left * TOUCH_SHARE if rule == "limit-touch" else left)
        filled = self._fill(order, wanted, price, rule, bar.volume, bar.high - bar.low, outcomes)
        passed.taken += filled
        if filled and not order.parent:
            self._entries.filled(order, price, rule, passed)

    def _may_trade(self, order: Resting) -> bool:
        """Whether the market is open for it. Outside the regular session only limits trade that ask for it."""
        if self.phase is Phase.REGULAR:
            return True
        return self.phase is not Phase.CLOSED and order.extended and order.is_limit

    def _taking_part(self, orders: list[Resting], placed_by: int, eligible_by: int) -> list[Resting]:
        """The orders that this event may fill, the worse for us first."""
        regular = self.phase is _REGULAR
        taking = [
            order
            for order in orders
            if order.placed_at <= placed_by
            and order.eligible_at <= eligible_by
            and not order.in_auction
            and (regular or self._may_trade(order))
        ]
        if len(taking) > 1:
            taking.sort(key=_rank)
        return taking

    def _fill(
        self, order: Resting, wanted: Decimal, price: float, rule: str, volume: float, span: float, outcomes: list[Outcome]
    ) -> Decimal:
        """Fills `wanted` shares, and answers how many that were."""
        if wanted <= 0 or (order.tif is TimeInForce.FOK and wanted < order.remaining):
            return Decimal(0)
        if rule.startswith(_PAYS_SLIPPAGE):
            before, price = price, self._slip(order.side, price, float(wanted), volume, span)
            if order.type is OrderType.STOP_LIMIT:
                price = min(price, order.limit) if order.buying else max(price, order.limit)
            self.slipped += abs(price - before) * float(wanted)
        order.remaining -= wanted
        if order.remaining <= 0:
            self._drop(order)
        outcomes.append(Execution(order.order_id, wanted, exact(price), rule))
        if order.oco:
            self._take_from_others(order, wanted, outcomes)
        return wanted

    def _take_from_others(self, filled: Resting, quantity: Decimal, outcomes: list[Outcome]) -> None:
        for other in self.resting():
            if other.oco == filled.oco and other is not filled and other.remaining > 0:
                taken = min(quantity, other.remaining)
                other.remaining -= taken
                if other.remaining > 0:
                    outcomes.append(Reduced(other.order_id, taken))
                else:
                    outcomes.append(self._end(other, OrderEvent.CANCEL, "the other order of its group filled"))

    def _after(self, order: Resting, was_triggered: bool, had: Decimal, at_least: float, outcomes: list[Outcome]) -> None:
        """Tells what became of an order that took part: that its session has come, where its stop stands; one that trades at once or
        never ends. `had` is what it could trade before."""
        if order.remaining <= 0:
            return
        if not order.met:
            order.met = True
            if order.remaining == had:
                outcomes.append(Worked(order.order_id))
        if order.at_once:
            outcomes.append(self._end(order, OrderEvent.CANCEL, "what could not be filled at once is cancelled"))
        elif order.triggered and not was_triggered:
            outcomes.append(order.reached())
        elif order.type is OrderType.TRAILING_STOP and (moved := order.moved(at_least)) is not None:
            outcomes.append(moved)

    def _auction(
        self,
        orders: list[Resting],
        kind: AuctionKind,
        price: float,
        left: Decimal,
        sent_by: tuple[int, int],
        outcomes: list[Outcome],
        passing: Passed | None = None,
    ) -> Decimal:
        """Fills up to `left` shares of the orders that were placed, and at the market, by the times of `sent_by`. Answers what is left.
        `passing` is the bar that this opens, where one does."""
        tif, rule = _AUCTIONS[kind]
        placed_by, eligible_by = sent_by
        for order in [o for o in orders if o.tif is tif and o.placed_at <= placed_by and o.eligible_at <= eligible_by]:
            if order.remaining > 0 and (order.type is OrderType.MARKET or (price <= order.limit if order.buying else price >= order.limit)):
                filled = self._fill(order, _lots(order, left), price, rule, 0.0, 0.0, outcomes)
                left -= filled
                if filled and passing is not None and not order.parent:
                    self._entries.filled(order, price, rule, passing)
            if order.remaining > 0:
                outcomes.append(self._end(order, OrderEvent.CANCEL, "what the auction did not fill is cancelled"))
        return left

    def _share(self, volume: float) -> Decimal:
        """The shares that all our orders together may take of `volume`."""
        return Decimal(int(volume * self._cap)) if 0 < volume < inf else Decimal(0)

    def _close_bars(self, outcomes: list[Outcome]) -> None:
        """The session is over: where there are only bars, its last close is the closing auction."""
        for symbol, orders in list(self._by_symbol.items()):
            bar = self._bars.get(symbol)
            if bar is not None and symbol not in self._quoted and bar.at > self._opened_at and is_whole(bar):
                last = self._taken.get(symbol)
                left = self._share(bar.volume) - (last.taken if last is not None and last.bar is bar else Decimal(0))
                self._auction(orders, AuctionKind.CLOSE, bar.close, left, (bar.at - 1, bar.at - 1), outcomes)

    def _end(self, order: Resting, event: OrderEvent, reason: str) -> Ended:
        order.remaining = Decimal(0)
        self._drop(order)
        return Ended(order.order_id, event, reason)

    def _drop(self, order: Resting) -> None:
        self._by_symbol[order.symbol].remove(order)
        self._late.pop(order.order_id, None)


def _lots(order: Resting, room: Decimal) -> Decimal:
    """As many whole lots of it as there is room for, or all that remains, with the part of a lot that it may end in."""
    return order.remaining if order.remaining <= room else to_lot(max(room, Decimal(0)), order.lot)


def _far(quote: Quote, side: Side) -> tuple[float, float]:
    """The price that an order of `side` takes of a quote, and the size shown there."""
    return (quote.ask, quote.ask_size) if side is Side.BUY else (quote.bid, quote.bid_size)


def _rank(order: Resting) -> int:
    return _RANK[order.type]
