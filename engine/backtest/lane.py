"""The fast lane: market orders, which is all that most backtests ever place, without the core's records of each step.

It decides, fills and books as the core does, by the same rules where a rule is a formula (what an order needs and what is payable, the size
of an order without a number, commission, slippage, average cost), in the same order and with the same exact numbers. What is left out is
what nobody looks at then: limits that are off, the approval queue, the states an order goes through, the venue's own books.

Where something comes up that is not in here, of any kind, it raises LeftLane. The run then goes through the core instead, from the first
order on, with what was ordered so far: so nothing has to be handed over, and what comes out is the core's own. A test holds both to the
same results, to the last digit.

Most decisions need no exact number: what is clearly payable is let through on floats, which tell it with a margin far beyond their own
rounding. Whatever is close is worked out in decimals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from math import exp, inf

from msgspec import Struct

from engine.backtest.account import Account
from engine.backtest.errors import BacktestError
from engine.backtest.player import Orders
from engine.backtest.profile import Profile
from engine.backtest.sessions import Sessions
from engine.backtest.shell import RUN_ID
from engine.backtest.trading import OnBooked, OnSplit, Trading
from engine.brokers.costs import commission_of, slippage_of
from engine.brokers.paper_rules import FRACTION, Conditions, account_refusal
from engine.brokers.paper_rules import Working as AtVenue
from engine.core.corporate import dividend_booked, split_booked
from engine.core.gate import adding
from engine.core.margin import Figures
from engine.core.order_book import Working
from engine.core.portfolio import Portfolio
from engine.core.risk.rules import Rule
from engine.core.risk.sizes import payable
from engine.core.signals import shares_of
from engine.feeds.bar_columns import BarColumns
from engine.model.market import Bar, Dividend, MarketEvent, MarketStatus, Phase, Split
from engine.model.money import LEAST_PRICE, MOST_PRICE, ZERO, exact, is_amount, to_lot
from engine.model.orders import Fill, Order, OrderType, Side, Source, TimeInForce
from engine.model.settings import CommissionSettings
from engine.strategies.base import AtMarket, Draft, Position
from engine.strategies.names import strategy_names
from engine.strategies.proposals import MOST

_COMMISSIONS = ("fixed", "per_cent", "per_share")
_SLIPPAGES = ("basis_points", "size", "volatility")
_SURE = 1 - 1e-9
"""Of a sum of floats: far more than they can be wrong by together."""
_WITHIN = 1e6
"""The widest that exposure may be, in equities: the limits that are off would say no at ten times as much."""
_DEVIATIONS = 8.6
"""No draw of random.gauss lies further out: the root of -2 ln(2 ** -53)."""
_ONE = Decimal(1)
_DUST = 1e-7
_TIFS = (TimeInForce.DAY, TimeInForce.GTC)


class LeftLane(Exception):  # noqa: N818 - it is no error: the core takes over
    """Something came up that the fast lane knows nothing of."""


class _Order(Struct):
    """`mark` is the price it was let through at."""

    number: int
    side: Side
    quantity: Decimal
    shares: float
    mark: float
    placed_at: int
    owner: str
    passing: int
    """How many bars are yet to pass it by."""


class Lane(Trading):
    """Without limits and without margin, with the cost models that are built in, over bars of which each has prices one could trade at."""

    def __init__(
        self,
        profile: Profile,
        symbols: tuple[str, ...],
        account: Account,
        sessions: Sessions,
        on_booked: OnBooked,
        on_split: OnSplit,
        *,
        prompt: bool,
    ) -> None:
        """With `prompt` each fill is booked in its moment, as somebody is told of it."""
        super().__init__(account, sessions, on_booked, on_split)
        paper = profile.paper
        self.signals = 0
        self.denied, self.cut, self.ended = Counter[str](), Counter[str](), Counter[str]()
        self.notes = {}
        self._portfolio = Portfolio(paper.cash)
        self._prompt = prompt
        self._unbooked: list[tuple[_Order, str, float, int]] = []
        """Fills in arrears: each order, its symbol, the price and the time. Of them positions are known already, and cash about."""
        self._cash, self._doubt = float(paper.cash), 0.0
        """What there is about, and how far it may be off."""
        account.settle = self._settle
        names = strategy_names(profile.settings(symbols))
        self._sizes = dict(zip(names, (each.size_pct for each in profile.strategies), strict=True))
        self._margin = profile.margin
        self._cushion = float(Figures(ZERO, ZERO, ZERO, ZERO, profile.margin).cushion)
        self._commission = commission_of(paper.commission, _complain)
        self._fees = about(paper.commission)
        self._slip = slippage_of(paper.slippage, _complain)
        self._cap = paper.volume_cap_pct / 100
        self._at_close = profile.fill == "close"
        spread = exp(_DEVIATIONS * paper.latency_sigma)
        self._soonest, self._latest = (int(paper.latency_ms * way * 1e6) for way in (1 / spread, spread))
        """How long an order may take to the market, in ns. The paper broker draws it, which is for the core where it matters."""
        self._late, self._passing = profile.latency.ns, profile.latency.bars
        self._number = 0
        self._wanted, self._quantity = 1.0, _ONE
        """The last whole number of shares that was asked for, and the same exact."""
        self._working: dict[str, list[_Order]] = {}
        self.working = self._working
        self._marked: dict[str, Bar] = {}
        """The last bar of each symbol that the books are marked to."""
        self._restated: dict[str, Bar] = {}
        self._phase = Phase.REGULAR
        self._session = ""
        self._opened_at = -1
        self._slipped = 0.0

    @staticmethod
    def takes(profile: Profile, bars: Sequence[BarColumns]) -> bool:
        """Whether this can be run at all."""
        paper = profile.paper
        plain = paper.commission.model in _COMMISSIONS and paper.slippage.model in _SLIPPAGES and not paper.hard_to_borrow
        return plain and profile.is_free and all(map(_all_whole, bars))

    @property
    def portfolio(self) -> Portfolio:
        return self._portfolio

    @property
    def open_orders(self) -> int:
        return sum(map(len, self._working.values()))

    @property
    def slipped(self) -> float:
        return self._slipped

    def start(self, source: str, at: int) -> None:
        self._tell_first(at)

    # ---- the gate

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
        symbol, latest = draft.symbol, account.latest
        bar = latest.get(symbol)
        if type(draft) is not AtMarket or bar is None or not 0.0 <= draft.strength <= 1.0 or (self._restated and self._is_restated(bar)):
            raise LeftLane
        price, equity, gross = bar.close, self._cash - self._doubt, 0.0
        for held, position in account.positions.items():
            value = position.quantity * latest[held].close
            equity += value
            gross += abs(value)
        reserved = 0.0
        for other, orders in working.items():
            dearest = latest[other].close
            for order in orders:
                if order.mark > dearest:
                    dearest = order.mark
            reserved += dearest * sum([order.shares for order in orders])
        wanted, tif = draft.quantity, draft.tif
        if tif not in _TIFS:
            raise LeftLane
        if wanted is None:
            quantity = self._sized(draft, owner, price, equity)
        elif wanted == self._wanted:
            quantity = self._quantity
        else:
            quantity = _quantity(wanted, tif)
            if wanted == int(wanted):
                self._wanted, self._quantity = wanted, quantity
        if quantity is None:
            return
        shares = float(quantity)
        if shares > MOST:
            raise LeftLane
        if not shares:
            self.signals += 1
            self.denied[Rule.LOT_SIZE] += 1
            return
        sure = gross + (reserved + shares * price) * self._cushion <= equity * _SURE
        if not sure:
            closable = self._closable(symbol, draft.side)
            if quantity > closable:
                quantity = self._cut(symbol, draft.side, quantity, closable, price)
                if quantity is None:
                    return
                shares = float(quantity)
        number = self._number + 1
        order = _Order(number, draft.side, quantity, shares, price, at + self._late, owner, self._passing)
        if not sure:
            self._ask_venue(symbol, order)
        self.signals += 1
        self._number = number
        if symbol in working:
            working[symbol].append(order)
        else:
            working[symbol] = [order]

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
            reserved += adding(self._on(other, Side.BUY), max(-held, ZERO)) + adding(self._on(other, Side.SELL), max(held, ZERO))
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

    def _ask_venue(self, symbol: str, made: _Order) -> None:
        """Where a symbol has several orders the venue values them in a way of its own, and may refuse what the gate let through."""
        if symbol not in self._working and all(len(orders) == 1 for orders in self._working.values()):
            return
        self._mark()
        order = _as_order(symbol, made)
        prices = dict.fromkeys(Side, order.mark)
        conditions = Conditions(None, self._phase, False, False, prices, self._portfolio, self._margin, frozenset())
        works = [_as_order(symbol, each) for symbol, orders in self._working.items() for each in orders]
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

    # ---- the market

    def match(self, bars: Sequence[Bar], last: int, at: int) -> None:
        telling, working = at >= self._sessions.due, self._working
        if telling:
            self.tell_session(last, at)
        if self._phase is Phase.REGULAR:
            for bar in bars:
                if bar.symbol in working:
                    self._match(bar, working.pop(bar.symbol))
        if telling:
            self._close(at, last)

    def _match(self, bar: Bar, orders: list[_Order]) -> None:
        """By the rules `market-open` and `market-close`, as in `engine.core.matching`."""
        at, before = bar.at, self.account.latest[bar.symbol].at
        began = max(before, self._opened_at)
        if not -1 < began < at:
            began = at - 1
        room: float = int(bar.volume * self._cap) if 0 < bar.volume < inf else 0
        waiting = []
        for order in orders:
            placed_at = order.placed_at
            if placed_at + self._soonest >= at or (placed_at > began and not self._opened_since(placed_at, at)):
                waiting.append(order)
            elif placed_at + self._latest >= at:
                raise LeftLane
            elif order.passing:
                order.passing -= 1
                waiting.append(order)
            elif order.shares > room:
                raise LeftLane
            else:
                # Less than a ten-thousandth of a share is nothing: so much floats may be off.
                room = room - order.shares + _DUST
                self._fill(bar, order)
        if waiting:
            self._working[bar.symbol] = waiting

    def _opened_since(self, placed_at: int, at: int) -> bool:
        """Whether a session of daily bars opened in between: that of their own day."""
        if self._late and self._sessions.daily:
            raise LeftLane
        day_of = self._sessions.calendar.day_of
        return self._sessions.daily and day_of(placed_at) != day_of(at)

    def _fill(self, bar: Bar, order: _Order) -> None:
        side = order.side
        price = bar.close if self._at_close else bar.open
        slipped = self._slip(side, price, order.shares, bar.volume, bar.high - bar.low)
        if slipped != price:
            self._slipped += abs(slipped - price) * order.shares
        symbol, shares = bar.symbol, order.shares
        position = self.account.positions.get(symbol)
        signed = shares if side is Side.BUY else -shares
        if self._prompt or shares != int(shares) or not (position is None or position.quantity == -signed):
            # An average that has to be worked out.
            self._settle()
            self._portfolio.book(fill := self._booked(order, symbol, slipped, bar.at))
            self.on_booked(fill, order.owner)
            self._cash = float(self._portfolio.cash)
            return
        self._unbooked.append((order, symbol, slipped, bar.at))
        self.account.hold(symbol, Position(signed, slipped) if position is None else None)
        cost = shares * slipped
        fees = self._fees(shares, cost)
        self._cash -= cost + fees if side is Side.BUY else fees - cost
        self._doubt += 0.01

    def _booked(self, order: _Order, symbol: str, price: float, at: int) -> Fill:
        quantity = order.quantity
        cost = exact(price) * quantity
        fees = self._commission(quantity, cost)
        order_id = f"{RUN_ID}-{order.number}"
        rule = "market-close" if self._at_close else "market-open"
        if fees < 0:
            fees = ZERO
        return Fill(f"{order_id}/{quantity}", order_id, symbol, order.side, quantity, cost / quantity, cost, fees, at, rule)

    def _settle(self) -> None:
        """Books what is in arrears."""
        if not self._unbooked:
            return
        portfolio, booked, fills, owners, held, cash = self._portfolio, self._booked, [], [], [], []
        book, holdings = portfolio.book, portfolio.holdings
        for order, symbol, price, at in self._unbooked:
            fill = booked(order, symbol, price, at)
            book(fill)
            fills.append(fill)
            owners.append(order.owner)
            held.append(float(holdings[symbol].cost.quantity))
            cash.append(float(portfolio.cash))
        self._unbooked.clear()
        self._cash, self._doubt = cash[-1], 0.0
        self.account.catch_up(fills, owners, held, cash)

    def end(self, last: int) -> None:
        self._mark()

    def _act(self, event: MarketEvent, last: int) -> None:
        if isinstance(event, MarketStatus):
            anew = self._session not in ("", event.session)
            if event.phase is Phase.REGULAR and (anew or self._phase is not Phase.REGULAR or self._opened_at < 0):
                self._opened_at = event.at
            if not self._session:
                self._portfolio.open_session(event.session)
            self._phase, self._session = event.phase, event.session
        elif isinstance(event, Split | Dividend):
            self._corporate(event, last)
        else:
            raise LeftLane

    def _corporate(self, event: Split | Dividend, last: int) -> None:
        symbol, portfolio = event.symbol, self._portfolio
        amount = event.ratio if isinstance(event, Split) else event.amount
        if symbol in self._working or not event.ex_date or not is_amount(amount) or portfolio.knows(event):
            raise LeftLane
        self._settle()
        newest = self.account.latest.get(symbol)
        if newest is not None and self._marked.get(symbol) is not newest:
            portfolio.mark(symbol, newest.close)
        if isinstance(event, Split):
            split = split_booked(event, portfolio, FRACTION)
            if split is not None:
                portfolio.split(split)
                self.on_booked(split, "")
        else:
            dividend = dividend_booked(event, portfolio)
            if dividend is not None:
                portfolio.receive_dividend(dividend)
                self.on_booked(dividend, "")
        self._cash = float(portfolio.cash)
        restated = self._restate(event, last)
        if restated is not None:
            self._marked[symbol] = self._restated[symbol] = restated


def _as_order(symbol: str, order: _Order) -> Order:
    """As the venue would hear of it."""
    return Order(
        id="",
        number=order.number,
        symbol=symbol,
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


def about(settings: CommissionSettings) -> Callable[[float, float], float]:
    """What the commission model takes of an order of so many shares for so much money, to within the rounding of a cent and of floats."""
    rate, least, most = float(settings.rate), float(settings.minimum), float(settings.maximum_pct) / 100
    of_value = settings.model == "per_cent"

    def fees(shares: float, cost: float) -> float:
        charged = cost * rate / 100 if of_value else shares * rate
        if charged < least:
            charged = least
        return cost * most if charged > cost * most else charged

    return (lambda shares, cost: rate) if settings.model == "fixed" else fees


def _quantity(shares: float, tif: TimeInForce) -> Decimal:
    if not 0.0 < shares <= MOST:
        raise LeftLane
    whole = int(shares)
    return Decimal(whole) if whole == shares else to_lot(exact(shares), FRACTION if tif is TimeInForce.DAY else _ONE)


def _all_whole(series: BarColumns) -> bool:
    """The same of all bars as `is_whole` says of one."""
    _, open_, high, low, close, volume = series.columns
    inside = (low <= open_) & (open_ <= high) & (low <= close) & (close <= high) & (volume < inf)
    return bool(inside.all() and low.min() >= LEAST_PRICE and high.max() <= MOST_PRICE)


def _complain(text: str) -> None:
    raise BacktestError(text)
