"""One client's connection: the handshake, and what each request is answered with."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.servers.tws import say
from tests.servers.tws.contracts import asked, details, known
from tests.servers.tws.tickets import DONE, Ticket, read_order
from tests.servers.tws.wire import VERSION, Fields, frame, message, read_frame

if TYPE_CHECKING:
    from tests.servers.tws.server import Tws

FARMS = ((2104, "Market data farm connection is OK:usfarm"), (2106, "HMDS data farm connection is OK:ushmds"))
RATES = {"USD": Decimal(1), "EUR": Decimal("1.25"), "JPY": Decimal("0.01")}
"""Dollars for one."""
PER_S = 50
"""Messages a second before error 100; the third time ends the connection."""


class Session:
    def __init__(self, server: Tws, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.client_id = -1
        self.mute = False
        self.heard: list[float] = []
        self.warned = 0
        self._arrived: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._taking: asyncio.Task[None] | None = None
        self.data_type = 1
        """Of market data: 3 takes what is delayed where there is no more."""
        self._server = server
        self._reader = reader
        self._writer = writer
        self._handlers: dict[int, tuple[str, Callable[[Fields], None]]] = {
            1: ("market_data", self._market_data),
            2: ("", lambda fields: server.data.end_ticks(self, fields.after(1).number())),
            3: ("submit", self._place),
            4: ("cancel", self._cancel),
            5: ("open_orders", lambda fields: self._open_orders(everybody=False)),
            6: ("", self._account_updates),
            7: ("executions", self._executions),
            9: ("details", self._details),
            15: ("", lambda fields: None),
            16: ("open_orders", lambda fields: self._open_orders(everybody=True)),
            17: ("", lambda fields: self.send([15, 1, server.gateway.account])),
            20: ("history", self._history),
            25: ("", lambda fields: None),
            49: ("time", lambda fields: self.send([49, 1, int(time.time() + server.clock_skew)])),
            50: ("realtime", self._realtime),
            51: ("", lambda fields: server.data.end_bars(self, fields.after(1).number())),
            58: ("global_cancel", self._global_cancel),
            59: ("", self._market_data_type),
            61: ("positions", self._positions),
            62: ("summary", self._summary),
            63: ("", lambda fields: None),
            64: ("", lambda fields: None),
            71: ("", self._start),
            76: ("", self._updates_multi),
            77: ("", lambda fields: None),
            81: ("", self._matching),
            99: ("completed", self._completed),
        }

    # ---- life

    async def serve(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            if self._server.drops("accept") or await self._reader.readexactly(4) != b"API\0":
                return
            await read_frame(self._reader)
            if self._server.logged_out:
                await self._reader.read()
                return
            self._writer.write(frame(f"{VERSION}\0{time.strftime('%Y%m%d %H:%M:%S UTC', time.gmtime())}\0".encode()))
            while True:
                payload = await read_frame(self._reader)
                if self._server.delay_s or not self._arrived.empty():
                    self._arrived.put_nowait((time.monotonic() + self._server.delay_s, payload))
                    self._taking = self._taking or asyncio.create_task(self._take_late())
                else:
                    self._take(payload)

    async def _take_late(self) -> None:
        """What is on its way for a while, in its order."""
        while True:
            at, payload = await self._arrived.get()
            await asyncio.sleep(max(at - time.monotonic(), 0))
            self._take(payload)

    def close(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
        self._writer.close()

    def send(self, fields: list[object]) -> None:
        if not (self.mute or self._writer.is_closing()):
            self._writer.write(message(self._server.faults.spoilt(fields)))

    def _take(self, payload: bytes) -> None:
        fields = Fields.of(payload)
        kind = fields.number()
        if self.mute or not self._paced():
            return
        if kind not in self._handlers:
            self.send(say.error(-1, 505, f"Fatal Error: Unknown message id {kind}."))
            return
        name, handle = self._handlers[kind]
        self._server.asked[name] += 1
        if name in ("submit", "cancel"):
            self._server.kill_if_armed()
            handle(fields)
            return
        fault = self._server.faults.strikes(name) if name else None
        if fault is None:
            handle(fields)
        elif fault.what.isdigit():
            self.send(say.error(_request(name, fields), int(fault.what), fault.words))
        elif fault.what in ("cut", "unseen_cut"):
            self.close()

    def _paced(self) -> bool:
        """Whether this client keeps to what may be asked in a second."""
        now = time.monotonic()
        self.heard = [at for at in self.heard if now - at < 1] + [now]
        if len(self.heard) <= PER_S:
            return True
        self.warned += 1
        self.send(say.error(-1, 100, "Max rate of messages per second has been exceeded:max=50 rec=51"))
        if self.warned >= 3:
            self.close()
        return False

    def _start(self, fields: Fields) -> None:
        fields.skip(1)
        client_id = fields.number()
        if self._server.is_taken(client_id):
            words = "Unable to connect as the client id is already in use. Retry with a unique client id."
            self.send(say.error(-1, 326, words))
            self.close()
            return
        if self._server.drops("hello"):
            self.close()
            return
        self.client_id = client_id
        self.send([15, 1, self._server.gateway.account])
        self.send([9, 1, self._server.gateway.next_order_id])
        for code, words in FARMS:
            self.send(say.error(-1, code, words))
        if self._server.disconnected:
            self.send(say.error(-1, 1100, "Connectivity between IB and Trader Workstation has been lost."))

    # ---- orders

    def _place(self, fields: Fields) -> None:
        gateway = self._server.gateway
        order_id, stocks, symbol, terms = read_order(fields)
        known_already = gateway.find(self.client_id, order_id)
        fault = self._server.faults.strikes("modify" if known_already else "submit")
        what = fault.what if fault is not None else ""
        if what in ("unseen", "unseen_cut"):
            self._server.lost.append((self.client_id, order_id))
            if what == "unseen_cut":
                self.close()
            return
        if fault is not None and what.isdigit():
            self.send(say.error(order_id, int(what), fault.words))
            if not fault.works:
                return
        if what in ("unanswered", "cut") and known_already is not None:
            known_already.told = False
        if known_already is not None:
            gateway.modify(known_already, terms)
        elif len(stocks) != 1:
            ambiguous = (
                "The contract description specified for {} is ambiguous." if stocks else "No security definition has been found for {}"
            )
            self.send(say.error(order_id, 200, ambiguous.format(symbol or "the request")))
        else:
            if any(ticket.terms.order_ref == terms.order_ref for ticket in gateway.tickets if terms.order_ref):
                self._server.copies += 1
            gateway.place(self.client_id, order_id, stocks[0], terms, told=what not in ("unanswered", "cut"))
        if what == "cut":
            self.close()

    def _cancel(self, fields: Fields) -> None:
        fields.skip(1)
        order_id = fields.number()
        ticket = self._server.gateway.find(self.client_id, order_id)
        fault = self._server.faults.strikes("cancel")
        what = fault.what if fault is not None else ""
        if fault is not None and what.isdigit():
            self.send(say.error(order_id, int(what), fault.words))
        elif what in ("unseen", "unseen_cut"):
            pass
        elif ticket is None:
            self.send(say.error(order_id, 10147, f"OrderId {order_id} that needs to be cancelled is not found."))
        elif ticket.done:
            state = ticket.status
            self.send(say.error(order_id, 10148, f"OrderId {order_id} that needs to be cancelled can not be cancelled, state: {state}."))
        else:
            ticket.told = ticket.told and what not in ("unanswered", "cut")
            self._server.gateway.cancel(ticket)
        if what in ("cut", "unseen_cut"):
            self.close()

    def _global_cancel(self, fields: Fields) -> None:
        for ticket in self._server.gateway.tickets:
            self._server.gateway.cancel(ticket, "Cancelled by global cancel")

    def _open_orders(self, *, everybody: bool) -> None:
        for ticket in self._server.gateway.tickets:
            if not ticket.done and (everybody or ticket.client_id == self.client_id):
                ticket.told = True
                self.send(say.open_order(ticket))
                self.send(say.order_status(ticket))
        self.send([53, 1])

    def _completed(self, fields: Fields) -> None:
        api_only = fields.flag()
        for ticket in self._server.gateway.tickets:
            if ticket.status in DONE and (ticket.order_id or not api_only):
                self.send(say.completed_order(ticket))
        self.send([102])

    def _executions(self, fields: Fields) -> None:
        fields.skip(1)
        request, client_id = fields.number(), fields.number()
        told: list[Ticket] = [t for t in self._server.gateway.tickets if not client_id or t.client_id == client_id]
        for ticket in told:
            for traded in ticket.executions:
                self.send(say.execution(ticket, traded, request))
                self.send(say.commission(traded, self._server.gateway.fees_in))
        self.send([55, 1, request])
        if self._server.drops("ready"):
            self.close()

    # ---- the account

    def _positions(self, fields: Fields) -> None:
        gateway = self._server.gateway
        for stock, shares, cost in gateway.positions():
            self.send(say.position(gateway.account, stock, shares, cost))
        self.send([62, 1])

    def _values(self) -> list[tuple[str, str, str]]:
        gateway = self._server.gateway
        base, equity = gateway.kept_in, gateway.equity()
        beside = sum((amount * RATES[currency] for currency, amount in gateway.others.items()), Decimal(0))
        total = f"{(gateway.cash + beside) / RATES[base]:.2f}"
        each = {currency: f"{amount:.2f}" for currency, amount in (("USD", gateway.cash), *gateway.others.items())}
        return [
            ("AccountType", "INDIVIDUAL", ""),
            ("NetLiquidation", f"{(equity + beside) / RATES[base]:.2f}", base),
            ("TotalCashValue", total, base),
            *([("CashBalance", total, "BASE")] if gateway.ledgers else []),
            *(
                ("CashBalance", amount, currency)
                for currency, amount in each.items()
                if gateway.ledgers and (currency == base or float(amount))
            ),
            ("TotalCashBalance", total, "BASE"),
            ("BuyingPower", f"{equity * 4 / RATES[base]:.2f}", base),
        ]

    def _account_updates(self, fields: Fields) -> None:
        fields.skip(1)
        gateway = self._server.gateway
        if not fields.flag():
            return
        for tag, value, currency in self._values():
            self.send([6, 2, tag, value, currency, gateway.account])
        for stock, shares, cost in gateway.positions():
            self.send(say.portfolio(gateway.account, stock, shares, cost, gateway.exchange.prices[stock.con_id].last))
        self.send([8, 1, time.strftime("%H:%M")])
        self.send([54, 1, gateway.account])

    def _updates_multi(self, fields: Fields) -> None:
        fields.skip(1)
        request = fields.number()
        for tag, value, currency in self._values():
            self.send([73, 1, request, self._server.gateway.account, "", tag, value, currency])
        self.send([74, 1, request])

    def _summary(self, fields: Fields) -> None:
        fields.skip(1)
        request = fields.number()
        fields.skip(1)
        tags = fields.text().split(",")
        for tag, value, currency in self._values():
            if tag in tags or (tag == "CashBalance" and {"$LEDGER:ALL", f"$LEDGER:{currency}"} & {*tags}):
                self.send([63, 1, request, self._server.gateway.account, tag, value, currency])
        self.send([64, 1, request])

    # ---- contracts and prices

    def _details(self, fields: Fields) -> None:
        fields.skip(1)
        request = fields.number()
        stocks, _ = asked(fields)
        for stock in stocks:
            self.send(details(request, stock))
        self.send([52, 1, request] if stocks else say.error(request, 200, "No security definition has been found for the request"))

    def _matching(self, fields: Fields) -> None:
        request, pattern = fields.number(), fields.text().upper()
        found = known(pattern)
        told: list[object] = [79, request, len(found)]
        for stock in found:
            told += [stock.con_id, stock.symbol, "STK", stock.primary, stock.currency, 0, "", ""]
        self.send(told)

    def _market_data(self, fields: Fields) -> None:
        fields.skip(1)
        request = fields.number()
        stocks, _ = asked(fields)
        fields.skip(2)  # delta neutral, generic ticks
        self._server.data.begin_ticks(self, request, stocks, snapshot=fields.flag())

    def _market_data_type(self, fields: Fields) -> None:
        self.data_type = fields.after(1).number()

    def _realtime(self, fields: Fields) -> None:
        fields.skip(1)
        request = fields.number()
        stocks, _ = asked(fields)
        self._server.data.begin_bars(self, request, stocks)

    def _history(self, fields: Fields) -> None:
        request = fields.number()
        stocks, _ = asked(fields)
        fields.skip(1)  # include expired
        end, size, duration, regular, what = fields.text(), fields.text(), fields.text(), fields.flag(), fields.text()
        self._server.data.history(self, request, stocks, end, size, duration, regular, what)


def _request(name: str, fields: Fields) -> int:
    """The request's own number, where it has one; the rest of it is spent then."""
    if name in ("executions", "summary", "details"):
        fields.skip(1)
        return fields.number()
    return fields.number() if name == "history" else -1
