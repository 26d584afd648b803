"""What the broker has and our books have not: found every minute by itself, shown, and booked when a person accepts it."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from engine import waits
from engine.brokers.base import AmbiguousError
from engine.clock import SystemClock
from engine.comparison import SYNC_S, Comparison
from engine.core.core import Core
from engine.courier import Courier
from engine.latch import StopSwitch
from engine.live import Engine
from engine.model.inputs import Input
from engine.model.market import Instrument
from engine.model.modes import Mode
from engine.model.records import PositionAccepted, RunStarted
from tests.engine.engines import SETTINGS, ToldBroker, limit, market, order_of, running, said, until
from tests.engine.feeds.fake_time import FakeTime, OverError

D = Decimal
SECOND = 1_000_000_000


async def test_what_changes_at_the_broker_without_a_word_is_found_after_a_minute() -> None:
    time, broker = FakeTime(), ToldBroker(positions=[("AAPL", D(10), D(100))])
    core = Core(SETTINGS, [Instrument("AAPL")], run_id="r1")

    def handle(event: Input) -> None:
        core.handle(event, SECOND + time.now)

    async def sleep(seconds: float) -> None:
        await time.sleep(seconds)
        if time.now == 3 * int(SYNC_S) * SECOND:
            broker.positions = [("AAPL", D(7), D(100))]
        mismatches.append(dict(core.gate.mismatched))
        if time.now > 5 * SYNC_S * SECOND:
            raise OverError

    mismatches: list[dict[str, str]] = []
    line = Courier(core, broker, SystemClock(), StopSwitch(), handle=handle, spawn=lambda work: work.close())
    snapshot = await line.open()
    core.start(RunStarted("r1", "told", "none", snapshot.cash, 0), Mode.MANUAL, "", SECOND)
    handle(snapshot)
    assert core.state.portfolio.position("AAPL") == 10
    with suppress(OverError):
        await Comparison(core, line, answer=lambda reply: None, handle=handle, sleep=sleep).run()
    differs = {"AAPL": "The broker holds 7 AAPL, our books say 10"}
    assert SYNC_S == 60
    assert mismatches == [{}, {}, {}, differs, differs, differs]


def holds_ten(engine: Engine, broker: ToldBroker) -> None:
    engine.submit(market(10))
    until(engine, lambda view: view.orders and broker.listed)
    broker.fill(order_of(engine.status(), 1).id)
    until(engine, lambda view: view.positions and view.positions[0].quantity == 10)


def test_a_mismatch_is_shown_and_shuts_the_symbol_until_a_person_accepts_the_brokers_figure(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        holds_ten(engine, broker)
        accepted: list[PositionAccepted] = []
        engine.subscribe(PositionAccepted, accepted.append)
        broker.positions = [("AAPL", D(7), D(100))]
        text = "The broker holds 7 AAPL, our books say 10"
        assert engine.answer(engine.sync()).text.endswith(text)
        assert said(engine.status(), f"{text}: no entries in AAPL until both agree")
        assert engine.status().mismatches == (text,)
        assert not engine.answer(engine.submit(limit(1))).ok
        reply = engine.answer(engine.accept_position("AAPL", "three were busted"))
        assert (reply.ok, reply.text) == (True, "the broker's 7 AAPL accepted: -3 at 100.00 a share are booked")
        view = engine.status()
        assert not view.mismatches
        assert view.positions[0].quantity == 7
        assert said(view, "accepted by you, -3 AAPL for -300.00 booked: three were busted")
        assert [record.quantity for record in accepted] == [-3]
        assert engine.answer(engine.submit(limit(1))).ok
        assert engine.answer(engine.sync()).ok
    with running(tmp_path, broker) as engine:
        assert engine.status().positions[0].quantity == 7


def test_a_figure_that_is_another_by_now_is_not_accepted(tmp_path: Path) -> None:
    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        holds_ten(engine, broker)
        broker.positions = [("AAPL", D(7), D(100))]
        assert not engine.answer(engine.sync()).ok
        broker.positions = [("AAPL", D(4), D(100))]
        refused = engine.answer(engine.accept_position("AAPL", "three were busted"))
        assert not refused.ok
        assert refused.text.startswith("The broker holds 4 AAPL, our books say 10: that is not what was to be accepted")
        assert engine.status().positions[0].quantity == 10
        broker.positions = [("AAPL", D(10), D(100))]
        refused = engine.answer(engine.accept_position("AAPL", "three were busted"))
        assert refused.text == "the last comparison found no difference in AAPL: there is nothing to accept"


def test_where_the_broker_does_not_answer_nothing_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "ASK_AGAIN_S", (0.02,))

    async def silent() -> None:
        raise AmbiguousError("no answer")

    broker = ToldBroker()
    with running(tmp_path, broker) as engine:
        holds_ten(engine, broker)
        broker.positions = [("AAPL", D(7), D(100))]
        assert not engine.answer(engine.sync()).ok
        broker.on_snapshot = silent
        refused = engine.answer(engine.accept_position("AAPL", "three were busted"))
        assert refused.text == "the broker did not tell where the account stands, so nothing was accepted"
        assert engine.status().positions[0].quantity == 10
