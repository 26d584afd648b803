"""The stop's file and switch: durable when said so, readable after anything, and never silently clear."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path

import pytest

from engine.latch import Latch, LatchKeeper, StopSwitch


@pytest.fixture
def latch(tmp_path: Path) -> Latch:
    latch = Latch(tmp_path / "paper.latch")
    latch.prepare()
    return latch


def test_a_new_latch_is_clear_and_a_missing_file_too(latch: Latch, tmp_path: Path) -> None:
    assert latch.read() == ""
    assert Latch(tmp_path / "other.latch").read() == ""


def test_what_is_set_is_read_by_anybody_until_it_is_cleared(latch: Latch) -> None:
    latch.set("stop key")
    assert Latch(latch.path).read() == "stop key"
    latch.prepare()
    assert latch.read() == "stop key", "preparing an old file must not clear it"
    latch.clear()
    assert latch.read() == ""


def test_setting_it_needs_no_space_and_never_grows_the_file(latch: Latch) -> None:
    size = latch.path.stat().st_size
    latch.set("é" * 2_000)
    assert latch.path.stat().st_size == size
    assert latch.read().startswith("ééé")
    latch.set("short")
    assert latch.read() == "short", "nothing of a longer reason stays"


def test_it_can_be_set_before_it_was_prepared(tmp_path: Path) -> None:
    latch = Latch(tmp_path / "paper.latch")
    latch.set("early")
    latch.prepare()
    assert latch.read() == "early"


@pytest.mark.parametrize("content", [b"", b"READ", b"HALT", b"\0" * 512, b"\xff\xfe", b"READY for more"])
def test_a_file_that_cannot_be_understood_counts_as_set(latch: Latch, content: bytes) -> None:
    latch.path.write_bytes(content)
    assert "cannot be read" in latch.read()


def test_a_file_that_cannot_be_opened_counts_as_set(tmp_path: Path) -> None:
    latch = Latch(tmp_path / "paper.latch")
    latch.path.mkdir()
    assert "cannot be read" in latch.read()


def test_it_is_on_the_disk_before_set_returns(latch: Latch, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    write, sync = os.pwrite, os.fsync

    def writing(file: int, content: bytes, at: int) -> int:
        order.append("write")
        return write(file, content, at)

    def syncing(file: int) -> None:
        order.append("sync")
        sync(file)

    monkeypatch.setattr(os, "pwrite", writing)
    monkeypatch.setattr(os, "fsync", syncing)
    latch.set("stop key")
    assert order == ["write", "sync"]


def test_a_disk_that_refuses_is_told_and_leaves_no_descriptor_open(latch: Latch, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    with pytest.raises(OSError, match="No space left"):
        latch.set("stop key")
    assert before in (0, len(os.listdir("/proc/self/fd")))


def test_the_switch_is_closed_until_the_latest_press_is_dealt_with() -> None:
    switch = StopSwitch()
    seen = [switch.closed]
    first, second = switch.press(), switch.press()
    for press in (first, second):
        switch.handled(press)
        seen.append(switch.closed)
    third = switch.press()
    for press in (first, third):
        switch.handled(press)
        seen.append(switch.closed)
    assert seen == [False, True, False, True, False], "what a press brought about deals with no later one"


def test_no_press_is_lost_between_threads() -> None:
    switch = StopSwitch()
    go = threading.Barrier(4)

    def press() -> None:
        go.wait()
        for _ in range(2_000):
            switch.press()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert switch._pressed == 8_000


def test_what_somebody_else_set_meanwhile_is_not_cleared_but_is_news(latch: Latch) -> None:
    latch.set("ours")
    Latch(latch.path).set("theirs")
    latch.clear()
    assert latch.news() == "theirs"
    latch.clear()
    assert latch.read() == ""


def test_what_we_still_have_to_write_does_not_hide_what_somebody_else_set(latch: Latch) -> None:
    latch.read()
    Latch(latch.path).set("theirs")
    latch.set("ours, from before")
    latch.clear()
    assert latch.news() == "theirs"


def test_nobody_sets_it_between_anothers_look_and_its_clearing(latch: Latch, monkeypatch: pytest.MonkeyPatch) -> None:
    latch.set("ours")
    look = Latch._content
    setting = threading.Thread(target=Latch(latch.path).set, args=("theirs",))

    def while_somebody_sets_it(looking: Latch) -> bytes:
        found = look(looking)
        if setting.ident is None:
            setting.start()
            setting.join(0.02)
        return found

    monkeypatch.setattr(Latch, "_content", while_somebody_sets_it)
    latch.clear()
    setting.join()
    assert latch.news() == "theirs"


def test_who_is_frozen_over_the_file_holds_up_nobody(latch: Latch) -> None:
    with latch.path.open("rb") as frozen:
        fcntl.flock(frozen, fcntl.LOCK_EX)
        latch.set("all the same")
    assert latch.read() == "all the same"


def test_nothing_that_the_file_may_be_made_into_holds_up_whoever_looks_at_it(latch: Latch) -> None:
    latch.path.unlink()
    os.mkfifo(latch.path)
    assert "cannot be read" in latch.read()
    with pytest.raises(OSError, match="No such device"):
        latch.set("nobody reads this")


# ---- the keeper


def test_a_keeper_writes_in_the_order_it_was_told_to_and_holds_nobody_up(latch: Latch, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, free, fsync = threading.Event(), threading.Event(), os.fsync

    def hang(file: int) -> None:
        hanging.set()
        free.wait(20)
        fsync(file)

    keeper = LatchKeeper(latch, StopSwitch(), lambda problem: None)
    monkeypatch.setattr(os, "fsync", hang)
    assert not keeper.set("first", 0.01)
    assert hanging.wait(20)
    keeper.clear()
    keeper.set("last")
    assert latch.news() == "", "what we wrote ourselves is no news, and looking waits for no disk"
    free.set()
    assert keeper.finish(20)
    assert latch.read() == "last"


def test_a_keeper_clears_nothing_while_a_stop_is_pressed(latch: Latch) -> None:
    switch = StopSwitch()
    keeper = LatchKeeper(latch, switch, lambda problem: None)
    keeper.set("stop")
    press = switch.press()
    keeper.clear()
    assert keeper.finish(20)
    assert latch.read() == "stop"
    switch.handled(press)
    keeper.clear()
    assert keeper.finish(20)
    assert latch.read() == ""


def test_a_keeper_says_what_it_could_not_write_and_goes_on(latch: Latch, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    said: list[str] = []
    keeper = LatchKeeper(latch, StopSwitch(), said.append)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        keeper.set("stop", 20)
        keeper.clear()
        assert keeper.finish(20)
    assert said == [
        f"{latch.path} cannot be written (No space left on device). Trading is halted, but a restart would not know it.",
        f"{latch.path} cannot be written (No space left on device). After a restart trading will be halted again.",
    ]
    assert keeper.set("now", 20)
    assert latch.read() == "now"


def test_what_another_process_sets_is_news_once_and_what_was_read_or_written_here_is_none(latch: Latch) -> None:
    assert latch.news() == ""
    other = Latch(latch.path)
    other.set("kill")
    assert (latch.news(), latch.news()) == ("kill", "")
    other.set("kill again")
    assert latch.news() == "kill again"
    latch.clear()
    assert latch.news() == ""
    other.clear()
    assert latch.news() == ""
