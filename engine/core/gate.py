"""The gate: the only door to a broker. Normalises a wish to trade and judges it; what it lets through, the desk places."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.core.margin import CASH_ACCOUNT, Figures
from engine.core.normal_form import normal_form, valued_at
from engine.core.prices import Prices
from engine.core.risk.case import RiskCase
from engine.core.risk.checks import judge
from engine.core.state import State
from engine.model.capabilities import Capabilities
from engine.model.market import Instrument
from engine.model.modes import Mode, TradingState
from engine.model.money import ZERO, to_lot
from engine.model.orders import Intent, Order, OrderState, Side, Source
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

    __slots__ = (
        "_instruments",
        "_limits",
        "_margin",
        "_prices",
        "_state",
        "capabilities",
        "link_down",
        "mismatched",
        "ready",
        "unwritable",
    )

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
        self.capabilities = Capabilities()
        """What the broker can do, as soon as there is one."""
        self.ready = False
        """False until the account was compared with the broker's own: until then nothing is sent."""
        self.link_down = ""
        self.unwritable = ""
        self.mismatched: dict[str, str] = {}

    def judge(self, wish: Intent, now: int, mono: int, *, aside: Collection[str] = (), lighter: bool = False) -> Judgement:
        """The verdict on `wish` at market time `now` and monotonic time `mono`.

        Orders `aside` (by id) do not count against it: it takes their place, or shares what they are to trade. `lighter` says that it only
        takes risk off an order that was let through before: then no limit is asked.

        A strategy's order is cut down where a check allows less; a person's is refused, and told how much would pass, for nobody should
        find that they traded another number than they typed.
        """
        instrument = self._instruments.get(wish.symbol)
        if wish.source is Source.FLATTEN:
            # What the broker holds is closed to its last fraction, in a symbol that no feed knows, too.
            instrument = Instrument(wish.symbol, lot=wish.quantity)
        if instrument is None:
            return Judgement(wish, _deny("symbol", f"{wish.symbol} is not a symbol this feed knows."))
        if self.capabilities.fraction is not None and wish.source is not Source.FLATTEN:
            instrument = replace(instrument, lot=min(instrument.lot, self.capabilities.fraction))
        intent, complaint = normal_form(wish, instrument, self.capabilities, self._prices.reference(wish.symbol, wish.side))
        if complaint is not None:
            return Judgement(intent, complaint)
        figures = self.figures(aside)
        case = self._case(intent, instrument, figures, aside, now, mono)
        if intent.bracket is not None and case.reduces:
            return Judgement(intent, _deny("bracket", f"It closes {intent.symbol}: only an order that opens a position takes a bracket."))
        if intent.reduce_only and intent.source is not Source.FLATTEN:
            if case.closable < instrument.lot:
                return Judgement(intent, _deny("reduce only", f"There is nothing of {intent.symbol} left to close."))
            intent = case.intent = replace(intent, quantity=to_lot(min(intent.quantity, case.closable), instrument.lot))
        verdict = self._closed(case, lighter) or (PASSED if lighter or intent.source is Source.FLATTEN else judge(case))
        if verdict.outcome is Outcome.RESIZE:
            if intent.source is Source.STRATEGY and verdict.quantity is not None:
                intent = replace(intent, quantity=verdict.quantity)
            else:
                verdict = replace(verdict, outcome=Outcome.DENY)
        return Judgement(intent, verdict, case.price, figures, case.position)

    def figures(self, aside: Collection[str] = ()) -> Figures:
        """The account in numbers, without what the orders `aside` reserve."""
        portfolio = self._state.portfolio
        return Figures(portfolio.equity(), portfolio.gross(), self._reserved(aside), portfolio.net(), self._margin)

    def _case(self, intent: Intent, instrument: Instrument, figures: Figures, aside: Collection[str], now: int, mono: int) -> RiskCase:
        state, symbol = self._state, intent.symbol
        market = self._prices.reference(symbol, intent.side)
        return RiskCase(
            intent=intent,
            instrument=instrument,
            limits=self._limits,
            price=valued_at(intent, market),
            market=market,
            crossing=self._crossing(intent, aside),
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
            working_buys=state.book.working_quantity(symbol, Side.BUY, aside),
            working_sells=state.book.working_quantity(symbol, Side.SELL, aside),
            day_loss=state.day_loss(figures.equity),
            session_equity=state.session_equity,
            trading=state.trading,
            trading_reason=state.halt_reason,
        )

    def _crossing(self, intent: Intent, aside: Collection[str]) -> Order | None:
        """Of our own limit orders on the other side, the one that `intent` would meet first."""
        others = [
            o
            for o in self._state.book.working(intent.symbol)
            if o.side is not intent.side and o.limit is not None and o.released and o.id not in aside
        ]
        return min(others, key=lambda o: (o.limit or ZERO) * intent.side.sign, default=None)

    def _closed(self, case: RiskCase, lighter: bool) -> Verdict | None:
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
        if case.reduces or lighter:
            return None
        if state.mode is Mode.RESEARCH:
            return _deny("research", "In RESEARCH nothing is entered; only orders that reduce a position go through.")
        if case.intent.symbol in self.mismatched:
            return _deny("mismatch", f"{self.mismatched[case.intent.symbol]}: no entries until both agree.")
        lost = next((o for o in state.book.working(intent.symbol) if o.state is OrderState.UNKNOWN), None)
        if lost is not None:
            text = f"#{lost.number} is UNKNOWN: no entries in {intent.symbol} until the broker tells what became of it."
            return _deny("unknown order", text)
        return None

    def _reserved(self, aside: Collection[str]) -> Decimal:
        """What working orders may add to positions, valued at what each was reserved at."""
        book, portfolio = self._state.book, self._state.portfolio
        total = ZERO
        for symbol in book.symbols():
            for side in Side:
                working = book.working_on(symbol, side, aside)
                opening = working.quantity - max(-side.sign * portfolio.position(symbol), ZERO)
                if opening > 0:
                    total += working.value * opening / working.quantity
        return total


def _deny(rule: str, text: str) -> Verdict:
    return Verdict(Outcome.DENY, rule, text=text)
