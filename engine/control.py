"""The control socket: how another process of the same user stops trading, or asks where it stands. It can do nothing that raises a risk.

A Unix socket beside the database, its owner's alone. One connection carries one line of JSON in and one out; size, time and number of
connections are bounded, and whatever is wrong with a request is said to who made it and hurts nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from engine.control_client import is_trusted
from engine.model.orders import Source
from engine.model.views import View
from engine.text import one_line

LONGEST_REQUEST = 4096
PATIENCE_S = 2.0
"""How long a request may take to come, and its answer to be taken."""
AT_ONCE = 16


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What may be asked. `reason` goes to the audit log."""

    do: Literal["stop", "flatten", "status"]
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Answer(msgspec.Struct):
    """Where trading stands. `ok` says whether the request was understood and `text` why not, or what came of it.

    `working` counts orders that may still trade but a flatten's own; `positions` is (symbol, signed quantity). `verified` and `left` as in
    `StopView`. `problem` says in words why the engine is not ready, or what is wrong with it.
    """

    ok: bool
    text: str
    ready: bool = False
    state: str = ""
    mode: str = ""
    reason: str = ""
    working: int = 0
    positions: list[tuple[str, str]] = []
    verified: bool = False
    left: list[str] = []
    problem: str = ""


class Control:
    """Listens on `path` between `open` and `close`, on the loop that opened it.

    `stop(reason, flatten)` stops trading and answers in words; `look` is the View of this moment.
    """

    def __init__(self, path: Path, stop: Callable[[str, bool], str], look: Callable[[], View], problem: Callable[[str], None]) -> None:
        self._path = path
        self._stop = stop
        self._look = look
        self._problem = problem
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._links = 0

    async def open(self) -> None:
        """Raises OSError. Whoever opens holds the database's lock: a socket that lies there was left by a run that crashed."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Made in a folder that nobody else may enter and moved into its place: at no moment may another user connect, and the old socket
        # gives way in one step.
        with tempfile.TemporaryDirectory(prefix=".", dir=self._path.parent) as folder:
            try:
                made = Path(folder) / "s"
                listening.bind(os.fspath(made))
                made.chmod(0o600)
                self._inode = made.stat().st_ino
                made.rename(self._path)
            except OSError:
                listening.close()
                raise
        listening.setblocking(False)
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=LONGEST_REQUEST)

    def close(self) -> None:
        """From now on nobody is heard, and the next run finds no socket."""
        if self._server is None:
            return
        self._server.close()
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._links += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                if self._links <= AT_ONCE and is_trusted(writer.get_extra_info("socket")):
                    writer.write(msgspec.json.encode(self._answer(await reader.readuntil(b"\n"))) + b"\n")
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            # Who asked is gone, or half of a line is all that came: there is nobody to be told.
            writer.transport.abort()
        except asyncio.LimitOverrunError:
            writer.write(msgspec.json.encode(Answer(False, f"a request has at most {LONGEST_REQUEST} bytes")) + b"\n")
        except Exception as error:  # noqa: BLE001 - whatever it is, the socket is one way to stop out of several, and goes on listening
            self._problem(f"the control socket failed on a request: {error}")
        finally:
            self._links -= 1
            writer.close()

    def _answer(self, line: bytes) -> Answer:
        try:
            request = msgspec.json.decode(line, type=Request)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return Answer(False, f"not understood: {one_line(str(error), 200)}")
        text = ""
        if request.do != "status":
            text = self._stop(one_line(request.reason, 200) or "the control socket", request.do == "flatten")
        return _picture(self._look(), text)


def _picture(view: View, text: str) -> Answer:
    account, stop = view.account, view.stop
    return Answer(
        ok=True,
        text=text,
        ready=view.health.ready,
        state=account.state,
        mode=account.mode,
        reason=account.reason,
        working=sum(not row.state.is_final and row.source is not Source.FLATTEN for row in view.orders),
        positions=[(row.symbol, f"{row.quantity:f}") for row in view.positions if row.quantity],
        verified=stop is not None and stop.verified,
        left=list(stop.left) if stop is not None else [],
        problem=view.health.problem,
    )
