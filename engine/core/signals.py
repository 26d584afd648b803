"""From a strategy's proposal to an order or a no: size it, judge it, ask the mode or a person, and keep what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from engine.core.approvals import Case
from engine.core.desk import SECOND, Desk
from engine.core.gate import Judgement
from engine.core.risk.rules import Rule, deny
from engine.core.risk.sizes import shares_of
from engine.model.capabilities import step
from engine.model.inputs import Approve, Proposal, Reject
from engine.model.modes import Level, Mode, TradingState
from engine.model.money import HUNDRED, ZERO, exact, is_amount, to_lot
from engine.model.orders import Bracket, Intent, Side, Source
from engine.model.records import SignalDecided, SignalRaised
from engine.model.signals import Signal, SignalEdit, SignalState
from engine.model.verdicts import Outcome, Verdict


class Signals:
    """The approval queue's rules. `sizes` maps a strategy's name to the per cent of equity its signals are worth."""

    __slots__ = ("_desk", "_sizes")

    def __init__(self, desk: Desk, sizes: Mapping[str, Decimal]) -> None:
        self._desk = desk
        self._sizes = sizes

    def on_proposal(self, proposal: Proposal) -> None:
        desk = self._desk
        approvals = desk.state.approvals
        if approvals.knows(proposal.id):
            return
        price = desk.prices.reference(proposal.symbol, proposal.side)
        if price is None or proposal.symbol not in desk.instruments:
            desk.note(Level.WARNING, proposal.strategy, f"proposed {proposal.symbol}, which has no price here: dropped")
            return
        if not _is_sound(proposal):
            desk.note(Level.ERROR, proposal.strategy, f"proposed {proposal.symbol} with a number that is none: dropped")
            return
        quantity = proposal.quantity
        if quantity is None:
            if approvals.has_waiting(proposal.strategy, proposal.symbol, proposal.side):
                return
            quantity = self._size(proposal, price)
            if quantity <= 0:
                return
        quantity = to_lot(quantity, self._step(proposal)) or quantity
        signal = Signal(
            id=proposal.id,
            number=approvals.last_number + 1,
            strategy=proposal.strategy,
            symbol=proposal.symbol,
            side=proposal.side,
            quantity=quantity,
            type=proposal.type,
            limit=proposal.limit,
            stop=proposal.stop,
            price=price,
            strength=proposal.strength,
            reason=proposal.reason,
            votes=proposal.votes,
            raised_at=desk.now,
            expires=desk.mono + int(desk.settings.approvals.expire_s * SECOND),
            tif=proposal.tif,
            trail=proposal.trail,
            trail_pct=proposal.trail_pct,
            bracket=proposal.bracket,
        )
        judgement = desk.gate.judge(intent_of(signal), desk.now, desk.mono)
        desk.record(SignalRaised(signal, judgement.verdict, desk.now))
        self._dispatch(approvals.cases[signal.id], judgement)

    def _dispatch(self, case: Case, judgement: Judgement) -> None:
        """What the mode says to a new signal."""
        state, mode = self._desk.state, self._desk.state.mode
        if state.trading is TradingState.HALTED:
            self._decide(case, SignalState.DENIED, "halt", judgement.verdict.text)
        elif mode is Mode.RESEARCH:
            self._decide(case, SignalState.SHADOW, "RESEARCH", "nothing is sent in RESEARCH")
        elif not judgement.passes:
            self._decide(case, SignalState.DENIED, "gate", judgement.verdict.text)
        elif repetition := self._repetition(case.signal, judgement):
            # Nobody looks in FULL_AUTO; in the other modes a person's yes says that it is meant.
            if mode is Mode.FULL_AUTO:
                self._decide(case, SignalState.DENIED, "gate", repetition)
        elif mode is Mode.FULL_AUTO or (mode is Mode.SEMI_AUTO and self._is_covered(case.signal, judgement)):
            self._send(case, judgement, str(mode))

    def _repetition(self, signal: Signal, judgement: Judgement) -> str:
        """Why a signal looks like the order before it, or nothing."""
        found = self._desk.repetition(judgement, signal.quantity)
        return found.text if found else ""

    def _is_covered(self, signal: Signal, judgement: Judgement) -> bool:
        """SEMI_AUTO's rules: a signal that meets every one of them needs no yes. What counts is the order that would be sent."""
        auto, market = self._desk.settings.approvals.auto, self._desk.gate.market
        quantity = judgement.intent.quantity
        return (
            quantity * (judgement.price or signal.price) <= auto.max_notional
            and (auto.max_quantity is None or quantity <= auto.max_quantity)
            and signal.strength >= auto.min_confidence
            and (not auto.symbols or signal.symbol in auto.symbols)
            and (not auto.strategies or signal.strategy in auto.strategies)
            and (not auto.regular_hours or (market is not None and market.open))
        )

    def on_approve(self, command: Approve) -> None:
        """A person's yes. The market and the account have moved since: both are looked at again."""
        desk = self._desk
        case = desk.state.approvals.cases.get(command.signal_id)
        if case is None or case.state is not SignalState.WAITING:
            desk.reply(command.id, False, _too_late(case))
            return
        if self._expire(case):
            desk.reply(command.id, False, _too_late(case))
            return
        wanted = case.signal if command.edit is None else edited(case.signal, command.edit)
        judgement = desk.gate.judge(intent_of(wanted), desk.now, desk.mono)
        if command.edit is not None and judgement.passes and judgement.intent.quantity != wanted.quantity:
            # A number that a person wrote is never cut down behind their back.
            judgement = replace(judgement, verdict=_less(judgement, wanted))
        if not judgement.passes:
            desk.deny(judgement)
            desk.reply(command.id, False, judgement.verdict.text)
            return
        order = self._send(case, judgement, "you", _what_was_edited(case.signal, wanted), requested=wanted.quantity)
        cut = f" (cut from {case.signal.quantity:f}: {judgement.verdict.rule})" if judgement.verdict.outcome is Outcome.RESIZE else ""
        desk.reply(command.id, True, f"#{order} {case.signal.side} {judgement.intent.quantity:f} {case.signal.symbol} sent{cut}")

    def on_reject(self, command: Reject) -> None:
        desk = self._desk
        case = desk.state.approvals.cases.get(command.signal_id)
        if case is None or case.state is not SignalState.WAITING:
            desk.reply(command.id, False, _too_late(case))
            return
        self._decide(case, SignalState.REJECTED, "you", command.reason)
        desk.reply(command.id, True, f"signal {case.signal.number} rejected")

    def expire(self) -> None:
        """Lets go of every signal whose time is up, whose price ran away, or whose strategy was disabled."""
        for case in list(self._desk.state.approvals.waiting.values()):
            self._expire(case)

    def void(self, by: str, reason: str, symbol: str = "") -> None:
        """Rejects everything that waits, or all of one symbol: after a stop or a restart nobody's yes may act on an old picture."""
        for case in list(self._desk.state.approvals.waiting.values()):
            if not symbol or case.signal.symbol == symbol:
                self._decide(case, SignalState.REJECTED, by, reason)

    def _expire(self, case: Case) -> bool:
        desk, approvals, signal = self._desk, self._desk.settings.approvals, case.signal
        if (why := desk.state.disabled.get(signal.strategy)) is not None:
            self._decide(case, SignalState.REJECTED, "engine", f"{signal.strategy} was disabled: {why}")
            return True
        if desk.mono >= signal.expires:
            self._decide(case, SignalState.EXPIRED, "clock", f"nobody answered within {approvals.expire_s:g} s")
            return True
        now = desk.prices.reference(signal.symbol, signal.side)
        # A feed of bars may play a day a second: there the price runs on while the person's minute lasts, and only risk is judged again.
        if now is None or not desk.prices.by_symbol[signal.symbol].quoted:
            return False
        drift = abs(now - signal.price) / signal.price * HUNDRED
        if drift > approvals.max_drift_pct:
            self._decide(case, SignalState.EXPIRED, "market", f"the price moved {drift:.2f} %, the limit is {approvals.max_drift_pct:f} %")
            return True
        return False

    def _send(self, case: Case, judgement: Judgement, by: str, reason: str = "", *, requested: Decimal | None = None) -> int:
        order = self._desk.place(judgement, case.signal.quantity if requested is None else requested)
        self._decide(case, SignalState.SENT, by, reason, order.id)
        return order.number

    def _decide(self, case: Case, state: SignalState, by: str, reason: str, order_id: str = "") -> None:
        last = self._desk.prices.last(case.signal.symbol)
        price = None if last is None else exact(last)
        self._desk.record(SignalDecided(case.signal.id, state, by, reason, price, order_id, self._desk.now))

    def _size(self, proposal: Proposal, price: Decimal) -> Decimal:
        """Shares for a proposal without a number: what is held for a sale, the configured share of equity, less what is held, for a buy."""
        desk = self._desk
        state, symbol = desk.state, proposal.symbol
        held = state.portfolio.position(symbol)
        if proposal.side is Side.SELL and not desk.settings.limits.short_selling:
            return held - state.book.working_quantity(symbol, Side.SELL)
        working = state.book.working_quantity(symbol, Side.BUY) - state.book.working_quantity(symbol, Side.SELL)
        pct = self._sizes.get(proposal.strategy, ZERO)
        wanted = shares_of(state.portfolio.equity(), pct, proposal.strength, price, held + working, proposal.side)
        return to_lot(wanted, desk.instruments[symbol].lot)

    def _step(self, proposal: Proposal) -> Decimal:
        lot, fraction = self._desk.instruments[proposal.symbol].lot, self._desk.gate.capabilities.fraction
        return step(lot, fraction, proposal.type, proposal.tif, bracketed=proposal.bracket is not None)


def intent_of(signal: Signal) -> Intent:
    return Intent(
        symbol=signal.symbol,
        side=signal.side,
        quantity=signal.quantity,
        type=signal.type,
        limit=signal.limit,
        stop=signal.stop,
        source=Source.STRATEGY,
        strategy=signal.strategy,
        signal_id=signal.id,
        reason=signal.reason,
        tif=signal.tif,
        trail=signal.trail,
        trail_pct=signal.trail_pct,
        bracket=signal.bracket,
    )


def edited(signal: Signal, edit: SignalEdit) -> Signal:
    """`signal` as a person changed it."""
    changed = replace(signal, quantity=edit.quantity, type=edit.type, limit=edit.limit)
    return changed if edit.type is signal.type else replace(changed, stop=None, trail=None, trail_pct=None)


def _what_was_edited(before: Signal, after: Signal) -> str:
    """`edited by you: 50 -> 30, market -> limit 401.50`, or nothing where nothing was."""
    changes = []
    if after.quantity != before.quantity:
        changes.append(f"{before.quantity:f} -> {after.quantity:f}")
    if (after.type, after.limit) != (before.type, before.limit):
        changes.append(f"{_type_and_limit(before)} -> {_type_and_limit(after)}")
    return f"edited by you: {', '.join(changes)}" if changes else ""


def _type_and_limit(signal: Signal) -> str:
    return signal.type.lower().replace("_", " ") + ("" if signal.limit is None else f" {signal.limit:f}")


def _less(judgement: Judgement, wanted: Signal) -> Verdict:
    """A no that says how much would pass."""
    verdict, shares = judgement.verdict, judgement.intent.quantity
    if verdict.outcome is Outcome.RESIZE:
        return replace(verdict, outcome=Outcome.DENY)
    return deny(Rule.LOT_SIZE, f"{wanted.quantity:f} {wanted.symbol} is no number that trades here; {shares:f} is.")


def _is_sound(proposal: Proposal) -> bool:
    """Whether every number of it is a number. Beyond this point all arithmetic may trust them."""
    bracket = proposal.bracket or Bracket()
    leaves = [leave for leave in (bracket.take_profit, bracket.stop_loss) if leave is not None]
    exits = [amount for leave in leaves for amount in (leave.price, leave.pct, leave.trail, leave.trail_pct)]
    amounts = (proposal.quantity, proposal.limit, proposal.stop, proposal.trail, proposal.trail_pct, *exits)
    return 0 <= proposal.strength <= 1 and all(amount is None or is_amount(amount) for amount in amounts)


def _too_late(case: Case | None) -> str:
    if case is None:
        return "there is no such signal"
    return f"signal {case.signal.number} was decided already: {case.state.lower()} by {case.by}{f' ({case.reason})' if case.reason else ''}"
