"""The client library's thread: sends orders and asks TWS; what comes of it is heard beside."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from decimal import Decimal

from msgspec.structs import replace

from engine.brokers.base import STOPPING, AmbiguousError, BrokerEvent, Heard, Paid
from engine.brokers.ib.config import IbConfig
from engine.brokers.ib.contracts import Contracts, NotTraded, is_followed
from engine.brokers.ib.facts import CURRENCY, CashTold, Contract
from engine.brokers.ib.hearing import Hearing
from engine.brokers.ib.ledger import Entry, Ledger
from engine.brokers.ib.library import FOR_CANCELS_S, FOR_THE_STOP_S, Session, capture_logs
from engine.brokers.ib.link import Link, answer
from engine.brokers.ib.orders import rewritten, symbol_of, written
from engine.model.inputs import BrokerOrder, BrokerSnapshot, OrderUpdate
from engine.model.modes import Level
from engine.model.money import ZERO
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, Terms

FIRST_WORD_S = 8.0
"""How long TWS may take to say a first word of an order; the engine waits a little longer."""
CANCELLED_S = 4.0
"""The same of a cancel."""
MANY = 20
"""Orders to cancel for which it is asked whether they are all that there are."""
LISTED_S = 0.5
"""How long cancels wait for that, and for what one message for all of them does."""


class Client:
    """Every method but the constructor is called in its own thread. `tell` may be called from there."""

    def __init__(
        self, config: IbConfig, tell: Callable[[BrokerEvent | Heard], None], paid: Mapping[str, Sequence[Paid]], wall: Callable[[], int]
    ) -> None:
        self._config = config
        hearing = self._hearing = Hearing(
            config.client_id, tell, lambda: self._link.session, lambda lost: self._link.connectivity(lost), Ledger(paid)
        )
        self._link = Link(
            config, hearing.hear, hearing.changed, lambda words: hearing.note(Level.WARNING, words), lambda: hearing.tell(Heard()), wall
        )
        self._contracts = Contracts(self._session, lambda: self._link.account)
        self._preparing: set[str] = set()
        """Orders that wait for their turn to be sent, and those of them that were cancelled before."""
        self._withdrawn: set[str] = set()
        self._cancelling: set[Entry] = set()
        """Those of which each is cancelled by a message of its own now."""
        self._swept = 0
        """How often all were cancelled by one message."""
        self._left_out: set[int] = set()
        self._told_of_others = False
        """Whether it was said that the account is not all in our currency."""
        self._end_logs: Callable[[], None] = lambda: None

    @property
    def account(self) -> str:
        return self._link.account

    # ---- life

    async def open(self) -> None:
        """Raises ConnectionError and BrokerError in words, as `Link.open` does."""
        asyncio.get_running_loop().set_exception_handler(self._hearing.broke)
        self._end_logs = capture_logs()
        await self._link.open()

    async def close(self) -> None:
        self._hearing.end()
        await self._link.close()
        self._end_logs()

    # ---- orders

    async def submit(self, order: Order, oca_group: str = "") -> None:
        if self._hearing.ledger.find(order.id) is not None or order.id in self._preparing:
            return
        self._hearing.known.add(order.id)
        self._preparing.add(order.id)
        try:
            contract = await self._contracts.of(order)
            session = self._session()
            await session.turn()
        except NotTraded as refused:
            self._hearing.tell(OrderUpdate(order.id, OrderEvent.REJECT, reason=str(refused)))
            return
        finally:
            self._preparing.discard(order.id)
        if order.id in self._withdrawn:
            self._hearing.tell(OrderUpdate(order.id, OrderEvent.CANCEL, reason="cancelled before it was sent"))
            return
        session = self._session()
        number = self._link.numbers.use(session.next_id())
        fields = written(order, self._link.account, oca_group or self._group(order))
        entry = self._hearing.ledger.sent(order.id, self._config.client_id, number, fields, contract)
        session.place(number, contract, fields)
        heard = lambda: bool(entry.status or entry.rejected or entry.objection)  # noqa: E731
        await self._hearing.until(heard, FIRST_WORD_S, f"TWS said nothing of #{order.number}")

    def _group(self, order: Order) -> str:
        """The group of the order that works and shares with `order` what there is to close, so that TWS ends one for the other."""
        if not order.oco:
            return ""
        working = [
            entry.fields.oca_group for entry in self._hearing.ledger if entry.fields is not None and entry.status and not entry.ended
        ]
        return next((name for name in reversed(working) if name.startswith(f"{order.oco}/")), f"{order.oco}/{order.number}")

    async def submit_group(self, orders: Sequence[Order]) -> None:
        """A name is never used twice: TWS takes no order more into a group that traded."""
        group = f"{orders[0].oco}/{orders[0].number}"
        results = await asyncio.gather(*(self.submit(order, group) for order in orders), return_exceptions=True)
        for order, result in zip(orders, results, strict=True):
            if isinstance(result, BaseException):
                if not isinstance(result, AmbiguousError) or all(isinstance(each, BaseException) for each in results):
                    raise result
                self._hearing.tell(OrderUpdate(order.id, OrderEvent.LOSE, reason=str(result)))

    async def replace(self, order: Order, terms: Terms) -> None:
        entry = (await self._entries([order])).get(order.id)
        if entry is None or entry.fields is None or entry.contract is None:
            raise AmbiguousError(f"TWS has not told of #{order.number}")
        if entry.ended or not self._is_mine(entry):
            why = "it has ended" if entry.ended else f"it belongs to {_whose(entry)}, which alone can modify it"
            self._hearing.retell(entry, OrderEvent.REFUSE_REPLACE, why)
            return
        await self._session().turn()
        session = self._session()
        fields = rewritten(order, terms, self._link.account, entry.fields.oca_group)
        entry.asks(fields)
        session.place(entry.order_id, entry.contract, fields)
        await self._hearing.until(
            lambda: entry.asked is not fields or entry.ended, FIRST_WORD_S, f"TWS said nothing of the new terms of #{order.number}"
        )

    async def cancel(self, orders: Sequence[Order]) -> None:
        self._withdrawn.update(order.id for order in orders if order.id in self._preparing)
        sent = [order for order in orders if order.id not in self._preparing]
        entries = await self._entries(sent, 0 if STOPPING.get() else FOR_THE_STOP_S)
        working: list[Entry] = []
        for entry in entries.values():
            if entry.ended:
                self._hearing.retell(entry)
            else:
                entry.objection = ""
                working.append(entry)
        theirs = [entry for entry in working if not self._is_mine(entry)]
        everything = self._cancelling.union(working)
        if (theirs or len(everything) >= MANY) and await self._cancel_everything(everything):
            working = [entry for entry in working if not entry.ended and entry.status != "PendingCancel"]
        else:
            for entry in theirs:
                why = f"it belongs to {_whose(entry)}, and other orders work beside it: cancel it there, or everything by the stop"
                self._hearing.retell(entry, OrderEvent.REFUSE_CANCEL, why)
        asked = [entry for entry in working if self._is_mine(entry)]
        await self._cancel_each(asked)
        answered = lambda: all(e.ended or e.status == "PendingCancel" or not e.cancel_asked for e in asked)  # noqa: E731
        await self._hearing.until(answered, CANCELLED_S, "TWS said nothing of the cancel")
        if unseen := [f"#{order.number}" for order in sent if order.id not in entries]:
            raise AmbiguousError(f"TWS has not told of {', '.join(unseen)}")

    async def _cancel_each(self, entries: Sequence[Entry]) -> None:
        """By a message for each. One for all of them, as the stop's, may overtake these.

        TWS alone bounds how fast they go, at 50 messages a second: a hundred, as where the stop spares what protects and the one message
        for all would end that too, take three windows of `MESSAGES_S`, so 2.6 s. Answers are waited for behind the last of them.
        """
        swept = self._swept
        self._cancelling.update(entries)
        try:
            for entry in entries:
                await self._session().turn(FOR_THE_STOP_S)
                if not (entry.ended or (entry.status == "PendingCancel" and self._swept > swept)):
                    entry.cancel_asked = True
                    self._session().cancel(entry.order_id)
        finally:
            self._cancelling.difference_update(entries)

    async def _cancel_everything(self, wanted: Set[Entry]) -> bool:
        """Ends all orders of the account by one message, where all of them are `wanted`, and waits a moment for their ends. Whether it did.

        TWS lets a client cancel its own orders alone, one message for each, and takes no more than so many of these a second.
        """
        leaves = 0 if STOPPING.get() else FOR_THE_STOP_S
        known = {entry.id for entry in self._hearing.ledger}
        listing = asyncio.ensure_future(answer(self._session().open_orders(leaves)))
        # Cancels do not wait for an answer that is late.
        await asyncio.wait((listing,), timeout=LISTED_S)
        if not listing.done() or listing.exception() is not None:
            listing.cancel()
            return False
        if not listing.result() <= {entry.perm_id for entry in wanted}:
            return False
        await self._session().turn(leaves)
        newer = [entry for entry in self._hearing.ledger if entry.id not in known and not entry.ended and entry not in wanted]
        if newer or self._preparing - self._withdrawn:
            # What was sent meanwhile, as an exit for a fill, is not meant.
            return False
        for entry in wanted:
            entry.cancel_asked = True
        self._swept += 1
        self._session().cancel_everything()
        done = lambda: all(e.ended or e.status == "PendingCancel" for e in wanted if self._is_mine(e))  # noqa: E731
        with contextlib.suppress(AmbiguousError):
            await self._hearing.until(done, LISTED_S, "TWS did not end all of them")
        await self._ends_of([entry for entry in wanted if not self._is_mine(entry)])
        return True

    async def _ends_of(self, theirs: Sequence[Entry]) -> None:
        """News of other clients' orders do not come by themselves."""
        if not theirs:
            return
        for _ in range(20):
            if not await answer(self._session().open_orders()) & {entry.perm_id for entry in theirs}:
                break
            await asyncio.sleep(0.1)
        await answer(self._session().completed_orders())
        for entry in theirs:
            self._hearing.retell(entry)

    # ---- questions

    async def find(self, order_id: str) -> OrderUpdate | None:
        self._hearing.known.add(order_id)
        session = self._session()
        listed = await answer(session.open_orders())
        await answer(session.executions())
        entry = self._hearing.ledger.find(order_id)
        if entry is None or not (entry.ended or entry.perm_id in listed):
            await answer(session.completed_orders())
            entry = self._hearing.ledger.find(order_id)
        if entry is None or not (entry.status or entry.executions or entry.rejected):
            if entry is not None and entry.objection:
                return OrderUpdate(order_id, OrderEvent.REJECT, reason=entry.objection)
            return None
        if not (entry.ended or entry.perm_id in listed):
            raise AmbiguousError(
                f"TWS lists it neither among the open orders nor among today's ended ones, and had it {entry.status or 'filling'}"
            )
        update = entry.update()
        if update is None:
            raise AmbiguousError(f"TWS has it with a status nobody knows ({entry.status or 'none'})")
        return update if entry.ended else replace(update, terms=entry.terms)

    async def snapshot(self, order_ids: Sequence[str]) -> BrokerSnapshot:
        session = self._session()
        held = await answer(session.positions())
        cash = self._dollars(await answer(session.cash(self._link.account)))
        open_ids = await answer(session.open_orders())
        await answer(session.executions())
        wanted = [self._hearing.ledger.find(order_id) for order_id in order_ids]
        if any(entry is None or not (entry.ended or entry.perm_id in open_ids) for entry in wanted):
            await answer(session.completed_orders())
            wanted = [self._hearing.ledger.find(order_id) for order_id in order_ids]
        listed: dict[str, BrokerOrder] = {}
        for entry in (*(entry for entry in self._hearing.ledger if entry.perm_id in open_ids), *wanted):
            row = entry.listed() if entry is not None and (entry.ended or entry.perm_id in open_ids) else None
            if entry is None or entry.fields is None or entry.fields.account not in ("", self._link.account):
                continue  # a log-in may have other accounts beside ours
            if row is None or entry.contract is None:
                continue
            if is_followed(entry.contract):
                listed[row.order_id] = row
            else:
                self._leave_out((entry.contract,))
        self._hearing.known.update(listed)
        followed = await self._contracts.followed(held)
        left_out = {each.contract.con_id for each in held} - {each.contract.con_id for each in followed}
        self._leave_out(
            each.contract for each in held if each.contract.con_id in left_out and each.account == self._link.account and each.quantity
        )
        self._hearing.spawn(self._tell_of_others())
        positions = tuple((symbol_of(each.contract.symbol), each.quantity, each.average) for each in followed)
        return BrokerSnapshot(cash, positions, tuple(listed.values()), fees_awaited=self._hearing.awaits_fees)

    def _dollars(self, told: CashTold) -> Decimal:
        """The cash that the books are about: of what there is beside it a person is told, once. Raises AmbiguousError where TWS told of no
        currency at all."""
        account = self._link.account
        if not told.amounts:
            kept = f", and keeps it in {told.base}" if told.base else ""
            raise AmbiguousError(f"TWS told no cash of {account} in {CURRENCY}{kept}: nothing else is traded here")
        cash = told.amounts.get(CURRENCY, ZERO)
        others = ", ".join(f"{amount:,.2f} {each}" for each, amount in sorted(told.amounts.items()) if each != CURRENCY and amount)
        if (others or told.base not in ("", CURRENCY)) and not self._told_of_others:
            self._told_of_others = True
            kept = f"Account {account} is kept in {told.base or CURRENCY}{f' and has {others}' if others else ''}"
            only = f"its dollars alone, {cash:,.2f} now, are traded, shown and counted by limits here"
            self._hearing.note(Level.WARNING, f"{kept}: {only}; convert at IB what is to be traded with")
        return cash

    def _leave_out(self, contracts: Iterable[Contract]) -> None:
        """Tells, once of each, what of the account is not in the books."""
        for contract in contracts:
            if contract.con_id not in self._left_out:
                self._left_out.add(contract.con_id)
                what = f"{contract.local_symbol} ({contract.kind}, {contract.currency})"
                beside = " beside another stock of that name" if is_followed(contract) else ""
                self._hearing.note(Level.WARNING, f"{what}{beside} at IB is not followed here: not in the books, nor in a flatten")

    async def _tell_of_others(self) -> None:
        with contextlib.suppress(AmbiguousError):
            for words in await self._contracts.others():
                self._hearing.note(Level.WARNING, words)

    async def _entries(self, orders: Sequence[Order], leaves: int = FOR_CANCELS_S) -> dict[str, Entry]:
        """What TWS told of `orders`; it is asked where we have not heard of one, as after a restart. Those it has not told of are left
        out."""
        ledger, session = self._hearing.ledger, self._session()
        ids = [order.id for order in orders]
        self._hearing.known.update(ids)
        questions = (session.open_orders, session.executions, session.completed_orders)
        for question in questions:
            if all(ledger.find(order_id) is not None for order_id in ids):
                break
            await answer(question(leaves))
        return {order_id: entry for order_id in ids if (entry := ledger.find(order_id)) is not None}

    def _is_mine(self, entry: Entry) -> bool:
        return entry.client_id == self._config.client_id and entry.order_id > 0

    # ---- the link

    def _session(self) -> Session:
        """Raises AmbiguousError where there is no link."""
        try:
            return self._link.session
        except ConnectionError as error:
            raise AmbiguousError(str(error)) from None


def _whose(entry: Entry) -> str:
    return f"client {entry.client_id}" if entry.order_id > 0 else "TWS itself"
