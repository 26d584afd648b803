"""A clock that moves only when somebody sleeps on it."""

from __future__ import annotations

from contextlib import suppress

from engine.feeds.base import Feed
from engine.feeds.new_york import SECOND
from engine.model.market import MarketEvent


class OverError(Exception):
    """The time given to a run is up."""


class FakeTime:
    """Counts integer nanoseconds. A sleep that would pass `until` ends the run instead."""

    def __init__(self, now: int = 0, until: int | None = None) -> None:
        self.now = now
        self.until = until
        self.sleeps: list[float] = []

    def nanoseconds(self) -> int:
        return self.now

    def seconds(self) -> float:
        return self.now / SECOND

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += round(seconds * SECOND)
        if self.until is not None and self.now > self.until:
            raise OverError


async def play(feed: Feed) -> list[MarketEvent]:
    """All that `feed` tells until its data or its time is over."""
    events: list[MarketEvent] = []
    with suppress(OverError):
        await feed.run(events.append)
    return events
