"""The screens: the trading screen and the dialogs over it. Imports widgets, themes, the key table and the engine's values."""
