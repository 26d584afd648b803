"""Two threads that read source at the same time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.strategies.parse import parsed
from tests.project_files import ROOT

SOURCE = (ROOT / "engine/strategies/base.py").read_bytes()


class Litter:
    """Is collected in the middle of whatever comes next, and lets another thread in there."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        sum(range(200))


@pytest.fixture
def handed_round() -> Iterator[None]:
    """The interpreter's lock goes from thread to thread all the time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def statements(_: int) -> int:
    for _ in range(200):
        Litter()
    return len(parsed(SOURCE).body)


def test_threads_that_read_source_at_once_are_in_nobodys_way(handed_round: None) -> None:
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(statements, range(600))) == {len(parsed(SOURCE).body)}
