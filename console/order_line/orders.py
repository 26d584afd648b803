"""One order's words, in whatever order they come, made into an Intent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

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
    Known,
    symbol_word,
)
from console.order_line.prices import PRICE_EXAMPLES, exit_of, price_of, sign_of, trail_of
from console.order_line.sizing import Size, at_the_exits, by_risk, notional, of_position, shares
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
from engine.model import Intent, OrderType, Side, TimeInForce
from engine.model.capabilities import step
from engine.model.money import HUNDRED
from engine.model.orders import Bracket, Exit

TYPE_EXAMPLES = ("mkt", "@ 187.50", "stop 184.00", "trail 1.5%")
RISKS = ("0.5%", "$500")
SIMPLE = (OrderType.MARKET, OrderType.LIMIT)
AUCTIONS_AND_NOW = (TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG, TimeInForce.CLS)


@dataclass(frozen=True, slots=True)
class Pair:
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
        self.note = ""
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

    # ---- reading

    def read(self, words: list[Word]) -> Intent:
        """Raises WrongError where the words are no order, or not yet one."""
        self.collect(words)
        symbol, word = self._complete()
        return self._intent(symbol, word, limit=self.limit, stop=self.stop, trail=self.trail)

    def read_pair(self, words: list[Word]) -> tuple[Intent, Intent]:
        """The order at the limit, and the one at the stop or trail. Raises WrongError as `read` does."""
        self.collect(words)
        symbol, word = self._complete()
        if self.limit is None:
            raise missing(self.end, "the limit of the one order", ("@ 187.50",))
        if self.stop is None and self.trail is None:
            raise missing(self.end, "the stop of the other order", ("stop 184.00", "trail 1.5%"))
        return self._intent(symbol, word, limit=self.limit), self._intent(symbol, word, stop=self.stop, trail=self.trail)

    def _complete(self) -> tuple[str, Word]:
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
            symbol = symbol_of(word, self.context, self.end)
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
        closes = self.verb == "close" or self.reduce is not None or (self.size is not None and self.size.kind == "position")
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
        if not closes and not self.oco:
            out += ("tp",) if not self.take_profit else ()
            out += ("sl",) if not self.stop_loss else ()
            out += ("risk",) if not self.size else ()
        if self.limit and not self.stop and not self.extended and not self.oco:
            out += ("ext",)
        if not closes and not self.take_profit and not self.stop_loss:
            out += ("reduce",)
        return tuple(out)

    # ---- from words to an order

    def _intent(self, symbol: str, word: Word, *, limit: Pair | None = None, stop: Pair | None = None, trail: Pair | None = None) -> Intent:
        known = self.context.symbols[symbol]
        reduce = self.reduce is not None or self.verb == "close" or (self.size is not None and self.size.kind == "position")
        side = self._side(symbol, word, known)
        kind = _type(limit, stop, trail)
        tif = self._tif(kind)
        limit_price = price_of(limit.value, known, symbol, self.end) if limit else None
        stop_price = price_of(stop.value, known, symbol, self.end) if stop else None
        by, by_pct = trail_of(trail.value, known, symbol) if trail else (None, None)
        self._check_extended(kind, tif)
        exits = self._bracket(symbol, known, side, reduce=reduce)
        lot = step(known.lot, known.fraction, kind, tif, bracketed=exits is not None)
        quantity, worth = self._quantity(symbol, known, side, limit_price or stop_price, lot, exits)
        intent = Intent(
            symbol=symbol,
            side=side,
            quantity=quantity,
            type=kind,
            limit=limit_price,
            stop=stop_price,
            tif=tif,
            reduce_only=reduce,
            trail=by,
            trail_pct=by_pct,
            notional=worth,
            extended_hours=self.extended is not None,
            bracket=exits,
        )
        self.note = self.note or at_the_exits(intent, known, lot)
        return intent

    def _side(self, symbol: str, word: Word, known: Known) -> Side:
        if self.verb != "close":
            return Side(self.verb.upper())
        if not known.position:
            raise wrong(word, f"no position in {symbol} to close", tuple(s for s, k in self.context.symbols.items() if k.position))
        return Side.SELL if known.position > 0 else Side.BUY

    def _tif(self, kind: OrderType) -> TimeInForce:
        if self.tif is None:
            return TimeInForce.DAY
        tif, word = self.tif
        if kind not in SIMPLE and tif not in (TimeInForce.DAY, TimeInForce.GTC):
            raise wrong(word, f"{tif.value} takes market and limit orders alone", ("day", "gtc"))
        return tif

    def _check_extended(self, kind: OrderType, tif: TimeInForce) -> None:
        if self.extended is not None and (kind is not OrderType.LIMIT or tif is not TimeInForce.DAY):
            raise wrong(self.extended, "extended hours take limit orders for the day alone", ("@ 187.50 day ext",))

    def _bracket(self, symbol: str, known: Known, side: Side, *, reduce: bool) -> Bracket | None:
        first = self.take_profit or self.stop_loss
        if first is None:
            return None
        if reduce:
            raise wrong(first.keyword, "an order that only closes has no exits of its own", ("@ 187.50", "stop 184.00", "trail 1.5%"))
        profit, loss = self.take_profit, self.stop_loss
        leave = exit_of(profit.keyword, profit.value, known, symbol, side, self.end) if profit else None
        if loss is None:
            return Bracket(leave)
        if self.trails_loss:
            trail, trail_pct = trail_of(loss.value, known, symbol)
            return Bracket(leave, Exit(trail=trail, trail_pct=trail_pct))
        return Bracket(leave, exit_of(loss.keyword, loss.value, known, symbol, side, self.end))

    def _quantity(
        self, symbol: str, known: Known, side: Side, price: Decimal | None, lot: Decimal, exits: Bracket | None
    ) -> tuple[Decimal, Decimal | None]:
        """In shares, or else zero and the money's worth."""
        size = self.size or Size(self.verb_word, "position", HUNDRED)
        if size.kind == "shares":
            return shares(size, symbol, lot), None
        if size.kind == "money":
            return Decimal(0), notional(size, symbol, known, side, price, lot)
        if size.kind == "position":
            return of_position(size, symbol, known, side, lot, closes=self.verb == "close"), None
        if exits is None or exits.stop_loss is None:
            raise missing(self.end, "the stop-loss that the risk is counted to", ("sl 184.00", f"sl {sign_of(side, profit=False)}2%"))
        quantity, self.note = by_risk(size, symbol, known, side, price, lot, exits.stop_loss, self.context.equity)
        return quantity, None


def _type(limit: Pair | None, stop: Pair | None, trail: Pair | None) -> OrderType:
    if trail is not None:
        return OrderType.TRAILING_STOP
    if stop is not None:
        return OrderType.STOP_LIMIT if limit is not None else OrderType.STOP
    return OrderType.LIMIT if limit is not None else OrderType.MARKET


def _tif(text: str) -> TimeInForce | None:
    return TIFS.get(text) or (TIFS.get(text.lower()) if text in TimeInForce.__members__ else None)
