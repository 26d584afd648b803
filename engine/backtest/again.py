"""What was ordered in a backtest, played to the core once more: no strategy runs, and all that the core decides is told.

The core is a function of its inputs, so this is what happened, to the last digit. It is how a backtest that went through the fast lane gets
its records, and how its figures are made again from its recording.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from msgspec.structs import replace

from engine.backtest.account import Account
from engine.backtest.core_trading import CoreTrading
from engine.backtest.data import Data
from engine.backtest.player import Orders, Player
from engine.backtest.profile import Profile
from engine.backtest.sessions import SECOND, Sessions
from engine.backtest.timeline import Timeline
from engine.model.market import MarketEvent, Split
from engine.model.records import Record

Listener = Callable[[int, MarketEvent | tuple[Record, ...]], None]
"""Told at which moment, by its number, the core heard or recorded something; what comes before the first bar is told at moment 0."""
_EVERY = 4096


class RecordedPlayer(Player):
    """Stands for a strategy whose orders are known: it has its name and its symbols, and no code."""

    def __init__(self, name: str, symbols: tuple[str, ...]) -> None:
        self.name = name
        self.symbols = symbols
        self._made = 0


def played_again(
    data: Data,
    profile: Profile,
    ordered: Iterable[Orders],
    listen: Listener | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Account, CoreTrading]:
    """The account and the core as the run left them. Raises BacktestError where a cost model is not there any more."""
    bars = data.played()
    timeline = Timeline(bars)
    first = int(timeline.moments[0])
    account = Account()
    core = CoreTrading(profile, tuple(data.bars), account, Sessions(data, first), account.book, _nothing)
    moment = 0
    if listen is not None:
        tell = listen
        core.listen(lambda told: tell(moment, told))
    core.start(data.name, first - data.spacing_s * SECOND)
    account.take(core.portfolio, first - 1)
    log, last = deque(_anew(ordered)), first - 1
    for moment, closed in enumerate(chain.from_iterable(timeline.chunks())):
        at = closed[0].at
        while log and log[0].at < at:
            core.submit(log.popleft())
        if core.working:
            core.match(closed, last, at)
        elif at > core.next_act:
            core.tell_session(last, at)
        for bar in closed:
            account.latest[bar.symbol] = bar
        if account.changed:
            account.take(core.portfolio, at)
        while log and log[0].at == at:
            core.submit(log.popleft())
        last = at
        if progress is not None and moment % _EVERY == 0:
            progress(moment, len(timeline.moments))
    for orders in log:
        core.submit(orders)
    core.end(last)
    account.take(core.portfolio, last)
    return account, core


def _anew(ordered: Iterable[Orders]) -> Iterator[Orders]:
    """The same by players that have ordered nothing yet: they count their orders."""
    players: dict[str, RecordedPlayer] = {}
    for orders in ordered:
        player = players.get(orders.player.name)
        if player is None:
            player = players[orders.player.name] = RecordedPlayer(orders.player.name, orders.player.symbols)
        yield replace(orders, player=player)


def _nothing(split: Split, last: int) -> None:
    """No strategy is there to begin again."""
