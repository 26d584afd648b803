"""How many shares an order's words ask for: a number of them, money's worth, a part of the position, or as many as a loss allows."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Literal

from msgspec import Struct

from console.meanings import QUANTITIES, Known, plain
from console.order_line.words import Word, wrong
from engine.model import Intent, Side
from engine.model.money import HUNDRED, ZERO, exact, to_lot
from engine.model.orders import Exit


class Size(Struct, frozen=True):
    """`word` asks for `amount`: in shares, in money, in per cent of the position, or of `equity` (or in `cash`) to be lost at most."""

    word: Word
    kind: Literal["shares", "money", "position", "equity", "cash"]
    amount: Decimal

    @property
    def is_risk(self) -> bool:
        return self.kind in ("equity", "cash")


def shares(size: Size, symbol: str, lot: Decimal) -> Decimal:
    if size.amount % lot:
        raise wrong(size.word, f"{symbol} trades in lots of {plain(lot)} here", (plain(max(to_lot(size.amount, lot), lot)),))
    return size.amount


def notional(size: Size, symbol: str, known: Known, side: Side, price: Decimal | None, lot: Decimal) -> Decimal:
    """The money, where it is worth at least one lot: the gate turns it into shares, at the price it sends the order at."""
    each = price or market(known, side)
    if not each:
        right = ("a number of shares", "@ and a price")
        raise wrong(size.word, f"{symbol} has no price yet to count {size.word.text} in", right)
    if size.amount < each * lot:
        enough = f"${plain((each * lot).to_integral_value(ROUND_CEILING))}"
        raise wrong(size.word, f"{size.word.text} is less than one lot of {symbol} at {each}", (enough,))
    return size.amount


def of_position(size: Size, symbol: str, known: Known, side: Side, lot: Decimal, *, closes: bool) -> Decimal:
    word = size.word
    if not known.position:
        raise wrong(word, f"no position in {symbol} to take {word.text} of", QUANTITIES[:2])
    if not closes and (known.position > 0) is (side is Side.BUY):
        held = f"{'long' if known.position > 0 else 'short'} {plain(abs(known.position))}"
        raise wrong(word, f"{word.text} is of the position, and {symbol} is {held}", QUANTITIES[:2])
    quantity = to_lot(abs(known.position) * size.amount / HUNDRED, lot)
    if not quantity:
        raise wrong(word, f"{word.text} of {plain(abs(known.position))} is less than one lot", ("all",))
    return quantity


def by_risk(
    size: Size, symbol: str, known: Known, side: Side, price: Decimal | None, lot: Decimal, leave: Exit, equity: Decimal | None
) -> tuple[Decimal, str]:
    """As many shares as lose no more than asked for where `leave`, the stop-loss, is reached at its price, and how that was counted."""
    word = size.word
    entry = price or market(known, side)
    if not entry:
        raise wrong(word, f"{symbol} has no price yet to count a risk from", ("a number of shares", "@ and a price"))
    each = loss_a_share(leave, entry, side)
    if each <= 0:
        where = "below" if side is Side.BUY else "above"
        raise wrong(
            word,
            f"there is no loss to count: the stop-loss must lie {where} the entry at {plain(entry, known.tick)}",
            ("sl -2%" if side is Side.BUY else "sl +2%",),
        )
    if size.kind == "cash":
        most, says = size.amount, f"${plain(size.amount)}"
    elif equity is None or equity <= 0:
        raise wrong(word, "equity is not known yet", ("a number of shares",))
    else:
        most = equity * size.amount / HUNDRED
        says = f"{plain(size.amount)}% of {equity:,.2f}"
    quantity = to_lot(most / each, lot)
    if not quantity:
        raise wrong(word, f"{says} is {most:,.2f}, and one lot risks {each * lot:,.2f}", ("a nearer stop-loss", "more risk"))
    return quantity, f"{quantity:,f} is {says} / {plain(each.quantize(known.tick), known.tick)} a share"


def loss_a_share(leave: Exit, entry: Decimal, side: Side) -> Decimal:
    """What a share bought or sold at `entry` loses where `leave` is reached; a trailing stop that never moved counts from the entry."""
    if leave.price is not None:
        return (entry - leave.price) * side.sign
    if leave.trail is not None:
        return leave.trail
    return entry * (leave.pct or leave.trail_pct or ZERO) / HUNDRED


def at_the_exits(intent: Intent, known: Known, lot: Decimal) -> str:
    """What the exits of its bracket would make and lose, as prices are now and before costs: `tp +74.88 sl -37.44`."""
    entry = intent.limit or intent.stop or market(known, intent.side)
    if intent.bracket is None or not entry:
        return ""
    held = intent.quantity if intent.notional is None else to_lot(intent.notional / entry, lot)
    profit, loss = intent.bracket.take_profit, intent.bracket.stop_loss
    made = [f"tp {held * loss_a_share(profit, entry, intent.side.opposite):+,.2f}"] if profit is not None else []
    lost = [f"sl {-held * loss_a_share(loss, entry, intent.side):+,.2f}"] if loss is not None else []
    return " ".join(made + lost)


def at_the_stop(intent: Intent, known: Known) -> str:
    """That the market has reached the stop already, so that it trades at once; nothing where it has not."""
    now = market(known, intent.side)
    if intent.stop is None or now is None or (intent.stop - now) * intent.side.sign > 0:
        return ""
    return f"stop reached already, at {plain(now, known.tick)}"


def market(known: Known, side: Side) -> Decimal | None:
    """What `side` would trade at now."""
    quoted = known.ask if side is Side.BUY else known.bid
    quoted = known.last if quoted is None else quoted
    return exact(quoted) if quoted else None
