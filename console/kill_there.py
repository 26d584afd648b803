"""What `tradeconsole kill` does at the broker itself, where no engine answers: it connects, cancels, and says what is left."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from console.options import say

if TYPE_CHECKING:
    from engine.model.settings import Settings

Killer: TypeAlias = "Callable[[Settings, str, bool], Coroutine[Any, Any, bool]]"
"""Given the settings, the account's number as the books have it (or nothing), and whether to flatten; answers whether all is at rest, and
says what is not."""
READ_S = 0.5


def kill_there(database: Path, config: Path | None, *, flatten: bool) -> bool | None:
    """Whether nothing works at the broker any more, and with `flatten` nothing is held; None where the account is at no broker that can be
    reached from here, as on paper. What is left is said."""
    settings = _settings(database, config)
    venue = _venue(database)
    if not venue and _is_of(settings, database):
        venue = settings.broker
    if venue is None:
        say(f"At whose broker these books are is not known: {database} cannot be read, and no config names it. Look there yourself.")
        return False
    broker, _, number = venue.partition(" ")
    killer = _KILLERS.get(broker)
    if killer is None:
        return None
    from engine.brokers.base import BrokerError

    try:
        return asyncio.run(killer(settings, number, flatten))
    except (BrokerError, ConnectionError) as error:
        say(f"At the broker nothing is known to be cancelled: {error}")
        return False


async def _ib(settings: Settings, number: str, flatten: bool) -> bool:
    from msgspec.structs import replace

    from engine.brokers.ib.config import ib_config, is_paper
    from engine.brokers.ib.kill import kill

    account = number or settings.ib.account
    kind = settings.account if not account else "paper" if is_paper(account) else "live"
    config = ib_config(os.environ, replace(settings.ib, account=account), kind)
    try:
        left = await kill(config, flatten=flatten, tell=_tell)
    except ConnectionError as error:
        raise ConnectionError(
            f"{error}. TWS or Gateway is looked for at {config.at}: give kill IB_HOST and IB_PORT as the console has them, or cancel in "
            "TWS itself."
        ) from error
    return _at_rest("IB", left.account, left.orders, left.held, flatten=flatten)


async def _alpaca(settings: Settings, number: str, flatten: bool) -> bool:
    from msgspec.structs import replace

    from engine.brokers.alpaca.config import alpaca_config, is_paper
    from engine.brokers.alpaca.kill import kill

    account = number or settings.alpaca.account
    kind = settings.account if not account else "paper" if is_paper(account) else "live"
    left = kill(alpaca_config(os.environ, replace(settings.alpaca, account=account), kind), flatten=flatten, tell=_tell)
    if left.unknown:
        say(f"Alpaca, account {left.account}: told to cancel; what works and what is held it does not say: {left.unknown}. Do it again.")
        return False
    if left.trouble:
        say(f"Alpaca, account {left.account}: the last cancel was not taken: {left.trouble}. Do it again.")
    return _at_rest("Alpaca", left.account, left.orders, left.held, flatten=flatten)


def _at_rest(broker: str, account: str, orders: Sequence[str], held: Sequence[str], *, flatten: bool) -> bool:
    """Whether nothing is left there, which is said, or what is."""
    works = f"still open: {', '.join(orders)}" if orders else f"verified with {broker}: nothing works"
    _tell(f"{broker}, account {account}: {works}; held: {', '.join(held) or 'nothing'}")
    return not orders and not (flatten and held)


_KILLERS: dict[str, Killer] = {"alpaca": _alpaca, "ib": _ib}


def _venue(database: Path) -> str | None:
    """Whose books these are by their last run, the broker and the account's number; nothing where they had none, None where they cannot be
    read."""
    try:
        books = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=READ_S)
        try:
            row = books.execute("SELECT body FROM journal WHERE kind = 'RunStarted' ORDER BY seq DESC LIMIT 1").fetchone()
        finally:
            books.close()
        return str(json.loads(row[0]).get("venue", "")) if row else ""
    except (sqlite3.Error, ValueError):
        return None


def _settings(database: Path, config: Path | None) -> Settings:
    """The account's own among the config's, or where the config cannot be read, what the environment alone says."""
    from console.accounts.config import load_accounts
    from console.config import ConfigError, load
    from engine.model.settings import Settings

    try:
        accounts = load_accounts(config)
        its = accounts.settings.values() if accounts is not None else ()
        return next((one for one in its if _is_of(one, database)), None) or load(config)
    except ConfigError as error:
        say(f"{error}\nThe broker is looked for as the environment has it.")
        return Settings()


def _is_of(settings: Settings, database: Path) -> bool:
    return settings.database is not None and settings.database.resolve() == database


def _tell(text: str) -> None:
    say(text, sys.stdout)
