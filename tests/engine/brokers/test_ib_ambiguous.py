"""Submits of which nobody knows at first whether they arrived, many in a row: none is sent again, and none is closed wrongly."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.brokers.ib import client
from engine.model.modes import LinkState
from engine.model.orders import OrderState, Side
from engine.model.views import View
from tests.engine.brokers.ib_engine import agree, link_of, soon, trading
from tests.engine.engines import market, order_of, until
from tests.servers.tws.driver import TwsProcess
from tests.thorough import tries

__all__ = ["soon"]
FAULTS = ("unseen", "unseen_cut", "unanswered", "cut")
"""Lost on the way there, or on the way back; with the link, or without."""
ENDED = (OrderState.FILLED, OrderState.REJECTED, OrderState.CANCELED)


def is_over(number: int) -> Callable[[View], bool]:
    return lambda view: any(row.number == number and row.state in ENDED for row in view.orders)


@pytest.mark.parametrize("seed", range(tries(1, 20)))
def test_of_many_ambiguous_submits_none_is_sent_again_and_none_is_closed_wrongly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """1,000 of them in a thorough run, beside those that a link which just went kept from being sent."""
    # Whether an answer was waited for long enough changes nothing of what is right.
    monkeypatch.setattr(client, "FIRST_WORD_S", 0.1)
    chance, count = random.Random(seed), tries(24, 50)
    with TwsProcess() as tws, trading(tmp_path, tws, settle_s=0.1) as engine:
        taken: list[str] = []
        lost = number = 0
        while len(taken) + lost < count:
            number += 1
            what = chance.choice(FAULTS)
            tws.do(f"arm submit {what}")
            wish = market(1, side=Side.BUY if number % 2 else Side.SELL)
            while not engine.answer(engine.submit(wish, confirmed=True)).ok:
                # The link is not back yet, or not compared.
                until(engine, lambda view: view.health.ready and link_of(view) is LinkState.UP)
            row = order_of(until(engine, is_over(number)), number)
            if row.state is OrderState.CANCELED:
                # The link went down between the write and the send: no byte of it went out.
                assert row.reason == "cancelled before it was sent"
                tws.do("disarm")
            elif what in ("unanswered", "cut"):
                assert row.state is OrderState.FILLED
                assert row.filled == 1
                taken.append(row.id)
            else:
                assert row.state is OrderState.REJECTED
                lost += 1
        book = tws.do("book")
        assert [order["ref"] for order in book["orders"]] == taken
        assert (book["copies"], len(book["lost"])) == (0, lost)
        agree(engine, tws)
