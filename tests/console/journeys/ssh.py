"""OpenSSH on this machine: a server of the test's own on a high port, and a terminal that comes to the console through it."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.console.journeys.terminal import SHELL, Terminal
from tests.project_files import ROOT

HOW_TO_GET_SSHD = "OpenSSH's server is not installed; get it with: apt-get install openssh-server"
_PRIVILEGES = Path("/run/sshd")
"""Where a server that root runs wants an empty folder."""
_PATIENCE_S = 20.0
_LOOK_EVERY_S = 0.02
_CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/mine.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
"""


def sshd() -> str | None:
    return shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin") if shutil.which("ssh") else None


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach it."""

    folder: Path
    port: int

    @property
    def client(self) -> list[str]:
        """The command that logs in; a command to run there may follow."""
        known = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes"]
        return ["ssh", "-F", "/dev/null", *known, "-i", str(self.folder / "mine"), "-p", str(self.port), "127.0.0.1"]


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """A server with keys of its own in `folder`, until it is left. Raises AssertionError where nobody can log in."""
    program = sshd()
    assert program is not None
    for name in ("host", "mine"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = Server(folder, free.getsockname()[1])
    (folder / "config").write_text(_CONFIG.format(port=server.port, folder=folder))
    made = os.geteuid() == 0 and not _PRIVILEGES.exists()
    if made:
        _PRIVILEGES.mkdir(mode=0o755)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([program, "-D", "-e", "-f", str(folder / "config")], stderr=log)
    try:
        end = time.monotonic() + _PATIENCE_S
        while subprocess.run([*server.client, "true"], capture_output=True, check=False).returncode:
            can = time.monotonic() < end and process.poll() is None
            assert can, f"nobody can log in: {(folder / 'log').read_text()}"
            time.sleep(_LOOK_EVERY_S)
        yield server
    finally:
        process.terminate()
        process.wait()
        if made:
            with suppress(OSError):
                _PRIVILEGES.rmdir()


class SshTerminal(Terminal):
    """A terminal in which somebody is logged in to the server and runs the console there."""

    def __init__(self, server: Server, home: Path, width: int, height: int, options: str = "") -> None:
        super().__init__(home, width, height, options)
        self._there = self._folder / "there"
        self._there.mkdir()
        variables = {"TRADECONSOLE_HOME": str(home), "PYTHONPATH": str(ROOT), "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        said = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
        # As a login shell does, it ends where the line is cut; what it tells is the console's own process and end, not the client's.
        there = f"cd {shlex.quote(str(ROOT))}; env {said} {shlex.join(['sh', '-c', SHELL, str(self._there), *self._command])}"
        self._command = [*server.client[:-1], "-tt", server.client[-1], there]

    @property
    def process(self) -> int:
        """The console's own process, on the server's side."""
        return int(self._told("pid"))

    def cut(self) -> None:
        """The line goes away, in the middle of anything: the client is killed."""
        os.kill(int(self._told("pid", self._folder)), signal.SIGKILL)

    def until_process_ended(self) -> None:
        """Waits until the console is gone, whatever became of the client."""
        process, end = self.process, time.monotonic() + _PATIENCE_S
        while Path(f"/proc/{process}").exists():
            assert time.monotonic() < end, "the console did not end"
            time.sleep(_LOOK_EVERY_S)

    def _told(self, name: str, folder: Path | None = None) -> str:
        return super()._told(name, folder or self._there)
