"""What Tab may put in place of the word before the cursor: the words that could still come, each with what it stands for."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from console.meanings import (
    EXIT_WORDS,
    FRACTIONS,
    LIMIT_WORDS,
    MODE_WORDS,
    PRICES,
    TRADING_VERBS,
    VERBS,
    Context,
    ParseError,
    plain,
    symbol_word,
)
from console.order_line import parse
from console.order_line.accounts import ON, routed, without_account
from console.order_line.glossary import WORDS
from console.order_line.order_words import OrderWords
from console.order_line.words import Word, WrongError, words_of
from console.order_line.working import how_it_trades, replaceable
from engine.model.money import HUNDRED, exact, to_tick
from engine.model.views import OrderRow

MOST_SYMBOLS = 500


class Candidate(NamedTuple):
    """A word that Tab may put in, and what it stands for, where the word does not say it."""

    word: str
    about: str = ""


def complete(text: str, context: Context) -> tuple[int, tuple[Candidate, ...]]:
    """What Tab may put in place of text[start:]: (start, candidates). `text` ends at the cursor. No candidate makes a mistake of it."""
    words = words_of(text)
    open_word = words.pop() if words and words[-1].end == len(text) and words[-1].text != "@" else None
    start, typed = (open_word.start, open_word.text.lower()) if open_word else (len(text), "")
    candidates = (c for c in _in_account(words, context, len(text)) if c.word.lower().startswith((typed, f"${typed}")))
    before = text[:start]
    if _is_mistake(before, context):
        return start, tuple(candidates)
    return start, tuple(c for c in candidates if not _is_mistake(before + c.word, context))


def _is_mistake(text: str, context: Context) -> bool:
    read = parse(text, context)
    return isinstance(read, ParseError) and not read.unfinished


def _in_account(words: list[Word], context: Context, end: int) -> tuple[Candidate, ...]:
    """The candidates in the account that the line is for, and how another is named."""
    if not context.accounts or not words:
        return _candidates(words, context, end)
    if words[-1].text == ON:
        return tuple(Candidate(name) for name in context.accounts)
    rest, named = words, ""
    with suppress(WrongError):
        rest, named = without_account(words, context, end)
    its = context.accounts[named or routed(rest, context)]
    return (*_candidates(rest, its, end), *[Candidate(ON, "in which account")] * (not named))


def _candidates(words: list[Word], context: Context, end: int) -> tuple[Candidate, ...]:
    if not words:
        return _named(*VERBS)
    verb, rest = words[0].text.lower(), words[1:]
    match verb:
        case "mode":
            return _named(*MODE_WORDS) if not rest else ()
        case "cancel":
            return (*_named("*"), *_orders(context), *_symbols(context)) if not rest else ()
        case "accept":
            return _symbols(context) if not rest else ()
        case "replace":
            return _of_replace(rest, context)
        case "preview" if not rest:
            return _named(*TRADING_VERBS)
        case "preview":
            return _of_order(rest, context, end, oco=False)
        case "oco" if not rest:
            return _named(*TRADING_VERBS)
        case "oco":
            return _of_order(rest, context, end, oco=True)
        case _:
            return _of_order(words, context, end, oco=False)


def _of_order(words: list[Word], context: Context, end: int, *, oco: bool) -> tuple[Candidate, ...]:
    verb, last = words[0].text.lower(), words[-1].text
    if verb not in TRADING_VERBS:
        return ()
    order = OrderWords(verb, context, words[0], end, oco=oco)
    # What was understood before the first mistake still says what may follow.
    with suppress(WrongError):
        order.collect(words[1:])
    symbol = order.symbol[0] if order.symbol else ""
    if last in LIMIT_WORDS or last == "stop" or last in EXIT_WORDS:
        return (*_prices(symbol, context), *_named("trail") * (last == "sl"))
    if last in ("trail", "risk"):
        return ()
    known = {candidate.word: candidate for candidate in _symbols(context)}
    held = context.symbols[symbol].position if symbol else None
    fractions = {name: plain(abs(held) * part / HUNDRED) for name, part in FRACTIONS.items()} if held else {}
    words_left = (word for word in order.possible() if not word[0].isdigit() and word != "$5k")
    return tuple(known.get(word) or Candidate(word, fractions.get(word) or WORDS.get(word, "")) for word in words_left)


def _of_replace(rest: list[Word], context: Context) -> tuple[Candidate, ...]:
    if not rest:
        return _orders(context)
    number = rest[0].text.removeprefix("#")
    row = context.working.get(int(number)) if number.isdecimal() and number.isascii() and len(number) < 16 else None
    if row is None:
        return ()
    if rest[-1].text in LIMIT_WORDS or rest[-1].text == "stop":
        return _prices(row.symbol, context)
    if rest[-1].text == "trail":
        return ()
    given = {"@" if word.text in LIMIT_WORDS else word.text for word in rest}
    return _named(*(word for example in replaceable(row) if not (word := example.split()[0])[0].isdigit() and word not in given))


def _named(*words: str) -> tuple[Candidate, ...]:
    return tuple(Candidate(word, WORDS.get(word, "")) for word in words)


def _symbols(context: Context) -> tuple[Candidate, ...]:
    some = list(context.symbols.items())[:MOST_SYMBOLS]
    return tuple(Candidate(symbol_word(symbol), f"{plain(known.position)} held" if known.position else "") for symbol, known in some)


def _orders(context: Context) -> tuple[Candidate, ...]:
    return tuple(Candidate(f"#{number}", _written(row)) for number, row in context.working.items())


def _written(row: OrderRow) -> str:
    return " ".join([row.side, plain(row.quantity), symbol_word(row.symbol), how_it_trades(row)])


def _prices(symbol: str, context: Context) -> tuple[Candidate, ...]:
    known = context.symbols.get(symbol)
    if known is None:
        return _named(*PRICES)
    quoted = ((name, getattr(known, name)) for name in PRICES)
    return tuple(Candidate(name, plain(to_tick(exact(price), known.tick), known.tick)) for name, price in quoted if price is not None)
