"""Who goes first on a processor that several want: a process that computes steps back, by itself and with its session."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.priority import NICENESS, SESSION_NICENESS, put_behind


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """One that waits, in a session of its own."""
    command = (sys.executable, "-c", "input()")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        yield process
        process.kill()


def session_of(folder: Path, pid: int) -> Path:
    (folder / str(pid)).mkdir()
    return folder / str(pid) / "autogroup"


def test_a_process_and_its_session_step_back(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    session = session_of(tmp_path, process.pid)
    session.write_text("")
    assert put_behind(process.pid, tmp_path)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19)
    assert session.read_text() == str(SESSION_NICENESS)


def test_it_asks_again_where_linux_has_just_heard_another(
    process: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_of(tmp_path, process.pid)
    with monkeypatch.context() as patch:

        def busy(path: Path, text: str) -> int:
            raise BlockingIOError(11, "Resource temporarily unavailable")

        patch.setattr(Path, "write_text", busy)
        assert not put_behind(process.pid, tmp_path)
    assert put_behind(process.pid, tmp_path)


def test_where_there_are_no_such_sessions_the_process_alone_steps_back(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    assert put_behind(process.pid, tmp_path)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) > os.getpriority(os.PRIO_PROCESS, 0) or os.nice(0) == 19


def test_of_a_process_that_is_gone_nothing_is_asked_again(tmp_path: Path) -> None:
    process = subprocess.Popen((sys.executable, "-c", ""), start_new_session=True)
    process.wait()
    assert put_behind(process.pid, tmp_path)
