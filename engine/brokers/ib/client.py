"""The client library's thread: sends orders, hears what comes of them, and asks wherever a message alone proves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from msgspec.structs import replace

from engine.brokers.base import AmbiguousError, BrokerEvent
from engine.brokers.ib import codes
from engine.brokers.ib.config import IbConfig
from engine.brokers.ib.facts import (
    Contract,
    ErrorTold,
    ExecutionTold,
    Fact,
    FeeTold,
    NotUnderstood,
    OrderTold,
    RequestFailed,
    StatusTold,
)
from engine.brokers.ib.ledger import Entry, Ledger
from engine.brokers.ib.library import Session, capture_logs
from engine.brokers.ib.link import Link
from engine.brokers.ib.orders import rewritten, same_but_for_the_trailed_stop, symbol_of, symbol_there, written
from engine.model.inputs import BrokerOrder, BrokerSnapshot, LinkChanged, Note, OrderUpdate
from engine.model.modes import Level, LinkState
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, Terms

NAME = "ib"
CURRENCY = "USD"
FIRST_WORD_S = 8.0
"""How long TWS may take to say a first word of an order; the engine waits a little longer."""
CANCELLED_S = 4.0
"""The same of a cancel."""


class Client:
    """Every method but the constructor is called in its own thread. `tell` may be called from there."""

    def __init__(self, config: IbConfig, tell: Callable[[BrokerEvent], None]) -> None:
        self._config = config
        self._tell = tell
        self._ledger = Ledger()
        self._link = Link(config, self._hear, self._changed, lambda words: self._note(Level.WARNING, words))
        self._contracts: dict[str, Contract] = {}
        self._known: set[str] = set()
        """The orders that the engine knows of: of others nothing is told before a snapshot listed them."""
        self._preparing: set[str] = set()
        self._withdrawn: set[str] = set()
        self._left_out: set[str] = set()
        self._stirred = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._end_logs: Callable[[], None] = lambda: None

    # ---- life

    async def open(self) -> None:
        asyncio.get_running_loop().set_exception_handler(self._broke)
        self._end_logs = capture_logs(self._hear)
        await self._link.open()

    async def close(self) -> None:
        self._tell = _nobody
        for task in self._tasks:
            task.cancel()
        await self._link.close()
        self._end_logs()

    # ---- orders

    async def submit(self, order: Order, oca_group: str = "") -> None:
        if self._ledger.find(order.id) is not None:
            return
        self._known.add(order.id)
        contract = await self._contract(order)
        if contract is None:
            return
        session = self._session()
        number = session.next_id()
        fields = written(order, self._link.account, oca_group)
        entry = self._ledger.sent(order.id, self._config.client_id, number, fields, contract)
        session.place(number, contract, fields)
        await self._until(
            lambda: bool(entry.status or entry.rejected or entry.objection), FIRST_WORD_S, f"TWS said nothing of #{order.number}"
        )

    async def submit_group(self, orders: Sequence[Order]) -> None:
        """A name is never used twice: TWS takes no order more into a group that traded."""
        group = f"{orders[0].oco}/{orders[0].number}"
        results = await asyncio.gather(*(self.submit(order, group) for order in orders), return_exceptions=True)
        for order, result in zip(orders, results, strict=True):
            if isinstance(result, BaseException):
                if not isinstance(result, AmbiguousError) or all(isinstance(each, BaseException) for each in results):
                    raise result
                self._tell(OrderUpdate(order.id, OrderEvent.LOSE, reason=str(result)))

    async def replace(self, order: Order, terms: Terms) -> None:
        entry = await self._entry(order)
        if entry is None or entry.fields is None or entry.contract is None:
            raise AmbiguousError(f"TWS has not told of #{order.number}")
        if entry.ended or not self._is_mine(entry):
            why = "it has ended" if entry.ended else f"it belongs to {_whose(entry)}, which alone can modify it"
            self._retell(entry, OrderEvent.REFUSE_REPLACE, why)
            return
        session = self._session()
        entry.asked, entry.objection = terms, ""
        session.place(entry.order_id, entry.contract, rewritten(order, terms, self._link.account, entry.fields.oca_group))
        await self._until(
            lambda: entry.asked is not terms or entry.ended, FIRST_WORD_S, f"TWS said nothing of the new terms of #{order.number}"
        )

    async def cancel(self, orders: Sequence[Order]) -> None:
        self._withdrawn.update(order.id for order in orders if order.id in self._preparing)
        entries = {order.id: await self._entry(order) for order in orders if order.id not in self._preparing}
        session = self._session()
        asked: list[Entry] = []
        theirs: list[Entry] = []
        for entry in entries.values():
            if entry is None:
                continue
            if entry.ended:
                self._retell(entry)
            elif self._is_mine(entry):
                entry.cancel_asked, entry.objection = True, ""
                session.cancel(entry.order_id)
                asked.append(entry)
            else:
                theirs.append(entry)
        if theirs:
            await self._cancel_theirs(theirs, {entry.perm_id for entry in (*asked, *theirs)})
        answered = lambda: all(e.ended or e.status == "PendingCancel" or not e.cancel_asked for e in asked)  # noqa: E731
        await self._until(answered, CANCELLED_S, "TWS said nothing of the cancel")
        if unseen := [f"#{order.number}" for order in orders if order.id in entries and entries[order.id] is None]:
            raise AmbiguousError(f"TWS has not told of {', '.join(unseen)}")

    async def _cancel_theirs(self, theirs: list[Entry], wanted: set[int]) -> None:
        """TWS lets a client cancel its own orders alone. The global cancel reaches all, so it is used where all are meant."""
        session = self._session()
        if await self._answer(session.open_orders()) <= wanted:
            for entry in theirs:
                entry.cancel_asked = True
            session.cancel_everything()
            for _ in range(20):
                # News of other clients' orders do not come by themselves.
                still = await self._answer(session.open_orders())
                if not still & {entry.perm_id for entry in theirs}:
                    break
                await asyncio.sleep(0.1)
            await self._answer(session.completed_orders())
            for entry in theirs:
                self._retell(entry)
            return
        for entry in theirs:
            why = f"it belongs to {_whose(entry)}, and other orders work beside it: cancel it there, or everything by the stop"
            self._retell(entry, OrderEvent.REFUSE_CANCEL, why)

    # ---- questions

    async def find(self, order_id: str) -> OrderUpdate | None:
        self._known.add(order_id)
        session = self._session()
        listed = await self._answer(session.open_orders())
        await self._answer(session.executions())
        entry = self._ledger.find(order_id)
        if entry is None or not (entry.ended or entry.perm_id in listed):
            await self._answer(session.completed_orders())
            entry = self._ledger.find(order_id)
        if entry is None or not (entry.status or entry.executions or entry.rejected):
            if entry is not None and entry.objection:
                return OrderUpdate(order_id, OrderEvent.REJECT, reason=entry.objection)
            return None
        if not (entry.ended or entry.perm_id in listed):
            raise AmbiguousError(
                f"TWS lists it neither among the open orders nor among today's ended ones, and had it {entry.status or 'filling'}"
            )
        return entry.update()

    async def snapshot(self, order_ids: Sequence[str]) -> BrokerSnapshot:
        session = self._session()
        held = await self._answer(session.positions())
        cash = await self._answer(session.cash(self._link.account, CURRENCY))
        open_ids = await self._answer(session.open_orders())
        await self._answer(session.executions())
        wanted = [self._ledger.find(order_id) for order_id in order_ids]
        if any(entry is None or not (entry.ended or entry.perm_id in open_ids) for entry in wanted):
            await self._answer(session.completed_orders())
            wanted = [self._ledger.find(order_id) for order_id in order_ids]
        listed: dict[str, BrokerOrder] = {}
        for entry in (*(entry for entry in self._ledger if entry.perm_id in open_ids), *wanted):
            row = entry.listed() if entry is not None and (entry.ended or entry.perm_id in open_ids) else None
            if row is not None and self._follows(row.symbol, entry.contract if entry is not None else None):
                listed[row.order_id] = row
        self._known.update(listed)
        positions = tuple(
            (symbol_of(each.contract.symbol), each.quantity, each.average)
            for each in held
            if each.account == self._link.account and each.quantity and self._follows(each.contract.local_symbol, each.contract)
        )
        return BrokerSnapshot(cash, positions, tuple(listed.values()))

    def _follows(self, name: str, contract: Contract | None) -> bool:
        """Whether it is a stock in our currency: others are told once, and are not in the books."""
        if contract is None or (contract.kind == "STK" and contract.currency == CURRENCY):
            return contract is not None
        if name not in self._left_out:
            self._left_out.add(name)
            self._note(
                Level.WARNING,
                f"{name} ({contract.kind}, {contract.currency}) at IB is not followed here: not in the books, nor in a flatten",
            )
        return False

    async def _contract(self, order: Order) -> Contract | None:
        """What is to be traded, or None where it is told that there is no such thing, or that the order was cancelled meanwhile."""
        if order.symbol in self._contracts:
            return self._contracts[order.symbol]
        self._preparing.add(order.id)
        try:
            found = await self._answer(self._session().contracts(symbol_there(order.symbol), CURRENCY))
        finally:
            self._preparing.discard(order.id)
        if order.id in self._withdrawn:
            self._withdrawn.discard(order.id)
            self._tell(OrderUpdate(order.id, OrderEvent.CANCEL, reason="cancelled before it was sent"))
            return None
        if len(found) == 1:
            return self._contracts.setdefault(order.symbol, found[0])
        where = ", ".join(f"{each.symbol} at {each.primary}" for each in found)
        reason = f"IB knows several stocks by that name: {where}" if found else f"No security definition has been found for {order.symbol}"
        self._tell(OrderUpdate(order.id, OrderEvent.REJECT, reason=reason))
        return None

    async def _entry(self, order: Order) -> Entry | None:
        """What TWS told of `order`; it is asked where we have not heard of it, as after a restart."""
        self._known.add(order.id)
        if self._ledger.find(order.id) is None:
            await self._answer(self._session().open_orders())
            await self._answer(self._session().executions())
            if self._ledger.find(order.id) is None:
                await self._answer(self._session().completed_orders())
        return self._ledger.find(order.id)

    def _is_mine(self, entry: Entry) -> bool:
        return entry.client_id == self._config.client_id and entry.order_id > 0

    # ---- what TWS says

    def _hear(self, fact: Fact) -> None:
        match fact:
            case OrderTold():
                self._news(self._ledger.on_order(fact))
            case StatusTold():
                self._news(self._ledger.on_status(fact))
            case ExecutionTold():
                self._news(self._ledger.on_execution(fact))
            case FeeTold():
                entry = self._ledger.on_fee(fact)
                if entry is not None:
                    self._news(entry)
            case ErrorTold():
                self._on_error(fact)
            case NotUnderstood():
                self._note(Level.ERROR, f"A message of TWS was not understood, the account is compared: {fact.words}")
                self._compare()
        self._stir()

    def _news(self, entry: Entry) -> None:
        """Tells the engine what is new."""
        if entry.id not in self._known or not entry.status:
            return
        if entry.asked is not None and entry.terms is not None and same_but_for_the_trailed_stop(entry.terms, entry.asked):
            entry.asked = None
            self._retell(entry, OrderEvent.REPLACE)
            return
        update = entry.update()
        if update is None:
            if entry.last_told is not None and entry.last_told.reason == entry.status:
                return
            entry.last_told = OrderUpdate(entry.id, OrderEvent.ACCEPT, reason=entry.status)
            self._note(Level.WARNING, f"TWS tells a status nobody knows ({entry.status}): the account is compared")
            self._compare()
        elif update != entry.last_told:
            entry.last_told = update
            self._tell(update)
        if entry.misses_executions:
            self._spawn(self._fetch_executions())

    def _retell(self, entry: Entry, event: OrderEvent | None = None, reason: str = "") -> None:
        update = entry.update(event, reason)
        if update is not None:
            if event in (OrderEvent.REFUSE_REPLACE, OrderEvent.REPLACE):
                update = _with_terms(update, entry.terms)
            self._tell(update)
            entry.last_told = entry.update()

    def _on_error(self, told: ErrorTold) -> None:
        code = told.code
        entry = self._ledger.by_number(self._config.client_id, told.request) if told.request > 0 else None
        if code in codes.CONNECTIVITY_LOST:
            self._link.connectivity(told.words)
        elif code in codes.CONNECTIVITY_RESTORED:
            self._link.connectivity("")
        elif entry is not None:
            self._on_order_error(entry, told)
        elif told.request < 0 and not codes.is_warning(code) and code != codes.CLIENT_ID_IN_USE:
            self._note(Level.WARNING, codes.for_a_person(code) or f"{told.words} (code {code})")

    def _on_order_error(self, entry: Entry, told: ErrorTold) -> None:
        if told.code in codes.SAID_BESIDE or codes.is_warning(told.code):
            entry.cancelled_there = entry.cancelled_there or told.code == 202
            if told.code != 202:
                self._note(Level.WARNING, f"{entry.id}: {told.words}")
        elif not entry.status and told.code in codes.REJECTS:
            entry.rejected = entry.status = told.words
            self._news(entry)
        else:
            entry.objection = told.words or f"code {told.code}"
            self._spawn(self._verify(entry, told.code))

    async def _verify(self, entry: Entry, code: int) -> None:
        """TWS objected to an order, or to what was asked of it: its own lists say what came of it. The library would have it Cancelled."""
        words = entry.objection
        try:
            session = self._link.session
            listed = await session.open_orders()
            await session.executions()
            if entry.perm_id not in listed and not entry.ended:
                await session.completed_orders()
        except (OSError, TimeoutError, RequestFailed) as error:
            self._tell(OrderUpdate(entry.id, OrderEvent.LOSE, reason=f"{words}; and what became of it is not known: {error}"))
            return
        if entry.perm_id and entry.perm_id in listed:
            self._still_works(entry, words)
        elif entry.ended:
            entry.asked, entry.cancel_asked = None, False
            self._retell(entry)
        elif entry.status and code in codes.REJECTS and entry.asked is None and not entry.cancel_asked and not entry.figures()[0]:
            entry.rejected = words
            self._news(entry)
        else:
            self._tell(OrderUpdate(entry.id, OrderEvent.LOSE, reason=words))
        self._stir()

    def _still_works(self, entry: Entry, words: str) -> None:
        if entry.asked is not None:
            entry.asked = None
            self._retell(entry, OrderEvent.REFUSE_REPLACE, words)
        elif entry.cancel_asked:
            entry.cancel_asked = False
            self._retell(entry, OrderEvent.REFUSE_CANCEL, words)
        else:
            self._note(Level.WARNING, f"{entry.id} works, and TWS says of it: {words}")
            self._news(entry)

    async def _fetch_executions(self) -> None:
        try:
            await self._link.session.executions()
        except (OSError, TimeoutError, RequestFailed):
            return  # a link that is dead is told as such, and compared when it is back

    # ---- the link

    def _changed(self, state: LinkState, reason: str) -> None:
        if state is not LinkState.UP:
            self._stir()
        self._tell(LinkChanged(NAME, state, reason))

    def _compare(self) -> None:
        """Has the engine compare orders and positions."""
        self._tell(LinkChanged(NAME, LinkState.UP))

    def _session(self) -> Session:
        """Raises AmbiguousError where there is no link."""
        try:
            return self._link.session
        except ConnectionError as error:
            raise AmbiguousError(str(error)) from None

    async def _answer(self, question: Coroutine[Any, Any, Any]) -> Any:
        """Raises AmbiguousError where TWS gives none."""
        try:
            return await question
        except RequestFailed as failed:
            raise AmbiguousError(str(failed)) from None
        except TimeoutError:
            raise AmbiguousError("TWS did not answer in time") from None
        except OSError as error:
            raise AmbiguousError(f"the link to TWS broke: {error}") from None

    async def _until(self, condition: Callable[[], bool], within_s: float, words: str) -> None:
        """Raises AmbiguousError, with `words`, where it does not come to pass, or the link breaks before."""
        session = self._session()
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

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note(self, level: Level, words: str) -> None:
        self._tell(Note(level, NAME, words))

    def _broke(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio would print across the screen."""
        self._note(
            Level.ERROR, f"A part of the link to TWS broke, the account is compared: {context.get('exception') or context['message']}"
        )
        self._compare()


def _whose(entry: Entry) -> str:
    return f"client {entry.client_id}" if entry.order_id > 0 else "TWS itself"


def _with_terms(update: OrderUpdate, terms: Terms | None) -> OrderUpdate:
    return replace(update, terms=terms)


def _nobody(event: BrokerEvent) -> None:
    """After the end nobody is told."""
