"""Bad manners on command. A fault strikes the `nth` time from now that something comes up that it is about, and `times` in a row."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

REPLIES = {
    "429": (429, '{"code": 42910000, "message": "rate limit exceeded"}'),
    "500": (500, '{"code": 50010000, "message": "internal server error occurred"}'),
    "503": (503, "<html><body><h1>503 Service Unavailable</h1></body></html>"),
    "504": (504, "<html><body>upstream request timeout</body></html>"),
    "404": (404, "<html><body><h1>404 Not Found</h1></body></html>"),
    "401": (401, '{"message": "unauthorized."}'),
    "html": (200, "<html><body>Be right back</body></html>"),
}
"""Answers that a fault can put in the place of the right one, by its name."""


@dataclass(slots=True)
class Fault:
    """`on` is a request: `POST /v2/orders` and the like, of which it must be the beginning; or `update`, of the trade stream.

    For a request, `what` is a name out of REPLIES, where nothing is done and that is answered; with `after_` before it, it is done first.
    `drop` cuts the connection unanswered, `hang` never answers; `after_drop` and `after_hang` likewise. `late` is carried out, and
    answered, once `Faults.let_late` is set. For an update: `drop`, `twice`,
    `late` (after the one that follows it) or `strange` (a status that nobody knows).
    """

    on: str
    what: str
    nth: int = 1
    times: int = 1


class Faults:
    """What is armed, and what the server does until it is told otherwise."""

    def __init__(self) -> None:
        self.armed: list[Fault] = []
        self.mute = False
        """The trade stream says nothing more, and stays open."""
        self.deaf = False
        """No request is answered, no handshake, no ping: the line is half open."""
        self.refuse_streams = 0
        """The HTTP status with which the handshake of every stream is refused, 0 where none is."""
        self.refuse_logins = 0
        """How many logins to the trade stream are refused from now on, whatever the key."""
        self.unauthorized = False
        """No key is good."""
        self.requests_left: int | None = None
        """How many requests the account has left in this minute, which never ends; each one beyond gets 429. None counts none."""
        self.retry_after = ""
        """What a 429 says of when to come back: seconds, or nothing."""
        self.one_data_stream = False
        """A second data stream is told 406 while a first one is open."""
        self.skew_s = 0.0
        """How far the server's clock is ahead."""
        self.struck: list[str] = []
        self.let_late = asyncio.Event()
        """What is late waits for it."""
        self.late = 0
        """How many requests were carried out late."""
        self.never = asyncio.Event()
        """What hangs waits for it."""

    def arm(self, on: str, what: str, nth: int = 1, times: int = 1) -> None:
        self.armed.append(Fault(on, what, nth, times))

    def strikes(self, on: str) -> str:
        """What goes wrong with `on`, or nothing."""
        for fault in self.armed:
            if not f"{on}$".startswith(fault.on):
                continue
            fault.nth -= 1
            if fault.nth > 0:
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.armed.remove(fault)
            self.struck.append(f"{on}: {fault.what}")
            return fault.what
        return ""

    def too_many(self) -> bool:
        """Whether the request that has just come is one too many, where these are counted."""
        if self.requests_left is None:
            return False
        self.requests_left -= 1
        return self.requests_left < 0

    def set(self, **given: Any) -> None:
        for name, value in given.items():
            if not hasattr(self, name):
                raise ValueError(f"there is no {name}")
            setattr(self, name, value)
