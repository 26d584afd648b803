"""What stands under the order line: a mistake under its word, the words Tab offers, or what the line means and what it would do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from engine.model.effects import Reply
from widgets import numbers
from widgets.cells import Cell, length, wrap_cells
from widgets.text import clean, cut, width_of, wrap
from widgets.verdict import distance_words, gate_words

SPACE = Cell("   ")
IN_MONEY = re.compile(r" \$[0-9]")
"""An amount of money in a normal form, whose number of shares only the gate knows."""
Drawn = list[list[Cell]]


class Reading(Struct, frozen=True):
    """What a line means: a `command` and its `normal` form, or a `message` about text[start:end].

    `unfinished` says that nothing is wrong so far. `right` are words that would be right there. `note` says how a number in the normal
    form was counted, or what it was before.
    """

    command: object | None = None
    normal: str = ""
    start: int = 0
    end: int = 0
    message: str = ""
    right: tuple[str, ...] = ()
    unfinished: bool = False
    note: str = ""


def unfinished(reading: Reading, column: int, width: int) -> Drawn:
    """What may come next, where it would come."""
    right = "  ".join(reading.right)
    message = clean(f"{reading.message}{': ' if right else ''}{right}")
    place = max(min(column, width - width_of(message)), 0)
    return [[Cell(" " * place), Cell(line, "muted")] for line in wrap(message, width - place)]


def mistake(reading: Reading, column: int, size: int, width: int) -> Drawn:
    """The word, which is drawn from `column` on and `size` cells wide, underlined; beside that what is wrong, and what would be right.

    Everything in one row where it fits, else what would be right in the next one.
    """
    column = min(column, max(width - 1, 0))
    marks = "^" * max(min(size, width - column), 1)
    message = clean(reading.message)
    right = clean("Right: " + "  ".join(reading.right)) if reading.right else ""
    both = f"{message}. {right}" if right else message
    after = width - column - len(marks) - 1
    if width_of(both) <= after:
        return [[Cell(" " * column), Cell(f"{marks} {both}", "error")]]
    if width_of(message) <= after:
        place = max(min(column + len(marks) + 1, width - width_of(right)), 0)
        return [[Cell(" " * column), Cell(f"{marks} {message}", "error")], [Cell(" " * place), Cell(right, "error")]]
    if width_of(message) < column:
        place = max(min(column, width - width_of(right)), 0)
        before = column - 1 - width_of(message)
        return [[Cell(" " * before), Cell(f"{message} {marks}", "error")], [Cell(" " * place), Cell(right, "error")]]
    if width_of(right) <= after:
        return [[Cell(" " * column), Cell(f"{marks} {right}", "error")], [Cell(message, "error")]]
    return [[Cell(" " * column), Cell(marks, "error")], [Cell(both, "error")]]


def offers(candidates: Sequence[tuple[str, str]], chosen: int | None, width: int, rows: int) -> Drawn:
    """The words that Tab offers and what they stand for, from the row of the `chosen` one on; how many more there are is said."""
    entries = [_offer(word, about, place == chosen) for place, (word, about) in enumerate(candidates)]
    lines: list[list[list[Cell]]] = [[]]
    for entry in entries:
        if lines[-1] and length(_in_a_row([*lines[-1], entry])) > width:
            lines.append([])
        lines[-1].append(entry)
    before = [sum(len(line) for line in lines[:number]) for number in range(len(lines))]
    at = max(number for number, first in enumerate(before) if first <= (chosen or 0))
    begin = max(min(at, len(lines) - rows), 0)
    shown = lines[begin : begin + rows]
    left = len(entries) - before[begin] - sum(len(line) for line in shown)
    if left:
        *full, last = shown
        while last and length(_in_a_row([*last, _more(left)])) > width:
            last = last[:-1]
            left += 1
        shown = [*full, [*last, _more(left)]]
    return [_in_a_row(line) for line in shown]


def left_out(parts: Sequence[tuple[str, str]], key: str, width: int, rows: int) -> Drawn:
    """What a row has no room for, each part behind its title. Where that is too much the longest part comes last and is cut, and `key`
    tells the rest."""
    lines = wrap_cells(_parts(parts), width)
    if len(lines) <= rows:
        return lines
    lines = wrap_cells(_parts(sorted(parts, key=lambda part: width_of(part[1]))), width)
    rest = [Cell(" … ", "muted"), Cell(key, "key"), Cell(" tells all", "muted")]
    last = wrap_cells(lines[rows - 1], width - length(rest))[0]
    while last and (last[-1].role == "muted" or last[-1].text.isspace()):
        # A title alone says nothing.
        last = last[:-1]
    return [*lines[: rows - 1], [*last, *rest]]


def _parts(parts: Sequence[tuple[str, str]]) -> list[Cell]:
    cells: list[Cell] = []
    for title, text in parts:
        cells += [SPACE] if cells else []
        # Most numbers of rows say themselves what they are.
        cells += [Cell(f"{title} ", "muted")] if title and not text.startswith(title) else []
        cells.append(Cell(clean(text)))
    return cells


def _more(count: int) -> list[Cell]:
    return [Cell(f"and {count} more", "muted")]


def _offer(word: str, about: str, chosen: bool) -> list[Cell]:
    cells = [Cell(clean(word), "title-focus" if chosen else "key")]
    return [*cells, Cell(f" {clean(about)}", "muted")] if about else cells


def _in_a_row(entries: list[list[Cell]]) -> list[Cell]:
    return [cell for number, entry in enumerate(entries) for cell in ([SPACE] if number else []) + entry]


def meaning(reading: Reading, reply: Reply | None, width: int, rows: int) -> Drawn:
    """Normal form and verdict, then how it was counted and the figures; where the verdict needs the room, it comes before the figures, and
    at last before the normal form: what was typed stands over it, why it is denied nowhere else."""
    normal = Cell(clean(reading.normal), "title")
    note = Cell(clean(reading.note), "muted")
    if reply is None:
        return [[normal], [note]]
    gate = _gate(reply)
    if length([normal, SPACE, gate]) <= width:
        return [[normal, SPACE, gate], [Cell(_figures(reading, reply, width), "muted")]]
    said = wrap(gate.text, width)
    if len(said) < rows:
        return [[normal], *([Cell(line, gate.role)] for line in said)]
    both = wrap_cells([normal, SPACE, gate], width)
    if len(both) <= rows:
        return both
    return [[Cell(line, gate.role)] for line in (*said[: rows - 1], cut(" ".join(said[rows - 1 :]), width))]


def cut_verdict(reply: Reply | None, width: int, rows: int) -> str:
    """What the gate says, where `meaning` has no room for all of it; else nothing."""
    text = _gate(reply).text if reply is not None else ""
    return text if len(wrap(text, width)) > rows else ""


def _gate(reply: Reply) -> Cell:
    words = gate_words(reply)
    return Cell(f"gate: {words.text}" if reply.verdict is not None else words.text, words.role)


def _figures(reading: Reading, reply: Reply, width: int) -> str:
    """How it was counted, what it costs and leaves: in long words, in short ones, or as many of them as fit."""
    in_money = IN_MONEY.search(reading.normal) is not None
    figures = (
        ("", "", clean(reading.note) or numbers.NONE),
        ("shares ", "shares ", numbers.quantity(reply.quantity) if in_money else numbers.NONE),
        ("cost ", "cost ", numbers.money(reply.cost)),
        ("buying power after ", "power ", numbers.money(reply.buying_power_after)),
        ("position after ", "position ", numbers.quantity(reply.position_after)),
        ("", "", distance_words(reply.distance)),
    )
    known = [figure for figure in figures if figure[2] != numbers.NONE]
    long = "   ".join(name + value for name, _, value in known)
    if width_of(long) <= width:
        return long
    short = [name + value for _, name, value in known]
    while len(short) > 1 and width_of("  ".join(short)) > width:
        short.pop()
    return "  ".join(short)
