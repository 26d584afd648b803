"""An installed package's engine. Whatever it raises is told as its own fault, and takes nobody with it."""

from __future__ import annotations

import time
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from engine.engine_types import EngineError, EngineInfo, EngineResult, EngineRun

if TYPE_CHECKING:
    from engine.strategies.analysis import Requirements


class InstalledEngine:
    def __init__(self, point: EntryPoint) -> None:
        """Raises EngineError where it cannot be made."""
        self._point = point
        try:
            self._engine = point.load()()
        except Exception as error:
            raise EngineError(f"{self._fault('cannot be made', error)}.") from error

    def info(self) -> EngineInfo:
        try:
            info: EngineInfo = _checked(self._engine.info(), EngineInfo)
        except Exception as error:  # noqa: BLE001 - told in words, as below
            return unusable(self._point.name, self._fault("cannot say what it supports", error))
        return info

    def misfits(self, needs: Requirements) -> tuple[str, ...]:
        try:
            return tuple(map(str, self._engine.misfits(needs)))
        except Exception as error:  # noqa: BLE001
            return (self._fault("cannot say what suits it", error),)

    def run(self, run: EngineRun) -> EngineResult:
        began = time.perf_counter()
        try:
            result: EngineResult = _checked(self._engine.run(run), EngineResult)
        except Exception as error:  # noqa: BLE001
            told, took = f"{self._fault('broke', error)}.", time.perf_counter() - began
            return EngineResult(engine_type=self._point.name, strategy=run.strategy, execution_time=took, error=told)
        return result

    def _fault(self, what: str, error: Exception) -> str:
        told = f"{type(error).__name__}: {error}" if f"{error}" else type(error).__name__
        return f"The engine {self._point.name!r} of {self._point.value} {what}: {told}".rstrip(".")


def unusable(name: str, why: str) -> EngineInfo:
    """`why` in words, without a stop."""
    return EngineInfo(name, "an installed package's", (), (), "", why_not=why)


def _checked(answer: Any, kind: type) -> Any:
    if not isinstance(answer, kind):
        raise TypeError(f"it answered {type(answer).__name__}, and not {kind.__name__}")
    return answer
