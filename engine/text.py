"""Text from a strategy, or a broker, is data: control characters are taken out and its length is bounded before it is stored or shown."""

from __future__ import annotations

LINE = 500
DETAIL = 8_000


def one_line(text: str, limit: int = LINE) -> str:
    """`text` on one line of printable characters, at most `limit` of them."""
    cut = text[: 4 * limit]
    line = " ".join("".join(map(_printable, cut)).split())
    return line if len(line) <= limit and len(cut) == len(text) else line[: limit - 1] + "…"


def many_lines(text: str, limit: int = DETAIL) -> str:
    """`text` with its line breaks kept; where it is too long its end stays, for that is where a traceback says what happened."""
    cut = text[-limit:]
    clean = "\n".join("".join(map(_printable, line)) for line in cut.replace("\t", "    ").split("\n"))
    return clean if len(cut) == len(text) else "…" + clean


def _printable(char: str) -> str:
    """Nothing for a control or format character (bidirectional overrides among them), a space for any kind of space."""
    return char if char.isprintable() else " " if char.isspace() else ""
