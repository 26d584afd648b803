"""What tests do inside an engine that runs: reach its shell, and hold up its loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from engine.live import Engine
from engine.model.modes import TradingState
from engine.model.records import Noted, OrderPlaced
from engine.shell import Shell


def shell_of(engine: Engine) -> Shell:
    assert engine._shell is not None
    return engine._shell


def halted(view: Any) -> bool:
    return view.account.state is TradingState.HALTED


class Blocked:
    """Holds the engine's own loop, in a subscriber that does not return, until `release`."""

    def __init__(self, engine: Engine, trigger: Callable[[], object]) -> None:
        self._free, inside = threading.Event(), threading.Event()

        def hold(record: Noted | OrderPlaced) -> None:
            inside.set()
            self._free.wait(20)

        end = engine.subscribe(OrderPlaced, hold)
        trigger()
        assert inside.wait(20)
        end()

    def release(self) -> None:
        self._free.set()
