"""The trading screen: hands the engine's View to the panels and a person's keys to the engine.

It pulls the View many times a second and is never called by the engine. Every key is dispatched here, at once and in the order typed:
a key that moves the focus has moved it before the next one is looked at. Nothing here waits for anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.geometry import Size
from textual.screen import Screen

from console.completion import complete
from console.keys import LINE_HINTS, PANELS, KeyMap
from console.meanings import Parsed, PlaceOrder, context_of, symbol_word
from console.order_line import parse
from console.screens.desk import Desk
from console.screens.dialog import Dialog
from console.screens.questions import ask_quit
from console.screens.reading import detail_dialog, help_dialog
from console.trading_engine import TradingEngine
from engine.model import Intent, Level, View
from engine.model.signals import SignalState
from widgets.banner import Banner
from widgets.chart import Chart
from widgets.header import HeaderBar
from widgets.hints import HintLine
from widgets.log import Log
from widgets.order_line import Entered, Left, OrderLine, Reading
from widgets.orders import Orders
from widgets.panel import Panel
from widgets.positions import Positions
from widgets.risk import Risk
from widgets.signals import Signals
from widgets.tab_line import TabLine
from widgets.table import LiveTable
from widgets.watchlist import Watchlist

FRAMES_PER_SECOND = 12
STALL_MS = 100.0
PREVIEW_SECONDS = 1.0
"""How often the gate is asked again about an order that stands in the line."""
WIDE = (110, 30)
MEDIUM = (100, 26)
TABS = (
    ("watch", "Watch"),
    ("positions", "Positions"),
    ("orders", "Orders"),
    ("signals", "Signals"),
    ("risk", "Risk"),
    ("log", "Log"),
    ("chart", "Chart"),
)
"""Short names, for 80 columns."""

OnExit = Literal["cancel_entries", "keep", "cancel_all"]


@dataclass(frozen=True, slots=True)
class _Previewed:
    """The last question to the gate: the command's id, the order, the text it was read from, and when."""

    id: str
    intent: Intent
    text: str
    at: float


class _Lag:
    """How late the screen's loop runs its frames: the worst of the last second, so that the header is not painted for every jitter."""

    def __init__(self) -> None:
        self.shown_ms = 0.0
        self._worst_ms = 0.0
        self._last: float | None = None
        self._since = 0.0

    def frame(self, now: float) -> None:
        """A frame is drawn at `now`, monotonic seconds."""
        if self._last is not None:
            self._worst_ms = max(self._worst_ms, (now - self._last - 1 / FRAMES_PER_SECOND) * 1000)
        self._last = now
        # A stall is shown at once, and for a second.
        if now - self._since >= 1 or self._worst_ms > self.shown_ms + STALL_MS:
            self.shown_ms, self._worst_ms, self._since = self._worst_ms, 0.0, now


def _layout(size: Size) -> str:
    """The layout for a screen of this size."""
    layout = "small"
    for name, least in (("medium", MEDIUM), ("wide", WIDE)):
        if size.width >= least[0] and size.height >= least[1]:
            layout = name
    return layout


class TradingScreen(Screen[None], inherit_bindings=False):
    """`clock` is monotonic seconds; `on_exit` what quitting does to working orders; `leave` ends the program, `next_theme` repaints it."""

    BINDINGS: ClassVar[list[BindingType]] = []
    AUTO_FOCUS = "#watch"

    def __init__(
        self, engine: TradingEngine, on_exit: OnExit, clock: Callable[[], float], leave: Callable[[], None], next_theme: Callable[[], str]
    ) -> None:
        super().__init__()
        self._engine = engine
        self._on_exit = on_exit
        self._clock = clock
        self._leave = leave
        self._next_theme = next_theme
        self._keys = KeyMap()
        self._view = engine.view()
        self._reading_context = context_of(self._view)
        self._desk = Desk(engine, clock, self._ask, self._say)
        self._previewed: _Previewed | None = None
        self._chart_symbol = ""
        self._lag = _Lag()
        self.panel = "watch"
        self.zoomed = False
        self.layout_name = ""
        self.panels: dict[str, Panel] = {
            "watch": Watchlist(id="watch", clock=clock),
            "chart": Chart(id="chart"),
            "positions": Positions(id="positions", clock=clock),
            "signals": Signals(id="signals", clock=clock),
            "orders": Orders(id="orders", clock=clock),
            "risk": Risk(id="risk"),
            "log": Log(id="log"),
        }
        self._header = HeaderBar()
        self._banner = Banner()
        self._tabs = TabLine(TABS)
        self._hints = HintLine()
        self.order_line = OrderLine(self._interpret, self._complete)

    def compose(self) -> ComposeResult:
        # The layout is known before anything is styled, so that nothing is styled twice before the first picture.
        self.layout_name = _layout(self.app.size)
        self._classify()
        yield self._header
        yield self._banner
        yield self._tabs
        with Container(id="panels"):
            yield from self.panels.values()
        yield self.order_line
        yield self._hints

    def on_mount(self) -> None:
        self._go("watch")
        self._frame()
        self.set_interval(1 / FRAMES_PER_SECOND, self._frame)

    # ---- the View

    def _frame(self) -> None:
        """One frame: the newest View to whatever is on the screen, and what the engine answered."""
        now = self._clock()
        self._lag.frame(now)
        view = self._engine.view()
        self._header.show(view, self._lag.shown_ms)
        if view is not self._view:
            self._view = view
            self._reading_context = context_of(view)
            self._show(view)
            self.order_line.reread()
        self._show_preview(view, now)
        news = self._desk.news(view)
        if news is not None:
            self.order_line.say(*news)

    def _show(self, view: View) -> None:
        self._banner.show(view)
        for name, panel in self.panels.items():
            if self._is_out(name):
                panel.show(view)
        if self.layout_name == "small":
            self._show_tabs()
        if self._chart_symbol and (view.chart is None or view.chart.symbol != self._chart_symbol):
            # Asked for before the engine was up, or changed by another: a person's row decides.
            self._engine.focus(self._chart_symbol)

    def _show_tabs(self) -> None:
        waiting = any(row.state is SignalState.WAITING for row in self._view.signals)
        self._tabs.show(self.panel, frozenset({"signals"}) if waiting else frozenset())

    def _show_preview(self, view: View, now: float) -> None:
        """Ask the gate about the order in the line, when it is new and now and then, and show what it said last.

        A price by the quote makes another order of the same text several times a second: the next question waits for the last answer.
        """
        command, text = self.order_line.reading.command, self.order_line.text
        if not isinstance(command, PlaceOrder):
            self._previewed = None
            return
        asked = self._previewed
        if asked is not None and asked.text == text:
            reply = next((reply for reply in reversed(view.replies) if reply.command_id == asked.id), None)
            if reply is not None:
                self.order_line.show_preview(reply)
            fresh = now - asked.at < PREVIEW_SECONDS
            if fresh and (reply is None or asked.intent == command.intent):
                return
        self._previewed = _Previewed(self._engine.preview(command.intent), command.intent, text, now)

    def _ask(self, dialog: Dialog[Any], answered: Callable[[Any], None]) -> None:
        self.app.push_screen(dialog, answered)

    def _say(self, text: str, level: Level) -> None:
        self.order_line.say(text, level)

    # ---- layout and focus

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        """Choose the layout for a screen of this size."""
        layout = _layout(size)
        if layout != self.layout_name:
            self.layout_name = layout
            self._arrange()

    @property
    def _single(self) -> bool:
        """Whether one panel has all the room."""
        return self.zoomed or self.layout_name == "small" or (self.layout_name == "medium" and self.panel == "chart")

    def _is_out(self, name: str) -> bool:
        """Whether this panel is on the screen; its own style follows only later."""
        return name == self.panel or not (self._single or (self.layout_name == "medium" and name == "chart"))

    def _arrange(self) -> None:
        """Which panels are on the screen, and what they show."""
        self._classify()
        self._show_tabs()
        self._show_hints()
        self._show(self._view)

    def _classify(self) -> None:
        """The style classes that say what is shown. The front panel is brought out before others go: the focus needs somewhere to be."""
        for name, panel in self.panels.items():
            panel.set_class(name == self.panel, "-front")
        for layout in ("wide", "medium", "small"):
            self.set_class(self.layout_name == layout, f"-{layout}")
        self.set_class(self._single, "-single")

    def _show_hints(self) -> None:
        self._hints.show(LINE_HINTS if self.focused is self.order_line else self._keys.hints(self.panel))

    def _go(self, panel: str) -> None:
        self.panel = panel
        self.set_focus(self.panels[panel])
        self._arrange()
        symbol = self._symbol()
        if symbol:
            self._focus_symbol(symbol)

    def on_descendant_focus(self) -> None:
        """A click moved the focus."""
        focused = self.focused
        if isinstance(focused, Panel) and focused.id and focused.id != self.panel:
            self.panel = focused.id
            self._arrange()
        self._show_hints()

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self._go(event.tab)

    @on(LiveTable.RowHighlighted)
    def _row_highlighted(self, event: LiveTable.RowHighlighted) -> None:
        # Only a person's row moves the chart; the first rows of panels without the focus must not.
        symbol = getattr(event.row, "symbol", "")
        if symbol and event.table is self.focused:
            self._focus_symbol(symbol)

    @on(LiveTable.RowChosen)
    def _row_chosen(self, event: LiveTable.RowChosen) -> None:
        self._detail(event.row)

    def _focus_symbol(self, symbol: str) -> None:
        if symbol != self._chart_symbol:
            self._chart_symbol = symbol
            self._engine.focus(symbol)

    # ---- keys

    def take_key(self, key: str, character: str | None, time: float) -> None:
        """Called for every key while this screen is on top."""
        typing = self.focused is self.order_line
        action = self._keys.find(key, self.panel, typing, character)
        if action is None:
            if typing:
                self._typed(self.order_line.take_key(key, character))
            return
        if not typing:
            self.order_line.hush()
        perform = getattr(self, f"do_{action.name}")
        if action.argument:
            perform(action.argument)
        else:
            perform()

    def take_paste(self, text: str) -> None:
        if self.focused is self.order_line:
            self.order_line.take_paste(text)

    def _typed(self, outcome: Entered | Left | None) -> None:
        if isinstance(outcome, Entered):
            self._desk.carry_out(outcome.command, outcome.normal, self._view)
        elif isinstance(outcome, Left):
            self._go(self.panel)
            if outcome.forward:
                self.do_next_panel()

    # ---- the order line

    def _interpret(self, text: str) -> Reading:
        read = parse(text, self._reading_context)
        if isinstance(read, Parsed):
            return Reading(command=read.meaning, normal=read.normal)
        return Reading(start=read.start, end=read.end, message=read.message, right=read.right, unfinished=read.unfinished)

    def _complete(self, text: str) -> tuple[int, tuple[str, ...]]:
        return complete(text, self._reading_context)

    def _begin(self, verb: str) -> None:
        """The order line on the row's symbol, the cursor where the quantity goes."""
        symbol = self._symbol()
        self.do_order_line()
        self.order_line.prefill(f"{verb}  {symbol_word(symbol)}" if symbol else f"{verb} ", len(verb) + 1)

    def _symbol(self) -> str:
        row = self._row()
        symbol = getattr(row, "symbol", "")
        if not symbol and self.panel == "chart" and self._view.chart is not None:
            symbol = self._view.chart.symbol
        return str(symbol)

    def _row(self) -> Any:
        panel = self.panels[self.panel]
        return panel.cursor_row if isinstance(panel, LiveTable) else None

    def _seen(self) -> bool:
        """Whether a person has seen which row a key acts on: rows come, expire and go by themselves. Where not, it is said."""
        panel = self.panels[self.panel]
        if not isinstance(panel, LiveTable) or panel.cursor_row is None or panel.reveal():
            return True
        self._say("Another row has just come under the cursor. Nothing was done; look at it, then press again.", Level.WARNING)
        return False

    def stopped(self, command_id: str) -> None:
        """The stop was pressed. It has worked already; here it is told."""
        self._desk.stopped(command_id)

    # ---- what keys do: one method an action of the table

    def do_order_line(self) -> None:
        self.set_focus(self.order_line)
        self._show_hints()

    def do_buy(self) -> None:
        self._begin("buy")

    def do_sell(self) -> None:
        self._begin("sell")

    def do_approve(self) -> None:
        if self._seen():
            self._desk.approve(self._row())

    def do_approve_marked(self) -> None:
        signals = self.panels["signals"]
        if isinstance(signals, Signals):
            self._desk.approve_all([row for row in signals.rows if row.id in signals.marked])
            signals.clear_marks()

    def do_mark(self) -> None:
        self._table("mark")

    def do_reject(self) -> None:
        self._desk.reject(self._row())

    def do_cancel(self) -> None:
        if self._seen():
            self._desk.cancel(self._row())

    def do_cancel_symbol(self) -> None:
        if self._seen():
            self._desk.cancel_symbol(self._symbol())

    def do_mode(self) -> None:
        self._desk.choose_mode(self._view)

    def do_flatten(self) -> None:
        self._desk.flatten(self._view)

    def do_detail(self) -> None:
        row = self._row()
        if row is not None:
            self._detail(row)

    def _detail(self, row: Any) -> None:
        number, symbol = getattr(row, "number", None), getattr(row, "symbol", "")
        kind = type(row).__name__.removesuffix("Row").removesuffix("Line")
        title = " ".join(filter(None, (kind, f"#{number}" if number is not None else "", symbol)))
        self.app.push_screen(detail_dialog(title, row, self._clock))

    def do_zoom(self) -> None:
        self.zoomed = not self.zoomed
        self._arrange()

    def do_panel(self, panel: str) -> None:
        self._go(panel)

    def do_next_panel(self) -> None:
        self._step(1)

    def do_previous_panel(self) -> None:
        self._step(-1)

    def _step(self, step: int) -> None:
        order = [name for name in PANELS if name != "chart" or self.layout_name != "medium" or self.zoomed]
        self._go(order[(order.index(self.panel) + step) % len(order)] if self.panel in order else order[0])

    def do_row_up(self) -> None:
        self._table("cursor", -1)

    def do_row_down(self) -> None:
        self._table("cursor", 1)

    def do_page_up(self) -> None:
        self._table("page", -1)

    def do_page_down(self) -> None:
        self._table("page", 1)

    def do_first_row(self) -> None:
        self._table("first")

    def do_last_row(self) -> None:
        self._table("last")

    def _table(self, action: str, *arguments: int) -> None:
        """A movement in the panel's table, carried out at once: the next key may act on the row it leads to."""
        panel = self.panels[self.panel]
        if isinstance(panel, LiveTable):
            getattr(panel, f"action_{action}")(*arguments)

    def do_theme(self) -> None:
        self.order_line.say(f"theme {self._next_theme()}", Level.INFO)

    def do_help(self) -> None:
        self.app.push_screen(help_dialog(self._clock))

    def do_quit(self) -> None:
        def answered(leave: bool | None) -> None:
            if leave:
                self._leave()

        self.app.push_screen(ask_quit(self._view, self._on_exit, self._clock), answered)
