"""The logs of several accounts as one, each line with its account's name."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from engine.model.views import LogLine, View

KEPT = 500
"""As many as a view of one account has."""


class MergedLog:
    """Lines are numbered anew, in the order in which they were met."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=KEPT)
        self._count = 0
        self._seen: dict[str, int] = {}
        self._unnumbered: set[LogLine] = set()
        self.lines: tuple[LogLine, ...] = ()

    def take(self, views: Mapping[str, View]) -> None:
        """What these say that was not taken yet goes to `lines`, of all of them the oldest first."""
        new = [line for name, view in views.items() for line in self._new(name, view.log)]
        if not new:
            return
        for line in sorted(new, key=lambda line: line.wall):
            self._count += 1
            self._lines.append(replace(line, number=self._count))
        self.lines = tuple(self._lines)

    def _new(self, name: str, log: tuple[LogLine, ...]) -> Iterator[LogLine]:
        seen, found = self._seen.get(name, 0), []
        for line in reversed(log):
            if not line.number:
                # The last word of an engine that has failed.
                named = replace(line, account=name)
                if named not in self._unnumbered:
                    self._unnumbered.add(named)
                    found.append(named)
            elif line.number > seen:
                found.append(replace(line, account=name))
            else:
                break
        self._seen[name] = max([seen, *(line.number for line in found)])
        return reversed(found)
