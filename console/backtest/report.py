"""What is told of a backtest as text, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from console.backtest.figures import NONE, RETURNS, TRADES, day_of, number
from console.backtest.summary import Summary
from engine.backtest.metrics import TradeFigures
from engine.backtest.profile import OFF, Profile
from engine.feeds.timeframe import timeframe
from engine.model.settings import CommissionSettings, SlippageSettings

WIDTH = 80
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SYMBOLS_SHOWN = 20
_NOTES_SHOWN = 5


def report(result: Summary, *, figures: bool = True) -> Iterator[str]:
    """Line by line. What has no value is a dash. Without `figures`, only how it was run and what a reader must know to believe them."""
    yield from _head(result)
    if figures:
        yield from _columns(*([(each.name, each.of(result)) for each in chosen] for chosen in (RETURNS, TRADES)))
        yield from _months(result)
        if len(result.figures.by_symbol) > 1:
            yield from _by("symbol", result.figures.by_symbol)
        if len(result.figures.by_strategy) > 1:
            yield from _by("strategy", result.figures.by_strategy)
    yield from _left(result)


def _head(result: Summary) -> Iterator[str]:
    profile, symbols = result.job.profile, result.symbols
    names = ", ".join(each.name for each in result.strategies)
    listed = ", ".join(symbols[:8]) + (f" and {len(symbols) - 8} more" if len(symbols) > 8 else "")
    yield f"{names} on {listed}"
    bars = f"{result.bars:,} bar{'' if result.bars == 1 else 's'} of {timeframe(result.spacing_s)}"
    yield f"  {result.source}, {day_of(result.first_at)} to {day_of(result.last_at)}, {bars}"
    for each in result.strategies:
        told = ", ".join(f"{name} {value}" for name, value in each.params.items())
        yield f"  {told}{'; ' if told else ''}{each.size_pct:f} % of equity where a signal says no quantity"
    where = "at the next bar's open" if profile.fill == "next_open" else "at the next bar's close"
    late = latency_of(profile)
    yield f"  market orders fill {where}{f', {late} late' if late else ''}, at most {profile.paper.volume_cap_pct:g} % of a bar's volume"
    commission, slippage = costs_of(profile)
    limits = ", ".join(f"{key} {value}" for key, value in limits_of(profile).items())
    yield f"  commission {commission}, slippage {slippage}{'' if limits else '; no limits'}"
    if limits:
        yield from _wrapped(f"limits {limits}")
    yield ""


def limits_of(profile: Profile) -> dict[str, str]:
    """The limits that held, by name; nothing where none was given."""
    if profile.limits is None:
        return {}
    from console.preferences import LIMITS, OFFERED
    from engine.model.limit_changes import changes

    told: dict[str, str] = {}
    for each in changes(OFF, profile.settings(()).limits):
        of, _, name = each.key.rpartition(".")
        limit, whose = OFFERED[f"{LIMITS}{name}"], of.partition(".")[2]
        told[f"{whose} {limit.name}".strip()] = f"{each.after} {limit.unit}".strip()
    return told


def latency_of(profile: Profile) -> str:
    """How late orders reach the market where that was asked for, else nothing."""
    ms, bars = profile.latency.ms, profile.latency.bars
    return f"{bars} bar{'s' if bars > 1 else ''}" if bars else f"{ms:g} ms" if ms else ""


def costs_of(profile: Profile) -> tuple[str, str]:
    """Commission and slippage."""
    return _commission(profile.paper.commission), _slippage(profile.paper.slippage)


def _commission(given: CommissionSettings) -> str:
    if given.model == "per_cent":
        least = f", at least {given.minimum:f}" if given.minimum else ""
        return f"{given.rate:f} %{least}"
    return f"{given.model} {given.rate:f}"


def _slippage(given: SlippageSettings) -> str:
    return f"{given.bps:g} bp" if given.model == "basis_points" else given.model


def _columns(left: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]) -> Iterator[str]:
    for (name, value), (other, its) in zip_longest(left, right, fillvalue=("", "")):
        yield f"  {name:<19}{value:>17}    {other:<19}{its:>17}".rstrip()
    yield ""


def _months(result: Summary) -> Iterator[str]:
    years: dict[int, dict[int, float | None]] = {}
    for year, month, gain in result.figures.monthly:
        years.setdefault(year, {})[month] = gain
    yield f"  %   {''.join(f'{month:>5}' for month in MONTHS)}    Year"
    for year, months in years.items():
        whole: float | None = 1.0
        for gain in months.values():
            whole = None if whole is None or gain is None else whole * (1 + gain)
        told = "".join(f"{short_percent(months[month]) if month in months else '':>5}" for month in range(1, 13))
        yield f"  {year}{told}{short_percent(None if whole is None else whole - 1):>8}"
    yield ""


def _by(what: str, figures: Mapping[str, TradeFigures]) -> Iterator[str]:
    yield f"  {'By ' + what:<20}{'trips':>8}{'won':>8}{'profit':>16}{'factor':>9}{'fees':>13}"
    for name, its in list(figures.items())[:_SYMBOLS_SHOWN]:
        won = f"{its.win_rate:.0%}" if its.win_rate is not None else NONE
        yield f"  {name[:20]:<20}{its.count:>8,}{won:>8}{its.profit:>16,.2f}{number(its.profit_factor):>9}{its.fees:>13,.2f}"
    if len(figures) > _SYMBOLS_SHOWN:
        yield f"  and {len(figures) - _SYMBOLS_SHOWN} more, with --json or --csv"
    yield ""


def _left(result: Summary) -> Iterator[str]:
    """What a reader must know to believe the figures."""
    if result.figures.drawdown.depth >= 1:
        yield from _wrapped("The account lost all it had and went on: a broker would have ended it there. Believe nothing after that.")
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
    for lines, what in ((result.problems, "about the data"), (said, "of the gate's and the broker's")):
        for line in lines[:_NOTES_SHOWN]:
            yield from _wrapped(line)
        if len(lines) > _NOTES_SHOWN:
            yield f"  and {len(lines) - _NOTES_SHOWN} more {what}; --json has them all"


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")


def short_percent(value: float | None) -> str:
    """A fraction in per cent, in four places."""
    if value is None:
        return NONE
    pct = value * 100
    text = f"{pct:.1f}" if abs(pct) < 9.95 else f"{pct:.0f}"
    return "0.0" if text == "-0.0" else text
