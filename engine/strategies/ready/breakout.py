"""Breakout: buys a close above the highest of the days before, with a target and a stop that come along."""

from tradeconsole import Bar, Context, Strategy, param


class Breakout(Strategy):
    """Buys when a close is above the highest high of the `period` bars before it; the bracket's exits do the rest. Never short."""

    period = param(20, low=2, high=250)
    target_pct = param(8.0, low=0.5, high=100.0)
    stop_pct = param(4.0, low=0.5, high=50.0)

    def on_start(self, ctx: Context) -> None:
        self.warmup = self.period + 1

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        highs = ctx.bars(bar.symbol).highs[-self.period - 1 : -1]
        if len(highs) < self.period or ctx.position(bar.symbol):
            return
        highest = max(highs)
        if bar.close > highest:
            ctx.buy(
                bar.symbol,
                take_profit=round(bar.close * (1 + self.target_pct / 100), 2),
                stop_loss=round(bar.close * (1 - self.stop_pct / 100), 2),
                reason=f"above its {self.period}-bar high",
                indicators={"highest": highest},
            )
