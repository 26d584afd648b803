"""What Tab may put in place of the word before the cursor: the words that could still come."""

from __future__ import annotations

from contextlib import suppress

from console.meanings import EXIT_WORDS, LIMIT_WORDS, MODE_WORDS, PRICES, TRADING_VERBS, VERBS, Context
from console.order_line.orders import OrderWords
from console.order_line.words import Word, WrongError, symbol_words, words_of

MOST_SYMBOLS = 500


def complete(text: str, context: Context) -> tuple[int, tuple[str, ...]]:
    """What Tab may put in place of text[start:]: (start, candidates). `text` ends at the cursor."""
    words = words_of(text)
    open_word = words.pop() if words and words[-1].end == len(text) and words[-1].text != "@" else None
    start, typed = (open_word.start, open_word.text) if open_word else (len(text), "")
    candidates = _candidates(words, context, len(text))
    return start, tuple(c for c in candidates if c.lower().startswith(typed.lower()) or c.lower().startswith("$" + typed.lower()))


def _candidates(words: list[Word], context: Context, end: int) -> tuple[str, ...]:
    if words and words[0].text.lower() == "preview":
        return _candidates(words[1:], context, end) if len(words) > 1 else TRADING_VERBS
    if not words:
        return VERBS
    verb = words[0].text.lower()
    if verb == "mode":
        return MODE_WORDS if len(words) == 1 else ()
    if verb == "cancel":
        return ("*", *(f"#{number}" for number in context.working), *symbol_words(context, MOST_SYMBOLS)) if len(words) == 1 else ()
    if verb not in TRADING_VERBS:
        return ()
    if words[-1].text in LIMIT_WORDS or words[-1].text == "stop":
        return PRICES
    if words[-1].text in EXIT_WORDS:
        return ("trail", *PRICES) if words[-1].text == "sl" else PRICES
    if words[-1].text in ("trail", "risk"):
        return ()
    order = OrderWords(verb, context, words[0], end)
    # What was understood before the first mistake still says what may follow.
    with suppress(WrongError):
        order.collect(words[1:])
    return tuple(word for word in order.possible() if not word[0].isdigit() and word != "$5k")
