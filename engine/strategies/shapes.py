"""Recognises a class of another common shape by its syntax tree: one with `on_data`, or one with `generate_signals`.

    class Rotation:                                     class Dip:
        def initialize(self): ...                           async def generate_signals(self, bar, portfolio): ...
        def on_data(self, timestamp, data): ...

What they are handed and what they may answer is told in `adapted` and `answers`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from engine.strategies.params import Param, StrategyError

ON_DATA, GENERATE_SIGNALS = "on_data", "generate_signals"
METHODS = {ON_DATA: "on_data(self, timestamp, data)", GENERATE_SIGNALS: "generate_signals(self, bar, portfolio)"}
FIELDS = ("Open", "High", "Low", "Close", "Volume")
HANDED = ("symbols", "params")
"""What `initialize` may ask for by name: the list of symbols, and a dict of the parameters."""

Method = ast.FunctionDef | ast.AsyncFunctionDef


class Shape(Struct, frozen=True):
    """`method` is what is called, and stands at `line` of the file. `made_with` and `begun_with` are the parameters of `__init__` and of
    `initialize`, `handed` what the latter asks for by name.

    `lower` says that the columns are named open, high, low, close, volume, as the file itself does, and `pairs` that it names columns by
    symbol and field, so that it is handed such even where it has one symbol.
    """

    method: str
    line: int
    made_with: Mapping[str, Param]
    begun_with: Mapping[str, Param]
    handed: tuple[str, ...] = ()
    has_initialize: bool = False
    lower: bool = False
    pairs: bool = False
    any_keyword: bool = False


def has_shape(methods: Mapping[str, Method]) -> bool:
    return bool(methods.keys() & METHODS.keys())


def shape_of(path: Path, name: str, tree: ast.Module, methods: Mapping[str, Method]) -> Shape:
    """Of the class `name`, which has one of the methods. Raises StrategyError with file and line."""
    held = [method for method in METHODS if method in methods]
    if len(held) > 1:
        lines = " and ".join(f"{method} (line {methods[method].lineno})" for method in held)
        raise StrategyError(f"{path}: {name} has {lines}. Which one is meant cannot be told; keep one.")
    method = methods[held[0]]
    args = method.args
    most = len(args.posonlyargs) + len(args.args)
    if most - len(args.defaults) > 3 or (most < 3 and not args.vararg):
        raise StrategyError(
            f"{path}, line {method.lineno}: {held[0]} takes {most} arguments; it is called as {METHODS[held[0]]}, and its quantities, "
            "prices and reasons are answered in its orders."
        )
    made_with, needed = _params(methods.get("__init__"))
    if needed:
        raise StrategyError(
            f"{path}, line {methods['__init__'].lineno}: {name} needs {', '.join(needed)} to be made. Give each argument a default: they "
            "are its parameters."
        )
    begun_with, handed = _params(methods.get("initialize"))
    if unknown := [each for each in handed if each not in HANDED]:
        raise StrategyError(
            f"{path}, line {methods['initialize'].lineno}: initialize needs {', '.join(unknown)}, which nobody knows. It may ask for "
            f"{' and '.join(HANDED)}; every other argument needs a default."
        )
    named = _names(tree)
    return Shape(
        held[0],
        method.lineno,
        made_with,
        begun_with,
        handed,
        has_initialize="initialize" in methods,
        lower=any(field.lower() in named for field in FIELDS) and not any(field in named for field in FIELDS),
        pairs=_names_pairs(tree),
        any_keyword=any(methods[each].args.kwarg is not None for each in ("__init__", "initialize") if each in methods),
    )


def _params(method: Method | None) -> tuple[dict[str, Param], tuple[str, ...]]:
    """The arguments with a default, which is a number or a text, and the names of those without one."""
    if method is None:
        return {}, ()
    args = method.args
    positional = [*args.posonlyargs, *args.args][1:]
    bare = len(positional) - len(args.defaults)
    needed = [arg.arg for arg in positional[: max(0, bare)]]
    pairs = [*zip(positional[max(0, bare) :], args.defaults[-len(positional) :] if positional else [], strict=False)]
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        if default is None:
            needed.append(arg.arg)
        else:
            pairs.append((arg, default))
    params = {}
    for arg, node in pairs:
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(value, int | float | str):
            params[arg.arg] = Param(value, None, None)
            params[arg.arg].name = arg.arg
    return params, tuple(needed)


def _names(tree: ast.Module) -> set[str]:
    """Every text and every attribute that is named."""
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return named | {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _names_pairs(tree: ast.Module) -> bool:
    fields = {each for field in FIELDS for each in (field, field.lower())}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("get_level_values", "levels", "nlevels", "xs"):
            return True
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
            last = node.slice.elts[1]
            if isinstance(last, ast.Constant) and last.value in fields and not isinstance(node.value, ast.Attribute):
                return True
    return False
