"""When a press of the stop took hold: the gate is shut in memory at once, the latch file is durable when the disk has synced it."""

from __future__ import annotations

import time

from engine.live import Engine


class StopTimes:
    """Presses the stop of `engine` and takes the times, in seconds from the press."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shut = 0.0
        switch = engine._switch
        real = switch.press

        def press() -> int:
            number = real()
            if not self._shut:
                self._shut = time.perf_counter()
            return number

        switch.press = press  # type: ignore[method-assign]

    def press(self) -> tuple[str, float, float]:
        """The command's id, when the gate was shut in memory, and when the latch file was durable."""
        self._shut = 0.0
        began = time.perf_counter()
        command_id = self._engine.emergency_stop()
        return command_id, self._shut - began, time.perf_counter() - began
