"""How the link stands, put together from what the stream and REST do. Only a change is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from engine.brokers.alpaca.rest import CrowdedError, RefusedError
from engine.brokers.base import AmbiguousError
from engine.model.inputs import LinkChanged
from engine.model.modes import LinkState

FAILURES = 2
"""Questions in a row without an answer before REST counts as down."""
REFUSALS = 2
"""Questions for the account in a row for which the key is refused, before it counts as one that is wrong."""

REFUSED_KEY = (
    "Alpaca refuses the key ({words}): check ALPACA_API_KEY and ALPACA_SECRET_KEY, and whether they are for {kind}, then start again"
)


class Link:
    """UP while both are well. DEGRADED without the stream: nothing would be heard of an order, but it can be cancelled and asked for. DOWN
    without REST, or while the key is refused and asked for again: Alpaca refuses a good one for a moment too. FATAL ends it, whatever the
    rest does."""

    def __init__(self, name: str, kind: str, tell: Callable[[LinkChanged], None]) -> None:
        self._name = name
        self._kind = kind
        self._tell = tell
        self._stream = "the stream of trade updates is not there yet"
        self._begun = False
        """Whether the stream was there, or the link ended: a start that is under way is no trouble to tell of."""
        self._rest = ""
        self._failures = 0
        self._refusals = 0
        self.shaken = asyncio.Event()
        """Set by a request that got no answer, until one got one: whether REST is there has to be asked."""
        self.doubted = False
        """Whether the key was refused and has to be asked for again."""
        self.fatal = ""
        self.state = LinkState.DOWN
        self._reason = ""

    def stream(self, reason: str) -> None:
        """Why the stream is down, or nothing where it is up."""
        self._stream = reason
        self._begun = self._begun or not reason
        self._look()

    async def heed(self, answer: Coroutine[Any, Any, Any], *, proves_key: bool = False) -> Any:
        """The answer to a request, once what it says about the link is known. One that `proves_key` says whether the key is good."""
        try:
            told = await answer
        except RefusedError as no:
            if no.is_key:
                self._refuse_key(REFUSED_KEY.format(kind=self._kind, words=str(no).rstrip(".")), proven=proves_key)
            else:
                self.answered()
            raise
        except CrowdedError:
            raise
        except AmbiguousError as error:
            self.failed(str(error))
            raise
        self.answered()
        return told

    def _refuse_key(self, reason: str, *, proven: bool) -> None:
        self._refusals += proven
        if self._refusals >= REFUSALS:
            self.end(reason)
            return
        self.doubted, self._rest = True, "Alpaca refuses the key for now: it is asked again"
        self._look()

    def answered(self) -> None:
        self._failures, self._rest = 0, ""
        self._refusals, self.doubted = 0, False
        self.shaken.clear()
        self._look()

    def failed(self, reason: str) -> None:
        """A request without an answer."""
        self._failures += 1
        self.shaken.set()
        if self._failures >= FAILURES:
            self._rest = reason
            self._look()

    def end(self, reason: str) -> None:
        """For good, and for the first reason that there was."""
        self.fatal = self.fatal or reason
        self._begun = True
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
            if self._begun:
                self._tell(LinkChanged(self._name, state, reason))
