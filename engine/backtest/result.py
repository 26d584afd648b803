"""What a run came to: its fills, trades, equity and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import attrgetter

from msgspec import Struct

from engine.backtest.account import Account
from engine.backtest.curve import Curve, curve_of
from engine.backtest.data import Data
from engine.backtest.fill_columns import Fills
from engine.backtest.metrics import (
    Drawdown,
    Periods,
    TradeFigures,
    annualised_return,
    buy_and_hold,
    calmar,
    exposure,
    max_drawdown,
    monthly,
    periods_of,
    sharpe,
    sortino,
    total_return,
    trade_figures,
    turnover,
    volatility,
)
from engine.backtest.profile import Profile
from engine.backtest.trades import Trades, trades_of
from engine.backtest.trading import Trading
from engine.feeds.bar_columns import BarColumns, Times
from engine.model.orders import Fill, Side


class Holding(Struct, frozen=True):
    """What was held at the end: `quantity` (signed) at an `average` price, worth `last` a share, with that much `unrealised`."""

    symbol: str
    quantity: Decimal
    average: Decimal
    last: float
    unrealised: Decimal


class Figures(Struct, frozen=True):
    """Fractions and ratios; money where a name says fees, slippage or profit. None has no value, see `metrics`; of slippage: not known."""

    total_return: float | None
    annualised_return: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    drawdown: Drawdown
    exposure: float | None
    turnover: float | None
    buy_and_hold: float | None
    fees: float
    slippage: float | None
    periods_a_year: float | None
    years: float
    trades: TradeFigures
    by_symbol: Mapping[str, TradeFigures]
    by_strategy: Mapping[str, TradeFigures]
    monthly: tuple[tuple[int, int, float | None], ...]


class Result(Struct, frozen=True):
    """`final_value` is exact: cash, and what is held at the last closes. `owners` names the strategy of each of `fills`.

    `params` are each strategy's declared ones with their values, and those it was given. `signals` counts what strategies asked for;
    `denied` and `cut` by rule, `ended` by how, those of which no order or no full one came. `open_orders` were still at work when the data
    ended. `notes` are sentences of the core's, and how often each was said.
    """

    data: Data
    profile: Profile
    params: Mapping[str, Mapping[str, object]]
    bars: int
    first_at: int
    last_at: int
    final_value: Decimal
    fills: Sequence[Fill]
    owners: Sequence[str]
    trades: Trades
    held: tuple[Holding, ...]
    curve: Curve
    figures: Figures
    signals: int
    denied: Mapping[str, int]
    cut: Mapping[str, int]
    ended: Mapping[str, int]
    open_orders: int
    notes: Mapping[str, int]


def result_of(
    data: Data,
    profile: Profile,
    bars: Mapping[str, BarColumns],
    moments: Times,
    account: Account,
    trading: Trading,
    params: Mapping[str, Mapping[str, object]],
) -> Result:
    """Everything that can be said of a run that is over. `bars` are those that were played, `params` each strategy's, by its name."""
    portfolio = trading.portfolio
    filled = _filled(account, trading, bars)
    curve = curve_of(account, bars, moments)
    return Result(
        data=data,
        profile=profile,
        params=params,
        bars=sum(map(len, bars.values())),
        first_at=int(moments[0]),
        last_at=int(moments[-1]),
        final_value=portfolio.equity(),
        fills=filled.fills,
        owners=filled.owners,
        trades=filled.trades,
        held=tuple(
            Holding(h.symbol, h.quantity, h.average, account.latest[h.symbol].close, h.unrealised)
            for h in sorted(portfolio.holdings.values(), key=lambda holding: holding.symbol)
            if h.quantity
        ),
        curve=curve,
        figures=figures_of(data, float(profile.paper.cash), bars, curve, filled, trading.slipped, tuple(params)),
        signals=trading.signals,
        denied=dict(sorted(trading.denied.items())),
        cut=dict(sorted(trading.cut.items())),
        ended=dict(sorted(trading.ended.items())),
        open_orders=trading.open_orders,
        notes=dict(trading.notes),
    )


class Filled(Struct):
    """What filled, and the sums of it: money."""

    fills: Sequence[Fill]
    owners: Sequence[str]
    trades: Trades
    bought: float
    sold: float
    fees: float


def _filled(account: Account, trading: Trading, bars: Mapping[str, BarColumns]) -> Filled:
    columns = trading.by_column
    if columns is not None:
        fills, trades = Fills(len(columns.orders), trading.fills), columns.trades(bars)
        return Filled(fills, tuple(columns.owners), trades, columns.traded(bought=True), columns.traded(bought=False), float(columns.paid))
    return filled_of(account, trading.fills(), bars)


def filled_of(account: Account, told: Sequence[Fill], bars: Mapping[str, BarColumns]) -> Filled:
    """What an account booked, whose fills are those `told`."""
    owners = account.owners
    if len(told) < len(owners):
        owners = [owner for event, owner in zip(account.booked, owners, strict=True) if isinstance(event, Fill)]
    bought, sold = (float(sum([fill.cost for fill in told if fill.side is side])) for side in Side)
    fees = float(sum(map(attrgetter("fees"), told)))
    return Filled(tuple(told), tuple(owners), trades_of(account.booked, account.owners, bars), bought, sold, fees)


def figures_of(
    data: Data,
    cash: float,
    bars: Mapping[str, BarColumns],
    curve: Curve,
    filled: Filled,
    slipped: float | None,
    strategies: tuple[str, ...],
) -> Figures:
    """Of an account that began with `cash`, over the `bars` that were played."""
    periods: Periods = periods_of(curve, cash, data.spacing_s)
    total = total_return(cash, float(curve.equity[-1]))
    annualised = annualised_return(total, periods.years)
    drawdown = max_drawdown(curve, cash)
    trades, whole = filled.trades, trade_figures(filled.trades)
    return Figures(
        total_return=total,
        annualised_return=annualised,
        volatility=volatility(periods),
        sharpe=sharpe(periods),
        sortino=sortino(periods),
        calmar=calmar(annualised, drawdown.depth),
        drawdown=drawdown,
        exposure=exposure(curve),
        turnover=turnover(filled.bought, filled.sold, curve, periods.years),
        buy_and_hold=buy_and_hold((float(s.columns.close[0]), float(s.columns.close[-1]) * _splits(data, s)) for s in bars.values()),
        fees=filled.fees,
        slippage=slipped,
        periods_a_year=periods.per_year,
        years=periods.years,
        trades=whole,
        by_symbol=_apart(trades, whole, tuple(bars), "symbol"),
        by_strategy=_apart(trades, whole, strategies, "strategy"),
        monthly=tuple(monthly(periods, cash)),
    )


def _apart(trades: Trades, whole: TradeFigures, names: Sequence[str], field: str) -> dict[str, TradeFigures]:
    """By the `field` of the trades, the figures of each of the `names` alone; where there is one, they are the `whole`'s."""
    if len(names) == 1:
        return {names[0]: whole}
    apart: dict[str, list[int]] = {name: [] for name in names}
    for place, name in enumerate(trades.column(field)):
        apart[name].append(place)
    return {name: trade_figures(trades.at(places)) for name, places in apart.items()}


def _splits(data: Data, series: BarColumns) -> float:
    """How many shares each one at the first of these bars has become by the last."""
    begin, end = (data.calendar.day_of(int(series.columns.at[place])) for place in (0, -1))
    ratio = 1.0
    for action in data.actions:
        if action.symbol == series.symbol and action.kind == "split" and begin < action.day <= end:
            ratio *= float(action.value)
    return ratio
