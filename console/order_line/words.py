"""The words of a line with their places, the numbers among them, and how a mistake about one of them is told."""

from __future__ import annotations

import re
from decimal import Decimal
from difflib import get_close_matches

from msgspec import Struct

from console.meanings import KEYWORDS, Context, ParseError, symbol_word

NUMBER = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+")
MONEY = re.compile(r"\$([0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)([km]?)")
PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)%")
SYMBOL = re.compile(r"\$?[A-Z][A-Z0-9./-]{0,14}")
MOST_DIGITS = 15
"""Longer numbers are a slip of the hand, and would leave exact arithmetic."""
MOST_SUGGESTED = 8
_TIMES = {"": 1, "k": 1_000, "m": 1_000_000}


class WrongError(Exception):
    """Carries a ParseError out of the parse."""

    def __init__(self, error: ParseError) -> None:
        super().__init__(error.message)
        self.error = error


class Word(Struct, frozen=True):
    text: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """The words with their places; `@187.50` is two."""
    words = []
    for match in re.finditer(r"\S+", text):
        word = Word(match[0], match.start(), match.end())
        if word.text.startswith("@") and len(word.text) > 1:
            words += [Word("@", word.start, word.start + 1), Word(word.text[1:], word.start + 1, word.end)]
        else:
            words.append(word)
    return words


# ---- mistakes


def wrong(word: Word, message: str, right: tuple[str, ...]) -> WrongError:
    return WrongError(ParseError(word.start, word.end, message, right[:MOST_SUGGESTED]))


def missing(end: int, what: str, right: tuple[str, ...], start: int | None = None) -> WrongError:
    """Nothing is wrong so far, but `what` has to come at `end`, or text[start:] is only the beginning of it."""
    return WrongError(ParseError(end if start is None else start, end, what, right[:MOST_SUGGESTED], unfinished=True))


def nothing_after(rest: list[Word]) -> None:
    if rest:
        raise WrongError(ParseError(rest[0].start, rest[-1].end, "one command a line, and it ends before this", ("nothing here",)))


def meant(typed: str, possible: tuple[str, ...]) -> tuple[str, ...]:
    """The words that were probably meant, or all that are possible."""
    starts = tuple(word for word in possible if word.startswith(typed))
    return starts or (tuple(get_close_matches(typed, possible, 3)) if len(typed) > 2 else ()) or possible


# ---- numbers


def number(text: str, word: Word) -> Decimal:
    """A comma stands between thousands alone: who writes 0,02 for a point means no 2."""
    digits, pointed = text.replace(",", ""), text.replace(",", ".")
    if not NUMBER.fullmatch(text):
        raise wrong(word, f"no number: {text}", (pointed,) if NUMBER.fullmatch(pointed) else ("100", "187.50"))
    if len(digits) > MOST_DIGITS:
        raise wrong(word, "more digits than a real order has", ("100", "187.50"))
    return Decimal(digits)


def money(word: Word) -> Decimal | None:
    """`$5k`, `$1,000` or `$2.5m` as an amount; None where the word is none."""
    match = MONEY.fullmatch(word.text)
    return number(match[1], word) * _TIMES[match[2]] if match else None


# ---- symbols


def symbol_words(context: Context, most: int = 5) -> tuple[str, ...]:
    return tuple(symbol_word(symbol) for symbol in list(context.symbols)[:most])


def symbol_of(word: Word, context: Context, end: int, absent: str = "", present: tuple[str, ...] = ()) -> str:
    """The symbol that `word` names, or a mistake that says why it names none. `absent` is what is said of one that nothing is known of,
    where no price of it would help, and `present` are those that would be right; else it could be watched."""
    name = word.text.removeprefix("$")
    marked = word.text.startswith("$")
    if not marked and name.lower() in KEYWORDS and name.isupper():
        if name in context.symbols:
            raise wrong(word, f"{name} reads as the symbol or as the word", (f"${name}", name.lower()))
        raise wrong(word, "keywords are lower case", (name.lower(),))
    if name in context.symbols:
        return name
    if name.upper() in context.symbols:
        raise wrong(word, "symbols are upper case", (symbol_word(name.upper()),))
    starts = tuple(symbol_word(symbol) for symbol in context.symbols if symbol.startswith(name))
    if starts and word.end == end:
        raise missing(end, "the rest of the symbol", starts, word.start)
    if context.starting:
        raise wrong(word, f"{name} is not known yet: {context.starting}", ())
    if absent:
        raise wrong(word, absent.replace("{}", name), meant(name, tuple(map(symbol_word, present))))
    right = meant(name, symbol_words(context, 500))[:MOST_SUGGESTED]
    raise WrongError(ParseError(word.start, word.end, f"not watched: {name}", right, unwatched=SYMBOL.fullmatch(name) is not None))
