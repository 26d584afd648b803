"""Prices that came late in a session, as of an exchange without a subscription, are as old in its replay as they were on its screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from console.replay.sessions import open_session
from engine.feeds.ib import pacing
from engine.live import Engine
from engine.model.views import View
from engine.replay.market_log import ROWS
from engine.replay.replay import Replay
from storage.sessions import MarketFiles
from tests.engine import test_polled_market as polled
from tests.engine.engines import ToldBroker, limit, make, market, until
from tests.engine.feeds.ib_desk import Desk
from tests.servers.tws.driver import TwsProcess

QUARTER_S = 15 * 60


@pytest.fixture
def tws(monkeypatch: pytest.MonkeyPatch) -> Iterator[TwsProcess]:
    monkeypatch.setattr(pacing, "SAME_AGAIN_S", 0.0)
    monkeypatch.setattr(pacing, "CONTRACT_SPAN_S", 0.0)
    with TwsProcess() as tws:
        yield tws


def _opened(folder: Path, engine: Engine) -> Replay:
    return open_session(folder / "paper.db", engine.run_id, "a session")


def _ages(replay: Replay) -> list[int | None]:
    """How old the price was said to be after each step, once there was one; the same from the start as by a jump."""
    ages: list[int | None] = []
    for step in range(replay.steps):
        replay.seek(step)
        row = replay.view().watch[0]
        if row.bid is not None or replay.recording.feed != "ib":
            ages.append(row.stale_s)
    for step in (replay.steps // 2, replay.steps // 3, replay.steps - 1):
        replay.seek(step)
        there = replay.view()
        replay.seek(0)
        replay.advance(step)
        assert replace(replay.view(), revision=0) == replace(there, revision=0)
    return ages


def test_quotes_that_were_delayed_are_delayed_in_the_replay_until_they_were_live(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path)
    tws.do("walk on")
    tws.do("rights AAPL delayed")
    engine = make(tmp_path, feed=lambda: desk.feed, recorded=True)
    engine.start()
    try:
        engine.wait_ready()
        until(engine, lambda view: (view.watch[0].stale_s or 0) >= QUARTER_S)
        assert not engine.answer(engine.submit(market())).ok
        tws.do("rights AAPL live")
        tws.do("code 1101")  # TWS begins anew, and tells it live
        until(engine, lambda view: view.watch[0].bid is not None and view.watch[0].stale_s is None)
    finally:
        engine.shutdown()
    ages = _ages(_opened(tmp_path, engine))
    live = ages.index(None)
    assert live > 0
    assert all(age is not None and age >= QUARTER_S for age in ages[:live])


def test_bars_that_came_late_are_as_old_in_the_replay(tmp_path: Path) -> None:
    desk = polled.Desk(tmp_path)
    desk.source.late = QUARTER_S * 1_000_000_000
    engine = make(tmp_path, ToldBroker(), feed=lambda: desk.feed, recorded=True)
    engine.start()
    try:
        engine.wait_ready()
        last: View = until(engine, lambda view: view.watch[0].stale_s)
        assert not engine.answer(engine.submit(limit())).ok
    finally:
        engine.shutdown()
    shown = last.watch[0].stale_s
    assert shown is not None
    told = [age for age in _ages(_opened(tmp_path, engine)) if age]
    assert told
    # On the screen it had grown older since it was heard.
    assert QUARTER_S <= min(told) <= shown


def test_a_recording_that_does_not_say_how_late_its_prices_were_is_opened(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path)
    tws.do("walk on")
    tws.do("rights AAPL delayed")
    engine = make(tmp_path, feed=lambda: desk.feed, recorded=True)
    engine.start()
    try:
        engine.wait_ready()
        until(engine, lambda view: (view.watch[0].stale_s or 0) >= QUARTER_S)
    finally:
        engine.shutdown()
    files = MarketFiles(tmp_path / "paper.db")
    pieces, problems = files.read(engine.run_id)
    assert not problems
    next(files.folder.glob("*.market")).unlink()
    writer = files.open(engine.run_id)
    for name, body in pieces:
        if name == ROWS:
            kinds, columns, *rest = msgspec.msgpack.decode(body)
            body = msgspec.msgpack.encode((kinds, columns[:-1], *rest))
        writer.add((name, body))
    writer.close()
    replay = _opened(tmp_path, engine)
    assert not replay.problems
    assert None in _ages(replay)
