"""A person sits down at a terminal: wide, and 80x24."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.console.journeys.terminal import HOW_TO_GET_TMUX, Terminal, has_tmux

SitDown = Callable[..., Terminal]


@pytest.fixture(params=[(120, 36), (80, 24)], ids=["120x36", "80x24"])
def sit_down(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SitDown]:
    """`sit_down("--feed sample")` starts the console and waits for its first picture. Home is the test's `tmp_path`."""
    if not has_tmux():
        if os.environ.get("CI"):
            pytest.fail(HOW_TO_GET_TMUX)
        pytest.skip(HOW_TO_GET_TMUX)
    width, height = request.param
    with ExitStack() as stack:

        def sit_down(options: str) -> Terminal:
            terminal = stack.enter_context(Terminal(tmp_path, width, height, options))
            terminal.until("F12 / ^G", "paper ok")
            return terminal

        yield sit_down
