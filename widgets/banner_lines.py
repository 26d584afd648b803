"""Sentences in few lines: where they have no room, free texts and lists give up their ends, and no sentence goes for another."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from widgets.text import ELLIPSIS, fit, wrap_phrases


class Told(Struct, frozen=True):
    """A sentence in the style `role`: `start`, as many of `parts` as there is room for, and `end`, which is never given up.

    What is left of `parts` is told by `rest`, or, where that is empty, counted. Those with the highest `order` give up first.
    A `spare` one goes for others, where each has but a line: another says more of the same.
    """

    role: str
    start: str
    parts: tuple[str, ...] = ()
    between: str = " "
    end: str = ""
    rest: str = ""
    order: int = 0
    spare: bool = False

    @property
    def text(self) -> str:
        """All of it."""
        return self.shortened(len(self.parts))

    def shortened(self, count: int) -> str:
        """With so many of its parts."""
        left = len(self.parts) - count
        more = "" if not left else f"{ELLIPSIS} {self.rest}" if self.rest else f"and {left} more" if count else f"{left} of them"
        return f"{self.start}{self.between.join(filter(None, (*self.parts[:count], more)))}{self.end}"

    def lines(self, width: int, most: int) -> list[str]:
        """In at most so many lines of so many cells, with as many parts as that allows; more lines only where none of them has room."""
        fewest, too_many = 0, len(self.parts) + 1
        while too_many - fewest > 1:
            count = (fewest + too_many) // 2
            if len(wrap_phrases(self.shortened(count), width)) <= most:
                fewest = count
            else:
                too_many = count
        return wrap_phrases(self.shortened(fewest), width)


def fitted(told: Sequence[Told], width: int, most: int, room: int) -> list[tuple[str, str]]:
    """All of them, each line with its role, in `most` lines where that is possible. Where it takes more than the `room` there is, each gets
    one, the last ones none."""
    lines = [wrap_phrases(each.text, width) for each in told]
    least = [len(each.lines(width, 1)) for each in told] if sum(map(len, lines)) > most else []
    while sum(map(len, lines)) > most:
        longer = [place for place in range(len(told)) if len(lines[place]) > least[place]]
        if not longer:
            break
        place = max(longer, key=lambda place: (told[place].order, len(lines[place])))
        lines[place] = told[place].lines(width, len(lines[place]) - 1)
    if sum(map(len, lines)) > room:
        told = [each for each in told if not each.spare or len(told) <= room][:room]
        lines = [[fit(each.text, width)] for each in told]
    return [(each.role, line) for each, its in zip(told, lines, strict=True) for line in its]
