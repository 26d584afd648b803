"""What the options --engine, --list-engines and --check-compatibility of a start come to."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from msgspec.structs import replace

from console.engines.factory import EngineFactory
from console.options import end, say
from engine.engine_types import EngineError, EngineResult, EngineRun
from engine.model.settings import Settings
from engine.strategies.params import StrategyError

FAILED = 1


def by_engine(given: argparse.Namespace, settings: Settings) -> int | None:
    """Does what another engine than the console's own is asked for, and answers the exit code; None where the console is to start. Raises
    SystemExit with code 2 where the engine is none, or cannot be used here."""
    files = list(given.strategy or [strategy.file for strategy in settings.strategies])
    try:
        if given.list_engines:
            from console.engines.command import engines

            return engines(("--config", str(given.config)) if given.config is not None else ())
        if given.check_compatibility:
            from console.engines.command import check_compatibility

            if not files:
                end("--check-compatibility: there is no strategy to check: name one with --strategy.")
            return check_compatibility(files, given.engine or "auto")
        name = given.engine or "paper"
        if name == "auto":
            name = EngineFactory.detect_engine_type(files[0]) if files else "paper"
        if given.enable_trading and name != "live":
            end(f"--enable-trading is the word for real money, and goes with --engine live alone; this is {name}.")
        info = EngineFactory.get_engine_info(name)
        if not info.usable:
            end(f"--engine {name}: {info.why_not}.")
        if name in ("paper", "live"):
            return None
        if len(files) != 1:
            end(f"--engine {name} runs one strategy: name it with --strategy.")
        return _backtest(given, files[0]) if name == "backtest" else _run(given, name, files[0], settings)
    except StrategyError as error:
        end(f"--strategy: {error}")
    except EngineError as error:
        end(f"--engine: {error}")


def _backtest(given: argparse.Namespace, file: str) -> int:
    from console.backtest.command import backtest

    words: Sequence[tuple[str, object]] = (
        ("--data", given.feed),
        ("--symbols", ",".join(given.symbols) if given.symbols else None),
        ("--from", given.start),
        ("--days", given.days),
        ("--granularity", given.granularity),
        ("--config", given.config),
    )
    return backtest([file, *(text for word, value in words if value is not None for text in (word, str(value)))])


def _run(given: argparse.Namespace, name: str, file: str, settings: Settings) -> int:
    from console.backtest.terms import read_day

    configured = {strategy.file: strategy.params for strategy in settings.strategies}
    result = EngineFactory.create_engine(name).run(
        EngineRun(
            strategy=file,
            params=configured.get(file, {}),
            symbols=given.symbols or (),
            data=given.feed or "sample",
            start=read_day(given.start) if given.start else None,
            days=given.days,
            granularity=given.granularity or "",
            settings=settings,
            enable_trading=given.enable_trading,
        )
    )
    if result.error:
        say(f"{name}: {result.error}")
        return FAILED
    tell(result)
    return 0


def tell(result: EngineResult) -> None:
    """On standard output, a figure a line."""
    from console.backtest.command import print_line

    print_line(f"{result.strategy} in {result.engine_type}, {result.execution_time:.1f} s")
    if result.final_value is not None and result.total_return is not None:
        print_line(f"  final value  {result.final_value:,.2f}  ({result.total_return:+.2%})")
    print_line(f"  trades       {len(result.trades):,}")
    for name, value in result.metrics.items():
        print_line(f"  {name.replace('_', ' '):<17} {'none' if value is None else f'{value:,.4f}'}")


def with_days(settings: Settings, days: int | None, granularity: str | None, *, start: str | None) -> Settings:
    """The feed in bars of `granularity`, from the last `days` days of its data on. Raises FeedError where it has no past."""
    if granularity:
        settings = replace(settings, feed=replace(settings.feed, timeframe=granularity))
    if days is None:
        return settings
    if start is not None:
        end("--days and --start both say where it begins: give one of them.")
    from engine.backtest.data import open_data
    from engine.feeds.base import FeedError
    from engine.feeds.names import is_fetched

    if is_fetched(settings.feed.source):
        raise FeedError(f"{settings.feed.source} follows the market as it is now: days that are over are for a backtest.")
    data = open_data(settings.feed, settings.symbols).latest(days, None, None)
    return replace(settings, feed=replace(settings.feed, start=data.calendar.day_of(data.first).isoformat()))
