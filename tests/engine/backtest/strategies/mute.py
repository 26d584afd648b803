"""Averages as the crossing does, and orders nothing: what is left is the price of a bar."""

from tradeconsole import SMA, Bar, Context, Strategy


class Mute(Strategy):
    def on_start(self, ctx: Context) -> None:
        self.averages = {symbol: (SMA(10), SMA(30)) for symbol in ctx.symbols}

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        fast, slow = self.averages[bar.symbol]
        fast.add(bar.close)
        slow.add(bar.close)
