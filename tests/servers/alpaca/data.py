"""The loopback Alpaca's market data: past bars in pages, splits and dividends, and what its stream tells of bars, trades and halts.

Bars begin half an hour before the session and end half an hour after it, as Alpaca tells extended hours unasked; the one that is still
forming is the last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgpack  # type: ignore[import-untyped]

from engine.feeds.cached import sessions_between
from engine.feeds.calendar import Calendar, Session
from engine.feeds.new_york import SECOND
from tests.servers.alpaca.rest import Answer, Query, Rest
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.yahoo import Share

_LENGTHS = {"1Min": 60, "5Min": 300, "15Min": 900, "30Min": 1800, "1Hour": 3600, "1Day": 86_400}
_AROUND = 1800


class Tape:
    """Answers the requests for market data. `page` is how many rows an answer has at most, `asked` the queries of all that came."""

    def __init__(self, shares: list[Share], now: Callable[[], int] = time.time_ns) -> None:
        self.shares = {share.symbol: share for share in shares}
        self.now = now
        self.page = 10_000
        self.asked: list[Mapping[str, str]] = []
        self.refuse: tuple[int, dict[str, Any]] | None = None
        """Answered to everything, where it is set: a status and its body."""
        self.spoil: Callable[[dict[str, Any]], None] = lambda row: None
        """Is given each bar before it is told."""
        self._calendar = Calendar()

    def answer(self, path: str, query: Query) -> Answer:
        self.asked.append({"path": path, **query})
        if self.refuse is not None:
            return self.refuse
        share = self.shares.get(query.get("symbols", ""))
        if path == "/v1/corporate-actions":
            return 200, {"corporate_actions": self._acts(share, query) if share else {}, "next_page_token": None}
        if share is None:
            return 200, {"bars": {}, "next_page_token": None}
        rows = self._rows(share, query)
        begin = int(query.get("page_token") or 0)
        end = begin + min(self.page, int(query.get("limit", "1000")))
        token = str(end) if end < len(rows) else None
        return 200, {"bars": {share.symbol: rows[begin:end]} if rows else {}, "next_page_token": token}

    def _rows(self, share: Share, query: Query) -> list[dict[str, Any]]:
        first, last = (datetime.fromisoformat(query[name]) for name in ("start", "end"))
        zone = self._calendar.zone
        length, now = _LENGTHS[query["timeframe"]], self.now() // SECOND
        found = []
        for session in sessions_between(self._calendar, first.astimezone(zone).date(), last.astimezone(zone).date()):
            opens, closes = session.opens // SECOND, session.closes // SECOND
            midnight = int(datetime.combine(session.day, datetime.min.time(), zone).timestamp())
            for label in [midnight] if length == 86_400 else range(opens - _AROUND, closes + _AROUND, length):
                begins = opens if length == 86_400 else label
                if first.timestamp() <= label <= last.timestamp() and begins < now and session.day not in share.without:
                    row = self._row(share, session, label, begins, min(begins + length, now), query.get("adjustment", "raw"))
                    self.spoil(row)
                    found.append(row)
        return found

    @staticmethod
    def _row(share: Share, session: Session, label: int, begins: int, ends: int, adjustment: str) -> dict[str, Any]:
        opens, closes = session.opens // SECOND, session.closes // SECOND
        ends = min(ends, closes) if begins < closes else ends
        ratio = share.ratio_after(session.day) if adjustment in ("split", "all") else 1.0
        prices = [share.traded(session.day, (begins + step * (ends - begins) / 4 - opens) / (closes - opens)) / ratio for step in range(5)]
        told = datetime.fromtimestamp(label, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        volume = round((ends - begins) * 100 * ratio)
        return {"t": told, "o": prices[0], "h": max(prices), "l": min(prices), "c": prices[-1], "v": volume, "n": 10, "vw": prices[2]}

    @staticmethod
    def _acts(share: Share, query: Query) -> dict[str, Any]:
        first, last = (date.fromisoformat(query[name]) for name in ("start", "end"))
        told: dict[str, list[dict[str, Any]]] = {}
        for day, (new, old) in share.splits.items():
            if first <= day <= last:
                kind = "forward_splits" if new > old else "reverse_splits"
                told.setdefault(kind, []).append({"symbol": share.symbol, "ex_date": str(day), "new_rate": new, "old_rate": old})
        for day, amount in share.dividends.items():
            if first <= day <= last:
                told.setdefault("cash_dividends", []).append(
                    {"symbol": share.symbol, "ex_date": str(day), "rate": amount, "special": False}
                )
        return told


class _WithTape:
    """The part of the REST interface that trading takes, with the market's before it."""

    def __init__(self, rest: Rest, tape: Tape) -> None:
        self._rest, self._tape = rest, tape

    def answer(self, method: str, path: str, query: Query, body: bytes) -> Answer:
        if path.startswith(("/v2/stocks/", "/v1/")):
            return self._tape.answer(path, query)
        return self._rest.answer(method, path, query, body)


class AlpacaDataServer(AlpacaServer):
    """An AlpacaServer that knows the past of `shares`, and tells on its stream what a test says."""

    def __init__(self, shares: list[Share], now: Callable[[], int] = time.time_ns, port: int = 0) -> None:
        super().__init__(port)
        self.tape = Tape(shares, now)
        self._rest = _WithTape(self._rest, self.tape)  # type: ignore[assignment]

    def __enter__(self) -> AlpacaDataServer:
        super().__enter__()
        return self

    def quote_at(self, at: int, symbol: str, bid: float, ask: float) -> None:
        self._tell("quotes", at, {"T": "q", "S": symbol, "bp": bid, "bs": 5, "ap": ask, "as": 7})

    def trade_at(self, at: int, symbol: str, price: float) -> None:
        self._tell("trades", at, {"T": "t", "S": symbol, "p": price, "s": 10})

    def bar_at(self, opened: int, symbol: str, price: float, volume: float = 100.0) -> None:
        self._tell("bars", opened, {"T": "b", "S": symbol, "o": price, "h": price + 1, "l": price - 1, "c": price, "v": volume})

    def status_at(self, at: int, symbol: str, code: str, words: str, reason: str = "") -> None:
        self._tell("statuses", at, {"T": "s", "S": symbol, "sc": code, "sm": words, "rc": "", "rm": reason, "z": "C"})

    def say(self, message: Mapping[str, Any]) -> None:
        """To every connection of the data stream, whoever it listens to."""
        self.do(lambda: [self.prices._send(socket, message) for socket in self.prices.sockets])

    def _carry_out(self, name: str, given: Mapping[str, Any]) -> None:
        if name != "halt":
            super()._carry_out(name, given)
            return
        code, words = ("H", "Trading Halt") if given.get("halted", True) else ("T", "Trading Resumption")
        at = msgpack.Timestamp.from_unix_nano(time.time_ns())
        self.prices.tell("statuses", {"T": "s", "S": given["symbol"], "sc": code, "sm": words, "rc": "", "rm": "", "z": "C", "t": at})

    def cut_prices(self) -> None:
        self.do(self.prices.cut)

    def listening(self, channel: str = "quotes") -> set[str]:
        """The symbols that somebody listens to."""
        return self.do(lambda: set().union(*(wanted.get(channel, set()) for wanted in self.prices._wanted.values())))

    def _tell(self, channel: str, at: int, message: Mapping[str, Any]) -> None:
        self.do(lambda: self.prices.tell(channel, {**message, "t": msgpack.Timestamp.from_unix_nano(at)}))
