"""An engine that records what it was asked and serves the View it was given: for tests of the screen alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count
from typing import Any

from msgspec.structs import replace

from engine.latch import LATCH_S
from engine.model import Intent, Level, Mode, View
from engine.model.effects import Reply
from engine.model.inputs import GroupKind
from engine.model.market import Listing
from engine.model.orders import Side, Terms
from engine.model.settings import Limits
from engine.model.signals import SignalEdit
from engine.model.verdicts import PASSED, Verdict
from engine.model.views import LogLine, WatchRow
from tests.views import sample_view


class FakeEngine:
    """`calls` holds (method, argument, ...) but for view and previews, which `previews` and `replaces` count."""

    def __init__(self, view: View | None = None, account: str = "") -> None:
        self.current = view or sample_view()
        self.account = account
        self.calls: list[tuple[Any, ...]] = []
        self.previews: list[Intent] = []
        self.replaces: list[tuple[str, Terms]] = []
        self.verdict: Verdict = PASSED
        self.refuses = ""
        self.refused_by: Verdict | None = None
        self.silent = False
        offered = {"AAPL": "Apple", "MSFT": "Microsoft", "TSLA": "Tesla", "NVDA": "Nvidia"}
        self.offered: tuple[Listing, ...] | None = tuple(Listing(*offer) for offer in offered.items())
        self.subscribers: dict[type, list[Callable[[Any], None]]] = {}
        self.ids = count(1)
        """The numbers of the commands to come."""

    def change(self, **changes: Any) -> None:
        """Serve a View with these fields from now on."""
        self.current = replace(self.current, revision=self.current.revision + 1, **changes)

    def sent(self) -> list[tuple[Any, ...]]:
        """What was asked of it, but for starting and which symbol the chart shows."""
        return [call for call in self.calls if call[0] not in {"start", "focus", "shutdown"}]

    def _command(self, *call: Any) -> str:
        self.calls.append(call)
        command_id = f"{self.account}c-{next(self.ids)}"
        if not self.silent:
            self._reply(Reply(command_id, not self.refuses, self.refuses or "done", self.refused_by))
        return command_id

    def _reply(self, reply: Reply) -> None:
        self.change(replies=(*self.current.replies, reply)[-50:])

    def start(self) -> None:
        self.calls.append(("start",))

    def view(self) -> View:
        return self.current

    def focus(self, symbol: str, timeframe: str = "") -> None:
        self.calls.append(("focus", symbol, *[timeframe] * bool(timeframe)))

    def submit(self, intent: Intent, *, confirmed: bool = False) -> str:
        return self._command("submit", intent, *["confirmed"] * confirmed)

    def preview(self, intent: Intent) -> str:
        self.previews.append(intent)
        command_id = f"{self.account}p-{next(self.ids)}"
        if self.silent:
            return command_id
        price = intent.limit or intent.stop or self._quoted(intent.symbol, intent.side)
        shares = intent.quantity if intent.notional is None else intent.notional // price
        cost = price * shares
        after = self.current.account.buying_power - cost
        held = sum((row.quantity for row in self.current.positions if row.symbol == intent.symbol), Decimal(0))
        held += shares if intent.side is Side.BUY else -shares
        self._reply(Reply(command_id, True, self.verdict.text or "passes", self.verdict, shares, cost, after, held, -0.0001))
        return command_id

    def _quoted(self, symbol: str, side: Side) -> Decimal:
        """What a market order would get, as far as the View has a quote."""
        row = next((row for row in self.current.watch if row.symbol == symbol), None)
        quote = row and (row.ask if side is Side.BUY else row.bid)
        return Decimal(str(quote)) if quote else Decimal("187.53")

    def preview_replace(self, order_id: str, terms: Terms) -> str:
        self.replaces.append((order_id, terms))
        command_id = f"{self.account}p-{next(self.ids)}"
        if not self.silent:
            cost = terms.quantity * (terms.limit or terms.stop or Decimal("187.53"))
            self._reply(Reply(command_id, True, self.verdict.text or "passes", self.verdict, terms.quantity, cost))
        return command_id

    def submit_group(self, kind: GroupKind, first: Intent, second: Intent, *, confirmed: bool = False) -> str:
        return self._command("submit_group", kind, first, second, *["confirmed"] * confirmed)

    def replace(self, order_id: str, terms: Terms) -> str:
        return self._command("replace", order_id, terms)

    def approve(self, signal_id: str, edit: SignalEdit | None = None) -> str:
        return self._command("approve", signal_id, *[edit] * (edit is not None))

    def reject(self, signal_id: str, reason: str = "") -> str:
        return self._command("reject", signal_id, reason)

    def cancel(self, order_id: str = "", symbol: str = "") -> str:
        return self._command("cancel", order_id, symbol)

    def close_position(self, symbol: str, side: Side, quantity: Decimal) -> str:
        return self._command("close_position", symbol, side, quantity)

    def set_mode(self, mode: Mode) -> str:
        return self._command("set_mode", mode)

    def emergency_stop(self, reason: str = "stop key", *, latch_s: float = LATCH_S) -> str:
        return self._command("emergency_stop", reason)

    def latched(self, within_s: float) -> bool:
        return True

    def sync(self) -> str:
        return self._command("sync")

    def accept_position(self, symbol: str, reason: str) -> str:
        return self._command("accept_position", symbol, reason)

    def liquidate_all(self, *, latch_s: float = LATCH_S) -> str:
        return self._command("liquidate_all")

    def resume(self, reason: str) -> str:
        return self._command("resume", reason)

    def reset_breaker(self, name: str, reason: str) -> str:
        return self._command("reset_breaker", name, reason)

    def set_limits(self, limits: Limits, reason: str = "", seen: Limits | None = None) -> str:
        return self._command("set_limits", limits, reason)

    def watch(self, symbol: str) -> str:
        if not self.refuses and all(row.symbol != symbol for row in self.current.watch):
            row = WatchRow(symbol, 50.0, None, 49.99, 50.01, 0.0, None, Decimal("0.01"))
            self.change(watch=(*self.current.watch, row))
        return self._command("watch", symbol)

    def unwatch(self, symbol: str) -> str:
        if not self.refuses:
            self.change(watch=tuple(row for row in self.current.watch if row.symbol != symbol))
        return self._command("unwatch", symbol)

    def offers(self) -> tuple[Listing, ...] | None:
        return self.offered

    def note(self, level: Level, source: str, text: str) -> None:
        number = self.current.log[-1].number + 1 if self.current.log else 1
        self.change(log=(*self.current.log, LogLine(number, self.current.health.market_time + number, level, source, text)))

    def subscribe(self, kind: type[Any], callback: Callable[[Any], None]) -> Callable[[], None]:
        self.subscribers.setdefault(kind, []).append(callback)
        return lambda: self.subscribers[kind].remove(callback)

    def tell(self, event: Any) -> None:
        """A market event to whoever subscribed to it."""
        for callback in self.subscribers.get(type(event), ()):
            callback(event)

    def shutdown(self, timeout: float = 5.0) -> None:
        self.calls.append(("shutdown",))


def orders(calls: Sequence[tuple[Any, ...]]) -> list[Intent]:
    """The orders among the calls, in the order they were sent."""
    return [call[1] for call in calls if call[0] == "submit"]


if __name__ == "__main__":
    from console.app import run_console

    raise SystemExit(run_console(FakeEngine()))
