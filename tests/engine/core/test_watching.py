"""Which symbols may be let go, and what a restart needs to follow again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core.checkpoint import save, take_over
from engine.core.state import State
from engine.model.inputs import Unwatch, Watch
from engine.model.market import Instrument
from engine.model.orders import Side
from engine.model.records import SymbolWatched
from tests.engine.core.floor import Floor, wish


def watching(symbol: str = "TSLA") -> Floor:
    floor = Floor(prices={"AAPL": 100.0})
    floor.handle(Watch("w", Instrument(symbol), 240.0))
    return floor


def unwatch(floor: Floor, symbol: str = "TSLA") -> tuple[bool, str]:
    floor.handle(Unwatch("u", symbol))
    return floor.replies[-1].ok, floor.replies[-1].text


def test_a_symbol_that_is_watched_from_now_on_can_be_traded() -> None:
    floor = watching()
    assert floor.core.prices.last("TSLA") == 240.0
    floor.quote("TSLA", 240)
    assert floor.submit(wish(Side.BUY, 1, "TSLA")) is not None
    assert floor.replies[-1].ok


def test_what_nobody_needs_is_let_go_and_can_no_longer_be_traded() -> None:
    floor = watching()
    assert unwatch(floor) == (True, "TSLA is watched no longer")
    floor.submit(wish(Side.BUY, 1, "TSLA"))
    verdict = floor.replies[-1].verdict
    assert verdict is not None
    assert verdict.rule == "symbol"
    assert [(record.symbol, record.watched) for record in floor.of(SymbolWatched)] == [("TSLA", True), ("TSLA", False)]


def test_what_is_held_or_works_stays_watched() -> None:
    floor = watching()
    floor.quote("TSLA", 240)
    floor.submit(wish(Side.BUY, 1, "TSLA"))
    floor.quote("TSLA", 240)
    assert unwatch(floor) == (False, "1 TSLA are held: it stays watched until they are sold")
    floor = watching()
    floor.quote("TSLA", 240)
    floor.submit(wish(Side.BUY, 1, "TSLA", limit=200))
    assert unwatch(floor) == (False, "#1 TSLA works: it stays watched until that ends")


def test_what_the_broker_holds_and_our_books_do_not_stays_watched() -> None:
    floor = watching()
    floor.hold(1, 100)
    told = floor.snapshot()
    floor.handle(replace(told, positions=(*told.positions, ("TSLA", Decimal(10), Decimal(240)))))
    assert unwatch(floor) == (False, "The broker holds 10 TSLA, our books say no: it stays watched until both agree")


def test_the_symbols_of_the_start_stay() -> None:
    ok, text = unwatch(watching(), "AAPL")
    assert (ok, "began with" in text) == (False, True)
    assert unwatch(watching(), "NOPE") == (False, "NOPE is not watched")


def test_watching_twice_is_recorded_once() -> None:
    floor = watching()
    floor.handle(Watch("again", Instrument("TSLA")))
    assert floor.replies[-1].text == "TSLA is watched already"
    assert len(floor.of(SymbolWatched)) == 1
    assert floor.core.prices.last("TSLA") == 240.0


@pytest.mark.parametrize("crash", [False, True])
def test_a_restart_wants_what_was_watched_and_what_is_held(crash: bool) -> None:
    floor = watching()
    floor.quote("TSLA", 240)
    floor.handle(Watch("w", Instrument("JPM")))
    floor.submit(wish(Side.BUY, 1, "TSLA"))
    floor.quote("TSLA", 240)
    floor.restart(crash=crash)
    assert floor.core.watching.wanted() == ["TSLA", "JPM"]


def test_what_is_watched_is_in_a_checkpoint() -> None:
    state = State()
    take_over(state, save(watching().core.state, 1))
    assert list(state.watched) == ["TSLA"]
