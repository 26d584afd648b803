"""What our orders are called at Alpaca. A client id can be used once for ever, and only one order of a group has one of ours, so it tells
the whole of it: `FIRST`, `FIRST+SECOND` for a group, and `~1`, `~2` behind it for what took its place."""

from __future__ import annotations

import re

from msgspec import Struct

_FORM = re.compile(r"(?P<order>[^+~]+)(?:\+(?P<second>[^+~]+))?(?:~(?P<attempt>\d{1,9}))?")


class ClientId(Struct, frozen=True):
    """`order` is our own id, `second` that of the other order of its group, `attempt` how often it was replaced."""

    order: str
    second: str = ""
    attempt: int = 0

    def __str__(self) -> str:
        return f"{self.order}{'+' if self.second else ''}{self.second}{f'~{self.attempt}' if self.attempt else ''}"


def read(text: str) -> ClientId:
    """What a client id tells. One that somebody else chose is an order's own id as it is."""
    found = _FORM.fullmatch(text)
    return ClientId(found["order"], found["second"] or "", int(found["attempt"] or 0)) if found else ClientId(text)
