"""A program for the tests of splits and kills: plays the morning of a split, or from a later DAY on, and dies by kill -9 once it has booked
it, before that is on the disk or as soon as it is.

python -m tests.acting DATABASE told|durable [DAY]
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

from engine.feeds.actions import Action
from engine.feeds.bars import BarFeed
from engine.feeds.calendar import Calendar
from engine.model.market import Bar
from engine.model.records import SplitBooked

THURSDAY, FRIDAY, MONDAY = date(2005, 3, 10), date(2005, 3, 11), date(2005, 3, 14)
"""The day before the split, the split's, and the next."""
_FIRST = date(2005, 1, 10)


def feed(start: date, end: date) -> Callable[[], BarFeed]:
    """AAPL at 100, and from Friday on at 50 in twice as many shares, each paid 0.25 as a dividend. It plays `start` to `end`."""
    calendar = Calendar()
    sessions = [session for session in calendar.sessions_from(_FIRST) if session.day <= end]
    prices = [(session.closes, 100.0 if session.day < FRIDAY else 50.0) for session in sessions]
    bars = {"AAPL": [Bar("AAPL", at, price, price, price, price, 1e6) for at, price in prices]}
    actions = [Action("AAPL", FRIDAY, "split", Decimal(2)), Action("AAPL", FRIDAY, "dividend", Decimal("0.25"))]
    return lambda: BarFeed("acting", bars, pace=20, start=start, actions=actions)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    from tests.engine.engines import make

    day = date.fromisoformat(sys.argv[3]) if len(sys.argv) > 3 else FRIDAY
    engine = make(Path(sys.argv[1]), feed=feed(day, date(2005, 3, 31)))
    if sys.argv[2] == "told":
        # A record is told when it has happened, and the loop, which writes it, has not gone round since.
        engine.subscribe(SplitBooked, lambda booked: die())
    engine.start()
    engine.wait_ready()
    while True:
        view = engine.status()
        if view.positions and view.positions[0].quantity == 200 and not view.metrics.journal_backlog:
            die()
        threading.Event().wait(0.002)


if __name__ == "__main__":
    main()
