"""Files of pieces: whatever is torn or damaged, the rest can be read, and what is lost is told."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.pieces import PieceWriter, read_pieces, write_whole

PIECES = [(f"piece {number}", bytes([number]) * 100) for number in range(5)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_whole(tmp_path / "file", PIECES)
    return tmp_path / "file"


def test_what_is_written_is_read(file: Path) -> None:
    assert read_pieces(file) == (PIECES, [])


def test_pieces_that_are_added_are_there_at_once(tmp_path: Path) -> None:
    writer = PieceWriter(tmp_path / "file")
    for count, piece in enumerate(PIECES, 1):
        writer.add(piece)
        assert read_pieces(tmp_path / "file") == (PIECES[:count], [])
    writer.close()


def test_what_a_process_of_this_number_left_unfinished_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f"file.{os.getpid()}.unfinished").write_bytes(b"torn")
    write_whole(tmp_path / "file", PIECES)
    assert read_pieces(tmp_path / "file") == (PIECES, [])


def test_what_is_recorded_is_for_its_owner_alone(file: Path, tmp_path: Path) -> None:
    PieceWriter(tmp_path / "another").close()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, tmp_path / "another")] == [0o600, 0o600]


def test_a_torn_end_costs_the_last_piece_and_is_told(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-30])
    pieces, problems = read_pieces(file)
    assert pieces == PIECES[:-1]
    assert "breaks off" in problems[0]


def test_damage_in_the_middle_costs_that_piece_and_is_told(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[data.index(PIECES[2][1]) + 7] ^= 0xFF
    file.write_bytes(data)
    pieces, problems = read_pieces(file)
    assert pieces == [piece for piece in PIECES if piece != PIECES[2]]
    assert "damaged in one place" in problems[0]


def test_a_file_of_somebody_elses_is_told_from_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"something else")
    pieces, problems = read_pieces(tmp_path / "file")
    assert not pieces
    assert "no recording" in problems[0]


def test_a_file_that_cannot_be_finished_leaves_nothing_behind(tmp_path: Path) -> None:
    def breaks() -> object:
        yield PIECES[0]
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_whole(tmp_path / "file", breaks())  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@given(st.integers(0, 700), st.integers(1, 255), st.integers(0, 700))
def test_no_damage_makes_up_a_piece_or_ends_in_an_error(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int, end: int
) -> None:
    file = tmp_path_factory.mktemp("pieces") / "file"
    write_whole(file, PIECES)
    data = bytearray(file.read_bytes())
    data[place % len(data)] ^= change
    file.write_bytes(data[: len(data) - end % 300])
    pieces, problems = read_pieces(file)
    assert all(piece in PIECES for piece in pieces)
    assert problems
