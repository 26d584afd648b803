"""Several accounts as the screen sees them: one engine, of which one account at a time is the current one.

Each account is an engine with a thread, a link, books and a gate of its own. What the screen shows and sends is the current account's,
but for the stop, the flatten and the end, which are for all. Nothing here waits for an account, so none holds up another.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from console.accounts.failed import FailedViews
from console.accounts.log import MergedLog
from console.trading_engine import TradingEngine
from engine.latch import LATCH_S
from engine.model import Intent, Level, Mode, View
from engine.model.effects import Reply
from engine.model.market import Listing, MarketEvent
from engine.model.orders import Side, Terms
from engine.model.settings import Limits
from engine.model.signals import SignalEdit
from engine.model.views import PositionRow

if TYPE_CHECKING:
    from decimal import Decimal

    from engine.combined import Combined
    from engine.model.inputs import GroupKind

E = TypeVar("E", bound=MarketEvent)

PATIENCE_S = 2.0
"""How long an answer for all accounts waits for the last of them. One that is well answers within milliseconds."""
STARTS_S = 5.0
"""So long a start may take before it is said how the account counts meanwhile: prices are fetched, a broker is asked."""
ANSWERS_KEPT = 50
_NOT_LATCHED = "its stop is not on the disk yet: until it is, a restart would not know of it"


class _ToAll(Struct):
    """A command that went to all accounts: its id in each, why it did not go to some, and what is wrong with the latch of some."""

    ids: dict[str, str]
    failed: dict[str, str]
    latches: dict[str, str]
    at: float
    answers: dict[str, Reply] = field(default_factory=dict)


class AccountEngines:
    """`engines` by the accounts' names, which must not give two commands the same id. `current` is shown first; `preferred` tells of
    symbols the account that their orders go to where nobody says another, `combined` how each counts in the limits on all of them.
    A TradingEngine; `clock` is monotonic seconds, `wall` the wall clock's nanoseconds."""

    def __init__(
        self,
        engines: Mapping[str, TradingEngine],
        *,
        current: str = "",
        preferred: Mapping[str, str] | None = None,
        combined: Combined | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._engines = dict(engines)
        self._current = current or next(iter(engines))
        self._preferred = dict(preferred or {})
        self._combined = combined
        self._counted: dict[str, str] = {}
        """Of each account that does not run how it counts for the others, in a sentence."""
        self._clock = clock
        self._wall = wall
        self._started_at = clock()
        self._lock = threading.Lock()
        self._raw: dict[str, View] = {}
        self._named: dict[str, View] = {}
        self._rows: dict[tuple[str, str], tuple[PositionRow, PositionRow]] = {}
        self._log = MergedLog()
        self._failed = FailedViews()
        self._owners: dict[str, str] = {}
        """Of each symbol the account whose prices tell of it."""
        self._to_all: dict[str, _ToAll] = {}
        self._count = 0
        self._answers: tuple[Reply, ...] = ()
        self._revision = 0
        self._old = True
        """Whether the view is to be made anew although no account has another."""
        self._view = self._look()

    # ---- the accounts

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._engines)

    @property
    def current(self) -> str:
        return self._current

    def switch(self, name: str) -> None:
        """Makes `name` the current account, from the next view on."""
        if name in self._engines:
            self._current = name
            self._old = True

    def of(self, name: str) -> TradingEngine:
        """The engine of one account."""
        return self._engines[name]

    @property
    def _here(self) -> TradingEngine:
        return self._engines[self._current]

    # ---- life

    def start(self) -> None:
        """Starts all of them. One that cannot be started is FAILED, and says why; the others start."""
        self._started_at = self._clock()
        for name, engine in self._engines.items():
            try:
                engine.start()
            except Exception as error:  # noqa: BLE001 - whatever one raises, the others start, and its view tells it
                self._failed.not_started(name, error)

    def shutdown(self, timeout: float = 10.0) -> None:
        """Ends all of them at once. Raises TimeoutError with the names of those that do not end; the others have ended in order then."""
        late = "it did not end; what is on disk is safe, and a restart compares with the broker"
        problems = self._in_each("end", lambda engine: engine.shutdown(timeout), timeout + LATCH_S, late)
        if problems:
            raise TimeoutError("; ".join(f"{name}: {problem}" for name, problem in problems.items()))

    def _in_each(self, what: str, do: Callable[[TradingEngine], None], within_s: float, late: str) -> dict[str, str]:
        """Does `do` in all accounts side by side, so that one which hangs takes no other's time. Answers what is wrong with those where it
        raised, or was not done `within_s`: that is `late`. Blocking."""
        problems: dict[str, str] = {}

        def run(name: str, engine: TradingEngine) -> None:
            try:
                do(engine)
            except Exception as error:  # noqa: BLE001 - whatever one raises is told of it, and keeps no other from it
                problems[name] = str(error)

        threads = [threading.Thread(target=run, args=each, name=f"{what} {each[0]}", daemon=True) for each in self._engines.items()]
        for thread in threads:
            thread.start()
        until = time.monotonic() + within_s
        for thread, name in zip(threads, self._engines, strict=True):
            thread.join(max(until - time.monotonic(), 0))
            if thread.is_alive():
                problems[name] = late
        return {name: problems[name] for name in self._engines if name in problems}

    # ---- reading

    def view(self) -> View:
        """The current account's, with what all of them have to say: answers, log, and how each stands."""
        with self._lock:
            return self._look()

    def _look(self) -> View:
        raw = {name: self._failed.view(name, engine) for name, engine in self._engines.items()}
        counted = {name: self._how_counted(name, view) for name, view in raw.items()}
        changed = [name for name, view in raw.items() if view is not self._raw.get(name) or counted[name] != self._counted.get(name, "")]
        self._counted = counted
        for name in changed:
            self._named[name] = self._with_name(name, raw[name])
        self._raw = raw
        self._hear_all(raw)
        if changed or self._old:
            self._old = False
            self._log.take(raw)
            self._owners = self._owned(raw)
            self._revision += 1
            self._view = replace(
                self._named[self._current],
                revision=self._revision,
                log=self._log.lines,
                replies=(*self._answers, *(reply for view in raw.values() for reply in view.replies)),
                accounts=tuple(self._named[name] for name in self._engines),
                preferred=self._preferred,
            )
        return self._view

    def _with_name(self, name: str, view: View) -> View:
        if counted := self._counted[name]:
            view = replace(view, health=replace(view.health, problem=f"{view.health.problem.rstrip('.')}. {counted}"))
        return replace(view, name=name, positions=tuple(self._row(name, row) for row in view.positions))

    def _how_counted(self, name: str, view: View) -> str:
        """How others count an account that does not run, which goes with why it does not. It is looked up each time: the limits change,
        and books grow older. Of one that is still starting as it should nothing is said."""
        combined, health = self._combined, view.health
        if combined is None or not health.problem:
            return ""
        is_late = not combined.has_told(name) and self._clock() - self._started_at >= STARTS_S
        return combined.counted(name, self._wall()) if health.failed or is_late else ""

    def _row(self, name: str, row: PositionRow) -> PositionRow:
        """With its account. One that says the same is the same object."""
        was, named = self._rows.get((name, row.symbol), (None, None))
        if was is not row or named is None:
            named = replace(row, account=name)
            self._rows[name, row.symbol] = row, named
        return named

    def _owned(self, views: Mapping[str, View]) -> dict[str, str]:
        owners = {row.symbol: name for name in reversed(self._engines) for row in views[name].watch}
        return owners | {symbol: name for symbol, name in self._preferred.items() if any(row.symbol == symbol for row in views[name].watch)}

    def subscribe(self, kind: type[E], callback: Callable[[E], None]) -> Callable[[], None]:
        """Of a symbol that several accounts follow, one of them tells: two feeds need not have the same price."""

        def hear(name: str) -> Callable[[E], None]:
            def told(event: E) -> None:
                if self._owners.get(getattr(event, "symbol", ""), name) == name:
                    callback(event)

            return told

        ends = [engine.subscribe(kind, hear(name)) for name, engine in self._engines.items()]

        def end() -> None:
            for each in ends:
                each()

        return end

    # ---- for all accounts

    def emergency_stop(self, reason: str = "stop key", *, latch_s: float = LATCH_S) -> str:
        """Of every account. Each gate is closed before the first file is waited for, and all files together are waited for once."""
        return self._do_in_all(lambda engine: engine.emergency_stop(reason, latch_s=0), latch_s)

    def liquidate_all(self, *, latch_s: float = LATCH_S) -> str:
        """In every account."""
        return self._do_in_all(lambda engine: engine.liquidate_all(latch_s=0), latch_s)

    def latched(self, within_s: float) -> bool:
        return not self._without_latch(within_s)

    def _without_latch(self, within_s: float) -> dict[str, str]:
        """What is wrong with the latches that are not known to be on the disk, `within_s` at most."""

        def wait(engine: TradingEngine) -> None:
            if not engine.latched(within_s):
                raise TimeoutError(_NOT_LATCHED)

        # An engine answers in time; one that does not is not waited for either.
        return self._in_each("latch", wait, within_s + LATCH_S / 2, _NOT_LATCHED)

    def _do_in_all(self, do: Callable[[TradingEngine], str], latch_s: float) -> str:
        ids: dict[str, str] = {}
        failed: dict[str, str] = {}
        for name, engine in self._engines.items():
            try:
                ids[name] = do(engine)
            except Exception as error:  # noqa: BLE001 - an engine that is broken keeps no other from stopping, and is told
                failed[name] = f"{type(error).__name__}: {error}"
        latches = self._without_latch(latch_s)
        with self._lock:
            self._count += 1
            command_id = f"all:{self._count}"
            self._to_all[command_id] = _ToAll(ids, failed, latches, self._clock())
        return command_id

    def _hear_all(self, views: Mapping[str, View]) -> None:
        """Answers what went to all accounts, once each has answered or was waited for long enough."""
        for command_id, asked in tuple(self._to_all.items()):
            for name, each in asked.ids.items():
                if name not in asked.answers and (reply := _answer(each, views[name].replies)) is not None:
                    asked.answers[name] = reply
            silent = [name for name in asked.ids if name not in asked.answers]
            if silent and self._clock() - asked.at < PATIENCE_S:
                continue
            del self._to_all[command_id]
            words = {name: reply.text for name, reply in asked.answers.items()}
            words |= dict.fromkeys(silent, "has not answered yet; its gate was shut at once") | asked.failed
            words |= {name: f"{words[name]}, but {problem}" for name, problem in asked.latches.items()}
            ok = not (silent or asked.failed or asked.latches) and all(reply.ok for reply in asked.answers.values())
            text = "; ".join(f"{name}: {words[name]}" for name in self._engines if name in words)
            self._answers = (*self._answers, Reply(command_id, ok, text))[-ANSWERS_KEPT:]
            self._old = True

    # ---- for the current account

    def focus(self, symbol: str, timeframe: str = "") -> None:
        self._here.focus(symbol, timeframe)

    def offers(self) -> tuple[Listing, ...] | None:
        return self._here.offers()

    def note(self, level: Level, source: str, text: str) -> None:
        self._here.note(level, source, text)

    def watch(self, symbol: str) -> str:
        return self._here.watch(symbol)

    def unwatch(self, symbol: str) -> str:
        return self._here.unwatch(symbol)

    def submit(self, intent: Intent, *, confirmed: bool = False) -> str:
        return self._here.submit(intent, confirmed=confirmed)

    def submit_group(self, kind: GroupKind, first: Intent, second: Intent, *, confirmed: bool = False) -> str:
        return self._here.submit_group(kind, first, second, confirmed=confirmed)

    def replace(self, order_id: str, terms: Terms) -> str:
        return self._here.replace(order_id, terms)

    def preview(self, intent: Intent) -> str:
        return self._here.preview(intent)

    def preview_replace(self, order_id: str, terms: Terms) -> str:
        return self._here.preview_replace(order_id, terms)

    def approve(self, signal_id: str, edit: SignalEdit | None = None) -> str:
        return self._here.approve(signal_id, edit)

    def reject(self, signal_id: str, reason: str = "") -> str:
        return self._here.reject(signal_id, reason)

    def cancel(self, order_id: str = "", symbol: str = "") -> str:
        return self._here.cancel(order_id, symbol)

    def close_position(self, symbol: str, side: Side, quantity: Decimal) -> str:
        return self._here.close_position(symbol, side, quantity)

    def set_mode(self, mode: Mode) -> str:
        return self._here.set_mode(mode)

    def sync(self) -> str:
        return self._here.sync()

    def accept_position(self, symbol: str, reason: str) -> str:
        return self._here.accept_position(symbol, reason)

    def resume(self, reason: str) -> str:
        return self._here.resume(reason)

    def reset_breaker(self, name: str, reason: str) -> str:
        return self._here.reset_breaker(name, reason)

    def set_limits(self, limits: Limits, reason: str = "", seen: Limits | None = None) -> str:
        return self._here.set_limits(limits, reason, seen)


def engine_of(engine: TradingEngine, account: str) -> TradingEngine:
    """That of one account where there are several; else the one there is."""
    return engine.of(account) if account and isinstance(engine, AccountEngines) else engine


def view_of(view: View, account: str) -> View:
    """That of one account where there are several; else the one there is."""
    return next((each for each in view.accounts if each.name == account), view)


def accounts_named(names: Sequence[str]) -> str:
    """`3 accounts: paper, alpaca, ib`."""
    return f"{len(names)} accounts: {', '.join(names)}"


def _answer(command_id: str, replies: Iterable[Reply]) -> Reply | None:
    return next((reply for reply in replies if reply.command_id == command_id), None)
