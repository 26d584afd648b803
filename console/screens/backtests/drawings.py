"""The report's tables and drawings in text: months, distribution, figures. Each draws its lines for a width; nothing by colour alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from console.backtest.figures import Figure
from console.backtest.report import MONTHS
from console.backtest.summary import Summary
from console.screens.details.writing import Head, profit, table
from console.screens.dialog import Line, paragraph
from engine.backtest.metrics import TradeFigures
from widgets import numbers
from widgets.cells import Cell, fit_cells

SHADES = "·░▒▓█"
"""From nothing to the strongest month there is."""
_NAME, _VALUE = 19, 16
"""Cells of a figure's name, and of its value where there is room."""
_YEAR, _CELL, _SHADED, _TOTAL = 5, 5, 6, 8
WIDTH = _YEAR + 12 * _CELL + _TOTAL
"""Cells that a row of months takes."""
_BARS = "▏▎▍▌▋▊▉█"
_STEPS = (1, 2, 2.5, 5, 10)


def figures(run: Summary, chosen: Sequence[Figure], width: int) -> list[Line]:
    """Each with its value, numbers under each other by their last digit."""
    value = min(_VALUE, width - _NAME)
    return [[Cell(f"{figure.name:<{_NAME}}", "muted"), Cell(f"{figure.of(run):>{value}}")] for figure in chosen]


def explained(run: Summary, chosen: Sequence[Figure], width: int) -> list[Line]:
    """The figures, each with what it means where there is room."""
    drawn = figures(run, chosen, width)
    if width < 72:
        return drawn
    pairs = zip(chosen, drawn, strict=True)
    return [line for figure, head in pairs for line in paragraph(figure.means, width, "muted", *head, Cell("   "))]


def months(run: Summary, width: int) -> list[Line]:
    """A row a year, a cell a month: the return in per cent with its sign, and, where there is room, a shade for its size."""
    years: dict[int, dict[int, float | None]] = {}
    for year, month, gain in run.figures.monthly:
        years.setdefault(year, {})[month] = gain
    strongest = max((abs(gain) for _, _, gain in run.figures.monthly if gain is not None and math.isfinite(gain)), default=0.0)
    shaded = width >= _YEAR + 12 * _SHADED + _TOTAL
    room = _SHADED if shaded else _CELL
    lines: list[Line] = [[Cell("%    ", "muted"), *(Cell(f"{month:>{room}}", "muted") for month in MONTHS), Cell("    Year", "muted")]]
    for year, gains in years.items():
        line: Line = [Cell(f"{year:<5}", "muted")]
        whole: float | None = 1.0
        for month in range(1, 13):
            if month not in gains:
                line.append(Cell(" " * room))
                continue
            gain = gains[month]
            whole = None if whole is None or gain is None else whole * (1 + gain)
            text = signed(gain) + (_shade(gain, strongest) if shaded else "")
            line.append(Cell(f"{text:>{room}}", _role(gain)))
        total = None if whole is None else whole - 1
        lines.append([*line, Cell(f"{signed(total):>8}", _role(total))])
    if shaded:
        lines += [[], [Cell(f"{SHADES[0]} is nothing, {SHADES[-1]} {strongest:.1%} either way.", "muted")]]
    return lines


def signed(gain: float | None) -> str:
    """A fraction in per cent, in five places with its sign: +1.2, -12."""
    if gain is None or not math.isfinite(gain):
        return numbers.NONE
    pct = gain * 100
    return numbers.signed(pct, 1 if abs(pct) < 9.95 else 0).replace(",", "")


def _shade(gain: float | None, strongest: float) -> str:
    if gain is None or not math.isfinite(gain) or strongest <= 0:
        return " "
    return SHADES[min(len(SHADES) - 1, math.ceil(abs(gain) / strongest * (len(SHADES) - 1) - 1e-9))]


def _role(gain: float | None) -> str:
    return numbers.direction(None if gain is None or abs(gain) < 0.0005 else gain)


# ---- the distribution of results


def bins(values: Sequence[float], most: int) -> list[tuple[float, float, int]]:
    """(from, to, how many) at even steps of 1, 2, 2.5 or 5 times a power of ten, with a limit at zero; at most about `most`. From is
    included, to is not."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return []
    low, high = min(known), max(known)
    span = max(high - low, abs(high), 1e-6)
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * each for each in _STEPS if span / (power * each) <= most)
    first, last = math.floor(low / step + 1e-9), math.floor(high / step + 1e-9)
    counts = [0] * (last - first + 1)
    for value in known:
        counts[min(max(math.floor(value / step + 1e-9) - first, 0), last - first)] += 1
    return [((first + place) * step, (first + place + 1) * step, count) for place, count in enumerate(counts)]


def distribution(gains: Sequence[float], width: int, most: int = 16) -> list[Line]:
    """A bar for each range of results, as fractions of what the entries cost, with how many round trips ended in it."""
    found = bins(gains, most)
    if not found:
        return paragraph("No round trip ended: there is nothing to count.", width, "muted")
    limits = [(numbers.percent(begin), numbers.percent(end)) for begin, end, _ in found]
    widest = max(len(end) for _, end in limits)
    labels = [f"{begin} to {end:>{widest}}" for begin, end in limits]
    room, highest = max(map(len, labels)), max(count for _, _, count in found)
    counted = max(len(f"{count:,}") for _, _, count in found)
    bar = max(1, width - room - counted - 3)
    lines: list[Line] = []
    for label, (begin, _, count) in zip(labels, found, strict=True):
        role = "down" if begin < 0 else "up"
        drawn = bar_of(count / highest, bar)
        lines.append([Cell(f"{label:>{room}}", "muted"), Cell(f" {count:>{counted},} ", ""), Cell(drawn, role)])
    return lines


def bar_of(share: float, width: int) -> str:
    """A bar in eighths of a cell; something is never drawn as nothing."""
    eighths = round(share * width * 8)
    if share > 0:
        eighths = max(1, eighths)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_BARS[rest - 1] if rest else "")


# ---- results apart


def apart(title: str, found: Mapping[str, TradeFigures], width: int) -> list[Line]:
    """The figures of each symbol or strategy, the best first."""
    heads = (
        *(Head(title), Head("Trips", right=True), Head("Won", right=True, priority=1), Head("Profit", right=True)),
        *(Head("Factor", right=True, priority=2), Head("Expectancy", right=True, priority=3), Head("Best", right=True, priority=5)),
        *(Head("Worst", right=True, priority=6), Head("Fees", right=True, priority=4)),
    )
    rows = [
        [
            Cell(name),
            Cell(f"{each.count:,}"),
            Cell(numbers.NONE if each.win_rate is None else f"{each.win_rate:.0%}"),
            profit(each.profit),
            Cell(numbers.NONE if each.profit_factor is None else f"{each.profit_factor:,.2f}"),
            Cell(numbers.signed(each.expectancy)),
            Cell(numbers.signed(each.best)),
            Cell(numbers.signed(each.worst)),
            Cell(numbers.money(each.fees), "muted"),
        ]
        for name, each in sorted(found.items(), key=lambda item: (-item[1].profit, item[0]))
    ]
    return [fit_cells(line, width) for line in table(heads, rows, width)]
