"""What a person says of a backtest, by options or in a form, and what it means together with the config."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from console import yaml_nodes
from console.config import ConfigError, guess, settings_in, tree_of
from engine.model.ranges import hints, parse
from engine.model.settings import CommissionSettings, FeedSettings, Limits, Settings, SlippageSettings, StrategySettings, Symbol

if TYPE_CHECKING:
    from console.backtest.job import Job
    from engine.backtest.profile import Latency

FILLS = ("next_open", "close")
MOST_MS, MOST_BARS = 86_400_000, 1_000
_LATENCY = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?(ms|s|bars?)")


MOST_DAYS = 100_000


class Terms(Struct, frozen=True):
    """What is None or empty, the config says. The last `days` days are traded where `start` says no other day. `commission` is in per cent
    of the value, `slippage` in basis points."""

    strategy: str
    data: str = "sample"
    symbols: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None
    cash: Decimal | None = None
    commission: Decimal | None = None
    slippage: float | None = None
    volume_cap: float | None = None
    fill: Any = "next_open"
    params: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits | None = None
    latency: Latency | None = None
    days: int | None = None
    granularity: str = ""


def job_of(terms: Terms, settings: Settings) -> Job:
    """The backtest of these terms. Raises StrategyError where the strategy or a parameter is none."""
    from console.backtest.job import Job
    from engine.backtest.profile import Profile
    from engine.feeds.priced import priced
    from engine.strategies.loader import check

    configured = {strategy.file: strategy for strategy in settings.strategies}
    strategy = configured.get(terms.strategy, StrategySettings(terms.strategy))
    strategy = replace(strategy, params={**strategy.params, **terms.params}, symbols=terms.symbols)
    check(strategy.file, strategy.params)
    paper = settings.paper
    if terms.cash is not None:
        paper = replace(paper, cash=terms.cash)
    if terms.commission is not None:
        paper = replace(paper, commission=CommissionSettings("per_cent", rate=terms.commission, minimum=Decimal(0)))
    if terms.slippage is not None:
        paper = replace(paper, slippage=SlippageSettings("basis_points", bps=terms.slippage))
    if terms.volume_cap is not None:
        paper = replace(paper, volume_cap_pct=terms.volume_cap)
    latency = terms.latency
    if latency is not None:
        paper = replace(paper, latency_ms=0.0)
    profile = Profile((strategy,), paper, settings.margin, terms.limits, terms.fill, *([] if latency is None else [latency]))
    feed = replace(settings.feed, source=terms.data, timeframe=terms.granularity or settings.feed.timeframe)
    feed = priced(replace(settings, feed=feed))
    return Job(feed, profile, terms.symbols, terms.start, terms.end, terms.days)


def misnamed(job: Job, settings: Settings) -> str:
    """What the limits of `job` name that it does not trade, in words; empty where there is nothing."""
    from engine.strategies.names import unknown_names

    limits = job.profile.limits
    if limits is None:
        return ""
    held = replace(settings, feed=job.feed, strategies=job.profile.strategies, symbols=job.symbols, limits=limits)
    return "; ".join(f"{key}: {why}" for key, why in unknown_names(held) if "limits" in key)


def read_limits(text: str) -> Limits:
    """Those of the YAML config that `text` names; the strategies and symbols in them are judged by `misnamed`. Raises ConfigError, also
    where it says nothing of limits: the defaults, which nobody asked for, would hold."""
    file = Path(text).expanduser()
    tree = tree_of(file)
    if not isinstance(tree, yaml_nodes.Mapping) or "limits" not in tree.items:
        raise ConfigError(f"{file}: there is no section `limits` in it. Write one, or leave --limits out for a run without limits.")
    return settings_in(tree, file, os.environ, names=False).limits


# ---- from text: each raises ValueError with what is allowed


def read_symbols(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parse(Symbol, symbol) for symbol in text.split(",")))


def read_commission(text: str) -> Decimal:
    """In per cent of the traded value; no more than all of it is ever taken."""
    rate: Decimal = parse(hints(CommissionSettings)["rate"], text)
    if rate > 100:
        raise ValueError("a number at least 0, at most 100")
    return rate


def read_latency(text: str) -> Latency:
    """`250ms`, `30s`, `2bars`."""
    from engine.backtest.profile import Latency

    amount, unit = _LATENCY.sub(r"\1 \2", text.strip().casefold()).split() if _LATENCY.fullmatch(text.strip().casefold()) else ("", "")
    if unit in ("bar", "bars") and amount.isdigit() and int(amount) <= MOST_BARS:
        return Latency(bars=int(amount))
    if unit in ("ms", "s") and float(amount) * (1 if unit == "ms" else 1000) <= MOST_MS:
        return Latency(ms=float(amount) * (1 if unit == "ms" else 1000))
    raise ValueError(f"milliseconds, seconds or bars: 250ms, 30s or 2bars, at most {MOST_MS // 3_600_000} hours or {MOST_BARS:,} bars")


def read_day(text: str) -> date:
    parse(hints(FeedSettings)["start"], text)
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("a day as YYYY-MM-DD") from None


def read_days(text: str) -> int:
    if text.isdecimal() and 1 <= (days := int(text)) <= MOST_DAYS:
        return days
    raise ValueError(f"a whole number of days from 1 to {MOST_DAYS:,}")


def read_granularity(text: str) -> str:
    granularity: str = parse(hints(FeedSettings)["timeframe"], text)
    if not granularity:
        raise ValueError("1s, 1m, 5m, 15m, 1h or 1d")
    return granularity


def read_assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (equals and name.isidentifier()):
        raise ValueError("PARAM=VALUE, fast=20 for example")
    return name, guess(value)
