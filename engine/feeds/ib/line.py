"""The connection to TWS that prices come by, in a thread of its own. It is made when somebody asks, and made again when somebody asks
after it broke: whoever runs the feed decides when that is."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from engine.brokers.ib.away import Away, away, reset_until
from engine.brokers.ib.codes import CONNECTIVITY_LOST, CONNECTIVITY_RESTORED, DATA_TAKEN
from engine.brokers.ib.config import IbConfig
from engine.brokers.ib.facts import CURRENCY, Contract, ErrorTold, Fact, NotUnderstood, RequestFailed
from engine.brokers.ib.library import ClientBusy, Mute, capture_logs
from engine.brokers.ib.orders import no_one_stock, symbol_of, symbol_there
from engine.brokers.ib.thread import live
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.ib.library import DataSession, PastBar
from engine.feeds.ib.pacing import Pacing, is_pacing
from engine.feeds.ib.watch import Watch
from engine.feeds.names import shown
from engine.model.modes import LinkState

T = TypeVar("T")
IDS_ABOVE = range(101, 109)
"""The client ids of prices are the broker's and so much more: whichever is free, for who places no order needs no id of his own. Several
programs of a user can have prices at once, and one whose old connection TWS has not given up yet is not kept out by itself."""
CONNECT_S = 5.0
HEARTBEAT_S, ANSWER_S = 15.0, 5.0
"""A connection on which the clock is not told in time is dead, whatever the socket says."""
TAKEN_AGAIN_S = 30.0
_TURN_S = 0.2
_DATA_LOST = 1101


class Line:
    """Made on any thread. `trouble` and `watch` may be looked at from any; `ask` and `do` run what they are given in the line's own."""

    def __init__(self, config: IbConfig, *, wall: Callable[[], int] = time.time_ns) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._session: DataSession | None = None
        self._connecting = asyncio.Lock()
        self._turned = asyncio.Event()
        """Set when IB is back, or the connection gone."""
        self._wall = wall
        self._heard = 0
        """When TWS was there last, by `wall`."""
        self._gone = Away(LinkState.DOWN, "there is no link to TWS")
        """How the connection stands that there is not, and why."""
        self._no_ib = ""
        self._taken = False
        self._contracts: dict[str, Contract | FeedError] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._notes: list[str] = []
        self._unread: set[str] = set()
        """Of what kinds there were messages that were not understood."""
        self.watch = Watch(wall=wall)
        self.pacing = Pacing()
        self.say: Callable[[str], None] = lambda text: None
        """Is told in words what past bars wait for."""

    # ---- from outside

    def ask(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What it answers, or raises. Blocks: not on an event loop."""
        return asyncio.run_coroutine_threadsafe(work(), self._running()).result()

    async def do(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The same from another loop, which goes on meanwhile."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._running()))

    def trouble(self) -> FeedLostError | None:
        """Why no prices come by it now; None where they do."""
        if self._session is None:
            return self._lost_now()
        if self._no_ib:
            why = f"TWS has lost IB's servers ({self._no_ib})"
            if reset_until(self._wall(), self._config.region):
                told = self._away(why)
                return FeedLostError(told.reason, 1.0, told.state)
            return FeedLostError(f"{why}; it comes back by itself", 1.0)
        if self._taken:
            return FeedLostError(
                "Another session of this user has IB's market data: log out there, or end TWS there, to have it here", TAKEN_AGAIN_S
            )
        return None

    def notes(self) -> list[str]:
        """What TWS said since the last time that is about no symbol."""
        said, self._notes = self._notes, []
        return said

    def close(self) -> None:
        """Ends the connection, and its thread. It can be used again."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return

        def end() -> None:
            self._drop("closed")
            loop.stop()

        loop.call_soon_threadsafe(end)
        thread.join(2.0)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._connecting, self._turned = asyncio.Lock(), asyncio.Event()
                self._thread = threading.Thread(target=self._live, args=(self._loop,), name="ib prices", daemon=True)
                self._thread.start()
            return self._loop

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.set_exception_handler(self._broke)
        end_logs = capture_logs()
        try:
            live(loop)
        finally:
            end_logs()

    def _broke(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio would print across the screen."""
        self._notes.append(f"A part of the link to TWS broke: {context.get('exception') or context['message']}")

    # ---- in its thread

    async def up(self) -> None:
        """Connects where there is no connection, and waits while TWS itself has lost IB. Raises FeedLostError."""
        await self.session()
        while self._no_ib and self._session is not None:
            self._turned.clear()
            told = self.trouble()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._turned.wait()
            # How that is called changes with the hour.
            if told is not None and (now := self.trouble()) is not None and now.state is not told.state:
                raise now
        if self._taken:
            # Whether it is free again shows who asks for it again.
            self._taken = False
            self.watch.anew()
        if self._session is None:
            raise self._lost_now()

    async def session(self) -> DataSession:
        """Raises as `up`."""
        async with self._connecting:
            if self._session is not None:
                return self._session
            try:
                session = await self._connect()
            except ConnectionError as error:
                self._gone = self._away(shown(str(error)).rstrip("."), mute=isinstance(error, Mute))
                raise self._lost_now() from None
            self._session, self._heard, self._taken = session, self._wall(), False
            self._contracts = {symbol: told for symbol, told in self._contracts.items() if isinstance(told, Contract)}
            self.watch.gone()
            self._keeper = asyncio.create_task(self._keep(session))
            return session

    def _away(self, why: str, *, mute: bool = False) -> Away:
        return away(why, self._wall(), self._heard, self._config.region, mute=mute)

    def _lost_now(self) -> FeedLostError:
        return FeedLostError(self._gone.reason, None, self._gone.state)

    async def _connect(self) -> DataSession:
        config = self._config
        self._no_ib = ""
        for above in IDS_ABOVE:
            session = DataSession(self._hear, self._lost, self.watch.hear)
            try:
                await session.connect(config.host, config.port, config.client_id + above, "", CONNECT_S)
                session.ask_for_delayed()
            except ClientBusy:
                session.disconnect()
            except BaseException:
                session.disconnect()
                raise
            else:
                return session
        first, last = config.client_id + IDS_ABOVE[0], config.client_id + IDS_ABOVE[-1]
        raise ConnectionError(f"The client ids {first} to {last} are all in use at {config.at}")

    def _hear(self, fact: Fact) -> None:
        if isinstance(fact, NotUnderstood) and fact.kind not in self._unread:
            self._unread.add(fact.kind)
            self._notes.append(f"A message of TWS was not understood and is left out, and so are more like it: {fact.words}")
        if not isinstance(fact, ErrorTold):
            return
        code = fact.code
        if code in CONNECTIVITY_LOST:
            self._no_ib = shown(fact.words).rstrip(".") or f"code {code}"
        elif code in CONNECTIVITY_RESTORED:
            self._no_ib = ""
            if code == _DATA_LOST:
                self.watch.gone()
            self._turned.set()
        elif code == DATA_TAKEN:
            self._taken = True
        elif fact.request > 0:
            self.watch.on_error(fact.request, code, fact.words, self.pacing)
        elif code in _FARMS_BROKEN:
            self._notes.append(f"TWS says: {shown(fact.words)}. Prices may be missing until it is back.")

    def _lost(self, why: str) -> None:
        self._drop(why)

    def _drop(self, why: str) -> None:
        session, self._session = self._session, None
        self._gone = self._away(why)
        self.watch.gone()
        self._turned.set()
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None
        if session is not None:
            session.disconnect()

    async def _keep(self, session: DataSession) -> None:
        """Keeps what is subscribed as it is wanted, and listens whether anybody is there."""
        loop = asyncio.get_running_loop()
        asked = synced = loop.time()
        while self._session is session:
            try:
                if not self._no_ib and (self.watch.due or loop.time() - synced > HEARTBEAT_S):
                    synced = loop.time()
                    await self.watch.sync(session, self.contract, self.pacing)
                if loop.time() - asked >= HEARTBEAT_S:
                    asked = loop.time()
                    async with asyncio.timeout(ANSWER_S):
                        await session.time()
                    self._heard = self._wall()
            except (ConnectionError, TimeoutError, RequestFailed, FeedLostError) as error:
                # `_drop` cancels this very task: nothing may come after it.
                self._keeper = None
                self._drop(str(error) if isinstance(error, ConnectionError) else f"TWS did not answer within {ANSWER_S:g} s")
                return
            await asyncio.sleep(_TURN_S)

    async def contract(self, symbol: str) -> Contract:
        """What `symbol` is at IB. Raises FeedError, once and for all of this connection, where it is nothing or several things, and
        FeedLostError."""
        if (known := self._contracts.get(symbol)) is None:
            session = await self.session()
            with_words = f"TWS did not say what {symbol} is"
            try:
                found = await session.contracts(symbol_there(symbol), CURRENCY) if symbol == symbol_of(symbol) else []
                elsewhere = [] if found or symbol != symbol_of(symbol) else await session.contracts(symbol_there(symbol), "")
            except TimeoutError:
                raise FeedLostError(f"{with_words} in time") from None
            except (ConnectionError, RequestFailed) as error:
                raise FeedLostError(f"{with_words}: {error}") from None
            known = self._contracts[symbol] = found[0] if len(found) == 1 else FeedError(f"{no_one_stock(symbol, found, elsewhere)}.")
        if isinstance(known, FeedError):
            raise known
        return known

    async def past(
        self, symbol: str, end: str, duration: str, size: str, what: str, *, regular: bool, patience_s: float
    ) -> Sequence[PastBar]:
        """As `DataSession.past`, when IB's rules let it be asked. Raises FeedError, FeedLostError, PausedError, RequestFailed."""
        contract = await self.contract(symbol)
        await self.pacing.turn(symbol, f"{end} {duration} {size} {what} {regular}", patience_s, self.say)
        session = await self.session()
        try:
            told = await session.past(contract, end, duration, size, what, regular=regular)
        except (TimeoutError, ConnectionError) as error:
            raise FeedLostError(f"IB's bars of {symbol} did not come: {error}") from None
        except RequestFailed as failed:
            if is_pacing(failed):
                self.pacing.violated()
            raise
        self.pacing.answered()
        return told


_FARMS_BROKEN = frozenset({2103, 2105})
