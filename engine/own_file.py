"""Runs a Python file of the user's own: a strategy, or a source of bars."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    import ast


class Rewriting(Struct, frozen=True):
    """`how` makes a tree of what stands in one of `files` and of its path; that is run, with `names` in reach."""

    files: frozenset[str]
    how: Callable[[bytes, str], ast.Module]
    names: Mapping[str, object]


_REWRITING: ContextVar[Rewriting | None] = ContextVar("rewriting", default=None)


@contextmanager
def rewritten(rewriting: Rewriting) -> Iterator[None]:
    """Files that are run herein are run so."""
    before = _REWRITING.set(rewriting)
    try:
        yield
    finally:
        _REWRITING.reset(before)


class _AsItIs(SourceFileLoader):
    """Compiles the file anew each time. Python's cache goes by size and second: what was edited twice within one would run as it was
    before, and the cache would lie beside the file with all that stands in it."""

    def path_stats(self, path: str) -> Any:
        raise OSError(f"{path} is not cached")


def run_file(path: Path, what: str) -> ModuleType:
    """The module that `path` makes, under a name of its own, of which `what` is a part, and with its folder off sys.path: an engine.py or a
    random.py beside it must not stand in for the real one. Raises whatever the file raises, SystemExit too."""
    name = f"_{what}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_AsItIs(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        if (rewriting := _REWRITING.get()) is not None and str(path) in rewriting.files:
            vars(module).update(rewriting.names)
            exec(compile(rewriting.how(path.read_bytes(), str(path)), path, "exec", dont_inherit=True), vars(module))
        else:
            spec.loader.exec_module(module)
    except (Exception, SystemExit):
        del sys.modules[name]
        raise
    return module


def line_in(path: Path, error: BaseException) -> str:
    """`, line 12`: the deepest line of the file itself, and not of a library it called; or the one that is no Python. Else nothing."""
    line = (error.lineno or 0) if isinstance(error, SyntaxError) and error.filename == str(path) else 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f", line {line}" if line else ""
