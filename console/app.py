"""The app: one trading screen over an engine, and the way every key takes to it.

Keys do not go through Textual's bindings. There a key that moves the focus is carried out after the keys behind it were already handed
to the old focus, so that a burst like `:buy` would act in a panel letter by letter. Here the screen on top takes each key at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, cast

from rich.text import Text
from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.errors import NoWidget
from textual.widget import Widget

from console.actions.program import OnExit
from console.archive import Archive
from console.config_file import ConfigFile
from console.ending import EndingSignals
from console.failures import Failures, named
from console.kept import Kept
from console.keys import STOP, KeyMap
from console.looks import Looks
from console.notify import Notifier
from console.screens.trading import TradingScreen
from console.trading_engine import TradingEngine
from console.warm_up import warm_up
from engine.model import Level
from engine.model.settings import ConfirmSettings, NotifySettings, ScreenSettings, Settings
from widgets.steady import SteadyLoop
from widgets.text import clean

if TYPE_CHECKING:
    from textual.driver import Driver

    from console.accounts.config import Accounts
    from console.demo.show import Show
    from console.replay.listing import Opener
    from engine.combined import Combined


OnHangup = Literal["end", "go_on"]
WELCOMED = "welcomed"
SWITCH_S = 0.001
"""How long a thread that wants to run waits for one that runs, in seconds."""
STOOD_STILL_S = 1.0
"""From what on the console may have been suspended where nobody said so."""
CLICK_S = 0.5
"""Longer no key waits for a click before it: the widget may be gone."""
DEMO_FRAMES_PER_SECOND = 20


class TakesKeys(Protocol):
    """Every screen of the console."""

    def take_key(self, key: str, character: str | None, time: float) -> None: ...

    def take_paste(self, text: str) -> None: ...


class ConsoleApp(SteadyLoop, App[int], inherit_bindings=False):
    """Its return code is 0 where a person quit, 128 + n where signal n ended it. `kept` is the folder of what the screen remembers,
    `database` the file that the history is read from, `config` the file that preferences are written to,
    `backtests` the database that backtests are kept in. `replay` opens what is to be replayed at once. `accounts` are those of the
    `engine` that has several, `combined` the limits that they keep together.

    With `welcome` a newcomer is told how it works, once; with `demo` a script shows it. With `plain` all is written and nothing drawn.
    """

    TITLE = "tradeconsole"
    BINDINGS: ClassVar[list[BindingType]] = []
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    CSS_PATH = "screens/trading.tcss"

    def __init__(
        self,
        engine: TradingEngine,
        *,
        on_exit: OnExit = "cancel_entries",
        theme: str = "dark",
        theme_folders: tuple[Path, ...] = (),
        clock: Callable[[], float] = time.monotonic,
        ending: EndingSignals | None = None,
        kept: Path | None = None,
        keys: KeyMap | None = None,
        welcome: bool = False,
        plain: bool = False,
        notify: NotifySettings | None = None,
        database: Path | None = None,
        screen: ScreenSettings | None = None,
        confirm: ConfirmSettings | None = None,
        config: ConfigFile | None = None,
        demo: bool = False,
        backtests: Path | None = None,
        replay: Opener | None = None,
        accounts: Accounts | None = None,
        combined: Combined | None = None,
    ) -> None:
        super().__init__(driver_class=_driver())
        self._welcome = welcome
        self._demo = demo
        self._replay = replay
        self.show: Show | None = None
        """The demo, once it plays."""
        self._clock = clock
        self.plain = plain
        self.silence = 0.0
        """For how many seconds no other key came before the key or click that is handled, as far as that is certain."""
        self.pressed_at = 0.0
        """When the mouse was last pressed, on Textual's own clock: a click is told of only after what came before it was done."""
        self.set_class(plain, "-plain")
        self.stop_keys = frozenset(STOP.keys)
        self._engine = engine
        self._failures = Failures(self._failed, clock)
        self._ending = ending
        self.kept = Kept(kept, self._tell)
        self.looks = Looks(self, theme_folders, theme, self.kept, self._tell, os.environ, plain)
        self.keys = keys or KeyMap()
        self.archive = Archive(database)
        notifier = Notifier(notify or NotifySettings(), self._write, os.environ, clock)
        drawn = screen or ScreenSettings()
        self.config = config or ConfigFile(None, Settings())
        self.config.later = self._later
        self.trading = TradingScreen(
            engine, on_exit, clock, lambda: self.exit(0), self.looks, self.kept, self.keys, notifier, self.archive, drawn, self.config
        )
        self.trading.terminal_behind = self._terminal_behind
        self.stop_accounts = len(self.trading.view.accounts) or 1
        """How many accounts the stop is for."""
        if accounts is not None:
            self.trading.accounts.settings = accounts.settings
            self.trading.preferences.accounts = accounts
        self.trading.preferences.combined.held = combined
        self.trading.backtests.path = backtests
        self.trading.desk.confirm = confirm or ConfirmSettings()

    def get_default_screen(self) -> TradingScreen:
        return self.trading

    def on_mount(self) -> None:
        if self._ending is not None:
            self._obey(self._ending)
        self.call_after_refresh(self._painted)

    def _write(self, data: str) -> None:
        """To the terminal, between two frames."""
        if self._driver is not None:
            self._driver.write(data)

    def _terminal_behind(self) -> bool:
        return bool(getattr(self._driver, "is_behind", False))

    def _later(self, call: Callable[[], None]) -> None:
        """From any thread: has something called on the screen's, once the screen is there."""
        with contextlib.suppress(RuntimeError):  # nobody is left to be told
            self.call_later(call)

    def _tell(self, text: str) -> None:
        """From any thread: says it once the screen is there."""
        self._later(lambda: self.trading.say(text, Level.WARNING))

    # ---- errors

    def _handle_exception(self, error: Exception) -> None:
        """Every error that nobody caught, of a handler, a timer, a worker or a drawing. Without the trading screen there is no
        console; with it, all goes on."""
        if self.trading.is_mounted:
            self._exception = self._exception or error
            self._failures.take(error)
        else:
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """In words, where Textual prints a traceback with the values of all variables."""
        if self._exception is not None and not self._exit_renderables:
            self.panic(Text(clean(f"tradeconsole: the screen could not be opened: {named(self._exception)}.")))

    def _failed(self, text: str) -> None:
        self._engine.note(Level.ERROR, "screen", text)
        self.call_later(lambda: self.trading.say(text, Level.ERROR))

    def _obey(self, ending: EndingSignals) -> None:
        loop = asyncio.get_running_loop()

        def end(number: int) -> None:
            # While the screen is being put away its loop is gone, and it ends all the same.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self.exit, 128 + number)

        ending.tell = end
        if ending.came:
            end(ending.came)

    def _painted(self) -> None:
        """The first picture is out: it waited neither for the garbage collector, which the command line turned off, nor for the engine."""
        gc.freeze()
        gc.enable()
        self._engine.start()
        self.trading.watchlists.begin()
        self.run_worker(self._get_the_rest())
        if self._demo:
            # A start needs nothing of it.
            from console.demo.show import Show

            self.show = Show(self, self._clock)
            self.set_interval(1 / DEMO_FRAMES_PER_SECOND, self.show.frame)
        if self._replay is not None:
            self.trading.backtests.watch(self._replay)
        if self._welcome and not self.kept.load(WELCOMED, bool, False):
            from console.screens.welcome import Welcome

            self.trading.ask(Welcome(self.keys, self._clock), lambda _: self.kept.save(WELCOMED, True))

    async def _get_the_rest(self) -> None:
        """What keys open is imported only now; and one theme was read for the first picture, the others are after it."""
        await asyncio.to_thread(warm_up)
        self.looks.offer_all(await asyncio.to_thread(self.looks.read_all))

    # ---- keys

    async def on_event(self, event: events.Event) -> None:
        stops = isinstance(event, events.Key) and event.key in self.stop_keys
        if not self.screen_stack and isinstance(event, events.InputEvent | events.Paste) and not stops:
            # The console ends: its screens go before what a person still types.
            return
        if isinstance(event, events.Key | events.AppFocus):
            self.trading.notices.touched()
        if self.show is not None and self.show.takes(event):
            return
        if isinstance(event, events.Key) and not event.is_forwarded:
            if stops:
                self._stop()
            else:
                from console.driver import silence_before

                self.silence = silence_before(event)
                cast(TakesKeys, self.screen).take_key(event.key, event.character, event.time)
        elif isinstance(event, events.Paste) and not event.is_forwarded:
            cast(TakesKeys, self.screen).take_paste(event.text)
        elif isinstance(event, events.AppBlur):
            # Textual would take the focus from the order line, and keys still come to a terminal in the background (tmux, a window
            # manager's paste): what was meant as text would then approve and cancel.
            self.trading.notices.left()
        elif isinstance(event, events.MouseDown | events.MouseUp) and not event.is_forwarded:
            if isinstance(event, events.MouseDown):
                from console.driver import silence_before

                self.silence, self.pressed_at = silence_before(event), event.time
            pointed = self._pointed_at(event)
            await super().on_event(event)
            if pointed is not None:
                await self._carried_out(pointed)
        else:
            await super().on_event(event)

    def _pointed_at(self, event: events.MouseEvent) -> Widget | None:
        try:
            return self.get_widget_at(event.x, event.y)[0]
        except NoWidget:
            return None

    async def _carried_out(self, pointed: Widget) -> None:
        """Until a click has moved focus and cursor, or done what its hint says. A key that came in the same read of the terminal would
        else act on the row before: it is handled at once, a click through the queues of the widget and of all that it is in."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLICK_S):
                for node in pointed.ancestors_with_self:
                    # What a message makes the node post to itself is handled in the second turn.
                    for _ in range(2 if isinstance(node, Widget) else 0):
                        done = asyncio.Event()
                        if node.call_later(done.set):
                            await done.wait()

    def stop_pressed(self) -> None:
        """The emergency stop, by a person, on the thread that reads the terminal; asks nothing."""
        self._stop()
        if self.show is not None:
            self.call_later(self.show.player.take_over)

    def _stop(self) -> None:
        command_id = self._engine.emergency_stop()
        self.call_later(self.trading.stopped, command_id)

    def resumed(self, *, suspended: bool) -> None:
        """Called in the middle of anything the screen's thread does: the process goes on, and was `suspended`, or may have been by a signal
        that nobody is told of."""
        # Whoever ends a job tells it to go on first, as GNU screen, sshd and a shell do, though nothing stood still.
        if suspended or self.trading.since_frame() >= STOOD_STILL_S:
            self.call_later(self.trading.desk.stood_still, self.trading.since_frame())

    def terminal_gone(self) -> None:
        """Called from any thread: the terminal hung up, whether or not a signal says so."""
        if self._ending is not None:
            self._ending.hang_up()


def _driver() -> type[Driver] | None:
    if sys.platform == "win32":
        return None
    from console.driver import ConsoleDriver

    return ConsoleDriver


def run_console(
    engine: TradingEngine,
    *,
    on_exit: OnExit = "cancel_entries",
    theme: str = "dark",
    theme_folders: tuple[Path, ...] = (),
    kept: Path | None = None,
    keys: KeyMap | None = None,
    welcome: bool = False,
    plain: bool = False,
    notify: NotifySettings | None = None,
    database: Path | None = None,
    screen: ScreenSettings | None = None,
    confirm: ConfirmSettings | None = None,
    config: ConfigFile | None = None,
    demo: bool = False,
    on_hangup: OnHangup = "end",
    backtests: Path | None = None,
    replay: Opener | None = None,
    accounts: Accounts | None = None,
    combined: Combined | None = None,
) -> int:
    """Run the console until a person quits or a signal ends it, then shut the engine down. Answers the exit code.

    The engine is started after the first paint. Raises ThemeError for a theme file that is wrong, before anything is drawn or started,
    and TimeoutError where the engine does not end.
    """
    # A key passes through three threads. Each waits so long for an engine that has all hands full, by default five times as long.
    sys.setswitchinterval(SWITCH_S)
    ending = EndingSignals()
    app = ConsoleApp(
        engine,
        on_exit=on_exit,
        theme=theme,
        theme_folders=theme_folders,
        ending=ending,
        kept=kept,
        keys=keys,
        welcome=welcome,
        plain=plain,
        notify=notify,
        database=database,
        screen=screen,
        confirm=confirm,
        config=config,
        demo=demo,
        backtests=backtests,
        replay=replay,
        accounts=accounts,
        combined=combined,
    )
    try:
        code = app.run()
        if ending.hung_up and on_hangup == "go_on":
            from console.headless import go_on

            code = go_on(engine, ending)
        elif ending.came:
            # No screen is left to say it on: the log and the audit do.
            engine.note(Level.WARNING, "console", f"{ending.cause}: the console ends in order, as on_exit says.")
    finally:
        # Whatever ended the screen, a terminal that went away included, the engine ends in order.
        engine.shutdown()
        app.trading.backtests.close()
        app.kept.close()
        app.archive.close()
        app.config.close()
    return (app.return_code or 0) if code is None else code
