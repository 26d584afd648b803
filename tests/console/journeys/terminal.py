"""A terminal of a given size with a program in it, and somebody at its keyboard. tmux is the terminal."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from tests.project_files import ROOT

HOW_TO_GET_TMUX = "tmux is not installed; get it with: apt-get install tmux, or: brew install tmux"
_LOOK_EVERY_S = 0.02
_PATIENCE_S = 20.0
_PRESS_AGAIN_S = 0.5
_SETTINGS = "set -g status off\nset -g remain-on-exit on\nset -g remain-on-exit-format ''\nset -g escape-time 0\n"
SHELL = """sh -c 'echo $$ >"$0/pid"; exec "$@"' "$0" "$@"; echo $? >"$0/code\""""
"""Tells the program's process id and how it ended: tmux itself now and then misses the latter."""
_numbers = itertools.count(1)


def has_tmux() -> bool:
    return shutil.which("tmux") is not None


class Terminal:
    """Runs `tradeconsole` with `options` in `width` x `height` cells. A context manager: leaving it kills what still runs."""

    def __init__(
        self, home: Path, width: int, height: int, options: str | Sequence[str] = (), environment: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tc"))  # a socket's path must be short
        self._tmux = ["tmux", "-u", "-S", str(self._folder / f"s{next(_numbers)}")]
        self._size = (width, height)
        self._command = [sys.executable, "-m", "tradeconsole", *(options.split() if isinstance(options, str) else options)]
        usual = {"PATH": os.environ["PATH"], "TERM": "tmux-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self._environment = dict(environment) | usual | {"TRADECONSOLE_HOME": str(home), "PYTHONPATH": str(ROOT)}

    def __enter__(self) -> Self:
        conf = self._folder / "tmux.conf"
        conf.write_text(_SETTINGS)
        width, height = self._size
        variables = [f"{name}={value}" for name, value in self._environment.items()]
        start = [
            "new-session",
            "-d",
            "-x",
            str(width),
            "-y",
            str(height),
            "env",
            "-i",
            *variables,
            "sh",
            "-c",
            SHELL,
            str(self._folder),
            *self._command,
        ]
        subprocess.run([*self._tmux, "-f", str(conf), *start], check=True, timeout=_PATIENCE_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            print(self.screen())  # noqa: T201 - pytest shows it with the failure
        subprocess.run([*self._tmux, "kill-server"], check=False, timeout=_PATIENCE_S)
        shutil.rmtree(self._folder, ignore_errors=True)

    # ---- at the keyboard

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: `F12`, `C-g`, `Enter`, `a`."""
        self._run("send-keys", *keys)

    def type(self, text: str) -> None:
        """Letters, in one burst."""
        self._run("send-keys", "-l", text)

    def resize(self, width: int, height: int) -> None:
        self._run("resize-window", "-x", str(width), "-y", str(height))

    # ---- what is to be seen

    def screen(self) -> str:
        """What is on the screen now, line by line."""
        return self._run("capture-pane", "-p")

    def until(self, *wanted: str | Callable[[str], object], patience: float = _PATIENCE_S) -> str:
        """Looks until all of these texts are on the screen, or say yes to it. The screen then; AssertionError where that never comes."""
        end = time.monotonic() + patience
        while True:
            screen = self.screen()
            missing = [it for it in wanted if not (it in screen if isinstance(it, str) else it(screen))]
            if not missing:
                return screen
            if time.monotonic() > end:
                raise AssertionError(f"not on the screen after {patience:g} s: {missing}\n{screen}")
            time.sleep(_LOOK_EVERY_S)

    def insist(self, key: str, *wanted: str | Callable[[str], object]) -> str:
        """Presses a key, and again while nothing comes of it, as people do: a new dialog is deaf to what confirms for a moment."""
        end = time.monotonic() + _PATIENCE_S
        while True:
            self.press(key)
            try:
                return self.until(*wanted, patience=_PRESS_AGAIN_S)
            except AssertionError:
                if time.monotonic() > end:
                    raise

    # ---- the program

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(int(self._told("pid")), number)

    def ended(self) -> int:
        """Waits for the program's end; its exit code, 128 + n where signal n killed it."""
        return int(self._told("code"))

    def _told(self, name: str, folder: Path | None = None) -> str:
        """Waits for what the shell around the program writes into a file of this name, in `folder` or the terminal's own."""
        file = (folder or self._folder) / name
        end = time.monotonic() + _PATIENCE_S
        while not (file.exists() and (text := file.read_text()).endswith("\n")):
            if time.monotonic() > end:
                raise AssertionError(f"the program's {name} is not known\n{self.screen()}")
            time.sleep(_LOOK_EVERY_S)
        return text

    def _run(self, *command: str) -> str:
        return subprocess.run([*self._tmux, *command], capture_output=True, text=True, check=True, timeout=_PATIENCE_S).stdout
