"""A source for the console over a Yahoo of ours, to try a live feed by hand, without a network:

python -m tests.servers.yahoo --port 8801
PYTHONPATH=. tradeconsole --feed tests/servers/loopback_yahoo.py --symbols AAPL,MSFT
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date

from engine.feeds.calendar import Calendar
from engine.feeds.history import Fetched, Reach
from engine.feeds.yahoo import YahooHistory, library
from tests.servers.yahoo import loopback_session


class LoopbackYahoo:
    timeframes: Sequence[str] = YahooHistory.timeframes

    def __init__(self) -> None:
        port = int(os.environ.get("LOOPBACK_YAHOO", "8801"))
        self._yahoo = YahooHistory(Calendar("XNYS"), session=loopback_session(port, library.session_class()))

    def reach(self, timeframe: str) -> Reach:
        return self._yahoo.reach(timeframe)

    def history(self, symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        return self._yahoo.history(symbol, timeframe, start, end)
