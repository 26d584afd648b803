"""IB's nightly reset and weekly log-in are states of the link: known by the hour and by what TWS does, and over when they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.brokers.ib.away import away, reset_until
from engine.brokers.ib.config import IbConfig
from engine.feeds.base import FeedLostError
from engine.feeds.ib.line import Line
from engine.live import Engine
from engine.model.modes import LinkState
from engine.model.orders import OrderState
from engine.model.settings import IbRegion
from tests.engine.brokers.ib_engine import agree, is_in, once, soon, state, trading, working
from tests.engine.engines import limit, until
from tests.servers.tws.driver import TwsProcess

__all__ = ["soon"]
SECOND = 1_000_000_000


def at(text: str) -> int:
    """`2024-06-19 04:00`, UTC; New York is four hours behind then, in winter five."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


class Hour:
    """A wall clock that stands until it is set."""

    def __init__(self, text: str) -> None:
        self.now = at(text)

    def set(self, text: str) -> None:
        self.now = at(text)

    def __call__(self) -> int:
        return self.now


# ---- when IB is away


@pytest.mark.parametrize(
    ("region", "now", "until"),
    [
        ("america", "2024-06-19 03:44", ""),
        ("america", "2024-06-19 03:45", "01:45 ET"),
        ("america", "2024-06-19 05:44", "01:45 ET"),
        ("america", "2024-06-19 05:45", ""),
        ("america", "2024-12-18 04:50", "01:45 ET"),
        ("america", "2024-12-18 03:50", ""),
        ("europe", "2024-06-19 04:00", "01:45 ET"),
        ("europe", "2024-06-19 06:00", ""),
        ("asia", "2024-06-18 21:00", "18:05 ET"),
        ("asia", "2024-06-19 12:30", "09:15 ET"),
        ("asia", "2024-06-19 04:00", ""),
        ("america", "2024-06-22 03:30", "03:00 ET"),
        ("america", "2024-06-22 06:30", "03:00 ET"),
        ("asia", "2024-06-22 06:30", "03:00 ET"),
        ("europe", "2024-06-22 07:00", ""),
        ("america", "2024-06-23 03:30", ""),
    ],
)
def test_a_reset_is_where_the_servers_are_and_on_friday_for_longer(region: IbRegion, now: str, until: str) -> None:
    assert reset_until(at(now), region) == until


@pytest.mark.parametrize(
    ("heard", "now", "mute", "what"),
    [
        ("2024-06-19 16:00", "2024-06-19 16:01", False, LinkState.DOWN),
        ("2024-06-22 16:00", "2024-06-22 16:01", False, LinkState.DOWN),
        ("2024-06-23 03:50", "2024-06-23 04:00", False, LinkState.RESET),
        ("2024-06-23 03:50", "2024-06-23 06:00", False, LinkState.LOGIN),
        ("2024-06-23 03:50", "2024-06-25 16:00", False, LinkState.LOGIN),
        ("2024-06-23 05:01", "2024-06-23 06:00", False, LinkState.DOWN),
        ("2024-06-19 16:00", "2024-06-19 16:01", True, LinkState.LOGIN),
        ("", "2024-06-23 06:00", False, LinkState.DOWN),
    ],
)
def test_a_log_in_is_due_where_sunday_has_come_since_tws_was_there_or_it_takes_connections_and_is_mute(
    heard: str, now: str, mute: bool, what: LinkState
) -> None:
    told = away("gone", at(now), at(heard) if heard else 0, "america", mute=mute)
    assert told.state is what
    assert "gone" in told.reason


# ---- with TWS


@contextmanager
def at_night(folder: Path, hour: Hour, mishap: str) -> Iterator[tuple[TwsProcess, Engine, str]]:
    """An engine with an order at work, in the reset at that `hour` since the `mishap`; why it is there comes with it."""
    with TwsProcess() as tws, trading(folder, tws, wall=hour) as engine:
        working(engine)
        tws.do(mishap)
        yield tws, engine, until(engine, state(LinkState.RESET)).health.links[0].reason


def test_the_nightly_reset_is_a_state_that_is_waited_out_and_over_at_its_hour(tmp_path: Path) -> None:
    hour = Hour("2024-06-19 03:50")
    with at_night(tmp_path, hour, "reset") as (tws, engine, reason):
        assert "until 01:45 ET at the latest, and is tried until it is back" in reason
        assert not engine.status().health.ready
        assert not engine.answer(engine.submit(limit(5))).ok
        hour.set("2024-06-19 06:00")
        view = until(engine, state(LinkState.DOWN))
        assert "see whether TWS or Gateway runs" in view.health.links[0].reason
        tws.do("back")
        once(tws, agree(engine, tws))


def test_a_tws_without_ib_behind_it_is_in_the_reset_at_its_hour_and_degraded_after_it(tmp_path: Path) -> None:
    hour = Hour("2024-06-19 03:50")
    with at_night(tmp_path, hour, "code 1100") as (tws, engine, reason):
        assert "TWS has lost IB's servers" in reason
        engine.cancel()
        until(engine, is_in(1, OrderState.CANCELED))
        hour.set("2024-06-19 06:00")
        until(engine, state(LinkState.DEGRADED))
        tws.do("code 1102")
        agree(engine, tws)


def test_after_the_end_of_all_log_ins_somebody_must_log_in_and_the_rest_goes_by_itself(tmp_path: Path) -> None:
    hour = Hour("2024-06-23 03:50")
    with at_night(tmp_path, hour, "reset") as (tws, engine, _):
        hour.set("2024-06-23 06:00")
        view = until(engine, state(LinkState.LOGIN))
        assert "IB ended all log-ins on Sunday, 01:00 ET" in view.health.links[0].reason
        tws.do("back")
        agree(engine, tws)


def test_a_tws_that_takes_the_connection_and_is_mute_waits_for_its_log_in(tmp_path: Path) -> None:
    with TwsProcess() as tws, trading(tmp_path, tws) as engine:
        tws.do("logout")
        view = until(engine, state(LinkState.LOGIN))
        assert "Log in at TWS or Gateway, or say yes" in view.health.links[0].reason
        tws.do("login")
        agree(engine, tws)


def test_of_prices_that_come_by_another_connection_the_same_is_told() -> None:
    hour = Hour("2024-06-23 03:50")
    with TwsProcess() as tws:
        line = Line(IbConfig(port=tws.port, client_id=7), wall=hour)

        def standing() -> LinkState:
            with pytest.raises(FeedLostError) as lost:
                line.ask(line.up)
            return lost.value.state

        try:
            line.ask(line.up)
            tws.do("away")
            while line.trouble() is None:
                line.ask(lambda: asyncio.sleep(0.01))
            assert standing() is LinkState.RESET
            hour.set("2024-06-23 04:50")
            assert standing() is LinkState.RESET
            hour.set("2024-06-23 06:00")
            assert standing() is LinkState.LOGIN
            tws.do("back")
            line.ask(line.up)
            assert line.trouble() is None
        finally:
            line.close()
