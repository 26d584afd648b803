"""A disk that forgets: records all that SQLite writes and syncs, and tells what a power cut at any moment would have left of it.

What was written but not synced when the power goes is kept or lost sector by sector, in any order, and a sector may be torn. What was
synced stays.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import apsw

SECTOR = 512


@dataclass(frozen=True, slots=True)
class Write:
    name: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Delete:
    name: str
    durable: bool


@dataclass(frozen=True, slots=True)
class Sync:
    name: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Not the disk's: the program told somebody that all up to this entry is safe."""

    last: int


Step: TypeAlias = Write | Truncate | Delete | Sync | Acknowledge


class Recorder(apsw.VFS):
    """A VFS that passes everything on and keeps the list of it. It never waits for the disk: what a sync means is in the list."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.steps: list[Step] = []
        super().__init__(name, base="")

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(self.steps, name, flags)

    def xDelete(self, name: str, syncdir: bool) -> None:  # noqa: N802
        self.steps.append(Delete(Path(name).name, syncdir))
        super().xDelete(name, False)


class _File(apsw.VFSFile):
    def __init__(self, steps: list[Step], name: apsw.URIFilename | str | None, flags: list[int]) -> None:
        self._steps = steps
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(path).name if path else ""
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._steps.append(Write(self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._steps.append(Truncate(self._name, size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._steps.append(Sync(self._name))


@dataclass(slots=True)
class Disk:
    """What `steps` would have left on the disk, replayed up to any moment. Only forwards."""

    steps: list[Step]
    at: int = 0
    acknowledged: int = 0
    _safe: dict[str, bytearray] = field(default_factory=dict)
    _pending: dict[str, list[Write | Truncate | Delete]] = field(default_factory=dict)

    def advance(self, to: int) -> None:
        """Replays the steps before `to`."""
        for step in self.steps[self.at : to]:
            match step:
                case Acknowledge():
                    self.acknowledged = step.last
                case Sync():
                    if step.name not in self._safe:
                        self._sync_folder()
                    content = self._safe.setdefault(step.name, bytearray())
                    for change in self._pending.pop(step.name, []):
                        _apply(content, change)
                case Delete(durable=True):
                    self._safe.pop(step.name, None)
                    self._pending.pop(step.name, None)
                case _:
                    self._pending.setdefault(step.name, []).append(step)
        self.at = max(self.at, to)

    def _sync_folder(self) -> None:
        """SQLite does so with the first sync of a file that it made: from now on what was deleted stays deleted."""
        for name, pending in self._pending.items():
            deleted = max((number for number, change in enumerate(pending) if isinstance(change, Delete)), default=None)
            if deleted is not None:
                self._safe.pop(name, None)
                del pending[: deleted + 1]

    def cut(self, folder: Path, chance: random.Random) -> None:
        """Writes what a power cut now leaves to `folder`."""
        for name in self._safe.keys() | self._pending.keys():
            pending = self._pending.get(name, [])
            if name not in self._safe and chance.random() < 0.5:
                continue
            content = bytearray(self._safe.get(name, b""))
            gone = False
            for change in _what_came_through(pending, chance):
                gone = isinstance(change, Delete)
                _apply(content, change)
            if not gone:
                (folder / name).write_bytes(content)


def _what_came_through(pending: list[Write | Truncate | Delete], chance: random.Random) -> list[Write | Truncate | Delete]:
    kept: list[Write | Truncate | Delete] = []
    share = chance.choice((0.05, 0.5, 0.95))
    for change in pending:
        if not isinstance(change, Write):
            if chance.random() < share:
                kept.append(change)
            continue
        for start in range(0, len(change.data), SECTOR):
            sector = change.data[start : start + SECTOR]
            if chance.random() < share:
                torn = chance.randrange(1, len(sector) + 1) if chance.random() < 0.1 else len(sector)
                kept.append(Write(change.name, change.offset + start, sector[:torn]))
    if chance.random() < 0.5:
        chance.shuffle(kept)
    return kept


def _apply(content: bytearray, change: Write | Truncate | Delete) -> None:
    match change:
        case Write(offset=offset, data=data):
            if offset > len(content):
                content.extend(bytes(offset - len(content)))
            content[offset : offset + len(data)] = data
        case Truncate(size=size):
            del content[size:]
        case Delete():
            content.clear()
