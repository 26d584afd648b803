"""What a strategy file needs, read from its syntax tree: not a line of it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from engine.strategies.loader import CALLBACKS, Found, check
from engine.strategies.params import Param, Value

ORDERING = frozenset({"buy", "sell", "close", "target"})
SETTINGS = ("warmup", "timeframe", "update_interval")
_STALLS = {"sleep": "waits", "input": "waits for a person"}
_NETWORK = frozenset({"requests", "urllib", "http", "httpx", "aiohttp", "socket", "websocket", "websockets", "yfinance"})


class Requirements(Struct, frozen=True):
    """`told` are its callbacks, `orders` the kinds it can send, both in words of the language of strategies; `settings` what it sets by a
    literal of warmup, timeframe and update_interval. `params` is None where only running the file can tell. `doubts` are sentences about
    lines that a person should look at."""

    path: Path
    name: str
    is_function: bool
    told: tuple[str, ...]
    orders: tuple[str, ...]
    params: Mapping[str, Param] | None
    settings: Mapping[str, Value]
    doubts: tuple[str, ...]

    @property
    def hears_bars(self) -> bool:
        return self.is_function or "on_bar" in self.told

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
    tree = ast.parse(found.path.read_bytes(), str(found.path))
    bodies = [node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    told = () if found.is_function else tuple(name for name in CALLBACKS if name in _methods(bodies))
    orders = ("market",) if found.is_function else tuple(sorted(set(_orders(tree)), key=_KINDS.index))
    return Requirements(
        found.path, found.name, found.is_function, told, orders, found.params, _settings(bodies, found), tuple(_doubts(tree))
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
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
            if called == "open" or called.startswith("read_"):
                yield f"line {node.lineno} reads a file itself: what stands there is not held back in a backtest"
            elif called in _STALLS:
                yield f"line {node.lineno} {_STALLS[called]}: a callback that takes long is killed"
            elif called in ("now", "today", "utcnow", "time") and isinstance(node.func, ast.Attribute) and _is_clock(node.func.value):
                yield f"line {node.lineno} asks this computer's clock: in a backtest the market's time is ctx.now"


def _is_clock(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("datetime", "date", "time")
