"""A person sits down at a terminal: wide, at 80x24, and at 80x24 with OpenSSH between the terminal and the console.

All journeys go through OpenSSH where a thorough run is asked for; in any other those that are marked `over_ssh`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.console.journeys.ssh import HOW_TO_GET_SSHD, Server, SshTerminal, served, sshd
from tests.console.journeys.terminal import HOW_TO_GET_TMUX, Terminal, has_tmux
from tests.thorough import THOROUGH

SitDown = Callable[..., Terminal]
SMALL = (80, 24)
HERE = {"120x36": (120, 36), "80x24": SMALL}
OVER_SSH = "ssh"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "sit_down" in metafunc.fixturenames:
        far = THOROUGH or metafunc.definition.get_closest_marker("over_ssh") is not None
        metafunc.parametrize("sit_down", [*HERE, *[OVER_SSH] * far], indirect=True)


@pytest.fixture
def tmux() -> None:
    if not has_tmux():
        if os.environ.get("CI"):
            pytest.fail(HOW_TO_GET_TMUX)
        pytest.skip(HOW_TO_GET_TMUX)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """OpenSSH, for as many journeys as there are."""
    if sshd() is None:
        pytest.skip(HOW_TO_GET_SSHD)
    with served(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def sit_down(request: pytest.FixtureRequest, tmux: None, tmp_path: Path) -> Iterator[SitDown]:
    """`sit_down("--feed sample")` starts the console and waits for its first picture. Home is the test's `tmp_path`."""
    server = request.getfixturevalue("server") if request.param == OVER_SSH else None
    with ExitStack() as stack:

        def sit_down(options: str) -> Terminal:
            if server is None:
                terminal = Terminal(tmp_path, *HERE[request.param], options)
            else:
                terminal = SshTerminal(server, tmp_path, *SMALL, options)
            stack.enter_context(terminal).until("F12 / ^G", "paper ok")
            return terminal

        yield sit_down
