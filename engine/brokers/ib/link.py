"""Keeps the connection to TWS: opens it, listens whether it is alive, opens it again. Lives in the client library's thread."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from engine.brokers.base import AmbiguousError, AwayError, BrokerError
from engine.brokers.ib.away import Away, away, reset_until
from engine.brokers.ib.config import IbConfig, account_of
from engine.brokers.ib.facts import Fact, RequestFailed
from engine.brokers.ib.library import ClientBusy, Mute, Session
from engine.brokers.ib.numbers import Numbers
from engine.model.modes import LinkState

Answer = TypeVar("Answer")
CONNECT_S = 5.0
HEARTBEAT_S = 15.0
ANSWER_S = 5.0
"""A link on which the clock is not told within this is dead, whatever the socket says."""
AGAIN_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Between attempts to get the link back, a fifth more or less; the last one repeats. They are counted on where a link broke before its
first heartbeat: a TWS that takes each connection and drops it is not asked twice a second."""
BUSY_TRIES = 4
"""How often our id may be in use when we come back: TWS may not have noticed yet that our old connection is dead."""
MOST_SKEW_S = 2.0


class Link:
    """`changed` is told each new state, and why; `said` what a person should read of the clocks; `alive` that a link was asked whether it
    lives, and answered."""

    def __init__(
        self,
        config: IbConfig,
        hear: Callable[[Fact], None],
        changed: Callable[[LinkState, str], None],
        said: Callable[[str], None],
        alive: Callable[[], None],
        wall: Callable[[], int],
    ) -> None:
        self.numbers = Numbers(config.numbers, said)
        self.account = ""
        self._config = config
        self._hear = hear
        self._changed = changed
        self._said = said
        self._alive = alive
        self._wall = wall
        self._told = LinkState.DOWN
        self._heard = 0
        """When TWS was there last, by `wall`."""
        self._session: Session | None = None
        self._lost = asyncio.Event()
        self._why = ""
        self._connectivity = ""
        """Why IB cannot be reached from TWS, empty while it can."""
        self._attempt = 0
        """How often the link was tried again since it last lived."""
        self._keeper: asyncio.Task[None] | None = None
        self._skewed = False

    @property
    def session(self) -> Session:
        """Raises ConnectionError in words where there is no link."""
        session = self._session
        if session is None or not session.connected:
            raise ConnectionError(self._why or "there is no link to TWS")
        return session

    async def open(self) -> None:
        """Connects once and keeps the link from then on. Raises AwayError, or BrokerError where another try makes no sense."""
        try:
            await self._connect()
        except ClientBusy:
            raise BrokerError(self._busy()) from None
        except ConnectionError as error:
            gone = self._away(error)
            raise AwayError(gone.reason, gone.state) from error
        self._up()
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        self._drop()

    def connectivity(self, lost: str) -> None:
        """TWS says that it lost IB (why), or has it back (nothing)."""
        self._connectivity = lost.rstrip(". ")
        if self._session is not None and self._session.connected and self.account:
            self._up()

    # ---- inside

    async def _connect(self) -> None:
        self._drop()
        self._lost.clear()
        self._connectivity = ""
        session = Session(self._hear, self._on_lost)
        config = self._config
        try:
            accounts = await session.connect(config.host, config.port, config.client_id, config.account, CONNECT_S)
            self.account = account_of(config, accounts)
            session.number_above(self.numbers.newest)
        except BaseException:
            session.disconnect()
            raise
        self._session = session
        self._heard = self._wall()

    def _drop(self) -> None:
        if self._session is not None:
            self._session.disconnect()
            self._session = None

    def _up(self) -> None:
        if self._connectivity:
            why = f"TWS has lost IB's servers ({self._connectivity})"
            if reset_until(self._wall(), self._config.region):
                self._tell(away(why, self._wall(), self._heard, self._config.region))
            else:
                self._tell(Away(LinkState.DEGRADED, f"{why}; it comes back by itself"))
        else:
            self._tell(Away(LinkState.UP, ""))

    def _away(self, error: ConnectionError) -> Away:
        return away(str(error), self._wall(), self._heard, self._config.region, mute=isinstance(error, Mute))

    def _tell(self, told: Away) -> None:
        """A link that is up once more is news each time, one that is still down is none."""
        if told.state is not self._told or told.state is LinkState.UP:
            self._told = told.state
            self._changed(told.state, told.reason)

    def _on_lost(self, why: str) -> None:
        self._why = why
        self._lost.set()

    async def _keep(self) -> None:
        while True:
            await self._listen()
            self._drop()
            self._tell(self._away(ConnectionError(self._why)))
            try:
                await self._come_back()
            except (BrokerError, ClientBusy) as error:
                self._tell(Away(LinkState.FATAL, self._busy() if isinstance(error, ClientBusy) else str(error)))
                return
            self._up()

    async def _listen(self) -> None:
        """Until the link is dead."""
        while not self._lost.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._lost.wait()
                    return
            try:
                async with asyncio.timeout(ANSWER_S):
                    self._compare_clocks(await self.session.time())
                self._heard = self._wall()
                self._attempt = 0
                self._alive()
                if self._connectivity:
                    self._up()  # how that is called changes with the hour
            except (TimeoutError, ConnectionError, RequestFailed):
                self._on_lost(self._why if self._lost.is_set() else f"TWS did not answer within {ANSWER_S:g} s")

    async def _come_back(self) -> None:
        """Connects again, however long that takes. Raises BrokerError or ClientBusy where it makes no sense any more."""
        busy = 0
        while True:
            await asyncio.sleep(pause_s(self._attempt))
            self._attempt += 1
            try:
                await self._connect()
            except ClientBusy:
                busy += 1
                if busy >= BUSY_TRIES:
                    raise
            except ConnectionError as error:
                self._why = str(error)
                self._tell(self._away(error))
            else:
                return

    def _busy(self) -> str:
        number = self._config.client_id
        return (
            f"Client id {number} is in use at {self._config.at}: another console or script is connected with it. End that one, or set "
            "IB_CLIENT_ID to another number, and start again; orders of the other id stay where they are."
        )

    def _compare_clocks(self, theirs: float) -> None:
        """TWS tells whole seconds, so a part of one is never held against it."""
        ours = time.time()
        off = max(theirs - ours, ours - theirs - 1)
        if off > MOST_SKEW_S and not self._skewed:
            self._said(f"TWS's clock and this machine's are {off:.0f} s apart: set the clock, times of orders are wrong until then")
        self._skewed = off > MOST_SKEW_S


async def answer(question: Coroutine[Any, Any, Answer]) -> Answer:
    """Raises AmbiguousError where TWS gives none."""
    try:
        return await question
    except RequestFailed as failed:
        raise AmbiguousError(str(failed)) from None
    except TimeoutError:
        raise AmbiguousError("TWS did not answer in time") from None
    except OSError as error:
        raise AmbiguousError(f"the link to TWS broke: {error}") from None


def pause_s(attempt: int) -> float:
    """How long to wait before the link is tried again, after `attempt` that failed. No two consoles keep in step."""
    return AGAIN_S[min(attempt, len(AGAIN_S) - 1)] * random.uniform(0.8, 1.2)
