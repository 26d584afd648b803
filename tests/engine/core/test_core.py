"""The core as a whole: the order of its effects, cancels, and what a restart finds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.model.effects import Persist, Reply, Send
from engine.model.inputs import (
    Cancel,
    NotDurable,
    Note,
    OrderUpdate,
    SetMode,
    StrategyFailed,
    Submit,
    Tick,
    Unsent,
)
from engine.model.modes import Level, Mode
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderState, Side
from engine.model.records import (
    EquityMarked,
    FillBooked,
    Noted,
    OrderChanged,
    OrderPlaced,
    StrategyErrored,
)
from engine.model.settings import PaperSettings
from tests.engine.core.floor import Floor, essence, facts, restored, settings, wish

D = Decimal


def floor(mode: Mode = Mode.MANUAL, **more: Any) -> Floor:
    return Floor(settings(**more), mode=mode, prices={"AAPL": 100.0, "MSFT": 400.0})


# ---- effects


def test_an_order_is_written_before_it_is_sent_and_answered_last() -> None:
    the_floor = floor()
    persist, send, reply = the_floor.core.handle(Submit("c", wish(Side.BUY, 10)), the_floor.mono)
    assert isinstance(persist, Persist)
    assert isinstance(send, Send)
    assert isinstance(reply, Reply)
    assert [type(record) for record in persist.records] == [OrderPlaced]
    assert persist.records[0].id == send.order.id == "r1-1"  # type: ignore[union-attr]
    assert reply.text == "#1 BUY 10 AAPL market DAY sent"


def test_a_fill_is_written_before_the_change_of_state_it_brings_and_the_equity_after() -> None:
    the_floor = floor()
    the_floor.buy(10)
    before = len(the_floor.records)
    the_floor.quote("AAPL", 100)
    assert [type(record) for record in the_floor.records[before:]] == [FillBooked, OrderChanged, EquityMarked]


def test_a_fill_happens_at_the_time_of_the_bar_that_filled_it() -> None:
    the_floor = Floor(settings(), price_life_s=1e6)
    the_floor.bar("AAPL", 100, 100, 100, 100, later_s=86_400)
    order = the_floor.buy(10)
    the_floor.bar("AAPL", 101, 101, 101, 101, later_s=86_400)
    fill = the_floor.of(FillBooked)[0].fill
    assert (fill.at, fill.price, order.changed_at) == (the_floor.at, D(101), the_floor.at)
    assert order.created_at == the_floor.at - 86_400 * 1_000_000_000


def test_what_an_error_in_the_middle_leaves_is_what_was_to_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    the_floor = floor()

    def break_off(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(the_floor.core.desk), "reply", break_off)
    with pytest.raises(ZeroDivisionError):
        the_floor.core.handle(Submit("c", wish(Side.BUY, 10)), the_floor.mono)
    persist = the_floor.core.desk.effects()[0]
    assert isinstance(persist, Persist)
    assert essence(restored([*the_floor.records, *persist.records])) == essence(the_floor.core.state)


def test_what_says_nothing_new_has_no_effects() -> None:
    the_floor = floor()
    order = the_floor.buy(10)
    the_floor.quote("AAPL", 100)
    done = OrderUpdate(order.id, OrderEvent.FILL_ALL, order.broker_id, D(10), D(1000))
    assert the_floor.core.handle(done, the_floor.mono) == []


def test_news_of_an_order_that_is_not_ours_is_said_and_changes_nothing() -> None:
    the_floor = floor()
    before = essence(restored(the_floor.records))
    the_floor.handle(OrderUpdate("someone-else", OrderEvent.FILL_ALL, "x", D(10), D(1000)))
    assert essence(the_floor.core.state) == before
    assert the_floor.of(Noted)[-1].text.startswith("news of an order that is not ours")


def test_an_intent_that_could_not_be_written_ends_and_shuts_the_gate() -> None:
    the_floor = floor()
    effects = the_floor.core.handle(Submit("c", wish(Side.BUY, 10)), the_floor.mono)
    order = the_floor.last_order
    the_floor.handle(NotDurable((order.id,), "the disk is full"))
    assert facts(len(effects), order.state, the_floor.core.gate.figures().reserved) == (3, OrderState.CANCELED, 0)
    assert not the_floor.submit(wish(Side.BUY, 10)).ok
    the_floor.handle(Tick())
    assert the_floor.submit(wish(Side.BUY, 10)).ok


def test_an_order_the_stop_kept_from_being_sent_ends_cancelled() -> None:
    the_floor = floor()
    the_floor.core.handle(Submit("c", wish(Side.BUY, 10)), the_floor.mono)
    the_floor.handle(Unsent(the_floor.last_order.id))
    assert facts(the_floor.last_order.state, the_floor.last_order.reason) == (OrderState.CANCELED, "cancelled before it was sent")


def test_a_note_goes_to_the_audit_log() -> None:
    the_floor = floor()
    the_floor.handle(Note(Level.WARNING, "feed", "a day is missing"))
    assert (the_floor.of(Noted)[-1].source, the_floor.of(Noted)[-1].text) == ("feed", "a day is missing")


# ---- cancels


def test_an_order_is_cancelled_by_its_id_and_not_twice() -> None:
    the_floor = floor()
    order = the_floor.buy(10, limit=90)
    assert the_floor.cancel(order).text == "cancel of #1 sent"
    assert order.state is OrderState.CANCELED
    assert the_floor.cancel(order).text == "#1 ended already: cancelled"


def test_one_symbol_or_everything_is_cancelled_at_once() -> None:
    the_floor = floor()
    the_floor.buy(10, limit=90)
    the_floor.buy(1, "MSFT", limit=300)
    the_floor.handle(Cancel("c", symbol="AAPL"))
    assert list(the_floor.open_states()) == [2]
    the_floor.cancel()
    assert the_floor.open_states() == {}
    assert the_floor.cancel().text == "nothing is working there"


def test_an_order_the_broker_has_not_seen_keeps_no_other_from_being_cancelled() -> None:
    the_floor = floor()
    the_floor.core.handle(Submit("c", wish(Side.BUY, 10, limit=90)), the_floor.mono)
    seen = the_floor.buy(10, limit=90)
    the_floor.stop()
    assert seen.state is OrderState.CANCELED


def test_cancelling_entries_only_spares_what_closes() -> None:
    the_floor = floor()
    the_floor.hold(100, 100)
    the_floor.buy(10, limit=90)
    close = the_floor.sell(60, limit=120)
    stop = the_floor.sell(40, stop=80)
    the_floor.handle(Cancel("c", entries_only=True))
    assert list(the_floor.open_states()) == [close.number, stop.number]


# ---- strategies


def test_a_disabled_strategys_entries_are_cancelled_and_nobody_elses() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.hold(100, 100)
    mine = the_floor.buy(10, limit=90)
    the_floor.propose("e", quantity=10, limit=90)
    the_floor.propose("c", Side.SELL, 10, limit=120)
    closing = the_floor.last_order
    the_floor.handle(StrategyFailed("sma", "It raised.", "Traceback"))
    assert len(the_floor.open_states()) == 3
    the_floor.handle(StrategyFailed("sma", "It hung.", "Traceback", disabled=True))
    assert list(the_floor.open_states()) == [mine.number, closing.number]
    told = the_floor.of(StrategyErrored)[-1]
    assert (told.error, told.detail, told.disabled) == ("It hung.", "Traceback", True)


def test_a_strategy_that_died_leaves_no_entries_working_though_it_is_started_again() -> None:
    the_floor = floor(Mode.FULL_AUTO)
    the_floor.propose("e", quantity=10, limit=90)
    assert the_floor.open_states()
    the_floor.handle(StrategyFailed("sma", "It hung; it is started again.", died=True))
    assert not the_floor.open_states()


# ---- restarts


@pytest.mark.parametrize("asked_for", [Mode.SEMI_AUTO, Mode.FULL_AUTO, Mode.RESEARCH])
def test_after_a_crash_the_mode_is_manual_whatever_was_asked_for(asked_for: Mode) -> None:
    the_floor = floor(asked_for)
    the_floor.restart()
    assert the_floor.mode() is asked_for
    the_floor.restart(crash=True)
    assert the_floor.mode() is Mode.MANUAL
    assert "did not end in order" in the_floor.of(Noted)[-1].text


def test_a_restart_finds_what_was_there() -> None:
    paper = PaperSettings(latency_ms=0)
    the_floor = floor(Mode.FULL_AUTO, paper=paper)
    the_floor.buy(100)
    the_floor.quote("AAPL", 100.25, size=60)
    the_floor.buy(5, "MSFT", limit=390)
    the_floor.propose("s", quantity=3)
    the_floor.handle(SetMode("c", Mode.SEMI_AUTO))
    before = essence(the_floor.core.state)
    assert essence(restored(the_floor.records)) == before
    the_floor.restart()
    after = essence(the_floor.core.state)
    assert {name: after[name] for name in ("cash", "fees", "holdings", "orders", "open")} == {
        name: before[name] for name in ("cash", "fees", "holdings", "orders", "open")
    }


def test_numbers_go_on_counting_after_a_restart() -> None:
    the_floor = floor()
    the_floor.buy(1)
    the_floor.restart()
    the_floor.quote("AAPL", 100)
    assert (the_floor.buy(1).id, the_floor.last_order.number) == ("r2-2", 2)
