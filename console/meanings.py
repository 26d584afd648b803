"""What a line of the order line can mean, what it is read against, and the one normal form in which an order is written out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from engine.model import Intent, Mode, Side, TimeInForce, View
from engine.model.money import HUNDRED, ZERO
from engine.model.orders import Exit, Terms
from engine.model.views import OrderRow

# ---- words

TRADING_VERBS = ("buy", "sell", "close")
VERBS = (*TRADING_VERBS, "oco", "replace", "cancel", "flatten", "mode", "preview", "sync", "accept")
PANIC_WORDS = ("stop", "halt", "kill", "panic")
FRACTIONS = {"all": HUNDRED, "half": Decimal(50)}
QUANTITIES = ("100", "$5k", *FRACTIONS)
LIMIT_WORDS = ("@", "limit", "lmt")
MARKET_WORDS = ("market", "mkt")
PRICES = ("bid", "ask", "last")
MODES = {
    "manual": Mode.MANUAL,
    "semi": Mode.SEMI_AUTO,
    "semi_auto": Mode.SEMI_AUTO,
    "semi-auto": Mode.SEMI_AUTO,
    "full": Mode.FULL_AUTO,
    "full_auto": Mode.FULL_AUTO,
    "full-auto": Mode.FULL_AUTO,
    "research": Mode.RESEARCH,
}
MODE_WORDS = ("manual", "semi", "full", "research")
TIFS = {**{tif.value.lower(): tif for tif in TimeInForce}, "open": TimeInForce.OPG}
"""`close` is no word for the closing auction: it is a verb."""
EXIT_WORDS = ("tp", "sl")
ORDER_WORDS = ("stop", "trail", "risk", "ext", "reduce", *TIFS, *EXIT_WORDS, *FRACTIONS, *MARKET_WORDS, *LIMIT_WORDS[1:])
KEYWORDS = frozenset({*VERBS, *ORDER_WORDS, *PRICES})


class Known(Struct, frozen=True):
    """What is known about a symbol now. `position` is signed, in shares; `fraction` is the smallest part of a share that the broker trades,
    None where it trades whole lots alone."""

    tick: Decimal = Decimal("0.01")
    lot: Decimal = Decimal(1)
    bid: float | None = None
    ask: float | None = None
    last: float | None = None
    position: Decimal = ZERO
    fraction: Decimal | None = None


class Context(Struct, frozen=True):
    """What a line is read against: the symbols, the working orders by the number a person sees, and equity, where it is known.

    `starting` says, in words, that its engine is not up, so that no more is known of symbols; empty while it is.
    Where there are several accounts `accounts` has what is known in each by its name, `account` is the one that is shown, and `preferred`
    tells of symbols where their orders go.
    """

    symbols: Mapping[str, Known] = field(default_factory=dict)
    working: Mapping[int, OrderRow] = field(default_factory=dict)
    equity: Decimal | None = None
    starting: str = ""
    account: str = ""
    accounts: Mapping[str, Context] = field(default_factory=dict)
    preferred: Mapping[str, str] = field(default_factory=dict)

    @property
    def held(self) -> tuple[str, ...]:
        return tuple(symbol for symbol, known in self.symbols.items() if known.position)


def context_of(view: View) -> Context:
    """The context as of `view`. What is held but not watched can still be closed."""
    context = _alone(view)
    if not view.accounts:
        return context
    each = {other.name: _alone(other) for other in view.accounts}
    return replace(context, account=view.name, accounts=each, preferred=view.preferred)


def _alone(view: View) -> Context:
    held = {row.symbol: row for row in view.positions}
    symbols = {
        row.symbol: Known(
            row.tick,
            bid=row.bid,
            ask=row.ask,
            last=row.last,
            position=held[row.symbol].quantity if row.symbol in held else ZERO,
            fraction=view.fraction,
        )
        for row in view.watch
    }
    for row in view.positions:
        symbols.setdefault(row.symbol, Known(row.tick, last=row.last, position=row.quantity, fraction=view.fraction))
    working = {row.number: row for row in view.orders if not row.state.is_final}
    return Context(symbols, working, view.account.equity, _starting(view))


def _starting(view: View) -> str:
    health, who = view.health, view.name or "the engine"
    if health.failed:
        return f"{who} has failed, the log says why"
    if health.ready or view.watch:
        return ""
    return f"{who} has not started yet, the log says why" if health.problem else f"{who} is still starting"


# ---- what a line can mean


class PlaceOrder(Struct, frozen=True):
    """An order, or with `preview` only the question what the gate would say to it."""

    intent: Intent
    preview: bool = False


class PlacePair(Struct, frozen=True):
    """Two orders of one quantity, of which one cancels the other (OCO)."""

    first: Intent
    second: Intent


class ReplaceOrder(Struct, frozen=True):
    """New terms for a working order; their quantity is the whole one, what filled already included."""

    order_id: str
    terms: Terms


class CancelOrders(Struct, frozen=True):
    """One order by its id, all of a symbol, or with neither everything that works."""

    order_id: str = ""
    symbol: str = ""


class ChangeMode(Struct, frozen=True):
    mode: Mode


class FlattenAll(Struct, frozen=True):
    """Close every position."""


class CompareWithBroker(Struct, frozen=True):
    """Compare orders and positions with the broker's now."""


class AcceptPosition(Struct, frozen=True):
    """Book what the broker holds of a symbol where our books say otherwise."""

    symbol: str


Alone: TypeAlias = PlaceOrder | PlacePair | ReplaceOrder | CancelOrders | ChangeMode | FlattenAll | CompareWithBroker | AcceptPosition


class OnAccount(Struct, frozen=True):
    """In one account of several."""

    meaning: Alone
    account: str


Meaning: TypeAlias = Alone | OnAccount


def account_of(meaning: object) -> str:
    """The account that it is for, empty where it is for the only one or for all."""
    return meaning.account if isinstance(meaning, OnAccount) else ""


def asked_of(meaning: object) -> tuple[Intent | ReplaceOrder, ...]:
    """What the gate can be asked about it beforehand."""
    match meaning:
        case OnAccount(meaning=inner):
            return asked_of(inner)
        case PlaceOrder(intent=intent):
            return (intent,)
        case PlacePair(first=first, second=second):
            return first, second
        case ReplaceOrder():
            return (meaning,)
        case _:
            return ()


class Parsed(Struct, frozen=True):
    """`note` says how a number in it was counted, where a person could not tell from the line."""

    meaning: Meaning
    normal: str
    note: str = ""


class ParseError(Struct, frozen=True):
    """What is wrong with text[start:end], and what would be right there. `unfinished` means that nothing is wrong yet, `unwatched` that it
    is a symbol of which no prices come, and that could be added to a watchlist."""

    start: int
    end: int
    message: str
    right: tuple[str, ...] = ()
    unfinished: bool = False
    unwatched: bool = False

    def told(self, add_key: str) -> str:
        """The message; `add_key` is the key that adds a symbol to the watchlist."""
        return f"{self.message}; {add_key} in the watchlist adds it" if self.unwatched else self.message


def symbol_word(symbol: str) -> str:
    """A symbol as it is typed: `$ALL` where it is also a word."""
    return f"${symbol}" if symbol.lower() in KEYWORDS else symbol


def plain(number: Decimal, tick: Decimal | None = None) -> str:
    """Digits alone: no exponent, no trailing zeros but those of the tick."""
    if tick is not None:
        return f"{number.quantize(tick):f}"
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def normal_form(intent: Intent) -> str:
    """`BUY 50 MSFT limit 402.05 DAY tp +4% sl -2%`: the one way in which an order is written out. The order line reads it as that order."""
    amount = plain(intent.quantity) if intent.notional is None else f"${plain(intent.notional)}"
    return " ".join([intent.side.value, amount, symbol_word(intent.symbol), *price_words(intent), *_property_words(intent)])


def normal_form_of_pair(first: Intent, second: Intent) -> str:
    """`OCO SELL 100 AAPL limit 190.00 stop 180.00 DAY`."""
    words = ["OCO", first.side.value, plain(first.quantity), symbol_word(first.symbol), *price_words(first), *price_words(second)]
    return " ".join([*words, *_property_words(first)])


def price_words(terms: Intent | Terms) -> list[str]:
    """How an order trades: `market`, `limit 187.50`, `stop 184.00 limit 183.50`, `trail 1.5%`."""
    if terms.trail is not None or terms.trail_pct is not None:
        return _trail_words(terms.trail, terms.trail_pct)
    prices = (("stop", terms.stop), ("limit", terms.limit))
    return [word for name, price in prices if price is not None for word in (name, f"{price:f}")] or ["market"]


def _property_words(intent: Intent) -> list[str]:
    words = [intent.tif.value]
    if intent.extended_hours:
        words.append("ext")
    if intent.bracket is not None:
        gain, loss = ("+", "-") if intent.side is Side.BUY else ("-", "+")
        words += _exit_words("tp", intent.bracket.take_profit, gain) + _exit_words("sl", intent.bracket.stop_loss, loss)
    if intent.reduce_only:
        words.append("reduce")
    return words


def _exit_words(name: str, leave: Exit | None, sign: str) -> list[str]:
    if leave is None:
        return []
    if leave.trails:
        return [name, *_trail_words(leave.trail, leave.trail_pct)]
    return [name, f"{leave.price:f}" if leave.price is not None else f"{sign}{plain(leave.pct or ZERO)}%"]


def _trail_words(trail: Decimal | None, trail_pct: Decimal | None) -> list[str]:
    return ["trail", f"{trail:f}" if trail is not None else f"{plain(trail_pct or ZERO)}%"]
