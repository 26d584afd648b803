"""Market data: ticks, real-time bars and past bars, with TWS's own limits on how much may be asked for."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.servers.tws import say
from tests.servers.tws.contracts import Stock
from tests.servers.tws.exchange import CENT, Exchange

if TYPE_CHECKING:
    from tests.servers.tws.session import Session

BARS_S = {"1 secs": 1, "5 secs": 5, "1 min": 60, "5 mins": 300, "15 mins": 900, "1 hour": 3600, "1 day": 86_400}
LASTS_S = {"S": 1, "D": 86_400, "W": 7 * 86_400, "M": 30 * 86_400, "Y": 365 * 86_400}
SAME_AGAIN_S = 15
IN_TEN_MINUTES = 60
PACING = "Historical Market Data Service error message:API historical data query pacing violation"


class MarketData:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._ticks: dict[tuple[Session, int], Stock] = {}
        self._bars: dict[tuple[Session, int], Stock] = {}
        self._asked: list[tuple[float, str]] = []
        self.taken_by_another = False

    def forget(self, session: Session) -> None:
        for subscribed in (self._ticks, self._bars):
            for key in [key for key in subscribed if key[0] is session]:
                del subscribed[key]

    # ---- ticks

    def begin_ticks(self, session: Session, request: int, stocks: list[Stock], *, snapshot: bool) -> None:
        if len(stocks) != 1:
            session.send(say.error(request, 200, "No security definition has been found for the request"))
            return
        if self.taken_by_another:
            session.send(say.error(request, 10197, "No market data during competing live session"))
            return
        session.send([58, 1, request, 1])
        session.send([81, request, "0.01", "9c0001", 3])
        self._tick(session, request, stocks[0])
        if snapshot:
            session.send([57, 1, request])
        else:
            self._ticks[session, request] = stocks[0]

    def end_ticks(self, session: Session, request: int) -> None:
        self._ticks.pop((session, request), None)

    def moved(self, stock: Stock) -> None:
        """A new price: everybody who follows it is told."""
        for (session, request), each in self._ticks.items():
            if each is stock and not self.taken_by_another:
                self._tick(session, request, stock)

    def _tick(self, session: Session, request: int, stock: Stock) -> None:
        price = self._exchange.prices[stock.con_id]
        session.send(say.tick_price(request, 1, self._exchange.side(stock.con_id, -1), Decimal(500)))
        session.send(say.tick_price(request, 2, self._exchange.side(stock.con_id, 1), Decimal(500)))
        session.send(say.tick_price(request, 4, price.last, Decimal(100)))
        session.send([46, 6, request, 45, int(time.time())])

    # ---- bars as they come

    def begin_bars(self, session: Session, request: int, stocks: list[Stock]) -> None:
        if len(stocks) != 1:
            session.send(say.error(request, 200, "No security definition has been found for the request"))
        elif not self._may_ask(f"bars {request}"):
            session.send(say.error(request, 420, "Invalid Real-time Query:pacing violation"))
        else:
            self._bars[session, request] = stocks[0]
            session.send(say.realtime_bar(request, int(time.time()) // 5 * 5, self._exchange.prices[stocks[0].con_id].last))

    def end_bars(self, session: Session, request: int) -> None:
        self._bars.pop((session, request), None)

    def five_seconds(self) -> None:
        for (session, request), stock in self._bars.items():
            session.send(say.realtime_bar(request, int(time.time()) // 5 * 5, self._exchange.prices[stock.con_id].last))

    # ---- past bars

    def history(self, session: Session, request: int, stocks: list[Stock], end: str, size: str, duration: str, what: str) -> None:
        if len(stocks) != 1:
            session.send(say.error(request, 200, "No security definition has been found for the request"))
            return
        if size not in BARS_S or duration.split(" ")[-1] not in LASTS_S:
            session.send(say.error(request, 321, f"Error validating request.-'cd' : cause - {size}, {duration}"))
            return
        if not self._may_ask(what):
            session.send(say.error(request, 162, PACING))
            return
        step, (many, unit) = BARS_S[size], duration.split(" ")
        until = _at(end)
        span = int(many) * LASTS_S[unit]
        count = min(span // step, 2000)
        chance = random.Random(f"{stocks[0].symbol} {size}")
        price, told = self._exchange.prices[stocks[0].con_id].last, []
        for _ in range(count):
            close = (price * Decimal(repr(1 + chance.gauss(0, 0.002)))).quantize(CENT)
            told.append((price, max(price, close) + CENT, min(price, close) - CENT, close))
            price = close
        fields: list[object] = [17, request, _written(until - timedelta(seconds=span)), _written(until), count]
        for index, (first, high, low, close) in enumerate(told):
            at = until - timedelta(seconds=step * (count - index))
            stamp = at.strftime("%Y%m%d") if step == 86_400 else str(int(at.timestamp()))
            fields += [stamp, first, high, low, close, 1000 + index, close, 10]
        session.send(fields)

    def _may_ask(self, what: str) -> bool:
        """No same request within 15 seconds, no more than 60 in ten minutes."""
        now = time.monotonic()
        self._asked = [(at, each) for at, each in self._asked if now - at < 600]
        again = any(each == what and now - at < SAME_AGAIN_S for at, each in self._asked)
        self._asked.append((now, what))
        return not again and len(self._asked) <= IN_TEN_MINUTES


def _at(end: str) -> datetime:
    if not end:
        return datetime.now(UTC).replace(microsecond=0)
    day, clock = end.split(" ")[0].split("-") if "-" in end else end.split(" ")[:2]
    return datetime.strptime(day + clock, "%Y%m%d%H:%M:%S").replace(tzinfo=UTC)


def _written(at: datetime) -> str:
    return at.strftime("%Y%m%d %H:%M:%S UTC")
