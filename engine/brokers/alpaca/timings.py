"""How long Alpaca is waited for, and how often it is asked. Each figure in one place: a test needs not the patience of the real thing."""

from __future__ import annotations

from msgspec import Struct


class Timings(Struct, frozen=True):
    connect_s: float = 3.0
    answer_s: float = 8.0
    """Of an order's request and of a question. The library itself waits for ever."""
    cancel_s: float = 3.0
    together_s: float = 0.5
    """How long the stop waits for the answer to the one request that cancels everything, before it cancels each order by itself."""
    stream_s: float = 10.0
    """Until the stream of trade updates is there."""
    ping_s: float = 10.0
    """Between two pings on it, and until one counts as unanswered."""
    beat_s: float = 5.0
    """Between two heartbeats on it, by which a person sees how long it has been silent."""
    poll_s: float = 15.0
    """Between two looks at the open orders while any work: nothing else notices a stream that is open and says nothing."""
    poll_down_s: float = 2.0
    """The same while the link is not up."""
    grace_s: float = 2.0
    """By how much the stream may trail behind what REST tells before it counts as mute."""
    backoff_s: tuple[float, float] = (1.0, 30.0)
    """The first pause before the stream is tried again, and the longest."""
    requests_a_minute: int = 200
    """What Alpaca takes of an account."""
    kept_for_the_stop: int = 40
    """How many of them none but the stop may use."""
    clock_s: float = 60.0
    """Between two looks at Alpaca's clock."""
    settle_s: float = 30.0
    """For how long an order whose answer was lost may still turn up: as long as its request may be under way, and some."""
