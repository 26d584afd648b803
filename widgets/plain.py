"""Plain text for a screen reader: what is drawn by signs is written instead, cell by cell, so that nothing moves.

Frames, bars and blocks become blanks. An arrow before a signed number goes, as the sign says it; one that stands alone becomes the sign.
"""

from __future__ import annotations

_DRAWN = dict.fromkeys(range(9472, 9632), " ")
"""Box drawing and block elements."""
_WRITTEN = _DRAWN | str.maketrans({"▲": "+", "▼": "-", "·": "=", "▸": ">", "●": "*", "■": " ", "✗": "!", "×": "/", "◇": "~", "◆": "!"})
_SIGNED = (("▲ +", "  +"), ("▼ -", "  -"), ("· 0", "  0"), ("▲ 0", " +0"), ("▼ 0", " -0"))


def plain(text: str) -> str:
    """`text` without signs that only an eye can read, in as many cells."""
    if text.isascii():
        return text
    for drawn, written in _SIGNED:
        text = text.replace(drawn, written)
    return text.translate(_WRITTEN)
