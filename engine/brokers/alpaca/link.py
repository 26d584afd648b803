"""How the link stands, put together from what the stream and REST do. Only a change is told."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from engine.brokers.alpaca.rest import RefusedError
from engine.brokers.base import AmbiguousError
from engine.model.inputs import LinkChanged
from engine.model.modes import LinkState

FAILURES = 2
"""Questions in a row without an answer before REST counts as down."""


REFUSED_KEY = (
    "Alpaca refuses the key ({words}): check ALPACA_API_KEY and ALPACA_SECRET_KEY, and whether they are for {kind}, then start again"
)


class Link:
    """UP while both are well. DEGRADED without the stream: nothing would be heard of an order, but it can be cancelled and asked for. DOWN
    without REST. FATAL ends it, whatever the rest does."""

    def __init__(self, name: str, kind: str, tell: Callable[[LinkChanged], None]) -> None:
        self._name = name
        self._kind = kind
        self._tell = tell
        self._stream = "the stream of trade updates is not there yet"
        self._rest = ""
        self._failures = 0
        self.fatal = ""
        self.state = LinkState.DOWN
        self._reason = ""

    def stream(self, reason: str) -> None:
        """Why the stream is down, or nothing where it is up."""
        self._stream = reason
        self._look()

    async def heed(self, answer: Coroutine[Any, Any, Any]) -> Any:
        """The answer to a request, once what it says about the link is known."""
        try:
            told = await answer
        except RefusedError as no:
            if no.is_key:
                self.end(REFUSED_KEY.format(kind=self._kind, words=no))
            else:
                self.answered()
            raise
        except AmbiguousError as error:
            self.failed(str(error))
            raise
        self.answered()
        return told

    def answered(self) -> None:
        self._failures, self._rest = 0, ""
        self._look()

    def failed(self, reason: str) -> None:
        """A request without an answer."""
        self._failures += 1
        if self._failures >= FAILURES:
            self._rest = reason
            self._look()

    def end(self, reason: str) -> None:
        self.fatal = reason
        self._look()

    def anew(self) -> None:
        """Has everything compared once more, where something turned up that nobody here knows."""
        if self.state is LinkState.UP:
            self._tell(LinkChanged(self._name, LinkState.UP))

    def _look(self) -> None:
        if self.fatal:
            state, reason = LinkState.FATAL, self.fatal
        elif self._rest:
            state, reason = LinkState.DOWN, self._rest
        elif self._stream:
            state, reason = LinkState.DEGRADED, self._stream
        else:
            state, reason = LinkState.UP, ""
        if (state, reason) != (self.state, self._reason):
            self.state, self._reason = state, reason
            self._tell(LinkChanged(self._name, state, reason))
