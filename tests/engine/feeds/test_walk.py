"""The walk under the simulated market's prices, stepped by hand over long times."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from statistics import correlation, mean, stdev

import pytest

from engine.feeds.simulated.tempo import EXTENDED, Tempo, tempo_at
from engine.feeds.simulated.universe import KNOWN_SECTORS, SECTORS, universe
from engine.feeds.simulated.walk import Factors, Step, SymbolWalk

MINUTE_S = 60.0
USUAL = Tempo(1.0, 1.0, 0)


def steps(seed: int, symbol: str, count: int, step_s: float = MINUTE_S, tempo: Tempo = USUAL) -> list[Step]:
    walk = SymbolWalk(seed, symbol, step_s)
    factors = Factors(seed, [walk.sector], step_s)
    made = []
    for _ in range(count):
        market, sectors = factors.step(tempo.volatility)
        made.append(walk.step(market, sectors[walk.sector], tempo))
    return made


def moves(made: list[Step]) -> list[float]:
    """Of the price between bid and ask, without what news did: nobody can measure the usual by it."""
    return [max(-0.01, min(0.01, (later.bid + later.ask) / (step.bid + step.ask) - 1)) for step, later in pairwise(made)]


def test_a_price_stays_near_its_level_for_a_month_of_running_and_within_sight_of_its_first_one_for_a_year() -> None:
    walk = SymbolWalk(7, "IBM", MINUTE_S)
    factors = Factors(7, [walk.sector], MINUTE_S)
    levels = set()
    for _ in range(365 * 24 * 60):
        market, sectors = factors.step(1.0)
        walk.step(market, sectors[walk.sector], USUAL)
        assert 0.85 < walk.price / walk.level < 1.15
        levels.add(walk.level)
    assert len(levels) > 10
    assert 184.3 * 0.55 < min(levels) < 184.3 < max(levels) < 184.3 * 1.8


def test_volatility_is_that_of_a_real_stock() -> None:
    minutes_a_year = 252 * 6.5 * 60
    for symbol in ("AAPL", "IBM", "TSLA", "ZZZ"):
        assert 0.25 < stdev(moves(steps(7, symbol, 5000))) * minutes_a_year**0.5 < 0.75


def test_another_seed_is_another_market() -> None:
    assert abs(correlation(moves(steps(1, "AAPL", 3000)), moves(steps(2, "AAPL", 3000)))) < 0.1


def test_a_sector_moves_together_and_the_market_a_little_less() -> None:
    symbols = universe((), 60)
    walks = {symbol: SymbolWalk(7, symbol, MINUTE_S) for symbol in symbols}
    made = {symbol: moves(steps(7, symbol, 1500)) for symbol in symbols}
    pairs = [(one, other) for number, one in enumerate(symbols) for other in symbols[:number]]
    same = [correlation(made[one], made[other]) for one, other in pairs if walks[one].sector == walks[other].sector]
    across = [correlation(made[one], made[other]) for one, other in pairs if walks[one].sector != walks[other].sector]
    assert 0.1 < mean(across) < 0.35
    assert mean(across) + 0.05 < mean(same) < 0.6


@pytest.mark.parametrize("step_s", [0.0001, 0.25, 3600.0, 100_000.0])
def test_prices_stay_above_zero_and_finite_however_rarely_they_are_quoted(step_s: float) -> None:
    made = steps(7, "AAPL", 5_000, step_s)
    assert all(0 < step.bid < 1e9 and step.bid - 0.011 < step.ask for step in made)
    assert all(min(step.bid_size, step.ask_size) > 0 for step in made)


def test_a_quote_is_locked_now_and_then_and_crossed_by_a_tick_very_rarely() -> None:
    ticks = [round((step.ask - step.bid) * 100) for step in steps(7, "AAPL", 200_000, 0.25)]
    assert 30 < ticks.count(0) < 200
    assert 1 <= ticks.count(-1) < 30
    assert {*ticks} == {-1, 0, 2, 3}
    assert all(later > 0 for tick, later in pairwise(ticks) if tick < 0)


def test_the_day_is_a_u_that_changes_neither_its_whole_variance_nor_its_volume() -> None:
    day = [tempo_at(minute, 0, 390) for minute in range(390)]
    first, noon, last = day[0], day[195], day[-1]
    assert first.volatility > 2 * noon.volatility
    assert last.volatility > 1.4 * noon.volatility
    assert min(first.volume, last.volume) > 2.5 * noon.volume
    assert (first.wider, noon.wider) == (1, 0)
    assert mean(tempo.volatility**2 for tempo in day) == pytest.approx(1, rel=0.02)
    assert mean(tempo.volume for tempo in day) == pytest.approx(1, rel=0.02)
    assert EXTENDED.volume < min(tempo.volume for tempo in day) / 10


def test_about_one_night_in_a_quarter_brings_earnings_and_a_gap() -> None:
    walk, factors = SymbolWalk(7, "IBM", 1.0), Factors(7, [KNOWN_SECTORS["IBM"]], 1.0)
    days = [date(2000, 1, 1) + timedelta(days=number) for number in range(63 * 40)]
    gaps = []
    for day in days:
        before, level = walk.price, walk.level
        walk.sleep(day, factors.market.night(day), factors.sectors[walk.sector].night(day))
        gaps.append((walk.level != level, abs(walk.price / before - 1)))
        walk.step(0.0, 0.0, USUAL)
    earnings, quiet = [gap for news, gap in gaps if news], [gap for news, gap in gaps if not news]
    assert 25 < len(earnings) < 60
    assert 0.04 < mean(earnings) < 0.11
    assert 0.003 < mean(quiet) < 0.02


def test_a_larger_universe_holds_the_smaller_one_in_the_same_order() -> None:
    assert universe((), 500)[:100] == universe((), 100)
    assert len({*universe((), 5000)}) == 5000
    assert universe((), 3) == ("AAPL", "MSFT", "IBM")
    assert len(universe((), 0)) == 8
    assert universe(("ZZZ", "IBM"), 0) == ("ZZZ", "IBM")
    assert universe(("ZZZ", "IBM"), 4) == ("ZZZ", "IBM", "AAPL", "MSFT")
    assert universe(("ZZZ", "IBM"), 1) == ("ZZZ", "IBM")


def test_five_hundred_symbols_belong_to_all_sectors() -> None:
    assert {SymbolWalk(7, symbol, 1.0).sector for symbol in universe((), 500)} == {*SECTORS}
    assert {*KNOWN_SECTORS.values()} < {*SECTORS}
