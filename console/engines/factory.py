"""Makes an engine by its name, or the one that suits a strategy. Each is imported when somebody asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.engine_types import ENTRY_POINTS, EngineError, EngineInfo, EngineType

if TYPE_CHECKING:
    from engine.strategies.analysis import Requirements
    from engine.strategies.params import Value

_BUILT_IN = {
    "backtest": "console.engines.backtest:BacktestEngine",
    "replay": "console.engines.replay:ReplayEngine",
    "paper": "console.engines.paper:PaperEngine",
    "live": "console.engines.live:LiveEngine",
}
_PREFERRED = ("backtest", "paper")
"""The first of these that suits is chosen: neither can lose money."""


class Compatibility(Struct, frozen=True):
    """Whether a strategy can run in an engine; `reasons` say why not. False where it cannot."""

    engine: str
    reasons: tuple[str, ...]

    def __bool__(self) -> bool:
        return not self.reasons


class EngineFactory:
    """Nothing here runs a line of a strategy's file; only `run` of an engine does."""

    @staticmethod
    def get_supported_engines() -> tuple[str, ...]:
        """The names: ours, then those of installed packages."""
        return (*_BUILT_IN, *(name for name in sorted(_installed()) if name not in _BUILT_IN))

    @staticmethod
    def create_engine(name: str) -> EngineType:
        """Raises EngineError where there is none of this name, or an installed one cannot be made. Whether it can be used is told by its
        `info`."""
        if name in _BUILT_IN:
            module, _, made = _BUILT_IN[name].partition(":")
            built: EngineType = getattr(import_module(module), made)()
            return built
        point = _installed().get(name)
        if point is None:
            from engine.strategies.params import did_you_mean

            names = EngineFactory.get_supported_engines()
            raise EngineError(f"There is no engine {name!r}.{did_you_mean(name, names)} Engines are {', '.join(names)}.")
        from console.engines.installed import InstalledEngine

        return InstalledEngine(point)

    @staticmethod
    def get_engine_info(name: str) -> EngineInfo:
        """What it supports, and why it cannot be used here where that is so. Raises EngineError where there is none of this name."""
        try:
            return EngineFactory.create_engine(name).info()
        except EngineError as error:
            if name not in EngineFactory.get_supported_engines():
                raise
            from console.engines.installed import unusable

            return unusable(name, str(error).rstrip("."))

    @staticmethod
    def analyze_strategy_requirements(path: str, params: Mapping[str, Value] | None = None) -> Requirements:
        """What the file needs. Raises StrategyError with file and line where it holds no strategy."""
        from engine.strategies.analysis import analyse

        return analyse(path, params or {})

    @staticmethod
    def validate_strategy_compatibility(path: str, name: str, params: Mapping[str, Value] | None = None) -> Compatibility:
        """Raises StrategyError and EngineError."""
        needs = EngineFactory.analyze_strategy_requirements(path, params)
        return Compatibility(name, EngineFactory.create_engine(name).misfits(needs))

    @staticmethod
    def detect_engine_type(path: str, params: Mapping[str, Value] | None = None) -> str:
        """The name of the engine that suits the file: a backtest where bars are enough for it, else paper. Raises StrategyError, and
        EngineError with the reasons where neither suits."""
        reasons: list[str] = []
        for name in _PREFERRED:
            found = EngineFactory.validate_strategy_compatibility(path, name, params)
            if found:
                return name
            reasons += found.reasons
        raise EngineError(f"No engine suits {path}: {'; '.join(reasons)}.")

    @staticmethod
    def auto_create_engine(path: str, params: Mapping[str, Value] | None = None) -> EngineType:
        """The engine that suits the file. Raises as `detect_engine_type` does."""
        return EngineFactory.create_engine(EngineFactory.detect_engine_type(path, params))


def _installed() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}
