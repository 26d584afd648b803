"""The clock on the wall stands in New York, and pictures are compared with those on the shelf."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.app import App

SHELF = Path(__file__).parent / "pictures"


@pytest.fixture(autouse=True)
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def looks_like(tmp_path: Path) -> Callable[[App[None], str], None]:
    """Compares the screen with the picture of that name; UPDATE_PICTURES=1 stores the screen as the new picture, to be looked at."""

    def compare(app: App[None], name: str) -> None:
        drawn = app.export_screenshot(title=name, simplify=True)
        picture = SHELF / f"{name}.svg"
        if os.environ.get("UPDATE_PICTURES"):
            picture.parent.mkdir(exist_ok=True)
            picture.write_text(drawn, encoding="utf-8")
        assert picture.exists(), f"{picture} is missing: run with UPDATE_PICTURES=1 and look at it"
        if drawn != picture.read_text(encoding="utf-8"):
            new = tmp_path / picture.name
            new.write_text(drawn, encoding="utf-8")
            pytest.fail(f"{name} looks different now: compare {new} with {picture}, or run with UPDATE_PICTURES=1")

    return compare
