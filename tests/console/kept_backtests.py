"""Backtests that are kept, with their recordings, for tests of what is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from console.backtest.kept import Finished, carry_out, record
from console.backtest.terms import Terms, job_of
from engine.model.settings import Settings
from storage.backtests import StoredBacktest, keep_backtest

MADE_AT = 1_760_000_000_000_000_000
"""When each of them is said to have run, so that pictures do not change."""


def keep(path: Path, strategy: str = "sma_cross", params: Mapping[str, Any] | None = None, *symbols: str) -> int:
    """Runs it over some years of the sample and answers its number."""
    terms = Terms(strategy, symbols=symbols or ("AAPL", "MSFT"), start=date(2004, 6, 1), end=date(2009, 3, 31), params=params or {})
    finished = carry_out(job_of(terms, Settings()))
    return keep_as(path, finished, replace(finished.stored, row=replace(finished.stored.row, made_at=MADE_AT, took_s=0.25)))


def keep_as(path: Path, finished: Finished, stored: StoredBacktest) -> int:
    """Keeps what ran as if it were `stored`, and answers its number."""
    assert record(path, stored.row, finished) == ""
    return keep_backtest(path, stored)


TELLING = """
from tradeconsole import Strategy, param

class Telling(Strategy):
    told = param(SAID)

    def on_bar(self, ctx, bar):
        if ctx.position(bar.symbol):
            ctx.close(bar.symbol, reason=SAID)
        else:
            ctx.buy(bar.symbol, 100_000_000, strength=0.6, reason=SAID, indicators={SAID: 1.0})
"""
"""Says SAID wherever a strategy can say something; its orders are cut to what can be paid."""


FUNCTION = """
def tell(data, symbol, current_price, **parameters):
    return "BUY" if len(data) % 2 else "SELL", 0.6, {SAID: 1.0}
"""


def telling(file: Path, said: str, shape: str = TELLING) -> Finished:
    """A run of a strategy in `file` that says `said` with everything it does, and has it for a parameter's value."""
    file.write_text(shape.replace("SAID", repr(said)), encoding="utf-8")
    terms = Terms(str(file), symbols=("AAPL",), start=date(2005, 1, 3), end=date(2005, 2, 28), params={"told": said})
    return carry_out(job_of(terms, Settings()))
