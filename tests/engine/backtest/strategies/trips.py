"""Round trips by a throw of dice: into whole shares, long or short, and out of all of them; now and then it looks at its money."""

import random

from tradeconsole import Bar, Context, Strategy, param


class Trips(Strategy):
    seed = param(1, low=0, high=1_000_000_000)
    often = param(50, low=0, high=100)
    looks = param(10, low=0, high=100)
    sized = param(0, low=0, high=1)

    def on_start(self, ctx: Context) -> None:
        self.draw = random.Random(self.seed)
        self.wealth = 0.0

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        if ctx.warming or self.draw.randrange(100) >= self.often:
            return
        if self.draw.randrange(100) < self.looks:
            self.wealth = ctx.equity
        if ctx.position(bar.symbol):
            ctx.close(bar.symbol)
        else:
            shares = None if self.sized else float(self.draw.choice((1, 10, 37, 250, 6_000)))
            (ctx.buy if self.draw.random() < 0.7 else ctx.sell)(bar.symbol, shares)
