"""What TWS says, told on to the engine: news as they come, and where a message alone proves nothing, what TWS's own lists say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec.structs import replace

from engine.brokers.base import AmbiguousError, BrokerEvent, Heard
from engine.brokers.ib import codes
from engine.brokers.ib.facts import CURRENCY, ErrorTold, ExecutionTold, Fact, FeeTold, NotUnderstood, OrderTold, RequestFailed, StatusTold
from engine.brokers.ib.ledger import Entry, Ledger
from engine.brokers.ib.library import Session
from engine.brokers.ib.orders import same_but_for_the_trailed_stop, terms_of
from engine.model.inputs import LinkChanged, Note, OrderUpdate
from engine.model.modes import Level, LinkState
from engine.model.order_states import OrderEvent

NAME = "ib"
FEE_S = 600.0
"""How long a fee may take to be told: until then cash that is off proves nothing, and after that it is money that came in or went out."""
COMPARE_S = 1.0
"""How long the account waits to be compared for messages that were not understood, so that it is not for each."""


class Hearing:
    """Lives in the client library's thread. `session` answers the link that there is, or raises ConnectionError; `connectivity` is told
    when TWS lost IB (why), and when it has it back (nothing)."""

    def __init__(
        self,
        client_id: int,
        tell: Callable[[BrokerEvent | Heard], None],
        session: Callable[[], Session],
        connectivity: Callable[[str], None],
        ledger: Ledger,
    ) -> None:
        self.ledger = ledger
        self.known: set[str] = set()
        """The orders that the engine knows of: of others nothing is told before a snapshot listed them."""
        self.tell = tell
        self._client_id = client_id
        self._session = session
        self._connectivity = connectivity
        self._foreign: set[str] = set()
        """Executions of which it was said that their fee is in another currency."""
        self._unpaid: dict[str, float] = {}
        """Executions whose fee was not told, and since when."""
        self._unread: set[str] = set()
        """Of what kinds there were messages that were not understood."""
        self._is_due = False
        """Whether the account is to be compared for one in a moment."""
        self._state = LinkState.DOWN
        self._stirred = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def end(self) -> None:
        """From now on nothing is told."""
        self.tell = _nobody
        for task in self._tasks:
            task.cancel()

    # ---- facts

    def hear(self, fact: Fact) -> None:
        match fact:
            case OrderTold():
                self._news(self.ledger.on_order(fact))
            case StatusTold():
                self._news(self.ledger.on_status(fact))
            case ExecutionTold():
                entry = self.ledger.on_execution(fact)
                if not (entry.has_fee(fact) or fact.exec_id in self._foreign):
                    self._unpaid.setdefault(fact.exec_id, asyncio.get_running_loop().time())
                self._news(entry)
            case FeeTold() if fact.currency not in ("", CURRENCY):
                self._on_foreign_fee(fact)
            case FeeTold():
                self._unpaid.pop(fact.exec_id, None)
                if (paid := self.ledger.on_fee(fact)) is not None:
                    self._news(paid)
            case ErrorTold():
                self._on_error(fact)
            case NotUnderstood():
                self._on_not_understood(fact)
        self._stir()

    def _news(self, entry: Entry) -> None:
        """Tells the engine what is new."""
        if entry.id not in self.known or not entry.status:
            return
        if entry.asked is not None and entry.terms is not None and same_but_for_the_trailed_stop(entry.terms, terms_of(entry.asked)):
            entry.asked = None
            self.retell(entry, OrderEvent.REPLACE)
            return
        update = entry.update()
        if update is None:
            if entry.last_told is not None and entry.last_told.reason == entry.status:
                return
            entry.last_told = OrderUpdate(entry.id, OrderEvent.ACCEPT, reason=entry.status)
            self.note(Level.WARNING, f"TWS tells a status nobody knows ({entry.status}): the account is compared")
            self._compare()
        elif update != entry.last_told:
            entry.last_told = update
            self.tell(update)
        if entry.misses_executions and entry.fetched_for != entry.told_filled:
            # Once for each count: what TWS has forgotten, as what filled on an earlier day, it does not tell by being asked again.
            entry.fetched_for = entry.told_filled
            self.spawn(self._fetch_executions())

    def retell(self, entry: Entry, event: OrderEvent | None = None, reason: str = "") -> None:
        update = entry.update(event, reason)
        if update is not None:
            if event in (OrderEvent.REFUSE_REPLACE, OrderEvent.REPLACE):
                update = replace(update, terms=entry.terms)
            self.tell(update)
            entry.last_told = entry.update()

    def _on_not_understood(self, told: NotUnderstood) -> None:
        """Said once of each kind, for where one makes no sense there may be one with each fill. The account is compared, unless an answer
        of TWS's is waited for just now: else answers alone would have it compared without end."""
        if told.kind not in self._unread:
            self._unread.add(told.kind)
            self.note(Level.ERROR, f"A message of TWS was not understood, the account is compared; more like it are not told: {told.words}")
        if not (told.asked or self._is_due):
            self._is_due = True
            asyncio.get_running_loop().call_later(COMPARE_S, self._compare_again)

    def _compare_again(self) -> None:
        self._is_due = False
        self._compare()

    @property
    def awaits_fees(self) -> bool:
        """Whether what an execution cost is still to come: the account's cash may count it already."""
        now = asyncio.get_running_loop().time()
        return any(now - since < FEE_S for since in self._unpaid.values())

    def _on_foreign_fee(self, told: FeeTold) -> None:
        self._unpaid.pop(told.exec_id, None)
        if told.exec_id not in self._foreign:
            self._foreign.add(told.exec_id)
            self.note(Level.WARNING, f"IB took a fee of {told.fee:f} {told.currency}: it is not in the books, which are in {CURRENCY}")

    def _on_error(self, told: ErrorTold) -> None:
        code = told.code
        entry = self.ledger.by_number(self._client_id, told.request) if told.request > 0 else None
        if code in codes.CONNECTIVITY_LOST:
            self._connectivity(told.words or f"code {code}")
        elif code in codes.CONNECTIVITY_RESTORED:
            self._connectivity("")
        elif entry is not None:
            self._on_order_error(entry, told)
        elif told.request < 0 and not codes.is_warning(code) and code != codes.CLIENT_ID_IN_USE:
            self.note(Level.WARNING, codes.for_a_person(code) or f"{told.words} (code {code})")

    def _on_order_error(self, entry: Entry, told: ErrorTold) -> None:
        if told.code in codes.SAID_BESIDE or codes.is_warning(told.code):
            entry.cancelled_there = entry.cancelled_there or told.code == 202
            if told.code != 202:
                self.note(Level.WARNING, f"{entry.id}: {told.words}")
        elif entry.ended and told.code in codes.ENDED_BEFORE:
            pass  # it was asked to end twice
        elif not entry.status and told.code in codes.REJECTS:
            entry.rejected = entry.status = told.words
            self._news(entry)
        else:
            entry.objection = told.words or f"code {told.code}"
            self.spawn(self._verify(entry, told.code))

    async def _verify(self, entry: Entry, code: int) -> None:
        """TWS objected to an order, or to what was asked of it: its own lists say what came of it. The library would have it Cancelled."""
        words = entry.objection
        try:
            session = self._session()
            listed = await session.open_orders()
            await session.executions()
            if entry.perm_id not in listed and not entry.ended:
                await session.completed_orders()
        except (OSError, TimeoutError, RequestFailed) as error:
            self.tell(OrderUpdate(entry.id, OrderEvent.LOSE, reason=f"{words}; and what became of it is not known: {error}"))
            return
        if entry.perm_id and entry.perm_id in listed:
            self._still_works(entry, words)
        elif entry.ended:
            entry.asked, entry.cancel_asked = None, False
            self.retell(entry)
        elif entry.status and code in codes.REJECTS and entry.asked is None and not entry.cancel_asked and not entry.figures()[0]:
            entry.rejected = words
            self._news(entry)
        else:
            self.tell(OrderUpdate(entry.id, OrderEvent.LOSE, reason=words))
        self._stir()

    def _still_works(self, entry: Entry, words: str) -> None:
        if entry.asked is not None:
            entry.asked = None
            self.retell(entry, OrderEvent.REFUSE_REPLACE, words)
        elif entry.cancel_asked:
            entry.cancel_asked = False
            self.retell(entry, OrderEvent.REFUSE_CANCEL, words)
        else:
            self.note(Level.WARNING, f"{entry.id} works, and TWS says of it: {words}")
            self._news(entry)

    async def _fetch_executions(self) -> None:
        try:
            await self._session().executions()
        except (OSError, TimeoutError, RequestFailed):
            return  # a link that is dead is told as such, and compared when it is back

    # ---- the link

    def changed(self, state: LinkState, reason: str) -> None:
        self._state = state
        self._stir()
        self.tell(LinkChanged(NAME, state, reason))

    def _compare(self) -> None:
        """Has the engine compare orders and positions; a link that is not up is compared when it is."""
        if self._state is LinkState.UP:
            self.tell(LinkChanged(NAME, LinkState.UP))

    # ---- waiting

    async def until(self, condition: Callable[[], bool], within_s: float, words: str) -> None:
        """Raises AmbiguousError, with `words`, where it does not come to pass, or the link breaks before."""
        try:
            session = self._session()
        except ConnectionError as error:
            raise AmbiguousError(str(error)) from None
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    if not session.connected:
                        raise AmbiguousError("the link to TWS broke before it answered")
                    self._stirred.clear()
                    await self._stirred.wait()
        except TimeoutError:
            raise AmbiguousError(f"{words} within {within_s:g} s") from None

    def _stir(self) -> None:
        self._stirred.set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def note(self, level: Level, words: str) -> None:
        self.tell(Note(level, NAME, words))

    def broke(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio would print across the screen."""
        self.note(
            Level.ERROR, f"A part of the link to TWS broke, the account is compared: {context.get('exception') or context['message']}"
        )
        self._compare()


def _nobody(event: BrokerEvent | Heard) -> None:
    """After the end nobody is told."""
