"""What a backtest is run with: enough to run it again."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from engine.backtest.profile import Profile
from engine.model.settings import FeedSettings
from engine.strategies.loader import find, ready_made


class Job(Struct, frozen=True):
    """`feed.source` names the bars; of them `symbols`, or all, are traded from the day `start` through `end`, where these are given."""

    feed: FeedSettings
    profile: Profile
    symbols: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None

    def anywhere(self) -> Job:
        """The same with whole paths, to be run again from another folder. Raises StrategyError where a strategy is not there."""
        strategies = tuple(
            each if each.file in ready_made() else replace(each, file=str(find(each.file))) for each in self.profile.strategies
        )
        source = self.feed.source
        if source not in ("sample", "sim"):
            source = str(Path(source).expanduser().absolute())
        return replace(self, feed=replace(self.feed, source=source), profile=replace(self.profile, strategies=strategies))
