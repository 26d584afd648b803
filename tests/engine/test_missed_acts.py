"""A split and a dividend on a day on which nobody ran the engine: they are booked at the next start, once, before the first price."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.model.market import Bar
from engine.model.modes import TradingState
from engine.model.orders import OrderState, TimeInForce
from engine.model.records import DividendBooked, SessionOpened, SplitBooked
from engine.model.views import View
from tests.acting import MONDAY, THURSDAY, feed
from tests.engine.engines import SETTINGS, limit, make, market, order_of, said, until
from tests.project_files import ROOT

TIGHT = replace(SETTINGS, limits=replace(SETTINGS.limits, max_daily_loss_pct=Decimal("0.1"), max_drawdown_pct=Decimal("0.1")))
DIVIDEND = 200 * Decimal("0.25")


def ended(view: View) -> bool:
    return "data end" in view.health.market_text


def left_on_thursday(folder: Path, *, shares: int) -> View:
    """A run that holds `shares` of AAPL when Thursday, the day before the split, is over, with an order for more that works on."""
    engine = make(folder, settings=TIGHT, feed=feed(date(2005, 1, 18), THURSDAY))
    heard = threading.Event()
    engine.subscribe(Bar, lambda bar: heard.set())
    engine.start()
    engine.wait_ready()
    assert heard.wait(20)
    if shares:
        assert engine.answer(engine.submit(market(shares))).ok
        until(engine, lambda view: view.positions and view.positions[0].quantity == shares)
    assert engine.answer(engine.submit(replace(limit(5, 90), tif=TimeInForce.GTC))).ok
    view = until(engine, ended)
    engine.shutdown()
    return view


def from_monday(folder: Path, booked: list[object] | None = None) -> View:
    """A run that plays Monday, the day after the split, and knows Friday from its history alone. Its records go to `booked`."""
    engine = make(folder, settings=TIGHT, feed=feed(MONDAY, MONDAY))
    heard: list[object] = booked if booked is not None else []
    for kind in (SplitBooked, DividendBooked, SessionOpened):
        engine.subscribe(kind, heard.append)
    engine.start()
    engine.wait_ready()
    view = until(engine, ended)
    assert engine.answer(engine.sync()).text.endswith("all agree")
    engine.shutdown()
    return view


def test_what_is_held_over_a_split_and_a_dividend_that_nobody_saw_has_them_at_the_next_start(tmp_path: Path) -> None:
    before = left_on_thursday(tmp_path, shares=100)
    booked: list[object] = []
    after = from_monday(tmp_path, booked)
    assert [type(record) for record in booked] == [SplitBooked, DividendBooked, SessionOpened]
    opened = booked[2]
    assert isinstance(opened, SessionOpened)
    held = after.positions[0]
    assert (held.quantity, held.average * 2, held.last) == (Decimal(200), before.positions[0].average, 50.0)
    assert after.account.cash == before.account.cash + DIVIDEND
    assert after.account.equity == opened.equity == before.account.equity + DIVIDEND
    assert after.account.day_pnl == 0
    assert said(after, "AAPL split 2 for 1: 200 held now")


def test_neither_the_loss_nor_the_gain_that_a_split_looks_like_trips_a_limit(tmp_path: Path) -> None:
    left_on_thursday(tmp_path, shares=100)
    after = from_monday(tmp_path)
    assert after.account.state is TradingState.ACTIVE
    assert not [breaker for breaker in after.breakers if breaker.tripped]


def test_an_order_in_the_old_shares_does_not_trade_in_the_new_ones(tmp_path: Path) -> None:
    left_on_thursday(tmp_path, shares=0)
    after = from_monday(tmp_path)
    assert order_of(after, 1).state is OrderState.CANCELED
    assert not after.positions


def test_it_is_booked_once_however_often_the_engine_starts(tmp_path: Path) -> None:
    left_on_thursday(tmp_path, shares=100)
    first = from_monday(tmp_path)
    booked: list[object] = []
    again = from_monday(tmp_path, booked)
    assert not booked
    assert (again.positions[0].quantity, again.account.equity) == (Decimal(200), first.account.equity)


@pytest.mark.parametrize(("dies", "on_disk"), [("told", 0), ("durable", 1)])
def test_it_is_booked_once_though_the_engine_was_killed_over_it(tmp_path: Path, dies: str, on_disk: int) -> None:
    before = left_on_thursday(tmp_path, shares=100)
    command = [sys.executable, "-m", "tests.acting", str(tmp_path), dies, MONDAY.isoformat()]
    assert subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode == -signal.SIGKILL
    with closing(sqlite3.connect(tmp_path / "paper.db")) as database:
        assert database.execute("SELECT count(*) FROM journal WHERE kind = 'SplitBooked'").fetchone() == (on_disk,)
    after = from_monday(tmp_path)
    assert (after.positions[0].quantity, after.account.cash) == (Decimal(200), before.account.cash + DIVIDEND)


def test_an_account_that_never_traded_is_told_of_nothing(tmp_path: Path) -> None:
    booked: list[object] = []
    from_monday(tmp_path, booked)
    assert [type(record) for record in booked] == [SessionOpened]
