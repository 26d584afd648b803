"""What all tests share: a machine that is slow for a moment fails none of them."""

from __future__ import annotations

import os

from hypothesis import settings

WORKERS_A_CORE = 2
"""The tests wait for terminals, timers and other programs for more than half of their time."""

settings.register_profile("any machine", settings.default, deadline=None)
settings.load_profile("any machine")


def pytest_xdist_auto_num_workers() -> int:
    return WORKERS_A_CORE * (os.cpu_count() or 1)
