"""A broker for tests, in a process of its own: TCP on the loopback, JSON lines, and bad manners on command.

    python -m tests.servers.venue [--fill now|parts|later|mixed|trading|never] [--seed N]

prints the port it listens on. A line in is `{"n": 1, "do": "submit", ...}`, the answer carries the same `n`; news of orders comes in
between as `{"update": {...}}`. Amounts are strings. Orders are kept by the client's own id for as long as the process lives; an id that
comes a second time is refused and counted. Market orders fill as `--fill` says, limit orders rest; while it is `trading`, all of them fill
in parts, until it is told to `rest`.

The test speaks over a link of its own: `book` shows everything, `arm` prepares a mishap, `cut` and `fill_order` act at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import count
from typing import Any

Message = dict[str, Any]
CASH = Decimal(1_000_000)
OPEN = ("ACCEPT", "WORK", "FILL_PART")


@dataclass(slots=True)
class Ticket:
    """An order as the venue keeps it. Figures are cumulative; `event` is the last thing that happened to it."""

    id: str
    broker_id: str
    symbol: str
    side: str
    quantity: Decimal
    type: str
    limit: str | None
    stop: str | None
    event: str = "WORK"
    filled: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    reason: str = ""
    fills: int = 0
    copies: int = 0


@dataclass(slots=True)
class Fault:
    """Strikes the `nth` time from now that `on` comes up: submit, replace, cancel, find, snapshot or update.

    `unseen`: the message is lost on its way in. `unanswered`: it is taken, the answer is lost. `cut`: taken, then the link breaks.
    For an update: `drop`, `twice`, or `late`, which is after the one that follows it.
    """

    on: str
    what: str
    nth: int = 1


@dataclass(slots=True)
class Kill:
    """SIGKILL to the client at the `nth` event of its session from now: a message of its own, or an update on its way to it.

    `when` is `unseen` (the message dies with it), `unanswered` (taken, never answered) or `answered` (the last it does is to read that).
    """

    nth: int
    when: str


class Link:
    """One client's connection; `trades` tells a client from the test's own link."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.trades = False
        self.pid = 0
        self.ended = asyncio.Event()

    def write(self, message: Message) -> None:
        if not self.writer.is_closing():
            self.writer.write(json.dumps(message, default=str).encode() + b"\n")


class Venue:
    def __init__(self, fill: str, seed: int) -> None:
        self._fill = fill
        self._chance = random.Random(seed)
        self._numbers = count(1)
        self._tickets: dict[str, Ticket] = {}
        self._cash = CASH
        self._held: dict[str, list[Decimal]] = {}
        self._links: list[Link] = []
        self._faults: list[Fault] = []
        self._kill: Kill | None = None
        self._late: Message | None = None
        self._away = False
        self._resting = False

    # ---- links

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(writer)
        self._links.append(link)
        try:
            while line := await reader.readline():
                await self._take(link, json.loads(line))
        except ConnectionError:
            pass  # killed, or cut: what it had said was taken
        finally:
            self._links.remove(link)
            link.ended.set()
            writer.close()

    async def _take(self, link: Link, message: Message) -> None:
        do = message["do"]
        if do == "hello":
            if self._away:
                link.writer.close()
                return
            # A session begins where the one before has ended: whatever that one had sent is taken first.
            for other in [other for other in self._links if other.trades]:
                await other.ended.wait()
            link.trades, link.pid = True, message["pid"]
        elif link.trades:
            if self._dies(link, do, "unseen"):
                return
            what = self._fault(do)
            if what == "unseen":
                return
            answer = getattr(self, f"_{do}")(message)
            if self._dies(link, do, "unanswered") or what == "unanswered":
                return
            if what == "cut":
                link.writer.close()
                return
            link.write({"n": message["n"], **answer})
            self._dies(link, do, "answered", last=True)
            return
        link.write({"n": message["n"], **(getattr(self, f"_{do}")(message) if do != "hello" else {})})

    def _tell(self, ticket: Ticket) -> None:
        """News of one order to the client, unless a fault has it otherwise."""
        update = {"update": self._shown(ticket)}
        what = self._fault("update")
        for link in [link for link in self._links if link.trades]:
            if what == "drop":
                continue
            if what == "late" and self._late is None:
                self._late = update
                continue
            if self._dies(link, "update", "unseen"):
                continue
            for _ in range(2 if what == "twice" else 1):
                link.write(update)
            if self._late is not None:
                link.write(self._late)
                self._late = None
            self._dies(link, "update", "unanswered")
            self._dies(link, "update", "answered", last=True)

    def _fault(self, on: str) -> str:
        for fault in self._faults:
            if fault.on == on:
                fault.nth -= 1
                if not fault.nth:
                    self._faults.remove(fault)
                    return fault.what
        return ""

    def _dies(self, link: Link, do: str, when: str, *, last: bool = False) -> bool:
        """Whether the client is killed here. A snapshot at the start does not count: a run should get to trade."""
        kill = self._kill
        if kill is None or do == "snapshot":
            return False
        if kill.nth == 1 and kill.when == when:
            self._kill = None
            os.kill(link.pid, signal.SIGKILL)
            return True
        if last:
            kill.nth = max(kill.nth - 1, 1)
        return False

    # ---- what a client asks

    def _submit(self, message: Message) -> Message:
        known = self._tickets.get(message["id"])
        if known is not None:
            known.copies += 1
            return {"ok": False, "why": "duplicate id"}
        ticket = Ticket(
            id=message["id"],
            broker_id=f"V{next(self._numbers)}",
            symbol=message["symbol"],
            side=message["side"],
            quantity=Decimal(message["quantity"]),
            type=message["type"],
            limit=message["limit"],
            stop=message["stop"],
        )
        self._tickets[ticket.id] = ticket
        loop = asyncio.get_running_loop()
        loop.call_soon(self._tell, ticket)
        if self._fill == "trading":
            self._trade_soon(ticket)
        elif ticket.type == "MARKET" and self._fill != "never":
            style = self._chance.choice(("now", "parts", "later")) if self._fill == "mixed" else self._fill
            if style == "parts":
                loop.call_soon(self._trade, ticket, ticket.quantity // 2 or ticket.quantity)
                loop.call_later(0.003, self._trade, ticket, ticket.quantity)
            else:
                loop.call_later(0.01 if style == "later" else 0, self._trade, ticket, ticket.quantity)
        return {"ok": True}

    def _replace(self, message: Message) -> Message:
        """New terms for an open order, which keeps its id; refused where it has ended or filled as much already."""
        ticket = self._tickets.get(message["id"])
        if ticket is None:
            return {"ok": False, "why": "no such order"}
        quantity = Decimal(message["quantity"])
        if ticket.event not in OPEN or quantity <= ticket.filled:
            return {"ok": False, "why": f"too late to replace, {ticket.filled} of it filled"}
        ticket.quantity, ticket.limit, ticket.stop = quantity, message["limit"], message["stop"]
        self._tell(ticket)
        return {"ok": True}

    def _cancel(self, message: Message) -> Message:
        for order_id in message["ids"]:
            ticket = self._tickets.get(order_id)
            if ticket is None:
                continue
            if ticket.event in OPEN:
                ticket.event = "CANCEL"
            self._tell(ticket)
        return {"unseen": [order_id for order_id in message["ids"] if order_id not in self._tickets]}

    def _find(self, message: Message) -> Message:
        ticket = self._tickets.get(message["id"])
        return {"order": None if ticket is None else self._shown(ticket)}

    def _snapshot(self, message: Message) -> Message:
        asked = set(message.get("ids", ()))
        orders = [self._shown(ticket) for ticket in self._tickets.values() if ticket.event in OPEN or ticket.id in asked]
        positions = [(symbol, held, basis / held) for symbol, (held, basis) in sorted(self._held.items()) if held]
        return {"cash": self._cash, "positions": positions, "orders": orders}

    @staticmethod
    def _shown(ticket: Ticket) -> Message:
        return asdict(ticket)

    def _trade_soon(self, ticket: Ticket) -> None:
        """Market orders within a moment, what rests within some, and a part at a time."""
        wait = self._chance.uniform(0, 0.004 if ticket.type == "MARKET" else 0.06)
        asyncio.get_running_loop().call_later(wait, self._trade_a_part, ticket)

    def _trade_a_part(self, ticket: Ticket) -> None:
        if ticket.event in OPEN and not self._resting:
            self._trade(ticket, ticket.filled + self._chance.randint(1, 4))
            self._trade_soon(ticket)

    def _trade(self, ticket: Ticket, upto: Decimal, price: Decimal | None = None) -> None:
        """Fills `ticket` up to a quantity, at a price with more digits than a cent has."""
        quantity = min(upto, ticket.quantity) - ticket.filled
        if ticket.event not in OPEN or quantity <= 0:
            return
        cost = quantity * (price or Decimal(self._chance.randrange(99_000, 101_000)) / 1_000)
        ticket.filled += quantity
        ticket.cost += cost
        ticket.fees += Decimal("0.35")
        ticket.fills += 1
        ticket.event = "FILL_ALL" if ticket.filled == ticket.quantity else "FILL_PART"
        sign = 1 if ticket.side == "BUY" else -1
        self._cash -= sign * cost + Decimal("0.35")
        held = self._held.setdefault(ticket.symbol, [Decimal(0), Decimal(0)])
        held[0] += sign * quantity
        held[1] += sign * cost
        self._tell(ticket)

    # ---- what the test asks

    def _book(self, message: Message) -> Message:
        return {**self._snapshot(message), "orders": [self._shown(ticket) for ticket in self._tickets.values()]}

    def _arm(self, message: Message) -> Message:
        """Arms a kill, or a fault where the message names what it is `on`."""
        if "on" in message:
            self._faults.append(Fault(message["on"], message["what"], message["nth"]))
        else:
            self._kill = Kill(message["nth"], message["when"])
        return {}

    def _cut(self, message: Message) -> Message:
        """Breaks the client's link; with `away` it is not let in again before `back`."""
        self._away = message["away"]
        for link in self._links:
            if link.trades:
                link.writer.close()
        return {}

    def _rest(self, message: Message) -> Message:
        """From now on nothing trades by itself."""
        self._resting = True
        return {}

    def _back(self, message: Message) -> Message:
        self._away = False
        return {}

    def _fill_order(self, message: Message) -> Message:
        self._trade(self._tickets[message["id"]], Decimal(message["upto"]), Decimal(message["price"]))
        return {}


async def serve(fill: str, seed: int) -> None:
    server = await asyncio.start_server(Venue(fill, seed).serve, "127.0.0.1", 0, limit=1 << 24)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--fill", default="now", choices=("now", "parts", "later", "mixed", "trading", "never"))
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    asyncio.run(serve(given.fill, given.seed))
