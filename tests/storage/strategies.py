"""Hypothesis strategies for the journal's records: any record of each kind, and runs of records that belong together."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from msgspec import Struct

from engine.model.modes import Level, Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Bracket, Exit, Fill, Intent, OrderState, OrderType, Side, Source, Terms, TimeInForce
from engine.model.records import (
    BreakerReset,
    CashMoved,
    Checkpoint,
    CircuitTripped,
    DividendBooked,
    DrawdownTripped,
    EquityMarked,
    FillBooked,
    FillCorrected,
    HaltChanged,
    HighWaterSet,
    LimitsChanged,
    LossLimitTripped,
    ModeChanged,
    Noted,
    OrderChanged,
    OrderDenied,
    OrderPlaced,
    OrderReleased,
    OrderReplaced,
    OrderTrailed,
    PositionAccepted,
    PositionAdopted,
    Record,
    ReplaceAsked,
    RunEnded,
    RunStarted,
    SessionOpened,
    SignalDecided,
    SignalRaised,
    SplitBooked,
    StrategyErrored,
    StrategyLossTripped,
    StrategyTripped,
    SymbolLossTripped,
    SymbolWatched,
    TradingStateChanged,
)
from engine.model.signals import Signal, SignalState, Vote
from engine.model.verdicts import PASSED

KINDS: tuple[type[Record], ...] = get_args(Record)

decimals = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from([Decimal("1E+2"), Decimal("1.500"), Decimal("-0.00"), Decimal("1E-28"), Decimal("0." + "123456789" * 5)]),
)
times = st.integers(min_value=-(2**63), max_value=2**63 - 1)
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(["", "\x00\x1b[2J", "AAPL[/]", "null", "nan", "日本 \U0001f4c8"])
)


def any_record(kind: type[Record]) -> st.SearchStrategy[Any]:
    """Any record of `kind`: every field takes every value its type allows."""
    return _any(kind)


def _any(kind: Any) -> st.SearchStrategy[Any]:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, Struct):
        hints = get_type_hints(kind)
        return st.builds(kind, **{name: _any(hints[name]) for name in kind.__struct_fields__})
    parts = get_args(kind)
    if get_origin(kind) is tuple:
        return st.lists(_any(parts[0]), max_size=3).map(tuple) if parts[1:] == (...,) else st.tuples(*map(_any, parts))
    return st.one_of([_any(part) for part in parts]) if parts else st.sampled_from(kind)


_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    Decimal: decimals,
    int: times,
    str: texts,
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    type(None): st.none(),
}

_symbols = st.sampled_from(["AAPL", "MSFT", "IBM"])
_order_ids = st.integers(1, 6).map("r-{}".format)
_signal_ids = st.integers(1, 4).map("s-{}".format)
_names = st.sampled_from(["", "you", "sma_cross", "résumé \x1b[1m"])
_at = st.integers(0, 10**18)
_money = st.decimals(min_value=-(10**6), max_value=10**6, places=4)
_price = st.decimals(min_value=Decimal("0.01"), max_value=5000, places=4)
_quantity = st.decimals(min_value=Decimal("0.001"), max_value=1000, places=3)
_side = st.sampled_from(Side)
_limit = st.none() | _price
_votes = st.just((Vote("rsi", Side.BUY, 0.75, (("rsi", 28.5), ("warming", float("inf")))),)) | st.just(())


@st.composite
def some_fills(draw: st.DrawFn) -> FillBooked:
    quantity, price = draw(_quantity), draw(_price)
    fees = draw(st.decimals(min_value=0, max_value=10, places=2))
    return FillBooked(
        Fill(draw(_names), draw(_order_ids), draw(_symbols), draw(_side), quantity, price, quantity * price, fees, draw(_at), "at the open")
    )


def _made(kind: Any, *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, *parts)


_intents = _made(Intent, _symbols, _side, _quantity)
_signals = _made(
    Signal,
    *(_signal_ids, st.integers(1, 9), _names, _symbols, _side, _quantity, st.sampled_from(OrderType), _limit, _limit, _price),
    *(st.floats(0, 1), _names, _votes, _at, _at, st.sampled_from(TimeInForce), _limit, _limit),
    st.sampled_from([None, Bracket(Exit(Decimal("12.50")), Exit(pct=Decimal(2)))]),
)
_verdict = st.just(PASSED)
_terms = _made(Terms, _quantity, _limit, _limit, _limit, _limit)

histories: st.SearchStrategy[list[Record]] = st.lists(
    st.one_of(
        _made(RunStarted, st.sampled_from(["a", "b"]), _names, _names, st.none() | _money, _at),
        _made(RunEnded, st.sampled_from(["a", "b"]), _at),
        _made(
            OrderPlaced,
            *(_order_ids, st.integers(1, 9), _symbols, _side, _quantity, _quantity, st.sampled_from(OrderType), _limit, _limit),
            *(st.sampled_from(TimeInForce), st.sampled_from(Source), _names, _signal_ids, st.booleans(), _names, _price, _verdict, _at),
            *(_limit, _limit, st.booleans(), st.just("") | _order_ids, st.just("") | _order_ids, _limit, st.just("") | _order_ids),
        ),
        _made(OrderDenied, _intents, _verdict, _at),
        _made(OrderChanged, _order_ids, st.sampled_from(OrderEvent), st.sampled_from(OrderState), _names, _names, _at),
        _made(OrderReleased, _order_ids, _quantity, _limit, _limit, _at),
        _made(OrderTrailed, _order_ids, _price, _at),
        _made(ReplaceAsked, _order_ids, _terms, _price, _verdict, _at),
        _made(OrderReplaced, _order_ids, _terms, _at),
        some_fills(),
        some_fills(),
        _made(FillCorrected, _order_ids, _symbols, _side, _money, _money, _money, _names, _at, st.none() | _money),
        _made(SplitBooked, _symbols, _quantity, _quantity, _money, _at),
        _made(DividendBooked, _symbols, _money, _quantity, _money, _at),
        _made(CashMoved, _money, _names, _at),
        _made(PositionAdopted, _symbols, _quantity, _price, _money, _names, _at),
        _made(PositionAccepted, _symbols, _quantity, _money, _names, _at),
        _made(SignalRaised, _signals, _verdict, _at),
        _made(SignalDecided, _signal_ids, st.sampled_from(SignalState), _names, _names, _limit, _order_ids, _at),
        _made(ModeChanged, st.sampled_from(Mode), _names, _at),
        _made(TradingStateChanged, st.sampled_from(TradingState), _names, _names, _at),
        _made(SessionOpened, st.sampled_from(["2018-01-02", "2018-01-03"]), _money, _at),
        _made(DrawdownTripped, _money, _money, _at),
        _made(HighWaterSet, _money, _at),
        _made(CircuitTripped, _money, _money, st.integers(1, 60), _at),
        _made(StrategyLossTripped, _names, st.sampled_from(["2018-01-02", "2018-01-03"]), _money, _money, _at),
        _made(StrategyTripped, _names, _money, _money, st.integers(0, 60), _at),
        _made(SymbolLossTripped, _symbols, st.sampled_from(["2018-01-02", "2018-01-03"]), _money, _money, _at),
        _made(HaltChanged, _symbols, st.booleans(), _names, _at),
        _made(SymbolWatched, _symbols, st.booleans(), _at),
        _made(LimitsChanged, _names, st.booleans(), _names, _at),
        _made(BreakerReset, _names, _names, _at),
        _made(LossLimitTripped, st.sampled_from(["2018-01-02", "2018-01-03"]), _money, _money, _at),
        _made(EquityMarked, _money, _money, _money, _money, _at),
        _made(StrategyErrored, _names, _names, _names, st.booleans(), _at),
        _made(Checkpoint, _names, _names, _at),
        _made(Noted, st.sampled_from(Level), _names, _names, _names, _at),
    ),
    max_size=30,
)
"""Records of a few orders, signals and symbols, so that they meet; in any order, as a journal never forbids one."""
