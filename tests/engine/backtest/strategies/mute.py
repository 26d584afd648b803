"""Averages and compares as the crossing does, and orders nothing: what is left is the price of a bar."""

from tradeconsole import SMA, Bar, Context, Strategy


class Mute(Strategy):
    def on_start(self, ctx: Context) -> None:
        self.averages = {symbol: (SMA(10), SMA(30)) for symbol in ctx.symbols}
        self.above: dict[str, bool | None] = dict.fromkeys(ctx.symbols)

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        symbol, close = bar.symbol, bar.close
        fast, slow = self.averages[symbol]
        quick, calm = fast.add(close), slow.add(close)
        if quick is None or calm is None:
            return
        above = quick > calm
        before = self.above[symbol]
        if above is before:
            return
        self.above[symbol] = above
