"""Long so many shares while the fast average is above the slow one."""

from tradeconsole import SMA, Bar, Context, Strategy, param


class Cross(Strategy):
    fast = param(10, low=1, high=500)
    slow = param(30, low=2, high=500)
    shares = param(100, low=1, high=1_000_000)

    def on_start(self, ctx: Context) -> None:
        self.averages = {symbol: (SMA(self.fast), SMA(self.slow)) for symbol in ctx.symbols}
        self.above: dict[str, bool] = {}

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        symbol = bar.symbol
        fast, slow = self.averages[symbol]
        quick, calm = fast.add(bar.close), slow.add(bar.close)
        if quick is None or calm is None:
            return
        above = quick > calm
        before = self.above.get(symbol, above)
        if above is before:
            self.above[symbol] = above
            return
        self.above[symbol] = above
        if above:
            ctx.buy(symbol, self.shares)
        else:
            ctx.close(symbol)
