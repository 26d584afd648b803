"""A disk without room: SQLite itself says so, as it does where the operating system does."""

from __future__ import annotations

import sqlite3

import pytest

from engine.feeds.cache import BarCache


def fill_disk(patch: pytest.MonkeyPatch) -> None:
    """From now on no cache file grows: not by a single page."""
    connect = BarCache._connect

    def full(cache: BarCache) -> sqlite3.Connection:
        connection = connect(cache)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    patch.setattr(BarCache, "_connect", full)
