"""A console over a FakeEngine on the real terminal driver, for tests that run it in a pseudo-terminal of their own.

    python -m tests.console.on_a_terminal HOW FOLDER

HOW is `plain`, `stuck` (the screen's loop stands still after the first frames), `busy` (every frame is another picture), or `outlives` (a
hang-up). What the engine was asked is written to files in FOLDER: `stopped`, `frames`, `notes`, `synced` and `shutdown`; a frame's time, in
seconds, to `late` where it came later than any before.
"""

from __future__ import annotations

import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from console.app import run_console
from engine.model import Level, View
from engine.model.settings import ScreenSettings
from tests.console.fake_engine import FakeEngine


class WatchedEngine(FakeEngine):
    def __init__(self, how: str, folder: Path) -> None:
        super().__init__()
        self._how = how
        self._folder = folder
        self._frames = 0
        self._last, self._latest = 0.0, 0.0

    def view(self) -> View:
        self._frames += 1
        (self._folder / "frames").write_text(str(self._frames))
        now = time.monotonic()
        if self._frames > 10 and now - self._last > self._latest:
            self._latest = now - self._last
            (self._folder / "late").write_text(f"{self._latest:.3f}")
        self._last = now
        if self._how == "stuck" and self._frames > 5:
            threading.Event().wait()
        if self._how == "busy":
            rows = tuple(replace(row, bid=float(self._frames), ask=self._frames + 0.5) for row in self.current.watch)
            orders = tuple(replace(row, quantity=Decimal(self._frames * 7919 % 10_000)) for row in self.current.orders)
            self.change(watch=rows, orders=orders, account=replace(self.current.account, equity=Decimal(self._frames)))
        return super().view()

    def emergency_stop(self, reason: str = "stop key", *, latch_s: float = 1.0) -> str:
        (self._folder / "stopped").write_text(threading.current_thread().name)
        return super().emergency_stop(reason)

    def sync(self) -> str:
        (self._folder / "synced").write_text("")
        return super().sync()

    def note(self, level: Level, source: str, text: str) -> None:
        with (self._folder / "notes").open("a") as notes:
            notes.write(f"{text}\n")
        super().note(level, source, text)

    def shutdown(self, timeout: float = 5.0) -> None:
        (self._folder / "shutdown").write_text("")


if __name__ == "__main__":
    how = sys.argv[1]
    raise SystemExit(
        run_console(
            WatchedEngine(how, Path(sys.argv[2])),
            screen=ScreenSettings(frames_per_second=30 if how == "busy" else 12),
            on_hangup="go_on" if how == "outlives" else "end",
        )
    )
