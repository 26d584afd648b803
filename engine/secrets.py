"""Keeps secrets out of everything that is kept or shown: the log on screen, the log file, the journal.

A secret is what an environment variable holds whose name says so. Broker keys come from there or from the keyring, never from a file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from engine.model.inputs import Input, LinkChanged, Note, OrderUpdate, StrategyFailed

NAMES: Final = re.compile(r"KEY|SECRET|TOKEN|PASS|CREDENTIAL|AUTH", re.IGNORECASE)
"""Environment variables with one of these in their names are taken for secrets."""

SHORTEST: Final = 8
"""What is shorter is no secret worth the name, and would be found in every second word."""

HIDDEN: Final = "[secret]"

_LABELLED: Final = re.compile(
    r"(?P<label>\b(?:[\w-]*(?:api[-_ ]?key|secret|password|passwd|token)[\w-]*|authorization)\b[\"']?\s*[:=]\s*"
    r"(?:bearer\s+|basic\s+)?[\"']?)"
    r"(?P<value>[^\s\"',;&]{4,})",
    re.IGNORECASE,
)


class Redactor:
    """Replaces known secrets, and what is labelled as one (`api_key=...`, `Authorization: Bearer ...`), by `[secret]`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        found = {secret for secret in secrets if len(secret) >= SHORTEST}
        # As JSON writes it too: a quotation mark in a password must not be what gives it away.
        spelled = found | {json.dumps(secret)[1:-1] for secret in found}
        self._known = re.compile("|".join(map(re.escape, sorted(spelled, key=len, reverse=True)))) if spelled else None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Redactor:
        return cls(value for name, value in environment.items() if NAMES.search(name))

    def clean(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        return _LABELLED.sub(rf"\g<label>{HIDDEN}", text)

    def clean_input(self, event: Input) -> Input:
        """Words from libraries, brokers and strategies go to the journal: no key may stand in them."""
        if isinstance(event, Note):
            return replace(event, text=self.clean(event.text), detail=self.clean(event.detail))
        if isinstance(event, StrategyFailed):
            return replace(event, error=self.clean(event.error), detail=self.clean(event.detail))
        if isinstance(event, OrderUpdate | LinkChanged) and event.reason:
            return replace(event, reason=self.clean(event.reason))
        return event
