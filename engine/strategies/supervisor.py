"""Runs one strategy for the engine: tells its process one event at a time and turns the answers into proposals.

Everything here is on the engine's loop and nothing in here blocks it. A strategy that raises, hangs, dies, floods or lies costs a line in
the log and at worst itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from engine.feeds.base import FeedError
from engine.model.inputs import Note, Proposal, StrategyFailed
from engine.model.market import Bar, Quote, Split
from engine.model.modes import Level
from engine.model.money import is_amount
from engine.model.orders import Fill
from engine.model.settings import StrategySettings
from engine.model.signals import Vote
from engine.model.views import StrategyRow
from engine.strategies.history import BarsOfOne, History
from engine.strategies.inbox import Inbox, Waiting
from engine.strategies.loader import check
from engine.strategies.params import StrategyError
from engine.strategies.process import HostGoneError, HostProcess
from engine.strategies.proposals import to_proposal, to_vote
from engine.strategies.wire import MAX_DRAFTS, Answer, Loaded, OnBar, OnFill, OnQuote, OnUpdate, Refused, State, Stop, ToStrategy, Warm
from engine.text import many_lines, one_line

WARM_CHUNK = 250
ERRORS, ERRORS_WITHIN_S = 3, 60.0
RESTARTS = 1
POLL_S = 1.0
STOP_S = 2.0


class See(Protocol):
    def __call__(self, symbol: str, at: int, vote: Vote, proposed: tuple[str, ...]) -> None:
        """As `MarketLog.see`."""


class Snapshot(Struct, frozen=True):
    """The account as a strategy sees it. Positions are (signed quantity, average cost) by symbol."""

    cash: Decimal
    equity: Decimal
    positions: Mapping[str, tuple[Decimal, Decimal]]


class _Life(Struct):
    """A process that loaded the strategy, and what it asked for."""

    host: HostProcess
    wants: Loaded
    stamp: tuple[int, int]


class StrategyRunner:
    """One strategy in its process.

    `tell` gets every Proposal, StrategyFailed and Note, on the loop. `history` knows the bars so far, those already told to `on_bar`
    included. `clock` is monotonic nanoseconds. `name` must be unique within the run. `see` gets what it saw at each bar.
    """

    def __init__(
        self,
        settings: StrategySettings,
        symbols: tuple[str, ...],
        tell: Callable[[Proposal | StrategyFailed | Note], None],
        *,
        run_id: str,
        history: History,
        snapshot: Callable[[], Snapshot],
        clock: Callable[[], int] = time.monotonic_ns,
        name: str = "",
        see: See | None = None,
    ) -> None:
        self.name = one_line(name or Path(settings.file).stem, 40)
        self.symbols = settings.symbols or symbols
        self._settings = settings
        self._tell = tell
        self._see = see
        self._run_id = run_id
        self._bars = BarsOfOne(history, self.symbols)
        self._snapshot = snapshot
        self._clock = clock
        self._state = "stopped"
        self._detail = ""
        self._signals = 0
        self._errors = 0
        self._answer_ms: float | None = None
        self._timeframe = ""
        self._row: StrategyRow | None = None

        self._file = Path(settings.file)
        self._life: _Life | None = None
        self._hosts: set[HostProcess] = set()
        self._inbox = Inbox(clock)
        self._recent_errors: deque[int] = deque(maxlen=ERRORS)
        self._restarts_left = RESTARTS
        self._proposals = 0
        self._again = ""
        """Why it has to begin again, where it has to."""
        self._stopping = False
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._idle = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._edit: asyncio.Task[_Life] | None = None
        self._tried: tuple[int, int] = (0, 0)
        self._changed: tuple[int, int] | None = None

    # ---- for the engine

    async def start(self) -> None:
        """Begin; returns before the strategy is loaded. What goes wrong is told, never raised."""
        self._set("starting", "")
        self._task = asyncio.create_task(self._run(), name=f"strategy {self.name}")

    async def settled(self) -> bool:
        """Wait until it runs (True), or is disabled or stopped (False)."""
        await self._settled.wait()
        return self._state == "running"

    async def answered(self) -> None:
        """Wait until it has answered all that it was told, or will answer nothing more. One that begins again is waited for."""
        await self._idle.wait()

    def on_bar(self, bar: Bar) -> None:
        if bar.symbol in self.symbols:
            for told in self._bars.add(bar):
                self._enqueue(told)

    def on_fill(self, fill: Fill) -> None:
        """`fill` is of an order of this strategy."""
        self._enqueue(fill)

    def on_quote(self, quote: Quote) -> None:
        if self._life and self._life.wants.quotes and quote.symbol in self.symbols:
            self._inbox.put_quote(quote)
            self._wake_up()

    def on_split(self, split: Split) -> None:
        """What it knows of the symbol is in other shares: it begins again, with the history as it is told from now on."""
        symbol = split.symbol
        if symbol not in self.symbols or not is_amount(split.ratio) or self._state in ("disabled", "stopped"):
            return
        self._bars.split(split)
        self._inbox.drop_bars(symbol)
        self._again = f"{symbol} split, so it begins again with its history in the new shares"
        self._wake_up()

    def on_time(self, at: int) -> None:
        """Market time has come to `at`; told before the event that brought it there, so that an update sees all that came before."""
        for bar in self._bars.before(at):
            self._enqueue(bar)
        if self._life and (step := self._life.wants.update_ns) and (due := self._inbox.update_due(at, step)) is not None:
            self._enqueue(due)

    @property
    def queue(self) -> int:
        """Events that wait for it."""
        return len(self._inbox)

    async def stop(self) -> None:
        """Call on_stop where the strategy is in a state to answer, and end its process: within a few seconds, whatever it does."""
        self._stopping = True
        self._wake.set()
        if self._task:
            if self._state == "running":
                await asyncio.wait([self._task], timeout=min(STOP_S, self._settings.deadline_s))
            # Its processes are killed and the task left to see it: cancelled while it cleans up, it would leave one behind.
            for host in self._hosts:
                host.kill()
            await asyncio.wait([self._task], timeout=STOP_S)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._state != "disabled":
            self._set("stopped", "")

    async def disable(self, why: str) -> None:
        """End it for this run, as the engine has decided."""
        await self.stop()
        self._set("disabled", why)

    def row(self) -> StrategyRow:
        """For the view: the same object until something in it changed."""
        row = StrategyRow(self.name, self._state, self._detail, self._signals, self._errors, self._answer_ms, self._timeframe)
        if row != self._row:
            self._row = row
        assert self._row is not None
        return self._row

    # ---- its life

    async def _run(self) -> None:
        try:
            await self._check()
            while not self._stopping:
                try:
                    self._life = await self._launch()
                    self._set_timeframe(self._life.wants)
                    self._watch = asyncio.create_task(self._watch_file())
                    await self._warm_up(self._life)
                    self._set("running", "")
                    await self._pump()
                except HostGoneError as gone:
                    self._after_death(gone)
                finally:
                    await self._clear()
        except _DisabledError as end:
            self._fail(str(end), end.detail, disabled=True)
        except Exception as error:
            # Our own fault, not the strategy's; it must not end in a task that nobody looks at.
            self._fail(f"the console failed while running it: {type(error).__name__}: {error}", disabled=True)
            raise
        finally:
            self._settled.set()
            self._idle.set()

    async def _check(self) -> None:
        try:
            found = await asyncio.to_thread(check, self._settings.file, self._settings.params)
        except StrategyError as error:
            raise _DisabledError(str(error)) from None
        self._file = found.path

    async def _launch(self) -> _Life:
        """A process that has loaded the file as it is now. Raises HostGoneError or _DisabledError; leaves no process behind then."""
        stamp = await asyncio.to_thread(_stamp, self._file)
        host = await HostProcess.start(self._settings.deadline_s, self._clock, self._printed, self._wake.set)
        self._hosts.add(host)
        try:
            if self._stopping:
                raise HostGoneError("it was stopped")
            reply = await host.load(str(self._file), self._settings.params, self.symbols)
            if isinstance(reply, Loaded):
                return _Life(host, reply, stamp)
            if isinstance(reply, Refused):
                raise _DisabledError(reply.error, reply.detail)
            raise HostGoneError("its process answered something else than it was asked")
        except BaseException:
            await self._close(host)
            raise

    async def _close(self, host: HostProcess) -> None:
        await host.close()
        self._hosts.discard(host)

    def _set_timeframe(self, wants: Loaded) -> None:
        """From now on it is told bars of the timeframe that it asked for. Raises _DisabledError."""
        try:
            anew = self._bars.follow(wants.timeframe, wants.warmup)
        except FeedError as error:
            raise _DisabledError(str(error)) from None
        self._timeframe = wants.timeframe
        if anew:
            # What waits is of another timeframe, and part of the history by now.
            self._inbox.drop_bars()

    async def _warm_up(self, life: _Life) -> None:
        if not life.wants.warmup:
            return
        replacing = life is not self._life
        if not replacing:
            self._set("warming", "")
        bars = self._bars.past(life.wants.warmup)
        for start in range(0, len(bars), WARM_CHUNK):
            answer = await life.host.ask(Warm(bars[start : start + WARM_CHUNK]))
            if replacing and isinstance(answer, Answer) and answer.error:
                raise _DisabledError(answer.error, answer.detail)
            self._take_error(answer)
        # What came in while it was loading is history by now.
        self._inbox.told(bars)

    async def _pump(self) -> None:
        """Tell one event after the other until the strategy is stopped or has to begin again. Raises HostGoneError or _DisabledError."""
        self._settled.set()
        while True:
            # Cleared before anything is looked at: what changes from here on wakes the wait below.
            self._wake.clear()
            life = self._life
            assert life is not None
            if life.host.gone:
                raise life.host.gone
            if self._stopping:
                with contextlib.suppress(HostGoneError):
                    await life.host.ask(Stop(self._account()))
                return
            if self._again:
                self._note(Level.INFO, self._again)
                self._again = ""
                self._settled.clear()
                with contextlib.suppress(HostGoneError):
                    await life.host.ask(Stop(self._account()))
                return
            if behind := self._inbox.behind:
                raise HostGoneError(f"it cannot keep up: {behind:,} bars are waiting; give it fewer symbols or the feed a slower pace")
            if self._edit or self._changed:
                life = self._life = await self._reload(life)
            if waiting := self._inbox.next():
                heard, event = waiting
                await self._tell_event(life.host, heard, self._wire(event))
            else:
                self._idle.set()
                await self._wake.wait()

    def _wire(self, event: Waiting) -> ToStrategy:
        """`event` with the account as it is when it is told."""
        if isinstance(event, Fill):
            return OnFill(event, self._account())
        if isinstance(event, Bar):
            return OnBar(event, self._account())
        return OnQuote(event, self._account()) if isinstance(event, Quote) else OnUpdate(event, self._account())

    async def _tell_event(self, host: HostProcess, heard: int, event: ToStrategy) -> None:
        asked = self._clock()
        answer = await host.ask(event)
        self._answer_ms = (self._clock() - asked) / 1e6
        self._take_error(answer)
        # What it still answers while it is being stopped comes too late: its orders would outlive it.
        if isinstance(answer, Answer) and not self._stopping:
            if len(answer.drafts) > MAX_DRAFTS:
                raise HostGoneError(f"its process ordered {len(answer.drafts):,} times at once, past its own limit")
            proposed: list[str] = []
            for draft in answer.drafts:
                self._proposals += 1
                try:
                    proposal = to_proposal(draft, f"{self._run_id}:{self.name}:{self._proposals}", self.name, self.symbols)
                except StrategyError as error:
                    self._strategy_error(str(error), "")
                    continue
                self._signals += 1
                proposed.append(proposal.id)
                self._tell(replace(proposal, heard=heard))
            # Behind its orders, which do not wait for it.
            if self._see is not None and isinstance(event, OnBar) and (answer.seen is not None or proposed):
                self._see(event.bar.symbol, event.bar.at, to_vote(answer.seen, self.name), tuple(proposed))

    def _take_error(self, reply: object) -> None:
        if not isinstance(reply, Answer):
            raise HostGoneError("its process answered something else than it was asked")
        if reply.error:
            self._strategy_error(reply.error, reply.detail)

    def _strategy_error(self, error: str, detail: str) -> None:
        """A callback raised, or asked for what cannot be. Raises _DisabledError at the third within a minute."""
        now = self._clock()
        self._recent_errors.append(now)
        if len(self._recent_errors) == ERRORS and now - self._recent_errors[0] <= ERRORS_WITHIN_S * 1e9:
            raise _DisabledError(f"{error} ({ERRORS} errors within {ERRORS_WITHIN_S:g} s)", detail)
        self._fail(error, detail)

    def _after_death(self, gone: HostGoneError) -> None:
        if self._stopping:
            return
        if not self._restarts_left:
            raise _DisabledError(f"{gone}, for the second time", gone.detail) from None
        self._restarts_left -= 1
        self._fail(f"{gone}; it is started again with its history", gone.detail, died=True)
        self._set("restarting", str(gone))

    async def _clear(self) -> None:
        """Let go of the process and all that belongs to it."""
        tasks = [task for task in (self._watch, self._edit) if task]
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, _Life):
                await self._close(ended.host)
        life, self._life, self._watch, self._edit, self._changed = self._life, None, None, None, None
        self._inbox.drop_quotes()
        self._inbox.catch_up()
        if life:
            await self._close(life.host)

    # ---- an edit of its file

    async def _watch_file(self) -> None:
        assert self._life is not None
        self._tried = self._life.stamp
        while True:
            await asyncio.sleep(POLL_S)
            with contextlib.suppress(OSError):
                stamp = await asyncio.to_thread(_stamp, self._file)
                if stamp != self._tried:
                    self._tried = self._changed = stamp
                    self._wake.set()

    async def _reload(self, old: _Life) -> _Life:
        """Between two events: load a changed file in a process of its own. Answers that one once it is there and warm, else the old one."""
        if self._changed and not self._edit:
            self._changed = None
            self._edit = asyncio.create_task(self._load_edit())
            self._edit.add_done_callback(lambda _: self._wake.set())
        if not self._edit or not self._edit.done():
            return old
        # A further edit may have come meanwhile.
        self._wake.set()
        edit, self._edit = self._edit, None
        try:
            fresh = edit.result()
            if fresh.wants.timeframe != old.wants.timeframe:
                await self._close(fresh.host)
                self._again = "its file changed and wants bars of another timeframe, so it begins again"
                return old
            try:
                await self._warm_up(fresh)
            except BaseException:
                await self._close(fresh.host)
                raise
        except (_DisabledError, HostGoneError) as error:
            self._note(Level.WARNING, f"its file changed, but the new version does not run, so the old one goes on: {error}")
            return old
        self._life = fresh
        self._recent_errors.clear()
        self._restarts_left = RESTARTS
        self._note(Level.INFO, "its file changed; the new version runs now")
        try:
            with contextlib.suppress(HostGoneError):
                await old.host.ask(Stop(self._account()))
        finally:
            await self._close(old.host)
        return fresh

    async def _load_edit(self) -> _Life:
        await self._check()
        return await self._launch()

    # ---- words

    def _enqueue(self, event: Bar | Fill | int) -> None:
        if self._state in ("disabled", "stopped") or self._stopping:
            return
        self._inbox.put(event, running=self._state == "running")
        self._wake_up()

    def _wake_up(self) -> None:
        if self._state not in ("disabled", "stopped") and not self._stopping:
            self._idle.clear()
        self._wake.set()

    def _account(self) -> State:
        now = self._snapshot()
        held = {symbol: (float(quantity), float(average)) for symbol, (quantity, average) in now.positions.items() if quantity}
        return State(float(now.cash), float(now.equity), held)

    def _printed(self, text: str) -> None:
        if line := one_line(text):
            self._note(Level.INFO, line)

    def _note(self, level: Level, text: str) -> None:
        self._tell(Note(level, self.name, one_line(text)))

    def _fail(self, error: str, detail: str = "", *, disabled: bool = False, died: bool = False) -> None:
        self._errors += 1
        words = one_line(error)
        if disabled:
            self._inbox.clear()
            self._set("disabled", words)
        else:
            self._detail = words
        self._tell(StrategyFailed(self.name, words, many_lines(detail), disabled, died))

    def _set(self, state: str, detail: str) -> None:
        self._state = state
        if detail or state in ("starting", "stopped"):
            self._detail = one_line(detail)


class _DisabledError(Exception):
    """The strategy will not be started again; says why."""

    def __init__(self, words: str, detail: str = "") -> None:
        super().__init__(words)
        self.detail = detail


def _stamp(path: Path) -> tuple[int, int]:
    stat = os.stat(path)
    return stat.st_mtime_ns, stat.st_size
