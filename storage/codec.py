"""Records to and from the journal's text: the kind is the record's class name, the body its fields as JSON.

Decimals are written as the strings they print as, so that every digit and trailing zero comes back. A body may lack fields that got a
default later, and carry fields that nobody knows any more: old journals stay readable. A text that is absurdly long is cut: a fact that
does not fit into a row of the database would keep out all that come after it.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, Final, TypeVar, get_args

import msgspec

from engine.model.journal import JournalError
from engine.model.records import Checkpoint, Record

MOST_TEXT: Final = 100_000
"""Characters of one text of a record, and of a body that is not looked through for texts longer than that."""

T = TypeVar("T")

RECORDS: Final[dict[str, type[Record]]] = {kind.__name__: kind for kind in get_args(Record)}
"""Every kind of record by its name in the journal."""

_encode = msgspec.json.Encoder().encode


@cache
def _decoder(kind: str) -> msgspec.json.Decoder[Record]:
    """Made where it is used: all of them take longer than most commands have to read. Raises KeyError where there is no such record."""
    # Not strict, for a float that JSON has no number for is written as text (see `_spelled`).
    return msgspec.json.Decoder(RECORDS[kind], strict=False)


def encode(record: Record) -> tuple[str, str]:
    """The kind and the body of `record`. Raises JournalError where it is not a record."""
    kind = type(record).__name__
    if RECORDS.get(kind) is not type(record):
        raise JournalError(f"A {kind} is not a record, so the journal cannot keep it.")
    body = to_json(record)
    if len(body) > MOST_TEXT and not isinstance(record, Checkpoint):
        body = to_json(_cut(msgspec.to_builtins(record)))
    return kind, body


def decode(seq: int, kind: str, body: str) -> Record:
    """The record behind the journal's row `seq`. Raises JournalError where the kind or the body is not one of ours."""
    if kind not in RECORDS:
        raise JournalError(
            f"Entry {seq} of the journal is a {kind!r}, which this version does not know. Nothing was changed. "
            f"Start the version of tradeconsole that wrote it, or a newer one."
        )
    try:
        return _decoder(kind).decode(body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise JournalError(
            f"Entry {seq} of the journal, a {kind}, cannot be read: {error}. Nothing was changed. "
            f"Restore the database from a backup, or move it away and start with a new one."
        ) from error


def to_json(value: Any) -> str:
    """`value` as JSON that `from_json`, given its type, turns into the same value again."""
    try:
        text = _encode(value)
        # NaN and infinity become a null, which could not be read back: only a text with a null can hide one.
        if b"null" in text:
            text = _encode(_spelled(msgspec.to_builtins(value)))
    except UnicodeEncodeError:
        text = _encode(_spelled(msgspec.to_builtins(value)))
    return text.decode()


def from_json(text: str, kind: type[T]) -> T:
    """The value of type `kind` that `to_json` wrote as `text`."""
    return msgspec.json.decode(text, type=kind, strict=False)


def _cut(value: Any) -> Any:
    """`value` with its absurdly long texts cut."""
    if isinstance(value, str) and len(value) > MOST_TEXT:
        return f"{value[:MOST_TEXT]} … ({len(value) - MOST_TEXT:,} more characters were cut)"
    if isinstance(value, dict):
        return {key: _cut(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cut(item) for item in value]
    return value


def _spelled(value: Any) -> Any:
    """`value` with what JSON cannot carry spelled out: NaN and infinity as text, halves of broken characters as question marks."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(item) for item in value]
    return value
