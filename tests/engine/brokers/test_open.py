"""A broker is opened by its name: of an installed package, too, and in words where it cannot be."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest
from msgspec.structs import replace

from engine.brokers import open as opening
from engine.brokers.base import BrokerError
from engine.brokers.open import open_broker
from engine.model.settings import FeedSettings, Settings
from tests.engine.engines import ToldBroker


def theirs(params: dict[str, object]) -> ToldBroker:
    return ToldBroker(name=str(params["name"]))


def none(params: dict[str, object]) -> None:
    """Forgot to answer one."""


def broken(params: dict[str, object]) -> ToldBroker:
    raise RuntimeError("no licence")


def test_a_broker_of_an_installed_package_is_found_by_name_and_given_its_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("theirs", f"{__name__}:theirs", opening.ENTRY_POINTS)
    monkeypatch.setattr(opening, "installed", lambda: {"theirs": point})
    assert open_broker("theirs", replace(Settings(), broker_params={"name": "T"})).name == "T"
    assert "theirs" in opening.broker_names()


def test_a_broker_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(BrokerError, match=r"There is no broker 'nobody': there are .*paper"):
        open_broker("nobody", Settings())


def test_a_package_that_fails_ends_the_start_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("broken", f"{__name__}:broken", opening.ENTRY_POINTS)
    monkeypatch.setattr(opening, "installed", lambda: {"broken": point})
    with pytest.raises(BrokerError, match=r"cannot be opened \(RuntimeError: no licence\)"):
        open_broker("broken", Settings())


def test_what_is_no_broker_is_said_with_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("none", f"{__name__}:none", opening.ENTRY_POINTS)
    monkeypatch.setattr(opening, "installed", lambda: {"none": point})
    with pytest.raises(BrokerError, match="The broker 'none' of an installed package is NoneType, without connect, submit, submit_group, "):
        open_broker("none", Settings())


def test_ib_on_its_own_ports_takes_no_orders_on_simulated_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IB_PORT", "4002")
    with pytest.raises(BrokerError, match="--feed ib, yahoo or alpaca"):
        open_broker("ib", Settings())
    assert open_broker("ib", replace(Settings(), feed=FeedSettings(source="yahoo"))).name == "ib"
    monkeypatch.setenv("IB_PORT", "17497")
    assert open_broker("ib", Settings()).name == "ib"
