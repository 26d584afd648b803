"""Alpaca's REST through its own client: one thread for orders, one for questions, and some for cancels, which wait for neither.

The client waits for ever, and repeats a 429 and a 504 by itself, orders included: here every request has its time, and none is repeated.
What comes of one is an answer, `RefusedError` where Alpaca says no, or AmbiguousError where nobody knows.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from engine.brokers.alpaca.budget import Budget
from engine.brokers.alpaca.lane import Lane
from engine.brokers.alpaca.retry_after import retry_after_s
from engine.brokers.alpaca.timings import Timings
from engine.brokers.base import STOPPING, AmbiguousError, BusyError

Client: TypeAlias = Any
"""The library's TradingClient, whose annotations allow less than its code takes."""
CANCELS_AT_ONCE = 16
_MAYBE = frozenset({408, 409, 425})
"""Answers that are none: the request may be carried out all the same."""
_SHOWN = 300
NOT_UNIQUE = 40010001
TOO_MANY = 429


class RefusedError(Exception):
    """Alpaca's no, word for word."""

    def __init__(self, status: int, code: int, message: str, after_s: float | None = None) -> None:
        """`after_s` is when it may be asked again, where Alpaca says so."""
        super().__init__(message)
        self.status, self.code, self.after_s = status, code, after_s

    @property
    def is_key(self) -> bool:
        """Whether it is the key that is refused, and not what was asked for."""
        return self.status == 401 or (self.status == 403 and not self.code)

    @property
    def is_duplicate(self) -> bool:
        return self.status == 422 and (self.code == NOT_UNIQUE and "unique" in str(self))


class CrowdedError(AmbiguousError):
    """A question that was one too many: it says nothing about the link."""


def be_patient(no: RefusedError) -> None:
    """Raises BusyError where it was only one request too many."""
    if no.status == TOO_MANY:
        raise BusyError(f"Alpaca gets too many requests ({no})", no.after_s) from no


class Rest:
    def __init__(self, key: str, secret: str, *, paper: bool, url: str, timings: Timings, budget: Budget) -> None:
        self._made = (key, secret, paper, url)
        self._timings = timings
        self._orders, self._questions = Lane("alpaca orders"), Lane("alpaca questions")
        self._cancels = Lane("alpaca cancels", CANCELS_AT_ONCE)
        self._clients: dict[str, Client] = {}
        self._budget = budget

    async def load(self) -> None:
        """Imports the library, which takes a second, in a thread."""
        await self._questions.run(self._load)

    async def order(self, ask: Callable[[Client], Any]) -> Any:
        """Raises BusyError where there is no room for it, unless trading is stopped."""
        if wait_s := self._budget.take(urgent=STOPPING.get()):
            raise BusyError(f"Alpaca is not asked, as {self._budget.used_up(wait_s)}", wait_s)
        return await self._orders.run(lambda: _answer("orders", ask, self._clients["orders"]))

    async def question(self, ask: Callable[[Client], Any]) -> Any:
        """Raises AmbiguousError for every no but those about the key and about what is not there. Waits for room, or raises CrowdedError
        where that takes longer than an answer may."""
        while wait_s := self._budget.take(urgent=STOPPING.get()):
            if wait_s > self._timings.answer_s:
                raise CrowdedError(f"Alpaca is not asked, as {self._budget.used_up(wait_s)}")
            await asyncio.sleep(wait_s)
        try:
            return await self._questions.run(lambda: _answer("questions", ask, self._clients["questions"]))
        except RefusedError as no:
            if no.is_key or no.status == 404:
                raise
            if no.status == TOO_MANY:
                raise CrowdedError(f"Alpaca gets too many requests: {no}") from no
            raise AmbiguousError(f"Alpaca does not answer the question: {no} ({no.status})") from no

    async def cancel(self, ask: Callable[[Client], Any]) -> Any:
        """Never waits. Where trading goes on, the last requests of the minute are left to the stop: raises BusyError then."""
        if wait_s := self._budget.take(urgent=STOPPING.get(), cancels=True):
            raise BusyError(f"Alpaca is not asked, as {self._budget.used_up(wait_s, cancels=True)}", wait_s)
        return await self._cancels.run(lambda: _answer("cancels", ask, self._clients["cancels"]))

    def close(self) -> None:
        for lane in (self._orders, self._questions, self._cancels):
            lane.close()

    def _load(self) -> None:
        from alpaca.trading.client import TradingClient
        from requests.adapters import HTTPAdapter

        class Timed(HTTPAdapter):
            """Gives each request its time, which the client does not."""

            def __init__(self, connect_s: float, answer_s: float) -> None:
                self._within = (connect_s, answer_s)
                super().__init__(pool_maxsize=CANCELS_AT_ONCE)

            def send(self, request: Any, *args: Any, **more: Any) -> Any:
                more["timeout"] = self._within
                return super().send(request, *args, **more)

        key, secret, paper, url = self._made
        timings = self._timings
        for name, within_s in (("orders", timings.answer_s), ("questions", timings.answer_s), ("cancels", timings.cancel_s)):
            client = TradingClient(key, secret, paper=paper, raw_data=True, url_override=url or None)
            client._retry_codes = []
            client._session.mount("https://", Timed(timings.connect_s, within_s))
            client._session.mount("http://", Timed(timings.connect_s, within_s))
            client._session.trust_env = not url
            self._clients[name] = client


def _answer(lane: str, ask: Callable[[Client], Any], client: Client) -> Any:
    """What `ask` answers. In a thread of `lane`."""
    from alpaca.common.exceptions import APIError
    from requests.exceptions import RequestException

    try:
        return ask(client)
    except APIError as error:
        status = error.status_code or 0
        code, message = _words(str(error))
        if 400 <= status < 500 and status not in _MAYBE:
            raise RefusedError(status, code, message or f"refused ({status})", retry_after_s(error.response.headers)) from None
        raise AmbiguousError(f"Alpaca answered {status}: {message or 'nothing more'}") from None
    except RequestException as error:
        raise AmbiguousError(_trouble(error)) from None
    except ValueError:
        raise AmbiguousError("Alpaca's answer is no JSON") from None


def _words(text: str) -> tuple[int, str]:
    """The code and the words of an error's body, which may be JSON, a page, or nothing."""
    try:
        told = json.loads(text)
    except ValueError:
        return 0, " ".join(re.sub(r"<[^>]*>", " ", text).split())[:_SHOWN]
    if not isinstance(told, dict):
        return 0, text[:_SHOWN]
    code = told.get("code")
    return code if isinstance(code, int) else 0, str(told.get("message") or text)[:_SHOWN]


def _trouble(error: Exception) -> str:
    """What broke, without the addresses and objects that the library puts into it."""
    from requests.exceptions import ConnectTimeout, JSONDecodeError, ReadTimeout, SSLError

    if isinstance(error, JSONDecodeError):
        return "Alpaca's answer is no JSON"
    if isinstance(error, ConnectTimeout):
        return "Alpaca cannot be reached in time"
    if isinstance(error, ReadTimeout):
        return "Alpaca did not answer in time"
    if isinstance(error, SSLError):
        return "the connection to Alpaca is not secure"
    text = str(error)
    if "refused" in text.lower():
        return "Alpaca refuses the connection"
    if "resolve" in text.lower() or "Name or service" in text:
        return "Alpaca's address is not found: is there a network?"
    return f"the connection to Alpaca broke ({type(error).__name__})"
