"""Ten thousand hostile strings through the real driver into a pseudo-terminal, and pasted into it: the bytes that come out are judged."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import termios
import time
import unicodedata
from contextlib import suppress
from pathlib import Path

from tests.console.test_hostile_everywhere import OUR_OWN, UNSEEN, Hostile
from tests.pseudo_terminal import spawn
from tests.thorough import tries

STRINGS = tries(2_500, 10_000)
PATIENCE_SECONDS = tries(180, 900)
OF_THE_DRIVER = re.compile(r"\x1b\[\?(?:7|25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048)(?:[hl]|\$p)|\x1b\[[<>]\d*u|\r?\n")
"""Modes that a terminal is put into and out of."""


def test_no_hostile_string_steers_the_terminal_or_breaks_the_console(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.console.hostile_on_a_terminal", str(tmp_path), str(STRINGS)]
    pid, file = spawn(command, (120, 36), {"KITTY_WINDOW_ID": "1", "TMUX": ""})
    # What is pasted once the console has ended must not be sent back by the kernel: that would be its echo, and no byte of the console's.
    mode = termios.tcgetattr(file)
    mode[3] &= ~termios.ECHO
    termios.tcsetattr(file, termios.TCSANOW, mode)
    pasted = Hostile(7, surrogates=False)
    seen, end, reads = bytearray(), time.monotonic() + PATIENCE_SECONDS, 0
    try:
        with suppress(OSError):  # the terminal is gone once the console has ended
            while time.monotonic() < end:
                if not select.select([file], [], [], 1)[0]:
                    continue
                data = os.read(file, 65_536)
                if not data:
                    break
                seen += data
                reads += 1
                if b"\x1b[?2026$p" in data:
                    os.write(file, b"\x1b[?2026;2$y")
                elif reads % 50 == 0:
                    os.write(file, b"\x1b[200~" + pasted().encode() + b"\x1b[201~")
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.close(file)
    assert not (tmp_path / "error").exists(), (tmp_path / "error").read_text()
    assert (tmp_path / "count").exists(), f"it did not come to its end: {bytes(seen[-3000:])!r}"
    assert int((tmp_path / "count").read_text()) >= STRINGS
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    left = OUR_OWN.sub("", OF_THE_DRIVER.sub("", seen.decode("utf-8")))
    unseen = [place for place, character in enumerate(left) if unicodedata.category(character) in UNSEEN]
    assert not unseen, [left[max(0, place - 40) : place + 20] for place in unseen[:5]]
