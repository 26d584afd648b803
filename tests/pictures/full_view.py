"""A View with everything in it that a panel can show: a busy minute, with long numbers and every kind of row."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

from msgspec.structs import replace

from engine.model.metrics import MetricsView, Percentiles
from engine.model.modes import Level
from engine.model.orders import Bracket, Exit, OrderState, OrderType, Side, Source, Terms, TimeInForce
from engine.model.signals import SignalState, Vote
from engine.model.views import BreakerRow, ChartMark, LogLine, OrderRow, PositionRow, RiskRow, SignalRow, StrategyRow, View, WatchRow
from tests.views import MINUTE, NOW, SECOND, exposure, order, position, sample_account, sample_bars, sample_chart, sample_view, signal

D = Decimal
CENT = D("0.01")


def watched() -> tuple[WatchRow, ...]:
    return (
        WatchRow("AAPL", 187.52, 0.0084, 187.51, 187.53, 45_213_400.0, None, CENT),
        WatchRow("MSFT", 402.10, -0.0012, 402.08, 402.12, 18_904_110.0, None, CENT),
        WatchRow("IBM", 184.33, 0.0002, 184.31, 184.36, 3_120_550.0, 7, CENT),
        WatchRow("BRK.A", 612_345.00, 0.0131, 612_300.00, 612_390.00, 1_204.0, None, CENT),
        WatchRow("F", 11.02, 0.0, 11.01, 11.02, 112_400_000.0, None, CENT),
        WatchRow("SNDL", 0.8412, -0.1874, 0.8411, 0.8413, 1_904_500_000.0, None, D("0.0001")),
        WatchRow("TSLA", None, None, None, None, 0.0, None, CENT),
        WatchRow("BTC/USD", 98_120.55, 0.0412, 98_119.10, 98_121.80, 24_118.0, 4_210, CENT),
    )


def positions() -> tuple[PositionRow, ...]:
    return (
        position(day=D("152.00")),
        position(
            "IBM",
            -200,
            average=D("185.00"),
            last=184.33,
            value=D("-36866.00"),
            unrealised=D("134.00"),
            unrealised_fraction=0.0036,
            realised=D("46.40"),
            stale_s=7,
            day=D("180.40"),
        ),
        position(
            "BRK.A",
            12,
            average=D("598120.00"),
            last=612_345.0,
            value=D("7348140.00"),
            unrealised=D("170700.00"),
            unrealised_fraction=0.0238,
            day=D("96140.00"),
        ),
        position(
            "SNDL",
            -1_250_000,
            average=D("0.7120"),
            last=0.8412,
            value=D("-1051500.00"),
            unrealised=D("-161500.00"),
            unrealised_fraction=-0.1815,
            realised=D("-12.35"),
            tick=D("0.0001"),
            day=D("-158210.00"),
        ),
        position(
            "F", 500, average=D("11.02"), last=11.02, value=D("5510.00"), unrealised=D("0.00"), unrealised_fraction=0.0, day=D("-0.35")
        ),
    )


def orders() -> tuple[OrderRow, ...]:
    """Every type and every state, the newest first."""
    numbers = count(31, -1)

    def one(**changes: Any) -> OrderRow:
        number = next(numbers)
        at = NOW - (32 - number) * 47 * SECOND
        return order(number, **{"created_at": at, "changed_at": at + SECOND, **changes})

    market: dict[str, Any] = {"type": OrderType.MARKET, "limit": None}
    by_strategy: dict[str, Any] = {"source": Source.STRATEGY, "strategy": "sma_cross"}
    return (
        one(symbol="MSFT", side=Side.BUY, quantity=D(50), requested=D(80), state=OrderState.PENDING_SUBMIT, **market, **by_strategy),
        one(symbol="TSLA", side=Side.BUY, quantity=D(10), requested=D(10), state=OrderState.UNKNOWN, limit=D("241.10"), reason="no answer"),
        one(symbol="F", side=Side.BUY, state=OrderState.ACCEPTED, limit=D("10.90"), tif=TimeInForce.OPG),
        one(state=OrderState.HELD, parent="t1-27", oco="t1-26", exit_pct=D(4), released=False, limit=None),
        one(side=Side.BUY, state=OrderState.WORKING, limit=D("186.90"), extended_hours=True),
        one(type=OrderType.STOP, limit=None, state=OrderState.HELD, parent="t1-27", exit_pct=D(2), released=False),
        one(quantity=D(100), filled=D(40), average=D("190.01"), state=OrderState.PARTIAL, limit=D("190.00"), tif=TimeInForce.GTC),
        one(type=OrderType.STOP, limit=None, stop=D("184.00"), tif=TimeInForce.GTC),
        one(type=OrderType.STOP_LIMIT, stop=D("183.50"), limit=D("183.00"), state=OrderState.PENDING_CANCEL),
        one(symbol="BRK.A", quantity=D(12), requested=D(12), type=OrderType.TRAILING_STOP, limit=None, stop=D("600098.10"), trail_pct=D(2)),
        one(state=OrderState.PENDING_REPLACE, asked=Terms(D(100), limit=D("191.00"))),
        one(side=Side.BUY, filled=D(100), average=D("187.20"), state=OrderState.FILLED, **market, **by_strategy),
        one(
            symbol="SNDL",
            quantity=D(1_250_000),
            requested=D(1_250_000),
            filled=D(1_250_000),
            average=D("0.7120"),
            state=OrderState.FILLED,
            tick=D("0.0001"),
            **market,
        ),
        one(symbol="IBM", filled=D(30), average=D("184.90"), state=OrderState.CANCELED, limit=D("184.90"), reason="by you"),
        one(symbol="GME", state=OrderState.REJECTED, reason="no shares to borrow", **market),
        one(symbol="MSFT", side=Side.BUY, state=OrderState.EXPIRED, limit=D("398.00"), reason="end of the day"),
        one(state=OrderState.REPLACED, limit=D("192.00"), reason="replaced by #24"),
        one(symbol="F", state=OrderState.FILLED, filled=D(100), average=D("11.05"), source=Source.EXTERNAL, reason="placed elsewhere"),
        one(symbol="IBM", side=Side.BUY, quantity=D("0.5"), requested=D("0.5"), tif=TimeInForce.IOC, state=OrderState.CANCELED),
    )


def signals() -> tuple[SignalRow, ...]:
    """Every state, with exits, a refusal that is coming, and shadows."""
    ended: dict[str, Any] = {"expires_in_s": None, "votes": (Vote("sma_cross", Side.BUY, 0.83),)}
    return (
        signal(9),
        signal(
            8,
            symbol="TSLA",
            side=Side.SELL,
            quantity=D(1_200),
            type=OrderType.LIMIT,
            limit=D("241.00"),
            price=D("241.35"),
            price_now=None,
            strength=0.55,
            expires_in_s=7,
            passes=False,
            verdict="exposure would be 92% of equity, limit 80%",
            rule="total exposure",
            strategy="rsi_reversion",
        ),
        signal(
            7,
            symbol="AAPL",
            quantity=D(20),
            price=D("187.30"),
            price_now=187.52,
            strength=0.91,
            expires_in_s=58,
            bracket=Bracket(Exit(pct=D(4)), Exit(trail_pct=D(2))),
        ),
        signal(6, symbol="IBM", state=SignalState.EXPIRED, shadow=D("3.10"), price=D("184.10"), price_now=184.33, **ended),
        signal(5, symbol="MSFT", state=SignalState.DENIED, verdict="order size", shadow=D("-41.50"), decided_by="gate", **ended),
        signal(
            4,
            symbol="SNDL",
            state=SignalState.SHADOW,
            shadow=D("1204.00"),
            quantity=D(1_250_000),
            price=D("0.7120"),
            price_now=0.8412,
            tick=D("0.0001"),
            **ended,
        ),
        signal(
            3,
            symbol="IBM",
            side=Side.SELL,
            quantity=D(100),
            price=D("184.21"),
            price_now=184.33,
            state=SignalState.REJECTED,
            decided_by="you",
            decided_reason="earnings tonight",
            shadow=D("-12.00"),
            **ended,
        ),
        signal(2, symbol="AAPL", state=SignalState.SENT, price=D("187.19"), price_now=187.52, decided_by="SEMI_AUTO", **ended),
    )


def log() -> tuple[LogLine, ...]:
    said = (
        (Level.INFO, "engine", "started: paper, SEMI_AUTO, 8 symbols, sim feed"),
        (Level.INFO, "broker", "reconciled: 5 positions, 9 working orders"),
        (Level.INFO, "gate", "mode SEMI_AUTO by you"),
        (Level.INFO, "signal", "#2 BUY 100 AAPL @ 187.19, confidence 83%: sent by SEMI_AUTO"),
        (Level.INFO, "fill", "#20 BUY 100 AAPL @ 187.20"),
        (Level.WARNING, "gate", "denied BUY 500 MSFT: exposure would be 92% of equity, limit 80%"),
        (Level.INFO, "order", "#24 SELL 100 AAPL stop 184.00 GTC working"),
        (Level.INFO, "signal", "#3 SELL 100 IBM rejected by you: earnings tonight"),
        (Level.ERROR, "strategy", "rsi_reversion raised ZeroDivisionError on IBM; restarting"),
        (Level.ERROR, "order", "#17 GME rejected: no shares to borrow"),
        (Level.WARNING, "feed", "IBM is stale: no quote for 7s"),
        (Level.WARNING, "alert", "MSFT 402.10 is above 402"),
        (Level.INFO, "signal", "#9 BUY 50 MSFT @ 402.10 waits for you"),
    )
    return tuple(LogLine(i + 1, NOW - (len(said) - 1 - i) * 37 * SECOND, *line) for i, line in enumerate(said))


def full_view(**changes: Any) -> View:
    """Everything at once; keyword arguments replace fields."""
    marks = (
        ChartMark(NOW - 27 * MINUTE, Side.SELL, 187.40, D(50), "fill"),
        ChartMark(NOW - 7 * MINUTE, Side.BUY, 187.20, D(100), "fill"),
        ChartMark(NOW - 5 * MINUTE, Side.SELL, 186.40, D(100), "stop"),
        ChartMark(NOW - MINUTE, Side.SELL, 188.30, D(100), "limit"),
        ChartMark(NOW - MINUTE, Side.SELL, 188.90, D(100), "target"),
        ChartMark(0, Side.BUY, 187.20, D(100), "average"),
    )
    view = sample_view(
        account=sample_account(
            equity=D("12401284.50"),
            day_start=D("12189072.10"),
            cash=D("6119402.50"),
            buying_power=D("4952410.11"),
            exposure=D("8460768.00"),
            exposure_limit=D("9921027.60"),
            daily_loss_limit=D("243781.44"),
            net=D("6284016.00"),
        ),
        watch=watched(),
        positions=positions(),
        orders=orders(),
        signals=signals(),
        risk=(
            RiskRow("position", D("59.3"), D("60.0"), "%", False, "BRK.A"),
            RiskRow("exposure", D("68.2"), D("80.0"), "%", False),
            RiskRow("daily loss", D("0.0"), D("2.0"), "%", False),
            RiskRow("drawdown", D("1.2"), D("10.0"), "%", False),
            RiskRow("circuit breaker", D("0.3"), D("1.5"), "%", False, "in 10 min"),
        ),
        strategies=(
            StrategyRow("sma_cross", "running", "", 3, 0, 1.8),
            StrategyRow("rsi_reversion", "restarting", "ZeroDivisionError", 0, 1, None),
        ),
        breakers=(
            BreakerRow("daily loss", False, "", "the next session and your word", 0),
            BreakerRow("drawdown", False, "", "your word", 0),
            BreakerRow("circuit breaker", False, "", "your word", 0),
            BreakerRow("daily loss of rsi_reversion", True, "lost 0.61% of equity, limit 0.5%", "the next session", NOW - 9 * MINUTE),
        ),
        log=log(),
        chart=sample_chart(bars=sample_bars(count=240), marks=marks, offered=("1m", "5m", "15m", "1h"), forming=True),
        exposure_by_symbol=(
            exposure("BRK.A", net=D("7348140.00"), gross=D("7348140.00"), unrealised=D("170700.00")),
            exposure("SNDL", net=D("-1051500.00"), gross=D("1051500.00"), unrealised=D("-161500.00")),
            exposure("IBM", net=D("-36866.00"), gross=D("36866.00")),
            exposure("AAPL"),
            exposure("F", net=D("5510.00"), gross=D("5510.00")),
        ),
        exposure_by_strategy=(
            exposure("", net=D("6260000.00"), gross=D("8437000.00")),
            exposure("sma_cross", net=D("18752.00"), gross=D("18752.00")),
        ),
        metrics=MetricsView(
            *(41, 29, 6, 1, 4, 37),
            slippage=D("12.40"),
            slippage_bps=0.8,
            market_events=1_204_311,
            order_path=Percentiles(29, 1.9, 3.4, 8.8),
            signal_path=Percentiles(12, 4.1, 9.7, 21.0),
            answer=Percentiles(41, 22.1, 41.0, 60.3),
            execution=Percentiles(29, 31.0, 55.5, 80.2),
            lag=Percentiles(1000, 0.2, 0.9, 2.0),
        ),
    )
    return replace(view, **changes)
