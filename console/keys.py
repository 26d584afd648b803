"""The one table of actions: it dispatches keys and feeds hints, help, palette, README and the page of keys.

A key nobody listed does nothing.
Keys are Textual's names (`f12`, `ctrl+g`, `colon`). Only keys that survive SSH, tmux and a browser's terminal belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from console.key_names import is_text, shown

PANELS = ("watch", "positions", "orders", "signals", "risk", "log", "chart")
"""In the order of the digits that go to them."""
TITLES = dict(zip(PANELS, ("Watch", "Positions", "Orders", "Signals", "Risk", "Log", "Chart"), strict=True))
WITH_SYMBOL = frozenset({"watch", "positions", "orders", "signals", "chart"})
CHART = frozenset({"chart"})
WITH_ROWS = frozenset(PANELS) - CHART
_WATCH = frozenset({"watch"})
WITH_MARKS = frozenset({"positions", "orders", "signals", "log"})
WITH_SUBSETS = frozenset({"orders", "signals", "log"})
LINE = "line"
"""The order line, which takes its keys itself, as the dialogs do."""
PLACES = {
    LINE: "the order line",
    "choice": "a choice",
    "word": "a question",
    "text": "a text to read",
    "help": "the help",
    "palette": "the palette",
    "themes": "the choice of a theme",
    "jump": "a jump",
    "ticket": "the ticket",
    "confirm": "the ticket's question",
    "symbols": "the search for a symbol, or for what to limit",
    "lists": "the watchlists",
    "alerts": "the price alerts",
    "notices": "the notices",
    "detail": "the detail of a row",
    "history": "the history",
    "narrowing": "the history's filter",
    "performance": "the performance",
    "backtests": "the backtests",
    "backtest": "a backtest's report",
    "backtest_trades": "a backtest's round trips",
    "comparison": "backtests side by side",
    "backtest_form": "the form of a backtest",
    "backtest_run": "a backtest that runs",
    "replay": "a replay",
    "filter": "a filter that is typed",
    "columns": "the choice of columns",
    "preferences": "the preferences",
    "preference": "a setting that is typed",
}
"""What takes keys of its own, and what it is called."""
READ = frozenset({"text", "help"})
PAGES = frozenset({"detail", "history", "performance", "preferences", "backtests", "backtest", "backtest_trades", "comparison", "replay"})
"""Places with the whole screen. What acts on a row acts in its detail too: see `ROW_ACTIONS`."""
NO_KEY = "(no key)"
"""Stands for a key that the user took away."""


class Action(Struct, frozen=True):
    """`name` is the method `do_<name>` of the trading screen, called with `argument` where there is one.

    `panels` are those with the focus in which the keys work; empty means all. `typing` keys work in the order line as well.
    A `required` action works everywhere, dialogs included, and its keys cannot be taken away. `hint` is for the hint line, or empty.
    """

    name: str
    keys: tuple[str, ...]
    does: str
    hint: str = ""
    panels: frozenset[str] = frozenset()
    argument: str = ""
    typing: bool = False
    required: bool = False

    @property
    def id(self) -> str:
        """What names it among all: `buy`, `panel_watch`."""
        return f"{self.name}_{self.argument}" if self.argument else self.name

    def works_in(self, panel: str) -> bool:
        return not self.panels or panel in self.panels

    def places_of(self, key: str) -> frozenset[str]:
        """Where this one of its keys does it."""
        if self.required:
            return frozenset({*PANELS, *PLACES})
        places = self.panels or frozenset(PANELS)
        return places | {LINE} if self.typing and not is_text(key) else places


STOP = Action(
    "emergency_stop",
    ("f12", "ctrl+g"),
    "EMERGENCY STOP, from anywhere, asks nothing: closes the gate and cancels everything that works",
    "EMERGENCY STOP",
    typing=True,
    required=True,
)

ACTIONS: tuple[Action, ...] = (
    STOP,
    Action("approve", ("a",), "approve the signal: risk and price are checked again", "approve", frozenset({"signals"})),
    Action("reject", ("x",), "reject the signal or those marked, with a reason if you like", "reject", frozenset({"signals"})),
    Action("approve_marked", ("A",), "approve all marked signals", panels=frozenset({"signals"})),
    Action("cancel", ("c",), "cancel the order, or those marked", "cancel", frozenset({"orders"})),
    Action("edit_row", ("e",), "edit the working order, or the signal before you approve it", "edit", frozenset({"orders", "signals"})),
    Action("close_position", ("X",), "close the position or those marked at the market; asks first", "close", frozenset({"positions"})),
    Action("mark", ("space",), "mark the row and go on, for what acts on those marked", "mark", WITH_MARKS),
    Action("crosshair", ("left",), "crosshair: one candle to the past", "crosshair", CHART, "left"),
    Action("crosshair", ("right",), "crosshair: one candle on", panels=CHART, argument="right"),
    Action("timeframe", ("greater_than_sign",), "the next longer time frame", "time frame", CHART, "longer"),
    Action("timeframe", ("less_than_sign",), "the next shorter time frame", panels=CHART, argument="shorter"),
    Action("nearer", ("plus", "equals_sign"), "nearer: fewer and wider candles", "nearer", CHART),
    Action("farther", ("minus",), "farther: more candles, then several bars in one", panels=CHART),
    Action("averages", ("v",), "one more moving average, after the last none", "averages", CHART),
    Action("line_chart", ("l",), "a line of the closes, or candles", "line", CHART),
    Action("add_symbol", ("plus",), "add a symbol to the list, found among all the feed offers", "add", _WATCH),
    Action("lists", ("w",), "the watchlists: choose, new, rename, delete", "lists", _WATCH),
    Action("next_list", ("right_square_bracket",), "the next watchlist", panels=_WATCH),
    Action("previous_list", ("left_square_bracket",), "the watchlist before", panels=_WATCH),
    Action("remove_symbol", ("minus",), "take the row's symbol out of the list", panels=_WATCH),
    Action("row_earlier", ("K",), "move the row up in the list", panels=_WATCH),
    Action("row_later", ("J",), "move the row down in the list", panels=_WATCH),
    Action("help", ("question_mark", "f1"), "help: every key there is", "help", typing=True),
    # Beside help: with a mouse alone, where few hints have room, it is the way to all the others.
    Action("palette", ("f2", "ctrl+p"), "find an action by its words, and carry it out", "find", typing=True),
    Action("buy", ("b",), "buy: opens the ticket on the row's symbol", "buy", WITH_SYMBOL),
    Action("sell", ("s",), "sell: opens the ticket on the row's symbol", "sell", WITH_SYMBOL),
    Action("order_line", ("colon",), "the order line: buy 100 AAPL @ 187.50 day, cancel *, mode semi, accept AAPL", "order line"),
    Action("alert", ("exclamation_mark",), "price alerts: on the row's symbol, and all there are", "alert", WITH_SYMBOL),
    Action("mode", ("m",), "execution mode; also the way out of a stop", "mode"),
    Action("zoom", ("z",), "give the panel the whole screen, and back", "zoom"),
    Action("quit", ("q", "ctrl+c"), "quit: says what still works, and asks", "quit", typing=True),
    Action("detail", ("enter",), "everything about the row", "detail", WITH_ROWS),
    Action("cancel_symbol", ("C",), "cancel all orders of the row's symbol", "cancel all of the symbol", WITH_SYMBOL - {"chart"}),
    Action("row_up", ("k", "up"), "one row up", panels=WITH_ROWS),
    Action("row_down", ("j", "down"), "one row down", panels=WITH_ROWS),
    Action("page_up", ("pageup",), "one page up", panels=WITH_ROWS),
    Action("page_down", ("pagedown",), "one page down", panels=WITH_ROWS),
    Action("first_row", ("g", "home"), "the first row", panels=WITH_ROWS),
    Action("last_row", ("G", "end"), "the last row", panels=WITH_ROWS),
    Action("crosshair", ("up",), "crosshair: one row up", panels=CHART, argument="up"),
    Action("crosshair", ("down",), "crosshair: one row down", panels=CHART, argument="down"),
    Action("chart_page", ("pageup",), "half a page to the past", panels=CHART, argument="back"),
    Action("chart_page", ("pagedown",), "half a page on", panels=CHART, argument="on"),
    Action("oldest_bar", ("home",), "crosshair on the oldest bar", panels=CHART),
    Action("newest_bar", ("end",), "crosshair on the newest bar", panels=CHART),
    Action("put_away", ("escape",), "put the crosshair away, back to the newest bar", panels=CHART),
    Action("filter", ("slash",), "filter the rows: words that must occur, -word for one that must not", "filter", WITH_ROWS),
    Action("clear", ("escape",), "show all rows again; then take the marks off", panels=WITH_ROWS),
    Action("subset", ("w",), "all, working, filled or ended; in the log all, warnings or errors", "show", WITH_SUBSETS),
    Action("positions_of", ("w",), "positions of this account, of all, or of all by symbol", panels=frozenset({"positions"})),
    Action("history", ("h",), "the history: orders, fills, signals, sessions, runs and the audit", "history"),
    Action("performance", ("p",), "the performance: equity, drawdown, results, latencies", "performance"),
    Action("backtests", ("B",), "the backtests: run one, look at it, compare it, run it again", "backtests"),
    Action("jump", ("apostrophe", "f6"), "jump: a letter on all that can be gone to", "jump", typing=True),
    Action("flatten", ("f9",), "flatten: close every position, after the word FLATTEN", "flatten", typing=True),
    Action("sort", ("o",), "sort by the next column, and at last as rows come", "sort", WITH_ROWS - {"log"}),
    Action("sort_other_way", ("O",), "sort the other way", panels=WITH_ROWS - {"log"}),
    Action("columns", ("v",), "choose the columns and their order; kept over restarts", "columns", WITH_ROWS),
    Action("copy", ("y",), "copy the row or those marked to the clipboard", "copy", WITH_ROWS),
    *(Action("panel", (str(n),), f"go to {TITLES[panel]}", argument=panel) for n, panel in enumerate(PANELS, 1)),
    Action("next_panel", ("tab",), "the next panel"),
    Action("previous_panel", ("shift+tab",), "the panel before"),
    Action("next_account", ("f3",), "the next of several accounts", typing=True),
    Action("first_waiting", ("f8",), "the signal that runs out first in another account, else in this one", typing=True),
    Action("whole_text", ("f7",), "all of what is cut: under the order line, in the ticket, on a page", typing=True),
    Action("theme", ("t",), "choose a theme", "theme"),
    Action("preferences", ("comma",), "preferences: screen, notices, confirmations, limits; kept in the config", "preferences"),
    Action("notices", ("i",), "notices: what mattered and was not read yet; leads to what each is about", "notices"),
)

ROW_ACTIONS = frozenset({"approve", "reject", "edit_row", "cancel", "cancel_symbol", "close_position", "buy", "sell"})
"""Those that act on one row, and so in its detail too."""

FIXED: tuple[Action, ...] = (
    Action("send", ("enter",), "send it", "send", frozenset({LINE})),
    Action("complete", ("tab",), "complete the word; leave an empty line for the next panel", "complete", frozenset({LINE})),
    Action("recall", ("up", "down"), "what was entered before that begins like the line", "history", frozenset({LINE})),
    Action("leave_line", ("escape",), "clear the line, then leave it", "clear, then leave", frozenset({LINE})),
    Action("leave_back", ("shift+tab",), "leave the line", panels=frozenset({LINE})),
    Action(
        "edit",
        ("left", "right", "home", "end", "backspace", "delete", "ctrl+d", "ctrl+e", "ctrl+k", "ctrl+u", "ctrl+w"),
        "move and cut as in a shell",
        panels=frozenset({LINE, "word", "ticket", "filter", "preference", "backtest_form"}),
    ),
    Action("review", ("f5",), "see the whole once more, and be asked", "review and send", frozenset({"ticket"})),
    Action("step_fields", ("tab", "enter", "shift+tab"), "the next field, the one before", "next field", frozenset({"ticket"})),
    Action(
        "step_value",
        ("up", "down", "pageup", "pagedown"),
        "a tick, a lot or an option up or down; ten",
        "a tick",
        frozenset({"ticket"}),
    ),
    Action(
        "write_value",
        ("b", "a", "l", "h", "t"),
        "in a price the bid, ask or last; in a quantity all or half; at a stop-loss, that it trails",
        panels=frozenset({"ticket"}),
    ),
    Action("whole_word", ("f7",), "all of what the gate says, where it is cut", panels=frozenset({"ticket", "confirm"})),
    Action("leave_ticket", ("escape", "ctrl+c"), "leave, and send nothing", "leave", frozenset({"ticket"})),
    Action(
        "choose_option",
        ("space",),
        "the next option; a letter chooses the one that begins with it",
        "next option",
        frozenset({"ticket"}),
    ),
    Action("say_yes", ("y",), "carry out what is shown", "carry it out", frozenset({"confirm"})),
    Action("say_no", ("n", "escape", "ctrl+c"), "back to the fields", "back", frozenset({"confirm"})),
    Action("keep_filter", ("enter", "tab"), "keep the filter", "keep", frozenset({"filter"})),
    Action("drop_filter", ("escape",), "show all rows again", "show all", frozenset({"filter"})),
    Action("next_column", ("down", "up", "j", "k", "tab", "shift+tab"), "the next, the one before", "choose", frozenset({"columns"})),
    Action("turn_column", ("space",), "show or hide the column", "show or hide", frozenset({"columns"})),
    Action("keep_columns", ("enter",), "keep them, for the next start too", "keep", frozenset({"columns"})),
    Action("move_column", ("J", "K"), "move the column down, up", "move", frozenset({"columns"})),
    Action("default_columns", ("d",), "as they were at first", "default", frozenset({"columns"})),
    Action("leave_columns", ("escape", "ctrl+c"), "change nothing", "change nothing", frozenset({"columns"})),
    Action("next_choice", ("down", "up", "j", "k", "tab", "shift+tab"), "the next, the one before", "choose", frozenset({"choice"})),
    Action("take", ("enter",), "take what is marked", "take it", frozenset({"choice"})),
    Action("change_nothing", ("escape", "ctrl+c"), "change nothing", "change nothing", frozenset({"choice"})),
    Action("go_on", ("enter",), "go on", "go on", frozenset({"word"})),
    Action("next_field", ("tab", "down", "shift+tab", "up"), "the next field", panels=frozenset({"word"})),
    Action("turn_page", ("pagedown", "pageup"), "the rest of a long text", panels=frozenset({"word", "choice"})),
    Action("leave_it", ("escape", "ctrl+c"), "leave everything as it is", "leave everything as it is", frozenset({"word"})),
    Action(
        "scroll",
        ("down", "up", "j", "k", "pagedown", "pageup", "space", "home", "end"),
        "scroll",
        "scroll",
        READ | {"detail", "performance", "backtest", "comparison"},
    ),
    Action("choose", ("down", "up", "tab", "shift+tab"), "the next, the one before", "choose", frozenset({"palette"})),
    Action("carry_out", ("enter",), "carry it out, as its key does", "carry it out", frozenset({"palette"})),
    Action("leave_palette", ("escape", "ctrl+c"), "do nothing", "do nothing", frozenset({"palette"})),
    Action("preview", ("down", "up", "j", "k", "tab", "shift+tab"), "see the next, the one before", "look", frozenset({"themes"})),
    Action("keep", ("enter",), "keep it, for the next start too", "keep", frozenset({"themes"})),
    Action("as_before", ("escape", "ctrl+c"), "back to what was", "back to what was", frozenset({"themes"})),
    Action("find", ("down", "up", "tab", "shift+tab"), "the next, the one before", "choose", frozenset({"symbols"})),
    Action("add", ("enter",), "add it", "add it", frozenset({"symbols"})),
    Action("add_nothing", ("escape", "ctrl+c"), "add nothing", "add nothing", frozenset({"symbols"})),
    Action("next_of_lists", ("down", "up", "j", "k", "tab", "shift+tab"), "the next, the one before", "choose", frozenset({"lists"})),
    Action("show_list", ("enter",), "show it", "show it", frozenset({"lists"})),
    Action("new_list", ("n",), "begin a list", "new", frozenset({"lists"})),
    Action("rename_list", ("r",), "give it another name", "rename", frozenset({"lists"})),
    Action("delete_list", ("d",), "delete it, after a question", "delete", frozenset({"lists"})),
    Action("move_list", ("J", "K"), "move it down, up", "move", frozenset({"lists"})),
    Action("leave_lists", ("escape", "ctrl+c"), "close", "close", frozenset({"lists"})),
    Action(
        "set_alert",
        ("enter",),
        "set what is written; with nothing written, edit the one that is marked",
        "set, edit",
        frozenset({"alerts"}),
    ),
    Action("next_alert", ("down", "up", "tab", "shift+tab"), "the next, the one before", "choose", frozenset({"alerts"})),
    Action("delete_alert", ("delete", "ctrl+d"), "delete the one that is marked, after a question", "delete", frozenset({"alerts"})),
    Action("leave_alerts", ("escape", "ctrl+c"), "clear the line, then close", "close", frozenset({"alerts"})),
    Action("next_notice", ("down", "up", "j", "k", "tab", "shift+tab"), "the next, the one before", "choose", frozenset({"notices"})),
    Action("go_to_it", ("enter",), "read it, and go to what it is about", "go to it", frozenset({"notices"})),
    Action("read_notice", ("r",), "mark it as read", "read", frozenset({"notices"})),
    Action("read_all", ("a",), "mark all as read", "all read", frozenset({"notices"})),
    Action("leave_notices", ("escape", "q", "ctrl+c"), "close", "close", frozenset({"notices"})),
    Action("stay", ("escape",), "stay; a letter goes there", "stay; a letter goes there", frozenset({"jump"})),
    Action("search", ("slash",), "search: only what holds the words is shown", "search", frozenset({"help"})),
    Action("narrow", ("slash",), "narrow down by symbol and days", "filter", frozenset({"history"})),
    Action("tell_all", ("enter",), "everything about the row", "detail", frozenset({"history"})),
    Action("replay_run", ("r",), "replay the run: the panels as they were", "replay", frozenset({"history"})),
    Action("copy_row", ("y",), "copy the row", "copy", frozenset({"history"})),
    Action(
        "step",
        ("down", "up", "j", "k", "pagedown", "pageup", "space", "home", "end", "g", "G"),
        "from row to row; older ones are read as they come into sight",
        panels=frozenset({"history"}),
    ),
    Action("tabs", ("tab", "right", "left", "shift+tab"), "the next tab, the one before; or its digit", "tabs", frozenset({"history"})),
    Action(
        "periods",
        ("tab", "right", "left", "shift+tab"),
        "the next period, the one before; or its digit",
        "period",
        frozenset({"performance"}),
    ),
    Action("open_backtest", ("enter",), "its report", "report", frozenset({"backtests"})),
    Action("mark_backtest", ("space",), "mark it, to compare or to delete", "mark", frozenset({"backtests"})),
    Action("compare_backtests", ("c",), "those marked side by side", "compare", frozenset({"backtests"})),
    Action("compare_curves", ("v",), "their curves over one another, and the figures again", "curves", frozenset({"comparison"})),
    Action("new_backtest", ("n",), "begin a new one", "new", frozenset({"backtests"})),
    Action("repeat_backtest", ("R",), "run it again: is the result the same?", "run again", frozenset({"backtests"})),
    Action("delete_backtest", ("d",), "delete it or those marked, after a word", "delete", frozenset({"backtests"})),
    Action(
        "replay_backtest",
        ("r",),
        "replay it; from a round trip on, from its entry",
        "replay",
        frozenset({"backtests", "backtest", "backtest_trades"}),
    ),
    Action("tell_trip", ("enter",), "everything about the round trip", "detail", frozenset({"backtest_trades"})),
    Action(
        "sort_backtests",
        ("o", "O"),
        "sort by the next column; the other way",
        "sort",
        frozenset({"backtests", "backtest_trades"}),
    ),
    Action("draw_holding", ("b",), "draw buying and holding beside it, or not", "buy and hold", frozenset({"backtest"})),
    Action(
        "backtest_tabs",
        ("tab", "right", "left", "shift+tab"),
        "the next tab, the one before; or its digit",
        "tabs",
        frozenset({"backtest", "backtest_trades"}),
    ),
    Action(
        "step_backtests",
        ("down", "up", "j", "k", "pagedown", "pageup", "home", "end", "g", "G"),
        "from row to row",
        panels=frozenset({"backtests", "backtest_trades"}),
    ),
    Action("play", ("space",), "play and pause; at the end it begins anew", "play, pause", frozenset({"replay"})),
    Action("why", ("enter",), "why: of the row, or of the bar under the crosshair or the newest", "why", frozenset({"replay"})),
    Action("step_bars", ("full_stop", "comma"), "one bar forward, one back", "bar on", frozenset({"replay"})),
    Action("next_trade", ("n", "N"), "to the next trade, to the one before", "next trade", frozenset({"replay"})),
    Action(
        "speed",
        ("right_square_bracket", "left_square_bracket"),
        "faster, slower: x1 is a bar a second, or a session as fast as it was; max is as fast as can be had",
        "speed",
        frozenset({"replay"}),
    ),
    Action("go_to_day", ("g",), "go to a day", "go to", frozenset({"replay"})),
    Action("ends", ("home", "end"), "to before the first bar, to the last", panels=frozenset({"replay"})),
    Action("replay_panel", tuple("12345678"), "go to a panel, as on the trading screen; 8 is the equity", panels=frozenset({"replay"})),
    Action("replay_panels", ("tab", "shift+tab"), "the next panel, the one before", panels=frozenset({"replay"})),
    Action("replay_zoom", ("z",), "give the panel the whole screen, and back", "zoom", frozenset({"replay"})),
    Action(
        "replay_rows",
        ("down", "up", "j", "k", "pagedown", "pageup", "o", "O"),
        "from row to row, by pages; sort, the other way",
        panels=frozenset({"replay"}),
    ),
    Action("replay_crosshair", ("left", "right"), "the chart's crosshair: one candle to the past, one on", panels=frozenset({"replay"})),
    Action(
        "replay_chart",
        ("less_than_sign", "greater_than_sign", "plus", "equals_sign", "minus", "v", "l"),
        "the chart: time frame, zoom, averages, a line",
        panels=frozenset({"replay"}),
    ),
    Action("notices_of_now", ("i",), "the notices of the session underneath", panels=frozenset({"replay"})),
    Action("help_in_replay", ("question_mark",), "help", "help", panels=frozenset({"replay"})),
    Action("run_backtest", ("f5",), "run it, in a process of its own", "run", frozenset({"backtest_form"})),
    Action(
        "step_entries",
        ("tab", "enter", "down", "shift+tab", "up"),
        "complete the word, then the next field; the one before",
        "next field",
        frozenset({"backtest_form"}),
    ),
    Action("choose_fill", ("space",), "of a few choices the next", panels=frozenset({"backtest_form"})),
    Action("leave_form", ("escape", "ctrl+c"), "leave the form", "back", frozenset({"backtest_form"})),
    Action("cancel_backtest", ("escape", "ctrl+c"), "cancel the run; nothing of it is kept", "cancel it", frozenset({"backtest_run"})),
    Action("leave_running", ("q",), "leave; the run goes on, and its end is told", "leave it running", frozenset({"backtest_run"})),
    Action("change_preference", ("enter", "space"), "change it: the next choice, or a value to type", "change", frozenset({"preferences"})),
    Action("step_preference", ("right", "left"), "the next choice, the one before", "choices", frozenset({"preferences"})),
    Action(
        "reread_config",
        ("R",),
        "read the config file again, see what would change, and be asked",
        "reread file",
        frozenset({"preferences"}),
    ),
    Action(
        "next_preference",
        ("down", "up", "j", "k", "tab", "shift+tab", "pagedown", "pageup", "home", "end", "g", "G"),
        "the next, the one before; a page, the first, the last",
        "move",
        frozenset({"preferences"}),
    ),
    Action(
        "remove_limit",
        ("d", "delete"),
        "take away the limit of one strategy or symbol; that lets more through, and asks for the word",
        "take limit away",
        frozenset({"preferences"}),
    ),
    Action("take_value", ("enter",), "take what is typed", "take it", frozenset({"preference"})),
    Action("leave_value", ("escape", "ctrl+c"), "leave it as it was", "as it was", frozenset({"preference"})),
    Action("show_these", ("enter",), "show these alone", "show these", frozenset({"narrowing"})),
    Action("leave_filter", ("escape", "ctrl+c"), "leave it as it was", "as it was", frozenset({"narrowing"})),
    Action("back", ("escape", "q", "ctrl+c"), "back", panels=PAGES),
    Action("close", ("escape", "q", "enter", "ctrl+c"), "close", "close", READ),
)
"""Keys that the order line and the dialogs take themselves: told of and kept free, never dispatched by the table nor changed by a file."""


def clashes(actions: Iterable[Action]) -> Iterator[tuple[str, Action, Action]]:
    """Every key that means two things in one place, with both, the one that stands later last."""
    by_key: dict[str, list[Action]] = {}
    for action in actions:
        for key in action.keys:
            for other in by_key.get(key, ()):
                if action.places_of(key) & other.places_of(key):
                    yield key, other, action
            by_key.setdefault(key, []).append(action)


class KeyMap:
    """Finds the action of a key. Raises ValueError for a table in which one key means two things, naming both."""

    def __init__(self, actions: Iterable[Action] = ACTIONS, fixed: Iterable[Action] = FIXED) -> None:
        self.actions = tuple(actions)
        self.fixed = tuple(fixed)
        for key, one, other in clashes((*self.fixed, *self.actions)):
            raise ValueError(f"The key {shown(key)} means both {one.id} ({one.does}) and {other.id} ({other.does}).")
        self._by_key: dict[str, list[Action]] = {}
        for action in self.actions:
            for key in action.keys:
                self._by_key.setdefault(key, []).append(action)
        self.names = {action.id: shown(action.keys[0]) if action.keys else NO_KEY for action in (*self.fixed, *self.actions)}
        """The first key of each action as a person reads it, by the action's id."""

    def find(self, key: str, panel: str, typing: bool = False, character: str | None = None) -> Action | None:
        """The action of `key` while `panel` has the focus, or while a person types: then a key that types `character` is text."""
        if typing and character is not None and character.isprintable():
            return None
        for action in self._by_key.get(key, ()):
            if action.works_in(panel) and (action.typing or not typing):
                return action
        return None

    def hints(self, place: str) -> tuple[tuple[str, str], ...]:
        """(key, what it does) for the hint line of a panel, the order line or a dialog, most particular first; the stop is shown apart."""
        found = []
        for action in (*self.fixed, *self.actions):
            key = next((key for key in action.keys if place in action.places_of(key)), None)
            if action.hint and key is not None and not action.required:
                found.append((len(action.panels) != 1, shown(key), action.hint))
        found.sort(key=lambda hint: hint[0])
        return tuple((key, hint) for _, key, hint in found)
