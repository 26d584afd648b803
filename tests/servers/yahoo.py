"""What the library yfinance asks of Yahoo, told by a server of ours on the loopback, with bad manners on command.

It speaks the chart API: daily and intraday bars labelled by their open, divided by all later splits, in single precision, with dividends,
splits and the adjusted close, the bar that is still forming last; beside it the cookie and the crumb. Requests for every host of Yahoo's
arrive here, as `/HOST/path`, by a session that rewrites them.

    python -m tests.servers.yahoo [--port N]

serves by hand, with the wall clock as its time; tests/servers/loopback_yahoo.py is a feed for the console over it.
"""

from __future__ import annotations

import argparse
import json
import math
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from engine.feeds.calendar import Calendar, Session
from engine.feeds.new_york import SECOND

LENGTHS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "60m": 3600, "1d": 86_400}
BACK = {"1m": 30, "5m": 60, "15m": 60, "1h": 730, "60m": 730}
SPAN = {"1m": 8}
CRUMB = "aB3.dEf/gH"


class Share(Struct):
    """A listed share. `price` is about what it costs before all splits, `traded` what it did on its day. `without` are days without a bar,
    `nulls` those whose bar has a part missing."""

    symbol: str
    exchange: str = "XNYS"
    currency: str = "USD"
    price: float = 100.0
    listed: date = date(2000, 1, 3)
    splits: Mapping[date, tuple[int, int]] = field(default_factory=dict)
    dividends: Mapping[date, float] = field(default_factory=dict)
    """In the unit of the price, for a share of its day."""
    without: frozenset[date] = frozenset()
    nulls: frozenset[date] = frozenset()

    def traded(self, day: date, part: float) -> float:
        """What a share cost at this part, 0 to 1, of a day."""
        n = (day - date(2000, 1, 1)).days + part
        shares = self.ratio_after(date.min) / self.ratio_after(day)
        return round(self.price * (1 + 0.2 * math.sin(n / 30) + 0.01 * math.sin(n * 7)) / shares, 2)

    def ratio_after(self, day: date) -> float:
        """How many shares one of `day` has become."""
        ratio = 1.0
        for split, (new, old) in self.splits.items():
            if split > day:
                ratio *= new / old
        return ratio


class YahooServer:
    """Listens from its making until `close`. `now` is the server's own time, ns UTC. `asked` counts requests by host and path."""

    def __init__(self, shares: list[Share], now: Callable[[], int] = time.time_ns, port: int = 0) -> None:
        self.shares = {share.symbol: share for share in shares}
        self.now = now
        self.asked: Counter[str] = Counter()
        self.charts: list[dict[str, str]] = []
        """The query of each request for bars, with its symbol; those for the time zone are left out."""
        self._faults: list[tuple[str, str]] = []
        self._calendars: dict[str, Calendar] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.answer(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.answer(self)

            def log_message(self, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def arm(self, where: str, what: str, times: int = 1) -> None:
        """The next so many requests whose path holds `where` are answered by `what`: 429, 500, html, empty, null, error, mute or cut; or by
        the text of an error in Yahoo's words."""
        with self._lock:
            self._faults += [(where, what)] * times

    def disarm(self) -> None:
        with self._lock:
            self._faults.clear()

    # ---- answering

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        host, _, path = parts.path.lstrip("/").partition("/")
        with self._lock:
            self.asked[f"{host}/{path}"] += 1
            fault = next((fault for fault in self._faults if fault[0] in parts.path), None)
            if fault is not None:
                self._faults.remove(fault)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if "/chart/" in parts.path and "period1" in query:
            self.charts.append({"symbol": path.rpartition("/")[2], **query})
        match fault[1] if fault else "":
            case "":
                self._route(request, host, path, query)
            case "429":
                self._send(request, 429, b"Too Many Requests\r\n", "text/plain")
            case "500":
                self._send(request, 500, b"Internal Server Error", "text/plain")
            case "html":
                self._send(request, 200, b"<html><body>Will not be right back</body></html>", "text/html")
            case "mute":
                self._closing.wait(60)
            case "cut":
                request.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nContent-Type: application/json\r\n\r\n{"chart":')
                request.close_connection = True
            case "empty":
                self._json(request, {"chart": {"result": [{"meta": self._meta(path), "indicators": {"quote": [{}]}}], "error": None}})
            case "null":
                self._json(request, {"chart": {"result": None, "error": None}})
            case said:
                self._json(request, _error("Bad Request", said), 400)

    def _route(self, request: BaseHTTPRequestHandler, host: str, path: str, query: dict[str, str]) -> None:
        if host == "fc.yahoo.com":
            request.send_response(404)
            request.send_header("Set-Cookie", "A3=d=loopback; Path=/; Max-Age=31536000")
            request.send_header("Content-Length", "0")
            request.end_headers()
        elif path.endswith("getcrumb"):
            self._send(request, 200, CRUMB.encode(), "text/plain")
        elif "/chart/" in f"/{path}":
            self._chart(request, path.rpartition("/")[2], query)
        else:
            self._send(request, 404, b"", "text/html")

    def _chart(self, request: BaseHTTPRequestHandler, symbol: str, query: dict[str, str]) -> None:
        share = self.shares.get(symbol)
        if share is None:
            self._json(request, _error("Not Found", "No data found, symbol may be delisted"), 404)
            return
        interval = query["interval"]
        if "range" in query:
            begin, end = self.now() // SECOND - 7 * 86_400, self.now() // SECOND
        else:
            begin, end = int(query["period1"]), int(query["period2"])
            age = BACK.get(interval)
            if age is not None and begin < self.now() // SECOND - age * 86_400:
                said = f"{interval} data not available. The requested range must be within the last {age} days."
                self._json(request, _error("Unprocessable Entity", said), 422)
                return
            if (span := SPAN.get(interval)) is not None and end - begin > span * 86_400:
                said = f"{interval} data not available. Only {span} days worth of 1m granularity data are allowed."
                self._json(request, _error("Unprocessable Entity", said), 422)
                return
        result = self._result(share, interval, begin, end)
        if result is None:
            self._json(request, _error("Bad Request", f"Data doesn't exist for startDate = {begin}, endDate = {end}"), 400)
            return
        self._json(request, {"chart": {"result": [result], "error": None}})

    def _result(self, share: Share, interval: str, begin: int, end: int) -> dict[str, Any] | None:
        now, length = self.now() // SECOND, LENGTHS[interval]
        calendar = self._calendar(share.exchange)
        stamps: list[int] = []
        rows: list[tuple[float | None, ...]] = []
        events: dict[str, dict[str, Any]] = {}
        periods: list[list[dict[str, Any]]] = []
        for session in self._sessions(calendar, max(_day(begin, calendar), share.listed), _day(end, calendar)):
            opens, closes = session.opens // SECOND, session.closes // SECOND
            if opens > now:
                break
            periods.append([{"timezone": "X", "start": opens, "end": closes, "gmtoffset": 0}])
            inside = False
            for label in [opens] if interval == "1d" else range(opens, closes, length):
                if begin <= label < end and label <= now and session.day not in share.without:
                    inside = True
                    stamps.append(label)
                    rows.append(self._row(share, session, label, min(label + length, closes, now)))
            if inside or begin <= opens < end:
                self._add_events(share, session, events)
        if not stamps:
            return None
        columns = list(zip(*rows, strict=True))
        quote = dict(zip(("open", "high", "low", "close", "volume"), columns, strict=False))
        indicators: dict[str, Any] = {"quote": [quote]}
        if interval == "1d":
            indicators["adjclose"] = [{"adjclose": columns[5]}]
        meta = self._meta(f"chart/{share.symbol}") | {"dataGranularity": interval, "range": ""}
        if interval != "1d":
            meta["tradingPeriods"] = periods
        result = {"meta": meta, "timestamp": stamps, "indicators": indicators}
        return result | ({"events": events} if events else {})

    def _row(self, share: Share, session: Session, begin: int, end: int) -> tuple[float | None, ...]:
        day, opens, closes = session.day, session.opens // SECOND, session.closes // SECOND
        ratio, span = share.ratio_after(day), closes - opens
        prices = [share.traded(day, (begin + step * (end - begin) / 4 - opens) / span) / ratio for step in range(5)]
        volume = round(1_000_000 * (end - begin) / span * ratio)
        values: list[float | None] = [_single(price) for price in (prices[0], max(prices), min(prices), prices[-1])]
        paid = 1.0
        for ex, amount in share.dividends.items():
            if ex > day:
                before = self._close_before(share, ex)
                paid *= 1 - amount / before
        adjusted = _single(prices[-1] * paid)
        if day in share.nulls:
            values[1] = None
        return (*values, float(volume), adjusted)

    def _close_before(self, share: Share, day: date) -> float:
        calendar = self._calendar(share.exchange)
        found = [session for session in calendar.sessions_from(day - timedelta(days=10)) if session.day < day]
        return share.traded(found[-1].day, 1.0)

    def _add_events(self, share: Share, session: Session, events: dict[str, dict[str, Any]]) -> None:
        stamp = session.opens // SECOND
        if session.day in share.splits:
            new, old = share.splits[session.day]
            told = {"date": stamp, "numerator": float(new), "denominator": float(old), "splitRatio": f"{new}:{old}"}
            events.setdefault("splits", {})[str(stamp)] = told
        if session.day in share.dividends:
            amount = _single(share.dividends[session.day] / share.ratio_after(session.day))
            events.setdefault("dividends", {})[str(stamp)] = {"amount": amount, "date": stamp}

    def _meta(self, path: str) -> dict[str, Any]:
        share = self.shares.get(path.rpartition("/")[2]) or Share("NONE")
        zone = str(self._calendar(share.exchange).zone)
        return {
            "currency": share.currency,
            "symbol": share.symbol,
            "exchangeName": share.exchange,
            "fullExchangeName": {"XNYS": "NYSE", "XLON": "LSE"}.get(share.exchange, share.exchange),
            "instrumentType": "EQUITY",
            "exchangeTimezoneName": zone,
            "priceHint": 2,
            "firstTradeDate": int(datetime.combine(share.listed, datetime.min.time(), ZoneInfo(zone)).timestamp()),
            "regularMarketTime": self.now() // SECOND,
            "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
        }

    def _calendar(self, name: str) -> Calendar:
        with self._lock:
            return self._calendars.setdefault(name, Calendar(name))

    @staticmethod
    def _sessions(calendar: Calendar, first: date, last: date) -> list[Session]:
        found: list[Session] = []
        day = first
        while day <= last:
            found += [session for session in calendar.sessions_from(day) if session.day <= last]
            day = date(day.year + 2, 1, 1)
        return found

    def _json(self, request: BaseHTTPRequestHandler, content: Any, status: int = 200) -> None:
        self._send(request, status, json.dumps(content).encode(), "application/json")

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, status: int, content: bytes, kind: str) -> None:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)


def loopback_session(port: int, kind: type) -> Any:
    """A session of `kind` (a curl_cffi one), all of whose requests go to the server at `port`."""

    class Loopback(kind):  # type: ignore[misc]
        def request(self, method: Any, url: str, *args: Any, **options: Any) -> Any:
            return super().request(method, url.replace("https://", f"http://127.0.0.1:{port}/"), *args, **options)

    return Loopback()


def _error(code: str, said: str) -> dict[str, Any]:
    return {"chart": {"result": None, "error": {"code": code, "description": said}}}


def _day(seconds: int, calendar: Calendar) -> date:
    return datetime.fromtimestamp(seconds, UTC).astimezone(calendar.zone).date()


def _single(value: float) -> float:
    """Through single precision, as Yahoo tells its numbers."""
    told: float = struct.unpack("f", struct.pack("f", value))[0]
    return told


def some_shares() -> list[Share]:
    return [
        Share("AAPL", price=190.0, splits={date(2020, 8, 31): (4, 1)}, dividends={date(2024, 5, 10): 0.25}),
        Share("MSFT", price=420.0),
        Share("IBM", price=170.0),
        Share("VOD.L", exchange="XLON", currency="GBp", price=72.5, dividends={date(2024, 6, 6): 3.85}),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8801)
    server = YahooServer(some_shares(), port=parser.parse_args().port)
    print(server.port, flush=True)  # noqa: T201 - what whoever starts it waits for
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.close()


if __name__ == "__main__":
    main()
