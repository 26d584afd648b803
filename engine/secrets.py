"""Keeps secrets out of everything that is kept or shown: the log on screen, the log file, the journal.

A secret is what an environment variable holds whose name says so. Broker keys come from there or from the keyring, never from a file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from engine.model.market import Halt
from engine.model.signals import Vote

if TYPE_CHECKING:
    from engine.model.inputs import Input

NAMES: Final = re.compile(r"KEY|SECRET|TOKEN|PASS|CREDENTIAL|AUTH", re.IGNORECASE)
"""Environment variables with one of these in their names are taken for secrets."""

SHORTEST: Final = 8
"""What is shorter is no secret worth the name, and would be found in every second word."""

HIDDEN: Final = "[secret]"

_LABELLED: Final = re.compile(
    # Nothing in it goes back over what it has read, so that no text, however it is made up, takes longer than its length.
    r"(?P<label>(?:(?<![\w-])(?=[\w-]*?(?:api[-_]?key|secret|password|passwd|token|authorization))[\w-]++|\bapi key[\w-]*+)"
    r"[\"']?\s*+[:=]\s*+(?:(?:bearer|basic)\s++)?[\"']?)"
    r"(?P<value>[^\s\"',;&]{4,}+)",
    re.IGNORECASE,
)


_learned: set[str] = set()


def learn(*secrets: str) -> None:
    """Secrets that came from elsewhere than the environment: each redactor that is made from now on hides them, too."""
    _learned.update(secrets)


@cache
def _words() -> Mapping[type, tuple[str, ...]]:
    """Where inputs, and what is in them, carry words that somebody else chose. What is not named has a `reason`."""
    # All that can come into an engine: the first picture hides secrets in what it says, and has no need of that.
    from engine.model import inputs

    return {
        inputs.AcceptPosition: ("reason",),
        inputs.BrokerSnapshot: ("orders",),
        inputs.EmergencyStop: ("reason",),
        Halt: ("reason",),
        inputs.LinkChanged: ("reason",),
        inputs.NotDurable: ("reason",),
        inputs.Note: ("text", "detail"),
        inputs.OrderUpdate: ("reason",),
        inputs.Proposal: ("reason", "votes"),
        inputs.Reject: ("reason",),
        inputs.ResetBreaker: ("reason",),
        inputs.Resume: ("reason",),
        inputs.SetLimits: ("reason",),
        inputs.StrategyFailed: ("error", "detail"),
        inputs.Submit: ("intent",),
        inputs.SubmitGroup: ("first", "second"),
        inputs.Tick: ("journal_problem",),
        Vote: ("indicators",),
    }


def without_secrets(text: str) -> str:
    """`text` as it may be shown: what an error, a file or a library says may hold what the environment keeps secret."""
    return Redactor.of(os.environ).clean(text)


class Redactor:
    """Replaces known secrets, and what is labelled as one (`api_key=...`, `Authorization: Bearer ...`), by `[secret]`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The first picture imports this module and hides nothing yet.
        import json

        found = {secret for secret in secrets if len(secret) >= SHORTEST}
        # As JSON, Python and an address write it too: a quotation mark in a password must not be what gives it away.
        spelled = {text for secret in found for text in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe=""))}
        self._known = re.compile("|".join(map(re.escape, sorted(spelled, key=len, reverse=True)))) if spelled else None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Redactor:
        return cls([*_learned, *(value for name, value in environment.items() if NAMES.search(name))])

    def clean(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        return _LABELLED.sub(rf"\g<label>{HIDDEN}", text)

    def clean_tree(self, value: Any) -> Any:
        """`value`, of dicts, lists, tuples and text, with every text in it cleaned."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, dict):
            return {self.clean_tree(key): self.clean_tree(each) for key, each in value.items()}
        return [self.clean_tree(each) for each in value] if isinstance(value, list | tuple) else value

    def clean_input(self, event: Input) -> Input:
        """Words from libraries, brokers, strategies and people go to the journal: no key may stand in them."""
        words = _words().get(type(event))
        cleaned: Input = event if words is None else self._cleaned(event, words)
        return cleaned

    def _cleaned(self, said: Any, words: Iterable[str]) -> Any:
        """`said` with its fields `words` cleaned."""
        changed = {}
        for word in words:
            value = getattr(said, word)
            clean = self._clean_value(value)
            if clean != value:
                changed[word] = clean
        return replace(said, **changed) if changed else said

    def _clean_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.clean(value) if value else value
        if isinstance(value, tuple):
            return tuple(map(self._clean_value, value))
        return self._cleaned(value, _words().get(type(value), ("reason",))) if isinstance(value, Struct) else value
