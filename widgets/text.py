"""Text that came from outside, made safe to draw: no control characters, no hidden ones, and cut or padded by cells, not characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from rich.cells import cell_len, chop_cells, set_cell_size

ELLIPSIS = "…"

HIDDEN = "\ufffd"
"""Stands for what cannot be shown: left out, it would make one symbol pass for another."""

_KNOWN_GOOD = re.compile(rf"[ -~¡-¬®-ʯ–—‘’“”•…€←-↓−─-▟■-◿×·{HIDDEN}]*")
"""What nearly every cell is made of: needs no look at each character."""

GLUE = "\0"
"""Between words that stay on one line; no text that is drawn has it."""

_ORDER = re.compile(
    r"(?:#\d[\d,]* )?(?:BUY|SELL) \d[\d,.]*(?: of \d[\d,.]*)? [A-Z][^ ]*(?: @ \d[^ ]*)?"
    r"|-?\d[\d,.]* [A-Z][A-Z0-9./-]*(?![a-z])|[A-Z][A-Z0-9./-]* -?\d[\d,.]*"
)
"""An order in few words, and what is held of a symbol."""

_PHRASE_END = re.compile(r"(?<=[,;:.]) ")

_BLANK_LOOKING = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by category, nothing by sight."""

_OF_EMOJI = frozenset("\u200d\ufe0e\ufe0f")
"""Joins signs, or chooses how one is drawn. Behind a sign it says nothing of its own."""


def clean(raw: str) -> str:
    """`raw` on one line, where control, escape, direction, zero-width and unassigned characters are one `HIDDEN` sign for a run of them.

    What ends a line or is some kind of space becomes a plain space. Accents that have a letter of their own are kept, stacked ones are not.
    """
    if _KNOWN_GOOD.fullmatch(raw):
        return raw
    return _clean(raw)


def without_hidden(raw: str) -> str:
    """`raw` cleaned, and what cannot be shown left out: for what a person typed or pasted, who sees what became of it."""
    return clean(raw).replace(HIDDEN, "")


@lru_cache(maxsize=2048)
def _clean(raw: str) -> str:
    cleaned: list[str] = []
    for character in unicodedata.normalize("NFC", raw):
        shown = _clean_character(character)
        if shown != HIDDEN:
            cleaned.append(shown)
        elif not cleaned or not (cleaned[-1] == HIDDEN or (character in _OF_EMOJI and unicodedata.category(cleaned[-1]) == "So")):
            cleaned.append(HIDDEN)
    return "".join(cleaned)


def _clean_character(character: str) -> str:
    if character in "\t\n\v\f\r\x85":
        return " "
    category = unicodedata.category(character)
    if category in {"Zs", "Zl", "Zp"}:
        return " "
    if category[0] == "C" or category in {"Mn", "Me"} or character in _BLANK_LOOKING or cell_len(character) == 0:
        return HIDDEN
    return character


def width_of(text: str) -> int:
    """Cells that `text` takes on the screen."""
    return cell_len(text)


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells; what was cut off is shown by an ellipsis."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells, cut or padded; `right` puts the padding before it."""
    text = cut(text, width)
    padding = " " * (width - cell_len(text))
    return padding + text if right else text + padding


def wrap(text: str, width: int) -> list[str]:
    """`text` as lines of at most `width` cells, broken between words where that is possible, and not within the words of one order, as in
    `#27 BUY 100 AAPL`, nor between a quantity and its symbol. Always at least one line."""
    return _filled(_ORDER.sub(lambda found: found[0].replace(" ", GLUE), text).split(), width)


def wrap_phrases(text: str, width: int) -> list[str]:
    """As `wrap`, and broken within a phrase, which ends with a mark, only where the phrase takes more than a line."""
    words: list[str] = []
    for phrase in _PHRASE_END.split(text):
        words += [GLUE.join(phrase.split())] if cell_len(phrase) <= width else phrase.split()
    return _filled(words, width)


def _filled(words: Iterable[str], width: int) -> list[str]:
    """Lines of these words. What is glued is let go where it takes more than a line."""
    lines: list[str] = []
    line = ""
    for glued in words:
        whole = glued.replace(GLUE, " ")
        for word in [whole] if cell_len(whole) <= width else glued.split(GLUE):
            joined = f"{line} {word}" if line else word
            if cell_len(joined) <= width:
                line = joined
                continue
            if line:
                lines.append(line)
            *full, line = chop_cells(word, max(2, width)) or [""]
            lines.extend(full)
    lines.append(line)
    return lines


@lru_cache(maxsize=64)
def balanced(text: str, width: int) -> tuple[str, ...]:
    """`text` wrapped to as few lines as `width` allows, and those about equally long: no last word stands alone."""
    lines = wrap(text, width)
    for narrower in range(max(2, cell_len(text) // len(lines)), width):
        if len(wrap(text, narrower)) == len(lines):
            return tuple(wrap(text, narrower))
    return tuple(lines)
