"""A console over a FakeEngine on the real terminal driver, for tests that run it in a pseudo-terminal of their own.

    python -m tests.console.on_a_terminal HOW FOLDER

HOW is `plain`, `stuck` (the screen's loop stands still after the first frames) or `busy` (every frame is another picture). What the
engine was asked is written to files in FOLDER: `stopped`, `frames` and `shutdown`.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from console.app import run_console
from engine.model import View
from engine.model.settings import ScreenSettings
from tests.console.fake_engine import FakeEngine


class WatchedEngine(FakeEngine):
    def __init__(self, how: str, folder: Path) -> None:
        super().__init__()
        self._how = how
        self._folder = folder
        self._frames = 0

    def view(self) -> View:
        self._frames += 1
        (self._folder / "frames").write_text(str(self._frames))
        if self._how == "stuck" and self._frames > 5:
            threading.Event().wait()
        if self._how == "busy":
            rows = tuple(replace(row, bid=float(self._frames), ask=self._frames + 0.5) for row in self.current.watch)
            orders = tuple(replace(row, quantity=Decimal(self._frames * 7919 % 10_000)) for row in self.current.orders)
            self.change(watch=rows, orders=orders, account=replace(self.current.account, equity=Decimal(self._frames)))
        return super().view()

    def emergency_stop(self, reason: str = "stop key") -> str:
        (self._folder / "stopped").write_text(threading.current_thread().name)
        return super().emergency_stop(reason)

    def shutdown(self, timeout: float = 5.0) -> None:
        (self._folder / "shutdown").write_text("")


if __name__ == "__main__":
    busy = ScreenSettings(frames_per_second=30)
    raise SystemExit(run_console(WatchedEngine(sys.argv[1], Path(sys.argv[2])), screen=busy if sys.argv[1] == "busy" else None))
