"""The simulated market's symbols: eight that a newcomer knows, and as many invented ones as are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice, product
from random import Random

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

SECTORS = (
    "communication services",
    "consumer discretionary",
    "consumer staples",
    "energy",
    "financials",
    "health care",
    "industrials",
    "information technology",
    "materials",
    "real estate",
    "utilities",
)
"""Those of the Global Industry Classification Standard."""

LARGEST = 5_000
"""Symbols at most, as in the settings."""

KNOWN_SECTORS = {
    "AAPL": "information technology",
    "MSFT": "information technology",
    "IBM": "information technology",
    "NVDA": "information technology",
    "AMZN": "consumer discretionary",
    "GOOG": "communication services",
    "TSLA": "consumer discretionary",
    "JPM": "financials",
}


def universe(asked: Sequence[str], count: int) -> tuple[str, ...]:
    """The symbols asked for, or the known ones where none are; then known and invented ones until there are `count`.

    The invented ones always come in the same order, so that a larger universe holds the smaller one.
    """
    named = tuple(asked) or tuple(LEVELS)[: count or None]
    return tuple(islice(dict.fromkeys(chain(named, LEVELS, _invented())), max(count, len(named))))


def known() -> tuple[str, ...]:
    """All that the simulated market knows of by itself: the eight, and the largest universe there can be."""
    return universe((), LARGEST)


def _invented() -> list[str]:
    consonants, vowels = "BCDFGHJKLMNPQRSTVWXZ", "AEIOU"
    names = ["".join(letters) for letters in product(consonants, vowels, consonants, vowels)]
    Random("names").shuffle(names)
    return names
