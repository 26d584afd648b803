"""Where an account stands, as the gates of the console's other accounts count it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct, field

from engine.model.money import ZERO
from engine.model.orders import Side


class Standing(Struct, frozen=True):
    """`exposure` is the gross value of all positions and of all that working orders may add to them. `symbols` has the same by symbol, what
    is or may become long and what is or may become short, both positive."""

    equity: Decimal = ZERO
    exposure: Decimal = ZERO
    symbols: Mapping[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    def in_symbol(self, symbol: str, side: Side) -> Decimal:
        """What is or may become of `symbol` on the side of an order that buys it, or sells it."""
        long, short = self.symbols.get(symbol, (ZERO, ZERO))
        return long if side is Side.BUY else short


def together(standings: Iterable[Standing]) -> Standing:
    """All accounts' as if they were one. What is long in one and short in another is not netted: each broker wants its own covered."""
    equity = exposure = ZERO
    symbols: dict[str, tuple[Decimal, Decimal]] = {}
    for standing in standings:
        equity += standing.equity
        exposure += standing.exposure
        for symbol, (long, short) in standing.symbols.items():
            before = symbols.get(symbol, (ZERO, ZERO))
            symbols[symbol] = before[0] + long, before[1] + short
    return Standing(equity, exposure, symbols)
