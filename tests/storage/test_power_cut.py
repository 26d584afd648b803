"""Power cuts, as a model of the disk has them: what was acknowledged is there, the file is sound, the history can be made again."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import apsw
import pytest
from msgspec.structs import replace

from engine.model.orders import Fill, OrderType, Side, Source, TimeInForce
from engine.model.records import FillBooked, OrderPlaced, Record
from engine.model.verdicts import PASSED
from storage import schema, tables
from storage.codec import encode
from storage.journal import INSERT
from storage.projections import Projector, rebuild
from tests.storage.conftest import history, stored
from tests.storage.power import Acknowledge, Disk, Recorder
from tests.thorough import tries

CUTS = tries(60, 1_200)
RUNS = tries(3, 12)
UNITS = 60
"""Commits of the journal in one run."""
CHECKPOINT_PAGES = 40
"""Far fewer than by default, so that many cuts meet SQLite copying the log into the file."""

PLACED = OrderPlaced(
    *("r-1", 1, "AAPL", Side.BUY, Decimal(8), Decimal(8), OrderType.LIMIT, Decimal("187.40"), None, TimeInForce.DAY),
    *(Source.STRATEGY, "rsi", "s-1", False, "oversold", Decimal("187.49"), PASSED, 13),
)


class Connection(apsw.Connection):
    """SQLite through the recorder, with what the projections ask of the standard library's connection."""

    def __init__(self, path: Path, disk: Recorder) -> None:
        super().__init__(str(path), vfs=disk.name)
        self.set_busy_timeout(schema.BUSY_TIMEOUT_MS)
        self.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        for pragma in schema.PRAGMAS:
            self.execute(pragma)

    def executescript(self, sql: str) -> None:
        self.execute(sql)


def orders(chance: random.Random) -> Iterator[list[Record]]:
    """Units as the order path appends them: an order, or some fills of it."""
    number = 0
    while True:
        number += 1
        order = replace(PLACED, id=f"r-{number}", number=number, reason="x" * chance.choice((0, 0, 3_000)))
        yield [order]
        price = Decimal(chance.randrange(1, 500))
        fill = Fill("f", order.id, "AAPL", chance.choice(list(Side)), Decimal(8), price, 8 * price, Decimal("0.35"), number)
        yield [FillBooked(replace(fill, id=f"f-{number}-{part}")) for part in range(chance.randrange(1, 6))]


def run(folder: Path, seed: int, synchronous: str) -> Recorder:
    """Our schema, our journal's commits and our history's, on one file; and a list of all that came to its disk."""
    chance = random.Random(seed)
    disk = Recorder(f"disk-{seed}-{synchronous}")
    path = folder / "paper.db"
    seq = 0
    with closing(Connection(path, disk)) as writer, closing(Connection(path, disk)) as behind:
        writer.executescript(schema.migration(0))
        writer.execute(f"PRAGMA synchronous = {synchronous}")
        theirs: Any = behind
        projector = Projector(theirs)
        units = orders(chance)
        for _ in range(UNITS):
            rows = []
            for _ in range(chance.choice((1, 1, 5))):
                for record in next(units):
                    seq += 1
                    rows.append((seq, "run", seq, *encode(record)))
            with writer:
                writer.executemany(INSERT, rows)
            disk.steps.append(Acknowledge(seq))
            if chance.random() < 0.3:
                projector.fold()
    return disk


def cuts(disk: Recorder, chance: random.Random) -> Iterator[tuple[Path, int]]:
    """Cuts the power at random moments; for each the file that is left, and the last entry that was acknowledged before."""
    seen = Disk(disk.steps)
    for moment in sorted(chance.randrange(len(disk.steps) + 1) for _ in range(CUTS // RUNS)):
        seen.advance(moment)
        with tempfile.TemporaryDirectory() as left:
            seen.cut(Path(left), chance)
            yield Path(left) / "paper.db", seen.acknowledged


@pytest.mark.parametrize("seed", range(RUNS))
def test_no_acknowledged_entry_is_lost_in_a_power_cut_and_the_file_is_sound(tmp_path: Path, seed: int) -> None:
    for path, acknowledged in cuts(run(tmp_path, seed, "FULL"), random.Random(seed)):
        schema.open_database(path).close()  # checks the file, and refuses a damaged one
        entries = stored(path)
        assert [seq for seq, _ in entries] == list(range(1, len(entries) + 1))
        assert len(entries) >= acknowledged
        with closing(schema.connect(path)) as connection:
            projector = Projector(connection)
            projector.catch_up()
        kept = history(path)
        assert rebuild(path) == len(entries)
        assert history(path) == kept
        assert kept["projected"] == [(tables.VERSION, len(entries))]


def test_the_model_would_notice_a_journal_that_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    disk = run(tmp_path, 0, "NORMAL")
    lost = 0
    for path, acknowledged in cuts(disk, random.Random(0)):
        schema.open_database(path).close()
        lost += len(stored(path)) < acknowledged
    assert lost
