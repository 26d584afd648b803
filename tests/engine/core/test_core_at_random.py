"""Anything in any order: whatever people, strategies, the market and crashes do, the limits hold and the books balance."""

from __future__ import annotations

import random
from collections import deque
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from engine.core.margin import Figures
from engine.core.portfolio import Portfolio
from engine.model.effects import Effect, Send
from engine.model.inputs import GroupKind, Input, OrderUpdate, Replace, SubmitGroup
from engine.model.modes import Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, Intent, Order, OrderState, OrderType, Side, Source
from engine.model.records import OrderPlaced
from engine.model.settings import AutoApprove, Limits, PaperSettings
from tests.engine.core import floor as trading
from tests.engine.core.floor import Floor, essence, restored, wish
from tests.thorough import tries

D = Decimal
LIMITS = Limits(max_position_pct=D(20), max_order_pct=D(10), max_exposure_pct=D(50), max_daily_loss_pct=D(2), short_selling=False)
PAPER = PaperSettings(cash=D(100_000), latency_ms=0)
AUTO = AutoApprove(max_notional=D(3000), min_confidence=0.5)
CHOSEN = (Mode.MANUAL, Mode.SEMI_AUTO, Mode.FULL_AUTO, Mode.RESEARCH)

sides = st.sampled_from(Side)
symbols = st.sampled_from(trading.SYMBOLS)
quantities = st.integers(1, 150)
offsets = st.sampled_from((None, -20, -3, -0.5, 0.5, 3, 20))


class WatchedFloor(Floor):
    """A floor that looks at every send as it is decided: at that moment every limit must hold, what is reserved counted in."""

    approved: set[str]
    command: Input | None = None

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                self._look_at(effect.order)
        super()._perform(effects)

    def _look_at(self, order: Order) -> None:
        state = self.core.state
        if order.source is Source.FLATTEN:
            return
        assert state.trading is not TradingState.HALTED, "an order went out while halted"
        if order.source is Source.STRATEGY and state.mode is Mode.MANUAL:
            assert order.signal_id in self.approved, "a strategy traded in MANUAL without a yes"
        opening = self._opening(order)
        if not opening:
            return
        assert order.side is Side.BUY or self.settings.limits.short_selling, "more was for sale than was held"
        assert state.trading is TradingState.ACTIVE, "an entry went out while only reducing"
        assert state.mode is not Mode.RESEARCH, "an entry went out in RESEARCH"
        self._limits_hold(order, opening, self.core.gate.figures())

    def _opening(self, order: Order) -> Decimal:
        """How much more than before could be opened now that `order` may trade. One of a group adds nothing to a larger one, and it was
        not this one that took away what that one was to close."""
        held = max(-order.side.sign * self.core.state.portfolio.position(order.symbol), D(0))
        working = self.core.state.book.working_quantity
        with_it, without = (working(order.symbol, order.side, aside) for aside in ((), (order.id,)))
        return max(with_it - held, D(0)) - max(without - held, D(0))

    def _limits_hold(self, order: Order, opening: Decimal, figures: Figures) -> None:
        state, limits = self.core.state, self.settings.limits
        assert opening * order.mark <= figures.equity * limits.max_order_pct / 100
        held, working = state.portfolio.position(order.symbol), state.book.working_quantity(order.symbol, order.side)
        mine = held * order.side.sign
        most = max(mine, D(0)) + max(working - max(-mine, D(0)), D(0))
        value = self.core.prices.last(order.symbol)
        assert value is not None
        # Valued at the lower of what was reserved and the market: a breach of this is a breach by any reckoning.
        assert most * min(order.mark, D(repr(value))) <= figures.equity * limits.max_position_pct / 100
        assert figures.exposure <= figures.equity * limits.max_exposure_pct / 100
        assert figures.buying_power >= 0


class Account(RuleBasedStateMachine):
    """An account to which anything may happen, and what must hold whatever does."""

    limits = LIMITS

    def __init__(self) -> None:
        super().__init__()
        given = trading.settings(limits=self.limits, auto=AUTO, paper=PAPER, keep_protective=False)
        self.floor = WatchedFloor(given, mode=Mode.FULL_AUTO, prices={"AAPL": 100.0, "MSFT": 40.0})
        self.floor.approved = set()
        self.signals = 0
        self.day = 12

    def last(self, symbol: str) -> float:
        price = self.floor.core.prices.last(symbol)
        assert price is not None
        return price

    def intent(self, side: Side, quantity: int, symbol: str, limit: float | None, stop: float | None) -> Intent:
        near = self.last(symbol)
        if limit is not None:
            return wish(side, quantity, symbol, limit=round(near * (1 + limit / 100), 2))
        if stop is not None:
            return wish(side, quantity, symbol, stop=round(near * (1 + stop / 100), 2))
        return wish(side, quantity, symbol)

    # ---- what must always hold

    @invariant()
    def a_restart_would_find_the_same(self) -> None:
        assert essence(restored(self.floor.records)) == essence(self.floor.core.state)

    @invariant()
    def the_books_balance_and_are_the_brokers_once_all_is_heard(self) -> None:
        portfolio = self.floor.core.state.portfolio
        basis = sum((holding.basis for holding in portfolio.holdings.values()), D(0))
        assert portfolio.cash + basis - portfolio.realised() == PAPER.cash
        if self.floor.held_news:
            return
        truth = self.floor.broker_account()
        assert (truth.cash, truth.fees) == (portfolio.cash, portfolio.fees)
        assert held(truth) == held(portfolio)

    @invariant()
    def what_is_open_is_what_has_not_ended(self) -> None:
        book = self.floor.core.state.book
        assert set(book.open) == {order.id for order in book.orders.values() if not order.state.is_final}
        assert all(0 <= order.filled <= order.quantity for order in book.orders.values())

    @invariant()
    def nobody_is_short_who_may_not_be(self) -> None:
        if not self.limits.short_selling:
            assert all(quantity >= 0 for quantity in held(self.floor.broker_account()).values())

    @invariant()
    def a_signal_became_one_order_at_most(self) -> None:
        signals = [record.signal_id for record in self.floor.of(OrderPlaced) if record.signal_id]
        assert len(signals) == len(set(signals))

    @invariant()
    def while_halted_nothing_works_but_a_flatten(self) -> None:
        state = self.floor.core.state
        if state.trading is TradingState.HALTED:
            for order in state.book.open.values():
                assert order.source is Source.FLATTEN or order.state in (OrderState.PENDING_CANCEL, OrderState.UNKNOWN)


class AnythingGoes(Account):
    @rule(side=sides, quantity=quantities, symbol=symbols, limit=offsets, stop=offsets, reduce_only=st.booleans())
    def a_person_orders(self, side: Side, quantity: int, symbol: str, limit: float | None, stop: float | None, reduce_only: bool) -> None:
        self.floor.submit(replace(self.intent(side, quantity, symbol, limit, stop), reduce_only=reduce_only))

    @rule(side=sides, quantity=quantities, symbol=symbols, trail=st.sampled_from((0.5, 3)), reduce_only=st.booleans())
    def a_person_lets_a_stop_trail(self, side: Side, quantity: int, symbol: str, trail: float, reduce_only: bool) -> None:
        plain = wish(side, quantity, symbol)
        self.floor.submit(replace(plain, type=OrderType.TRAILING_STOP, trail_pct=D(str(trail)), reduce_only=reduce_only))

    @rule(
        side=sides, quantity=quantities, symbol=symbols, limit=offsets, profit=st.sampled_from((0, 1, 5)), loss=st.sampled_from((0, 1, 5))
    )
    def a_person_brings_the_exits_along(self, side: Side, quantity: int, symbol: str, limit: float | None, profit: int, loss: int) -> None:
        bracket = Bracket(Exit(pct=D(profit)) if profit else None, Exit(pct=D(loss)) if loss else None)
        self.floor.submit(replace(self.intent(side, quantity, symbol, limit, None), bracket=bracket))

    @rule(
        kind=st.sampled_from(GroupKind),
        side=sides,
        quantity=quantities,
        symbol=symbols,
        limit=st.sampled_from((-3, 3)),
        stop=st.sampled_from((-2, 2)),
    )
    def a_person_sends_two_that_hang_together(
        self, kind: GroupKind, side: Side, quantity: int, symbol: str, limit: float, stop: float
    ) -> None:
        first = self.intent(side, quantity, symbol, limit, None)
        second = self.intent(side if kind is GroupKind.OCO else side.opposite, quantity, symbol, None, stop)
        self.floor.handle(SubmitGroup(self.floor.command_id(), kind, first, second, confirmed=True))

    @precondition(lambda self: self.floor.core.state.book.open)
    @rule(pick=st.integers(0, 5), quantity=quantities, move=offsets)
    def a_person_replaces(self, pick: int, quantity: int, move: float | None) -> None:
        working = list(self.floor.core.state.book.open.values())
        order = working[pick % len(working)]
        price = D(str(round(self.last(order.symbol) * (1 + (move or 0) / 100), 2)))
        terms = replace(order.terms, quantity=order.quantity if order.family else D(quantity))
        if order.limit is not None:
            terms = replace(terms, limit=price)
        self.floor.handle(Replace(self.floor.command_id(), order.id, terms))

    @rule(side=sides, quantity=st.none() | quantities, symbol=symbols, strength=st.floats(0, 1))
    def a_strategy_proposes(self, side: Side, quantity: int | None, symbol: str, strength: float) -> None:
        self.signals += 1
        self.floor.propose(f"s{self.signals}", side, quantity, symbol, strength=strength)

    @rule(pick=st.integers(0, 5))
    def a_person_approves(self, pick: int) -> None:
        waiting = list(self.floor.core.state.approvals.waiting)
        if waiting:
            signal_id = waiting[pick % len(waiting)]
            self.floor.approved.add(signal_id)
            self.floor.approve(signal_id)

    @rule(pick=st.integers(0, 9))
    def a_person_cancels(self, pick: int) -> None:
        working = list(self.floor.core.state.book.open.values())
        self.floor.cancel(working[pick % len(working)] if working and pick < 8 else None)

    @rule(symbol=symbols, move=st.floats(-4, 4), size=st.sampled_from((0, 7, 60, 10_000)), spread=st.sampled_from((0.0, 0.02, 0.5)))
    def the_market_moves(self, symbol: str, move: float, size: int, spread: float) -> None:
        price = max(round(self.last(symbol) * (1 + move / 100), 2), 1.0)
        self.floor.quote(symbol, price, spread=spread, size=size)

    @rule(symbol=symbols, worst=st.sampled_from((float("nan"), float("inf"), 0.0, -5.0, 1e300)))
    def the_feed_talks_nonsense(self, symbol: str, worst: float) -> None:
        self.floor.quote(symbol, worst)

    @rule(seconds=st.sampled_from((0.1, 1, 6, 61)))
    def time_passes(self, seconds: float) -> None:
        self.floor.tick(seconds)

    @rule(mode=st.sampled_from(CHOSEN))
    def a_person_changes_the_mode(self, mode: Mode) -> None:
        self.floor.set_mode(mode)

    @rule()
    def a_person_stops(self) -> None:
        self.floor.stop()

    @rule()
    def a_person_flattens(self) -> None:
        self.floor.flatten()

    @rule()
    def a_person_resumes(self) -> None:
        self.floor.resume()

    @rule()
    def a_session_opens(self) -> None:
        self.day += 1
        self.floor.session(f"2025-06-{self.day}")

    @rule(crash=st.booleans(), mode=st.sampled_from(CHOSEN))
    def the_program_restarts(self, crash: bool, mode: Mode) -> None:
        prices = {symbol: self.last(symbol) for symbol in trading.SYMBOLS}
        self.floor.restart(crash=crash, mode=mode)
        for symbol, price in prices.items():
            self.floor.core.prime(symbol, price)
            self.floor.quote(symbol, price, size=0)

    @precondition(lambda self: self.floor.core.state.book.open)
    @rule(pick=st.integers(0, 5))
    def an_order_is_lost(self, pick: int) -> None:
        working = list(self.floor.core.state.book.open.values())
        self.floor.handle(OrderUpdate(working[pick % len(working)].id, OrderEvent.LOSE, reason="timeout"))

    @rule()
    def the_line_grows_slow(self) -> None:
        if self.floor.held_news is None:
            self.floor.held_news = deque()

    @rule(chance=st.randoms(use_true_random=False))
    def the_news_arrive_shuffled_and_doubled(self, chance: random.Random) -> None:
        if self.floor.held_news is not None:
            news = [event for event in self.floor.held_news for _ in range(chance.randint(1, 2))]
            chance.shuffle(news)
            self.floor.held_news = None
            for event in news:
                self.floor.handle(event)

    @rule()
    def the_account_is_compared(self) -> None:
        self.floor.reconcile()


class AnythingGoesShort(AnythingGoes):
    """The same with short selling allowed, so that positions are taken through zero."""

    limits = replace(LIMITS, short_selling=True)


def held(portfolio: Portfolio) -> dict[str, Decimal]:
    return {holding.symbol: holding.quantity for holding in portfolio.holdings.values() if holding.quantity}


PACE: Any = settings(max_examples=tries(40, 5_000), stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
TestAnythingGoes = AnythingGoes.TestCase
TestAnythingGoes.settings = PACE
TestAnythingGoesShort = AnythingGoesShort.TestCase
TestAnythingGoesShort.settings = PACE
