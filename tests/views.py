"""Sample Views for tests and pictures: a quiet afternoon with two positions, one signal that waits and one that was turned down."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from math import sin
from typing import Any

from msgspec.structs import replace

from engine.model.market import Bar
from engine.model.modes import Level, LinkState, Mode, TradingState
from engine.model.orders import OrderState, OrderType, Side, Source, TimeInForce
from engine.model.signals import SignalState, Vote
from engine.model.views import (
    AccountView,
    BreakerRow,
    ChartMark,
    ChartView,
    ExposureRow,
    HealthView,
    LinkView,
    LogLine,
    OrderRow,
    PositionRow,
    RiskRow,
    SignalRow,
    StrategyRow,
    View,
    WatchRow,
)

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
NEW_YORK_IN_JUNE = timezone(timedelta(hours=-4))
NOW = int(datetime(2025, 6, 12, 12, 47, 31, tzinfo=NEW_YORK_IN_JUNE).timestamp()) * SECOND
"""Thursday, 12 June 2025, 12:47:31 in New York, in nanoseconds UTC."""
CENT = Decimal("0.01")


def sample_bars(symbol: str = "AAPL", count: int = 60, last: float = 187.52, at: int = NOW) -> tuple[Bar, ...]:
    """`count` one-minute bars that wander without chance and close at `last`."""
    shape = [1.1 * sin(i / 9) + 0.35 * sin(i / 2.3) + 0.012 * i for i in range(count + 1)]
    shift = last - shape[-1] if shape else 0.0
    bars = []
    for i in range(count):
        opened, closed = round(shape[i] + shift, 2), round(shape[i + 1] + shift, 2)
        top, bottom = max(opened, closed), min(opened, closed)
        bars.append(
            Bar(
                symbol=symbol,
                at=at - (count - 1 - i) * MINUTE,
                open=opened,
                high=round(top + 0.06 + 0.14 * abs(sin(i * 1.7)), 2),
                low=round(bottom - 0.05 - 0.12 * abs(sin(i * 2.9)), 2),
                close=closed,
                volume=float(round(18_000 + 16_000 * abs(sin(i * 0.8)) + 400 * i)),
            )
        )
    return tuple(bars)


def sample_account(**changes: Any) -> AccountView:
    account = AccountView(
        badge="PAPER",
        mode=Mode.SEMI_AUTO,
        state=TradingState.ACTIVE,
        reason="",
        equity=Decimal("101284.50"),
        day_start=Decimal("101072.10"),
        cash=Decimal("119402.50"),
        buying_power=Decimal("52410.11"),
        exposure=Decimal("48616.56"),
        exposure_limit=Decimal("81027.60"),
        daily_loss=Decimal(0),
        daily_loss_limit=Decimal("2021.44"),
        net=Decimal("-18114.00"),
    )
    return replace(account, **changes)


def sample_health(**changes: Any) -> HealthView:
    health = HealthView(
        ready=True,
        engine_lag_ms=2.0,
        journal_backlog=0,
        links=(LinkView("sim", LinkState.UP, 100.0), LinkView("paper", LinkState.UP, 40.0, is_broker=True)),
        market_open=True,
        market_text="NYSE open, closes in 3h12m",
        market_time=NOW,
    )
    return replace(health, **changes)


def sample_watch() -> tuple[WatchRow, ...]:
    return (
        WatchRow("AAPL", 187.52, 0.0084, 187.51, 187.53, 45_213_400.0, None, CENT),
        WatchRow("MSFT", 402.10, -0.0012, 402.08, 402.12, 18_904_110.0, None, CENT),
        WatchRow("IBM", 184.33, 0.0002, 184.31, 184.36, 3_120_550.0, 7, CENT),
        WatchRow("TSLA", None, None, None, None, 0.0, None, CENT),
    )


def position(symbol: str = "AAPL", quantity: int = 100, **changes: Any) -> PositionRow:
    row = PositionRow(
        symbol, Decimal(quantity), Decimal("187.20"), 187.52, Decimal("18752.00"), Decimal("32.00"), 0.0017, Decimal("0.00"), None, CENT
    )
    return replace(row, **changes)


def sample_positions() -> tuple[PositionRow, ...]:
    return (
        position(),
        position(
            "IBM",
            -200,
            average=Decimal("185.00"),
            last=184.33,
            value=Decimal("-36866.00"),
            unrealised=Decimal("134.00"),
            unrealised_fraction=0.0036,
            realised=Decimal("46.40"),
            stale_s=7,
        ),
    )


def exposure(name: str = "AAPL", **changes: Any) -> ExposureRow:
    return replace(ExposureRow(name, Decimal("18752.00"), Decimal("18752.00"), Decimal(0), Decimal("32.00"), Decimal(1)), **changes)


def sample_exposure() -> tuple[ExposureRow, ...]:
    """As `sample_positions`."""
    return exposure(), exposure("IBM", net=Decimal("-36866.00"), gross=Decimal("36866.00"), unrealised=Decimal("134.00"))


def order(number: int = 12, **changes: Any) -> OrderRow:
    row = OrderRow(
        id=f"t1-{number}",
        number=number,
        symbol="AAPL",
        side=Side.SELL,
        quantity=Decimal(100),
        requested=Decimal(100),
        filled=Decimal(0),
        average=None,
        type=OrderType.LIMIT,
        limit=Decimal("190.00"),
        stop=None,
        tif=TimeInForce.DAY,
        state=OrderState.WORKING,
        source=Source.PERSON,
        strategy="",
        reason="",
        created_at=NOW - 81 * SECOND,
        changed_at=NOW - 80 * SECOND,
        tick=CENT,
    )
    return replace(row, **changes)


def sample_orders() -> tuple[OrderRow, ...]:
    """Newest first: a working limit, a working stop that protects the AAPL position, a filled market order."""
    return (
        order(12),
        order(11, type=OrderType.STOP, limit=None, stop=Decimal("184.00"), tif=TimeInForce.GTC, created_at=NOW - 300 * SECOND),
        order(
            10,
            side=Side.BUY,
            filled=Decimal(100),
            average=Decimal("187.20"),
            type=OrderType.MARKET,
            limit=None,
            state=OrderState.FILLED,
            source=Source.STRATEGY,
            strategy="sma_cross",
            created_at=NOW - 402 * SECOND,
            changed_at=NOW - 401 * SECOND,
        ),
    )


def signal(number: int = 3, **changes: Any) -> SignalRow:
    row = SignalRow(
        id=f"s{number}",
        number=number,
        strategy="sma_cross",
        symbol="MSFT",
        side=Side.BUY,
        quantity=Decimal(50),
        type=OrderType.MARKET,
        limit=None,
        stop=None,
        price=Decimal("402.10"),
        price_now=402.14,
        strength=0.72,
        reason="fast average crossed above slow",
        votes=(
            Vote("sma_cross", Side.BUY, 0.72, (("fast", 402.3), ("slow", 401.9))),
            Vote("rsi_reversion", Side.BUY, 0.55, (("rsi", 41.2),)),
            Vote("atr_band", None, 0.0),
        ),
        state=SignalState.WAITING,
        expires_in_s=42,
        passes=True,
        verdict="passes",
        decided_by="",
        decided_reason="",
        shadow=None,
        raised_at=NOW - 18 * SECOND,
        tick=CENT,
    )
    return replace(row, **changes)


def sample_signals() -> tuple[SignalRow, ...]:
    return (
        signal(),
        signal(
            2,
            symbol="IBM",
            side=Side.SELL,
            quantity=Decimal(100),
            price=Decimal("184.21"),
            price_now=184.33,
            strength=0.41,
            votes=(Vote("sma_cross", Side.SELL, 0.41),),
            state=SignalState.REJECTED,
            expires_in_s=None,
            decided_by="you",
            decided_reason="earnings tonight",
            shadow=Decimal("-12.00"),
            raised_at=NOW - 451 * SECOND,
        ),
        signal(
            1,
            symbol="AAPL",
            quantity=Decimal(100),
            price=Decimal("187.19"),
            price_now=187.52,
            strength=0.83,
            votes=(Vote("sma_cross", Side.BUY, 0.83),),
            state=SignalState.SENT,
            expires_in_s=None,
            decided_by="SEMI_AUTO",
            raised_at=NOW - 403 * SECOND,
        ),
    )


def sample_risk() -> tuple[RiskRow, ...]:
    return (
        RiskRow("position", Decimal("6.0"), Decimal("10.0"), "%", False, "IBM"),
        RiskRow("exposure", Decimal("48.0"), Decimal("80.0"), "%", False),
        RiskRow("daily loss", Decimal("0.0"), Decimal("2.0"), "%", False),
        RiskRow("buying power", Decimal("48616.56"), Decimal("101026.67"), "$", False),
    )


def sample_log() -> tuple[LogLine, ...]:
    said = (
        (Level.INFO, "engine", "started: paper, SEMI_AUTO, 4 symbols, sim feed"),
        (Level.INFO, "broker", "reconciled: 1 position, 0 working orders"),
        (Level.INFO, "gate", "mode SEMI_AUTO by you"),
        (Level.INFO, "signal", "#1 BUY 100 AAPL @ 187.19, confidence 83%: sent by SEMI_AUTO"),
        (Level.INFO, "fill", "#10 BUY 100 AAPL @ 187.20"),
        (Level.WARNING, "gate", "denied BUY 500 MSFT: exposure would be 92% of equity, limit 80%"),
        (Level.INFO, "order", "#11 SELL 100 AAPL stop 184.00 GTC working"),
        (Level.INFO, "signal", "#2 SELL 100 IBM rejected by you: earnings tonight"),
        (Level.ERROR, "strategy", "rsi_reversion raised ZeroDivisionError on IBM; restarting"),
        (Level.INFO, "order", "#12 SELL 100 AAPL lmt 190.00 DAY working"),
        (Level.WARNING, "feed", "IBM is stale: no quote for 7s"),
        (Level.INFO, "signal", "#3 BUY 50 MSFT @ 402.10 waits for you"),
    )
    count = len(said)
    return tuple(LogLine(i + 1, NOW - (count - 1 - i) * 37 * SECOND, *line) for i, line in enumerate(said))


def sample_chart(**changes: Any) -> ChartView:
    chart = ChartView(
        symbol="AAPL",
        bars=sample_bars(),
        marks=(
            ChartMark(NOW - 7 * MINUTE, Side.BUY, 187.20, Decimal(100), "fill"),
            ChartMark(NOW - 5 * MINUTE, Side.SELL, 186.40, Decimal(100), "stop"),
            ChartMark(NOW - 1 * MINUTE, Side.SELL, 188.30, Decimal(100), "limit"),
        ),
        timeframe="1m",
        tick=CENT,
    )
    return replace(chart, **changes)


def sample_view(**changes: Any) -> View:
    """A whole View; keyword arguments replace its fields: `sample_view(orders=())`."""
    view = View(
        revision=1,
        account=sample_account(),
        health=sample_health(),
        watch=sample_watch(),
        positions=sample_positions(),
        orders=sample_orders(),
        signals=sample_signals(),
        risk=sample_risk(),
        strategies=(
            StrategyRow("sma_cross", "running", "", 3, 0, 1.8),
            StrategyRow("rsi_reversion", "restarting", "ZeroDivisionError", 0, 1, None),
        ),
        log=sample_log(),
        chart=sample_chart(),
        replies=(),
        breakers=(
            BreakerRow("daily loss", False, "", "the next session and your word", 0),
            BreakerRow("drawdown", False, "", "your word", 0),
        ),
        exposure_by_symbol=sample_exposure(),
        exposure_by_strategy=(
            exposure("", net=Decimal("-36866.00"), gross=Decimal("36866.00")),
            exposure("sma_cross", net=Decimal("18752.00"), gross=Decimal("18752.00")),
        ),
    )
    return replace(view, **changes)


def empty_view(**changes: Any) -> View:
    """A View as it is before anything happened: no rows, no prices, nothing heard."""
    view = sample_view(
        account=sample_account(
            equity=Decimal(100_000), day_start=Decimal(100_000), cash=Decimal(100_000), buying_power=Decimal(100_000), exposure=Decimal(0)
        ),
        health=sample_health(ready=False, links=(LinkView("sim", LinkState.DOWN, None, "connecting"),), market_text=""),
        watch=(),
        positions=(),
        orders=(),
        signals=(),
        risk=(),
        strategies=(),
        log=(),
        chart=None,
        breakers=(),
        exposure_by_symbol=(),
        exposure_by_strategy=(),
    )
    return replace(view, **changes)
