"""The engine on IB's prices and IB's broker at once, by the real client library, against one TWS: what may be traded on, and what not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.brokers.base import Broker
from engine.brokers.ib.broker import IbBroker
from engine.brokers.ib.config import IbConfig
from engine.feeds.ib import pacing
from engine.live import Engine
from engine.model.modes import LinkState
from engine.model.orders import OrderState
from engine.model.views import View
from tests.engine.brokers.ib_rig import at_noon
from tests.engine.engines import market, order_of, running, said, until
from tests.engine.feeds.ib_desk import Desk
from tests.servers.tws.driver import TwsProcess


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "SAME_AGAIN_S", 0.0)
    monkeypatch.setattr(pacing, "CONTRACT_SPAN_S", 0.0)


@pytest.fixture
def tws() -> Iterator[TwsProcess]:
    with TwsProcess() as tws:
        yield tws


@contextmanager
def trading(folder: Path, tws: TwsProcess, broker: Broker | None = None) -> Iterator[Engine]:
    desk = Desk(tws, folder)
    tws.do("walk on")
    with running(folder, broker, feed=lambda: desk.feed) as engine:
        yield engine


def fresh(view: View) -> bool:
    return view.watch[0].bid is not None and view.watch[0].stale_s is None


def test_orders_go_to_ib_on_ibs_own_prices(tws: TwsProcess, tmp_path: Path) -> None:
    broker = IbBroker(IbConfig(port=tws.port), at_noon)
    with trading(tmp_path, tws, broker) as engine:
        view = until(engine, fresh)
        assert [link.name for link in view.health.links] == ["ib", "ib data"]
        assert engine.answer(engine.submit(market())).ok
        until(engine, lambda view: view.orders and order_of(view, 1).state is OrderState.FILLED)
        assert len(tws.do("book")["clients"]) == 2
        assert tws.positions["AAPL"] == 10


def test_nothing_is_bought_on_delayed_prices(tws: TwsProcess, tmp_path: Path) -> None:
    tws.do("rights AAPL delayed")
    with trading(tmp_path, tws) as engine:
        view = until(engine, lambda view: view.watch[0].bid is not None)
        assert (view.watch[0].stale_s or 0) >= 15 * 60
        answer = engine.answer(engine.submit(market()))
        assert not answer.ok
        assert "old" in answer.text or "stale" in answer.text
        until(engine, lambda view: said(view, "IB tells AAPL 15 minutes late: this user has no subscription to its live prices."))
        tws.do("rights AAPL live")
        tws.do("code 1101")  # TWS begins anew, and tells it live
        view = until(engine, fresh)
        assert engine.answer(engine.submit(market())).ok


def test_prices_grow_stale_while_tws_has_lost_ib_and_are_fresh_again_by_themselves(tws: TwsProcess, tmp_path: Path) -> None:
    with trading(tmp_path, tws) as engine:
        until(engine, fresh)
        tws.do("code 1100")
        view = until(engine, lambda view: view.health.links[1].state is LinkState.DOWN)
        assert view.health.links[1].reason.startswith("TWS has lost IB's servers")
        view = until(engine, lambda view: view.watch[0].stale_s is not None)
        assert view.watch[0].last is not None  # what there was stays to be seen
        assert not engine.answer(engine.submit(market())).ok
        tws.do("code 1102")
        until(engine, lambda view: fresh(view) and view.health.links[1].state is LinkState.UP)
