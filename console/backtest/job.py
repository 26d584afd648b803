"""What a backtest is run with: enough to run it again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

from msgspec import Struct
from msgspec.structs import replace

from engine.backtest.profile import Profile
from engine.feeds.names import is_fetched, is_named
from engine.model.ranges import hints, is_section, section_of, split
from engine.model.settings import FeedSettings
from engine.strategies.loader import find, ready_made

if TYPE_CHECKING:
    from engine.backtest.data import Data


class Job(Struct, frozen=True):
    """`feed.source` names the bars; of them `symbols`, or all, are traded from the day `start` through `end`, where these are given, or
    from the last `days` days on."""

    feed: FeedSettings
    profile: Profile
    symbols: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None
    days: int | None = None

    def open(self, say: Callable[[str], None] | None = None) -> Data:
        """The bars that are played, and what lies before them; `say` is told what has to be fetched. Raises FeedError."""
        from engine.backtest.data import open_between

        return open_between(self.feed, self.symbols, self.start, self.end, self.days, say)

    def pinned(self, data: Data) -> Job:
        """The same through the last day of `data`, which it ran over: of a source that goes on, later runs would see more."""
        if not is_fetched(self.feed.source):
            return self
        day_of = data.calendar.day_of
        last = max(day_of(series[-1].at) for series in data.bars.values())
        return replace(self, start=self.start or day_of(data.first), end=self.end or last, days=None)

    def anywhere(self) -> Job:
        """The same with whole paths, to be run again from another folder. Raises StrategyError where a strategy is not there."""
        strategies = tuple(
            each if each.file in ready_made() else replace(each, file=str(find(each.file))) for each in self.profile.strategies
        )
        source = self.feed.source
        if not is_named(source):
            source = str(Path(source).expanduser().absolute())
        return replace(self, feed=replace(self.feed, source=source), profile=replace(self.profile, strategies=strategies))


def job_of_tree(tree: Any) -> Job:
    """The job that `msgspec.to_builtins` made this tree of. What an older version did not say has its default. Raises ValueError.

    msgspec itself reads no type with a range on a decimal, and settings have those.
    """
    try:
        job = _value(Job, tree)
    except (AttributeError, KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"what it was run with cannot be read ({type(error).__name__}: {error})") from error
    if not isinstance(job, Job):
        raise ValueError("what it was run with is not there")
    return job


def _value(hint: Any, tree: Any) -> Any:
    kind, _, _ = split(hint)
    if tree is None:
        return None
    if (section := section_of(hint)) is not None:
        return {name: _value(section[1], value) for name, value in tree.items()}
    if is_section(kind):
        known = hints(kind)
        return kind(**{name: _value(known[name], value) for name, value in tree.items() if name in known})
    if get_origin(kind) is tuple:
        return tuple(_value(get_args(kind)[0], item) for item in tree)
    if kind is date:
        return date.fromisoformat(tree)
    if isinstance(kind, type) and issubclass(kind, Decimal | Path | Enum | float):
        return kind(tree)
    return tree
