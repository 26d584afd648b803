"""Looks at each bar whether its averages are of the closes so far; `twice` tells them each once more, `shared` has all symbols tell one."""

from tradeconsole import RSI, SMA, Bar, Context, Strategy, param


class Past(Strategy):
    twice = param(0, low=0, high=1_000)
    shared = param(0, low=0, high=1)

    def on_start(self, ctx: Context) -> None:
        self.averages = {symbol: ctx.indicator(symbol, SMA(5)) for symbol in ctx.symbols}
        self.indices = {symbol: ctx.indicator(symbol, RSI(4)) for symbol in ctx.symbols}
        self.plain = {symbol: (SMA(5), RSI(4)) for symbol in ctx.symbols}
        self.together, self.by_hand = SMA(7), SMA(7)
        if self.shared:
            for symbol in ctx.symbols:
                ctx.indicator(symbol, self.together)

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        average, index = self.plain[bar.symbol]
        assert self.twice or self.averages[bar.symbol].value == average.add(bar.close)
        assert self.indices[bar.symbol].value == index.add(bar.close)
        if self.shared:
            assert self.together.value == self.by_hand.add(bar.close)
        if self.twice and len(ctx.bars(bar.symbol)) > self.twice:
            self.averages[bar.symbol].add(bar.close)
