"""The simulated market's prices: a seeded walk for the market as a whole, and one for each symbol on top of it.

The walk in x, the logarithm of price over level, is an Ornstein-Uhlenbeck process (Uhlenbeck and Ornstein 1930): in a step of dt seconds
`dx = -x dt/T + beta dM + s sqrt(dt) N(0,1)`, with `dM` the market's own step, plus a rare jump. Volatilities are annual figures spread
over the year's trading seconds, 252 days of 6.5 hours, with no factor to make them livelier: 30 to 60 % a year already moves a
180-dollar stock by 4 to 8 ticks in a typical five seconds. The pull back to the level has a half-life of four hours, which keeps a
symbol within a few per cent of it however long the market runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log, sqrt
from random import Random
from typing import NamedTuple

_YEAR_S = 252 * 6.5 * 3600
_MARKET_VOLATILITY = 0.22 / sqrt(_YEAR_S)
_REVERSION_S = 4 * 3600 / log(2)
_JUMP_EVERY_S = 900.0
_JUMP_SIZE = 0.0015
_HISTORY_STEPS = 5
_TICK = 0.01
_CHEAPEST, _DEAREST = 15.0, 450.0

# Tickers a newcomer knows, at price levels they would not be surprised by. The levels are invented.
LEVELS = {
    "AAPL": 187.50,
    "MSFT": 402.10,
    "IBM": 184.30,
    "NVDA": 121.40,
    "AMZN": 178.20,
    "GOOG": 164.70,
    "TSLA": 243.60,
    "JPM": 211.90,
}


class Step(NamedTuple):
    """The market in a symbol after a step: prices on the tick, sizes and `volume` (of the trade, 0 where there was none) in shares."""

    bid: float
    ask: float
    bid_size: float
    ask_size: float
    last: float
    volume: float


class Sketch(NamedTuple):
    """A bar without its symbol and time."""

    open: float
    high: float
    low: float
    close: float
    volume: float


class MarketWalk:
    """What moves all symbols at once. Its steps are drawn from a Random of its own, so that they do not depend on who is listening."""

    def __init__(self, seed: int, step_s: float) -> None:
        self._gauss = Random(f"{seed} market").gauss
        self._scale = _MARKET_VOLATILITY * sqrt(step_s)

    def step(self) -> float:
        return self._gauss(0.0, self._scale)


class SymbolWalk:
    """One symbol, in steps of `step_s` seconds. All that is particular to it comes from the seed and its name alone."""

    def __init__(self, seed: int, symbol: str, step_s: float) -> None:
        character = Random(f"{seed} {symbol} character")
        drawn = round(exp(character.uniform(log(_CHEAPEST), log(_DEAREST))), 2)
        self.level = LEVELS.get(symbol, drawn)
        self.beta = character.uniform(0.8, 1.3)
        self.volatility = character.uniform(0.25, 0.52) / sqrt(_YEAR_S)
        """Of its own, beside the market's: together 30 to 60 % a year."""
        self.shares_per_s = character.uniform(800.0, 3000.0)
        self._seed = seed
        self._symbol = symbol
        self._random = Random(f"{seed} {symbol}")
        self._x = self._start = self._random.gauss(0.0, 0.005)
        self._scale = self.volatility * sqrt(step_s)
        self._pull = min(1.0, step_s / _REVERSION_S)
        self._jump = step_s / _JUMP_EVERY_S
        # Three steps in five end in a trade.
        self._shares = self.shares_per_s * step_s / 0.6
        self._ticks = 1 if self.level < 100 else 2 if self.level < 250 else 3
        self.last = self._price(self._x)

    def random(self) -> float:
        """Uniform in [0, 1), from the symbol's own sequence."""
        return self._random.random()

    def step(self, market: float) -> Step:
        """Moves on, given the market's own step."""
        random = self._random.random
        x = self._x
        x += self.beta * market + self._random.gauss(0.0, self._scale) - self._pull * x
        if random() < self._jump:
            x += self._random.gauss(0.0, _JUMP_SIZE)
        self._x = x
        ticks = self._ticks
        if ticks < 3 and random() < 0.15:
            ticks += 1
        # Whole ticks until the division, so that a price is the float a person would write.
        bid = max(1, round(self.level * exp(x) / _TICK - ticks / 2))
        draw = random()
        volume = 0.0
        if draw < 0.6:
            self.last = (bid if draw < 0.3 else bid + ticks) / 100
            volume = float(1 + int(self._shares * 2 * random()))
        bid_size, ask_size = 100.0 * (1 + int(12 * random())), 100.0 * (1 + int(12 * random()))
        return Step(bid / 100, (bid + ticks) / 100, bid_size, ask_size, self.last, volume)

    def past(self, bar_s: int) -> Iterator[Sketch]:
        """Bars of `bar_s` seconds before the first step, newest first: the walk run backward in time from the price it starts at.

        The market's backward steps are the same for every symbol, so that history is correlated like what follows.
        """
        step_s = bar_s / _HISTORY_STEPS
        own = Random(f"{self._seed} {self._symbol} past")
        market = Random(f"{self._seed} market past")
        own_scale, market_scale = self.volatility * sqrt(step_s), _MARKET_VOLATILITY * sqrt(step_s)
        pull = min(1.0, step_s / _REVERSION_S)
        x = self._start
        price = self._price(x)
        while True:
            close = high = low = price
            for _ in range(_HISTORY_STEPS):
                x += self.beta * market.gauss(0.0, market_scale) + own.gauss(0.0, own_scale) - pull * x
                price = self._price(x)
                high, low = max(high, price), min(low, price)
            yield Sketch(price, high, low, close, float(int(self.shares_per_s * bar_s * own.uniform(0.5, 1.5))))

    def _price(self, x: float) -> float:
        return max(1, round(self.level * exp(x) / _TICK)) / 100
