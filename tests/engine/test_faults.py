"""Whatever breaks once, the engine says what, lives on, and where money is at stake trades no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine import control, reports
from engine.chart import ChartBuilder
from engine.control_client import NoAnswerError, ask, control_path
from engine.core.core import Core
from engine.core.matching import Matcher
from engine.courier import Courier
from engine.latch import Latch
from engine.live import Engine
from engine.metrics import Metrics
from engine.model.inputs import BrokerSnapshot
from engine.model.market import Quote
from engine.model.modes import TradingState
from engine.model.records import OrderPlaced
from engine.model.settings import StrategySettings
from engine.standstill import Standstill
from engine.strategies.supervisor import StrategyRunner
from tests.engine.engines import SETTINGS, limit, market, running, said, until
from tests.quotes import QuoteFeed


class BrokeError(Exception):
    """Not one of those that anybody expects."""


@dataclass(frozen=True)
class Fault:
    """`part` of `owner` raises the next time it is called, which `provoke` brings about. `words` say so in the log or the problem."""

    owner: Any
    part: str
    words: str
    halts: bool
    provoke: Callable[[Engine], object] = lambda engine: None


FAULTS = [
    Fault(Core, "handle", "The engine failed on a", True),
    Fault(Core, "handle", "The engine failed on a", True, lambda engine: engine.submit(limit())),
    Fault(Matcher, "on_quote", "The engine failed on a Quote of the market (broke). Trading is stopped.", True),
    Fault(ChartBuilder, "on_quote", "The engine failed on a Quote of the market (broke). Trading is stopped.", True),
    Fault(Metrics, "event", "The engine failed on a Quote of the market (broke). Trading is stopped.", True),
    Fault(Courier, "find_unknown", "A part of the engine broke (broke). Trading is stopped; restart the console.", True),
    Fault(Courier, "reconcile", "A part of the engine broke (broke). Trading is stopped", True, lambda engine: engine.sync()),
    Fault(Latch, "news", "A part of the engine broke (broke). Trading is stopped; restart the console.", True),
    Fault(Standstill, "_is_at_rest", "looking at the broker's list failed (broke): done again in", True, lambda e: e.emergency_stop()),
    Fault(reports, "line_of", "a OrderPlaced could not be put into words: broke", False, lambda engine: engine.submit(limit())),
    Fault(ChartBuilder, "view", "The screen's data could not be built (broke): what you see is old.", False),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{getattr(fault.owner, '__name__', fault.owner)}.{fault.part}")
def test_what_breaks_once_is_named_and_the_engine_lives_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], fault: Fault
) -> None:
    whole = getattr(fault.owner, fault.part)
    broke: list[Any] = []

    def break_once(*given: Any, **more: Any) -> Any:
        if not broke:
            broke.append(given)
            raise BrokeError("broke")
        return whole(*given, **more)

    with running(tmp_path) as engine:
        monkeypatch.setattr(fault.owner, fault.part, break_once)
        fault.provoke(engine)
        view = until(engine, lambda view: fault.words in view.health.problem or said(view, fault.words))
        if fault.halts:
            until(engine, lambda view: view.account.state is TradingState.HALTED)
            assert engine.answer(engine.submit(market())).text.startswith("Trading is halted")
            assert engine.answer(engine.resume("looked at it")).ok
        assert engine.status().account.state is TradingState.ACTIVE
        assert engine.answer(engine.submit(market(3, "MSFT"))).ok, view
        until(engine, lambda view: view.positions)
    assert capfd.readouterr() == ("", ""), "the screen belongs to the console"


def test_a_feed_that_breaks_is_down_by_name_and_positions_can_be_left(tmp_path: Path) -> None:
    class Breaking(QuoteFeed):
        async def run(self, tell: Callable[[Any], None]) -> None:
            heard = count()

            def tell_twenty(event: Any) -> None:
                if next(heard) == 20:
                    raise BrokeError("half a message")
                tell(event)

            await super().run(tell_twenty)

    with running(tmp_path, feed=Breaking) as engine:
        view = until(engine, lambda view: not view.health.links[1].up)
        assert view.health.links[1].reason == "It broke (BrokeError: half a message)."
        assert view.account.state is TradingState.ACTIVE
        assert said(view, "It broke (BrokeError: half a message). Prices go stale; positions and orders are as they were.")
        assert engine.answer(engine.emergency_stop()).ok


def test_a_subscriber_and_the_control_socket_break_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*given: Any) -> Any:
        raise BrokeError("broke")

    with running(tmp_path) as engine:
        engine.subscribe(OrderPlaced, breaks)
        engine.subscribe(Quote, breaks)
        monkeypatch.setattr(control, "_picture", breaks)
        with pytest.raises(NoAnswerError):
            ask(control_path(tmp_path / "paper.db"), "status")
        assert engine.answer(engine.submit(market())).ok
        view = until(engine, lambda view: view.positions and said(view, "a subscriber to OrderPlaced failed: broke"))
        assert said(view, "a subscriber to Quote failed: broke")
        assert said(view, "the control socket failed on a request: broke")
        assert view.account.state is TradingState.ACTIVE


def test_a_strategys_runner_that_does_not_end_keeps_nobody_from_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = StrategyRunner.stop

    async def breaks(runner: StrategyRunner) -> None:
        await stop(runner)
        raise BrokeError("it will not go")

    monkeypatch.setattr(StrategyRunner, "stop", breaks)
    with running(tmp_path, settings=replace(SETTINGS, strategies=(StrategySettings("sma_cross"),))) as engine:
        pass
    assert said(engine.view(), "a strategy did not end in order (it will not go): the rest does")
    with running(tmp_path) as engine:
        assert not said(engine.view(), "did not end in order"), "the run's end was written"


def test_a_snapshot_that_makes_no_sense_stops_trading(tmp_path: Path) -> None:
    with running(tmp_path) as engine:
        assert engine._shell is not None
        assert engine._loop is not None
        nonsense = BrokerSnapshot(None, ((1, 2, 3),), (None,))  # type: ignore[arg-type]
        engine._loop.call_soon_threadsafe(engine._shell.handle, nonsense)
        view = until(engine, lambda view: view.account.state is TradingState.HALTED)
        assert "The engine failed on a BrokerSnapshot" in view.health.problem
