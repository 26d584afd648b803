"""What each panel says about a view, and how it looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from textual.app import App

from engine.model.modes import Level, LinkState, Mode, TradingState
from engine.model.orders import OrderState, OrderType, Side
from engine.model.signals import SignalState
from engine.model.views import BreakerRow, LinkView, LogLine, RiskRow, StopView
from tests.views import (
    NOW,
    empty_view,
    order,
    position,
    sample_account,
    sample_chart,
    sample_health,
    sample_view,
    sample_watch,
    signal,
)
from tests.widgets.harness import HINTS, PANELS, Harness, lines_of, text_of
from tests.worst import FREE, worst_view
from widgets import numbers
from widgets.banner import MOST_LINES, Banner, unprotected
from widgets.header import HeaderBar
from widgets.hints import HintLine
from widgets.log import KEPT, Log
from widgets.orders import Orders, price_text
from widgets.positions import Positions
from widgets.risk import Risk
from widgets.signals import Signals
from widgets.watchlist import Watchlist

HALTED = sample_account(badge="LIVE", mode=Mode.EMERGENCY, state=TradingState.HALTED, reason="stop key")


async def drawn(widget: Any, view: Any, width: int = 120, height: int = 12) -> str:
    app = Harness(widget)
    async with app.run_test(size=(width, height)) as pilot:
        app.show(view)
        await pilot.pause()
        return text_of(widget)


# ---- pictures


@pytest.mark.parametrize("size", [(58, 11), (80, 20)])
@pytest.mark.parametrize("panel", PANELS)
async def test_a_panel_looks_as_it_was_drawn(panel: Any, size: tuple[int, int], looks_like: Callable[[App[None], str], None]) -> None:
    widget = panel()
    app = Harness(widget)
    async with app.run_test(size=size) as pilot:
        app.show(sample_view())
        await pilot.pause()
        text_of(widget)  # what is drawn first may ask for more room, and is drawn anew with it
        await pilot.pause()
        looks_like(app, f"{panel.__name__.lower()}-{size[0]}x{size[1]}")


@pytest.mark.parametrize("width", [80, 120, 160])
async def test_header_banner_and_hints_look_as_they_were_drawn(width: int, looks_like: Callable[[App[None], str], None]) -> None:
    app = Harness(HeaderBar(), Banner(), HintLine())
    async with app.run_test(size=(width, 6)) as pilot:
        app.show(sample_view(account=HALTED))
        await pilot.pause()
        looks_like(app, f"header-{width}")


# ---- watchlist, orders, signals, risk


async def test_a_stale_price_shows_its_age_in_place_of_its_change() -> None:
    said = await drawn(Watchlist(), sample_view())
    assert "stale 7s" in said
    assert "+0.02%" not in said


async def test_a_resized_order_shows_both_quantities_and_an_unknown_one_says_so() -> None:
    rows = (order(1, quantity=Decimal(40), requested=Decimal(100)), order(2, state=OrderState.UNKNOWN))
    said = await drawn(Orders(), sample_view(orders=rows))
    assert "40 of 100" in said
    assert " of " not in await drawn(Orders(), sample_view(orders=(order(1, quantity=Decimal(150), requested=Decimal(100)),)))
    assert "? unknown" in said
    assert "1 unknown" in said.splitlines()[0]


async def test_a_partly_filled_order_says_how_much() -> None:
    assert "partial 40/100" in await drawn(Orders(), sample_view(orders=(order(1, state=OrderState.PARTIAL, filled=Decimal(40)),)))


async def test_signals_that_wait_come_first_with_their_countdown_and_votes() -> None:
    done = signal(1, state=SignalState.EXPIRED, expires_in_s=None, decided_by="clock", shadow=Decimal("4.50"))
    lines = (await drawn(Signals(), sample_view(signals=(done, signal(2))))).splitlines()
    assert "1 waits for you" in lines[0]
    assert "0:42 " in lines[2]
    assert "sma ▲ rsi ▲ atr ·" in lines[2]
    assert "expired by clock" in lines[3]
    assert "shadow ▲ +4.50" in lines[3]


async def test_the_confidence_of_a_signal_stays_where_the_gates_reason_has_no_room() -> None:
    no = signal(quantity=Decimal(1_200), passes=False, rule="total exposure", verdict="exposure would be 92% of equity, limit 80%")
    view = sample_view(signals=(no,))
    narrow, wide = await drawn(Signals(), view, 52), await drawn(Signals(), view, 70)
    assert all(text in narrow for text in ("Conf", "72%", "denied"))
    assert all(text in wide for text in ("Conf", "72%", "total exposure"))


async def test_a_tripped_limit_is_marked_by_more_than_its_colour() -> None:
    said = await drawn(Risk(), sample_view(risk=(RiskRow("daily loss", Decimal("2.1"), Decimal(2), "%", True),)), 38)
    assert "! daily loss" in said
    assert "2.1% / 2%" in said
    assert "1 tripped" in said


async def test_a_breaker_that_tripped_stands_in_its_limits_place_with_its_reason_and_what_releases_it() -> None:
    limits = (RiskRow("exposure", Decimal(10), Decimal(80), "%", False), RiskRow("drawdown", Decimal(3), Decimal(10), "%", False))
    fell = BreakerRow("drawdown", True, "equity fell too far", "your word", 1, True)
    other = BreakerRow("sma's daily loss", True, "it lost 500.00", "the next session", 1)
    rest = BreakerRow("daily loss", False, "", "", 0)
    lines = (await drawn(Risk(), sample_view(risk=limits, breakers=(rest, fell, other)), 78)).splitlines()
    assert "2 tripped" in lines[0]
    assert "! sma's daily" in lines[1]
    assert "until the next session: it lost 500.00" in lines[1]
    assert "exposure" in lines[2]
    assert "! drawdown" in lines[3]
    assert "until your word: equity fell too far" in lines[3]
    narrow = await drawn(Risk(), sample_view(risk=limits, breakers=(fell,)), 28)
    assert "! drawdown" in narrow
    assert "TRIPPED" in narrow
    assert "10% / 80%" in narrow


# ---- log


def line(number: int, level: Level = Level.INFO) -> LogLine:
    return LogLine(number, NOW, level, "test", f"line {number}")


async def test_the_log_follows_its_end_until_somebody_scrolls_up() -> None:
    log = Log()
    app = Harness(log)
    async with app.run_test(size=(60, 8)) as pilot:
        app.show(sample_view(log=tuple(map(line, range(50)))))
        await pilot.pause()
        assert "line 49" in text_of(log)
        log.focus()
        await pilot.press("g")
        app.show(sample_view(log=tuple(map(line, range(40, 60)))))
        await pilot.pause()
        assert "line 0" in text_of(log)
        assert "10 new below" in log.summary_text
        await pilot.press("G")
        await pilot.pause()
        assert "line 59" in text_of(log)
        app.show(sample_view(log=tuple(map(line, range(55, 61)))))
        await pilot.pause()
        assert "line 60" in text_of(log)


async def test_a_log_that_was_out_of_sight_shows_its_end() -> None:
    log = Log()
    app = Harness(log)
    async with app.run_test(size=(60, 8)) as pilot:
        log.display = False
        await pilot.pause()
        app.show(sample_view(log=tuple(map(line, range(50)))))
        app.show(sample_view(log=tuple(map(line, range(50, 70)))))
        log.display = True
        await pilot.pause()
        assert "line 69" in text_of(log)


async def test_the_log_keeps_so_many_lines_and_each_once() -> None:
    log = Log()
    app = Harness(log)
    async with app.run_test(size=(60, 8)):
        for start in range(0, KEPT + 3000, 500):
            app.show(sample_view(log=tuple(map(line, range(start, start + 700)))))
        numbers = [row.number for row in log.rows]
        assert numbers == list(range(numbers[-1] - KEPT + 1, numbers[-1] + 1))


async def test_a_loud_line_is_marked_by_more_than_its_colour() -> None:
    said = await drawn(Log(), sample_view(log=(line(1), line(2, Level.WARNING), line(3, Level.ERROR))))
    plain, warning, error = (text for text in said.splitlines() if "line" in text and "lines" not in text)
    assert "!" not in plain
    assert "!" in warning
    assert "✗ test error: line 3" in error
    assert "test" in plain


async def test_the_log_has_the_clock_of_the_header() -> None:
    a_year_ago = NOW - 365 * 24 * 3600 * 10**9 - 17 * 10**9
    said = await drawn(Log(), sample_view(log=(line(1), replace(line(2), at=a_year_ago), replace(line(3), at=0))))
    now, played, not_yet = (text for text in said.splitlines() if "line" in text and "lines" not in text)
    assert numbers.market_time(NOW) in now
    assert numbers.market_time(a_year_ago, "%Y-%m-%d") in played
    assert numbers.market_time(NOW) in not_yet


@pytest.mark.parametrize(
    ("days", "pattern"), [(0, "%H:%M:%S"), (3, "%m-%d %H:%M"), (400, "%Y-%m-%d")], ids=["today", "this year", "years ago"]
)
async def test_orders_signals_and_lines_of_the_log_that_are_not_of_today_say_their_day(days: int, pattern: str) -> None:
    then = NOW - days * 24 * 3600 * 10**9
    decided = replace(sample_view().signals[-1], raised_at=then)
    view = sample_view(log=(replace(line(1), at=then),), orders=(order(1, created_at=then),), signals=(decided,))
    assert numbers.market_time(then, pattern) in await drawn(Log(), view)
    assert numbers.market_time(then, pattern) in await drawn(Orders(), view, 200)
    assert numbers.market_time(then, pattern.removesuffix(":%S")) in await drawn(Signals(), view, 200)


async def test_what_was_of_today_says_its_day_when_the_next_one_begins() -> None:
    log = Log()
    app = Harness(log)
    async with app.run_test() as pilot:
        app.show(sample_view(log=(line(1),)))
        await pilot.pause()
        app.show(sample_view(log=(line(1),), health=sample_health(market_time=NOW + 24 * 3600 * 10**9)))
        await pilot.pause()
        assert numbers.market_time(NOW, "%m-%d %H:%M") in text_of(log)


async def test_a_narrow_log_shows_what_happened_rather_than_who_says_so() -> None:
    told = LogLine(1, NOW, Level.INFO, "a_strategy_of_a_long_name", "signal 2: BUY 147 MSFT")
    assert "signal 2: BUY 147 MSFT" in await drawn(Log(), sample_view(log=(told,)), 40)


# ---- header, banner, hints


@pytest.mark.parametrize("width", [80, 100, 120, 200])
async def test_the_header_always_says_account_mode_equity_and_day(width: int) -> None:
    said = await drawn(HeaderBar(), sample_view(), width)
    for word in ("PAPER", "SEMI_AUTO", "101,284.50", "▲ +212.40 +0.21%", "48", "engine 2ms", " ET"):
        assert word in said
    assert len(said.splitlines()) == 2


@pytest.mark.parametrize("width", [80, 120])
async def test_an_account_that_was_not_read_yet_has_no_amounts(width: int) -> None:
    zero = Decimal(0)
    account = sample_account(equity=zero, day_start=zero, cash=zero, buying_power=zero, exposure=zero, exposure_limit=zero)
    said = await drawn(HeaderBar(), sample_view(account=account, health=sample_health(ready=False)), width)
    assert "0.00" not in said
    assert "Day -" in said


async def test_at_80_columns_the_header_says_what_works_and_what_waits() -> None:
    said = await drawn(HeaderBar(), sample_view(), 80)
    assert "orders 2" in said
    assert "signals 1 waits" in said


async def test_trouble_is_said_at_every_width() -> None:
    health = sample_health(links=(LinkView("alpaca", LinkState.DOWN, None, "connection refused"),), engine_lag_ms=1500.0, ready=False)
    for width in (80, 120):
        said = await drawn(HeaderBar(), sample_view(health=health, account=HALTED), width)
        for word in ("LIVE", "HALTED", "alpaca DOWN", "engine 1.5s", "not ready"):
            assert word in said


async def test_a_broker_that_takes_cancels_alone_is_told_from_one_that_is_down_and_one_that_is_not_tried_again() -> None:
    for state, said in (
        (LinkState.DEGRADED, "✗ alpaca is DEGRADED: no stream."),
        (LinkState.FATAL, "✗ alpaca is DOWN and not tried again: no stream."),
        (LinkState.RESET, "✗ alpaca is in its RESET: no stream."),
        (LinkState.LOGIN, "✗ alpaca is waiting for a LOGIN: no stream."),
    ):
        health = sample_health(links=(LinkView("alpaca", state, None, "no stream", True),))
        for width in (80, 120, 200):
            assert f"alpaca {state}" in await drawn(HeaderBar(), sample_view(health=health), width)
        banner = Banner()
        async with Harness(banner).run_test(size=(80, 8)) as pilot:
            banner.show(sample_view(health=health))
            await pilot.pause()
            assert banner.text == said


async def test_where_bars_are_days_the_header_shows_the_day() -> None:
    assert "2025-06-12" in await drawn(HeaderBar(), sample_view(chart=sample_chart(timeframe="1d")), 80)


async def test_a_day_that_the_market_text_names_is_not_said_twice() -> None:
    health = sample_health(market_text="playing Thu 2025-06-12")
    for width in (80, 120):
        said = await drawn(HeaderBar(), sample_view(health=health, chart=sample_chart(timeframe="1d")), width)
        assert said.count("2025-06-12") == 1


def test_a_position_is_protected_only_by_a_working_stop_of_the_other_side() -> None:
    stop = order(1, type=OrderType.STOP, stop=Decimal(180), limit=None)

    def left(**changes: Any) -> tuple[tuple[str, Decimal], ...]:
        return unprotected(sample_view(positions=(position("AAPL", 100),), orders=(replace(stop, **changes),)))

    assert left() == ()
    for changes in (
        {"side": Side.BUY},
        {"symbol": "IBM"},
        {"type": OrderType.LIMIT},
        {"state": OrderState.FILLED},
        {"state": OrderState.PENDING_CANCEL},
        {"state": OrderState.UNKNOWN},
    ):
        assert left(**changes) == (("AAPL", Decimal(100)),), changes
    assert left(quantity=Decimal(60)) == (("AAPL", Decimal(40)),)
    assert left(filled=Decimal(30)) == (("AAPL", Decimal(30)),)
    short = unprotected(sample_view(positions=(position("IBM", -200),), orders=(stop,)))
    assert short == (("IBM", Decimal(-200)),)


async def test_the_banner_takes_no_room_until_there_is_something_to_say() -> None:
    banner = Banner()
    app = Harness(banner)
    async with app.run_test(size=(80, 10)) as pilot:
        app.show(sample_view())
        await pilot.pause()
        assert banner.size.height == 0
        app.show(sample_view(account=HALTED))
        await pilot.pause()
        assert "HALTED: stop key." in text_of(banner)
        assert "Without protection: IBM -200. F9 flattens." in " ".join(text_of(banner).split())
        app.show(sample_view())
        await pilot.pause()
        assert not banner.display


@pytest.mark.parametrize(
    ("stop", "words"),
    [
        (StopView(False, False, (), 0), "Asking the broker what works …"),
        (StopView(False, False, tuple("abc"), 3), "Cancelling 3 …"),
        (StopView(True, False, tuple("abcd"), 3), "Cancelling 3, closing 1 position …"),
        (StopView(True, False, ("100 IBM is held", "5 AAPL is held"), 0), "Closing 2 positions …"),
        (StopView(False, True, ()), "The broker confirms: nothing works but 2 that protect."),
        (StopView(True, True, ()), "nothing is held."),
        (StopView(False, False, ("#4 BUY 1 IBM is UNKNOWN",), 1, late=True), "Not at rest: #4 BUY 1 IBM is UNKNOWN."),
        (StopView(False, False, (), late=True), "Not at rest: the broker has not told where the account stands."),
    ],
)
async def test_the_banner_says_how_far_the_stop_has_come(stop: StopView, words: str) -> None:
    assert words in " ".join((await drawn(Banner(), sample_view(account=HALTED, stop=stop), 80)).split())


async def test_the_broker_confirms_that_nothing_works_at_all() -> None:
    view = sample_view(account=HALTED, orders=(), stop=StopView(False, True, ()))
    assert "The broker confirms: nothing works." in await drawn(Banner(), view, 120)


async def test_what_is_not_at_rest_pushes_nothing_else_out_of_the_banner() -> None:
    left = tuple(f"#{number} BUY 10 AAPL is PENDING_CANCEL" for number in range(100))
    said = await drawn(Banner(), sample_view(account=HALTED, stop=StopView(False, False, left, 100, late=True)), 80)
    assert ("Cancelling 100 …" in said, "F9 flattens" in said, "; and 96 more." in " ".join(said.split())) == (True, True, True)


@pytest.mark.parametrize("width", [80, 120])
async def test_no_reason_pushes_what_is_without_protection_and_the_way_to_flatten_out_of_the_banner(width: int) -> None:
    left = tuple(f"#{number} SELL 1,234,567 ABCDEF.GHI is being cancelled" for number in range(12))
    account = sample_account(state=TradingState.HALTED, mode=Mode.EMERGENCY, reason=FREE)
    view = worst_view(account=account, stop=StopView(False, False, left, 12, late=True))
    said = await drawn(Banner(), view, width, 12)
    assert len(said.rstrip().splitlines()) <= MOST_LINES
    words = " ".join(said.split())
    assert "m tells all. Nothing is sent but cancels and flatten." in words
    assert "Without protection: BRK.B -1,234,567, BTC/USD -1,234,567, ABCDEF.GHI -1,234,567," in words
    for whole in ("F9 flattens.", "is DOWN: quintessence", "Not at rest: "):
        assert whole in words


async def test_a_banner_that_is_too_long_for_its_line_is_wrapped() -> None:
    said = await drawn(Banner(), sample_view(account=replace(HALTED, reason="very " * 30)), 60)
    assert len(said.splitlines()) > 3
    assert "flatten" in said


async def test_what_two_links_say_alike_the_banner_says_once() -> None:
    alike = "IB restarts each night at 23:45. See whether TWS runs"
    links = (
        LinkView("ib", LinkState.DOWN, None, f"the connection ended. {alike}.", True),
        LinkView("ib data", LinkState.DOWN, None, f"Nobody listens at 127.0.0.1:7497. {alike}. It is tried again in 5 s."),
        LinkView("news", LinkState.DOWN, None, f"the line is busy. {alike}"),
    )
    said = " ".join((await drawn(Banner(), sample_view(health=sample_health(links=links)), 200)).split())
    assert f"✗ ib is DOWN: the connection ended. {alike}." in said
    assert "✗ ib data is DOWN: Nobody listens at 127.0.0.1:7497. It is tried again in 5 s." in said
    assert "✗ news is DOWN: the line is busy." in said, "its first sentence says what it is"


async def test_a_cause_that_two_links_share_is_one_sentence_of_the_banner_and_nothing_is_compared_before_there_is_a_link() -> None:
    cause = "TWS has lost IB's servers (1100); it comes back by itself"
    links = (
        LinkView("ib", LinkState.DEGRADED, None, f"{cause}.", True),
        LinkView("ib data", LinkState.DOWN, None, f"{cause}. It is tried again in 1 s."),
    )
    said = await drawn(Banner(), sample_view(health=sample_health(ready=False, links=links)), 200)
    assert said.strip() == f"✗ ib is DEGRADED, ib data is DOWN: {cause}. It is tried again in 1 s."


@pytest.mark.parametrize(("rows", "most"), [(24, 4), (36, 6)])
async def test_the_banner_leaves_a_small_screen_its_rows(rows: int, most: int) -> None:
    links = tuple(LinkView(name, LinkState.DOWN, None, f"{name} says " + "why " * 90, name == "ib") for name in ("ib", "ib data"))
    said = await drawn(Banner(), sample_view(health=sample_health(links=links)), 80, rows)
    assert len(said.splitlines()) == most
    assert said.count("see the log") == 2


async def test_the_banner_says_for_as_long_as_it_lasts_that_the_broker_holds_something_else() -> None:
    differ = ("The broker holds 7 AAPL, our books say 10", "The broker holds 1 IBM, our books say no")
    said = " ".join((await drawn(Banner(), sample_view(mismatches=differ), 120)).split())
    assert f"! {differ[0]}; {differ[1]}: no entries in what differs until both agree." in said


async def test_the_banner_says_reducing_not_ready_and_problems() -> None:
    account = sample_account(state=TradingState.REDUCING, reason="daily loss 2.1% of 2%")
    said = await drawn(
        Banner(), sample_view(account=account, health=sample_health(ready=True, problem="the journal cannot be written")), 120
    )
    for words in ("REDUCING: daily loss 2.1% of 2%", "the journal cannot be written"):
        assert words in said
    assert "not ready: reconciling" in await drawn(Banner(), sample_view(health=sample_health(ready=False)), 120)


async def test_an_engine_that_failed_is_not_said_to_be_getting_ready() -> None:
    failed = await drawn(Banner(), sample_view(health=sample_health(ready=False, problem="another one trades here")), 120)
    assert "another one trades here" in failed
    assert "reconciling" not in failed


@pytest.mark.parametrize("width", [38, 60, 80, 120])
async def test_the_stop_is_never_left_out_of_the_hints(width: int) -> None:
    hints = HintLine()
    async with Harness(hints).run_test(size=(width, 3)) as pilot:
        hints.show(HINTS * 3)
        await pilot.pause()
        said = lines_of(hints)[0]
        assert "F12" in said
        assert said.rstrip().endswith("STOP")
        assert "b buy" in said


async def test_every_empty_panel_says_so_in_words() -> None:
    for panel in PANELS:
        said = await drawn(panel(), empty_view(watch=()), 60, 10)
        assert sum(character.isalpha() for character in said) > 20, panel


async def test_an_empty_queue_says_how_a_strategy_is_started_where_none_runs() -> None:
    for strategies, words in ((sample_view().strategies, "No signals yet."), ((), "No strategy runs. `tradeconsole --strategy sma_cross`")):
        assert words in " ".join((await drawn(Signals(), sample_view(signals=(), strategies=strategies), 70, 10)).split())


async def test_before_the_broker_was_asked_nothing_is_said_to_be_held_or_to_work() -> None:
    for panel, none in ((Positions, "none held"), (Orders, "none works")):
        before = await drawn(panel(), empty_view(), 60, 10)
        assert "not known yet" in before, before
        assert "No positions." not in before, before
        assert none in await drawn(panel(), empty_view(health=sample_health()), 60, 10)
    assert "orders -" in await drawn(HeaderBar(), empty_view(), 80, 2)


async def test_in_an_empty_panel_a_key_stays_on_the_line_of_what_it_does() -> None:
    class Told(Positions):
        EMPTY = "No positions. b buys, {order_line} opens the order line."

    for width in range(20, 60):
        panel = Told()
        panel.name_keys({"order_line": ":"})
        said = await drawn(panel, empty_view(health=sample_health()), width, 12)
        assert ": opens" in said, said


def test_the_sample_has_what_its_readers_rely_on() -> None:
    view = sample_view()
    assert len(view.watch) == len(sample_watch()) == 4
    assert (len(view.positions), len(view.orders), len(view.signals)) == (2, 3, 3)
    assert view.chart is not None
    assert len(view.chart.bars) == 60


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "lmt 190.00"),
        ({"type": OrderType.STOP_LIMIT, "stop": Decimal("184"), "limit": Decimal("183.5")}, "stp lmt 184.00 183.50"),
        ({"type": OrderType.TRAILING_STOP, "limit": None, "trail": Decimal("2.5"), "stop": Decimal("184")}, "trl 2.50 184.00"),
        ({"type": OrderType.TRAILING_STOP, "limit": None, "trail_pct": Decimal("2.0"), "stop": None}, "trl 2%"),
        ({"limit": None, "exit_pct": Decimal(3), "released": False, "parent": "t1-1"}, "lmt 3% away"),
    ],
)
def test_an_orders_price_is_told_by_its_type(changes: dict[str, Any], shown: str) -> None:
    assert price_text(order(**changes)) == shown


def test_a_stop_that_is_still_held_here_protects_nothing() -> None:
    stop = order(type=OrderType.TRAILING_STOP, limit=None, trail_pct=Decimal(2), state=OrderState.HELD)
    assert unprotected(sample_view(positions=(position("AAPL", 100),), orders=(stop,))) == ()
    assert unprotected(sample_view(positions=(position("AAPL", 100),), orders=(replace(stop, released=False),))) == (
        ("AAPL", Decimal(100)),
    )


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (28, [["! drawdown of rsi"], ["TRIPPED until your"], ["word: its profit fell"], ["by 3.1% of equity,"], ["limit 3%"]]),
        (50, [["! drawdown of rsi", "TRIPPED"], ["until your word: its profit fell by 3.1% of"], ["equity, limit 3%"]]),
        (80, [["! drawdown of rsi", "TRIPPED"], ["until your word: its profit fell by 3.1% of equity, limit 3%"]]),
        (100, [["! drawdown of rsi", "until your word: its profit fell by 3.1% of equity, limit 3%", "TRIPPED"]]),
    ],
)
async def test_a_breaker_that_tripped_says_all_beside_its_name_or_under_it(width: int, said: list[list[str]]) -> None:
    risk = Risk()
    async with Harness(risk).run_test(size=(width, 12)) as pilot:
        trip = BreakerRow("drawdown of rsi", True, "its profit fell by 3.1% of equity, limit 3%", "your word", NOW)
        risk.show(sample_view(breakers=(trip,)))
        await pilot.pause()
        lines = lines_of(risk)
        first = next(place for place, line in enumerate(lines) if "! drawdown" in line)
        assert [re.split(r"  +", line.strip("│┃▸ ")) for line in lines[first : first + len(said)]] == said
        await pilot.resize_terminal(100, 12)
        await pilot.pause()
        assert sum("fell by" in line for line in lines_of(risk)) == 1


@pytest.mark.parametrize(
    ("width", "said"),
    [(40, "armed"), (64, "armed  until the next session and your word"), (80, "armed  holds until the next")],
)
async def test_what_an_armed_breaker_holds_until_is_never_cut(width: int, said: str) -> None:
    risk = Risk()
    async with Harness(risk).run_test(size=(width, 12)) as pilot:
        risk.show(sample_view(breakers=(BreakerRow("circuit breaker", False, "", "the next session and your word", 0),)))
        await pilot.pause()
        line = next(line for line in lines_of(risk) if "circuit breaker" in line)
        assert said in line
        assert "…" not in line


async def test_a_link_that_is_down_is_said_with_its_reason_at_any_width() -> None:
    links = (LinkView("sim", LinkState.UP, 100.0), LinkView("paper", LinkState.DOWN, 8_200.0, "no answer for 8s; trying again", True))
    banner = Banner()
    async with Harness(banner).run_test(size=(60, 8)) as pilot:
        banner.show(sample_view(health=sample_health(links=links)))
        await pilot.pause()
        assert banner.text == "✗ paper is DOWN: no answer for 8s; trying again."
