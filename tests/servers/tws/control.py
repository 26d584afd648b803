"""What a test, or a person at the terminal, tells the server to do. Each command takes words and answers with a value for JSON."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.servers.tws.contracts import called
from tests.servers.tws.exchange import PLENTY
from tests.servers.tws.faults import Fault
from tests.servers.tws.server import LOST, Tws
from tests.servers.tws.tickets import Terms, Ticket

Answer = dict[str, Any]
HELP = """\
price SYMBOL LAST [SHARES]      a new quote, of so many shares
fills on|off                    whether prices fill orders
spread AMOUNT                   between bid and ask, of all symbols
market open|closed|auction      the session
expire                          the session is over: orders for it end
midnight                        executions of the day are told no more
fill ID SHARES PRICE [silent]   trades an order by hand; ID is its reference or permId
correct ID SHARES PRICE         tells its last execution anew
kept CURRENCY                   what the account is kept in
has AMOUNT CURRENCY             what it has beside its dollars
ledgers on|off                  whether its summary tells each currency, or the whole alone
fees CURRENCY|unset             what the fees are in, or that they are not known yet
fee ID                          tells its fees once more
place CLIENT BUY|SELL SHARES SYMBOL TYPE PRICE [REF] [ACCOUNT]   an order of another client's, of TWS itself with client 0
status ID WHAT                  it has this status from now on, and says so when it is asked
cancel ID                       somebody cancels it in TWS
cash AMOUNT                     money comes in or goes out
code NUMBER [WORDS]             1100, 1101, 1102, 2103, 10197 or any other, said to all
object ID NUMBER [WORDS]        any code, said of this order
arm ON WHAT [NTH] [TIMES] [works] [: WORDS]            see `faults`
disarm                          what was armed and did not strike yet
spoil KIND FIELD [VALUE]        in each message of this kind from now on that field is VALUE (JSON), or the message ends before it
whole                           no message is spoilt any more
say FIELDS                      any message (JSON), to all
mute, unmute                    connected, and no word any more; new connections speak
logout, login                   connections are taken and never answered, as before the weekly log-in
storm TIMES accept|hello|ready  so many connections are dropped when they come, say who they are, or have begun
cut, away, back                 connections end; nobody can connect; they can again
reset                           the nightly one: 1100, then away
taken CLIENT                    another program has this client id from its next attempt on
delay SECONDS                   messages are so long on their way to it
skew SECONDS                    its clock is ahead by so much
kill PID NTH                    kill -9 to PID at its NTH order or cancel from now
book                            orders, cash, positions, copies, numbers of orders that were lost, requests by kind
rights SYMBOL live|delayed|none what this user may see of its prices
lines COUNT                     how many subscriptions he has
competing on|off                another session of his has the data; 10197 begins it, too
tick SYMBOL KIND PRICE          one tick by hand: 1 bid, 2 ask, 4 last
halt SYMBOL 0|1|2               trades, halted, halted for its volatility
walk on|off                     prices move by themselves
bars on|off                     bars of five seconds come by themselves
bar SYMBOL TIME PRICE           one by hand, that began then (ISO, UTC)
clock TIME                      the market's time is this now (ISO, UTC)
ahead SECONDS                   the market's time moves on by so much
pacing SAME ONE SPAN MOST       seconds before the same past bars again, in which five of a contract, and MOST of all
data                            who follows what, and what was asked so far
help"""


class Control:
    def __init__(self, tws: Tws) -> None:
        self._tws = tws
        self._commands: dict[str, Callable[..., Answer | Coroutine[Any, Any, None] | None]] = {
            name: getattr(self, f"do_{name}") for name in (line.split()[0].rstrip(",") for line in HELP.splitlines())
        }
        self._commands |= {"unmute": self.do_unmute, "login": self.do_login, "away": self.do_away, "back": self.do_back}

    async def do(self, line: str) -> Answer:
        """Carries out one line; `{"error": ...}` where it makes no sense."""
        head, _, words = line.partition(":") if line.startswith("arm") else (line, "", "")
        name, *given = head.split() or ["help"]
        try:
            command = self._commands[name]
            answer = command(*given, words.strip()) if name == "arm" else command(*given)
            if asyncio.iscoroutine(answer):
                await answer
                return {}
        except (KeyError, TypeError, ValueError, ArithmeticError, StopIteration) as error:
            return {"error": f"{line}: {type(error).__name__}: {error}"}
        return answer if isinstance(answer, dict) else {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(json.dumps(await self.do(line.decode()), default=str).encode() + b"\n")
        writer.close()

    def do_help(self) -> Answer:
        return {"help": HELP}

    # ---- the market

    def do_price(self, symbol: str, last: str, shares: str = "") -> None:
        stock = called(symbol)
        self._tws.gateway.price(stock, Decimal(last), Decimal(shares) if shares else PLENTY)
        self._tws.data.moved(stock)

    def do_fills(self, on: str) -> None:
        self._tws.gateway.exchange.fills = on == "on"

    def do_spread(self, amount: str) -> None:
        self._tws.gateway.exchange.spread = Decimal(amount)

    def do_market(self, what: str) -> None:
        if what == "auction":
            self._tws.gateway.auction()
        else:
            self._tws.gateway.open_market(what == "open")

    def do_expire(self) -> None:
        self._tws.gateway.expire()

    def do_midnight(self) -> None:
        self._tws.gateway.midnight()

    # ---- prices

    def do_rights(self, symbol: str, what: str) -> None:
        if what not in ("live", "delayed", "none"):
            raise ValueError(what)
        self._tws.data.rights[called(symbol).symbol] = what

    def do_lines(self, count: str) -> None:
        self._tws.data.lines = int(count)

    def do_competing(self, on: str) -> None:
        if on == "on":
            self._tws.say_to_all(10197)
        else:
            self._tws.data.taken_by_another = False

    def do_tick(self, symbol: str, kind: str, price: str) -> None:
        self._tws.data.tick(called(symbol), int(kind), Decimal(price))

    def do_halt(self, symbol: str, state: str) -> None:
        self._tws.data.halt(called(symbol), int(state))

    def do_walk(self, on: str) -> None:
        self._tws.walks = on == "on"

    def do_bars(self, on: str) -> None:
        self._tws.data.by_itself = on == "on"

    def do_bar(self, symbol: str, opened: str, price: str) -> None:
        self._tws.data.bar(called(symbol), int(_moment(opened)), Decimal(price))

    def do_clock(self, now: str) -> None:
        self._tws.data.ahead_s = _moment(now) - time.time()

    def do_ahead(self, seconds: str) -> None:
        self._tws.data.ahead_s += float(seconds)

    def do_pacing(self, same: str, one: str, span: str, most: str) -> None:
        self._tws.data.pace(float(same), float(one), float(span), int(most))

    def do_data(self) -> Answer:
        return {**self._tws.data.followed(), "asked": dict(self._tws.data.counts)}

    # ---- orders

    def do_fill(self, order: str, shares: str, price: str, silent: str = "") -> None:
        self._tws.gateway.execute(self._ticket(order), Decimal(shares), Decimal(price), silent=bool(silent))

    def do_correct(self, order: str, shares: str, price: str) -> None:
        self._tws.gateway.correct(self._ticket(order), Decimal(shares), Decimal(price))

    def do_kept(self, currency: str) -> None:
        self._tws.gateway.kept_in = currency

    def do_has(self, amount: str, currency: str) -> None:
        self._tws.gateway.others[currency] = Decimal(amount)

    def do_ledgers(self, on: str) -> None:
        self._tws.gateway.ledgers = on == "on"

    def do_fees(self, currency: str) -> None:
        self._tws.gateway.fees_in = "" if currency == "unset" else currency

    def do_fee(self, order: str) -> None:
        self._tws.gateway.tell_fees(self._ticket(order))

    def do_place(self, client: str, side: str, shares: str, symbol: str, kind: str, price: str, ref: str = "", account: str = "") -> Answer:
        stock = called(symbol)
        gateway, at = self._tws.gateway, Decimal(price)
        limit, aux = (at if kind == "LMT" else None), (at if kind == "STP" else None)
        terms = Terms(side, Decimal(shares), kind, limit, aux, "GTC", order_ref=ref, account=account)
        order_id = gateway.next_order_id if int(client) else 0
        ticket = gateway.place(int(client), order_id, stock, terms)
        return {"perm_id": ticket.perm_id} if ticket else {"error": "refused"}

    def do_status(self, order: str, what: str) -> None:
        self._ticket(order).status = what

    def do_cancel(self, order: str) -> None:
        self._tws.gateway.cancel(self._ticket(order))

    def do_cash(self, amount: str) -> None:
        self._tws.gateway.cash += Decimal(amount)

    def do_book(self) -> Answer:
        gateway = self._tws.gateway
        return {
            "orders": [_row(ticket) for ticket in gateway.tickets],
            "cash": gateway.cash,
            "positions": {stock.name_here: shares for stock, shares, _ in gateway.positions()},
            "copies": self._tws.copies,
            "lost": self._tws.lost,
            "asked": self._tws.asked,
            "clients": [session.client_id for session in self._tws.sessions],
        }

    def _ticket(self, order: str) -> Ticket:
        return next(t for t in reversed(self._tws.gateway.tickets) if order in (t.terms.order_ref, str(t.perm_id)))

    # ---- mishaps

    def do_code(self, number: str, *words: str) -> None:
        self._tws.say_to_all(int(number), " ".join(words))

    def do_object(self, order: str, number: str, *words: str) -> None:
        self._tws.say_to_all(int(number), " ".join(words), self._ticket(order).order_id)

    def do_arm(self, on: str, what: str, *more: str) -> None:
        *numbers, words = more
        works = "works" in numbers
        nth, times = [*(int(each) for each in numbers if each != "works"), 1, 1][:2]
        self._tws.faults.arm(Fault(on, what, nth, times, words, works))

    def do_disarm(self) -> None:
        self._tws.faults.disarm()

    def do_spoil(self, kind: str, at: str, *value: str) -> None:
        self._tws.faults.spoils[int(kind)] = int(at), json.loads(" ".join(value)) if value else None

    def do_whole(self) -> None:
        self._tws.faults.spoils.clear()

    def do_say(self, *fields: str) -> None:
        for session in self._tws.sessions:
            session.send(json.loads(" ".join(fields)))

    def do_mute(self) -> None:
        for session in self._tws.sessions:
            session.mute = True
            session.client_id = -1  # half-open: its id is free again for who comes next

    def do_unmute(self) -> None:
        for session in self._tws.sessions:
            session.mute = False

    def do_logout(self) -> None:
        self._tws.logged_out = True
        self._tws.cut()

    def do_login(self) -> None:
        self._tws.logged_out = False
        self._tws.cut()

    def do_storm(self, times: str, at: str) -> None:
        self._tws.storm[at] = int(times)
        self._tws.cut()

    def do_cut(self) -> None:
        self._tws.cut()

    def do_away(self) -> None:
        self._tws.go_away()

    def do_back(self) -> Coroutine[Any, Any, None]:
        return self._tws.come_back()

    def do_reset(self) -> None:
        self._tws.say_to_all(1100, LOST)
        self._tws.disconnected = False
        self._tws.go_away()

    def do_taken(self, client: str) -> None:
        self._tws.taken.add(int(client))

    def do_delay(self, seconds: str) -> None:
        self._tws.delay_s = float(seconds)

    def do_skew(self, seconds: str) -> None:
        self._tws.clock_skew = float(seconds)

    def do_kill(self, pid: str, nth: str) -> None:
        self._tws.kill = (int(pid), int(nth))


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _row(ticket: Ticket) -> Answer:
    terms = ticket.terms
    return {
        "ref": terms.order_ref,
        "perm_id": ticket.perm_id,
        "order_id": ticket.order_id,
        "client_id": ticket.client_id,
        "symbol": ticket.stock.symbol,
        "con_id": ticket.stock.con_id,
        "side": terms.action,
        "quantity": terms.quantity,
        "type": terms.type,
        "limit": terms.limit,
        "aux": terms.aux,
        "tif": terms.tif,
        "oca_group": terms.oca_group,
        "oca_type": terms.oca_type,
        "parent_id": terms.parent_id,
        "status": ticket.status,
        "filled": ticket.filled,
        "cost": ticket.cost,
        "fees": ticket.fees,
    }
