"""Records and market events to bytes and back: each under the name of its kind. Values come back equal, decimals with all their digits."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, Final, get_args

import msgspec

from engine.model.market import MarketEvent
from engine.model.recording import Facts, Primed
from engine.model.records import Record
from engine.replay.trees import from_tree

KINDS: Final[dict[str, type[Any]]] = {kind.__name__: kind for kind in (*get_args(Record), *get_args(MarketEvent), Primed)}

_encoder = msgspec.msgpack.Encoder()
_outer = msgspec.msgpack.Decoder(list[tuple[int, str, msgspec.Raw]])
_decoders: Final[dict[str, Any]] = {name: msgspec.msgpack.Decoder(kind, strict=False).decode for name, kind in KINDS.items()}
_decoders[Facts.__name__] = lambda raw: from_tree(Facts, msgspec.msgpack.decode(raw))
_LEVEL: Final = 6


def pack(items: Iterable[tuple[int, Any]]) -> bytes:
    """Each item beside its number."""
    return zlib.compress(_encoder.encode([(number, type(item).__name__, item) for number, item in items]), _LEVEL)


def unpack(packed: bytes) -> list[tuple[int, Any]]:
    """What `pack` was given. Raises ValueError where these are no such bytes."""
    try:
        return [(number, _decoders[kind](raw)) for number, kind, raw in _outer.decode(zlib.decompress(packed))]
    except (zlib.error, msgspec.MsgspecError, KeyError) as error:
        raise ValueError(f"records cannot be read: {error}") from None
