"""HeaderBar: the two lines that never scroll away. Live or paper, is anything wrong, what is the account worth, what is at risk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from engine.model.modes import Mode, TradingState
from engine.model.signals import SignalState
from engine.model.views import LinkView, View
from widgets import numbers
from widgets.cells import Cell, Gauge, gauge, length
from widgets.lines import Lines
from widgets.other_accounts import brief, is_well, named, others, role_of, waiting
from widgets.signals import HURRY_S
from widgets.text import clean

SLOW_MS, STUCK_MS = 100.0, 1000.0
"""Lag that a person feels, and lag that a person must not trade on."""

BACKLOG = 100
"""Records not yet durable from which on the journal is worth a word."""

BROKER_LATE_S, BROKER_SILENT_S = 90.0, 150.0
"""A broker that is well is heard once a minute at least, when it is compared with."""

GAP = 3
BAR = 12

WIDE = 100
"""From here on every panel is on the screen."""


class Field(Struct, frozen=True):
    """One thing the header says, in `forms` from the longest to the shortest. Priority 0 is never left out."""

    priority: int
    forms: tuple[tuple[Cell, ...], ...]


def arrange(left: Sequence[Field], right: Sequence[Field], width: int) -> list[Cell]:
    """`left` and `right` at the two ends of one line.

    Where `width` is short, fields are said shorter, a step at a time and the highest priorities first, and only then left out.
    """
    fields = [*left, *right]
    said = [field.forms[0] for field in fields]

    def fits() -> bool:
        lengths = [length(cells) for cells in said if cells]
        return sum(lengths) + GAP * max(0, len(lengths) - 1) + 2 <= width

    least_first = sorted(range(len(fields)), key=lambda i: (-fields[i].priority, -i))
    for step in range(1, max((len(field.forms) for field in fields), default=0)):
        for i in least_first:
            if step < len(fields[i].forms) and not fits():
                said[i] = fields[i].forms[step]
    for i in least_first:
        if fields[i].priority and not fits():
            said[i] = ()
    start, end = _joined(said[: len(left)]), _joined(said[len(left) :])
    between = max(0, width - 2 - length(start) - length(end))
    return [Cell(" "), *start, Cell(" " * between), *end, Cell(" ")]


def _joined(fields: Sequence[tuple[Cell, ...]]) -> list[Cell]:
    cells: list[Cell] = []
    for field in fields:
        if cells and field:
            cells.append(Cell(" " * GAP))
        cells.extend(Cell(clean(text), role) for text, role in field)
    return cells


class HeaderBar(Lines):
    """Two lines, at any width."""

    DEFAULT_CSS = """
    HeaderBar {
        dock: top;
        height: 2;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, classes=classes)
        self._view: View | None = None
        self._screen_lag_ms: float | None = None
        self._terminal_slow = False
        self.coarse = False
        """Whether what changes all the time is left out, for a thin line: the clock's seconds, a lag that nobody feels."""
        self.waiting_key = ""
        """How the key is called that goes to the signal that runs out first; nothing where none does."""

    def show(self, view: View, screen_lag_ms: float | None = None, *, terminal_slow: bool = False) -> None:
        """`screen_lag_ms` is how late the screen's own loop runs, in milliseconds; `terminal_slow` that the terminal does not keep up."""
        self._view, self._screen_lag_ms, self._terminal_slow = view, screen_lag_ms, terminal_slow
        self.redraw()

    def draw(self, width: int) -> list[tuple[str, list[Cell]]]:
        view = self._view
        if view is None:
            return [("", [Cell(" tradeconsole", "muted")]), ("", [])]
        return [
            ("", arrange(self._state(view), _clock(view, coarse=self.coarse), width)),
            ("", arrange(money_fields(view), _work(view, width), width)),
        ]

    def _state(self, view: View) -> list[Field]:
        fields = _state(view)
        lags = [_lag("engine", view.health.engine_lag_ms, 3, coarse=self.coarse)]
        if self._screen_lag_ms is not None:
            lags.append(_lag("screen", self._screen_lag_ms, 6, coarse=self.coarse))
        if self._terminal_slow:
            lags.append(Field(1, ((Cell("terminal slow", "warning"),),)))
        waits = _waiting(view, self.waiting_key, coarse=self.coarse)
        return [*fields, *waits, *_others(view), *lags, *_links(view), *_behind(view)]


def _state(view: View) -> list[Field]:
    account, health = view.account, view.health
    badge = Cell(f" {account.badge} ", "live" if account.badge == "LIVE" else "paper")
    # What sends by itself stands out: nobody should take it for a mode that asks.
    by_itself = account.mode is Mode.FULL_AUTO
    mode: tuple[Cell, ...] = (Cell(" FULL_AUTO ", "reducing") if by_itself else Cell(account.mode.value, "foreground"),)
    if account.state is TradingState.HALTED:
        mode = (Cell(" HALTED ", "halted"),)
    elif account.state is TradingState.REDUCING:
        mode = (*mode, Cell(" "), Cell(" REDUCING ", "reducing"))
    name = (Cell("  "), Cell(view.name, "title")) if view.name else ()
    fields = [Field(0, ((badge, *name, Cell("  "), *mode),))]
    if not health.ready:
        failed = Cell("FAILED", "error") if health.failed else Cell("not ready", "warning")
        fields.append(Field(1, ((failed,),)))
    return fields


def _waiting(view: View, key: str, *, coarse: bool) -> list[Field]:
    """In which of the console's other accounts signals wait for a person. What nobody decides is lost: the one that runs out first is said
    in any case, how long it has, and the key that goes there; the rest are named as far as there is room."""
    fields: list[Field] = []
    for each, rows in waiting(others(view)):
        left = rows[0].expires_in_s
        said: tuple[Cell, ...] = (*named(each), Cell(f"{len(rows)} wait{'s' if len(rows) == 1 else ''}", "accent"))
        if not fields and left is not None and not coarse:
            said = (*said, Cell(" "), Cell(numbers.countdown(left), "warning" if left < HURRY_S else "accent"))
        if not fields and key:
            said = (*said, Cell(" "), Cell(key, "key"))
        fields.append(Field(1 if fields else 0, (said,)))
    return fields


def _others(view: View) -> list[Field]:
    """The console's other accounts. Who wants a look, trades real money or sends by itself is named in any case, the rest is counted where
    room is short."""
    named_already = {each.name for each, _ in waiting(others(view))}
    rest = [each for each in others(view) if each.name not in named_already or not is_well(each)]
    if not rest:
        return []
    unwell = [each for each in rest if not is_well(each)]
    told = [each for each in rest if not is_well(each) or each.account.badge == "LIVE" or each.account.mode is Mode.FULL_AUTO]
    well = Cell(f"{' ' if told else ''}+{len(rest) - len(told)} ok", "muted")
    forms = [_listed(rest), (*_listed(told), *[well] * (len(told) < len(rest)))]
    if len(unwell) > 2:
        forms.append((Cell(f"{len(unwell)} of {len(rest)} others !", "error"),))
    return [Field(1 if told else 2, tuple(forms))]


def _listed(views: Sequence[View]) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for view in views:
        cells += [*[Cell(" · ", "muted")] * bool(cells), *brief(view)]
    return tuple(cells)


def _behind(view: View) -> list[Field]:
    """What else of the engine does not keep up."""
    fields, health = [], view.health
    if health.journal_backlog >= BACKLOG:
        fields.append(Field(2, ((Cell(f"journal {health.journal_backlog:,} behind", "warning"),),)))
    fields += [
        Field(3, ((Cell(f"{strategy.name} {strategy.state}", role),), (Cell(f"{strategy.name} !", role),)))
        for strategy in view.strategies
        if (role := {"disabled": "error", "restarting": "warning"}.get(strategy.state))
    ]
    return fields


def _lag(name: str, milliseconds: float, priority: int, *, coarse: bool) -> Field:
    role = "error" if milliseconds >= STUCK_MS else "warning" if milliseconds >= SLOW_MS else ""
    # A lag that matters is not left out for want of room.
    said = "ok" if coarse and not role else numbers.milliseconds(milliseconds)
    return Field(1 if role else priority, ((Cell(f"{name} ", "muted"), Cell(said, role)),))


def _links(view: View) -> list[Field]:
    """The broker's and the feed's. How long a feed may be silent follows from what it is, and the engine says so by its prices' age."""
    market = view.watch if view.health.market_open else ()
    silent = "error" if market and all(row.stale_s is not None for row in market) else ""
    fields = []
    for link in view.health.links:
        age = (link.age_ms or 0.0) / 1000
        broker = "error" if age >= BROKER_SILENT_S else "warning" if age >= BROKER_LATE_S else ""
        fields.append(_link(link, broker if link.is_broker else silent))
    return fields


def _link(link: LinkView, role: str) -> Field:
    name = Cell(f"{link.name} ", "muted")
    if not link.up:
        # The banner says why.
        return Field(1, ((name, Cell(link.state, role_of(link.state))),))
    age = numbers.NONE if link.age_ms is None else numbers.age(link.age_ms / 1000) if link.age_ms >= 1000 else "ok"
    return Field(1 if role else 5, ((name, Cell(age, role)),))


def _clock(view: View, *, coarse: bool) -> list[Field]:
    """The market's text and its clock. Where bars are days, the day is the time; a day that the text names already is not said twice."""
    health = view.health
    role, word = ("", "open") if health.market_open else ("muted", "closed")
    text, et = health.market_text or word, Cell("ET", "muted")
    day, at = numbers.market_time(health.market_time, "%Y-%m-%d"), numbers.market_time(health.market_time)
    at = at[:5] if coarse else at
    if at == numbers.NONE:
        return [Field(2, ((Cell(text, role),), (Cell(word, role),)))]
    # The feed's own bars, whatever time frame somebody looks at.
    daily = view.chart is not None and (view.chart.offered or (view.chart.timeframe,))[0].endswith("d")
    if day in text:
        said = Field(2, ((Cell(text, role),), (Cell(day, role),)))
        return [said] if daily else [said, Field(2, ((Cell(f"{at} "), et), (Cell(f"{at[:5]} "), et)))]
    said = Field(2, ((Cell(text, role),), (Cell(word, role),)))
    if daily:
        return [said, Field(2, ((Cell(f"{day} {at[:5]} "), et), (Cell(day),)))]
    return [said, Field(2, ((Cell(f"{day} ", "muted"), Cell(f"{at} "), et), (Cell(f"{at} "), et), (Cell(f"{at[:5]} "), et)))]


def money_fields(view: View) -> list[Field]:
    """What the account is worth, and how much of it is at risk; how much may be, where there are limits."""
    account = view.account
    # Until the account was read its zeros are no amounts: an equity of 0.00 would be a fright.
    known = view.health.ready or bool(account.equity)
    day = account.day_pnl if known else None
    gained = (
        Cell(numbers.NONE)
        if day is None
        else Cell(f"{numbers.profit(day)} {numbers.percent(numbers.fraction_of(day, account.day_start))}", numbers.profit_direction(day))
    )
    used, limit = _percents(account.exposure, account.exposure_limit, account.equity)
    lost, most = _percents(account.daily_loss, account.daily_loss_limit, account.day_start)
    near = numbers.fraction_of(account.exposure, account.exposure_limit)
    loss = numbers.fraction_of(account.daily_loss, account.daily_loss_limit)
    equity = Cell(numbers.money(account.equity if known else None), "foreground")
    exposure, exposed = Cell("Exposure ", "muted"), (Cell(f"{used}% ", _close(near)), Cell(f"of {limit}%", "muted"))
    power = numbers.money(account.buying_power if known else None)
    lost_of = (Cell(f"{lost}% ", _close(loss)), Cell(f"of {most}%", "muted"))
    return [
        Field(0, ((Cell("Equity ", "muted"), equity), (equity,))),
        Field(0, ((Cell("Day ", "muted"), gained),)),
        Field(
            3,
            (
                (exposure, *_bar(near, BAR), Cell(" "), *exposed),
                (exposure, *_bar(near, BAR * 2 // 3), Cell(" "), *exposed),
                (exposure, *exposed),
                (Cell("exp ", "muted"), Cell(used, _close(near)), Cell(f"/{limit}%", "muted")),
            ),
        ),
        Field(
            5,
            (
                (Cell("Buying power ", "muted"), Cell(power)),
                (Cell("Power ", "muted"), Cell(power)),
                (Cell("Power ", "muted"), Cell(numbers.volume(account.buying_power if known else None))),
            ),
        ),
        Field(
            4,
            (
                (Cell("Daily loss ", "muted"), *_bar(loss, BAR // 3), Cell(" "), *lost_of),
                (Cell("Daily loss ", "muted"), *lost_of),
                (Cell("Loss ", "muted"), *lost_of),
                (Cell("loss ", "muted"), Cell(lost, _close(loss)), Cell(f"/{most}%", "muted")),
            ),
        ),
    ]


def _work(view: View, width: int) -> list[Field]:
    """What works and what waits, where the panels that say so are not all on the screen."""
    if width >= WIDE:
        return []
    working = sum(not order.state.is_final for order in view.orders)
    known = view.health.ready or view.orders
    waiting = sum(signal.state is SignalState.WAITING for signal in view.signals)
    wait = Cell(f"{waiting} wait{'s' if waiting == 1 else ''}", "accent") if waiting else Cell("none")
    return [
        Field(2, ((Cell("orders ", "muted"), Cell(str(working) if known else numbers.NONE)),)),
        Field(1, ((Cell("signals ", "muted"), wait),)),
    ]


def _close(fraction: float) -> str:
    return "error" if fraction >= 1 else "warning" if fraction >= 0.8 else ""


def _bar(fraction: float, width: int) -> list[Cell]:
    return gauge(Gauge(fraction, _close(fraction) or "accent"), width)


def _percents(used: Decimal, limit: Decimal, whole: Decimal) -> tuple[str, str]:
    return _percent(numbers.fraction_of(used, whole)), _percent(numbers.fraction_of(limit, whole))


def _percent(fraction: float) -> str:
    """48, 0.4, -: whole from ten on, for nobody reads the tenth of 48.3% in a header."""
    if not math.isfinite(fraction):
        return numbers.NONE
    per_cent = fraction * 100
    return f"{per_cent:.0f}" if abs(per_cent) >= 10 or round(per_cent, 1) == round(per_cent) else f"{per_cent:.1f}"
