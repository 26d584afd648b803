"""Long so many shares while the fast average is above the slow one."""

from tradeconsole import SMA, Bar, Context, Strategy, param


class Cross(Strategy):
    fast = param(10, low=1, high=500)
    slow = param(30, low=2, high=500)
    shares = param(100, low=1, high=1_000_000)

    def on_start(self, ctx: Context) -> None:
        self.averages = {symbol: (SMA(self.fast), SMA(self.slow)) for symbol in ctx.symbols}
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
        if above and before is not None:
            ctx.buy(symbol, self.shares)
        elif before:
            ctx.close(symbol)
