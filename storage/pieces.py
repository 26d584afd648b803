"""Files of pieces, each with its name and a checksum: a piece that is torn or damaged is told in words, and all others can be read.

A file begins with eight bytes that say what it is. A piece is four bytes that begin it, the length of its name and of its body, a checksum
(CRC-32) of both, then the name and the body. Where a piece is damaged the next is found by the four bytes that begin it.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

MAGIC: Final = b"tcrec\x001\n"
_MARK: Final = b"\xf5PC\n"
_HEAD: Final = struct.Struct("<4sBII")
_MOST: Final = 1 << 30
"""A longer piece is none of ours: its length is damaged."""

Piece = tuple[str, bytes]


def packed(piece: Piece) -> bytes:
    """`piece` as it stands in a file."""
    name, body = piece
    told = name.encode()
    return _HEAD.pack(_MARK, len(told), len(body), zlib.crc32(body, zlib.crc32(told))) + told + body


def write_whole(path: Path, pieces: Iterable[Piece]) -> None:
    """Makes the file at `path` of `pieces`: it appears whole, or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    unfinished.unlink(missing_ok=True)  # of a process that died, whose number this one has
    try:
        with _made(unfinished) as file:
            file.write(MAGIC)
            file.writelines(map(packed, pieces))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _made(path: Path) -> IO[bytes]:
    """A new file, for its owner alone: it tells what somebody held and ordered. Raises OSError, where there is one already, too."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


class PieceWriter:
    """Appends pieces to a file of its own, each on the disk when `add` returns. Blocks. Every method raises OSError."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = _made(path)
        self._file.write(MAGIC)

    def add(self, piece: Piece) -> None:
        self._file.write(packed(piece))
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def read_pieces(path: Path) -> tuple[list[Piece], list[str]]:
    """The pieces of the file at `path` that are whole, in order, and in words what is not. Raises OSError."""
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        return [], [f"{path.name} is no recording, or its beginning is damaged: nothing of it can be read."]
    pieces: list[Piece] = []
    damaged = 0
    place = len(MAGIC)
    while place < len(data):
        piece, after = _piece_at(data, place)
        if piece is not None:
            pieces.append(piece)
            place = after
            continue
        following = data.find(_MARK, place + 1)
        while following >= 0 and _piece_at(data, following)[0] is None:
            following = data.find(_MARK, following + 1)
        if following < 0:
            torn = "it breaks off in the middle of a piece, as after a crash" if not damaged else "its end is damaged"
            return pieces, [*_told(path, damaged), f"{path.name}: {torn}. What came before is all there; that piece is lost."]
        damaged += 1
        place = following
    return pieces, _told(path, damaged)


def _told(path: Path, damaged: int) -> list[str]:
    if not damaged:
        return []
    places = "one place" if damaged == 1 else f"{damaged} places"
    return [f"{path.name} is damaged in {places}: what was written there is lost, the rest can be read."]


def _piece_at(data: bytes, place: int) -> tuple[Piece | None, int]:
    if place + _HEAD.size > len(data):
        return None, place
    mark, name_size, size, checksum = _HEAD.unpack_from(data, place)
    begin, end = place + _HEAD.size, place + _HEAD.size + name_size + size
    if mark != _MARK or size > _MOST or end > len(data) or zlib.crc32(data[begin:end]) != checksum:
        return None, place
    return (data[begin : begin + name_size].decode("utf-8", "replace"), data[begin + name_size : end]), end
