"""Ways for a program to die of itself, as if by kill -9: at a moment, or at one step of its database's output; and for such a step to
fail."""

from __future__ import annotations

import _sqlite3
import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

_INT, _LONG, _SIZE, _POINTER, _TEXT = ctypes.c_int, ctypes.c_int64, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_char_p

_CALLS: Final[dict[bytes, Any]] = {
    b"write": ctypes.CFUNCTYPE(ctypes.c_ssize_t, _INT, _POINTER, _SIZE, use_errno=True),
    b"pwrite": ctypes.CFUNCTYPE(ctypes.c_ssize_t, _INT, _POINTER, _SIZE, _LONG, use_errno=True),
    b"pwrite64": ctypes.CFUNCTYPE(ctypes.c_ssize_t, _INT, _POINTER, _SIZE, _LONG, use_errno=True),
    b"ftruncate": ctypes.CFUNCTYPE(_INT, _INT, _LONG, use_errno=True),
    b"unlink": ctypes.CFUNCTYPE(_INT, _TEXT, use_errno=True),
}
"""The system calls by which SQLite changes files. What a killed process had handed to the kernel stays, synced or not, so these are all
the steps there are: a death at a sync is one before the next of them."""


class _Vfs(ctypes.Structure):
    """`struct sqlite3_vfs` up to the members that are used here (https://www.sqlite.org/c3ref/vfs.html)."""

    _fields_ = (
        *((name, _INT) for name in ("version", "file_size", "max_path")),
        *((name, _POINTER) for name in ("next", "name", "data", "open", "delete", "access", "full_path", "dl_open", "dl_error")),
        *((name, _POINTER) for name in ("dl_sym", "dl_close", "randomness", "sleep", "time", "last_error", "time_64")),
        ("set_call", ctypes.CFUNCTYPE(_INT, _POINTER, _TEXT, _POINTER)),
        ("get_call", ctypes.CFUNCTYPE(_POINTER, _POINTER, _TEXT)),
    )


def at_step(number: int, half: bool) -> None:
    """From now on the process dies at the `number`th step, before it or, with `half`, with half of what it would write written."""
    left = number

    def step(real: Any, *args: Any) -> int:
        nonlocal left
        left -= 1
        if left == 0:
            if half and len(args) > 2:
                real(args[0], args[1], args[2] // 2, *args[3:])
            os.kill(os.getpid(), signal.SIGKILL)
        return int(real(*args))

    _instead_of_each_call(step)


@contextmanager
def failing_steps(fails: Callable[[], int]) -> Iterator[None]:
    """SQLite's steps in this process fail with the error number that `fails` answers, or happen where that is 0."""

    def step(real: Any, *args: Any) -> int:
        error = fails()
        if error:
            ctypes.set_errno(error)
            return -1
        return int(real(*args))

    vfs = _instead_of_each_call(step)
    try:
        yield
    finally:
        for name in _CALLS:
            vfs.contents.set_call(vfs, name, None)


def _instead_of_each_call(step: Callable[..., int]) -> Any:
    """From now on each of the system calls is `step`, which is handed the real one and its arguments."""
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    vfs = library.sqlite3_vfs_find(None)
    for name, kind in _CALLS.items():
        address = vfs.contents.get_call(vfs, name)
        if address:
            instead = kind(partial(step, kind(address)))
            _kept.append(instead)
            vfs.contents.set_call(vfs, name, instead)
    return vfs


def at_moment(seconds: float) -> None:
    """The process dies so many seconds from now."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


_kept: list[Any] = []
"""SQLite calls them for as long as the process lives."""
