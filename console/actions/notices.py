"""What matters, told until it is read: the line under the header, the list, the bell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from console.actions.stage import Stage
from console.notices import Notice, Notices, is_told_in, loudest
from console.notify import Notifier
from engine.model import View
from widgets import numbers
from widgets.notices import NoticeLine
from widgets.table import LiveTable

AWAY_S = 60.0
"""After so long without a key nobody may be there."""
FILLS = frozenset({"orders", "positions"})
"""Panels in which a fill is seen as it comes."""


class NoticeActions:
    """`frame` is to be called with each View. `above` answers what the banner over the `line` says. `show_row` brings out a symbol's row in
    the watchlist, `show_account` another account."""

    def __init__(
        self,
        stage: Stage,
        line: NoticeLine,
        above: Callable[[], str],
        notifier: Notifier,
        show_row: Callable[[str], bool],
        show_account: Callable[[str], None],
    ) -> None:
        self._stage = stage
        self._line = line
        self._above = above
        self._notifier = notifier
        self._show_row = show_row
        self._show_account = show_account
        self._notices = Notices()
        self._touched = stage.clock()
        self._left = False

    def touched(self) -> None:
        """A person pressed a key, or came back to the terminal."""
        self._touched = self._stage.clock()
        self._left = False

    def left(self) -> None:
        """The terminal lost the focus."""
        self._left = True

    @property
    def _away(self) -> bool:
        alone = self._stage.layout_name == "small" or self._stage.zoomed
        return self._left or self._stage.clock() - self._touched > AWAY_S or (alone and self._stage.panel not in FILLS)

    def frame(self, view: View) -> None:
        for notice in self._notices.take(view.log, away=self._away):
            self._notifier.tell(notice.level, notice.said)
        for each in view.accounts or (view,):
            for link in each.health.links:
                if link.is_broker and link.up:
                    self._notices.is_back(each.name, link.name, each.health.market_time)
        self._notifier.flush()
        self.show()

    def show(self) -> None:
        self.show_on(self._line, self._above())

    def show_on(self, line: NoticeLine, above: str = "") -> None:
        """What was not read yet, on the line of another screen. What stands `above` it already takes no room a second time."""
        unread = self._notices.unread
        key = self._stage.keys.names["notices"]
        if unread:
            newest = next((notice for notice in unread if not is_told_in(notice, above)), None)
            at, said = (newest.at, newest.said) if newest else (unread[0].at, "as told above")
            line.show(len(unread), loudest(unread), numbers.moment(at, self._today()), said, key, self._elsewhere(unread))
        else:
            line.show(0, loudest(()), "", "", key)

    def _today(self) -> str:
        return numbers.market_day(self._stage.view.health.market_time)

    def _elsewhere(self, unread: tuple[Notice, ...]) -> str:
        """How many of them are of accounts that are not shown, unless the newest says so for all."""
        of = Counter(notice.account for notice in unread)
        if len(of) == 1:
            return ""
        return ", ".join(f"{name} {count}" for name, count in of.items() if name not in ("", self._stage.view.name))

    def do_notices(self) -> None:
        from console.screens.watch_notices import NoticesDialog

        self._stage.ask(NoticesDialog(self._notices, self._today, self._stage.clock), self._go)

    def _go(self, notice: Notice | None) -> None:
        """To the row that it is about, or to its line in the log where that row is gone."""
        self.show()
        if notice is None:
            return
        if notice.account not in ("", self._stage.view.name):
            # Another account has orders and signals of the same numbers.
            self._show_account(notice.account)
        view, panel, key = self._stage.view, notice.panel, ""
        if panel == "orders":
            key = next((row.id for row in view.orders if str(row.number) == notice.row), "")
        elif panel == "signals":
            key = next((row.id for row in view.signals if str(row.number) == notice.row), "")
        elif panel == "watch" and self._show_row(notice.row):
            key = notice.row
        if not key and panel != "risk":
            panel, key = "log", str(notice.number)
        self._stage.go(panel)
        table = self._stage.panels[panel]
        if key and isinstance(table, LiveTable):
            table.select(key)
