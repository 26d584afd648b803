"""Every place of the console, by the keys that lead to it from the trading screen."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from console.screens.backtests.listing import BacktestTable
from console.screens.history import HistoryPage
from console.screens.replay.page import ReplayPage
from tests.console.driving import Console
from tests.console.histories import signals, trades, write
from tests.console.kept_backtests import keep

RUNS = "backtest that runs"
"""A place that would be another one as soon as the run is over."""

PLACES: dict[str, tuple[str, ...]] = {
    **{f"panel {digit}": (digit,) for digit in "1234567"},
    "zoomed": ("2", "z"),
    "filter": ("3", "slash", "m"),
    "order line": ("colon", "b", "u", "y"),
    "help": ("question_mark",),
    "help searched": ("question_mark", "slash", "s"),
    "palette": ("f2", "c"),
    "jump": ("f6",),
    "themes": ("t",),
    "notices": ("i",),
    "mode": ("m",),
    "quit": ("q",),
    "flatten": ("f9",),
    "ticket": ("1", "b"),
    "ticket asked": ("1", "s", "1", "f5"),
    "edit of an order": ("3", "e"),
    "edit of a signal": ("4", "e"),
    "reject": ("4", "x"),
    "close": ("2", "X"),
    "columns": ("3", "v"),
    "search for a symbol": ("1", "plus", "a"),
    "alerts": ("1", "exclamation_mark"),
    "new alert": ("1", "exclamation_mark", "n"),
    "watchlists": ("1", "w"),
    "new watchlist": ("1", "w", "n"),
    "watch row": ("1", "enter"),
    "position": ("2", "enter"),
    "order": ("3", "enter"),
    "signal": ("4", "enter"),
    "risk row": ("5", "j", "enter"),
    "log line": ("6", "enter"),
    "close of a position's page": ("2", "enter", "X"),
    "history": ("h",),
    **{f"history {tab}": ("h", tab) for tab in "23456"},
    "history narrowed": ("h", "slash", "a"),
    "order of the history": ("h", "1", "enter"),
    "performance": ("p",),
    "backtests": ("B",),
    "backtest": ("B", "enter"),
    "round trips of a backtest": ("B", "enter", "4"),
    "setup of a backtest": ("B", "enter", "6"),
    "backtests side by side": ("B", "space", "space", "c"),
    "deleting a backtest": ("B", "d"),
    "form of a backtest": ("B", "n"),
    RUNS: ("B", "n", "f5"),
    "replay": ("B", "r"),
    "replay at a trade": ("B", "r", "n"),
    "why of a trade": ("B", "r", "n", "enter"),
    "signals of a replay": ("B", "r", "n", "4"),
    "log of a replay": ("B", "r", "n", "6"),
    "replay of a session": ("h", "5", "r"),
    "preferences": ("comma",),
    "preference": ("comma", *["down"] * 22, "enter"),
}


def history(folder: Path) -> Path:
    """A database with something on every tab, and two backtests with their recordings beside it."""
    for _ in range(2):
        keep(backtests_beside(folder / "paper.db"), "rsi_reversion", {}, "AAPL")
    return write(folder / "paper.db", [*trades(30), *signals(5)])


def backtests_beside(database: Path) -> Path:
    return database.with_name("backtests.sqlite")


def unending(folder: Path) -> Path:
    """A strategy that comes to no end, so that its run goes on until it is cancelled, however slow the machine is."""
    file = folder / "unending.py"
    file.write_text(UNENDING, encoding="utf-8")
    return file


UNENDING = """
import threading

from tradeconsole import Strategy

class Unending(Strategy):
    def on_bar(self, ctx, bar):
        threading.Event().wait()
"""

ENDED_BY_YES = frozenset({"quit"})
"""Where a yes ends the console: whoever answers everything leaves these alone, or walks on through a dead one."""


async def go(console: Console, place: str) -> None:
    assert not console.app._exit, f"the console has ended before {place}"
    console.screen.backtests.entered.clear()  # a backtest begins with what the form held when it was left
    if place == RUNS and console.screen.backtests.path is not None:
        console.screen.backtests.entered["strategy"] = str(unending(console.screen.backtests.path.parent))
    for key in PLACES[place]:
        await console.press(key)
        await console.until(lambda: not isinstance(console.app.screen, HistoryPage) or console.app.screen.table.rows)
        await console.until(lambda: all(table.rows for table in console.app.screen.query(BacktestTable)))
        await console.until(partial(_stands, console, key))
    if place == RUNS and console.screen.backtests.path is not None:
        await console.until(lambda: console.screen.backtests.running is not None)
    console.clock.now += 1  # a new dialog is deaf for a moment


def _stands(console: Console, key: str) -> bool:
    """Whether a replay, where one is open, has come to where `key` led. One that cannot be replayed says so, and stays there."""
    page = console.app.screen
    if not isinstance(page, ReplayPage):
        return True
    moment = page._moment
    return bool(page.player.problem) or (moment is not None and key != "enter" and (key != "n" or moment.step >= 0))


async def go_back(console: Console) -> None:
    """Out of whatever is open. In the trading screen Escape clears filter, marks and line."""
    console.screen.backtests.cancel()
    # A run that is just being started has to end before its form can be left, and a busy machine takes its time for that.
    for _ in range(500):
        console.clock.now += 1  # a question takes no answer at typing speed
        if console.app.screen is console.screen and console.screen.focused is not console.line and not console.screen.zoomed:
            break
        if console.app.screen is console.screen and console.screen.zoomed:
            await console.press("z")
        await console.press("escape")
        await console.pilot.pause(0.01)
    await console.press("escape", "escape")
    assert console.app.screen is console.screen, f"no way back out of {console.app.screen}"
