"""In and out again, each time after `every` bars, and at bar `at` an order that the fast lane does not take."""

from tradeconsole import Bar, Context, Strategy, param


class Late(Strategy):
    every = param(100, low=1, high=1_000_000)
    at = param(0, low=0, high=100_000_000)

    def on_start(self, ctx: Context) -> None:
        self.bar = 0
        self.held = False

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        self.bar += 1
        if self.bar == self.at:
            ctx.buy(bar.symbol, 1, limit=bar.close / 2)
        elif not self.bar % self.every:
            self.held = not self.held
            (ctx.buy if self.held else ctx.sell)(bar.symbol, 100)
