"""Prices from TWS that make no sense: the feed goes on, none of them is told on, and what a person reads has no control characters."""

from __future__ import annotations

import asyncio
import json
import math
import random
from datetime import date
from pathlib import Path

import pytest

from engine.feeds.base import FeedError
from engine.feeds.ib.library import HISTORY_S
from engine.feeds.new_york import SECOND
from engine.model.market import Bar, Quote
from engine.model.money import is_price
from tests.engine.feeds.ib_desk import BEGIN, Desk, history_of
from tests.engine.feeds.test_ib_feed import soon, tws
from tests.servers.tws.driver import TwsProcess
from tests.thorough import tries

__all__ = ["soon", "tws"]
HOSTILE = ["", "nan", "inf", "-inf", "1.7976931348623157E308", "-1", "0", "1e15", "9" * 21, "garbage", "\x1b]0;owned\x07[red]x", None]
PRICE, PAST, FLAG, BAR, TYPE = 1, 17, 45, 50, 58
FIELDS = [
    *((PRICE, field) for field in range(1, 7)),
    *((BAR, field) for field in range(2, 11)),
    *((TYPE, field) for field in range(2, 4)),
    *((FLAG, field) for field in range(2, 5)),
]
LATER = "2024-06-18T16:00:35"


async def say(desk: Desk, *fields: object) -> None:
    await desk.do(f"say {json.dumps(fields)}")


def sane(desk: Desk) -> bool:
    """Whether all that was told on can be reckoned with."""
    quotes = all(
        is_price(quote.bid) and is_price(quote.ask) and quote.bid_size >= 0 and math.isfinite(quote.bid_size + quote.ask_size)
        for quote in desk.of(Quote)
    )
    near = 3 * 86_400 * SECOND
    bars = all(is_price(bar.close) and math.isfinite(bar.volume) and abs(bar.at - BEGIN) < near for bar in desk.of(Bar))
    return quotes and bars


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_a_field_of_a_price_says_the_feed_goes_on_and_tells_none_that_is_no_price(
    tws: TwsProcess, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.until_followed(bars=["AAPL"], ticks=["AAPL"])
        for nth in range(tries(60, 1000)):
            kind, field = chance.choice(FIELDS)
            value = chance.choice(HOSTILE)
            await desk.do(f"spoil {kind} {field}{'' if value is None else f' {json.dumps(value)}'}")
            await desk.do(f"price AAPL {100 + nth % 50}")
            await desk.do("halt AAPL 0")
            await desk.do(f"bar AAPL {LATER} 100")
        await desk.do("whole")
        for request in (0, -1, 10**9):
            await say(desk, 1, 6, request, 1, "5", "5", 0)
        await desk.do("price AAPL 187.50")
        await desk.until(lambda: desk.of(Quote)[-1].bid == 187.49)
        assert sane(desk)
        assert all(text.isprintable() for text in desk.complaints)
        assert len(desk.complaints) <= 6, desk.complaints


async def test_a_bar_of_a_time_that_it_cannot_be_of_or_told_twice_is_left_out_and_those_after_it_count(
    tws: TwsProcess, tmp_path: Path
) -> None:
    desk = Desk(tws, tmp_path)
    async with desk.listening():
        await desk.until_followed(bars=["AAPL"])
        for opened in ("1971-01-01T00:00:00", "2024-06-18T19:00:00", "9999-01-01T00:00:00"):
            await desk.do(f"bar AAPL {opened} 55")
        for second in ("40", "45", "45", "50", "55"):
            await desk.do(f"bar AAPL 2024-06-18T16:00:{second} 100")
        for minute in range(1, 3):
            await desk.forward(60)
            for at in range(0, 60, 5):
                await desk.do(f"bar AAPL 2024-06-18T16:0{minute}:{at:02} 101")
        await desk.until(lambda: [bar for bar in desk.of(Bar) if bar.at > BEGIN + 80 * SECOND])
        told = [bar for bar in desk.of(Bar) if bar.at > BEGIN]
        assert all(bar.close != 55 for bar in told)
        assert sane(desk)


@pytest.mark.parametrize(("field", "value"), [(5, "2024-13-45"), (6, "garbage"), (5, None)])
async def test_past_bars_that_are_not_understood_are_said_at_once_and_waited_for_no_longer(
    tws: TwsProcess, tmp_path: Path, field: int, value: str | None
) -> None:
    tws.do("clock 2024-06-18T16:00:30")
    tws.do(f"spoil {PAST} {field}{'' if value is None else f' {json.dumps(value)}'}")
    with history_of(tws, lambda: BEGIN) as history:
        async with asyncio.timeout(HISTORY_S / 2):
            with pytest.raises(FeedError, match="its answer was not understood"):
                await asyncio.to_thread(history.history, "AAPL", "1m", date(2024, 6, 18), date(2024, 6, 18))
