"""Orders of every kind, decided by nothing but the prices, so that each run orders the same."""

from tradeconsole import Bar, Context, Fill, Strategy


class Restless(Strategy):
    def on_bar(self, ctx: Context, bar: Bar) -> None:
        symbol, price = bar.symbol, bar.close
        choice = round(price * 100) % 23
        held = ctx.position(symbol).quantity
        if choice == 1:
            ctx.buy(symbol, 50, take_profit_pct=0.5, stop_loss_pct=0.4)
        elif choice == 2:
            ctx.sell(symbol, 30, limit=round(price * 1.001, 2), tif="GTC")
        elif choice == 3:
            ctx.buy(symbol, 20, stop=round(price * 1.001, 2))
        elif choice == 4:
            ctx.buy(symbol, 10, trail_pct=0.2)
        elif choice == 5:
            ctx.sell(symbol, 10, tif="CLS")
        elif choice == 6:
            ctx.buy(symbol)
        elif choice == 7 and held:
            ctx.close(symbol)
        elif choice == 8:
            ctx.buy(symbol, 40, limit=round(price * 1.0005, 2), tif="IOC")

    def on_fill(self, ctx: Context, fill: Fill) -> None:
        if int(fill.quantity) == 20:
            ctx.sell(fill.symbol, 20, stop=round(float(fill.price) * 0.998, 2))
