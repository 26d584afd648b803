"""The fast lane: market orders, which is all that most backtests ever place, without the core's records of each step.

It decides, fills and books as the core does, by the same rules where a rule is a formula (what an order needs and what is payable, the size
of an order without a number, commission, slippage, average cost), in the same order and with the same exact numbers. What is left out is
what nobody looks at then: limits that are off, the approval queue, the states an order goes through, the venue's own books.

Where something comes up that is not in here, of any kind, it raises LeftLane. The run then goes through the core instead, from the first
order on, with what was ordered so far: so nothing has to be handed over, and what comes out is the core's own. A test holds both to the
same results, to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import exp, inf

from engine.backtest.account import Account
from engine.backtest.errors import BacktestError
from engine.backtest.fill_columns import fill_columns
from engine.backtest.lane_gate import LaneGate, LaneOrder, LeftLane
from engine.backtest.profile import RUN_ID, Profile
from engine.backtest.sessions import Sessions
from engine.backtest.trading import OnBooked, OnSplit
from engine.brokers.costs import commission_of, slippage_of
from engine.brokers.paper_rules import FRACTION
from engine.core.corporate import dividend_booked, split_booked
from engine.core.portfolio import Portfolio
from engine.feeds.bar_columns import BarColumns
from engine.model.market import Bar, Dividend, MarketEvent, MarketStatus, Phase, Split
from engine.model.money import LEAST_PRICE, MOST_PRICE, ZERO, exact, is_amount
from engine.model.orders import Fill, Side
from engine.model.settings import CommissionSettings
from engine.strategies.base import Position

_COMMISSIONS = ("fixed", "per_cent", "per_share")
_SLIPPAGES = ("basis_points", "size", "volatility")
_DEVIATIONS = 8.6
"""No draw of random.gauss lies further out: the root of -2 ln(2 ** -53)."""
_DUST = 1e-7
_MANY = 40
"""Fills from which on columns are quicker."""
_BUY, _REGULAR = Side.BUY, Phase.REGULAR


class Lane(LaneGate):
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
        super().__init__(profile, symbols, account, sessions, on_booked, on_split)
        paper = profile.paper
        self._paper, self._prompt = paper, prompt
        self._places = {symbol: place for place, symbol in enumerate(symbols)}
        """Where each symbol's bar is, in a moment in which all have one."""
        self._unbooked: list[LaneOrder] = []
        """What filled in arrears. Of it positions are known already, and cash about."""
        self._filled: list[LaneOrder] | None = None if prompt or len(profile.strategies) > 1 else []
        """All that filled and is booked, as long as nothing moved the account but orders of one strategy that went from flat, or back."""
        account.settle = self._settle
        self._commission = commission_of(paper.commission, _complain)
        self._fees = about(paper.commission)
        self._slip = slippage_of(paper.slippage, _complain)
        self._slips = paper.slippage.model != "basis_points" or paper.slippage.bps != 0
        self._cap = paper.volume_cap_pct / 100
        self._at_close = profile.fill == "close"
        spread = exp(_DEVIATIONS * paper.latency_sigma)
        self._soonest, self._latest = (int(paper.latency_ms * way * 1e6) for way in (1 / spread, spread))
        """How long an order may take to the market, in ns. The paper broker draws it, which is for the core where it matters."""
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

    def match(self, bars: Sequence[Bar], last: int, at: int) -> None:
        telling, working = at >= self._sessions.due, self._working
        if telling:
            self.tell_session(last, at)
        if self._phase is _REGULAR:
            places = self._places
            if 1 < len(bars) == len(places):
                # Of many bars few have an order.
                bars = [bars[place] for place in sorted([places[symbol] for symbol in working])]
            latest = self.account.latest
            for bar in bars:
                symbol = bar.symbol
                if symbol in working:
                    self._match(bar, working.pop(symbol), latest[symbol].at)
        if telling:
            self._close(at, last)

    def _match(self, bar: Bar, orders: list[LaneOrder], before: int) -> None:
        """By the rules `market-open` and `market-close`, as in `engine.core.matching`. The bar before it closed at `before`."""
        at = bar.at
        soon, late = at - self._soonest, at - self._latest
        room: float = int(bar.volume * self._cap)
        waiting: list[LaneOrder] = []
        for order in orders:
            placed_at = order.placed_at
            if placed_at >= soon or (placed_at > before and not self._was_there(placed_at, before, at)):
                waiting.append(order)
            elif placed_at >= late:
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

    def _was_there(self, placed_at: int, before: int, at: int) -> bool:
        """Whether an order was when the bar that closes at `at` began, after the one that closed `before`."""
        began = max(before, self._opened_at)
        if not -1 < began < at or placed_at <= began:
            return True
        # A session of daily bars opened in between: that of their own day.
        if self._late and self._sessions.daily:
            raise LeftLane
        day_of = self._sessions.calendar.day_of
        return self._sessions.daily and day_of(placed_at) != day_of(at)

    def _fill(self, bar: Bar, order: LaneOrder) -> None:
        symbol, shares, side, account = order.symbol, order.shares, order.side, self.account
        price = slipped = bar.close if self._at_close else bar.open
        if self._slips:
            slipped = self._slip(side, price, shares, bar.volume, bar.high - bar.low)
            if slipped != price:
                self._slipped += abs(slipped - price) * shares
        positions = account.positions
        position = positions.get(symbol)
        signed = shares if side is _BUY else -shares
        is_whole = position is None or position.quantity == -signed
        if not is_whole or self._prompt or symbol in account.changed or shares % 1.0:
            # An average that has to be worked out, or a position that another order has just changed.
            self._settle()
            self._filled = None
            order.price, order.at = slipped, bar.at
            [fill] = self._fills([order])
            self._book(fill, order.owner)
            return
        self._cash -= signed * slipped + self._fees(shares, shares * slipped)
        self._doubt += 0.01
        if position is None:
            positions[symbol] = Position(signed, slipped)
            if signed < 0.0:
                self._shorts.add(symbol)
        else:
            del positions[symbol]
            if self._shorts:
                self._shorts.discard(symbol)
            signed = 0.0
        order.price, order.at, order.held = slipped, bar.at, signed
        self._unbooked.append(order)

    def _book(self, fill: Fill, owner: str) -> None:
        self._portfolio.book(fill)
        self.on_booked(fill, owner)
        if self._portfolio.position(fill.symbol) < 0:
            self._shorts.add(fill.symbol)
        else:
            self._shorts.discard(fill.symbol)
        self._cash = float(self._portfolio.cash)

    def _fills(self, filled: Iterable[LaneOrder]) -> list[Fill]:
        fills, commission = [], self._commission
        rule = "market-close" if self._at_close else "market-open"
        for order in filled:
            quantity = order.quantity
            cost = exact(order.price) * quantity
            fees = commission(quantity, cost)
            if fees < 0:
                fees = ZERO
            order_id = f"{RUN_ID}-{order.number}"
            fill_id, price = f"{order_id}/{quantity!s}", cost / quantity
            fills.append(Fill(fill_id, order_id, order.symbol, order.side, quantity, price, cost, fees, order.at, rule))
        return fills

    def _settle(self) -> None:
        """Books what is in arrears."""
        if not self._unbooked:
            return
        fills = self._fills(self._unbooked)
        cash = self._portfolio.book_all(fills)
        self.account.catch_up(fills, [order.owner for order in self._unbooked], [order.held for order in self._unbooked], cash)
        if self._filled is not None:
            self._filled += self._unbooked
        self._unbooked.clear()
        self._cash, self._doubt = cash[-1], 0.0

    def end(self, last: int) -> None:
        if self._filled is not None:
            orders = [*self._filled, *self._unbooked]
            if len(orders) >= _MANY:
                paper = self._paper
                self.by_column = columns = fill_columns(orders, paper.cash, paper.commission, self._commission)
                if columns is not None:
                    self._unbooked.clear()
                    self._portfolio.take_over({symbol: columns.cost_of(symbol) for symbol in columns.rows}, columns.last_cash, columns.paid)
                    self.account.take_over(columns)
        self._mark()

    def fills(self) -> list[Fill]:
        return super().fills() if self.by_column is None else self._fills(self.by_column.orders)

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
                self._filled = None
                self.on_booked(split, "")
        else:
            dividend = dividend_booked(event, portfolio)
            if dividend is not None:
                portfolio.receive_dividend(dividend)
                self._filled = None
                self.on_booked(dividend, "")
        self._cash = float(portfolio.cash)
        restated = self._restate(event, last)
        if restated is not None:
            self._marked[symbol] = self._restated[symbol] = restated


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


def _all_whole(series: BarColumns) -> bool:
    """The same of all bars as `is_whole` says of one."""
    _, open_, high, low, close, volume = series.columns
    inside = (low <= open_) & (open_ <= high) & (low <= close) & (close <= high) & (-inf < volume) & (volume < inf)
    return bool(inside.all() and low.min() >= LEAST_PRICE and high.max() <= MOST_PRICE)


def _complain(text: str) -> None:
    raise BacktestError(text)
