"""Bench of the way of an order: from a quote through a real strategy process to the broker, by hand, and how fast the stop shuts the gate.

Run as `python -m tests.bench.bench_order_path`. "Sent" is the moment the broker's `submit` is called; before it lies a durable write.
Absolute figures are the machine's; the ratios tell whether a strategy that burns a core is felt.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

from engine.brokers.base import Broker
from engine.brokers.paper import PaperBroker
from engine.clock import SystemClock
from engine.core.core import Core
from engine.feeds.calendar import Calendar, Hours
from engine.live import Engine
from engine.model.market import Bar, Instrument, MarketEvent, MarketStatus, Phase, Quote
from engine.model.modes import Mode
from engine.model.orders import Intent, Order, Side
from engine.model.settings import CommissionSettings, Limits, PaperSettings, Settings, StrategySettings
from engine.parts import Parts, Venue
from storage.journal import open_journal
from tests.bench.stop_times import StopTimes

QUOTES, EVERY_S = 300, 0.01
BY_HAND = 200
PRESSES = 100
LAG_SAMPLES, LAG_EVERY_S = 600, 0.005
HUNDRED = Decimal(100)

TAKER = """
from tradeconsole import Strategy

class Taker(Strategy):
    def on_quote(self, ctx, quote):
        if quote.bid_size == 10_001:
            trade = ctx.sell if ctx.position(quote.symbol) else ctx.buy
            trade(quote.symbol, 1, reason=str(quote.at))
"""

BURNER = """
from tradeconsole import Strategy

class Burner(Strategy):
    def on_quote(self, ctx, quote):
        while True:
            sorted(range(1_000_000), key=str)
"""


class PacedFeed:
    """Quotes one symbol every `EVERY_S`, and remembers when each quote was told. Those that ask for a trade have one share more on the bid.
    The next one does not, and fills that order: what rests, and what fills by the same quote, is not what is measured here."""

    name = "paced"
    timeframe = "1m"
    quote_life_s: float | None = 60.0
    problems: tuple[str, ...] = ()
    hours: Hours = Calendar()

    def __init__(self) -> None:
        self.told: dict[str, float] = {}
        self.asks = 0

    def instruments(self) -> tuple[Instrument, ...]:
        return (Instrument("AAPL"),)

    def history(self, symbol: str, count: int, timeframe: str = "") -> Sequence[Bar]:
        return ()

    async def run(self, tell: Callable[[MarketEvent], None]) -> None:
        at, asks = time.time_ns(), False
        tell(MarketStatus(Phase.REGULAR, "paced", "today", at))
        while True:
            at += 1_000_000
            asks = self.asks > 0 and not asks
            self.asks -= asks
            self.told[str(at)] = time.perf_counter()
            tell(Quote("AAPL", at, 99.99, 100.01, 10_000.0 + asks, 10_000.0, 100.0))
            await asyncio.sleep(EVERY_S)


class TimedBroker(PaperBroker):
    """Paper that remembers when each order reached it, by the order's reason."""

    def __init__(self, settings: PaperSettings) -> None:
        super().__init__(settings, {"AAPL": Instrument("AAPL")})
        self.sent: dict[str, float] = {}
        self.arrived = threading.Event()

    async def submit(self, order: Order) -> None:
        self.sent[order.reason] = time.perf_counter()
        self.arrived.set()
        await super().submit(order)


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def line(what: str, seconds: Sequence[float]) -> str:
    return f"{what:<46} p50 {1e3 * percentile(seconds, 0.5):8.3f} ms   p99 {1e3 * percentile(seconds, 0.99):8.3f} ms   n {len(seconds)}"


def sync_times(folder: Path, count: int = 100) -> list[float]:
    """What this disk takes for the write and sync of one page: the floor below any durable order. Seconds."""
    times = []
    file = os.open(folder / "floor", os.O_CREAT | os.O_WRONLY)
    for page in range(count):
        began = time.perf_counter()
        os.pwrite(file, b"x" * 4096, page * 4096)
        os.fsync(file)
        times.append(time.perf_counter() - began)
    os.close(file)
    return times


class Bench:
    """An engine in FULL_AUTO with a strategy of each of `sources`, running."""

    def __init__(self, folder: Path, *sources: str) -> None:
        folder.mkdir()
        files = [folder / f"strategy_{number}.py" for number in range(len(sources))]
        for file, source in zip(files, sources, strict=True):
            file.write_text(source, encoding="utf-8")
        settings = Settings(
            mode=Mode.FULL_AUTO,
            limits=Limits(
                max_position_pct=HUNDRED,
                max_order_pct=HUNDRED,
                max_exposure_pct=Decimal(400),
                short_selling=True,
                max_orders_second=1_000,
                max_orders_minute=1_000,
                max_orders_day=1_000,
                max_account_orders_second=10_000,
                max_account_orders_minute=10_000,
                max_account_orders_day=10_000,
                repetition_s=0.0,
            ),
            paper=PaperSettings(latency_ms=0, commission=CommissionSettings("fixed", rate=Decimal(0))),
            strategies=tuple(StrategySettings(str(file), deadline_s=600) for file in files),
        )
        self.feed, self.broker = PacedFeed(), TimedBroker(settings.paper)

        def paper(core: Core) -> tuple[Broker, Venue | None]:
            return self.broker, self.broker.on_market

        self.engine = Engine(settings, Parts(folder / "paper.db", open_journal, lambda: self.feed, paper, SystemClock()))
        self.engine.start()
        problem = self.engine.wait_ready().health.problem
        if problem:
            raise RuntimeError(problem)
        self.until(lambda: all(row.state == "running" for row in self.engine.status().strategies))
        self.until(lambda: any(row.last is not None for row in self.engine.status().watch))  # the gate lets nothing through at no price

    def until(self, condition: Callable[[], bool], within_s: float = 60.0) -> None:
        end = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the bench waited in vain")
            time.sleep(0.01)

    def by_strategy(self) -> list[float]:
        """Seconds from a quote to the order that a strategy made of it at the broker."""
        self.feed.asks = QUOTES
        self.until(lambda: not self.feed.asks and len(self.broker.sent) > QUOTES / 2)
        return [sent - self.feed.told[reason] for reason, sent in self.broker.sent.items() if reason in self.feed.told]

    def by_hand(self) -> list[float]:
        """Seconds from `submit` to the order at the broker, one after the other."""
        times = []
        for number in range(BY_HAND):
            name, began = f"hand {number}", time.perf_counter()
            command_id = self.engine.submit(Intent("AAPL", Side.SELL if number % 2 else Side.BUY, Decimal(1), reason=name))
            while name not in self.broker.sent:  # a strategy's last orders may arrive between
                if not self.broker.arrived.wait(10):
                    raise TimeoutError(f"{name} was not sent: {self.engine.answer(command_id).text}")
                self.broker.arrived.clear()
            times.append(self.broker.sent[name] - began)
        return times

    def presses(self) -> tuple[list[float], list[float]]:
        """Seconds until the gate is shut in memory, and until the latch file is durable."""
        stop, shut, durable = StopTimes(self.engine), [], []
        for _ in range(PRESSES):
            command_id, shut_s, durable_s = stop.press()
            shut.append(shut_s)
            durable.append(durable_s)
            self.engine.answer(command_id)
            self.engine.answer(self.engine.resume("bench"))
        return shut, durable

    def lag(self) -> list[float]:
        """How late the engine's loop runs a timer. Seconds."""

        async def sample() -> list[float]:
            late = []
            for _ in range(LAG_SAMPLES):
                due = time.perf_counter() + LAG_EVERY_S
                await asyncio.sleep(LAG_EVERY_S)
                late.append(max(time.perf_counter() - due, 0.0))
            return late

        loop = self.engine._loop
        if loop is None:
            raise RuntimeError("the engine does not run")
        return asyncio.run_coroutine_threadsafe(sample(), loop).result(60)


def bench(folder: Path) -> list[str]:
    floor = sync_times(folder)
    alone = Bench(folder / "alone", TAKER)
    path, hand, presses, lag = alone.by_strategy(), alone.by_hand(), alone.presses(), alone.lag()
    alone.engine.shutdown()
    beside = Bench(folder / "beside", BURNER)
    burnt_hand, burnt_presses, burnt_lag = beside.by_hand(), beside.presses(), beside.lag()
    beside.engine.shutdown()
    return [
        line("sync of one page", floor),
        line("quote -> strategy -> durable -> sent", path),
        line("submit by hand -> durable -> sent", hand),
        f"  against one sync: p50 {percentile(hand, 0.5) / percentile(floor, 0.5):.1f} x",
        line("stop pressed -> gate shut in memory", presses[0]),
        line("stop pressed -> latch file durable", presses[1]),
        line("lag of the engine's loop", lag),
        "beside a strategy that burns a core:",
        line("  submit by hand -> durable -> sent", burnt_hand),
        line("  stop pressed -> gate shut in memory", burnt_presses[0]),
        line("  stop pressed -> latch file durable", burnt_presses[1]),
        line("  lag of the engine's loop", burnt_lag),
        f"  p99 against without: by hand {ratio(burnt_hand, hand)}, latch {ratio(burnt_presses[1], presses[1])}, "
        f"lag {ratio(burnt_lag, lag)}",
    ]


def ratio(beside: Sequence[float], alone: Sequence[float]) -> str:
    return f"{percentile(beside, 0.99) / percentile(alone, 0.99):.1f} x"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write("\n".join(bench(Path(folder))) + "\n")


if __name__ == "__main__":
    main()
