"""IB's prices live, by the real client: what TWS tells, what it refuses, and what becomes of it when the link or IB itself is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from engine.brokers.ib.config import IbConfig
from engine.feeds.base import FeedError, FeedLostError
from engine.feeds.ib import line as line_module
from engine.feeds.ib import pacing
from engine.feeds.ib import watch as watch_module
from engine.feeds.ib.line import IDS_ABOVE
from engine.feeds.ib.watch import DELAY_NS
from engine.feeds.new_york import SECOND
from engine.model.market import Bar, Close, Halt, MarketStatus, Phase, Quote, SessionClose
from tests.engine.feeds.fake_history import at
from tests.engine.feeds.ib_desk import BEGIN, Desk
from tests.servers.tws.driver import TwsProcess


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has the patience of the real thing."""
    monkeypatch.setattr(pacing, "SAME_AGAIN_S", 0.0)
    monkeypatch.setattr(pacing, "CONTRACT_SPAN_S", 0.0)
    monkeypatch.setattr(pacing, "MOST", 1000)


@pytest.fixture
def tws() -> Iterator[TwsProcess]:
    with TwsProcess() as tws:
        yield tws


# ---- what it tells


async def test_quotes_come_with_their_sizes_and_the_last_trade(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.do("price AAPL 187.50")
        await desk.until(lambda: desk.of(Quote)[-1].last == 187.5 and desk.of(Quote)[-1].bid == 187.49)
        quote = desk.of(Quote)[-1]
        assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size) == (187.49, 187.51, 500.0, 700.0)
        assert 0 <= desk.wall() - quote.at < 20 * SECOND
        assert desk.of(MarketStatus)[-1].phase is Phase.REGULAR
        assert desk.feed.delay("AAPL") == 0


async def test_it_connects_beside_the_broker_under_an_id_of_its_own(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        assert (await desk.do("book"))["clients"] == [IbConfig().client_id + IDS_ABOVE[0]]


async def test_a_side_that_nobody_is_on_makes_no_quote(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.do("tick AAPL 1 -1")
        await desk.do("tick AAPL 2 111")
        await desk.do("tick AAPL 1 110")
        await desk.until(lambda: desk.of(Quote)[-1].bid == 110)
        assert not [quote for quote in desk.of(Quote) if quote.ask == 111 and quote.bid != 110]


async def test_a_minutes_bar_is_made_of_its_five_seconds_and_told_once_at_its_close(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.until_followed(bars=["AAPL"])
        await desk.do("bar AAPL 2024-06-18T16:00:55 99")
        await desk.forward(28)  # of the minute that is under way only a part was streamed: it is asked for
        await desk.until(lambda: desk.bars())
        assert desk.bars()[0][0] == at("2024-06-18T16:01:00")
        for second in range(0, 60, 5):
            await desk.do(f"bar AAPL 2024-06-18T16:01:{second:02} {200 + second}")
        await desk.until(lambda: len(desk.bars()) == 2)
        bar = desk.of(Bar)[-1]
        assert (bar.at, bar.open, bar.high, bar.low, bar.close) == (at("2024-06-18T16:02:00"), 200, 255, 200, 255)


async def test_a_bar_of_which_some_seconds_are_missing_is_asked_for(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.until_followed(bars=["AAPL"])
        await desk.do("bar AAPL 2024-06-18T16:00:55 99")
        for second in (0, 5, 10, 40, 45, 50, 55):
            await desk.do(f"bar AAPL 2024-06-18T16:01:{second:02} 200")
        await desk.forward(95)
        await desk.until(lambda: len(desk.bars()) == 2)
        assert desk.of(Bar)[-1].at == at("2024-06-18T16:02:00")
        assert desk.of(Bar)[-1].close != 200


async def test_what_the_start_has_fetched_is_not_asked_for_again(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.until_followed(bars=["AAPL"])
        assert await desk.asked("history AAPL") == 2  # its minutes, and its days
        await desk.forward(33)
        await desk.until(lambda: desk.bars())
        assert await desk.asked("history AAPL") == 3  # the minute of which a part was not heard


async def test_days_are_asked_for_when_they_have_closed(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path, timeframe="1d")
    async with desk.listening():
        assert (await desk.followed())["bars"] == []
        await desk.forward(4 * 3600)
        await desk.until(lambda: desk.bars())
        assert desk.bars()[0][0] == at("2024-06-18T20:00:00")


async def test_when_the_session_is_over_what_it_closed_at_is_told_by_its_day(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.forward(8 * 3600 + 60)  # after hours are over
        await desk.until(lambda: desk.of(SessionClose))
        (told,) = desk.of(SessionClose)
        tuesday = date(2024, 6, 18)
        (day,) = (await desk.feed._worker.call(lambda: desk.feed._source.bars("AAPL", "1d", tuesday, tuesday))).bars
        assert told.close == Close("2024-06-18", day.close)


async def test_a_halt_and_its_end_are_told(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        for state in (0, 2, 2, 0):
            await desk.do(f"halt AAPL {state}")
        await desk.until(lambda: len(desk.of(Halt)) == 2)
        assert [(halt.halted, halt.reason) for halt in desk.of(Halt)] == [(True, "halted for its volatility"), (False, "")]


async def test_a_symbol_that_is_followed_later_is_subscribed_and_one_that_is_dropped_is_not(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.feed.follow("BRK.B")
        await desk.until_followed(ticks=["AAPL", "BRK.B"], bars=["AAPL", "BRK.B"])
        await desk.until(lambda: [quote for quote in desk.of(Quote) if quote.symbol == "BRK.B"])
        desk.feed.drop("AAPL")
        await desk.until_followed(ticks=["BRK.B"], bars=["BRK.B"])


# ---- what it may not tell


async def test_what_is_not_subscribed_is_told_late_and_said_to_be_so_once(tws: TwsProcess, tmp_path: Path) -> None:
    tws.do("rights AAPL delayed")
    desk = Desk(tws, tmp_path, ("AAPL", "MSFT"))
    async with desk.listening():
        await desk.do("price AAPL 101")
        await desk.until(lambda: desk.of(Quote)[-1].last == 101)
        quote = desk.of(Quote)[-1]
        assert desk.wall() - quote.at >= DELAY_NS
        assert (desk.feed.delay("AAPL"), desk.feed.delay("MSFT")) == (DELAY_NS, 0)
        await desk.do("cut")  # a new link is no reason to say it again
        await desk.lost()
        desk.start()
        desk.told.clear()
        await desk.until(lambda: desk.of(Quote) and desk.feed.delay("AAPL"))
        assert [text for text in desk.complaints if "AAPL" in text] == [
            "IB tells AAPL 15 minutes late: this user has no subscription to its live prices. "
            "It is shown as stale, and no entry is made on it."
        ]


async def test_what_is_not_told_at_all_is_said_with_ibs_words(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path, ("AAPL", "MSFT"))
    await desk.do("rights MSFT none")
    async with desk.listening():
        await desk.until(lambda: [text for text in desk.complaints if text.startswith("IB has no quotes of MSFT for this user")])
        assert not [quote for quote in desk.of(Quote) if quote.symbol == "MSFT"]


async def test_an_unknown_symbol_is_said_once_and_the_others_come(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path, ("AAPL", "ZZZZ"))
    async with desk.listening():
        await desk.forward(35)
        await desk.until(lambda: desk.bars())
        said = [*desk.feed.problems, *desk.complaints]
        assert [text for text in said if "ZZZZ" in text] == [
            "IB knows no stock ZZZZ in USD: look up how it spells it, and whether it is listed."
        ]


async def test_a_start_with_nothing_but_unknown_symbols_ends_in_words(tws: TwsProcess, tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="IB knows no stock ZZZZ"):
        await Desk(tws, tmp_path, ("ZZZZ",)).prepare()


async def test_quotes_come_before_bars_where_lines_are_short_and_what_is_over_is_said(
    tws: TwsProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "LINES", 3)
    desk = Desk(tws, tmp_path, ("AAPL", "MSFT"))
    async with desk.listening():
        await desk.until_followed(ticks=["AAPL", "MSFT"], bars=["AAPL"])
        await desk.until(lambda: desk.complaints)
        assert "3 lines of market data at IB, and quotes come first: the bars of MSFT are asked for" in desk.complaints[0]
        await desk.forward(35)
        await desk.until(lambda: [bar for bar in desk.of(Bar) if bar.symbol == "MSFT" and bar.at > BEGIN])
        for symbol in ("IBM", "INTC"):
            await desk.feed.follow(symbol)
        await desk.until_followed(ticks=["AAPL", "IBM", "MSFT"], bars=[])
        await desk.until(lambda: [text for text in desk.complaints if "all are taken: INTC has past bars alone" in text])


async def test_a_user_with_fewer_lines_than_usual_is_given_those_he_has(tws: TwsProcess, tmp_path: Path) -> None:
    tws.do("lines 2")
    desk = Desk(tws, tmp_path, ("AAPL", "MSFT", "IBM"))
    async with desk.listening():
        await desk.until_followed(ticks=["AAPL", "MSFT"], bars=[])
        await desk.until(lambda: [text for text in desk.complaints if "has 2 lines of market data at IB" in text and "IBM" in text])


# ---- what goes wrong


async def test_who_asks_too_often_has_quotes_all_the_same_and_bars_later(
    tws: TwsProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.until_followed(bars=["AAPL"])
        asked = await desk.asked("history AAPL")
        monkeypatch.setattr(pacing, "MOST", 3)
        await desk.forward(33)
        await desk.until(lambda: desk.complaints)
        assert desk.complaints[0].startswith("IB is asked for past bars as often as it lets us, 3 times in 10 minutes: the next may go in ")
        assert desk.complaints[0].endswith(" s. Bars that no stream tells come late until then.")
        await desk.do("price AAPL 123")
        await desk.until(lambda: desk.of(Quote)[-1].last == 123)
        assert (await desk.asked("history AAPL"), desk.bars(), len(desk.complaints)) == (asked, [], 1)
        monkeypatch.setattr(pacing, "MOST", 1000)
        desk.skip += 700 * SECOND
        await desk.do("ahead 700")
        await desk.until(lambda: desk.bars())


async def test_data_that_another_session_took_are_asked_for_again(tws: TwsProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.do("competing on")
        error = await desk.lost()
        assert str(error).startswith("Another session of this user has IB's market data: log out there")
        assert isinstance(error, FeedLostError)
        assert error.again_s == line_module.TAKEN_AGAIN_S
        desk.start()
        assert "Another session" in str(await desk.lost())  # it still has
        await desk.do("competing off")
        desk.start()
        await desk.until_followed(ticks=["AAPL"], bars=["AAPL"])  # once each: what TWS held was let go of
        assert await desk.asked("ticks AAPL") > 1


@pytest.mark.parametrize(("code", "again"), [(1102, 0), (1101, 1)])
async def test_while_tws_has_lost_ib_nothing_is_told_and_then_only_what_was_lost_is_subscribed_again(
    tws: TwsProcess, tmp_path: Path, code: int, again: int
) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.until_followed(bars=["AAPL"])
        before = await desk.asked("ticks AAPL"), await desk.asked("bars AAPL")
        await desk.do("code 1100")
        error = await desk.lost()
        assert str(error).startswith("TWS has lost IB's servers (Connectivity between IB and Trader Workstation has been lost)")
        desk.start()
        told = len(desk.told)
        await desk.do("price AAPL 150")
        await desk.do(f"code {code}")
        await desk.until(lambda: len(desk.told) > told)  # its first word: the market's hours
        await desk.until_followed(ticks=["AAPL"], bars=["AAPL"])
        assert (await desk.asked("ticks AAPL"), await desk.asked("bars AAPL")) == (before[0] + again, before[1] + again)
        await desk.do("price AAPL 151")
        await desk.until(lambda: desk.of(Quote)[-1].last == 151)


async def test_bars_of_a_minute_in_which_ib_was_lost_are_not_made_of_what_came(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.until_followed(bars=["AAPL"])
        for second in (50, 55):
            await desk.do(f"bar AAPL 2024-06-18T16:00:{second} 99")
        await desk.do("bar AAPL 2024-06-18T16:01:00 99")
        await desk.do("code 1100")
        await desk.lost()
        desk.start()
        told = len(desk.told)
        await desk.do("code 1102")
        await desk.until(lambda: len(desk.told) > told)
        for second in (50, 55):
            await desk.do(f"bar AAPL 2024-06-18T16:01:{second} 99")
        await desk.forward(95)
        await desk.until(lambda: len(desk.bars()) == 2)
        assert [price for _, price in desk.bars()] != [99, 99]
        assert 99 not in [price for _, price in desk.bars()]


async def test_a_link_that_breaks_is_told_and_what_closed_meanwhile_comes_from_the_past(tws: TwsProcess, tmp_path: Path) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.do("away")
        error = await desk.lost()
        assert isinstance(error, FeedLostError)
        assert "the connection to TWS ended" in str(error)
        desk.start()
        assert "see whether TWS or Gateway runs, is logged in and has its API port open" in str(await desk.lost())
        await desk.forward(150)
        await desk.do("back")
        desk.start()
        await desk.until(lambda: len(desk.bars()) == 3)
        assert [moment for moment, _ in desk.bars()] == [at(f"2024-06-18T16:0{minute}:00") for minute in (1, 2, 3)]
        await desk.until_followed(ticks=["AAPL"], bars=["AAPL"])


async def test_a_link_that_is_open_and_mute_is_given_up(tws: TwsProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "HEARTBEAT_S", 0.2)
    monkeypatch.setattr(line_module, "ANSWER_S", 1.0)
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.do("mute")
        assert str(await desk.lost()).startswith("TWS did not answer within 1 s. ")
        desk.start()
        told = len(desk.told)
        await desk.until(lambda: [event for event in desk.told[told:] if isinstance(event, Quote)])


async def test_a_start_before_the_log_in_waits_once_and_not_with_each_symbol(
    tws: TwsProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "CONNECT_S", 0.3)
    tws.do("logout")
    desk = Desk(tws, tmp_path, ("AAPL", "MSFT", "IBM"))
    await desk.prepare()
    (problem,) = desk.feed.problems
    assert "takes the connection and does not answer" in problem
    monkeypatch.setattr(line_module, "CONNECT_S", 5.0)
    await desk.do("login")
    desk.start()
    await desk.until_followed(ticks=["AAPL", "IBM", "MSFT"])
    await desk.until(lambda: len({bar.symbol for bar in desk.of(Bar)}) == 3)
    await desk.feed.follow("INTC")  # it is asked for its past again
    assert len(desk.feed.history("INTC", 1000)) == 1000
    await desk.end()


async def test_a_start_without_tws_begins_with_the_bars_that_are_kept(tws: TwsProcess, tmp_path: Path) -> None:
    first = Desk(tws, tmp_path)
    await first.prepare()
    await first.end()
    tws.do("away")
    second = Desk(tws, tmp_path)
    await second.prepare()
    bars = second.feed.history("AAPL", 1000)
    assert len(bars) == 1000
    assert bars[-1].at == at("2024-06-17T20:00:00")
    assert "AAPL begins with what is kept of it" in second.feed.problems[0]
    second.start()
    assert isinstance(await second.lost(), FeedLostError)
    assert not second.told  # nothing old is told as news
    await second.end()
