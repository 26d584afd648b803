"""Whatever the market, people and strategies do: no entry that was let through passes a limit, of the account, a strategy or a symbol.

`make test-thorough` tries ten thousand sequences.
"""

from __future__ import annotations

from decimal import Decimal

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.risk.bounds import BoundsBook
from engine.model.effects import Effect, Send
from engine.model.modes import Mode, TradingState
from engine.model.orders import Order, Side, Source
from engine.model.settings import Limits, StrategyLimits, SymbolLimits
from tests.engine.core import floor as trading
from tests.engine.core.floor import SECOND, SYMBOLS, Floor, wish
from tests.thorough import tries

D = Decimal
LIMITS = Limits(
    max_position_pct=D(12),
    max_order_pct=D(10),
    max_exposure_pct=D(14),
    max_net_exposure_pct=D(13),
    max_daily_loss_pct=D("0.2"),
    max_order_notional=D(9_000),
    max_order_quantity=D(120),
    short_selling=True,
    strategies={"sma": StrategyLimits(max_order_pct=D(5), max_position_pct=D(8), max_daily_loss_pct=D(1), max_orders_second=2)},
    symbols={"MSFT": SymbolLimits(max_order_quantity=D(20), short_selling=False)},
)


class Watched(Floor):
    """Looks at every send as it is decided. What it computes it computes from the orders and positions themselves."""

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                self._look_at(effect.order)
        super()._perform(effects)

    def _look_at(self, order: Order) -> None:
        state, sign = self.core.state, order.side.sign
        held = state.portfolio.position(order.symbol)
        working = self._working(order.symbol, order.side)
        opening = min(order.quantity, max(working - max(-sign * held, D(0)), D(0)))
        if not opening:
            return
        limits = BoundsBook(LIMITS).of(order.strategy, order.symbol).limits
        equity, last = state.portfolio.equity(), D(repr(self.core.prices.last(order.symbol)))
        assert state.trading is TradingState.ACTIVE
        assert opening * order.mark <= equity * limits.max_order_pct / 100
        assert opening * order.mark <= (limits.max_order_notional or 0)
        assert opening <= (limits.max_order_quantity or 0)
        most = max(sign * held, D(0)) + max(working - max(-sign * held, D(0)), D(0))
        assert most * min(order.mark, last) <= equity * limits.max_position_pct / 100
        values = {s: state.portfolio.holdings[s].value for s in SYMBOLS if s in state.portfolio.holdings}
        reserved = {side: sum((self._reserved(s, side) for s in SYMBOLS), D(0)) for side in Side}
        assert sum(map(abs, values.values()), D(0)) + sum(reserved.values()) <= equity * limits.max_exposure_pct / 100
        assert sign * sum(values.values(), D(0)) + reserved[order.side] <= equity * D(13) / 100
        if order.source is Source.STRATEGY:
            sent = [o for o in state.book.orders.values() if o.strategy == order.strategy and o.created_at > self.core.desk.now - SECOND]
            assert len(sent) <= limits.max_orders_second
            assert not state.has_tripped(order.strategy)
        assert limits.short_selling or order.side is Side.BUY

    def _working(self, symbol: str, side: Side) -> Decimal:
        return sum((o.remaining for o in self.core.state.book.open.values() if (o.symbol, o.side) == (symbol, side)), D(0))

    def _reserved(self, symbol: str, side: Side) -> Decimal:
        quantity = self._working(symbol, side)
        value = sum((o.remaining * o.mark for o in self.core.state.book.open.values() if (o.symbol, o.side) == (symbol, side)), D(0))
        opening = quantity - max(-side.sign * self.core.state.portfolio.position(symbol), D(0))
        # A division that does not end is cut off at the last digit the gate keeps.
        return (value * opening / quantity).quantize(D("1e-9")) if opening > 0 else D(0)


orders = st.tuples(
    st.sampled_from(("person", "sma", "rsi")),
    st.sampled_from(SYMBOLS),
    st.sampled_from(Side),
    st.sampled_from((1, 15, 19, 30, 45, 60, 75, 89, 140)),
    st.integers(-6, 6),
)
steps = st.one_of(
    orders,
    orders,
    orders,
    st.tuples(st.just("market"), st.sampled_from(SYMBOLS), st.floats(-6, 6), st.sampled_from((0, 30, 10_000))),
    st.tuples(st.just("time"), st.sampled_from((0.1, 1.0, 30.0))),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("session")),
    st.tuples(st.just("restart"), st.booleans()),
)


LONG_AND_SHORT = [("person", "AAPL", Side.SELL, 89, 0), ("person", "MSFT", Side.BUY, 19, 0)]
"""Together past the gross limit, each and both netted within theirs."""
TRIPPED_AND_BACK = [
    ("person", "AAPL", Side.BUY, 89, 0),
    ("market", "AAPL", -5.0, 10_000),
    ("time", 1.0),
    ("market", "AAPL", 5.5, 10_000),
    ("time", 1.0),
    ("person", "MSFT", Side.BUY, 1, 0),
]
"""An entry after the loss limit tripped and the market came back."""


@given(st.lists(steps, min_size=15, max_size=60))
@example(LONG_AND_SHORT)
@example(TRIPPED_AND_BACK)
@settings(max_examples=tries(150, 10_000), deadline=None, suppress_health_check=list(HealthCheck))
def test_an_entry_that_is_let_through_passes_no_limit(sequence: list[tuple[object, ...]]) -> None:
    the_floor = Watched(trading.settings(limits=LIMITS), mode=Mode.FULL_AUTO, prices={"AAPL": 100.0, "MSFT": 400.0})
    for number, step in enumerate(sequence):
        take(the_floor, number, step)


def take(the_floor: Watched, number: int, step: tuple[object, ...]) -> None:
    match step:
        case ("market", str(symbol), float(move), int(size)):
            the_floor.quote(symbol, max(round((the_floor.core.prices.last(symbol) or 1) * (1 + move / 100), 2), 1.0), size=size)
        case ("time", float(seconds)):
            the_floor.at += int(seconds * SECOND)
            the_floor.tick(seconds)
            for symbol in SYMBOLS:
                the_floor.quote(symbol, the_floor.core.prices.last(symbol) or 1, size=0)
        case ("cancel", int(pick)):
            working = list(the_floor.core.state.book.open.values())
            if working:
                the_floor.cancel(working[pick % len(working)])
        case ("session",):
            the_floor.session(f"2025-07-{number + 1:02}")
        case ("restart", bool(crash)):
            prices = {symbol: the_floor.core.prices.last(symbol) or 1 for symbol in SYMBOLS}
            the_floor.restart(crash=crash, mode=Mode.FULL_AUTO)
            for symbol, price in prices.items():
                the_floor.core.prime(symbol, price)
                the_floor.quote(symbol, price, size=0)
        case (str(who), str(symbol), Side() as side, int(quantity), int(away)):
            limit = round((the_floor.core.prices.last(symbol) or 1) * (1 + away / 100), 2) if away else None
            if who == "person":
                the_floor.submit(wish(side, quantity, symbol, limit=limit))
            else:
                the_floor.propose(f"s{number}", side, quantity, symbol, strategy=who, limit=limit)


# ---- the tightest holds

percents = st.none() | st.integers(1, 100).map(D)
strategy_limits = st.builds(StrategyLimits, percents, percents, percents, percents, percents, *([st.none() | st.integers(1, 9)] * 3))
symbol_limits = st.builds(SymbolLimits, percents, percents, percents, percents, percents, st.none() | st.booleans())


@given(strategy_limits, symbol_limits, st.booleans())
def test_what_is_set_for_a_strategy_or_a_symbol_only_ever_tightens(mine: StrategyLimits, its: SymbolLimits, short: bool) -> None:
    account = replace(LIMITS, short_selling=short, strategies={"sma": mine}, symbols={"AAPL": its})
    bounds = BoundsBook(account).of("sma", "AAPL")
    names = {*mine.__struct_fields__, *its.__struct_fields__} - {"max_daily_loss_pct"}
    for name in names:
        given_values = [v for v in (getattr(account, name), getattr(mine, name, None), getattr(its, name, None)) if v is not None]
        assert getattr(bounds.limits, name) == min(given_values)
    assert bounds.limits.max_daily_loss_pct == account.max_daily_loss_pct
    assert BoundsBook(account).of("", "MSFT").limits is account
