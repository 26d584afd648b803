"""The prices of a line: `187.50`, `bid`, `ask-0.02`, and how far an exit lies from its entry: `+4%`."""

from __future__ import annotations

import re
from decimal import Decimal

from console.meanings import PRICES, Known, plain
from console.order_line.words import NUMBER, PERCENT, Word, missing, number, wrong
from engine.model import Side
from engine.model.money import HUNDRED, ZERO, exact, to_tick
from engine.model.orders import Exit

MARKET_PRICE = re.compile(r"(bid|ask|last)(?:([+-])([0-9.,]+))?")
SIGNED = re.compile(r"([+-])(\S*)")
DISTANCES = ("1.5%", "2.50")
PRICE_EXAMPLES = ("187.50", *PRICES, "bid+0.02")


def price_of(word: Word, known: Known, symbol: str, end: int) -> Decimal:
    """The price that `word` names, on the tick."""
    if NUMBER.fullmatch(word.text):
        return _on_tick(word, known, symbol)
    if match := MARKET_PRICE.fullmatch(word.text):
        quoted = {"bid": known.bid, "ask": known.ask, "last": known.last}[match[1]]
        if quoted is None:
            others = tuple(name for name in PRICES if getattr(known, name) is not None)
            raise wrong(word, f"{symbol} has no {match[1]} now", others or ("187.50",))
        offset = number(match[3], word) if match[3] else ZERO
        if offset % known.tick:
            steps = tuple(f"{match[1]}{match[2]}{right}" for right in _beside(offset, known))
            raise wrong(word, f"{match[3]} is off the tick of {symbol}, {known.tick}", steps)
        price = to_tick(exact(quoted) + (offset if match[2] == "+" else -offset), known.tick)
        if price <= 0:
            raise wrong(word, "a price is above zero", ("187.50", *PRICES))
        return price.quantize(known.tick)
    if word.end == end and (any(p.startswith(word.text) for p in PRICES) or word.text[:-1] in PRICES):
        raise missing(end, "the rest of the price", (*PRICES, "bid+0.02"), word.start)
    raise wrong(word, f"no price: {word.text}", PRICE_EXAMPLES)


def trail_of(word: Word, known: Known, symbol: str) -> tuple[Decimal | None, Decimal | None]:
    """How far a trailing stop follows the market: (in price, in per cent), one of the two."""
    if match := PERCENT.fullmatch(word.text):
        return None, per_cent(match[1], word)
    if NUMBER.fullmatch(word.text):
        return _on_tick(word, known, symbol, "a distance", DISTANCES), None
    raise wrong(word, f"no distance: {word.text}", DISTANCES)


def exit_of(keyword: Word, word: Word, known: Known, symbol: str, side: Side, end: int) -> Exit:
    """Where `tp` or `sl`, the `keyword`, leaves what `side` enters."""
    profit = keyword.text == "tp"
    sign = sign_of(side, profit=profit)
    if match := SIGNED.fullmatch(word.text):
        if word.end == end and not match[2].endswith("%") and (not match[2] or NUMBER.fullmatch(match[2])):
            raise missing(end, "per cent, and a price has no sign", (f"{sign}{match[2] or '4'}%",), word.start)
        pct = PERCENT.fullmatch(match[2])
        if not pct:
            raise wrong(word, "a distance is in per cent, and a price has no sign", (f"{sign}4%", "187.50"))
        if match[1] != sign:
            what, where = ("profit", "above" if sign == "+" else "below") if profit else ("loss", "above" if sign == "+" else "below")
            raise wrong(word, f"the {what} of a {side.lower()} lies {where} its entry", (f"{sign}{match[2]}",))
        return Exit(pct=per_cent(pct[1], word))
    if match := PERCENT.fullmatch(word.text):
        return Exit(pct=per_cent(match[1], word))
    if NUMBER.fullmatch(word.text):
        return Exit(price=_on_tick(word, known, symbol, examples=(f"{sign}{4 if profit else 2}%", "187.50")))
    return Exit(price=price_of(word, known, symbol, end))


def sign_of(side: Side, *, profit: bool) -> str:
    """Where the price goes on the way to a profit or a loss of what `side` enters."""
    return "+" if (side is Side.BUY) == profit else "-"


def per_cent(digits: str, word: Word) -> Decimal:
    """How far, of `word`, whose number is `digits`."""
    found = number(digits, word)
    if not 0 < found < HUNDRED:
        raise wrong(word, "a distance is above 0% and under 100%", ("1.5%",))
    return found


def _on_tick(word: Word, known: Known, symbol: str, what: str = "a price", examples: tuple[str, ...] = ("187.50", *PRICES)) -> Decimal:
    price = number(word.text, word)
    if price % known.tick:
        raise wrong(word, f"off the tick of {symbol}, {known.tick}", _beside(price, known))
    if price <= 0:
        raise wrong(word, f"{what} is above zero", examples)
    return price.quantize(known.tick)


def _beside(price: Decimal, known: Known) -> tuple[str, ...]:
    """The prices on the tick to both sides of `price`, as they are written."""
    down = price // known.tick * known.tick
    right = (plain(down, known.tick), plain(down + known.tick, known.tick))
    return right if down else right[1:]
