"""What a line of the order line can mean, what it is read against, and the one normal form in which an order is written out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from engine.model import Intent, Mode, OrderType, TimeInForce, View
from engine.model.money import HUNDRED, ZERO
from engine.model.orders import Exit

# ---- words

TRADING_VERBS = ("buy", "sell", "close")
VERBS = (*TRADING_VERBS, "cancel", "flatten", "mode", "preview")
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


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about a symbol now. `position` is signed, in shares; `fraction` is the smallest part of a share that the broker trades,
    None where it trades whole lots alone."""

    tick: Decimal = Decimal("0.01")
    lot: Decimal = Decimal(1)
    bid: float | None = None
    ask: float | None = None
    last: float | None = None
    position: Decimal = ZERO
    fraction: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a line is read against: the symbols, the working orders by the number a person sees, and equity, where it is known."""

    symbols: Mapping[str, Known] = field(default_factory=dict)
    working: Mapping[int, str] = field(default_factory=dict)
    equity: Decimal | None = None


def context_of(view: View) -> Context:
    """The context as of `view`. What is held but not watched can still be closed."""
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
    return Context(symbols, {row.number: row.id for row in view.orders if not row.state.is_final}, view.account.equity)


# ---- what a line can mean


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """An order, or with `preview` only the question what the gate would say to it."""

    intent: Intent
    preview: bool = False


@dataclass(frozen=True, slots=True)
class CancelOrders:
    """One order by its id, all of a symbol, or with neither everything that works."""

    order_id: str = ""
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class ChangeMode:
    mode: Mode


@dataclass(frozen=True, slots=True)
class FlattenAll:
    """Close every position."""


Meaning: TypeAlias = PlaceOrder | CancelOrders | ChangeMode | FlattenAll


@dataclass(frozen=True, slots=True)
class Parsed:
    """`note` says how a number in it was counted, where a person could not tell from the line."""

    meaning: Meaning
    normal: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ParseError:
    """What is wrong with text[start:end], and what would be right there. `unfinished` means that nothing is wrong yet."""

    start: int
    end: int
    message: str
    right: tuple[str, ...] = ()
    unfinished: bool = False


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
    words = [intent.side.value, amount, symbol_word(intent.symbol), *type_words(intent), intent.tif.value]
    if intent.extended_hours:
        words.append("ext")
    if intent.bracket is not None:
        for name, leave, away in (
            ("tp", intent.bracket.take_profit, intent.side.sign),
            ("sl", intent.bracket.stop_loss, -intent.side.sign),
        ):
            words += [name, *_exit_words(leave, "+" if away > 0 else "-")] if leave is not None else []
    if intent.reduce_only:
        words.append("reduce")
    return " ".join(words)


def type_words(intent: Intent) -> list[str]:
    """How it trades: `market`, `limit 187.50`, `stop 184.00 limit 183.50`, `trail 1.5%`."""
    match intent.type:
        case OrderType.MARKET:
            return ["market"]
        case OrderType.TRAILING_STOP:
            return _trail_words(intent.trail, intent.trail_pct)
        case _:
            prices = (("stop", intent.stop), ("limit", intent.limit))
            return [word for name, price in prices if price is not None for word in (name, f"{price:f}")]


def _exit_words(leave: Exit, sign: str) -> list[str]:
    if leave.trails:
        return _trail_words(leave.trail, leave.trail_pct)
    return [f"{leave.price:f}" if leave.price is not None else f"{sign}{plain(leave.pct or ZERO)}%"]


def _trail_words(trail: Decimal | None, trail_pct: Decimal | None) -> list[str]:
    return ["trail", f"{trail:f}" if trail is not None else f"{plain(trail_pct or ZERO)}%"]
