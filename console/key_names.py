"""What keys are called: by Textual, by a person, and in the file of a person's own keys; and which of them reach a program at all."""

from __future__ import annotations

import re

PUNCTUATION = {
    "!": "exclamation_mark",
    '"': "quotation_mark",
    "#": "number_sign",
    "$": "dollar_sign",
    "%": "percent_sign",
    "&": "ampersand",
    "'": "apostrophe",
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    "*": "asterisk",
    "+": "plus",
    ",": "comma",
    "-": "minus",
    ".": "full_stop",
    "/": "slash",
    ":": "colon",
    ";": "semicolon",
    "<": "less_than_sign",
    "=": "equals_sign",
    ">": "greater_than_sign",
    "?": "question_mark",
    "@": "at",
    "[": "left_square_bracket",
    "\\": "backslash",
    "]": "right_square_bracket",
    "^": "circumflex_accent",
    "_": "underscore",
    "`": "grave_accent",
    "{": "left_curly_bracket",
    "|": "vertical_line",
    "}": "right_curly_bracket",
    "~": "tilde",
}
"""What a person types and what Textual calls it."""

_SHOWN = {name: character for character, name in PUNCTUATION.items()} | {
    "space": "Space",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "escape": "Esc",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}
_NAMED = {"enter", "tab", "space", "escape", "backspace", "delete", "insert", "up", "down", "left", "right"} | {
    "home",
    "end",
    "pageup",
    "pagedown",
}
_ALSO = {
    "↑": "up",
    "↓": "down",
    "←": "left",
    "→": "right",
    "esc": "escape",
    "return": "enter",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "pgdown": "pagedown",
    "del": "delete",
    "ins": "insert",
}
_MODIFIERS = {"ctrl", "alt", "shift", "meta", "super", "hyper", "cmd", "option"}
_LOST = {
    "s": "^S makes many terminals stop until ^Q",
    "q": "^Q is what makes a stopped terminal go on",
    "b": "^B is tmux's own key",
    "a": "^A is screen's own key",
    "h": "^H arrives as Backspace",
    "i": "^I arrives as Tab",
    "j": "^J arrives as Enter in some terminals",
    "m": "^M arrives as Enter",
    "z": "^Z suspends the program",
}

ALLOWED = (
    "a letter, a digit or a sign as it is typed, F1 to F12, ctrl+ and a letter but s q b a h i j m z, enter, tab, shift+tab, space, "
    "backspace, delete, insert, home, end, pageup, pagedown, up, down, left, right"
)
"""What may stand in the file of a person's own keys."""


def shown(key: str) -> str:
    """A key as a person reads it: `^G`, `F12`, `?`, `Enter`."""
    if key.startswith("ctrl+") and len(key) == 6:
        return "^" + key[5:].upper()
    if len(key) == 1:
        return key
    return _SHOWN.get(key) or "+".join(part.capitalize() for part in key.split("+"))


def is_text(key: str) -> bool:
    """Whether the key types something where text is typed."""
    return len(key) == 1 or key == "space" or key in PUNCTUATION.values()


def key_named(text: str) -> str:
    """The key that a person means, by Textual's name: `?`, `^G`, `ctrl+g`, `F2`, `PgUp`, `question_mark`.

    Raises ValueError that says in words why there is no such key, or why it does not reach a program in every terminal.
    """
    if len(text) == 1 and (text.isalnum() or text in PUNCTUATION):
        return PUNCTUATION.get(text, text)
    if text == " ":
        return "space"
    lower = text.lower()
    if lower in PUNCTUATION.values():
        return lower
    if re.fullmatch(r"\^[a-z]", lower):
        lower = f"ctrl+{lower[1]}"
    *modifiers, name = lower.replace("-", "+").split("+")
    name = _ALSO.get(name, name)
    if unknown := [modifier for modifier in modifiers if modifier not in _MODIFIERS]:
        raise ValueError(f"there is no key of that name ({unknown[0]}+ is none)")
    if modifiers == ["shift"] and name == "tab":
        return "shift+tab"
    if modifiers == ["shift"] and len(name) == 1:
        raise ValueError(f"a letter with Shift is written as it is typed: {name.upper()}")
    if modifiers == ["ctrl"] and re.fullmatch("[a-z]", name):
        if name in _LOST:
            raise ValueError(f"it does not reach a program everywhere: {_LOST[name]}")
        return f"ctrl+{name}"
    if modifiers:
        raise ValueError(f"it does not reach a program everywhere: {_chord(modifiers)}")
    if re.fullmatch(r"f\d+", name):
        if int(name[1:]) not in range(1, 13):
            raise ValueError("it does not reach a program everywhere: terminals know F1 to F12")
        return f"f{int(name[1:])}"
    if name in _NAMED:
        return name
    raise ValueError("there is no key of that name")


def _chord(modifiers: list[str]) -> str:
    if "alt" in modifiers or "meta" in modifiers or "option" in modifiers:
        return "a chord with Alt arrives as two keys, or not at all"
    if "ctrl" in modifiers and "shift" in modifiers:
        return "terminals do not tell Ctrl+Shift from Ctrl"
    if "ctrl" in modifiers:
        return "with Ctrl only letters do"
    return f"terminals do not tell {'+'.join(modifiers).capitalize()} with this key"
