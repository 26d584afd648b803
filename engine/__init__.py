"""The headless trading engine. Imports nothing from console, widgets, themes or storage, and runs without them."""
