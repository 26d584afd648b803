"""The drawdown limit: it counts from the highest equity ever marked, outlives sessions and restarts, and ends by a person's word alone."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.core.state import DRAWDOWN
from engine.model.modes import TradingState
from engine.model.orders import Side
from engine.model.records import DrawdownTripped, HighWaterSet
from tests.engine.core.floor import OPEN_LIMITS, Floor, facts, restored, settings, wish

MINUTE = 60_000_000_000


def holding() -> Floor:
    """Holds 100 bought at 100, of 100,000 in all; its equity was once 110,000, and the limit is a tenth of that."""
    the_floor = Floor(settings(limits=replace(OPEN_LIMITS, max_drawdown_pct=Decimal(10))), prices={"AAPL": 100.0, "MSFT": 400.0})
    the_floor.hold(100, 100)
    price(the_floor, 200)
    price(the_floor, 91)
    return the_floor


def price(the_floor: Floor, last: float) -> None:
    the_floor.quote("AAPL", last)
    the_floor.mono += MINUTE
    the_floor.quote("AAPL", last)
    the_floor.tick()


def test_it_counts_from_the_highest_equity_and_trips_at_the_limit() -> None:
    the_floor = holding()
    assert facts(the_floor.trading(), the_floor.core.state.high_water) == (TradingState.ACTIVE, 110_000)
    price(the_floor, 90)
    tripped = the_floor.of(DrawdownTripped)
    assert facts(the_floor.trading(), len(tripped), tripped[0].equity) == (TradingState.REDUCING, 1, 99_000)
    denied = the_floor.submit(wish(Side.BUY, 1))
    assert denied.text.endswith("equity is 11,000.00 under its highest, the limit is 11,000.00.")
    assert the_floor.submit(wish(Side.SELL, 1)).ok


def test_a_trip_cancels_resting_entries() -> None:
    the_floor = holding()
    the_floor.buy(10, limit=50)
    stop = the_floor.sell(100, stop=80)
    price(the_floor, 90)
    assert list(the_floor.open_states()) == [stop.number]


def test_neither_a_new_session_nor_a_recovery_nor_a_restart_ends_it() -> None:
    the_floor = holding()
    price(the_floor, 90)
    the_floor.session("2030-01-02")
    price(the_floor, 150)
    the_floor.restart()
    assert the_floor.trading() is TradingState.REDUCING
    assert DRAWDOWN in restored(the_floor.records).trips


def test_a_persons_word_ends_it_and_it_counts_from_there() -> None:
    the_floor = holding()
    price(the_floor, 90)
    assert the_floor.resume().ok
    assert facts(the_floor.trading(), the_floor.core.state.high_water, len(the_floor.of(HighWaterSet))) == (TradingState.ACTIVE, 99_000, 1)
    price(the_floor, 80)
    assert the_floor.trading() is TradingState.ACTIVE


def test_leaving_a_halt_leads_back_to_reducing_first() -> None:
    the_floor = holding()
    price(the_floor, 90)
    the_floor.stop()
    assert the_floor.resume().text == "resumed in MANUAL, reducing only: the drawdown limit holds"
    assert the_floor.trading() is TradingState.REDUCING
    the_floor.resume()
    assert the_floor.trading() is TradingState.ACTIVE
