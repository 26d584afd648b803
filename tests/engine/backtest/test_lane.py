"""The fast lane and the core make the same of the same orders, to the last digit: fills, money, trades, figures, and what was refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.backtest import lane, runner
from engine.backtest.data import Data
from engine.backtest.fill_columns import Fills
from engine.backtest.profile import OFF, Latency, Profile
from engine.backtest.result import Result
from engine.backtest.runner import run
from engine.feeds.actions import Action
from engine.feeds.bar_columns import BarColumns, Columns
from engine.feeds.calendar import Calendar
from engine.model.settings import CommissionSettings, PaperSettings, SlippageSettings, StrategySettings
from tests.engine.backtest.market import FREE, days, flat, strategy
from tests.engine.backtest.workloads import CROSS, SECOND, market
from tests.thorough import tries

DICE, TRIPS = str(CROSS.with_name("dice.py")), str(CROSS.with_name("trips.py"))
_EACH = {"minutes": 60, "days": 86_400, "sessions": 60}
_FIRST = {
    "minutes": datetime(2024, 3, 1, tzinfo=UTC),
    "days": datetime(2024, 3, 1, tzinfo=UTC),
    # The last twenty minutes of a Friday in New York.
    "sessions": datetime(2024, 3, 1, 20, 40, tzinfo=UTC),
}


@st.composite
def markets(draw: st.DrawFn) -> Data:
    """Walks with gaps in price and in time: symbols start late, end early and miss bars; some split or pay."""
    kind = draw(st.sampled_from(sorted(_EACH)))
    seed, symbols, bars = draw(st.integers(0, 10**6)), draw(st.integers(1, 3)), draw(st.integers(2, 60))
    random = np.random.default_rng(seed)
    missing = draw(st.sampled_from((0.0, 0.1, 0.5)))
    thin, adjusted = draw(st.booleans()), draw(st.booleans())
    made = {}
    for number in range(symbols):
        kept = np.flatnonzero(random.random(bars) >= missing)
        if not len(kept):
            kept = np.array([bars - 1])
        close = np.round(50 * np.exp(np.cumsum(random.normal(0, 0.02, bars))), 2)[kept]
        opens = np.round(close * np.exp(random.normal(0, 0.01, len(kept))), 2)
        if adjusted:
            close, opens = close * 0.98765432109876, opens * 0.98765432109876
        high, low = np.maximum(opens, close) + 0.5, np.minimum(opens, close) - 0.5
        volume = np.round(random.random(len(kept)) * (2_000 if thin else 1e9))
        at = int(_FIRST[kind].timestamp()) * SECOND + kept.astype(np.int64) * _EACH[kind] * SECOND
        if kind == "sessions":
            # Half of them on the Monday after, from before its opening on.
            at = np.where(kept >= bars // 2, at + (65 * 3600 + 40 * 60) * SECOND, at)
        made[f"S{number}"] = BarColumns(f"S{number}", Columns(at, opens, high, low, close, volume))
    acts = draw(
        st.lists(st.tuples(st.integers(0, 9), st.sampled_from(("split", "dividend")), st.sampled_from(("2", "0.5", "1.5"))), max_size=2)
    )
    days = [(_FIRST[kind] + timedelta(days=day)).date() for day, _, _ in acts]
    actions = {
        (symbol, day, act[1]): Action(symbol, day, act[1], Decimal(act[2]))  # type: ignore[arg-type]
        for symbol, day, act in zip(made, days, acts, strict=False)
    }
    calendar = Calendar("XNYS" if kind == "sessions" else "24/7")
    return Data("walks", made, calendar, actions=tuple(sorted(actions.values(), key=lambda action: action.day)))


@st.composite
def profiles(draw: st.DrawFn, wild: int = 0) -> Profile:
    paper = PaperSettings(
        cash=Decimal(draw(st.sampled_from((1_000, 20_000, 10_000_000)))),
        commission=draw(
            st.sampled_from(
                (
                    CommissionSettings("fixed", rate=Decimal(1)),
                    CommissionSettings("per_cent", rate=Decimal("0.1"), minimum=Decimal(0)),
                    CommissionSettings("per_share", rate=Decimal("0.005"), minimum=Decimal(1)),
                )
            )
        ),
        slippage=draw(st.sampled_from((SlippageSettings(bps=0), SlippageSettings(bps=3), SlippageSettings("volatility", range_pct=5)))),
        latency_ms=draw(st.sampled_from((0.0, 20.0, 50_000.0))),
        volume_cap_pct=draw(st.sampled_from((10.0, 100.0))),
    )
    strategies = tuple(
        StrategySettings(
            DICE,
            params={"seed": draw(st.integers(0, 10**6)), "often": draw(st.sampled_from((20, 90))), "wild": wild, "answers": number % 2},
            size_pct=Decimal(draw(st.sampled_from((5, 60)))),
        )
        for number in range(draw(st.integers(1, 2)))
    )
    latency = draw(st.sampled_from((Latency(), Latency(), Latency(ms=1), Latency(ms=90_000), Latency(bars=2))))
    return Profile(strategies, paper, fill=draw(st.sampled_from(("next_open", "close"))), latency=latency)


def told(result: Result) -> Mapping[str, Any]:
    """All that it says, in a form that compares and that shows what differs."""
    parts = {name: getattr(result, name) for name in Result.__struct_fields__ if name not in ("data", "profile", "curve", "fills")}
    curve = {name: getattr(result.curve, name).tolist() for name in ("at", "equity", "cash", "gross")}
    return {**parts, **curve, "fills": [str(fill) for fill in result.fills]}


def by_core(data: Data, profile: Profile) -> Result:
    """The same through the core: limits that no order ever meets keep it out of the fast lane, and have the core hear every bar."""
    return replace(run(data, replace(profile, limits=OFF)), profile=profile)


@pytest.mark.timeout(0)
@settings(max_examples=tries(60, 3_000), deadline=None)
@given(markets(), profiles())
def test_market_orders_end_alike_in_the_lane_and_in_the_core(data: Data, profile: Profile) -> None:
    assert told(run(data, profile)) == told(by_core(data, profile))


def exactly(result: Result) -> Mapping[str, Any]:
    """The same, and exact numbers to the last digit that is shown."""
    return {**told(result), "value": str(result.final_value), "holdings": [str(held) for held in result.held], "trips": list(result.trades)}


@pytest.mark.timeout(0)
@settings(max_examples=tries(60, 3_000), deadline=None)
@given(markets(), profiles(), st.integers(0, 10**6), st.sampled_from((0, 10)), st.integers(0, 1))
def test_round_trips_that_are_booked_by_column_end_as_in_the_core(data: Data, profile: Profile, seed: int, looks: int, sized: int) -> None:
    params: dict[str, float | int | str | bool] = {"seed": seed, "often": 90, "looks": looks, "sized": sized}
    profile = replace(profile, strategies=(StrategySettings(TRIPS, params=params, size_pct=Decimal(60)),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane, "_MANY", 1)
        by_column = run(data, profile)
        patch.setattr(lane, "_MANY", 10**9)
        one_by_one = run(data, profile)
    assert exactly(by_column) == exactly(one_by_one)
    assert told(by_column) == told(by_core(data, profile))


def test_fills_that_went_from_flat_or_back_are_made_when_somebody_looks() -> None:
    result = run(market(3, 2_000), Profile((StrategySettings(TRIPS, params={"looks": 0}),), replace(FREE, cash=Decimal(10**7))))
    assert isinstance(result.fills, Fills)
    assert len(result.fills) == len(list(result.fills)) > 1_000


@pytest.mark.timeout(0)
@settings(max_examples=tries(30, 1_000), deadline=None)
@given(markets(), profiles(wild=10))
def test_a_run_that_leaves_the_lane_on_its_way_ends_as_if_it_had_never_been_in_it(data: Data, profile: Profile) -> None:
    assert told(run(data, profile)) == told(by_core(data, profile))


def test_an_order_that_fills_behind_another_in_one_bar_counts_from_what_that_one_left(tmp_path: Path) -> None:
    file = strategy(
        tmp_path,
        """
        def on_bar(self, ctx: Context, bar: Bar) -> None:
            self.bar += 1
            if self.bar < 3:
                ctx.buy(bar.symbol, 5)
            if self.bar == 2:
                ctx.sell(bar.symbol, 5)
        """,
    )
    data, profile = days({"AAA": flat(10, 11, 12, 13, 14, 15)}), Profile((StrategySettings(file),), FREE)
    assert run(data, profile).curve.gross.tolist() == [0, 55, 60, 65, 70, 75]
    assert told(run(data, profile)) == told(by_core(data, profile))


def test_who_orders_at_the_market_alone_stays_in_the_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the run left the fast lane")

    monkeypatch.setattr(runner._Run, "_leave", never)
    result = run(market(3, 400), Profile((StrategySettings(DICE, params={"seed": 4}),), replace(FREE, cash=Decimal(10**6))))
    assert len(result.fills) > 200
    assert result.cut["buying power"] > 20
    assert result.denied["buying power"] > 20
