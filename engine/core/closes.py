"""What a symbol's change counts from: the close of its last session before the one under way. The one rule, for screen and replay."""

from __future__ import annotations

from typing import TypeAlias

from engine.model.market import Close
from engine.model.money import is_price

Closes: TypeAlias = tuple[Close, ...]
"""Of the two newest sessions that traded, oldest first."""


def with_close(closes: Closes, session: str, price: float) -> Closes:
    """`closes` once a bar of the regular `session` closed at `price`: until that session is over this is the close so far. A bar of
    another time belongs to none, empty."""
    if not session or not is_price(price):
        return closes
    if closes and closes[-1].session == session:
        return (*closes[:-1], Close(session, price))
    others = [close for close in closes if close.session != session]
    return tuple(sorted([*others, Close(session, price)], key=lambda close: close.session)[-2:])


def close_before(closes: Closes, session: str) -> float | None:
    """The last close before `session`, None where none is known. Before the market has told its session, that of the newest bar counts."""
    under_way = session or (closes[-1].session if closes else "")
    return next((close.price for close in reversed(closes) if close.session < under_way), None)
