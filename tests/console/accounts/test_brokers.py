"""Two brokers in one console, with their own clients against servers on this machine: each trades for itself, and one stop is for both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import pytest

from console.accounts.build import create_engines
from console.accounts.config import load_accounts
from console.accounts.engines import AccountEngines, engine_of, view_of
from engine.combined import Combined
from engine.model import Intent, Side, TradingState, View
from engine.model.modes import LinkState, Mode
from engine.model.orders import OrderState, OrderType
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET
from tests.servers.tws.driver import TwsProcess

D = Decimal
Start: TypeAlias = "Callable[..., AccountEngines]"
CONFIG = """\
symbols: [AAPL, MSFT]
feed: {{source: sim}}
limits: {{max_order_pct: 50, max_position_pct: 90, max_daily_loss_pct: 100, circuit_breaker_pct: 100, max_drawdown_pct: 100}}
accounts:
  alpaca: {{broker: alpaca, alpaca: {{url: "{url}"}}}}
  ib: {{broker: ib, ib: {{port: {port}}}}}
preferred_for: {{MSFT: ib}}
combined: {{max_exposure_pct: {most}}}
"""


@pytest.fixture
def server() -> Iterator[AlpacaServer]:
    with AlpacaServer() as server:
        yield server


@pytest.fixture
def tws() -> Iterator[TwsProcess]:
    with TwsProcess() as tws:
        yield tws


@pytest.fixture
def both(tmp_path: Path, server: AlpacaServer, tws: TwsProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    monkeypatch.setenv("ALPACA_API_KEY", KEY)
    monkeypatch.setenv("ALPACA_SECRET_KEY", SECRET)
    started: list[AccountEngines] = []

    def start(most: int = 90) -> AccountEngines:
        (tmp_path / "tradeconsole.yaml").write_text(CONFIG.format(url=server.url, port=tws.port, most=most))
        accounts = load_accounts()
        assert accounts is not None
        engines = create_engines(accounts, Combined(accounts.settings, next(iter(accounts.settings.values())).combined))
        started.append(engines)
        engines.start()
        until(engines, of_each(lambda view: view.health.ready and all(row.bid for row in view.watch)))
        return engines

    yield start
    for engines in started:
        engines.shutdown()


def until(engines: AccountEngines, condition: Callable[[View], object]) -> View:
    """The first view that meets `condition`."""
    pause = threading.Event()
    for _ in range(4_000):
        view = engines.view()
        if condition(view):
            return view
        pause.wait(0.005)
    raise AssertionError(f"it did not come to pass: {[(each.name, each.orders, each.health) for each in view.accounts]} {view.log}")


def of_each(holds: Callable[[View], object]) -> Callable[[View], bool]:
    return lambda view: len(view.accounts) == 2 and all(holds(each) for each in view.accounts)


def held(view: View) -> dict[str, Decimal]:
    return {row.symbol: row.quantity for row in view.positions if row.quantity}


def test_orders_go_each_to_its_own_broker_and_positions_are_told_by_account(both: Start, server: AlpacaServer) -> None:
    engines = both()
    engine_of(engines, "alpaca").submit(Intent("AAPL", Side.BUY, D(3)))
    engine_of(engines, "ib").submit(Intent("MSFT", Side.BUY, D(4)))
    view = until(engines, lambda view: all(view_of(view, name).positions for name in ("alpaca", "ib")))
    assert held(view_of(view, "alpaca")) == {"AAPL": D(3)}
    assert held(view_of(view, "ib")) == {"MSFT": D(4)}
    assert server.do(lambda: {symbol: quantity for symbol, (quantity, _) in server.book.positions.items()}) == {"AAPL": D(3)}
    assert view.preferred == {"MSFT": "ib"}


def test_what_one_holds_counts_in_the_others_gate(both: Start) -> None:
    engines = both(most=2)
    ib = engine_of(engines, "ib")
    # Each is within two per cent of what both are worth (1.1 million), and together they are not.
    ib.submit(Intent("MSFT", Side.BUY, D(45)))
    until(engines, lambda view: held(view_of(view, "ib")))
    asked = engine_of(engines, "alpaca").submit(Intent("MSFT", Side.BUY, D(40)))
    view = until(engines, lambda view: any(reply.command_id == asked for reply in view.replies))
    reply = next(reply for reply in view.replies if reply.command_id == asked)
    assert not reply.ok
    assert "The exposure of all accounts" in reply.text


def test_one_stop_halts_both_while_a_request_to_one_of_them_hangs(both: Start, server: AlpacaServer) -> None:
    engines = both()
    for name in ("alpaca", "ib"):
        engine_of(engines, name).submit(Intent("AAPL", Side.BUY, D(1), OrderType.LIMIT, limit=D(90)))
    until(engines, of_each(lambda view: view.orders and view.orders[0].state is OrderState.WORKING))
    server.faults.arm("DELETE /v2/orders", "hang", times=1_000)
    engines.emergency_stop()
    until(engines, of_each(lambda view: view.account.state is TradingState.HALTED))
    view = until(engines, lambda view: view_of(view, "ib").orders[0].state is OrderState.CANCELED)
    assert [each.account.mode for each in view.accounts] == [Mode.EMERGENCY] * 2
    assert view_of(view, "alpaca").orders[0].state is not OrderState.CANCELED, "its cancel hangs, and is not taken for one that was done"
    server.do(server.faults.armed.clear)
    until(engines, of_each(lambda view: view.orders[0].state is OrderState.CANCELED))


def test_a_link_that_is_cut_is_one_accounts_alone_and_comes_back(both: Start, tws: TwsProcess) -> None:
    engines = both()
    links: list[list[LinkState]] = []

    def down(view: View) -> bool:
        links.append([each.health.links[0].state for each in view.accounts])
        return links[-1][1] is not LinkState.UP

    tws.do("cut")
    until(engines, down)
    assert links[-1][0] is LinkState.UP
    until(engines, of_each(lambda view: view.health.ready and view.health.links[0].state is LinkState.UP))
    engine_of(engines, "ib").submit(Intent("AAPL", Side.BUY, D(2)))
    until(engines, lambda view: held(view_of(view, "ib")) == {"AAPL": D(2)})
