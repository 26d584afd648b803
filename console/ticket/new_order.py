"""A new order's fields. What they say is written as a line of the order line and read by its grammar: both mean the same, or neither."""

from __future__ import annotations

import re
from collections.abc import Sequence

from console.accounts.engines import view_of
from console.meanings import FRACTIONS, Context, OnAccount, Parsed, PlaceOrder, context_of, symbol_word
from console.order_line import parse
from console.order_line.accounts import ON
from console.order_line.words import MONEY, NUMBER, PERCENT
from console.order_line.working import PRICES_OF
from console.ticket.form import DIGITS, Market, Mistake, Ready, by_distance, by_lot, follow_market, price_field, send_field
from engine.model import OrderType, Side, TimeInForce, View
from widgets.cells import Cell
from widgets.ticket_fields import ChoiceField, Field, Option, TextField

TYPES = (
    Option(OrderType.MARKET.value, "market"),
    Option(OrderType.LIMIT.value, "limit"),
    Option(OrderType.STOP.value, "stop"),
    Option(OrderType.STOP_LIMIT.value, "stop limit"),
    Option(OrderType.TRAILING_STOP.value, "trailing stop"),
)
RESTING = (Option(TimeInForce.DAY.value, "DAY"), Option(TimeInForce.GTC.value, "GTC"))
AT_ONCE = (
    *RESTING,
    Option(TimeInForce.IOC.value, "IOC"),
    Option(TimeInForce.FOK.value, "FOK"),
    Option(TimeInForce.OPG.value, "at open"),
    Option(TimeInForce.CLS.value, "at close"),
)
NO_YES = (Option("", "no"), Option("yes", "yes"))
MOST = 11
"""A limit order for the day has as many fields as any; one more where there are several accounts."""
SYMBOL_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-/"
NEEDED = {"quantity": "a quantity", "limit": "a limit price", "stop": "a stop price", "trail": "how far it trails", "symbol": "a symbol"}
QUANTITY = re.compile("|".join((NUMBER.pattern, MONEY.pattern, PERCENT.pattern, *FRACTIONS)))
DISTANCE = re.compile(rf"[+-]?(?:{PERCENT.pattern})|(?:{NUMBER.pattern})")
SHAPES = {
    "symbol": (re.compile(r"[A-Z][A-Z0-9./-]*"), "no symbol", "AAPL"),
    "quantity": (QUANTITY, "no quantity", "100  $5k  50%  half  all"),
    "limit": (NUMBER, "no price", "187.50"),
    "stop": (NUMBER, "no price", "187.50"),
    "trail": (re.compile(f"(?:{PERCENT.pattern})|(?:{NUMBER.pattern})"), "no distance", "1.5%  2.50"),
    "take_profit": (DISTANCE, "no exit", "4%  190.00"),
    "stop_loss": (DISTANCE, "no exit", "2%  184.00"),
}
"""What the text of a field must look like before the grammar sees it: a field is one word, and never a word that means something else."""


class NewOrder:
    def __init__(self, symbol: str, side: Side, add_key: str, account: str = "", accounts: Sequence[str] = ()) -> None:
        """`add_key` adds a symbol to the watchlist; `account` is the one of several `accounts` that it begins with."""
        self._add_key = add_key
        self.title = "Order ticket"
        self.first = "quantity" if symbol else "symbol"
        self.most = MOST + bool(accounts)
        self.question = "Send this order?"
        self._context = Context()
        self._market = Market(symbol)
        sides = (Option(Side.BUY.value, "buy", "buy"), Option(Side.SELL.value, "sell", "sell"))
        self._account = ChoiceField("account", "Account", tuple(Option(name, name) for name in accounts), account) if accounts else None
        self._side = ChoiceField("side", "Side", sides, side.value)
        self._symbol = TextField("symbol", "Symbol", SYMBOL_LETTERS, upper=True)
        self._symbol.put(symbol)
        self._quantity = TextField("quantity", "Quantity", f"{DIGITS}$%km")
        self._quantity.whole = {"a": "all", "h": "half"}
        half_and_all = (Cell("h", "key"), Cell(" half  ", "muted"), Cell("a", "key"), Cell(" all", "muted"))
        self._quantity.takes = (Cell("shares  $5k  50%  ", "muted"), *half_and_all)
        self._type = ChoiceField("type", "Type", TYPES, OrderType.MARKET.value)
        self._limit, self._stop = price_field("limit", "Limit"), price_field("stop", "Stop")
        self._trail = TextField("trail", "Trail", f"{DIGITS}%")
        self._trail.takes = (Cell("1.5% of the market, or 2.50 in price", "muted"),)
        self._tif = ChoiceField("tif", "In force", AT_ONCE, TimeInForce.DAY.value)
        self._extended = ChoiceField("extended", "Extended hrs", NO_YES, "")
        self._profit = TextField("take_profit", "Take profit", f"{DIGITS}%+-")
        self._profit.takes = (Cell("from the entry, or a price: 4%  190.00", "muted"),)
        self._loss = TextField("stop_loss", "Stop loss", f"{DIGITS}%+-", trails=True)
        self._reduce = ChoiceField("reduce", "Reduce only", NO_YES, "")
        self._send = send_field("Review and send")

    def look(self, view: View) -> None:
        self._context = context_of(view)
        self._market.symbol = self._symbol.text
        self._market.look(view_of(view, self.account))
        known = self._market.known
        for price in (self._limit, self._stop):
            follow_market(price, self._market)
        for distance in (self._trail, self._profit, self._loss):
            distance.stepped = by_distance(known.tick)
        trails = self._loss.trails
        takes = Cell("2%  2.50   " if trails else "2%  184.00   ", "muted")
        self._loss.takes = (takes, Cell("t", "key"), Cell(" trails no more" if trails else " trails the market", "muted"))
        self._quantity.stepped = by_lot(known.lot)

    def head(self) -> tuple[Cell, ...]:
        return self._market.head()

    def fields(self) -> tuple[Field, ...]:
        kind = self._kind
        self._tif.options = AT_ONCE if kind in (OrderType.MARKET, OrderType.LIMIT) else RESTING
        prices = {"limit": self._limit, "stop": self._stop, "trail": self._trail}
        found: list[Field] = [self._side, self._symbol, self._quantity, self._type, *(prices[name] for name in PRICES_OF[kind]), self._tif]
        if kind is OrderType.LIMIT and self._tif.text == TimeInForce.DAY.value:
            found.append(self._extended)
        closes = self._is_part or bool(self._reduce.text)
        if not closes:
            found += [self._profit, self._loss]
        if not self._is_part and (closes or not self._has_exits):
            found.append(self._reduce)
        return (*([self._account] if self._account is not None else []), *found, self._send)

    @property
    def account(self) -> str:
        return self._account.text if self._account is not None else ""

    @property
    def _kind(self) -> OrderType:
        return OrderType(self._type.text)

    @property
    def _is_part(self) -> bool:
        """Whether the quantity is a part of the position: that closes, whatever else is said."""
        return self._quantity.text.endswith("%") or self._quantity.text in FRACTIONS

    @property
    def _has_exits(self) -> bool:
        return bool(self._profit.text or self._loss.text or self._loss.trails)

    def read(self) -> Ready | Mistake:
        shown = {field.name: field for field in self.fields()}
        for name, field in shown.items():
            mistake = _shape(name, field)
            if mistake is not None:
                return mistake
        words = self._words(frozenset(shown))
        read = parse(" ".join(word for _, word in words), self._context)
        meaning = read.meaning if isinstance(read, Parsed) else None
        meaning = meaning.meaning if isinstance(meaning, OnAccount) else meaning
        if isinstance(read, Parsed) and isinstance(meaning, PlaceOrder):
            return Ready(meaning, read.normal, meaning.intent, account=self.account, exits=read.note)
        if isinstance(read, Parsed):
            raise TypeError(f"the ticket wrote what is no order: {read.normal}")
        right = "  ".join(read.right)
        return Mistake(_named(words, read.start), f"{read.told(self._add_key)}{'. Right: ' if right else ''}{right}")

    def _words(self, shown: frozenset[str]) -> list[tuple[str, str]]:
        """The order as words of the order line, each with the field it comes from."""
        words = [("side", self._side.text.lower()), ("quantity", self._quantity.text), ("symbol", symbol_word(self._symbol.text))]
        if self._kind is OrderType.MARKET:
            words.append(("type", "market"))
        for name in PRICES_OF[self._kind]:
            field = {"limit": self._limit, "stop": self._stop, "trail": self._trail}[name]
            words += [(name, name), (name, field.text)]
        words.append(("tif", self._tif.text.lower()))
        if "extended" in shown and self._extended.text:
            words.append(("extended", "ext"))
        if "take_profit" in shown and self._profit.text:
            words += [("take_profit", "tp"), ("take_profit", self._profit.text)]
        if "stop_loss" in shown and self._loss.text:
            words += [("stop_loss", "sl"), *[("stop_loss", "trail")] * self._loss.trails, ("stop_loss", self._loss.text)]
        if "reduce" in shown and self._reduce.text:
            words.append(("reduce", "reduce"))
        if self._account is not None:
            words += [("account", ON), ("account", self._account.text)]
        return words


def _shape(name: str, field: Field) -> Mistake | None:
    text = field.text
    if not text and name in NEEDED:
        return Mistake(name, NEEDED[name], unfinished=True)
    if not text and isinstance(field, TextField) and field.trails:
        return Mistake(name, "how far the stop-loss trails", unfinished=True)
    if not text or name not in SHAPES:
        return None
    shape, what, right = SHAPES[name]
    if isinstance(field, TextField) and field.trails:
        shape, what, right = SHAPES["trail"]
    if shape.fullmatch(text):
        return None
    return Mistake(name, f"{what}: {text}. Right: {right}")


def _named(words: list[tuple[str, str]], place: int) -> str:
    """The field whose word stands at `place` of the line."""
    start = 0
    for name, word in words:
        start += len(word) + 1
        if place < start:
            return name
    return words[-1][0]
