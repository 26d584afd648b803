"""Orders by a throw of dice: at the market, of all sizes, in its own symbol and others; of a hundred `wild` ones are limits and stops, and
entries of every kind with exits near by."""

import random
from typing import Any

from tradeconsole import Bar, Context, Fill, Strategy, param


class Dice(Strategy):
    seed = param(1, low=0, high=1_000_000_000)
    often = param(50, low=0, high=100)
    wild = param(0, low=0, high=100)
    answers = param(0, low=0, high=1)

    def on_start(self, ctx: Context) -> None:
        self.draw = random.Random(self.seed)

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        if ctx.warming or self.draw.randrange(100) >= self.often:
            return
        symbol = bar.symbol if self.draw.random() < 0.8 else self.draw.choice(ctx.symbols)
        for _ in range(self.draw.choice((1, 1, 1, 2))):
            self.order(ctx, symbol, bar.close)

    def order(self, ctx: Context, symbol: str, price: float) -> None:
        side = ctx.buy if self.draw.random() < 0.6 else ctx.sell
        shares = self.draw.choice((1, 10, 37, 100.5, 0.25, 250, 12_345.678, 1e6))
        tif = self.draw.choice(("DAY", "DAY", "GTC"))
        held = ctx.position(symbol).quantity
        if self.draw.randrange(100) < self.wild:
            self.wild_one(side, symbol, price)
            return
        match self.draw.randrange(6):
            case 0:
                side(symbol, strength=self.draw.choice((1.0, 0.3)))
            case 1:
                ctx.close(symbol)
            case 2:
                ctx.target(symbol, -held or shares)
            case 3:
                # About all that it has, from either side of what it can pay for.
                side(symbol, max(1.0, (ctx.equity / price) * self.draw.choice((0.5, 0.97, 0.98, 0.99, 1.0, 1.01))))
            case _:
                side(symbol, shares, tif=tif)

    def wild_one(self, side: Any, symbol: str, price: float) -> None:
        sign = 1 if side.__name__ == "buy" else -1

        def away(pct: float) -> float:
            return round(price * (1 + sign * pct / 100), 2)

        prices = {
            "limit": {"limit": away(self.draw.choice((-1, 1)))},
            "stop": {"stop": away(1)},
            "stop-limit": {"stop": away(1), "limit": away(self.draw.choice((0.5, 2)))},
            "trail": {"trail_pct": 1.0},
            "market": {},
        }[self.draw.choice(("limit", "stop", "stop-limit", "trail", "market", "market"))]
        exits = self.draw.choice(
            (
                {},
                {"take_profit": away(self.draw.choice((2.5, 5)))},
                {"stop_loss": away(self.draw.choice((-2, -5)))},
                {"take_profit": away(3), "stop_loss": away(-3)},
                {"take_profit_pct": 1.5, "stop_loss_pct": self.draw.choice((0.5, 2.0))},
            )
        )
        if prices or exits:
            side(symbol, self.draw.choice((20, 700)), tif=self.draw.choice(("DAY", "GTC")), **prices, **exits)

    def on_fill(self, ctx: Context, fill: Fill) -> None:
        if self.answers and self.draw.random() < 0.3:
            self.order(ctx, fill.symbol, float(fill.price))
