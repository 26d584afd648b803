"""Where the prices come from that an account is traded at. Most sources need nothing else, and wait for none of what fetches them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from msgspec.structs import replace

from engine.model.settings import FeedSettings, Settings


def priced(settings: Settings, environment: Mapping[str, str] = os.environ) -> FeedSettings:
    """The feed's settings; where prices come from Alpaca or IB, they are asked for with the keys, or come from the TWS, that the account
    is traded with. A wrong place is said when the source is opened."""
    if settings.feed.source == "alpaca":
        return replace(settings.feed, keys=settings.feed.keys or settings.alpaca.keys)
    if settings.feed.source != "ib" or settings.feed.tws:
        return settings.feed
    from engine.brokers.base import BrokerError
    from engine.brokers.ib.config import place

    try:
        return replace(settings.feed, tws=place(environment, settings.ib, settings.account).at)
    except BrokerError:
        return settings.feed
