"""Alpaca's data by its own clients: each request has its time, none is repeated, and what goes wrong is said in words."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from engine.brokers.alpaca.retry_after import retry_after_s
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.history import PausedError
from engine.feeds.names import shown

CONNECT_S, ANSWER_S = 3.0, 10.0
PAUSE_S = 60.0
"""After a 429 that does not say when to come back: Alpaca counts requests by the minute."""
LONGEST_PAUSE_S = 900.0
"""However long it says."""
REFUSED_KEY = "Alpaca refuses the key ({words}): check ALPACA_API_KEY and ALPACA_SECRET_KEY, then start again."
_LATER = frozenset({408, 409, 425})


class Access(Struct, frozen=True):
    """Who asks, and where: `tape` is iex (one exchange, free) or sip (all of them, by subscription), `url` another server than Alpaca's
    own, for tests."""

    key: str
    secret: str
    tape: str = "iex"
    url: str = ""


class DataClients:
    """The library's clients. Made on the thread that uses them, for the library takes a second to import."""

    def __init__(self, access: Access) -> None:
        from alpaca.data.historical.corporate_actions import CorporateActionsClient
        from alpaca.data.historical.stock import StockHistoricalDataClient

        self._bars = _bounded(StockHistoricalDataClient, access)
        self._acts = _bounded(CorporateActionsClient, access)
        self._quiet_until = 0.0

    def bars(self, request: Any) -> list[dict[str, Any]]:
        """All pages, as Alpaca told them. Raises FeedError, FeedLostError, PausedError."""
        told = self._asked(lambda: self._bars.get_stock_bars(request))
        rows = [row for rows in told.values() for row in rows or ()]
        return [row for row in rows if isinstance(row, dict)]

    def acts(self, request: Any) -> dict[str, list[dict[str, Any]]]:
        """By kind. Raises as above."""
        told = self._asked(lambda: self._acts.get_corporate_actions(request))
        return {kind: [row for row in rows if isinstance(row, dict)] for kind, rows in told.items() if isinstance(rows, list)}

    def _asked(self, ask: Callable[[], Any]) -> dict[str, Any]:
        """As `_answered`; nothing is asked before Alpaca wants to be."""
        if (left := self._quiet_until - time.monotonic()) > 0:
            raise PausedError(f"Alpaca was asked too much and is left alone for {math.ceil(left)} s more.", left)
        try:
            return _answered(ask)
        except PausedError as error:
            self._quiet_until = time.monotonic() + (error.again_s or 0.0)
            raise


def _bounded(made_by: Any, access: Access) -> Any:
    from requests.adapters import HTTPAdapter

    class Timed(HTTPAdapter):
        """The clients themselves wait for ever."""

        def send(self, request: Any, *args: Any, **more: Any) -> Any:
            more["timeout"] = (CONNECT_S, ANSWER_S)
            return super().send(request, *args, **more)

    client = made_by(access.key, access.secret, raw_data=True, url_override=access.url or None)
    # They would sleep over a 429, and tell nobody.
    client._retry_codes = []
    client._session.mount("https://", Timed())
    client._session.mount("http://", Timed())
    client._session.trust_env = not access.url
    return client


def _answered(ask: Callable[[], Any]) -> dict[str, Any]:
    from alpaca.common.exceptions import APIError
    from requests.exceptions import RequestException

    try:
        told = ask()
    except APIError as error:
        after_s = retry_after_s(error.response.headers) if error.response is not None else None
        raise _refused(error.status_code or 0, str(error), after_s) from None
    except RequestException as error:
        raise FeedLostError(f"Alpaca's data did not come: {_trouble(error)}.") from None
    except (ValueError, AttributeError, TypeError):
        # No JSON, or not of the shape that the library looks for.
        raise FeedLostError("Alpaca's data did not come: its answer is not what can be read.") from None
    if not isinstance(told, dict):
        raise FeedLostError("Alpaca's data did not come: its answer is empty.")
    return told


def _refused(status: int, body: str, after_s: float | None) -> FeedError:
    words = _words(body)
    if status == 429:
        pause = PAUSE_S if after_s is None else min(max(after_s, 1.0), LONGEST_PAUSE_S)
        return PausedError(f"Alpaca says that it is asked too much (429): it is left alone for {math.ceil(pause)} s.", pause)
    if status == 401 or (status == 403 and "subscription" not in words):
        return FeedError(REFUSED_KEY.format(words=words or status))
    if status == 403:
        return FeedError(f"Alpaca says: {words}. feed.tape: iex is what is free.")
    if 400 <= status < 500 and status not in _LATER:
        return FeedError(f"Alpaca says: {words or status}.")
    return FeedLostError(f"Alpaca's data did not come: it answered {status}.")


def _words(body: str) -> str:
    try:
        told = json.loads(body)
    except ValueError:
        return ""
    return shown(str(told.get("message") or "")).rstrip(".") if isinstance(told, dict) else ""


def _trouble(error: Exception) -> str:
    from requests.exceptions import ConnectTimeout, JSONDecodeError, ReadTimeout

    if isinstance(error, JSONDecodeError):
        return "its answer is no JSON"
    if isinstance(error, ConnectTimeout):
        return "it cannot be reached in time"
    if isinstance(error, ReadTimeout):
        return "no answer in time"
    return "the connection is refused" if "refused" in str(error).lower() else f"the connection broke ({type(error).__name__})"
