"""What the tests of the paper broker share: a paper broker with a market to move and an ear for all that it tells."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from engine.brokers.base import BrokerEvent
from engine.brokers.paper import PaperBroker
from engine.core.portfolio import Portfolio
from engine.model.inputs import OrderUpdate
from engine.model.market import Bar, Instrument, MarketStatus, Phase, Quote
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderState, Side, TimeInForce
from engine.model.settings import MarginSettings, PaperSettings
from tests.engine.core import orders_and_bars
from tests.engine.core.floor import FRICTIONLESS

MS = 1_000_000
BUY, SELL = Side.BUY, Side.SELL


DAY, GTC, IOC, OPG, CLS = TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.OPG, TimeInForce.CLS


SUB_PENNY = "sub-penny increment does not fulfill minimum pricing criteria"


SLOW = replace(FRICTIONLESS, latency_ms=20, latency_sigma=0)


def order(side: Side = BUY, quantity: object = 100, number: int = 1, *, symbol: str = "AAPL", tif: TimeInForce = DAY, **more: Any) -> Order:
    return replace(orders_and_bars.order(side, quantity, tif=tif, name=f"r1-{number}", **more), number=number, symbol=symbol)


class Venue:
    """A paper broker and everything it told."""

    def __init__(self, given: PaperSettings = FRICTIONLESS, margin: MarginSettings | None = None) -> None:
        self.broker = PaperBroker(given, {symbol: Instrument(symbol) for symbol in ("AAPL", "MSFT")}, margin or MarginSettings())
        self.news: list[OrderUpdate] = []
        self.at = 1000 * MS

    async def open(self, *, session: str = "", price: float = 0.0) -> Venue:
        await self.broker.connect(self._hear)
        if session:
            self.session(session)
        if price:
            self.quote(price)
        return self

    def _hear(self, event: BrokerEvent) -> None:
        if isinstance(event, OrderUpdate):
            self.news.append(event)

    async def restarted(self, orders: list[Order], session: str) -> Venue:
        """The same market after a restart: the broker knows what the journal told of `orders`, as their updates left them."""
        books = Portfolio(self.broker._portfolio.cash)
        after = Venue()
        after.at = self.at
        after.broker.restore(books, [self.as_booked(each) for each in orders], session)
        await after.broker.connect(after._hear)
        return after

    def as_booked(self, made: Order) -> Order:
        """`made` as the engine's journal would hold it."""
        booked = replace(made)
        states = {OrderEvent.ACCEPT: OrderState.ACCEPTED, OrderEvent.WORK: OrderState.WORKING, OrderEvent.FILL_PART: OrderState.PARTIAL,
                  OrderEvent.FILL_ALL: OrderState.FILLED, OrderEvent.CANCEL: OrderState.CANCELED,
                  OrderEvent.EXPIRE: OrderState.EXPIRED}  # fmt: skip
        for update in self.news:
            if update.order_id == made.id:
                booked.state = states[update.event]
                booked.broker_id, booked.filled, booked.cost, booked.fees = update.broker_id, update.filled, update.cost, update.fees
                booked.stop = booked.stop if update.stop is None else update.stop
                booked.triggered = booked.triggered or update.triggered
                booked.quantity = booked.quantity if update.terms is None else update.terms.quantity
        return booked

    def bar(self, price: float, volume: float = 1e6, *, low: float | None = None, high: float | None = None) -> None:
        self.at += 60_000 * MS
        self.broker.on_market(Bar("AAPL", self.at, price, high or price, low or price, price, volume))

    def quote(self, price: float, size: float = 1e6, *, later_ms: float = 1, symbol: str = "AAPL") -> None:
        self.at += int(later_ms * MS)
        self.broker.on_market(Quote(symbol, self.at, price, price, size, size, price))

    def session(self, name: str, phase: Phase = Phase.REGULAR) -> None:
        self.broker.on_market(MarketStatus(phase, phase.lower(), name, self.at))

    @property
    def events(self) -> list[OrderEvent]:
        return [update.event for update in self.news]

    @property
    def last(self) -> OrderUpdate:
        return self.news[-1]
