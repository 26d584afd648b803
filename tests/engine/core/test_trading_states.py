"""ACTIVE, REDUCING and HALTED: one table of what passes in each, and what a closed market or a halted symbol makes of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.effects import Reply
from engine.model.market import Halt, MarketStatus, Phase
from engine.model.modes import TradingState
from engine.model.orders import OrderState, Side, TimeInForce
from engine.model.settings import Limits
from tests.engine.core.floor import OPEN_LIMITS, Floor, facts, settings, wish

D = Decimal
LOSS = replace(OPEN_LIMITS, max_daily_loss_pct=D(2), short_selling=True)


def floor(state: TradingState) -> Floor:
    """Holds 100 AAPL bought at 100 and 10 MSFT short, in `state`."""
    the_floor = Floor(settings(limits=LOSS), prices={"AAPL": 100.0, "MSFT": 40.0})
    the_floor.hold(100, 100)
    the_floor.hold(-10, 40, "MSFT")
    if state is TradingState.REDUCING:
        the_floor.quote("AAPL", 80)
        the_floor.tick()
    elif state is TradingState.HALTED:
        the_floor.stop()
    assert the_floor.trading() is state
    return the_floor


ACTIONS: dict[str, Callable[[Floor], Reply]] = {
    "open long": lambda f: f.submit(wish(Side.BUY, 1)),
    "open short": lambda f: f.submit(wish(Side.SELL, 1, "MSFT")),
    "sell a part": lambda f: f.submit(wish(Side.SELL, 40)),
    "sell all": lambda f: f.submit(wish(Side.SELL, 100)),
    "sell through zero": lambda f: f.submit(wish(Side.SELL, 101)),
    "sell no more than is held": lambda f: f.submit(wish(Side.SELL, 500, reduce_only=True)),
    "buy a short back": lambda f: f.submit(wish(Side.BUY, 10, "MSFT")),
    "protect it": lambda f: f.submit(wish(Side.SELL, 100, stop=50)),
    "flatten": lambda f: f.flatten(),
}
PASSES = {
    TradingState.ACTIVE: set(ACTIONS),
    TradingState.REDUCING: {"sell a part", "sell all", "sell no more than is held", "buy a short back", "protect it", "flatten"},
    TradingState.HALTED: {"flatten"},
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("state", TradingState)
def test_what_passes_in_each_state(state: TradingState, action: str) -> None:
    assert ACTIONS[action](floor(state)).ok is (action in PASSES[state])


@pytest.mark.parametrize("state", TradingState)
def test_a_cancel_passes_in_every_state(state: TradingState) -> None:
    the_floor = floor(TradingState.ACTIVE)
    order = the_floor.sell(1, limit=150)
    if state is TradingState.REDUCING:
        the_floor.quote("AAPL", 80)
        the_floor.tick()
    if state is not TradingState.HALTED:
        assert the_floor.cancel(order).ok
    else:
        the_floor.stop()
    assert order.state is OrderState.CANCELED


# ---- the market's own states


def at(phase: Phase, limits: Limits = OPEN_LIMITS) -> Floor:
    the_floor = Floor(settings(limits=limits), prices={"AAPL": 100.0, "MSFT": 40.0})
    the_floor.hold(100, 100)
    the_floor.handle(MarketStatus(phase, phase, "2025-06-12", the_floor.at))
    return the_floor


@pytest.mark.parametrize(
    ("phase", "says"),
    [
        (Phase.CLOSED, "The market is closed: it waits for the open."),
        (Phase.PRE, "The regular session has not begun: it waits for the open."),
        (Phase.POST, "The regular session is over: it waits for the open."),
    ],
)
def test_outside_its_hours_an_order_waits_and_says_so_entry_or_exit(phase: Phase, says: str) -> None:
    for intent in (wish(Side.BUY, 1), wish(Side.SELL, 1)):
        the_floor = at(phase)
        reply = the_floor.submit(intent)
        assert reply.ok
        assert reply.text.endswith(f"sent. {says}")


def test_where_the_settings_say_so_an_entry_outside_hours_is_refused_and_an_exit_waits() -> None:
    the_floor = at(Phase.CLOSED, replace(OPEN_LIMITS, outside_hours="deny"))
    refused = the_floor.submit(wish(Side.BUY, 1)).verdict
    assert refused is not None
    assert refused.rule == "hours"
    assert the_floor.submit(wish(Side.SELL, 1)).ok


def test_a_closed_market_is_not_stale_and_its_opening_is() -> None:
    the_floor = at(Phase.CLOSED)
    the_floor.tick(3600)
    assert the_floor.submit(wish(Side.BUY, 1)).ok
    the_floor.handle(MarketStatus(Phase.REGULAR, "open", "2025-06-12", the_floor.at))
    stale = the_floor.submit(wish(Side.BUY, 1)).verdict
    assert stale is not None
    assert stale.rule == "stale price"


def test_an_extended_hours_order_trades_before_the_open_and_needs_a_price_of_now() -> None:
    early = replace(wish(Side.BUY, 1, limit=100), extended_hours=True)
    the_floor = at(Phase.PRE)
    assert the_floor.submit(early).text == "#2 BUY 1 AAPL limit 100.00 DAY extended hours sent"
    the_floor.tick(6)
    stale = the_floor.submit(early).verdict
    assert stale is not None
    assert stale.rule == "stale price"


def test_an_order_for_an_opening_auction_that_is_over_waits_for_the_next() -> None:
    reply = at(Phase.REGULAR).submit(replace(wish(Side.BUY, 1), tif=TimeInForce.OPG))
    assert reply.text.endswith("The opening auction is over: it waits for the open.")


def test_a_halted_symbol_takes_no_entries_and_lets_everybody_out_until_it_trades_again() -> None:
    the_floor = at(Phase.REGULAR)
    the_floor.market(Halt("AAPL", the_floor.at, True, "LULD"))
    halted = the_floor.submit(wish(Side.BUY, 1)).verdict
    assert halted is not None
    assert facts(halted.rule, halted.text) == ("halted symbol", "AAPL is halted (LULD): no entries until it trades again.")
    assert the_floor.submit(wish(Side.BUY, 1, "MSFT")).ok
    assert the_floor.submit(wish(Side.SELL, 1)).ok
    the_floor.market(Halt("AAPL", the_floor.at, False))
    the_floor.quote("AAPL", 100)
    assert the_floor.submit(wish(Side.BUY, 1)).ok
