"""What is known of a row that has no life of its own, in a person's words: a symbol of the watchlist, a line of the log."""

from __future__ import annotations

from collections.abc import Callable

from console.screens.details.writing import Value, facts, moment
from console.screens.dialog import Line, paragraph
from console.screens.reading import Reading
from engine.model.views import LogLine, WatchRow
from widgets import numbers
from widgets.cells import Cell
from widgets.text import clean, width_of
from widgets.watchlist import WatchedRow


def row_dialog(row: WatchRow | LogLine, clock: Callable[[], float]) -> Reading:
    """All about `row` as it was when it was asked for."""
    if isinstance(row, WatchRow):
        market = _market(row)
        return Reading(row.symbol, lambda width: facts(market, width, 0), clock)
    written_down = _log_line(row)
    return Reading("Line of the log", lambda width: [*facts(written_down, width, 0), *_detail(row.detail, width)], clock)


def _market(row: WatchRow) -> list[tuple[str, Value]]:
    if isinstance(row, WatchedRow) and not row.watched:
        return [("last", Cell("no price: the feed has not this symbol, or is not followed for it yet", "stale"))]
    tick = row.tick
    stale = f", {numbers.stale(row.stale_s)}: no entry is made on it" if row.stale_s is not None else ""
    pairs: list[tuple[str, Value]] = [("last", Cell(f"{numbers.price(row.last, tick)}{stale}", "stale" if stale else ""))]
    if row.change is not None and row.previous is not None:
        since = Cell(f"  since the close before this session, {numbers.price(row.previous, tick)}", "muted")
        pairs.append(("change", [Cell(numbers.change(row.change), numbers.change_direction(row.change)), since]))
    if row.bid is not None or row.ask is not None:
        pairs.append(("bid × ask", f"{numbers.price(row.bid, tick)} × {numbers.price(row.ask, tick)}"))
    if row.bid and row.ask:
        apart = Cell(f"  {numbers.percent((row.ask - row.bid) / row.ask).lstrip('+')} of the ask", "muted")
        pairs.append(("spread", [Cell(numbers.price(row.ask - row.bid, tick)), apart]))
    pairs += [("volume", [Cell(f"{row.volume:,.0f}"), Cell("  in the newest bar", "muted")]), ("tick", f"{tick:f}")]
    if isinstance(row, WatchedRow) and row.alert:
        pairs.append(("price alerts", "one has fired" if row.alert == "fired" else "armed"))
    return pairs


def _log_line(row: LogLine) -> list[tuple[str, Value]]:
    pairs: list[tuple[str, Value]] = [("at", moment(row.time))]
    if row.at:
        pairs.append(("on your clock", numbers.wall_time(row.wall, "%Y-%m-%d %H:%M:%S")))
    pairs += [("level", row.level.name.lower()), ("from", clean(row.source) or numbers.NONE)]
    if row.account:
        pairs.append(("account", clean(row.account)))
    return [*pairs, ("says", clean(row.text))]


def _detail(text: str, width: int) -> list[Line]:
    return [[], *traceback_lines(text, width)] if text else []


def traceback_lines(detail: str, width: int) -> list[Line]:
    """Each line as it is, where it has room; else it goes on under itself, as far in."""
    told = [clean(line) for line in detail.splitlines()]
    return [drawn for line in told for drawn in ([[Cell(line)]] if width_of(line) <= width else paragraph(line, width))]
