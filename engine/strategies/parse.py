"""Source as a tree, one file at a time."""

from __future__ import annotations

import ast
import threading

_ONE_AT_A_TIME = threading.Lock()


def parsed(source: str | bytes, name: str = "<unknown>") -> ast.Module:
    """As `ast.parse`. CPython 3.11 counts the depth of a tree for all threads together: where two make one at once it raises SystemError,
    "AST constructor recursion depth mismatch"."""
    with _ONE_AT_A_TIME:
        return ast.parse(source, name)
