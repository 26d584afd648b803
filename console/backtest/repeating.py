"""A backtest once more: whether data, code and limits are as they were, and whether it comes to the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from console.backtest.comparing import differing
from console.backtest.kept import carry_out, keep, read_kept, record
from console.backtest.summary import lacking
from engine.backtest.errors import BacktestError
from engine.backtest.runner import Progress
from storage.backtests import BacktestRow


class Repetition(Struct, frozen=True):
    """`same` says of data, code, profile and outcome whether they are; `now` has a number where the outcome is another, for then it is
    kept, and `differ` names what is not the same."""

    before: BacktestRow
    now: BacktestRow
    same: Mapping[str, bool]
    differ: tuple[str, ...] = ()


def repeat(path: Path, number: int, progress: Progress | None = None) -> Repetition:
    """Raises what `read_kept` and `carry_out` raise."""
    kept = read_kept(path, number)
    if names := lacking(kept.summary.job):
        raise BacktestError(
            f"#{number} cannot be run once more: {' and '.join(names)} held a secret, and secrets are not kept. Run it anew with "
            f"`tradeconsole backtest` and the same options; the kept one stays as it is."
        )
    finished = carry_out(kept.summary.job, progress)
    now = finished.stored.row
    same = {name: getattr(kept.row, name) == getattr(now, name) for name in ("data", "code", "profile", "outcome")}
    if same["outcome"]:
        if same["data"] and same["profile"]:
            # It may have been kept before there were recordings, or its file may be gone.
            record(path, kept.row, finished)
        return Repetition(kept.row, now, same)
    now = replace(now, number=keep(path, finished)[0])
    return Repetition(kept.row, now, same, tuple(differing([kept.summary, finished.summary])))


def in_words(again: Repetition) -> Iterator[str]:
    """Line by line."""
    before, now, same = again.before, again.now, again.same
    yield f"#{before.number} once more, in {now.took_s:,.2f} s"
    yield f"  data    {'as they were' if same['data'] else f'changed since: {before.data[:8]}, now {now.data[:8]}'}"
    if same["code"]:
        yield "  code    as it was"
    else:
        yield f"  code    changed since, the strategy's file or this program: {before.code[:8]}, now {now.code[:8]}"
    if same["outcome"]:
        yield f"  result  the same, to the last digit: {now.trades:,} round trips, final value {now.final_value:,.2f}"
        return
    yield f"  result  another: {before.trades:,} round trips and {before.final_value:,.2f}, now {now.trades:,} and {now.final_value:,.2f}"
    if same["data"] and same["code"]:
        yield "  With the same data and code it should be the same: the strategy reads a clock, chance, or a file of its own."


def in_a_sentence(again: Repetition) -> str:
    before, now, same = again.before, again.now, again.same
    changed = " and ".join(name for name in ("data", "code") if not same[name])
    since = f"{changed} changed since" if changed else "data and code are as they were"
    if same["outcome"]:
        return f"#{before.number} came to the same once more, to the last digit; {since}."
    return f"#{before.number} came to another result, kept as #{now.number}; {since}."
