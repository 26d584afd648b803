"""Several accounts at the same time, each on a thread of its own: whatever they send and whatever fills in between, no entry is let through
past a limit that they keep together.

`make test-thorough` tries two thousand sequences.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier, Event
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine import combined as module
from engine.combined import Combined
from engine.core.risk.rules import Rule
from engine.model.effects import Send
from engine.model.inputs import Input
from engine.model.modes import Mode
from engine.model.orders import Order, Side
from engine.model.settings import CombinedLimits
from engine.model.standing import Standing
from tests.engine.core import floor as trading
from tests.engine.core.floor import OPEN_LIMITS, SYMBOLS, Floor, wish
from tests.thorough import tries

D = Decimal
Step: TypeAlias = tuple[object, ...]
Round: TypeAlias = tuple[Sequence[Sequence[Step]], dict[str, float]]
NAMES = ("one", "two", "far")
PRICES = {"AAPL": 100.0, "MSFT": 400.0}
MOST = CombinedLimits(max_exposure_pct=D(20), max_position_pct=D(12))
"""Of three accounts with 100,000 each: 60,000 in all, 36,000 of a symbol on one side."""
CENT = D("0.005")
UNTIL = 30.0


@pytest.fixture(autouse=True, scope="module")
def crowded() -> Iterator[None]:
    """Threads take turns all the time, and none is taken for one that hangs."""
    interval = sys.getswitchinterval()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PATIENCE_S", UNTIL)
        sys.setswitchinterval(1e-5)
        yield
        sys.setswitchinterval(interval)


class Account(Floor):
    """One of `all_of_them`. Looks at every send while it still has its turn: then nobody else's books change."""

    def __init__(self, name: str, combined: Combined, all_of_them: list[Account]) -> None:
        self.seat = combined.seat(name)
        self.all_of_them = all_of_them
        self.let_through = 0
        limits = replace(OPEN_LIMITS, short_selling=True)
        super().__init__(replace(trading.settings(limits=limits), combined=MOST), mode=Mode.FULL_AUTO, prices=PRICES)
        self.seat.take(self.core)
        all_of_them.append(self)

    def _handle_one(self, event: Input) -> None:
        with self.seat.turn(self.core, event):
            effects = self.core.handle(event, self.mono)
            for effect in effects:
                if isinstance(effect, Send):
                    self._look_at(effect.order)
        self._perform(effects)

    def _look_at(self, order: Order) -> None:
        """What is held and works in all accounts with this order, from their orders and positions themselves."""
        sign, symbol = order.side.sign, order.symbol
        working, held = self._working(symbol, order.side), sign * self.position(symbol)
        if working <= max(-held, D(0)):
            return
        self.let_through += 1
        equity = sum((each.core.state.portfolio.equity() for each in self.all_of_them), D(0))
        exposure = sum((each.held(s, side) + each.reserved(s, side) for each in self.all_of_them for s in SYMBOLS for side in Side), D(0))
        assert exposure - equity * (MOST.max_exposure_pct or 0) / 100 < CENT
        own = (max(held, D(0)) + working - max(-held, D(0))) * min(order.mark, D(repr(self.core.prices.last(symbol))))
        others = [each for each in self.all_of_them if each is not self]
        position = own + sum((each.held(symbol, order.side) + each.reserved(symbol, order.side) for each in others), D(0))
        assert position - equity * (MOST.max_position_pct or 0) / 100 < CENT

    def held(self, symbol: str, side: Side) -> Decimal:
        """The value of a position on that side."""
        return max(side.sign * self.position(symbol), D(0)) * D(repr(self.core.prices.last(symbol)))

    def reserved(self, symbol: str, side: Side) -> Decimal:
        """The value of what orders may add on that side."""
        quantity = self._working(symbol, side)
        value = sum((o.remaining * o.mark for o in self.core.state.book.open.values() if (o.symbol, o.side) == (symbol, side)), D(0))
        opening = quantity - max(-side.sign * self.position(symbol), D(0))
        return value * opening / quantity if opening > 0 else D(0)

    def _working(self, symbol: str, side: Side) -> Decimal:
        return sum((o.remaining for o in self.core.state.book.open.values() if (o.symbol, o.side) == (symbol, side)), D(0))

    def take(self, number: str, step: Step) -> None:
        match step:
            case ("fill", str(symbol), int(size)):
                # At the same price: what works at the market fills in full or in part, and nothing else changes.
                self.quote(symbol, self.core.prices.last(symbol) or 1, size=size)
            case ("cancel", int(pick)):
                working = list(self.core.state.book.open.values())
                if working:
                    self.cancel(working[pick % len(working)])
            case ("tick",):
                self.tick()
            case (str(who), str(symbol), Side() as side, int(quantity), int(away)):
                limit = round((self.core.prices.last(symbol) or 1) * (1 + away / 100), 2) if away else None
                if who == "person":
                    self.submit(wish(side, quantity, symbol, limit=limit))
                else:
                    self.propose(f"s{number}", side, quantity, symbol, limit=limit)


def traded(rounds: Sequence[Round], combined: Combined) -> list[Account]:
    """The accounts after these rounds, in each of which all of them trade at once; between two the market moves, which all then hear of."""
    accounts: list[Account] = []
    for name in NAMES:
        Account(name, combined, accounts)
    for number, (steps, moves) in enumerate(rounds):
        at_once = Barrier(len(accounts))

        def trade(account: Account, steps: Sequence[Step], at_once: Barrier = at_once, number: int = number) -> None:
            at_once.wait(UNTIL)
            for place, step in enumerate(steps):
                account.take(f"{number}.{place}", step)

        with ThreadPoolExecutor(len(accounts)) as pool:
            list(pool.map(trade, accounts, steps))
        for account in accounts:
            for symbol, price in moves.items():
                account.move(symbol, price)
        for account in accounts:
            account.tick(5.0)
    return accounts


orders = st.tuples(
    st.sampled_from(("person", "sma")),
    st.sampled_from(SYMBOLS),
    st.sampled_from(Side),
    st.sampled_from((1, 7, 30, 75, 140, 333)),
    st.integers(-3, 3),
)
steps = st.one_of(
    orders,
    orders,
    st.tuples(st.just("fill"), st.sampled_from(SYMBOLS), st.sampled_from((0, 13, 40, 10_000))),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("tick")),
)
moves = st.dictionaries(st.sampled_from(SYMBOLS), st.floats(80, 420).map(lambda price: round(price, 2)))
rounds = st.lists(st.tuples(st.tuples(*[st.lists(steps, max_size=12)] * len(NAMES)), moves), min_size=1, max_size=3)
ALL_AT_ONCE: Round = ([[("person", "AAPL", Side.BUY, 7, 0), ("fill", "AAPL", 10_000)] * 20] * 3, {})
"""420 shares are wanted, and there is room for 360."""


@given(rounds)
@example([ALL_AT_ONCE])
@example([ALL_AT_ONCE, ALL_AT_ONCE])
@settings(max_examples=tries(60, 2_000), deadline=None, suppress_health_check=list(HealthCheck))
def test_no_entry_is_let_through_past_what_all_accounts_may_have_together(rounds: list[Round]) -> None:
    traded(rounds, Combined(NAMES, MOST))


class Hesitant(Combined):
    """Before it is known where an account stands now, another one has a moment to look at it."""

    def __init__(self) -> None:
        self.looked = Event()
        super().__init__(NAMES, MOST)

    def tell(self, name: str, standing: Standing) -> None:
        self.looked.clear()
        self.looked.wait(0.005)
        super().tell(name, standing)

    def others(self, name: str) -> Standing | str:
        self.looked.set()
        return super().others(name)


def test_as_much_is_let_through_as_there_is_room_for() -> None:
    accounts = traded([ALL_AT_ONCE], Hesitant())
    assert sum(account.let_through for account in accounts) == 360 // 7
    refused = [reply for account in accounts for reply in account.replies if not reply.ok]
    assert {reply.verdict.rule for reply in refused if reply.verdict is not None} == {Rule.COMBINED_POSITION}
    assert sum((account.position() for account in accounts), D(0)) == 357


@pytest.mark.parametrize(
    ("there", "symbol", "quantity", "rule"),
    [
        ([("AAPL", 100), ("AAPL", 259)], "AAPL", 1, Rule.COMBINED_POSITION),
        ([("AAPL", 300), ("MSFT", 74)], "AAPL", 4, Rule.COMBINED_EXPOSURE),
    ],
)
def test_the_last_cent_of_room_is_given_and_none_beyond(there: list[tuple[str, int]], symbol: str, quantity: int, rule: Rule) -> None:
    *others, last = traded([([[]] * 3, {})], Combined(NAMES, MOST))
    for account, (held, shares) in zip(others, there, strict=True):
        account.buy(shares, held, limit=PRICES[held])
    refused = last.submit(wish(Side.BUY, quantity, symbol, limit=PRICES[symbol] + 0.01)).verdict
    assert refused is not None
    assert refused.rule is rule
    assert last.submit(wish(Side.BUY, quantity, symbol, limit=PRICES[symbol])).ok


class Blind(Combined):
    """Sees the others as they were at first."""

    def others(self, name: str) -> Standing | str:
        return Standing(D(200_000))


def test_the_look_at_what_was_let_through_finds_a_gate_that_sees_nobody() -> None:
    with pytest.raises(AssertionError):
        traded([ALL_AT_ONCE], Blind(NAMES, MOST))
