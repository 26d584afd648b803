"""What the first picture did not wait for: imported behind it, on a thread, so that the first key that needs it finds it there."""

from __future__ import annotations

from importlib import import_module

LATER = (
    "console.screens.line_reader",
    "console.screens.questions",
    "console.screens.ticket",
    "console.ticket.new_order",
    "console.ticket.edit_order",
    "console.ticket.edit_signal",
    "console.screens.jump",
    "console.screens.help",
    "console.screens.palette",
    "console.screens.themes",
    "console.screens.columns",
    "console.screens.preferences",
    "console.screens.watch_lists",
    "console.screens.watch_alerts",
    "console.screens.watch_notices",
    "console.screens.details.order",
    "console.screens.details.position",
    "console.screens.details.rows",
    "console.screens.details.signal",
    "console.screens.backtests.listing",
    "console.screens.backtests.form",
    "console.screens.replay.page",
)
"""What a key opens, the likeliest first."""


def warm_up() -> None:
    """Blocks: not for the screen's thread."""
    for name in LATER:
        import_module(name)
