"""The longest that is legal, everywhere at once: nothing of it may be cut but free text, which is of `FREE_WORDS` alone."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

from engine.model.modes import Level, LinkState
from engine.model.orders import OrderState, OrderType, Side, Source, TimeInForce
from engine.model.signals import SignalState, Vote
from engine.model.views import BreakerRow, LinkView, LogLine, OrderRow, PositionRow, RiskRow, SignalRow, StrategyRow, View, WatchRow
from tests.views import NOW, SECOND, exposure, order, position, sample_account, sample_chart, sample_health, sample_view, signal

D = Decimal
FREE_WORDS = tuple(f"{start}{end}" for start in ("quin", "ver", "lum", "pra") for end in ("tessence", "itable", "inous", "gmatic", "ally"))
FREE = " ".join(FREE_WORDS * 2)[:200].rsplit(" ", 1)[0]
WHY_DOWN = " ".join((FREE_WORDS[0], *reversed(FREE.split()[1:])))
"""Other than what the log says, which would stand on the screen once."""
"""A reason of nearly 200 characters, in words that nothing else has."""
STRATEGY = "quintessence_pragmatic_v"
"""24 characters."""
SYMBOLS = ("BRK.B", "BTC/USD", "ABCDEF.GHI", "QWERTY/USD", "ZX", "AAPL")
TICK = D("0.0001")
PRICE, OTHER = D("123456.7891"), D("987654.3219")


def watched() -> tuple[WatchRow, ...]:
    return tuple(
        WatchRow(symbol, float(PRICE), -0.9999, float(PRICE), float(OTHER), 999_900_000_000.0, 86_000 if place == 2 else None, TICK)
        for place, symbol in enumerate(SYMBOLS)
    )


def positions() -> tuple[PositionRow, ...]:
    return tuple(
        position(
            symbol,
            -1_234_567,
            average=PRICE,
            last=float(OTHER),
            value=D("-12345678.90"),
            unrealised=D("-9876543.21"),
            unrealised_fraction=-9.8765,
            realised=D("-3456789.01"),
            day=D("-2345678.90"),
            stale_s=86_000 if place == 2 else None,
            tick=TICK,
        )
        for place, symbol in enumerate(SYMBOLS)
    )


def orders() -> tuple[OrderRow, ...]:
    """Each state with the longest terms, and twelve that work in one group."""
    numbers = count(999_999, -1)

    def one(**changes: Any) -> OrderRow:
        number = next(numbers)
        terms: dict[str, Any] = {
            "symbol": "ABCDEF.GHI",
            "quantity": D(1_234_567),
            "requested": D(2_345_678),
            "type": OrderType.STOP_LIMIT,
            "stop": PRICE,
            "limit": OTHER,
            "tick": TICK,
            "tif": TimeInForce.CLS,
            "source": Source.STRATEGY,
            "strategy": STRATEGY,
            "reason": FREE,
            "created_at": NOW - (1_000_000 - number) * SECOND,
        }
        return order(number, **{**terms, **changes})

    return (
        one(state=OrderState.PENDING_REPLACE, filled=D(1_234_566), average=PRICE),
        one(state=OrderState.PARTIAL, filled=D(1), average=PRICE, type=OrderType.TRAILING_STOP, limit=None, trail_pct=D("12.75")),
        one(state=OrderState.UNKNOWN),
        one(state=OrderState.REJECTED),
        one(state=OrderState.FILLED, filled=D(1_234_567), average=OTHER),
        *(one(symbol="BRK.B", parent="t1-999999", oco="t1-999990", state=OrderState.WORKING) for _ in range(12)),
    )


def signals() -> tuple[SignalRow, ...]:
    votes = tuple(Vote(f"{STRATEGY}{place}", side, 0.987) for place, side in enumerate((Side.BUY, Side.SELL, None)))
    longest: dict[str, Any] = {
        "symbol": "ABCDEF.GHI",
        "side": Side.SELL,
        "quantity": D(1_234_567),
        "price": PRICE,
        "price_now": float(OTHER),
        "strength": 1.0,
        "strategy": STRATEGY,
        "reason": FREE,
        "votes": votes,
        "tick": TICK,
        "shadow": D("-1234567.89"),
    }
    ended = {**longest, "expires_in_s": None}
    return (
        signal(9_999, **{**longest, "shadow": None, "expires_in_s": 3_599, "passes": False, "verdict": FREE, "rule": "combined exposure"}),
        signal(9_998, **{**longest, "shadow": None, "expires_in_s": 7}),
        signal(9_997, **ended, state=SignalState.DENIED, verdict=FREE, decided_by="gate"),
        signal(9_996, **ended, state=SignalState.REJECTED, decided_by="you", decided_reason=FREE),
        signal(9_995, **ended, state=SignalState.EXPIRED),
        signal(9_994, **ended, state=SignalState.SENT, decided_by="SEMI_AUTO"),
    )


def breakers() -> tuple[BreakerRow, ...]:
    """Forty, of which two have tripped."""
    until = "the next session and your word"
    return (
        BreakerRow("drawdown", True, FREE, until, NOW, True),
        *(BreakerRow(f"daily loss of {STRATEGY[:22]}{place:02}", place == 0, FREE if place == 0 else "", until, 0) for place in range(39)),
    )


def log() -> tuple[LogLine, ...]:
    levels = (Level.INFO, Level.WARNING, Level.ERROR)
    return tuple(LogLine(n, NOW - (30 - n) * SECOND, levels[n % 3], "strategy", FREE) for n in range(1, 30))


def worst_view(**changes: Any) -> View:
    """Keyword arguments replace fields."""
    fields: dict[str, Any] = {
        "account": sample_account(
            equity=D("-12401284.50"),
            day_start=D("12189072.10"),
            cash=D("-16119402.50"),
            buying_power=D("14952410.11"),
            exposure=D("98460768.00"),
            exposure_limit=D("99921027.60"),
            daily_loss=D("1233781.44"),
            daily_loss_limit=D("1243781.44"),
            net=D("-16284016.00"),
        ),
        "health": sample_health(
            engine_lag_ms=1_840.0,
            journal_backlog=99_312,
            links=(LinkView("simulated", LinkState.UP, 100.0), LinkView("alpaca paper", LinkState.DOWN, 98_200.0, WHY_DOWN, True)),
        ),
        "watch": watched(),
        "positions": positions(),
        "orders": orders(),
        "signals": signals(),
        "risk": (
            RiskRow("position", D("159.3"), D("160.0"), "%", False, "ABCDEF.GHI"),
            RiskRow("exposure", D("168.2"), D("180.0"), "%", False),
            RiskRow("drawdown", D("10.2"), D("10.0"), "%", True),
            RiskRow("buying power", D("14952410.11"), D("99921027.60"), "$", False),
            RiskRow("circuit breaker", D("10.3"), D("11.5"), "%", False, "in 120 min"),
        ),
        "strategies": (StrategyRow(STRATEGY, "restarting", FREE, 999, 99, 1_999.0),),
        "breakers": breakers(),
        "log": log(),
        "chart": sample_chart(symbol="ABCDEF.GHI", tick=TICK),
        "exposure_by_symbol": tuple(exposure(symbol, net=D("-1234567.89"), gross=D("9234567.89")) for symbol in SYMBOLS),
        "exposure_by_strategy": (exposure(STRATEGY, net=D("-1234567.89"), gross=D("9234567.89")),),
    }
    return sample_view(**{**fields, **changes})
