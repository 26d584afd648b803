"""Why: what is asked of the recording where somebody presses Enter on a row or on a bar of a replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.replay.player import Moment, Player
from engine.model.views import OrderRow, SignalRow
from widgets import numbers
from widgets.risk import SYMBOLS, Exposure

if TYPE_CHECKING:
    from engine.model.recording import Why
    from engine.replay.replay import Replay

_MINUTE = 60_000_000_000


def ask_of_row(player: Player, row: Any) -> bool:
    """False where the recording knows no more of this row than it says itself."""
    match row:
        case OrderRow():
            player.ask("", lambda replay: replay.why_order(row.id))
        case SignalRow():
            player.ask("", lambda replay: replay.why_signal(row.id))
        case Exposure(section=section, name=symbol) if section == SYMBOLS:
            player.ask(f"{symbol}, now", lambda replay: _of_bar(replay, symbol, replay.at))
        case _ if symbol := getattr(row, "symbol", ""):
            player.ask(f"{symbol}, now", lambda replay: _of_bar(replay, symbol, replay.at))
        case _:
            return False
    return True


def ask_of_bar(player: Player, moment: Moment | None, crosshair_at: int | None) -> bool:
    """Of the chart's bar under the crosshair, or of the newest; False where no bar has closed."""
    about = player.about
    chart = moment.view.chart if moment is not None else None
    if moment is None or about is None or chart is None or not chart.bars:
        return False
    if crosshair_at is None and any(mark.step == moment.step and mark.symbol == chart.symbol for mark in about.trades):
        # In a session the trade comes before its bar has closed.
        player.ask("", lambda replay: _of_trade(replay, chart.symbol))
        return True
    at = chart.bars[-1].at if crosshair_at is None else crosshair_at
    before = max((bar.at for bar in chart.bars if bar.at < at), default=None)
    when = numbers.market_time(at, f"%a %Y-%m-%d %H:%M{':%S' if at % _MINUTE else ''} ET")
    player.ask(f"{chart.symbol}, the bar of {when}", lambda replay: _of_bar(replay, chart.symbol, at, before))
    return True


def _of_bar(replay: Replay, symbol: str, at: int, since: int | None = None) -> Why | None:
    """Of the order that filled in the bar that closed at `at`, for that is what a person sees there; else of the bar. The one before it
    closed at `since`."""
    filled = replay.trades_of_bar(symbol, at, since)
    return replay.why_order(filled[-1].order_id) if filled else replay.why_bar(symbol, at, since)


def _of_trade(replay: Replay, symbol: str) -> Why | None:
    """Of the order that has just filled."""
    filled = [mark for mark in replay.trades if mark.step == replay.step and mark.symbol == symbol]
    return replay.why_order(filled[-1].order_id) if filled else None
