"""The Alpaca broker: what the engine asks goes out by REST, and what became of it is told from whatever source says it first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from msgspec.structs import replace

from engine.brokers.alpaca import ids
from engine.brokers.alpaca.budget import Budget
from engine.brokers.alpaca.cancels import Cancels
from engine.brokers.alpaca.link import Link
from engine.brokers.alpaca.questions import Questions
from engine.brokers.alpaca.rest import RefusedError, Rest, be_patient
from engine.brokers.alpaca.stream import TradeUpdates, streams
from engine.brokers.alpaca.tickets import Executions, Ticket, Tickets
from engine.brokers.alpaca.timings import Timings
from engine.brokers.alpaca.watch import Watch
from engine.brokers.alpaca.words import FRACTION, Fields, Raw, Seen, amount, group_fields, order_fields, replace_fields, seen
from engine.brokers.base import STOPPING, AmbiguousError, BrokerError, BrokerEvent, Heard
from engine.model.capabilities import Capabilities
from engine.model.inputs import AssetTold, BrokerSnapshot, LinkChanged, Note, OrderUpdate
from engine.model.modes import Level, LinkState
from engine.model.order_states import OrderEvent
from engine.model.orders import Order, OrderType, Source, Terms

_CORRECTIONS = frozenset({"trade_bust", "trade_correct"})


class AlpacaBroker:
    """One account. `url` leads to another server than Alpaca's own, for tests; `account` is the number that the account must have, where
    one is given."""

    name = "alpaca"
    capabilities = Capabilities(
        extended_hours=True,
        fraction=FRACTION,
        oco=True,
        oco_types=frozenset({OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT}),
        oco_resize=False,
        cancels_at_once=10_000,
        cash=True,
    )

    def __init__(
        self, key: str, secret: str, *, paper: bool = True, url: str = "", account: str = "", timings: Timings | None = None
    ) -> None:
        self._timings = timings or Timings()
        self.settle_s = self._timings.settle_s
        self._kind = "paper" if paper else "live"
        self._account = account
        self.account = ""
        self._paper = paper
        self._tell: Callable[[BrokerEvent | Heard], None] = _nobody
        self._tasks: set[asyncio.Task[None]] = set()
        stream_url = f"ws{url.removeprefix('http')}/stream" if url else ""
        # Of the account, and not of a link: what went out before a link was made anew counts there all the same.
        budget = Budget(self._timings.requests_a_minute, self._timings.kept_for_the_stop)
        self._make_rest: Callable[[], Rest] = lambda: Rest(key, secret, paper=paper, url=url, timings=self._timings, budget=budget)
        self._make_stream = streams(key, secret, paper=paper, url=stream_url, timings=self._timings)
        self._stream_settled = asyncio.Event()
        """Set once the stream is there, or never will be."""
        self._begin()

    def _begin(self) -> None:
        self._closing = 0
        """Orders of a flatten that are on their way."""
        self._tickets = Tickets()
        self._link = Link(self.name, self._kind, self._say)
        self._rest = self._make_rest()
        self._questions = Questions(self._rest, self._tickets, self._link)
        self._cancels = Cancels(self._rest, self._questions, self._tickets, self._link, self._timings, tell=self._tell_of)
        self._stream = TradeUpdates(self._make_stream, self._on_update, self._on_stream, self._is_key_wrong, self._timings, self._beat)
        self._watch = Watch(self._questions, self._tickets, self._link, self._stream, self._timings, tell=self._tell_of, note=self._note)

    # ---- the link

    async def connect(self, tell: Callable[[BrokerEvent | Heard], None]) -> None:
        self._begin()
        self._tell = tell
        await self._rest.load()
        try:
            try:
                told = await self._questions.account()
            except RefusedError:
                await asyncio.sleep(self._timings.poll_down_s)
                told = await self._questions.account()
            await self._check_account(told)
        except RefusedError as no:
            raise BrokerError(self._link.fatal or str(no)) from None
        except AmbiguousError as error:
            raise ConnectionError(str(error)) from None
        self._stream_settled = asyncio.Event()
        self._spawn(self._stream.run())
        try:
            async with asyncio.timeout(self._timings.stream_s):
                await self._stream_settled.wait()
        except TimeoutError:
            raise ConnectionError("the stream of trade updates does not come up") from None
        if self._link.fatal:
            raise BrokerError(self._link.fatal)
        self._spawn(self._watch.run())

    async def _check_account(self, told: Raw) -> None:
        self.account = number = str(told.get("account_number") or "")
        if self._account and number != self._account:
            raise BrokerError(
                f"The key is for account {number}, not for {self._account} as it was asked for: nothing is started. "
                f"Quit, and start again with {number}, or with the key of {self._account}."
            )
        if number and number.startswith("PA") is not self._paper:
            kind = "paper" if number.startswith("PA") else "live"
            raise BrokerError(f"The key is for {kind} account {number}, and the config says {self._kind}: nothing is started.")

    async def close(self) -> None:
        self._tell = _nobody
        tasks, self._tasks = list(self._tasks), set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._rest.close()

    def _say(self, change: LinkChanged) -> None:
        self._tell(change)

    def _beat(self) -> None:
        self._tell(Heard())

    def _on_stream(self, state: LinkState, reason: str) -> None:
        if state is LinkState.FATAL:
            self._link.end(reason)
        else:
            self._link.stream(reason)
        if state is not LinkState.DOWN:
            self._stream_settled.set()

    async def _is_key_wrong(self) -> bool:
        """Whether REST refuses the key as well, as often as it takes to be sure. Without an answer it is not known, and counts as good."""
        while not self._link.fatal:
            try:
                await self._questions.account()
            except RefusedError:
                await asyncio.sleep(self._timings.poll_down_s)
            except AmbiguousError:
                return False
            else:
                return False
        return True

    # ---- orders

    async def submit(self, order: Order) -> None:
        client = ids.ClientId(order.id)
        await self._post([order], client, order_fields(order, str(client)))

    async def submit_group(self, orders: Sequence[Order]) -> None:
        profit = next((order for order in orders if order.type is OrderType.LIMIT), None)
        loss = next((order for order in orders if order.type in (OrderType.STOP, OrderType.STOP_LIMIT)), None)
        if len(orders) != 2 or profit is None or loss is None:
            self._reject(orders, "Alpaca takes as a group only a limit order and a stop order that close a position")
            return
        client = ids.ClientId(profit.id, loss.id)
        await self._post([profit, loss], client, group_fields(profit, loss, str(client)))

    async def _post(self, orders: Sequence[Order], client: ids.ClientId, fields: Fields) -> None:
        self._tickets.expect(client)
        closes = any(order.source is Source.FLATTEN for order in orders)
        self._closing += closes
        try:
            raw = await self._link.heed(self._rest.order(lambda api: api.submit_order(fields)))
        except RefusedError as no:
            be_patient(no)
            if not no.is_duplicate:
                self._reject(orders, str(no))
                return
            told = await self._questions.by_client_id(str(client))
            if told is None:
                raise AmbiguousError(f"Alpaca knows its id and does not find it: {no}") from no
        else:
            told = seen(raw)
        finally:
            self._closing -= closes
        if told is None:
            raise AmbiguousError("Alpaca's answer tells no order")
        self._take(told)

    def _reject(self, orders: Sequence[Order], reason: str) -> None:
        for order in orders:
            self._tell(OrderUpdate(order.id, OrderEvent.REJECT, reason=reason))

    async def asset(self, symbol: str) -> AssetTold | None:
        return await self._questions.asset(symbol)

    async def cancel(self, orders: Sequence[Order]) -> None:
        await self._cancels.ask(orders, together=STOPPING.get() and not self._closing)

    async def replace(self, order: Order, terms: Terms) -> None:
        """Alpaca makes another order, for as many shares as it is told. What filled of the first one comes on top, so that is asked for
        just before, and looked at again after: what fills between the two is a surplus, which the ticket tells."""
        ticket = await self._questions.known(order)
        ticket.told = ticket.told or ticket.current.seen.id
        try:
            await self._look_before_replace(ticket)
        except (AmbiguousError, RefusedError) as no:
            if isinstance(no, RefusedError):
                be_patient(no)
            self._refuse(ticket, f"not asked for, as Alpaca does not tell what has filled: {no}")
            return
        if terms.quantity <= ticket.filled:
            self._refuse(ticket, f"qty must be > filled_qty ({ticket.filled:f})")
            return
        ticket.attempts += 1
        broker_id, fields = ticket.current.seen.id, replace_fields(ticket.terms, ticket.filled, terms)
        fields["client_order_id"] = str(replace(ticket.client or ids.ClientId(order.id), attempt=ticket.attempts, quantity=terms.quantity))
        try:
            raw = await self._link.heed(self._rest.order(lambda api: api.replace_order_by_id(broker_id, fields)))
        except RefusedError as no:
            be_patient(no)
            self._refuse(ticket, str(no))
            return
        told = seen(raw)
        if told is None:
            raise AmbiguousError("Alpaca's answer tells no order")
        self._take(told, order_id=order.id)
        self._spawn(self._look_after_replace(ticket, broker_id))

    async def _look_before_replace(self, ticket: Ticket) -> None:
        """What the order filled, on the way that the replace takes: it is not sent where this takes too long. Raises AmbiguousError and
        RefusedError."""
        broker_id = ticket.current.seen.id
        told = seen(await self._link.heed(self._rest.order(lambda api: api.get_order_by_id(broker_id))))
        if told is None:
            raise AmbiguousError("its answer tells no order")
        self._take(told)

    async def _look_after_replace(self, ticket: Ticket, broker_id: str) -> None:
        """Asks what the order that was replaced filled, where the stream has not told that it made room."""
        await asyncio.sleep(self._timings.grace_s)
        if ticket.current.seen.id != broker_id:
            return
        with suppress(AmbiguousError, RefusedError):  # the next look at the open orders finds it
            if (told := await self._questions.by_broker_id(broker_id)) is not None:
                self._take(told)

    def _refuse(self, ticket: Ticket, reason: str) -> None:
        if (update := ticket.update(event=OrderEvent.REFUSE_REPLACE, reason=reason)) is not None:
            self._tell(update)

    # ---- where things stand

    async def find(self, order_id: str) -> OrderUpdate | None:
        with _said():
            ticket = await self._questions.learn(order_id)
            if ticket is None:
                return None
            ticket.shared = True
            await self._questions.settle([ticket])
        ticket.told = ticket.current.seen.id
        if (update := ticket.update()) is None:
            raise AmbiguousError(f"Alpaca has the order in a status that is not known here ({ticket.current.seen.status})")
        return update

    async def snapshot(self, order_ids: Sequence[str]) -> BrokerSnapshot:
        with _said():
            return await self._questions.snapshot(order_ids)

    # ---- news

    def _on_update(self, data: Raw) -> None:
        event, order = str(data.get("event") or ""), data.get("order")
        told = seen(order) if isinstance(order, dict) else None
        if told is None:
            self._note(Level.WARNING, f"Alpaca's stream told {event or 'something'} without an order: the account is compared anew")
            self._link.anew()
            return
        corrected = event in _CORRECTIONS
        if corrected:
            self._tickets.forget_executions(told.id)
        reason = str(data.get("reason") or "")
        for ticket in self._tickets.take(told, {} if corrected else _execution(data), streamed=True):
            if event == "order_replace_rejected":
                self._refuse(ticket, reason or "the order could not be replaced")
            elif corrected:
                self._spawn(self._correct(ticket))
            else:
                self._tell_of(ticket, reason=reason)
        if told.id in self._tickets.strays:
            self._spawn(self._look_at_stray(told.id))

    async def _correct(self, ticket: Ticket) -> None:
        """Alpaca takes back what it told of an execution: all of them are asked for, for the average is rounded."""
        with suppress(AmbiguousError, RefusedError):  # the average is near enough until the next comparison
            await self._questions.settle([ticket])
        self._tell_of(ticket, reason="Alpaca corrected an execution", corrected=True)

    async def _look_at_stray(self, broker_id: str) -> None:
        """News of an order that nobody here knows: a leg whose group is about to be told, or one placed elsewhere, which is compared."""
        await asyncio.sleep(self._timings.grace_s)
        if self._tickets.strays.pop(broker_id, None) is not None:
            self._link.anew()

    def _take(self, told: Seen, *, order_id: str = "") -> None:
        """Learns an order from an answer, and tells what is new of it."""
        for ticket in self._tickets.take(told, order_id=order_id):
            self._tell_of(ticket)

    def _tell_of(self, ticket: Ticket, *, reason: str = "", corrected: bool = False) -> None:
        now = ticket.current.seen
        if not ticket.shared:
            self._link.anew()
        elif now.status == "replaced":
            # What took its place is on its way, or has to be asked for; until then it works on.
            self._spawn(self._find_successor(ticket))
        elif (update := ticket.news(reason=reason, corrected=corrected)) is not None:
            self._tell(update)
        else:
            self._note(Level.WARNING, f"Alpaca tells a status of {now.symbol} that is not known here ({now.status}): all is compared")
            self._link.anew()

    async def _find_successor(self, ticket: Ticket) -> None:
        await asyncio.sleep(self._timings.grace_s)
        try:
            await self._questions.follow(ticket)
        except (AmbiguousError, RefusedError):
            return  # the next look at the open orders finds it
        if ticket.current.seen.status != "replaced":
            self._tell_of(ticket)

    def _note(self, level: Level, text: str) -> None:
        self._tell(Note(level, self.name, text))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._note(Level.ERROR, f"a part of the link broke ({type(error).__name__}: {error}); the account is compared anew")
            self._link.anew()


@contextmanager
def _said() -> Iterator[None]:
    """Where the key is refused, a question has no answer: the link says why."""
    try:
        yield
    except RefusedError as no:
        raise AmbiguousError(str(no)) from no


def _execution(data: Raw) -> Executions:
    """The one that an update tells, if any."""
    execution, quantity, price = data.get("execution_id"), amount(data.get("qty")), amount(data.get("price"))
    return {str(execution): (quantity, price)} if execution and quantity is not None and price is not None else {}


def _nobody(event: BrokerEvent | Heard) -> None:
    """Before connect and after close there is nobody to tell."""
