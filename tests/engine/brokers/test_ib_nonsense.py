"""What TWS says that makes no sense: the link lives, it is said once, nothing of it is booked, and no control character gets out."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path

import pytest

from engine.brokers.ib.facts import Fact, NotUnderstood
from engine.brokers.ib.hearing import Hearing
from engine.brokers.ib.ledger import Ledger
from engine.brokers.ib.library import Session
from engine.live import Engine
from engine.model.inputs import Note, OrderUpdate
from engine.model.modes import LinkState
from engine.model.orders import OrderState, Side
from engine.model.views import View
from tests.engine.brokers.ib_engine import agree, is_in, once, soon, state, trading
from tests.engine.engines import market, order_of, said, until
from tests.servers.tws import say
from tests.servers.tws.contracts import STOCKS
from tests.servers.tws.driver import TwsProcess
from tests.servers.tws.tickets import Execution, Terms, Ticket
from tests.servers.tws.wire import UNSET, text
from tests.thorough import tries

D = Decimal
__all__ = ["soon"]
ESCAPE = "\x1b]0;owned\x07[red]\u202ex[/]"
HOSTILE = ["", "nan", "inf", "-inf", UNSET, "-1", "0", "1e15", "9" * 21, "garbage", ESCAPE, "20261129 09:30:00 Foo/Bar", "DU7654321", None]
STATUS, OPEN, EXECUTION, FEE, POSITION = 3, 5, 11, 59, 61
ITS_ID, ITS_TIME, ITS_SHARES = 14, 15, 19
FIELDS = [
    *((STATUS, field) for field in range(1, 12)),
    *((OPEN, field) for field in range(1, 80)),
    *((EXECUTION, field) for field in range(1, 31) if field != ITS_ID),
    *((FEE, field) for field in range(2, 8)),
]


def spoil(tws: TwsProcess, kind: int, field: int, value: str | None) -> None:
    """Without a `value` such messages end before the field."""
    tws.do(f"spoil {kind} {field}{'' if value is None else f' {json.dumps(value)}'}")


def trade(engine: Engine, tws: TwsProcess, nth: int) -> None:
    """Buys a share, or sells it again, as soon as the account is not compared any more."""
    while len(tws.orders()) <= nth:
        view = until(engine, lambda view: view.health.ready)
        number = len(view.orders) + 1
        if engine.answer(engine.submit(market(1, side=Side.SELL if nth % 2 else Side.BUY), confirmed=True)).ok:
            until(engine, lambda view: len(tws.orders()) > nth or "compared" in order_of(view, number).reason)  # noqa: B023


def printable(view: View) -> bool:
    return all(char.isprintable() for text in said_in(view) for char in text)


def said_in(view: View) -> list[str]:
    return [*(line.text for line in view.log), *(row.reason for row in view.orders), view.health.problem]


# ---- any field, any value


@pytest.mark.parametrize("seed", range(2))
def test_whatever_a_field_of_a_fill_says_the_link_lives_and_the_books_come_to_be_tws_own(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        for nth in range(tries(12, 150)):
            kind, field = chance.choice(FIELDS)
            value = chance.choice(HOSTILE)
            spoil(tws, kind, field, value)
            trade(engine, tws, nth)
            view = engine.status()
            held = sum(row.quantity for row in view.positions)
            assert held in (0, 1), (kind, field, value)
            tws.do("whole")
            engine.answer(engine.sync())
            view = agree(engine, tws)
            assert printable(view), (kind, field, value)
            once(tws, view)


def _messages(ticket: Ticket) -> list[say.Message]:
    told = ticket.executions[0]
    return [
        *(say.open_order(ticket), say.order_status(ticket), say.execution(ticket, told), say.commission(told, "USD")),
        *(say.completed_order(ticket), say.error(ticket.order_id, 201, "no"), say.position("DU1234567", ticket.stock, D(4), D(90))),
    ]


async def test_no_message_breaks_what_hears_it_and_no_figure_of_an_order_is_none() -> None:
    """All fields of each message in turn, and each cut short there: by the library's decoder, without a wire."""
    chance = random.Random(1)
    told: list[object] = []
    hearing = Hearing(7, told.append, _no_link, lambda words: None, Ledger())
    facts: list[Fact] = []

    def hear(fact: Fact) -> None:
        facts.append(fact)
        hearing.hear(fact)

    session = Session(hear, lambda why: None)
    decoder = session._ib.client.decoder
    decoder.serverVersion = 176
    for nth in range(tries(1500, 20_000)):
        ticket = Ticket(7, nth + 1, 1_900_000_000 + nth, STOCKS[0], Terms("BUY", D(10), "LMT", D(90), None, "DAY", account="DU1234567"))
        ticket.terms.order_ref = f"261129-00000000-{nth}"
        ticket.status, ticket.filled, ticket.cost = "Submitted", D(4), D(360)
        ticket.executions = [Execution(f"0000e0d5.{nth:08x}.01.01", "20261129 15:00:00 UTC", D(4), D(90), D(4), D(90), D(1))]
        hearing.known.add(ticket.terms.order_ref)
        for message in _messages(ticket):
            fields = [text(field) for field in message]
            if chance.random() < 0.5:
                field = chance.randrange(1, len(fields))
                value = chance.choice(HOSTILE)
                fields = fields[:field] if value is None else [*fields[:field], value, *fields[field + 1 :]]
            decoder.interpret(fields)
    assert any(isinstance(fact, NotUnderstood) for fact in facts)
    for event in told:
        if isinstance(event, OrderUpdate):
            assert all(figure.is_finite() and figure >= 0 for figure in (event.filled, event.cost)), event
            assert event.fees.is_finite()
            assert event.filled <= 10, event
        texts = [event.reason] if isinstance(event, OrderUpdate) else [event.text] if isinstance(event, Note) else []
        assert all(each.isprintable() for each in texts)
    hearing.end()


def _no_link() -> Session:
    raise ConnectionError("there is no link in this test")


# ---- what made them necessary


def test_a_count_of_more_than_an_order_is_for_is_not_booked_without_its_executions(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        spoil(tws, STATUS, 3, "1e12")
        engine.submit(market(1))
        view = until(engine, is_in(1, OrderState.FILLED))
        assert order_of(view, 1).filled == 1
        assert not said(agree(engine, tws), "reached the limit")


def test_an_execution_of_a_time_zone_nobody_knows_is_booked_like_any_other(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        spoil(tws, EXECUTION, ITS_TIME, "20261129 09:30:00 Foo/Bar")
        engine.submit(market(10))
        until(engine, lambda view: is_in(1, OrderState.FILLED)(view) and said(view, "#1: fees 1"))
        view = agree(engine, tws)
        assert not said(view, "not understood")


def test_executions_that_are_never_understood_are_said_once_and_compared_no_oftener_than_anything(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        spoil(tws, EXECUTION, ITS_SHARES, "garbage")
        for nth in range(6):
            trade(engine, tws, nth)
        view = until(engine, lambda view: said(view, "was not understood, the account is compared"))
        for _ in range(3):
            engine.answer(engine.sync())
        asked = tws.do("book")["asked"]["positions"]
        for _ in range(5):
            engine.answer(engine.sync())
        # One that was under way, and one of the minute's own, may come on top of the five.
        assert tws.do("book")["asked"]["positions"] - asked <= 7, "an answer that is not understood is no reason to ask again"
        view = engine.status()
        assert sum("A message of TWS was not understood" in line.text for line in view.log) == 1
        tws.do("whole")
        agree(engine, tws)


def test_a_position_that_is_not_understood_is_not_taken_for_none(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        engine.submit(market(10))
        until(engine, is_in(1, OrderState.FILLED))
        agree(engine, tws)
        spoil(tws, POSITION, 14, "garbage")
        engine.sync()
        view = until(engine, lambda view: said(view, "a message of TWS's answer was not understood"))
        assert view.mismatches == ()
        assert not said(view, "The broker holds no AAPL")
        tws.do("whole")
        agree(engine, tws)


def test_that_tws_lost_ib_is_heard_also_where_it_says_so_without_a_word(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do('say [4, 2, -1, 1100, "", ""]')
        until(engine, state(LinkState.DEGRADED))
        tws.do('say [4, 2, -1, 1102, "", ""]')
        agree(engine, tws)
