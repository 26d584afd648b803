"""What the log says: a sentence for each record a person should read, exact figures, and silence where a panel shows it already."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest
from msgspec.structs import replace

from engine.core.state import State
from engine.log_lines import _WRITERS, line_of
from engine.model.modes import Level, Mode, TradingState
from engine.model.order_states import OrderEvent
from engine.model.orders import Fill, Intent, OrderState, OrderType, Side, Source, Terms, TimeInForce
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
    StrategyLossTripped,
    StrategyTripped,
    SymbolLossTripped,
    SymbolWatched,
    TradingStateChanged,
)
from engine.model.signals import Signal, SignalState
from engine.model.verdicts import PASSED, Outcome, Verdict

D = Decimal
PLACED = OrderPlaced(
    id="r-1",
    number=1,
    symbol="AAPL",
    side=Side.BUY,
    quantity=D(100),
    requested=D(100),
    type=OrderType.LIMIT,
    limit=D("187.50"),
    stop=None,
    tif=TimeInForce.DAY,
    source=Source.PERSON,
    strategy="",
    signal_id="",
    reduce_only=False,
    reason="",
    mark=D("187.50"),
    verdict=PASSED,
    at=1,
)
SIGNAL = Signal("s-1", 7, "sma_cross", "AAPL", Side.BUY, D(10), OrderType.MARKET, None, None, D("187.5"), 0.82, "", (), 1, 2)
DENIED = Verdict(Outcome.DENY, "order size", "10 %", "12 %", "The order would be 12 %, the limit is 10 %.")


def said(*records: Record) -> list[tuple[Level, str, str] | None]:
    """The lines for `records` as they happen one after the other, details left out."""
    state, lines = State(), []
    for record in records:
        state.apply(record)
        line = line_of(record, state)
        lines.append(None if line is None else line[:3])
    return lines


def changed(event: OrderEvent, state: OrderState, reason: str = "") -> OrderChanged:
    return OrderChanged("r-1", event, state, "B1", reason, 2)


def filled(quantity: int, price: str = "187.5", rule: str = "") -> FillBooked:
    cost = D(quantity) * D(price)
    return FillBooked(Fill(f"r-1/{quantity}", "r-1", "AAPL", Side.BUY, D(quantity), D(price), cost, D("0.35"), 3, rule))


@pytest.mark.parametrize(
    ("placed", "text"),
    [
        (PLACED, "#1 BUY 100 AAPL @ 187.50 DAY"),
        (replace(PLACED, extended_hours=True), "#1 BUY 100 AAPL @ 187.50 DAY ext"),
        (replace(PLACED, limit=D("1E+2")), "#1 BUY 100 AAPL @ 100 DAY"),
        (replace(PLACED, type=OrderType.STOP, limit=None, stop=D("190.5")), "#1 BUY 100 AAPL stop 190.5 DAY"),
        (replace(PLACED, type=OrderType.MARKET, limit=None, tif=TimeInForce.GTC), "#1 BUY 100 AAPL at the market GTC"),
        (
            replace(PLACED, requested=D(150), strategy="sma_cross", verdict=Verdict(Outcome.RESIZE, "position size", quantity=D(100))),
            "#1 BUY 100 AAPL @ 187.50 DAY, cut from 150 by position size (sma_cross)",
        ),
        (replace(PLACED, type=OrderType.STOP_LIMIT, stop=D("190.5"), limit=D(191)), "#1 BUY 100 AAPL stop 190.5 @ 191 DAY"),
        (
            replace(PLACED, type=OrderType.TRAILING_STOP, limit=None, stop=D(190), trail_pct=D("1.5")),
            "#1 BUY 100 AAPL stop 190 trail 1.5% DAY",
        ),
        (replace(PLACED, limit=None, exit_pct=D(3)), "#1 BUY 100 AAPL limit 3% away DAY"),
        (replace(PLACED, type=OrderType.STOP, limit=None, exit_pct=D("2.5")), "#1 BUY 100 AAPL stop 2.5% away DAY"),
    ],
)
def test_an_order_is_told_as_it_was_placed(placed: OrderPlaced, text: str) -> None:
    assert said(placed) == [(Level.INFO, "order", text)]


def test_a_fill_tells_its_price_fees_rule_and_what_is_left() -> None:
    lines = said(PLACED, filled(40, rule="limit-through"), filled(60, "187.123456789"))
    assert [line and line[2] for line in lines[1:]] == [
        "#1 filled BUY 40 AAPL @ 187.50 fees 0.35, 60 left [limit-through]",
        "#1 filled BUY 60 AAPL @ 187.123457 fees 0.35",
    ]


def test_the_steps_that_the_orders_panel_shows_are_not_repeated() -> None:
    quiet = [(OrderEvent.ACCEPT, OrderState.ACCEPTED), (OrderEvent.WORK, OrderState.WORKING), (OrderEvent.FILL_PART, OrderState.PARTIAL)]
    assert said(PLACED, *(changed(*step) for step in quiet))[1:] == [None] * 3
    others: list[Record] = [
        RunEnded("r", 1),
        SessionOpened("d", D(1), 1),
        LossLimitTripped("d", D(1), D(1), 1),
        EquityMarked(D(1), D(1), D(0), D(0), 1),
    ]
    assert said(*others) == [None] * 4


@pytest.mark.parametrize(
    ("change", "level", "text"),
    [
        (changed(OrderEvent.CANCEL, OrderState.CANCELED), Level.INFO, "#1 AAPL cancelled"),
        (changed(OrderEvent.REQUEST_CANCEL, OrderState.PENDING_CANCEL), Level.INFO, "#1 AAPL pending cancel"),
        (changed(OrderEvent.REJECT, OrderState.REJECTED, "no such asset"), Level.ERROR, "#1 AAPL rejected: no such asset"),
        (changed(OrderEvent.LOSE, OrderState.UNKNOWN, "no answer"), Level.ERROR, "#1 AAPL unknown: no answer"),
    ],
)
def test_an_end_and_a_doubt_are_told_with_their_reason(change: OrderChanged, level: Level, text: str) -> None:
    assert said(PLACED, change)[1] == (level, "order", text)


def test_an_exit_tells_what_it_waits_for_and_when_it_may_work() -> None:
    exit_order = replace(PLACED, id="r-2", number=2, side=Side.SELL, limit=D(190), parent="r-1")
    assert said(PLACED, exit_order, OrderReleased("r-2", D(40), D(190), None, 3))[1:] == [
        (Level.INFO, "order", "#2 SELL 100 AAPL @ 190 DAY, waits for #1"),
        (Level.INFO, "order", "#2 SELL 40 AAPL waits no longer"),
    ]


def test_a_replace_is_told_when_asked_for_and_when_it_holds() -> None:
    terms = Terms(D(80), limit=D("187.25"))
    assert said(PLACED, ReplaceAsked("r-1", terms, D("187.5"), PASSED, 2), OrderReplaced("r-1", terms, 3))[1:] == [
        (Level.INFO, "order", "#1 AAPL is to be replaced: 80, limit 187.25"),
        (Level.INFO, "order", "#1 AAPL works on new terms: 80, limit 187.25"),
    ]
    old = Terms(D(100), limit=D(190))
    assert said(PLACED, ReplaceAsked("r-1", terms, D("187.5"), PASSED, 2), OrderReplaced("r-1", old, 3, as_before=True))[2] == (
        *(Level.WARNING, "order", "#1 AAPL: the replace came to nothing, it works on its old terms: 100, limit 190"),
    )


def test_what_changes_the_account_without_an_order_is_told() -> None:
    assert said(
        PLACED,
        filled(40),
        FillCorrected("r-1", "AAPL", Side.BUY, D(-5), D("-937.5"), D(0), "trade busted", 4),
        FillCorrected("r-1", "AAPL", Side.BUY, D(0), D(0), D("1.00"), "fees told after the fill", 4),
        SplitBooked("AAPL", D("1.5"), D(52), D("62.50"), 5),
        DividendBooked("AAPL", D("0.24"), D(52), D("12.48"), 6),
        CashMoved(D(-100), "withdrawal", 7),
    )[2:] == [
        (Level.WARNING, "fill", "#1: the broker corrected what it had filled by -5 AAPL, cost -937.5, fees +0: trade busted"),
        (Level.INFO, "fill", "#1: fees 1.00"),
        (Level.WARNING, "market", "AAPL split 3 for 2: 52 held now, +62.50 for a fraction"),
        (Level.INFO, "market", "dividend of 0.24 a share on 52 AAPL: +12.48"),
        (Level.WARNING, "cash", "cash changed by -100 without a trade: withdrawal"),
    ]


def test_the_gates_no_comes_with_its_sentence() -> None:
    denied = OrderDenied(Intent("AAPL", Side.SELL, D("0.5")), DENIED, 1)
    assert said(denied) == [(Level.WARNING, "gate", "denied SELL 0.5 AAPL: The order would be 12 %, the limit is 10 %.")]


@pytest.mark.parametrize(
    ("decided", "level", "text"),
    [
        (SignalDecided("s-1", SignalState.SENT, "you", "", None, "r-1", 2), Level.INFO, "signal 7 AAPL sent by you"),
        (
            SignalDecided("s-1", SignalState.EXPIRED, "clock", "nobody answered", None, "", 2),
            Level.WARNING,
            "signal 7 AAPL expired by clock: nobody answered",
        ),
        (
            SignalDecided("s-1", SignalState.SHADOW, "RESEARCH", "", None, "", 2),
            Level.INFO,
            "signal 7 AAPL waits only as a shadow by RESEARCH",
        ),
    ],
)
def test_a_signal_is_told_when_it_comes_and_when_it_is_decided(decided: SignalDecided, level: Level, text: str) -> None:
    assert said(SignalRaised(SIGNAL, PASSED, 1), decided) == [
        (Level.INFO, "sma_cross", "signal 7: BUY 10 AAPL at 187.50, confidence 82%"),
        (level, "sma_cross", text),
    ]


def test_modes_and_trading_states_say_who_set_them() -> None:
    assert said(
        RunStarted("r", "paper", "sim", D(1), 0),
        ModeChanged(Mode.FULL_AUTO, "you", 1),
        TradingStateChanged(TradingState.HALTED, "you", "stop key", 2),
        TradingStateChanged(TradingState.ACTIVE, "you", "slept over it", 3),
        TradingStateChanged(TradingState.REDUCING, "daily loss", "told elsewhere", 4),
    ) == [
        (Level.INFO, "start", "paper account, prices from sim, run 1"),
        (Level.WARNING, "mode", "FULL_AUTO, set by you"),
        (Level.ERROR, "trading", "HALTED, set by you: stop key"),
        (Level.INFO, "trading", "ACTIVE, set by you: slept over it"),
        None,
    ]


def test_a_note_and_what_was_taken_over_are_told_as_they_are() -> None:
    assert line_of(Noted(Level.ERROR, "host", "it died", "Traceback", 1), State()) == (Level.ERROR, "host", "it died", "Traceback")
    adopted = PositionAdopted("AAPL", D(-5), D(10), D(0), "held at the first start", 1)
    assert said(adopted) == [(Level.WARNING, "reconcile", "-5 AAPL taken over from the broker: held at the first start")]


def test_what_has_no_line_of_its_own_is_seen_elsewhere() -> None:
    """A breaker that trips says so in a note, in its own words; a trailing stop moves with each price, and the panels show it."""
    tripped = {LossLimitTripped, DrawdownTripped, CircuitTripped, StrategyLossTripped, StrategyTripped, SymbolLossTripped}
    often = {OrderTrailed, EquityMarked}
    passing = {RunEnded, SessionOpened, HighWaterSet, Checkpoint}
    assert set(get_args(Record)) - set(_WRITERS) == tripped | often | passing


def test_a_breakers_reset_tells_who_and_why() -> None:
    assert said(BreakerReset("drawdown", "smaller size now", 1)) == [
        (Level.WARNING, "risk", "the drawdown was reset by you: smaller size now")
    ]


def test_changed_limits_are_told_and_why_they_were_loosened() -> None:
    assert said(LimitsChanged("max_order_pct 10 → 5", False, "", 1), LimitsChanged("collar_pct 5 → 6", True, "thin market", 2)) == [
        (Level.INFO, "risk", "limits changed by you, max_order_pct 10 → 5"),
        (Level.WARNING, "risk", "limits changed by you, collar_pct 5 → 6: thin market"),
    ]


def test_a_halt_and_its_end_are_told_with_the_venues_reason() -> None:
    assert said(HaltChanged("AAPL", True, "news pending", 1), HaltChanged("AAPL", False, "", 2)) == [
        (Level.WARNING, "market", "AAPL is halted: news pending"),
        (Level.INFO, "market", "AAPL trades again"),
    ]


def test_what_is_watched_is_told() -> None:
    assert said(SymbolWatched("TSLA", True, 1), SymbolWatched("TSLA", False, 2)) == [
        (Level.INFO, "watch", "TSLA is watched"),
        (Level.INFO, "watch", "TSLA is watched no longer"),
    ]


def test_an_accepted_figure_tells_what_was_booked_and_why() -> None:
    assert said(PositionAccepted("AAPL", D(-10), D(-500), "the fill of June was corrected", 1)) == [
        (Level.WARNING, "reconcile", "the broker's figure accepted by you, -10 AAPL for -500.00 booked: the fill of June was corrected")
    ]
