"""Whether a live account can be reached from here: a broker's keys are there, or its program answers. A start asks the broker itself."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from console.accounts.config import load_whole
from console.config import ConfigError
from engine.brokers.alpaca.config import alpaca_config
from engine.brokers.base import BrokerError
from engine.brokers.ib.config import ib_config
from engine.model.settings import Settings

CONNECT_S = 0.3
_TYPED = "its number"
"""Stands for the account's number, which is typed at the start."""


def why_not_live(config: Path | None = None) -> str:
    """Empty where one of the brokers that the config names can be reached, or where it names none, one of those that trade live; else
    sentences, the last without its stop. `config` is the file to read instead of the user's own."""
    try:
        settings, accounts = load_whole(config)
    except ConfigError as error:
        return str(error).partition("\n")[0].rstrip(".")
    whole = tuple(accounts.settings.values()) if accounts is not None else (settings,)
    reasons: list[str] = []
    for broker, its in _asked(whole):
        why = _why_not_ib(its) if broker == "ib" else _why_not_alpaca(its)
        if not why:
            return ""
        if why not in reasons:
            reasons.append(why)
    return ". Or else: ".join(reasons)


def _asked(settings: Sequence[Settings]) -> list[tuple[str, Settings]]:
    """Of one that names no such broker any may be named at the start, by --broker."""
    return [(its.broker, its) for its in settings if its.broker in ("ib", "alpaca")] or [("ib", settings[0]), ("alpaca", settings[0])]


def _why_not_ib(settings: Settings) -> str:
    try:
        config = ib_config(os.environ, replace(settings.ib, account=settings.ib.account or _TYPED), "live")
    except BrokerError as error:
        return str(error).rstrip(".")
    try:
        socket.create_connection((config.host, config.port), CONNECT_S).close()
    except OSError:
        return f"No TWS or Gateway answers at {config.at}: start one and log in to a live account there, or set ib.host and ib.port"
    return ""


def _why_not_alpaca(settings: Settings) -> str:
    try:
        alpaca_config(os.environ, replace(settings.alpaca, account=settings.alpaca.account or _TYPED), "live")
    except BrokerError as error:
        return str(error).rstrip(".")
    return ""
