"""Journey to real money and paper money in one console: the number is typed, each trades at its own broker, and one stop is for both."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.console.journeys.conftest import SMALL
from tests.console.journeys.person import leave_order_line, said, shows, write_in_order_line
from tests.console.journeys.terminal import Terminal
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET

D = Decimal
NUMBER = "412345678"
KEYS = {"ALPACA_API_KEY": KEY, "ALPACA_SECRET_KEY": SECRET, "ALPACA_API_KEY_REAL": KEY, "ALPACA_SECRET_KEY_REAL": SECRET}
CONFIG = """\
symbols: [AAPL]
feed: {{source: sim}}
broker: alpaca
limits: {{max_order_pct: 50, max_position_pct: 90, collar_pct: 50}}
accounts:
  toy: {{alpaca: {{url: "{toy}"}}}}
  real: {{account: live, alpaca: {{keys: real, url: "{real}"}}}}
"""


def held(server: AlpacaServer) -> dict[str, Decimal]:
    return server.do(lambda: {symbol: quantity for symbol, (quantity, _) in server.book.positions.items() if quantity})


def sent(server: AlpacaServer) -> int:
    """How many orders were sent there."""
    return sum(asked == "POST /v2/orders" for asked in server.requests)


def trade(terminal: Terminal, line: str, answer: str) -> None:
    write_in_order_line(terminal, line)
    terminal.until(said(answer))
    leave_order_line(terminal)


def books(file: Path) -> set[tuple[str, str]]:
    """Which fills are in the database: the symbol, and how many shares."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return {(symbol, str(quantity)) for symbol, quantity in database.execute("SELECT symbol, quantity FROM fills")}


@pytest.mark.usefixtures("tmux")
@pytest.mark.parametrize("size", [(120, 36), SMALL], ids=["120x36", "80x24"])
def test_each_trades_at_its_own_broker_and_one_stop_is_for_both(tmp_path: Path, size: tuple[int, int]) -> None:
    with ExitStack() as stack:
        toy, real = (stack.enter_context(AlpacaServer()) for _ in range(2))
        real.book.account_number = NUMBER
        (tmp_path / "tradeconsole.yaml").write_text(CONFIG.format(toy=toy.url, real=real.url))
        terminal = stack.enter_context(Terminal(tmp_path, *size, "", KEYS))
        terminal.until("REAL MONEY. This starts real, a LIVE account at Alpaca", "Type the account's number")
        assert list(tmp_path.glob("*.sqlite")) == [], "nothing was started yet"
        terminal.type(NUMBER)
        terminal.press("Enter")
        terminal.until(lambda screen: shows("PAPER +toy +MANUAL +LIVE +real ok", screen), "F12 / ^G")
        terminal.until(lambda screen: shows(r"AAPL .*[0-9] × [0-9]", screen))
        trade(terminal, "buy 3 AAPL mkt on toy", "BUY 3 AAPL market DAY on toy: #1 BUY 3 AAPL market DAY sent")
        trade(terminal, "buy 7 AAPL mkt on real", "BUY 7 AAPL market DAY on real: #1 BUY 7 AAPL market DAY sent")
        # Without a name it goes where one looks.
        terminal.press("F3")
        terminal.until(lambda screen: shows(r"LIVE +real +MANUAL +(toy|\+1) ok", screen))
        trade(terminal, "buy 1 AAPL @ 95", "DAY on real: #2 BUY 1 AAPL")
        terminal.until(lambda _: (held(toy), held(real)) == ({"AAPL": D(3)}, {"AAPL": D(7)}))
        terminal.until(lambda _: (sent(toy), sent(real)) == (1, 2))
        terminal.press("F12")
        terminal.until(said("real is HALTED: stop key"), said("toy is HALTED. The broker confirms: nothing works."))
        terminal.until(lambda screen: shows("LIVE +real +HALTED +toy HALTED", screen))
        assert real.do(lambda: [order.status for order in real.book.orders.values()]) == ["filled", "canceled"]
        terminal.press("F3")
        terminal.until(lambda screen: shows("PAPER +toy +HALTED +LIVE +real HALTED", screen))
        terminal.press("q")
        terminal.until("Quit?", said("toy: held: 3 AAPL"), said("real LIVE: held: 7 AAPL"))
        terminal.insist("y", "▸ y")
        terminal.press("Enter")
        assert terminal.ended() == 0
    assert books(tmp_path / "alpaca-paper-toy.sqlite") == {("AAPL", "3")}
    assert books(tmp_path / "alpaca-live-real.sqlite") == {("AAPL", "7")}
