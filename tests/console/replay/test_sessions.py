"""A session that somebody traded by hand, recorded as it ran and replayed from the disk."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest
from msgspec.structs import replace

from console.build import create_engine
from console.cli import run
from console.replay.listing import find, opener
from console.replay.sessions import open_session, sessions
from engine.feeds.calendar import Calendar
from engine.live import Engine
from engine.model.modes import Mode
from engine.model.orders import Intent, OrderState, OrderType, Side
from engine.model.settings import FeedSettings, Limits, PaperSettings, RecordingSettings, Settings
from engine.model.views import View
from engine.replay.recording import ReplayError
from engine.replay.replay import Replay
from storage import tables
from storage.sessions import MarketFiles

HUNDRED = Decimal(100)


def _settings(folder: Path) -> Settings:
    limits = Limits(max_position_pct=HUNDRED, max_order_pct=HUNDRED, max_exposure_pct=Decimal(400), short_selling=True)
    return Settings(
        database=folder / "paper.sqlite",
        symbols=("AAPL", "MSFT"),
        feed=FeedSettings(source="sim", pace=20.0),
        limits=limits,
        paper=PaperSettings(latency_ms=0),
    )


def _until(engine: Engine, condition: Callable[[View], object]) -> View:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        view = engine.status()
        if condition(view):
            return view
        time.sleep(0.02)
    raise AssertionError("the engine did not come to it")


class Traded:
    """A session, and the last view of it."""

    def __init__(self, database: Path, run_id: str, last: View) -> None:
        self.database = database
        self.run_id = run_id
        self.last = last


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Traded:
    """Bought, sold, a limit left to work and cancelled, one refused, another mode."""
    settings = _settings(tmp_path_factory.mktemp("traded"))
    engine = create_engine(settings)
    engine.start()
    engine.wait_ready()
    _until(engine, lambda view: all(row.bid is not None for row in view.watch))
    for intent in (
        Intent("AAPL", Side.BUY, Decimal(30)),
        Intent("MSFT", Side.SELL, Decimal(10)),
        Intent("AAPL", Side.SELL, Decimal(10)),
        Intent("AAPL", Side.BUY, Decimal(5), type=OrderType.LIMIT, limit=Decimal("1.00")),
    ):
        assert engine.answer(engine.submit(intent)).ok or intent.limit is not None
    engine.submit(Intent("AAPL", Side.BUY, Decimal(10_000_000)))
    engine.set_mode(Mode.SEMI_AUTO)
    _until(engine, lambda view: sum(order.state is OrderState.FILLED for order in view.orders) == 3)
    engine.shutdown()
    assert settings.database is not None
    return Traded(settings.database, engine.run_id, engine.status())


@pytest.fixture
def replay(traded: Traded) -> Replay:
    return open_session(traded.database, traded.run_id, "a session")


def test_it_replays_to_the_same_positions_and_profit(traded: Traded, replay: Replay) -> None:
    replay.seek(replay.steps)
    ours, theirs = replay.view(), traded.last
    assert [(p.symbol, p.quantity, p.average, p.realised, p.unrealised, p.last) for p in ours.positions] == [
        (p.symbol, p.quantity, p.average, p.realised, p.unrealised, p.last) for p in theirs.positions
    ]
    assert ours.account == replace(theirs.account, badge=ours.account.badge)
    assert ours.orders == theirs.orders
    assert [(row.symbol, row.last, row.bid, row.ask, row.previous, row.volume) for row in ours.watch] == [
        (row.symbol, row.last, row.bid, row.ask, row.previous, row.volume) for row in theirs.watch
    ]
    assert ours.risk == theirs.risk
    assert ours.breakers == theirs.breakers
    assert [line.text for line in ours.log] == [line.text for line in theirs.log][-len(ours.log) :]
    assert len(replay.trades) == 3
    assert not replay.problems


def test_from_anywhere_it_is_the_same_moment(replay: Replay, traded: Traded) -> None:
    other = open_session(traded.database, traded.run_id, "a session")
    for step in (replay.steps // 2, 3, replay.steps - 1, 0, replay.steps // 3):
        replay.seek(step)
        while other.step > step:
            other.back(other.step - step)
        other.advance(step - other.step)
        assert replace(replay.view(), revision=0) == replace(other.view(), revision=0)


def test_nothing_is_known_before_it_happened(replay: Replay) -> None:
    first = replay.trades[0]
    replay.seek(first.step - 1)
    assert not replay.view().positions
    replay.advance()
    assert [row.symbol for row in replay.view().positions] == [first.symbol]
    for step in range(0, replay.steps, max(replay.steps // 20, 1)):
        replay.seek(step)
        now = replay.at
        view = replay.view()
        assert all(order.created_at <= now for order in view.orders)
        assert view.chart is None or all(bar.at <= now for bar in view.chart.bars)


def test_an_order_that_was_refused_says_by_which_rule(replay: Replay) -> None:
    replay.seek(replay.steps)
    assert any("denied" in line.text for line in replay.view().log)


def test_it_is_listed_and_says_what_is_kept(traded: Traded) -> None:
    (listed,) = sessions(traded.database)
    assert (listed.kind, listed.key, listed.running, listed.lacks) == ("session", traded.run_id, False, "")
    (running,) = sessions(traded.database, running=traded.run_id)
    assert running.running


def test_it_is_found_by_its_day_by_its_run_or_as_the_latest(traded: Traded) -> None:
    (listed,) = sessions(traded.database)
    none = traded.database.with_name("backtests.sqlite")
    assert [find(asked, traded.database, none) for asked in ("latest", listed.day, traded.run_id)] == [listed] * 3
    with pytest.raises(ReplayError, match=listed.day):
        find("2001-01-01", traded.database, none)
    assert opener(listed, traded.database, none)(lambda done, steps: None).trades


def test_the_latest_is_the_last_in_which_something_was_ordered(traded: Traded, tmp_path: Path) -> None:
    copy, none = tmp_path / "paper.sqlite", tmp_path / "backtests.sqlite"
    shutil.copy(traded.database, copy)
    engine = create_engine(_settings(tmp_path))
    engine.start()
    engine.wait_ready()
    engine.shutdown()
    assert [(each.key, each.ordered) for each in sessions(copy)] == [(engine.run_id, False), (traded.run_id, True)]
    assert find("latest", copy, none).key == traded.run_id
    assert find(engine.run_id, copy, none).key == engine.run_id


def test_what_is_torn_off_its_market_data_is_told_and_the_rest_replayed(traded: Traded, tmp_path: Path) -> None:
    copy = tmp_path / "paper.sqlite"
    shutil.copy(traded.database, copy)
    shutil.copytree(MarketFiles(traded.database).folder, MarketFiles(copy).folder)
    (file,) = MarketFiles(copy).folder.iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    replay = open_session(copy, traded.run_id, "a session")
    assert "breaks off" in replay.problems[0]
    replay.seek(replay.steps)
    assert {(row.symbol, row.quantity) for row in replay.view().positions} == {(row.symbol, row.quantity) for row in traded.last.positions}


def test_without_its_market_data_the_rest_is_replayed_and_said(traded: Traded, tmp_path: Path) -> None:

    alone = tmp_path / "paper.sqlite"
    shutil.copy(traded.database, alone)
    replay = open_session(alone, traded.run_id, "a session")
    assert "not kept" in replay.problems[0]
    replay.seek(replay.steps)
    assert {(row.symbol, row.quantity) for row in replay.view().positions} == {(row.symbol, row.quantity) for row in traded.last.positions}


def test_a_session_that_is_not_there_is_said_in_words(traded: Traded) -> None:
    with pytest.raises(ReplayError, match="no session"):
        open_session(traded.database, "260101-nothing", "a session")


def test_what_is_written_of_a_session_under_way_can_be_replayed(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    assert settings.database is not None
    engine = create_engine(settings)
    engine.start()
    try:
        engine.wait_ready()
        _until(engine, lambda view: all(row.bid is not None for row in view.watch))
        assert engine.answer(engine.submit(Intent("AAPL", Side.BUY, Decimal(3)))).ok
        _until(engine, lambda view: view.positions)
        deadline = time.monotonic() + 20
        while not open_session(settings.database, engine.run_id, "now").trades:
            assert time.monotonic() < deadline
        replay = open_session(settings.database, engine.run_id, "now")
        replay.seek(replay.steps)
        assert [(row.symbol, row.quantity) for row in replay.view().positions] == [("AAPL", Decimal(3))]
        assert "goes on still, or it broke off" in replay.problems[-1]
    finally:
        engine.shutdown()


def test_the_second_run_begins_with_what_the_first_one_left(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    assert settings.database is not None
    keys: list[str] = []
    for quantity in (3, 4):
        engine = create_engine(replace(settings, on_exit="keep"))
        engine.start()
        engine.wait_ready()
        _until(engine, lambda view: all(row.bid is not None for row in view.watch))
        assert engine.answer(engine.submit(Intent("AAPL", Side.BUY, Decimal(quantity)))).ok
        _until(engine, lambda view: sum(row.quantity for row in view.positions) == (7 if keys else 3))
        engine.shutdown()
        keys.append(engine.run_id)
    replay = open_session(settings.database, keys[1], "the second")
    replay.seek(0)
    assert [(row.symbol, row.quantity) for row in replay.view().positions] == [("AAPL", Decimal(3))]
    replay.seek(replay.steps)
    assert replay.view().positions[0].quantity == 7


def test_a_split_on_a_day_that_nobody_played_is_in_the_replay_from_the_start(tmp_path: Path) -> None:
    days = [session.day for session in islice(Calendar().sessions_from(date(2005, 1, 10)), 45)]
    rows = [f"{day},{price},{price},{price},{price},100000" for day in days for price in [100 if day < date(2005, 3, 11) else 50]]
    thursday, bars = days.index(date(2005, 3, 10)), tmp_path / "AAPL.csv"
    bars.write_text("\n".join(["date,open,high,low,close,volume", *rows[: thursday + 1]]))
    (tmp_path / "actions.csv").write_text("symbol,date,kind,value\nAAPL,2005-03-11,split,2\n")
    feed = FeedSettings(source=str(bars), actions=tmp_path / "actions.csv", pace=20.0, start="2005-01-20")
    settings = replace(_settings(tmp_path), symbols=("AAPL",), feed=feed)
    assert settings.database is not None
    engine = create_engine(settings)
    engine.start()
    engine.wait_ready()
    _until(engine, lambda view: view.watch[0].stale_s is None)
    assert engine.answer(engine.submit(Intent("AAPL", Side.BUY, Decimal(10)))).ok
    assert _until(engine, lambda view: "data end" in view.health.market_text).positions[0].quantity == 10
    engine.shutdown()

    bars.write_text("\n".join(["date,open,high,low,close,volume", *rows]))
    engine = create_engine(replace(settings, feed=replace(feed, start="2005-03-14")))
    engine.start()
    engine.wait_ready()
    last = _until(engine, lambda view: "data end" in view.health.market_text)
    engine.shutdown()
    replay = open_session(settings.database, engine.run_id, "the second")
    told = set()
    for step in range(replay.steps + 1):
        replay.seek(step)
        told |= {(row.quantity, row.last, replay.view().account.equity) for row in replay.view().positions if row.last is not None}
    assert told == {(Decimal(20), 50.0, last.account.equity)}


def test_old_market_data_go_by_age_and_by_size(tmp_path: Path) -> None:
    import os

    files = MarketFiles(tmp_path / "paper.sqlite")
    for number, age_days in enumerate((40, 3, 2, 1)):
        writer = files.open(f"run-{number}")
        writer.add(("rows", bytes(1_000_000)))
        writer.close()
        written = 1e9 - age_days * 86_400
        os.utime(files.folder / f"run-{number}.market", (written, written))
    assert files.sweep(30, 2.5, now=1e9) == 2
    assert files.runs() == {"run-2", "run-3"}


def test_none_is_kept_where_the_settings_say_so(tmp_path: Path) -> None:
    settings = replace(_settings(tmp_path), recording=RecordingSettings(market=False))
    assert settings.database is not None
    engine = create_engine(settings)
    engine.start()
    engine.wait_ready()
    engine.shutdown()
    assert not MarketFiles(settings.database).runs()


def test_a_history_that_was_deleted_is_made_again_from_the_log(traded: Traded, tmp_path: Path) -> None:
    copy = tmp_path / "paper.sqlite"
    shutil.copy(traded.database, copy)
    before = _tables(copy)
    assert before["fills"]
    assert before["daily"]
    with closing(sqlite3.connect(copy)) as connection, connection:
        for name in (*tables.NAMES, "projected"):
            connection.execute(f"DROP TABLE {name}")
    assert run(["rebuild", "--database", str(copy)]) == 0
    assert _tables(copy) == before


def _tables(database: Path) -> dict[str, list[object]]:
    with closing(sqlite3.connect(database)) as connection:
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in tables.NAMES}
