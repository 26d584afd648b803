"""Which of several accounts the screen shows, and what follows it there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console.accounts.engines import AccountEngines
from console.actions.stage import Stage
from console.config_file import ConfigFile
from engine.model import Level
from engine.model.settings import Settings
from widgets.other_accounts import others, waiting
from widgets.positions import Positions
from widgets.table import LiveTable


class AccountActions:
    """`switched` is told of each account that is shown from now on."""

    def __init__(self, stage: Stage, config: ConfigFile, switched: Callable[[], None]) -> None:
        self._stage = stage
        self._config = config
        self._switched = switched
        self.settings: Mapping[str, Settings] = {}
        """Of each account, where there are several."""

    def do_next_account(self) -> None:
        engine = self._stage.engine
        if not isinstance(engine, AccountEngines):
            self._one_alone()
            return
        names = engine.names
        self.show(names[(names.index(engine.current) + 1) % len(names)])

    def do_first_waiting(self) -> None:
        # Where the header says that it goes: what waits here is before one's eyes, though it run out sooner, and what is pressed next
        # would be done to it in the wrong account.
        view = self._stage.view
        found = waiting(others(view)) or waiting((view,))
        if not found:
            self._stage.say(f"No signal waits{' in any account' if view.accounts else ''}.", Level.INFO)
            return
        its, rows = found[0]
        if its.name != view.name:
            self.show(its.name)
        self._stage.go("signals")
        panel = self._stage.panels["signals"]
        assert isinstance(panel, LiveTable)
        if not panel.select(rows[0].id):
            self._stage.say(f"The rows that are shown leave it out: {self._stage.keys.names['clear']} shows all.", Level.WARNING)

    def do_positions_of(self) -> None:
        panel = self._stage.panels["positions"]
        assert isinstance(panel, Positions)
        if self._stage.view.accounts:
            panel.next_subset()
        else:
            self._one_alone()

    def _one_alone(self) -> None:
        self._stage.say("There is one account. The section `accounts` of the config names others.", Level.INFO)

    def show(self, name: str) -> None:
        """Has the screen show this one."""
        engine = self._stage.engine
        if not isinstance(engine, AccountEngines) or name not in engine.names:
            return
        engine.switch(name)
        if (its := self.settings.get(name)) is not None:
            self._stage.archive.path = its.database
            self._config.turn_to(name)
        self._stage.look_now()
        self._switched()
        self._stage.say(f"Account {name} is shown, and what you do is done in it.", Level.INFO)
