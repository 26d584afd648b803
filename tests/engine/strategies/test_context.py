"""The context a callback is handed: what it shows, and what ordering through it makes."""

from __future__ import annotations

import pytest

from engine.strategies.base import BARS_KEPT, Bars
from tradeconsole import SMA, Bar, Context, Position, Side, StrategyError, TimeInForce


def bar(symbol: str, at: int, close: float) -> Bar:
    return Bar(symbol, at, close - 1, close + 1, close - 2, close, 1000.0)


@pytest.fixture
def ctx() -> Context:
    context = Context(("AAPL", "MSFT"))
    context.start(warmup=0)
    context.warming = False
    context.positions = {"AAPL": Position(100.0, 190.0)}
    return context


def test_bars_are_seen_by_column_and_by_slice(ctx: Context) -> None:
    for at, close in enumerate((10.0, 11.0, 12.0), start=1):
        ctx.reveal(bar("AAPL", at, close))
    bars = ctx.bars("AAPL")
    assert (len(bars), bars[-1].close, ctx.now) == (3, 12.0, 3)
    assert bars.closes[-1] == 12.0
    assert bars.closes[-2:] == [11.0, 12.0]
    assert list(bars.highs) == [11.0, 12.0, 13.0]
    assert (bars.opens[0], bars.lows[0], bars.volumes[0], bars.times[0]) == (9.0, 8.0, 1000.0, 1)
    assert len(ctx.bars("MSFT")) == 0


def test_old_bars_are_let_go_but_never_more_than_promised() -> None:
    bars = Bars(keep=10)
    lengths = set()
    for at in range(100):
        bars.append(bar("AAPL", at, 10.0))
        assert bars[-1].at == at
        lengths.add(len(bars))
    assert max(lengths) == 19
    assert min(list(bars.times)[-10:]) == 90


def test_a_warm_up_longer_than_usual_is_kept_whole() -> None:
    context = Context(("AAPL",))
    context.start(warmup=BARS_KEPT * 3)
    for at in range(BARS_KEPT * 3):
        context.reveal(bar("AAPL", at, 10.0))
    assert len(context.bars("AAPL")) == BARS_KEPT * 3


def test_a_position_is_true_when_something_is_held(ctx: Context) -> None:
    assert ctx.position("AAPL")
    assert ctx.position("AAPL").average == 190.0
    assert not ctx.position("MSFT")
    assert ctx.position("MSFT").quantity == 0.0


def test_ordering_changes_nothing_that_the_callback_sees(ctx: Context) -> None:
    before = (ctx.cash, ctx.equity, ctx.position("AAPL"))
    ctx.close("AAPL")
    ctx.buy("MSFT", 5)
    assert (ctx.cash, ctx.equity, ctx.position("AAPL")) == before


@pytest.mark.parametrize(
    ("quantity", "side", "difference"),
    [(150, Side.BUY, 50.0), (40, Side.SELL, 60.0), (-20, Side.SELL, 120.0), (0, Side.SELL, 100.0)],
)
def test_a_target_orders_the_difference(ctx: Context, quantity: float, side: Side, difference: float) -> None:
    ctx.target("AAPL", quantity)
    (draft,) = ctx.take()
    assert (draft.side, draft.quantity) == (side, difference)


def test_a_target_that_is_held_and_closing_when_flat_order_nothing(ctx: Context) -> None:
    ctx.target("AAPL", 100)
    ctx.close("MSFT")
    assert ctx.take() == []


def test_drafts_are_taken_once(ctx: Context) -> None:
    ctx.buy("AAPL", 1.5, limit=10, reason="why", strength=0.5, indicators={"RSI": 30})
    (draft,) = ctx.take()
    assert (draft.quantity, draft.limit, draft.stop, draft.reason, draft.indicators) == (1.5, 10.0, None, "why", {"RSI": 30.0})
    assert ctx.take() == []


def test_nothing_is_ordered_on_past_bars(ctx: Context) -> None:
    ctx.warming = True
    ctx.buy("AAPL", 5)
    assert ctx.take() == []


def test_ordering_before_the_first_price_says_where_to_order_instead() -> None:
    with pytest.raises(StrategyError, match="order in on_bar"):
        Context(("AAPL",)).buy("AAPL", 1)


def test_an_indicator_is_told_each_close_of_its_symbol() -> None:
    ctx = Context(("AAPL", "MSFT"))
    average = ctx.indicator("AAPL", SMA(2))
    ctx.start(warmup=0)
    for at, symbol, close in ((1, "AAPL", 10.0), (2, "MSFT", 99.0), (3, "AAPL", 12.0)):
        ctx.reveal(bar(symbol, at, close))
    assert average.value == 11.0


def test_an_indicator_is_named_before_the_first_price_and_for_a_symbol_that_it_trades(ctx: Context) -> None:
    with pytest.raises(StrategyError, match="belongs in on_start"):
        ctx.indicator("AAPL", SMA(2))
    with pytest.raises(StrategyError, match="'GOOG' is not one of this strategy's symbols"):
        Context(("AAPL",)).indicator("GOOG", SMA(2))


@pytest.mark.parametrize("ask", [Context.bars, Context.position, Context.buy, Context.sell, Context.close])
def test_a_symbol_it_does_not_trade_is_named_with_those_it_does(ctx: Context, ask: object) -> None:
    assert callable(ask)
    with pytest.raises(StrategyError, match=r"'AAPLE' is not one of this strategy's symbols \(AAPL, MSFT\)\. Did you mean 'AAPL'"):
        ask(ctx, "AAPLE")


def test_a_quantity_that_is_no_number_fails_where_it_is_written(ctx: Context) -> None:
    with pytest.raises(ValueError, match="could not convert"):
        ctx.buy("AAPL", "ten")  # type: ignore[arg-type]


def test_an_order_carries_its_trail_its_time_in_force_and_its_exits(ctx: Context) -> None:
    ctx.buy("AAPL", 10, trail_pct=2, tif="GTC", take_profit=210, stop_loss_pct=3)
    ctx.sell("AAPL", 10, stop=185, limit=184)
    bought, sold = ctx.take()
    assert (bought.tif, bought.trail_pct, bought.take_profit, bought.stop_loss_pct) == (TimeInForce.GTC, 2.0, 210.0, 3.0)
    assert (sold.stop, sold.limit, sold.tif, sold.take_profit) == (185.0, 184.0, TimeInForce.DAY, None)


def test_a_time_in_force_that_there_is_none_of_is_named_with_those_there_are(ctx: Context) -> None:
    with pytest.raises(StrategyError) as caught:
        ctx.buy("AAPL", 10, tif="FOREVER")
    assert str(caught.value) == "tif must be one of DAY, GTC, IOC, FOK, OPG, CLS; it is 'FOREVER'"
