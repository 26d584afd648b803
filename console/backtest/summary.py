"""All that is told of a backtest beside its curve, its fills and its trades, and the fingerprints by which two are the same."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from console import __version__
from console.backtest.job import Job, job_of_tree
from engine.backtest.result import Figures, Holding, Result
from engine.secrets import HIDDEN, Redactor
from engine.strategies.loader import find
from storage.codec import from_json, to_json


class StrategyRun(Struct, frozen=True):
    """`code` is the SHA-256 of the strategy's file as it was when the run began; `params` are all its parameters with their values."""

    name: str
    file: str
    code: str
    params: Mapping[str, int | float | str | bool | None]
    size_pct: Decimal


class Findings(Struct, frozen=True):
    """As `Result` says it. `version` is this program's."""

    version: str
    strategies: tuple[StrategyRun, ...]
    source: str
    calendar: str
    spacing_s: int
    data: str
    symbols: tuple[str, ...]
    bars: int
    first_at: int
    last_at: int
    final_value: Decimal
    fills: int
    figures: Figures
    held: tuple[Holding, ...]
    signals: int
    denied: Mapping[str, int]
    cut: Mapping[str, int]
    ended: Mapping[str, int]
    open_orders: int
    notes: Mapping[str, int]
    problems: tuple[str, ...]


class Summary(Findings, frozen=True):
    """With the `job` that runs it again."""

    job: Job


def read_summary(text: str) -> Summary:
    """The summary that `storage.codec.to_json` wrote as `text`. Raises ValueError or msgspec's MsgspecError."""
    tree = json.loads(text)
    job = job_of_tree(tree.get("job") if isinstance(tree, dict) else None)
    findings = from_json(text, Findings)
    return Summary(job=job, **{name: getattr(findings, name) for name in Findings.__struct_fields__})


def code_of(job: Job) -> tuple[str, ...]:
    """The fingerprint of each strategy's file. Raises StrategyError where one is not there."""
    return tuple(hashlib.sha256(find(each.file).read_bytes()).hexdigest() for each in job.profile.strategies)


def summary_of(job: Job, code: Sequence[str], result: Result) -> Summary:
    """`code` was taken before the run began."""
    data, redactor = result.data, Redactor.of(os.environ)
    given = zip(result.params.items(), job.profile.strategies, code, strict=True)
    return Summary(
        job=_without_secrets(job, redactor),
        version=__version__,
        strategies=tuple(
            StrategyRun(name, each.file, sha, redactor.clean_tree({key: _plain(value) for key, value in params.items()}), each.size_pct)
            for (name, params), each, sha in given
        ),
        source=data.name,
        calendar=data.calendar.name,
        spacing_s=data.spacing_s,
        data=data.fingerprint(),
        symbols=tuple(result.figures.by_symbol),
        bars=result.bars,
        first_at=result.first_at,
        last_at=result.last_at,
        final_value=result.final_value,
        fills=len(result.fills),
        figures=result.figures,
        held=result.held,
        signals=result.signals,
        denied=result.denied,
        cut=result.cut,
        ended=result.ended,
        open_orders=result.open_orders,
        notes=redactor.clean_tree(dict(result.notes)),
        problems=data.problems,
    )


def _without_secrets(job: Job, redactor: Redactor) -> Job:
    """Strategies' parameters may come from the environment: what it keeps secret is not kept here."""
    strategies = tuple(replace(each, params=redactor.clean_tree(dict(each.params))) for each in job.profile.strategies)
    return replace(job, profile=replace(job.profile, strategies=strategies))


def lacking(job: Job) -> list[str]:
    """The parameters of a job that was kept whose values were secret, and are not known any more."""
    return sorted({name for each in job.profile.strategies for name, value in each.params.items() if HIDDEN in str(value)})


def code_fingerprint(summary: Summary) -> str:
    """Of the strategies' files and of this program's version. What a file imports is not part of it."""
    return _sha(f"{summary.version} {' '.join(each.code for each in summary.strategies)}")


def profile_fingerprint(job: Job) -> str:
    """Of parameters, costs, margin, limits and where orders fill."""
    return fingerprint(job.profile)


def fingerprint(value: Struct) -> str:
    """SHA-256 of all that `value` says."""
    return _sha(to_json(value))


def outcome_of(result: Result) -> str:
    """Of every fill, whose it was, and the exact value at the end."""
    seen = hashlib.sha256(f"{result.final_value}".encode())
    for fill, owner in zip(result.fills, result.owners, strict=True):
        seen.update(f"{owner} {fill.symbol} {fill.side} {fill.quantity} {fill.price} {fill.fees} {fill.at}\n".encode())
    return seen.hexdigest()


def _plain(value: object) -> int | float | str | bool | None:
    return value if isinstance(value, int | float | str | bool) or value is None else str(value)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
