"""What the header, the banner and the hints say about a view."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.modes import LinkState, Mode, TradingState
from engine.model.orders import OrderState, OrderType, Side
from engine.model.views import LinkView, StopView, View
from tests.views import (
    order,
    position,
    sample_account,
    sample_chart,
    sample_health,
    sample_view,
)
from tests.widgets import harness
from tests.widgets.harness import HINTS, Harness, lines_of, text_of
from tests.worst import FREE, worst_view
from widgets.banner import MOST_LINES, Banner
from widgets.header import HeaderBar
from widgets.hints import HintLine
from widgets.protection import unprotected

HALTED = sample_account(badge="LIVE", mode=Mode.EMERGENCY, state=TradingState.HALTED, reason="stop key")


async def drawn(widget: Any, view: View, width: int, rows: int = 24) -> str:
    return await harness.drawn(widget, view, width, rows)


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
        async with Harness(banner).run_test(size=(80, 24)) as pilot:
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
    async with app.run_test(size=(80, 24)) as pilot:
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
    said = await drawn(Banner(), view, width)
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
    assert f"! {differ[0]}; {differ[1]}: no entries there until both agree; `accept` in the order line takes the broker's figure." in said


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


@pytest.mark.parametrize(
    ("width", "said"),
    [(80, "F5 review and send  F7 all of it  Esc leave"), (58, "F5 review and send  Esc leave"), (40, "F5 review and send")],
)
async def test_what_a_place_is_there_for_is_hinted_at_any_width_and_the_way_out_where_both_have_room(width: int, said: str) -> None:
    hints = HintLine()
    async with Harness(hints).run_test(size=(width, 3)) as pilot:
        hints.show([("F5", "review and send"), ("F7", "all of it"), ("Tab", "next field of the ticket"), ("Esc", "leave")])
        await pilot.pause()
        assert lines_of(hints)[0].partition("F12")[0].strip() == said


def test_a_stop_that_is_still_held_here_protects_nothing() -> None:
    stop = order(type=OrderType.TRAILING_STOP, limit=None, trail_pct=Decimal(2), state=OrderState.HELD)
    assert unprotected(sample_view(positions=(position("AAPL", 100),), orders=(stop,))) == ()
    assert unprotected(sample_view(positions=(position("AAPL", 100),), orders=(replace(stop, released=False),))) == (
        ("AAPL", Decimal(100)),
    )


async def test_a_link_that_is_down_is_said_with_its_reason_at_any_width() -> None:
    links = (LinkView("sim", LinkState.UP, 100.0), LinkView("paper", LinkState.DOWN, 8_200.0, "no answer for 8s; trying again", True))
    banner = Banner()
    async with Harness(banner).run_test(size=(60, 24)) as pilot:
        banner.show(sample_view(health=sample_health(links=links)))
        await pilot.pause()
        assert banner.text == "✗ paper is DOWN: no answer for 8s; trying again."
