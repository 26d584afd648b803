"""Why there was an order, a signal, or nothing: what was recorded of it, read again at the steps that tell of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from engine.feeds.bar_columns import Times
from engine.model.market import Bar
from engine.model.modes import Level
from engine.model.money import ZERO
from engine.model.orders import Order, OrderState
from engine.model.recording import AfterBar, Event, Why
from engine.model.records import FillBooked, OrderChanged, OrderDenied, OrderPlaced, Record, ReplaceAsked, SignalDecided, SignalRaised
from engine.model.signals import Signal, SignalState, Vote
from engine.model.verdicts import Outcome, Verdict
from engine.replay.fold import Fold, at_of
from engine.replay.index import Index, ids_of
from engine.replay.recording import Recording
from engine.strategies.names import strategy_names

_PAST = 1_000
"""So many bars of before a recording are looked through: a chart shows no more."""


class Told(NamedTuple):
    """A record, the step it was made in, and the log's line of it."""

    step: int
    record: Record
    text: str


class Reasons:
    """Of one recording, as the playhead at the step `until` knows them. `make` makes new folds."""

    def __init__(self, recording: Recording, index: Index, make: Callable[[], Fold], until: int) -> None:
        self._reader = _Reader(recording, index, make, until)
        self._stamps = recording.stamps
        self._recording = recording
        self._about = index.about
        self._until = until

    def order(self, order_id: str) -> Why | None:
        """None where there is no such order yet."""
        told = self._reader.told(self._about.get(order_id, ()), lambda fold, record: order_id in ids_of(record))
        placed = next((each.record for each in told if isinstance(each.record, OrderPlaced)), None)
        if placed is None:
            return None
        before: list[Told] = []
        if signal_id := placed.signal_id:
            before = self._reader.told(self._about.get(signal_id, ()), lambda fold, record: _is_of_signal(record, signal_id))
        order = self._reader.at(self._until).state.book.orders.get(order_id)
        changes = [each.record.state for each in told if isinstance(each.record, OrderChanged)]
        signal = _signal(before)
        return Why(
            title=f"#{placed.number} {placed.side} {placed.quantity:f} {placed.symbol}",
            reason=placed.reason or (signal.reason if signal else ""),
            votes=signal.votes if signal else (),
            verdicts=tuple(dict.fromkeys([*_verdicts(before), *_verdicts(told)])),
            story=_story([*before, *told]),
            outcome=_came_to(order, told),
            seen=self._seen_for(before),
            state=changes[-1] if changes else OrderState.PENDING_SUBMIT,
        )

    def signal(self, signal_id: str) -> Why | None:
        """None where there is no such signal yet."""
        told = self._reader.told(self._about.get(signal_id, ()), lambda fold, record: _is_of_signal(record, signal_id))
        signal = _signal(told)
        if signal is None:
            return None
        decided = next((each.record for each in reversed(told) if isinstance(each.record, SignalDecided)), None)
        if decided is None:
            outcome = "It waits for a decision."
        elif decided.state is SignalState.SENT:
            order = self.order(decided.order_id)
            outcome = f"It was sent by {decided.by}. {order.outcome if order else ''}".strip()
        else:
            because = f": {decided.reason}" if decided.reason else ""
            outcome = _sentence(f"No order came of it: {decided.state.lower()} by {decided.by}{because}")
        return Why(
            title=f"signal {signal.number} {signal.side} {signal.quantity:f} {signal.symbol}",
            reason=signal.reason,
            votes=signal.votes,
            verdicts=tuple(_verdicts(told)),
            story=_story(told),
            outcome=outcome,
            seen=self._seen_for(told),
            state=decided.state if decided is not None else SignalState.WAITING,
        )

    def bar(self, symbol: str, at: int, since: int | None = None) -> Why | None:
        """Of the bar of `symbol` that closed at `at`: of that moment, or of all that is later than `since`, and of what strategies made of
        the bar thereafter. None where the playhead has not come there, or nothing is known of then."""
        steps = steps_of(self._stamps, at, since, self._until)
        if not steps:
            return self._before(symbol, at, since)
        closed = at <= int(self._stamps[self._until])
        proposed = set(self._recording.proposed(symbol, at)) if closed else set()
        later = sorted({step for signal_id in proposed for step in self._about.get(signal_id, ()) if step >= steps.stop})
        told = self._reader.told(steps, lambda fold, record: _symbol_of(fold, record) == symbol)
        told += self._reader.told(later, lambda fold, record: any(_is_of_signal(record, signal_id) for signal_id in proposed))
        signals = [each.record.signal for each in told if isinstance(each.record, SignalRaised)]
        verdicts = _verdicts(told)
        fills = sum(isinstance(each.record, FillBooked) for each in told)
        denied = next((verdict for verdict in verdicts if verdict.outcome is Outcome.DENY), None)
        if fills:
            outcome = f"{fills} fill{'s' if fills > 1 else ''} in this bar."
        elif denied is not None:
            outcome = _sentence(f"Nothing filled in it: {denied.text}")
        elif signals:
            outcome = _sentence(f"Nothing filled in it: {_became(signals, told)}")
        else:
            outcome = "Nobody proposed anything at it, and nothing filled in it."
        votes = tuple(vote for signal in signals for vote in signal.votes)
        seen = self._recording.seen(symbol, at) if closed else ()
        spoke = {vote.strategy for vote in (*votes, *seen)} | {signal.strategy for signal in signals}
        return Why(
            title=symbol,
            reason="; ".join(dict.fromkeys(signal.reason for signal in signals if signal.reason)),
            votes=votes,
            verdicts=tuple(verdicts),
            story=_story(told),
            outcome=outcome,
            seen=_unsaid(seen, votes),
            bar=self._bar(symbol, at, since, steps[-1], max(len(steps), 1)),
            after=self._after(symbol, steps[-1], spoke if closed else None),
        )

    def _seen_for(self, told: Iterable[Told]) -> tuple[Vote, ...]:
        """What the indicators of those stood at who made the signal that was raised in `told`, where they named none."""
        for each in told:
            if isinstance(each.record, SignalRaised):
                signal = each.record.signal
                seen = self._recording.seen(signal.symbol, int(self._stamps[each.step]))
                named = {vote.strategy for vote in signal.votes}
                return _unsaid([vote for vote in seen if vote.strategy in named], signal.votes)
        return ()

    def _before(self, symbol: str, at: int, since: int | None) -> Why | None:
        """Of a bar that had closed when the recording began; None of one that is not kept."""
        bar = self._bar(symbol, at, since, self._until, _PAST) if at < int(self._stamps[0]) else None
        if bar is None:
            return None
        outcome = "It closed before the recording begins: nobody was asked anything."
        return Why(title=symbol, reason="", votes=(), verdicts=(), story=(), outcome=outcome, bar=bar)

    def _bar(self, symbol: str, at: int, since: int | None, step: int, count: int) -> Bar | None:
        """The bar that closed at `at`, of the newest `count` known after `step`: all that are later than `since` as one, or without that
        the newest by then."""
        bars = [bar for bar in self._recording.bars(symbol, step, count) if bar.at <= at]
        if since is None:
            return bars[-1] if bars else None
        if not (bars := [bar for bar in bars if bar.at > since]):
            return None
        high, low, volume = max(bar.high for bar in bars), min(bar.low for bar in bars), sum(bar.volume for bar in bars)
        return Bar(symbol, bars[-1].at, bars[0].open, high, low, bars[-1].close, volume)

    def _after(self, symbol: str, step: int, spoke: Collection[str] | None) -> AfterBar:
        """`spoke` are the strategies that had something to say, None where they were not told of the bar yet."""
        fold = self._reader.at(step)
        state, settings = fold.state, self._recording.settings
        wanted = dict(zip(strategy_names(settings), (each.symbols for each in settings.strategies), strict=True))
        told = [row for row in fold.facts.strategies if symbol in (wanted.get(row.name) or (symbol,))]
        holding = state.portfolio.holdings.get(symbol)
        return AfterBar(
            quantity=holding.quantity if holding else ZERO,
            average=holding.average if holding else ZERO,
            unrealised=holding.unrealised if holding else ZERO,
            orders=tuple(state.book.working(symbol)),
            signals=tuple(case.signal for case in state.approvals.waiting.values() if case.signal.symbol == symbol),
            silent=() if spoke is None else tuple(row for row in told if row.name not in spoke),
        )


def _unsaid(seen: Iterable[Vote], votes: Collection[Vote]) -> tuple[Vote, ...]:
    """Of who proposed nothing what they saw, and of who proposed what indicators they keep, where they named none with it."""
    told = {vote.strategy: bool(vote.indicators) for vote in votes}
    return tuple(vote for vote in seen if vote.strategy not in told or (vote.side is None and not told[vote.strategy]))


def steps_of(stamps: Times, at: int, since: int | None, until: int) -> range:
    """The steps of the moment `at`, or of all moments later than `since` through that one; none later than the step `until`."""
    first = int(stamps.searchsorted(at, "left") if since is None else stamps.searchsorted(since, "right"))
    return range(first, min(int(stamps.searchsorted(at, "right")) - 1, until) + 1)


class _Reader:
    """Reads records again, each with the line that the log has of it."""

    def __init__(self, recording: Recording, index: Index, make: Callable[[], Fold], until: int) -> None:
        self._recording = recording
        self._index = index
        self._make = make
        self._until = until
        self._wanted: Callable[[Fold, Record], bool] = lambda fold, record: False
        self._found: list[Told] = []
        self._is_wanted = False

    def told(self, steps: Iterable[int], wanted: Callable[[Fold, Record], bool]) -> list[Told]:
        """The records of these `steps` that are `wanted`, up to the playhead."""
        self._wanted, self._found = wanted, []
        fold: Fold | None = None
        for step in (step for step in steps if step <= self._until):
            fold = self.at(step - 1, fold)
            fold.keep = self._line
            self._recording.play(fold, step, self._listen)
            fold.keep = None
        return self._found

    def at(self, step: int, fold: Fold | None = None) -> Fold:
        """The fold after `step`: the one given, where that is the shortest way."""
        frame = self._index.frame_before(step)
        if fold is None or frame.step > fold.step or fold.step > step:
            fold = self._make()
            fold.stand_at(frame)
            self._recording.resume(fold)
        if step > fold.step:
            self._recording.play(fold, step)
        return fold

    def _listen(self, fold: Fold, record: Record) -> None:
        self._is_wanted = self._wanted(fold, record)
        if self._is_wanted:
            self._found.append(Told(fold.step, record, ""))

    def _line(self, level: Level, source: str, text: str, detail: str) -> None:
        if self._is_wanted:
            told = self._found[-1]
            self._found[-1] = Told(told.step, told.record, text)


def _is_of_signal(record: Record, signal_id: str) -> bool:
    return isinstance(record, SignalRaised | SignalDecided) and signal_id in ids_of(record)


def _symbol_of(fold: Fold, record: Record) -> str:
    if isinstance(record, FillBooked):
        return record.fill.symbol
    if isinstance(record, SignalRaised):
        return record.signal.symbol
    if isinstance(record, OrderDenied):
        return record.intent.symbol
    if isinstance(record, SignalDecided):
        case = fold.state.approvals.cases.get(record.signal_id)
        return case.signal.symbol if case is not None else ""
    if order_id := getattr(record, "order_id", ""):
        order = fold.state.book.orders.get(order_id)
        return order.symbol if order is not None else ""
    symbol: str = getattr(record, "symbol", "")
    return symbol


def _became(signals: Iterable[Signal], told: Iterable[Told]) -> str:
    """In words what became of proposals of which nothing filled yet: of the last one that was not sent, where there is one."""
    decided = {each.record.signal_id: each.record for each in told if isinstance(each.record, SignalDecided)}
    outcome = "what was proposed at its close trades after it"
    for signal in signals:
        decision = decided.get(signal.id)
        if decision is None:
            outcome = "what was proposed waits for a decision"
        elif decision.state is not SignalState.SENT:
            words = "not sent" if decision.state is SignalState.SHADOW else decision.state.lower()
            because = f": {decision.reason}" if decision.reason else ""
            outcome = f"what was proposed was {words} by {decision.by}{because}"
    return outcome


def _signal(told: Iterable[Told]) -> Signal | None:
    return next((each.record.signal for each in told if isinstance(each.record, SignalRaised)), None)


def _verdicts(told: Iterable[Told]) -> list[Verdict]:
    """The gate's, each once."""
    kinds = SignalRaised | OrderPlaced | OrderDenied | ReplaceAsked
    return list(dict.fromkeys(each.record.verdict for each in told if isinstance(each.record, kinds)))


def _story(told: Iterable[Told]) -> tuple[Event, ...]:
    return tuple(Event(each.step, at_of(each.record), each.text) for each in told if each.text)


def _came_to(order: Order | None, told: Sequence[Told]) -> str:
    """In a sentence what became of an order, by the playhead."""
    fills = [each.record.fill for each in told if isinstance(each.record, FillBooked)]
    ended = [each.record for each in told if isinstance(each.record, OrderChanged) and each.record.state.is_final]
    traded = sum((fill.quantity for fill in fills), ZERO)
    if ended and ended[-1].state is OrderState.FILLED:
        rules = ", ".join(dict.fromkeys(fill.rule for fill in fills if fill.rule))
        return f"It filled in full{f', by the rule {rules}' if rules else ''}."
    so_far = f"{traded:f} filled" if traded else "Nothing filled"
    if ended:
        because = f": {ended[-1].reason}" if ended[-1].reason else ""
        return _sentence(f"{so_far}, then it was {ended[-1].state.words}{because}")
    return f"{so_far} so far, and it works still.{_waits(order)}"


def _sentence(text: str) -> str:
    """With one stop at its end: a reason may come with its own."""
    return text if text.endswith(".") else f"{text}."


def _waits(order: Order | None) -> str:
    """What it waits for, where its own terms say that."""
    if order is None or order.state.is_final:
        return ""
    if not order.released:
        return " It is held until its entry has filled."
    if order.limit is not None and order.stop is None:
        return f" Its limit is {order.limit:f}."
    return f" Its stop is {order.stop:f}." if order.stop is not None else ""
