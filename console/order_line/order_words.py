"""One order's words, in whatever order they come, each put in its place."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from console.meanings import (
    EXIT_WORDS,
    FRACTIONS,
    KEYWORDS,
    LIMIT_WORDS,
    MARKET_WORDS,
    QUANTITIES,
    TIFS,
    VERBS,
    Context,
    symbol_word,
)
from console.order_line.prices import PRICE_EXAMPLES, sign_of
from console.order_line.sizing import Size
from console.order_line.words import (
    MONEY,
    NUMBER,
    PERCENT,
    SYMBOL,
    Word,
    WrongError,
    meant,
    missing,
    money,
    number,
    symbol_of,
    symbol_words,
    wrong,
)
from engine.model import Side, TimeInForce
from engine.model.money import HUNDRED

TYPE_EXAMPLES = ("mkt", "@ 187.50", "stop 184.00", "trail 1.5%")
MEANT = {
    "at": ("@ 187.50",),
    "moo": ("opg",),
    "moc": ("cls",),
    "loo": ("@ 187.50 opg",),
    "loc": ("@ 187.50 cls",),
    "target": ("tp 195.00", "tp +4%"),
    "stop-limit": ("stop 184.00 @ 183.50",),
    "stop-loss": ("sl 184.00", "sl -2%"),
    "shares": ("a number alone",),
}
"""What people write elsewhere, and what it is here."""
RISKS = ("0.5%", "$500")
AUCTIONS_AND_NOW = (TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG, TimeInForce.CLS)


class Pair(Struct, frozen=True):
    """A keyword and what came with it: `stop` `184.00`."""

    keyword: Word
    value: Word


class OrderWords:
    """Collects the words of one order behind its `verb`: buy, sell or close. `oco` takes two prices, of which one cancels the other."""

    def __init__(self, verb: str, context: Context, verb_word: Word, end: int, *, oco: bool = False) -> None:
        self.verb = verb
        self.context = context
        self.verb_word = verb_word
        self.end = end
        self.oco = oco
        self.symbol: tuple[str, Word] | None = None
        self.size: Size | None = None
        self.market: Word | None = None
        self.limit: Pair | None = None
        self.stop: Pair | None = None
        self.trail: Pair | None = None
        self.take_profit: Pair | None = None
        self.stop_loss: Pair | None = None
        self.trails_loss = False
        self.tif: tuple[TimeInForce, Word] | None = None
        self.extended: Word | None = None
        self.reduce: Word | None = None
        self._left: list[Word] = []

    @property
    def closes(self) -> bool:
        """Whether it can only reduce a position: what is counted from one is meant so."""
        return self.verb == "close" or self.reduce is not None or (self.size is not None and self.size.kind == "position")

    # ---- reading

    def complete(self) -> tuple[str, Word]:
        """The symbol, once nothing is missing."""
        if self.symbol is None:
            if self.size is None and self.verb != "close":
                raise missing(self.end, "a quantity and a symbol", (*QUANTITIES, *symbol_words(self.context)))
            raise missing(self.end, "a symbol", symbol_words(self.context))
        if self.size is None and self.verb != "close":
            raise missing(self.end, "a quantity", QUANTITIES)
        return self.symbol

    def collect(self, words: list[Word]) -> None:
        self._left = list(words)
        while self._left:
            word = self._left.pop(0)
            text = word.text
            if self.oco and (text in (*EXIT_WORDS, *MARKET_WORDS, "risk", "ext") or _tif(text) in AUCTIONS_AND_NOW):
                raise wrong(word, f"no {text} in a pair of a limit and a stop", ("@ 187.50", "stop 184.00", "trail 1.5%", "day", "gtc"))
            if text in LIMIT_WORDS:
                self._second_type(word)
                self.limit = Pair(word, self._value("a price", PRICE_EXAMPLES))
            elif text == "stop":
                self._second_type(word)
                self.stop = Pair(word, self._value("a price", PRICE_EXAMPLES))
            elif text == "trail":
                self._second_type(word)
                self.trail = Pair(word, self._value("how far it follows the market", ("1.5%", "2.50")))
            elif text in MARKET_WORDS:
                self._second_type(word)
                self.market = word
            elif text in EXIT_WORDS:
                self._exit(word)
            elif text == "risk":
                self._risk(word)
            else:
                self._word(word)

    def _value(self, what: str, right: tuple[str, ...]) -> Word:
        if not self._left:
            raise missing(self.end, what, right)
        return self._left.pop(0)

    def _exit(self, word: Word) -> None:
        profit = word.text == "tp"
        self._once(self.take_profit if profit else self.stop_loss, word, "take-profit" if profit else "stop-loss")
        side = Side.SELL if self.verb == "sell" else Side.BUY
        distance = f"{sign_of(side, profit=profit)}{4 if profit else 2}%"
        value = self._value("a price, or how far from the entry", ("187.50", distance, *(() if profit else ("trail 2%",))))
        if value.text == "trail" and profit:
            raise wrong(value, "a take-profit does not trail: a stop-loss does", ("187.50", distance))
        if value.text == "trail":
            value = self._value("how far it follows the market", ("2%", "2.50"))
            self.trails_loss = True
        elif not profit and value.end == self.end and value.text and "trail".startswith(value.text):
            raise missing(self.end, "the rest of the word", ("trail",), value.start)
        if profit:
            self.take_profit = Pair(word, value)
        else:
            self.stop_loss = Pair(word, value)

    def _risk(self, word: Word) -> None:
        self._second_size(word)
        value = self._value("how much may be lost at the stop-loss", RISKS)
        amount = money(value)
        if amount is not None:
            self.size = Size(value, "cash", amount)
        elif match := PERCENT.fullmatch(value.text):
            self.size = Size(value, "equity", number(match[1], value))
        elif value.end == self.end and NUMBER.fullmatch(value.text):
            raise missing(self.end, "per cent of equity, or money", (f"{value.text}%", f"${value.text}"), value.start)
        else:
            raise wrong(value, f"no risk: {value.text}", RISKS)
        if self.size.amount <= 0 or (self.size.kind == "equity" and self.size.amount > HUNDRED):
            raise wrong(value, "a risk is above zero, and at most all of equity", RISKS)

    def _word(self, word: Word) -> None:
        text = word.text
        if (tif := _tif(text)) and not (text.isupper() and self._may_be_symbol(word)):
            self._once(self.tif, word, "time in force")
            self.tif = tif, word
        elif text == "ext":
            self._once(self.extended, word, "ext")
            self.extended = word
        elif text == "reduce":
            self._once(self.reduce, word, "reduce")
            self.reduce = word
        elif text in FRACTIONS:
            self._second_size(word)
            self.size = Size(word, "position", FRACTIONS[text])
        elif match := PERCENT.fullmatch(text):
            self._second_size(word)
            self.size = Size(word, "position", number(match[1], word))
            if not 0 < self.size.amount <= HUNDRED:
                raise wrong(word, "a share of the position is above 0% and at most 100%", ("50%", "half", "all"))
        elif NUMBER.fullmatch(text):
            self._second_size(word)
            self.size = Size(word, "shares", number(text, word))
            if self.size.amount <= 0:
                raise wrong(word, "a quantity is above zero", QUANTITIES)
        elif MONEY.fullmatch(text):
            self._second_size(word)
            if self.oco:
                raise wrong(word, "the two orders share one number of shares", ("100", *FRACTIONS))
            self.size = Size(word, "money", money(word) or Decimal(0))
        elif SYMBOL.fullmatch(text):
            absent = "no position in {} to close" if self.verb == "close" else ""
            symbol = symbol_of(word, self.context, self.end, absent, self.context.held)
            if self.symbol is not None:
                raise wrong(word, f"a second symbol, after {self.symbol[0]}", ("one symbol a line",))
            self.symbol = symbol, word
        else:
            raise self._unknown(word)

    def _may_be_symbol(self, word: Word) -> bool:
        """DAY is a ticker, too. Once the line has its symbol, only the keyword is left."""
        return self.symbol is None and word.text in self.context.symbols

    # ---- twice the same

    def _second_type(self, word: Word) -> None:
        """What says how an order trades comes once, but for a stop and its limit, and for the two prices of a pair."""
        given = [n for n, before in (("market", self.market), ("stop", self.stop), ("limit", self.limit), ("trail", self.trail)) if before]
        name = "market" if word.text in MARKET_WORDS else "limit" if word.text in LIMIT_WORDS else word.text
        if not given or (given == ["stop"] and name == "limit"):
            return
        if self.oco and (given == ["limit"] or name == "limit") and name not in given:
            return
        if self.limit is not None and given == ["limit"] and name == "stop":
            price = self._left[0].text if self._left else "184.00"
            readings = (f"stop {price} {self.limit.keyword.text} {self.limit.value.text}", f"sl {price}")
            raise wrong(word, "reads as a stop-limit order or as a stop-loss", readings)
        raise wrong(word, f"a second order type, after {given[0]}", TYPE_EXAMPLES)

    def _second_size(self, word: Word) -> None:
        if self.size is None:
            return
        if NUMBER.fullmatch(word.text):
            right = (f"@ {word.text}", f"stop {word.text}", "one quantity")
            raise wrong(word, f"{word.text} reads as a quantity or as a price", right)
        raise wrong(word, f"a second quantity, after {self.size.word.text}", ("one of them",))

    def _once(self, before: object, word: Word, what: str) -> None:
        if before is not None:
            raise wrong(word, f"a second {what}", ("one of them",))

    def _unknown(self, word: Word) -> WrongError:
        text = word.text
        if text.upper() in self.context.symbols:
            return wrong(word, "symbols are upper case", (symbol_word(text.upper()),))
        if text.lower() in KEYWORDS and text != text.lower():
            return wrong(word, "keywords are lower case", (text.lower(),))
        if text == "close":
            return wrong(word, "close reads as a command or as the closing auction", ("cls", "Enter between them"))
        if text == "*":
            return wrong(word, "all positions at once have a command of their own", ("flatten",))
        if text in MEANT:
            return wrong(word, f"not known here: {text}", MEANT[text])
        if text in VERBS:
            return wrong(word, "one command a line", ("Enter between them",))
        possible = self.possible()
        starts = tuple(p for p in possible if p.lower().startswith(text.lower()))
        if starts and word.end == self.end:
            return missing(self.end, "the rest of the word", starts, word.start)
        return wrong(word, f"not known here: {text}", meant(text, possible))

    def possible(self) -> tuple[str, ...]:
        """The words that could still come."""
        out: list[str] = []
        if self.size is None:
            out += QUANTITIES if self.verb != "close" else ("50%", *FRACTIONS)
        if self.symbol is None:
            out += symbol_words(self.context, 500)
        if not (self.market or self.limit or self.stop or self.trail):
            out += ("@", "stop", "trail") if self.oco else ("@", "mkt", "stop", "trail")
        elif self.oco and not self.market:
            out += (*(("@",) if not self.limit else ()), *(("stop", "trail") if not (self.stop or self.trail) else ()))
        elif self.stop and not self.limit:
            out += ("@",)
        if self.tif is None:
            stops = self.stop or self.trail
            out += ("day", "gtc") if stops or self.oco else ("day", "gtc", "ioc", "fok", "opg", "cls")
        if not self.closes and not self.oco:
            out += ("tp",) if not self.take_profit else ()
            out += ("sl",) if not self.stop_loss else ()
            out += ("risk",) if not self.size else ()
        if self.limit and not self.stop and not self.extended and not self.oco:
            out += ("ext",)
        if not self.closes and not self.take_profit and not self.stop_loss:
            out += ("reduce",)
        return tuple(out)


def _tif(text: str) -> TimeInForce | None:
    return TIFS.get(text) or (TIFS.get(text.lower()) if text in TimeInForce.__members__ else None)
