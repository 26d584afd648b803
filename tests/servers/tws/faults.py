"""What goes wrong, when, and how often: armed by a test, struck by what comes in or goes out."""

from __future__ import annotations

from dataclasses import dataclass

INCOMING = (
    "submit",
    "modify",
    "cancel",
    "global_cancel",
    "open_orders",
    "executions",
    "completed",
    "positions",
    "summary",
    "time",
    "details",
    "history",
)
OUTGOING = ("status", "open", "execution", "commission", "error")


@dataclass(slots=True)
class Fault:
    """Strikes the `nth` time from now that `on` comes up, and then `times` times in a row.

    Of what comes in: `unseen` is lost on its way; `unanswered` is taken without a word until somebody asks; `cut` is taken, then the link
    breaks; `unseen_cut` is lost, and the link breaks; a number is an error with that code and `words`: the order is refused, and a cancel
    or modification leaves it as it was. With `works` the error is only said, and the order works all the same.
    Of what goes out: `drop`, `twice`, or `late`, which is after the one that follows it.
    """

    on: str
    what: str
    nth: int = 1
    times: int = 1
    words: str = ""
    works: bool = False


class Faults:
    def __init__(self) -> None:
        self._armed: list[Fault] = []

        self.spoils: dict[int, tuple[int, str | None]] = {}
        """By the kind of a message that goes out: which of its fields is what else; none where it ends before that one."""

    def spoilt(self, fields: list[object]) -> list[object]:
        kind = fields[0]
        if not isinstance(kind, int) or kind not in self.spoils:
            return fields
        at, value = self.spoils[kind]
        return fields[:at] if value is None else [*fields[:at], value, *fields[at + 1 :]]

    def arm(self, fault: Fault) -> None:
        if fault.on not in (*INCOMING, *OUTGOING):
            raise ValueError(f"nothing is called {fault.on}: {', '.join((*INCOMING, *OUTGOING))}")
        self._armed.append(fault)

    def disarm(self) -> None:
        self._armed.clear()

    def strikes(self, on: str) -> Fault | None:
        """What goes wrong with this one."""
        for fault in self._armed:
            if fault.on == on:
                fault.nth -= 1
                if fault.nth <= 0:
                    fault.times -= 1
                    if not fault.times:
                        self._armed.remove(fault)
                    return fault
        return None
