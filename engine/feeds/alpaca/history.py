"""Past bars from Alpaca, of the regular session, with splits and dividends beside them. A bar's label is its open; here it is its close."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from engine.feeds.actions import Action
from engine.feeds.alpaca.rest import Access, DataClients
from engine.feeds.bar_columns import columns_of
from engine.feeds.cached import sessions_between
from engine.feeds.calendar import Calendar, Session
from engine.feeds.history import Fetched, Reach
from engine.feeds.new_york import SECOND, to_ns
from engine.feeds.timeframe import DAY_S, seconds_of
from engine.model.market import Bar
from engine.model.money import exact, is_amount, is_price

_AT_ONCE = {"1m": 30, "5m": 150, "15m": 400, "1h": 800, "1d": None}
"""Days that are asked for in one go: some ten thousand bars, which is a page."""
_TOLD = 5


class AlpacaHistory:
    """Implements History. `now` is ns UTC. Its hours begin with the session, not with the clock's hour: they are made of half hours."""

    name = "alpaca"
    timeframes: Sequence[str] = tuple(_AT_ONCE)

    def __init__(self, calendar: Calendar, access: Access, *, adjusted: bool = False, now: Callable[[], int] = time.time_ns) -> None:
        self.adjusted = adjusted
        self.kept_as = f"alpaca-{access.tape}"
        self._calendar = calendar
        self._access = access
        self._now = now
        self._clients: DataClients | None = None

    def reach(self, timeframe: str) -> Reach:
        return Reach(at_once=_AT_ONCE[timeframe])

    def history(self, symbol: str, timeframe: str, start: date, end: date) -> Fetched:
        rows = self._asked().bars(self._request(symbol, timeframe, start, end))
        bars, problems = self._bars(symbol, timeframe, rows, sessions_between(self._calendar, start, end))
        actions = () if self.adjusted else self.acts(symbol, start, end)
        return Fetched(bars, actions, problems)

    def _asked(self) -> DataClients:
        if self._clients is None:
            self._clients = DataClients(self._access)
        return self._clients

    def _request(self, symbol: str, timeframe: str, start: date, end: date) -> Any:
        from alpaca.data.enums import Adjustment, DataFeed
        from alpaca.data.requests import StockBarsRequest
        from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

        units = {
            "1m": TimeFrame(1, TimeFrameUnit.Minute),
            "5m": TimeFrame(5, TimeFrameUnit.Minute),
            "15m": TimeFrame(15, TimeFrameUnit.Minute),
            "1h": TimeFrame(30, TimeFrameUnit.Minute),
            "1d": TimeFrame(1, TimeFrameUnit.Day),
        }
        first, after = (datetime(day.year, day.month, day.day, tzinfo=self._calendar.zone) for day in (start, end + timedelta(days=1)))
        return StockBarsRequest(
            symbol_or_symbols=symbol,
            timeframe=units[timeframe],
            start=first,
            # Of what is asked for both ends are part.
            end=after - timedelta(seconds=1),
            adjustment=Adjustment.ALL if self.adjusted else Adjustment.RAW,
            feed=DataFeed(self._access.tape),
        )

    def _bars(
        self, symbol: str, timeframe: str, rows: Sequence[dict[str, Any]], sessions: Sequence[Session]
    ) -> tuple[Sequence[Bar], tuple[str, ...]]:
        """Those of the regular sessions that have closed, each once, in order."""
        length = 1800 if timeframe == "1h" else seconds_of(timeframe)
        by_day = {session.day: session for session in sessions}
        now, found, bad = self._now(), dict[int, Bar](), list[str]()
        for row in rows:
            opened = _moment(row.get("t"))
            day = None if opened is None else opened.astimezone(self._calendar.zone).date()
            session = by_day.get(day) if day is not None else None
            if opened is None:
                bad.append(f"{row.get('t')!r} is no time")
                continue
            if session is None:
                continue  # a day that nobody asked for, or that the exchange has not
            at = session.closes if length == DAY_S else min(to_ns(opened) + length * SECOND, session.closes)
            if (length < DAY_S and not session.opens <= to_ns(opened) < session.closes) or at > now:
                continue  # before and after hours, and what is still forming
            if (bar := _bar(symbol, at, row)) is None:
                bad.append(f"{opened:%Y-%m-%d %H:%M} UTC has no prices: {_numbers(row)}")
            else:
                found[at] = bar
        bars: Sequence[Bar] = [found[at] for at in sorted(found)]
        if timeframe == "1h" and bars:
            from engine.feeds.aggregate import aggregated

            hours = aggregated(columns_of(symbol, bars), "1h", self._calendar)
            bars = [bar for bar in hours if bar.at <= now]
        told = [f"Alpaca's {symbol} bar left out: {why}." for why in bad[:_TOLD]]
        return bars, tuple(told if len(bad) <= _TOLD else [*told, f"And {len(bad) - _TOLD} more."])

    def acts(self, symbol: str, start: date, end: date) -> tuple[Action, ...]:
        """Its splits and dividends with an ex-date in these days. Raises as `history`."""
        from alpaca.data.enums import CorporateActionsType
        from alpaca.data.requests import CorporateActionsRequest

        kinds = ("FORWARD_SPLIT", "REVERSE_SPLIT", "STOCK_DIVIDEND", "CASH_DIVIDEND")
        types = [CorporateActionsType[kind] for kind in kinds]
        told = self._asked().acts(CorporateActionsRequest(symbols=[symbol], types=types, start=start, end=end))
        found: dict[tuple[date, str], Action] = {}
        for kind, rows in told.items():
            for row in rows:
                action = _action(symbol, kind, row)
                if action is None or not start <= action.day <= end or row.get("symbol") != symbol:
                    continue
                key = action.day, action.kind
                if key in found and action.kind == "dividend":  # a special one beside the usual one
                    action = Action(symbol, action.day, "dividend", found[key].value + action.value)
                found[key] = action
        return tuple(found[key] for key in sorted(found))


def _action(symbol: str, kind: str, row: dict[str, Any]) -> Action | None:
    """None where it is nothing that can be booked."""
    try:
        day = date.fromisoformat(str(row["ex_date"]))
        if kind in ("forward_splits", "reverse_splits"):
            value = _decimal(row["new_rate"]) / _decimal(row["old_rate"])
        elif kind == "stock_dividends":
            value = 1 + _decimal(row["rate"])
        else:
            value = _decimal(row["rate"])
    except (KeyError, ValueError, TypeError, ArithmeticError):
        return None
    return Action(symbol, day, "dividend" if kind == "cash_dividends" else "split", value) if is_amount(value) else None


def _decimal(number: Any) -> Decimal:
    return exact(float(number))


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _bar(symbol: str, at: int, row: dict[str, Any]) -> Bar | None:
    values = _numbers(row)
    if values is None:
        return None
    open_, high, low, close, volume = values
    good = all(map(is_price, (open_, high, low, close))) and low <= high and isfinite(volume) and volume >= 0
    return Bar(symbol, at, open_, high, low, close, volume) if good else None


def _numbers(row: dict[str, Any]) -> tuple[float, ...] | None:
    try:
        return tuple(float(row[name]) for name in "ohlcv")
    except (KeyError, TypeError, ValueError):
        return None
