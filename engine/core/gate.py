"""The gate: the only door to a broker. Normalises a wish to trade and judges it; what it lets through, the desk places."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from engine.core.margin import CASH_ACCOUNT, Figures
from engine.core.normal_form import normal_form, valued_at
from engine.core.prices import Prices
from engine.core.risk.bounds import BoundsBook
from engine.core.risk.case import RiskCase
from engine.core.risk.checks import judge
from engine.core.risk.market import waiting
from engine.core.risk.repetition import Repetitions
from engine.core.risk.rules import Rule, deny
from engine.core.state import State
from engine.model.capabilities import Capabilities, step
from engine.model.inputs import AssetTold
from engine.model.market import Instrument, MarketStatus
from engine.model.modes import LinkState, Mode, TradingState
from engine.model.money import ZERO, is_amount, to_lot
from engine.model.orders import Intent, Order, OrderState, Side, Source
from engine.model.settings import ALONE, CombinedLimits, Limits, MarginSettings
from engine.model.standing import Standing
from engine.model.verdicts import PASSED, Outcome, Verdict

_LINKS = {
    LinkState.DEGRADED: "degraded, so nothing is sent but cancels",
    LinkState.RESET: "in its reset, so nothing is sent",
    LinkState.LOGIN: "waiting for a log-in, so nothing is sent",
    LinkState.FATAL: "down and not tried again, so nothing is sent",
}


class Judgement(Struct, frozen=True):
    """What became of a wish: the normal form of it, cut down where a check asked for that, the verdict, and what it was judged on."""

    intent: Intent
    verdict: Verdict
    price: Decimal | None = None
    figures: Figures | None = None
    position: Decimal = ZERO
    reduces: bool = False

    @property
    def passes(self) -> bool:
        return self.verdict.outcome is not Outcome.DENY


class Gate:
    """Judges against the state as it is now. Reads it, never changes it."""

    __slots__ = (
        "_bounds",
        "_combined",
        "_instruments",
        "_limits",
        "_margin",
        "_prices",
        "_reserves",
        "_state",
        "_totals",
        "assets",
        "capabilities",
        "closed",
        "link",
        "link_down",
        "market",
        "mismatched",
        "others",
        "ready",
        "repetitions",
        "unwritable",
    )

    def __init__(
        self,
        state: State,
        prices: Prices,
        instruments: Mapping[str, Instrument],
        limits: Limits,
        margin: MarginSettings = CASH_ACCOUNT,
        combined: CombinedLimits = ALONE,
    ) -> None:
        self._state = state
        self._prices = prices
        self._instruments = instruments
        self._limits = limits
        self._bounds = BoundsBook(limits)
        self._reserves: dict[str, tuple[Decimal, Decimal]] = {}
        self._totals = ZERO, ZERO
        """What working orders may add to each symbol's position, long and short, and to all together; `OrderBook.stale` says what of it
        is no longer so."""
        self._margin = margin
        self._combined = combined
        self.repetitions = Repetitions(limits.repetition_s)
        self.capabilities = Capabilities()
        """What the broker can do, as soon as there is one."""
        self.assets: dict[str, AssetTold] = {}
        """How the broker trades a symbol, where it told; of all others nothing is held against an order."""
        self.ready = False
        """False until the account was compared with the broker's own: until then nothing is sent."""
        self.closed = ""
        """Why the broker takes no entries for this account, nothing where it does."""
        self.link = LinkState.UP
        self.link_down = ""
        self.unwritable = ""
        self.others: Callable[[], Standing | str] | None = None
        """Where the console's other accounts stand together, or the name of one of which that is not known. None where there are none, or
        no limit counts them."""
        self.mismatched: dict[str, str] = {}
        self.market: MarketStatus | None = None
        """Where in its day the market is, as the feed last told."""

    def take_limits(self, limits: Limits) -> None:
        """Judges by these from now on. What was let through before stays."""
        self._limits = limits
        self._bounds = BoundsBook(limits)
        self.repetitions.look_back(limits.repetition_s)

    def take_combined(self, limits: CombinedLimits) -> None:
        """What all accounts of the console may hold together, from now on."""
        self._combined = limits

    def judge(self, wish: Intent, now: int, mono: int, *, aside: Collection[str] = (), lighter: bool = False) -> Judgement:
        """The verdict on `wish` at market time `now` and monotonic time `mono`.

        Orders `aside` (by id) do not count against it: it takes their place, or shares what they are to trade. `lighter` says that it only
        takes risk off an order that was let through before: then no limit is asked, nor whether others sell too much already.

        A strategy's order is cut down where a check allows less; a person's is refused, and told how much would pass, for nobody should
        find that they traded another number than they typed.
        """
        instrument = self._traded_in(wish)
        if instrument is None:
            return self.in_itself(wish)
        intent, complaint = self._normal(wish, instrument)
        if complaint is not None:
            return Judgement(intent, complaint)
        reserved = self._reserved(aside)
        figures = self._figures(reserved[Side.BUY] + reserved[Side.SELL])
        net = figures.net * intent.side.sign + reserved[intent.side]
        case = self._case(intent, instrument, figures, net, aside, now, mono)
        if intent.bracket is not None and case.reduces:
            return Judgement(intent, deny(Rule.BRACKET, f"It closes {intent.symbol}: only an order that opens a position takes a bracket."))
        if intent.reduce_only and intent.source is not Source.FLATTEN:
            if case.closable >= instrument.lot:
                intent = case.intent = replace(intent, quantity=to_lot(min(intent.quantity, case.closable), instrument.lot))
            elif not lighter:
                return Judgement(intent, deny(Rule.REDUCE_ONLY, f"There is nothing of {intent.symbol} left to close."))
        verdict = self._closed(case, lighter) or (waiting(case) if lighter or intent.source is Source.FLATTEN else judge(case))
        if verdict.outcome is Outcome.RESIZE:
            if intent.source is Source.STRATEGY and verdict.quantity is not None:
                intent = replace(intent, quantity=verdict.quantity)
            else:
                verdict = replace(verdict, outcome=Outcome.DENY)
        return Judgement(intent, verdict, case.price, figures, case.position, case.reduces)

    def in_itself(self, wish: Intent) -> Judgement:
        """The verdict on `wish` alone, whatever the account may have: for an order that is held until something else has happened."""
        instrument = self._traded_in(wish)
        if instrument is None:
            return Judgement(wish, deny(Rule.SYMBOL, f"{wish.symbol} is not a symbol this feed knows."))
        intent, complaint = self._normal(wish, instrument)
        return Judgement(intent, complaint or PASSED, valued_at(intent, self._prices.reference(intent.symbol, intent.side)))

    def _traded_in(self, wish: Intent) -> Instrument | None:
        """What `wish` is about, with the steps that this broker trades it in; None where the feed knows no such symbol."""
        if wish.source is Source.FLATTEN:
            # What the broker holds is closed to its last fraction, in a symbol that no feed knows, too.
            return Instrument(wish.symbol, lot=wish.quantity)
        instrument, fraction = self._instruments.get(wish.symbol), self.capabilities.fraction
        if instrument is None and wish.reduce_only:
            # So are its exits, whose feed may be another since they were placed.
            instrument = Instrument(wish.symbol)
        if instrument is None or fraction is None or not _in_parts(wish, instrument) or not self._trades_in_parts(wish.symbol, instrument):
            return instrument
        return replace(instrument, lot=step(instrument.lot, fraction, wish.type, wish.tif, bracketed=wish.bracket is not None))

    def _normal(self, wish: Intent, instrument: Instrument) -> tuple[Intent, Verdict | None]:
        can, whole = self.capabilities, not self._trades_in_parts(wish.symbol, instrument)
        if whole:
            can = replace(can, fraction=None)
        intent, complaint = normal_form(wish, instrument, can, self._prices.reference(wish.symbol, wish.side))
        if whole and complaint is not None and complaint.rule is Rule.LOT_SIZE:
            complaint = replace(complaint, text=f"{complaint.text} The broker trades {wish.symbol} in whole shares alone.")
        return intent, complaint

    def _trades_in_parts(self, symbol: str, instrument: Instrument) -> bool:
        """Whether the broker trades parts of a share of it, as far as is known. What is held in parts is closed in parts in any case."""
        asset = self.assets.get(symbol)
        return asset is None or asset.fractionable or bool(self._state.portfolio.position(symbol) % instrument.lot)

    def figures(self, aside: Collection[str] = ()) -> Figures:
        """The account in numbers, without what the orders `aside` reserve."""
        reserved = self._reserved(aside)
        return self._figures(reserved[Side.BUY] + reserved[Side.SELL])

    def _figures(self, reserved: Decimal) -> Figures:
        portfolio = self._state.portfolio
        return Figures(portfolio.equity(), portfolio.gross(), reserved, portfolio.net(), self._margin)

    def _case(
        self, intent: Intent, instrument: Instrument, figures: Figures, net: Decimal, aside: Collection[str], now: int, mono: int
    ) -> RiskCase:
        state, prices, symbol, strategy = self._state, self._prices, intent.symbol, intent.strategy
        market, asset = prices.reference(symbol, intent.side), self.assets.get(symbol)
        return RiskCase(
            intent=intent,
            instrument=instrument,
            bounds=self._bounds.of(strategy, symbol),
            price=valued_at(intent, market),
            market=market,
            crossing=self._crossing(intent, aside),
            strategy_sent=lambda window: state.sent_within(window, now, strategy),
            symbol_sent=lambda window: state.sent_in_symbol(symbol, window, now),
            account_sent=lambda window: state.sent_within(window, now),
            fresh=prices.is_fresh(symbol, mono),
            doubt=prices.doubt(symbol),
            price_age_s=prices.age_s(symbol, mono),
            price_life_s=prices.life_s,
            phase=self.market.phase if self.market else None,
            halt=state.halts.get(symbol),
            shortable=asset is None or asset.shortable,
            equity=figures.equity,
            buying_power=figures.buying_power,
            maintenance=figures.maintenance,
            cushion=figures.cushion,
            exposure=figures.exposure,
            net=net,
            position=state.portfolio.position(symbol),
            working_buys=state.book.working_quantity(symbol, Side.BUY, aside),
            working_sells=state.book.working_quantity(symbol, Side.SELL, aside),
            day_loss=state.day_loss(figures.equity),
            session_equity=state.session_equity,
            strategy_loss=state.strategy_loss(strategy) if strategy else ZERO,
            strategy_tripped=state.has_tripped(strategy),
            strategy_trip="; ".join(trip.reason for trip in state.trips_of(strategy).values()),
            strategy_exposure=self._strategy_exposure(strategy, aside),
            symbol_loss=state.symbol_loss(symbol),
            symbol_tripped=state.has_symbol_tripped(symbol),
            trading=state.trading,
            trading_reason=state.halt_reason,
            combined=self._combined,
            others=self.others() if self.others is not None else None,
        )

    def standing(self) -> Standing:
        """Where the account stands, for the gates of others."""
        figures = self.figures()
        symbols = dict(self._reserves)
        for holding in self._state.portfolio.holdings.values():
            if holding.quantity:
                long, short = symbols.get(holding.symbol, (ZERO, ZERO))
                symbols[holding.symbol] = long + max(holding.value, ZERO), short + max(-holding.value, ZERO)
        return Standing(figures.equity, figures.exposure, symbols)

    def _strategy_exposure(self, strategy: str, aside: Collection[str]) -> Decimal:
        """What `strategy` itself holds, and what its working orders may add to that; zero where no limit asks for it."""
        own = self._limits.strategies.get(strategy)
        if own is None or own.max_exposure_pct is None:
            return ZERO
        state = self._state
        gross = state.attribution.exposure(strategy, state.portfolio.holdings).gross
        orders = list(state.book.working())
        others = {*aside, *(order.id for order in orders if order.strategy != strategy)}
        for symbol in {order.symbol for order in orders if order.strategy == strategy}:
            gross += sum(self._adding_in(symbol, state.attribution.cost(strategy, symbol).quantity, others))
        return gross

    def _crossing(self, intent: Intent, aside: Collection[str]) -> Order | None:
        """Of our own limit orders on the other side, the one `intent` would meet first. A stop-limit is none until its stop was reached."""
        others = [
            o
            for o in self._state.book.working(intent.symbol)
            if o.side is not intent.side and o.limit is not None and (o.stop is None or o.triggered) and o.released and o.id not in aside
        ]
        return min(others, key=lambda o: (o.limit or ZERO) * intent.side.sign, default=None)

    def _closed(self, case: RiskCase, lighter: bool) -> Verdict | None:
        """Whether the door is shut to this order for a reason that has nothing to do with its size."""
        intent, state = case.intent, self._state
        if self.unwritable and intent.source is not Source.FLATTEN:
            return deny(Rule.JOURNAL, f"The journal cannot be written, so nothing is sent: {self.unwritable}.")
        if self.link_down:
            how = _LINKS.get(self.link, "down, so nothing is sent")
            return deny(Rule.LINK, f"The link to the broker is {how}: {self.link_down.rstrip('.')}.")
        if not self.ready:
            return deny(Rule.STARTING, "The account is still being compared with the broker's: nothing is sent until that is done.")
        if intent.source is Source.FLATTEN:
            # Its quantity is the broker's own, read a moment ago; our books may be what is wrong.
            return None
        if state.trading is TradingState.HALTED:
            return deny(Rule.HALTED, f"Trading is halted ({state.halt_reason}): only cancels and flatten go through.")
        if case.reduces or lighter:
            return None
        if self.closed:
            return deny(Rule.BROKER, f"{self.closed}: no entries until that has ended; exits go out as the broker takes them.")
        if (asset := self.assets.get(intent.symbol)) is not None and asset.closed:
            return deny(Rule.BROKER, f"{asset.closed}: no entries in {intent.symbol}. Exits go out as the broker takes them.")
        if state.mode is Mode.RESEARCH:
            return deny(Rule.RESEARCH, "In RESEARCH nothing is entered; only orders that reduce a position go through.")
        if intent.strategy and (why := state.disabled.get(intent.strategy)) is not None:
            return deny(Rule.DISABLED, f"{intent.strategy} is disabled ({why}): it enters no more until it is started again.")
        if intent.symbol in self.mismatched:
            return deny(Rule.MISMATCH, f"{self.mismatched[intent.symbol]}: no entries until both agree.")
        lost = next((o for o in state.book.working(intent.symbol) if o.state is OrderState.UNKNOWN), None)
        if lost is not None:
            text = f"#{lost.number} is UNKNOWN: no entries in {intent.symbol} until the broker tells what became of it."
            return deny(Rule.UNKNOWN_ORDER, text)
        return None

    def _reserved(self, aside: Collection[str]) -> dict[Side, Decimal]:
        """What working orders may add to positions, long and short, valued at what each was reserved at."""
        book = self._state.book
        if book.stale:
            for symbol in book.stale:
                both = self._reserved_in(symbol)
                if any(both):
                    self._reserves[symbol] = both
                else:
                    self._reserves.pop(symbol, None)
            book.stale.clear()
            self._totals = _total(self._reserves)
        totals = self._totals
        if aside:
            symbols = {book.orders[order_id].symbol for order_id in aside}
            totals = _total({**self._reserves, **{symbol: self._reserved_in(symbol, aside) for symbol in symbols}})
        return dict(zip((Side.BUY, Side.SELL), totals, strict=True))

    def _reserved_in(self, symbol: str, aside: Collection[str] = ()) -> tuple[Decimal, Decimal]:
        """The same in one symbol."""
        return self._adding_in(symbol, self._state.portfolio.position(symbol), aside)

    def _adding_in(self, symbol: str, held: Decimal, aside: Collection[str]) -> tuple[Decimal, Decimal]:
        """What working orders may add, long and short, to `held` of one symbol."""
        book = self._state.book
        buys, sells = book.working_on(symbol, Side.BUY, aside), book.working_on(symbol, Side.SELL, aside)
        return buys.adding(max(-held, ZERO)), sells.adding(max(held, ZERO))


def _total(reserves: Mapping[str, tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    """Summed up anew each time, so that no rounding of earlier sums stays in it."""
    return sum((long for long, _ in reserves.values()), ZERO), sum((short for _, short in reserves.values()), ZERO)


def _in_parts(wish: Intent, instrument: Instrument) -> bool:
    """Whether it may end in a part of a lot: only where its own quantity does, is money, or is whatever is held."""
    return wish.reduce_only or wish.notional is not None or (is_amount(wish.quantity) and bool(wish.quantity % instrument.lot))
