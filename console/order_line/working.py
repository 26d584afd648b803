"""The commands about orders that work: cancel and replace. An order goes by its number, `#12`."""

from __future__ import annotations

import re
from decimal import Decimal

from msgspec.structs import replace

from console.meanings import LIMIT_WORDS, CancelOrders, Context, Known, Parsed, ReplaceOrder, plain, price_words, symbol_word
from console.order_line.prices import PRICE_EXAMPLES, per_cent, price_of, trail_of
from console.order_line.words import NUMBER, PERCENT, Word, WrongError, missing, nothing_after, number, symbol_of, wrong
from engine.model import OrderType
from engine.model.orders import Terms
from engine.model.views import OrderRow

PRICES_OF = {
    OrderType.MARKET: (),
    OrderType.LIMIT: ("limit",),
    OrderType.STOP: ("stop",),
    OrderType.STOP_LIMIT: ("stop", "limit"),
    OrderType.TRAILING_STOP: ("trail",),
}
"""The prices that an order of each type has, and that may be replaced."""
_EXAMPLES = {"limit": "@ 187.50", "stop": "stop 184.00", "trail": "trail 1.5%"}


def cancel(rest: list[Word], context: Context, end: int) -> Parsed:
    numbers = _numbers(context)
    right = ("*", *numbers, *(symbol_word(symbol) for symbol in list(context.symbols)[:3]))
    if not rest:
        raise missing(end, "what to cancel", right)
    word = rest[0]
    nothing_after(rest[1:])
    if word.text == "*":
        return Parsed(CancelOrders(), "CANCEL *")
    if word.text == "all":
        raise wrong(word, "everything is a star", ("*",))
    row = _order(word, context, end)
    if row is not None:
        return Parsed(CancelOrders(order_id=row.id), f"CANCEL #{row.number}")
    symbol = symbol_of(word, context, end, "no order works in {}", tuple(dict.fromkeys(row.symbol for row in context.working.values())))
    return Parsed(CancelOrders(symbol=symbol), f"CANCEL {symbol_word(symbol)}")


def replace_order(rest: list[Word], context: Context, end: int) -> Parsed:
    """`replace #12 @ 188.20`, `replace #12 50 @ 188`: what is not named stays as it is."""
    if not rest:
        raise missing(end, "an order's number", _numbers(context))
    row = _order(rest[0], context, end)
    if row is None:
        raise wrong(rest[0], "an order goes by its number", _numbers(context))
    terms = _new_terms(rest[1:], row, context, end)
    if terms == terms_of(row):
        raise wrong(rest[0], f"#{row.number} is {plain(row.quantity)} {how_it_trades(row)} already", replaceable(row))
    note = f"#{row.number} {row.side} {symbol_word(row.symbol)}: {plain(row.quantity)} {how_it_trades(row)} -> {_written(row, terms)}"
    if row.filled:
        note += f", {plain(row.filled)} of it filled"
    if terms.exit_pct is not None:
        note += " from its entry"
    return Parsed(ReplaceOrder(row.id, terms), f"REPLACE #{row.number} {_written(row, terms)}", note)


def replaceable(row: OrderRow) -> tuple[str, ...]:
    """What a replace may name of it, by example. The quantity of orders that hang together follows from their fills."""
    quantity = () if row.parent or row.oco else (plain(row.quantity),)
    return (*quantity, *(_EXAMPLES[name] for name in PRICES_OF[row.type]))


def _new_terms(words: list[Word], row: OrderRow, context: Context, end: int) -> Terms:
    right = replaceable(row)
    known = context.symbols.get(row.symbol) or Known(row.tick)
    terms, given = terms_of(row), set()
    if not words:
        raise missing(end, "a new price" if row.parent or row.oco else "a new quantity or price", right)
    left = iter(words)
    for word in left:
        name = "limit" if word.text in LIMIT_WORDS else word.text if word.text in ("stop", "trail") else "quantity"
        if name in given:
            raise _twice(word, name)
        given.add(name)
        if name == "quantity":
            terms = replace(terms, quantity=_quantity(word, row, right, end))
            continue
        if name not in PRICES_OF[row.type]:
            raise wrong(word, f"#{row.number} is a {row.type.lower().replace('_', '-')} order and has no {name}", right)
        value = next(left, None)
        if value is None:
            what, examples = ("how far it follows the market", ("1.5%", "2.50")) if name == "trail" else ("a price", PRICE_EXAMPLES)
            raise missing(end, what, examples)
        if name == "trail":
            trail, trail_pct = trail_of(value, known, row.symbol)
            terms = replace(terms, trail=trail, trail_pct=trail_pct)
        elif (distance := PERCENT.fullmatch(value.text)) and may_be_distant(row):
            terms = replace(terms, limit=None, stop=None, exit_pct=per_cent(distance[1], value))
        else:
            price = price_of(value, known, row.symbol, end)
            terms = replace(terms, exit_pct=None, limit=price) if name == "limit" else replace(terms, exit_pct=None, stop=price)
    return terms


def _twice(word: Word, name: str) -> WrongError:
    if NUMBER.fullmatch(word.text):
        readings = (f"@ {word.text}", f"stop {word.text}", "one quantity")
        return wrong(word, f"{word.text} reads as a second quantity or as a price", readings)
    return wrong(word, f"a second {name}", ("one of them",))


def _quantity(word: Word, row: OrderRow, right: tuple[str, ...], end: int) -> Decimal:
    if not NUMBER.fullmatch(word.text):
        keywords = ("limit", "lmt", "stop", "trail")
        if word.end == end and (starts := tuple(k for k in keywords if k.startswith(word.text))):
            raise missing(end, "the rest of the word", starts, word.start)
        raise wrong(word, f"a replace changes quantity and prices alone, not {word.text}", right)
    quantity = number(word.text, word)
    if quantity <= row.filled:
        if not quantity:
            raise wrong(word, "a quantity is above zero", right)
        raise wrong(word, f"{plain(row.filled)} of it have filled already", (f"cancel #{row.number}",))
    if (row.parent or row.oco) and quantity != row.quantity:
        raise wrong(word, f"#{row.number} hangs together with others: its quantity follows from their fills", right)
    return quantity


def terms_of(row: OrderRow) -> Terms:
    """What the order works under, or was last asked to. Where a trailing stop stands is the broker's to say, and no term of it."""
    if row.asked is not None:
        return row.asked
    stop = None if row.type is OrderType.TRAILING_STOP else row.stop
    return Terms(row.quantity, row.limit, stop, row.trail, row.trail_pct, row.exit_pct if waits_for_its_price(row) else None)


def waits_for_its_price(row: OrderRow) -> bool:
    """Whether it is an exit in per cent of an entry that has not filled yet."""
    return row.exit_pct is not None and not row.released and row.limit is None and row.stop is None


def may_be_distant(row: OrderRow) -> bool:
    """Whether it is an exit that may still be put so many per cent away from its entry."""
    return bool(row.parent) and not row.released and row.type in (OrderType.LIMIT, OrderType.STOP)


def how_it_trades(row: OrderRow) -> str:
    """`limit 190.00`; of an exit whose entry has not filled yet, `limit 4%`, which is counted from there."""
    return " ".join(_price_words(row, terms_of(row)))


def _written(row: OrderRow, terms: Terms) -> str:
    return " ".join([plain(terms.quantity), *_price_words(row, terms)])


def _price_words(row: OrderRow, terms: Terms) -> list[str]:
    return price_words(terms) if terms.exit_pct is None else [row.type.lower(), f"{plain(terms.exit_pct)}%"]


def _numbers(context: Context) -> tuple[str, ...]:
    return tuple(f"#{number}" for number in list(context.working)[:3])


def _order(word: Word, context: Context, end: int) -> OrderRow | None:
    """The working order that `word` names by its number, None where it is no number at all."""
    if word.text == "#":
        if word.end == end:
            raise missing(end, "an order's number", _numbers(context), word.start)
        raise wrong(word, "an order's number follows at once", _numbers(context))
    if re.fullmatch(r"[0-9]{1,15}", word.text):
        raise wrong(word, "an order goes by its number", (f"#{word.text}",))
    match = re.fullmatch(r"#([0-9]{1,15})", word.text)
    if match is None:
        return None
    row = context.working.get(int(match[1]))
    if row is not None:
        return row
    starts = tuple(f"#{n}" for n in context.working if str(n).startswith(match[1]))
    if starts and word.end == end:
        raise missing(end, "the rest of the number", starts, word.start)
    raise wrong(word, f"no working order {word.text}", _numbers(context))
