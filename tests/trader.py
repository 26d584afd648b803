"""A program for the kill tests: an engine that trades as fast as it can until somebody ends it.

python -m tests.trader DATABASE PORT SEED trades at the venue on PORT. With `paper` for the port it trades on paper, and prints after
each answer of the engine what is durable by then: `cash AAPL MSFT IBM orders`. The start of every fourth SEED leaves a checkpoint. With
`moment SECONDS` behind it, or with `step NUMBER whole|half`, it dies of itself there; see `tests.dying`.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from decimal import Decimal
from pathlib import Path

from engine.brokers.base import Broker
from engine.brokers.paper import PaperBroker
from engine.clock import SystemClock
from engine.core import core
from engine.core.core import Core
from engine.core.risk.rules import Rule
from engine.live import Engine
from engine.model.modes import Mode
from engine.model.orders import Intent, OrderState, OrderType, Side
from engine.model.records import OrderChanged, OrderDenied, OrderPlaced
from engine.model.settings import Limits, PaperSettings, Settings
from engine.parts import Parts, Venue
from storage.journal import open_journal
from tests.dying import at_moment, at_step
from tests.quotes import SYMBOLS, QuoteFeed
from tests.servers.venue_broker import VenueBroker

AT_ONCE = 20
CHECKPOINT_AFTER = 10
"""Records: far fewer than usual, so that kills meet starts that write a checkpoint, and starts from one."""
HUNDRED = Decimal(100)
LIMITS = Limits(
    max_position_pct=HUNDRED,
    max_order_pct=HUNDRED,
    max_exposure_pct=Decimal(400),
    max_daily_loss_pct=HUNDRED,
    circuit_breaker_pct=HUNDRED,
    short_selling=True,
    max_account_orders_second=10_000,
    max_account_orders_minute=10_000,
    max_account_orders_day=10_000,
    repetition_s=0,
)
SETTINGS = Settings(mode=Mode.FULL_AUTO, limits=LIMITS, paper=PaperSettings(cash=Decimal(1_000_000), latency_ms=0), on_exit="cancel_all")


def make_engine(database: Path, port: int | None) -> Engine:
    """An engine on the venue at `port`, or on paper."""

    def venue(heart: Core) -> tuple[Broker, Venue | None]:
        return VenueBroker(port or 0), None

    def paper(heart: Core) -> tuple[Broker, Venue | None]:
        broker = PaperBroker(SETTINGS.paper, heart.desk.instruments)
        if heart.state.runs:
            broker.restore(heart.state.portfolio, heart.state.book.orders.values(), heart.state.session)
        return broker, broker.on_market

    return Engine(SETTINGS, Parts(database, open_journal, QuoteFeed, venue if port else paper, SystemClock()))


def trade(engine: Engine, chance: random.Random) -> None:
    """Keeps some orders under way: mostly market orders, and limit orders that are cancelled once they work."""
    free = threading.Semaphore(AT_ONCE)
    resting: set[str] = set()

    def placed(record: OrderPlaced) -> None:
        if record.type is OrderType.LIMIT:
            resting.add(record.id)

    def changed(record: OrderChanged) -> None:
        if record.state.is_final:
            free.release()
        elif record.state is OrderState.WORKING and record.order_id in resting:
            engine.cancel(record.order_id)

    def denied(record: OrderDenied) -> None:
        """Nothing here is beyond a limit: the books must be wrong. A disk that does not answer for a second is no such thing: once it does,
        the next order goes through."""
        if record.verdict.rule == Rule.JOURNAL:
            free.release()
            return
        os.write(2, f"denied: {record.verdict.text}".encode())
        os._exit(1)

    engine.subscribe(OrderPlaced, placed)
    engine.subscribe(OrderChanged, changed)
    engine.subscribe(OrderDenied, denied)
    while free.acquire(timeout=30):
        symbol, side, quantity = chance.choice(SYMBOLS), chance.choice(list(Side)), Decimal(chance.randrange(1, 10))
        if chance.random() < 0.2:
            far = Decimal(80) if side is Side.BUY else Decimal(120)
            engine.submit(Intent(symbol, side, quantity, OrderType.LIMIT, far))
        else:
            engine.submit(Intent(symbol, side, quantity))


def acknowledge(engine: Engine) -> None:
    """Prints what the engine's view shows whenever all of that is durable."""
    while True:
        view = engine.status(30)
        if not view.health.journal_backlog and view.orders:
            held = {row.symbol: row.quantity for row in view.positions}
            figures = (view.account.cash, *(held.get(symbol, 0) for symbol in SYMBOLS), view.orders[0].number)
            os.write(1, " ".join(map(str, figures)).encode() + b"\n")


def main(database: Path, where: str, seed: int, death: list[str]) -> None:
    match death:
        case ["moment", seconds]:
            at_moment(float(seconds))
        case ["step", number, how]:
            at_step(int(number), how == "half")
    if not seed % 4:
        core.CHECKPOINT_AFTER = CHECKPOINT_AFTER
    engine = make_engine(database, None if where == "paper" else int(where))
    engine.start()
    view = engine.wait_ready()
    if view.health.problem:
        sys.exit(view.health.problem)
    if where == "paper":
        threading.Thread(target=acknowledge, args=(engine,), daemon=True).start()
    trade(engine, random.Random(seed))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:])
