"""Every panel and dialog looks as it was looked at: in three sizes and two themes.

Where a picture is meant to change, TRADECONSOLE_TESTS=redraw make test ARGS=tests/pictures stores it anew, and the diff says what changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pictures import backtest_walks, desk_walks, dialog_walks, page_walks, replay_walks, state_walks
from tests.pictures.album import REDRAW, STORED, WALKS, Camera, Walk
from tests.pictures.picture import Picture, differences, read, write

MODULES = (backtest_walks, desk_walks, dialog_walks, page_walks, replay_walks, state_walks)
"""Importing them has registered their walks."""

TAKEN = [(walk, size) for walk in WALKS for size in walk.sizes]


@pytest.fixture(autouse=True)
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock on the wall stands there, and no colour is unwanted."""
    monkeypatch.setenv("TZ", "America/New_York")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("walk", "size"), TAKEN, ids=[f"{walk.go.__name__}-{size[0]}x{size[1]}" for walk, size in TAKEN])
async def test_it_looks_as_it_was_drawn(walk: Walk, size: tuple[int, int], tmp_path: Path) -> None:
    camera = Camera(size, tmp_path)
    await walk.go(camera)
    assert tuple(camera.taken) == walk.names
    if camera.wrong:
        pytest.fail("\n\n".join(camera.wrong), pytrace=False)


def test_every_stored_picture_belongs_to_a_walk() -> None:
    left = set(STORED.iterdir()) - {file for walk in WALKS for file in walk.files}
    if REDRAW:
        for file in left:
            file.unlink()
    else:
        assert sorted(file.name for file in left) == []


def test_no_two_walks_take_the_same_picture() -> None:
    files = [file for walk in WALKS for name in walk.names for file in Walk(walk.go, (name,), walk.sizes).files]
    assert len(files) == len(set(files))


def test_a_picture_is_read_as_it_was_written() -> None:
    looks = tuple(tuple(f"#{number:06x} on #000000 | -" for number in range(line, line + 80)) for line in (0, 40, 40))
    picture = Picture((80, 3), ("dark", "monochrome"), (" a word", "---", "日本"), looks)
    assert read(write(picture)) == picture


def test_a_difference_names_the_line_and_the_cells() -> None:
    plain = Picture((4, 2), ("dark",), ("one", "two"), (("a",) * 4, ("b",) * 4))
    other = Picture((4, 2), ("dark",), ("ore", "two"), (("a",) * 4, ("b", "c", "c", "b")))
    assert list(differences(plain, other)) == [
        "  1 - one",
        "    + ore",
        "       ^",
        "  2 cells 2 to 3 'wo': b became c",
    ]
    assert list(differences(plain, plain)) == []
