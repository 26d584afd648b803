"""The gate: the only door to a broker. Normalises a wish to trade and judges it; what it lets through, the desk places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.core.margin import CASH_ACCOUNT, Figures
from engine.core.prices import Prices
from engine.core.risk.case import RiskCase
from engine.core.risk.checks import judge
from engine.core.state import State
from engine.model.market import Instrument
from engine.model.modes import Mode, TradingState
from engine.model.money import ZERO, is_amount, to_lot, to_tick
from engine.model.orders import Intent, Order, OrderState, OrderType, Side, Source
from engine.model.settings import Limits, MarginSettings
from engine.model.verdicts import PASSED, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a wish: the normal form of it, cut down where a check asked for that, the verdict, and what it was judged on."""

    intent: Intent
    verdict: Verdict
    price: Decimal | None = None
    figures: Figures | None = None
    position: Decimal = ZERO

    @property
    def passes(self) -> bool:
        return self.verdict.outcome is not Outcome.DENY


class Gate:
    """Judges against the state as it is now. Reads it, never changes it."""

    __slots__ = ("_instruments", "_limits", "_margin", "_prices", "_state", "link_down", "mismatched", "ready", "unwritable")

    def __init__(
        self,
        state: State,
        prices: Prices,
        instruments: Mapping[str, Instrument],
        limits: Limits,
        margin: MarginSettings = CASH_ACCOUNT,
    ) -> None:
        self._state = state
        self._prices = prices
        self._instruments = instruments
        self._limits = limits
        self._margin = margin
        self.ready = False
        """False until the account was compared with the broker's own: until then nothing is sent."""
        self.link_down = ""
        self.unwritable = ""
        self.mismatched: dict[str, str] = {}

    def judge(self, wish: Intent, now: int, mono: int) -> Judgement:
        """The verdict on `wish` at market time `now` and monotonic time `mono`.

        A strategy's order is cut down where a check allows less; a person's is refused, and told how much would pass, for nobody should
        find that they traded another number than they typed.
        """
        instrument = self._instruments.get(wish.symbol)
        if wish.source is Source.FLATTEN:
            # What the broker holds is closed to its last fraction, in a symbol that no feed knows, too.
            instrument = Instrument(wish.symbol, lot=wish.quantity)
        if instrument is None:
            return Judgement(wish, _deny("symbol", f"{wish.symbol} is not a symbol this feed knows."))
        complaint = _malformed(wish)
        if complaint:
            return Judgement(_without_nonsense(wish), _deny("order", complaint))
        intent = replace(
            wish,
            quantity=to_lot(wish.quantity, instrument.lot),
            limit=None if wish.limit is None else to_tick(wish.limit, instrument.tick),
            stop=None if wish.stop is None else to_tick(wish.stop, instrument.tick),
        )
        if intent.quantity <= 0:
            return Judgement(intent, _deny("lot size", f"{wish.quantity} is less than one lot of {instrument.lot:f}."))
        if any(price is not None and price <= 0 for price in (intent.limit, intent.stop)):
            return Judgement(intent, _deny("tick size", f"The price is less than one tick of {instrument.tick:f}."))
        figures = self.figures()
        case = self._case(intent, instrument, figures, now, mono)
        if intent.reduce_only and intent.source is not Source.FLATTEN:
            if case.closable < instrument.lot:
                return Judgement(intent, _deny("reduce only", f"There is nothing of {intent.symbol} left to close."))
            intent = case.intent = replace(intent, quantity=to_lot(min(intent.quantity, case.closable), instrument.lot))
        verdict = self._closed(case) or (PASSED if intent.source is Source.FLATTEN else judge(case))
        if verdict.outcome is Outcome.RESIZE:
            if intent.source is Source.STRATEGY and verdict.quantity is not None:
                intent = replace(intent, quantity=verdict.quantity)
            else:
                verdict = replace(verdict, outcome=Outcome.DENY)
        return Judgement(intent, verdict, case.price, figures, case.position)

    def figures(self) -> Figures:
        portfolio = self._state.portfolio
        return Figures(portfolio.equity(), portfolio.gross(), self._reserved(), portfolio.net(), self._margin)

    def _case(self, intent: Intent, instrument: Instrument, figures: Figures, now: int, mono: int) -> RiskCase:
        state, symbol = self._state, intent.symbol
        market = self._prices.reference(symbol, intent.side)
        return RiskCase(
            intent=intent,
            instrument=instrument,
            limits=self._limits,
            price=_valued_at(intent, market),
            market=market,
            crossing=self._crossing(intent),
            sent_within=lambda window: state.book.sent_within(intent.strategy, window, now),
            fresh=self._prices.is_fresh(symbol, mono),
            price_age_s=self._prices.age_s(symbol, mono),
            price_life_s=self._prices.life_s,
            equity=figures.equity,
            buying_power=figures.buying_power,
            maintenance=figures.maintenance,
            cushion=figures.cushion,
            exposure=figures.exposure,
            position=state.portfolio.position(symbol),
            working_buys=state.book.working_quantity(symbol, Side.BUY),
            working_sells=state.book.working_quantity(symbol, Side.SELL),
            day_loss=state.day_loss(figures.equity),
            session_equity=state.session_equity,
            trading=state.trading,
            trading_reason=state.halt_reason,
        )

    def _crossing(self, intent: Intent) -> Order | None:
        """Of our own limit orders on the other side, the one that `intent` would meet first."""
        others = [
            o for o in self._state.book.open.values() if o.symbol == intent.symbol and o.side is not intent.side and o.limit is not None
        ]
        return min(others, key=lambda o: (o.limit or ZERO) * intent.side.sign, default=None)

    def _closed(self, case: RiskCase) -> Verdict | None:
        """Whether the door is shut to this order for a reason that has nothing to do with its size."""
        intent, state = case.intent, self._state
        if self.unwritable and intent.source is not Source.FLATTEN:
            return _deny("journal", f"The journal cannot be written, so nothing is sent: {self.unwritable}.")
        if self.link_down:
            return _deny("link", f"The link to the broker is down, so nothing is sent: {self.link_down}.")
        if not self.ready:
            return _deny("starting", "The account is still being compared with the broker's: nothing is sent until that is done.")
        if intent.source is Source.FLATTEN:
            # Its quantity is the broker's own, read a moment ago; our books may be what is wrong.
            return None
        if state.trading is TradingState.HALTED:
            return _deny("halted", f"Trading is halted ({state.halt_reason}): only cancels and flatten go through.")
        if case.reduces:
            return None
        if state.mode is Mode.RESEARCH:
            return _deny("research", "In RESEARCH nothing is entered; only orders that reduce a position go through.")
        if case.intent.symbol in self.mismatched:
            return _deny("mismatch", f"{self.mismatched[case.intent.symbol]}: no entries until both agree.")
        lost = next((o for o in state.book.open.values() if o.symbol == intent.symbol and o.state is OrderState.UNKNOWN), None)
        if lost is not None:
            text = f"#{lost.number} is UNKNOWN: no entries in {intent.symbol} until the broker tells what became of it."
            return _deny("unknown order", text)
        return None

    def _reserved(self) -> Decimal:
        """What working orders may add to positions, valued at what each was reserved at."""
        sides: dict[tuple[str, Side], tuple[Decimal, Decimal]] = {}
        for order in self._state.book.open.values():
            if order.remaining > 0:
                quantity, value = sides.get((order.symbol, order.side), (ZERO, ZERO))
                sides[order.symbol, order.side] = quantity + order.remaining, value + order.remaining * order.mark
        total = ZERO
        for (symbol, side), (quantity, value) in sides.items():
            opening = quantity - max(-side.sign * self._state.portfolio.position(symbol), ZERO)
            if opening > 0:
                total += value * opening / quantity
        return total


def _valued_at(intent: Intent, market: Decimal | None) -> Decimal | None:
    """What a share of it may cost at most, as far as prices tell. A buy never pays more than its limit, and a sale's stop trades below it;
    a sale's limit below the market, or a buy's stop, trades at the market's price however far from its own."""
    own = intent.limit or intent.stop
    if own is None or market is None:
        return own or market
    is_cap = (intent.type is OrderType.LIMIT) == (intent.side is Side.BUY)
    return own if is_cap else max(own, market)


def _malformed(wish: Intent) -> str:
    """What is wrong with the numbers of a wish, or nothing. Comes first: no check ever meets a NaN."""
    if not is_amount(wish.quantity):
        return f"The quantity {wish.quantity} is not a number of shares above zero."
    for name, price in (("limit", wish.limit), ("stop", wish.stop)):
        if price is not None and not is_amount(price):
            return f"The {name} price {price} is not a price above zero."
    if (wish.type is OrderType.LIMIT) != (wish.limit is not None):
        return "A limit order needs a limit price." if wish.limit is None else f"A {wish.type.lower()} order takes no limit price."
    if (wish.type is OrderType.STOP) != (wish.stop is not None):
        return "A stop order needs a stop price." if wish.stop is None else f"A {wish.type.lower()} order takes no stop price."
    return ""


def _without_nonsense(wish: Intent) -> Intent:
    """For the record of a denial: nobody after us should have to print, store or add up a NaN or a number of a million digits."""
    limit, stop = (price if price is not None and is_amount(price) else None for price in (wish.limit, wish.stop))
    return replace(wish, quantity=wish.quantity if is_amount(wish.quantity) else ZERO, limit=limit, stop=stop)


def _deny(rule: str, text: str) -> Verdict:
    return Verdict(Outcome.DENY, rule, text=text)
