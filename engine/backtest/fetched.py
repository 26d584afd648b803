"""A backtest's data from a source that is asked: through the cache, so that a second run asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from engine.backtest.data import Data
from engine.feeds.actions import Action
from engine.feeds.bar_columns import BarColumns, columns_of
from engine.feeds.base import FeedError
from engine.feeds.cached import CachedHistory
from engine.feeds.names import check_symbols
from engine.feeds.sources import open_source
from engine.model.settings import TIMEFRAMES, FeedSettings

Say = Callable[[str], None]
_WARM_UP_DAYS = {"1d": 500, "1h": 90, "15m": 30, "5m": 14, "1m": 6, "1s": 1}
"""What is fetched before the first day, for a strategy to warm up on: some three hundred bars."""


def fetched_data(
    settings: FeedSettings, symbols: Sequence[str], start: date | None, end: date | None, days: int | None, say: Say | None = None
) -> Data:
    """The bars of `symbols` from some time before `start` on, or before the last `days` days, through `end` or until now; where neither is
    given, what is in the cache. `say` is told what is fetched. Raises FeedError, also where a part cannot be had."""
    source = open_source(settings)
    name = source.history.name
    if not (wanted := check_symbols(symbols)):
        raise FeedError(f"{name} has any symbol: name those to trade, --symbols AAPL,MSFT for example.")
    timeframe = settings.timeframe or ("1d" if "1d" in source.history.timeframes else source.history.timeframes[0])
    asked = _part_of(timeframe, source)
    today = datetime.now(UTC).astimezone(source.calendar.zone).date()
    last = min(end or today, today)
    if start is None and days is not None:
        start = last - timedelta(days=days)
    bars: dict[str, BarColumns] = {}
    actions: list[Action] = []
    problems: list[str] = []
    if say is not None:
        source.tell(say)
    try:
        for symbol in wanted:
            if start is None:
                first = _held_from(source, symbol, asked)
                told = source.bars(symbol, asked, first, last, ask=False)
            else:
                told = source.bars(symbol, asked, _before(start, asked, source, today), last, progress=_telling(say, symbol, name))
            bars[symbol] = columns_of(symbol, told.bars)
            actions += told.actions
            problems += told.problems
    finally:
        source.close()
    made: Mapping[str, BarColumns] = bars
    if asked != timeframe:
        from engine.feeds.aggregate import in_timeframe

        made = in_timeframe(name, bars, timeframe, source.calendar)
    in_order = tuple(sorted(actions, key=lambda action: action.day))
    return Data(name, made, source.calendar, actions=in_order, problems=tuple(dict.fromkeys(problems)))


def _part_of(timeframe: str, source: CachedHistory) -> str:
    """The longest bars of the source that those are made of. Raises FeedError."""
    has = source.history.timeframes
    parts = [each for each in has if TIMEFRAMES[timeframe] % TIMEFRAMES[each] == 0]
    if not parts:
        raise FeedError(f"{source.history.name} has bars of {', '.join(has)}, and none of them makes {timeframe}.")
    return max(parts, key=TIMEFRAMES.__getitem__)


def _before(start: date, timeframe: str, source: CachedHistory, today: date) -> date:
    """Early enough to warm up, where the source reaches so far back."""
    early = start - timedelta(days=_WARM_UP_DAYS[timeframe])
    back = source.history.reach(timeframe).back
    return early if back is None else max(early, min(start, today - timedelta(days=back)))


def _held_from(source: CachedHistory, symbol: str, timeframe: str) -> date:
    series = source.series(symbol, timeframe)
    held = next((each for each in source.cache.held() if each.series == series), None)
    if held is None:
        raise FeedError(f"No {timeframe} bars of {symbol} from {source.history.name} are kept: say --from or --days, and they are fetched.")
    return held.first


def _telling(say: Say | None, symbol: str, name: str) -> Callable[[int, int], None] | None:
    if say is None:
        return None
    return lambda done, total: say(f"fetching {symbol} from {name}: {done:,} of {total:,} days")
