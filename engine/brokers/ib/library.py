"""The one module that imports the client library, ib_insync, so that its successor ib_async can take its place here.

Everything in here lives in the thread that imports it, whose loop must be set as current before. The library keeps a picture of its own of
each order and invents in it: any error that it does not know makes an order Cancelled there, a harmless 10349 or a refused modification
included, and what was executed while the link was down appears without an event. So the picture is not looked at: messages are heard where
the decoder hands them over, before the library makes anything of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from msgspec.structs import replace

from engine.brokers.ib.decoded import UNSET, amount_of, cash_of, contract_of, listen
from engine.brokers.ib.facts import (
    CURRENCY,
    CashTold,
    Contract,
    ErrorTold,
    Fact,
    Held,
    NotUnderstood,
    OrderFields,
    RequestFailed,
)
from engine.text import one_line

Answer = TypeVar("Answer")
LOGGERS = ("ib_insync", "eventkit")
ANSWER_S = 8.0
"""How long any request may take; less than the engine waits for an answer, so that the words are ours."""
NO_SUCH_CONTRACT = 200
_EXECUTION, _ITS_TIME = 11, 15
"""The number of the message of an execution, and of the field in it."""
_READ = 200
"""How much of a message is shown that was not understood."""
ROUTED = "SMART"
"""The exchange that stands for IB's own routing."""
_DROPPED = "it takes the connection and drops it, as TWS does where its API settings do not trust this machine"
_TOTAL, _BALANCE = "TotalCashValue", "CashBalance"
_ALL_IN_BASE = "BASE"
"""The name under which the cash of all currencies is told in the one that the account is kept in."""
MESSAGES_S = 45
"""Messages a second; TWS takes 50, and ends the link of a client that sends more."""
WINDOW_S = 1.3
"""How long our second is: messages that are on their way for a while, and then for less, arrive closer together than they were sent."""
FOR_CANCELS_S, FOR_THE_STOP_S = 9, 3
"""How many of these are left: by all but cancels and the heartbeat for those, and by those for the stop. Else a hundred cancels of one
symbol would have the one message of the stop wait for seconds."""


class ClientBusy(ConnectionError):  # noqa: N818 - a state of the world
    """Our client id is connected already."""


class Mute(ConnectionError):  # noqa: N818 - a state of the world
    """Somebody takes the connection and says no word."""


class Session:
    """One connection. A new one is made for each attempt: a client that failed once is not used again."""

    def __init__(self, hear: Callable[[Fact], None], lost: Callable[[str], None]) -> None:
        """`hear` gets every message that matters, in the order of arrival; `lost` is called once when the connection ends."""
        from ib_insync import IB

        self._hear = hear
        self._lost = lost
        self._one = asyncio.Lock()
        """Of requests for open orders, positions and completed orders only one may be under way: two at once, and one hangs for ever."""
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        make: Any = IB
        self._ib = make()
        self._ib.RaiseRequestErrors = True
        # Its own queue would send an order after it was given up: who sends waits for a `turn` instead.
        self._ib.client.MaxRequests = 0
        self._sent: deque[float] = deque()
        """When the messages of the last second went out."""
        self._summaries: dict[int, dict[tuple[str, str, str], str]] = {}
        """What was told so far to each request of the account's values: by account, tag and currency."""
        self._ib.wrapper.accountSummary = self._on_summary
        self._ib.disconnectedEvent += self._on_lost
        self._ib.client.apiError += self._on_api_error
        self._ib.client.conn.disconnected += self._on_dropped
        listen(self._ib.wrapper, self._heard)
        decoder = self._ib.client.decoder
        decoder.logger = _Unread(self._on_unread)
        execution = decoder.handlers[_EXECUTION]
        # When it traded is not looked at here, and one whose time is of a zone that this machine does not know would be lost.
        decoder.handlers[_EXECUTION] = lambda fields: execution([*fields[:_ITS_TIME], "0", *fields[_ITS_TIME + 1 :]])
        self._asking = self._unread = 0
        """How many answers are waited for, and how many messages were not understood."""
        self._count()

    def _count(self) -> None:
        """Has every message counted, also those that the library sends by itself."""
        conn, loop, sent = self._ib.client.conn, asyncio.get_running_loop(), self._sent
        send = conn.sendMsg

        def counted(message: bytes) -> None:
            sent.append(loop.time())
            send(message)

        conn.sendMsg = counted

    # ---- life

    async def connect(
        self,
        host: str,
        port: int,
        client_id: int,
        account: str,
        within_s: float,
        ready: Callable[[Sequence[str]], None] | None = None,
    ) -> tuple[str, ...]:
        """Connects, and answers the accounts behind it, which `ready` is told as soon as requests are taken. Raises ConnectionError in
        words, ClientBusy where our id is taken."""
        if ready is not None:
            self._ib.client.apiStart += lambda: ready(self._ib.client.getAccounts())
        connecting = asyncio.ensure_future(
            self._ib.connectAsync(host, port, clientId=client_id, timeout=within_s, readonly=True, account=account)
        )
        try:
            async with asyncio.timeout(2 * within_s):
                await asyncio.wait((connecting, self._failed), return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
            await connecting
        except ClientBusy:
            raise
        except (TimeoutError, Mute):
            raise Mute(f"{host}:{port} takes the connection and does not answer") from None
        except OSError as error:
            # The library hands the reason on as text alone.
            refused = isinstance(error, ConnectionRefusedError) or "ConnectionRefusedError" in str(error)
            why = f"Nobody listens at {host}:{port}" if refused else f"{host}:{port}: {error.strerror or error}"
            raise ConnectionError(why) from error
        finally:
            if not connecting.done():
                connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
            if not self._failed.cancel():
                self._failed.exception()
        return tuple(map(one_line, self._ib.client.getAccounts()))

    @property
    def connected(self) -> bool:
        return bool(self._ib.isConnected())

    def disconnect(self) -> None:
        self._lost = _nobody
        self._ib.disconnect()

    def _on_lost(self) -> None:
        lost, self._lost = self._lost, _nobody
        lost("the connection to TWS ended")

    def _on_api_error(self, words: str) -> None:
        """How the end of a connection is told that was not ready yet: the library itself goes on waiting."""
        if not self._failed.done():
            failed = Mute(words) if "TimeoutError" in words else ConnectionError(_DROPPED if "reset by peer" in words else words)
            self._failed.set_exception(failed)

    def _on_dropped(self, words: str) -> None:
        """The same of one on which not a word came, of which the library says nothing where it ended in order."""
        if not self._failed.done():
            self._failed.set_exception(ConnectionError(_DROPPED))

    def _heard(self, fact: Fact) -> None:
        if isinstance(fact, ErrorTold) and fact.code == 326 and not self._failed.done():
            self._failed.set_exception(ClientBusy(fact.words))
        self._hear(fact)

    def _on_unread(self, what: str, error: BaseException | None) -> None:
        self._unread += 1
        self._hear(NotUnderstood(what.partition(",")[0], one_line(f"{what[:_READ]} ({error})"), self._asking > 0))

    async def turn(self, leaves: int = FOR_CANCELS_S) -> None:
        """Waits until TWS may be sent one message more, which must follow at once, and `leaves` as many for what is more urgent."""
        most, sent, loop = MESSAGES_S - leaves, self._sent, asyncio.get_running_loop()
        while True:
            while sent and loop.time() - sent[0] >= WINDOW_S:
                sent.popleft()
            if len(sent) < most:
                return
            await asyncio.sleep(max(sent[0] + WINDOW_S - loop.time(), 0.001))

    # ---- orders

    def next_id(self) -> int:
        return int(self._ib.client.getReqId())

    def number_above(self, number: int) -> None:
        """TWS counts an order that it never saw for nothing, and would have its number used again."""
        self._ib.client.updateReqId(number + 1)

    def place(self, order_id: int, contract: Contract, fields: OrderFields) -> None:
        """Sends a new order, or new terms of one that has this id. What comes of it is heard."""
        from ib_insync import Order

        order = Order(
            orderId=order_id,
            action=fields.action,
            totalQuantity=float(fields.quantity),
            orderType=fields.type,
            lmtPrice=_double(fields.limit),
            auxPrice=_double(fields.aux),
            tif=fields.tif,
            outsideRth=fields.outside_rth,
            trailStopPrice=_double(fields.trail_stop),
            trailingPercent=_double(fields.trail_pct),
            ocaGroup=fields.oca_group,
            ocaType=fields.oca_type,
            account=fields.account,
            orderRef=fields.ref,
        )
        self._ib.client.placeOrder(order_id, stock(contract), order)

    def cancel(self, order_id: int) -> None:
        self._ib.client.cancelOrder(order_id)

    def cancel_everything(self) -> None:
        """Every order of the account, those of other clients and of TWS itself too."""
        self._ib.reqGlobalCancel()

    # ---- questions

    async def open_orders(self, leaves: int = FOR_CANCELS_S) -> set[int]:
        """The permIds of all that is open at the account, whoever placed it; what they are was heard by then."""
        told = await self._ask(lambda: self._ib.reqAllOpenOrdersAsync(), alone=True, leaves=leaves)
        return {trade.order.permId for trade in told}

    async def completed_orders(self, leaves: int = FOR_CANCELS_S) -> None:
        """Has today's ended orders told."""
        await self._ask(lambda: self._ib.reqCompletedOrdersAsync(False), alone=True, leaves=leaves)

    async def executions(self, leaves: int = FOR_CANCELS_S) -> None:
        """Has today's executions told, with their fees."""
        await self._ask(lambda: self._ib.reqExecutionsAsync(), leaves=leaves)

    async def positions(self) -> list[Held]:
        told = await self._ask(lambda: self._ib.reqPositionsAsync(), alone=True, whole=True)
        return [Held(each.account, contract_of(each.contract), amount_of(each.position), amount_of(each.avgCost)) for each in told]

    async def cash(self, account: str) -> CashTold:
        """As it is now: asked for anew each time, for what is subscribed to may be three minutes old. Raises RequestFailed."""
        ib = self._ib
        request = int(ib.client.getReqId())
        told = self._summaries[request] = {}
        try:
            await self._ask(lambda: self._summary(request), whole=True)
        finally:
            del self._summaries[request]
            if self.connected:
                ib.client.cancelAccountSummary(request)
        values: dict[str, dict[str, str]] = {_TOTAL: {}, _BALANCE: {}}
        for (whose, tag, currency), value in told.items():
            if whose == account and tag in values and currency != _ALL_IN_BASE:
                values[tag][currency] = value
        total, balances = values[_TOTAL], values[_BALANCE]
        # The total has all currencies in it, converted into the account's own: it stands for one only where no other is told.
        balances = balances or {currency: value for currency, value in total.items() if currency == CURRENCY}
        return CashTold(next(iter(total), ""), {currency: cash_of(value) for currency, value in balances.items()})

    def _summary(self, request: int) -> Awaitable[Any]:
        answered: Awaitable[Any] = self._ib.wrapper.startReq(request)
        self._ib.client.reqAccountSummary(request, "All", f"{_TOTAL},$LEDGER:ALL")
        return answered

    def _on_summary(self, request: int, account: str, tag: str, value: str, currency: str) -> None:
        if request in self._summaries:
            self._summaries[request][account, tag, one_line(currency)] = value

    async def time(self) -> float:
        """TWS's clock, in whole seconds since 1970."""
        return float((await self._ask(lambda: self._ib.reqCurrentTimeAsync(), leaves=FOR_THE_STOP_S)).timestamp())

    async def contracts(self, symbol: str, currency: str) -> list[Contract]:
        """The stocks that are meant by `symbol`, none where there is none. Raises RequestFailed."""
        from ib_insync import Stock

        try:
            told = await self._ask(lambda: self._ib.reqContractDetailsAsync(Stock(symbol, ROUTED, currency)))
        except RequestFailed as failed:
            if failed.code == NO_SUCH_CONTRACT:
                return []
            raise
        return [contract_of(details.contract) for details in told]

    async def contract(self, con_id: int) -> Contract | None:
        """The stock that IB has this number for, and where orders for it go: IB's own routing where that takes them. None where it is
        traded no more. Raises RequestFailed."""
        from ib_insync import Contract as Wanted

        try:
            told = await self._ask(lambda: self._ib.reqContractDetailsAsync(Wanted(conId=con_id)))
        except RequestFailed as failed:
            if failed.code == NO_SUCH_CONTRACT:
                return None
            raise
        for details in told:
            routed = ROUTED in details.validExchanges.split(",")
            return replace(contract_of(details.contract), exchange=ROUTED if routed else details.contract.exchange)
        return None

    async def _ask(
        self, question: Callable[[], Awaitable[Answer]], *, alone: bool = False, whole: bool = False, leaves: int = FOR_CANCELS_S
    ) -> Answer:
        """Raises RequestFailed, TimeoutError, and ConnectionError where the link breaks or there is none. An answer that must be `whole` is
        none where a message was not understood: what it left out would be taken for nothing."""
        from ib_insync import RequestError

        async def asked() -> Answer:
            async with asyncio.timeout(ANSWER_S):
                async with self._one if alone else contextlib.nullcontext():
                    await self.turn(leaves)
                    unread = self._unread
                    self._asking += 1
                    try:
                        answer = await question()
                    finally:
                        self._asking -= 1
                    if whole and self._unread > unread:
                        raise RequestFailed(0, "a message of TWS's answer was not understood")
                    return answer

        asking = asyncio.ensure_future(asked())
        asking.add_done_callback(_heard_of)
        try:
            # Whoever gives up waiting does not end it: its answer would be taken for that to the next question of its kind.
            return await asyncio.shield(asking)
        except RequestError as error:
            raise RequestFailed(error.code, error.message) from None


def _heard_of(asking: asyncio.Future[Any]) -> None:
    """What came of a question that nobody waits for any more is not left to be complained about."""
    if not asking.cancelled():
        asking.exception()


def capture_logs() -> Callable[[], None]:
    """Keeps the library's loggers off the terminal: what they tell was heard already. Returns what ends it."""
    handler = logging.NullHandler()
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False

    def end() -> None:
        for logger in loggers:
            logger.removeHandler(handler)

    return end


class _Unread:
    """In the place of the decoder's logger, which is one for all connections."""

    def __init__(self, tell: Callable[[str, BaseException | None], None]) -> None:
        self._tell = tell

    def exception(self, what: str) -> None:
        self._tell(what, sys.exc_info()[1])


def stock(contract: Contract) -> Any:
    """As the library has it in a message."""
    from ib_insync import Stock

    exchange = contract.exchange or ROUTED
    return Stock(contract.symbol, exchange, contract.currency, conId=contract.con_id, primaryExchange=contract.primary)


def _double(value: Decimal | None) -> float:
    return UNSET if value is None else float(value)


def _nobody(words: str) -> None:
    """After the end nobody is told."""
