"""A day of the simulated New York market on paper: every kind of order meets the auctions, sessions and quotes that it is for."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

from engine.brokers.paper import PaperBroker
from engine.feeds.simulated import SimulatedFeed
from engine.model.inputs import OrderUpdate
from engine.model.market import MarketEvent, MarketStatus, Phase
from engine.model.order_states import OrderEvent
from engine.model.orders import Side, TimeInForce
from engine.model.settings import FeedSettings
from tests.engine.brokers.paper_venue import order
from tests.engine.core.floor import FRICTIONLESS, at_once


class OverError(Exception):
    """The day is."""


async def test_orders_at_the_open_and_at_the_close_meet_the_auctions_and_a_day_order_ends_with_the_day() -> None:
    chosen = FeedSettings(session="XNYS", speed=0, quotes_per_second=0.05, bar_seconds=60)
    feed = SimulatedFeed(("AAPL",), chosen, start=date(2024, 11, 18))
    broker = PaperBroker(FRICTIONLESS, {i.symbol: i for i in feed.instruments()})
    news: list[OrderUpdate] = []
    phases: list[Phase] = []
    await broker.connect(lambda event: news.append(event) if isinstance(event, OrderUpdate) else None)

    def hear(event: MarketEvent) -> None:
        broker.on_market(event)
        if isinstance(event, MarketStatus):
            phases.append(event.phase)
            if event.phase is Phase.PRE:
                at_once(broker.submit(order(Side.BUY, 10, 1, tif=TimeInForce.OPG)))
                at_once(broker.submit(order(Side.SELL, 10, 2, tif=TimeInForce.CLS)))
                at_once(broker.submit(order(Side.BUY, 10, 3, limit=1)))
                at_once(broker.submit(order(Side.BUY, 10, 4)))
            elif event.phase is Phase.CLOSED and Phase.POST in phases:
                raise OverError

    with suppress(OverError):
        await feed.run(hear)
    ends = {update.order_id: (update.event, update.rule) for update in news}
    assert ends == {
        "r1-1": (OrderEvent.FILL_ALL, "auction-open"),
        "r1-2": (OrderEvent.FILL_ALL, "auction-close"),
        "r1-3": (OrderEvent.EXPIRE, ""),
        "r1-4": (OrderEvent.FILL_ALL, "market-quote"),
    }
