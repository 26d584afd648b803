"""Trend following: long while the fast average of closes is above the slow one."""

from itertools import pairwise

from tradeconsole import SMA, Bar, Context, Strategy, StrategyError, param


class SmaCross(Strategy):
    """Buys when the fast average crosses above the slow one, closes when it crosses below. Never short."""

    fast = param(10, low=2, high=200)
    slow = param(30, low=3, high=500)

    def on_start(self, ctx: Context) -> None:
        if self.fast >= self.slow:
            raise StrategyError(f"fast must be below slow; they are {self.fast} and {self.slow}")
        self.warmup = self.slow + 1
        self.averages = {symbol: (ctx.indicator(symbol, SMA(self.fast)), ctx.indicator(symbol, SMA(self.slow))) for symbol in ctx.symbols}
        self.spreads: dict[str, float] = {}

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        symbol = bar.symbol
        averages = self.averages[symbol]
        fast, slow = averages[0].value, averages[1].value
        if fast is None or slow is None:
            return
        spread = fast - slow
        before = self.spreads.get(symbol, spread)
        self.spreads[symbol] = spread
        if spread > 0 >= before and not ctx.position(symbol):
            # How decisively they crossed: full strength where the gap moved by half of the price's usual move, or more.
            closes = ctx.bars(symbol).closes[-self.slow :]
            usual = sum(abs(after - close) for close, after in pairwise(closes)) / self.slow
            strength = min(1.0, 2 * (spread - before) / usual) if usual else 1.0
            ctx.buy(symbol, strength=strength, reason="fast average crossed above slow", indicators=self.shown(fast, slow))
        elif spread < 0 <= before:
            ctx.close(symbol, reason="fast average crossed below slow", indicators=self.shown(fast, slow))

    def shown(self, fast: float, slow: float) -> dict[str, float]:
        """What a person sees beside the signal."""
        return {f"SMA{self.fast}": fast, f"SMA{self.slow}": slow}
