"""The crossing, with averages that it names and has kept up to date."""

from tradeconsole import SMA, Bar, Context, Strategy, param


class Named(Strategy):
    fast = param(10, low=1, high=500)
    slow = param(30, low=2, high=500)
    shares = param(100, low=0, high=1_000_000)

    def on_start(self, ctx: Context) -> None:
        self.averages = {symbol: (ctx.indicator(symbol, SMA(self.fast)), ctx.indicator(symbol, SMA(self.slow))) for symbol in ctx.symbols}
        self.above: dict[str, bool | None] = dict.fromkeys(ctx.symbols)

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        symbol = bar.symbol
        fast, slow = self.averages[symbol]
        quick, calm = fast.value, slow.value
        if quick is None or calm is None:
            return
        above = quick > calm
        before = self.above[symbol]
        if above is before:
            return
        self.above[symbol] = above
        if not self.shares:
            return
        if above and before is not None:
            ctx.buy(symbol, self.shares)
        elif before:
            ctx.close(symbol)
