"""What a setting may hold, read off its type and its marks: as a test, in words, and from text."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct

_KINDS = {Decimal: "a number", float: "a number", int: "a whole number", bool: "true or false", str: "text", Path: "a path"}
_SHAPES = {tuple: "a tuple", dict: "a mapping of names"}
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "gt": (operator.gt, "above {:,}"),
    "ge": (operator.ge, "at least {:,}"),
    "le": (operator.le, "at most {:,}"),
    "min_length": (lambda value, length: len(value) >= length, "not empty"),
}
"""The bounds of a `msgspec.Meta` that settings use."""
_WHOLE = re.compile(r"[+-]?[0-9][0-9_]*")


def hints(owner: type) -> dict[str, Any]:
    """The fields of a settings class with their types, marks included."""
    return _hints(owner)


@cache
def _hints(owner: Any) -> dict[str, Any]:
    return get_type_hints(owner, include_extras=True)


def split(hint: Any) -> tuple[Any, tuple[Any, ...], bool]:
    """A hint's plain type, its marks, and whether None is allowed too."""
    if get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint):
        kind, marks, _ = split(next(arm for arm in get_args(hint) if arm is not NoneType))
        return kind, marks, True
    if get_origin(hint) is Annotated:
        kind, *rest = get_args(hint)
        return kind, tuple(rest), False
    return hint, (), False


def is_section(kind: Any) -> bool:
    """Whether `kind` is a class of settings, and not a single value's type."""
    return isinstance(kind, type) and issubclass(kind, Struct)


def required(section: type[Struct]) -> tuple[str, ...]:
    """The settings without a default."""
    names = section.__struct_fields__
    return names[: len(names) - len(section.__struct_defaults__)]


def section_of(hint: Any) -> tuple[Any, type] | None:
    """The hints of name and section, where a setting is a mapping of names to sections of one kind."""
    kind, _, _ = split(hint)
    if get_origin(kind) is dict and is_section(owner := get_args(kind)[1]):
        return get_args(kind)[0], owner
    return None


def allows(hint: Any, value: Any) -> bool:
    """Whether `value`, which already has the right type, meets every mark. NaN and the infinities never do."""
    kind, marks, optional = split(hint)
    if value is None:
        return optional
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if isinstance(value, Decimal | float) and not Decimal(value).is_finite():
        return False
    return all(_meets(mark, value) for mark in marks)


def _meets(mark: Any, value: Any) -> bool:
    if callable(mark):
        return bool(mark(value))
    return all(test(value, bound) for test, _, bound in _bounds(mark))


def _bounds(mark: Meta) -> Iterator[tuple[Callable[[Any, Any], bool], str, Any]]:
    """How a value is tested against each bound of `mark`, how that is said, and the bound."""
    for name, (test, said) in _BOUNDS.items():
        if (bound := getattr(mark, name)) is not None:
            yield test, said, bound


def words(hint: Any) -> str:
    """What is allowed, for a person: `a number above 0, at most 100`."""
    kind, marks, _ = split(hint)
    if get_origin(kind) is Literal:
        return " or ".join(", ".join(str(choice) for choice in get_args(kind)).rsplit(", ", 1))
    bounds = []
    for mark in marks:
        if callable(mark):
            return (mark.__doc__ or "").strip()
        bounds += [said.format(bound) for _, said, bound in _bounds(mark)]
    return " ".join([_KINDS[kind], ", ".join(bounds)]).strip()


def parse(hint: Any, text: str) -> Any:
    """The value that `text` stands for. Numbers come exact; upper or lower case is a choice's, not the writer's, to care about.

    Raises ValueError with what is allowed.
    """
    kind, _, _ = split(hint)
    try:
        value = _read(kind, text.strip())
    except (ValueError, InvalidOperation):
        raise ValueError(words(hint)) from None
    if isinstance(value, str) and not allows(hint, value):
        value = value.upper()
    if not allows(hint, value):
        raise ValueError(words(hint))
    return value


def _read(kind: Any, text: str) -> Any:
    if get_origin(kind) is Literal:
        return next(choice for choice in (*get_args(kind), text) if _folded(choice) == _folded(text))
    if kind is bool:
        if text.lower() not in _BOOLEANS:
            raise ValueError
        return _BOOLEANS[text.lower()]
    if kind is int and not _WHOLE.fullmatch(text):
        raise ValueError
    if kind is Path:
        return Path(text).expanduser()
    return kind(text)


def _is_of(hint: Any, value: Any) -> bool:
    """Whether a value made in Python has the type that is declared: a float where a Decimal belongs would fail only at the first order."""
    kind, _, _ = split(hint)
    if value is None or get_origin(kind) is Literal:
        return True
    if kind is float:
        return isinstance(value, float | int) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _folded(text: str) -> str:
    return text.casefold().replace("-", "_")


def problems(settings: Any, path: str = "") -> Iterator[str]:
    """A sentence for each value of a settings object, nested ones included, that is of another type or outside its range."""
    for name in settings.__struct_fields__:
        yield from _problems(hints(type(settings))[name], getattr(settings, name), f"{path}{name}")


def _problems(hint: Any, value: Any, path: str) -> Iterator[str]:
    kind, _, _ = split(hint)
    section = section_of(hint)
    if is_section(kind) or get_origin(kind) in (tuple, dict):
        shape = get_origin(kind) or kind
        if not isinstance(value, shape):
            yield f"{path} is {value!r}; allowed: {_SHAPES.get(shape, shape.__name__)}"
            return
    if is_section(kind):
        yield from problems(value, f"{path}.")
    elif get_origin(kind) is tuple:
        for index, item in enumerate(value):
            yield from _problems(get_args(kind)[0], item, f"{path}[{index}]")
    elif section is not None:
        for name, item in value.items():
            if not (_is_of(section[0], name) and allows(section[0], name)):
                yield f"{path}.{name}: the name must be {words(section[0])}"
            yield from _problems(section[1], item, f"{path}.{name}")
    elif get_origin(kind) is not dict and not (_is_of(hint, value) and allows(hint, value)):
        shown = value.value if isinstance(value, Enum) else repr(value)
        yield f"{path} is {shown}; allowed: {words(hint)}"
