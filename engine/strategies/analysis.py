"""What a strategy file needs, read from its syntax tree: not a line of it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from engine.model.settings import is_symbol
from engine.strategies.answers import KEYS
from engine.strategies.loader import CALLBACKS, Found, check
from engine.strategies.params import Param, Value
from engine.strategies.parse import parsed

ORDERING = frozenset({"buy", "sell", "close", "target"})
SETTINGS = ("warmup", "timeframe", "update_interval")
_STALLS = {"sleep": "waits", "input": "waits for a person"}
_NETWORK = frozenset({"requests", "urllib", "http", "httpx", "aiohttp", "socket", "websocket", "websockets", "yfinance"})
_UNHEARD = frozenset({"pyarrow", "polars", "duckdb", "fastparquet", "h5py", "tables", "ctypes"})
"""Libraries that open files without Python's knowing."""


class Requirements(Struct, frozen=True):
    """`told` are its callbacks, `orders` the kinds it can send, both in words of the language of strategies; `settings` what it sets by a
    literal of warmup, timeframe and update_interval. `params` is None where only running the file can tell. `doubts` are sentences about
    lines that a person should look at. `symbols` are those that it names. One of another shape `is_adapted`, and is told by its one
    method."""

    path: Path
    name: str
    is_function: bool
    told: tuple[str, ...]
    orders: tuple[str, ...]
    params: Mapping[str, Param] | None
    settings: Mapping[str, Value]
    doubts: tuple[str, ...]
    symbols: tuple[str, ...] = ()
    is_adapted: bool = False

    @property
    def hears_bars(self) -> bool:
        return self.is_function or self.is_adapted or "on_bar" in self.told

    @property
    def hears_quotes(self) -> bool:
        return "on_quote" in self.told

    @property
    def is_real_time(self) -> bool:
        """Whether bars alone, as of a past year, are too little to run it on."""
        return self.hears_quotes and not self.hears_bars


def analyse(file: str, params: Mapping[str, Value]) -> Requirements:
    """Raises StrategyError with file and line where it is no strategy, or the parameters do not fit."""
    found = check(file, params)
    tree = parsed(found.path.read_bytes(), str(found.path))
    bodies = [node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    told = () if found.is_function else tuple(name for name in CALLBACKS if name in _methods(bodies))
    kinds = {"market"} if found.is_function else set(_orders(tree))
    if found.shape is not None:
        told, kinds = (found.shape.method,), set(_answers(tree))
    return Requirements(
        found.path,
        found.name,
        found.is_function,
        told,
        tuple(sorted(kinds, key=_KINDS.index)),
        found.params,
        _settings(bodies, found),
        tuple(_doubts(tree)),
        tuple(dict.fromkeys(_symbols(tree))),
        is_adapted=found.shape is not None,
    )


_KINDS = ("market", "limit", "stop", "stop-limit", "trailing stop", "bracket")


def _methods(bodies: list[ast.ClassDef | ast.FunctionDef]) -> set[str]:
    return {item.name for node in bodies if isinstance(node, ast.ClassDef) for item in node.body if isinstance(item, ast.FunctionDef)}


def _orders(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ORDERING):
            continue
        given = {keyword.arg for keyword in node.keywords}
        if node.func.attr in ("close", "target") and len(node.args) + len(given) == 0:
            continue  # somebody else's close(), of a file for example
        yield _kind(given)
        if given & {"take_profit", "stop_loss", "take_profit_pct", "stop_loss_pct"}:
            yield "bracket"


def _answers(tree: ast.AST) -> Iterator[str]:
    """Kinds of the orders that are written as a dict, or made by a call, with keys that `answers` reads."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            pairs = {key.value: value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)}
        elif isinstance(node, ast.Call):
            pairs = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        else:
            continue
        given = {KEYS[key] for key in pairs if key in KEYS}
        if not given & {"action", "quantity"}:
            continue
        named = {str(value.value).lower().replace("_", "-") for value in pairs.values() if isinstance(value, ast.Constant)}
        typed = [kind for kind in ("stop-limit", "limit", "stop") if kind in named]
        yield "trailing stop" if "trailing-stop" in named else typed[0] if typed else _kind({*given})
        if given & {"take_profit", "stop_loss", "take_profit_pct", "stop_loss_pct"}:
            yield "bracket"


def _symbols(tree: ast.AST) -> Iterator[str]:
    """Those that are written out where a symbol belongs: first in a call of the context, or beside the key "symbol"."""
    for node in ast.walk(tree):
        told: list[ast.expr] = []
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {*ORDERING, "bars", "indicator", "position"}
        ):
            told = node.args[:1]
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            told = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "symbol"]
        yield from (one.value for one in told if isinstance(one, ast.Constant) and isinstance(one.value, str) and is_symbol(one.value))


def _kind(given: set[str | None]) -> str:
    if given & {"trail", "trail_pct"}:
        return "trailing stop"
    if "stop" in given:
        return "stop-limit" if "limit" in given else "stop"
    return "limit" if "limit" in given else "market"


def _settings(bodies: list[ast.ClassDef | ast.FunctionDef], found: Found) -> dict[str, Value]:
    """Those written as a literal, in the class or as `self.warmup = 30`."""
    known: dict[str, Value] = {}
    for node in bodies:
        if isinstance(node, ast.ClassDef) and (node.name == found.name or not found.is_function):
            for item in ast.walk(node):
                targets = item.targets if isinstance(item, ast.Assign) else [item.target] if isinstance(item, ast.AnnAssign) else []
                for target in targets:
                    name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
                    value = getattr(item, "value", None)
                    if name in SETTINGS and isinstance(value, ast.Constant) and isinstance(value.value, int | float | str):
                        known[name] = value.value
    return known


def _doubts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            for name in names:
                if name.partition(".")[0] in _NETWORK:
                    yield f"line {node.lineno} imports {name}: what it asks the network for is another thing in a backtest than it was then"
                elif name.partition(".")[0] == "subprocess":
                    yield f"line {node.lineno} imports {name}: what another program reads for it is not held back in a backtest"
                elif name.partition(".")[0] in _UNHEARD:
                    yield f"line {node.lineno} imports {name}: which files it reads nobody can tell, and what stands there is not held back"
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
            if (called == "open" and not _writes(node)) or called.startswith("read_"):
                yield f"line {node.lineno} reads a file itself: what stands there is not held back in a backtest"
            elif called in _STALLS:
                yield f"line {node.lineno} {_STALLS[called]}: a callback that takes long is killed"
            elif called in ("now", "today", "utcnow", "time") and isinstance(node.func, ast.Attribute) and _is_clock(node.func.value):
                yield f"line {node.lineno} asks this computer's clock: in a backtest the market's time is ctx.now"


def _writes(node: ast.Call) -> bool:
    """Whether an open() says so itself."""
    modes = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and str(mode.value).startswith(("w", "a", "x")) for mode in modes)


def _is_clock(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("datetime", "date", "time")
