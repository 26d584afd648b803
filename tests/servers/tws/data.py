"""Market data: ticks, live and delayed, bars of five seconds and past bars, with TWS's own limits on how much may be asked for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from engine.feeds.cached import sessions_between
from engine.feeds.calendar import ALWAYS, Calendar
from tests.servers.tws import say
from tests.servers.tws.contracts import Stock
from tests.servers.tws.exchange import CENT, Exchange

if TYPE_CHECKING:
    from tests.servers.tws.session import Session as Client

BARS_S = {"1 secs": 1, "5 secs": 5, "1 min": 60, "5 mins": 300, "15 mins": 900, "30 mins": 1800, "1 hour": 3600, "1 day": 86_400}
LASTS_S = {"S": 1, "D": 86_400, "W": 7 * 86_400, "M": 30 * 86_400, "Y": 365 * 86_400}
LIVE, DELAYED = 1, 3
PACING = "Historical Market Data Service error message:API historical data query pacing violation"
NO_DATA = "Historical Market Data Service error message:HMDS query returned no data: {}@SMART Trades"
NO_RIGHTS = "Requested market data is not subscribed. Check API status by selecting the Account menu then under Management"
DELAYED_TOLD = "Requested market data is not subscribed. Displaying delayed market data."
_WAVES = 37


class MarketData:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._ticks: dict[tuple[Client, int], Stock] = {}
        self._bars: dict[tuple[Client, int], Stock] = {}
        self._calendars = {True: Calendar(), False: Calendar(ALWAYS)}
        self.counts: Counter[str] = Counter()
        """Of what was asked so far: `ticks`, `bars`, `history`, each also with its symbol behind a blank."""
        self.rights: dict[str, str] = {}
        """What its user may see of a symbol: live where nothing else is said, delayed or none."""
        self.lines = 100
        self.pace(15.0, 2.0, 600.0, 60)
        self.taken_by_another = False
        self.disconnected = False
        self.by_itself = True
        """Whether bars of five seconds come by themselves."""
        self.ahead_s = 0.0
        """Of this machine's clock."""

    def pace(self, same_again_s: float, of_one_s: float, span_s: float, most: int) -> None:
        """From now on, and nothing was asked before."""
        self._same_again_s, self._of_one_s, self._span_s, self._most = same_again_s, of_one_s, span_s, most
        self._asked: list[tuple[float, int, str]] = []

    def now(self) -> float:
        """The market's time, in seconds since 1970."""
        return time.time() + self.ahead_s

    def forget(self, client: Client | None = None) -> None:
        """Nothing is subscribed any more, by this client or by all."""
        for subscribed in (self._ticks, self._bars):
            for key in [key for key in subscribed if client in (None, key[0])]:
                del subscribed[key]

    def followed(self) -> dict[str, list[str]]:
        return {
            name: sorted(stock.symbol.replace(" ", ".") for stock in of.values())
            for name, of in (("ticks", self._ticks), ("bars", self._bars))
        }

    def _may_see(self, client: Client, request: int, stock: Stock) -> str:
        """`live`, `delayed`, or nothing where it was refused."""
        rights = self.rights.get(stock.symbol, "live")
        if self.taken_by_another:
            client.send(say.error(request, 10197, "No market data during competing live session"))
        elif sum(key[0] is client for key in (*self._ticks, *self._bars)) >= self.lines:
            client.send(say.error(request, 101, "Max number of tickers has been reached"))
        elif rights == "none" or (rights == "delayed" and client.data_type < DELAYED):
            client.send(say.error(request, 354, NO_RIGHTS))
        else:
            return rights
        return ""

    # ---- ticks

    def begin_ticks(self, client: Client, request: int, stocks: list[Stock], *, snapshot: bool) -> None:
        if len(stocks) != 1:
            client.send(say.error(request, 200, "No security definition has been found for the request"))
            return
        stock = stocks[0]
        self._count("ticks", stock)
        if not (rights := self._may_see(client, request, stock)):
            return
        if rights == "delayed":
            client.send(say.error(request, 10167, DELAYED_TOLD))
        client.send([58, 1, request, DELAYED if rights == "delayed" else LIVE])
        client.send([81, request, "0.01", "9c0001", 3])
        self._tick(client, request, stock)
        if snapshot:
            client.send([57, 1, request])
        else:
            self._ticks[client, request] = stock

    def end_ticks(self, client: Client, request: int) -> None:
        if self._ticks.pop((client, request), None) is None:
            client.send(say.error(request, 300, f"Can't find EId with tickerId:{request}"))

    def moved(self, stock: Stock) -> None:
        """A new price: everybody who follows it is told."""
        for (client, request), each in self._ticks.items():
            if each is stock and not (self.taken_by_another or self.disconnected):
                self._tick(client, request, stock)

    def _tick(self, client: Client, request: int, stock: Stock) -> None:
        late = 0 if self.rights.get(stock.symbol, "live") == "live" else 1
        price = self._exchange.prices[stock.con_id]
        bid, ask, last, stamp = ((1, 2, 4, 45), (66, 67, 68, 88))[late]
        client.send(say.tick_price(request, bid, self._exchange.side(stock.con_id, -1), Decimal(500)))
        client.send(say.tick_price(request, ask, self._exchange.side(stock.con_id, 1), Decimal(700)))
        client.send(say.tick_price(request, last, price.last, Decimal(100)))
        client.send([46, 6, request, stamp, int(self.now()) - 900 * late])

    def tick(self, stock: Stock, kind: int, price: Decimal) -> None:
        """One tick by hand."""
        for (client, request), each in self._ticks.items():
            if each is stock:
                client.send(say.tick_price(request, kind, price, Decimal(100)))

    def halt(self, stock: Stock, state: int) -> None:
        for (client, request), each in self._ticks.items():
            if each is stock:
                client.send([45, 6, request, 49, state])

    # ---- bars as they come

    def begin_bars(self, client: Client, request: int, stocks: list[Stock]) -> None:
        if len(stocks) != 1:
            client.send(say.error(request, 200, "No security definition has been found for the request"))
            return
        stock = stocks[0]
        self._count("bars", stock)
        if self.rights.get(stock.symbol, "live") != "live":
            client.send(say.error(request, 420, "Invalid Real-time Query:No market data permissions for SMART STK"))
        elif self._may_see(client, request, stock):
            if not self._may_ask(stock.con_id, f"bars {request}"):
                client.send(say.error(request, 420, "Invalid Real-time Query:Historical data request pacing violation"))
            else:
                self._bars[client, request] = stock

    def end_bars(self, client: Client, request: int) -> None:
        self._bars.pop((client, request), None)

    def five_seconds(self) -> None:
        if self.by_itself:
            for stock in set(self._bars.values()):
                self.bar(stock, int(self.now()) // 5 * 5 - 5, self._exchange.prices[stock.con_id].last)

    def bar(self, stock: Stock, opened: int, price: Decimal) -> None:
        """A bar of five seconds, all at one price."""
        for (client, request), each in self._bars.items():
            if each is stock and not (self.taken_by_another or self.disconnected):
                client.send(say.realtime_bar(request, opened, price))

    # ---- past bars

    def history(
        self, client: Client, request: int, stocks: list[Stock], end: str, size: str, duration: str, regular: bool, what: str
    ) -> None:
        if len(stocks) != 1:
            client.send(say.error(request, 200, "No security definition has been found for the request"))
            return
        stock = stocks[0]
        self._count("history", stock)
        many, _, unit = duration.partition(" ")
        if size not in BARS_S or unit not in LASTS_S or (unit == "D" and int(many) > 365) or (what == "ADJUSTED_LAST" and end):
            client.send(say.error(request, 321, f"Error validating request.-'cd' : cause - {size}, {duration}, {what}, {end}"))
            return
        if not self._may_ask(stock.con_id, f"{stock.con_id} {end} {size} {duration} {what}"):
            client.send(say.error(request, 162, PACING))
            return
        if self.rights.get(stock.symbol, "live") == "none":
            client.send(say.error(request, 162, "Historical Market Data Service error message:No market data permissions for NYSE STK"))
            return
        until = self._at(end)
        begin = until - timedelta(seconds=int(many) * LASTS_S[unit])
        told = list(self._past(stock, begin, until, BARS_S[size], regular))
        if not told:
            client.send(say.error(request, 162, NO_DATA.format(stock.symbol)))
            return
        fields: list[object] = [17, request, _written(begin), _written(until), len(told)]
        for row in told:
            fields += row
        client.send(fields)

    def _past(self, stock: Stock, begin: datetime, until: datetime, step: int, regular: bool) -> Iterator[list[object]]:
        """From the opening of the first day on, the one that is still forming last."""
        calendar = self._calendars[regular]
        behind = 900 if self.rights.get(stock.symbol) == "delayed" else 0
        first = begin.astimezone(calendar.zone).date()
        # A user who sees a symbol late sees its past as late.
        last_s = min(int(until.timestamp()), int(self.now()) - behind)
        for session in sessions_between(calendar, first, until.date()):
            opens, closes = session.opens // 10**9, session.closes // 10**9
            if step == 86_400:
                if opens < last_s:
                    yield self._row(stock, f"{session.day:%Y%m%d}", opens, min(closes, last_s))
                continue
            for at in range(opens, min(closes, last_s), step):
                yield self._row(stock, str(at), at, min(at + step, closes))

    def _row(self, stock: Stock, stamp: str, begin: int, end: int) -> list[object]:
        opened, closed = price_at(stock, begin), price_at(stock, end)
        volume = 1000 + (begin // 60) % 1000
        return [stamp, opened, max(opened, closed) + CENT, min(opened, closed) - CENT, closed, volume, closed, 10]

    def _may_ask(self, con_id: int, what: str) -> bool:
        """No same request within 15 seconds, fewer than six for a contract in two, no more than 60 in ten minutes."""
        now = time.monotonic()
        self._asked = [each for each in self._asked if now - each[0] < self._span_s]
        again = any(each == what and now - at < self._same_again_s for at, _, each in self._asked)
        crowded = sum(each == con_id and now - at < self._of_one_s for at, each, _ in self._asked) >= 5
        self._asked.append((now, con_id, what))
        return not (again or crowded) and len(self._asked) <= self._most

    def _count(self, what: str, stock: Stock) -> None:
        self.counts[what] += 1
        self.counts[f"{what} {stock.symbol.replace(' ', '.')}"] += 1

    def _at(self, end: str) -> datetime:
        if not end:
            return datetime.fromtimestamp(int(self.now()), UTC)
        day, clock = end.split(" ")[0].split("-") if "-" in end else end.split(" ")[:2]
        return datetime.strptime(day + clock, "%Y%m%d%H:%M:%S").replace(tzinfo=UTC)


def price_at(stock: Stock, at: int) -> Decimal:
    """What it cost in the past, at this second: about its price, and the same whoever asks."""
    wave = Decimal(at // 60 * 7 % (2 * _WAVES) - _WAVES) / (100 * _WAVES)
    return (stock.price * (1 + wave / 5)).quantize(CENT)


def _written(at: datetime) -> str:
    return at.strftime("%Y%m%d %H:%M:%S UTC")
