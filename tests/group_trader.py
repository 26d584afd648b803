"""A program for the kill tests: brackets, pairs of which one cancels the other, and replaces of what works, until somebody ends it.

python -m tests.group_trader DATABASE PORT SEED trades at the venue on PORT, which should be `trading`.
"""

from __future__ import annotations

import random
import sys
import threading
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from engine.model.inputs import GroupKind
from engine.model.orders import Bracket, Exit, Intent, OrderState, OrderType, Side, Terms
from engine.model.views import OrderRow
from tests.quotes import SYMBOLS
from tests.trader import make_engine

AT_ONCE = 30
"""Orders, held ones too."""
D = Decimal


def bracket(chance: random.Random) -> Intent:
    exits = Bracket(Exit(pct=D(3)), Exit(pct=D(2))) if chance.random() < 0.5 else Bracket(Exit(D(120)), Exit(D(80)))
    return Intent(chance.choice(SYMBOLS), Side.BUY, D(chance.randint(1, 12)), bracket=exits)


def pair(chance: random.Random) -> tuple[Intent, Intent]:
    below = Intent(chance.choice(SYMBOLS), Side.BUY, D(chance.randint(1, 9)), OrderType.LIMIT, limit=D(95))
    return below, replace(below, type=OrderType.STOP, limit=None, stop=D(105))


def terms(row: OrderRow, chance: random.Random) -> Terms:
    """It at another price, which the market is not at."""
    price = D(chance.randint(110, 130) if row.side is Side.SELL else chance.randint(85, 95))
    return Terms(row.quantity, price, row.stop)


def main(database: Path, port: int, seed: int) -> None:
    engine, chance, pause = make_engine(database, port), random.Random(seed), threading.Event()
    engine.start()
    view = engine.wait_ready()
    if view.health.problem:
        sys.exit(view.health.problem)
    while True:
        pause.wait(0.002)
        rows = [row for row in engine.status().orders if not row.state.is_final]
        working = [row for row in rows if row.state is OrderState.WORKING and row.limit is not None]
        if working and chance.random() < 0.5:
            row = chance.choice(working)
            engine.replace(row.id, terms(row, chance))
        elif len(rows) < AT_ONCE:
            if chance.random() < 0.7:
                engine.submit(bracket(chance), confirmed=True)
            else:
                engine.submit_group(GroupKind.OCO, *pair(chance), confirmed=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
