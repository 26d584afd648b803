"""The real engine (core, courier, journal in a file) on the real client library, against the loopback Alpaca."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from engine.brokers.alpaca.broker import AlpacaBroker
from engine.brokers.alpaca.timings import Timings
from engine.live import Engine
from engine.model.modes import LinkState
from engine.model.money import cents
from engine.model.orders import OrderState
from engine.model.views import OrderRow, View
from tests.engine.brokers.alpaca_rig import PATIENT
from tests.engine.engines import running, until
from tests.servers.alpaca.orders import Order
from tests.servers.alpaca.server import AlpacaServer
from tests.servers.alpaca.streams import KEY, SECRET

SOON = (0.02, 0.05, 0.1)
"""When the courier asks again, in place of seconds."""


@contextmanager
def trading(folder: Path, server: AlpacaServer, timings: Timings = PATIENT) -> Iterator[Engine]:
    with running(folder, AlpacaBroker(KEY, SECRET, url=server.url, timings=timings)) as engine:
        yield engine


def link(view: View) -> LinkState:
    return view.health.links[0].state


def ended(number: int, *states: OrderState):  # type: ignore[no-untyped-def]
    return lambda view: any(row.number == number and row.state in states for row in view.orders)


def agree(engine: Engine, server: AlpacaServer) -> View:
    """Waits until nothing of ours is unclear, the link is up, and position and cash are the server's to the cent."""

    def settled(view: View) -> bool:
        held = {symbol: quantity for symbol, (quantity, _) in server.do(lambda: dict(server.book.positions)).items()}
        return (
            view.health.ready
            and link(view) is LinkState.UP
            and {row.symbol: row.quantity for row in view.positions if row.quantity} == held
            and cents(view.account.cash) == cents(server.do(lambda: server.book.cash))
            and not view.mismatches
        )

    return until(engine, settled)


def of_ours(server: AlpacaServer, row: OrderRow) -> list[Order]:
    """The server's orders for one of ours, what took its place left out."""
    return server.do(lambda: [order for order in server.book.orders.values() if order.client_id == row.id])


def posts(server: AlpacaServer) -> int:
    return server.do(lambda: server.requests.count("POST /v2/orders"))


def money(value: object) -> Decimal:
    return Decimal(str(value))
