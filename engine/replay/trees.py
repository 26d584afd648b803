"""Settings and their like from plain values again. The marks on their types stay aside: what was in force once need not be allowed now."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

T = TypeVar("T")


def from_tree(kind: type[T], tree: Any) -> T:
    """The `kind` that `msgspec.to_builtins` made `tree` of; fields that it lacks have their defaults, those that nobody knows are left out.
    Raises ValueError where it is no such tree."""
    try:
        return _made(kind, tree)  # type: ignore[no-any-return]
    except (TypeError, KeyError, AttributeError, InvalidOperation) as error:
        raise ValueError(f"this is no {kind.__name__}: {error}") from None


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _made(hint: Any, tree: Any) -> Any:
    origin, arms = get_origin(hint), get_args(hint)
    if tree is None or hint is Any or origin is Literal:
        return tree
    if origin in (Union, UnionType):
        return _made(next(arm for arm in arms if arm is not NoneType), tree)
    if origin is tuple:
        kinds = arms[:1] * len(tree) if arms[1:] == (...,) else arms
        return tuple(_made(arm, item) for arm, item in zip(kinds, tree, strict=True))
    if origin in (list, frozenset):
        return origin(_made(arms[0], item) for item in tree)
    if origin is dict:
        return {_made(arms[0], key): _made(arms[1], value) for key, value in tree.items()}
    if isinstance(hint, type) and issubclass(hint, Struct):
        hints = _hints(hint)
        return hint(**{name: _made(hints[name], value) for name, value in tree.items() if name in hints})
    if hint in (Decimal, Path) or (isinstance(hint, type) and issubclass(hint, Enum)):
        return hint(tree)
    return tree
