"""An Intent made of the words of one order: the prices named, the quantity counted, and what does not belong together refused."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from console.meanings import Context, Known
from console.order_line.order_words import OrderWords, Pair
from console.order_line.prices import exit_of, price_of, sign_of, trail_of
from console.order_line.sizing import Size, at_the_exits, at_the_stop, by_risk, notional, of_position, shares
from console.order_line.words import Word, missing, wrong
from engine.model import Intent, OrderType, Side, TimeInForce
from engine.model.capabilities import step
from engine.model.money import HUNDRED, ZERO
from engine.model.orders import Bracket, Exit

_SIMPLE = (OrderType.MARKET, OrderType.LIMIT)


def read_order(verb: str, verb_word: Word, rest: list[Word], context: Context, end: int) -> tuple[Intent, str]:
    """The order, and how its numbers were counted. Raises WrongError where the words are no order, or not yet one."""
    words = OrderWords(verb, context, verb_word, end)
    words.collect(rest)
    return _Making(words, *words.complete()).intent(words.limit, words.stop, words.trail)


def read_pair(verb: str, verb_word: Word, rest: list[Word], context: Context, end: int) -> tuple[Intent, Intent]:
    """The order at the limit, and the one at the stop or trail. Raises WrongError as `read_order` does."""
    words = OrderWords(verb, context, verb_word, end, oco=True)
    words.collect(rest)
    making = _Making(words, *words.complete())
    if words.limit is None:
        raise missing(end, "the limit of the one order", ("@ 187.50",))
    if words.stop is None and words.trail is None:
        raise missing(end, "the stop of the other order", ("stop 184.00", "trail 1.5%"))
    return making.intent(words.limit, None, None)[0], making.intent(None, words.stop, words.trail)[0]


class _Making(Struct, frozen=True):
    """Whole `words` about `symbol`, which `symbol_word` names."""

    words: OrderWords
    symbol: str
    symbol_word: Word

    @property
    def known(self) -> Known:
        return self.words.context.symbols[self.symbol]

    def intent(self, limit: Pair | None, stop: Pair | None, trail: Pair | None) -> tuple[Intent, str]:
        words, known, symbol = self.words, self.known, self.symbol
        side, kind = self._side(), _type(limit, stop, trail)
        tif = self._tif(kind)
        limit_price = price_of(limit.value, known, symbol, words.end) if limit else None
        stop_price = price_of(stop.value, known, symbol, words.end) if stop else None
        by, by_pct = trail_of(trail.value, known, symbol) if trail else (None, None)
        self._check_extended(kind, tif)
        exits = self._bracket(side)
        lot = step(known.lot, known.fraction, kind, tif, bracketed=exits is not None)
        quantity, worth, note = self._quantity(side, limit_price or stop_price, lot, exits)
        intent = Intent(
            symbol=symbol,
            side=side,
            quantity=quantity,
            type=kind,
            limit=limit_price,
            stop=stop_price,
            tif=tif,
            reduce_only=words.closes,
            trail=by,
            trail_pct=by_pct,
            notional=worth,
            extended_hours=words.extended is not None,
            bracket=exits,
        )
        said = (at_the_stop(intent, known), note or at_the_exits(intent, known, lot))
        return intent, "   ".join(filter(None, said))

    def _side(self) -> Side:
        if self.words.verb != "close":
            return Side(self.words.verb.upper())
        if not self.known.position:
            raise wrong(self.symbol_word, f"no position in {self.symbol} to close", self.words.context.held)
        return Side.SELL if self.known.position > 0 else Side.BUY

    def _tif(self, kind: OrderType) -> TimeInForce:
        if self.words.tif is None:
            return TimeInForce.DAY
        tif, word = self.words.tif
        if kind not in _SIMPLE and tif not in (TimeInForce.DAY, TimeInForce.GTC):
            raise wrong(word, f"{tif.value} takes market and limit orders alone", ("day", "gtc"))
        return tif

    def _check_extended(self, kind: OrderType, tif: TimeInForce) -> None:
        word = self.words.extended
        if word is not None and (kind is not OrderType.LIMIT or tif is not TimeInForce.DAY):
            raise wrong(word, "extended hours take limit orders for the day alone", ("@ 187.50 day ext",))

    def _bracket(self, side: Side) -> Bracket | None:
        profit, loss = self.words.take_profit, self.words.stop_loss
        first = profit or loss
        if first is None:
            return None
        if self.words.closes:
            raise wrong(first.keyword, "an order that only closes has no exits of its own", ("@ 187.50", "stop 184.00", "trail 1.5%"))
        return Bracket(self._exit(profit, side), self._exit(loss, side))

    def _exit(self, pair: Pair | None, side: Side) -> Exit | None:
        if pair is None:
            return None
        if pair is self.words.stop_loss and self.words.trails_loss:
            trail, trail_pct = trail_of(pair.value, self.known, self.symbol)
            return Exit(trail=trail, trail_pct=trail_pct)
        return exit_of(pair.keyword, pair.value, self.known, self.symbol, side, self.words.end)

    def _quantity(self, side: Side, price: Decimal | None, lot: Decimal, exits: Bracket | None) -> tuple[Decimal, Decimal | None, str]:
        """The number of shares, or else zero and the money's worth; and how it was counted, where that is not plain."""
        words, known, symbol = self.words, self.known, self.symbol
        size = words.size or Size(words.verb_word, "position", HUNDRED)
        if size.kind == "shares":
            return shares(size, symbol, lot), None, ""
        if size.kind == "money":
            return ZERO, notional(size, symbol, known, side, price, lot), ""
        if size.kind == "position":
            return of_position(size, symbol, known, side, lot, closes=words.verb == "close"), None, ""
        if exits is None or exits.stop_loss is None:
            raise missing(words.end, "the stop-loss that the risk is counted to", ("sl 184.00", f"sl {sign_of(side, profit=False)}2%"))
        quantity, note = by_risk(size, symbol, known, side, price, lot, exits.stop_loss, words.context.equity)
        return quantity, None, note


def _type(limit: Pair | None, stop: Pair | None, trail: Pair | None) -> OrderType:
    if trail is not None:
        return OrderType.TRAILING_STOP
    if stop is not None:
        return OrderType.STOP_LIMIT if limit is not None else OrderType.STOP
    return OrderType.LIMIT if limit is not None else OrderType.MARKET
