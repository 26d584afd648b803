"""Which lines of the log matter, what they lead to, and how long they stay."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from console.notices import KEPT, Notices, loudest, notice_of
from engine.model.modes import Level
from engine.model.views import LogLine

INFO, WARNING, ERROR = Level.INFO, Level.WARNING, Level.ERROR


def test_a_notice_is_of_the_time_that_its_line_shows() -> None:
    of_now, played = notice_of(line(ERROR, "x", "y"), away=False), notice_of(replace(line(ERROR, "x", "y"), at=7), away=False)
    assert of_now is not None
    assert played is not None
    assert (of_now.at, played.at) == (1_001, 7)


def line(level: Level, source: str, text: str, number: int = 1) -> LogLine:
    return LogLine(number, 1_000 + number, level, source, text)


@pytest.mark.parametrize(
    ("level", "source", "text", "leads_to"),
    [
        (WARNING, "alert", "AAPL 190.02 is above 190", ("watch", "AAPL")),
        (ERROR, "order", "#12 AAPL rejected: no shares to borrow", ("orders", "12")),
        (ERROR, "order", "#12 AAPL unknown: timeout", ("orders", "12")),
        (ERROR, "sma_cross", "ZeroDivisionError: x It is disabled.", ("log", "")),
        (ERROR, "paper", "link down: connection reset", ("log", "")),
        (WARNING, "ib", "Account DU1 is kept in EUR and has 5.00 EUR: its dollars alone are traded here", ("log", "")),
        (WARNING, "ib", "link login: Log in at TWS or Gateway, the rest goes by itself", ("log", "")),
        (WARNING, "ib", "Log in at TWS or Gateway, the rest goes by itself. It is tried again in 30 s.", ("log", "")),
        (ERROR, "prices.csv", "The file is gone. Prices go stale; positions and orders are as they were.", ("log", "")),
        (ERROR, "reconcile", "AAPL: 100 here, 90 at the broker: no entries in AAPL until both agree", ("log", "")),
        (ERROR, "reconcile", "#7 AAPL is not among the broker's orders: asking for it by its id", ("orders", "7")),
        (ERROR, "risk", "the daily loss of 2,100 reached its limit: no entries until the next session", ("risk", "")),
        (ERROR, "trading", "HALTED, set by latch: tradeconsole kill", ("log", "")),
        (WARNING, "sma_cross", "signal 3 MSFT expired by time", ("signals", "3")),
        (WARNING, "cash", "cash changed by -5 without a trade: fee", ("log", "")),
        (WARNING, "start", "The last run did not end in order, so this one starts in MANUAL", ("log", "")),
    ],
)
def test_what_matters_is_a_notice_that_leads_to_what_it_is_about(level: Level, source: str, text: str, leads_to: tuple[str, str]) -> None:
    notice = notice_of(line(level, source, text), away=False)
    assert notice is not None
    assert (notice.panel, notice.row, notice.text) == (*leads_to, text)


@pytest.mark.parametrize(
    ("level", "source", "text"),
    [
        (ERROR, "trading", "HALTED, set by you: stop key"),
        (INFO, "trading", "ACTIVE, set by you: looked at it"),
        (INFO, "ib", "link reset: IB resets its servers each night, until 01:45 ET at the latest"),
        (INFO, "order", "#12 BUY 10 AAPL @ 190 DAY"),
        (WARNING, "gate", "denied BUY 500 MSFT: exposure would be 92%"),
        (WARNING, "mode", "FULL_AUTO, set by you"),
        (WARNING, "sma_cross", "signal 3 MSFT denied by gate: stale price"),
        (INFO, "fill", "#38: fees 1"),
        (INFO, "performance", "orders 3 filled 2"),
    ],
)
def test_what_does_not_matter_stays_a_line_of_the_log(level: Level, source: str, text: str) -> None:
    assert notice_of(line(level, source, text), away=True) is None


def test_a_fill_matters_where_nobody_was_watching() -> None:
    fill = line(INFO, "fill", "#12 filled BUY 10 AAPL @ 187.20")
    assert notice_of(fill, away=False) is None
    notice = notice_of(fill, away=True)
    assert notice is not None
    assert (notice.panel, notice.row) == ("orders", "12")


def test_each_line_is_taken_once_and_stays_until_it_is_read() -> None:
    notices = Notices()
    log: tuple[LogLine, ...] = (line(INFO, "engine", "started", 1), line(ERROR, "order", "#1 AAPL rejected", 2))
    assert len(notices.take(log, away=False)) == 1
    assert notices.take(log, away=False) == []
    log = (*log, line(ERROR, "order", "#2 AAPL rejected", 3))
    assert [notice.text for notice in notices.take(log, away=False)] == ["#2 AAPL rejected"]
    assert [notice.number for notice in notices.unread] == [3, 2]
    notices.read(3)
    assert [notice.number for notice in notices.unread] == [2]
    notices.read_all()
    assert (notices.unread, len(notices.newest_first)) == ((), 2)


def test_the_same_said_again_is_counted() -> None:
    notices = Notices()
    said = ("AAPL 190.02 is above 190", "AAPL 190.40 is above 190", "AAPL 179.00 is below 180")
    notices.take(tuple(line(WARNING, "alert", text, number) for number, text in enumerate(said, 1)), away=False)
    assert [(notice.text, notice.count) for notice in notices.unread] == [("AAPL 179.00 is below 180", 1), ("AAPL 190.40 is above 190", 2)]
    notices.read_all()
    notices.take((line(WARNING, "alert", said[0], 9),), away=False)
    assert [notice.count for notice in notices.unread] == [1]


def test_the_oldest_go_and_those_that_were_read_first() -> None:
    notices = Notices()
    notices.take((line(ERROR, "order", "#0 rejected", 1),), away=False)
    notices.take((line(ERROR, "order", "#1 rejected", 2),), away=False)
    notices.read(2)
    notices.take(tuple(line(ERROR, "order", f"#{n} rejected", n) for n in range(3, KEPT + 2)), away=False)
    numbers = [notice.number for notice in notices.newest_first]
    assert len(numbers) == KEPT
    assert 1 in numbers
    assert 2 not in numbers


def test_the_loudest_decides() -> None:
    notices = Notices()
    new = notices.take((line(WARNING, "cash", "x", 1), line(ERROR, "order", "#1 rejected", 2)), away=False)
    assert (loudest(new), loudest(new[:1]), loudest(())) == (ERROR, WARNING, INFO)


def test_the_same_of_two_accounts_is_two_notices_each_with_its_name() -> None:
    notices = Notices()
    told = [
        replace(line(ERROR, "order", "#12 AAPL rejected: no shares", number), account=name) for number, name in ((1, "calm"), (2, "bold"))
    ]
    notices.take(tuple(told), away=False)
    assert [notice.said for notice in notices.newest_first] == ["bold: #12 AAPL rejected: no shares", "calm: #12 AAPL rejected: no shares"]


def test_of_a_link_that_is_back_a_line_tells_from_when_to_when_it_was_down_until_that_is_read() -> None:
    notices = Notices()
    at = 1_700_000_000_000_000_000
    said = ("link down: Nobody listens", "link down: Nobody listens", "link login: Log in at TWS", "#7 AAPL rejected: no shares")
    sources = ("ib", "ib", "ib", "order")
    for number, (source, text) in enumerate(zip(sources, said, strict=True), 1):
        notices.take((replace(line(ERROR, source, text, number), wall=at + number * 10**9),), away=False)
    notices.is_back("", "alpaca", at + 60 * 10**9)
    notices.is_back("calm", "ib", at + 60 * 10**9)
    assert [notice.text for notice in notices.unread] == [said[3], said[2], said[0]], "others are back, not this one"
    notices.is_back("", "ib", at + 60 * 10**9)
    rejected, back = notices.unread
    assert rejected.text == said[3], "what came after it stays the newest"
    assert (back.level, back.text, back.count) == (WARNING, "link was down from 17:13:21 to 17:14:20 and is back", 1)

    notices.take((replace(line(ERROR, "ib", said[0], 9), wall=at + 3600 * 10**9),), away=False)
    notices.is_back("", "ib", at + 3601 * 10**9)
    again = notices.unread[0]
    assert (again.text, again.count, len(notices.unread)) == ("link was down from 18:13:20 to 18:13:21 and is back", 2, 2)
    notices.read_all()
    notices.is_back("", "ib", at + 3700 * 10**9)
    assert not notices.unread
