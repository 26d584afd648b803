"""The screen over several accounts: which one is shown, what a key does in it, and the stop of all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from console.accounts.engines import AccountEngines
from engine.model import Level, Mode, TradingState
from engine.model.modes import LinkState
from engine.model.views import LinkView, LogLine, SignalRow, StopView
from tests.console.driving import SMALL, WIDE, Console, running
from tests.console.fake_engine import FakeEngine, orders
from tests.views import sample_account, sample_health, sample_signals, sample_view
from widgets.positions import Positions

BOTH_TOGETHER = [("calm+bold", 200), ("calm+bold", -400)]
BOTH = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])


@asynccontextmanager
async def console_of(*names: str, size: tuple[int, int] = WIDE, **preferred: str) -> AsyncIterator[tuple[Console, dict[str, FakeEngine]]]:
    engines = {name: FakeEngine(sample_view(log=()), account=name) for name in names}
    async with running(AccountEngines(engines, preferred=preferred), size) as console:
        yield console, engines


def header(console: Console) -> str:
    return console.picture.splitlines()[0]


async def enter(console: Console, line: str) -> None:
    await console.press("colon")
    await console.type(line)
    await console.press("enter")


@BOTH
async def test_one_key_leads_from_account_to_account_and_the_header_says_which_is_shown(size: tuple[int, int]) -> None:
    async with console_of("calm", "bold", size=size) as (console, engines):
        engines["bold"].change(account=sample_account(mode=Mode.FULL_AUTO))
        await console.until(lambda: "PAPER   calm  SEMI_AUTO" in header(console))
        await console.press("f3")
        await console.until(lambda: "PAPER   bold   FULL_AUTO" in header(console))
        await console.press("f3")
        await console.until(lambda: "PAPER   calm  SEMI_AUTO" in header(console))


async def test_the_key_works_in_the_middle_of_a_line_which_is_then_sent_in_the_other_account() -> None:
    async with console_of("calm", "bold") as (console, engines):
        await console.press("colon")
        await console.type("buy 10 AAPL")
        await console.press("f3")
        await console.until(lambda: "bold" in header(console).split("engine")[0])
        await console.press("enter")
        assert (orders(engines["calm"].calls), len(orders(engines["bold"].calls))) == ([], 1)
        await console.shows("on bold: done")


@BOTH
async def test_the_stop_is_for_all_accounts_and_says_so_before_and_after(size: tuple[int, int]) -> None:
    async with console_of("calm", "bold", "far", size=size) as (console, engines):
        await console.shows("OF 3 ACCOUNTS" if size == WIDE else "F12 / ^G STOP ALL 3")
        engines["far"].silent = True
        await console.press("f12")
        assert [engine.sent() for engine in engines.values()] == [[("emergency_stop", "stop key")]] * 3
        await console.shows("EMERGENCY STOP of 3 accounts: calm, bold, far")


async def test_how_far_the_stop_has_come_is_told_of_each_account_and_what_it_leaves_bare() -> None:
    async with console_of("calm", "bold", "far") as (console, engines):
        halted = sample_account(state=TradingState.HALTED, mode=Mode.EMERGENCY, reason="stop key")
        engines["calm"].change(account=halted, stop=StopView(False, True, ()), positions=())
        engines["bold"].change(account=halted, stop=StopView(False, False, ("#1", "#2"), cancelling=2), positions=())
        engines["far"].change(account=halted, stop=StopView(False, True, ()), orders=())
        await console.shows("calm is HALTED: stop key.")
        await console.shows("bold is HALTED. Cancelling 2")
        await console.shows("far is HALTED. The broker confirms: nothing works. Without protection: AAPL 100, IBM")
        assert "bold HALTED" in header(console)


async def test_an_account_that_is_lost_for_good_is_told_by_its_name_whichever_is_shown() -> None:
    async with console_of("calm", "bold") as (console, engines):
        links = (LinkView("alpaca", LinkState.FATAL, None, "the key was refused: set another", True),)
        engines["bold"].change(health=sample_health(links=links))
        await console.shows("bold: alpaca is DOWN and not tried again: the key was refused: set another.")
        assert "bold FATAL" in header(console)


@BOTH
async def test_what_is_still_starting_is_said_and_holds_up_nothing(size: tuple[int, int]) -> None:
    async with console_of("calm", "bold", size=size) as (console, engines):
        engines["bold"].change(health=sample_health(ready=False))
        await console.until(lambda: "bold starting" in header(console))
        await enter(console, "buy 10 AAPL")
        assert len(orders(engines["calm"].calls)) == 1


async def test_quitting_says_what_works_and_is_held_in_every_account() -> None:
    async with console_of("calm", "bold") as (console, engines):
        engines["calm"].change(orders=(), positions=(), signals=())
        await console.shows("none held")
        await console.press("q")
        await console.shows("calm: No orders working.")
        await console.shows("calm: no positions.")
        await console.shows("bold: 2 orders working.")
        await console.shows("bold: held: 100 AAPL")


@BOTH
async def test_quitting_tells_first_of_the_account_that_is_live(size: tuple[int, int]) -> None:
    async with console_of("calm", "bold", size=size) as (console, engines):
        engines["bold"].change(account=sample_account(badge="LIVE"))
        await console.until(lambda: "LIVE" in header(console))
        await console.press("q")
        await console.shows("calm: 2 orders working.")
        assert console.picture.index("bold LIVE: 2 orders working.") < console.picture.index("calm: 2 orders working.")


async def test_the_flatten_names_what_it_closes_in_each_account_and_is_for_all() -> None:
    async with console_of("calm", "bold") as (console, engines):
        engines["calm"].change(positions=())
        await console.shows("none held")
        await console.press("f9")
        await console.shows("Flatten 2 accounts")
        await console.shows("calm: none is known now")
        await console.shows("bold: 100 AAPL")
        await console.let_pass(1)
        await console.type("FLATTEN")
        await console.press("enter")
        assert [engine.sent() for engine in engines.values()] == [[("liquidate_all",)]] * 2


async def test_a_question_about_the_mode_says_of_which_account() -> None:
    async with console_of("calm", "bold") as (console, engines):
        await console.press("f3")
        await console.until(lambda: "bold" in header(console).split("engine")[0])
        await console.press("m")
        await console.shows("Execution mode of bold")
        await console.let_pass(1)
        await console.press("r", "enter")
        assert (engines["calm"].sent(), engines["bold"].sent()) == ([], [("set_mode", Mode.RESEARCH)])


async def test_a_live_account_is_never_told_without_its_badge() -> None:
    async with console_of("calm", "bold") as (console, engines):
        engines["bold"].change(account=sample_account(badge="LIVE"))
        await console.until(lambda: " LIVE  bold" in header(console))
        await console.press("f3")
        await console.until(lambda: header(console).startswith("  LIVE   bold"))
        assert "calm" in header(console)


async def test_the_log_says_of_which_account_each_line_is() -> None:
    async with console_of("calm", "bold") as (console, engines):
        engines["bold"].note(Level.WARNING, "order", "something happened")
        await console.shows("! bold: something happened")


async def test_with_one_account_the_key_says_that_there_is_no_other() -> None:
    engine = FakeEngine()
    async with running(engine) as console:
        await console.press("f3")
        await console.shows("There is one account.")
        assert engine.sent() == []


async def test_a_line_goes_to_the_account_it_names_and_says_so_before_it_is_sent() -> None:
    async with console_of("calm", "bold") as (console, engines):
        await console.press("colon")
        await console.type("buy 10 AAPL on bold")
        await console.shows("BUY 10 AAPL market DAY on bold")
        await console.until(lambda: engines["bold"].previews)
        await console.press("enter")
        assert (engines["calm"].sent(), engines["calm"].previews, len(orders(engines["bold"].calls))) == ([], [], 1)
        await console.shows("BUY 10 AAPL market DAY on bold: done")


async def test_without_a_name_an_order_goes_to_the_symbols_account_else_to_the_one_that_is_shown() -> None:
    async with console_of("calm", "bold", MSFT="bold") as (console, engines):
        await console.press("colon")
        await console.type("buy 10 MSFT")
        await console.shows("on bold")
        await console.press("enter")
        await console.shows("on bold: done")
        await console.type("buy 10 AAPL")
        await console.shows("on calm")
        await console.press("enter")
        assert [intent.symbol for intent in orders(engines["bold"].calls)] == ["MSFT"]
        assert [intent.symbol for intent in orders(engines["calm"].calls)] == ["AAPL"]


async def test_prices_positions_and_orders_of_a_line_are_those_of_its_account() -> None:
    async with console_of("calm", "bold") as (console, engines):
        engines["calm"].change(positions=())
        await console.shows("none held")
        await console.press("colon")
        await console.type("close AAPL")
        await console.shows("no position in AAPL to close")
        await console.type(" on bold")
        await console.shows("SELL 100 AAPL market DAY reduce on bold")


@BOTH
async def test_a_symbol_of_an_account_that_is_not_up_is_not_called_unwatched(size: tuple[int, int]) -> None:
    async with console_of("calm", "bold", size=size) as (console, engines):
        for health, why in (
            (sample_health(ready=False), "bold is still starting"),
            (sample_health(ready=False, problem="nobody listens"), "bold has not started yet, the log says why"),
            (sample_health(ready=False, failed=True, problem="no disk"), "bold has failed, the log says why"),
        ):
            engines["bold"].change(health=health, watch=(), positions=(), orders=())
            await console.press("colon")
            await console.type("buy 10 AAPL on bold")
            await console.shows(f"AAPL is not known yet: {why}")
            await console.press("escape", "escape")


async def test_a_name_that_is_no_accounts_is_told_with_those_there_are() -> None:
    async with console_of("calm", "bold") as (console, _):
        await console.press("colon")
        await console.type("buy 10 AAPL on cold ")
        await console.shows("no account: cold. Right: calm  bold")


async def test_a_mode_a_cancel_and_a_flatten_may_name_their_account() -> None:
    async with console_of("calm", "bold") as (console, engines):
        await enter(console, "mode research on bold")
        await enter(console, "cancel * on bold")
        await enter(console, "flatten on bold")
        await console.shows("Flatten bold")
        await console.let_pass(1)
        await console.type("FLATTEN")
        await console.press("enter")
        assert engines["calm"].sent() == []
        assert engines["bold"].sent() == [("set_mode", Mode.RESEARCH), ("cancel", "", ""), ("liquidate_all",)]


async def test_tab_offers_on_and_then_the_accounts() -> None:
    async with console_of("calm", "bold") as (console, _):
        await console.press("colon")
        await console.type("sync on ")
        await console.press("tab")
        await console.shows("calm   bold")


async def test_the_ticket_names_its_account_begins_with_the_symbols_and_sends_there() -> None:
    async with console_of("calm", "bold", AAPL="bold") as (console, engines):
        await console.press("b")
        await console.shows("bold Order ticket")
        await console.type("10")
        await console.shows("BUY 10 AAPL market DAY on bold")
        await console.press("f5")
        await console.let_pass(1)
        await console.press("y")
        assert (engines["calm"].sent(), len(orders(engines["bold"].calls))) == ([], 1)


def left(seconds: int, number: int = 3, **changes: Any) -> SignalRow:
    return replace(sample_signals()[0], id=f"s{number}", number=number, expires_in_s=seconds, **changes)


@BOTH
async def test_what_waits_in_another_account_is_named_with_what_it_has_left_and_one_key_goes_there(size: tuple[int, int]) -> None:
    async with console_of("calm", "bold", "far", size=size) as (console, engines):
        engines["calm"].change(signals=())
        engines["bold"].change(signals=(left(59, 4), left(31, 3, symbol="IBM")))
        engines["far"].change(signals=(left(8, 3),))
        await console.until(lambda: "far 1 waits 0:08 F8   bold 2 wait " in header(console))
        engines["far"].change(signals=())
        await console.until(lambda: "bold 2 wait 0:31 F8" in header(console))
        assert header(console).count("bold") == 1
        await console.press("f8")
        await console.until(lambda: "PAPER   bold" in header(console) and "F8" not in header(console))
        await console.let_pass(1)
        await console.press("a")
        await console.shows("approve BUY IBM on bold: done")
        assert [engine.sent() for engine in engines.values()] == [[], [("approve", "s3")], []]


async def test_the_key_goes_where_the_header_says_though_something_here_runs_out_sooner_and_back_from_there() -> None:
    async with console_of("calm", "bold") as (console, engines):
        engines["calm"].change(signals=(left(5, 4),))
        engines["bold"].change(signals=(left(42, 3),))
        await console.until(lambda: "bold 1 waits 0:42 F8" in header(console))
        await console.press("f8")
        await console.until(lambda: "PAPER   bold" in header(console) and "calm 1 waits 0:05 F8" in header(console))
        await console.press("f8")
        await console.until(lambda: "PAPER   calm" in header(console))
        engines["bold"].change(signals=())
        await console.until(lambda: "F8" not in header(console))
        await console.press("1", "f8")
        await console.until(lambda: console.screen.panel == "signals")
        assert "PAPER   calm" in header(console)


async def test_the_key_works_in_the_middle_of_a_line_and_says_where_nothing_waits() -> None:
    async with console_of("calm", "bold") as (console, engines):
        engines["calm"].change(signals=())
        await console.until(lambda: "bold 1 waits" in header(console))
        await console.press("colon")
        await console.type("buy 10 AAPL")
        await console.press("f8")
        await console.until(lambda: "PAPER   bold" in header(console) and console.screen.panel == "signals")
        engines["bold"].change(signals=())
        await console.shows("none waits")
        await console.press("f8")
        await console.shows("No signal waits in any account.")


async def test_a_signal_that_the_rows_shown_leave_out_is_said_to_be() -> None:
    async with console_of("calm", "bold") as (console, engines):
        engines["calm"].change(signals=())
        await console.press("4", "slash")
        await console.type("nothing")
        await console.press("enter", "f8")
        await console.shows("The rows that are shown leave it out: Esc shows all.")


@BOTH
async def test_a_live_account_in_which_something_waits_is_told_with_its_badge(size: tuple[int, int]) -> None:
    async with console_of("calm", "bold", size=size) as (console, engines):
        engines["bold"].change(account=sample_account(badge="LIVE"), signals=(left(42),))
        await console.until(lambda: " LIVE  bold 1 waits 0:42 F8" in header(console))


async def test_what_is_wrong_with_an_account_in_which_something_waits_is_said_as_well() -> None:
    async with console_of("calm", "bold") as (console, engines):
        links = (LinkView("alpaca", LinkState.DEGRADED, None, "the stream is cut", True),)
        engines["bold"].change(health=sample_health(links=links))
        await console.until(lambda: "bold 1 waits" in header(console) and "bold DEGRADED" in header(console))
        engines["bold"].change(health=sample_health(failed=True, ready=False, problem="no disk"))
        await console.until(lambda: "bold FAILED" in header(console) and "waits" not in header(console))


async def test_the_line_of_notices_says_of_which_other_accounts_they_are() -> None:
    async with console_of("calm", "bold") as (console, engines):
        at = 1_800_000_000_000_000_000
        engines["bold"].change(log=(LogLine(1, at, Level.ERROR, "order", "#12 AAPL rejected: too much"),))
        await console.shows("1 notice ")
        engines["calm"].change(log=(LogLine(1, at + 1, Level.ERROR, "order", "#7 IBM rejected: too little"),))
        await console.shows("2 notices · bold 1 ")
        await console.shows("calm: #7 IBM rejected")
        await console.press("f3")
        await console.shows("2 notices · calm 1 ")


async def test_an_approval_says_in_which_account() -> None:
    async with console_of("calm", "bold") as (console, engines):
        await console.press("f3", "4")
        await console.let_pass(1)
        await console.press("a")
        await console.shows("approve BUY MSFT on bold: done")
        assert (engines["calm"].sent(), [call[0] for call in engines["bold"].sent()]) == ([], ["approve"])


async def test_positions_are_shown_of_one_account_of_all_and_of_all_by_symbol() -> None:
    async with console_of("calm", "bold") as (console, _):
        await console.press("2", "z")
        await console.shows("[this account 2] all accounts 4  together 2")
        await console.press("w")
        await console.until(lambda: [row.account for row in table(console).rows] == ["calm", "calm", "bold", "bold"])
        await console.shows("calm  ")
        await console.press("w")
        await console.until(lambda: [(row.account, int(row.quantity)) for row in table(console).rows] == BOTH_TOGETHER)
        await console.press("w")
        await console.until(lambda: [row.account for row in table(console).rows] == ["calm", "calm"])


async def test_a_position_of_another_account_is_closed_there() -> None:
    async with console_of("calm", "bold") as (console, engines):
        await console.press("2", "w", "G")
        await console.let_pass(1)
        await console.press("X")
        await console.shows("BUY 200 IBM on bold")
        await console.let_pass(1)
        await console.press("y", "enter")
        assert (engines["calm"].sent(), [call[:2] for call in engines["bold"].sent()]) == ([], [("close_position", "IBM")])


async def test_what_is_held_in_several_accounts_is_closed_in_each_and_not_together() -> None:
    async with console_of("calm", "bold") as (console, engines):
        await console.press("2", "w", "w")
        await console.let_pass(1)
        await console.press("X")
        await console.shows("held in several accounts")
        assert [engine.sent() for engine in engines.values()] == [[], []]


def table(console: Console) -> Positions:
    panel = console.screen.panels["positions"]
    assert isinstance(panel, Positions)
    return panel


async def test_a_notice_says_whose_it_is_and_leads_to_that_account() -> None:
    async with console_of("calm", "bold") as (console, engines):
        line = LogLine(1, 1_800_000_000_000_000_000, Level.ERROR, "order", "#12 AAPL rejected: insufficient buying power")
        engines["bold"].change(log=(line,))
        await console.shows("bold: #12 AAPL rejected: insufficient buying power")
        await console.press("i")
        await console.shows("1 not read yet")
        await console.let_pass(1)
        await console.press("enter")
        await console.until(lambda: "PAPER   bold" in header(console))
        assert console.screen.panel == "orders"


async def test_after_a_suspension_every_account_is_compared_with_its_broker() -> None:
    async with console_of("calm", "bold") as (console, engines):
        console.screen.desk.stood_still(90.0)
        assert [("sync",) in engine.sent() for engine in engines.values()] == [True, True]
