"""Tests of the courier ask again at once."""

from __future__ import annotations

import pytest

from engine import waits

SOON = (0.02, 0.04, 0.1)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has the patience of the real thing."""
    monkeypatch.setattr(waits, "ASK_AGAIN_S", SOON)
    monkeypatch.setattr(waits, "CANCEL_AGAIN_S", SOON)
