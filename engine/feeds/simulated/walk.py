"""The simulated market's prices: seeded walks of the market and of each sector, and one for each symbol on top of them.

The walk in x, the logarithm of price over level, is an Ornstein-Uhlenbeck process (Uhlenbeck and Ornstein 1930): in a step of dt seconds
`dx = -x dt/T + beta dM + dS + s sqrt(dt) N(0,1)`, with `dM` the market's and `dS` the sector's own step, each times the moment's tempo,
plus a jump now and then. Volatilities are annual figures spread over the year's trading seconds, 252 days of 6.5 hours, with no factor
to make them livelier: 30 to 60 % a year already moves a 180-dollar stock by 4 to 8 ticks in a typical five seconds. The pull back to the
level has a half-life of four hours, which keeps a symbol within a few per cent of it; news moves the level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from math import exp, log, sqrt
from random import Random
from typing import NamedTuple

from engine.feeds.simulated.hours import Slot
from engine.feeds.simulated.tempo import Tempo
from engine.feeds.simulated.universe import KNOWN_SECTORS, LEVELS, SECTORS
from engine.model.market import AuctionKind, Bar

_YEAR_S = 252 * 6.5 * 3600
_MARKET_VOLATILITY = 0.20 / sqrt(_YEAR_S)
_SECTOR_VOLATILITY = 0.14 / sqrt(_YEAR_S)
_REVERSION_S = 4 * 3600 / log(2)
_JUMP_EVERY_S = 900.0
_JUMP_SIZE = 0.0015
_NEWS_EVERY_S = 60 * 6.5 * 3600
_NEWS = 0.06, 0.20
"""What a piece of news adds to or takes from the logarithm of the price, at least and at most."""
_NIGHT_S = 6000
"""A closed night moves prices as much as this much trading: about a fifth of the whole day's variance (French and Roll 1986)."""
_NIGHTS_BETWEEN_EARNINGS = 63
_EARNINGS = 0.03, 0.12
_AUCTION_SHARE = {AuctionKind.OPEN: 0.01, AuctionKind.CLOSE: 0.07}
"""Of a session's volume."""
_LOCKED, _CROSSED = 0.9995, 0.99995
"""A quote in two thousand has bid and ask at the same price, one in twenty thousand a bid above the ask; the next one has neither."""
_TICK = 0.01
_CHEAPEST, _DEAREST = 15.0, 450.0


class Step(NamedTuple):
    """The market in a symbol after a step: prices on the tick, sizes and `volume` (of the trade, 0 where there was none) in shares."""

    bid: float
    ask: float
    bid_size: float
    ask_size: float
    last: float
    volume: float


class Factor:
    """What moves many symbols at once. Its steps are drawn from a Random of its own, so that they do not depend on who is listening."""

    def __init__(self, seed: int, name: str, volatility: float, step_s: float) -> None:
        self.volatility = volatility
        self._seed = seed
        self._name = name
        self._gauss = Random(f"{seed} {name}").gauss
        self._scale = volatility * sqrt(step_s)
        self._past_gauss = Random(f"{seed} {name} past").gauss
        self._past: list[float] = []

    def step(self, tempo: float) -> float:
        return self._gauss(0.0, self._scale * tempo)

    def night(self, day: date) -> float:
        """The move over the night before `day`, the same whenever it is asked for."""
        return Random(f"{self._seed} {self._name} {day}").gauss(0.0, self.volatility * sqrt(_NIGHT_S))

    def past(self, count: int) -> Sequence[float]:
        """Its moves in at least `count` bars of one second each, backward in time; kept, for all its symbols ask for the same."""
        missing = count - len(self._past)
        self._past += [self._past_gauss(0.0, self.volatility) for _ in range(missing)]
        return self._past


class Factors:
    """The market and its sectors. A sector that no symbol belongs to takes no step, which changes nothing for the others."""

    def __init__(self, seed: int, sectors: Iterable[str], step_s: float) -> None:
        self._seed = seed
        self._step_s = step_s
        self.market = Factor(seed, "market", _MARKET_VOLATILITY, step_s)
        self.sectors = {name: Factor(seed, name, _SECTOR_VOLATILITY, step_s) for name in dict.fromkeys(sectors)}

    def add(self, name: str) -> None:
        """Another sector from the next step on."""
        if name not in self.sectors:
            self.sectors[name] = Factor(self._seed, name, _SECTOR_VOLATILITY, self._step_s)

    def step(self, tempo: float) -> tuple[float, dict[str, float]]:
        """The next move of the market, and of each sector."""
        return self.market.step(tempo), {name: sector.step(tempo) for name, sector in self.sectors.items()}


class SymbolWalk:
    """One symbol, in steps of `step_s` seconds. All that is particular to it comes from the seed and its name alone."""

    def __init__(self, seed: int, symbol: str, step_s: float) -> None:
        character = Random(f"{seed} {symbol} character")
        drawn = round(exp(character.uniform(log(_CHEAPEST), log(_DEAREST))), 2)
        self.level = LEVELS.get(symbol, drawn)
        self.beta = character.uniform(0.8, 1.3)
        self.volatility = character.uniform(0.20, 0.46) / sqrt(_YEAR_S)
        """Of its own, beside the market's and the sector's: together 30 to 55 % a year."""
        self.shares_per_s = character.uniform(800.0, 3000.0)
        self.sector = KNOWN_SECTORS.get(symbol) or character.choice(SECTORS)
        self._seed = seed
        self._symbol = symbol
        self._random = Random(f"{seed} {symbol}")
        self._x = self._random.gauss(0.0, 0.005)
        self._begun = self._x, self.level
        self._scale = self.volatility * sqrt(step_s)
        self._pull = min(1.0, step_s / _REVERSION_S)
        self._jump, self._news = step_s / _JUMP_EVERY_S, min(1.0, step_s / _NEWS_EVERY_S)
        # Three steps in five end in a trade.
        self._shares = self.shares_per_s * step_s / 0.6
        self.last = self.price

    @property
    def price(self) -> float:
        """Where the symbol stands now, between bid and ask, on the tick."""
        return _on_tick(self.level * exp(self._x))

    def begin_here(self) -> None:
        """Its history ends where it stands now."""
        self._begun = self._x, self.level

    def random(self) -> float:
        """Uniform in [0, 1), from the symbol's own sequence."""
        return self._random.random()

    def step(self, market: float, sector: float, tempo: Tempo) -> Step:
        """Moves on, given the steps of the market and of the symbol's sector."""
        random = self._random.random
        x = self._x
        x += self.beta * market + sector + self._random.gauss(0.0, self._scale * tempo.volatility) - self._pull * x
        chance = random()
        if chance < self._jump:
            x += self._random.gauss(0.0, _JUMP_SIZE)
            if chance < self._news:
                self.level *= exp(self._surprise(self.level, self._random, *_NEWS))
        self._x = x
        level = self.level
        ticks = (1 if level < 100 else 2 if level < 250 else 3) + tempo.wider
        if level < 250 and random() < 0.15:
            ticks += 1
        # Whole ticks until the division, so that a price is the float a person would write.
        bid = max(1, round(level * exp(x) / _TICK - ticks / 2))
        draw = random()
        volume = 0.0
        if draw < 0.6:
            self.last = (bid if draw < 0.3 else bid + ticks) / 100
            volume = float(1 + int(self._shares * tempo.volume * 2 * random()))
        elif draw > _LOCKED:
            ticks = 0 if draw < _CROSSED or bid == 1 else -1
        bid_size, ask_size = 100.0 * (1 + int(12 * random())), 100.0 * (1 + int(12 * random()))
        return Step(bid / 100, (bid + ticks) / 100, bid_size, ask_size, self.last, volume)

    def cross(self, kind: AuctionKind, session_s: float) -> tuple[float, float]:
        """Price and volume of an auction in a session of so many seconds."""
        self.last = self.price
        return self.last, self._auctioned(kind, session_s, self._random)

    def sleep(self, day: date, market: float, sector: float) -> None:
        """Moves over the night before `day`, given the nights of the market and of the symbol's sector. Earnings come at night."""
        moved, revalued = self._night(day, self.level, market, sector)
        self._x += moved
        self.level *= exp(revalued)

    def past(self, slots: Sequence[Slot], factors: Factors) -> Iterator[Bar]:
        """Bars for `slots`, newest first: the walk run backward in time from the price it starts at.

        The factors' backward steps are the same for every symbol, so that history is correlated like what follows. Within a bar the
        highest point is drawn from its distribution for a Brownian bridge, P(max >= b) = exp(-2 b (b - d) / s^2) for a move of d with
        deviation s (Karatzas and Shreve 1991, 4.3.40), and the lowest likewise.
        """
        own, market, sector = Random(f"{self._seed} {self._symbol} past"), factors.market, factors.sectors[self.sector]
        whole = sqrt((self.beta * market.volatility) ** 2 + sector.volatility**2 + self.volatility**2)
        x, level = self._begun
        for slot, of_market, of_sector in zip(slots, market.past(len(slots)), sector.past(len(slots)), strict=False):
            scale = sqrt(slot.seconds) * slot.tempo.volatility
            back = (self.beta * of_market + of_sector + own.gauss(0.0, self.volatility)) * scale
            before = x + back - min(1.0, slot.seconds / _REVERSION_S) * x
            move, twice = x - before, 2 * (whole * scale) ** 2
            high = before + (move + sqrt(move * move - twice * log(1 - own.random()))) / 2
            low = before + (move - sqrt(move * move - twice * log(1 - own.random()))) / 2
            volume = int(self.shares_per_s * slot.seconds * slot.tempo.volume * own.uniform(0.5, 1.5))
            volume += int(self._auctioned(AuctionKind.OPEN, slot.session_s, own)) if slot.opening else 0
            volume += int(self._auctioned(AuctionKind.CLOSE, slot.session_s, own)) if slot.closing else 0
            first, highest, lowest, last = (_on_tick(level * exp(place)) for place in (before, high, low, x))
            yield Bar(self._symbol, slot.at, first, highest, lowest, last, float(volume))
            x = before
            if slot.night is not None:
                moved, revalued = self._night(slot.night, level, market.night(slot.night), sector.night(slot.night))
                x -= moved
                level /= exp(revalued)

    def _night(self, day: date, level: float, market: float, sector: float) -> tuple[float, float]:
        """What the night before `day` adds to x and to the logarithm of the level."""
        night = Random(f"{self._seed} {self._symbol} {day}")
        moved = self.beta * market + sector + night.gauss(0.0, self.volatility * sqrt(_NIGHT_S))
        return moved, self._surprise(level, night, *_EARNINGS) if night.random() < 1 / _NIGHTS_BETWEEN_EARNINGS else 0.0

    def _surprise(self, level: float, random: Random, least: float, most: float) -> float:
        """News for the logarithm of `level`: good or bad, but the further away the first level is, the likelier back to it."""
        good = random.random() < 0.5 - log(level / self._begun[1])
        return random.uniform(least, most) * (1 if good else -1)

    def _auctioned(self, kind: AuctionKind, session_s: float, random: Random) -> float:
        return float(int(self.shares_per_s * session_s * _AUCTION_SHARE[kind] * random.uniform(0.7, 1.3)))


def _on_tick(price: float) -> float:
    return max(1, round(price / _TICK)) / 100
