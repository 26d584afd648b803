"""yfinance, held so that it neither waits for ever, nor writes on the screen, nor tells a failure again."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

REQUEST_S = 10.0
"""How long one answer is waited for."""
CALL_S = 40.0
"""How long all answers together are waited for that a stretch of bars may need: cookie, crumb, time zone and the bars."""
_LONGEST_CRUMB = 40


class Library:
    """yfinance with what it keeps for the whole process, made once, on the thread that asks first."""

    _made: Library | None = None
    _lock = threading.Lock()

    @classmethod
    def of(cls, folder: Path) -> Library:
        with cls._lock:
            if cls._made is None:
                cls._made = cls(folder)
            return cls._made

    def __init__(self, folder: Path) -> None:
        # What a library has to say must not be written across the screen.
        for name in ("yfinance", "peewee", "bs4"):
            logger = logging.getLogger(name)
            logger.addHandler(logging.NullHandler())
            logger.propagate = False
        import yfinance  # type: ignore[import-untyped]
        import yfinance.cache  # type: ignore[import-untyped]
        from peewee import OperationalError
        from yfinance.config import YfConfig  # type: ignore[import-untyped]

        # After the import, which lets its own warnings through.
        warnings.filterwarnings("ignore", module=r"yfinance(\.|$)")
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        yfinance.cache.set_cache_location(str(folder))
        # Failures are told by exceptions, not by an empty frame and a line on standard error.
        YfConfig.debug.hide_exceptions = False
        self.yfinance = yfinance
        self.unkept: type[Exception] = OperationalError
        """Is raised where it cannot keep something."""
        self.session = session_class()()

    def forget(self) -> None:
        """Failed answers stay in the library's memory and would be told again: cookie, crumb and every answer go."""
        from yfinance.cache import get_cookie_cache
        from yfinance.data import YfData  # type: ignore[import-untyped]

        YfData.cache_get.cache_clear()
        data = YfData()
        with data._cookie_lock:
            data._crumb = data._cookie = None
            with suppress(Exception):  # the library's own file of cookies, which it can do without
                get_cookie_cache().store("curlCffi", None)
            data._session.cookies.clear()

    def keep_nothing(self) -> None:
        """Cookies and time zones stay in memory from now on: the library's files, without which it would ask nobody, cannot be written."""
        from yfinance import cache

        cache._TzCacheManager._tz_cache = cache._TzCacheDummy()
        cache._CookieCacheManager._Cookie_cache = cache._CookieCacheDummy()

    def forget_false_crumb(self) -> None:
        """A refusal is taken for the crumb, and would be sent along from then on."""
        from yfinance.data import YfData

        data = YfData()
        crumb = data._crumb
        if crumb is not None and (not crumb or len(crumb) > _LONGEST_CRUMB or any(char.isspace() or char in "<>{}" for char in crumb)):
            with data._cookie_lock:
                data._crumb = None


def session_class() -> type:
    """The library's own session, with an end to its patience: `begin(seconds)` says how long all requests after it may take together."""
    from curl_cffi.requests import Session
    from curl_cffi.requests.exceptions import Timeout

    class BoundedSession(Session):  # type: ignore[type-arg]
        def __init__(self) -> None:
            super().__init__(impersonate="chrome")
            self.until = 0.0

        def begin(self, seconds: float) -> None:
            self.until = time.monotonic() + seconds

        def request(self, method: Any, url: str, *args: Any, **options: Any) -> Any:
            left = self.until - time.monotonic()
            if left <= 0:
                raise Timeout(f"no answer within {CALL_S:g} s")
            asked = options.get("timeout")
            options["timeout"] = min(left, REQUEST_S, asked if isinstance(asked, int | float) else REQUEST_S)
            return super().request(method, url, *args, **options)

    return BoundedSession
