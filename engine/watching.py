"""Adds symbols to what the engine watches while it runs, and lets them go: feed, core and views change in one step of the loop."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches

from engine.core.closes import Closes
from engine.core.core import Core
from engine.feeds.base import Feed, FeedError, FollowsMore, OpenEnded
from engine.feeds.names import listed, shown
from engine.model.effects import Reply
from engine.model.inputs import Input, Note, Unwatch, Watch
from engine.model.market import Bar, Instrument, Listing
from engine.model.modes import Level
from engine.model.settings import is_symbol
from engine.previous_close import past_closes
from engine.view_builder import ViewBuilder

MOST = 500
"""Symbols added to those a run began with, at most: each is quoted, drawn and kept."""


class Watching:
    """Lives on the engine's loop. `history` is how many bars a new symbol's chart begins with; `prime` is told them and their closes."""

    def __init__(
        self,
        feed: Feed,
        core: Core,
        views: ViewBuilder,
        *,
        handle: Callable[[Input], None],
        history: int,
        prime: Callable[[str, Sequence[Bar], Closes], None],
    ) -> None:
        self.offers: tuple[Listing, ...] | None = None
        """What the feed knows of, once `look_up` has found out."""
        self._feed = feed
        self._core = core
        self._views = views
        self._handle = handle
        self._history = history
        self._prime = prime
        self._one_by_one = asyncio.Lock()

    async def look_up(self) -> None:
        """Finds out what the feed offers: without more to follow, what it tells about now."""
        if self.offers is None:
            try:
                self.offers = await self._offered()
            except Exception as error:  # noqa: BLE001 - nor does one that is met in a search cost more than the search
                self.offers = self._told()
                detail = "" if isinstance(error, FeedError) else "".join(traceback.format_exception(error))
                self._handle(Note(Level.WARNING, self._feed.name, f"what it offers cannot be looked up: {error}", detail))

    async def watch(self, command_id: str, symbol: str) -> None:
        """Without a `command_id` nobody asked for it, but it is held: what is in the way is said in the log."""
        async with self._one_by_one:
            await asyncio.sleep(0)  # a list of hundreds is followed one a turn of the loop: orders go in between
            try:
                await self._watch(command_id, symbol)
            except FeedError as error:
                self._refuse(command_id, str(error))
            except Exception as error:  # noqa: BLE001 - a file that breaks its reader costs this symbol, and nothing of what is watched
                self._refuse(command_id, f"{shown(symbol)} cannot be watched: {error}")
                detail = "".join(traceback.format_exception(error))
                self._handle(Note(Level.WARNING, self._feed.name, f"{shown(symbol)} cannot be watched: {error}", detail))

    def unwatch(self, command_id: str, symbol: str, needed_by: Collection[tuple[str, Collection[str]]]) -> None:
        """`needed_by` are the strategies, each with its symbols."""
        for name, symbols in needed_by:
            if symbol in symbols:
                self._refuse(command_id, f"{name} trades {shown(symbol)}: it stays watched")
                return
        self._handle(Unwatch(command_id, symbol))
        if symbol not in self._core.desk.instruments:
            self._views.remove(symbol)
            if isinstance(self._feed, FollowsMore):
                self._feed.drop(symbol)

    async def _watch(self, command_id: str, symbol: str) -> None:
        instruments = self._core.desk.instruments
        if symbol in instruments:
            self._handle(Watch(command_id, instruments[symbol]))
            return
        if not is_symbol(symbol):
            self._refuse(command_id, f"{shown(symbol)!r} is not a symbol: write 1 to 12 of A-Z, 0-9 and, between them, '.', '-' and '/'")
            return
        if not isinstance(self._feed, FollowsMore):
            self._refuse(
                command_id, f"{self._feed.name} takes no other symbol while it runs: name {symbol} among the symbols at the next start"
            )
            return
        if len(self._core.state.watched) >= MOST:
            self._refuse(command_id, f"{MOST} symbols were added already, which is all there may be: let one go first")
            return
        await self.look_up()
        known = [listing.symbol for listing in self.offers or ()]
        if symbol not in known and not isinstance(self._feed, OpenEnded):
            near = await asyncio.to_thread(get_close_matches, symbol, known, 3, 0.6)
            meant = f": did you mean {' or '.join(near)}?" if near else f": it has {_some(known)}"
            self._refuse(command_id, f"{self._feed.name} has no {symbol}{meant}")
            return
        instrument = await self._feed.follow(symbol)
        try:
            self._begin(command_id, instrument)
        except Exception:
            self._views.remove(symbol)
            self._feed.drop(symbol)
            raise

    def _begin(self, command_id: str, instrument: Instrument) -> None:
        """In one step: the feed tells of the symbol from its next moment on."""
        bars = self._feed.history(instrument.symbol, self._history)
        self._views.add(instrument)
        self._views.chart.kept.prime(instrument.symbol, bars)
        closes = past_closes(self._feed, self._core.prices, instrument.symbol, bars)
        self._prime(instrument.symbol, bars, closes)
        self._handle(Watch(command_id, instrument, bars[-1].close if bars else None, closes))

    async def _offered(self) -> tuple[Listing, ...]:
        return tuple(await self._feed.offers()) if isinstance(self._feed, FollowsMore) else self._told()

    def _told(self) -> tuple[Listing, ...]:
        return tuple(Listing(instrument.symbol) for instrument in self._feed.instruments())

    def _refuse(self, command_id: str, text: str) -> None:
        self._views.answer(Reply(command_id, False, text))
        if not command_id:
            self._handle(Note(Level.ERROR, self._feed.name, f"what is held has no price: {text}"))


async def follow_again(feed: Feed, core: Core) -> list[str]:
    """Before the start: the symbols that an earlier run's positions, orders and additions need. Answers a sentence for each that is not
    to be had: its positions and orders stay, without a price."""
    problems = []
    for symbol in core.watching.wanted():
        try:
            if not isinstance(feed, FollowsMore):
                raise FeedError(f"{feed.name} takes no symbol besides those it was started with.")
            core.watching.add(await feed.follow(symbol))
        except Exception as error:  # noqa: BLE001 - whatever is the matter with one symbol's source, the account starts
            problems.append(f"{symbol} has no price in this run, and a split or a dividend that it has meanwhile is not booked. {error}")
    return problems


def _some(known: Sequence[str]) -> str:
    more = [f"{len(known) - 8} more"] if len(known) > 8 else []
    return listed([*known[:8], *more])
