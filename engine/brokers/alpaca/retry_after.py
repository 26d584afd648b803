"""When Alpaca may be asked again after a 429, as its answer says."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import suppress


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long Alpaca asks to be left alone: as seconds or a date (RFC 9110, 10.2.3), or as the moment at which its count begins anew. None
    where it does not say."""
    given = headers.get("Retry-After", "")
    for text, since in ((given, 0.0), (_stamp(given), time.time()), (headers.get("X-RateLimit-Reset", ""), time.time())):
        with suppress(ValueError):
            if math.isfinite(told := float(text)):
                return max(told - since, 0.0)
    return None


def _stamp(given: str) -> str:
    """The moment of an HTTP date, in seconds since 1970; nothing where it is none."""
    # No first picture waits for what reads dates.
    from email.utils import parsedate_to_datetime

    try:
        return str(parsedate_to_datetime(given).timestamp())
    except (ValueError, OverflowError):
        return ""
