"""Trend following: long while the fast average of closes is above the slow one."""

from tradeconsole import SMA, Bar, Context, Strategy, StrategyError, param


class SmaCross(Strategy):
    """Buys when the fast average crosses above the slow one, closes when it crosses below. Never short."""

    fast = param(10, low=2, high=200)
    slow = param(30, low=3, high=500)

    def on_start(self, ctx: Context) -> None:
        if self.fast >= self.slow:
            raise StrategyError(f"fast must be below slow; they are {self.fast} and {self.slow}")
        self.warmup = self.slow + 1
        self.tracks = {symbol: Track(self.fast, self.slow) for symbol in ctx.symbols}

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        track = self.tracks[bar.symbol]
        before = track.spread
        spread = track.add(bar.close)
        if before is None or spread is None or (before > 0) == (spread > 0):
            return
        indicators = {f"SMA{self.fast}": track.fast.value or 0.0, f"SMA{self.slow}": track.slow.value or 0.0}
        if spread > 0:
            if not ctx.position(bar.symbol):
                # How decisively they crossed: full strength where the gap moved by half of a usual day's move, or more.
                strength = min(1.0, (spread - before) / (0.5 * (track.move.value or bar.close)))
                ctx.buy(bar.symbol, strength=strength, reason="fast average crossed above slow", indicators=indicators)
        else:
            ctx.close(bar.symbol, reason="fast average crossed below slow", indicators=indicators)


class Track:
    """The averages of one symbol, and how far the fast one is above the slow one."""

    def __init__(self, fast: int, slow: int) -> None:
        self.fast, self.slow, self.move = SMA(fast), SMA(slow), SMA(fast)
        self.spread: float | None = None
        self.close: float | None = None

    def add(self, close: float) -> float | None:
        fast, slow = self.fast.add(close), self.slow.add(close)
        if self.close is not None:
            self.move.add(abs(close - self.close))
        self.close = close
        if fast is not None and slow is not None:
            self.spread = fast - slow
        return self.spread
