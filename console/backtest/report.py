"""A backtest's result as text, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import zip_longest

from engine.backtest.metrics import TradeFigures
from engine.backtest.profile import Profile
from engine.backtest.result import Result
from engine.feeds.timeframe import timeframe
from engine.model.settings import CommissionSettings, SlippageSettings

WIDTH = 80
_NONE = "-"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SYMBOLS_SHOWN = 20
_NOTES_SHOWN = 5
_DAY_NS = 86_400 * 1_000_000_000


def report(result: Result) -> Iterator[str]:
    """Line by line. What has no value is a dash."""
    yield from _head(result)
    yield from _columns(_returns(result), _trades(result))
    yield from _months(result)
    if len(result.figures.by_symbol) > 1:
        yield from _by("symbol", result.figures.by_symbol)
    if len(result.figures.by_strategy) > 1:
        yield from _by("strategy", result.figures.by_strategy)
    yield from _left(result)


def _head(result: Result) -> Iterator[str]:
    data, profile = result.data, result.profile
    names, symbols = ", ".join(result.params), list(result.figures.by_symbol)
    listed = ", ".join(symbols[:8]) + (f" and {len(symbols) - 8} more" if len(symbols) > 8 else "")
    yield f"{names} on {listed}"
    yield f"  {data.name}, {_day(result.first_at)} to {_day(result.last_at)}, {result.bars:,} bars of {timeframe(data.spacing_s)}"
    for params, strategy in zip(result.params.values(), profile.strategies, strict=True):
        told = ", ".join(f"{name} {value}" for name, value in params.items())
        yield f"  {told}{'; ' if told else ''}{strategy.size_pct:f} % of equity where a signal says no quantity"
    where = "at the next bar's open" if profile.fill == "next_open" else "at the next bar's close"
    yield f"  market orders fill {where}, at most {profile.paper.volume_cap_pct:g} % of a bar's volume"
    yield f"  {_costs(profile)}; {'no limits' if profile.limits is None else 'limits as given'}"
    yield ""


def _costs(profile: Profile) -> str:
    return f"commission {_commission(profile.paper.commission)}, slippage {_slippage(profile.paper.slippage)}"


def _commission(given: CommissionSettings) -> str:
    if given.model == "per_cent":
        least = f", at least {given.minimum:f}" if given.minimum else ""
        return f"{given.rate:f} %{least}"
    return f"{given.model} {given.rate:f}"


def _slippage(given: SlippageSettings) -> str:
    return f"{given.bps:g} bp" if given.model == "basis_points" else given.model


def _returns(result: Result) -> list[tuple[str, str]]:
    figures, fall = result.figures, result.figures.drawdown
    return [
        ("Cash at the start", f"{result.profile.paper.cash:,.2f}"),
        ("Final value", f"{result.final_value:,.2f}"),
        ("Total return", _pct(figures.total_return)),
        ("Buy and hold", _pct(figures.buy_and_hold)),
        ("Return a year", _pct(figures.annualised_return)),
        ("Volatility a year", _pct(figures.volatility)),
        ("Sharpe", _number(figures.sharpe)),
        ("Sortino", _number(figures.sortino)),
        ("Calmar", _number(figures.calmar)),
        ("Max drawdown", _pct(-fall.depth if fall.depth else 0.0)),
        ("  to its trough", _span(fall.peak_at, fall.trough_at)),
        ("  to its recovery", _span(fall.peak_at, fall.recovered_at) if fall.depth and fall.recovered_at else _NONE),
        ("Time in the market", _pct(figures.exposure)),
        ("Turnover a year", _pct(figures.turnover)),
    ]


def _trades(result: Result) -> list[tuple[str, str]]:
    trades = result.figures.trades
    return [
        ("Round trips", f"{trades.count:,}"),
        ("Won", f"{trades.won:,}{f' ({trades.win_rate:.1%})' if trades.win_rate is not None else ''}"),
        ("Average win", _money(trades.average_win)),
        ("Average loss", _money(trades.average_loss)),
        ("Profit factor", _number(trades.profit_factor)),
        ("Expectancy", _money(trades.expectancy)),
        ("Best", _money(trades.best)),
        ("Worst", _money(trades.worst)),
        ("Longest won, lost", f"{trades.longest_won}, {trades.longest_lost}"),
        ("Average bars", _number(trades.average_bars)),
        ("Average MAE", _pct(trades.average_mae)),
        ("Average MFE", _pct(trades.average_mfe)),
        ("Fees", _money(result.figures.fees)),
        ("Slippage", _money(result.figures.slippage)),
    ]


def _columns(left: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]) -> Iterator[str]:
    for (name, value), (other, its) in zip_longest(left, right, fillvalue=("", "")):
        yield f"  {name:<19}{value:>17}    {other:<19}{its:>17}".rstrip()
    yield ""


def _months(result: Result) -> Iterator[str]:
    years: dict[int, dict[int, float | None]] = {}
    for year, month, gain in result.figures.monthly:
        years.setdefault(year, {})[month] = gain
    yield f"  %   {''.join(f'{month:>5}' for month in _MONTHS)}    Year"
    for year, months in years.items():
        whole: float | None = 1.0
        for gain in months.values():
            whole = None if whole is None or gain is None else whole * (1 + gain)
        told = "".join(f"{_short(months[month]) if month in months else '':>5}" for month in range(1, 13))
        yield f"  {year}{told}{_short(None if whole is None else whole - 1):>8}"
    yield ""


def _by(what: str, figures: Mapping[str, TradeFigures]) -> Iterator[str]:
    yield f"  {'By ' + what:<20}{'trips':>8}{'won':>8}{'profit':>16}{'factor':>9}{'fees':>13}"
    for name, its in list(figures.items())[:_SYMBOLS_SHOWN]:
        won = f"{its.win_rate:.0%}" if its.win_rate is not None else _NONE
        yield f"  {name[:20]:<20}{its.count:>8,}{won:>8}{its.profit:>16,.2f}{_number(its.profit_factor):>9}{its.fees:>13,.2f}"
    if len(figures) > _SYMBOLS_SHOWN:
        yield f"  and {len(figures) - _SYMBOLS_SHOWN} more, with --json or --csv"
    yield ""


def _left(result: Result) -> Iterator[str]:
    """What a reader must know to believe the figures."""
    for held in result.held:
        yield f"  Still held: {held.quantity:f} {held.symbol} at {held.average:.4f}, last {held.last:g}, unrealised {held.unrealised:,.2f}"
    if result.open_orders:
        yield f"  Still working: {result.open_orders} order{'s' if result.open_orders > 1 else ''}"
    for told, counts in (("refused", result.denied), ("cut down", result.cut)):
        if counts:
            yield from _wrapped(f"Of {result.signals:,} signals {told}: {', '.join(f'{n:,} by {rule}' for rule, n in counts.items())}")
    if result.ended:
        yield from _wrapped(f"Orders that ended unfilled: {', '.join(f'{n:,} {how}' for how, n in result.ended.items())}")
    said = [f"{text} ({n} times)" if n > 1 else text for text, n in result.notes.items()]
    for lines, what in ((result.data.problems, "about the data"), (said, "of the gate's and the broker's")):
        for line in lines[:_NOTES_SHOWN]:
            yield from _wrapped(line)
        if len(lines) > _NOTES_SHOWN:
            yield f"  and {len(lines) - _NOTES_SHOWN} more {what}; --json has them all"


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")


def _day(at: int) -> str:
    return f"{datetime.fromtimestamp((at - 1) // 1_000_000_000, UTC):%Y-%m-%d}"


def _span(begin: int | None, end: int | None) -> str:
    if begin is None or end is None:
        return _NONE
    days = round((end - begin) / _DAY_NS)
    return f"{days:,} day{'' if days == 1 else 's'}"


def _pct(value: float | None) -> str:
    return _NONE if value is None else f"{value:.2%}"


def _short(value: float | None) -> str:
    """A fraction in per cent, in four places."""
    if value is None:
        return _NONE
    pct = value * 100
    text = f"{pct:.1f}" if abs(pct) < 9.95 else f"{pct:.0f}"
    return "0.0" if text == "-0.0" else text


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.2f}"


def _money(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.2f}"
