"""What trades: the feed, the strategies, the broker, and the clocks they go by."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from console.doctor.finding import Finding, fine, problem, warning
from engine.model.inputs import LinkChanged, Note
from engine.model.modes import LinkState
from engine.model.settings import Settings

if TYPE_CHECKING:
    from engine.brokers.base import Broker, BrokerEvent, Heard
    from engine.model.inputs import BrokerSnapshot

_NEWEST_KNOWN = datetime(2026, 1, 1, tzinfo=UTC)
"""This program is younger than that: a clock that shows an earlier time is wrong."""
_MOST_LINES = 5
_AHEAD_S = 5.0
_ANSWER_S = 20.0


def feed(settings: Settings) -> Iterator[Finding]:
    """Whether its prices can be had, and what it says about them."""
    from engine.feeds.base import FeedError
    from engine.feeds.names import is_fetched
    from engine.feeds.open import open_feed
    from engine.feeds.priced import priced

    try:
        opened = open_feed(priced(settings), settings.symbols)
    except FeedError as error:
        yield problem("feed", str(error), "Put it right under `feed` in the config, or give --feed.")
        return
    symbols = [instrument.symbol for instrument in opened.instruments()]
    named = ", ".join(symbols[:8]) + (f" and {len(symbols) - 8} more" if len(symbols) > 8 else "")
    yield fine("feed", f"{opened.name}: {named}")
    if is_fetched(settings.feed.source):
        yield _asked(settings, symbols[0])
    told = list(opened.problems)
    if told:
        more = f"\n…and {len(told) - _MOST_LINES} more" if len(told) > _MOST_LINES else ""
        yield warning("feed", "\n".join(told[:_MOST_LINES]) + more, "These rows are left out; look at the file where you need them.")


def _asked(settings: Settings, symbol: str) -> Finding:
    """What a source that is asked answers to one small question."""
    from engine.feeds.base import FeedError, FeedLostError
    from engine.feeds.priced import priced
    from engine.feeds.sources import open_source

    source = open_source(priced(settings), adjusted=False)
    name, today = source.history.name, datetime.now(UTC).astimezone(source.calendar.zone).date()
    timeframe = "1d" if "1d" in source.history.timeframes else source.history.timeframes[0]
    try:
        bars = source.history.history(symbol, timeframe, today - timedelta(days=7), today).bars
        live = source.live(symbol)
    except FeedLostError as error:
        down = warning("feed", str(error), "The console starts with the bars that are kept, and asks again by itself.")
        return _away(down, name, error.state, str(error))
    except FeedError as error:
        return problem("feed", str(error), "Put it right under `feed` or `symbols` in the config.")
    finally:
        source.close()
    if not bars:
        return warning("feed", f"{name} has no bar of {symbol} in the last week", "Look up how it spells the symbol, and feed.calendar.")
    newest = datetime.fromtimestamp(bars[-1].at // 10**9, source.calendar.zone)
    return fine(
        "feed", f"{name} answers: {symbol} was at {bars[-1].close:g} at the close of {newest:%a %Y-%m-%d %H:%M}{live and f'; {live}'}"
    )


def _away(down: Finding, name: str, state: LinkState, reason: str) -> Finding:
    """What is to be done for a link that is not up, by how it stands; `down` where nothing is known but that it is."""
    match state:
        case LinkState.LOGIN:
            advice = "Nothing is traded before somebody has logged in there; a console that runs goes on by itself then."
            return problem(down.about, f"{name} waits for a LOGIN: {reason}", advice)
        case LinkState.RESET:
            return warning(
                down.about, f"{name} is in its RESET: {reason}", "Do nothing: the console waits, sends no order meanwhile, and goes on."
            )
        case LinkState.DEGRADED:
            return warning(
                down.about, f"{name} is DEGRADED: {reason}", "The console waits, sends cancels alone meanwhile, and goes on by itself."
            )
    return down


def strategies(settings: Settings) -> Iterator[Finding]:
    """Whether each can be run."""
    from engine.strategies.loader import check
    from engine.strategies.params import StrategyError

    for strategy in settings.strategies:
        try:
            found = check(strategy.file, strategy.params)
        except StrategyError as error:
            yield problem("strategy", str(error), "Nothing of it was run. Put the file right, or take it out of the config.")
        else:
            yield fine("strategy", f"{strategy.file}: {found.kind} {found.name}")
    if not settings.strategies:
        yield fine("strategy", "none: you trade by hand")


def broker(settings: Settings) -> Iterator[Finding]:
    """Whether the account can be reached."""
    if settings.broker != "paper":
        yield _real_broker(settings)
        return
    from engine.brokers.costs import CostModelError
    from engine.brokers.paper import PaperBroker

    try:
        PaperBroker(settings.paper, {}, settings.margin)
    except CostModelError as error:
        yield problem("broker", f"paper: {error}", "Name a model that is installed under `paper` in the config.")
        return
    yield fine("broker", f"paper, a new account begins with {settings.paper.cash:,.2f}; it needs no keys and no network")


def _real_broker(settings: Settings) -> Finding:
    """What the broker answers to where the account stands, and what it has to say of it. Nothing is sent."""
    from engine.brokers.base import AmbiguousError, AwayError, BrokerError
    from engine.brokers.open import open_broker

    name, told = settings.broker, _Told()
    try:
        snapshot = asyncio.run(_ask(open_broker(name, settings), told))
    except BrokerError as error:
        return problem("broker", f"{name}: {error}", "Put that right: the console does not start before.")
    except (AmbiguousError, OSError, TimeoutError) as error:
        state, reason = (error.state, str(error)) if isinstance(error, AwayError) else (told.state, told.reason)
        advice = "The console asks again by itself until it does, and sends nothing before."
        return _away(warning("broker", f"{name} does not answer: {error or 'not in time'}", advice), name, state, reason)
    except Exception as error:  # noqa: BLE001 - somebody else's package: whatever it raises, all else is looked at
        return problem("broker", f"{name} failed: {type(error).__name__}: {error}", "Tell whoever made it: the console ends with it.")
    if snapshot.closed:
        advice = "The console starts, with no entries until that has ended; exits go out as the broker takes them."
        return warning("broker", f"{name}, a {settings.account} account: {snapshot.closed}", advice)
    held = f"{len(snapshot.positions)} positions and {len(snapshot.orders)} open orders"
    found = fine("broker", f"{name}, a {settings.account} account: {snapshot.cash:,.2f} in cash, {held}")
    if told.notes:
        found = warning("broker", "\n".join((found.text, *told.notes)), "The console trades, and says this at each start.")
    return _away(found, name, told.state, f"{told.reason}\n{found.text}")


class _Told:
    """What a broker told while it was asked: how its link stands, and why, and what is for a person."""

    def __init__(self) -> None:
        self.state = LinkState.UP
        self.reason = ""
        self.notes: list[str] = []

    def hear(self, event: BrokerEvent | Heard) -> None:
        match event:
            case LinkChanged():
                self.state, self.reason = event.state, event.reason
            case Note():
                self.notes.append(event.text)


async def _ask(opened: Broker, told: _Told) -> BrokerSnapshot:
    try:
        async with asyncio.timeout(_ANSWER_S):
            await opened.connect(told.hear)
            return await opened.snapshot([])
    finally:
        await opened.close()


def clocks(settings: Settings, database: Path) -> Iterator[Finding]:
    """Whether this machine's clock can be right, and whether New York's is known."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    now = datetime.now(UTC)
    try:
        there = now.astimezone(ZoneInfo("America/New_York"))
    except ZoneInfoNotFoundError:
        yield problem("clock", "the time zone America/New_York is not known here", "Install the package tzdata beside tradeconsole.")
        return
    text = f"{there:%Y-%m-%d %H:%M:%S} in New York"
    last = _last_entry(database)
    if now < _NEWEST_KNOWN:
        yield problem(
            "clock", f"{text}, which cannot be: it stands in the past", "Set this machine's clock, or turn its synchronisation on."
        )
    elif last is not None and (ahead := last - time.time()) > _AHEAD_S:
        advice = "Set this machine's clock. What happens now would stand before what is already in the journal."
        yield warning("clock", f"{text}: {ahead:,.0f} s behind the newest entry of the journal", advice)
    elif _synchronised() is False:
        yield warning("clock", f"{text}; nobody keeps it right", "Turn the synchronisation on: timedatectl set-ntp true.")
    else:
        yield fine("clock", text)


def _last_entry(database: Path) -> float | None:
    """When the journal's newest entry was written, in seconds since 1970; None where there is none to be read."""
    if not database.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            row = connection.execute("SELECT wall FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    except sqlite3.Error:
        return None  # the database's own check says what is wrong with it
    return row[0] / 1e9 if row else None


def _synchronised() -> bool | None:
    """What systemd says, where it is there to be asked."""
    try:
        told = subprocess.run(
            ["timedatectl", "show", "--property", "NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=2,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"yes": True, "no": False}.get(told.stdout.strip())
