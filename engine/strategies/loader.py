"""Finds a strategy, checks it without running a line of it, and loads it.

`check` reads the file's syntax tree: it is safe on the engine's side of the wall. `load` runs the file, so it is called where a strategy
may do as it pleases: in its own process, or in a backtest's worker.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from engine.own_file import line_in, run_file
from engine.strategies.base import Strategy
from engine.strategies.params import Param, StrategyError, Value, check_params, did_you_mean
from engine.strategies.parse import parsed
from engine.strategies.shapes import Shape, has_shape, shape_of

READY = Path(__file__).parent / "ready"

FUNCTION_NAMES = ("strategy", "signal")
CALLBACKS = {"on_start": 2, "on_bar": 3, "on_quote": 3, "on_update": 2, "on_fill": 3, "on_stop": 2}
"""Each callback's number of arguments, self included."""
NEEDED = ("on_bar", "on_quote", "on_update")
MOST_BYTES = 500_000
"""Reading a syntax tree keeps everything else in the process waiting, and `check` runs in the engine's."""
IDLE = "has none of on_bar, on_quote and on_update, so it would never do anything."


class Found(Struct, frozen=True):
    """What a file holds. `params` is None where only running it can tell; `any_keyword` says that a function takes any. `shape` is that of
    a class of another shape, which is adapted."""

    path: Path
    name: str
    line: int
    is_function: bool
    params: Mapping[str, Param] | None
    any_keyword: bool = False
    shape: Shape | None = None

    @property
    def kind(self) -> str:
        return "function" if self.is_function else "class" if self.shape is None else f"class with {self.shape.method}"


def ready_made() -> tuple[str, ...]:
    """Names of the strategies that come with the console."""
    return tuple(sorted(path.stem for path in READY.glob("*.py") if path.stem != "__init__"))


def find(file: str) -> Path:
    """The path of a strategy given by path or by the name of a ready-made one. Raises StrategyError."""
    if file in ready_made():
        return READY / f"{file}.py"
    try:
        path = Path(file).expanduser()
        if path.is_file():
            return path.resolve()
        there = path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise StrategyError(f"The strategy {file!r} cannot be opened: {error}.") from None
    if there:
        raise StrategyError(f"{path} is a folder; name the strategy's file in it.")
    ready = ready_made()
    raise StrategyError(f"There is no strategy file {file!r}.{did_you_mean(file, ready)} Ready-made ones: {', '.join(ready)}.")


def check(file: str, params: Mapping[str, Value]) -> Found:
    """Everything that can be known without running the file: it is there, it parses, it holds one strategy, the parameters fit.

    Raises StrategyError with file and line.
    """
    path = find(file)
    found = _Reader(path).find()
    if found.params is not None and not found.any_keyword:
        check_params(str(path), found.params, params)
    return found


def load(file: str, params: Mapping[str, Value]) -> Strategy:
    """Runs the file and makes its strategy. Raises StrategyError with file and line, whatever the file's code raised."""
    found = check(file, params)
    module = _run(found.path)
    made = getattr(module, found.name, None)
    where = f"{found.path}, line {found.line}"
    if found.is_function and callable(made):
        from engine.strategies.functions import FunctionStrategy

        strategy = FunctionStrategy(made, found.params or {}, found.any_keyword, params)
        strategy.timeframe = getattr(module, "timeframe", "")
        return strategy
    if found.shape is not None and isinstance(made, type):
        return _adapted(made, found, params)
    if not (isinstance(made, type) and issubclass(made, Strategy)):
        raise StrategyError(f"{where}: {found.name} does not derive from tradeconsole's Strategy.")
    if all(getattr(made, callback) is getattr(Strategy, callback) for callback in NEEDED):
        raise StrategyError(f"{where}: {found.name} {IDLE}")
    return _make(lambda: made(**params), found)


def _adapted(made: type, found: Found, params: Mapping[str, Value]) -> Strategy:
    from engine.strategies.adapted import AdaptedStrategy

    shape, declared = found.shape, dict(found.params or {})
    assert shape is not None
    own = {name: one for name, one in declared.items() if name not in shape.made_with and name not in shape.begun_with}
    return _make(lambda: AdaptedStrategy(made, found.path, shape, own, params), found)


def _make(make: Callable[[], Strategy], found: Found) -> Strategy:
    where = f"{found.path}, line {found.line}"
    try:
        return make()
    except StrategyError as error:
        raise StrategyError(f"{where}: {error}") from None
    except Exception as error:
        raise StrategyError(f"{where}: {found.name} cannot be made: {type(error).__name__}: {error}") from error


def _run(path: Path) -> Any:
    if path.suffix != ".py":
        raise StrategyError(f"{path} does not look like a Python file: its name must end in .py.")
    try:
        return run_file(path, "strategy")
    except (Exception, SystemExit) as error:
        raise StrategyError(f"{path}{line_in(path, error)}: {type(error).__name__}: {error}.{_hint(path, error)}") from error


def _hint(path: Path, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and (path.parent / f"{error.name}.py").exists():
        return " Files beside a strategy are not importable; put what it needs into its own file, or install it as a package."
    return ""


class _Reader:
    """Reads one strategy file's syntax tree."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                source = file.read(MOST_BYTES + 1)
            if len(source) > MOST_BYTES:
                raise StrategyError(
                    f"{path} is longer than {MOST_BYTES:,} bytes: that is data, not a strategy; read such data in on_start."
                )
            self.tree = parsed(source, str(path))
        except OSError as error:
            raise StrategyError(f"{path} cannot be read: {error.strerror}.") from None
        except SyntaxError as error:
            where = f"{path}, line {error.lineno}" if error.lineno else str(path)
            text = f": {error.text.strip()}" if error.text and error.text.strip() else "."
            raise StrategyError(f"{where}: {error.msg}{text}") from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise StrategyError(f"{path} is not a Python source file: {error}.") from None
        self.classes = {node.name: node for node in self.tree.body if isinstance(node, ast.ClassDef)}

    def find(self) -> Found:
        shaped = self._shaped_classes()
        if len(shaped) > 1:
            raise self._ambiguous("strategy classes", [(node.name, node.lineno) for node in shaped], "keep one in a file")
        if shaped:
            return self._shaped(shaped[0])
        classes = self._strategy_classes()
        if len(classes) > 1:
            raise self._ambiguous("strategy classes", [(node.name, node.lineno) for node in classes], "keep one in a file")
        if classes:
            return self._class(classes[0])
        function = self._function()
        if function:
            return self._describe_function(function)
        # A base that is imported may or may not be a Strategy: only loading can tell.
        maybe = [node for node in self.classes.values() if node.bases and self._methods(node).keys() & set(NEEDED)]
        if len(maybe) == 1:
            return Found(self.path, maybe[0].name, maybe[0].lineno, is_function=False, params=None)
        raise StrategyError(
            f"{self.path} holds no strategy. Write a class that derives from Strategy (from tradeconsole import Strategy) with on_bar or "
            'on_quote, or a function strategy(data, symbol, current_price) that answers ("BUY" | "SELL" | "HOLD", strength, indicators), '
            "or a class with on_data(self, timestamp, data) or generate_signals(self, bar, portfolio) that answers orders."
        )

    # ---- classes

    def _lineage(self, node: ast.ClassDef) -> list[ast.ClassDef]:
        """The class and its bases within this file, nearest first."""
        lineage, queue = [], [node]
        while queue:
            one = queue.pop(0)
            if one not in lineage:
                lineage.append(one)
                queue += [self.classes[name] for base in one.bases if (name := _name(base)) in self.classes]
        return lineage

    def _strategy_classes(self) -> list[ast.ClassDef]:
        """Classes that derive from Strategy, but for those that another one here derives from."""
        derived = [
            node
            for node in self.classes.values()
            if any(_name(base) == "Strategy" and "Strategy" not in self.classes for one in self._lineage(node) for base in one.bases)
        ]
        bases = {one.name for node in derived for one in self._lineage(node)[1:]}
        return [node for node in derived if node.name not in bases]

    def _shaped_classes(self) -> list[ast.ClassDef]:
        """Classes of another shape: with one of its methods and none of a Strategy's; not those that another one here derives from."""
        shaped = [
            node
            for node in self.classes.values()
            if not node.name.startswith("_") and has_shape(methods := self._methods(node)) and not methods.keys() & set(NEEDED)
        ]
        bases = {one.name for node in shaped for one in self._lineage(node)[1:]}
        return [node for node in shaped if node.name not in bases]

    def _shaped(self, node: ast.ClassDef) -> Found:
        shape = shape_of(self.path, node.name, self.tree, self._methods(node))
        own = self._class_params(node)
        params = None if own is None else {**own, **shape.made_with, **shape.begun_with}
        return Found(self.path, node.name, node.lineno, is_function=False, params=params, any_keyword=shape.any_keyword, shape=shape)

    def _methods(self, node: ast.ClassDef) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
        methods: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        for one in self._lineage(node):
            for item in one.body:
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
                    methods.setdefault(item.name, item)
        return methods

    def _class(self, node: ast.ClassDef) -> Found:
        methods = self._methods(node)
        only_ours = all(_name(base) == "Strategy" or _name(base) in self.classes for one in self._lineage(node) for base in one.bases)
        if only_ours and not methods.keys() & set(NEEDED):
            raise StrategyError(f"{self.path}, line {node.lineno}: {node.name} {IDLE}")
        for name, method in methods.items():
            if name in CALLBACKS:
                self._check_callback(name, method)
        return Found(self.path, node.name, node.lineno, is_function=False, params=self._class_params(node) if only_ours else None)

    def _check_callback(self, name: str, method: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        where = f"{self.path}, line {method.lineno}"
        if isinstance(method, ast.AsyncFunctionDef):
            raise StrategyError(f"{where}: {name} is async; callbacks are plain functions (def {name}), called one after the other.")
        args, wanted = method.args, CALLBACKS[name]
        most = len(args.posonlyargs) + len(args.args)
        least = most - len(args.defaults)
        if not method.decorator_list and (least > wanted or (most < wanted and not args.vararg)):
            shape = f"{name}(self, ctx{', ' + name.removeprefix('on_') if wanted == 3 else ''})"
            raise StrategyError(f"{where}: {name} takes {most} arguments; it is called as {shape}.")

    def _class_params(self, node: ast.ClassDef) -> dict[str, Param] | None:
        params: dict[str, Param] = {}
        for one in reversed(self._lineage(node)):
            for item in one.body:
                target = item.targets[0] if isinstance(item, ast.Assign) else item.target if isinstance(item, ast.AnnAssign) else None
                call = item.value if isinstance(item, ast.Assign | ast.AnnAssign) else None
                if isinstance(target, ast.Name) and isinstance(call, ast.Call) and _name(call.func) == "param":
                    declared = _literal_param(target.id, call)
                    if declared is None:
                        return None
                    params[target.id] = declared
        return params

    # ---- functions

    def _function(self) -> ast.FunctionDef | None:
        fitting = [node for node in self.tree.body if isinstance(node, ast.FunctionDef) and _has_shape(node)]
        for name in FUNCTION_NAMES:
            for node in fitting:
                if node.name == name:
                    return node
        public = [node for node in fitting if not node.name.startswith("_")]
        if len(public) > 1:
            raise self._ambiguous("fitting functions", [(node.name, node.lineno) for node in public], "call one of them strategy")
        return public[0] if public else None

    def _describe_function(self, node: ast.FunctionDef) -> Found:
        args = node.args
        positional = [*args.posonlyargs, *args.args][3:]
        pairs = [*zip(positional, args.defaults[len(args.defaults) - len(positional) :], strict=True)]
        pairs += [(name, default) for name, default in zip(args.kwonlyargs, args.kw_defaults, strict=True) if default is not None]
        params: dict[str, Param] = {}
        for arg, default in pairs:
            value = _literal(default)
            if isinstance(value, int | float | str):
                params[arg.arg] = Param(value, None, None)
                params[arg.arg].name = arg.arg
        return Found(self.path, node.name, node.lineno, is_function=True, params=params, any_keyword=args.kwarg is not None)

    def _ambiguous(self, what: str, found: list[tuple[str, int]], advice: str) -> StrategyError:
        names = ", ".join(f"{name} (line {line})" for name, line in found)
        return StrategyError(f"{self.path} holds {len(found)} {what}: {names}. Which one is meant cannot be told; {advice}.")


def _name(node: ast.expr) -> str:
    """`Strategy` for both `Strategy` and `tradeconsole.Strategy`."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _has_shape(node: ast.FunctionDef) -> bool:
    """Three arguments without a default, and no more of those."""
    args = node.args
    needed = len(args.posonlyargs) + len(args.args) - len(args.defaults)
    return needed == 3 and all(default is not None for default in args.kw_defaults)


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _literal_param(name: str, call: ast.Call) -> Param | None:
    """The parameter that `param(10, low=2, high=200)` declares, or None where it is not written in literals."""
    words = {keyword.arg: _literal(keyword.value) for keyword in call.keywords}
    default = _literal(call.args[0]) if len(call.args) == 1 else words.pop("default", None)
    low, high, choices = words.get("low"), words.get("high"), words.get("choices", ())
    if not isinstance(default, int | float | str) or not all(one is None or isinstance(one, int | float) for one in (low, high)):
        return None
    if not isinstance(choices, tuple | list) or any(value is None for value in words.values()):
        return None
    declared = Param(default, low, high, tuple(choices))  # type: ignore[arg-type]
    declared.name = name
    return declared
