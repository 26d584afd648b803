"""What strategies saw at the bars of a session: written in columns of a few bytes a value, and found again by symbol and time.

Writing needs no numpy, for whoever writes trades meanwhile.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import msgspec

from engine.model.orders import Side
from engine.model.signals import Vote
from engine.secrets import Redactor

Shape = tuple[str, ...]
"""A strategy's name, and those of the values that it told."""


class SeenChunk:
    """Rows under way."""

    __slots__ = ("_shapes", "at", "named", "proposed", "shapes", "sides", "strengths", "symbols", "values")

    def __init__(self) -> None:
        self._shapes: dict[Shape, int] = {}
        self.named: list[Shape] = []
        self.shapes = array("H")
        self.symbols = array("H")
        self.at = array("q")
        self.sides = array("b")
        self.strengths = array("d")
        self.values = array("d")
        self.proposed: list[tuple[int, tuple[str, ...]]] = []

    def __len__(self) -> int:
        return len(self.at)

    def add(self, symbol: int, at: int, vote: Vote, proposed: tuple[str, ...]) -> None:
        """`symbol` is its number, `proposed` are ids of signals."""
        if proposed:
            self.proposed.append((len(self), proposed))
        shape = (vote.strategy, *(name for name, _ in vote.indicators))
        number = self._shapes.get(shape)
        if number is None:
            number = self._shapes[shape] = len(self.named)
            self.named.append(shape)
        self.shapes.append(number)
        self.symbols.append(symbol)
        self.at.append(at)
        self.sides.append(0 if vote.side is None else 1 if vote.side is Side.BUY else -1)
        self.strengths.append(vote.strength)
        self.values.extend(value for _, value in vote.indicators)

    def packed(self, symbols: Sequence[str]) -> bytes:
        """As bytes, the same for the same rows; `symbols` are the names by their numbers. Nothing that the environment keeps secret is
        written."""
        from engine.replay.plain_packing import pack_plain_floats, pack_plain_ints

        ints = [pack_plain_ints(column.tolist()) for column in (self.shapes, self.symbols, self.at, self.sides)]
        floats = [pack_plain_floats(column) for column in (self.strengths, self.values)]
        return msgspec.msgpack.encode((Redactor.of(os.environ).clean_tree(self.named), ints, floats, symbols, self.proposed))


class SeenColumns:
    """Rows that were read."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int], list[int]] = {}
        self._times: dict[tuple[str, str], list[int]] = {}
        """Of each strategy and symbol when its bars closed, in order; made when somebody asks."""
        self._proposed: dict[int, list[str]] = {}
        self._shapes: list[Shape] = []
        self._sides: list[int] = []
        self._strengths: list[float] = []
        self._begins = [0]
        self._values: list[float] = []

    def add(self, packed: bytes) -> None:
        """What a chunk was packed to, later than all that were added. Raises ValueError where these are no such bytes."""
        from engine.replay.packing import unpack_floats, unpack_ints

        try:
            named, ints, floats, symbols, proposed = msgspec.msgpack.decode(packed)
            shapes, numbers, at, sides = (unpack_ints(column).tolist() for column in ints)
            strengths, values = (unpack_floats(column).tolist() for column in floats)
            told = [tuple(named[shape]) for shape in shapes]
            of = [symbols[number] for number in numbers]
            ids = {len(self._shapes) + row: signals for row, signals in proposed}
        except (msgspec.MsgspecError, IndexError, TypeError, ValueError) as error:
            raise ValueError(str(error)) from None
        begins = list(accumulate((len(shape) - 1 for shape in told), initial=0))
        if len({len(column) for column in (told, of, at, sides, strengths)}) != 1 or begins[-1] != len(values):
            raise ValueError("columns of different lengths")
        first, base = len(self._shapes), len(self._values)
        for row, key in enumerate(zip(of, at, strict=True), first):
            self._rows.setdefault(key, []).append(row)
        self._proposed.update(ids)
        self._shapes += told
        self._sides += sides
        self._strengths += strengths
        self._values += values
        self._begins += [base + begin for begin in begins[1:]]

    def at(self, symbol: str, at: int) -> tuple[Vote, ...]:
        """Each strategy with what it saw at the bar of `symbol` that closed at the market time `at`."""
        votes: dict[str, Vote] = {}
        for row in self._rows.get((symbol, at), ()):
            strategy, *names = self._shapes[row]
            if not names and not self._sides[row]:
                continue
            side = self._sides[row]
            values = tuple(zip(names, self._values[self._begins[row] : self._begins[row + 1]], strict=True))
            votes[strategy] = Vote(strategy, Side.BUY if side > 0 else Side.SELL if side < 0 else None, self._strengths[row], values)
        return tuple(votes.values())

    def held(self, strategy: str, symbol: str, at: int, span: int) -> Vote | None:
        """What `strategy` saw at the last of its bars of `symbol` that had closed by `at`: that stands until the next one closes, or for
        `span` ns where there is none. None where it saw nothing."""
        if not self._times:
            for (of, when), rows in sorted(self._rows.items()):
                for name in {self._shapes[row][0] for row in rows}:
                    self._times.setdefault((name, of), []).append(when)
        times = self._times.get((strategy, symbol), [])
        place = bisect_right(times, at)
        if not place or (place == len(times) and at >= times[-1] + span):
            return None
        return next((vote for vote in self.at(symbol, times[place - 1]) if vote.strategy == strategy), None)

    def proposed(self, symbol: str, at: int) -> tuple[str, ...]:
        """The ids of the signals that were proposed at that bar."""
        return tuple(signal_id for row in self._rows.get((symbol, at), ()) for signal_id in self._proposed.get(row, ()))
