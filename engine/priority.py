"""Who goes first where several want the processor: what strategies and backtests compute goes behind console and engine."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

NICENESS = 10
SESSION_NICENESS = 5
"""Less: it counts against all that the machine does, and behind a busy neighbour what computes must not stand still."""
AGAIN_S = 0.15
"""Linux takes one session's niceness in a tenth of a second, of all who ask, and refuses the others."""


def put_behind(pid: int, processes: Path = Path("/proc")) -> bool:
    """Has a process that leads a session of its own go behind this one; call it as soon as there is one, it holds from its first import on.

    False where Linux wants to be asked again, `AGAIN_S` later. Where a system knows nothing of the kind it is done, and never raises.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19))
    # Linux may share the processor between sessions first, and among the processes of one thereafter: then the above alone says nothing.
    try:
        (processes / str(pid) / "autogroup").write_text(str(SESSION_NICENESS))
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
