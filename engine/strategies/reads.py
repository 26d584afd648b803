"""Which files a strategy's own lines open while it runs: what stands in them nobody holds back, the future of a backtest included."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any
from zoneinfo import TZPATH

from msgspec import Struct

_CODE = {".py", ".pyc", ".so", ".pyi"}
_NEW = os.O_TRUNC | os.O_EXCL
_UNHEARD = ("read_parquet", "read_feather", "read_orc")
"""What pandas has its library open, of which Python tells nothing."""
_SYSTEM = tuple(f"/{name}/" for name in ("dev", "etc", "proc", "sys"))
"""Where a system tells of itself."""


class Read(Struct, frozen=True):
    """`line` of the strategy's file opens `path`."""

    path: Path
    line: int


class Reads:
    """Of the strategy in `file`, what is opened within `heard`."""

    def __init__(self, file: Path) -> None:
        self._file = str(file)
        self._found: dict[Read, None] = {}
        self._installed = _installed()
        self._hears = False
        self._usual: dict[str, Callable[..., Any]] = {}

    @contextmanager
    def heard(self) -> Iterator[None]:
        # Python takes no audit hook back: afterwards it is one that does nothing.
        sys.addaudithook(self._hear)
        self._hears = True
        try:
            yield
        finally:
            self._hears = False
            for name, usual in self._usual.items():
                setattr(sys.modules["pandas"], name, usual)

    @property
    def found(self) -> tuple[Read, ...]:
        """In the order in which they came, each once."""
        return tuple(self._found)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._hears or event not in ("open", "sqlite3.connect") or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        if event == "open" and isinstance(flags := arguments[2], int) and (flags & _NEW or flags & os.O_ACCMODE == os.O_WRONLY):
            return  # it writes, and nothing stood there before
        self._hear_pandas()
        self._note(arguments[0])

    def _hear_pandas(self) -> None:
        """From where pandas has been imported on, which a strategy's first run may do."""
        pandas: Any = sys.modules.get("pandas")
        if self._usual or not hasattr(pandas, _UNHEARD[-1]):
            return
        self._usual = {name: getattr(pandas, name) for name in _UNHEARD}
        for name, usual in self._usual.items():
            setattr(pandas, name, self._telling(usual))

    def _telling(self, usual: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(usual)
        def reads(path: Any, *given: Any, **words: Any) -> Any:
            if isinstance(path, str | os.PathLike):
                self._note(path)
            return usual(path, *given, **words)

        return reads

    def _note(self, opened: str | bytes | os.PathLike[Any]) -> None:
        path = Path(os.fsdecode(opened)).absolute()
        line = self._line()
        if line and path.suffix not in _CODE and not str(path).startswith((*_SYSTEM, *self._installed)) and path.is_file():
            self._found[Read(path, line)] = None

    def _line(self) -> int:
        """The strategy's line that is at work now, 0 where none is, or where it imports a library: what that reads is the library's."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            if code.co_filename == self._file:
                return frame.f_lineno
            if code.co_name == "<module>" and code.co_filename.startswith(self._installed):
                return 0
            frame = frame.f_back
        return 0


def _installed() -> tuple[str, ...]:
    """Where Python, its libraries and the tables of time zones lie."""
    own, base = sysconfig.get_paths(), sysconfig.get_paths(vars={"base": sys.base_prefix, "platbase": sys.base_prefix})
    folders = {paths[name] for paths in (own, base) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return tuple(f"{folder}{os.sep}" for folder in (*TZPATH, *sorted({*folders, *site.getsitepackages(), site.getusersitepackages()})))
