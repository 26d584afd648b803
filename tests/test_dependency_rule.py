"""Who may import whom. The arrows of the README's architecture section, held to every import statement in the tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.project_files import PACKAGES, modules

ALLOWED = {
    "engine.model": (),
    "engine.core": ("engine.model",),
    "engine": ("engine",),
    "engine.strategies.ready": ("tradeconsole",),
    "storage": ("engine.model",),
    "themes": (),
    "widgets": ("engine.model", "themes"),
    "console": ("engine", "storage", "themes", "widgets"),
    "tradeconsole": ("engine", "console"),
}
"""What a package may import besides itself. The longest name that fits a module decides.

The ready-made strategies are examples to copy: they import what a user's own file imports.
"""

HEAVY = {"alpaca", "exchange_calendars", "ib_async", "ib_insync", "keyring", "numpy", "pandas", "pyarrow", "pydantic", "yfinance"}
"""Imported within the function that needs them: at the top of a module they would hold up the first paint."""

SCREEN = {"rich", "textual"}
"""What draws or talks to a person. The engine and its storage run without it."""


@cache
def imports(module: str) -> tuple[tuple[str, bool], ...]:
    """(imported module, whether it is imported as soon as `module` is) for every import statement of `module`."""
    return tuple(_imports(module, ast.parse(modules()[module].read_text(encoding="utf-8")), True))


def _imports(module: str, node: ast.AST, at_once: bool) -> Iterator[tuple[str, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, at_once) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, f"{module} imports relatively: write the whole name"
            assert child.module
            for alias in child.names:
                whole = f"{child.module}.{alias.name}"
                yield (whole if whole in modules() else child.module), at_once
        else:
            later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _is_type_checking(child)
            yield from _imports(module, child, at_once and not later)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def package_of(module: str) -> str:
    """The entry of ALLOWED that a module falls under."""
    return max((name for name in ALLOWED if _within(module, name)), key=len)


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def ours(module: str) -> bool:
    return module.split(".")[0] in (*PACKAGES, "tradeconsole")


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_module_imports_only_what_its_package_may(module: str) -> None:
    package = package_of(module)
    for imported, _ in imports(module):
        if ours(imported):
            assert any(_within(imported, name) for name in (package, *ALLOWED[package])), f"{module} must not import {imported}"


def _part(module: str) -> str:
    """A package, or a folder or a module of the engine's own: the parts between which no circle may run."""
    if _within(module, "engine.strategies.ready"):
        return "engine.strategies.ready"
    names = module.split(".")
    return ".".join(names[:2]) if names[0] == "engine" else names[0]


def test_no_circle_runs_between_the_parts() -> None:
    graph: dict[str, set[str]] = {}
    for module in modules():
        graph.setdefault(_part(module), set()).update(
            _part(name) for name, _ in imports(module) if ours(name) and _part(name) != _part(module)
        )
    _assert_no_circle(graph)


def test_no_circle_runs_between_modules() -> None:
    known = modules()
    _assert_no_circle(
        {module: {name for name, at_once in imports(module) if at_once and name in known and name != module} for module in known}
    )


def _assert_no_circle(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_heavy_packages_are_imported_where_they_are_used() -> None:
    found = [
        f"{module} imports {name}" for module in modules() for name, at_once in imports(module) if at_once and name.split(".")[0] in HEAVY
    ]
    assert found == []


def test_engine_and_storage_draw_nothing() -> None:
    found = [
        f"{module} imports {name}"
        for module in modules()
        if module.split(".")[0] in ("engine", "storage")
        for name, _ in imports(module)
        if name.split(".")[0] in SCREEN
    ]
    assert found == []


def test_the_core_does_no_io() -> None:
    forbidden = {"asyncio", "aiosqlite", "io", "os", "pathlib", "random", "select", "socket", "sqlite3", "subprocess", "threading", "time"}
    found = [
        f"{module} imports {name}"
        for module in modules()
        if _within(module, "engine.core")
        for name, _ in imports(module)
        if name in forbidden
    ]
    assert found == []
