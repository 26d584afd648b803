"""Theme files and their loader. Users add their own beside them. Imports nothing of ours."""

from themes.loader import FALLBACKS, ROLES, ThemeError, Themes, choose_theme, load_themes

__all__ = ["FALLBACKS", "ROLES", "ThemeError", "Themes", "choose_theme", "load_themes"]
