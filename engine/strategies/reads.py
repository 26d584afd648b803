"""Which files a strategy's own lines open while it runs: what stands in them nobody holds back, the future of a backtest included."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType

from msgspec import Struct

_CODE = {".py", ".pyc", ".so", ".pyi"}


class Read(Struct, frozen=True):
    """`line` of the strategy's file opens `path`."""

    path: Path
    line: int


class Reads:
    """Of the strategy in `file`. From `watch` on, for the rest of the process: Python takes no audit hook back."""

    def __init__(self, file: Path) -> None:
        self._file = str(file)
        self._found: dict[Read, None] = {}

    def watch(self) -> None:
        sys.addaudithook(self._hear)

    @property
    def found(self) -> tuple[Read, ...]:
        """In the order in which they came, each once."""
        return tuple(self._found)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        path = Path(os.fsdecode(arguments[0]))
        line = self._line()
        if line and path.suffix not in _CODE and not path.is_dir():
            self._found[Read(path.absolute(), line)] = None

    def _line(self) -> int:
        """The strategy's line that is at work now, 0 where none is."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename == self._file:
                return frame.f_lineno
            frame = frame.f_back
        return 0
