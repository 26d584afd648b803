"""The thread that a client library's objects live in, for the broker and for prices alike."""

from __future__ import annotations

import asyncio


def live(loop: asyncio.AbstractEventLoop) -> None:
    """Runs `loop` until it is stopped, and ends what is left on it. The library asks for the current loop when it is imported, so that is
    set first."""
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()
        asyncio.set_event_loop(None)
