"""Asks the gate about an order that a person is still writing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from console.accounts.engines import engine_of
from console.trading_engine import TradingEngine
from engine.model import Intent, View
from engine.model.effects import Reply

if TYPE_CHECKING:
    from console.meanings import ReplaceOrder

PREVIEW_SECONDS = 1.0
"""How often the gate is asked again about an order that stands there."""


AskedT = TypeVar("AskedT")


def asking(engine: TradingEngine, account: Callable[[], str] = lambda: "") -> Callable[[Intent | ReplaceOrder], str]:
    """Asks the gate of `engine` about a new order, or about new terms of a working one; of several accounts that of `account` then."""

    def ask(wish: Intent | ReplaceOrder) -> str:
        its = engine_of(engine, account())
        return its.preview(wish) if isinstance(wish, Intent) else its.preview_replace(wish.order_id, wish.terms)

    return ask


class _Asked(Struct, Generic[AskedT], frozen=True):
    """The last question to the gate: the command's id, the order, the text it was read from, and when."""

    id: str
    intent: AskedT
    text: str
    at: float


class Previews(Generic[AskedT]):
    """Asks when the order is new and now and then, and hands on what was said last. `ask` puts the question, and answers its id."""

    def __init__(self, ask: Callable[[AskedT], str]) -> None:
        self._ask = ask
        self._asked: _Asked[AskedT] | None = None

    def of(self, intent: AskedT | None, text: str, view: View, now: float) -> Reply | None:
        """What the gate said of the order that is written as `text`, or None while that is not known. `now` is monotonic seconds.

        A price by the quote makes another order of the same text several times a second: the next question waits for the last answer.
        """
        if intent is None:
            self._asked = None
            return None
        asked, reply = self._asked, None
        if asked is not None and asked.text == text:
            reply = next((reply for reply in reversed(view.replies) if reply.command_id == asked.id), None)
            fresh = now - asked.at < PREVIEW_SECONDS
            if fresh and (reply is None or asked.intent == intent):
                return reply
        self._asked = _Asked(self._ask(intent), intent, text, now)
        return reply
