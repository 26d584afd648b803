"""The link to TWS: what it says of itself, in bounded time, and what is in the books once it is back."""

from __future__ import annotations

import asyncio
import logging
import time
from decimal import Decimal
from pathlib import Path

import pytest

from engine.brokers.base import BrokerError
from engine.brokers.ib import link
from engine.brokers.ib.broker import IbBroker
from engine.brokers.ib.config import IbConfig, account_of, ib_config
from engine.model.modes import LinkState
from engine.model.order_states import OrderEvent
from engine.model.orders import OrderState
from engine.model.settings import IbSettings
from tests.engine.brokers.ib_engine import agree, is_in, once, soon, state, trading, until_problem, working
from tests.engine.brokers.ib_rig import at_noon, ib_rig
from tests.engine.engines import limit, make, market, order_of, said, until
from tests.servers.tws.driver import TwsProcess

D = Decimal
__all__ = ["soon"]


# ---- what may happen to it


def test_fills_without_events_while_the_link_was_down_are_booked_when_it_is_back(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        order = working(engine)
        tws.do(f"fill {order.id} 4 90")
        until(engine, is_in(1, OrderState.PARTIAL))
        tws.do("away")
        view = until(engine, state(LinkState.DOWN))
        assert "see whether TWS or Gateway runs" in view.health.links[0].reason
        assert not engine.answer(engine.submit(limit(5))).ok
        tws.do(f"fill {order.id} 6 89.5 silent")
        tws.do("back")
        view = agree(engine, tws)
        assert order_of(view, 1).state is OrderState.FILLED
        once(tws, view)


def test_a_link_that_is_half_open_is_noticed_and_made_anew(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        working(engine)
        began = time.monotonic()
        tws.do("mute")
        until(engine, lambda view: said(view, "did not answer within"))
        assert time.monotonic() - began < link.HEARTBEAT_S + link.ANSWER_S + 10
        agree(engine, tws)


def test_a_submit_on_a_link_that_is_half_open_is_unknown_and_never_doubled(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("mute")
        engine.submit(market())
        until(engine, is_in(1, OrderState.REJECTED))
        assert tws.orders() == []
        agree(engine, tws)


def test_tws_without_ib_behind_it_is_degraded_blocks_orders_and_not_cancels(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        order = working(engine)
        tws.do("code 1100")
        view = until(engine, state(LinkState.DEGRADED))
        assert "Connectivity between IB" in view.health.links[0].reason
        refused = engine.answer(engine.submit(limit(5)))
        assert "degraded" in refused.text
        engine.cancel(order.id)
        until(engine, is_in(1, OrderState.CANCELED))
        tws.do("code 1102")
        agree(engine, tws)
        assert engine.answer(engine.submit(limit(5), confirmed=True)).ok


@pytest.mark.parametrize("code", [1101, 1102])
def test_when_ib_is_back_the_account_is_compared(tmp_path: Path, code: int) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        order = working(engine)
        tws.do("code 1100")
        until(engine, state(LinkState.DEGRADED))
        tws.do(f"fill {order.id} 10 90 silent")
        tws.do(f"code {code}")
        view = agree(engine, tws)
        assert order_of(view, 1).state is OrderState.FILLED


def test_a_client_id_that_is_taken_ends_the_start_and_says_what_to_do(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path / "one", tws):
        engine = make(tmp_path / "two", IbBroker(IbConfig(port=tws.port, client_id=7)))
        engine.start()
        try:
            view = engine.wait_ready()
            assert "Client id 7 is in use" in view.health.problem
            assert "IB_CLIENT_ID" in view.health.problem
        finally:
            engine.shutdown()


def test_a_client_id_that_somebody_took_while_we_were_away_is_fatal_after_a_few_attempts(tmp_path: Path) -> None:
    """A few, for TWS may believe for a while that our own dead connection still has it."""
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("taken 7")
        tws.do("cut")
        view = until(engine, state(LinkState.FATAL))
        assert "IB_CLIENT_ID" in view.health.links[0].reason
        assert not engine.answer(engine.submit(limit())).ok


def test_where_nothing_listens_the_start_waits_and_says_for_what(tmp_path: Path) -> None:
    with TwsProcess() as tws:
        tws.do("away")
        engine = make(tmp_path, IbBroker(IbConfig(port=tws.port, client_id=7), at_noon))
        engine.start()
        try:
            until_problem(engine, "see whether TWS or Gateway runs")
            tws.do("back")
            assert engine.wait_ready().health.ready
        finally:
            engine.shutdown()


async def test_the_answer_to_a_question_that_nobody_waits_for_any_more_is_not_taken_for_that_to_the_next() -> None:
    async with ib_rig() as rig:
        await rig.bought()
        await rig.do("fills off")
        await rig.do("delay 0.3")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rig.broker.find("261128-00000000-99"), 0.05)
        order = rig.order(limit=90)
        _, found = await asyncio.gather(rig.broker.submit(order), rig.broker.find(order.id))
        assert found is not None
        assert found.event is OrderEvent.WORK


def test_of_a_link_on_which_nothing_happens_the_age_is_that_of_its_last_heartbeat(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        until(engine, lambda view: asked(tws) >= 5 and (view.health.links[0].age_ms or 0) < 2 * 1000 * link.HEARTBEAT_S)


def asked(tws: TwsProcess) -> int:
    """Heartbeats that were answered."""
    return int(tws.do("book")["asked"].get("time", 0))


def test_messages_that_arrive_closer_together_than_they_were_sent_are_not_too_many_a_second(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("delay 0.1")
        for number in range(30):
            engine.submit(limit(1, 40 + number), confirmed=True)
        until(engine, lambda view: len(tws.orders()) >= 25)
        tws.do("delay 0")
        for number in range(30):
            engine.submit(limit(1, 40 + number, "MSFT"), confirmed=True)
        view = until(engine, lambda view: len(tws.orders()) == 60)
        assert not said(view, "asked too much")


# ---- what is only said


def test_market_data_that_another_session_took_is_said_and_trading_goes_on(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("code 10197")
        until(engine, lambda view: said(view, "market data goes to another session"))
        engine.submit(market())
        until(engine, is_in(1, OrderState.FILLED))
        agree(engine, tws)


def test_a_clock_that_is_off_is_said(tmp_path: Path) -> None:
    with TwsProcess() as tws:
        tws.do("skew 60")
        with trading(tmp_path, tws) as engine:
            until(engine, lambda view: said(view, "s apart: set the clock"))


def test_nothing_of_the_library_reaches_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        assert not logging.getLogger("ib_insync").propagate
        tws.do("arm submit 9999 : Something or other.")
        engine.submit(limit())
        until(engine, is_in(1, OrderState.REJECTED))
        tws.do("cut")
        agree(engine, tws)
    assert capfd.readouterr() == ("", "")


def test_money_that_came_in_at_ib_is_in_the_books_after_two_comparisons(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("cash 500")
        for _ in range(2):
            engine.answer(engine.sync())
        agree(engine, tws)


# ---- paper and live


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"IB_PORT": "7496"}, "trades live"),
        ({"IB_PORT": "4001"}, "4002 is its port"),
        ({"IB_PORT": "http"}, "whole number"),
        ({"IB_CLIENT_ID": "0"}, "from 1"),
        ({"IB_PAPER_ACCOUNT": "U1234567"}, "no paper account"),
    ],
)
def test_an_environment_that_would_trade_live_or_makes_no_sense_is_refused(environment: dict[str, str], words: str) -> None:
    with pytest.raises(BrokerError, match=words):
        ib_config(environment, IbSettings())


def test_what_the_environment_leaves_out_is_tws_on_paper_on_this_machine() -> None:
    assert ib_config({}, IbSettings()) == IbConfig("127.0.0.1", 7497, 17, "")
    given = {"IB_HOST": "gateway", "IB_PORT": "4002", "IB_CLIENT_ID": "5", "IB_PAPER_ACCOUNT": "DU1"}
    assert ib_config(given, IbSettings()) == IbConfig("gateway", 4002, 5, "DU1")


@pytest.mark.parametrize(
    ("environment", "settings", "words"),
    [
        ({}, IbSettings(), "by its number alone"),
        ({"IB_PAPER_ACCOUNT": "U1"}, IbSettings(), "by its number alone"),
        ({}, IbSettings(account="DU1"), "ib.account is DU1, which is no live account"),
        ({"IB_PORT": "7497"}, IbSettings(account="U1"), "IB_PORT is 7497, where TWS trades paper: this is a live account, and 7496"),
        ({}, IbSettings(account="U1", port=4002), "ib.port is 4002, where Gateway trades paper: this is a live account, and 4001"),
    ],
)
def test_what_would_trade_on_paper_in_place_of_live_is_refused(environment: dict[str, str], settings: IbSettings, words: str) -> None:
    with pytest.raises(BrokerError, match=words):
        ib_config(environment, settings, "live")


def test_the_config_comes_before_the_environment() -> None:
    given = {"IB_HOST": "gateway", "IB_PORT": "4002", "IB_CLIENT_ID": "5", "IB_PAPER_ACCOUNT": "DU1"}
    assert ib_config(given, IbSettings("other", 5000, 6, "DU2")) == IbConfig("other", 5000, 6, "DU2")
    assert ib_config({}, IbSettings(account="U1"), "live") == IbConfig("127.0.0.1", 7496, 17, "U1", "live")


def test_a_live_config_takes_no_account_on_paper_and_a_paper_one_none_that_is_live() -> None:
    with pytest.raises(BrokerError, match=r"DU1 at .* is a paper account, and this is a live one"):
        account_of(IbConfig(kind="live"), ("DU1",))
    with pytest.raises(BrokerError, match=r"U1 at .* is a live account, and this is a paper one"):
        account_of(IbConfig(), ("U1",))


def test_of_several_accounts_one_must_be_named() -> None:
    with pytest.raises(BrokerError, match="IB_PAPER_ACCOUNT"):
        account_of(IbConfig(), ("DU1", "DU2"))
    assert account_of(IbConfig(account="DU2"), ("DU1", "DU2")) == "DU2"


def test_a_live_account_behind_a_paper_port_does_not_start(tmp_path: Path) -> None:
    with TwsProcess(account="U7654321") as tws:
        engine = make(tmp_path, IbBroker(IbConfig(port=tws.port, client_id=7)))
        engine.start()
        try:
            view = engine.wait_ready()
            assert "is a live account" in view.health.problem
            assert not view.health.ready
        finally:
            engine.shutdown()
