"""Style roles in the colours of the current theme: the one place where a widget's roles become colours."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color, ColorParseError

from themes import FALLBACKS


class Palette:
    """Styles by role for one theme, given as the app's theme variables. A role the theme does not know falls back on one it does."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._styles: dict[tuple[str, ...], Style] = {}
        self._plain = Style(color=self._colour("foreground"), bgcolor=self._colour("background"))

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
        name = role if role in self._variables else FALLBACKS.get(role, "foreground")
        attributes = self._variables.get(f"{name}-text-style", "")
        return Style(color=self._colour(name), bgcolor=self._colour(f"{name}-background")) + Style.parse(attributes or "none")

    def _colour(self, variable: str) -> str | None:
        try:
            colour = Color.parse(self._variables[variable])
        except (KeyError, ColorParseError):
            return None
        return f"#{colour.r:02x}{colour.g:02x}{colour.b:02x}" if colour.a > 0 else None
