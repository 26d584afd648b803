"""The engine as everybody else sees it: a thread with a loop of its own, thread-safe methods to command it, an immutable View to read.

A stalled terminal or a slow paint never delays an order, because the screen's loop is another one. Commands are posted and answered in the
View under their id; the emergency stop is in force before its method returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from engine.brokers.base import AmbiguousError
from engine.feeds.base import FeedError
from engine.latch import LATCH_S, Latch, LatchKeeper, StopSwitch, latch_path
from engine.model.effects import Reply
from engine.model.journal import JournalError
from engine.model.market import Listing, MarketEvent
from engine.model.modes import Level, Mode
from engine.model.orders import Intent, Side, Terms
from engine.model.settings import Limits, Settings
from engine.model.signals import SignalEdit
from engine.model.views import View
from engine.parts import Parts
from engine.picture import Picture
from engine.strategies.params import StrategyError

if TYPE_CHECKING:
    from decimal import Decimal

    from engine.model import inputs

    # What does the work is imported on the engine's own thread: the screen's first picture does not wait for it.
    from engine.model.records import Record
    from engine.shell import Shell
    from engine.view_builder import ViewBuilder

E = TypeVar("E", bound="Record | MarketEvent")

SWITCH_S = 0.0005
"""How long a thread that computes may keep the interpreter's lock when another asks for it. At Python's own five milliseconds a busy loop
starves the database's thread, which asks for it at each statement: a commit then takes so long that the disk counts as one that hangs."""


class Engine:
    """Make one by `create_engine`. All methods may be called from any thread but the engine's own."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self.settings = settings
        self.run_id = f"{time.strftime('%y%m%d', time.gmtime())}-{os.urandom(4).hex()}"
        self._parts = parts
        self._switch = StopSwitch()
        self._latch = Latch(latch_path(parts.database))
        self._keeper = LatchKeeper(self._latch, self._switch, self._say_of_stop)
        self._commands = itertools.count(1)
        self._picture = Picture(settings)
        self._views: ViewBuilder | None = None
        self._asked = False
        self._looking_up = False
        self._shell: Shell | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._end_asked = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"engine {parts.account}".rstrip(), daemon=True)
        self._subscribers: dict[type, list[Callable[[Record | MarketEvent], None]]] = {}

    # ---- life

    def start(self) -> None:
        """Starts the engine's thread and returns at once; `View.health.ready` says when it may trade, `problem` why it may not."""
        # Of the whole program: no thread of it is worse off for a lock that goes round sooner.
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_S))
        self._thread.start()

    def wait_ready(self, timeout: float = 30.0) -> View:
        """Blocks until the engine is ready or has failed to start; the view then. Raises TimeoutError, with what it waits for."""
        if not self._ready.wait(timeout):
            raise TimeoutError(self._picture.view.health.problem or f"the engine was not ready within {timeout:g} s")
        return self._picture.view

    def shutdown(self, timeout: float = 10.0) -> None:
        """Ends in order and blocks until done: strategies, orders as `on_exit` says, the journal, the links. Raises TimeoutError."""
        if not self._thread.is_alive():
            return
        self._end_asked = True
        loop, ending = self._loop, self._ending
        if loop is not None and ending is not None:
            _post(loop, ending.set)
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise TimeoutError(
                f"the engine did not end within {timeout:g} s; what is on disk is safe, and a restart compares with the broker"
            )

    # ---- reading

    def view(self) -> View:
        """The latest View, at once. Asking also has the next one built, so that nothing is built for nobody."""
        loop = self._loop
        if not self._asked and loop is not None and self._shell is not None:
            self._asked = True
            _post(loop, self._build)
        return self._picture.view

    def status(self, timeout: float = 5.0) -> View:
        """A View of this moment. Blocks until the engine has built it; raises TimeoutError."""
        loop = self._loop
        if loop is None or self._shell is None or not self._thread.is_alive():
            return self._picture.view
        built = threading.Event()

        def build() -> None:
            self._build()
            built.set()

        if not _post(loop, build):
            return self._picture.view
        if not built.wait(timeout):
            raise TimeoutError("the engine's loop does not answer")
        return self._picture.view

    def answer(self, command_id: str, timeout: float = 10.0) -> Reply:
        """Blocks until the command has been answered. Raises TimeoutError."""
        end = time.monotonic() + timeout
        while True:
            for reply in self.status(timeout).replies:
                if reply.command_id == command_id:
                    return reply
            if time.monotonic() > end:
                raise TimeoutError(f"no answer to {command_id} within {timeout:g} s")
            time.sleep(0.01)

    def focus(self, symbol: str, timeframe: str = "") -> None:
        """Which symbol the view's chart shows, and in which of the time frames it offers; without one it stays as it is."""
        loop, shell = self._loop, self._shell
        if loop is not None and shell is not None:
            _post(loop, lambda: shell.views.chart.focus(symbol, timeframe))

    def offers(self) -> tuple[Listing, ...] | None:
        """What the feed knows of, for a search; None until that is known: asking has it looked up, perhaps in files."""
        loop, shell = self._loop, self._shell
        if loop is None or shell is None:
            return None
        if shell.offers is None and not self._looking_up:
            self._looking_up = _post(loop, shell.look_up)
        return shell.offers

    def subscribe(self, kind: type[E], callback: Callable[[E], None]) -> Callable[[], None]:
        """Calls `callback` with each record or market event of `kind` from now on, on the engine's thread: be quick. Returns what ends it.

        A record is told when it has happened, milliseconds before it is durable; a market event after the engine has dealt with it. What
        `callback` raises is said in the log, and not again before it has worked once more.
        """
        listeners = self._subscribers.setdefault(kind, [])
        failing = False

        def hear(event: Record | MarketEvent) -> None:
            nonlocal failing
            try:
                if isinstance(event, kind):
                    callback(event)
            except Exception as error:  # noqa: BLE001 - somebody else's callback must not stop the engine; it is told
                if not failing:
                    self._subscriber_failed(event, error)
                failing = True
            else:
                failing = False

        def end() -> None:
            with contextlib.suppress(ValueError):  # it may have ended before
                listeners.remove(hear)

        listeners.append(hear)
        return end

    # ---- commands

    def submit(self, intent: Intent, *, confirmed: bool = False) -> str:
        """Sends an order, with the exits of its bracket. `confirmed` says that one which looks like a repetition is meant."""
        return self._command(lambda i: inputs.Submit(i, intent, confirmed))

    def submit_group(self, kind: inputs.GroupKind, first: Intent, second: Intent, *, confirmed: bool = False) -> str:
        """Sends two orders of which one cancels the other, or of which the first triggers the second."""
        return self._command(lambda i: inputs.SubmitGroup(i, kind, first, second, confirmed))

    def replace(self, order_id: str, terms: Terms) -> str:
        """Gives a working order new terms; `terms.quantity` is the whole one, what filled already included."""
        return self._command(lambda i: inputs.Replace(i, order_id, terms))

    def preview(self, intent: Intent) -> str:
        return self._command(lambda i: inputs.Preview(i, intent))

    def preview_replace(self, order_id: str, terms: Terms) -> str:
        return self._command(lambda i: inputs.PreviewReplace(i, order_id, terms))

    def approve(self, signal_id: str, edit: SignalEdit | None = None) -> str:
        """Says yes to a signal, or with `edit` to what a person made of it."""
        return self._command(lambda i: inputs.Approve(i, signal_id, edit))

    def reject(self, signal_id: str, reason: str = "") -> str:
        return self._command(lambda i: inputs.Reject(i, signal_id, reason))

    def cancel(self, order_id: str = "", symbol: str = "") -> str:
        """Cancels one order, or all of a symbol, or with neither everything that works."""
        return self._command(lambda i: inputs.Cancel(i, order_id, symbol))

    def set_mode(self, mode: Mode) -> str:
        return self._command(lambda i: inputs.SetMode(i, mode))

    def resume(self, reason: str) -> str:
        """Leaves HALTED in MANUAL, reducing only while a breaker holds, and clears the latch; from REDUCING it releases what holds.

        The reason goes to the audit log, and without one nothing is resumed. A stop that is pressed later than this was called holds, and
        so does a latch that somebody else set meanwhile. A flatten that is not done is given up; its closing orders work on."""
        return self._command(lambda i: inputs.Resume(i, reason))

    def reset_breaker(self, name: str, reason: str) -> str:
        """Releases the breaker `name` of the view's. The reason goes to the audit log."""
        return self._command(lambda i: inputs.ResetBreaker(i, name, reason))

    def accept_position(self, symbol: str, reason: str) -> str:
        """Accepts the broker's figure for a symbol that entries are shut in because our books say another, once a fresh comparison says
        the same. The difference is booked as a trade without fees, at the price that the broker's cash tells, else at its average, and the
        symbol trades again. The reason goes to the audit log. Refused while an order's outcome there is not known."""
        return self._post_command(lambda shell, i: shell.accept_position(inputs.AcceptPosition(i, symbol, reason)))

    def watch(self, symbol: str) -> str:
        """Follows another symbol of the feed: it gets history, prices and a row in the view, and may be traded. A restart follows it again.

        One that the feed does not know is refused in words, with near ones; so is one too many, and by a feed that cannot, any."""
        return self._post_command(lambda shell, i: shell.watch(i, symbol))

    def unwatch(self, symbol: str) -> str:
        """Follows a symbol that was added no longer. Refused while it is held, works, waits in a signal, or is a strategy's."""
        return self._post_command(lambda shell, i: shell.unwatch(i, symbol))

    def note(self, level: Level, source: str, text: str) -> None:
        """A line for the log and the audit."""
        loop, shell = self._loop, self._shell
        if loop is not None and shell is not None:
            _post(loop, lambda: shell.handle(inputs.Note(level, source, text)))

    def set_limits(self, limits: Limits, reason: str = "", seen: Limits | None = None) -> str:
        """The gate's limits from now on, for this run; the settings' hold again at the next start. To loosen one takes a `reason`.

        `seen` are those that `limits` were made from, as `status().limits` has them: where somebody else changed them meanwhile the change
        is refused, and his are not undone unseen."""
        return self._command(lambda i: inputs.SetLimits(i, limits, reason, seen))

    def emergency_stop(self, reason: str = "stop key", *, latch_s: float = LATCH_S) -> str:
        """Stops trading. When it returns nothing more is sent, whatever the engine's loop is doing, and the latch is on the disk, so that
        the next start is HALTED too; a disk that takes longer than `latch_s` is not waited for, which the log says, as it names one that
        refuses.

        The engine then voids what waits for approval, cancels every order, and asks the broker again and again until it says itself that
        nothing works: `View.stop` tells how far it has come, and names what is left. Positions stay. May be called as often as one likes,
        from any thread. The answer counts the cancels that were sent."""
        return self._stop(reason, latch_s, lambda shell, i, press: shell.stop_trading(inputs.EmergencyStop(i, reason), press))

    def latched(self, within_s: float) -> bool:
        """Whether the latch of every stop so far is on the disk, or was refused by it, after `within_s` at most. That one is late the log
        says, and when it is there."""
        if self._keeper.finish(within_s):
            return True
        if within_s:
            self._say_it_is_late(within_s)
        return False

    def close_position(self, symbol: str, side: Side, quantity: Decimal) -> str:
        """Closes what is held of `symbol` at the market, by an order on `side` of at most `quantity` shares.

        Orders that work to close it are cancelled first, and the closing order follows when they have ended: the answer comes then, or once
        it is given up."""
        return self._command(lambda i: inputs.ClosePosition(i, symbol, side, quantity))

    def sync(self) -> str:
        """Compares orders and positions with the broker's now, as happens every minute by itself; the answer says what differs."""
        return self._post_command(lambda shell, i: shell.sync(i))

    def liquidate_all(self, *, latch_s: float = LATCH_S) -> str:
        """The emergency stop, with all it promises, and then closes every position that the broker itself reports, until it reports none.

        One closing order a symbol at the market, never for more than is held less what may still trade against it, so that no race takes
        a position across zero; one whose position something else closed is cancelled. Where the market is shut it works at the open. The
        answer names what was sent; `View.stop` is `verified` when nothing works and nothing is held."""
        return self._stop("flatten", latch_s, lambda shell, i, press: shell.flatten(i, "flatten", press))

    def _stop(self, reason: str, latch_s: float, work: Callable[[Shell, str, int], None]) -> str:
        """The cancels do not wait for the disk, whatever is the matter with it."""
        press = self._switch.press()
        command_id = self._post_command(lambda shell, i: work(shell, i, press))
        if not self._keeper.set(reason, latch_s) and latch_s:
            self._say_it_is_late(latch_s)
        return command_id

    def _say_it_is_late(self, by_s: float) -> None:
        self._say_of_stop(
            f"The stop is not on the disk yet, which has not answered for {by_s:g} s. Trading is halted and what works is being "
            "cancelled all the same; no position is lost. If the machine dies before it is, the next start may not be HALTED: it is "
            "said when it is there."
        )
        self._keeper.then(lambda: self._say_of_stop("The stop is on the disk now: the next start is HALTED.", Level.INFO))

    def _stop_from_outside(self, reason: str, flatten: bool) -> str:
        """The control socket's word. On the engine's loop."""
        press = self._switch.press()
        command_id, shell = self._next_id(), self._shell
        if shell is None:
            self._keeper.set(reason)
            return "the engine is still starting, and starts HALTED" + (": flatten once more when it is ready" if flatten else "")
        if flatten:
            shell.flatten(command_id, reason, press)
        else:
            shell.stop_trading(inputs.EmergencyStop(command_id, reason, by="control socket"), press)
        self._build()
        told = [reply.text for reply in self._picture.view.replies if reply.command_id == command_id]
        return told[0] if told else "HALTED: everything is being cancelled, then every position closed"

    # ---- inside

    def _command(self, make: Callable[[str], inputs.Command]) -> str:
        return self._post_command(lambda shell, i: shell.handle(make(i)))

    def _post_command(self, work: Callable[[Shell, str], None]) -> str:
        command_id = self._next_id()
        loop, shell = self._loop, self._shell
        if loop is None or shell is None:
            health = self._picture.view.health
            why = health.problem if health.failed else f"{health.problem or 'the engine is still starting'}: nothing was sent"
            self._picture.refuse(command_id, why)
        elif not _post(loop, lambda: work(shell, command_id)):
            self._picture.refuse(command_id, "the engine has ended: nothing was sent")
        return command_id

    def _next_id(self) -> str:
        """Unlike that of any other account."""
        number = f"c{next(self._commands)}"
        return f"{self._parts.account}:{number}" if self._parts.account else number

    def _build(self) -> None:
        if self._shell is not None:
            self._asked = False
            self._picture.build(self._shell)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except (JournalError, FeedError, StrategyError, AmbiguousError, OSError) as error:
            self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - the thread must not die silently: the screen says what happened
            self._failed(f"The engine failed: {error}", "".join(traceback.format_exception(error)))
        finally:
            self._ready.set()

    async def _main(self) -> None:
        settings = self.settings
        ending = self._ending = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if self._end_asked:  # before there was a loop to be told on
            ending.set()
        # Commands are made on this loop alone: what they are is imported here, as all that does the work.
        global inputs
        from engine.assembly import assembled
        from engine.control import Control
        from engine.control_client import control_path
        from engine.model import inputs

        async with assembled(
            settings,
            self._parts,
            run_id=self.run_id,
            latch=self._latch,
            keeper=self._keeper,
            switch=self._switch,
            publish=self._publish,
            say=lambda text: self._picture.say(text, ()),
            ending=ending,
        ) as shell:
            self._views = shell.views
            control = Control(control_path(self._parts.database), self._stop_from_outside, self._look, self._control_broke)
            try:
                await control.open()
            except OSError as error:
                self._control_broke(f"the control socket cannot be made ({error.strerror}): `tradeconsole kill` sets the latch alone")
            try:
                if not await _started(shell, shell.start(settings.account, settings.mode, self._waits), ending):
                    return
                self._shell = shell
                if self._switch.closed:
                    shell.stop_trading(inputs.EmergencyStop("", self._latch.read() or "stop key"), self._switch.press())
                self._build()
                self._ready.set()
                await ending.wait()
                await shell.stop(settings.on_exit)
                self._build()
            finally:
                control.close()

    def _publish(self, event: Record | MarketEvent) -> None:
        for hear in tuple(self._subscribers.get(type(event), ())):
            hear(event)

    def _subscriber_failed(self, event: Record | MarketEvent, error: Exception) -> None:
        if self._views is not None:
            text = f"a subscriber to {type(event).__name__} failed: {error}"
            self._views.log(self._parts.clock.wall(), Level.ERROR, "subscriber", text, "".join(traceback.format_exception(error)))

    def _say_of_stop(self, text: str, level: Level = Level.ERROR) -> None:
        """On any thread."""
        loop, views = self._loop, self._views
        if loop is not None and views is not None:
            _post(loop, lambda: views.log(self._parts.clock.wall(), level, "stop", text))

    def _look(self) -> View:
        self._build()
        return self._picture.view

    def _control_broke(self, problem: str) -> None:
        """The socket is one way to stop out of several: without it the others are all there."""
        if self._views is not None:
            self._views.log(self._parts.clock.wall(), Level.WARNING, "control", problem)

    def _waits(self, problem: str, level: Level) -> None:
        """The start is held up, and goes on by itself: the screen says by what."""
        if self._views is not None:
            self._views.log(self._parts.clock.wall(), level, "start", problem)
            self._picture.say(problem, self._views.lines())

    def _failed(self, problem: str, detail: str = "") -> None:
        self._shell = None
        self._picture.fail(problem, detail, self._parts.clock.wall())


async def _started(shell: Shell, start: Coroutine[Any, Any, None], ending: asyncio.Event) -> bool:
    """Starts `shell`; False where the end came first, for a broker that does not answer must not hold up whoever gives up on it."""
    starting, told = asyncio.create_task(start), asyncio.create_task(ending.wait())
    await asyncio.wait((starting, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not starting.done() and not shell.connected:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await shell.disconnect()
        return False
    try:
        await starting
    except BaseException:
        # Else an account that may not be traded here keeps its link, and the client id with it, as long as the program lives.
        await shell.disconnect()
        raise
    return True


def _post(loop: asyncio.AbstractEventLoop, work: Callable[[], object]) -> bool:
    """Has `work` done on the engine's loop; False where that has ended, and the last view stands."""
    try:
        loop.call_soon_threadsafe(work)
    except RuntimeError:
        return False
    return True
