"""A database holds the books of one account at one broker: another is refused at the start, in words, and nothing is written."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.books import refuse_another
from engine.brokers.base import Broker, BrokerError
from engine.brokers.ib.broker import IbBroker
from engine.brokers.ib.config import IbConfig
from tests.engine.engines import ToldBroker, make, running
from tests.servers.tws.driver import TwsProcess


def ib(tws: TwsProcess) -> IbBroker:
    return IbBroker(IbConfig(port=tws.port, client_id=7))


def problem(folder: Path, broker: Broker | None) -> str:
    """Why an engine on the database in `folder` does not start."""
    engine = make(folder, broker)
    engine.start()
    try:
        return engine.wait_ready().health.problem
    finally:
        engine.shutdown()


def records(folder: Path) -> int:
    with sqlite3.connect(folder / "paper.db") as db:
        (count,) = db.execute("SELECT count(*) FROM journal").fetchone()
    db.close()
    return int(count)


def test_another_broker_is_refused_and_the_own_one_goes_on(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    before = records(tmp_path)
    with TwsProcess() as tws:
        words = problem(tmp_path, ib(tws))
        assert tws.do("book")["clients"] == []
    assert "holds the books of paper, and this is ib" in words
    assert "--database" in words
    assert records(tmp_path) == before
    with running(tmp_path):
        pass


def test_another_account_at_the_same_broker_is_refused_once_it_has_told_its_number(tmp_path: Path) -> None:
    with TwsProcess("DU1234567") as tws, running(tmp_path, ib(tws)):
        pass
    before = records(tmp_path)
    with TwsProcess("DU7654321") as tws:
        words = problem(tmp_path, ib(tws))
        assert tws.do("book")["clients"] == [], "it keeps the link, and its client id, though nothing is traded there"
    assert "holds the books of ib DU1234567, and this is ib DU7654321" in words
    assert records(tmp_path) == before
    with TwsProcess("DU1234567") as tws, running(tmp_path, ib(tws)):
        pass


def test_paper_is_refused_on_a_brokers_books(tmp_path: Path) -> None:
    with running(tmp_path, ToldBroker()):
        pass
    assert "holds the books of told, and this is paper" in problem(tmp_path, None)


@pytest.mark.parametrize(
    ("books", "venue"),
    [("", "ib DU1"), ("ib DU1", "ib DU1"), ("ib", "ib DU1"), ("ib DU1", "ib"), ("paper", "paper")],
)
def test_books_of_nobody_or_of_the_same_account_are_gone_on_with(books: str, venue: str) -> None:
    refuse_another(books, venue)


@pytest.mark.parametrize(("books", "venue"), [("ib DU1", "ib DU2"), ("ib DU1", "alpaca PA1"), ("paper", "alpaca")])
def test_books_of_another_are_not(books: str, venue: str) -> None:
    with pytest.raises(BrokerError, match="two accounts never share a file"):
        refuse_another(books, venue)
