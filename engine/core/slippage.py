"""How much worse than the market's price an order that takes liquidity fills. Floats, for it runs wherever something fills."""

from __future__ import annotations

from typing import Protocol

from engine.model.orders import Side


class Slippage(Protocol):
    """A slippage model."""

    def __call__(self, side: Side, price: float, quantity: float, volume: float, span: float) -> float:
        """The price after slippage, never better than `price`.

        `quantity` shares trade of the `volume` that there is: the bar's, or the size in the quote. `span` is how far prices are apart, in
        money: the bar's high less its low, or the quote's ask less its bid.
        """


def basis_points(bps: float) -> Slippage:
    """`bps` hundredths of a per cent of the price, whatever the size."""
    fraction = bps / 10_000

    def slip(side: Side, price: float, quantity: float, volume: float, span: float) -> float:
        return _worse(side, price, price * fraction) if fraction else price

    return slip


def by_size(bps: float, power: float) -> Slippage:
    """`bps * (quantity / volume) ** power` hundredths of a per cent of the price.

    With a power of 0.5 this is the square-root law of market impact, as in Torre and Ferrari, "Market Impact Model Handbook" (BARRA,
    1997); Almgren, Thum, Hauptmann and Li, "Direct Estimation of Equity Market Impact" (2005), measured 0.6. A power of 1 is linear.
    """
    fraction = bps / 10_000

    def slip(side: Side, price: float, quantity: float, volume: float, span: float) -> float:
        share = min(quantity / volume, 1.0) if volume > 0 else 1.0
        return _worse(side, price, price * fraction * share**power)

    return slip


def by_volatility(range_pct: float) -> Slippage:
    """`range_pct` per cent of how far prices are apart at the moment: a calm market costs little, a wild one much."""
    share = range_pct / 100

    def slip(side: Side, price: float, quantity: float, volume: float, span: float) -> float:
        return _worse(side, price, span * share)

    return slip


def _worse(side: Side, price: float, amount: float) -> float:
    """To a hundredth of a cent as brokers report fills; finer below one."""
    if not amount:
        return price
    slipped = round(price + side.sign * amount, 4 if price >= 1 else 10)
    # Rounding may not hand back more than the slippage took, and nothing trades at zero.
    return max(slipped, price) if side is Side.BUY else min(slipped, price) if slipped > 0 else price / 2
