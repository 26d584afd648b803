"""Calls that bring later rows of a frame to earlier ones, and what a strategy makes of the rows whose later ones are not there yet.

A frame ends where the market is, so `close.shift(-1)` tells of the future nowhere: the newest row has nothing, and each other row what has
long been known, as the labels do that somebody learns from. Whether a decision rests on the rows that have nothing yet shows where these
are changed: a number becomes another one, and a NaN stays one, as missing as before to all that skips what is missing; but each comparison
with it that stands in the strategy's file comes out the other way. Such a NaN is known by its bits, which arithmetic hands on.
"""

from __future__ import annotations

import ast
import importlib
import operator
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from engine.own_file import Rewriting, rewritten
from engine.strategies.parse import parsed

_BITS, _UNSIGNED = 0x7FF8_0000_5EED_0001, 0x7FFF_FFFF_FFFF_FFFF
_FILLS = ("bfill", "backfill")
_STEPS = ("shift", "diff", "pct_change")
_NAMES = frozenset({*_FILLS, *_STEPS, "fillna", "rolling", "roll"})
_COMPARISONS: dict[type[ast.cmpop], str] = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne"}


class Call(Struct, frozen=True, order=True):
    """`line` of the strategy's file at `path` calls what `words` tell of."""

    path: Path
    line: int
    words: str


class LaterRows:
    """Of the strategies in `paths`. What they call is `calls`, each once; `numbers` says whether one of them put a number where the later
    row is not there yet."""

    def __init__(self, paths: list[Path]) -> None:
        self._files = {str(path): path for path in paths if _may_call(path)}
        self._calls: dict[Call, None] = {}
        self._factor = 1.0
        self.numbers = False

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(sorted(self._calls))

    @property
    def possible(self) -> bool:
        """Whether a file names a function that could be one of them, and the libraries that have these are in use."""
        return bool(self._files) and "numpy" in sys.modules

    @contextmanager
    def changed(self, factor: float) -> Iterator[None]:
        """Strategies that are loaded and run herein find the rows whose later ones are not there yet changed, numbers by `factor`."""
        self._factor = factor
        numpy = sys.modules["numpy"]
        with ExitStack() as undone:
            _replace(undone, numpy, "roll", self._roll)
            if "pandas" in sys.modules:
                pandas: Any = importlib.import_module("pandas")
                frames, groups = (pandas.Series, pandas.DataFrame), (pandas.api.typing.SeriesGroupBy, pandas.api.typing.DataFrameGroupBy)
                for made in (*frames, *groups):
                    for name in _STEPS:
                        _replace(undone, made, name, self._step)
                for made in frames:
                    for name in (*_FILLS, "fillna"):
                        _replace(undone, made, name, self._fill)
                    _replace(undone, made, "rolling", self._rolling)
            names = {"_later_compared": _compared, "_later_method": _method, "_later_true": _true}
            undone.enter_context(rewritten(Rewriting(frozenset(self._files), _rewrite, names)))
            yield

    # ---- the calls

    def _step(self, usual: Callable[..., Any], name: str) -> Callable[..., Any]:
        def called(self_: Any, *given: Any, **words: Any) -> Any:
            result = usual(self_, *given, **words)
            periods = given[0] if given else words.get("periods", 1)
            if not _is_whole(periods) or periods >= 0 or words.get("axis", 0) not in (0, "index"):
                return result
            if words.get("freq") is not None:
                self._told(f"{name}({periods}) by a frequency moves a row to an earlier time")
                return result
            if self._told(f"{name}({periods}) brings a later row to an earlier one"):
                grouped = hasattr(self_, "cumcount")
                rows = self_.cumcount(ascending=False).to_numpy() < -periods if grouped else _last(len(result), -periods)
                return self._change(result, rows)
            return result

        return called

    def _fill(self, usual: Callable[..., Any], name: str) -> Callable[..., Any]:
        def called(self_: Any, *given: Any, **words: Any) -> Any:
            result = usual(self_, *given, **words)
            fills = name in _FILLS or words.get("method") in _FILLS
            if result is None or not fills or not self._told("bfill fills a row with what comes later"):
                return result
            # After the last value of a column nothing comes yet.
            empty = self_.isna().to_numpy()
            return self._change(result, empty[::-1].cumprod(axis=0)[::-1].astype(bool))

        return called

    def _rolling(self, usual: Callable[..., Any], _: str) -> Callable[..., Any]:
        def called(self_: Any, *given: Any, **words: Any) -> Any:
            windows = usual(self_, *given, **words)
            if getattr(windows, "center", False) and self._told("rolling(center=True) works over rows that come later"):
                window = given[0] if given else words.get("window")
                return _Centred(windows, lambda result: self._change(result, _half(self_.index, window)))
            return windows

        return called

    def _roll(self, usual: Callable[..., Any], _: str) -> Callable[..., Any]:
        def called(values: Any, shift: Any, axis: Any = None) -> Any:
            result = usual(values, shift, axis)
            flat = result.ndim == 1 and _is_whole(shift) and shift < 0
            if flat and self._told(f"roll({shift}) brings a later value to an earlier place, and the first ones to the end"):
                return self._column(result, _last(len(result), -shift))
            return result

        return called

    def _told(self, words: str) -> bool:
        """Whether a line of a strategy's calls it: what a library makes of rows for itself is its own affair."""
        frame = sys._getframe(2)
        path = self._files.get(frame.f_code.co_filename)
        if path is not None:
            self._calls[Call(path, frame.f_lineno, words)] = None
        return path is not None

    # ---- what is put into the rows

    def _change(self, result: Any, rows: Any) -> Any:
        """`result`, a Series or a DataFrame, changed in `rows`: one truth for each, or for each cell."""
        if rows is None or len(rows) != len(result) or not rows.any():
            return result
        pandas: Any = sys.modules["pandas"]
        if result.ndim == 1:
            return pandas.Series(self._column(result.to_numpy(), rows), index=result.index, name=result.name)
        changed = result.copy()
        for place in range(result.shape[1]):
            own = rows if rows.ndim == 1 else rows[:, place]
            changed.isetitem(place, pandas.Series(self._column(result.iloc[:, place].to_numpy(), own), index=result.index))
        return changed

    def _column(self, values: Any, rows: Any) -> Any:
        numpy: Any = sys.modules["numpy"]
        if values.dtype.kind == "b":
            self.numbers = True
            return values ^ rows
        if values.dtype.kind == "O":
            made = values.copy()
            made[[place for place in rows.nonzero()[0] if values[place] != values[place]]] = float(_missing(numpy))
            return made
        if values.dtype.kind not in "fiu":
            return values
        made = values.astype("float64")
        missing = rows & numpy.isnan(made)
        self.numbers |= bool((rows & ~missing).any())
        made[rows & ~missing] *= self._factor
        made.view("int64")[missing] = _BITS
        return made


class _Centred:
    """Windows that reach into later rows, and what is worked out over them."""

    def __init__(self, windows: Any, change: Callable[[Any], Any]) -> None:
        self._windows, self._change = windows, change

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._windows, name)
        if hasattr(found, "rolling") or not callable(found):
            return found
        return lambda *given, **words: self._change(found(*given, **words))

    def __getitem__(self, key: Any) -> _Centred:
        return _Centred(self._windows[key], self._change)


def _may_call(path: Path) -> bool:
    tree = parsed(path.read_bytes(), str(path))
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    named |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    return not named.isdisjoint(_NAMES)


def _replace(undone: ExitStack, where: Any, name: str, made: Callable[[Callable[..., Any], str], Callable[..., Any]]) -> None:
    if (usual := getattr(where, name, None)) is None:
        return  # newer versions have no `backfill`
    if name in vars(where):
        undone.callback(setattr, where, name, usual)
    else:
        undone.callback(delattr, where, name)  # it is a parent's
    setattr(where, name, made(usual, name))


def _is_whole(value: object) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool)


def _last(length: int, count: int) -> Any:
    numpy: Any = sys.modules["numpy"]
    return numpy.arange(length) >= length - count


def _half(index: Any, window: Any) -> Any:
    """Rows of `index` whose window ends after the last one; None where that cannot be told."""
    if _is_whole(window):
        return _last(len(index), (window - 1) // 2)
    pandas: Any = sys.modules["pandas"]
    try:
        return index + pandas.Timedelta(window) / 2 > index[-1] if len(index) else None
    except (TypeError, ValueError):
        return None


# ---- comparisons


def _missing(numpy: Any) -> Any:
    return numpy.array([_BITS], dtype="int64").view("float64")[0]


def _rewrite(source: bytes, path: str) -> ast.Module:
    tree: ast.Module = ast.fix_missing_locations(_Comparisons().visit(parsed(source, path)))
    return tree


class _Comparisons(ast.NodeTransformer):
    """Has each comparison, and each question whether something is true, answered by the functions below."""

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        operands = [node.left, *node.comparators]
        if not all(type(op) in _COMPARISONS for op in node.ops) or len({ast.dump(each) for each in operands}) == 1:
            return node  # `x == x` asks whether it is missing
        names: list[ast.expr] = [ast.Constant(_COMPARISONS[type(op)]) for op in node.ops]
        return _call(node, "_later_compared", ast.Tuple(names, ast.Load()), *operands)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _COMPARISONS.values() and len(node.args) == 1 and not node.keywords:
            return _call(node, "_later_method", ast.Constant(node.func.attr), node.func.value, *node.args)
        return node

    def visit_If(self, node: ast.If) -> ast.If:
        self.generic_visit(node)
        node.test = _asked(node.test)
        return node

    def visit_While(self, node: ast.While) -> ast.While:
        self.generic_visit(node)
        node.test = _asked(node.test)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.IfExp:
        self.generic_visit(node)
        node.test = _asked(node.test)
        return node


def _asked(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.BoolOp):
        node.values = [_asked(each) for each in node.values]
        return node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        node.operand = _asked(node.operand)
        return node
    return _call(node, "_later_true", node)


def _call(node: ast.expr, name: str, *given: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Call(ast.Name(name, ast.Load()), list(given), []), node)


def _compared(names: tuple[str, ...], *operands: Any) -> Any:
    result: Any = True
    for name, left, right in zip(names, operands, operands[1:], strict=False):
        result = result and _compared_once(name, left, right)
    return result


def _method(name: str, left: Any, right: Any) -> Any:
    return _compared_once(name, left, right) if hasattr(left, "iloc") else getattr(left, name)(right)


def _compared_once(name: str, left: Any, right: Any) -> Any:
    result = getattr(operator, name)(left, right)
    lacking = _lacking(left) | _lacking(right)
    if lacking is False or not (lacking := sys.modules["numpy"].asarray(lacking)).any():
        return result
    if not hasattr(result, "shape") or result.shape == ():
        return not result
    return result ^ lacking if lacking.shape in (result.shape, ()) else result


def _true(value: Any) -> Any:
    return not value if isinstance(value, float) and _lacking(value) else value


def _lacking(value: Any) -> Any:
    """Whether it is such a NaN; of many values, which are."""
    numpy: Any = sys.modules["numpy"]
    if isinstance(value, float):
        return value != value and bool(numpy.float64(value).view("int64") & _UNSIGNED == _BITS)
    if not hasattr(value, "shape") or not hasattr(value, "dtype" if getattr(value, "ndim", 0) != 2 else "shape"):
        return False
    held = numpy.asarray(value)
    if held.dtype.kind == "O":
        return numpy.vectorize(lambda one: isinstance(one, float) and _lacking(one), otypes=[bool])(held)
    if held.dtype != "float64":
        return False
    return numpy.ascontiguousarray(held).view("int64") & _UNSIGNED == _BITS
