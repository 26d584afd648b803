"""The commands of the order line: what each verb takes, and what it means."""

from __future__ import annotations

from console.meanings import (
    MODE_WORDS,
    MODES,
    PANIC_WORDS,
    TRADING_VERBS,
    VERBS,
    AcceptPosition,
    ChangeMode,
    CompareWithBroker,
    Context,
    FlattenAll,
    Parsed,
    PlaceOrder,
    PlacePair,
    normal_form,
    normal_form_of_pair,
    symbol_word,
)
from console.order_line.orders import read_order, read_pair
from console.order_line.words import Word, meant, missing, nothing_after, symbol_of, wrong
from console.order_line.working import cancel, replace_order

MEANT = {"long": ("buy",), "short": ("sell",), "exit": ("close", "flatten"), "edit": ("replace",), "modify": ("replace",)}
"""What people write elsewhere, and what it is here."""


def command(words: list[Word], context: Context, end: int) -> Parsed:
    """What `words` mean, at least one. Raises WrongError where they mean nothing, or nothing yet."""
    verb, rest = words[0], words[1:]
    # The normal form writes verbs in capitals; in the first place that can be read in one way only.
    name = verb.text.lower() if verb.text in (verb.text.lower(), verb.text.upper()) else verb.text
    if name in TRADING_VERBS:
        intent, note = read_order(name, verb, rest, context, end)
        return Parsed(PlaceOrder(intent), normal_form(intent), note)
    if name == "preview":
        if not rest:
            raise missing(end, "an order to preview", TRADING_VERBS)
        inner = command(rest, context, end)
        if not isinstance(inner.meaning, PlaceOrder) or inner.meaning.preview:
            raise wrong(rest[0], "only an order can be previewed", TRADING_VERBS)
        return Parsed(PlaceOrder(inner.meaning.intent, preview=True), f"PREVIEW {inner.normal}", inner.note)
    if name == "oco":
        return _pair(rest, context, end)
    if name == "replace":
        return replace_order(rest, context, end)
    if name == "cancel":
        return cancel(rest, context, end)
    if name == "mode":
        return _mode(rest, end)
    if name == "flatten":
        nothing_after(rest)
        return Parsed(FlattenAll(), "FLATTEN")
    if name == "sync":
        nothing_after(rest)
        return Parsed(CompareWithBroker(), "SYNC")
    if name == "accept":
        return _accept(rest, context, end)
    if name in PANIC_WORDS:
        raise wrong(verb, "the stop is a key, and works at once", ("F12 or ^G", "cancel *", "flatten"))
    if name in MEANT:
        raise wrong(verb, f"no verb: {verb.text}", MEANT[name])
    if verb.end == end and any(known.startswith(name) for known in VERBS):
        raise missing(end, "the rest of the verb, which is never abbreviated", meant(name, VERBS), verb.start)
    raise wrong(verb, f"no verb: {verb.text}", meant(name, VERBS))


def _accept(rest: list[Word], context: Context, end: int) -> Parsed:
    if not rest:
        known = tuple(symbol_word(symbol) for symbol in list(context.symbols)[:3])
        raise missing(end, "a symbol of which the broker holds something else", known)
    nothing_after(rest[1:])
    symbol = symbol_of(rest[0], context, end)
    return Parsed(AcceptPosition(symbol), f"ACCEPT {symbol_word(symbol)}")


def _pair(rest: list[Word], context: Context, end: int) -> Parsed:
    """Two prices for one quantity: `oco sell 100 AAPL @ 190 stop 180`."""
    if not rest:
        raise missing(end, "what the two orders do", TRADING_VERBS)
    verb = rest[0]
    name = verb.text.lower() if verb.text in (verb.text.lower(), verb.text.upper()) else verb.text
    if name not in TRADING_VERBS:
        if verb.end == end and any(known.startswith(name) for known in TRADING_VERBS):
            raise missing(end, "the rest of the verb, which is never abbreviated", meant(name, TRADING_VERBS), verb.start)
        raise wrong(verb, f"no verb of an order: {verb.text}", TRADING_VERBS)
    first, second = read_pair(name, verb, rest[1:], context, end)
    return Parsed(PlacePair(first, second), normal_form_of_pair(first, second))


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
