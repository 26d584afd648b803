"""All groups of actions, and which of their methods carries out which action."""

from __future__ import annotations

from collections.abc import Callable

from console.actions.accounts import AccountActions
from console.actions.backtests import BacktestActions
from console.actions.chart import ChartActions
from console.actions.finding import FindingActions
from console.actions.notices import NoticeActions
from console.actions.orders import OrderActions
from console.actions.panels import PanelActions
from console.actions.preferences import PreferenceActions
from console.actions.program import OnExit, ProgramActions
from console.actions.reading import ReadingActions
from console.actions.rows import RowActions
from console.actions.signals import SignalActions
from console.actions.stage import Stage
from console.actions.tables import TableActions
from console.actions.watchlists import WatchlistActions
from console.config_file import ConfigFile
from console.looks import Looks
from console.notify import Notifier
from engine.model import View
from widgets.banner import Banner
from widgets.chart import Chart
from widgets.notices import NoticeLine


class Groups:
    """`on_exit` is what quitting does to working orders, `leave` ends the program."""

    def __init__(
        self,
        stage: Stage,
        chart: Chart,
        notice_line: NoticeLine,
        banner: Banner,
        *,
        on_exit: OnExit,
        leave: Callable[[], None],
        looks: Looks,
        notifier: Notifier,
        config: ConfigFile,
    ) -> None:
        self.readings = ReadingActions(stage)
        self.watchlists = WatchlistActions(stage)
        self.accounts = AccountActions(stage, config, self.watchlists.follow)
        self.notices = NoticeActions(stage, notice_line, lambda: banner.text, notifier, self.watchlists.show_row, self.accounts.show)
        self.tables = TableActions(stage)
        self._chart = ChartActions(stage, chart)
        self.preferences = PreferenceActions(stage, config, looks, notifier)
        self.backtests = BacktestActions(stage, config)
        self.performers = performers(
            self.accounts,
            self._chart,
            FindingActions(stage),
            OrderActions(stage),
            PanelActions(stage),
            ProgramActions(stage, on_exit, leave, looks, lambda: self.backtests.running_text),
            self.readings,
            RowActions(stage),
            SignalActions(stage),
            self.watchlists,
            self.notices,
            self.tables,
            self.preferences,
            self.backtests,
        )
        """What carries out each action, by the action's name."""

    async def restore(self) -> None:
        """Show tables and chart as they were left."""
        await self.tables.restore()
        await self._chart.restore()

    def frame(self, view: View) -> None:
        """To be called with each frame: what waits for the engine, for a price or for a process looks whether it has come."""
        self._chart.frame(view)
        self.watchlists.frame(view)
        self.notices.frame(view)
        self.preferences.frame(view)
        self.backtests.frame()


def performers(*groups: object) -> dict[str, Callable[..., None]]:
    """The method that carries out each action, by the action's name. Raises ValueError where two carry out the same."""
    found: dict[str, Callable[..., None]] = {}
    for group in groups:
        for method in dir(group):
            if method.startswith("do_"):
                name = method.removeprefix("do_")
                if name in found:
                    raise ValueError(f"The action {name} is carried out twice: by {found[name]} and by {group}.")
                found[name] = getattr(group, method)
    return found
