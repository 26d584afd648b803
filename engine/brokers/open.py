"""Opens the broker that the settings name. What it needs is imported here and now, so that nobody else waits for it.

An installed package adds one by an entry point of the group `tradeconsole.brokers`: a function that is given the config's
`broker_params` as a dict and answers an `engine.brokers.base.Broker`, which is not connected yet. It runs inside the engine, on its loop.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.brokers.base import Broker, BrokerError
from engine.model.settings import Settings

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "tradeconsole.brokers"
_METHODS = [name for name, value in vars(Broker).items() if callable(value) and not name.startswith("_")]


def open_broker(name: str, settings: Settings) -> Broker:
    """The broker `name`, not connected yet: any but paper, which is made of the engine's own core. Raises BrokerError in words."""
    if name in _BUILT_IN:
        return _BUILT_IN[name](settings)
    point = installed().get(name)
    if point is None:
        raise BrokerError(f"There is no broker {name!r}: there are {', '.join(broker_names())}.")
    try:
        broker: Broker = point.load()(dict(settings.broker_params))
    except Exception as error:
        # Somebody else's package: whatever it raises, the start ends in words.
        raise BrokerError(f"The broker {name!r} of an installed package cannot be opened ({type(error).__name__}: {error}).") from error
    lacks = [each for each in _METHODS if not callable(getattr(broker, each, None))]
    if lacks:
        raise BrokerError(f"The broker {name!r} of an installed package is {type(broker).__name__}, without {', '.join(lacks)}.")
    return broker


def broker_names() -> tuple[str, ...]:
    """Those that there are here: paper, built in, installed."""
    return ("paper", *sorted(_BUILT_IN.keys() | installed().keys()))


def check_broker(settings: Settings) -> None:
    """Raises BrokerError where it is known, without asking anybody, that the broker of the settings cannot be opened."""
    if settings.broker in _BUILT_IN:
        open_broker(settings.broker, settings)
    elif settings.broker not in broker_names():
        raise BrokerError(f"There is no broker {settings.broker!r}: there are {', '.join(broker_names())}.")


def installed() -> dict[str, EntryPoint]:
    # A broker of ours is looked at before the first picture, and needs none of the others' names.
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _alpaca(settings: Settings) -> Broker:
    from engine.brokers.alpaca.broker import AlpacaBroker
    from engine.brokers.alpaca.config import alpaca_config

    config = alpaca_config(os.environ, settings.alpaca, settings.account)
    if not config.url and settings.feed.source in ("sim", "sample"):
        raise BrokerError(
            f"Alpaca trades at the market's prices, and those of --feed {settings.feed.source} are not: give --feed alpaca or --feed yahoo."
        )
    return AlpacaBroker(config.key, config.secret, paper=config.kind == "paper", url=config.url, account=config.account)


def _ib(settings: Settings) -> Broker:
    from engine.brokers.ib.broker import IbBroker
    from engine.brokers.ib.config import PORTS, ib_config
    from engine.brokers.ib.numbers import numbers_path

    config = ib_config(os.environ, settings.ib, settings.account)
    if config.port in PORTS[config.kind] and settings.feed.source in ("sim", "sample"):
        raise BrokerError(
            f"IB trades at the market's prices, and those of --feed {settings.feed.source} are not: give --feed ib, yahoo or alpaca."
        )
    return IbBroker(replace(config, numbers=numbers_path(settings.database) if settings.database else None))


_BUILT_IN: dict[str, Callable[[Settings], Broker]] = {"alpaca": _alpaca, "ib": _ib}
