"""Whatever a feed, a broker or a strategy writes: nothing of it reaches the terminal as more than text, and nothing crashes."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.market import Bar
from engine.model.modes import Level, LinkState, TradingState
from engine.model.orders import Side
from engine.model.signals import SignalState, Vote
from engine.model.views import ChartMark, LinkView, LogLine, RiskRow, StrategyRow, View
from tests.views import (
    order,
    position,
    sample_account,
    sample_chart,
    sample_health,
    sample_view,
    sample_watch,
    signal,
)
from tests.widgets.harness import PANELS, Harness, segments_of
from widgets.banner import Banner
from widgets.header import HeaderBar

NASTY = [
    "AAPL[/]",
    "[red]x[/red]",
    "\x1b]0;owned\x07",
    "\x1b[2J",
    "\x9b5n",
    "a\nb\rc\td",
    "\u202eLIVE",
    "\u200b",
    "",
    "東" * 60,
    "🏴‍☠️",
    "\ud800",
    "x" * 300,
]
text = st.sampled_from(NASTY) | st.text(max_size=40)
prices = st.none() | st.floats() | st.sampled_from([0.0, -1.0, 1e-12, 1e308])
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40) | st.sampled_from(
    [Decimal(0), Decimal("1e40"), Decimal("-1e-20")]
)
times = st.integers(-(10**20), 10**21)


@st.composite
def views(draw: st.DrawFn) -> View:
    def word() -> str:
        return draw(text)

    def price() -> float | None:
        return draw(prices)

    def amount() -> Decimal:
        return draw(decimals)

    watch = replace(
        sample_watch()[0], symbol=word(), last=price(), change=price(), bid=price(), ask=price(), stale_s=draw(st.none() | st.integers())
    )
    held = replace(
        position(word()),
        quantity=amount(),
        average=amount(),
        last=price(),
        unrealised=amount(),
        unrealised_fraction=price(),
        value=amount(),
    )
    sent = order(symbol=word(), quantity=amount(), filled=amount(), limit=amount(), strategy=word(), reason=word(), created_at=draw(times))
    raised = signal(
        symbol=word(),
        price=amount(),
        price_now=price(),
        verdict=word(),
        strategy=word(),
        votes=(Vote(word(), draw(st.sampled_from([Side.BUY, None])), 0.5),),
        state=draw(st.sampled_from(SignalState)),
        decided_by=word(),
        decided_reason=word(),
        shadow=draw(st.none() | decimals),
        raised_at=draw(times),
        expires_in_s=draw(st.none() | st.integers()),
    )
    bar = st.builds(Bar, text, times, st.floats(), st.floats(), st.floats(), st.floats(), st.floats())
    mark = st.builds(ChartMark, times, st.sampled_from(Side), st.floats(), decimals, text)
    chart = sample_chart(
        symbol=word(), bars=tuple(draw(st.lists(bar, max_size=5))), marks=tuple(draw(st.lists(mark, max_size=3))), timeframe=word()
    )
    account = sample_account(
        badge=word(), reason=word(), state=draw(st.sampled_from(TradingState)), equity=amount(), day_start=amount(), exposure=amount()
    )
    health = sample_health(
        links=(LinkView(word(), draw(st.sampled_from(LinkState)), price(), word()),),
        market_text=word(),
        problem=word(),
        market_time=draw(times),
        ready=draw(st.booleans()),
    )
    return sample_view(
        account=account,
        health=health,
        watch=(watch,),
        positions=(held,),
        orders=(sent,),
        signals=(raised,),
        risk=(RiskRow(word(), amount(), amount(), draw(st.sampled_from(["%", "$"])), draw(st.booleans()), word()),),
        strategies=(StrategyRow(word(), "disabled", word(), 0, 0, None),),
        log=(LogLine(1, draw(times), draw(st.sampled_from(Level)), word(), word()),),
        chart=draw(st.none() | st.just(chart)),
    )


def check(widget: Any) -> None:
    width = widget.size.width
    for y in range(widget.size.height):
        strip = widget.render_line(y)
        assert sum(segment.cell_length for segment in strip) == width
    for segment in segments_of(widget):
        assert not segment.control
        assert not [hex(ord(c)) for c in segment.text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Mn", "Me"}]


@pytest.mark.parametrize("panel", [*PANELS, HeaderBar, Banner])
async def test_no_view_can_steer_the_terminal_break_the_frame_or_crash(panel: Any) -> None:
    widget = panel()
    app = Harness(widget)
    async with app.run_test(size=(64, 12)) as pilot:

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
        @given(views())
        def draw(view: View) -> None:
            app.show(view)
            check(widget)

        draw()
        await pilot.pause()


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("size", [(38, 3), (38, 12), (57, 4), (80, 24), (120, 7), (200, 50), (3, 3), (8, 6)])
async def test_every_panel_draws_in_every_size(panel: Any, size: tuple[int, int]) -> None:
    widget = panel()
    app = Harness(widget)
    async with app.run_test(size=size) as pilot:
        app.show(sample_view())
        await pilot.pause()
        check(widget)
        app.show(sample_view(watch=(), positions=(), orders=(), signals=(), risk=(), chart=None))
        await pilot.pause()
        check(widget)
