"""A halt is a fact: it holds over a restart, until the feed says that it is over or tells a price of the symbol first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core.checkpoint import save, take_over
from engine.core.state import State
from engine.model.market import Auction, AuctionKind, Bar, Halt, MarketEvent, Quote
from engine.model.orders import Side
from engine.model.records import HaltChanged
from tests.engine.core.floor import Floor, wish


def halted() -> Floor:
    floor = Floor(prices={"AAPL": 100.0, "MSFT": 40.0})
    floor.market(Halt("AAPL", floor.at, True, "news pending"))
    return floor


def refused_by(floor: Floor, symbol: str = "AAPL") -> str:
    verdict = floor.submit(wish(Side.BUY, 1, symbol)).verdict
    return verdict.rule if verdict is not None and not floor.replies[-1].ok else ""


@pytest.mark.parametrize("crash", [False, True])
def test_a_halt_survives_a_restart_and_a_crash(crash: bool) -> None:
    floor = halted()
    floor.restart(crash=crash)
    assert floor.core.state.halts == {"AAPL": "news pending"}
    assert refused_by(floor) == "halted symbol"


def test_a_halt_is_in_a_checkpoint() -> None:
    state = State()
    take_over(state, save(halted().core.state, 1))
    assert state.halts == {"AAPL": "news pending"}


def test_the_feed_lifts_what_an_earlier_run_left_halted() -> None:
    floor = halted()
    floor.restart()
    floor.market(Halt("AAPL", floor.at, False, "trading resumes"))
    floor.quote("AAPL", 100)
    assert refused_by(floor) == ""
    floor.restart()
    assert floor.core.state.halts == {}


def _quote(symbol: str, at: int) -> MarketEvent:
    return Quote(symbol, at, 100, 100, 1e6, 1e6, 100)


def _bar(symbol: str, at: int) -> MarketEvent:
    return Bar(symbol, at, 100, 100, 100, 100, 1e6)


def _auction(symbol: str, at: int) -> MarketEvent:
    return Auction(symbol, at, AuctionKind.OPEN, 100, 1e6)


@pytest.mark.parametrize("price", [_quote, _bar, _auction])
def test_a_feed_that_begins_with_a_price_has_no_halt_to_tell_of(price: Callable[[str, int], MarketEvent]) -> None:
    """A simulated market that begins anew, files, another feed than before: no symbol stays shut because of what is no more."""
    floor = halted()
    floor.restart()
    floor.market(price("MSFT", floor.at))
    assert set(floor.core.state.halts) == {"AAPL"}
    floor.market(price("AAPL", floor.at))
    assert floor.core.state.halts == {}
    assert [(record.symbol, record.halted) for record in floor.of(HaltChanged)] == [("AAPL", True), ("AAPL", False)]


def test_a_feed_that_confirms_the_halt_before_its_first_price_keeps_it() -> None:
    floor = halted()
    floor.restart()
    floor.market(Halt("AAPL", floor.at, True, "news pending"))
    floor.quote("AAPL", 100)
    assert refused_by(floor) == "halted symbol"
    assert len(floor.of(HaltChanged)) == 1


def test_an_indication_within_a_run_ends_no_halt() -> None:
    floor = halted()
    floor.quote("AAPL", 105)
    assert refused_by(floor) == "halted symbol"


def test_a_halt_before_a_market_that_begins_at_an_earlier_time_is_lifted_by_its_prices() -> None:
    floor = halted()
    floor.restart()
    floor.at -= 400 * 86_400 * 1_000_000_000
    floor.session("2024-05-08")
    floor.quote("AAPL", 100)
    assert refused_by(floor) == ""
