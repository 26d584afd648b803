"""The fast lane's gate: what may be ordered at the market where there are no limits, to the last digit as the core's.

Most decisions need no exact number: what is clearly payable is let through on floats, which tell it with a margin far beyond their own
rounding. Whatever is close is worked out in decimals, by the rules' own formulas.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from decimal import Decimal

from msgspec import Struct

from engine.backtest.account import Account
from engine.backtest.player import Orders
from engine.backtest.profile import Profile
from engine.backtest.sessions import Sessions
from engine.backtest.trading import OnBooked, OnSplit, Trading
from engine.brokers.paper_rules import FRACTION, Conditions, account_refusal
from engine.brokers.paper_rules import Working as AtVenue
from engine.core.margin import Figures
from engine.core.order_book import Working
from engine.core.portfolio import Portfolio
from engine.core.risk.rules import Rule
from engine.core.risk.sizes import payable, shares_of
from engine.model.market import Bar, Phase
from engine.model.money import ZERO, exact, to_lot
from engine.model.orders import Order, OrderType, Side, Source, TimeInForce
from engine.strategies.base import AtMarket, Draft
from engine.strategies.names import strategy_names
from engine.strategies.proposals import MOST

_SURE = 1 - 1e-9
"""Of a sum of floats: far more than they can be wrong by together."""
_WITHIN = 1e6
"""The widest that exposure may be, in equities: the limits that are off would say no at ten times as much."""
_ONE = Decimal(1)
_TIFS = (TimeInForce.DAY, TimeInForce.GTC)
_REGULAR = Phase.REGULAR


class LeftLane(Exception):  # noqa: N818 - it is no error: the core takes over
    """Something came up that the fast lane knows nothing of."""


class LaneOrder(Struct, gc=False):
    """`mark` is the price it was let through at. When it has filled it is known at which `price`, when, and what was `held` then."""

    number: int
    symbol: str
    side: Side
    quantity: Decimal
    shares: float
    mark: float
    placed_at: int
    owner: str
    passing: int
    """How many bars are yet to pass it by."""
    price: float = 0.0
    at: int = 0
    held: float = 0.0


class LaneGate(Trading):
    """Judges what is ordered, and keeps it until it fills."""

    def __init__(
        self, profile: Profile, symbols: tuple[str, ...], account: Account, sessions: Sessions, on_booked: OnBooked, on_split: OnSplit
    ) -> None:
        super().__init__(account, sessions, on_booked, on_split)
        self.signals = 0
        self.denied, self.cut, self.ended = Counter[str](), Counter[str](), Counter[str]()
        self.notes = {}
        self._portfolio = Portfolio(profile.paper.cash)
        self._cash, self._doubt = float(profile.paper.cash), 0.0
        """What there is about, and how far it may be off."""
        names = strategy_names(profile.settings(symbols))
        self._sizes = dict(zip(names, (each.size_pct for each in profile.strategies), strict=True))
        self._margin = profile.margin
        self._cushion = float(Figures(ZERO, ZERO, ZERO, ZERO, profile.margin).cushion)
        self._late, self._passing = profile.latency.ns, profile.latency.bars
        self._number = 0
        self._wanted, self._quantity = 1.0, _ONE
        """The last whole number of shares that was asked for, and the same exact."""
        self._working: dict[str, list[LaneOrder]] = {}
        self.working = self._working
        self._marked: dict[str, Bar] = {}
        """The last bar of each symbol that the books are marked to."""
        self._restated: dict[str, Bar] = {}
        self._shorts: set[str] = set()
        """At least the symbols that are held short."""
        self._phase = _REGULAR

    def submit(self, orders: Orders) -> None:
        at = orders.at
        if at >= self._sessions.due:
            self.tell_session(orders.last, at)
            self._close(at, orders.last)
        owner = orders.player.name
        for draft in orders.drafts:
            self._submit(draft, owner, at)

    def _close(self, at: int, last: int) -> None:
        for event in self._sessions.after(at):
            self._act(event, last)

    def _submit(self, draft: Draft, owner: str, at: int) -> None:
        account, working = self.account, self._working
        symbol = draft.symbol
        bar = account.latest.get(symbol)
        if type(draft) is not AtMarket or bar is None or not 0.0 <= draft.strength <= 1.0 or (self._restated and self._is_restated(bar)):
            raise LeftLane
        price, wanted, tif = bar.close, draft.quantity, draft.tif
        reserved = self._reserved() if working else 0.0
        if tif not in _TIFS:
            raise LeftLane
        quantity: Decimal | None
        if wanted is not None and wanted == self._wanted:
            quantity, shares = self._quantity, wanted
        else:
            quantity = self._sized(draft, owner, price, self._about()[0]) if wanted is None else _quantity(wanted, tif)
            if quantity is None:
                return
            shares = float(quantity)
            if shares > MOST:
                raise LeftLane
            if not shares:
                self.signals += 1
                self.denied[Rule.LOT_SIZE] += 1
                return
            if shares == wanted and shares.is_integer():
                self._wanted, self._quantity = shares, quantity
        needed = (reserved + shares * price) * self._cushion
        if self._shorts:
            equity, gross = self._about()
            sure = gross + needed <= equity * _SURE
        else:
            # What is held is in equity and in exposure alike.
            sure = needed <= (self._cash - self._doubt) * _SURE
        if not sure:
            closable = self._closable(symbol, draft.side)
            if quantity > closable:
                quantity = self._cut(symbol, draft.side, quantity, closable, price)
                if quantity is None:
                    return
                shares = float(quantity)
        number = self._number + 1
        order = LaneOrder(number, symbol, draft.side, quantity, shares, price, at + self._late, owner, self._passing)
        if not sure:
            self._ask_venue(order)
        self.signals += 1
        self._number = number
        if symbol in working:
            working[symbol].append(order)
        else:
            working[symbol] = [order]

    def _reserved(self) -> float:
        """What is kept for the orders that work, about."""
        latest, reserved = self.account.latest, 0.0
        for symbol, orders in self._working.items():
            dearest, waiting = latest[symbol].close, 0.0
            for order in orders:
                waiting += order.shares
                if order.mark > dearest:
                    dearest = order.mark
            reserved += dearest * waiting
        return reserved

    def _about(self) -> tuple[float, float]:
        """Equity, at least so much, and the gross value of what is held."""
        latest, equity, gross = self.account.latest, self._cash - self._doubt, 0.0
        for symbol, position in self.account.positions.items():
            value = position.quantity * latest[symbol].close
            equity += value
            gross += abs(value)
        return equity, gross

    def _is_restated(self, bar: Bar) -> bool:
        return self._restated.get(bar.symbol) is bar

    def _sized(self, draft: Draft, owner: str, price: float, equity: float) -> Decimal | None:
        """As many shares as the settings say; None where there are as many already. `equity` is about what there is."""
        symbol = draft.symbol
        pct, sign = self._sizes.get(owner, ZERO), draft.side.sign
        held = self.account.positions[symbol].quantity if symbol in self.account.positions else 0.0
        held += sum(order.shares * order.side.sign for order in self._working.get(symbol, ()))
        wanted = equity * float(pct) / 100 * draft.strength / price - held * sign
        whole = round(wanted)
        sure = 1e-6 * (1 + abs(wanted) + abs(held)) + 2 * self._doubt * float(pct) / 100 / price
        if abs(wanted - whole) > sure:
            return Decimal(int(wanted)) if wanted >= 1 else None
        self._mark()
        there = self._portfolio.position(symbol)
        there += sum((order.quantity * order.side.sign for order in self._working.get(symbol, ())), ZERO)
        lots = to_lot(shares_of(self._portfolio.equity(), pct, draft.strength, exact(price), there, draft.side), _ONE)
        return lots if lots > 0 else None

    def _closable(self, symbol: str, side: Side) -> Decimal:
        """Shares that an order could trade without opening anything."""
        self._settle()
        held = -self._portfolio.position(symbol) * side.sign
        working = sum((order.quantity for order in self._working.get(symbol, ()) if order.side is side), ZERO)
        return max(held - working, ZERO)

    def _cut(self, symbol: str, side: Side, quantity: Decimal, closable: Decimal, price: float) -> Decimal | None:
        """What of an order that opens something can be paid for, to the last digit; None where nothing can."""
        self._mark()
        portfolio, reserved = self._portfolio, ZERO
        for other in self._working:
            held = portfolio.position(other)
            reserved += self._on(other, Side.BUY).adding(max(-held, ZERO)) + self._on(other, Side.SELL).adding(max(held, ZERO))
        figures = Figures(portfolio.equity(), portfolio.gross(), reserved, portfolio.net(), self._margin)
        worth = exact(price)
        if figures.exposure + quantity * worth > figures.equity * int(_WITHIN):
            raise LeftLane
        power, cushion = figures.buying_power, figures.cushion
        if (quantity - closable) * worth * cushion > power:
            most = payable(closable, worth, cushion, power)
            quantity = to_lot(most, _ONE if quantity == quantity.to_integral_value() else FRACTION)
            if quantity <= 0:
                self.signals += 1
                self.denied[Rule.BUYING_POWER] += 1
                return None
            self.cut[Rule.BUYING_POWER] += 1
        return quantity

    def _ask_venue(self, made: LaneOrder) -> None:
        """Where a symbol has several orders the venue values them in a way of its own, and may refuse what the gate let through."""
        if made.symbol not in self._working and all(len(orders) == 1 for orders in self._working.values()):
            return
        self._mark()
        order = _as_order(made)
        prices = dict.fromkeys(Side, order.mark)
        conditions = Conditions(None, self._phase, False, False, prices, self._portfolio, self._margin, frozenset())
        works = [_as_order(each) for orders in self._working.values() for each in orders]
        if account_refusal(order, conditions, [AtVenue(each, each.quantity) for each in works]):
            raise LeftLane

    def _on(self, symbol: str, side: Side) -> Working:
        orders = [order for order in self._working[symbol] if order.side is side]
        value = sum((order.quantity * exact(order.mark) for order in orders), ZERO)
        return Working(sum((order.quantity for order in orders), ZERO), value)

    def _mark(self) -> None:
        """The books are worth what the latest closes say."""
        self._settle()
        latest, marked = self.account.latest, self._marked
        for symbol in self.account.positions:
            bar = latest[symbol]
            if marked.get(symbol) is not bar:
                marked[symbol] = bar
                self._portfolio.mark(symbol, bar.close)

    @abstractmethod
    def _settle(self) -> None:
        """Books what is in arrears."""


def _as_order(order: LaneOrder) -> Order:
    """As the venue would hear of it."""
    return Order(
        id="",
        number=order.number,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        type=OrderType.MARKET,
        limit=None,
        stop=None,
        tif=TimeInForce.DAY,
        source=Source.STRATEGY,
        created_at=order.placed_at,
        mark=exact(order.mark),
        requested=order.quantity,
    )


def _quantity(shares: float, tif: TimeInForce) -> Decimal:
    if not 0.0 < shares <= MOST:
        raise LeftLane
    whole = int(shares)
    return Decimal(whole) if whole == shares else to_lot(exact(shares), FRACTION if tif is TimeInForce.DAY else _ONE)
