"""Classes of the other common shapes: what they are handed, what they may answer, and that they run the same in every engine."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from console.build import create_engine
from engine.backtest.data import open_data
from engine.backtest.errors import BacktestError
from engine.feeds.bars import BarFeed
from engine.feeds.sample_bars import sample_bars
from engine.live import Engine
from engine.model.market import Bar
from engine.model.modes import Mode
from engine.model.orders import OrderState
from engine.model.records import FillBooked
from engine.model.settings import FeedSettings, Limits, Settings, StrategySettings
from engine.strategies.base import AtMarket, Context, Draft, Position, Strategy
from engine.strategies.loader import check, load
from engine.strategies.params import StrategyError
from engine.strategies.supervisor import StrategyRunner
from tests.engine.backtest.market import FREE, day, days, fills, flat, played
from tests.engine.engines import until

HUNDRED = Decimal(100)
PATIENCE_S = 60.0


def write(folder: Path, source: str, name: str = "theirs.py") -> str:
    path = folder / name
    path.write_text(textwrap.dedent(source).lstrip())
    return str(path)


def handed(file: str, bars: list[Bar], symbols: tuple[str, ...] = ("AAPL",), held: dict[str, Position] | None = None) -> list[Draft]:
    """What the strategy orders when it is told these."""
    strategy = load(file, {})
    ctx = Context(symbols)
    strategy.on_start(ctx)
    ctx.start(strategy.warmup)
    ctx.warming = False
    ctx.positions = held or {}
    drafts = []
    for bar in bars:
        ctx.reveal(bar)
        strategy.on_bar(ctx, bar)
        drafts += ctx.take()
    strategy.on_stop(ctx)
    return drafts


def bar(number: int, close: float, symbol: str = "AAPL") -> Bar:
    return Bar(symbol, day(number), close, close + 1, close - 1, close, 100.0)


def answering(folder: Path, answer: str, method: str = "async def generate_signals(self, bar, portfolio)") -> str:
    return write(folder, f"class Theirs:\n    {method}:\n        return {answer}\n")


MOMENTUM = """
    class Momentum:
        def __init__(self, lookback=2):
            self.lookback = lookback

        def initialize(self, size=10):
            self.size = size

        def on_data(self, timestamp, data):
            closes = data["Close"]
            if len(closes) <= self.lookback:
                return []
            if closes.iloc[-1] > closes.iloc[-1 - self.lookback]:
                return [{"symbol": "AAPL", "action": "BUY", "quantity": self.size}]
            return [{"symbol": "AAPL", "action": "CLOSE"}]
"""


def test_a_class_with_on_data_runs_in_a_backtest(tmp_path: Path) -> None:
    file = write(tmp_path, MOMENTUM)
    found = check(file, {"lookback": 3, "size": 5})
    assert found.kind == "class with on_data"
    assert found.params is not None
    assert set(found.params) == {"lookback", "size"}
    result = played(days({"AAPL": flat(10, 11, 12, 11, 10, 9)}), file)
    assert fills(result) == [(4, "BUY", 10, 11.0, "market-open"), (5, "SELL", 10, 10.0, "market-open")]


def test_parameters_reach_the_method_that_declares_them(tmp_path: Path) -> None:
    file = write(tmp_path, MOMENTUM)
    strategy = load(file, {"lookback": 1, "size": 7})
    ctx = Context(("AAPL",))
    strategy.on_start(ctx)
    ctx.start(0)
    ctx.warming = False
    for each in (bar(1, 10), bar(2, 11)):
        ctx.reveal(each)
        strategy.on_bar(ctx, each)
    assert [draft.quantity for draft in ctx.take()] == [7.0]
    with pytest.raises(StrategyError, match=r"has no parameter 'lookbak'\. Did you mean 'lookback'\?"):
        check(file, {"lookbak": 1})


ROTATION = """
    seen = []


    class Rotation:
        def initialize(self, symbols, params):
            self.symbols = symbols

        def on_data(self, timestamp, data):
            seen.append((timestamp.isoformat(), list(data.columns), data.iloc[-1].tolist()))
            best = max(self.symbols, key=lambda symbol: data[(symbol, "close")].iloc[-1])
            return {"symbol": best, "action": "buy", "qty": 1}
"""


def test_several_symbols_come_in_one_frame_with_pairs_for_columns_once_a_moment(tmp_path: Path) -> None:
    file = write(tmp_path, ROTATION)
    drafts = handed(file, [bar(1, 10), bar(1, 20, "MSFT"), bar(2, 30), bar(2, 25, "MSFT")], ("AAPL", "MSFT"))

    seen = sys.modules["_strategy_theirs"].seen
    assert [at for at, *_ in seen] == ["2024-03-02T00:00:00+00:00", "2024-03-03T00:00:00+00:00"]
    assert seen[-1][1] == [(symbol, field) for symbol in ("AAPL", "MSFT") for field in ("open", "high", "low", "close", "volume")]
    assert seen[-1][2] == [30, 31, 29, 30, 100, 25, 26, 24, 25, 100]
    assert [draft.symbol for draft in drafts] == ["MSFT", "AAPL"]


def test_a_moment_waits_for_a_symbol_that_misses_it_until_the_next_bar_and_then_no_more(tmp_path: Path) -> None:
    source = """
        seen = []


        class Watcher:
            def on_data(self, timestamp, data):
                seen.append((timestamp.day - 1, int(data[("B", "Close")].count()), len(data)))
    """
    file = write(tmp_path, source)
    told = [bar(1, 1, "A"), bar(1, 1, "B"), bar(2, 1, "A"), bar(2, 1, "B"), bar(3, 1, "A"), bar(4, 1, "A"), bar(5, 1, "A"), bar(5, 1, "B")]
    handed(file, told, ("A", "B"))
    # Day 3 is told with the first bar of day 4; day 4 at once; day 5 with A's bar, for B was waited for no more.
    assert sys.modules["_strategy_theirs"].seen == [(1, 1, 1), (2, 2, 2), (3, 2, 3), (4, 2, 4), (5, 2, 5)]


def test_a_frame_is_the_strategys_own_and_has_no_later_row(tmp_path: Path) -> None:
    source = """
        class Spoiler:
            def on_data(self, timestamp, data):
                assert data.index[-1] == timestamp and data["Close"].iloc[-1] == len(data)
                assert data["Close"].tolist() == list(range(1, len(data) + 1))
                data["Close"] = 0.0
                data.iloc[:, :] = 0.0
    """
    assert handed(write(tmp_path, source), [bar(number, number) for number in range(1, 9)]) == []


def test_signals_are_asked_for_bar_by_bar_with_the_portfolio(tmp_path: Path) -> None:
    source = """
        import asyncio
        from dataclasses import dataclass
        from enum import Enum


        class Kind(Enum):
            LONG = "BUY"
            OUT = "SELL"


        @dataclass
        class Signal:
            symbol: str
            action: Kind
            confidence: float
            note: str = "of its own"


        class Dip:
            warmup = 0

            async def generate_signals(self, bar, portfolio):
                await asyncio.sleep(0)
                assert bar["close"] == bar.close and portfolio["cash"] == portfolio.cash
                held = portfolio.positions.get(bar.symbol)
                if held and bar.close > held.average_price:
                    return [Signal(bar.symbol, Kind.OUT, 1.0)]
                return [Signal(bar.symbol, Kind.LONG, 0.5)] if bar.close < 10 else []
    """
    result = played(days({"AAPL": flat(10, 9, 9, 12, 12)}), write(tmp_path, source))
    assert [(str(fill.side), fill.at) for fill in result.fills] == [("BUY", day(3)), ("SELL", day(5))]


AT_MARKET: Any = ("BUY", 3.0, {})


@pytest.mark.parametrize(
    ("answer", "ordered"),
    [
        ('{"action": "BUY", "quantity": 3}', AT_MARKET),
        ('{"side": "buy", "qty": 3, "type": "market"}', AT_MARKET),
        ('{"quantity": 3}', AT_MARKET),
        ('({"symbol": "AAPL", "shares": 3} for _ in (1,))', AT_MARKET),
        ('{"quantity": -3}', ("SELL", 3.0, {})),
        ('{"action": "SHORT", "size": 3}', ("SELL", 3.0, {})),
        ('{"action": "BUY"}', ("BUY", None, {})),
        ('{"action": "BUY", "qty": 3, "order_type": "limit", "price": 9.5}', ("BUY", 3.0, {"limit": 9.5})),
        ('{"action": "BUY", "qty": 3, "type": "STOP", "price": 11}', ("BUY", 3.0, {"stop": 11.0})),
        (
            '{"action": "BUY", "qty": 3, "type": "stop-limit", "stop_price": 11, "limit_price": 12}',
            ("BUY", 3.0, {"limit": 12.0, "stop": 11.0}),
        ),
        ('{"action": "SELL", "qty": 3, "type": "TRAILING_STOP", "trail_pct": 2}', ("SELL", 3.0, {"trail_pct": 2.0})),
        (
            '{"action": "BUY", "qty": 3, "take_profit_pct": 5, "stop_loss": 9}',
            ("BUY", 3.0, {"take_profit_pct": 5.0, "stop_loss": 9.0}),
        ),
    ],
)
def test_an_order_in_the_words_of_others_means_one_of_ours(tmp_path: Path, answer: str, ordered: tuple[str, float | None, object]) -> None:
    [draft] = handed(answering(tmp_path, answer), [bar(1, 10)])
    names = ("limit", "stop", "trail", "trail_pct", "take_profit", "stop_loss", "take_profit_pct", "stop_loss_pct")
    assert (draft.side, draft.quantity, {name: value for name in names if (value := getattr(draft, name)) is not None}) == ordered


@pytest.mark.parametrize(
    ("answer", "held", "side"),
    [
        ('{"action": "BUY"}', 5.0, None),
        ('{"action": "SELL"}', 0.0, None),
        ('{"action": "SELL"}', 5.0, "SELL"),
        ('{"action": "CLOSE"}', -5.0, "BUY"),
        ('{"action": "COVER"}', -5.0, "BUY"),
        ('{"action": "COVER"}', 5.0, None),
        ('{"action": "HOLD"}', 5.0, None),
        ("None", 5.0, None),
        ("[]", 5.0, None),
        ('{"quantity": 0}', 5.0, None),
    ],
)
def test_without_a_quantity_it_is_an_opinion_about_what_is_held(tmp_path: Path, answer: str, held: float, side: str | None) -> None:
    drafts = handed(answering(tmp_path, answer), [bar(1, 10)], held={"AAPL": Position(held, 9.0)})
    assert [str(draft.side) for draft in drafts] == ([side] if side else [])
    assert all(type(draft) is AtMarket and draft.quantity == 5.0 for draft in drafts)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ('{"action": "BUY", "quantiy": 3}', "has the key 'quantiy', which means nothing here. Did you mean 'quantity'?"),
        ('{"action": "BYU"}', "has the action 'BYU'; it must be one of BUY, SELL, SHORT, COVER, CLOSE, EXIT, HOLD. Did you mean 'BUY'?"),
        ('{"symbol": "AAPL"}', "has no 'action' and no 'quantity'"),
        ('{"symbol": "APPL", "action": "BUY"}', "has the symbol 'APPL', which is none of AAPL. Did you mean 'AAPL'?"),
        ('{"action": "BUY", "quantity": "many"}', "has the 'quantity' 'many'; it must be a number"),
        ('{"action": "BUY", "quantity": float("nan")}', "has the 'quantity' nan; it must be a number"),
        ('{"action": "SELL", "quantity": -3}', "has the action SELL and the quantity -3: with an action it is above 0"),
        ('{"action": "BUY", "type": "LIMIT"}', "is a LIMIT order without a 'limit'"),
        ('{"action": "BUY", "type": "MARKET", "limit": 3}', "is a MARKET order with a 'limit'"),
        ('{"action": "BUY", "price": 3}', "has a 'price' and no 'type': LIMIT or STOP says what it is for; at the market there is none"),
        (
            '{"action": "BUY", "type": "ICEBERG"}',
            "has the type 'ICEBERG'; it must be one of MARKET, LIMIT, STOP, STOP_LIMIT",
        ),
        ("7", "is 7: neither a dict nor an object with symbol, action and quantity"),
        ('["BUY"]', "is 'BUY': neither a dict nor an object with symbol, action and quantity"),
        ('{"action": "BUY", "indicators": 7}', "has 'indicators' 7; they are a dict of numbers"),
    ],
)
def test_an_answer_that_cannot_be_meant_names_file_line_and_key(tmp_path: Path, answer: str, why: str) -> None:
    with pytest.raises(StrategyError) as refused:
        handed(answering(tmp_path, answer), [bar(1, 10)])
    assert str(refused.value).startswith(f"theirs.py, line 2, generate_signals: order 1 {why}")


def test_an_answer_that_cannot_be_meant_ends_a_backtest_in_words(tmp_path: Path) -> None:
    with pytest.raises(BacktestError) as ended:
        played(days({"AAPL": flat(10, 11)}), answering(tmp_path, '{"action": "BYU"}'))
    assert "at the bar of AAPL that closed 2024-03-02 00:00 UTC: theirs.py, line 2, generate_signals: order 1" in str(ended.value)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (
            "class A:\n    def on_data(self, data): ...\n",
            "on_data takes 2 arguments; it is called as on_data(self, timestamp, data)",
        ),
        (
            "class A:\n    def __init__(self, n): ...\n    def on_data(self, t, d): ...\n",
            "line 2: A needs n to be made",
        ),
        (
            "class A:\n    def initialize(self, broker): ...\n    def on_data(self, t, d): ...\n",
            "line 2: initialize needs broker, which nobody knows. It may ask for symbols and params",
        ),
        (
            "class A:\n    def on_data(self, t, d): ...\n    def generate_signals(self, b, p): ...\n",
            "A has on_data (line 2) and generate_signals (line 3). Which one is meant cannot be told",
        ),
        (
            "class A:\n    def on_data(self, t, d): ...\nclass B:\n    def on_data(self, t, d): ...\n",
            "holds 2 strategy classes: A (line 1), B (line 3)",
        ),
    ],
)
def test_a_shape_that_cannot_be_called_is_refused_before_anything_runs(tmp_path: Path, source: str, why: str) -> None:
    file = write(tmp_path, source)
    with pytest.raises(StrategyError) as refused:
        check(file, {})
    assert why in str(refused.value)
    assert file in str(refused.value)


def test_a_base_of_theirs_is_no_strategy_and_a_class_of_ours_stays_one(tmp_path: Path) -> None:
    theirs = "from abc import ABC\nclass Base(ABC):\n    def on_data(self, t, d): ...\nclass Mine(Base):\n    def initialize(self): ...\n"
    assert check(write(tmp_path, theirs), {}).name == "Mine"
    ours = (
        "from tradeconsole import Strategy\nclass Mine(Strategy):\n    def on_bar(self, ctx, bar): ...\n    def on_data(self, t, d): ...\n"
    )
    file = write(tmp_path, ours, "ours.py")
    assert check(file, {}).kind == "class"
    assert isinstance(load(file, {}), Strategy)


def test_pandas_is_loaded_for_frames_alone(tmp_path: Path) -> None:
    import subprocess

    signals = answering(tmp_path, "None")
    code = f"""
import sys
from engine.strategies.base import Context
from engine.strategies.loader import check, load
check({signals!r}, {{}})
load({signals!r}, {{}}).on_start(Context(("A",)))
check({write(tmp_path, MOMENTUM, "frames.py")!r}, {{}})
print("pandas" in sys.modules)
load({str(tmp_path / "frames.py")!r}, {{}}).on_start(Context(("A",)))
print("pandas" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == ["False", "True"]


PAIRS_TRADE = """
    class Spread:
        warmup = 0

        def initialize(self, symbols):
            self.symbols = symbols

        def on_data(self, timestamp, data):
            first, second = self.symbols
            closes = data.xs("Close", axis=1, level="field")
            if len(closes) < 20:
                return None
            ratio = closes[first] / closes[second]
            score = (ratio.iloc[-1] - ratio.tail(20).mean()) / ratio.tail(20).std()
            if score < -1:
                return [{"symbol": first, "action": "BUY", "quantity": 10}, {"symbol": second, "action": "CLOSE"}]
            if score > 1:
                return [{"symbol": first, "action": "CLOSE"}, {"symbol": second, "action": "BUY", "quantity": 10}]
"""
BAR_BY_BAR = """
    class Reversal:
        warmup = 0

        def __init__(self):
            self.closes = {}

        async def generate_signals(self, bar, portfolio):
            last = self.closes.get(bar.symbol, bar.close)
            self.closes[bar.symbol] = bar.close
            if bar.close < last * 0.97 and bar.symbol not in portfolio.positions:
                return [{"symbol": bar.symbol, "action": "BUY", "quantity": 25}]
            if bar.close > last * 1.02:
                return [{"symbol": bar.symbol, "action": "SELL"}]
"""


@pytest.mark.parametrize("source", [PAIRS_TRADE, BAR_BY_BAR], ids=["on_data", "generate_signals"])
def test_the_same_file_on_the_same_bars_fills_the_same_in_a_backtest_and_on_paper(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, symbols = write(tmp_path, source), ("AAPL", "MSFT")
    limits = Limits(
        max_position_pct=HUNDRED,
        max_order_pct=HUNDRED,
        max_exposure_pct=HUNDRED,
        max_daily_loss_pct=HUNDRED,
        max_drawdown_pct=HUNDRED,
        circuit_breaker_pct=HUNDRED,
    )
    tested = played(open_data(FeedSettings(source="sample"), symbols).between(date(2012, 9, 4), None), file)
    assert len(tested.fills) >= 6
    settings = Settings(
        database=tmp_path / "paper.sqlite",
        mode=Mode.FULL_AUTO,
        symbols=symbols,
        feed=FeedSettings(source="sample", start="2012-09-04"),
        strategies=(StrategySettings(file),),
        limits=limits,
        paper=FREE,
    )
    booked: list[FillBooked] = []
    engine = create_engine(settings)
    engine._parts = replace(engine._parts, open_feed=lambda: in_step(engine, settings, monkeypatch))
    engine.subscribe(FillBooked, booked.append)
    engine.start()
    try:
        engine.wait_ready()
        until(engine, lambda view: len(booked) >= len(tested.fills), PATIENCE_S)
        told = [(fill.fill.symbol, str(fill.fill.side), fill.fill.quantity, fill.fill.price, fill.fill.at) for fill in booked]
    finally:
        engine.shutdown()
    assert told == [(fill.symbol, str(fill.side), fill.quantity, fill.price, fill.at) for fill in tested.fills]


def in_step(engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> BarFeed:
    """A feed that goes on when the strategy has answered, and its orders work: however busy the machine is, nothing comes late."""
    asked, tell = [0, 0], StrategyRunner._tell_event

    async def counted(self: StrategyRunner, *told: Any) -> None:
        asked[0] += 1
        await tell(self, *told)
        asked[1] += 1

    async def quiet(_: float) -> None:
        shell = engine._shell
        while shell is not None:
            waits = any(order.state is OrderState.PENDING_SUBMIT for order in shell.core.state.book.open.values())
            if not waits and asked[0] == asked[1] and not shell.strategies[0].queue and await shell.strategies[0].settled():
                return
            await asyncio.sleep(0)

    monkeypatch.setattr(StrategyRunner, "_tell_event", counted)
    # With a clock that stands still each moment is early, and waits.
    return BarFeed("sample", sample_bars(settings.symbols), pace=1, start=date(2012, 9, 4), clock=lambda: 0.0, sleep=quiet)
