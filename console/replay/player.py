"""A replay on a thread of its own: wishes go in, moments come out. The screen waits for neither.

Playing, the thread goes on by the clock and shows where it stands some times a second: what came in between is played and not shown.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from console.failures import named
from engine.model import View
from engine.model.recording import Span, TradeMark, Why
from engine.replay.recording import ReplayError

if TYPE_CHECKING:
    from engine.replay.index import Progress
    from engine.replay.replay import Replay

SPEEDS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 0)
"""Bars a second of a backtest, in a session how much faster than it was; 0 is as fast as can be had."""
_FIRST_SPEED: Final = SPEEDS.index(10)
_FRAME_S: Final = 1 / 15
"""How often at most a moment is shown while it plays."""
_BREATH_S: Final = 0.01
"""How long the thread rests at least between two frames, for keys to be heard at any speed."""
_WORK_S: Final = 0.03
"""How long playing one frame may take at the highest speed."""
_LEAP_S: Final = 2.0
"""Of playing at most made up for at once: after a standstill of the program it goes on from where it stood."""
_QUIET_NS: Final = 60_000_000_000
"""So long a time in which nothing happened in a session is left out."""

Wish = Callable[["Replay"], None]


class About(Struct, frozen=True):
    """What is replayed: `trades` are all its fills, also those after the playhead."""

    title: str
    span: Span
    trades: tuple[TradeMark, ...]
    symbols: tuple[str, ...]
    timeframe: str
    problems: tuple[str, ...]
    by_time: bool
    """A session, which plays by its own time: its steps are whatever happened. A backtest's are bars."""


class Moment(Struct, frozen=True):
    """All there is to be drawn of one moment. `equity` is (market time, value) up to it; `step` is -1 before anything happened."""

    view: View
    step: int
    at: int
    equity: Sequence[tuple[int, float]]
    playing: bool
    speed: int


class _ClosedError(Exception):
    """Nobody looks any more."""


class Player:
    """`open_` opens the replay, told how far it is; it is called on the thread. `clock` is monotonic seconds. No method waits but `close`.

    `about` and `moment` are None before it is open, `problem` is a sentence where it cannot be replayed or no further.
    """

    def __init__(self, open_: Callable[[Progress], Replay], clock: Callable[[], float]) -> None:
        self.about: About | None = None
        self.moment: Moment | None = None
        self.problem = ""
        self.progress = 0.0
        self.said: deque[str] = deque()
        """Sentences for the person, to be taken out."""
        self.answers: deque[tuple[str, Why | None]] = deque()
        """What `ask` was answered, with its title, to be taken out."""
        self._open = open_
        self._clock = clock
        self._wishes: deque[tuple[str, Wish]] = deque()
        self._news = threading.Condition()
        self._closed = False
        self._playing = False
        self._speed = _FIRST_SPEED
        self._by_time = False
        self._since, self._due = 0.0, 0.0
        """When the clock was last looked at, and what was not played yet of what had been due by then: bars, or ns of market time."""
        self._chunk = 1
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)
        self._thread.start()

    # ---- for the screen's thread

    def toggle(self) -> None:
        """Play or pause; at the end it begins anew."""
        self._wish(self._toggle)

    def change_speed(self, by: int) -> None:
        """So many steps of `SPEEDS` up, or down by a negative number."""

        def change(replay: Replay) -> None:
            self._speed = max(0, min(len(SPEEDS) - 1, self._speed + by))
            self._begin_from(replay)

        self._wish(change)

    def step(self, count: int) -> None:
        """So many bars forward, or back; it pauses."""

        def step(replay: Replay) -> None:
            self._playing = False
            if not (replay.advance(count) if count > 0 else replay.back(-count)):
                self.said.append("This is the end." if count > 0 else "This is the beginning.")

        self._wish(step)

    def seek(self, step: int) -> None:
        """To after `step`, and on from there where it plays. Of many in a row the last one counts."""

        def seek(replay: Replay) -> None:
            replay.seek(step)
            self._begin_from(replay)

        self._wish(seek, "seek")

    def seek_time(self, at: int) -> None:
        """To after the first bar at the market time `at` or later."""

        def seek(replay: Replay) -> None:
            replay.seek(int(replay.recording.stamps.searchsorted(at, "left")))
            self._begin_from(replay)

        self._wish(seek, "seek")

    def trade(self, forward: bool) -> None:
        """To the next trade or the one before, and pauses there."""

        def go(replay: Replay) -> None:
            self._playing = False
            mark = replay.next_trade() if forward else replay.previous_trade()
            if mark is None:
                self.said.append("There is no trade after this moment." if forward else "There is no trade before this moment.")
            else:
                replay.focus(mark.symbol)

        self._wish(go)

    def focus(self, symbol: str, timeframe: str = "") -> None:
        """What the chart shows."""
        self._wish(lambda replay: replay.focus(symbol, timeframe), "focus")

    def ask(self, title: str, question: Callable[[Replay], Why | None]) -> None:
        """Pauses, and puts the answer into `answers`."""

        def asked(replay: Replay) -> None:
            self._playing = False
            self.answers.append((title, question(replay)))

        self._wish(asked)

    def close(self, timeout: float = 2.0) -> None:
        """Ends the thread; blocks until it has, or `timeout` seconds have passed."""
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join(timeout)

    def _wish(self, wish: Wish, kind: str = "") -> None:
        """Wishes of one `kind` that follow each other are one: the last."""
        with self._news:
            if kind and self._wishes and self._wishes[-1][0] == kind:
                self._wishes.pop()
            self._wishes.append((kind, wish))
            self._news.notify()

    # ---- on the thread

    def _run(self) -> None:
        try:
            self._play_back(self._open(self._told))
        except _ClosedError:
            pass
        except ReplayError as error:
            self.problem = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told, and the console lives on
            self.problem = f"The replay ended by an error that nobody expected: {named(error)}. Nothing is lost: it only reads."

    def _told(self, done: int, total: int) -> None:
        self.progress = done / total if total else 0.0
        if self._closed:
            raise _ClosedError
        # Others want the interpreter, too: the engine that trades, and the screen.
        time.sleep(0)

    def _play_back(self, replay: Replay) -> None:
        from engine.replay.sessions import SessionRecording

        recording = replay.recording
        self._by_time = isinstance(recording, SessionRecording)
        self.about = About(replay.title, replay.span, replay.trades, replay.symbols, recording.timeframe, replay.problems, self._by_time)
        self._show(replay)
        while True:
            began = time.monotonic()
            wishes = self._wait()
            before, shown = replay.step, (self._playing, self._speed)
            for _, wish in wishes:
                wish(replay)
            if self._playing:
                self._go_on(replay)
            if wishes or replay.step != before or shown != (self._playing, self._speed):
                self._show(replay)
            if self._playing:
                rest = max(_FRAME_S - (time.monotonic() - began), _BREATH_S)
                with self._news:
                    self._news.wait_for(lambda: self._wishes or self._closed, rest)

    def _wait(self) -> list[tuple[str, Wish]]:
        """The wishes there are; while nothing plays, it waits for some. Raises _ClosedError."""
        with self._news:
            if not self._playing:
                self._news.wait_for(lambda: self._wishes or self._closed)
            if self._closed:
                raise _ClosedError
            wishes = list(self._wishes)
            self._wishes.clear()
        return wishes

    def _toggle(self, replay: Replay) -> None:
        self._playing = not self._playing
        if self._playing and replay.step >= replay.steps - 1:
            replay.seek(-1)
        self._begin_from(replay)

    def _begin_from(self, replay: Replay) -> None:
        self._since, self._due = self._clock(), 0.0

    def _go_on(self, replay: Replay) -> None:
        rate = SPEEDS[self._speed]
        now = self._clock()
        passed, self._since = min(now - self._since, _LEAP_S) * rate, now
        if rate and self._by_time:
            self._due += passed * 1e9
            self._go_on_by_time(replay)
        elif rate:
            self._due += passed
            bars = int(self._due)
            self._due -= bars
            if bars:
                replay.advance(bars)
        else:
            began, step = time.perf_counter(), replay.step
            replay.advance(self._chunk)
            took = time.perf_counter() - began
            if replay.step - step == self._chunk:
                self._chunk = max(1, min(4 * self._chunk, int(self._chunk * _WORK_S / max(took, 1e-6))))
        if replay.step >= replay.steps - 1:
            self._playing = False

    def _go_on_by_time(self, replay: Replay) -> None:
        """All that happened in the time that is due. The time before the next thing counts towards it, but for long quiet ones."""
        stamps, step = replay.recording.stamps, replay.step
        if step + 1 >= len(stamps):
            return
        here = int(stamps[max(step, 0)])
        if int(stamps[step + 1]) - here > _QUIET_NS:
            replay.advance()
            self._due = 0.0
            return
        ahead = int(stamps.searchsorted(here + int(self._due), "right")) - 1
        if ahead > step:
            replay.seek(ahead)
            self._due -= int(stamps[ahead]) - here

    def _show(self, replay: Replay) -> None:
        self.moment = Moment(replay.view(), replay.step, replay.at, replay.equity(), self._playing, self._speed)
