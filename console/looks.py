"""What the screen looks like: the theme in use, those to choose from, and the choice that is kept from start to start.

The config's `theme` is the one to begin with. A choice made on the screen goes over it, until another is made or the config's is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from console.kept import Kept
from themes import ThemeError, Themes, choose_theme

if TYPE_CHECKING:
    from textual.app import App

    AnyApp: TypeAlias = App[Any]

_KEPT = "theme"


class Looks:
    """`configured` is the config's theme, `tell` says what is wrong with a file. Raises ThemeError where that theme cannot be used."""

    def __init__(
        self,
        app: AnyApp,
        folders: Sequence[Path],
        configured: str,
        kept: Kept,
        tell: Callable[[str], None],
        environment: Mapping[str, str],
        plain: bool = False,
    ) -> None:
        self._app = app
        self._themes = Themes(folders)
        self._configured = configured
        self._kept = kept
        self._tell = tell
        self._mistakes: dict[str, str] = {}
        self.plain = plain
        """Whether all is written and nothing drawn, for a screen reader."""
        self.without_colour = bool(environment.get("NO_COLOR"))
        """Whether the terminal's owner wants no colour: then every theme comes out in greys."""
        self.chosen = self._begin(choose_theme(configured, environment))

    def _begin(self, name: str) -> str:
        choice = self._kept.load(_KEPT, dict[str, str], {})
        mine = choice.get("chosen", "")
        if mine and choice.get("over") == self._configured and not self.without_colour:
            try:
                return self._use(mine)
            except ThemeError as error:
                self._tell(f"The theme you chose cannot be used: {error}. Here is {name} instead.")
        return self._use(name)

    def _use(self, name: str) -> str:
        self._app.register_theme(self._themes.load(name))
        self._app.theme = name
        return name

    @property
    def names(self) -> tuple[str, ...]:
        """All there are, those that cannot be used as well."""
        return self._themes.names

    def about(self, name: str) -> str:
        """What a theme says of itself, or why it cannot be used."""
        return self._mistakes.get(name) or self._themes.description(name)

    def usable(self, name: str) -> bool:
        return name in self._app.available_themes

    def read_all(self) -> Mapping[str, str]:
        """Reads the files of all themes; answers why some cannot be used, by name. Blocks: not for the screen's thread."""
        mistakes = {}
        for name in self._themes.names:
            try:
                self._themes.load(name)
            except ThemeError as error:
                mistakes[name] = str(error)
        return mistakes

    def offer_all(self, mistakes: Mapping[str, str]) -> None:
        """Makes what `read_all` has read to be chosen from, and says what could not be."""
        self._mistakes = dict(mistakes)
        for name in self._themes.names:
            if name not in mistakes:
                self._app.register_theme(self._themes.load(name))
        if len(mistakes) == 1:
            self._tell(f"{next(iter(mistakes.values()))}. It is left out.")
        elif mistakes:
            self._tell(f"These themes cannot be used and are left out: {', '.join(mistakes)}. The choice of themes says of each why.")

    def show(self, name: str) -> None:
        """Repaint everything in this theme, without keeping it."""
        if self.usable(name) and self._app.theme != name:
            self._app.theme = name

    def choose(self, name: str) -> None:
        """Use it until the program ends."""
        self.show(name)
        self.chosen = name

    def keep(self, name: str) -> None:
        """Choose it, for the next start too."""
        self.choose(name)
        self._kept.save(_KEPT, {"chosen": name, "over": self._configured})

    def configured(self, name: str) -> None:
        """The config's theme is this one from now on, and it is chosen."""
        self._configured = name
        self.keep(name)
