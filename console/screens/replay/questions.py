"""What a replay is asked: why something happened, and which day to go to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from zoneinfo import ZoneInfo

from console.screens.details.story import order_terms, terms_of, terms_text, verdict_text, vote_text
from console.screens.details.writing import Section, Value, facts, price, profit, sections
from console.screens.dialog import Dialog, Field, Line, paragraph
from console.screens.reading import Reading
from engine.model import Outcome, Side
from engine.model.market import Bar
from engine.model.recording import AfterBar, Span, Why
from engine.model.signals import Vote
from widgets import numbers
from widgets.cells import Cell

_EXCHANGE = ZoneInfo("America/New_York")
_WRITTEN = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?(?:[ T]+(\d{1,2}):(\d{2}))?")
HOW = "a day, 2005-03-14, with a time of New York if you like, 2005-03-14 10:30; or a month or a year"


def moment_of(text: str) -> int:
    """The market time that `text` names, ns UTC. Raises ValueError in words."""
    found = _WRITTEN.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        year, month, day, hour, minute = (int(part) if part else least for part, least in zip(found.groups(), (0, 1, 1, 0, 0), strict=True))
        return int(datetime(year, month, day, hour, minute, tzinfo=_EXCHANGE).timestamp()) * 1_000_000_000
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text.strip()!r} is no day that could be meant. Write it as 2005-03-14.") from None


class GoTo(Dialog[int | None]):
    """Asks for a day; answers its market time."""

    PLACE = "word"
    CONFIRMING: ClassVar[frozenset[str]] = frozenset({"enter"})

    def __init__(self, span: Span, clock: Callable[[], float]) -> None:
        super().__init__("Go to a day", None, clock)
        day, last = (numbers.market_time(at, "%Y-%m-%d") for at in (span.first_at, span.last_at))
        first, last = (day, last) if day != last else (numbers.market_time(at, "%Y-%m-%d %H:%M") for at in (span.first_at, span.last_at))
        self._field = Field(f"Recorded is {first} to {last}. Give {HOW}")
        self._complaint = ""

    def body(self, width: int) -> list[Line]:
        lines = self._field.lines(width, active=True)
        return [*lines, [], *paragraph(self._complaint, width, "error")] if self._complaint else lines

    def key(self, key: str, character: str | None) -> None:
        if key != "enter":
            self._complaint = ""
            self._field.editor.key(key, character)
        else:
            try:
                self.answer(moment_of(self._field.text))
                return
            except ValueError as error:
                self._complaint = str(error)
        self.draw()


_MARKS = {Outcome.PASS: Cell("✓ ", "success"), Outcome.RESIZE: Cell("≈ ", "warning"), Outcome.DENY: Cell("✗ ", "error")}


def why_dialog(title: str, why: Why, clock: Callable[[], float]) -> Reading:
    """Why there was an order, a signal, or nothing at a bar."""

    def outcome(width: int) -> list[Line]:
        return paragraph(why.outcome, width)

    def proposed(width: int) -> list[Line]:
        lines = paragraph(why.reason, width) if why.reason else []
        for vote in why.votes:
            role = "flat" if vote.side is None else vote.side.value.lower()
            mark = numbers.UP if vote.side is Side.BUY else numbers.DOWN if vote.side is Side.SELL else numbers.FLAT
            lines += paragraph(vote_text(vote), width, "", Cell(f"{mark} ", role))
        for row in why.after.silent if why.after is not None else ():
            if row.name not in {vote.strategy for vote in why.seen}:
                said = "had nothing to say" if row.state == "running" else f"was {row.state}"
                lines += paragraph(f"{row.name} {said}", width, "muted", Cell(f"{numbers.FLAT} ", "flat"))
        return lines or [[Cell("Nobody proposed anything.", "muted")]]

    def seen(width: int) -> list[Line]:
        lines: list[Line] = []
        for vote in why.seen:
            lines += paragraph(_seen_text(vote), width, "", Cell(f"{numbers.FLAT} ", "flat"))
        return lines

    def gate(width: int) -> list[Line]:
        lines: list[Line] = []
        for verdict in why.verdicts:
            lines += paragraph(verdict_text(verdict), width, "", _MARKS[verdict.outcome])
        return lines or [[Cell("It was not asked.", "muted")]]

    def story(width: int) -> list[Line]:
        lines: list[Line] = []
        for event in why.story:
            lines += paragraph(event.text, width, "", Cell(f"{numbers.market_time(event.at, '%Y-%m-%d %H:%M')}  ", "muted"))
        return lines or [[Cell("Nothing yet.", "muted")]]

    of_indicators = (Section("What they saw", seen),) if why.seen else ()
    bar, after = why.bar, why.after
    parts = (
        Section("What came of it", outcome),
        *((Section("The bar", lambda width: paragraph(_bar_text(bar), width)),) if bar is not None else ()),
        *((Section("After it", lambda width: facts(_held(after), width)),) if after is not None else ()),
        *(Section("Proposed", proposed), *of_indicators, Section("The gate", gate), Section("Step by step", story)),
    )
    named = title or (why.title[:1].upper() + why.title[1:])
    return Reading(f"Why: {named}", lambda width: sections(parts, width), clock)


def _bar_text(bar: Bar) -> str:
    """`open 84.00, high 86.65, low 83.80, close 86.00, volume 12,100`"""
    prices = (("open", bar.open), ("high", bar.high), ("low", bar.low), ("close", bar.close))
    return ", ".join([*(f"{name} {price(value, None)}" for name, value in prices), f"volume {numbers.quantity(bar.volume)}"])


def _held(after: AfterBar) -> Iterator[tuple[str, Value]]:
    """What was held and what waited after a bar."""
    if after.quantity:
        yield "Held", [Cell(f"{numbers.quantity(after.quantity)} at {price(after.average, None)}  "), profit(after.unrealised)]
    else:
        yield "Held", "nothing"
    if not after.orders and not after.signals:
        yield "Waited", "no order, and no signal"
    for order in after.orders:
        yield f"Order #{order.number}", f"{order.side} {numbers.quantity(order.remaining)} {order_terms(order, _priced)}"
    for signal in after.signals:
        wanted = f"{signal.side} {numbers.quantity(signal.quantity)} {terms_text(signal.type, terms_of(signal), _priced)}"
        yield f"Signal {signal.number}", f"{wanted}, waits for a yes"


def _priced(value: Decimal | None) -> str:
    return price(value, None)


def _seen_text(vote: Vote) -> str:
    """`sma_cross: SMA10 11.4758`; a function's answer is named, `momentum said BUY 40%, which is nothing new: change 0.06`."""
    values = ", ".join(f"{name} {value:,.6g}" for name, value in vote.indicators)
    said = f" said {vote.side.value} {vote.strength:.0%}, which is nothing new" if vote.side is not None else ""
    return f"{vote.strategy}{said}: {values}" if values else f"{vote.strategy}{said}"
