"""Whether a colour can be read on another: contrast by WCAG 2.2, and the least that each role of a theme must have."""

from __future__ import annotations

TEXT, ACCENT = 4.5, 3.0
"""WCAG 2.2, success criteria 1.4.3 (text) and 1.4.11 (what is no text but must be told apart)."""

ON_CURSOR = 3.0
"""Least contrast of a role on the row under the cursor, which is marked by more than its ground."""

FAINTEST = 1.2
"""Frames and rules may stand far back, and are nothing to read; but they must be there."""


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1, by WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """1 (none) to 21 (black on white), for two colours `#rrggbb`."""
    dim, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


def least(role: str) -> float:
    """The least contrast of a role with its ground."""
    return {"line": FAINTEST, "focus": ACCENT}.get(role, TEXT)
