"""The trading screen: hands the engine's View to the panels and a person's keys to the engine.

It pulls the View many times a second and is never called by the engine. Every key is dispatched here, at once and in the order typed:
a key that moves the focus has moved it before the next one is looked at. Nothing here waits for anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.geometry import Offset, Size
from textual.screen import ModalScreen, Screen
from textual.timer import Timer

from console.actions.groups import Groups
from console.actions.program import OnExit
from console.archive import Archive
from console.config_file import ConfigFile
from console.kept import Kept
from console.key_names import key_named
from console.keys import LINE, NO_KEY, TITLES, Action, KeyMap
from console.looks import Looks
from console.notify import Notifier
from console.screens.behind import Behind
from console.screens.desk import Desk
from console.screens.layout import LAYOUTS, TABS, is_out, is_single, layout_for, order_of
from console.screens.line_meanings import LineMeanings
from console.screens.pace import Pace
from console.screens.page import Page
from console.screens.subject import Subject
from console.trading_engine import TradingEngine
from engine.model import Level, View
from engine.model.settings import ScreenSettings
from engine.model.signals import SignalState
from widgets.banner import Banner
from widgets.chart import Chart
from widgets.header import HeaderBar
from widgets.hints import HintLine
from widgets.log import Log
from widgets.notices import NoticeLine
from widgets.order_line import Entered, Left
from widgets.orders import Orders
from widgets.panel import Panel
from widgets.positions import Positions
from widgets.risk import Risk
from widgets.signals import Signals
from widgets.steady import SteadyLoop
from widgets.tab_line import TabLine
from widgets.table import LiveTable
from widgets.watchlist import Watchlist

if TYPE_CHECKING:
    # Imported when it is used, behind the first picture.
    from console.screens.dialog import Dialog
    from console.screens.jump import Target

ResultT = TypeVar("ResultT")

MARKED = "●"
"""Before the number of marked rows, among the hints. It is no key."""


class TradingScreen(SteadyLoop, Behind, Screen[None], inherit_bindings=False):
    """`clock` is monotonic seconds; `on_exit` what quitting does to working orders; `leave` ends the program."""

    BINDINGS: ClassVar[list[BindingType]] = []
    AUTO_FOCUS = "#watch"

    def __init__(
        self,
        engine: TradingEngine,
        on_exit: OnExit,
        clock: Callable[[], float],
        leave: Callable[[], None],
        looks: Looks,
        kept: Kept,
        keys: KeyMap,
        notifier: Notifier,
        archive: Archive,
        drawn: ScreenSettings,
        config: ConfigFile,
    ) -> None:
        super().__init__()
        self.kept = kept
        self.archive = archive
        self.engine = engine
        self.clock = clock
        self.view = engine.view()
        self.desk = Desk(engine, clock, self.ask, self.say, keys.names)
        self.keys = keys
        self._chart_symbol = ""
        self._plain = looks.plain
        self.drawn = drawn
        self._frames: Timer | None = None
        self._pace = Pace(drawn, plain=looks.plain)
        self.terminal_behind: Callable[[], bool] = lambda: False
        """Whether the terminal does not read as fast as is written."""
        self.keys_taken = 0
        self.panel = "watch"
        self.zoomed = False
        self.layout_name = ""
        chart = Chart(id="chart")
        self.panels: dict[str, Panel] = {
            "watch": Watchlist(id="watch", clock=clock),
            "chart": chart,
            "positions": Positions(id="positions", clock=clock),
            "signals": Signals(id="signals", clock=clock),
            "orders": Orders(id="orders", clock=clock),
            "risk": Risk(id="risk", clock=clock),
            "log": Log(id="log", clock=clock),
        }
        for panel in self.panels.values():
            panel.name_keys(keys.names)
        self._header = HeaderBar()
        self._header.coarse = drawn.low_bandwidth
        self._banner = Banner()
        self._header.waiting_key = keys.names["first_waiting"]
        self._banner.flatten_key, self._banner.mode_key = keys.names["flatten"], keys.names["mode"]
        self._notice_line = NoticeLine()
        self._grid = Container(id="panels")
        self._tabs = TabLine(TABS)
        self._hints = HintLine()
        self._meanings = LineMeanings(engine, self.view, clock, keys.names["add_symbol"])
        self.order_line = self._meanings.line
        self.order_line.detail_key = keys.names["detail"]
        self.subject = Subject(self, keys, lambda: self.performers)
        self._groups = Groups(
            self, chart, self._notice_line, self._banner, on_exit=on_exit, leave=leave, looks=looks, notifier=notifier, config=config
        )
        self.performers: dict[str, Callable[..., None]] = self._groups.performers
        self.watchlists, self.notices = self._groups.watchlists, self._groups.notices
        self.preferences, self.backtests = self._groups.preferences, self._groups.backtests
        self.accounts = self._groups.accounts

    def compose(self) -> ComposeResult:
        # The layout is known before anything is styled, so that nothing is styled twice before the first picture.
        self.layout_name = layout_for(self.app.size, plain=self._plain, chosen=self.drawn.layout)
        self._classify()
        yield self._header
        yield self._banner
        yield self._notice_line
        yield self._tabs
        with self._grid:
            yield from (self.panels[name] for name in order_of(self.layout_name))
        yield self.order_line
        yield self._hints

    def on_mount(self) -> None:
        self._meanings.keep_history(self.kept)
        self.go("watch")
        self._frame()
        self._frames = self.set_interval(self._pace.frame_s, self._frame)
        self.run_worker(self._groups.restore())

    def draw_by(self, drawn: ScreenSettings) -> None:
        """Other settings of how the screen is drawn, from now on."""
        self.drawn = drawn
        self._header.coarse = drawn.low_bandwidth
        self._pace = Pace(drawn, plain=self._plain)
        if self._frames is not None:
            self._frames.stop()
            self._frames = self.set_interval(self._pace.frame_s, self._frame)
            self._fit(self.size)

    # ---- the View

    def _frame(self) -> None:
        """One frame: the newest View to whatever is on the screen, and what the engine answered."""
        now = self.clock()
        lag = self._pace.lag
        lag.frame(now, terminal_behind=self.terminal_behind())
        view = self.engine.view()
        due = self._pace.data_is_due(self.view, view, now)
        if due:
            self._header.show(view, lag.shown_ms, terminal_slow=lag.terminal_slow)
        if due and view is not self.view:
            self.view = view
            self._show(view)
            self._meanings.see(view)
        self._groups.frame(view)
        self._meanings.judge(view, now)
        self._show_hints()
        self._tell_left_out()
        news = self.desk.news(view)
        if news is not None:
            self.say(*news)
        self._place_cursor()

    def look_now(self) -> None:
        """Show what the engine has now, before the next key: another account than the one before is shown from here on."""
        self.view = self.engine.view()
        self._show(self.view)
        self._meanings.see(self.view)

    def _place_cursor(self) -> None:
        """The terminal's own cursor to where keys go: in plain text it is shown, and a screen reader reads there."""
        if not self._plain or not self.is_current:
            return
        panel = self.panels[self.panel]
        if self.focused is self.order_line:
            self.app.cursor_position = self.order_line.region.offset + Offset(self.order_line.cursor_column, 0)
        elif isinstance(panel, LiveTable):
            self.app.cursor_position = panel.region.offset + Offset(1, panel.cursor_line or 0)
        else:
            self.app.cursor_position = panel.region.offset

    def _show(self, view: View) -> None:
        self._banner.show(view)
        for name, panel in self.panels.items():
            if self._is_out(name):
                panel.show(view)
        if self.layout_name == "small":
            self._show_tabs()
        if self._chart_symbol and (view.chart is None or view.chart.symbol != self._chart_symbol):
            # Asked for before the engine was up, or changed by another: a person's row decides.
            self.engine.focus(self._chart_symbol)

    def _show_tabs(self) -> None:
        waiting = any(row.state is SignalState.WAITING for row in self.view.signals)
        self._tabs.show(self.panel, frozenset({"signals"}) if waiting else frozenset())

    # ---- what actions use

    def ask(self, dialog: Dialog[ResultT], answered: Callable[[ResultT | None], None]) -> object:
        dialog.answered = answered
        return self.app.push_screen(dialog)

    def read(self, screen: Screen[None]) -> object:
        return self.app.push_screen(screen)

    def overlay(self, screen: ModalScreen[None]) -> object:
        return self.app.push_screen(screen)

    def say(self, text: str, level: Level) -> None:
        # The first picture says nothing.
        from engine.secrets import without_secrets

        text = without_secrets(text)
        self.order_line.say(text, level)
        for screen in self.app.screen_stack:
            if isinstance(screen, Page):
                screen.say(text, level)

    @property
    def plain(self) -> bool:
        return self._plain

    @property
    def lag_ms(self) -> float:
        return self._pace.lag.shown_ms

    @property
    def terminal_slow(self) -> bool:
        return self._pace.lag.terminal_slow

    def copy(self, text: str) -> None:
        from engine.secrets import without_secrets

        self.app.copy_to_clipboard(without_secrets(text))

    def type_order(self) -> None:
        self.set_focus(self.order_line)
        self._show_hints()

    def zoom(self, zoomed: bool) -> None:
        self.zoomed = zoomed
        self._arrange()

    # ---- layout and focus

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        """Choose the layout for a screen of this size."""
        layout = layout_for(size, plain=self._plain, chosen=self.drawn.layout)
        if layout != self.layout_name:
            before, self.layout_name = order_of(self.layout_name), layout
            if order_of(layout) != before:
                self._grid.sort_children(key=lambda panel: order_of(layout).index(panel.id or ""))
            self._arrange()

    def _is_out(self, name: str) -> bool:
        """Whether this panel is on the screen; its own style follows only later."""
        return is_out(name, self.layout_name, self.panel, self.zoomed)

    def _arrange(self) -> None:
        """Which panels are on the screen, and what they show."""
        self._classify()
        self._show_tabs()
        self._show_hints()
        self._show(self.view)

    def _classify(self) -> None:
        """The style classes that say what is shown. The front panel is brought out before others go: the focus needs somewhere to be."""
        for name, panel in self.panels.items():
            panel.set_class(name == self.panel, "-front")
        for layout in LAYOUTS:
            self.set_class(self.layout_name == layout, f"-{layout}")
        self.set_class(is_single(self.layout_name, self.panel, self.zoomed), "-single")

    @property
    def place(self) -> str:
        return LINE if self.focused is self.order_line else self.panel

    def _show_hints(self) -> None:
        table = self.subject.table
        place = "filter" if self.place != LINE and table is not None and table.typing else self.place
        marked = len(table.marks.keys) if table is not None and place == self.panel else 0
        names = self.keys.names
        hints = [(names["whole_text"], "all of it")] if self.order_line.whole else []
        if marked:
            hints.append((MARKED, f"{marked} marked"))
            if place == "signals":
                # Of the keys for what is marked the only one that is not also the key of the row under the cursor.
                hints.append((names["approve_marked"], "approve them"))
        self._hints.show((*(hint for hint in hints if hint[0] != NO_KEY), *self.keys.hints(place)))

    def _tell_left_out(self) -> None:
        """Under the order line, what the row under the cursor has no room for."""
        panel = self.panels[self.panel]
        self.order_line.tell(panel.left_out() if isinstance(panel, LiveTable) else ())

    def go(self, panel: str) -> None:
        self.panel = panel
        self.set_focus(self.panels[panel])
        self._arrange()
        symbol = self.subject.symbol()
        if symbol:
            self._focus_symbol(symbol)

    def targets(self) -> Sequence[Target]:
        """What the jump overlay puts letters on: the panels, or their tabs where there is room for one panel, and the order line."""
        from console.screens.jump import Target

        if self.layout_name == "small":
            tabs = self._tabs.region
            places = {tab: (tabs.x + left, tabs.y) for tab, left in self._tabs.places().items()}
        else:
            places = {name: (panel.region.x + 1, panel.region.y) for name, panel in self.panels.items() if self._is_out(name)}
        found = [Target(TITLES[name], x, y, partial(self.go, name)) for name, (x, y) in places.items()]
        line = self.order_line.region
        return [*found, Target("order line", line.x, line.y, self.type_order)]

    def on_descendant_focus(self) -> None:
        """A click moved the focus."""
        focused = self.focused
        if isinstance(focused, Panel) and focused.id and focused.id != self.panel:
            self.panel = focused.id
            self._arrange()
        self._show_hints()

    @on(NoticeLine.Chosen)
    def _notices_chosen(self) -> None:
        self.notices.do_notices()

    @on(Banner.FlattenChosen)
    def _flatten_chosen(self) -> None:
        self.performers["flatten"]()

    @on(Watchlist.NextAsked)
    def _next_list_asked(self) -> None:
        self.watchlists.do_next_list()

    @on(Chart.FrameAsked)
    def _frame_asked(self, event: Chart.FrameAsked) -> None:
        self.performers["timeframe"](event.which)

    @on(Panel.ZoomAsked)
    def _zoom_asked(self) -> None:
        # The first of the two clicks has given it the focus.
        self.zoom(not self.zoomed)

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self.go(event.tab)

    @on(HintLine.Chosen)
    def _hint_chosen(self, event: HintLine.Chosen) -> None:
        if event.key != MARKED:
            self.take_key(key_named(event.key), None, event.time)

    @on(LiveTable.RowHighlighted)
    def _row_highlighted(self, event: LiveTable.RowHighlighted) -> None:
        # Only a person's row moves the chart; the first rows of panels without the focus must not.
        symbol = getattr(event.row, "symbol", "")
        if symbol and event.table is self.focused:
            self._focus_symbol(symbol)

    @on(LiveTable.RowChosen)
    def _row_chosen(self, event: LiveTable.RowChosen) -> None:
        self._groups.readings.tell_all(event.row)

    @on(LiveTable.Rearranged)
    def _rearranged(self) -> None:
        self._groups.tables.keep()

    def _focus_symbol(self, symbol: str) -> None:
        if symbol != self._chart_symbol:
            self._chart_symbol = symbol
            self.engine.focus(symbol)

    # ---- keys

    def take_key(self, key: str, character: str | None, time: float) -> None:
        """Called for every key while this screen is on top."""
        self.keys_taken += key != "y"  # the yes to a ticket, pressed twice, is nothing else
        typing = self.focused is self.order_line
        table = self.subject.table
        if not typing and table is not None and table.typing and table.take_filter_key(key, character):
            self._show_hints()
            return
        action = self.keys.find(key, self.panel, typing, character)
        if action is None:
            if typing:
                self._typed(self.order_line.take_key(key, character))
        else:
            if not typing and action.name != "whole_text":
                self.order_line.hush(character)
            self.perform(action)
        self._place_cursor()

    def perform(self, action: Action) -> None:
        """Carry out an action, as its key does."""
        self.performers[action.name](*[action.argument] * bool(action.argument))
        self._show_hints()
        self._tell_left_out()

    def take_paste(self, text: str) -> None:
        table = self.subject.table
        if self.focused is self.order_line:
            self.order_line.take_paste(text)
        elif table is not None and table.typing:
            table.take_filter_paste(text)

    def _typed(self, outcome: Entered | Left | None) -> None:
        if isinstance(outcome, Entered):
            self.desk.carry_out(outcome.command, outcome.normal, self.view)
        elif isinstance(outcome, Left):
            self.go(self.panel)
            if outcome.forward:
                self.performers["next_panel"]()

    def since_frame(self) -> float:
        """Seconds since the screen was last drawn anew, or asked whether it should be."""
        return self._pace.lag.since_frame(self.clock())

    def stopped(self, command_id: str) -> None:
        """The stop was pressed. It has worked already; here it is told."""
        self.keys_taken += 1
        self.desk.stopped(command_id)
