"""The watchlists and their price alerts: edited in place, and followed by the engine."""

from __future__ import annotations

from console.actions.stage import Stage
from console.alerts import Alert, AlertBook
from console.watchlists import ALL, Watchlists
from engine.model import Level, View
from engine.model.market import Bar, Quote, Split
from engine.model.views import WatchRow
from widgets.chart import Chart
from widgets.watchlist import Watchlist

ALERT = "alert"
"""The source of an alert's line in the log."""


class WatchlistActions:
    """`frame` is to be called with each View, `begin` once the first picture is out."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._lists = Watchlists(stage.kept)
        self._alerts = AlertBook(stage.kept, self._fired)
        self._adding: dict[str, tuple[str, str]] = {}
        """Symbols that the engine was asked to watch, by the command, each with the list it is to join."""
        self._to_follow = False
        """Whether the lists and alerts of an earlier run are yet to be followed."""
        self._marks: dict[str, str] = {}

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Those that are set, whether fired or not."""
        return self._alerts.alerts

    def begin(self) -> None:
        self._lists.load()
        self._alerts.load()
        self._to_follow = True
        engine = self._stage.engine
        engine.subscribe(Quote, self._alerts.on_quote)
        engine.subscribe(Bar, self._alerts.on_bar)
        engine.subscribe(Split, self._alerts.on_split)
        self._arrange()

    def follow(self) -> None:
        """Have the account that is shown follow what the lists and alerts name."""
        self._to_follow = True

    def _fired(self, alert: Alert, text: str) -> None:
        """On the engine's thread."""
        self._stage.engine.note(Level.WARNING, ALERT, text)

    def frame(self, view: View) -> None:
        for reply in view.replies if self._adding else ():
            if reply.command_id in self._adding:
                symbol, name = self._adding.pop(reply.command_id)
                if reply.ok:
                    self._joins(symbol, name)
        if self._to_follow and view.health.ready:
            self._to_follow = False
            watched = {row.symbol for row in view.watch}
            for symbol in dict.fromkeys((*self._lists.every_symbol, *self._alerts.symbols)):
                if symbol not in watched:
                    # What this feed does not have stays in its list, and says so there.
                    self._stage.engine.watch(symbol)
        if self._alerts.marks() != self._marks:
            self._arrange()
        chart = self._stage.panels["chart"]
        assert isinstance(chart, Chart)
        chart.show_alerts(self._alerts.levels({row.symbol: row.tick for row in view.watch}) if self._alerts.symbols else ())

    def _arrange(self) -> None:
        """Has the panel show what there is now."""
        self._marks = self._alerts.marks()
        lists = self._lists
        self._panel.show_list(lists.shown, lists.place + 1, len(lists.names), lists.symbols, self._marks)

    @property
    def _panel(self) -> Watchlist:
        panel = self._stage.panels["watch"]
        assert isinstance(panel, Watchlist)
        return panel

    def _row(self, symbol: str) -> WatchRow | None:
        return next((row for row in self._stage.view.watch if row.symbol == symbol), None)

    # ---- symbols

    def do_add_symbol(self) -> None:
        from console.screens.watch_lists import SymbolSearch

        into = self._lists.shown
        there = self._lists.symbols if into != ALL else [row.symbol for row in self._stage.view.watch]
        self._stage.ask(SymbolSearch(into, self._stage.engine.offers, there or (), self._stage.clock), self._chosen)

    def _chosen(self, symbol: str | None) -> None:
        if symbol is None:
            return
        if self._row(symbol) is not None:
            self._joins(symbol, self._lists.shown)
        else:
            self._adding[self._stage.desk.watch(symbol)] = symbol, self._lists.shown

    def _joins(self, symbol: str, name: str) -> None:
        joins = name == self._lists.shown and name != ALL and symbol not in (self._lists.symbols or ())
        if joins and (complaint := self._lists.add(symbol)):
            self._stage.say(complaint, Level.WARNING)
        self._arrange()
        self._panel.select(symbol)

    def do_remove_symbol(self) -> None:
        symbol = self._stage.subject.symbol()
        if not symbol or not self._stage.subject.seen():
            return
        if self._lists.shown != ALL:
            self._lists.remove(symbol)
            self._arrange()
            self._stage.say(f"{symbol} is out of {self._lists.shown}; it is still watched, see {ALL}.", Level.INFO)
        elif names := self._lists.holding(symbol):
            self._stage.say(f"{symbol} is in {names[0]}: take it out there first.", Level.WARNING)
        elif symbol in self._alerts.symbols:
            self._stage.say(f"{symbol} has an alert: delete that first.", Level.WARNING)
        else:
            self._stage.desk.unwatch(symbol)

    def do_row_earlier(self) -> None:
        self._move(-1)

    def do_row_later(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        symbol, panel = self._stage.subject.symbol(), self._panel
        symbols, shown = self._lists.symbols, [row.symbol for row in panel.rows]
        if symbols is None:
            text = f"{ALL} stands in the order of the feed. {self._stage.keys.names['lists']} begins a list of your own."
            self._stage.say(text, Level.WARNING)
        elif (sorted_by := panel.sorted_by) is not None:
            # A row that is sorted has no place to be moved from: a move would be seen when nobody looks for it any more.
            panel.unsort()
            key = self._stage.keys.names["row_earlier" if by < 0 else "row_later"]
            text = f"It was sorted by {sorted_by.title}, and stands in the list's own order now. {key} moves {symbol}."
            self._stage.say(text, Level.INFO)
        elif symbol in shown and 0 <= (place := shown.index(symbol) + by) < len(shown):
            # Past the next row that is seen, and all that a filter hides between.
            self._lists.move(symbol, symbols.index(shown[place]) - symbols.index(symbol))
            self._arrange()

    # ---- lists

    def do_next_list(self) -> None:
        self._step(1)

    def do_previous_list(self) -> None:
        self._step(-1)

    def _step(self, by: int) -> None:
        if len(self._lists.names) == 1:
            self._stage.say(f"There is no other list yet. {self._stage.keys.names['lists']} begins one.", Level.INFO)
        self._lists.step(by)
        self._arrange()

    def do_lists(self) -> None:
        from console.screens.watch_lists import ListsDialog

        dialog = ListsDialog(self._lists, len(self._stage.view.watch), self._arrange, self._stage.clock)
        self._stage.ask(dialog, self._show)

    def _show(self, name: str | None) -> None:
        if name is not None:
            self._lists.choose(name)
            self._arrange()

    def show_row(self, symbol: str) -> bool:
        """Brings the row of `symbol` out, in the list that is shown or in all."""
        if not self._panel.select(symbol):
            self._show(ALL)
            return self._panel.select(symbol)
        return True

    # ---- alerts

    def do_alert(self) -> None:
        from console.screens.watch_alerts import AlertsDialog

        dialog = AlertsDialog(self._stage.subject.symbol_at_first(), self._row, self._alerts, self._arrange, self._stage.clock)
        self._stage.ask(dialog, lambda answer: None)
