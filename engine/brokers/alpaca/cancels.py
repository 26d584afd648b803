"""Cancels at Alpaca: by one request for all of them where trading is stopped, each by itself for what that leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from engine.brokers.alpaca.link import Link
from engine.brokers.alpaca.questions import FOLLOWED, Questions
from engine.brokers.alpaca.rest import Client, RefusedError, Rest, be_patient
from engine.brokers.alpaca.tickets import Ticket, Tickets
from engine.brokers.alpaca.timings import Timings
from engine.brokers.base import AmbiguousError, BusyError
from engine.model.orders import Order


class Cancels:
    """`tell` gets each order that turns out to have ended already."""

    def __init__(
        self, rest: Rest, questions: Questions, tickets: Tickets, link: Link, timings: Timings, *, tell: Callable[[Ticket], None]
    ) -> None:
        self._rest = rest
        self._questions = questions
        self._tickets = tickets
        self._link = link
        self._timings = timings
        self._tell = tell

    async def ask(self, orders: Sequence[Order], *, together: bool) -> None:
        """Has `orders` cancelled, by one request where they may go `together` and nothing works that is to stay. Raises AmbiguousError
        where one of them may not have been taken, and BusyError where all those that were not were one request too many."""
        wanted = {order.id for order in orders}
        together = together and len(orders) > 1 and not self._tickets.works_beside(wanted)
        taken = await self._all() if together else frozenset[str]()
        results = await asyncio.gather(*(self._one(order) for order in orders if not self._is_among(order, taken)), return_exceptions=True)
        failed = {str(result) for result in results if isinstance(result, AmbiguousError | RefusedError)}
        busy = [result for result in results if isinstance(result, BusyError)]
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, AmbiguousError | RefusedError | BusyError):
                raise result
        if failed:
            raise AmbiguousError("; ".join(sorted(failed)))
        if busy:
            told = [each.after_s for each in busy if each.after_s is not None]
            raise BusyError("; ".join(sorted(map(str, busy))), max(told, default=None))

    def _is_among(self, order: Order, broker_ids: frozenset[str]) -> bool:
        ticket = self._tickets.get(order.id)
        return ticket is not None and ticket.current.seen.id in broker_ids

    async def _all(self) -> frozenset[str]:
        """The ids of the orders whose cancel Alpaca took, when it was told to cancel everything: none where it says no or takes too long.
        Raises BusyError where that was one request too many, for each order's own would be that as well."""
        asked = asyncio.ensure_future(self._link.heed(self._rest.cancel(_all_cancelled)))
        asked.add_done_callback(_heard)
        await asyncio.wait((asked,), timeout=self._timings.together_s)
        if not asked.done():
            return frozenset()
        try:
            told = asked.result()
        except RefusedError as no:
            be_patient(no)
            return frozenset()
        except AmbiguousError:
            return frozenset()
        # It has a status for each of them.
        each = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
        return frozenset(str(one.get("id")) for one in each if one.get("status") in (200, 204))

    async def _one(self, order: Order) -> None:
        for _ in range(FOLLOWED):
            ticket = await self._questions.known(order)
            broker_id = ticket.current.seen.id
            try:
                await self._link.heed(self._rest.cancel(partial(_cancelled, broker_id)))
                return
            except RefusedError as no:
                be_patient(no)
                if no.is_key:
                    raise
            # It has ended, or another took its place: how it stands now is the answer.
            await self._questions.learn(order.id)
            if ticket.current.seen.id == broker_id:
                await self._questions.settle([ticket])
                self._tell(ticket)
                return


def _cancelled(broker_id: str, api: Client) -> None:
    api.cancel_order_by_id(broker_id)


def _all_cancelled(api: Client) -> object:
    return api.cancel_orders()


def _heard(asked: asyncio.Future[object]) -> None:
    """Where nobody waits for it any more, what came of it is nobody's business."""
    if not asked.cancelled():
        asked.exception()
