"""What each panel says about a view, and how it looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from textual.app import App

from engine.model.modes import Mode, TradingState
from engine.model.orders import OrderState, OrderType
from engine.model.signals import SignalState
from engine.model.views import BreakerRow, ExposureRow, RiskRow
from tests.views import (
    NOW,
    empty_view,
    order,
    sample_account,
    sample_health,
    sample_view,
    sample_watch,
    signal,
)
from tests.widgets.harness import PANELS, Harness, drawn, lines_of, text_of
from widgets.banner import Banner
from widgets.chart import Chart
from widgets.header import HeaderBar
from widgets.hints import HintLine
from widgets.orders import Orders, price_text
from widgets.positions import Positions
from widgets.risk import Risk
from widgets.signals import Signals
from widgets.watchlist import Watchlist

HALTED = sample_account(badge="LIVE", mode=Mode.EMERGENCY, state=TradingState.HALTED, reason="stop key")


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
    async with app.run_test(size=(width, 24)) as pilot:
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


async def test_what_is_at_risk_without_a_limit_is_drawn_as_a_part_of_equity() -> None:
    account = sample_account(equity=Decimal(1000), exposure=Decimal(500), net=Decimal(500), exposure_limit=Decimal(0))
    rows = (ExposureRow("AAPL", Decimal(500), Decimal(500), Decimal(0), Decimal(0), Decimal(0)),)
    lines = (await drawn(Risk(), sample_view(account=account, risk=(), breakers=(), exposure_by_symbol=rows), 78)).splitlines()
    gross = next(line for line in lines if "gross" in line)
    assert "50%" in gross
    assert abs(gross.count("━") - gross.count("─")) <= 1


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


async def test_a_chart_without_bars_says_what_it_waits_for() -> None:
    starting, nothing_watched = empty_view(), empty_view(health=sample_health())
    chart = sample_view().chart
    assert chart is not None
    loading = sample_view(chart=replace(chart, bars=()))
    for view, said in (
        (starting, "The feed is being asked. Its bars stand here as soon as it has answered."),
        (nothing_watched, "Choose a symbol in the watchlist"),
        (loading, "No bars of AAPL yet. They appear as the feed sends them."),
    ):
        words = " ".join((await drawn(Chart(), view, 80, 10)).replace("│", " ").split())
        assert said in words
        assert ("Choose" in words) == (view is nothing_watched)


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
