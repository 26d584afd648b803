"""What is asked of Alpaca: the account, the orders by whatever they are called, all of it at once for a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from engine.brokers.alpaca import ids
from engine.brokers.alpaca.link import Link
from engine.brokers.alpaca.rest import Client, RefusedError, Rest
from engine.brokers.alpaca.tickets import Ticket, Tickets
from engine.brokers.alpaca.words import Fields, Raw, Seen, all_seen, amount, asset, closed, seen
from engine.brokers.base import AmbiguousError
from engine.model.inputs import AssetTold, BrokerSnapshot
from engine.model.orders import Order

PAGE = 500
"""Orders that one answer lists at most."""
ACTIVITIES = 100
_PAGES = 20
_TRIES = 3
_ONE_BY_ONE = 5
"""Orders that are asked for each by itself; where there are more, the latest are listed first."""
FOLLOWED = 20
"""Replacements of one order that are followed at most."""


class Questions:
    def __init__(self, rest: Rest, tickets: Tickets, link: Link) -> None:
        self._rest = rest
        self._tickets = tickets
        self._link = link

    async def account(self) -> Raw:
        told: Raw = await self._ask(lambda api: api.get_account(), dict, proves_key=True)
        return told

    async def clock(self) -> Raw:
        told: Raw = await self._ask(lambda api: api.get_clock(), dict)
        return told

    async def asset(self, symbol: str) -> AssetTold | None:
        """How Alpaca trades `symbol`, None where it cannot be asked: a currency pair's slash is no part of an address."""
        if "/" in symbol:
            return None
        try:
            return asset(symbol, await self._ask(lambda api: api.get_asset(symbol), dict))
        except RefusedError as no:
            # Without a code it is another's page that was not found, and not the asset.
            if no.status == 404 and no.code:
                return AssetTold(symbol, f"Alpaca has no {symbol}")
            raise AmbiguousError(str(no)) from no

    async def by_broker_id(self, broker_id: str) -> Seen | None:
        """None where there is none of that id."""
        return await self._one(lambda api: api.get_order_by_id(broker_id, Fields(nested="true")))

    async def by_client_id(self, client_id: str) -> Seen | None:
        found = await self._one(lambda api: api.get_order_by_client_id(client_id))
        if found is not None and ids.read(found.client_id).second and not found.legs:
            return await self.by_broker_id(found.id)
        return found

    async def learn(self, order_id: str) -> Ticket | None:
        """How the order with our id stands now, None where Alpaca has never seen it."""
        ticket = self._tickets.get(order_id)
        if ticket is not None:
            found = await self.by_broker_id(ticket.current.seen.id)
        else:
            found = await self.by_client_id(self._tickets.sent.get(order_id, order_id))
            if found is None and order_id not in self._tickets.sent:
                found = next((each for each in await self._listed("all") if _names(each, order_id)), None)
        if found is None:
            return None
        self._tickets.adopt(found)
        ticket = self._tickets.get(order_id)
        if ticket is not None:
            await self.follow(ticket)
        return ticket

    async def known(self, order: Order) -> Ticket:
        """What is known of `order`, which may be of an earlier run. Raises AmbiguousError where Alpaca has not seen it."""
        ticket = self._tickets.get(order.id) or await self.learn(order.id)
        if ticket is None:
            raise AmbiguousError(f"Alpaca has not seen #{order.number}")
        ticket.shared = ticket.shared or not ticket.gap
        return ticket

    async def follow(self, ticket: Ticket) -> None:
        """Until all its orders there are known: the first ones, whose fills no later one tells, and the last, for one that somebody else
        replaced is another one now."""
        while before := ticket.gap:
            found = await self.by_broker_id(before)
            if found is None or not self._tickets.take(found, order_id=ticket.order_id) or ticket.gap == before:
                break
        for _ in range(FOLLOWED):
            now = ticket.current.seen
            found = await self.by_broker_id(now.replaced_by) if now.status == "replaced" and now.replaced_by else None
            if found is None:
                return
            self._tickets.take(found, order_id=ticket.order_id)

    async def open_orders(self) -> list[Seen]:
        """All that work, the newest first, groups under the order that leads them."""
        found = await self._listed("open")
        while len(found) % PAGE == 0 and found:
            more = await self._listed("open", until=found[-1].created_at)
            if not more:
                break
            found += more
        return found

    async def snapshot(self, order_ids: Sequence[str]) -> BrokerSnapshot:
        """Where the account stands. Raises AmbiguousError, and RefusedError where the key is refused."""
        for _ in range(_TRIES):
            account = await self.account()
            cash = _cash(account)
            positions = _positions(await self._ask(lambda api: api.get_all_positions(), list))
            works = [ticket for each in await self.open_orders() for ticket in self._adopted(each)]
            if _cash(await self.account()) == cash:
                break  # nothing filled while it was read
        shown = {ticket.order_id: ticket for ticket in works if ticket.open}
        missing = [order_id for order_id in {*order_ids, *(each.order_id for each in self._tickets.open())} if order_id not in shown]
        if len(missing) > _ONE_BY_ONE:
            for each in await self._listed("all"):
                self._tickets.adopt(each)
        for order_id in missing:
            ticket = self._tickets.get(order_id)
            if ticket is None or ticket.open:
                ticket = await self.learn(order_id)
            if ticket is not None:
                shown[order_id] = ticket
        for ticket in shown.values():
            await self.follow(ticket)
            ticket.shared = True
        await self.settle(shown.values())
        return BrokerSnapshot(cash, positions, tuple(shown[order_id].listed() for order_id in sorted(shown)), closed(account))

    async def settle(self, tickets: Iterable[Ticket]) -> None:
        """Has what these filled to the last digit: an order tells its average alone, and that rounded."""
        rough = {piece.seen.id for ticket in tickets for piece in ticket.pieces if not piece.exact}
        token = ""
        for _ in range(_PAGES if rough else 0):
            told = await self._fills(token)
            for each in told:
                quantity, price = amount(each.get("qty")), amount(each.get("price"))
                if quantity is not None and price is not None:
                    self._tickets.book(str(each.get("order_id")), str(each.get("id")), quantity, price)
            rough = {broker_id for broker_id in rough if not self._tickets.is_exact(broker_id)}
            if not rough or len(told) < ACTIVITIES:
                return
            token = str(told[-1].get("id"))

    async def _fills(self, token: str) -> list[Raw]:
        """A page of the account's executions, the newest first, behind the one whose id is `token`."""
        fields = Fields(direction="desc", page_size=str(ACTIVITIES), **({"page_token": token} if token else {}))
        told: list[Raw] = await self._ask(lambda api: api.get("/account/activities/FILL", fields), list)
        return told

    def _adopted(self, told: Seen) -> list[Ticket]:
        self._tickets.adopt(told)
        found = [self._tickets.of_broker(each.id) for each in (told, *told.legs)]
        return [ticket for ticket in found if ticket is not None]

    async def _listed(self, status: str, until: str = "") -> list[Seen]:
        fields = Fields(status=status, limit=str(PAGE), nested="true", direction="desc", **({"until": until} if until else {}))
        return all_seen(await self._ask(lambda api: api.get_orders(fields), list))

    async def _one(self, ask: Callable[[Client], object]) -> Seen | None:
        try:
            return seen(await self._ask(ask, dict))
        except RefusedError as no:
            if no.status != 404:
                raise
            return None

    async def _ask(self, ask: Callable[[Client], object], kind: type, *, proves_key: bool = False) -> Any:
        told = await self._link.heed(self._rest.question(ask), proves_key=proves_key)
        if not isinstance(told, kind):
            raise AmbiguousError("Alpaca's answer is of another kind than was asked for")
        return told


def _names(told: Seen, order_id: str) -> bool:
    client = ids.read(told.client_id)
    return order_id in (client.order, client.second)


def _cash(told: Raw) -> Decimal:
    cash = amount(told.get("cash"))
    if cash is None:
        raise AmbiguousError("Alpaca tells no cash")
    return cash


def _positions(told: Iterable[Raw]) -> tuple[tuple[str, Decimal, Decimal], ...]:
    held = []
    for each in told:
        symbol, quantity, average = each.get("symbol"), amount(each.get("qty")), amount(each.get("avg_entry_price"))
        if not symbol or quantity is None or average is None:
            raise AmbiguousError("Alpaca tells a position without its figures")
        if quantity:
            held.append((str(symbol), -abs(quantity) if each.get("side") == "short" else quantity, average))
    return tuple(sorted(held))
