"""A replay: the panels as they were at one moment of a recording, a transport and a scrubber. It only reads.

The engine that trades lives on underneath: its stop works here as everywhere, and what it has to say is told here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Size
from textual.widget import Widget

from console.actions.stage import Stage
from console.replay.player import SPEEDS, Moment, Player
from console.screens.page import BACK, Page
from console.screens.replay.layout import PANELS, is_out, is_single, layout_for
from console.screens.replay.questions import GoTo, why_dialog
from console.screens.replay.why import ask_of_bar, ask_of_row
from engine.model import Level
from engine.model.views import LogLine
from widgets import numbers
from widgets.chart import Chart
from widgets.curve import Curve, Point
from widgets.notices import NoticeLine
from widgets.opening import Opening
from widgets.panel import Panel
from widgets.past_log import PastLog
from widgets.past_rows import PastOrders, PastSignals, pattern_for, pattern_of_ends
from widgets.positions import Positions
from widgets.replay_bar import ReplayBar
from widgets.risk import Risk
from widgets.scrubber import Scrubber, Traded
from widgets.tab_line import TabLine
from widgets.table import LiveTable
from widgets.watchlist import Watchlist

if TYPE_CHECKING:
    from engine.replay.index import Progress
    from engine.replay.replay import Replay

FRAMES_PER_SECOND = 15
LOW_BANDWIDTH_FRAMES_PER_SECOND = 2
PAST = "This is the past: nothing is traded here, and nothing was done."
_TRADING = frozenset(
    {
        *("approve", "reject", "approve_marked", "cancel", "cancel_symbol", "edit_row", "close_position", "buy", "sell", "order_line"),
        *("mode", "flatten", "alert"),
    }
)
"""Actions whose keys a person might press as if it were now."""
_OF_NOW = frozenset({"notices", "help"})
"""Actions of the trading screen that work here, too."""
_EMPTY = {
    "positions": "Nothing is held at this moment.",
    "orders": "No order was placed by this moment.",
    "signals": "Nothing was proposed by this moment.",
    "risk": "Nothing is held at this moment, and no limits were set.",
}
_TABS = (
    *(("watch", "Watch"), ("positions", "Positions"), ("orders", "Orders"), ("signals", "Signals"), ("risk", "Risk"), ("log", "Log")),
    ("chart", "Chart"),
)


class _Equity(Curve, inherit_bindings=False):
    DIGIT = "8"


class ReplayPage(Page):
    """`open_` opens the replay of what `title` names, on a thread. `at` is the market time to begin at, 0 for the beginning."""

    DEFAULT_CSS = """
    ReplayPage #past { layout: grid; height: 1fr; }
    ReplayPage #past, ReplayPage.-open Opening { display: none; }
    ReplayPage.-open #past { display: block; }
    ReplayPage TabLine { display: none; }
    ReplayPage.-wide #past { grid-size: 12 5; grid-rows: 6fr 5fr 7fr 6fr 5fr; }
    ReplayPage.-wide #past-chart { column-span: 7; row-span: 2; }
    ReplayPage.-wide #past-watch, ReplayPage.-wide #past-positions, ReplayPage.-wide #past-orders { column-span: 5; }
    ReplayPage.-wide #past-equity { column-span: 7; }
    ReplayPage.-wide #past-signals { column-span: 7; }
    ReplayPage.-wide #past-risk { column-span: 5; }
    ReplayPage.-wide #past-log { column-span: 12; }
    ReplayPage.-medium #past { grid-size: 2 3; grid-columns: 3fr 2fr; }
    ReplayPage.-medium #past-chart { row-span: 2; }
    ReplayPage.-single #past { layout: vertical; }
    ReplayPage.-single #past > * { height: 3fr; }
    ReplayPage.-single #past > #past-chart { height: 5fr; }
    ReplayPage #past > .-away { display: none; }
    ReplayPage.-small.-open TabLine { display: block; }
    """

    def __init__(self, stage: Stage, open_: Callable[[Progress], Replay], at: int = 0, title: str = "the recording") -> None:
        super().__init__(stage)
        self._title = title
        self.player = Player(open_, stage.clock)
        self._begin_at = at
        self._bar = ReplayBar()
        self._opening = Opening("Esc goes back. Nothing was changed: a replay only reads.", id="past-opening")
        self._notice_line = NoticeLine()
        self._tabs = TabLine(_TABS)
        self._scrubber = Scrubber()
        self._chart = Chart(id="past-chart")
        self._chart.empty_text = "No bar had closed by this moment."
        self._equity = _Equity("Equity", id="past-equity")
        self._orders = PastOrders(id="past-orders", clock=stage.clock)
        self._signals = PastSignals(id="past-signals", clock=stage.clock)
        self._log = PastLog(id="past-log", clock=stage.clock)
        self.panels: dict[str, Panel] = {
            "watch": Watchlist(id="past-watch", clock=stage.clock),
            "positions": Positions(id="past-positions", clock=stage.clock),
            "orders": self._orders,
            "signals": self._signals,
            "risk": Risk(id="past-risk", clock=stage.clock),
            "log": self._log,
            "chart": self._chart,
            "equity": self._equity,
        }
        for name, panel in self.panels.items():
            panel.name_keys(stage.keys.names)
            if isinstance(panel, LiveTable) and name in _EMPTY:
                panel.empty_text = _EMPTY[name]
        self.panel, self.zoomed, self.layout_name = "chart", False, "small"
        self._moment: Moment | None = None
        self._known = False
        self._problem = ""
        self._ends = "%Y-%m-%d"

    # ---- the page

    def compose(self) -> ComposeResult:
        self._fit(self.app.size)
        yield self._bar
        yield self._banner
        yield self._notice_line
        yield self._tabs
        yield self._opening
        with Container(id="past"):
            yield from (self.panels[name] for name in PANELS)
        yield self._notice
        yield self._scrubber
        yield self._hints

    def content(self) -> Iterable[Widget]:
        return ()

    def on_mount(self) -> None:
        self._frame()
        rate = LOW_BANDWIDTH_FRAMES_PER_SECOND if self.stage.drawn.low_bandwidth else FRAMES_PER_SECOND
        self.set_interval(1 / rate, self._frame)

    def closed(self) -> None:
        # The thread may be in the middle of reading: it ends by itself, and nobody waits for it.
        self.player.close(0)

    def say(self, text: str, level: Level) -> None:
        """Of the session underneath: the console says it to whatever page is open."""
        super().say(f"The session of now: {text}", level)

    def _tell(self, text: str, level: Level = Level.INFO) -> None:
        super().say(text, level)

    # ---- what is shown

    def _frame(self) -> None:
        now = self.stage.view
        self._banner.show(now)
        self.stage.notices.show_on(self._notice_line)
        self._look()
        moment, about = self._moment, self.player.about
        title = about.title if about is not None else self._title
        if moment is None or about is None:
            self._open(title)
            self._bar.show(title, "cannot be replayed" if self.player.problem else "reading", None, 0, -1, 0, "", now)
        else:
            steps, noun = about.span.steps, "event" if about.by_time else "bar"
            self._bar.show(title, _transport(moment, steps), moment.view, moment.at, moment.step, steps, noun, now)
        self._hints.show(self.hints())

    def _open(self, title: str) -> None:
        """Until there is a moment to show."""
        if self.player.problem:
            self._opening.show_problem(title, self.player.problem)
        else:
            self._opening.show_reading(title, self.player.progress)

    def _look(self) -> None:
        """Takes what the player has to say, and draws the moment it shows, if that is another."""
        player, about = self.player, self.player.about
        if player.problem and player.problem != self._problem:
            self._problem = player.problem
            if self._moment is not None:
                self._tell(player.problem, Level.ERROR)
        if about is not None and not self._known:
            self._known = True
            span = about.span
            self._ends = pattern_of_ends(span.first_at, span.last_at)
            first, last = (numbers.market_time(at, self._ends) for at in (span.first_at, span.last_at))
            for panel in (self._orders, self._signals, self._log):
                panel.write_times(pattern_for(about.timeframe, span.first_at, span.last_at))
            self._scrubber.show_trades(span.steps, [Traded(mark.step, mark.side) for mark in about.trades], first, last)
            if about.problems:
                self._tell(" ".join(about.problems), Level.WARNING)
            if self._begin_at:
                player.seek_time(self._begin_at)
        while player.said:
            self._tell(player.said.popleft())
        while player.answers and self.is_current:
            title, why = player.answers.popleft()
            if why is None:
                self._tell("Nothing is known of it at this moment.")
            else:
                self.stage.read(why_dialog(title, why, self.stage.clock))
        if player.moment is not None and player.moment is not self._moment:
            if self._moment is None:
                self.add_class("-open")
                self.set_focus(self.panels[self.panel])
            self._moment = player.moment
            self._scrubber.show_step(self._moment.step)
            self._draw(self._moment)

    def _draw(self, moment: Moment) -> None:
        for name, panel in self.panels.items():
            if self._is_out(name):
                panel.show(moment.view)
        if self._is_out("equity"):
            highest, points = 0.0, []
            for at, equity in moment.equity:
                highest = max(highest, equity)
                points.append(Point(at, equity, 1 - equity / highest if highest > 0 else 0.0))
            self._equity.show_points(points, "Nothing has happened yet: Space plays.", self._ends)

    # ---- layout

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size)
        self._arrange()

    def _fit(self, size: Size) -> None:
        self.layout_name = layout_for(size, plain=self.stage.plain)
        self._classify()

    def _is_out(self, name: str) -> bool:
        return is_out(name, self.layout_name, self.panel, self.zoomed)

    def _classify(self) -> None:
        single = is_single(self.layout_name, self.panel, self.zoomed)
        # What the focus is in is brought out before others go.
        for name in sorted(PANELS, key=lambda name: name != self.panel):
            self.panels[name].set_class(not self._is_out(name), "-away")
        for name in ("small", "medium", "wide"):
            self.set_class(self.layout_name == name, f"-{name}")
        self.set_class(single, "-single")

    def _arrange(self) -> None:
        self._classify()
        self._tabs.show(self.panel, frozenset())
        if self._moment is not None:
            self._draw(self._moment)

    def go(self, panel: str) -> None:
        """Give a panel the focus."""
        self.panel = panel
        self.panels[panel].remove_class("-away")
        self.set_focus(self.panels[panel])
        self._arrange()

    def on_descendant_focus(self) -> None:
        """A click moved the focus."""
        name = next((name for name, panel in self.panels.items() if panel is self.focused), self.panel)
        if name != self.panel:
            self.panel = name
            self._arrange()

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self.go(event.tab)

    @on(Scrubber.Sought)
    def _sought(self, event: Scrubber.Sought) -> None:
        self.player.seek(event.step)

    @on(Chart.FrameAsked)
    def _frame_asked(self, event: Chart.FrameAsked) -> None:
        self._timeframe(1 if event.which == "longer" else -1)

    @on(NoticeLine.Chosen)
    def _notices_chosen(self) -> None:
        self.stage.notices.do_notices()

    @on(LiveTable.RowHighlighted)
    def _row_highlighted(self, event: LiveTable.RowHighlighted) -> None:
        symbol = getattr(event.row, "symbol", "")
        if symbol and event.table is self.focused:
            self._focus_symbol(symbol)

    @on(LiveTable.RowChosen)
    def _row_chosen(self, event: LiveTable.RowChosen) -> None:
        self._why_row(event.row)

    def _focus_symbol(self, symbol: str) -> None:
        chart = self._moment.view.chart if self._moment is not None else None
        if chart is None or chart.symbol != symbol:
            self.player.focus(symbol)

    # ---- keys

    def hints(self) -> Sequence[tuple[str, str]]:
        return (*(self.stage.keys.hints("replay") if self._moment is not None else ()), BACK)

    def take_key(self, key: str, character: str | None, time: float) -> None:
        if key == "escape" and self._chart.has_crosshair:
            self._chart.put_away()
        else:
            super().take_key(key, character, time)

    def key(self, key: str, character: str | None) -> None:
        if self._on_transport(key) or self._on_chart(key) or self._in_rows(key):
            return
        match key:
            case "z":
                self.zoomed = not self.zoomed
                self._arrange()
            case "tab" | "shift+tab":
                self._next_panel(1 if key == "tab" else -1)
            case "enter":
                self._why()
            case _ if key.isdigit() and 1 <= int(key) <= len(DIGITS):
                self.go(DIGITS[int(key) - 1])
            case _:
                self._of_now(key)

    def _of_now(self, key: str) -> None:
        """A key of the trading screen, wherever it means something there."""
        for action in self.stage.keys.actions:
            if key in action.keys and action.name in _TRADING:
                self._tell(PAST, Level.WARNING)
            elif key in action.keys and action.name in _OF_NOW:
                self.stage.perform(action)

    def _on_transport(self, key: str) -> bool:
        player, about = self.player, self.player.about
        if about is None:
            return False
        does: Mapping[str, Callable[[], None]] = {
            "space": player.toggle,
            "full_stop": lambda: player.step(1),
            "comma": lambda: player.step(-1),
            "right_square_bracket": lambda: player.change_speed(1),
            "left_square_bracket": lambda: player.change_speed(-1),
            "n": lambda: player.trade(forward=True),
            "N": lambda: player.trade(forward=False),
            "home": lambda: player.seek(-1),
            "end": lambda: player.seek(about.span.steps),
            "g": self._go_to,
        }
        if key in does:
            does[key]()
        return key in does

    def _go_to(self) -> None:
        def typed(at: int | None) -> None:
            if at is not None:
                self.player.seek_time(at)

        assert self.player.about is not None
        self.stage.ask(GoTo(self.player.about.span, self.stage.clock), typed)

    def _on_chart(self, key: str) -> bool:
        """What acts on the chart, wherever the focus is; the arrows where it has it."""
        chart = self._chart
        match key:
            case "plus" | "equals_sign":
                chart.zoom(1)
            case "minus":
                chart.zoom(-1)
            case "v":
                self._tell(chart.next_averages())
            case "l":
                chart.toggle_line()
            case "greater_than_sign" | "less_than_sign":
                self._timeframe(1 if key == "greater_than_sign" else -1)
            case "left" | "right" if self.panel == "chart":
                chart.move(1 if key == "right" else -1)
            case "up" | "down" if self.panel == "chart":
                chart.move_price(1 if key == "up" else -1)
            case "pageup" | "pagedown" if self.panel == "chart":
                chart.move_page(1 if key == "pagedown" else -1)
            case _:
                return False
        return True

    def _timeframe(self, by: int) -> None:
        chart = self._moment.view.chart if self._moment is not None else None
        if chart is None or chart.timeframe not in chart.offered:
            return
        place = chart.offered.index(chart.timeframe) + by
        if 0 <= place < len(chart.offered):
            self.player.focus(chart.symbol, chart.offered[place])
        else:
            self._tell(f"{chart.timeframe} is the {'longest' if by > 0 else 'shortest'} time frame there is.")

    def _in_rows(self, key: str) -> bool:
        table = self.panels[self.panel]
        if not isinstance(table, LiveTable):
            return False
        match key:
            case "down" | "j":
                table.action_cursor(1)
            case "up" | "k":
                table.action_cursor(-1)
            case "pagedown":
                table.action_page(1)
            case "pageup":
                table.action_page(-1)
            case "o":
                table.sort_next()
            case "O":
                table.sort_other_way()
            case _:
                return False
        return True

    def _next_panel(self, by: int) -> None:
        out = [name for name in DIGITS if is_out(name, self.layout_name, self.panel, self.zoomed)]
        order = DIGITS if is_single(self.layout_name, self.panel, self.zoomed) else out
        here = order.index(self.panel) if self.panel in order else 0
        self.go(order[(here + by) % len(order)])

    # ---- why

    def _why(self) -> None:
        table = self.panels[self.panel]
        if isinstance(table, LiveTable):
            row = table.cursor_row
            if row is None:
                self._tell("There is no row here at this moment.")
            else:
                self._why_row(row)
        else:
            self._why_bar()

    def _why_row(self, row: Any) -> None:
        if ask_of_row(self.player, row) or self._moment is None:
            return
        if isinstance(row, LogLine):
            from console.screens.details.rows import row_dialog

            self.stage.read(row_dialog(row, self.stage.clock))
        else:
            from console.screens.details.limit import risk_dialog

            if (told := risk_dialog(row, self._moment.view, self.stage.keys, self.stage.clock)) is not None:
                self.stage.read(told)
            else:
                self._tell("That row says all that is known of it.")

    def _why_bar(self) -> None:
        if not ask_of_bar(self.player, self._moment, self._chart.crosshair_at):
            self._tell("No bar has closed yet.")


DIGITS = ("watch", "positions", "orders", "signals", "risk", "log", "chart", "equity")
"""As on the trading screen, and the equity behind."""


def _transport(moment: Moment, steps: int) -> str:
    """`▶ x10`, `❚❚ paused`, `■ the end`."""
    rate = SPEEDS[moment.speed]
    speed = f"x{rate}" if rate else "max"
    if moment.playing:
        return f"▶ {speed}"
    return f"■ the end {speed}" if moment.step >= steps - 1 else f"❚❚ paused {speed}"
