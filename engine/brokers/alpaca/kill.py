"""The emergency stop at Alpaca without an engine: HTTP by the standard library, and nothing that has to be installed or takes long to load.

Whose account it is comes first: nothing is sent to another one. Then everything is cancelled, and asked for until nothing works; with
`flatten` each position is closed by Alpaca itself, by what it holds. What gets no answer, or too many requests, is asked again for as
long as the time lasts. A position gets a second closing order only where there is none that works.

How long Alpaca asks to be left alone after too many requests (Retry-After) is told, and not waited for: it may be longer than all the time
there is, the count begins anew each minute whoever asks, and the first request that it lets through then is to be the cancel. So that it is
not this one that asks too much, it looks less and less often: at no more than half of the 200 requests a minute that an account has.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from msgspec import Struct

from engine.brokers.alpaca.config import AlpacaConfig, is_paper
from engine.brokers.alpaca.retry_after import retry_after_s
from engine.brokers.base import BrokerError

URLS = {"paper": "https://paper-api.alpaca.markets", "live": "https://api.alpaca.markets"}
ANSWER_S = 3.0
REACHED_S = 8.0
"""How long it is tried to hear whose account it is."""
CANCELLED_S = 10.0
FLAT_S = 20.0
AGAIN_S = 1.0
"""Between two cancels of everything, and two looks that agree that nothing closes a position."""
POLL_S, SLOWER, SELDOM_S = 0.1, 1.5, 0.6
"""The first pause between two looks at what is left, how much longer each is than the one before it, and the longest."""
PAUSE_S = 0.5
"""After a question without an answer."""
REFUSALS = 2
"""So often the key is refused before that is believed."""
PAGE = 500
_LONGEST = 10_000_000
_SHOWN = 200


class Left(Struct, frozen=True):
    """What is not flat at the account, each in words, and what came of the last request to change that, where it was no yes; `unknown`
    where Alpaca does not say what is left, and why."""

    account: str
    orders: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    trouble: str = ""
    unknown: str = ""


class _NoAnswerError(Exception):
    """Nobody knows what came of it: it is asked again."""


class _NoError(Exception):
    """Alpaca's no, word for word."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{words} ({status})")
        self.is_key = status in (401, 403)


def kill(config: AlpacaConfig, *, flatten: bool, tell: Callable[[str], None]) -> Left:
    """Cancels all orders of the account, with `flatten` closes its positions, and answers what is left then, in bounded time. `tell` is
    told each step. Raises BrokerError where it is the wrong account or key, and ConnectionError where nobody can be asked whose it is; in
    both cases nothing was sent."""
    http = _Http(config)
    account = _account(http, config)
    tell(f"Alpaca, {config.kind} account {account}: told to cancel every order, whoever placed it")
    there = _There(http, account)
    there.cancel()
    if flatten:
        there.flatten(tell)
    return there.left()


def _account(http: _Http, config: AlpacaConfig) -> str:
    until, refused = time.monotonic() + REACHED_S, 0
    while True:
        try:
            told = http.ask("GET", "/v2/account", dict)
            break
        except _NoError as no:
            refused += no.is_key
            if refused >= REFUSALS or not no.is_key:
                raise BrokerError(f"Alpaca refuses the key for the {config.kind} account: {no}. Nothing was sent.") from None
            why: Exception = no
        except _NoAnswerError as error:
            why = error
        if time.monotonic() + PAUSE_S >= until:
            raise ConnectionError(f"{why}. Nothing was sent: it is not known whose account this is.") from None
        time.sleep(PAUSE_S)
    number = str(told.get("account_number") or "")
    if not number or (config.account and number != config.account):
        raise BrokerError(f"The key is for account {number or 'without a number'}, not for {config.account or 'one'}: nothing was sent.")
    if is_paper(number) is not (config.kind == "paper"):
        raise BrokerError(f"The key is for account {number}, which is no {config.kind} account: nothing was sent.")
    return number


class _There:
    def __init__(self, http: _Http, account: str) -> None:
        self._http = http
        self._account = account
        self._trouble = ""
        self._refused: dict[str, str] = {}
        """Of each symbol Alpaca's last no to its closing."""
        self._closes: set[str] = set()
        """Orders that close a position, by their ids."""

    def cancel(self) -> None:
        """Until nothing works, or the time is up."""
        until, due, poll = time.monotonic() + CANCELLED_S, 0.0, POLL_S
        while True:
            pause, poll = poll, min(poll * SLOWER, SELDOM_S)
            if time.monotonic() >= due:
                try:
                    self._http.ask("DELETE", "/v2/orders", list)
                    self._trouble, due = "", time.monotonic() + AGAIN_S
                except (_NoAnswerError, _NoError) as error:
                    self._trouble, pause = str(error), PAUSE_S
            try:
                if not self._open():
                    self._trouble = ""
                    return
            except (_NoAnswerError, _NoError):
                pause = PAUSE_S
            if time.monotonic() >= until:
                return
            time.sleep(pause)

    def flatten(self, tell: Callable[[str], None]) -> None:
        """One closing order for each position, and waits for them."""
        until = time.monotonic() + FLAT_S
        bare: set[str] | None = None
        looked, poll = -AGAIN_S, POLL_S
        while True:
            pause, poll = poll, min(poll * SLOWER, SELDOM_S)
            try:
                held = {str(each.get("symbol")): each for each in self._positions()}
                closing = {str(each.get("symbol")) for each in self._open()}
                if not held or time.monotonic() >= until:
                    return
                if time.monotonic() - looked >= AGAIN_S:
                    # At first nobody closes them, for everything was cancelled. After a closing two looks have to agree that nobody does.
                    now = held.keys() - closing
                    lacking = now if bare is None else now & bare
                    looked, bare = time.monotonic(), now - lacking
                    for symbol in sorted(lacking):
                        self._close(symbol, held[symbol], tell)
                time.sleep(pause)
            except (_NoAnswerError, _NoError):
                if time.monotonic() >= until:
                    return
                time.sleep(PAUSE_S)

    def _close(self, symbol: str, held: Mapping[str, Any], tell: Callable[[str], None]) -> None:
        tell(f"closing {_quantity(held)} {symbol} at the market")
        self._refused.pop(symbol, None)
        try:
            order = self._http.ask("DELETE", f"/v2/positions/{quote(symbol, safe='')}", dict)
        except (_NoError, _NoAnswerError) as no:
            # The others are closed all the same; whether this one is, the next look tells.
            self._refused[symbol] = str(no)
        else:
            self._closes.add(str(order.get("id")))

    def left(self) -> Left:
        """What works and what is held now."""
        until = time.monotonic() + ANSWER_S
        while True:
            try:
                orders = tuple(self._order(each) for each in self._open())
                return Left(self._account, orders, tuple(self._position(each) for each in self._positions()), self._trouble)
            except (_NoAnswerError, _NoError) as error:
                if time.monotonic() >= until:
                    return Left(self._account, unknown=str(error))
                time.sleep(PAUSE_S)

    def _open(self) -> list[Mapping[str, Any]]:
        return [each for each in self._http.ask("GET", f"/v2/orders?status=open&limit={PAGE}", list) if isinstance(each, dict)]

    def _positions(self) -> list[Mapping[str, Any]]:
        return [each for each in self._http.ask("GET", "/v2/positions", list) if isinstance(each, dict)]

    def _order(self, told: Mapping[str, Any]) -> str:
        price = " ".join(str(told[name]) for name in ("limit_price", "stop_price", "trail_price", "trail_percent") if told.get(name))
        closes = ", which closes it" if str(told.get("id")) in self._closes else ""
        words = (told.get("side"), told.get("qty") or told.get("notional"), told.get("symbol"), told.get("type"), price)
        return f"{' '.join(str(word) for word in words if word)} ({told.get('status')}){closes}"

    def _position(self, told: Mapping[str, Any]) -> str:
        symbol = str(told.get("symbol"))
        why = self._refused.get(symbol)
        return f"{_quantity(told)} {symbol}{f' (it could not be closed: {why})' if why else ''}"


def _quantity(held: Mapping[str, Any]) -> str:
    quantity = str(held.get("qty"))
    return f"-{quantity}" if held.get("side") == "short" and not quantity.startswith("-") else quantity


class _Straight(HTTPRedirectHandler):
    """Follows nobody to another place: the keys would come along."""

    def redirect_request(self, *given: object) -> None:
        return None


class _Http:
    def __init__(self, config: AlpacaConfig) -> None:
        self._base = config.url or URLS[config.kind]
        self._headers = {"APCA-API-KEY-ID": config.key, "APCA-API-SECRET-KEY": config.secret, "User-Agent": "tradeconsole"}
        self._opener = _opener(is_loopback=bool(config.url))

    def ask(self, method: str, path: str, kind: type) -> Any:
        """The answer, which is of that kind. Raises _NoError and _NoAnswerError."""
        request = Request(self._base + path, method=method, headers=self._headers)
        try:
            with self._opener.open(request, timeout=ANSWER_S) as response:
                told = _read(response)
        except HTTPError as error:
            raise _refusal(error) from None
        except (OSError, HTTPException) as error:
            raise _NoAnswerError(f"Alpaca does not answer ({getattr(error, 'reason', None) or error or type(error).__name__})") from None
        try:
            answer = json.loads(told)
        except ValueError:
            raise _NoAnswerError("Alpaca's answer is no JSON") from None
        if not isinstance(answer, kind):
            raise _NoAnswerError("Alpaca's answer is of another kind than was asked for")
        return answer


def _opener(*, is_loopback: bool) -> OpenerDirector:
    if is_loopback:
        return build_opener(_Straight, ProxyHandler({}))
    context = ssl.create_default_context()
    with contextlib.suppress(ImportError, OSError):
        # Where the system keeps no certificates, those that the console's own client uses.
        import certifi

        context.load_verify_locations(certifi.where())
    return build_opener(_Straight, HTTPSHandler(context=context))


def _read(response: Any) -> bytes:
    """The whole answer, in bounded time however slowly it trickles. Raises OSError."""
    until, told = time.monotonic() + ANSWER_S, b""
    while chunk := response.read1(1 << 16):
        told += chunk
        if len(told) > _LONGEST or time.monotonic() > until:
            raise TimeoutError("its answer takes too long")
    return told


def _refusal(error: HTTPError) -> _NoError | _NoAnswerError:
    told = {name: error.headers.get(name, "") for name in ("Retry-After", "X-RateLimit-Reset")}
    wait = retry_after_s(told) if error.code == 429 else None
    when = "" if wait is None else f", and asks to be left alone for {wait:.0f} s"
    with error, contextlib.suppress(OSError, HTTPException, ValueError, AttributeError):
        words = str(json.loads(_read(error)).get("message"))[:_SHOWN]
        if error.code == 429 or error.code >= 500:
            return _NoAnswerError(f"Alpaca answers {error.code}: {words}{when}")
        return _NoError(error.code, words)
    if 400 <= error.code < 500 and error.code != 429:
        return _NoError(error.code, "refused")
    return _NoAnswerError(f"Alpaca answers {error.code}{when}")
