"""What the demo shows, step by step, with the keys as they come. Each step waits for what it is to bring about."""

from __future__ import annotations

from console.demo.player import Condition, Scene, Step
from engine.model import Mode, OrderType, TradingState
from engine.model.signals import SignalState
from engine.model.views import OrderRow, SignalRow
from widgets.chart import Chart

OWN, OTHER = "AAPL", "IBM"
"""What the script trades by hand; the strategy has others."""
YOU = "you"
"""Who decides where a person does."""
AFTER = "You have the controls now; F1 lists the keys."


def priced(scene: Scene) -> bool:
    return scene.view.health.ready and all(row.ask is not None for row in scene.view.watch)


def panel(name: str) -> Condition:
    return lambda scene: scene.trading.panel == name and scene.screen is scene.trading


def on_top(name: str) -> Condition:
    return lambda scene: type(scene.screen).__name__ == name


def trading(scene: Scene) -> bool:
    return scene.screen is scene.trading


def _chart(scene: Scene) -> Chart:
    chart = scene.trading.panels["chart"]
    assert isinstance(chart, Chart)
    return chart


def crosshair(scene: Scene) -> bool:
    return _chart(scene).has_crosshair


def timeframe(name: str) -> Condition:
    return lambda scene: scene.view.chart is not None and scene.view.chart.timeframe == name


def _orders(scene: Scene, symbol: str) -> list[OrderRow]:
    return [row for row in scene.view.orders if row.symbol == symbol]


def protected(scene: Scene) -> bool:
    """It is held, and both exits work."""
    exits = [row for row in _orders(scene, OWN) if row.parent and row.released and not row.state.is_final]
    return held(OWN)(scene) and len(exits) == 2


def held(symbol: str) -> Condition:
    return lambda scene: any(row.symbol == symbol and row.quantity for row in scene.view.positions)


def limit_works(scene: Scene) -> bool:
    return any(row.type is OrderType.LIMIT and not row.parent and not row.state.is_final for row in _orders(scene, OTHER))


def mistake(scene: Scene) -> bool:
    reading = scene.trading.order_line.reading
    return bool(reading.message) and not reading.unfinished


def understood(scene: Scene) -> bool:
    return scene.trading.order_line.reading.command is not None


def _signals(scene: Scene, state: SignalState) -> list[SignalRow]:
    return [row for row in scene.view.signals if row.state is state]


def signal(state: SignalState) -> Condition:
    return lambda scene: bool(_signals(scene, state))


def approved(scene: Scene) -> bool:
    return bool(_signals(scene, SignalState.SENT)) and any(order.strategy and order.filled for order in scene.view.orders)


def sent_by_itself(scene: Scene) -> bool:
    return any(row.decided_by != YOU for row in _signals(scene, SignalState.SENT))


def alert_set(scene: Scene) -> bool:
    return bool(scene.trading.watchlists.alerts)


def theme(chosen: bool) -> Condition:
    return lambda scene: scene.tries_on_a_theme is not chosen


def mode(wanted: Mode) -> Condition:
    return lambda scene: scene.view.account.mode is wanted


def state(wanted: TradingState) -> Condition:
    return lambda scene: scene.view.account.state is wanted


def flat(scene: Scene) -> bool:
    stop = scene.view.stop
    return stop is not None and stop.flattens and stop.verified and not scene.view.positions


SCRIPT: tuple[Step, ...] = (
    Step("Paper money, a simulated market. Any key of yours takes over.", (), priced, reads_s=5.0),
    Step("What is watched, held, at work, waiting for you, and at risk:", ("2", "3", "4", "5"), panel("risk"), reads_s=3.0),
    Step("The chart has all of the past. Arrows move a crosshair.", ("7", *["left"] * 8), crosshair, reads_s=3.0),
    Step("> and < change the time frame.", ("greater_than_sign",), timeframe("1m"), reads_s=3.5),
    Step("", ("less_than_sign", "escape", "1", "g"), panel("watch"), timeframe("1m"), reads_s=0.3),
    Step(f"b opens a ticket: buy 20 {OWN} at the market ...", ("b", "type:20"), on_top("TicketDialog"), reads_s=1.5),
    Step("... with a take-profit at 4 % and a stop-loss at 2 %.", ("tab", "tab", "tab", "type:4%", "tab", "type:2%"), reads_s=3.5),
    Step("F5 asks. Nothing but y sends it.", ("f5", "y"), trading, reads_s=1.0, again_s=2.0),
    Step("Bought. Both exits work now, and one cancels the other.", ("3",), protected, reads_s=4.5),
    Step(": is the order line. A mistake is shown under the word.", ("colon", f"type:buy 10 {OTHER} @ chep"), mistake, reads_s=3.0),
    Step("Written right, it says cost, position and the gate's verdict.", ("ctrl+w", "type:bid-0.50 day"), understood, reads_s=4.5),
    Step("Enter sends it. The limit order works.", ("enter",), limit_works, reads_s=3.5),
    Step(
        "! sets a price alert. It tells you, and never trades.",
        ("escape", "1", "exclamation_mark", "type:+3%", "enter"),
        alert_set,
        reads_s=2.5,
    ),
    Step("", ("escape",), trading, reads_s=0.3),
    Step(
        "In MANUAL each signal of a strategy waits for your yes.",
        ("4", "g"),
        panel("signals"),
        signal(SignalState.WAITING),
        reads_s=3.0,
    ),
    Step("a approves: risk and price are checked again, and it goes.", ("a",), approved, reads_s=2.5, again_s=2.5),
    Step(
        "x rejects, with a reason if you like.",
        ("g", "x", "type:not before the news", "enter"),
        signal(SignalState.REJECTED),
        signal(SignalState.WAITING),
        reads_s=3.0,
        again_s=5.0,
    ),
    Step("h is the history: orders, fills, signals, all there ever was.", ("h",), on_top("HistoryPage"), reads_s=3.5),
    Step("", ("tab", "tab"), on_top("HistoryPage"), reads_s=1.5),
    Step("t tries on themes; yours may be files of your own.", ("escape", "t", "down", "down"), theme(chosen=False), reads_s=1.5),
    Step("Escape brings back what was.", ("down", "down", "escape"), theme(chosen=True), reads_s=0.8),
    Step("In SEMI_AUTO the small and sure signals go by themselves.", ("4", "m", "s", "enter"), mode(Mode.SEMI_AUTO), reads_s=3.0),
    Step("", ("g",), sent_by_itself, reads_s=4.5),
    Step("F12 is the EMERGENCY STOP, from anywhere. All orders go.", ("f12",), state(TradingState.HALTED), reads_s=5.0),
    Step("F9 closes every position, after the word FLATTEN.", ("f9", "type:FLATTEN", "enter"), flat, reads_s=5.0),
    Step(
        "m leads out again, with a word and a reason, into MANUAL.",
        ("m", "type:RESUME", "enter", "type:the demo goes on", "enter"),
        state(TradingState.ACTIVE),
        reads_s=4.0,
    ),
    Step("", ("1",), panel("watch"), reads_s=0.5),
)
