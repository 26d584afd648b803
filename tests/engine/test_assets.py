"""Each symbol is asked for behind everything else: what was just added first, again after a while, and never while the broker is away."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

from engine.assets import FAILED_S, FRESH_S, PACE_S, Assets
from engine.brokers.base import AmbiguousError, Broker, BusyError
from engine.clock import SystemClock
from engine.core.core import Core
from engine.courier import Courier
from engine.latch import StopSwitch
from engine.model.inputs import AssetTold, Input, LinkChanged
from engine.model.market import Instrument
from engine.model.modes import LinkState
from tests.engine.engines import SETTINGS, ToldBroker
from tests.engine.feeds.fake_time import FakeTime, OverError

D = Decimal
SECOND = 1_000_000_000


class Teller(ToldBroker):
    """Tells of each symbol what a test says, and raises what is no answer."""

    def __init__(self, **told: AssetTold | Exception | None) -> None:
        super().__init__()
        self.told = told
        self.asked: list[str] = []

    async def asset(self, symbol: str) -> AssetTold | None:
        self.asked.append(symbol)
        answer = self.told.get(symbol, AssetTold(symbol))
        if isinstance(answer, Exception):
            raise answer
        return answer


async def run(
    broker: Broker,
    seconds: float,
    symbols: tuple[str, ...] = ("AAPL", "MSFT"),
    *,
    ready: bool = True,
    at: Callable[[Core, int], None] = lambda core, second: None,
) -> Core:
    """The core after so many seconds; `at` is called with each of them that a question may come in."""
    time = FakeTime(until=round(seconds * SECOND))
    core = Core(SETTINGS, map(Instrument, symbols), run_id="r1")
    core.gate.ready = ready

    def handle(event: Input) -> None:
        core.handle(event, SECOND + time.now)

    async def sleep(pause: float) -> None:
        await time.sleep(pause)
        at(core, time.now // SECOND)

    courier = Courier(core, broker, SystemClock(), StopSwitch(), handle=handle, spawn=lambda work: work.close())
    with suppress(OverError):
        await Assets(core, courier, handle=handle, mono=time.seconds, sleep=sleep).run()
    return core


async def test_each_symbol_is_asked_for_once_and_again_when_its_answer_is_old() -> None:
    broker = Teller(AAPL=AssetTold("AAPL", shortable=False))
    core = await run(broker, FRESH_S - 1)
    assert sorted(broker.asked) == ["AAPL", "MSFT"]
    assert core.gate.assets == {"AAPL": AssetTold("AAPL", shortable=False), "MSFT": AssetTold("MSFT")}
    again = Teller()
    await run(again, FRESH_S + 3 * PACE_S)
    assert sorted(again.asked) == ["AAPL", "AAPL", "MSFT", "MSFT"]


async def test_one_that_was_just_added_comes_before_the_others() -> None:
    def add(core: Core, second: int) -> None:
        if second == PACE_S:
            core.desk.instruments["NVDA"] = Instrument("NVDA")

    broker = Teller()
    await run(broker, 10, ("AAPL", "MSFT", "IBM"), at=add)
    assert broker.asked == ["IBM", "NVDA", "MSFT", "AAPL"]


async def test_no_more_than_one_is_asked_for_in_each_pace() -> None:
    broker = Teller()
    await run(broker, 60, tuple(f"S{number}" for number in range(200)))
    assert len(broker.asked) == 60 // PACE_S + 1


async def test_one_that_gets_no_answer_holds_up_no_other_and_is_asked_for_again() -> None:
    broker = Teller(AAPL=AmbiguousError("the reply was lost"), MSFT=BusyError("too many requests"), IBM=None)
    core = await run(broker, FAILED_S + 4 * PACE_S, ("AAPL", "MSFT", "IBM", "NVDA"))
    assert core.gate.assets == {"NVDA": AssetTold("NVDA")}
    assert [broker.asked.count(symbol) for symbol in ("AAPL", "MSFT", "IBM", "NVDA")] == [2, 2, 1, 1]


async def test_what_was_known_holds_where_the_next_answer_is_lost() -> None:
    def lose(core: Core, second: int) -> None:
        broker.told["AAPL"] = AmbiguousError("the reply was lost")

    broker = Teller(AAPL=AssetTold("AAPL", fractionable=False))
    core = await run(broker, FRESH_S + 2 * PACE_S, ("AAPL",), at=lose)
    assert len(broker.asked) == 2
    assert core.gate.assets == {"AAPL": AssetTold("AAPL", fractionable=False)}


async def test_nothing_is_asked_before_the_account_was_compared_nor_while_the_link_is_not_up() -> None:
    broker = Teller()
    await run(broker, 60, ready=False)
    assert broker.asked == []

    def cut(core: Core, second: int) -> None:
        core.handle(LinkChanged("told", LinkState.DEGRADED, "the stream broke"), SECOND)

    await run(broker, 60, at=cut)
    assert broker.asked == ["MSFT"]


async def test_a_broker_that_tells_nothing_of_the_kind_is_not_asked() -> None:
    assert (await run(ToldBroker(), 60)).gate.assets == {}
