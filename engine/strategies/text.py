"""Text from a strategy is data: control characters are taken out and its length is bounded before anybody stores or shows it."""

from __future__ import annotations

import unicodedata

LINE = 500
DETAIL = 8_000

# Control, format (bidirectional overrides among them), surrogate, private use, unassigned, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def one_line(text: str, limit: int = LINE) -> str:
    """`text` on one line, at most `limit` characters of it."""
    cut = text[: 4 * limit]
    line = " ".join("".join(" " if char.isspace() else "" if unicodedata.category(char) in _HIDDEN else char for char in cut).split())
    return line if len(line) <= limit and len(cut) == len(text) else line[: limit - 1] + "…"


def many_lines(text: str, limit: int = DETAIL) -> str:
    """`text` with its line breaks kept; where it is too long the end stays, for that is where a traceback says what happened."""
    cut = text[-limit:]
    clean = "".join(char if char == "\n" or unicodedata.category(char) not in _HIDDEN else "    " if char == "\t" else "" for char in cut)
    return clean if len(cut) == len(text) else "…" + clean
