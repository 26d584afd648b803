"""The grammar of the order line, without a screen: text in, a command or a mistake out.

The verb comes first and is written out; after it the order of words is free. Keywords are lower case, symbols upper case, or `$ALL`
where a symbol is also a word. A word that can be read two ways is a mistake that shows both. Every command has one normal form, and
the normal form is itself a valid line that means the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from difflib import get_close_matches

from console.meanings import (
    FRACTIONS,
    KEYWORDS,
    LIMIT_WORDS,
    MARKET_WORDS,
    MODE_WORDS,
    MODES,
    PRICES,
    QUANTITIES,
    TRADING_VERBS,
    VERBS,
    CancelOrders,
    ChangeMode,
    Context,
    FlattenAll,
    Known,
    Parsed,
    ParseError,
    PlaceOrder,
    normal_form,
    plain,
    symbol_word,
)
from engine.model import Intent, OrderType, Side, TimeInForce
from engine.model.capabilities import step
from engine.model.money import HUNDRED, ZERO, exact, to_lot, to_tick

NUMBER = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+")
MONEY = re.compile(r"\$([0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)([km]?)")
PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)%")
MARKET_PRICE = re.compile(r"(bid|ask|last)(?:([+-])([0-9.,]+))?")
SYMBOL = re.compile(r"\$?[A-Z][A-Z0-9./-]{0,14}")
MOST_DIGITS = 15
"""Longer numbers are a slip of the hand, and would leave exact arithmetic."""


class WrongError(Exception):
    """Carries a ParseError out of the parse."""

    def __init__(self, error: ParseError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Word:
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


def parse(text: str, context: Context) -> Parsed | ParseError:
    """Reads one line. Never raises, whatever the text."""
    words = words_of(text)
    if not words:
        return ParseError(0, 0, "a command", VERBS, unfinished=True)
    try:
        return _command(words, context, len(text))
    except WrongError as wrong:
        return wrong.error


def _command(words: list[Word], context: Context, end: int) -> Parsed:
    verb, rest = words[0], words[1:]
    # The normal form writes verbs in capitals; in the first place that can be read in one way only.
    name = verb.text.lower() if verb.text in (verb.text.lower(), verb.text.upper()) else verb.text
    if name in TRADING_VERBS:
        intent = OrderWords(name, context, verb, end).read(rest)
        return Parsed(PlaceOrder(intent), normal_form(intent))
    if name == "preview":
        if not rest:
            raise _missing(end, "an order to preview", TRADING_VERBS)
        inner = _command(rest, context, end)
        if not isinstance(inner.meaning, PlaceOrder) or inner.meaning.preview:
            raise _wrong(rest[0], "only an order can be previewed", TRADING_VERBS)
        return Parsed(PlaceOrder(inner.meaning.intent, preview=True), f"PREVIEW {inner.normal}")
    if name == "cancel":
        return _cancel(rest, context, end)
    if name == "mode":
        return _mode(rest, end)
    if name == "flatten":
        _nothing_after(rest)
        return Parsed(FlattenAll(), "FLATTEN")
    if verb.end == end and any(known.startswith(name) for known in VERBS):
        raise _missing(end, "the rest of the verb, which is never abbreviated", _meant(name, VERBS), verb.start)
    raise _wrong(verb, f"no verb: {verb.text}", _meant(name, VERBS))


def _cancel(rest: list[Word], context: Context, end: int) -> Parsed:
    numbers = tuple(f"#{number}" for number in list(context.working)[:3])
    right = ("*", *numbers, *(symbol_word(symbol) for symbol in list(context.symbols)[:3]))
    if not rest:
        raise _missing(end, "what to cancel", right)
    word = rest[0]
    _nothing_after(rest[1:])
    if word.text == "*":
        return Parsed(CancelOrders(), "CANCEL *")
    if match := re.fullmatch(r"#([0-9]{1,15})", word.text):
        order_id = context.working.get(int(match[1]))
        if order_id is None:
            raise _wrong(word, f"no working order {word.text}", numbers)
        return Parsed(CancelOrders(order_id=order_id), f"CANCEL #{int(match[1])}")
    if re.fullmatch(r"[0-9]{1,15}", word.text):
        raise _wrong(word, "an order goes by its number", (f"#{word.text}",))
    if word.text == "all":
        raise _wrong(word, "everything is a star", ("*",))
    if word.text == "#":
        raise _missing(end, "an order's number", numbers, word.start)
    symbol = _symbol(word, context, end)
    return Parsed(CancelOrders(symbol=symbol), f"CANCEL {symbol_word(symbol)}")


def _mode(rest: list[Word], end: int) -> Parsed:
    if not rest:
        raise _missing(end, "a mode", MODE_WORDS)
    word = rest[0]
    _nothing_after(rest[1:])
    name = word.text.lower()
    if name in MODES:
        return Parsed(ChangeMode(MODES[name]), f"MODE {MODES[name].value}")
    if word.end == end and any(known.startswith(name) for known in MODE_WORDS):
        raise _missing(end, "the rest of the mode", _meant(name, MODE_WORDS), word.start)
    raise _wrong(word, f"no mode: {word.text}", MODE_WORDS)


class OrderWords:
    """Collects the words of one order, in whatever order they come."""

    def __init__(self, verb: str, context: Context, verb_word: Word, end: int) -> None:
        self.verb = verb
        self.context = context
        self.verb_word = verb_word
        self.end = end
        self.symbol: tuple[str, Word] | None = None
        self.shares: Decimal | None = None
        self.money: Decimal | None = None
        self.percent: Decimal | None = None
        self.quantity_word: Word | None = None
        self.type: OrderType | None = None
        self.price: Word | None = None
        self.tif: TimeInForce | None = None
        self.reduce = False

    def read(self, words: list[Word]) -> Intent:
        left = iter(words)
        for word in left:
            if word.text in LIMIT_WORDS or word.text == "stop":
                self._set_type(word, OrderType.STOP if word.text == "stop" else OrderType.LIMIT)
                self.price = next(left, None)
                if self.price is None:
                    raise _missing(self.end, "a price", ("187.50", *PRICES, "bid+0.02"))
            else:
                self._word(word)
        if self.symbol is None:
            if self.quantity_word is None and self.verb != "close":
                raise _missing(self.end, "a quantity and a symbol", (*QUANTITIES, *symbol_words(self.context)))
            raise _missing(self.end, "a symbol", symbol_words(self.context))
        if self.quantity_word is None and self.verb != "close":
            raise _missing(self.end, "a quantity", QUANTITIES)
        return self._intent(*self.symbol)

    def _word(self, word: Word) -> None:
        text = word.text
        if text in ("day", "gtc", "DAY", "GTC") and not (text.isupper() and self._may_be_symbol(word)):
            self._once(self.tif, word, "time in force")
            self.tif = TimeInForce(text.upper())
        elif text in MARKET_WORDS:
            self._set_type(word, OrderType.MARKET)
        elif text == "reduce":
            self._once(self.reduce or None, word, "reduce")
            self.reduce = True
        elif text in FRACTIONS:
            self._set_quantity(word)
            self.percent = FRACTIONS[text]
        elif match := PERCENT.fullmatch(text):
            self._set_quantity(word)
            self.percent = _number(match[1], word)
            if not 0 < self.percent <= HUNDRED:
                raise _wrong(word, "a share of the position is above 0% and at most 100%", ("50%", "half", "all"))
        elif NUMBER.fullmatch(text):
            self._set_quantity(word)
            self.shares = _number(text, word)
            if self.shares <= 0:
                raise _wrong(word, "a quantity is above zero", QUANTITIES)
        elif match := MONEY.fullmatch(text):
            self._set_quantity(word)
            self.money = _number(match[1], word) * {"": 1, "k": 1_000, "m": 1_000_000}[match[2]]
        elif SYMBOL.fullmatch(text):
            symbol = _symbol(word, self.context, self.end)
            if self.symbol is not None:
                raise _wrong(word, f"a second symbol, after {self.symbol[0]}", ("one symbol a line",))
            self.symbol = symbol, word
        else:
            raise self._unknown(word)

    def _may_be_symbol(self, word: Word) -> bool:
        """DAY is a ticker, too. Once the line has its symbol, only the keyword is left."""
        return self.symbol is None and word.text in self.context.symbols

    def _set_type(self, word: Word, kind: OrderType) -> None:
        if self.type is not None:
            raise _wrong(word, f"a second order type, after {self.type.value.lower()}", ("mkt", "@ 187.50", "stop 184.00"))
        self.type = kind

    def _set_quantity(self, word: Word) -> None:
        if self.quantity_word is not None:
            if NUMBER.fullmatch(word.text):
                right = (f"@ {word.text}", f"stop {word.text}", "one quantity")
                raise _wrong(word, f"{word.text} reads as a quantity or as a price", right)
            raise _wrong(word, f"a second quantity, after {self.quantity_word.text}", ("one of them",))
        self.quantity_word = word

    def _once(self, before: object, word: Word, what: str) -> None:
        if before is not None:
            raise _wrong(word, f"a second {what}", ("one of them",))

    def _unknown(self, word: Word) -> WrongError:
        text = word.text
        if text.upper() in self.context.symbols:
            return _wrong(word, "symbols are upper case", (symbol_word(text.upper()),))
        if text.lower() in KEYWORDS and text != text.lower():
            return _wrong(word, "keywords are lower case", (text.lower(),))
        if text in VERBS:
            return _wrong(word, "one command a line", ("Enter between them",))
        possible = self.possible()
        starts = tuple(p for p in possible if p.lower().startswith(text.lower()))
        if starts and word.end == self.end:
            return _missing(self.end, "the rest of the word", starts, word.start)
        return _wrong(word, f"not known here: {text}", _meant(text, possible))

    def possible(self) -> tuple[str, ...]:
        """The words that could still come."""
        out: list[str] = []
        if self.quantity_word is None:
            out += QUANTITIES if self.verb != "close" else ("50%", *FRACTIONS)
        if self.symbol is None:
            out += symbol_words(self.context, 500)
        if self.type is None:
            out += ("@", "mkt", "stop")
        if self.tif is None:
            out += ("day", "gtc")
        return tuple(out)

    # ---- from words to an order

    def _intent(self, symbol: str, word: Word) -> Intent:
        known = self.context.symbols[symbol]
        reduce = self.reduce or self.verb == "close" or self.percent is not None
        if self.verb == "close":
            if not known.position:
                raise _wrong(word, f"no position in {symbol} to close", tuple(s for s, k in self.context.symbols.items() if k.position))
            side = Side.SELL if known.position > 0 else Side.BUY
        else:
            side = Side(self.verb.upper())
        kind = self.type or OrderType.MARKET
        price = self._price(self.price, known, symbol) if self.price else None
        quantity = self._quantity(symbol, known, side, price)
        return Intent(
            symbol=symbol,
            side=side,
            quantity=quantity,
            type=kind,
            limit=price if kind is OrderType.LIMIT else None,
            stop=price if kind is OrderType.STOP else None,
            tif=self.tif or TimeInForce.DAY,
            reduce_only=reduce,
        )

    def _quantity(self, symbol: str, known: Known, side: Side, price: Decimal | None) -> Decimal:
        word = self.quantity_word or self.verb_word
        lot = step(known.lot, known.fraction, self.type or OrderType.MARKET, self.tif or TimeInForce.DAY)
        if self.shares is not None:
            if self.shares % lot:
                raise _wrong(word, f"{symbol} trades in lots of {lot} here", (plain(max(to_lot(self.shares, lot), lot)),))
            return self.shares
        if self.money is not None:
            market = known.ask if side is Side.BUY else known.bid
            market = known.last if market is None else market
            if price is None and not market:
                raise _wrong(word, f"{symbol} has no price yet to count {word.text} in", ("a number of shares", "@ and a price"))
            each = price if price is not None else exact(market or 0.0)
            quantity = to_lot(self.money / each, lot)
            if not quantity:
                enough = f"${plain((each * lot).to_integral_value(ROUND_CEILING))}"
                raise _wrong(word, f"{word.text} is less than one lot of {symbol} at {each}", (enough,))
            return quantity
        if not known.position:
            raise _wrong(word, f"no position in {symbol} to take {word.text} of", ("100", "$5k"))
        if self.verb != "close" and (known.position > 0) is (side is Side.BUY):
            held = "long" if known.position > 0 else "short"
            raise _wrong(word, f"{word.text} is of the position, and {symbol} is {held} {plain(abs(known.position))}", ("100", "$5k"))
        quantity = to_lot(abs(known.position) * (HUNDRED if self.percent is None else self.percent) / HUNDRED, lot)
        if not quantity:
            raise _wrong(word, f"{word.text} of {plain(abs(known.position))} is less than one lot", ("all",))
        return quantity

    def _price(self, word: Word, known: Known, symbol: str) -> Decimal:
        if NUMBER.fullmatch(word.text):
            price = _number(word.text, word)
            if price % known.tick:
                down = price // known.tick * known.tick
                right = (plain(down, known.tick), plain(down + known.tick, known.tick))
                raise _wrong(word, f"off the tick of {symbol}, {known.tick}", right)
        elif match := MARKET_PRICE.fullmatch(word.text):
            quoted = {"bid": known.bid, "ask": known.ask, "last": known.last}[match[1]]
            if quoted is None:
                others = tuple(name for name in PRICES if getattr(known, name) is not None)
                raise _wrong(word, f"{symbol} has no {match[1]} now", others or ("187.50",))
            offset = _number(match[3], word) if match[3] else ZERO
            price = to_tick(exact(quoted) + (offset if match[2] == "+" else -offset), known.tick)
        elif word.end == self.end and (any(p.startswith(word.text) for p in PRICES) or word.text[:-1] in PRICES):
            raise _missing(self.end, "the rest of the price", (*PRICES, "bid+0.02"), word.start)
        else:
            raise _wrong(word, f"no price: {word.text}", ("187.50", *PRICES, "bid+0.02"))
        if price <= 0:
            raise _wrong(word, "a price is above zero", ("187.50", *PRICES))
        return price.quantize(known.tick)


# ---- helpers


def _wrong(word: Word, message: str, right: tuple[str, ...]) -> WrongError:
    return WrongError(ParseError(word.start, word.end, message, right[:8]))


def _missing(end: int, what: str, right: tuple[str, ...], start: int | None = None) -> WrongError:
    return WrongError(ParseError(end if start is None else start, end, what, right[:8], unfinished=True))


def _nothing_after(rest: list[Word]) -> None:
    if rest:
        raise WrongError(ParseError(rest[0].start, rest[-1].end, "one command a line, and it ends before this", ("nothing here",)))


def _number(text: str, word: Word) -> Decimal:
    digits = text.replace(",", "")
    if not NUMBER.fullmatch(digits):
        raise _wrong(word, f"no number: {text}", ("100", "187.50"))
    if len(digits) > MOST_DIGITS:
        raise _wrong(word, "more digits than a real order has", ("100", "187.50"))
    return Decimal(digits)


def symbol_words(context: Context, most: int = 5) -> tuple[str, ...]:
    return tuple(symbol_word(symbol) for symbol in list(context.symbols)[:most])


def _symbol(word: Word, context: Context, end: int) -> str:
    """The symbol that `word` names, or a mistake that says why it names none."""
    name = word.text.removeprefix("$")
    marked = word.text.startswith("$")
    if not marked and name.lower() in KEYWORDS and name.isupper():
        if name in context.symbols:
            raise _wrong(word, f"{name} reads as the symbol or as the word", (f"${name}", name.lower()))
        raise _wrong(word, "keywords are lower case", (name.lower(),))
    if name in context.symbols:
        return name
    if name.upper() in context.symbols:
        raise _wrong(word, "symbols are upper case", (symbol_word(name.upper()),))
    starts = tuple(symbol_word(symbol) for symbol in context.symbols if symbol.startswith(name))
    if starts and word.end == end:
        raise _missing(end, "the rest of the symbol", starts, word.start)
    raise _wrong(word, f"not watched: {name}", _meant(name, symbol_words(context, 500)))


def _meant(typed: str, possible: tuple[str, ...]) -> tuple[str, ...]:
    """The words that were probably meant, or all that are possible."""
    starts = tuple(word for word in possible if word.startswith(typed))
    return starts or (tuple(get_close_matches(typed, possible, 3)) if len(typed) > 2 else ()) or possible
