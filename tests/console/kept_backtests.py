"""Backtests that are kept, for tests of what is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from console.backtest.kept import carry_out
from console.backtest.terms import Terms, job_of
from engine.model.settings import Settings
from storage.backtests import keep_backtest

MADE_AT = 1_760_000_000_000_000_000
"""When each of them is said to have run, so that pictures do not change."""


def keep(path: Path, strategy: str = "sma_cross", params: Mapping[str, Any] | None = None, *symbols: str) -> int:
    """Runs it over some years of the sample and answers its number."""
    terms = Terms(strategy, symbols=symbols or ("AAPL", "MSFT"), start=date(2004, 6, 1), end=date(2009, 3, 31), params=params or {})
    stored = carry_out(job_of(terms, Settings())).stored
    return keep_backtest(path, replace(stored, row=replace(stored.row, made_at=MADE_AT, took_s=0.25)))
