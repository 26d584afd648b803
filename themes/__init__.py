"""Theme files and their loader. Users add their own beside them. Imports nothing of ours."""

from themes.loader import FALLBACKS, ROLES, ThemeError, choose_theme, load_themes

__all__ = ["FALLBACKS", "ROLES", "ThemeError", "choose_theme", "load_themes"]
