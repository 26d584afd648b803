"""What the screen keeps from one start to the next."""

from __future__ import annotations

from pathlib import Path

from console.kept import Kept
from console.watchlists import KeptLists

Columns = dict[str, list[str]]


def kept(folder: Path | None) -> tuple[Kept, list[str]]:
    told: list[str] = []
    return Kept(folder, told.append), told


def test_what_was_saved_is_there_at_the_next_start(tmp_path: Path) -> None:
    first, _ = kept(tmp_path / "screen")
    first.save("columns", {"orders": ["#", "Side"]})
    first.save("columns", {"orders": ["Side"]})
    first.close()
    again, told = kept(tmp_path / "screen")
    assert again.load("columns", Columns, {}) == {"orders": ["Side"]}
    assert not told


def test_the_first_start_has_the_default(tmp_path: Path) -> None:
    mine, told = kept(tmp_path)
    assert mine.load("columns", Columns, {"orders": []}) == {"orders": []}
    assert not told


def test_a_file_that_cannot_be_understood_is_put_aside_and_said(tmp_path: Path) -> None:
    for content in (b"{", b'{"orders": 7}', b"\xff\xfe", b""):
        (tmp_path / "columns.json").write_bytes(content)
        mine, told = kept(tmp_path)
        assert mine.load("columns", Columns, {}) == {}
        assert (tmp_path / "columns.unreadable").read_bytes() == content
        assert "cannot be understood" in told[0]
        assert "columns.unreadable" in told[0]


def test_a_file_that_is_nested_without_end_costs_no_start(tmp_path: Path) -> None:
    (tmp_path / "watchlists.json").write_bytes(b'{"else": ' + b"[" * 100_000)
    mine, told = kept(tmp_path)
    assert mine.load("watchlists", KeptLists, KeptLists()) == KeptLists()
    assert "cannot be understood" in told[0]


def test_a_folder_that_cannot_be_written_is_said_and_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "screen").write_text("a file where the folder should be")
    mine, told = kept(tmp_path / "screen")
    mine.save("columns", {})
    mine.close()
    assert "what you changed holds until you quit" in told[0]


def test_files_are_for_their_owner_alone_and_no_half_written_one_is_left(tmp_path: Path) -> None:
    mine, _ = kept(tmp_path)
    mine.save("history", ["buy 100 AAPL"])
    mine.close()
    assert [file.name for file in tmp_path.iterdir()] == ["history.json"]
    assert (tmp_path / "history.json").stat().st_mode & 0o077 == 0


def test_without_a_folder_nothing_is_kept() -> None:
    mine, told = kept(None)
    mine.save("columns", {"orders": []})
    mine.close()
    assert mine.load("columns", Columns, {}) == {}
    assert not told
