"""Mean reversion: buys what fell too far, by Wilder's RSI, and sells when it has recovered."""

from tradeconsole import RSI, Bar, Context, Strategy, StrategyError, param


class RsiReversion(Strategy):
    """Buys when the index falls below `oversold`, closes when it rises above `recovered`. Never short."""

    period = param(14, low=2, high=100)
    oversold = param(30.0, low=1.0, high=50.0)
    recovered = param(55.0, low=20.0, high=99.0)

    def on_start(self, ctx: Context) -> None:
        if self.oversold >= self.recovered:
            raise StrategyError(f"oversold must be below recovered; they are {self.oversold} and {self.recovered}")
        # Wilder's averages never forget, they fade: after ten periods the oldest bar weighs under a hundredth of a per cent.
        self.warmup = 10 * self.period
        self.index = {symbol: RSI(self.period) for symbol in ctx.symbols}

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        index = self.index[bar.symbol]
        before, now = index.value, index.add(bar.close)
        if before is None or now is None:
            return
        indicators = {f"RSI{self.period}": now}
        if now < self.oversold <= before and not ctx.position(bar.symbol):
            # Half strength just below the line, full strength ten points below it.
            strength = min(1.0, 0.5 + (self.oversold - now) / 20)
            ctx.buy(bar.symbol, strength=strength, reason=f"RSI fell below {self.oversold:g}", indicators=indicators)
        elif now > self.recovered >= before and ctx.position(bar.symbol):
            ctx.close(bar.symbol, reason=f"RSI recovered above {self.recovered:g}", indicators=indicators)
