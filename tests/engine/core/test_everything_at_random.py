"""Every kind of order in every kind of market, beside all else that may happen: gate, order book, portfolio and matching together.

`make test-thorough` tries ten thousand sequences.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from msgspec.structs import replace

from engine.model.average_cost import NOTHING
from engine.model.effects import Effect, ReplaceAtBroker
from engine.model.inputs import Cancel, ClosePosition, GroupKind, OrderUpdate, Replace, SubmitGroup
from engine.model.market import Auction, AuctionKind, Dividend, Halt, MarketStatus, Phase, Split
from engine.model.modes import Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, Intent, OrderType, Side, TimeInForce
from engine.model.settings import MarginSettings
from tests.engine.core import floor as trading
from tests.engine.core.test_core_at_random import AUTO, CHOSEN, LIMITS, PAPER, Account, WatchedFloor, held
from tests.thorough import tries

D = Decimal
ALL_DAY = (TimeInForce.DAY, TimeInForce.GTC)
sides = st.sampled_from(Side)
symbols = st.sampled_from(trading.SYMBOLS)
quantities = st.sampled_from((1, 7, 40, 60, 99, 150))
near = st.sampled_from((-4, -1, -0.2, 0, 0.2, 1, 4))
"""Prices about the market, in per cent of it."""
RARE = ("stop", "flatten", "mode", "lose", "restart", "crash")
sizes = st.sampled_from((0, 7, 60, 700, 10_000, 10_000))
moves = st.lists(st.tuples(symbols, st.tuples(near, near, near, near), sizes, st.sampled_from((0.0, 0.02, 0.5))), max_size=4)


class Watched(WatchedFloor):
    """Looks at every replace too: what asks for more keeps to the limits, and nothing is replaced while halted."""

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, ReplaceAtBroker):
                self._look_at_replace(effect)
        super()._perform(effects)

    def _look_at_replace(self, effect: ReplaceAtBroker) -> None:
        order, state = effect.order, self.core.state
        assert state.trading is not TradingState.HALTED
        opening = self._opening(order)
        if opening > 0 and effect.terms.quantity > order.quantity:
            judged = replace(order, mark=order.asked_mark)
            self._limits_hold(judged, min(opening, effect.terms.quantity - order.filled), self.core.gate.figures())


class Everything(Account):
    """On quotes or on bars alone, in a cash or a margin account; orders and requests take their time."""

    limits = replace(LIMITS, short_selling=True)

    @initialize(quoted=st.booleans(), latency=st.sampled_from((0, 0, 3)), margin=st.booleans(), short=st.booleans())
    def begins(self, quoted: bool, latency: int, margin: bool, short: bool) -> None:
        self.limits = replace(LIMITS, short_selling=short)
        given = trading.settings(limits=self.limits, auto=AUTO, paper=replace(PAPER, latency_ms=latency))
        given = replace(given, margin=MarginSettings(enabled=margin))
        self.quoted = quoted
        self.floor = Watched(given, mode=Mode.FULL_AUTO, price_life_s=3600)
        self.floor.approved = set()
        self.acts: dict[Split | Dividend, None] = {}
        """What companies did with an ex-date. A feed that begins tells it again, its time left out of the comparison."""
        self.prime({"AAPL": 100.0, "MSFT": 40.0})

    def prime(self, prices: dict[str, float]) -> None:
        for symbol, price in prices.items():
            if self.quoted:
                self.floor.quote(symbol, price, size=0)
            else:
                self.floor.bar(symbol, price, price, price, price, volume=0)

    def at(self, symbol: str, away: float) -> Decimal:
        return D(str(round(self.last(symbol) * (1 + away / 100), 2)))

    def market(self, flow: list[tuple[str, tuple[float, float, float, float], int, float]]) -> None:
        for symbol, away, size, spread in flow:
            a, b, c, d = (max(float(self.at(symbol, each)), 1.0) for each in away)
            if self.quoted:
                self.floor.quote(symbol, a, spread=spread, size=size, later_s=0.002)
            else:
                self.floor.bar(symbol, a, max(a, b, c, d), min(a, b, c, d), d, volume=10 * size)

    # ---- what happens

    @rule(
        side=sides,
        quantity=quantities,
        symbol=symbols,
        kind=st.sampled_from(OrderType),
        tif=st.sampled_from((*ALL_DAY, *TimeInForce)),
        away=st.tuples(near, near),
        special=st.sampled_from(("", "", "extended", "closes", "bracket", "bracket")),
        flow=moves,
    )
    def a_person_orders(
        self, side: Side, quantity: int, symbol: str, kind: OrderType, tif: TimeInForce, away: tuple[float, float], special: str, flow: Any
    ) -> None:
        limit = self.at(symbol, away[0]) if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None
        stop = self.at(symbol, away[1]) if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None
        trail = D("0.5") if kind is OrderType.TRAILING_STOP else None
        if kind not in (OrderType.MARKET, OrderType.LIMIT) and tif not in ALL_DAY:
            tif = TimeInForce.GTC
        exits = Bracket(Exit(pct=D(2)), Exit(pct=D(1))) if special == "bracket" else None
        extended = special == "extended" and kind is OrderType.LIMIT and tif is TimeInForce.DAY
        intent = Intent(symbol, side, D(quantity), kind, limit, stop, tif, trail=trail, extended_hours=extended, bracket=exits)
        self.floor.submit(replace(intent, reduce_only=special == "closes"))
        self.market(flow)

    @rule(side=sides, quantity=quantities, symbol=symbols, away=near, flow=moves)
    def a_strategy_proposes(self, side: Side, quantity: int, symbol: str, away: float, flow: Any) -> None:
        self.signals += 1
        limit = self.at(symbol, away) if away else None
        self.floor.propose(f"s{self.signals}", side, quantity, symbol, limit=limit)
        self.market(flow)

    @rule(kind=st.sampled_from(GroupKind), side=sides, quantity=quantities, symbol=symbols, away=st.tuples(near, near), flow=moves)
    def a_person_sends_two_that_hang_together(
        self, kind: GroupKind, side: Side, quantity: int, symbol: str, away: tuple[float, float], flow: Any
    ) -> None:
        limit, stop = self.at(symbol, away[0]), self.at(symbol, away[1])
        first = Intent(symbol, side, D(quantity), OrderType.LIMIT, limit=limit, tif=TimeInForce.GTC)
        other = side if kind is GroupKind.OCO else side.opposite
        second = Intent(symbol, other, D(quantity), OrderType.STOP, stop=stop, tif=TimeInForce.GTC)
        self.floor.handle(SubmitGroup(self.floor.command_id(), kind, first, second, confirmed=True))
        self.market(flow)

    @precondition(lambda self: self.floor.core.state.book.open)
    @rule(pick=st.integers(0, 5), quantity=quantities, away=near, flow=moves)
    def a_person_replaces(self, pick: int, quantity: int, away: float, flow: Any) -> None:
        working = list(self.floor.core.state.book.open.values())
        order = working[pick % len(working)]
        terms = replace(order.terms, quantity=order.quantity if order.family else D(quantity))
        if order.limit is not None:
            terms = replace(terms, limit=self.at(order.symbol, away))
        elif order.stop is not None and order.type is OrderType.STOP:
            terms = replace(terms, stop=self.at(order.symbol, away))
        self.floor.handle(Replace(self.floor.command_id(), order.id, terms))
        self.market(flow)

    @precondition(lambda self: self.floor.core.state.book.open)
    @rule(pick=st.integers(0, 5), flow=moves)
    def a_person_cancels(self, pick: int, flow: Any) -> None:
        working = list(self.floor.core.state.book.open.values())
        self.floor.handle(Cancel(self.floor.command_id(), working[pick % len(working)].id))
        self.market(flow)

    @rule(symbol=symbols, side=sides, quantity=quantities, flow=moves)
    def a_person_closes_a_position(self, symbol: str, side: Side, quantity: int, flow: Any) -> None:
        self.floor.handle(ClosePosition(self.floor.command_id(), symbol, side, D(quantity)))
        self.market(flow)

    @rule(flow=moves)
    def the_market_moves(self, flow: Any) -> None:
        self.market(flow)

    @rule(more=moves)
    def the_market_moves_on(self, more: Any) -> None:
        self.market(more)

    @rule(seconds=st.sampled_from((0.1, 6, 61)), compared=st.booleans())
    def time_passes(self, seconds: float, compared: bool) -> None:
        self.floor.tick(seconds)
        if compared:
            self.floor.reconcile()

    @rule(symbol=symbols, flow=moves)
    def a_symbol_is_halted_for_a_while(self, symbol: str, flow: Any) -> None:
        self.floor.market(Halt(symbol, self.floor.at, True, "LULD"))
        self.market(flow)
        self.floor.market(Halt(symbol, self.floor.at, False))

    @rule(kinds=st.lists(st.sampled_from(AuctionKind), max_size=2), flow=moves, away=near, later=moves)
    def a_session_ends_and_the_next_one_opens(self, kinds: list[AuctionKind], flow: Any, away: float, later: Any) -> None:
        for phase in (Phase.POST, Phase.CLOSED, Phase.PRE, Phase.REGULAR):
            if self.quoted and phase in (Phase.POST, Phase.REGULAR):
                kind = AuctionKind.CLOSE if phase is Phase.POST else AuctionKind.OPEN
                for symbol in trading.SYMBOLS:
                    self.floor.market(Auction(symbol, self.floor.at, kind, float(self.at(symbol, away)), 900))
            self.day += phase is Phase.PRE
            self.floor.at += 60 * trading.SECOND
            self.floor.market(MarketStatus(phase, phase.lower(), f"2025-{6 + self.day // 28:02}-{self.day % 28 + 1:02}", self.floor.at))
            self.market(flow if phase is Phase.PRE else later[:1])

    @precondition(lambda self: self.floor.held_news is None)
    @rule(
        symbol=symbols,
        ratio=st.sampled_from((None, D(2), D("1.5"), D("0.5"), D(1) / 3)),
        amount=st.sampled_from(("0.001", "0.37")),
        dated=st.booleans(),
    )
    def a_company_acts(self, symbol: str, ratio: Decimal | None, amount: str, dated: bool) -> None:
        last, before = self.last(symbol), self.floor.core.state.portfolio.equity()
        ex_date = self.floor.core.state.session if dated else ""
        act = Dividend(symbol, 0, D(amount), ex_date) if ratio is None else Split(symbol, 0, ratio, None, ex_date)
        if act in self.acts:
            return
        if dated:
            self.acts[act] = None
        if ratio is None or 5 < last / float(ratio) < 1000:
            self.floor.market(replace(act, at=self.floor.at, price=last) if isinstance(act, Split) else replace(act, at=self.floor.at))
        elif dated:
            del self.acts[act]
        assert abs(self.floor.core.state.portfolio.equity() - before) < D("0.01")

    @rule(
        what=st.sampled_from(("stop", "flatten", "mode", "lose", "restart", "crash")), mode=st.sampled_from(CHOSEN), pick=st.integers(0, 5)
    )
    def something_rare_happens(self, what: str, mode: Mode, pick: int) -> None:
        match what:
            case "stop":
                self.floor.stop()
            case "flatten":
                self.floor.flatten()
            case "mode":
                self.floor.set_mode(mode)
            case "lose":
                working = list(self.floor.core.state.book.open.values())
                if working:
                    self.floor.handle(OrderUpdate(working[pick % len(working)].id, OrderEvent.LOSE, reason="timeout"))
            case _:
                self.restart(crash=what == "crash")

    def restart(self, *, crash: bool) -> None:
        prices = {symbol: self.last(symbol) for symbol in trading.SYMBOLS}
        self.floor.restart(crash=crash, mode=Mode.FULL_AUTO)
        for symbol, price in prices.items():
            self.floor.core.prime(symbol, price)
        before = self.account()
        self.feed_begins()
        assert self.account() == before
        self.prime(prices)

    def account(self) -> tuple[Decimal, dict[str, Decimal]]:
        portfolio = self.floor.core.state.portfolio
        return portfolio.cash, held(portfolio)

    def feed_begins(self) -> None:
        """It tells what companies did; what is booked already is left."""
        for act in self.acts:
            self.floor.market(replace(act, at=self.floor.at))

    @rule(flow=moves)
    def a_person_resumes(self, flow: Any) -> None:
        if self.floor.core.state.trading is TradingState.HALTED:
            self.floor.resume()
        if self.floor.core.state.mode is not Mode.FULL_AUTO:
            self.floor.set_mode(Mode.FULL_AUTO)
        self.floor.tick(0.1)
        self.market(flow)

    @rule(flow=moves, chance=st.randoms(use_true_random=False))
    def the_news_arrive_late_shuffled_and_doubled(self, flow: Any, chance: Any) -> None:
        self.floor.held_news = deque()
        self.market(flow)
        news = [event for event in self.floor.held_news for _ in range(chance.randint(1, 2))]
        chance.shuffle(news)
        self.floor.held_news = None
        for event in news:
            self.floor.handle(event)

    # ---- what must always hold

    @invariant()
    def everybodys_part_adds_up_to_the_account(self) -> None:
        state = self.floor.core.state
        for symbol, holding in state.portfolio.holdings.items():
            parts = [book.costs.get(symbol, NOTHING) for book in state.attribution.books.values()]
            assert sum((part.quantity for part in parts), D(0)) == holding.quantity
            assert sum((part.basis - part.realised for part in parts), D(0)) == holding.basis - holding.realised

    @invariant()
    def exposure_is_the_sum_of_its_parts(self) -> None:
        portfolio = self.floor.core.state.portfolio
        values = [holding.value for holding in portfolio.holdings.values()]
        assert portfolio.net() == sum(values, D(0))
        assert portfolio.gross() == sum(map(abs, values), D(0))
        assert portfolio.equity() == portfolio.cash + portfolio.net()

    def teardown(self) -> None:
        """Killed after any unit that was written, the program finds an account that is the broker's, and goes on."""
        records, units = list(self.floor.records), list(self.floor.units)
        for length in units[:: -max(len(units) // 4, 1)]:
            prices = {symbol: self.last(symbol) for symbol in trading.SYMBOLS}
            self.floor.records = records[:length]
            self.floor.restart(crash=True)
            for symbol, price in prices.items():
                self.floor.core.prime(symbol, price)
            ours, theirs = self.floor.core.state.portfolio, self.floor.broker_account()
            assert (ours.cash, held(ours)) == (theirs.cash, held(theirs))
            self.feed_begins()
            assert (ours.cash, held(ours)) == (theirs.cash, held(theirs))
            self.prime(prices)
            self.market([("AAPL", (1, 0, 0, -1), 10_000, 0.0), ("MSFT", (-1, 1, 1, 0), 10_000, 0.0)])
            assert (ours.cash, held(ours)) == (theirs.cash, held(theirs))


PACE: Any = settings(max_examples=tries(60, 10_000), stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
TestEverything = Everything.TestCase
TestEverything.settings = PACE
