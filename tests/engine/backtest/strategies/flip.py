"""In and out again, each time after `every` bars."""

from tradeconsole import Bar, Context, Strategy, param


class Flip(Strategy):
    every = param(1, low=1, high=1_000_000)

    def on_start(self, ctx: Context) -> None:
        self.left = self.every
        self.held = False

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        self.left -= 1
        if self.left:
            return
        self.left = self.every
        self.held = not self.held
        (ctx.buy if self.held else ctx.sell)(bar.symbol, 100)
