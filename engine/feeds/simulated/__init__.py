"""A seeded market of our own, for a first try at midnight, demos, tests and runs faster than time.

`universe` says which symbols there are, `hours` when they trade, `tempo` how lively a moment of the day is, `walk` how prices move,
`script` what happens in which order, and `feed` tells it at the pace that was asked for.
"""

from engine.feeds.simulated.feed import SimulatedFeed

__all__ = ["SimulatedFeed"]
