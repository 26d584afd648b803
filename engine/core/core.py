"""The core: takes one input at a time and answers what is to be done about it. No I/O, no clock, no randomness of its own.

The shell around it writes `Persist` effects durably before it performs the `Send` that follows; a backtest performs both in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from engine.core.acceptance import Acceptance
from engine.core.breakers import Breakers, cancel_entries
from engine.core.checkpoint import save, take_over
from engine.core.closer import Closer
from engine.core.closes import Closes
from engine.core.commands import Commands
from engine.core.corporate import Corporate
from engine.core.desk import SECOND, Desk, wish_of
from engine.core.groups import REPLACEABLE, Groups
from engine.core.halts import Halts
from engine.core.limits import LimitChanges
from engine.core.margin_call import MarginCall
from engine.core.news import read
from engine.core.normal_form import valued_at
from engine.core.prices import Prices
from engine.core.reconcile import reconcile
from engine.core.runaway import Runaway
from engine.core.signals import Signals
from engine.core.stop import Stop
from engine.core.surplus import Surplus
from engine.core.watching import Watching
from engine.model.effects import Effect, Latch
from engine.model.inputs import (
    AcceptPosition,
    Approve,
    AssetTold,
    BrokerSnapshot,
    Cancel,
    ClosePosition,
    EmergencyStop,
    Flatten,
    Input,
    LinkChanged,
    NotDurable,
    Note,
    OrderUpdate,
    Preview,
    PreviewReplace,
    PriceLag,
    Proposal,
    Reject,
    Replace,
    ResetBreaker,
    Resume,
    SetLimits,
    SetMode,
    StrategyFailed,
    Submit,
    SubmitGroup,
    Tick,
    Unsent,
    Unwatch,
    Watch,
)
from engine.model.market import Auction, Bar, Dividend, Halt, Instrument, MarketStatus, Quote, SessionClose, Split
from engine.model.modes import Level, Mode, TradingState
from engine.model.money import cents
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState, Terms
from engine.model.records import (
    EquityMarked,
    ModeChanged,
    OrderReplaced,
    Record,
    RunEnded,
    RunStarted,
    SessionOpened,
    StrategyErrored,
    TradingStateChanged,
)
from engine.model.settings import Settings

_EQUITY_EVERY = 60 * SECOND
CHECKPOINT_AFTER = 50_000
"""A start that had to read more records than this leaves the next one a checkpoint. A run's end leaves one in any case; while it trades
there is none, as it would hold up the orders."""
_MARKET = frozenset({Bar, Quote, MarketStatus, Auction, SessionClose, Halt, Split, Dividend})


class Core:
    """Gate, approvals, order book, portfolio and limits behind one door.

    `price_life_s` is how long a price counts as fresh; `sizes` the per cent of equity that each strategy's signals are worth; `session_of`
    is for the prices' changes.
    """

    def __init__(
        self,
        settings: Settings,
        instruments: Iterable[Instrument],
        *,
        run_id: str,
        price_life_s: float | None = None,
        sizes: Mapping[str, Decimal] | None = None,
        session_of: Callable[[int], str] | None = None,
    ) -> None:
        life = settings.limits.stale_after_s if price_life_s is None else price_life_s
        self.desk = Desk(settings, {i.symbol: i for i in instruments}, Prices(life, session_of), run_id)
        self.state = self.desk.state
        self.prices = self.desk.prices
        self.gate = self.desk.gate
        self._read = 0
        self._session = ""
        """The latest session of this run. A clock that jumps back leads into no earlier one, whose loss would count anew."""
        self._signals = Signals(self.desk, sizes or {})
        self.breakers = Breakers(self.desk)
        self._acceptance = Acceptance(self.desk)
        self._limits = LimitChanges(self.desk, self.breakers, sizes or {}, own_price_life=price_life_s is not None)
        self._margin_call = MarginCall(self.desk)
        self._corporate = Corporate(self.desk, self._signals)
        self._halts = Halts(self.desk)
        self.watching = Watching(self.desk)
        self._groups = Groups(self.desk)
        self._surplus = Surplus(self.desk, self._groups)
        self._commands = Commands(self.desk, self._groups)
        self._closer = Closer(self.desk, self._commands)
        self.stop = Stop(self.desk, self._signals, self.breakers)
        self._runaway = Runaway(self.desk, self.stop.on_emergency_stop)
        self._equity_due = 0
        self._in_old_shares = False
        """Whether a price from before the first event was told in other shares than are held: the feed tells of the split before anything
        else, and until then nobody knows what the account is worth."""
        self._handlers: dict[type, Callable[[Any], None]] = {
            Bar: self._on_bar,
            PriceLag: self._on_price_lag,
            Quote: self._on_quote,
            MarketStatus: self._on_market_status,
            Auction: self._on_auction,
            SessionClose: self._on_session_close,
            Halt: self._halts.on_halt,
            Split: self._corporate.on_split,
            Dividend: self._corporate.on_dividend,
            Submit: self._commands.on_submit,
            SubmitGroup: self._commands.on_submit_group,
            Replace: self._commands.on_replace,
            Preview: self._commands.on_preview,
            PreviewReplace: self._commands.on_preview_replace,
            Approve: self._signals.on_approve,
            Reject: self._signals.on_reject,
            Cancel: self._commands.on_cancel,
            ClosePosition: self._closer.on_close,
            SetMode: self._on_set_mode,
            EmergencyStop: self.stop.on_emergency_stop,
            Flatten: self.stop.on_flatten,
            Resume: self.stop.on_resume,
            ResetBreaker: self.breakers.on_reset,
            SetLimits: self._on_set_limits,
            AcceptPosition: self._on_accept_position,
            Watch: self.watching.on_watch,
            Unwatch: self.watching.on_unwatch,
            Proposal: self._signals.on_proposal,
            StrategyFailed: self._on_strategy_failed,
            OrderUpdate: self._on_order_update,
            BrokerSnapshot: self._on_snapshot,
            AssetTold: self._on_asset,
            LinkChanged: self._on_link,
            NotDurable: self._on_not_durable,
            Unsent: self._on_unsent,
            Tick: self._on_tick,
            Note: self._on_note,
        }

    # ---- the door

    def handle(self, event: Input, mono: int) -> list[Effect]:
        """What is to be done about `event`, in order. `mono` is monotonic nanoseconds and never goes back."""
        self.desk.begin(mono)
        self._handlers[type(event)](event)
        if type(event) not in _MARKET:
            self._groups.settle(listed=isinstance(event, BrokerSnapshot))
            self._closer.settle()
        else:
            self._in_old_shares = False
        return self.desk.effects()

    def restore(self, records: Iterable[Record]) -> None:
        """Takes over the journal of earlier runs. Sends nothing."""
        for record in records:
            take_over(self.state, record)
            self._read += 1

    def start(self, started: RunStarted, mode: Mode, halted: str, mono: int) -> list[Effect]:
        """Begins a run: what waited for a person is void, and after a crash the mode is MANUAL whatever was asked for.

        `halted` is the latch file's reason, empty where it is not set.
        """
        self.desk.begin(mono)
        crashed = not self.state.clean
        self._halts.begin()
        self.desk.record(started)
        self._signals.void("restart", "it waited when the program ended")
        if not self.desk.settings.enable_trading:
            mode = Mode.RESEARCH
        elif crashed:
            text = "The last run did not end in order, so this one starts in MANUAL"
            self.desk.note(Level.WARNING, "start", text if mode is Mode.MANUAL else f"{text}, not in {mode}")
            mode = Mode.MANUAL
        if mode is not self.state.mode:
            self.desk.record(ModeChanged(mode, "start", self.desk.now))
        if halted and self.state.trading is not TradingState.HALTED:
            self.desk.record(TradingStateChanged(TradingState.HALTED, "latch", halted, self.desk.now))
        elif self.state.trading is TradingState.HALTED and not halted:
            self.desk.ask(Latch(True, self.state.halt_reason))
        if self._read > CHECKPOINT_AFTER:
            self.desk.record(save(self.state, self.desk.now))
        return self.desk.effects()

    def end(self, mono: int) -> list[Effect]:
        """Ends the run in order: nothing of it may be acted on after this."""
        self.desk.begin(mono)
        self._mark_equity()
        self.desk.record(RunEnded(self.desk.run_id, self.desk.now))
        self.desk.record(save(self.state, self.desk.now))
        return self.desk.effects()

    # ---- the market

    def prime(self, symbol: str, last: float, closes: Closes = (), at: int = 0) -> None:
        """The price before the first live event, of market time `at`: marks what is held, and is too old to trade on."""
        self.desk.now = max(self.desk.now, at)
        self._in_old_shares = self._in_old_shares or self.state.portfolio.acted_since(symbol, at)
        if self.prices.prime(symbol, last, closes):
            self.state.portfolio.mark(symbol, last)

    def _on_bar(self, bar: Bar) -> None:
        self.desk.now = max(self.desk.now, bar.at)
        self._halts.on_price(bar.symbol)
        if self.prices.on_bar(bar, self.desk.mono):
            self.state.portfolio.mark(bar.symbol, self.prices.by_symbol[bar.symbol].last)

    def _on_quote(self, quote: Quote) -> None:
        self.desk.now = max(self.desk.now, quote.at)
        self._halts.on_price(quote.symbol)
        if self.prices.on_quote(quote, self.desk.mono):
            self.state.portfolio.mark(quote.symbol, quote.last)

    def _on_auction(self, auction: Auction) -> None:
        self.desk.now = max(self.desk.now, auction.at)
        self._halts.on_price(auction.symbol)

    def _on_session_close(self, event: SessionClose) -> None:
        self.desk.now = max(self.desk.now, event.at)
        self.prices.on_session_close(event.symbol, event.close)

    def _take_status(self, status: MarketStatus) -> None:
        self.desk.now = max(self.desk.now, status.at)
        self.gate.market = status
        self.prices.session = status.session

    def _on_market_status(self, status: MarketStatus) -> None:
        self._take_status(status)
        if status.session != self.state.session and status.session > self._session:
            self._session = status.session
            state = self.state
            profits = tuple((name, state.strategy_profit(name)) for name in sorted(state.attribution.books) if name)
            symbols = tuple((holding.symbol, holding.profit) for holding in state.portfolio.holdings.values() if holding.profit)
            self.desk.record(SessionOpened(status.session, cents(state.portfolio.equity()), self.desk.now, profits, symbols))
            self._mark_equity()

    def _on_price_lag(self, lag: PriceLag) -> None:
        self.prices.lags(lag.symbol, lag.lag, quotes=lag.quotes)

    # ---- a person's commands

    def _on_set_mode(self, command: SetMode) -> None:
        if command.mode is Mode.EMERGENCY:
            self.desk.reply(command.id, False, "EMERGENCY is not a mode to choose: the stop key does that")
        elif self.state.trading is TradingState.HALTED:
            self.desk.reply(command.id, False, f"trading is halted: resume first, which leads to {self.desk.by_hand}")
        elif not self.desk.settings.enable_trading and command.mode is not Mode.RESEARCH:
            self.desk.reply(command.id, False, "this run only analyses: enable_trading is false, or --enable-trading was not given")
        else:
            self.desk.record(ModeChanged(command.mode, command.by, self.desk.now))
            self.desk.reply(command.id, True, f"mode {command.mode}")

    def _on_set_limits(self, command: SetLimits) -> None:
        if self._limits.on_set_limits(command):
            self._supervise()

    def _on_accept_position(self, command: AcceptPosition) -> None:
        if self._acceptance.on_accept(command):
            self._mark_equity()
            self._supervise()

    # ---- the broker's word

    def _on_order_update(self, update: OrderUpdate) -> None:
        order = self.state.book.orders.get(update.order_id)
        if order is None:
            ended = self.state.book.has_forgotten(update.order_id)
            what = "that ended long ago" if ended else "that is not ours"
            self.desk.note(Level.ERROR, "broker", f"news of an order {what} ({update.order_id}): nothing is booked, reconcile will tell")
            return
        # Paper fills on an event before the core sees it: the fill belongs to that event's time, not to the one before.
        self.desk.now = max(self.desk.now, update.at)
        self.desk.in_flight.discard(order.id)
        before, asked = order.state, order.asked
        if update.revision and update.terms is not None:
            update = self._without_old_terms(order, update)
        news = read(order, update, self.desk.now)
        if news.replaced:
            had = order.quantity
            self.desk.record(self._valued(order, news.replaced))
            self._groups.on_terms(order, had, answered=news.replaced.terms == asked)
        booked = news.fill or (self.state.portfolio.settled(news.corrected) if news.corrected else None)
        if booked is not None:
            self.desk.record(booked)
            last = self.prices.last(order.symbol)
            if last is not None:
                self.state.portfolio.mark(order.symbol, last)
        if news.trailed:
            self.desk.record(news.trailed)
        if news.change:
            self.desk.record(news.change)
            self._follow(order, before, asked, news.change.event)
            if asked is not None and order.state.is_final and news.replaced is None:
                self._tell_too_late(order)
        if order.surplus:
            self._surplus.follow(order, before)
        if booked is not None:
            self._runaway.on_fill(order)
            self._mark_equity()
            self._supervise()
        if news.complaint:
            self.desk.note(Level.ERROR, "broker", news.complaint)

    def _tell_too_late(self, order: Order) -> None:
        """`order` ended, and nothing showed that the broker had taken the terms that it was to get."""
        filled = order.state is OrderState.FILLED
        what = f"#{order.number} {order.symbol}: the replace came too late"
        level, how = (Level.WARNING, "it had filled") if filled else (Level.INFO, f"it was {order.state.words}")
        self.desk.note(level, "order", f"{what}, {how} under its old terms")

    def _valued(self, order: Order, replaced: OrderReplaced) -> OrderReplaced:
        """Terms that somebody else gave it, or that the broker made of its money, are worth what a share of them may cost now."""
        if replaced.terms == order.asked:
            return replaced
        market = self.prices.reference(order.symbol, order.side)
        return replace(replaced, mark=valued_at(wish_of(order, replaced.terms), market))

    def _without_old_terms(self, order: Order, update: OrderUpdate) -> OrderUpdate:
        """Terms that held before the ones we know say nothing any more, and answer no later replace."""
        if update.revision >= self.desk.revisions.get(order.id, 0):
            self.desk.revisions[order.id] = update.revision
            return update
        event = OrderEvent.WORK if update.event is OrderEvent.REPLACE and order.asked is not None else update.event
        return replace(update, terms=None, event=event)

    def _follow(self, order: Order, before: OrderState, asked: Terms | None, event: OrderEvent) -> None:
        """What else a change of state means: for the stop, and for the orders that hang together with it."""
        if order.state is not OrderState.PENDING_REPLACE:
            self.desk.replacing.pop(order.id, None)
        if order.state.is_final:
            self.desk.revisions.pop(order.id, None)
        self.stop.hold(order)
        if event is OrderEvent.REFUSE_REPLACE and asked is not None:
            self._groups.on_refused(order, asked)
        elif order.state is OrderState.CANCELED and before in REPLACEABLE:
            self._groups.on_cancelled(order)
        elif order.state is OrderState.REJECTED and before is OrderState.UNKNOWN and not order.broker_id:
            self._groups.on_unsent(order)

    def _on_snapshot(self, snapshot: BrokerSnapshot) -> None:
        for order in reconcile(self.desk, snapshot, self._on_order_update):
            self._groups.on_unsent(order)
        self.gate.ready = True

    def _on_link(self, link: LinkChanged) -> None:
        """Only a broker's link comes here; a feed that falls silent shows in the age of its prices."""
        self.gate.link = link.state
        self.gate.link_down = "" if link.up else link.reason or "no reason given"
        self.gate.ready = False
        if not link.up:
            self.desk.note(link.state.level, link.name, f"link {link.state.lower()}: {self.gate.link_down}")

    def _on_not_durable(self, event: NotDurable) -> None:
        """The journal refused these intents: nothing of them was sent, and nothing more is until it can be written again."""
        self._journal_is(event.reason)
        for order_id in event.order_ids:
            self._end_unsent(order_id, f"not sent, the journal could not be written: {event.reason}")

    def _on_unsent(self, event: Unsent) -> None:
        reason = "cancelled before it was sent"
        if self.state.book.orders[event.order_id].state is OrderState.PENDING_SUBMIT and not (self.gate.ready or self.gate.link_down):
            reason = "not sent, for the account is compared with the broker's just now: order it again"
        self._end_unsent(event.order_id, reason)

    def _journal_is(self, problem: str) -> None:
        """Shuts the gate while the journal cannot be written, and opens it again: said once each time."""
        problem = problem.removesuffix(".")
        if problem and not self.gate.unwritable:
            self.desk.note(
                Level.ERROR,
                "journal",
                f"{problem}. No order is sent until it can be written; what happened is kept and tried again.",
            )
        elif self.gate.unwritable and not problem:
            self.desk.note(Level.INFO, "journal", "the journal can be written again; nothing was lost")
        self.gate.unwritable = problem

    def _end_unsent(self, order_id: str, reason: str) -> None:
        order = self.state.book.orders[order_id]
        wanted = order.state is OrderState.PENDING_SUBMIT
        self._on_order_update(OrderUpdate(order_id, OrderEvent.CANCEL, reason=reason))
        if wanted and not self._groups.can_send():
            self._groups.on_unsent(order)

    # ---- the rest of the shell

    def _on_strategy_failed(self, failure: StrategyFailed) -> None:
        self.desk.record(StrategyErrored(failure.strategy, failure.error, failure.detail, failure.disabled, self.desk.now))
        if failure.disabled or failure.died:
            cancel_entries(self.desk, failure.strategy)

    def _on_asset(self, told: AssetTold) -> None:
        before = self.gate.assets.get(told.symbol)
        self.gate.assets[told.symbol] = told
        if told.closed and (before is None or before.closed != told.closed):
            self.desk.note(Level.WARNING, "broker", f"{told.closed}: no entries in {told.symbol}; exits go out as the broker takes them")
        elif before is not None and before.closed and not told.closed:
            self.desk.note(Level.INFO, "broker", f"The broker takes orders in {told.symbol} again")

    def _on_note(self, note: Note) -> None:
        self.desk.note(note.level, note.source, note.text, note.detail)

    def _on_tick(self, tick: Tick) -> None:
        self._journal_is(tick.journal_problem)
        self._signals.expire()
        self._supervise()
        self.stop.watch()
        if self.desk.mono >= self._equity_due:
            self._mark_equity()

    # ---- shared

    def _supervise(self) -> None:
        """Looks after what may be lost and owed: at each fill, and at every tick for the marks since the one before."""
        if self._in_old_shares:
            return
        self.breakers.watch()
        self._margin_call.watch()

    def _mark_equity(self) -> None:
        if self._in_old_shares:
            return
        portfolio = self.state.portfolio
        self._equity_due = self.desk.mono + _EQUITY_EVERY
        equity, cash, realised, unrealised = map(cents, (portfolio.equity(), portfolio.cash, portfolio.realised(), portfolio.unrealised()))
        self.desk.record(EquityMarked(equity, cash, realised, unrealised, self.desk.now, self.breakers.profits()))
