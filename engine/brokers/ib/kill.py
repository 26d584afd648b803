"""The emergency stop at IB without an engine: a connection of its own under a reserved client id, and one message that cancels everything.

That message reaches the orders of every client and of TWS itself. It goes out as soon as TWS has told whose account this is, before
anything else is asked; then TWS is asked until nothing is open, and again and again told, for as long as the time lasts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from engine.brokers.base import BrokerError
from engine.brokers.ib.config import IbConfig, account_of
from engine.brokers.ib.contracts import is_followed
from engine.brokers.ib.facts import CURRENCY, ErrorTold, ExecutionTold, Fact, Held, OrderFields, OrderTold, RequestFailed, StatusTold
from engine.brokers.ib.ledger import Ledger
from engine.brokers.ib.library import ROUTED, ClientBusy, Session, capture_logs
from engine.brokers.ib.orders import symbol_of

Answer = TypeVar("Answer")
CONNECT_S = 5.0
CANCELLED_S = 8.0
FLAT_S = 20.0
AGAIN_S = 1.0
"""How often everything is cancelled anew while something is open."""
POLL_S = 0.1
SETTLED_S = 0.3
"""Positions are closed that were told twice the same, so long apart: a fill may be told before the position that it made."""


class Left(Struct, frozen=True):
    """What is not flat at the account, each in words."""

    account: str
    orders: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


async def kill(config: IbConfig, *, flatten: bool, tell: Callable[[str], None]) -> Left:
    """Cancels all orders of the log-in, with `flatten` closes the account's positions, and answers what is left then, in bounded time.
    `tell` is told each step. Raises ConnectionError and BrokerError in words where nothing could be done."""
    there = _There(config, tell)
    end_logs = capture_logs()
    try:
        await there.cancel()
        if flatten and not there.open:
            await there.flatten()
        return await there.left()
    finally:
        there.session.disconnect()
        end_logs()


class _There:
    def __init__(self, config: IbConfig, tell: Callable[[str], None]) -> None:
        self.session = Session(self._hear, lambda why: None)
        self.open: set[int] = set()
        """The permIds of what is open, as far as it is known."""
        self._config = config
        self._tell = tell
        self._account = ""
        self._client_id = 0
        self._ledger = Ledger()
        self._refused: dict[int, str] = {}
        self._closing: dict[int, Held] = {}
        """Closing orders by their numbers, and what they close."""
        self._elsewhere: set[int] = set()
        """Those that were refused and looked after."""

    async def cancel(self) -> None:
        config = self._config
        self._account = account_of(config, await self._connect())
        self._tell(f"IB, account {self._account} at {config.at}: told to cancel every order of this log-in, whoever placed it")
        await self._until_none_is_open()

    async def _connect(self) -> tuple[str, ...]:
        config = self._config
        for client_id in config.kill_client_ids:
            self._client_id = client_id
            try:
                return await self.session.connect(config.host, config.port, client_id, config.account, CONNECT_S, self._cancel_at_once)
            except ClientBusy:
                self.session.disconnect()
                self.session = Session(self._hear, lambda why: None)
        ids = ", ".join(str(client_id) for client_id in config.kill_client_ids)
        raise BrokerError(
            f"What is kept for this is in use at {config.at}, perhaps by another kill: client id {ids}. IB_KILL_CLIENT_ID sets another."
        )

    def _cancel_at_once(self, accounts: Sequence[str]) -> None:
        """TWS takes requests from now on. Those of another account are left alone."""
        with contextlib.suppress(BrokerError):
            account_of(self._config, accounts)
            self.session.cancel_everything()

    async def _until_none_is_open(self) -> None:
        loop = asyncio.get_running_loop()
        told = loop.time()
        until = told + CANCELLED_S
        while True:
            self.open = await self._answer(self.session.open_orders(leaves=0))
            if not self.open or loop.time() >= until:
                return
            if loop.time() - told >= AGAIN_S:
                told = loop.time()
                await self.session.turn(leaves=0)
                self.session.cancel_everything()
            await asyncio.sleep(POLL_S)

    async def flatten(self) -> None:
        """One order at the market for each stock that is held, and waits for them."""
        for held in await self._settled():
            if is_followed(held.contract):
                await self._close(held)
        until = asyncio.get_running_loop().time() + FLAT_S
        while asyncio.get_running_loop().time() < until:
            if not [held for held in await self._positions() if is_followed(held.contract)]:
                return
            for number in self._refused.keys() - self._elsewhere:
                await self._close_elsewhere(number)
            if self._closing.keys() == self._refused.keys():
                return
            await asyncio.sleep(POLL_S)

    async def _close(self, held: Held, exchange: str = "") -> None:
        """By IB's own routing, or at `exchange`. A position does not say where it trades, and to ask first would cost the time of all."""
        action, at = "SELL" if held.quantity > 0 else "BUY", f" at {exchange}" if exchange else ""
        await self.session.turn(leaves=0)
        number = self.session.next_id()
        self._closing[number] = held
        fields = OrderFields(action, abs(held.quantity), "MKT", account=self._account)
        self.session.place(number, replace(held.contract, exchange=exchange), fields)
        self._tell(f"{action} {abs(held.quantity):f} {symbol_of(held.contract.symbol)}{at} at the market, to close it")

    async def _close_elsewhere(self, number: int) -> None:
        """What IB's own routing does not take goes to its exchange, once."""
        self._elsewhere.add(number)
        held = self._closing[number]
        with contextlib.suppress(ConnectionError):
            contract = await self._answer(self.session.contract(held.contract.con_id))
            if contract is not None and contract.exchange != ROUTED:
                del self._closing[number], self._refused[number]
                await self._close(held, contract.exchange)

    async def left(self) -> Left:
        self.open = await self._answer(self.session.open_orders(leaves=0))
        orders = tuple(self._order(perm_id) for perm_id in sorted(self.open))
        return Left(self._account, orders, tuple(self._position(held) for held in await self._positions()))

    # ---- in words

    def _order(self, perm_id: int) -> str:
        entry = self._ledger.by_perm(perm_id)
        if entry is None or entry.fields is None or entry.contract is None:
            return f"an order ({perm_id})"
        fields = entry.fields
        price = "" if fields.limit is None else f" {fields.limit:f}"
        closes = ", which closes it and waits for the market" if entry.client_id == self._client_id else ""
        return f"{fields.action} {fields.quantity:f} {symbol_of(entry.contract.symbol)} {fields.type}{price}{closes}"

    def _position(self, held: Held) -> str:
        symbol = symbol_of(held.contract.symbol)
        why = [words for number, words in self._refused.items() if self._closing[number].contract.con_id == held.contract.con_id]
        kind, currency = held.contract.kind, held.contract.currency
        other = "" if is_followed(held.contract) else f" ({kind}, {currency}: only stocks in {CURRENCY} are closed here)"
        return f"{held.quantity:f} {symbol}{other}{f' (IB refused: {why[0]})' if why else ''}"

    # ---- questions

    async def _settled(self) -> list[Held]:
        before: list[Held] | None = None
        while (told := await self._positions()) != before:
            before = told
            await asyncio.sleep(SETTLED_S)
        return told

    async def _positions(self) -> list[Held]:
        told = await self._answer(self.session.positions())
        return [held for held in told if held.account == self._account and held.quantity]

    async def _answer(self, question: Awaitable[Answer]) -> Answer:
        try:
            return await question
        except RequestFailed as failed:
            raise ConnectionError(str(failed)) from None
        except TimeoutError:
            raise ConnectionError(f"{self._config.at} takes the connection and does not answer any more") from None

    def _hear(self, fact: Fact) -> None:
        match fact:
            case OrderTold():
                self._ledger.on_order(fact)
            case StatusTold():
                self._ledger.on_status(fact)
            case ExecutionTold():
                self._ledger.on_execution(fact)
            case ErrorTold() if fact.request in self._closing and fact.code not in (399, 10349):
                self._refused[fact.request] = fact.words
