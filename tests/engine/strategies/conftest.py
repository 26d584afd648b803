"""Fixtures of the strategies' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.strategies.desk import Desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    if hasattr(desk, "runner"):
        await desk.runner.stop()
        assert not desk.runner._hosts, "a process was left behind"
