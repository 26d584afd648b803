"""What strategies saw in a session on paper is told in its replay, at every bar, whether they proposed something there or not."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest

from console.backtest.job import Job
from console.build import create_engine
from console.replay.sessions import open_session
from engine.backtest.profile import Profile
from engine.feeds.calendar import Calendar
from engine.model.market import Quote
from engine.model.modes import Mode
from engine.model.orders import Side
from engine.model.settings import FeedSettings, Limits, PaperSettings, Settings, StrategySettings
from engine.model.signals import Vote
from engine.replay.replay import Replay
from engine.replay.rows import rows_of
from engine.replay.seen_columns import SeenChunk
from engine.strategies.indicators import RSI, SMA
from tests.engine.replay.recorded import recorded

HUNDRED = Decimal(100)
COUNT = 60
AS_TAKEN = 0.0
"""The pace at which no bar comes before each strategy has answered the one before. At any other the market is held back for seconds alone,
and to a strategy that loads for longer, as on a busy machine, the last bar is history, which none answers."""
WATCHES = """
from tradeconsole import RSI, SMA, Strategy

class Watches(Strategy):
    def on_start(self, ctx):
        self.average = {symbol: ctx.indicator(symbol, SMA(5)) for symbol in ctx.symbols}
        self.index = {symbol: RSI(3) for symbol in ctx.symbols}

    def on_bar(self, ctx, bar):
        self.index[bar.symbol].add(bar.high)
        if bar.close in (120, 70):
            print("saw the last of", bar.symbol)
        if bar.close == 104 and bar.symbol == "AAPL":
            ctx.buy(bar.symbol, 1, reason="at 104", indicators={"close": bar.close})
"""
RISING = """
def rising(data, symbol, current_price):
    if len(data) < 2:
        return "HOLD", 0.0, {"change": float("nan")}
    if current_price in (120, 70):
        print("saw the last of", symbol)
    return "BUY", 0.5, {"change": current_price / data["Close"].iloc[-2] - 1}
"""

FIVES = """
from tradeconsole import SMA, Strategy

class Fives(Strategy):
    timeframe = "5m"

    def on_start(self, ctx):
        self.average = SMA(2)
        self.bars = 0

    def on_bar(self, ctx, bar):
        self.average.add(bar.close)
        self.bars += 1
        if bar.at % (3600 * 10**9) == 300 * 10**9 and self.bars > 5:
            print("saw the last")
"""
LATE = """
import os, time
from tradeconsole import SMA, Strategy, param

class Late(Strategy):
    folder = param("")

    def on_start(self, ctx):
        self.average = ctx.indicator("AAPL", SMA(2))

    def on_bar(self, ctx, bar):
        with open(self.folder + "/new", "w") as file:
            file.write(str(bar.at))
        os.rename(self.folder + "/new", self.folder + "/bar")
        while not os.path.exists(self.folder + "/go"):
            time.sleep(0.001)
        ctx.buy(bar.symbol, 1, reason=str(bar.at), indicators={"close": bar.close})
"""


def _closes(first: int) -> list[float]:
    return [*(first + number % 7 for number in range(COUNT - 1)), first + 20]


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Replay:
    folder = tmp_path_factory.mktemp("seen")
    days = [session.day for session in islice(Calendar().sessions_from(date(2005, 1, 3)), COUNT)]
    (folder / "prices").mkdir()
    for symbol, first in (("AAPL", 100), ("MSFT", 50)):
        rows = [f"{day},{close},{close + 1},{close - 1},{close},100000" for day, close in zip(days, _closes(first), strict=True)]
        (folder / "prices" / f"{symbol}.csv").write_text("\n".join(["date,open,high,low,close,volume", *rows]))
    (folder / "watches.py").write_text(WATCHES)
    (folder / "rising.py").write_text(RISING)
    settings = Settings(
        database=folder / "paper.sqlite",
        symbols=("AAPL", "MSFT"),
        mode=Mode.FULL_AUTO,
        feed=FeedSettings(source=str(folder / "prices"), pace=AS_TAKEN),
        limits=Limits(max_position_pct=HUNDRED, max_order_pct=HUNDRED, max_exposure_pct=Decimal(400)),
        paper=PaperSettings(latency_ms=0),
        strategies=tuple(StrategySettings(file=str(folder / name)) for name in ("watches.py", "rising.py")),
    )
    engine = create_engine(settings)
    engine.start()
    engine.wait_ready()
    end = time.monotonic() + 60
    # By then each of the two has answered to all bars before.
    while sum("saw the last of" in line.text for line in engine.status().log) < 4:
        assert time.monotonic() < end
        time.sleep(0.02)
    engine.shutdown()
    assert settings.database is not None
    return open_session(settings.database, engine.run_id, "a session")


def _bar(replay: Replay, symbol: str, number: int) -> tuple[int, int]:
    """The closes of that bar and of the one before it; the playhead stands at the end."""
    replay.seek(replay.steps)
    at = [bar.at for bar in replay.bars(symbol)]
    return at[number], at[number - 1]


def _seen(replay: Replay, symbol: str, number: int) -> dict[str, Vote]:
    why = replay.why_bar(symbol, _bar(replay, symbol, number)[0])
    assert why is not None
    return {vote.strategy: vote for vote in why.seen}


def _told(first: int, count: int) -> tuple[SMA, RSI]:
    """The indicators after so many bars, of which the session's strategies are told those before the first live one, too."""
    average, index = SMA(5), RSI(3)
    for close in _closes(first)[:count]:
        average.add(float(close))
        index.add(float(close + 1))
    return average, index


@pytest.mark.parametrize(("symbol", "first"), [("AAPL", 100), ("MSFT", 50)])
def test_a_bar_without_a_proposal_tells_the_indicators_to_the_last_digit(replay: Replay, symbol: str, first: int) -> None:
    for number in (40, 50, COUNT - 2):
        average, _ = _told(first, number + 1)
        seen = dict(_seen(replay, symbol, number)["watches"].indicators)
        assert seen["SMA5"] == average.value
        assert 0 < seen["RSI3"] <= 100


def test_what_a_function_answered_is_told_though_it_was_nothing_new(replay: Replay) -> None:
    closes = _closes(100)
    vote = _seen(replay, "AAPL", 41)["rising"]
    assert vote == Vote("rising", Side.BUY, 0.5, (("change", closes[41] / closes[40] - 1),))


def test_who_proposed_is_told_among_the_votes_and_the_gate_beside_it(replay: Replay) -> None:
    number = next(number for number in range(40, COUNT - 1) if _closes(100)[number] == 104)
    why = replay.why_bar("AAPL", _bar(replay, "AAPL", number)[0])
    assert why is not None
    assert [vote.strategy for vote in why.votes] == ["watches"]
    assert why.verdicts
    assert "watches" not in {vote.strategy for vote in why.seen}


def test_nothing_is_told_of_a_bar_that_the_playhead_has_not_come_to(replay: Replay) -> None:
    at, before = _bar(replay, "AAPL", 45)
    replay.seek_time(before)
    assert replay.why_bar("AAPL", at) is None
    why = replay.why_bar("AAPL", at, replay.at - 1)
    assert why is not None
    assert not why.seen


def test_a_piece_that_is_damaged_is_told_and_the_rest_replayed(replay: Replay, tmp_path: Path) -> None:
    log = SeenChunk()
    log.add(0, 7, Vote("mine", Side.SELL, 0.25, (("x", 1.5),)), ("signal",))
    whole = log.packed(("AAPL",))
    for packed in (whole[:-3], whole[:20], b"", b"\x93\x01\x02\x03", whole.replace(b"AAPL", b"AAP")):
        rows, told = rows_of([("seen", whole), ("seen", packed)])
        assert "their indicators are unknown there" in told[0]
        assert rows.seen.at("AAPL", 7) == (Vote("mine", Side.SELL, 0.25, (("x", 1.5),)),)
        assert rows.seen.proposed("AAPL", 7) == ("signal",)


def test_a_signal_that_is_raised_after_the_next_quote_belongs_to_the_bar_it_was_made_of(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(LATE)
    told, go = tmp_path / "bar", tmp_path / "go"

    def lets_go(quote: Quote) -> None:
        if told.exists() and quote.at > int(told.read_text()):
            go.touch()

    settings = Settings(
        database=tmp_path / "paper.sqlite",
        symbols=("AAPL",),
        mode=Mode.RESEARCH,
        feed=FeedSettings(source="sim", pace=60.0),
        strategies=(StrategySettings(file=str(tmp_path / "late.py"), params={"folder": str(tmp_path)}),),
    )
    engine = create_engine(settings)
    engine.subscribe(Quote, lets_go)
    engine.start()
    engine.wait_ready()
    end = time.monotonic() + 60
    while not engine.status().signals:
        assert time.monotonic() < end
        time.sleep(0.02)
    engine.shutdown()
    assert settings.database is not None
    replay = open_session(settings.database, engine.run_id, "a session")
    replay.seek(replay.steps)
    at = next(bar.at for bar in replay.bars("AAPL") if replay.recording.proposed("AAPL", bar.at))
    signal, why = replay.why_signal(replay.recording.proposed("AAPL", at)[0]), replay.why_bar("AAPL", at)
    assert signal is not None
    assert why is not None
    assert signal.story[0].at > at
    assert (why.votes, why.reason, why.seen) == (signal.votes, str(at), ())
    assert why.outcome == "Nothing filled in it: In RESEARCH nothing is entered; only orders that reduce a position go through."


def test_what_was_seen_of_larger_bars_stands_until_the_next_as_in_a_backtest(tmp_path: Path) -> None:
    count = 130
    closes = [100.0 + number * 7 % 13 for number in range(count)]
    rows = [f"2024-03-05 {10 + number // 60}:{number % 60:02},{c},{c + 1},{c - 1},{c},1000" for number, c in enumerate(closes, 1)]
    (tmp_path / "AAPL.csv").write_text("\n".join(["date,open,high,low,close,volume", *rows]))
    file = tmp_path / "fives.py"
    file.write_text(FIVES)
    feed = FeedSettings(source=str(tmp_path / "AAPL.csv"), calendar="24/7", pace=AS_TAKEN)
    settings = Settings(
        database=tmp_path / "paper.sqlite", symbols=("AAPL",), mode=Mode.RESEARCH, feed=feed, strategies=(StrategySettings(file=str(file)),)
    )
    engine = create_engine(settings)
    engine.start()
    engine.wait_ready()
    end = time.monotonic() + 60
    while not any("saw the last" in line.text for line in engine.status().log):
        assert time.monotonic() < end
        time.sleep(0.02)
    engine.shutdown()
    assert settings.database is not None
    session = open_session(settings.database, engine.run_id, "a session")
    tested = recorded(Job(feed, Profile((StrategySettings(str(file)),)), ("AAPL",)).open(), str(file)).replay()
    session.seek(session.steps)
    tested.seek(tested.steps)
    seen = [[why.seen for at in _times(session)[80:124] if (why := each.why_bar("AAPL", at)) is not None] for each in (session, tested)]
    assert seen[0] == seen[1]
    assert [dict(votes[0].indicators)["SMA2"] for votes in seen[0][:10]] == [
        (closes[5 * (n // 5) - 1] + closes[5 * (n // 5) - 6]) / 2 for n in range(81, 91)
    ]


def _times(replay: Replay) -> list[int]:
    return [bar.at for bar in replay.bars("AAPL")]


def test_a_fill_within_a_bar_is_of_that_bar(replay: Replay) -> None:
    replay.seek(replay.steps)
    for mark in replay.trades:
        bars = [bar.at for bar in replay.bars(mark.symbol)]
        number = next(number for number, at in enumerate(bars) if at >= mark.at)
        assert mark in replay.trades_of_bar(mark.symbol, bars[number], bars[number - 1])
        assert mark not in replay.trades_of_bar(mark.symbol, bars[number + 1], bars[number])
