"""Which commands of the screen still wait for the engine's answer, and what the answers say."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.model import Level, View
from engine.model.effects import Reply

PATIENCE_SECONDS = 3.0
"""After this a command without an answer is called so: the engine answers within milliseconds."""


class _Asked(Struct):
    what: str
    at: float
    complained: bool = False


class Answers:
    """Commands by id, each with the words a person knows it by. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._asked: dict[str, _Asked] = {}

    def expect(self, command_id: str, what: str, now: float) -> None:
        self._asked[command_id] = _Asked(what, now)

    def news(self, view: View, now: float) -> tuple[str, Level] | None:
        """What to tell since the last call, if anything: failures before successes, and how many there were."""
        answered = [(self._asked.pop(reply.command_id), reply) for reply in view.replies if reply.command_id in self._asked]
        failed = [(asked, reply) for asked, reply in answered if not reply.ok]
        if failed:
            return _told(failed, Level.ERROR)
        if answered:
            return _told(answered, Level.INFO)
        late = [asked for asked in self._asked.values() if not asked.complained and now - asked.at > PATIENCE_SECONDS]
        if not late:
            return None
        for asked in late:
            asked.complained = True
        return f"No answer from the engine yet to: {late[0].what}. Whether it was carried out is not known; look at Orders.", Level.WARNING


def _told(answered: Sequence[tuple[_Asked, Reply]], level: Level) -> tuple[str, Level]:
    asked, reply = answered[0]
    more = f"  (and {len(answered) - 1} more, see the log)" if len(answered) > 1 else ""
    said = reply.text if asked.what in reply.text else f"{asked.what}: {reply.text}"
    return f"{said}{more}", level
