"""What history tells of the close that changes count from, and which session a bar is of. The rule itself is in `engine.core.closes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.core.closes import Closes
from engine.core.prices import Prices
from engine.feeds.base import Feed, FeedError
from engine.feeds.timeframe import DAY_S, seconds_of
from engine.model.market import Bar

if TYPE_CHECKING:
    from engine.feeds.calendar import Hours


class SessionOf:
    """Answers the trading day, YYYY-MM-DD, in whose regular session a bar of `timeframe` closed at a time; empty where it did in none, as
    one before or after hours does. A day's bar is always of a session."""

    def __init__(self, hours: Hours, timeframe: str) -> None:
        self._hours = hours
        self._daily = seconds_of(timeframe) >= DAY_S
        self._latest = (0, 0, "")
        """Between which times the answer of before is good."""

    def __call__(self, at: int) -> str:
        opens, closes, day = self._latest
        if opens < at <= closes:
            return day
        try:
            session = self._hours.current_or_next(at - 1)
            if session.opens < at <= session.closes:
                self._latest = session.opens, session.closes, session.day.isoformat()
                return self._latest[2]
            return self._hours.day_of(at).isoformat() if self._daily else ""
        except FeedError:  # the calendar ends: no change is shown then, and all else goes on
            return ""


def past_closes(feed: Feed, prices: Prices, symbol: str, bars: Sequence[Bar]) -> Closes:
    """What is known at the end of `bars`, the newest of `symbol` in the feed's own timeframe. Its days reach back to an earlier session
    however short those are, and are of the regular session alone."""
    days = bars
    if bars and seconds_of(feed.timeframe) < DAY_S:
        try:
            days = feed.history(symbol, 3, "1d")
        except FeedError:
            days = bars
    return prices.closes_in((*bars[-1:], *days))
