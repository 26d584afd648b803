"""What the order line's words mean just now: read, completed, and asked of the gate beforehand.

The trading screen imports it with the first letter, or behind its first picture: a grammar is much to load, and no picture needs it.
"""

from __future__ import annotations

from console.completion import Candidate, complete
from console.meanings import Parsed, ReplaceOrder, account_of, asked_of, context_of
from console.order_line import parse
from console.screens.previews import Previews, asking
from console.trading_engine import TradingEngine
from engine.model import Intent, View
from engine.model.effects import Reply
from widgets.line_notes import Reading


class LineReader:
    """`view` is the one that words like symbols, positions and prices are read by, until `see` gives a newer one. `add_key` adds
    a symbol to the watchlist."""

    def __init__(self, engine: TradingEngine, view: View, add_key: str) -> None:
        self._context = context_of(view)
        self._add_key = add_key
        self._account = ""
        ask = asking(engine, lambda: self._account)
        self._previews: tuple[Previews[Intent | ReplaceOrder], ...] = Previews(ask), Previews(ask)

    def see(self, view: View) -> None:
        self._context = context_of(view)

    def interpret(self, text: str) -> Reading:
        read = parse(text, self._context)
        if isinstance(read, Parsed):
            return Reading(command=read.meaning, normal=read.normal, note=read.note)
        return Reading(start=read.start, end=read.end, message=read.told(self._add_key), right=read.right, unfinished=read.unfinished)

    def complete(self, text: str) -> tuple[int, tuple[Candidate, ...]]:
        return complete(text, self._context)

    def verdict(self, command: object, text: str, view: View, now: float) -> Reply | None:
        """What the gate says of `command`, written as `text`, at `now` monotonic seconds; None while that is not known."""
        wishes = asked_of(command)
        self._account = account_of(command)
        text = f"{self._account} {text}"
        each = zip(self._previews, (*wishes, None, None), strict=False)
        replies = [previews.of(wish, text, view, now) for previews, wish in each]
        known = [reply for reply in replies if reply is not None]
        # Of two that are sent together, the one that is refused tells of both.
        return min(known, key=lambda reply: reply.ok) if known and len(known) == len(wishes) else None
