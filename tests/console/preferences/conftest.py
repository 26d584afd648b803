"""A config with comments, for each test of the preferences."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.preferences.page import MINE, put


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    put(file, MINE)
    return file
