"""Long 100 shares while the mean of the last 10 closes is above that of the last 30, each summed up anew."""

from tradeconsole import Bar, Context, Strategy


class CrossCloses(Strategy):
    def on_start(self, ctx: Context) -> None:
        self.above: dict[str, bool] = {}

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        closes = ctx.bars(bar.symbol).closes
        if len(closes) < 30:
            return
        above = sum(closes[-10:]) / 10 > sum(closes[-30:]) / 30
        before = self.above.get(bar.symbol, above)
        self.above[bar.symbol] = above
        if above and not before:
            ctx.buy(bar.symbol, 100)
        elif before and not above:
            ctx.close(bar.symbol)
