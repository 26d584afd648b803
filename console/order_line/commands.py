"""The commands of the order line: what each verb takes, and what it means."""

from __future__ import annotations

import re

from console.meanings import (
    MODE_WORDS,
    MODES,
    TRADING_VERBS,
    VERBS,
    CancelOrders,
    ChangeMode,
    Context,
    FlattenAll,
    Parsed,
    PlaceOrder,
    normal_form,
    symbol_word,
)
from console.order_line.orders import OrderWords
from console.order_line.words import Word, meant, missing, nothing_after, symbol_of, wrong


def command(words: list[Word], context: Context, end: int) -> Parsed:
    """What `words` mean, at least one. Raises WrongError where they mean nothing, or nothing yet."""
    verb, rest = words[0], words[1:]
    # The normal form writes verbs in capitals; in the first place that can be read in one way only.
    name = verb.text.lower() if verb.text in (verb.text.lower(), verb.text.upper()) else verb.text
    if name in TRADING_VERBS:
        order = OrderWords(name, context, verb, end)
        intent = order.read(rest)
        return Parsed(PlaceOrder(intent), normal_form(intent), order.note)
    if name == "preview":
        if not rest:
            raise missing(end, "an order to preview", TRADING_VERBS)
        inner = command(rest, context, end)
        if not isinstance(inner.meaning, PlaceOrder) or inner.meaning.preview:
            raise wrong(rest[0], "only an order can be previewed", TRADING_VERBS)
        return Parsed(PlaceOrder(inner.meaning.intent, preview=True), f"PREVIEW {inner.normal}", inner.note)
    if name == "cancel":
        return _cancel(rest, context, end)
    if name == "mode":
        return _mode(rest, end)
    if name == "flatten":
        nothing_after(rest)
        return Parsed(FlattenAll(), "FLATTEN")
    if verb.end == end and any(known.startswith(name) for known in VERBS):
        raise missing(end, "the rest of the verb, which is never abbreviated", meant(name, VERBS), verb.start)
    raise wrong(verb, f"no verb: {verb.text}", meant(name, VERBS))


def _cancel(rest: list[Word], context: Context, end: int) -> Parsed:
    numbers = tuple(f"#{number}" for number in list(context.working)[:3])
    right = ("*", *numbers, *(symbol_word(symbol) for symbol in list(context.symbols)[:3]))
    if not rest:
        raise missing(end, "what to cancel", right)
    word = rest[0]
    nothing_after(rest[1:])
    if word.text == "*":
        return Parsed(CancelOrders(), "CANCEL *")
    if match := re.fullmatch(r"#([0-9]{1,15})", word.text):
        order_id = context.working.get(int(match[1]))
        if order_id is None:
            raise wrong(word, f"no working order {word.text}", numbers)
        return Parsed(CancelOrders(order_id=order_id), f"CANCEL #{int(match[1])}")
    if re.fullmatch(r"[0-9]{1,15}", word.text):
        raise wrong(word, "an order goes by its number", (f"#{word.text}",))
    if word.text == "all":
        raise wrong(word, "everything is a star", ("*",))
    if word.text == "#":
        raise missing(end, "an order's number", numbers, word.start)
    symbol = symbol_of(word, context, end)
    return Parsed(CancelOrders(symbol=symbol), f"CANCEL {symbol_word(symbol)}")


def _mode(rest: list[Word], end: int) -> Parsed:
    if not rest:
        raise missing(end, "a mode", MODE_WORDS)
    word = rest[0]
    nothing_after(rest[1:])
    name = word.text.lower()
    if name in MODES:
        return Parsed(ChangeMode(MODES[name]), f"MODE {MODES[name].value}")
    if word.end == end and any(known.startswith(name) for known in MODE_WORDS):
        raise missing(end, "the rest of the mode", meant(name, MODE_WORDS), word.start)
    raise wrong(word, f"no mode: {word.text}", MODE_WORDS)
