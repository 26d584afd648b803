"""Runs the server: `python -m tests.servers.tws`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys

from tests.servers.tws.control import Control
from tests.servers.tws.server import Tws, every


async def run(port: int, control_port: int, lasts_s: float, account: str) -> None:
    tws = Tws(account)
    control = Control(tws)
    port = await tws.listen(port)
    commands = await asyncio.start_server(control.serve, "127.0.0.1", control_port)
    sys.stdout.write(f"{port} {commands.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    bars = asyncio.create_task(every(5.0, tws.data.five_seconds))
    walk = asyncio.create_task(every(0.5, tws.walk))
    tws.walks = sys.stdin.isatty()
    by_hand = asyncio.create_task(_by_hand(control, port)) if sys.stdin.isatty() else None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(lasts_s):
            await asyncio.Event().wait()
    for task in (bars, walk, by_hand):
        if task is not None:
            task.cancel()


async def _by_hand(control: Control, port: int) -> None:
    """Commands from the terminal it was started in."""
    command = f"IB_PORT={port} tradeconsole --broker ib --feed ib --symbols AAPL"
    sys.stdout.write(f"Listens as TWS does (port, port for commands): {command}. Type help.\n")
    while line := await asyncio.to_thread(sys.stdin.readline):
        answer = await control.do(line)
        sys.stdout.write(f"{answer.get('help') or json.dumps(answer, default=str, indent=1)}\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.servers.tws", description=__doc__)
    parser.add_argument("--port", type=int, default=17497)
    parser.add_argument("--control", type=int, default=0)
    parser.add_argument("--for", type=float, default=3600.0, dest="lasts_s", metavar="SECONDS")
    parser.add_argument("--account", default="DU1234567")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(run(given.port, given.control, given.lasts_s, given.account))
        except OSError:
            sys.exit(f"Port {given.port} is taken, or not to be had: give another one by --port.")


if __name__ == "__main__":
    main()
