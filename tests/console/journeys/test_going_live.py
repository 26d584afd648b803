"""Journey to real money: a config that says so opens no screen before the account's number is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.journeys.conftest import SMALL
from tests.console.journeys.person import shows
from tests.console.journeys.terminal import Terminal
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET

NUMBER = "412345678"


@pytest.mark.usefixtures("tmux")
@pytest.mark.parametrize("size", [(120, 36), SMALL])
def test_the_number_is_typed_before_the_screen_opens(tmp_path: Path, size: tuple[int, int]) -> None:
    with AlpacaServer() as server:
        server.book.account_number = NUMBER
        config = f'broker: alpaca\naccount: live\nsymbols: [AAPL]\nfeed: {{source: sim}}\nalpaca: {{url: "{server.url}"}}\n'
        (tmp_path / "tradeconsole.yaml").write_text(config)
        with Terminal(tmp_path, *size, "", {"ALPACA_API_KEY": KEY, "ALPACA_SECRET_KEY": SECRET}) as terminal:
            terminal.until("REAL MONEY", "LIVE account at Alpaca", "Type the account's number")
            assert not (tmp_path / "alpaca-live.sqlite").exists()
            terminal.type(NUMBER)
            terminal.press("Enter")
            terminal.until(lambda screen: shows("LIVE +MANUAL", screen), "alpaca ok")
        assert (tmp_path / "alpaca-live.sqlite").exists()
        assert not (tmp_path / "alpaca-paper.sqlite").exists()
