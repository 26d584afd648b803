"""Engines for the tests of the live shell: a real journal that can be held back, and a broker that does as it is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from engine.brokers.base import AmbiguousError, Broker, BrokerEvent
from engine.brokers.paper import PaperBroker
from engine.clock import SystemClock
from engine.combined import Seat
from engine.core.core import Core
from engine.feeds.base import Feed
from engine.live import Engine
from engine.model.capabilities import Capabilities
from engine.model.inputs import BrokerOrder, BrokerSnapshot, LinkChanged, OrderUpdate
from engine.model.journal import JournalError
from engine.model.modes import LinkState
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import Intent, Order, OrderType, Side, Terms
from engine.model.records import Record
from engine.model.settings import Limits, PaperSettings, Settings
from engine.model.views import OrderRow, View
from engine.parts import Parts, Venue
from engine.replay.market_log import ColumnLog
from storage.journal import SqliteJournal, open_journal
from storage.sessions import MarketFiles
from tests.quotes import QuoteFeed

HUNDRED = Decimal(100)
SETTINGS = Settings(
    limits=Limits(max_position_pct=HUNDRED, max_order_pct=HUNDRED, max_exposure_pct=Decimal(400), short_selling=True),
    paper=PaperSettings(latency_ms=0),
)


class HeldJournal:
    """The real journal, whose word a test can hold back or deny."""

    def __init__(self) -> None:
        self.held = threading.Event()
        self.failing = ""
        self.asked = threading.Event()
        self._journal: SqliteJournal | None = None
        self._waiting: list[tuple[asyncio.Future[None], asyncio.Future[None]]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self, path: Path, *, run_id: str) -> HeldJournal:
        self._journal = await open_journal(path, run_id=run_id)
        self._loop = asyncio.get_running_loop()
        return self

    @property
    def inner(self) -> SqliteJournal:
        assert self._journal is not None
        return self._journal

    def append(self, records: Sequence[Record]) -> asyncio.Future[None]:
        durable = self.inner.append(records)
        self.asked.set()
        if not (self.held.is_set() or self.failing):
            return durable
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.failing:
            told.set_exception(JournalError(self.failing))
        else:
            self._waiting.append((told, durable))
        return told

    def release(self) -> None:
        """From any thread: lets everything that was held back be known as durable."""
        assert self._loop is not None
        self.held.clear()
        self._loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        for told, _ in self._waiting:
            if not told.done():
                told.set_result(None)
        self._waiting.clear()

    def read(self, shape: str = ""):  # type: ignore[no-untyped-def]
        return self.inner.read(shape)

    @property
    def backlog(self) -> int:
        return self.inner.backlog

    @property
    def problem(self) -> str | None:
        return self.failing or self.inner.problem

    @property
    def written_at(self) -> int:
        return self.inner.written_at

    @property
    def history_problem(self) -> str | None:
        return self.inner.history_problem

    async def close(self) -> None:
        await self.inner.close()


async def _nothing(order: Order) -> None:
    """Takes an order without a word."""


@dataclass
class ToldBroker:
    """Takes every order and lets it work, until a test gives it other things to do.

    `on_submit`, `on_replace`, `on_cancel` and `on_find` are awaited in its place; what they raise, it raises.
    """

    name: str = "told"
    capabilities: Capabilities = field(default_factory=Capabilities)
    settle_s: float = 0.0
    cash: Decimal = Decimal(100_000)
    positions: list[tuple[str, Decimal, Decimal]] = field(default_factory=list)
    submitted: list[str] = field(default_factory=list)
    groups: list[list[str]] = field(default_factory=list)
    cancels: list[list[str]] = field(default_factory=list)
    finds: list[str] = field(default_factory=list)
    snapshots: int = 0
    listed: dict[str, BrokerOrder] = field(default_factory=dict)
    replaces: list[tuple[str, Terms]] = field(default_factory=list)
    on_submit: Callable[[Order], Awaitable[None]] | None = None
    on_replace: Callable[[Order, Terms], Awaitable[None]] | None = None
    on_cancel: Callable[[Sequence[Order]], Awaitable[None]] | None = None
    on_find: Callable[[str], Awaitable[OrderUpdate | None]] | None = None
    on_snapshot: Callable[[], Awaitable[None]] | None = None
    closed: bool = False

    async def connect(self, tell: Callable[[BrokerEvent], None]) -> None:
        self._tell, self._loop = tell, asyncio.get_running_loop()
        tell(LinkChanged(self.name, LinkState.UP))

    async def submit(self, order: Order) -> None:
        self.submitted.append(order.id)
        if self.on_submit is not None:
            await self.on_submit(order)
        else:
            self.accept(order)

    async def submit_group(self, orders: Sequence[Order]) -> None:
        self.groups.append([order.id for order in orders])
        for order in orders:
            await self.submit(order)

    def accept(self, order: Order) -> None:
        self.listed[order.id] = BrokerOrder(
            order.id, f"T{order.number}", order.symbol, order.side, order.quantity, order.type, order.limit, order.stop, OrderEvent.WORK
        )
        self._tell(OrderUpdate(order.id, OrderEvent.WORK, f"T{order.number}"))

    async def replace(self, order: Order, terms: Terms) -> None:
        self.replaces.append((order.id, terms))
        if self.on_replace is not None:
            await self.on_replace(order, terms)
        else:
            self.take_terms(order, terms)

    def take_terms(self, order: Order, terms: Terms) -> None:
        listed = self.listed[order.id]
        self.listed[order.id] = replace(listed, quantity=terms.quantity, limit=terms.limit, stop=terms.stop)
        self._tell(OrderUpdate(order.id, OrderEvent.REPLACE, listed.broker_id, listed.filled, listed.cost, terms=terms))

    async def cancel(self, orders: Sequence[Order]) -> None:
        self.cancels.append([order.id for order in orders])
        if self.on_cancel is not None:
            await self.on_cancel(orders)
        else:
            for order in orders:
                self.end(order.id, OrderEvent.CANCEL)

    def end(self, order_id: str, event: OrderEvent) -> None:
        listed = self.listed.pop(order_id, None)
        self._tell(OrderUpdate(order_id, event, "", listed.filled if listed else ZERO, listed.cost if listed else ZERO))

    async def find(self, order_id: str) -> OrderUpdate | None:
        self.finds.append(order_id)
        if self.on_find is not None:
            return await self.on_find(order_id)
        listed = self.listed.get(order_id)
        return None if listed is None else OrderUpdate(order_id, listed.event, listed.broker_id, listed.filled, listed.cost)

    async def snapshot(self, order_ids: Sequence[str]) -> BrokerSnapshot:
        self.snapshots += 1
        picture = BrokerSnapshot(self.cash, tuple(self.positions), tuple(self.listed.values()))
        if self.on_snapshot is not None:
            await self.on_snapshot()
        return picture

    async def close(self) -> None:
        self.closed = True

    # ---- for the test's thread

    def say(self, *events: BrokerEvent) -> None:
        for event in events:
            self._loop.call_soon_threadsafe(self._tell, event)

    def fill(self, order_id: str, price: Decimal = HUNDRED) -> None:
        listed = self.listed.pop(order_id)
        quantity = listed.quantity
        self.positions.append((listed.symbol, quantity * listed.side.sign, price))
        self.say(OrderUpdate(order_id, OrderEvent.FILL_ALL, listed.broker_id, quantity, quantity * price))


async def lost(order: Order) -> None:
    raise AmbiguousError("the reply was lost")


@contextmanager
def running(
    folder: Path,
    broker: Broker | None = None,
    *,
    settings: Settings = SETTINGS,
    journal: HeldJournal | None = None,
    feed: Callable[[], Feed] = QuoteFeed,
    ready: bool = True,
) -> Iterator[Engine]:
    """An engine on a database in `folder`, started, and shut down at the end; on paper where no broker is given."""
    engine = make(folder, broker, settings=settings, journal=journal, feed=feed)
    engine.start()
    try:
        if ready:
            view = engine.wait_ready()
            assert not view.health.problem
            until(engine, lambda view: all(row.bid is not None for row in view.watch))
        yield engine
    finally:
        if journal is not None:
            journal.failing = ""
            if journal.held.is_set():
                journal.release()
        engine.shutdown()


def make(
    folder: Path,
    broker: Broker | None = None,
    *,
    settings: Settings = SETTINGS,
    journal: HeldJournal | None = None,
    feed: Callable[[], Feed] = QuoteFeed,
    seat: Seat | None = None,
    recorded: bool = False,
) -> Engine:
    """With `recorded` the market data are kept beside the database."""
    settings = replace(settings, database=folder / "paper.db")
    assert settings.database is not None

    def open_broker(core: Core) -> tuple[Broker, Venue | None]:
        if broker is not None:
            return broker, None
        paper = PaperBroker(settings.paper, core.desk.instruments)
        if core.state.runs:
            paper.restore(core.state.portfolio, core.state.book.orders.values(), core.state.session)
        return paper, paper.on_market

    market_log = (lambda: ColumnLog(MarketFiles(folder / "paper.db").open)) if recorded else None
    opened = journal.open if journal else open_journal
    return Engine(settings, Parts(settings.database, opened, feed, open_broker, SystemClock(), market_log, seat=seat))


def until(engine: Engine, condition: Callable[[View], object], within_s: float = 20.0) -> View:
    """The first view that meets `condition`. One that looks at an order or a row that is not there yet (`order_of`) is not met."""
    pause = threading.Event()
    for _ in range(int(within_s / 0.005)):
        view = engine.status(within_s)
        with suppress(StopIteration):
            if condition(view):
                return view
        pause.wait(0.005)
    raise AssertionError(f"it did not come to pass: {view.orders} {view.account} {view.health} {[line.text for line in view.log]}")


def order_of(view: View, number: int) -> OrderRow:
    return next(row for row in view.orders if row.number == number)


def said(view: View, words: str) -> bool:
    """Whether the log says so."""
    return any(words in line.text for line in view.log)


def limit(quantity: int = 10, price: int = 90, symbol: str = "AAPL", side: Side = Side.BUY) -> Intent:
    """An order that rests: far from the market."""
    return Intent(symbol, side, Decimal(quantity), OrderType.LIMIT, Decimal(price))


def market(quantity: int = 10, symbol: str = "AAPL", side: Side = Side.BUY) -> Intent:
    return Intent(symbol, side, Decimal(quantity))
