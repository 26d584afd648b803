"""Strategies that raise, hang, die, flood and lie: each costs a line in the log and at worst itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.model.inputs import Note, Proposal, StrategyFailed
from engine.strategies import inbox, process, supervisor
from tests.engine.strategies.desk import PATIENCE_S, Desk

HANGS = {
    "spins": "while True: pass",
    "sleeps": "time.sleep(3600)",
    "holds the interpreter in a regular expression": "re.match(r'(a+)+$', 'a' * 50 + 'b')",
    "sorts without end": "\n".join(["while True:", "    sorted(range(3_000_000), key=lambda x: -x)"]),
    "beats from a thread while it spins": "beat_on()\nwhile True: pass",
}

FORGER = """
import threading
from engine.strategies.base import Draft
from engine.strategies.wire import Answer, Beat, Log, frame

def talk(data):
    # The engine's pipe is found by trying.
    for fd in range(3, 12):
        try:
            os.write(fd, data)
        except OSError:
            pass

def beat_on():
    def run():
        while True:
            talk(frame(Beat()))
            time.sleep(0.02)
    threading.Thread(target=run, daemon=True).start()
"""


def on_bar(body: str, before: str = "") -> str:
    lines = "\n        ".join(body.split("\n"))
    return f"{before}\nclass Mine(Strategy):\n    def on_bar(self, ctx, bar):\n        {lines}\n"


@pytest.mark.parametrize("body", HANGS.values(), ids=HANGS.keys())
async def test_one_that_hangs_is_killed_started_again_once_and_then_disabled(desk: Desk, body: str) -> None:
    assert await desk.run(desk.write(on_bar(body, FORGER)), deadline_s=0.5)
    desk.bar()
    desk.bar()
    first, last = await desk.hears(StrategyFailed, count=2)
    assert desk.runner.row().state == "disabled"
    assert first.error == "it did not answer for 0.5 s and was killed; it is started again with its history"
    assert last.error == "it did not answer for 0.5 s and was killed, for the second time"
    assert (first.disabled, last.disabled) == (False, True)


DEATHS = {
    "os._exit": ("os._exit(7)", "its process ended by itself (exit code 7)"),
    "a signal": ("os.kill(os.getpid(), signal.SIGKILL)", "its process was killed (SIGKILL)"),
    "a crash in C": ("import ctypes; ctypes.string_at(0)", "its process was killed (SIGSEGV)"),
    "closing every descriptor": ("os.closerange(3, 100)", "its process"),
    "speaking nonsense": ("talk(b'x' * 100)", "its process spoke nonsense (a message of 2,021,161,080 bytes)"),
    "logging without end": (
        "for i in range(100_000): talk(frame(Log('x')))",
        "its process spoke nonsense (more than 300 messages a second",
    ),
    "beating without end": ("for i in range(100_000): talk(frame(Beat()))", "its process spoke nonsense (more than 300 messages a second"),
    "ordering past the limit": (
        "talk(frame(Answer([Draft('AAPL', 'BUY', 1, 1, '', {})] * 101)))",
        "its process ordered 101 times",
    ),
    "answering what was not asked": ("talk(frame(Answer([])) * 2)", "its process spoke nonsense (an answer to nothing)"),
}


@pytest.mark.parametrize(("body", "words"), DEATHS.values(), ids=DEATHS.keys())
async def test_one_that_dies_is_started_again_and_its_death_is_told(desk: Desk, body: str, words: str) -> None:
    source = on_bar(f"if bar.close < 0:\n    {body}\nctx.buy(bar.symbol, 1)", FORGER)
    await desk.run(desk.write(source), deadline_s=10.0)
    desk.bar(-1.0)
    (failed,) = await desk.hears(StrategyFailed)
    assert failed.error.startswith(words)
    assert not failed.disabled
    desk.bar(5.0)
    await desk.hears(Proposal)
    assert desk.runner.row().state == "running"


async def test_a_callback_that_raises_costs_that_callback_and_nothing_else(desk: Desk) -> None:
    await desk.run(desk.write(on_bar("ctx.buy(bar.symbol, 1)\nif bar.close < 0:\n    raise ValueError('bad \\x1b[31m price')")))
    desk.bar(-1.0)
    (failed,) = await desk.hears(StrategyFailed)
    assert failed.error == "on_bar: ValueError: bad [31m price"
    assert "mine.py" in failed.detail
    assert "\x1b" not in failed.detail
    assert failed.detail.endswith("price\n")
    assert not failed.disabled
    assert desk.heard(Proposal) == []
    desk.bar(1.0)
    await desk.hears(Proposal)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise KeyError('x')", "on_bar: KeyError: 'x'"),
        ("sys.exit(3)", "on_bar: it called sys.exit"),
        ("raise KeyboardInterrupt", "on_bar: KeyboardInterrupt"),
        ("self.on_bar(ctx, bar)", "on_bar: RecursionError"),
        ("ctx.buy('IBM', 1)", "on_bar: 'IBM' is not one of this strategy's symbols (AAPL)"),
        ("ctx.buy('AAPL', float('nan'))", "the quantity of its order in AAPL is nan"),
        ("ctx.buy('AAPL', -3)", "the quantity of its order in AAPL is -3.0"),
        ("ctx.buy('AAPL', 1, limit=float('inf'))", "the limit of its order in AAPL is inf"),
        ("[ctx.buy('AAPL', 1) for _ in range(1000)]", "on_bar: it ordered 1,000 times in one callback"),
        ("ctx.buy('AAPL', 1, reason='\\udc80')", "its answer cannot be sent"),
        ("ctx.buy('AAPL', 1, indicators={'x' * 9_000_000: 1})", "its answer cannot be sent"),
    ],
)
async def test_the_third_error_within_a_minute_disables_it(desk: Desk, body: str, words: str) -> None:
    await desk.run(desk.write(on_bar(body)))
    for _ in range(4):
        desk.bar()
    first, second, third = await desk.hears(StrategyFailed, count=3)
    assert first.error.startswith(words)
    assert (first.disabled, second.disabled, third.disabled) == (False, False, True)
    assert third.error.endswith("(3 errors within 60 s)")
    assert (desk.runner.row().state, desk.runner.row().errors) == ("disabled", 3)
    assert desk.heard(Proposal) == []


async def test_errors_further_apart_than_a_minute_do_not_disable(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "ERRORS_WITHIN_S", 0.0)
    await desk.run(desk.write(on_bar("1 / 0")))
    for _ in range(5):
        desk.bar()
    failed = await desk.hears(StrategyFailed, count=5)
    assert not any(one.disabled for one in failed)


async def test_prints_reach_the_log_as_harmless_lines_and_a_flood_is_cut(desk: Desk) -> None:
    body = "print('\\x1b[2Jhello', 5)\nfor i in range(200_000): print(i)\nsys.stderr.write('x' * 10_000_000)\nctx.buy(bar.symbol, 1)"
    await desk.run(desk.write(on_bar(body)))
    desk.bar()
    await desk.hears(Proposal)
    notes = [note.text for note in desk.heard(Note)]
    assert notes[0] == "[2Jhello 5"
    assert 2 < len(notes) < 200


async def test_writing_past_python_neither_corrupts_the_protocol_nor_is_lost(desk: Desk) -> None:
    body = "os.write(1, b'x' * 50_000)\nos.write(2, b'last words')\nif bar.close < 0: os._exit(1)\nctx.buy(bar.symbol, 1)"
    await desk.run(desk.write(on_bar(body)))
    desk.bar(1.0)
    await desk.hears(Proposal)
    desk.bar(-1.0)
    (failed,) = await desk.hears(StrategyFailed)
    assert failed.detail.endswith("last words")
    assert len(failed.detail) <= process.LAST_WORDS + 1


async def test_what_it_orders_while_it_is_being_stopped_is_dropped(desk: Desk, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    body = f"print('here')\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\nctx.buy(bar.symbol, 1)\nprint('done')"
    await desk.run(desk.write(on_bar(body)))
    desk.bar()
    await desk.hears(Note)
    stopping = asyncio.create_task(desk.runner.stop())
    await asyncio.sleep(0)
    gate.touch()
    await stopping
    assert [note.text for note in desk.heard(Note)] == ["here", "done"]
    assert desk.heard(Proposal) == []


async def test_it_sees_no_secret_of_the_environment_and_no_file_of_the_engine(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_SECRET_KEY", "planted")
    monkeypatch.setenv("MY_BROKER_PASSWORD", "planted")
    monkeypatch.setenv("MY_SETTING", "kept")
    secret = desk.folder / "journal.db"
    with secret.open("w") as held:
        os.set_inheritable(held.fileno(), True)
        body = "files = [os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{fd}')]"
        body += "\nprint('planted' in str(os.environ), os.environ['MY_SETTING'], any('journal.db' in file for file in files))"
        body += "\nprint(open('/proc/self/oom_score_adj').read())\nprint(os.getsid(0) == os.getpid())"
        await desk.run(desk.write(on_bar(body)))
        desk.bar()
        notes = await desk.hears(Note, count=3)
    assert [note.text for note in notes] == ["False kept False", "1000", "True"]


async def test_one_that_cannot_keep_up_is_treated_as_one_that_hangs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "QUEUE", 10)
    await desk.run(desk.write(on_bar("ctx.buy(bar.symbol, 1)")))
    for _ in range(30):
        desk.bar()
    (failed,) = await desk.hears(StrategyFailed)
    assert failed.error.startswith("it cannot keep up: 10 bars are waiting")
    assert not failed.disabled


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("class Mine(Strategy:", "mine.py, line 3: "),
        ("raise OSError('no')\n" + on_bar("pass"), "mine.py, line 3: OSError: no"),
        (on_bar("pass") + "    def on_start(self, ctx): 1 / 0", "on_start: ZeroDivisionError"),
        (on_bar("pass") + "    def on_start(self, ctx): self.warmup = 2.5", "on_start: warmup must be a whole number of bars"),
        (on_bar("pass") + "    def on_start(self, ctx): ctx.buy('AAPL')", "on_start: on_start comes before the first price"),
        ("sys.exit()\n" + on_bar("pass"), "mine.py, line 3: SystemExit"),
    ],
)
async def test_one_that_cannot_start_is_disabled_with_its_reason(desk: Desk, source: str, words: str) -> None:
    assert not await desk.run(desk.write(source))
    (failed,) = desk.heard(StrategyFailed)
    assert words in failed.error
    assert failed.disabled
    assert desk.runner.row().state == "disabled"
    assert words in desk.runner.row().detail


async def test_one_that_hangs_while_loading_is_ended_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOAD_S", 1.0)
    assert not await desk.run(desk.write("while True: pass\n" + on_bar("pass")), deadline_s=0.5)
    assert [one.error.split(" s ")[0] for one in desk.heard(StrategyFailed)] == ["it did not answer for 1", "it did not answer for 1"]


async def test_stopping_ends_one_that_hangs_and_all_that_it_started(desk: Desk) -> None:
    child = "import subprocess\nprint(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)']).pid)\nwhile True: pass"
    await desk.run(desk.write(on_bar(child)), deadline_s=60.0)
    desk.bar()
    (note,) = await desk.hears(Note)
    began = time.monotonic()
    await desk.runner.stop()
    assert time.monotonic() - began < PATIENCE_S / 4
    assert ended(int(note.text))


async def test_a_process_that_was_never_started_has_no_group_to_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, _: killed.append(group))
    host = process.HostProcess(5.0, time.monotonic_ns, print, lambda: None)
    host.kill()
    host._watch.cancel()
    assert killed == []


async def test_one_that_is_idle_goes_on_beating(desk: Desk) -> None:
    await desk.run(desk.write(on_bar("ctx.buy(bar.symbol, 1)")), deadline_s=0.6)
    # Stopped by the kernel, it beats no more: that is told, though nothing was asked of it.
    assert desk.runner._life is not None
    os.kill(desk.runner._life.host.pid, signal.SIGSTOP)
    (failed,) = await desk.hears(StrategyFailed)
    assert failed.error.startswith("it did not answer for 0.6 s and was killed")


PARENT = """
import asyncio, sys
from pathlib import Path
from tests.engine.strategies.desk import Desk

async def main():
    desk = Desk(Path(sys.argv[1]))
    await desk.run(sys.argv[2], deadline_s=float(sys.argv[3]))
    if sys.argv[4] == "busy":
        desk.bar()
    print(desk.runner._life.host.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize(("doing", "deadline_s"), [("idle", 4 * PATIENCE_S), ("busy", 1.0)])
def test_when_the_engine_is_killed_its_strategies_end(tmp_path: Path, doing: str, deadline_s: float) -> None:
    # Busy holds the interpreter, so that nothing in the process itself could notice.
    file = Desk(tmp_path).write(on_bar("re.match(r'(a+)+$', 'a' * 50 + 'b')"))
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), file, str(deadline_s), doing], stdout=subprocess.PIPE, text=True, cwd=process.ROOT
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    assert ended(pid)


def ended(pid: int) -> bool:
    """Wait for the end of a process that is not a child of ours: a pidfd is readable once it has ended."""
    import select

    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], PATIENCE_S)[0])
    finally:
        os.close(handle)
