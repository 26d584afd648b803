"""How much a test tries: enough for each run, or all of it where `TRADECONSOLE_TESTS=thorough` asks (`make test-thorough`)."""

from __future__ import annotations

import os
from typing import Final

THOROUGH: Final = os.environ.get("TRADECONSOLE_TESTS") == "thorough"


def tries(usual: int, thorough: int) -> int:
    """How many sequences, seeds or kills to try."""
    return thorough if THOROUGH else usual
