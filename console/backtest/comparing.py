"""Backtests side by side: what they were run with and what came of it, each line with whether it is the same in all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from console.backtest.figures import NONE, RETURNS, TRADES, day_of
from console.backtest.report import costs_of, latency_of, limits_of
from console.backtest.summary import Summary, fingerprint, profile_fingerprint
from engine.backtest.profile import Profile
from engine.feeds.timeframe import timeframe

SHORT = 8
"""Characters of a fingerprint that are shown: as many as tell two apart."""


class Compared(Struct, frozen=True):
    """One line: what of it each of the backtests says."""

    name: str
    values: tuple[str, ...]

    @property
    def same(self) -> bool:
        return len(set(self.values)) == 1


class Group(Struct, frozen=True):
    title: str
    lines: tuple[Compared, ...]


def compare(runs: Sequence[Summary]) -> tuple[Group, ...]:
    """At least one."""
    return (
        Group("Run with", tuple(_setup(runs))),
        Group("Came to", tuple(_line(figure.name, figure.of, runs) for figure in RETURNS)),
        Group("Round trips", tuple(_line(figure.name, figure.of, runs) for figure in TRADES)),
    )


def differing(runs: Sequence[Summary]) -> list[str]:
    """The names of the lines that are not the same in all."""
    return [line.name.strip() for group in compare(runs) for line in group.lines if not line.same]


def _setup(runs: Sequence[Summary]) -> Iterator[Compared]:
    told: tuple[tuple[str, Callable[[Summary], str]], ...] = (
        ("Strategy", lambda run: ", ".join(each.name for each in run.strategies)),
        ("Its file", lambda run: ", ".join(each.code[:SHORT] for each in run.strategies)),
        ("Version", lambda run: run.version),
        ("Symbols", lambda run: ", ".join(run.symbols)),
        ("Data", lambda run: run.source),
        ("Its fingerprint", lambda run: run.data[:SHORT]),
        ("Bars", lambda run: f"{run.bars:,} of {timeframe(run.spacing_s)}"),
        ("First day", lambda run: day_of(run.first_at)),
        ("Last day", lambda run: day_of(run.last_at)),
        ("Size", lambda run: ", ".join(f"{each.size_pct:f} %" for each in run.strategies)),
    )
    yield from (_line(name, of, runs) for name, of in told)
    names = dict.fromkeys(name for run in runs for name in _params(run))
    yield from (Compared(name, tuple(_params(run).get(name, NONE) for run in runs)) for name in names)
    costs = [_costs(run.job.profile) for run in runs]
    yield from (Compared(name, tuple(cost[name] for cost in costs)) for name in costs[0])
    limits = [limits_of(run.job.profile) for run in runs]
    for key in dict.fromkeys(key for each in limits for key in each):
        values = tuple(each.get(key, NONE) for each in limits)
        if len(set(values)) > 1:
            yield Compared(key, values)
    if len({profile_fingerprint(run.job) for run in runs}) > 1:
        yield Compared("Profile", tuple(profile_fingerprint(run.job)[:SHORT] for run in runs))


def _line(name: str, of: Callable[[Summary], str], runs: Sequence[Summary]) -> Compared:
    return Compared(name, tuple(of(run) for run in runs))


def _params(run: Summary) -> dict[str, str]:
    alone = len(run.strategies) == 1
    return {name if alone else f"{each.name}.{name}": str(value) for each in run.strategies for name, value in each.params.items()}


def _costs(profile: Profile) -> dict[str, str]:
    commission, slippage = costs_of(profile)
    return {
        "Commission": commission,
        "Slippage": slippage,
        "Fills at": "next open" if profile.fill == "next_open" else "next close",
        "Latency": latency_of(profile) or f"{profile.paper.latency_ms:g} ms, paper's",
        "Volume cap": f"{profile.paper.volume_cap_pct:g} %",
        "Margin": "yes" if profile.margin.enabled else "no",
        "Limits": "none" if profile.limits is None else f"given ({fingerprint(profile.limits)[:SHORT]})",
    }
