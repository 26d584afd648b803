"""A frame in fewer bytes: what is said of colours is only what changes.

Rich says the whole style before every piece of text and takes it all back after it, three times the text's own length. A terminal
remembers: text in the colours of the text before it needs nothing said, and another foreground on the same ground the foreground alone.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SGR: Final = re.compile(r"\x1b\[([\d;]*)m")
_MOVED_ANYWAY: Final = re.compile(r"\r?\n(?=\x1b\[\d+;\d+H)")
_NO_TEXT: Final = re.compile(r"(?:\x1b\[[\d;?]*[Hhl])*")
_RESET: Final = "\x1b[0m"

Pen = tuple[str, str, frozenset[str]]
"""Foreground, background and attributes, as SGR's parameters (ECMA-48, 8.3.117); empty where they are the terminal's own."""

_PLAIN: Final[Pen] = "39", "49", frozenset()


def thrifty(frame: str) -> str:
    """The same picture. Begins and ends in the terminal's own colours, as a frame of Textual does."""
    pieces = _SGR.split(_MOVED_ANYWAY.sub("", frame))
    out, pen, wanted = [pieces[0]], _PLAIN, _PLAIN
    for place in range(1, len(pieces), 2):
        changed = _changed(wanted, pieces[place])
        if changed is None:
            return frame  # something else than Rich wrote it
        wanted = changed
        if text := pieces[place + 1]:
            if wanted != pen and not _NO_TEXT.fullmatch(text):
                out.append(_change(pen, wanted))
                pen = wanted
            out.append(text)
    if pen != _PLAIN:
        out.append(_RESET)
    return "".join(out)


@lru_cache(4096)
def _changed(pen: Pen, parameters: str) -> Pen | None:
    """The pen after an SGR with these parameters; None for one that is not known here."""
    foreground, background, attributes = pen
    given = (parameters or "0").split(";")
    at = 0
    while at < len(given):
        code, length = int(given[at] or 0), 1
        if code in (38, 48):
            length = {"2": 5, "5": 3}.get(given[at + 1] if at + 1 < len(given) else "", 0)
            if not length or at + length > len(given):
                return None
        said = ";".join(given[at : at + length])
        if code == 0:
            foreground, background, attributes = _PLAIN
        elif 30 <= code <= 39 or 90 <= code <= 97:
            foreground = said
        elif 40 <= code <= 49 or 100 <= code <= 107:
            background = said
        elif 1 <= code <= 9:
            attributes = attributes | {said}
        else:
            return None
        at += length
    return foreground, background, attributes


@lru_cache(4096)
def _change(pen: Pen, wanted: Pen) -> str:
    """The shortest SGR that makes one pen of the other."""
    if wanted == _PLAIN:
        return _RESET
    said = []
    if not pen[2] <= wanted[2]:  # an attribute is taken back with all the rest, for one of them has two codes to do so
        said, pen = ["0"], _PLAIN
    said += sorted(wanted[2] - pen[2])
    said += [new for old, new in zip(pen[:2], wanted[:2], strict=True) if old != new]
    return f"\x1b[{';'.join(said)}m"
