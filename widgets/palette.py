"""Style roles in the colours of the current theme: the one place where a widget's roles become colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.style import Style
from textual.color import Color, ColorParseError

from themes import FALLBACKS, ROLES

if TYPE_CHECKING:
    from textual.app import App


class Palette:
    """Styles by role for one theme, given as the app's theme variables.

    Beside the roles, a plain colour of Textual's (`accent`, `warning`, `error`) is a role, too.
    """

    def __init__(self, variables: Mapping[str, str], *, plain: bool = False) -> None:
        self.plain = plain
        """Whether all is to be written, and nothing drawn."""
        self._variables = variables
        self._styles: dict[tuple[str, ...], Style] = {}
        self._plain = Style(color=self._colour("foreground"), bgcolor=self._colour("background"))

    @classmethod
    def of(cls, app: App[Any]) -> Palette:
        """The palette of an app's theme, plain where the app says that it is."""
        return cls(app.theme_variables, plain=getattr(app, "plain", False))

    def style(self, *roles: str) -> Style:
        """Plain text with these roles laid over it, the last on top; the same object every time. An empty role adds nothing."""
        style = self._styles.get(roles)
        if style is None:
            style = self._plain
            for role in roles:
                if role:
                    style += self._role(role)
            self._styles[roles] = style
        return style

    @staticmethod
    def blank_alike(one: Style, other: Style) -> bool:
        """Whether a space looks the same in both, so that it need not break a run of text."""
        return one.bgcolor == other.bgcolor and not (one.reverse or other.reverse or one.underline or other.underline)

    def _role(self, role: str) -> Style:
        if role in self._variables and role in ROLES:
            attributes = self._variables.get(f"{role}-text-style", "")
            return Style(color=self._colour(role), bgcolor=self._colour(f"{role}-background")) + Style.parse(attributes or "none")
        name, attributes = FALLBACKS.get(role, (role, ""))
        return Style(color=self._colour(name)) + Style.parse(attributes or "none")

    def _colour(self, variable: str) -> str | None:
        try:
            colour = Color.parse(self._variables[variable])
        except (KeyError, ColorParseError):
            return None
        return f"#{colour.r:02x}{colour.g:02x}{colour.b:02x}" if colour.a > 0 else None
