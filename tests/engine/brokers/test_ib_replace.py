"""A replace that crosses a fill at IB, where an order keeps its id and its quantity counts what has filled: afterwards it is one order
there, with the terms that are shown, the books are TWS's to the cent, and what became of the replace is said."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.live import Engine
from engine.model.orders import OrderState, Terms
from engine.model.views import OrderRow, View
from tests.engine.brokers.ib_engine import agree, is_in, once, soon, there, trading, working
from tests.engine.engines import order_of, said, until
from tests.servers.tws.driver import TwsProcess

D = Decimal
__all__ = ["soon"]
DONE, TOO_LATE, NOTHING = "works on new terms", "the replace came too late", "the replace came to nothing"
OUTCOMES = (DONE, TOO_LATE, NOTHING)
MORE, LESS, DEARER = Terms(D(20), D(91)), Terms(D(6), D(90)), Terms(D(10), D(91))


def asks(engine: Engine, tws: TwsProcess, terms: Terms, *first: str) -> OrderRow:
    """A resting order of ten at 90 is to get `terms`; when TWS reads of it, what `first` tells it to do has happened."""
    row = working(engine)
    tws.do("delay 0.3")
    engine.replace(row.id, terms)
    until(engine, is_in(1, OrderState.PENDING_REPLACE))
    for line in first:
        tws.do(line.format(id=row.id))
    tws.do("delay 0")
    return row


def ends(engine: Engine, tws: TwsProcess, *states: OrderState, outcome: str) -> View:
    """Waits for the order to come to one of `states`; checks it and what was said against TWS's own."""
    until(engine, is_in(1, *states))
    view = agree(engine, tws)
    row, theirs = order_of(view, 1), there(tws, view)
    assert row.state in states
    assert (row.quantity, row.limit, row.filled) == (D(theirs["quantity"]), D(theirs["limit"]), D(theirs["filled"]))
    once(tws, view)
    assert [words for words in OUTCOMES if said(view, words)] == [outcome]
    assert not said(view, "overfilled")
    return view


def test_a_partial_fill_that_crosses_a_replace_counts_towards_its_quantity(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        row = asks(engine, tws, MORE, "fill {id} 4 90")
        view = ends(engine, tws, OrderState.PARTIAL, outcome=DONE)
        assert (order_of(view, 1).quantity, order_of(view, 1).filled) == (D(20), D(4))
        tws.do(f"fill {row.id} 16 91")
        view = ends(engine, tws, OrderState.FILLED, outcome=DONE)
        assert tws.positions == {"AAPL": D(20)}


@pytest.mark.parametrize("terms", [MORE, LESS, DEARER])
@pytest.mark.parametrize("first", [("fill {id} 10 90",), ("fill {id} 4 90", "fill {id} 6 90"), ("fill {id} 10 90 silent",)])
def test_a_replace_that_comes_after_the_whole_fill_is_too_late_and_says_so(tmp_path: Path, terms: Terms, first: tuple[str, ...]) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        asks(engine, tws, terms, *first)
        view = ends(engine, tws, OrderState.FILLED, outcome=TOO_LATE)
        assert (order_of(view, 1).quantity, order_of(view, 1).limit) == (D(10), D(90))


def test_a_replace_that_comes_after_a_cancel_at_tws_is_too_late_and_says_so(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        asks(engine, tws, MORE, "fill {id} 4 90", "cancel {id}")
        ends(engine, tws, OrderState.CANCELED, outcome=TOO_LATE)


@pytest.mark.parametrize("filled", [5, 6])
def test_fewer_shares_than_have_filled_meanwhile_are_refused_and_the_order_works_on(tmp_path: Path, filled: int) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        asks(engine, tws, Terms(D(5), D(90)), f"fill {{id}} {filled} 90")
        until(engine, lambda view: f"must be above what is filled ({filled})" in order_of(view, 1).reason)
        view = until(engine, is_in(1, OrderState.PARTIAL))
        agree(engine, tws)
        assert (order_of(view, 1).quantity, order_of(view, 1).filled) == (D(10), D(filled))


@pytest.mark.parametrize(
    ("terms", "news", "state"),
    [
        (Terms(D(20), D(101)), ("arm open drop 1",), OrderState.FILLED),
        (MORE, ("arm open drop 1 2", "fill {id} 10 91"), OrderState.PARTIAL),
        (MORE, ("arm open drop 1 2", "fill {id} 16 91"), OrderState.FILLED),
        (LESS, ("arm open drop 1 2", "fill {id} 2 90"), OrderState.FILLED),
        (LESS, ("arm open drop 1 2", "arm execution drop", "fill {id} 2 90"), OrderState.FILLED),
    ],
)
def test_new_terms_of_which_no_word_came_show_in_what_fills_on_them(
    tmp_path: Path, terms: Terms, news: tuple[str, ...], state: OrderState
) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        row = asks(engine, tws, terms, "fill {id} 4 90", news[0])
        until(engine, lambda _: D(tws.orders()[0]["quantity"]) == terms.quantity)
        for line in news[1:]:
            tws.do(line.format(id=row.id))
        ends(engine, tws, state, outcome=DONE)


@pytest.mark.parametrize(
    ("terms", "away", "state"),
    [
        (MORE, 10, OrderState.PARTIAL),
        (MORE, 16, OrderState.FILLED),
        (MORE, 0, OrderState.PARTIAL),
        (LESS, 2, OrderState.FILLED),
    ],
)
def test_a_replace_that_was_taken_as_the_link_broke_holds_whatever_filled_before_it_was_back(
    tmp_path: Path, terms: Terms, away: int, state: OrderState
) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        row = asks(engine, tws, terms, "arm modify cut", "fill {id} 4 90")
        until(engine, lambda _: D(tws.orders()[0]["quantity"]) == terms.quantity)
        tws.do("away")
        if away:
            tws.do(f"fill {row.id} {away} 90")
        tws.do("back")
        ends(engine, tws, state, outcome=DONE)


@pytest.mark.parametrize(("away", "state", "outcome"), [(4, OrderState.PARTIAL, NOTHING), (10, OrderState.FILLED, TOO_LATE)])
def test_a_replace_that_was_lost_as_the_link_broke_came_to_nothing_or_too_late(
    tmp_path: Path, away: int, state: OrderState, outcome: str
) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        row = asks(engine, tws, MORE, "arm modify unseen_cut")
        until(engine, is_in(1, OrderState.UNKNOWN))
        tws.do("away")
        tws.do(f"fill {row.id} {away} 90")
        tws.do("back")
        ends(engine, tws, state, outcome=outcome)
