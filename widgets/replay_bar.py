"""ReplayBar: the lines at the top of a replay. That this is the past, what was worth what then, and how the session of now does."""

from __future__ import annotations

import math

from engine.model.modes import TradingState
from engine.model.signals import SignalState
from engine.model.views import View
from widgets import numbers
from widgets.cells import Cell
from widgets.header import Field, arrange, money_fields
from widgets.lines import Lines

GROUND = "reducing"
"""What lies under the whole of the first line: nobody takes it for an account that trades."""


class ReplayBar(Lines):
    """Three lines."""

    DEFAULT_CSS = """
    ReplayBar { height: 3; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._title, self._transport = "", ""
        self._past: View | None = None
        self._step = self._steps = self._at = 0
        self._now: View | None = None
        self._noun = "bar"

    def show(self, title: str, transport: str, past: View | None, at: int, step: int, steps: int, noun: str, now: View) -> None:
        """A step is called `noun`. `past` is the View of the playhead, which stands at the market time `at` after `step` of `steps`; `now`
        is the live session's."""
        self._title, self._transport, self._past, self._at = title, transport, past, at
        self._step, self._steps, self._noun, self._now = step, steps, noun, now
        self.redraw()

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        past, now = self._past, self._now
        left = [_on_ground(0, "◀◀ REPLAY"), _on_ground(3, self._title), _on_ground(0, self._transport)]
        right: list[Field] = []
        if past is not None:
            at = numbers.market_time(self._at, "%a %Y-%m-%d %H:%M ET")
            before = self._step < 0
            place = f"{self._step + 1:,}", f"{self._steps:,}"
            right = [
                _on_ground(0, *((f"before the first {self._noun}", "the start") if before else (at, at[4:]))),
                _on_ground(2, f"{self._noun} {place[0]} of {place[1]}", f"{place[0]}/{place[1]}"),
            ]
        lines = [(GROUND, arrange(left, right, width))]
        yet = [] if self._step >= 0 else [Field(1, ((Cell("nothing has happened yet", "muted"),),))]
        lines.append(("", arrange([*_state(past), *_money(past)], yet, width) if past is not None else []))
        lines.append(("", arrange(_session(now), [], width) if now is not None else []))
        return lines


def _on_ground(priority: int, *forms: str) -> Field:
    return Field(priority, tuple((Cell(form, GROUND),) for form in forms))


def _money(past: View) -> list[Field]:
    """As the header has it; without limits there are none to be told of, and what is at risk is told by itself."""
    account = past.account
    if account.exposure_limit:
        return money_fields(past)
    # Before the account had money its zeros are no amounts.
    known = past.health.ready or bool(account.equity)
    day, held = account.day_pnl if known else None, numbers.fraction_of(account.exposure, account.equity)
    gained = numbers.NONE if day is None else f"{numbers.profit(day)} {numbers.percent(numbers.fraction_of(day, account.day_start))}"
    return [
        Field(0, ((Cell("Equity ", "muted"), Cell(numbers.money(account.equity if known else None), "foreground")),)),
        Field(0, ((Cell("Day ", "muted"), Cell(gained, numbers.direction(day))),)),
        Field(1, ((Cell("Exposure ", "muted"), Cell(f"{held:.0%}" if math.isfinite(held) else numbers.NONE)),)),
        Field(2, ((Cell("Cash ", "muted"), Cell(numbers.money(account.cash if known else None))),)),
    ]


def _state(past: View) -> list[Field]:
    """What stood in the way of trading then."""
    state = past.account.state
    return [] if state is TradingState.ACTIVE else [Field(1, ((Cell(f"then {state.value}", "warning"),),))]


def _session(now: View) -> list[Field]:
    """The engine that trades lives on underneath."""
    account = now.account
    badge = Cell(f" {account.badge} ", "live" if account.badge == "LIVE" else "paper")
    halted = account.state is TradingState.HALTED
    mode = Cell(" HALTED ", "halted") if halted else Cell(account.mode.value, "foreground")
    waiting = sum(signal.state is SignalState.WAITING for signal in now.signals)
    working = sum(not order.state.is_final for order in now.orders)
    who = "1 signal waits" if waiting == 1 else f"{waiting} signals wait"
    waits = Cell(f"{who} for you", "accent") if waiting else Cell("nothing waits", "muted")
    return [
        Field(0, ((Cell("now ", "muted"), badge, Cell(" "), mode),)),
        Field(0, ((waits,),)),
        Field(2, ((Cell(f"orders {working}", "muted"),),)),
        Field(1, ((Cell("equity ", "muted"), Cell(numbers.money(account.equity))),)),
        Field(3, ((Cell("trading goes on underneath", "muted"),),)),
    ]
