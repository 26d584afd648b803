"""Declared parameters of a strategy: a default, a range, and errors that say what would have been right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar, cast

Value = int | float | str | bool
T = TypeVar("T", int, float, str, bool)

_KINDS = {bool: "yes or no (true, false)", int: "a whole number", float: "a number", str: "text"}


class StrategyError(Exception):
    """A strategy cannot be loaded or run as asked. The message names the file, and the line where there is one, and says what to do."""


class Param:
    """One declared parameter. On a strategy's instance its name gives the value, the default until another was asked for."""

    __slots__ = ("choices", "default", "high", "low", "name")

    def __init__(self, default: Value, low: float | None, high: float | None, choices: tuple[Value, ...] = ()) -> None:
        self.default, self.low, self.high, self.choices = default, low, high, choices
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    # No __set__: a value on the instance then hides this descriptor, and reading one costs what any attribute costs.
    def __get__(self, instance: object, owner: type) -> object:
        return self if instance is None else self.default

    @property
    def kind(self) -> type:
        return type(self.default)

    def allowed(self) -> str:
        """In words: `a whole number from 2 to 200`."""
        kind = _KINDS[self.kind]
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        if self.low is not None and self.high is not None:
            return f"{kind} from {self.low} to {self.high}"
        if self.low is not None:
            return f"{kind}, {self.low} or more"
        if self.high is not None:
            return f"{kind}, {self.high} or less"
        return kind

    def check(self, value: object) -> Value:
        """`value` as this parameter's type. Raises ValueError in words where it is none, or is out of range."""
        if self.kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        # A bool is an int to Python, and `fast: true` in a config is a slip to everybody else.
        fits = type(value) is self.kind and not (isinstance(value, float) and not math.isfinite(value))
        if fits and self.choices:
            fits = value in self.choices
        if fits and isinstance(value, int | float):
            fits = (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
        if not fits:
            raise ValueError(f"{self.name} must be {self.allowed()}; it is {value!r}")
        return cast(Value, value)


def param(default: T, *, low: float | None = None, high: float | None = None, choices: Iterable[T] = ()) -> T:
    """Declare a parameter of a strategy, as a class attribute: `fast = param(10, low=2, high=200)`.

    Its type is the default's: a whole number, a number, text, or true and false. `low` and `high` are the least and the most allowed.
    """
    declared = Param(default, low, high, tuple(choices))
    declared.name = "the default"
    try:
        declared.check(default)
    except (KeyError, ValueError) as error:
        raise StrategyError(f"a parameter's default does not fit its own range: {error}") from None
    return cast(T, declared)


def check_params(owner: str, declared: Mapping[str, Param], given: Mapping[str, object]) -> dict[str, Value]:
    """The given values, checked. Raises StrategyError that names the parameter, its range, and the nearest name to a misspelt one."""
    checked = {}
    for name, value in given.items():
        if name not in declared:
            near = did_you_mean(name, declared)
            has = "; ".join(f"{key} ({one.default}): {one.allowed()}" for key, one in declared.items()) or "none"
            raise StrategyError(f"{owner} has no parameter {name!r}.{near} Its parameters: {has}.")
        try:
            checked[name] = declared[name].check(value)
        except ValueError as error:
            raise StrategyError(f"{owner}: {error}.") from None
    return checked


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'fast'?`, or nothing where nothing is near."""
    from difflib import get_close_matches

    spellings = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), list(spellings), n=1)
    return f" Did you mean {spellings[near[0]]!r}?" if near else ""
