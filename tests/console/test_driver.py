"""The driver on a real pseudo-terminal: the stop beside a stuck screen, a terminal that stops reading, and every way to end."""

from __future__ import annotations

import fcntl
import math
import os
import select
import signal
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from textual import events
from textual.constants import ESCAPE_DELAY
from textual.drivers.linux_driver import LinuxDriver

from console.driver import ConsoleDriver, KeyParser, silence_before
from console.screens.dialog import DEAF_SECONDS
from tests.console.painted import Painted
from tests.pseudo_terminal import spawn

F12 = b"\x1b[24~"
PATIENCE_SECONDS = 20.0


class Terminal:
    """A pseudo-terminal of 120x36 with a console in it."""

    def __init__(self, how: str, folder: Path) -> None:
        self.folder = folder
        self.seen = b""
        self.painted = Painted(120, 36)
        command = [sys.executable, "-m", "tests.console.on_a_terminal", how, str(folder)]
        self.pid, self.file = spawn(command)

    def read(self) -> None:
        """Whatever the console has written by now."""
        with suppress(OSError):
            while select.select([self.file], [], [], 0.02)[0]:
                data = os.read(self.file, 65_536)
                if not data:
                    return
                if b"\x1b[?2026$p" in data:
                    os.write(self.file, b"\x1b[?2026;2$y")
                self.seen += data
                self.painted.feed(data)

    def until(self, condition: Callable[[], object], *, reading: bool = True) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, f"it never came to this; the terminal got {self.seen[-2000:]!r}"
            if reading:
                self.read()
            else:
                select.select([], [], [], 0.02)

    def said(self, name: str) -> str | None:
        """The content of the file the engine wrote, or None."""
        path = self.folder / name
        return path.read_text() if path.exists() else None

    def frames(self) -> int:
        return int(self.said("frames") or 0)

    def write(self, keys: bytes) -> None:
        os.write(self.file, keys)

    def resize(self, width: int, height: int) -> None:
        self.painted = Painted(width, height)
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def stopped(self) -> bool:
        """Whether the process is suspended."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def is_raw(self) -> bool:
        """Whether keys go to the console one by one, and unseen."""
        return not termios.tcgetattr(self.file)[3] & (termios.ICANON | termios.ECHO)

    def ended(self) -> int:
        """Waits for the end; the exit code."""
        status = -1

        def over() -> bool:
            nonlocal status
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return pid != 0

        self.until(over)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)


@contextmanager
def console(how: str, folder: Path) -> Iterator[Terminal]:
    terminal = Terminal(how, folder)
    try:
        terminal.until(lambda: b"EMERGENCY" in terminal.seen)
        yield terminal
    finally:
        if terminal.pid:
            os.kill(terminal.pid, signal.SIGKILL)
            os.waitpid(terminal.pid, 0)
        with suppress(OSError):
            os.close(terminal.file)


@pytest.mark.parametrize("key", [F12, b"\x07"], ids=["F12", "^G"])
def test_the_stop_works_while_the_screen_is_stuck(tmp_path: Path, key: bytes) -> None:
    with console("stuck", tmp_path) as terminal:
        terminal.until(lambda: terminal.frames() > 5)
        terminal.write(key)
        terminal.until(lambda: terminal.said("stopped"))


def test_a_stop_key_presses_once_on_the_thread_that_reads_the_terminal(tmp_path: Path) -> None:
    with console("plain", tmp_path) as terminal:
        terminal.write(b":buy 100 AA" + F12)
        terminal.until(lambda: terminal.said("stopped"))
        assert terminal.said("stopped") == "textual-input"


def test_a_byte_that_is_no_text_ends_nothing_and_loses_no_stop(tmp_path: Path) -> None:
    with console("plain", tmp_path) as terminal:
        terminal.write(b"\x9b\xff" + F12)
        terminal.until(lambda: terminal.said("stopped"))
        frames = terminal.frames()
        terminal.until(lambda: terminal.frames() > frames + 3)


NO_KEYS = [b"\x1b[1114112u", b"\x1b[97;0:3u", b"\x1b[99999999999999999999u", b"\x1b[55296u", b"\x1b[1:R", b"\x1b[<1;1M", b"\x1b[48;:R"]


@pytest.mark.parametrize("sequence", NO_KEYS)
def test_a_sequence_that_is_no_key_ends_nothing_and_loses_no_stop(sequence: bytes, tmp_path: Path) -> None:
    with console("plain", tmp_path) as terminal:
        terminal.write(sequence + F12)
        terminal.until(lambda: terminal.said("stopped"))
        frames = terminal.frames()
        terminal.until(lambda: terminal.frames() > frames + 3)
        assert b"Traceback" not in terminal.seen


def test_a_stop_right_behind_an_escape_is_not_lost(tmp_path: Path) -> None:
    with console("plain", tmp_path) as terminal:
        terminal.write(b"\x1b\x07")
        terminal.until(lambda: terminal.said("stopped"))


@pytest.mark.parametrize(
    ("reads", "keys"),
    [
        (["\x1b2"], ["escape", "2"]),
        (["\x1b", "2"], ["escape", "2"]),
        (["\x1b:buy"], ["escape", "colon", "b", "u", "y"]),
        (["\x1bqwertyuiopasdfghjklzxcvbnmqwertyuiop"], ["escape", *"qwertyuiopasdfghjklzxcvbnmqwertyuiop"]),
        (["\x1b\x1b", "y"], ["escape", "escape", "y"]),
        (["\x1b\r"], ["escape", "enter"]),
        (["\x1b", "b"], ["escape", "b"]),
        (["\x1bb"], ["ctrl+left"]),
        (["\x1b[A"], ["up"]),
        (["\x1b", "[A"], ["up"]),
        (["\x1bOP"], ["f1"]),
        (["\x1b[15~\x1b[15~"], ["f5", "f5"]),
    ],
)
def test_escape_and_the_key_behind_it_are_two(reads: list[str], keys: list[str]) -> None:
    parser = KeyParser()
    assert [event.key for read in reads for event in parser.feed(read) if isinstance(event, events.Key)] == keys


def test_only_looks_that_found_nothing_prove_that_nobody_typed() -> None:
    parser = KeyParser()

    def typed(text: str) -> list[float]:
        found = [silence_before(message) for message in parser.feed(text) if isinstance(message, events.Key)]
        assert list(parser.tick()) == []
        return found

    assert typed("b") == [0.0]
    for _ in range(3):
        assert list(parser.tick()) == []
    assert typed("ab") == [pytest.approx(3 * ESCAPE_DELAY), 0.0]
    # However late it is read: nothing says that it did not wait since the last key.
    assert typed("y") == [0.0]
    assert silence_before(events.Key("y", "y")) == math.inf


def test_a_mouse_that_moves_is_no_typing_and_its_click_knows_of_the_silence_before_it() -> None:
    parser = KeyParser()
    moved, pressed = "\x1b[<35;10;5M", "\x1b[<0;10;5M"

    def read(text: str) -> list[events.Event]:
        found: list[events.Event] = [message for message in parser.feed(text) if isinstance(message, events.Key | events.MouseEvent)]
        assert list(parser.tick()) == []
        return found

    read("b")
    for _ in range(4):
        read(moved)
    (click,) = read(pressed)
    assert isinstance(click, events.MouseDown)
    assert silence_before(click) == pytest.approx(4 * ESCAPE_DELAY)
    (key,) = read("y")
    assert isinstance(key, events.Key)
    assert silence_before(key) == pytest.approx(5 * ESCAPE_DELAY)
    read(moved + "b")
    (click,) = read(pressed)
    assert isinstance(click, events.MouseDown)
    assert silence_before(click) == 0.0


def test_a_terminal_that_stops_reading_holds_nothing_up_and_is_painted_again_once(tmp_path: Path) -> None:
    with console("busy", tmp_path) as terminal:
        # Well past what the terminal and what waits for it can hold.
        terminal.until(lambda: terminal.frames() > 150, reading=False)
        terminal.write(F12)
        terminal.until(lambda: terminal.said("stopped"), reading=False)
        terminal.seen, frames = b"", terminal.painted.frames
        terminal.until(lambda: b"Positions" in terminal.seen and b"Watchlist" in terminal.seen)
        assert terminal.painted.frames - frames < 40, "frames that nobody saw were shown one after another"
        terminal.until(lambda: terminal.painted.lines[0].count("terminal slow") == 1)
        assert terminal.painted.lines[-1].endswith("F12 / ^G EMERGENCY STOP")


def test_what_changes_behind_a_dialog_is_seen_on_the_terminal_while_it_is_open(tmp_path: Path) -> None:
    with console("busy", tmp_path) as terminal:
        terminal.write(b"m")
        terminal.until(lambda: "Execution mode" in terminal.painted.text)
        seen = set[str]()

        def moved() -> bool:
            seen.add(terminal.painted.lines[1])
            return len(seen) > 5

        terminal.until(moved)
        assert terminal.painted.lines[-1].endswith("F12 / ^G EMERGENCY STOP")
        assert "Execution mode" in terminal.painted.text
        terminal.write(b"\x1b")
        terminal.until(lambda: "Execution mode" not in terminal.painted.text and "Positions" in terminal.painted.text)


def test_keys_typed_while_the_terminal_is_not_read_arrive_in_order(tmp_path: Path) -> None:
    with console("busy", tmp_path) as terminal:
        terminal.until(lambda: terminal.frames() > 150, reading=False)
        for letter in b":buy 17 AAPL @ 180.25 day":
            terminal.write(bytes([letter]))
        frames = terminal.frames()
        terminal.until(lambda: terminal.frames() > frames + 30, reading=False)
        terminal.until(lambda: "> buy 17 AAPL @ 180.25 day" in terminal.painted.text)


def test_a_suspended_console_gives_the_terminal_back_and_takes_it_again_whole(tmp_path: Path) -> None:
    with console("plain", tmp_path) as terminal:
        terminal.until(terminal.is_raw)
        os.kill(terminal.pid, signal.SIGTSTP)
        terminal.until(terminal.stopped)
        assert not terminal.is_raw()
        terminal.until(lambda: b"\x1b[?1049l" in terminal.seen)
        assert b"\x1b[?1003l" in terminal.seen
        terminal.painted, terminal.seen = Painted(120, 36), b""
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.until(terminal.is_raw)
        terminal.until(lambda: b"\x1b[?1049h" in terminal.seen and "Watchlist" in terminal.painted.text)
        terminal.until(lambda: terminal.said("synced") is not None)
        terminal.until(lambda: "suspended for" in terminal.painted.text)
        terminal.write(b":buy 17 AAPL")
        terminal.until(lambda: "> buy 17 AAPL" in terminal.painted.text)


def test_one_that_was_stopped_untold_takes_the_terminal_again_too(tmp_path: Path) -> None:
    with console("plain", tmp_path) as terminal:
        terminal.until(terminal.is_raw)
        os.kill(terminal.pid, signal.SIGSTOP)
        terminal.until(terminal.stopped)
        # As a shell does that is in front meanwhile.
        modes = termios.tcgetattr(terminal.file)
        modes[3] |= termios.ICANON | termios.ECHO
        termios.tcsetattr(terminal.file, termios.TCSANOW, modes)
        terminal.painted = Painted(120, 36)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.until(terminal.is_raw)
        terminal.until(lambda: "Watchlist" in terminal.painted.text)
        # Two threads that both read would share the letters out between them.
        terminal.write(b":buy 17 AAPL @ 180.25 day")
        terminal.until(lambda: "> buy 17 AAPL @ 180.25 day" in terminal.painted.text)


def test_a_storm_of_sizes_ends_in_a_whole_screen_of_the_last(tmp_path: Path) -> None:
    with console("busy", tmp_path) as terminal:
        for step in range(200):
            terminal.resize(*[(20, 5), (300, 100), (80, 24), (1, 1), (121, 37)][step % 5])
        terminal.resize(100, 30)
        terminal.until(lambda: terminal.painted.lines[-1].endswith("F12 / ^G EMERGENCY STOP") and "Watch" in terminal.painted.text)
        terminal.write(F12)
        terminal.until(lambda: terminal.said("stopped"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with console("plain", tmp_path) as terminal:
        os.kill(terminal.pid, number)
        assert terminal.ended() == 128 + number
        assert terminal.said("shutdown") is not None
        cause = "The terminal hung up" if number == signal.SIGHUP else f"{number.name} came from outside"
        assert f"{cause}: the console ends in order, as on_exit says." in (terminal.said("notes") or "")
        assert b"\x1b[?1049l" in terminal.seen, "the terminal was not given back"


def test_a_terminal_that_goes_away_ends_it_in_order(tmp_path: Path) -> None:
    with console("busy", tmp_path) as terminal:
        os.close(terminal.file)
        terminal.until(lambda: terminal.said("shutdown") is not None, reading=False)


def test_a_signal_ends_it_although_the_terminal_does_not_read(tmp_path: Path) -> None:
    with console("busy", tmp_path) as terminal:
        terminal.until(lambda: terminal.frames() > 150, reading=False)
        os.kill(terminal.pid, signal.SIGTERM)
        terminal.until(lambda: terminal.said("shutdown") is not None, reading=False)


def test_quitting_ends_with_zero(tmp_path: Path) -> None:
    with console("plain", tmp_path) as terminal:
        terminal.write(b"q")
        terminal.until(lambda: b"Quit?" in terminal.seen)
        # Until the question takes them: it is deaf to what comes in one burst with another key.
        while terminal.said("shutdown") is None:
            terminal.write(b"y\r")
            again = time.monotonic() + 2 * DEAF_SECONDS
            terminal.until(lambda again=again: terminal.said("shutdown") is not None or time.monotonic() > again)  # type: ignore[misc]
        assert terminal.ended() == 0


def test_keys_are_read_on_after_an_error_in_reading_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is that Textual's reader stumbles over."""
    told: list[Exception] = []
    runs: list[int] = []

    def run(self: LinuxDriver) -> None:
        runs.append(len(runs))
        if len(runs) < 3:
            raise RuntimeError("stumbled")

    class App:
        def call_later(self, tell: Callable[[Exception], None], error: Exception) -> None:
            tell(error)

        def _handle_exception(self, error: Exception) -> None:
            told.append(error)

    monkeypatch.setattr(LinuxDriver, "run_input_thread", run)
    driver = object.__new__(ConsoleDriver)
    driver._app = App()  # type: ignore[assignment]
    driver.exit_event = threading.Event()
    driver.run_input_thread()
    assert [str(error) for error in told] == ["stumbled", "stumbled"]
    assert len(runs) == 3


def test_a_hang_up_may_leave_the_engine_running_until_a_signal_ends_it(tmp_path: Path) -> None:
    with console("outlives", tmp_path) as terminal:
        os.close(terminal.file)
        terminal.until(lambda: "goes on without a screen" in (terminal.said("notes") or ""), reading=False)
        assert terminal.said("shutdown") is None
        frames = terminal.frames()
        os.kill(terminal.pid, signal.SIGHUP)  # a shell tells it once more when it ends
        terminal.until(lambda: terminal.frames() > frames + 3, reading=False)
        os.kill(terminal.pid, signal.SIGTERM)
        terminal.file = os.open(os.devnull, os.O_RDWR)
        assert terminal.ended() == 128 + signal.SIGTERM
        assert terminal.said("shutdown") is not None
        assert "SIGTERM came from outside: the engine ends in order, as on_exit says." in (terminal.said("notes") or "")
